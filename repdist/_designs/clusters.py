"""Clusters of rows, which a relabeling moves as a whole.

A cluster counts once, however many rows it has: to relabelings it is what a row is elsewhere.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from repdist._blocks import Layout
from repdist._designs.relabelings import Relabelings
from repdist._designs.units import Units, is_small, row_order


@dataclass(frozen=True)
class ClusterOrder:
    """How the rows of one sample are put in order: cluster by cluster, these in random order.

    Attributes
    ----------
    rows : (n,)
        The rows in their new order.
    sizes : (C,)
        Rows of each cluster, as they follow each other.
    """

    rows: npt.NDArray[np.intp]
    sizes: npt.NDArray[np.intp]

    @classmethod
    def drawn(cls, codes: npt.NDArray[np.intp], rng: np.random.Generator) -> "ClusterOrder":
        """Draw the order of clusters whose numbers (n,) rows have."""
        numbers, of_row = np.unique(codes, return_inverse=True)
        place = np.argsort(row_order(len(numbers), rng))
        return cls(np.argsort(place[of_row], kind="stable"), np.bincount(place[of_row]))


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

    def describe(self) -> str:
        """Return both in words."""
        rows = f"{self.least:,}" if self.least == self.most else f"{self.least:,} to {self.most:,}"
        plural = "s" * (self.most > 1)
        return f"{self.first:,} + {self.second:,} clusters of {rows} row{plural}"


@dataclass(frozen=True)
class ClusterRelabelings(Relabelings):
    """Relabelings of whole clusters.

    Attributes
    ----------
    units : Units
        The clusters, as if each were a row.
    wanted : int
        Random relabelings asked for; at least so many are used.
    clusters : Clusters
    """

    clusters: Clusters

    @classmethod
    def of_clusters(cls, clusters: Clusters, wanted: int) -> "ClusterRelabelings":
        """Return the relabelings, the sample of fewer clusters first."""
        few, many = sorted((clusters.first, clusters.second))
        return cls(Units(1, (few, many), (0, 0)), wanted, clusters)

    def describe(self) -> str:
        """Return in words what may change places, and how often it did."""
        how = "" if self.exhaustive else self.swaps.describe()
        count = "all " * self.exhaustive + f"{self.count:,}"
        count += " random" * (not how and not self.exhaustive)
        text = f"{count} relabelings of {self.clusters.describe()}"
        return f"{text}: {how}" if how else text


def cluster_layout(first: npt.NDArray[np.intp], second: npt.NDArray[np.intp]) -> Layout:
    """Return how rows lie that follow each other cluster by cluster, for these sizes."""
    rows = np.concatenate([first, second])
    sample = np.repeat([0, 1], [len(first), len(second)])
    return Layout(rows, sample, is_small(int(first.sum()), int(second.sum())))
