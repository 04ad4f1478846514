"""Every pair of groups from one pass over the kernel: shared halves, and what belongs to a group.

Each pair is tested under relabelings of its own two groups. The relabelings of a pair consist of
two halves, one a group; pairs with equal unit counts draw equal numbers of kept units, so a
group's half, and all products within the group, serve every such pair. A half depends on the name
of its group, not on the place of the group in the table.
"""

import collections
import dataclasses
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from repdist._blocks import Block, join
from repdist._designs.relabelings import Relabelings, half_labels, shared_moves
from repdist._designs.table_cuts import TableCuts
from repdist._designs.units import Cut, Units
from repdist._inference.all_groups import WholeSums, WholeTotal
from repdist._inference.centring import centred_blocks, centred_within, pair_sums, shift
from repdist._inference.combine import Combination, null_distribution, tie_tolerance
from repdist._inference.estimates import (
    Estimate,
    mmd_squared_from_sums,
    raise_if_negative,
    spread,
    standard_error,
)
from repdist._inference.quadratic_form import (
    Half,
    QuadraticForm,
    complement,
    component_statistics,
    half,
    pair_statistics,
    precision,
)
from repdist._threads import in_order
from repdist._typing import Combine, Float64

_SHARED_BYTES = 2**29  # for halves that serve several pairs


@dataclass(frozen=True)
class Pair:
    """The test of two groups, first < second in the table."""

    first: int
    second: int
    estimate: Estimate
    statistic: float
    pvalue: float
    relabelings: Relabelings
    varies: bool


@dataclass(frozen=True)
class Comparison:
    """All pairs, and what belongs to single groups.

    Attributes
    ----------
    pairs : list of Pair
        In the order (0, 1), (0, 2), ..., (1, 2), ....
    spread : (k,)
        ``mean k(x, x) - mean k(x, x')`` of each group, under the weighted kernel.
    whole : WholeSums
        For the global test.
    """

    pairs: list[Pair]
    spread: Float64
    whole: WholeSums


def compare_pairs(
    blocks: Iterator[Block],
    cuts: TableCuts,
    weights: Float64,
    combine: Combine,
    n_jobs: int,
) -> Comparison:
    """Test every pair of groups from the blocks of one pass.

    ``O(B U^2)`` a pair and component. Memory: the blocks within groups, one block between groups
    for each thread, and shared halves.
    """
    within = list(itertools.islice(blocks, len(cuts.sizes)))
    whole = WholeTotal(cuts, within, weights)
    work = _PairWork(cuts, within, weights, combine)
    work.share_halves(n_jobs)
    return Comparison(
        pairs=list(in_order(work.test, whole.adding(blocks), n_jobs)),
        spread=np.array([spread(block, weights) for block in within]),
        whole=whole.sums(),
    )


@dataclass(frozen=True)
class _Side:
    """One group's side of a pair: what its half depends on."""

    group: int
    is_first: bool
    cut: Cut
    movable: tuple[int, int]


