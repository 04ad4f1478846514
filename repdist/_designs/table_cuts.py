"""How many groups are cut: the units of every pair, and random streams that belong to names."""

import collections
import dataclasses
import functools
import hashlib
import itertools
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from repdist._blocks import Block, Layout
from repdist._designs.relabelings import Drawn, Relabelings
from repdist._designs.units import Cut, is_small, two_sample_units, wanted_size
from repdist._numbers import LEVEL
from repdist._typing import Bins

_MOST = 2**18  # relabelings of a pair with a small p-value
_AMPLE = 4  # times the least p-value that the number of pairs leaves below the level
_SMALL_COUNT = 16  # relabelings that reach the observed statistic: with more, p is settled
_WHOLE_UNITS = 16  # of the global test, wanted in the smallest group
_MOST_UNITS = 1024  # if all groups were as small, in all


DrawnT = TypeVar("DrawnT", bound=Drawn)
Pairs = Sequence[tuple[int, int]] | None  # that are compared; None for all


class Streams:
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

    def group(self, group: int, purpose: str) -> np.random.Generator:
        """Return the stream of a group."""
        return self._stream(purpose, self._digests[group])

    def pair(self, purpose: str, first: int, second: int) -> np.random.Generator:
        """Return the stream of two groups, in either order."""
        return self._stream(purpose, *sorted((self._digests[first], self._digests[second])))

    def shared(self, purpose: str, *numbers: int) -> np.random.Generator:
        """Return the stream of all that has these numbers."""
        return self._stream(purpose, *numbers)

    def precedes(self, first: int, second: int) -> bool:
        """Tell whether the first group's name comes before that of the second."""
        return self._digests[first] <= self._digests[second]

    def _stream(self, purpose: str, *numbers: int) -> np.random.Generator:
        return np.random.default_rng([self._root, int.from_bytes(purpose.encode()), *numbers])


