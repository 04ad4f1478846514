"""Clusters under relabelings: MMD^2 of cluster means, over its standard deviation by label.

The kernel between two clusters is the mean of k over their rows, so that a cluster becomes a row,
and every cluster counts the same. Clusters of different sizes have means of different precision. If
sizes differ between the samples, labels are not exchangeable, and MMD^2 by itself rejects too
often. So each relabeling's MMD^2 is divided by its own standard deviation where nothing differs,

``sd^2 = 2 sum_{i != j in x} Kc_ij^2 / (C (C - 1))^2 + the same in y
+ 4 sum_{i in x, j in y} Kc_ij^2 / (C C')^2``,

with Kc centred in both directions within x, within y and between them: S. X. Chen and Y.-L. Qin, "A
two-sample test for high-dimensional data with applications to gene-set testing", Annals of
Statistics 38, 808-835, 2010. The p-value stays exact where whole clusters are exchangeable. Where
sizes differ between the samples that is not all that it takes: see `multipliers`.
"""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from repdist._blocks import Sums
from repdist._designs.clusters import ClusterRelabelings
from repdist._designs.units import Units
from repdist._inference.cluster_labels import LABELS, Labels
from repdist._inference.cluster_sums import ClusterSums, bins_as_rows
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
from repdist._inference.two_samples import (
    null_variance,
    quadratic_form,
    tolerance,
)
from repdist._typing import Combine, Estimator, Float64

Moments = Callable[["Labels"], Float64]  # of some labels: their MMD^2 and sd^2, (2, R, b)
Mapper = Callable[[Moments, Iterable["Labels"]], Iterable[Float64]]
Relabeled = Callable[["Centred"], Float64]  # `moments` with all else given

_FLOOR = 0.01  # of the mean of sd^2 over relabelings: no sd^2 counts as less


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


def extra_bytes(drawn: ClusterRelabelings, R: int, n_jobs: int) -> int:
    """Return about how many bytes this holds beside what a test of so many rows does."""
    C = sum(drawn.units.movable)
    block = max(512, 1 << drawn.swaps.dimension, LABELS // C)
    at_once = (7 + R) * min(block, drawn.total) * C * n_jobs
    return 8 * (at_once + 2 * (R + 1) * C**2 + 6 * (R + 1) * drawn.total)


def block_bytes(clusters: int, R: int) -> int:
    """Return about how many bytes the sums between so many clusters take, with their copies."""
    return 8 * 9 * R * clusters**2
