"""Pairs of rows, of which each may change sides: row i of one sample with row i of the other."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from repdist._blocks import Layout
from repdist._designs.relabelings import AT_ONCE, Drawn, Places, Swaps
from repdist._designs.units import is_small, wanted_size
from repdist._typing import Bins

_BATCH = 512  # flips at most


@dataclass(frozen=True)
class PairedUnits:
    """How pairs are cut into bins: all pairs of a bin change sides together.

    Attributes
    ----------
    pairs, bins : int
    sizes : tuple of int, optional
        Pairs in each bin; else they differ by 1 at most.
    """

    pairs: int
    bins: int
    sizes: tuple[int, ...] = ()

    @classmethod
    def of(cls, pairs: int, n_bins: Bins) -> "PairedUnits":
        """Cut so many pairs as the rows of two samples are."""
        return cls(pairs, pairs // wanted_size(pairs, pairs, n_bins))

    @classmethod
    def of_sizes(cls, sizes: npt.NDArray[np.intp]) -> "PairedUnits":
        """Cut pairs into bins of these sizes."""
        return cls(int(sizes.sum()), len(sizes), tuple(sizes.tolist()))

    @property
    def as_rows(self) -> "PairedUnits":
        """The same with each bin as a pair."""
        return PairedUnits(self.bins, self.bins)

    @property
    def without_rest(self) -> "PairedUnits":
        """The same: each pair lies in a bin."""
        return self

    @property
    def in_rows(self) -> npt.NDArray[np.intp]:
        """How many rows each unit is in `as_rows`, (2 bins,): one."""
        return np.ones(2 * self.bins, dtype=np.intp)

    @property
    def in_bins(self) -> npt.NDArray[np.intp]:
        """Pairs in each bin, (bins,)."""
        if self.sizes:
            return np.array(self.sizes)
        least, more = divmod(self.pairs, self.bins)
        return np.where(np.arange(self.bins) < more, least + 1, least)

    @property
    def rows(self) -> npt.NDArray[np.intp]:
        """Rows in each unit, (2 bins,): the first rows of all bins, then the second."""
        return np.tile(self.in_bins, 2)

    @property
    def sample(self) -> npt.NDArray[np.intp]:
        """The sample (0 or 1) of each unit, (2 bins,)."""
        return np.repeat([0, 1], self.bins)

    @property
    def can_move(self) -> npt.NDArray[np.bool_]:
        """Which units a relabeling may move: all."""
        return np.ones(2 * self.bins, dtype=bool)

    @property
    def shuffled_within(self) -> npt.NDArray[np.intp]:
        """Units of one number change places with each other, (2 bins,): both of a pair."""
        return np.tile(np.arange(self.bins), 2)

    @property
    def movable(self) -> tuple[int, int]:
        """Units in each sample."""
        return self.bins, self.bins

    @property
    def frozen(self) -> tuple[int, int]:
        """Rows that keep their label in each sample: none."""
        return 0, 0

    @property
    def size(self) -> int:
        """Rows in the largest unit."""
        return int(self.in_bins.max())

    @property
    def n_relabelings(self) -> int:
        """How many distinct ones there are: to flip all pairs changes nothing."""
        return 1 << (self.bins - 1)

    @property
    def least_pvalue_exhaustive(self) -> float:
        """The least p-value that all relabelings can give."""
        return 1 / self.n_relabelings

    @property
    def layout(self) -> Layout:
        """How the rows lie, the first sample first."""
        return Layout(self.rows, self.sample, is_small(self.pairs, self.pairs))


@dataclass(frozen=True)
class Flips(Drawn):
    """Which pairs change sides: all subsets if there are no more, else random ones.

    Attributes
    ----------
    units : PairedUnits
    wanted : int
        Random relabelings asked for; at least so many are used.
    called : str
        What is in pairs, and where.
    """

    units: PairedUnits
    wanted: int
    called: str = "pairs"

    @cached_property
    def swaps(self) -> Swaps:
        """Of the random relabelings."""
        return Swaps.at_least(self.wanted + 1, self.units.bins, self.units.bins)

    def describe(self) -> str:
        """Return in words what may change places, and how often it did."""
        units = self.units
        pairs = f"{units.pairs:,} {self.called}"
        if units.bins < units.pairs:
            least, most = int(units.in_bins.min()), int(units.in_bins.max())
            between = {0: f"{least}", 1: f"{least} or {most}"}
            sizes = between.get(most - least, f"{least} to {most}")
            pairs = f"{units.bins:,} bins of {sizes} {self.called}"
        if self.exhaustive:
            return f"all {self.count:,} ways to change sides within {pairs}"
        return f"{self.count:,} ways to change sides within {pairs}: {self.swaps.describe()}"

    def every(self) -> Iterator[Places]:
        """Yield all relabelings in blocks (b, K), the observed one first; pair 0 stays."""
        K = self.units.bins
        patterns = iter(range(1 << (K - 1)))
        while some := list(itertools.islice(patterns, _BATCH)):
            flipped = np.array(some)[:, None] << 1 >> np.arange(K) & 1  # (b, K)
            yield np.arange(K) + K * flipped

    def shuffled(self, rng: np.random.Generator) -> Iterator[Places]:
        """Yield shuffles in blocks (b, 2, K): both units of each pair, in either order."""
        K, J = self.units.bins, self.swaps.shuffles
        step = min(_BATCH, max(1, AT_ONCE >> self.swaps.dimension))
        for start in range(0, J, step):
            flipped = rng.integers(2, size=(min(step, J - start), K))
            if start == 0:
                flipped[0] = 0
            first = np.arange(K) + K * flipped
            yield np.stack([first, (first + K) % (2 * K)], axis=1)
