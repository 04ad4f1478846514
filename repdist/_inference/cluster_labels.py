"""Relabelings of clusters as matrices of labels, and their products with a kernel."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from repdist._designs.clusters import ClusterRelabelings
from repdist._designs.relabelings import Places
from repdist._inference.labels import in_first, in_first_after_swaps
from repdist._inference.transform import columns, hadamard
from repdist._inference.two_samples import FormOfSwaps
from repdist._typing import Float64

LABELS = 2**18  # of clusters in one block of relabelings
_FEW = 8  # times the clusters of the first sample: below all, their rows are gathered


class Labels(Protocol):
    """Some relabelings of C clusters: 1 in the first sample, 0 in the second."""

    @property
    def values(self) -> Float64:
        """The labels (b, C)."""

    def times(self, K: Float64) -> Float64:
        """Return the product of the labels with K (C, C), (b, C)."""

    def form(self, Q: Float64) -> Float64:
        """Return ``a' Q a`` of the labels a for Q (C, C, R), (R, b)."""


def labels(drawn: ClusterRelabelings, rng: np.random.Generator) -> Iterator[Labels]:
    """Yield all relabelings in blocks; the first is the observed one."""
    C = sum(drawn.units.movable)
    if drawn.exhaustive:
        yield from (Chosen(chosen, C) for chosen in drawn.every())
        return
    k = drawn.swaps.dimension
    for shuffles in drawn.shuffled(rng):
        if k == 0:
            yield Chosen(shuffles[:, 0], C)
            continue
        step = max(1, LABELS // (C << k))
        yield from (
            Swapped(shuffles[start : start + step], drawn)
            for start in range(0, len(shuffles), step)
        )


@dataclass(frozen=True)
class Chosen:
    """Labels by the clusters (b, h) of the first sample."""

    first: Places
    count: int

    @functools.cached_property
    def values(self) -> Float64:
        """The labels (b, C)."""
        return in_first(np.zeros(self.count, dtype=bool), self.first).astype(np.float64)

    def times(self, K: Float64) -> Float64:
        """Return the product of the labels with K (C, C), (b, C)."""
        if _FEW * self.first.shape[1] > self.count:
            return self.values @ K
        total = K[self.first[:, 0]]
        for place in self.first.T[1:]:
            total += K[place]
        return total

    def form(self, Q: Float64) -> Float64:
        """Return ``a' Q a`` of the labels a for Q (C, C, R), (R, b)."""
        return np.stack(
            [np.einsum("bc,bc->b", self.values, self.times(Q[..., r])) for r in range(Q.shape[2])]
        )


@dataclass(frozen=True)
class Swapped:
    """All swaps of a code after some shuffles: clusters (J, 2, K) in pairs, the rest in the second.

    ``a = (e_x + e_y) / 2 + s (e_x - e_y) / 2`` summed over pairs, with s = 1 or -1: over all
    patterns at once the products are a Walsh-Hadamard transform.
    """

    pairs: Places
    drawn: ClusterRelabelings

    @functools.cached_property
    def values(self) -> Float64:
        """The labels (J 2^k, C)."""
        left = np.zeros(sum(self.drawn.units.movable), dtype=bool)
        return in_first_after_swaps(left, self.pairs, self.drawn.swaps.dimension).astype(float)

    def times(self, K: Float64) -> Float64:
        """Return the product of the labels with K (C, C), (J 2^k, C)."""
        (J, _, pairs), k, C = self.pairs.shape, self.drawn.swaps.dimension, len(K)
        x, y = self.pairs[:, 0], self.pairs[:, 1]
        V = np.zeros((J, 1 << k, C))
        g, turn = columns(pairs, k), (1 << k) - int(k > 1)  # so many that follow each other differ
        for start in range(0, pairs, turn):
            some = slice(start, start + turn)
            steps = K[x[:, some]]
            steps -= K[y[:, some]]
            V[:, g[some]] += steps
        middle = np.zeros((J, C))
        np.put_along_axis(middle, self.pairs.reshape(J, -1), 1.0, axis=1)
        V[:, 0] += middle @ K
        V *= 0.5
        left, right = hadamard(k // 2), hadamard(k - k // 2)
        halves = np.matmul(right, V.reshape(J, len(left), len(right), C))
        return np.asarray(np.matmul(left, halves.reshape(J, len(left), -1))).reshape(J << k, C)

    def form(self, Q: Float64) -> Float64:
        """Return ``a' Q a`` of the labels a for Q (C, C, R), (R, J 2^k).

        With b = a - 1/2 it is ``b' Q b + 1' Q b + 1' Q 1 / 4``.
        """
        found = FormOfSwaps(self.drawn, self.pairs)(Q)
        totals = Q.sum(axis=0)  # (C, R)
        found += (self.values @ totals).T
        found -= totals.sum(axis=0)[:, None] / 4
        return found
