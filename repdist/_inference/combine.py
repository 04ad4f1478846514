"""From the components' statistics to one statistic and its p-value.

Ties are found at the components, where they arise, before these are combined. Every score rises
with its component, so relabelings are compared with the threshold there, and no score is made of
them until somebody asks for the null distribution.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from repdist._typing import Combine, Float64

_EPS64 = float(np.finfo(np.float64).eps)
_RIDGE = 1e-4  # relative to the variance of a component
_COLUMNS = 2**14  # relabelings in work at a time, near the cache
_STRAIGHT = 1e-4  # skewness below which a score is z itself


@dataclass(frozen=True)
class Statistics:
    """The statistics of every relabeling; the first is the observed one.

    Attributes
    ----------
    deviations : (R, B)
        MMD^2 of each component less its mean over the relabelings.
    mean : (R,)
    """

    deviations: Float64
    mean: Float64

    @property
    def observed(self) -> Float64:
        """MMD^2 of each component under the observed labels, (R,)."""
        return self.deviations[:, 0] + self.mean

    @classmethod
    def of(cls, T: Float64) -> "Statistics":
        """Return those of values T (R, B), which is written to."""
        mean = T.mean(axis=1)
        T -= mean[:, None]
        return cls(T, mean)


def tie_tolerance(magnitude: Float64, dtype_eps: float, n: float, m: float) -> Float64:
    """Return how far rounding may move the MMD^2 of a component, (R,)."""
    return 64 * _EPS64 * magnitude + 16 * dtype_eps * magnitude * (1 / n + 1 / m)


@dataclass(frozen=True)
class Combination:
    """How components become one statistic.

    Attributes
    ----------
    rule : {"max", "mean", "fuse"}
    weights : (R,)
        Of the components in the kernel, for ``"mean"``.
    squares : (R,)
        Sum over i != j of the squared kernel, for ``"fuse"``.
    n : int
        Rows of the smaller sample, for ``"fuse"``.
    """

    rule: Combine
    weights: Float64
    squares: Float64
    n: int


_ROUNDING = 1e-9  # of the largest statistic: what differs by less ties


class Null:
    """The relabelings' statistics, combined, and how many reach the observed one.

    Parameters
    ----------
    statistics : Statistics
    tolerance : (R,)
        The observed components are lowered by it, so that ties count as ties whatever the rounding.
    combination : Combination

    Attributes
    ----------
    statistic, pvalue : float
        The observed combination, and the share of relabelings that reach it: it is one of them.
    zscores : (R,)
        Of the observed components.
    dropped : (R,)
        Components that do not vary beyond rounding, left out of the combination.

    Notes
    -----
    ``O(R^2 B)`` time. Moments are taken over all relabelings, the observed one among them: the rule
    is then a symmetric function of the relabelings, which keeps the level exact.
    """

    def __init__(
        self, statistics: Statistics, tolerance: Float64, combination: Combination
    ) -> None:
        D = statistics.deviations
        moments = D @ D.T / D.shape[1]
        sd = np.sqrt(np.diagonal(moments))
        kept = sd > 10 * tolerance
        self.dropped: npt.NDArray[np.bool_] = ~kept
        self.zscores = np.where(kept, D[:, 0] / np.where(sd > 0, sd, 1.0), np.nan)
        self._statistics, self._tolerance = statistics, tolerance
        self._rule = _rule(statistics, tolerance, combination, moments, kept)
        self.statistic = self._rule.observed
        self.pvalue = float(_share(self._rule.reached())) if kept.any() else 1.0

    def lower_pvalue(self) -> float:
        """Return the share of relabelings whose statistic is no larger than the observed one."""
        if self.dropped.all():
            return 1.0
        values = self._rule.values()
        return float((values <= values[0] + _ROUNDING * np.abs(values).max()).mean())

    def component_pvalues(self) -> Float64:
        """Return the p-value of each component by itself, (R,)."""
        D = self._statistics.deviations
        reached = (D[:, 0] - self._tolerance)[:, None] <= D
        return np.where(self.dropped, 1.0, _share(reached))

    def distribution(self) -> Float64:
        """Return the statistic of every relabeling, (B,); the first is the observed one."""
        return self._rule.values()


def _share(reached: npt.NDArray[np.bool_]) -> Any:
    """Return the share of relabelings that reach the observed one, the first, which does."""
    return (1 + reached[..., 1:].sum(axis=-1)) / reached.shape[-1]


class _Rule(Protocol):
    """A statistic made of components."""

    @property
    def observed(self) -> float:
        """Of the observed labels."""

    def reached(self) -> npt.NDArray[np.bool_]:
        """Tell which relabelings reach the observed statistic after lowering, (B,)."""

    def values(self) -> Float64:
        """Return the statistic of every relabeling, (B,)."""


def _rule(
    statistics: Statistics,
    tolerance: Float64,
    combination: Combination,
    moments: Float64,
    kept: npt.NDArray[np.bool_],
) -> _Rule:
    D, mean = statistics.deviations, statistics.mean
    if len(D) == 1 or combination.rule == "mean":
        weights = np.ones(1) if len(D) == 1 else combination.weights
        return _Sum(weights @ D, float(weights @ mean), float(weights @ tolerance))
    if not kept.any():
        return _Sum(np.zeros(D.shape[1]), 0.0, 0.0)
    if not kept.all():
        D, mean, tolerance = D[kept], mean[kept], tolerance[kept]
        moments = moments[np.ix_(kept, kept)]
    if combination.rule == "fuse":
        squares = combination.squares[kept]
        return _SoftMaximum(D, mean, tolerance, squares, combination.n)
    return _LargestScore(D, tolerance, moments)


@dataclass(frozen=True)
class _Sum:
    """MMD^2 of one kernel: values (B,) less their mean."""

    deviations: Float64
    mean: float
    tolerance: float

    @property
    def observed(self) -> float:
        return float(self.deviations[0]) + self.mean

    def reached(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.deviations >= self.deviations[0] - self.tolerance)

    def values(self) -> Float64:
        return self.deviations + self.mean


class _SoftMaximum:
    """The log-mean-exp of ``c MMD^2 / sqrt(sum_{i != j} k^2)`` of MMD-FUSE."""

    def __init__(
        self, D: Float64, mean: Float64, tolerance: Float64, squares: Float64, n: int
    ) -> None:
        self._scale = (n * (n - 1)) ** 1.5 / np.sqrt(squares)
        self._values = self._rule(D + mean[:, None])
        self._threshold = float(self._rule((D[:, 0] + mean - tolerance)[:, None])[0])
        self.observed = float(self._values[0])

    def reached(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self._values >= self._threshold)

    def values(self) -> Float64:
        return self._values

    def _rule(self, T: Float64) -> Float64:
        exponents = T * self._scale[:, None]
        largest = exponents.max(axis=0)
        return np.asarray(largest + np.log(np.exp(exponents - largest).mean(axis=0)))


class _LargestScore:
    """The largest normal score: of each component, and of all of them together.

    The score of all is that of their squared Mahalanobis length ``z' (C + ridge I)^-1 z``, with C
    the correlations of the components over relabelings. It sees what no bandwidth shows by itself:
    one component larger than the others let expect. After A. Chatterjee and B. B. Bhattacharya,
    "Boosting the power of kernel two-sample tests", arXiv 2302.10687, 2023; the ridge is needed as
    neighbouring bandwidths are all but collinear.
    """

    def __init__(self, D: Float64, tolerance: Float64, moments: Float64) -> None:
        self._D, self._sd = D, np.sqrt(np.diagonal(moments))
        correlations = moments / np.outer(self._sd, self._sd)
        root = np.linalg.inv(np.linalg.cholesky(correlations + _RIDGE * np.eye(len(D))))
        third, self._lengths = self._passed(root / self._sd)
        scores = [
            _Score(*of_component)
            for of_component in zip(
                D[:, 0].tolist(),
                tolerance.tolist(),
                self._sd.tolist(),
                (third / self._sd**3).tolist(),
                strict=True,
            )
        ]
        z, slack = D[:, 0] / self._sd, tolerance / self._sd
        self._together = self._score_of_lengths(z, slack, root) if len(D) > 1 else None
        self._scores = scores
        self.observed = max(score.observed for score in scores)
        self._threshold = max(score.lowered for score in scores)
        if self._together is not None:
            if _lies_above(z):
                self.observed = max(self.observed, self._together.observed)
            if _lies_above(z - slack):
                self._threshold = max(self._threshold, self._together.lowered)

    def reached(self) -> npt.NDArray[np.bool_]:
        limits = np.array([[score.limit(self._threshold)] for score in self._scores])
        reached = np.asarray((limits <= self._D).any(axis=0))
        if self._together is not None:
            far = self._lengths >= self._together.limit(self._threshold)
            left = np.flatnonzero(far > reached)
            reached[left] = _lies_above(self._D.take(left, axis=1) / self._sd[:, None])
        return reached

    def values(self) -> Float64:
        found = self._scores[0].of(self._D[0])
        for score, row in zip(self._scores[1:], self._D[1:], strict=True):
            np.maximum(found, score.of(row), out=found)
        if self._together is not None:
            together = self._together.of(self._lengths)
            above = _lies_above(self._D / self._sd[:, None])
            np.maximum(found, together, out=found, where=above)
        return found

    def _passed(self, root: Float64) -> tuple[Float64, Float64]:
        """Return the components' third moments (R,), and the lengths of `root @ D` (B,)."""
        R, B = self._D.shape
        third, lengths = np.zeros(R), np.empty(B)
        for start in range(0, B, _COLUMNS):
            block = self._D[:, start : start + _COLUMNS]
            third += np.einsum("rb,rb->r", block * block, block)
            y = root @ block
            np.einsum("rb,rb->b", y, y, out=lengths[start : start + _COLUMNS])
        return third / B, lengths

    def _score_of_lengths(self, z: Float64, slack: Float64, root: Float64) -> "_Score | None":
        """Take their mean from the lengths; return their score if they vary beyond rounding."""
        lengths, B = self._lengths, len(self._lengths)
        lengths -= lengths.mean()
        squared = lengths * lengths
        sd = math.sqrt(squared.sum() / B)
        rounding = 64 * _EPS64 / _RIDGE * float(z @ z)
        ties = 2 * float(np.abs(root.T @ (root @ z)) @ slack) + rounding
        if sd <= 10 * ties:
            return None
        third = float(squared @ lengths) / B
        return _Score(float(lengths[0]), ties, sd, third / sd**3)


