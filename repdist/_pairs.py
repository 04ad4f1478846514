"""Every pair of groups from one pass over the kernel: units, shared halves, noise floors.

Each pair is tested under relabelings of its own two groups. The relabelings of a pair consist of
two halves, one a group; pairs with equal unit counts draw equal numbers of kept units, so a
group's half, and all products within the group, serve every such pair. A half depends on the name
of its group, not on the place of the group in the table.
"""

import collections
import dataclasses
import functools
import hashlib
import itertools
import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from repdist import _array
from repdist._array import Array, Float64
from repdist._cluster import kernel_blocks
from repdist._kernel import Kernel
from repdist._null import (
    Combine,
    Half,
    centred_blocks,
    complement,
    component_statistics,
    half,
    mmd_squared_from_sums,
    null_distribution,
    pair_statistics,
    pair_sums,
    precision,
    tie_tolerance,
)
from repdist._sums import Block, join
from repdist._threads import in_order, one_blas_thread
from repdist._units import (
    Cut,
    Units,
    half_labels,
    is_exhaustive,
    is_small,
    relabelings,
    row_order,
    shared_moves,
    two_sample_units,
)
from repdist.mmd import standard_error

_SHARED_BYTES = 2**29  # for halves that serve several pairs
_FLOOR = 0.95  # the quantile of split-half distances that is called the floor
_FLOOR_DRAWS = 2000  # random halves for it


@dataclass(frozen=True)
class Pair:
    """The test of two groups, first < second in the table."""

    first: int
    second: int
    mmd_squared: float
    standard_error: float
    null_variance: float
    statistic: float
    pvalue: float
    least_pvalue: float
    n_resamples: int
    n_bins: int
    exhaustive: bool
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
    floor_rate : (k,)
        The floor of a group for samples of n and m rows, divided by ``1 / n + 1 / m``; NaN for
        fewer than four rows.
    whole : WholeSums
        For the global test.
    """

    pairs: list[Pair]
    spread: Float64
    floor_rate: Float64
    whole: "WholeSums"


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
    squares, magnitude : (R,)
        Over all pairs of different rows.
    epsilon : float
    """

    blocks: dict[tuple[int, int], Float64]
    cuts: list[Cut]
    order: list[int]
    squares: Float64
    magnitude: Float64
    epsilon: float


def compare_pairs(
    kernel: Kernel,
    arrays: list[Array],
    names: tuple[Hashable, ...],
    *,
    combine: Combine,
    n_resamples: int,
    n_bins: Literal["auto", "rows"] | int,
    rng: np.random.Generator,
    n_jobs: int,
    progress: bool,
) -> Comparison:
    """Test every pair of groups under one fitted kernel.

    ``O(N^2 d)`` for the kernel and ``O(B U^2)`` a pair and component for its null. Memory: the
    blocks within groups, one block between groups for each thread, and shared halves.
    """
    plan = _Plan.of([len(array) for array in arrays], n_bins)
    streams = _Streams(int(rng.integers(2**63)), names)
    orders = [row_order(len(a), streams.group(g, "order")) for g, a in enumerate(arrays)]
    Z = _array.concatenate(arrays, orders)
    weights = np.array(kernel._weights)
    with one_blas_thread:
        blocks = kernel_blocks(
            kernel,
            Z,
            np.concatenate([np.diff(edges) for edges in plan.edges]),
            np.repeat(np.arange(len(arrays)), [len(edges) - 1 for edges in plan.edges]),
            small=plan.small,
            n_jobs=n_jobs,
            squares=combine == "fuse",
            progress=progress,
        )
        within = list(itertools.islice(blocks, len(arrays)))
        whole = _WholeTotal(plan, within, streams.order)
        work = _PairWork(plan, streams, within, weights, combine, n_resamples)
        work.share_halves(n_jobs)
        floors = functools.partial(_floor_rate, plan, streams, within, weights)
        return Comparison(
            pairs=list(in_order(work.test, whole.adding(blocks), n_jobs)),
            spread=np.array([_spread(block, weights) for block in within]),
            floor_rate=np.array(list(in_order(floors, range(len(arrays)), n_jobs))),
            whole=whole.sums(),
        )


# --- how groups are cut --------------------------------------------------------------------------


