"""The global test over all groups, from coarse block sums."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from repdist._blocks import Block
from repdist._designs.relabelings import Places, Swaps
from repdist._designs.table_cuts import TableCuts
from repdist._inference.centring import without_row_sums
from repdist._inference.combine import Combination, Null, Statistics, tie_tolerance
from repdist._inference.transform import FormsOfSwaps
from repdist._typing import Combine, Float64

_ROWS = 64  # pairs of units whose rows of S are taken at a time


@dataclass(frozen=True)
class WholeSums:
    """Block sums between the coarse units of all groups, in an order that their names alone give.

    Attributes
    ----------
    S : (R, U, U)
        Sums over pairs of different rows.
    sizes : (k,)
        Rows of each group.
    unit_group, unit_rows, can_move : (U,)
        The group of each unit, how many rows it has, and whether a relabeling moves it.
    weights : (R,)
        Of the components in the kernel.
    squares, magnitude : (R,)
        Over all pairs of different rows.
    epsilon : float
    """

    S: Float64
    sizes: npt.NDArray[np.intp]
    unit_group: npt.NDArray[np.intp]
    unit_rows: npt.NDArray[np.intp]
    can_move: npt.NDArray[np.bool_]
    weights: Float64
    squares: Float64
    magnitude: Float64
    epsilon: float


class WholeTotal:
    """Gathers coarse sums for the global test while blocks pass by."""

    def __init__(self, cuts: TableCuts, within: list[Block], weights: Float64) -> None:
        self._cuts, self._weights = cuts, weights
        self._order = order = cuts.streams.order
        wholes = cuts.whole_cuts
        self._unit_rows = [np.diff(wholes[g].edges(cuts.sizes[g])) for g in order]
        counts = [len(rows) for rows in self._unit_rows]
        self._can_move = [
            np.arange(count) < wholes[g].movable for g, count in zip(order, counts, strict=True)
        ]
        ends = np.cumsum([0, *counts])
        self._places = {g: slice(ends[i], ends[i + 1]) for i, g in enumerate(order)}
        self._S = np.zeros((len(weights), ends[-1], ends[-1]))
        self._squares = np.zeros_like(within[0].squares)
        self._magnitude = np.zeros_like(within[0].magnitude)
        self._epsilon = within[0].epsilon
        for block in within:
            self._add(block)

    def adding(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Yield the blocks, and add each to the sums."""
        for block in blocks:
            self._add(block)
            yield block

    def sums(self) -> WholeSums:
        """Return the sums of all blocks."""
        return WholeSums(
            self._S,
            np.array([self._cuts.sizes[g] for g in self._order]),
            np.repeat(np.arange(len(self._order)), [len(rows) for rows in self._unit_rows]),
            np.concatenate(self._unit_rows),
            np.concatenate(self._can_move),
            self._weights,
            self._squares,
            self._magnitude,
            self._epsilon,
        )

    def _add(self, block: Block) -> None:
        cuts = self._cuts.whole_cuts
        sums = self._cuts.reduce(block, cuts[block.first], cuts[block.second]).sums
        first, second = self._places[block.first], self._places[block.second]
        self._S[:, first, second] = sums
        self._S[:, second, first] = sums.transpose(0, 2, 1)
        self._squares += block.squares * (1 if block.first == block.second else 2)
        self._magnitude = np.maximum(self._magnitude, block.magnitude)


def whole_null(
    sums: WholeSums, combine: Combine, n_resamples: int, rng: np.random.Generator
) -> tuple[Null, Swaps]:
    """Return the null distribution of "all groups come from one distribution", and its relabelings.

    The statistic of a component is the sum over pairs of groups of their unbiased MMD^2,

        ``sum_g (k - 1) q_g / (n_g (n_g - 1)) - sum_{g != h} q_gh / (n_g n_h)``,

    with q the sums within and between groups. Units of one size are shuffled over all groups, and
    each shuffle is followed by all swaps of a code between random pairs of places.
    ``O(J U^2)`` time a component, for J shuffles.
    """
    sizes, places = sums.sizes, np.flatnonzero(sums.can_move)
    k = len(sizes)
    pairs = len(places) // 2
    swaps = Swaps.at_least(n_resamples + 1, pairs, pairs)
    centred = without_row_sums(sums.S, sums.unit_rows, with_diagonal=False)
    S = np.ascontiguousarray(centred.transpose(1, 2, 0))
    form = _PositionForm(S, sizes, sums.unit_group)
    values = np.empty((S.shape[2], swaps.total))
    for j in range(swaps.shuffles):
        unit_at = np.arange(len(sums.unit_group))
        if j > 0:
            unit_at[places] = rng.permutation(places)
        p, q = rng.permutation(places)[: 2 * pairs].reshape(2, pairs)
        found, mean = form.of_swaps(unit_at, p, q, swaps.dimension)
        values[:, j << swaps.dimension : (j + 1) << swaps.dimension] = found + mean[:, None]
    least = int(sizes.min())
    tolerance = tie_tolerance(sums.magnitude, sums.epsilon, least, least) * k * (k - 1) / 2
    combination = Combination(combine, sums.weights, sums.squares, least)
    return Null(Statistics.of(values), tolerance, combination), swaps


class _PositionForm:
    """``sum_uv S_uv W(position of u, position of v)``, with W given by the groups of positions."""

    def __init__(
        self, S: Float64, sizes: npt.NDArray[np.intp], group: npt.NDArray[np.intp]
    ) -> None:
        n = sizes.astype(np.float64)
        W = -1 / np.outer(n, n)
        np.fill_diagonal(W, (len(n) - 1) / (n * (n - 1)))
        self._S, self._W = S, W[np.ix_(group, group)]

    def of_swaps(self, unit_at: Places, p: Places, q: Places, k: int) -> tuple[Float64, Float64]:
        """Return the form under all swaps of the units at p_i and q_i less its mean, and that."""
        W, S = self._W, self._S
        x, y = unit_at[p], unit_at[q]
        U, _, R = S.shape
        weights = W.reshape(-1)

        def factors(i: Places, j: Places) -> Float64:
            pi, qi, pj, qj = U * p[i], U * q[i], p[j], q[j]
            of_pair = weights[pi + pj] + weights[qi + qj] - weights[pi + qj] - weights[qi + pj]
            return np.asarray(of_pair)[None]

        position = np.empty(U, dtype=np.intp)
        position[unit_at] = np.arange(U)
        mean_W = W.copy()  # over both places of each pair
        mean_W[:, p] = mean_W[:, q] = (W[:, p] + W[:, q]) / 2
        steps = (mean_W[p] - mean_W[q])[:, position]  # (K, U)
        linear = np.concatenate(
            [
                np.einsum("kur,ku->kr", S[x[rows]] - S[y[rows]], steps[rows])
                for rows in (slice(a, a + _ROWS) for a in range(0, len(p), _ROWS))
            ]
        )
        of_swaps = FormsOfSwaps(np.stack([x, y])[None], U, k, factors)
        values = of_swaps(S, linear[None])[0][:, 0]
        here = W[np.ix_(position, position)].reshape(-1) @ S.reshape(U * U, R)  # (R,)
        return values, here - values[:, 0]