def _lies_above(z: Float64) -> Any:
    """Tell whether the largest component lies farther above the null than the smallest below.

    In samples that are more alike than independent ones (copies, matched rows) all components lie
    below, and their length says nothing of a difference.
    """
    return z.max(axis=0) + z.min(axis=0) > 0


class _Score:
    """Normal scores of deviations from the mean, corrected for the skewness g of their null.

    ``(6 / g) (cbrt(max(g z / 2 + 1, 0)) - 1) + g / 6`` with z the deviation over `sd`: E. B. Wilson
    and M. M. Hilferty, "The distribution of chi-square", PNAS 17, 684-688, 1931.

    Parameters
    ----------
    first, tolerance : float
        The observed deviation, and by how much it is lowered.
    sd, skewness : float
        Over all relabelings.
    """

    def __init__(self, first: float, tolerance: float, sd: float, skewness: float) -> None:
        self._sd, self._g = sd, min(max(skewness, 0.0), math.sqrt(8))
        self._lowest = first - tolerance
        self.observed, self.lowered = self.of(np.array([first, self._lowest])).tolist()

    def of(self, deviations: Float64) -> Float64:
        """Return their scores."""
        z, g = deviations / self._sd, self._g
        if g <= _STRAIGHT:
            return z
        return np.asarray((6 / g) * (np.cbrt(np.maximum(g * z / 2 + 1, 0)) - 1) + g / 6)

    def limit(self, score: float) -> float:
        """Return the least deviation whose score is at least this one."""
        g = self._g
        if score == self.lowered and g * self._lowest / self._sd / 2 > -1:
            return self._lowest  # no way there and back where ties are
        if g <= _STRAIGHT:
            return score * self._sd
        if score <= float(self.of(np.array([-math.inf]))[0]):
            return -math.inf  # all deviations so far below the mean share the least score
        root = (score - g / 6) * g / 6 + 1
        return (max(root, 0.0) ** 3 - 1) * 2 / g * self._sd
