"""Exchangeable units and their relabelings: pure NumPy, knows no kernel.

A unit is a block of row positions that a relabeling moves as a whole. The rows of a sample are
shuffled before they are cut into units, so that a sorted file does not make units of one kind.
The smaller sample comes first everywhere in this file.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

_SMALL = 256  # pooled rows up to which every row is a unit of its own
_BINS = 64  # about this many bins in the smaller sample, above that
_CAP = 8  # movable units of the larger sample, as a multiple of the smaller's
_BLOCK = 2048  # relabelings made at a time

Labels = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Cut:
    """How one sample is cut: `movable` units of `size` rows, the rest frozen."""

    size: int
    movable: int

    def edges(self, n: int) -> npt.NDArray[np.intp]:
        """Return where units start and end among n rows, (units + 1,)."""
        edges = np.arange(self.movable + 1) * self.size
        return edges if edges[-1] == n else np.append(edges, n)


@dataclass(frozen=True)
class Units:
    """How two samples are cut into units of one size, with what is left over frozen.

    Attributes
    ----------
    size : int
        Rows in a movable unit.
    movable : (int, int)
        Movable units in the smaller and in the larger sample.
    frozen : (int, int)
        Rows that keep their label, in the smaller and in the larger sample.
    """

    size: int
    movable: tuple[int, int]
    frozen: tuple[int, int]

    @property
    def rows(self) -> npt.NDArray[np.intp]:
        """Rows in each unit, (U,): the first sample's movable, its frozen, then the second's."""
        return np.array([size for sample in self._sizes() for size in sample], dtype=np.intp)

    @property
    def sample(self) -> npt.NDArray[np.intp]:
        """The sample (0 or 1) of each unit, (U,)."""
        return np.repeat([0, 1], [len(sample) for sample in self._sizes()])

    @property
    def can_move(self) -> npt.NDArray[np.bool_]:
        """Which units a relabeling may move, (U,)."""
        counts = [
            (movable, int(frozen > 0))
            for movable, frozen in zip(self.movable, self.frozen, strict=True)
        ]
        return np.repeat([True, False, True, False], list(itertools.chain(*counts)))

    @property
    def cuts(self) -> tuple["Cut", "Cut"]:
        """How each sample is cut."""
        first, second = self.movable
        return Cut(self.size, first), Cut(self.size, second)

    @property
    def n_relabelings(self) -> int:
        """How many distinct relabelings there are, the observed one included."""
        return math.comb(sum(self.movable), self.movable[0])

    @property
    def least_pvalue_exhaustive(self) -> float:
        """The least p-value that all relabelings can give.

        Two of them give the same statistic if swapping the samples is itself a relabeling.
        """
        swappable = self.movable[0] == self.movable[1] and self.frozen == (0, 0)
        return (2 if swappable else 1) / self.n_relabelings

    def _sizes(self) -> list[list[int]]:
        return [
            [self.size] * movable + [frozen] * (frozen > 0)
            for movable, frozen in zip(self.movable, self.frozen, strict=True)
        ]


def two_sample_units(
    n: int, m: int, n_bins: Literal["auto", "rows"] | int, *, nested: bool = False
) -> Units:
    """Cut samples of n <= m rows into units.

    Parameters
    ----------
    n, m : int
        Rows of the smaller and the larger sample.
    n_bins : "auto", "rows" or int
        Single rows, or about this many movable units in the smaller sample. ``"auto"``: single
        rows while n + m <= 256, else 64.
    """
    single = n_bins == "rows" or (n_bins == "auto" and is_small(n, m))
    wanted = _BINS if isinstance(n_bins, str) else n_bins
    size = 1 if single else max(1, n // wanted)
    if nested:
        size = 1 << (size.bit_length() - 1)
    small, large = n // size, m // size
    if not is_small(n, m):
        large = min(large, max(_CAP * small, _SMALL))
    return Units(size, (small, large), (n - small * size, m - large * size))


def is_small(n: int, m: int) -> bool:
    """Tell whether every row is a unit by default, and ties between relabelings matter."""
    return n + m <= _SMALL


def row_order(n: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Return the order in which the n rows of a sample are cut into units."""
    return rng.permutation(n)