@dataclass(frozen=True)
class TableCuts:
    """The units of every pair, and edges in each group of which all of them are made.

    Unit sizes are powers of two times `base`, so that larger units are made of smaller ones.
    """

    sizes: list[int]
    n_bins: Bins
    n_resamples: int
    streams: Streams
    whole_cuts: list[Cut]
    edges: list[npt.NDArray[np.intp]]
    pairs: Pairs = None
    base: int = 1

    @classmethod
    def of(
        cls,
        sizes: list[int],
        n_bins: Bins,
        n_resamples: int,
        streams: Streams,
        pairs: Pairs = None,
    ) -> "TableCuts":
        """Cut groups of these sizes, for some pairs or for all."""
        if pairs is not None:
            return cls._for_some(sizes, n_bins, n_resamples, streams, pairs)
        wholes = _whole_cuts(sizes)
        cuts = [{whole} for whole in wholes]
        of_size: dict[int, set[Cut]] = {n: set() for n in sizes}
        counts = collections.Counter(sizes)
        for n, m in itertools.combinations_with_replacement(sorted(counts), 2):
            if n < m or counts[n] > 1:
                first, second = two_sample_units(n, m, n_bins, nested=1).cuts
                of_size[n].add(first)
                of_size[m].add(second)
        edges = [
            np.unique(np.concatenate([cut.edges(n) for cut in group | of_size[n]]))
            for group, n in zip(cuts, sizes, strict=True)
        ]
        return cls(sizes, n_bins, n_resamples, streams, wholes, edges)

    @classmethod
    def _for_some(
        cls,
        sizes: list[int],
        n_bins: Bins,
        n_resamples: int,
        streams: Streams,
        pairs: Sequence[tuple[int, int]],
    ) -> "TableCuts":
        cuts: list[set[Cut]] = [set() for _ in sizes]
        ordered = [sorted(pair, key=sizes.__getitem__) for pair in pairs]
        base = min(wanted_size(sizes[g], sizes[h], n_bins) for g, h in ordered)
        for g, h in ordered:
            first, second = two_sample_units(sizes[g], sizes[h], n_bins, nested=base).cuts
            cuts[g].add(first)
            cuts[h].add(second)
        edges = [
            np.unique(np.concatenate([np.array([0, n]), *(cut.edges(n) for cut in of_group)]))
            for n, of_group in zip(sizes, cuts, strict=True)
        ]
        return cls(sizes, n_bins, n_resamples, streams, [], edges, pairs, base)

    @property
    def n_pairs(self) -> int:
        """How many pairs are compared."""
        return math.comb(len(self.sizes), 2) if self.pairs is None else len(self.pairs)

    def relabelings(self, g: int, h: int) -> tuple[Relabelings, Relabelings]:
        """Return the relabelings of a pair in its order, and those that replace them at a small p.

        See `finer`.
        """
        return _relabelings(
            (self.sizes[g], self.sizes[h]), self.n_bins, self.n_resamples, self.n_pairs, self.base
        )

    @property
    def layout(self) -> Layout:
        """How the rows of all groups lie."""
        counts = [len(edges) - 1 for edges in self.edges]
        rows = np.concatenate([np.diff(edges) for edges in self.edges])
        return Layout(rows, np.repeat(np.arange(len(counts)), counts), self.small)

    @property
    def small(self) -> bool:
        """Whether ties matter in every pair."""
        return is_small(*sorted(self.sizes)[-2:])

    def ordered(self, g: int, h: int) -> tuple[int, int]:
        """Return the pair with the smaller group first; of equal ones that whose name is."""
        n, m = self.sizes[g], self.sizes[h]
        return (g, h) if n < m or (n == m and self.streams.precedes(g, h)) else (h, g)

    def reduce(self, block: Block, first: Cut, second: Cut) -> Block:
        """Return the block with its units joined to those of the cuts."""
        starts, others = self._starts(block.first, first), self._starts(block.second, second)
        sums, diagonal = block.sums, block.diagonal
        if len(starts) < sums.shape[1]:
            sums = np.add.reduceat(sums, starts, axis=1)
            diagonal = np.add.reduceat(diagonal, starts, axis=1)
        if len(others) < sums.shape[2]:
            sums = np.add.reduceat(sums, others, axis=2)
        return dataclasses.replace(block, sums=sums, diagonal=diagonal)

    def reduce_features(
        self, group: int, features: Sequence[npt.NDArray[Any]], cut: Cut
    ) -> list[npt.NDArray[Any]]:
        """Return sums (U, k) over the units of a group, joined to those of the cut."""
        starts = self._starts(group, cut)
        return [np.add.reduceat(sums, starts, axis=0) for sums in features]

    def _starts(self, group: int, cut: Cut) -> npt.NDArray[np.intp]:
        return np.searchsorted(self.edges[group], cut.edges(self.sizes[group])[:-1])


@functools.lru_cache(maxsize=4096)
def _relabelings(
    sizes: tuple[int, int], n_bins: Bins, n_resamples: int, pairs: int, base: int
) -> tuple[Relabelings, Relabelings]:
    drawn = Relabelings(two_sample_units(*sizes, n_bins, nested=base), n_resamples)
    return drawn, finer(drawn, pairs)


def finer(drawn: DrawnT, pairs: int) -> DrawnT:
    """Return the relabelings that replace these at a small p, if so many pairs ask for more.

    They do if the number of pairs asks for p-values that the first cannot give, as far as that
    makes any pair significant under Bonferroni's bound.
    """
    needed = min(_MOST, 1 << (math.ceil(_AMPLE * pairs / LEVEL) - 1).bit_length())
    if drawn.exhaustive or needed <= drawn.swaps.total or pairs / needed > LEVEL:
        return drawn
    return dataclasses.replace(drawn, wanted=needed - 1)  # type: ignore[type-var]


def small_pvalue(drawn: Drawn) -> float:
    """Return the p-value up to which more relabelings replace these; 0 if there are no more.

    The p-value that is told is exact: for a level up to this one it is at most that level only if
    the p-value of more relabelings is, and above it only if the first one is.
    """
    return 0.0 if drawn.exhaustive else _SMALL_COUNT / drawn.total


def _whole_cuts(sizes: list[int]) -> list[Cut]:
    """Cut all groups into units of one size, 16 to 31 in the smallest; fewer of many groups."""
    wanted = max(2, min(_WHOLE_UNITS, _MOST_UNITS // len(sizes)))
    size = 1 << (max(1, min(sizes) // wanted).bit_length() - 1)
    most = 8 * (min(sizes) // size)
    return [Cut(size, min(n // size, most)) for n in sizes]
