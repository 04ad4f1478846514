"""From the components' statistics to one statistic and its p-value.

Ties are found at the components, where they arise, before these are combined.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist._typing import Combine, Float64

_EPS64 = float(np.finfo(np.float64).eps)
_RIDGE = 1e-4  # relative to the variance of a component


@dataclass(frozen=True)
class Null:
    """Every relabeling's statistics; row 0 is the observed one.

    Attributes
    ----------
    components : (B + 1, R)
        MMD^2 of each component.
    statistic : (B + 1,)
        The combination that is tested.
    pvalue : float
    component_pvalues, zscores : (R,)
        Of each component by itself.
    dropped : (R,)
        Components that do not vary beyond rounding, left out of the combination.
    """

    components: Float64
    statistic: Float64
    pvalue: float
    component_pvalues: Float64
    zscores: Float64
    dropped: npt.NDArray[np.bool_]


def tie_tolerance(magnitude: Float64, dtype_eps: float, n: int, m: int) -> Float64:
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


def null_distribution(T: Float64, tolerance: Float64, combination: Combination) -> Null:
    """Combine the components and count the relabelings that reach the observed statistic.

    Parameters
    ----------
    T : (B + 1, R)
        MMD^2 of each component under each relabeling.
    tolerance : (R,)
        The observed row is lowered by it, so that ties count as ties whatever the rounding.
    combination : Combination
    """
    mean, sd = T.mean(axis=0), T.std(axis=0)
    dropped = sd <= 10 * tolerance
    kept = ~dropped
    lowered = T[0] - tolerance
    component_pvalues = np.where(dropped, 1.0, _pvalues(T, lowered))
    safe_sd = np.where(sd > 0, sd, 1.0)
    zscores = np.where(dropped, np.nan, (T[0] - mean) / safe_sd)
    if T.shape[1] == 1:
        combined, threshold = T[:, 0], lowered[0]
    elif combination.rule == "mean":
        combined, threshold = T @ combination.weights, lowered @ combination.weights
    elif not kept.any():
        combined, threshold = np.zeros(len(T)), 0.0
    elif combination.rule == "fuse":
        squares = combination.squares[kept]
        combined, threshold = _soft_maximum(T[:, kept], tolerance[kept], squares, combination.n)
    else:
        combined, threshold = _largest_score(T[:, kept], tolerance[kept])
    pvalue = float(_pvalues(combined, threshold)) if kept.any() else 1.0
    return Null(T, combined, pvalue, component_pvalues, zscores, dropped)


def _pvalues(statistic: Float64, threshold: Any) -> Any:
    """Return (1 + how many relabelings reach the threshold) / (1 + B); the 1 is the observed."""
    return (1 + (statistic[1:] >= threshold).sum(axis=0)) / len(statistic)


def _largest_score(T: Float64, tolerance: Float64) -> tuple[Float64, float]:
    """Return "largest normal score", (B + 1,), and the observed one lowered by the tolerance.

    The scores are those of the components, and that of all of them together. Moments are taken
    over all relabelings, the observed one among them: the rule is then a symmetric function of the
    relabelings, which keeps the level exact.
    """
    z, slack = standardised(T, tolerance)
    scores, lowered = normal_scores(z, slack)
    combined, threshold = scores.max(axis=1), lowered.max()
    if T.shape[1] > 1:
        together, of_ties = mahalanobis(z, slack)
        if together.std() > 10 * of_ties:
            score, low = normal_scores(*standardised(together[:, None], np.array([of_ties])))
            np.maximum(combined, score[:, 0], out=combined, where=lies_above(z))
            threshold = max(threshold, low[0]) if lies_above(z[0] - slack) else threshold
    return combined, float(threshold)


def standardised(T: Float64, tolerance: Float64) -> tuple[Float64, Float64]:
    """Return (T - mean) / sd, (B + 1, R), and the tolerance on that scale, (R,)."""
    sd = T.std(axis=0)
    return (T - T.mean(axis=0)) / sd, tolerance / sd


def normal_scores(z: Float64, slack: Float64) -> tuple[Float64, Float64]:
    """Return normal scores (B + 1, R), and those of the observed row lowered by `slack` (R,).

    z, corrected for the skewness g of the null by Wilson and Hilferty's cube root.
    """
    g = np.clip(np.einsum("br,br,br->r", z, z, z) / len(z), 0, np.sqrt(8))
    skewed = g > 1e-4
    safe_g = np.where(skewed, g, 1.0)

    def corrected(z: Float64) -> Float64:
        root = np.cbrt(np.maximum(safe_g * z / 2 + 1, 0))
        return np.where(skewed, (6 / safe_g) * (root - 1) + safe_g / 6, z)

    return corrected(z), corrected(z[0] - slack)


def mahalanobis(z: Float64, slack: Float64) -> tuple[Float64, float]:
    """Return the squared Mahalanobis length of each relabeling's components, and its tolerance.

    ``z' (C + ridge I)^-1 z``, with C the correlations of the components over relabelings. It sees
    what no bandwidth shows by itself: one component larger than the others let expect. After A.
    Chatterjee and B. B. Bhattacharya, "Boosting the power of kernel two-sample tests", arXiv
    2302.10687, 2023; the ridge is needed as neighbouring bandwidths are all but collinear.
    """
    C = z.T @ z / len(z) + _RIDGE * np.eye(z.shape[1])
    slopes = z @ np.linalg.inv(C)  # half the gradient
    lengths = np.einsum("br,br->b", z, slopes)
    rounding = 64 * _EPS64 / _RIDGE * float(z[0] @ z[0])
    return lengths, 2 * float(np.abs(slopes[0]) @ slack) + rounding


def lies_above(z: Float64) -> npt.NDArray[np.bool_]:
    """Tell whether the largest component lies farther above the null than the smallest below.

    In samples that are more alike than independent ones (copies, matched rows) all components lie
    below, and their length says nothing of a difference.
    """
    return np.asarray(z.max(axis=-1) + z.min(axis=-1) > 0)


def _soft_maximum(
    T: Float64, tolerance: Float64, squares: Float64, n: int
) -> tuple[Float64, float]:
    """Return the log-mean-exp of c MMD^2 / sqrt(sum_{i != j} k^2) of MMD-FUSE, and the lowered."""
    scale = (n * (n - 1)) ** 1.5 / np.sqrt(squares)

    def rule(values: Float64) -> Float64:
        exponents = values * scale
        largest = exponents.max(axis=1)
        return np.asarray(largest + np.log(np.exp(exponents - largest[:, None]).mean(axis=1)))

    return rule(T), float(rule((T[0] - tolerance)[None])[0])
