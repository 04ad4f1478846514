"""The global test over all groups, from coarse block sums."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from repdist._blocks import Block
from repdist._designs.table_cuts import TableCuts
from repdist._designs.units import Cut
from repdist._inference.centring import without_row_sums
from repdist._inference.combine import Combination, Null, null_distribution, tie_tolerance
from repdist._typing import Combine, Float64

_ENTRIES = 2**22  # of kernel sums gathered at a time


@dataclass(frozen=True)
class WholeSums:
    """Block sums between the coarse units of all groups.

    Attributes
    ----------
    blocks : dict
        ``(g, h)``, g <= h, to (R, U_g, U_h) sums over pairs of different rows.
    cuts : list of Cut
        How each group is cut.
    order : list of int
        The groups in an order that their names alone give.
    weights : (R,)
        Of the components in the kernel.
    squares, magnitude : (R,)
        Over all pairs of different rows.
    epsilon : float
    """

    blocks: dict[tuple[int, int], Float64]
    cuts: list[Cut]
    order: list[int]
    weights: Float64
    squares: Float64
    magnitude: Float64
    epsilon: float


class WholeTotal:
    """Gathers coarse sums for the global test while blocks pass by."""

    def __init__(self, cuts: TableCuts, within: list[Block], weights: Float64) -> None:
        self._cuts, self._weights = cuts, weights
        self._blocks: dict[tuple[int, int], Float64] = {}
        self._squares = np.zeros_like(within[0].squares)
        self._magnitude = np.zeros_like(within[0].magnitude)
        self._epsilon = within[0].epsilon
        for block in within:
            self._add(block)

    def adding(self, blocks: Iterator[Block]) -> Iterator[Block]:
        for block in blocks:
            self._add(block)
            yield block

    def sums(self) -> WholeSums:
        return WholeSums(
            self._blocks,
            self._cuts.whole_cuts,
            self._cuts.streams.order,
            self._weights,
            self._squares,
            self._magnitude,
            self._epsilon,
        )

    def _add(self, block: Block) -> None:
        cuts = self._cuts.whole_cuts
        reduced = self._cuts.reduce(block, cuts[block.first], cuts[block.second])
        self._blocks[block.first, block.second] = reduced.sums
        self._squares += block.squares * (1 if block.first == block.second else 2)
        self._magnitude = np.maximum(self._magnitude, block.magnitude)


def whole_null(
    sums: WholeSums,
    sizes: list[int],
    combine: Combine,
    n_resamples: int,
    rng: np.random.Generator,
) -> Null:
    """Return the null distribution and p-value of "all groups come from one distribution".

    The statistic of a component is the sum over pairs of groups of their unbiased MMD^2,

        ``sum_g (k - 1) q_g / (n_g (n_g - 1)) - sum_{g != h} q_gh / (n_g n_h)``,

    with q the sums within and between groups. Units of one size are shuffled over all groups,
    which stand in the order that their names give, wherever the table has them.
    ``O(B (U^2 + sum U_g^2))`` time a component.
    """
    sums, sizes = _by_name(sums, sizes)
    k = len(sizes)
    units = [len(sums.blocks[g, g][0]) for g in range(k)]
    of_position = np.repeat(np.arange(k), units)  # the group that a position belongs to
    movable = np.concatenate(
        [np.arange(u) < cut.movable for u, cut in zip(units, sums.cuts, strict=True)]
    )
    S = _centred(sums, sizes)
    block = max(1, _ENTRIES // max(units) ** 2)
    n = np.array(sizes, dtype=np.float64)
    T = np.empty((n_resamples + 1, len(S)))
    start = 0
    for order in _orders(movable, n_resamples, block, rng):
        rows = slice(start, start + len(order))
        start = rows.stop
        V = np.zeros(order.shape)
        np.put_along_axis(V, order, 1 / n[of_position][None], axis=1)  # 1 / n_g of each unit
        for r, S_r in enumerate(S):
            within = np.stack([_within(S_r, order[:, of_position == g]) for g in range(k)], axis=1)
            all_pairs = np.einsum("bu,bu->b", V @ S_r, V)  # sum_{g, h} q_gh / (n_g n_h)
            T[rows, r] = within @ ((k - 1) / (n * (n - 1)) + 1 / n**2) - all_pairs
    tolerance = tie_tolerance(sums.magnitude, sums.epsilon, min(sizes), min(sizes))
    combination = Combination(combine, sums.weights, sums.squares, min(sizes))
    return null_distribution(T, tolerance * k * (k - 1) / 2, combination)


def _by_name(sums: WholeSums, sizes: list[int]) -> tuple[WholeSums, list[int]]:
    """Return the sums and sizes of the groups in the order that their names give."""
    place = {group: i for i, group in enumerate(sums.order)}
    blocks = {}
    for (g, h), S in sums.blocks.items():
        i, j = place[g], place[h]
        blocks[min(i, j), max(i, j)] = S if i <= j else S.transpose(0, 2, 1)
    cuts = [sums.cuts[g] for g in sums.order]
    return dataclasses.replace(sums, blocks=blocks, cuts=cuts), [sizes[g] for g in sums.order]


def _orders(
    movable: npt.NDArray[np.bool_], n_resamples: int, block: int, rng: np.random.Generator
) -> Iterator[npt.NDArray[np.intp]]:
    """Yield in blocks which unit stands at each position, (b, U); row 0 is the observed order."""
    observed = np.arange(len(movable))
    for start in range(0, n_resamples + 1, block):
        order = np.repeat(observed[None], min(block, n_resamples + 1 - start), axis=0)
        order[:, movable] = rng.permuted(order[:, movable], axis=1)
        if start == 0:
            order[0] = observed
        yield order


def _within(S: Float64, units: npt.NDArray[np.intp]) -> Float64:
    """Return the sum of S (U, U) over all pairs of `units` (b, u) in each row, (b,)."""
    return np.asarray(S[units[:, :, None], units[:, None, :]].sum(axis=(1, 2)))


def _centred(sums: WholeSums, sizes: list[int]) -> Float64:
    """Put the blocks together, (R, U, U), with rows that sum to 0."""
    k = len(sizes)
    S = np.concatenate(
        [
            np.concatenate(
                [
                    sums.blocks[g, h] if g <= h else sums.blocks[h, g].transpose(0, 2, 1)
                    for h in range(k)
                ],
                axis=2,
            )
            for g in range(k)
        ],
        axis=1,
    )
    rows = np.concatenate([np.diff(cut.edges(n)) for cut, n in zip(sums.cuts, sizes, strict=True)])
    return without_row_sums(S, rows, with_diagonal=False)