def relabelings(units: Units, n_resamples: int, rng: np.random.Generator) -> Iterator[Labels]:
    """Yield relabelings in blocks (rows, U): 1 marks the first sample; row 0 is the observed one.

    All of them if there are at most `n_resamples`, else the observed one and `n_resamples` drawn
    independently and uniformly.
    """
    observed = (units.sample == 0).astype(np.int8)
    movable = np.flatnonzero(units.can_move)
    if is_exhaustive(units, n_resamples):
        moves = _all_moves(*units.movable)
    else:
        moves = _drawn_moves(observed[movable], n_resamples, rng)
    for block in moves:
        labels = np.repeat(observed[None], len(block), axis=0)
        labels[:, movable] = block
        yield labels


def shared_moves(
    first: int, second: int, n_resamples: int, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Draw how many of the first sample's units keep its label, (B + 1,); row 0 keeps all.

    Given these numbers, which units of a sample they are can be drawn for each sample by itself:
    the relabelings of a pair are uniform, and those of several pairs share their halves.
    """
    kept = rng.hypergeometric(first, second, first, size=n_resamples + 1)
    kept[0] = first
    return kept


def half_labels(ones: npt.NDArray[np.intp], units: int, rng: np.random.Generator) -> Labels:
    """Draw which movable units of one sample have label 1, (B + 1, units), `ones[b]` of them.

    Row 0 has its ones first.
    """
    first = (np.arange(units) < ones[0]).astype(np.int8)
    return np.concatenate([first[None], _subsets(ones[1:], units, rng)])


def is_exhaustive(units: Units, n_resamples: int) -> bool:
    """Tell whether all distinct relabelings are enumerated."""
    return units.n_relabelings <= n_resamples


def _drawn_moves(observed: Labels, n_resamples: int, rng: np.random.Generator) -> Iterator[Labels]:
    for start in range(0, n_resamples + 1, _BLOCK):
        stop = min(start + _BLOCK, n_resamples + 1)
        ones = np.full(stop - max(start, 1), observed.sum())
        drawn = _subsets(ones, len(observed), rng)
        yield drawn if start else np.concatenate([observed[None], drawn])


def _subsets(ones: npt.NDArray[np.intp], units: int, rng: np.random.Generator) -> Labels:
    """Draw labels (b, units) with `ones[b]` ones each, uniformly among all such rows.

    Independent labels first; where a row has too many of a kind, one of these, at random, changes,
    until none has. No step prefers a unit, so all rows with equal numbers of ones are equally
    likely; it takes a fifth of the time of shuffling.
    """
    share = np.minimum(np.rint(256 * ones / units), 255).astype(np.uint8)
    bits = rng.integers(256, size=(len(ones), units), dtype=np.uint8) < share[:, None]
    labels = bits.view(np.int8)
    excess = labels.sum(axis=1, dtype=np.intp) - ones
    rows = np.flatnonzero(excess)
    too_many, left = (excess[rows] > 0).astype(np.int8), np.abs(excess[rows])
    flat = labels.reshape(-1)
    while len(rows):
        places = rows * units + rng.integers(units, size=len(rows))
        hit = flat[places] == too_many
        flat[places[hit]] ^= 1
        left = left - hit
        unfinished = left > 0
        rows, too_many, left = rows[unfinished], too_many[unfinished], left[unfinished]
    return labels


def _all_moves(first: int, second: int) -> Iterator[Labels]:
    """Yield every choice of `first` units among all; the first choice is the observed one."""
    choices = itertools.combinations(range(first + second), first)
    while chosen := list(itertools.islice(choices, _BLOCK)):
        block = np.zeros((len(chosen), first + second), dtype=np.int8)
        np.put_along_axis(block, np.array(chosen), 1, axis=1)
        yield block