@dataclass(frozen=True)
class _Plan:
    """The units of every pair, and edges in each group of which all of them are made.

    Unit sizes are powers of two, so that larger units are made of smaller ones.
    """

    sizes: list[int]
    units: dict[tuple[int, int], Units]  # by pair (g, h), g < h; the smaller group comes first
    floor_cuts: list[Cut]
    whole_cuts: list[Cut]
    edges: list[npt.NDArray[np.intp]]

    @classmethod
    def of(cls, sizes: list[int], n_bins: Literal["auto", "rows"] | int) -> "_Plan":
        units = {
            (g, h): two_sample_units(
                min(sizes[g], sizes[h]), max(sizes[g], sizes[h]), n_bins, nested=True
            )
            for g, h in itertools.combinations(range(len(sizes)), 2)
        }
        floors = [two_sample_units(n, n, n_bins, nested=True).cuts[0] for n in sizes]
        wholes = _whole_cuts(sizes)
        cuts = [{floor, whole} for floor, whole in zip(floors, wholes, strict=True)]
        for pair, pair_units in units.items():
            for g, cut in zip(_ordered(pair, sizes), pair_units.cuts, strict=True):
                cuts[g].add(cut)
        edges = [
            np.unique(np.concatenate([cut.edges(n) for cut in group]))
            for group, n in zip(cuts, sizes, strict=True)
        ]
        return cls(sizes, units, floors, wholes, edges)

    @property
    def small(self) -> bool:
        """Whether ties matter in every pair."""
        return is_small(*sorted(self.sizes)[-2:])

    def ordered(self, pair: tuple[int, int]) -> tuple[int, int]:
        """Return the pair with the smaller group first."""
        return _ordered(pair, self.sizes)

    def reduce(self, block: Block, first: Cut, second: Cut) -> Block:
        """Return the block with its units joined to those of the cuts."""
        sums = np.add.reduceat(block.sums, self._starts(block.first, first), axis=1)
        sums = np.add.reduceat(sums, self._starts(block.second, second), axis=2)
        diagonal = self.joined(block.diagonal, block.first, first)
        return dataclasses.replace(block, sums=sums, diagonal=diagonal)

    def joined(self, of_units: Float64, group: int, cut: Cut) -> Float64:
        """Return sums over units of a group, (R, U), with its units joined to those of the cut."""
        return np.asarray(np.add.reduceat(of_units, self._starts(group, cut), axis=1))

    def _starts(self, group: int, cut: Cut) -> npt.NDArray[np.intp]:
        return np.searchsorted(self.edges[group], cut.edges(self.sizes[group])[:-1])


def _ordered(pair: tuple[int, int], sizes: list[int]) -> tuple[int, int]:
    g, h = pair
    return (g, h) if sizes[g] <= sizes[h] else (h, g)