class _PairWork:
    """Tests pairs as their blocks come in; what pairs share is computed once."""

    def __init__(
        self, cuts: TableCuts, within: list[Block], weights: Float64, combine: Combine
    ) -> None:
        self._cuts, self._within = cuts, within
        self._weights, self._combine = weights, combine
        self._shifts = [
            shift(block, np.diff(edges)) for block, edges in zip(within, cuts.edges, strict=True)
        ]
        self._halves: dict[_Side, Half] = {}

    def share_halves(self, n_jobs: int) -> None:
        """Compute the halves that serve most pairs, as far as memory for them goes."""
        uses = collections.Counter(
            side
            for pair, drawn in self._cuts.relabelings.items()
            if not drawn.exhaustive
            for side in self._sides(*self._cuts.ordered(pair), drawn.units)
        )
        size = self._cuts.n_resamples + 1
        chosen, left = [], _SHARED_BYTES
        for side, count in uses.most_common():
            left -= size * (side.cut.movable + 1 + 16 * len(self._weights))
            if count < 2 or left < 0:
                break
            chosen.append(side)
        self._halves = dict(zip(chosen, in_order(self._half, chosen, n_jobs), strict=True))

    def test(self, block: Block) -> Pair:
        """Test the pair whose block between the groups this is."""
        g, h = self._cuts.ordered((block.first, block.second))
        n, m = self._cuts.sizes[g], self._cuts.sizes[h]
        drawn = self._cuts.relabelings[block.first, block.second]
        across = block if g == block.first else _transposed(block)
        first, second = self._within[g], self._within[h]
        T = (self._all if drawn.exhaustive else self._drawn)(across, drawn)
        squares = first.squares + second.squares + 2 * across.squares
        null = null_distribution(
            T,
            tie_tolerance(_largest(first, second, across), across.epsilon, n, m),
            Combination(self._combine, self._weights, squares, n),
        )
        estimate = Estimate(
            float(self._mmd_squared(first, across, second) @ self._weights),
            standard_error(
                np.stack([first.rows, across.rows], axis=1),
                np.stack([second.rows, across.columns], axis=1),
            ),
            float((T @ self._weights)[1:].var()),
        )
        n_biased, m_biased = (
            block.diagonal.sum(axis=1) + block.sums.sum(axis=(1, 2)) for block in (first, second)
        )
        biased = mmd_squared_from_sums(
            n_biased, across.sums.sum(axis=(1, 2)), m_biased, (n, m), "biased"
        )
        magnitude = float(_largest(first, second, across) @ np.abs(self._weights))
        raise_if_negative(float(biased @ self._weights), magnitude, across.epsilon)
        varies = not bool(null.dropped.all())
        statistic = float(null.statistic[0])
        return Pair(block.first, block.second, estimate, statistic, null.pvalue, drawn, varies)

    def _all(self, across: Block, drawn: Relabelings) -> Float64:
        """Return the statistics of all relabelings of a pair, by the code of `mmd_test`."""
        units, pair = drawn.units, (across.first, across.second)
        first, second = (
            self._cuts.reduce(self._within[g], cut, cut)
            for g, cut in zip(pair, units.cuts, strict=True)
        )
        sums = join(first, second, self._cuts.reduce(across, *units.cuts))
        form = QuadraticForm(centred_blocks(sums, units.rows, "unbiased"), self._precision(across))
        labels = drawn.labels(np.random.default_rng())  # draws nothing
        return component_statistics(form, labels, sums.sizes, "unbiased", map)

    def _drawn(self, across: Block, drawn: Relabelings) -> Float64:
        """Return the statistics of random relabelings of a pair, made of two halves."""
        units = drawn.units
        sides = self._sides(across.first, across.second, units)
        first, second = (self._halves.get(side) or self._half(side) for side in sides)
        if sides[1].is_first:
            second = complement(second)  # what this group keeps is what the other one takes
        sizes = self._cuts.sizes[across.first], self._cuts.sizes[across.second]
        S = self._cuts.reduce(across, *units.cuts).sums
        rows, columns = (
            np.diff(cut.edges(size)) for cut, size in zip(units.cuts, sizes, strict=True)
        )
        taken, other = (
            self._cuts.joined(self._shifts[g], g, cut)
            for g, cut in zip((across.first, across.second), units.cuts, strict=True)
        )
        S = S - pair_sums(taken, other, rows, columns)
        return pair_statistics(S, first, second, sizes, self._precision(across))

    def _mmd_squared(self, first: Block, across: Block, second: Block) -> Float64:
        """Return the unbiased MMD^2 of a pair, (R,)."""
        x, xy, y = (block.sums.sum(axis=(1, 2)) for block in (first, across, second))
        sizes = self._cuts.sizes[across.first], self._cuts.sizes[across.second]
        return np.asarray(mmd_squared_from_sums(x, xy, y, sizes))

    def _precision(self, block: Block) -> npt.DTypeLike:
        return precision(block.epsilon, small=self._cuts.small)

    def _sides(self, g: int, h: int, units: Units) -> tuple[_Side, _Side]:
        """Return both sides; with equal unit counts one half serves a group on either side."""
        first, second = units.cuts
        equal = units.movable[0] == units.movable[1]
        return _Side(g, True, first, units.movable), _Side(h, equal, second, units.movable)

    def _half(self, side: _Side) -> Half:
        """Draw one group's labels for all pairs with these unit counts, and sum within it."""
        n = self._cuts.sizes[side.group]
        kept = shared_moves(
            *side.movable, self._cuts.n_resamples, self._cuts.streams.shared("kept", *side.movable)
        )
        ones = kept if side.is_first else side.movable[0] - kept
        stream = self._cuts.streams.group(side.group, "half", side.is_first, *side.movable)
        labels = half_labels(ones, side.cut.movable, stream)
        if side.cut.movable * side.cut.size < n:
            frozen = np.full((len(labels), 1), side.is_first, dtype=np.int8)
            labels = np.concatenate([labels, frozen], axis=1)
        block = self._cuts.reduce(self._within[side.group], side.cut, side.cut)
        S = centred_within(block, np.diff(side.cut.edges(n)))
        return half(S, labels, self._precision(block))


def _transposed(block: Block) -> Block:
    return dataclasses.replace(
        block,
        first=block.second,
        second=block.first,
        sums=block.sums.transpose(0, 2, 1),
        rows=block.columns,
        columns=block.rows,
    )


def _largest(*blocks: Block) -> Float64:
    return np.asarray(np.max([block.magnitude for block in blocks], axis=0))
