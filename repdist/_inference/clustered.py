"""Clusters under relabelings: MMD^2 of cluster means, over its standard deviation by label.

The kernel between two clusters is the mean of k over their rows, so that a cluster becomes a row,
and every cluster counts the same. Clusters of different sizes have means of different precision. If
sizes differ between the samples, labels are not exchangeable, and MMD^2 by itself rejects too
often. So each relabeling's MMD^2 is divided by its own standard deviation where nothing differs,

``sd^2 = 2 sum_{i != j in x} Kc_ij^2 / (C (C - 1))^2 + the same in y
+ 4 sum_{i in x, j in y} Kc_ij^2 / (C C')^2``,

with Kc centred in both directions within x, within y and between them: S. X. Chen and Y.-L. Qin, "A
two-sample test for high-dimensional data with applications to gene-set testing", Annals of
Statistics 38, 808-835, 2010. The p-value stays exact where whole clusters are exchangeable.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from repdist._blocks import Block, Sums
from repdist._designs.clusters import ClusterLayout, ClusterRelabelings
from repdist._designs.relabelings import Places
from repdist._designs.units import Units
from repdist._inference.combine import Combination, Null, Statistics
from repdist._inference.estimates import (
    Estimate,
    check_definite,
    component_estimates,
    mean_spread,
    mmd_squared_from_sums,
    standard_error,
)
from repdist._inference.findings import Findings
from repdist._inference.transform import columns, hadamard
from repdist._inference.two_samples import (
    FormOfSwaps,
    null_variance,
    quadratic_form,
    tolerance,
)
from repdist._typing import Combine, Estimator, Float64

Moments = Callable[["Labels"], Float64]  # of some labels: their MMD^2 and sd^2, (2, R, b)
Mapper = Callable[[Moments, Iterable["Labels"]], Iterable[Float64]]
Relabeled = Callable[["Centred"], Float64]  # `moments` with all else given

_FLOOR = 0.01  # of the mean of sd^2 over relabelings: no sd^2 counts as less
_LABELS = 2**18  # of clusters in one block of relabelings
_FEW = 8  # times the clusters of the first sample: below all, their rows are gathered


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
        ends = np.cumsum(np.bincount(group)).tolist()
        self._places = [slice(*ends_of) for ends_of in zip([0, *ends], ends, strict=False)]
        self._sizes = sizes

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
        ends = np.cumsum(np.bincount(layout.group)).tolist()
        self._places = [slice(*ends_of) for ends_of in zip([0, *ends], ends, strict=False)]
        self._blocks, self._diagonal = np.zeros((R, U, U)), np.zeros((R, U))
        self._rows, self.beside = np.zeros((C, 2)), np.zeros((R, min(layout.first, C)))
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


def moments(centred: "Centred", of_blocks: Iterable["Labels"], run: Mapper = map) -> Float64:
    """Return MMD^2 of every relabeling and its variance by label, (2, R, B).

    `of_blocks` are those of `labels`; the first relabeling is the observed one. ``O(R B C^2)`` time
    for B relabelings of C clusters if all are enumerated, else ``O(R B C sqrt(B / J))`` for J
    shuffles. `run` maps a function over the blocks in order.
    """
    return np.concatenate(list(run(centred.moments, of_blocks)), axis=2)


def findings(
    clusters: ClusterSums,
    bins: Units,
    weights: Float64,
    rules: tuple[Combine, Estimator],
    relabeled: Relabeled,
) -> Findings:
    """Test two samples of clusters from their `cluster_sums`.

    `rules` say how components are combined, and which MMD^2 is quoted: relabelings are compared by
    the unbiased one, with each bin of clusters as a row.
    """
    (sums, _, own), (rule, estimator) = clusters, rules
    moving = bins_as_rows(sums, bins, weights)
    rounding = tolerance(moving, bins, "unbiased")
    centred = Centred.of(moving)
    if rule == "mean" and len(weights) > 1:  # the kernel as a whole, behind its components
        centred = centred.with_weighted(weights)
        rounding = np.append(rounding, np.abs(weights) @ rounding)
    T, variance = relabeled(centred)
    ratios, rounding = studentised(T, variance, rounding)
    null = Null(Statistics.of(ratios), rounding, _combination(rule, len(weights)))
    check_definite(sums, bins.sample, weights)
    components = component_estimates(sums, bins.sample, estimator)
    unbiased = component_estimates(sums, bins.sample, "unbiased")
    v0 = null_variance(quadratic_form(sums, bins, "unbiased"), bins, weights)
    error = standard_error(sums.first_rows, sums.second_rows)
    estimate = Estimate(float(unbiased @ weights), error, v0)
    return Findings(null, components, float(components @ weights), estimate, mean_spread(sums, own))


def studentised(T: Float64, variance: Float64, rounding: Float64) -> tuple[Float64, Float64]:
    """Return each T (R, B) over its standard deviation, and by how much rounding may move it, (R,).

    A variance counts as at least a hundredth of its mean over all relabelings, so that labels under
    which the clusters of a sample are all alike stand out. What varies no more than by rounding is
    0 for all. These are symmetric functions of the relabelings, which keeps the level exact.
    """
    usual = np.sqrt(np.maximum(variance.mean(axis=1), 0))
    varies = np.minimum(usual, T.std(axis=1)) > 10 * rounding
    floor = np.where(varies, _FLOOR * usual**2, 1.0)
    sd = np.sqrt(np.maximum(variance, floor[:, None]))
    ratios = np.where(varies[:, None], T / sd, 0.0)
    moved = rounding * ((1 + np.abs(ratios)) / sd).max(axis=1)
    return ratios, np.where(varies, np.minimum(moved, ratios.std(axis=1) / 20), rounding)


def _combination(rule: Combine, R: int) -> Combination:
    """Return how studentised components are combined.

    For ``"mean"`` the kernel as a whole stands behind them. For ``"fuse"`` the soft maximum is
    the log-mean-exp of the values themselves: they are free of scale.
    """
    weights = np.append(np.zeros(R), 1.0) if rule == "mean" and R > 1 else np.ones(R)
    return Combination(rule, weights, np.full(R, 8.0), 2)  # (2 (2 - 1))^1.5 / sqrt(8) = 1


# --- MMD^2 and its variance under many labels ----------------------------------------------------


@dataclass(frozen=True)
class Centred:
    """The kernel between C clusters, with rows that sum to 0 without the diagonal.

    Attributes
    ----------
    kernel : (R, C, C)
        ``K_ij - g_i - g_j`` for i != j; 0 on the diagonal.
    own : (R, C)
        ``K_ii - 2 g_i``.
    first : int
        Clusters in the first sample.
    """

    kernel: Float64
    own: Float64
    first: int

    @classmethod
    def of(cls, sums: Sums) -> "Centred":
        """Return it from `bins_as_rows`: what is subtracted changes neither MMD^2 nor its sd."""
        K, C = sums.blocks, sums.blocks.shape[1]
        totals = K.sum(axis=2)
        g = (totals - totals.sum(axis=1, keepdims=True) / (2 * C - 2)) / (C - 2)  # (R, C)
        kernel = K - g[:, :, None] - g[:, None]
        every = np.arange(C)
        kernel[:, every, every] = 0
        return cls(kernel, sums.diagonal - 2 * g, len(sums.first_rows))

    def with_weighted(self, weights: Float64) -> "Centred":
        """Return it with the weighted sum of all components as the last one."""
        kernel = np.concatenate([self.kernel, np.tensordot(weights, self.kernel, 1)[None]])
        return Centred(kernel, np.concatenate([self.own, (weights @ self.own)[None]]), self.first)

    @functools.cached_property
    def squares(self) -> Float64:
        """The squared kernel, (C, C, R)."""
        return np.ascontiguousarray(np.square(self.kernel).transpose(1, 2, 0))

    def moments(self, labels: "Labels") -> Float64:
        """Return MMD^2 and its variance by label, (2, R, b)."""
        square = labels.values @ self.squares.sum(axis=0)  # (b, R)
        inside = labels.form(self.squares)
        each = [
            self._of_component(r, inside[r], square[:, r], labels) for r in range(len(self.kernel))
        ]
        return np.stack(each, axis=1)

    def _of_component(self, r: int, inside: Float64, by_square: Float64, labels: "Labels") -> Any:
        """Return both of component r, with sums of squares inside the first sample, and from it."""
        K, own, n = self.kernel[r], self.own[r], self.first
        m, A = len(K) - n, labels.values  # (b, C)
        P = labels.times(K)  # sums of K over the first sample; over the second -P
        inner = A * P
        t = inner.sum(axis=1)
        p2, p_own = np.einsum("bc,bc->b", inner, P), inner @ own
        x = _Sample(n, inside, p2, p_own, A @ own, A @ own**2)
        y = _Sample(
            m,
            self.squares[..., r].sum() - 2 * by_square + inside,
            np.einsum("bc,bc->b", P, P) - p2,
            p_own - P @ own,
            own.sum() - x.own,
            own @ own - x.own_squares,
        )
        between = by_square - inside - p2 / m - y.p2 / n + t**2 / (n * m)
        variance = 2 * x.squares(t) / (n * (n - 1)) ** 2 + 2 * y.squares(t) / (m * (m - 1)) ** 2
        return t * mmd_squared_from_sums(1.0, -1.0, 1.0, (n, m)), (
            variance + 4 * between / (n * m) ** 2
        )


class _Sample(NamedTuple):
    """Sums over the clusters i of one sample under each of some labels, (b,).

    With p_i the sum of K_ij over j in the same sample: of K_ij^2 over pairs, of p_i^2, of p_i K_ii,
    of K_ii and of K_ii^2.
    """

    size: int
    inside: Float64
    p2: Float64
    p_own: Float64
    own: Float64
    own_squares: Float64

    def squares(self, t: Float64) -> Float64:
        """Return the sum over pairs i != j of ``(K_ij - v_i - v_j)^2``, which is centred.

        ``v_i = (p_i + K_ii) / n - c``, with t the sum of all p_i.
        """
        n = self.size
        total = t + self.own
        c = total / (2 * n**2)
        v2 = (self.p2 + 2 * self.p_own + self.own_squares) / n**2 - 2 * c * total / n + n * c**2
        vp = (self.p2 + self.p_own) / n - c * t
        return self.inside - 4 * vp + 2 * (n - 2) * v2 + (total / n) ** 2 / 2


# --- labels, and products with them --------------------------------------------------------------


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
        step = max(1, _LABELS // (C << k))
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
        A = np.zeros((len(self.first), self.count))
        np.put_along_axis(A, self.first, 1, axis=1)
        return A

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
        (J, _, K), k = self.pairs.shape, self.drawn.swaps.dimension
        patterns = np.arange(1 << k)[:, None]
        swapped = np.bitwise_count(patterns & columns(K, k)) & 1  # (2^k, K)
        A = np.zeros((J, 1 << k, sum(self.drawn.units.movable)))
        for labels, (x, y) in zip(A, self.pairs, strict=True):
            labels[:, x], labels[:, y] = 1 - swapped, swapped
        return A.reshape(J << k, -1)

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


def extra_bytes(drawn: ClusterRelabelings, R: int, n_jobs: int) -> int:
    """Return about how many bytes this holds beside what a test of so many rows does."""
    C = sum(drawn.units.movable)
    block = max(512, 1 << drawn.swaps.dimension, _LABELS // C)
    at_once = (7 + R) * min(block, drawn.total) * C * n_jobs
    return 8 * (at_once + 2 * (R + 1) * C**2 + 6 * (R + 1) * drawn.total)


def block_bytes(clusters: int, R: int) -> int:
    """Return about how many bytes the sums between so many clusters take, with their copies."""
    return 8 * 9 * R * clusters**2