def _whole_cuts(sizes: list[int]) -> list[Cut]:
    """Cut all groups into units of one size, 8 to 31 in the smallest group."""
    size = 1 << (max(1, min(sizes) // 16) - 1).bit_length()
    most = 8 * (min(sizes) // size)
    return [Cut(size, min(n // size, most)) for n in sizes]


class _Streams:
    """Random streams that belong to a group's name and a purpose, not to an order of calls."""

    def __init__(self, root: int, names: tuple[Hashable, ...]) -> None:
        self._root = root
        self._digests = [
            int.from_bytes(hashlib.sha256(f"{type(n).__name__} {n!r}".encode()).digest()[:8])
            for n in names
        ]

    @property
    def order(self) -> list[int]:
        """The groups in an order that their names alone give."""
        return sorted(range(len(self._digests)), key=self._digests.__getitem__)

    def group(self, group: int, purpose: str, *numbers: int) -> np.random.Generator:
        return self._stream(self._digests[group], purpose, *numbers)

    def shared(self, purpose: str, *numbers: int) -> np.random.Generator:
        return self._stream(0, purpose, *numbers)

    def _stream(self, digest: int, purpose: str, *numbers: int) -> np.random.Generator:
        code = int.from_bytes(purpose.encode())
        return np.random.default_rng([self._root, digest, code, *numbers])


# --- one pair -------------------------------------------------------------------------------------


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
        self,
        plan: _Plan,
        streams: _Streams,
        within: list[Block],
        weights: Float64,
        combine: Combine,
        n_resamples: int,
    ) -> None:
        self._plan, self._streams, self._within = plan, streams, within
        self._weights, self._combine, self._n_resamples = weights, combine, n_resamples
        self._shifts = [
            _shift(block, np.diff(edges)) for block, edges in zip(within, plan.edges, strict=True)
        ]
        self._halves: dict[_Side, Half] = {}

    def share_halves(self, n_jobs: int) -> None:
        """Compute the halves that serve most pairs, as far as memory for them goes."""
        uses = collections.Counter(
            side
            for pair, units in self._plan.units.items()
            if not is_exhaustive(units, self._n_resamples)
            for side in self._sides(*self._plan.ordered(pair), units)
        )
        size = self._n_resamples + 1
        chosen, left = [], _SHARED_BYTES
        for side, count in uses.most_common():
            left -= size * (side.cut.movable + 1 + 16 * len(self._weights))
            if count < 2 or left < 0:
                break
            chosen.append(side)
        self._halves = dict(zip(chosen, in_order(self._half, chosen, n_jobs), strict=True))

    def test(self, block: Block) -> Pair:
        """Test the pair whose block between the groups this is."""
        g, h = self._plan.ordered((block.first, block.second))
        n, m = self._plan.sizes[g], self._plan.sizes[h]
        units = self._plan.units[block.first, block.second]
        across = block if g == block.first else _transposed(block)
        first, second = self._within[g], self._within[h]
        exhaustive = is_exhaustive(units, self._n_resamples)
        T = (self._all if exhaustive else self._drawn)(across, units)
        null = null_distribution(
            T,
            tie_tolerance(_largest(first, second, across), across.epsilon, n, m),
            self._combine,
            weights=self._weights,
            squares=first.squares + second.squares + 2 * across.squares,
            n=n,
        )
        mean_kernel = T @ self._weights
        return Pair(
            block.first,
            block.second,
            mmd_squared=float(self._estimate(first, across, second) @ self._weights),
            standard_error=standard_error(
                np.stack([first.rows, across.rows], axis=1),
                np.stack([second.rows, across.columns], axis=1),
            ),
            null_variance=float(mean_kernel[1:].var()),
            statistic=float(null.statistic[0]),
            pvalue=null.pvalue,
            least_pvalue=units.least_pvalue_exhaustive if exhaustive else 1 / len(T),
            n_resamples=len(T) - (not exhaustive),
            n_bins=units.movable[0],
            exhaustive=exhaustive,
            varies=not bool(null.dropped.all()),
        )

    def _all(self, across: Block, units: Units) -> Float64:
        """Return the statistics of all relabelings of a pair, by the code of `mmd_test`."""
        cuts = units.cuts
        first, second = (
            self._plan.reduce(self._within[g], cut, cut)
            for g, cut in zip((across.first, across.second), cuts, strict=True)
        )
        sums = join(first, second, self._plan.reduce(across, *cuts))
        S = centred_blocks(sums.blocks, sums.diagonal, units.rows, "unbiased")
        labels = relabelings(units, self._n_resamples, np.random.default_rng())  # draws nothing
        n, m = self._plan.sizes[across.first], self._plan.sizes[across.second]
        dtype = precision(across.epsilon, small=self._plan.small)
        return component_statistics(S, labels, n, m, "unbiased", map, dtype)

    def _drawn(self, across: Block, units: Units) -> Float64:
        """Return the statistics of random relabelings of a pair, made of two halves."""
        sides = self._sides(across.first, across.second, units)
        first, second = (self._halves.get(side) or self._half(side) for side in sides)
        if sides[1].is_first:
            second = complement(second)  # what this group keeps is what the other one takes
        n, m = self._plan.sizes[across.first], self._plan.sizes[across.second]
        S = self._plan.reduce(across, *units.cuts).sums
        rows, columns = (
            np.diff(cut.edges(size)) for cut, size in zip(units.cuts, (n, m), strict=True)
        )
        shift, other = (
            self._plan.joined(self._shifts[g], g, cut)
            for g, cut in zip((across.first, across.second), units.cuts, strict=True)
        )
        S = S - pair_sums(shift, other, rows, columns)
        return pair_statistics(
            S, first, second, n, m, precision(across.epsilon, small=self._plan.small)
        )

    def _estimate(self, first: Block, across: Block, second: Block) -> Float64:
        """Return the unbiased MMD^2 of a pair, (R,)."""
        x, xy, y = (block.sums.sum(axis=(1, 2)) for block in (first, across, second))
        n, m = (self._plan.sizes[g] for g in (across.first, across.second))
        return np.asarray(mmd_squared_from_sums(x, xy, y, n, m, "unbiased"))

    def _sides(self, g: int, h: int, units: Units) -> tuple[_Side, _Side]:
        """Return both sides; with equal unit counts one half serves a group on either side."""
        first, second = units.cuts
        equal = units.movable[0] == units.movable[1]
        return _Side(g, True, first, units.movable), _Side(h, equal, second, units.movable)

    def _half(self, side: _Side) -> Half:
        """Draw one group's labels for all pairs with these unit counts, and sum within it."""
        n = self._plan.sizes[side.group]
        kept = shared_moves(
            *side.movable, self._n_resamples, self._streams.shared("kept", *side.movable)
        )
        ones = kept if side.is_first else side.movable[0] - kept
        stream = self._streams.group(side.group, "half", side.is_first, *side.movable)
        labels = half_labels(ones, side.cut.movable, stream)
        if side.cut.movable * side.cut.size < n:
            frozen = np.full((len(labels), 1), side.is_first, dtype=np.int8)
            labels = np.concatenate([labels, frozen], axis=1)
        block = self._plan.reduce(self._within[side.group], side.cut, side.cut)
        dtype = precision(block.epsilon, small=self._plan.small)
        return half(_centred(block, np.diff(side.cut.edges(n))), labels, dtype)


def _shift(block: Block, rows: npt.NDArray[np.intp]) -> Float64:
    """Return the sums over units, (R, U), of the g that makes ``k - g(x) - g(y)`` small in a group.

    g is the mean of a row's kernel values less half the mean of all; units have so many `rows`.
    """
    n = rows.sum()
    totals = block.sums.sum(axis=2)
    mean = totals.sum(axis=1, keepdims=True) / (n * (n - 1))
    return np.asarray(totals / (n - 1) - mean / 2 * rows)


def _centred(block: Block, rows: npt.NDArray[np.intp]) -> Float64:
    """Return the sums within a group less `_shift` for each block's pairs of different rows."""
    shift, units = _shift(block, rows), np.arange(len(rows))
    S = block.sums - pair_sums(shift, shift, rows, rows)
    S[:, units, units] += 2 * shift
    return np.asarray(S)


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


# --- one group -----------------------------------------------------------------------------------


def _spread(block: Block, weights: Float64) -> float:
    """Return ``mean k(x, x) - mean k(x, x')`` over the different rows of a group."""
    n = len(block.rows)
    diagonal = float(weights @ block.diagonal.sum(axis=1)) / n
    return diagonal - float(block.rows.sum()) / (n * (n - 1))


def _floor_rate(
    plan: _Plan,
    streams: _Streams,
    within: list[Block],
    weights: Float64,
    group: int,
) -> float:
    """Return the .95 quantile of split-half MMD^2, divided by ``1 / h + 1 / h'``."""
    n, cut = plan.sizes[group], plan.floor_cuts[group]
    h = cut.movable // 2 * cut.size
    if h < 2:
        return math.nan
    rows = np.diff(cut.edges(n))
    ones = np.full(_FLOOR_DRAWS + 1, cut.movable // 2)
    labels = half_labels(ones, cut.movable, streams.group(group, "floor"))
    if len(rows) > cut.movable:
        labels = np.concatenate([labels, np.zeros((len(labels), 1), dtype=np.int8)], axis=1)
    block = plan.reduce(within[group], cut, cut)
    split = half(_centred(block, rows), labels)
    other = split.total - 2 * split.totals + split.within
    T = mmd_squared_from_sums(
        split.within, split.totals - split.within, other, h, n - h, "unbiased"
    )
    quantile = np.quantile((T @ weights)[1:], _FLOOR)
    return float(quantile) / (1 / h + 1 / (n - h))


# --- all groups ----------------------------------------------------------------------------------


class _WholeTotal:
    """Gathers coarse sums for the global test while blocks pass by."""

    def __init__(self, plan: _Plan, within: list[Block], order: list[int]) -> None:
        self._plan, self._order = plan, order
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
            self._plan.whole_cuts,
            self._order,
            self._squares,
            self._magnitude,
            self._epsilon,
        )

    def _add(self, block: Block) -> None:
        cuts = self._plan.whole_cuts
        reduced = self._plan.reduce(block, cuts[block.first], cuts[block.second])
        self._blocks[block.first, block.second] = reduced.sums
        self._squares += block.squares * (1 if block.first == block.second else 2)
        self._magnitude = np.maximum(self._magnitude, block.magnitude)
