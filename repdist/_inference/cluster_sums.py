"""Sums in which a cluster of rows is a row: the kernel between two is the mean over their rows."""

import dataclasses
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from repdist._blocks import Block, Sums, slices_of
from repdist._designs.clusters import ClusterLayout
from repdist._designs.units import Units
from repdist._typing import Float64


class ClusterMeans:
    """Makes blocks in which a cluster is a row, from those in which it is a unit.

    Parameters
    ----------
    sizes : (C,)
        Rows of each cluster.
    group : (C,)
        The group of each cluster.
    weights : (R,)
        Of the components in the kernel.

    Attributes
    ----------
    own : (C,)
        The mean of k(x, x) over the rows of each cluster, under the weighted kernel; as blocks
        within groups come.
    """

    def __init__(
        self, sizes: npt.NDArray[np.intp], group: npt.NDArray[np.intp], weights: Float64
    ) -> None:
        self._weights, self._group, self.own = weights, group, np.zeros(len(sizes))
        self._places, self._sizes = slices_of(np.bincount(group)), sizes

    @property
    def own_of_groups(self) -> Float64:
        """The sum of `own` over each group, once all blocks within groups have come."""
        return np.asarray(np.bincount(self._group, self.own), dtype=np.float64)

    def of(self, block: Block) -> Block:
        """Return the means of the kernel between clusters; `diagonal` has those within each."""
        here, there = self._places[block.first], self._places[block.second]
        first, second = self._sizes[here], self._sizes[there]
        K = block.sums / first[:, None]
        K /= second
        own = block.diagonal
        if block.first == block.second:
            every = np.arange(len(first))
            self.own[here] = self._weights @ own / first
            own = K[:, every, every] + own / first**2
            K[:, every, every] = 0
        weighted = np.tensordot(self._weights, K, 1)
        return dataclasses.replace(
            block,
            sums=K,
            diagonal=own,
            rows=weighted.sum(axis=1),
            columns=weighted.sum(axis=0),
            squares=np.square(K).sum(axis=(1, 2)),
        )


def in_units(
    block: Block, unit_clusters: npt.NDArray[np.intp], unit_group: npt.NDArray[np.intp]
) -> Block:
    """Return a block between clusters with its sums over units, which lie in one group each."""
    starts, others = (
        np.cumsum(counts) - counts
        for counts in (unit_clusters[unit_group == g] for g in (block.first, block.second))
    )
    sums = np.add.reduceat(np.add.reduceat(block.sums, starts, axis=1), others, axis=2)
    own = np.add.reduceat(block.diagonal, starts, axis=1)
    return dataclasses.replace(block, sums=sums, diagonal=own)


class ClusterSums(NamedTuple):
    """Two samples of clusters, each of which is a row.

    Attributes
    ----------
    sums : Sums
        Between units of clusters.
    beside : (R, C)
        The kernel between cluster i of the first sample and cluster i of the second, if there are
        as many.
    own : (2,)
        The sum over the clusters of a sample of the mean of k(x, x), under the weighted kernel.
    """

    sums: Sums
    beside: Float64
    own: Float64


def cluster_sums(blocks: Iterable[Block], layout: ClusterLayout, weights: Float64) -> ClusterSums:
    """Put together the blocks of a pass over this layout, in any order.

    Memory: the sums between units, and one block.
    """
    total = _Total(layout, len(weights))
    means = ClusterMeans(layout.sizes, layout.group, weights)
    for block in blocks:
        total.add(means.of(block))
    own = np.array([means.own[: layout.first].sum(), means.own[layout.first :].sum()])
    return ClusterSums(total.finish(), total.beside, own)


class _Total:
    """Adds up blocks in which clusters are rows, over units."""

    def __init__(self, layout: ClusterLayout, R: int) -> None:
        C, U = len(layout.sizes), len(layout.unit_clusters)
        self._first, self._unit = layout.first, layout.unit
        self._places = slices_of(np.bincount(layout.group))
        self._blocks, self._diagonal = np.zeros((R, U, U)), np.zeros((R, U))
        self._rows, self.beside = np.zeros((C, 2)), np.zeros((R, layout.first))
        self._squares, self._magnitude, self._epsilon = np.zeros(R), np.zeros(R), 0.0

    def add(self, block: Block) -> None:
        here, there = self._places[block.first], self._places[block.second]
        starts, units = self._runs(here)
        others, columns = self._runs(there)
        sums = np.add.reduceat(np.add.reduceat(block.sums, starts, axis=1), others, axis=2)
        self._blocks[:, units, columns] += sums
        self._rows[here, self._sample(there)] += block.rows
        if block.first == block.second:
            self._diagonal[:, units] += np.add.reduceat(block.diagonal, starts, axis=1)
            self._squares += block.squares
        else:
            self._blocks[:, columns, units] += sums.transpose(0, 2, 1)
            self._rows[there, self._sample(here)] += block.columns
            self._squares += 2 * block.squares
        if here.start < self._first and there.start - here.start == self._first:
            count = min(block.sums.shape[1:])
            pairs = np.arange(count)
            self.beside[:, here.start : here.start + count] = block.sums[:, pairs, pairs]
        self._magnitude = np.maximum(self._magnitude, block.magnitude)
        self._epsilon = max(self._epsilon, block.epsilon)

    def finish(self) -> Sums:
        first, second = self._rows[: self._first], self._rows[self._first :, ::-1]
        return Sums(
            self._blocks,
            self._diagonal,
            first,
            second,
            self._squares,
            self._magnitude,
            self._epsilon,
        )

    def _runs(self, clusters: slice) -> tuple[Any, slice]:
        """Return where units start among these clusters, and which units they are."""
        unit = self._unit[clusters]
        starts = np.flatnonzero(np.diff(unit, prepend=-1))
        return starts, slice(int(unit[0]), int(unit[-1]) + 1)

    def _sample(self, clusters: slice) -> int:
        return int(clusters.start >= self._first)


def bins_as_rows(sums: Sums, bins: Units, weights: Float64) -> Sums:
    """Return the sums in which a bin of clusters is a row; what is frozen is left out."""
    moves, first = np.flatnonzero(bins.can_move), bins.movable[0]
    K = sums.blocks[:, moves[:, None], moves] / bins.size**2
    every = np.arange(len(moves))
    own = K[:, every, every] + sums.diagonal[:, moves] / bins.size**2
    K[:, every, every] = 0
    weighted = np.tensordot(weights, K, 1)  # (B, B)
    by_sample = np.stack([weighted[:, :first].sum(axis=1), weighted[:, first:].sum(axis=1)], axis=1)
    return dataclasses.replace(
        sums,
        blocks=K,
        diagonal=own,
        first_rows=by_sample[:first],
        second_rows=by_sample[first:, ::-1],
        squares=np.square(K).sum(axis=(1, 2)),
    )
