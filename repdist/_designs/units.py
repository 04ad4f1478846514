"""Exchangeable units: blocks of row positions that a relabeling moves as a whole.

The rows of a sample are shuffled before they are cut into units, so that a sorted file does not
make units of one kind. The smaller sample comes first everywhere in this folder.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from repdist._blocks import Layout
from repdist._typing import Bins

_SMALL = 256  # pooled rows up to which every row is a unit of its own
_BINS = 64  # about this many bins in the smaller sample, above that
_CAP = 8  # movable units of the larger sample, as a multiple of the smaller's


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
    def shuffled_within(self) -> npt.NDArray[np.intp]:
        """Units of one number change places with each other, (U,): all."""
        return np.zeros(len(self.rows), dtype=np.intp)

    @property
    def counts(self) -> tuple[int, int]:
        """Rows of the smaller and of the larger sample."""
        first, second = (self.size * u + f for u, f in zip(self.movable, self.frozen, strict=True))
        return first, second

    @property
    def as_rows(self) -> "Units":
        """The same with each movable unit as a row: frozen rows make as many as fill one each."""
        first, second = (frozen // self.size for frozen in self.frozen)
        return Units(1, self.movable, (first, second))

    @property
    def without_rest(self) -> "Units":
        """The same without frozen rows that fill no unit."""
        first, second = (rows * (rows >= self.size) for rows in self.frozen)
        return Units(self.size, self.movable, (first, second))

    @property
    def in_rows(self) -> npt.NDArray[np.intp]:
        """How many rows each unit is in `as_rows`, (U,); 0 if it is none."""
        return self.rows // self.size

    @property
    def layout(self) -> Layout:
        """How the rows lie, the smaller sample first."""
        return Layout(self.rows, self.sample, self.is_small)

    @property
    def is_small(self) -> bool:
        """Whether ties between relabelings matter."""
        return is_small(*self.counts)

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


def two_sample_units(n: int, m: int, n_bins: Bins, *, nested: int = 0) -> Units:
    """Cut samples of n <= m rows into units.

    Parameters
    ----------
    n, m : int
        Rows of the smaller and the larger sample.
    n_bins : "auto", "rows" or int
        Single rows, or about this many movable units in the smaller sample. ``"auto"``: single
        rows while n + m <= 256, else 64.
    nested : int
        If above 0, the size of units is this one times a power of two.
    """
    size = wanted_size(n, m, n_bins)
    if nested:
        size = nested << ((size // nested).bit_length() - 1)
    small, large = n // size, m // size
    if not is_small(n, m):
        large = min(large, most_movable(small, small))
    return Units(size, (small, large), (n - small * size, m - large * size))


def wanted_size(n: int, m: int, n_bins: Bins) -> int:
    """Return how many rows make a unit of samples of n <= m rows."""
    if n_bins == "rows" or (n_bins == "auto" and is_small(n, m)):
        return 1
    return max(1, n // (_BINS if isinstance(n_bins, str) else n_bins))


def most_movable(small: int, in_all: int) -> int:
    """Return how many units of a larger sample may move beside `small` ones, of so many in all."""
    return max(_CAP * small, _SMALL * small // in_all)


def is_small(n: int, m: int) -> bool:
    """Tell whether every row is a unit by default, and ties between relabelings matter."""
    return n + m <= _SMALL


def row_order(n: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Return the order in which the n rows of a sample are cut into units."""
    return rng.permutation(n)
