"""Clusters of rows, which a relabeling moves as a whole.

A cluster counts once, however many rows it has: to relabelings it is what a row is elsewhere.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from repdist._blocks import Layout
from repdist._designs.relabelings import Relabelings
from repdist._designs.units import Units, is_small, row_order, two_sample_units
from repdist._typing import Bins

AT_A_TIME = 512  # clusters between which sums are held at a time


@dataclass(frozen=True)
class ClusterOrder:
    """How the rows of one sample are put in order, cluster by cluster.

    Attributes
    ----------
    rows : (n,)
        The rows in their new order.
    sizes : (C,)
        Rows of each cluster, as they follow each other.
    sequence : (C,)
        The place of each cluster among the numbers that clusters have.
    """

    rows: npt.NDArray[np.intp]
    sizes: npt.NDArray[np.intp]
    sequence: npt.NDArray[np.intp]

    @classmethod
    def of(cls, codes: npt.NDArray[np.intp], sequence: npt.NDArray[np.intp]) -> "ClusterOrder":
        """Put rows whose clusters have these numbers (n,) in this sequence of clusters (C,)."""
        place = np.zeros(codes.max() + 1, dtype=np.intp)
        place[sequence] = np.arange(len(sequence))
        rows = np.argsort(place[codes], kind="stable")
        return cls(rows, np.bincount(place[codes]), np.argsort(np.argsort(sequence)))

    @classmethod
    def drawn(cls, codes: npt.NDArray[np.intp], rng: np.random.Generator) -> "ClusterOrder":
        """Draw the order of clusters whose numbers (n,) rows have."""
        numbers = np.unique(codes)
        return cls.of(codes, numbers[row_order(len(numbers), rng)])


@dataclass(frozen=True)
class Clusters:
    """How many clusters two samples have, and of how many rows.

    Attributes
    ----------
    first, second : int
        Clusters in `X` and in `Y`.
    least, most : int
        Rows of the smallest and of the largest cluster.
    """

    first: int
    second: int
    least: int
    most: int

    @classmethod
    def of(cls, first: npt.NDArray[np.intp], second: npt.NDArray[np.intp]) -> "Clusters":
        """Return those of these sizes, in `X` and in `Y`."""
        sizes = np.concatenate([first, second])
        return cls(len(first), len(second), int(sizes.min()), int(sizes.max()))

    @property
    def rows(self) -> str:
        """How many rows they have, in words."""
        rows = f"{self.least:,}" if self.least == self.most else f"{self.least:,} to {self.most:,}"
        return f"{rows} row{'s' * (self.most > 1)}"

    def describe(self) -> str:
        """Return both in words."""
        return f"{self.first:,} + {self.second:,} clusters of {self.rows}"


@dataclass(frozen=True)
class ClusterLayout:
    """How rows lie that follow each other cluster by cluster, in two samples.

    A pass holds the sums between some clusters at a time, and adds them up over units.

    Attributes
    ----------
    sizes : (C,)
        Rows of each cluster, those of the first sample first.
    first : int
        Clusters in the first sample.
    unit_clusters : (U,)
        Clusters in each unit.
    """

    sizes: npt.NDArray[np.intp]
    first: int
    unit_clusters: npt.NDArray[np.intp]

    @property
    def group(self) -> npt.NDArray[np.intp]:
        """The group of each cluster in a pass, (C,)."""
        first = np.arange(self.first) // AT_A_TIME
        second = np.arange(len(self.sizes) - self.first) // AT_A_TIME
        return np.concatenate([first, first[-1] + 1 + second])

    @property
    def unit(self) -> npt.NDArray[np.intp]:
        """The unit of each cluster, (C,)."""
        return np.repeat(np.arange(len(self.unit_clusters)), self.unit_clusters)

    @property
    def layout(self) -> Layout:
        """Of the pass: every cluster by itself."""
        return layout_of_clusters(self.sizes, self.group, self.first)


def layout_of_clusters(
    sizes: npt.NDArray[np.intp], group: npt.NDArray[np.intp], first: int
) -> Layout:
    """Return how rows lie that follow each other cluster by cluster; `first` of sample 0."""
    n, m = int(sizes[:first].sum()), int(sizes[first:].sum())
    return Layout(sizes, group, is_small(n, m))


@dataclass(frozen=True)
class ClusterRelabelings(Relabelings):
    """Relabelings of whole clusters, or of bins of clusters.

    Attributes
    ----------
    units : Units
        The bins that move, as if each were a row.
    wanted : int
        Random relabelings asked for; at least so many are used.
    clusters : Clusters
    bins : Units
        How clusters are cut into bins, as if each were a row. What is frozen is in no relabeling.
    """

    clusters: Clusters
    bins: Units

    @classmethod
    def of_clusters(cls, clusters: Clusters, wanted: int, n_bins: Bins) -> "ClusterRelabelings":
        """Return the relabelings, the sample of fewer clusters first."""
        few, many = sorted((clusters.first, clusters.second))
        bins = two_sample_units(few, many, n_bins)
        return cls(Units(1, bins.movable, (0, 0)), wanted, clusters, bins)

    def describe(self) -> str:
        """Return in words what may change places, and how often it did."""
        how = "" if self.exhaustive else self.swaps.describe()
        count = "all " * self.exhaustive + f"{self.count:,}"
        count += " random" * (not how and not self.exhaustive)
        of, bins = self.clusters.describe(), self.bins
        if bins.size > 1:
            first, second = bins.movable
            if self.clusters.first > self.clusters.second:
                first, second = second, first
            of = f"{first:,} + {second:,} bins of {bins.size:,} clusters, of {of}"
        if left := sum(bins.frozen):
            of += (
                f" ({left:,} cluster{'s' * (left > 1)} in no {'bin' if bins.size > 1 else 'draw'})"
            )
        text = f"{count} relabelings of {of}"
        return f"{text}: {how}" if how else text
