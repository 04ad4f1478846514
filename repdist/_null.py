"""The null distribution and the p-value, from kernel sums and relabelings; sees no data.

A two-sample test is a quadratic form in labels. With S the block sums of the kernel between units
and a the 0/1 labels, the sum over pairs within the first sample is ``q = a' S a``, and with
``l = a' S 1`` and ``t = 1' S 1`` the others are ``l - q`` (across) and ``t - 2 l + q``. S is
centred first, so that l and t are 0: no MMD^2 changes, and nothing cancels. The observed labels are
row 0 and go through the same code as all others.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from repdist._units import Labels

Float64 = npt.NDArray[np.float64]
Estimator = Literal["unbiased", "biased"]
Combine = Literal["max", "mean", "fuse"]
Mapper = Callable[[Callable[[Labels], Float64], Iterable[Labels]], Iterable[Float64]]

_EPS64 = float(np.finfo(np.float64).eps)


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


def mmd_squared_from_sums(
    within_first: Any, across: Any, within_second: Any, n: int, m: int, estimator: Estimator
) -> Any:
    """Return MMD^2 from sums over ordered pairs; unbiased sums leave the diagonal out."""
    n_pairs, m_pairs = (n * (n - 1), m * (m - 1)) if estimator == "unbiased" else (n * n, m * m)
    return within_first / n_pairs + within_second / m_pairs - 2 * across / (n * m)


def centred_blocks(
    blocks: Float64, diagonal: Float64, unit_rows: npt.NDArray[np.intp], estimator: Estimator
) -> Float64:
    """Return block sums (R, U, U) of ``k(x, y) - g(x) - g(y)``, with g such that rows sum to 0.

    No g changes an MMD^2, for it enters every mean with the same weight.

    Notes
    -----
    With N rows in all, R_u the sum over row u and n_u the rows of that unit, the sum G_u of g over
    a unit is ``(R_u - n_u sum(R) / (2 N)) / N`` if the diagonal counts, and
    ``(R_u - n_u sum(R) / (2 N - 2)) / (N - 2)`` if it does not.
    """
    units, N = np.arange(len(unit_rows)), int(unit_rows.sum())
    S = blocks.copy()
    if estimator == "biased":
        S[:, units, units] += diagonal
    else:
        N -= 1
    totals = S.sum(axis=2)  # (R, U)
    G = totals - totals.sum(axis=1, keepdims=True) / (2 * N) * unit_rows
    G /= N if estimator == "biased" else N - 1
    S -= pair_sums(G, G, unit_rows, unit_rows)
    if estimator == "unbiased":
        S[:, units, units] += 2 * G
    return S


def pair_sums(
    first: Float64, second: Float64, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]
) -> Float64:
    """Return the sums of ``g(x) + g(y)`` over the pairs of rows of two units, (R, U, V).

    `first` (R, U) and `second` (R, V) are the sums of g over units of so many `rows` and `columns`.
    """
    return np.asarray(first[:, :, None] * columns + second[:, None, :] * rows[:, None])


def precision(epsilon: float, *, small: bool) -> npt.DTypeLike:
    """Return the dtype for relabelings under kernel values of that rounding.

    float32 if the values are no better and samples are not small. Rounding then moves a statistic
    by some 1e-6 of its standard deviation, below `tie_tolerance`.
    """
    coarse = epsilon >= np.finfo(np.float32).eps and not small
    return np.float32 if coarse else np.float64


def component_statistics(
    S: Float64,
    relabelings: Iterable[Labels],
    n: int,
    m: int,
    estimator: Estimator,
    run: Mapper,
    dtype: npt.DTypeLike = np.float64,
) -> Float64:
    """Return MMD^2 (B + 1, R) of every relabeling; label 1 marks the sample of n rows.

    S (R, U, U) is as `centred_blocks` returns it. ``O(B U^2 R)`` time, in `dtype`; memory for the
    result and a few blocks of relabelings. `run` maps a function over the blocks in their order.
    """
    form = _QuadraticForm(S, dtype)

    def statistics(labels: Labels) -> Float64:
        q = form(labels)
        return np.asarray(mmd_squared_from_sums(q, -q, q, n, m, estimator))

    return np.concatenate(list(run(statistics, relabelings)))


class _QuadraticForm:
    """``a' S a`` for many rows of labels a, and all components of S (R, U, U).

    S is symmetric, so that only its upper triangle is used, in a few blocks of columns; the
    components stand side by side in one matrix, and a block of labels stays in the cache.
    """

    def __init__(self, S: Float64, dtype: npt.DTypeLike) -> None:
        self._n_components, units, _ = S.shape
        self._dtype = dtype
        self._pieces = []
        for columns in np.array_split(np.arange(units), min(units, _COLUMN_BLOCKS)):
            start, stop = int(columns[0]), int(columns[-1]) + 1
            upper = np.array(S[:, :stop, start:stop])  # (R, rows above and within, columns)
            upper[:, :start] *= 2
            self._pieces.append((start, stop, _side_by_side(upper).astype(dtype)))

    def __call__(self, labels: Labels) -> Float64:
        """Return ``a' S a`` (b, R) for labels (b, U)."""
        q = np.zeros((len(labels), self._n_components))
        for rows in _row_blocks(len(labels)):
            A = labels[rows].astype(self._dtype)
            for start, stop, piece in self._pieces:
                q[rows] += _products(A[:, :stop], piece, A[:, start:stop])
        return q


def _side_by_side(S: Float64) -> Float64:
    """Return S (R, U, V) as (U, R * V)."""
    return np.ascontiguousarray(S.transpose(1, 0, 2)).reshape(S.shape[1], -1)


def _products(x: Float64, S: Float64, y: Float64) -> Float64:
    """Return ``x' S_r y`` (b, R) for rows x (b, U) and y (b, V) and S as `_side_by_side` has it."""
    projected = (x @ S).reshape(len(x), -1, y.shape[1])  # (b, R, V)
    return np.asarray(np.einsum("brv,bv->br", projected, y))


@dataclass(frozen=True)
class Half:
    """One sample's side of many relabelings, and the sums within it.

    Attributes
    ----------
    labels : (B + 1, U)
        1 marks the units that are relabeled to the first sample of a pair.
    within : (B + 1, R)
        ``x' S x``, the sum over pairs of marked rows.
    totals : (B + 1, R)
        ``x' S 1``, the sum over pairs of a marked row with any row.
    total : (R,)
        ``1' S 1``.
    """

    labels: Labels
    within: Float64
    totals: Float64
    total: Float64


def half(S: Float64, labels: Labels, dtype: npt.DTypeLike = np.float64) -> Half:
    """Return the sums of one sample's block S (R, U, U) under labels (B + 1, U)."""
    row_totals = S.sum(axis=2).T  # (U, R)
    totals = np.concatenate([labels[rows] @ row_totals for rows in _row_blocks(len(labels))])
    return Half(labels, _QuadraticForm(S, dtype)(labels), totals, row_totals.sum(axis=0))


def complement(side: Half) -> Half:
    """Return the half in which exactly the other units are marked."""
    return Half(
        1 - side.labels,
        side.total - 2 * side.totals + side.within,
        side.total - side.totals,
        side.total,
    )


def pair_statistics(
    across: Float64,
    first: Half,
    second: Half,
    n: int,
    m: int,
    dtype: npt.DTypeLike = np.float64,
) -> Float64:
    """Return the unbiased MMD^2 (B + 1, R) of relabelings whose halves were drawn by themselves.

    `across` (R, U, V) is the block between the two samples; n and m are the rows with label 1 and
    0. ``O(B U V R)`` time: the products within the samples are those of the halves.
    """
    T = np.empty_like(first.within)
    beside = _side_by_side(across).astype(dtype)
    of_first = np.ascontiguousarray(across.sum(axis=2).T)  # (U, R)
    of_second = np.ascontiguousarray(across.sum(axis=1).T)  # (V, R)
    total = first.total + second.total + 2 * of_first.sum(axis=0)
    for rows in _row_blocks(len(T)):
        x, y = (side.labels[rows].astype(dtype) for side in (first, second))
        q = first.within[rows] + second.within[rows] + 2.0 * _products(x, beside, y)
        marked = first.totals[rows] + second.totals[rows] + x @ of_first + y @ of_second
        T[rows] = mmd_squared_from_sums(q, marked - q, total - 2 * marked + q, n, m, "unbiased")
    return T


def _row_blocks(n: int) -> Iterator[slice]:
    return (slice(start, start + _ROWS) for start in range(0, n, _ROWS))


_ROWS = 512  # relabelings multiplied at a time
_COLUMN_BLOCKS = 4  # of the upper triangle


def tie_tolerance(magnitude: Float64, dtype_eps: float, n: int, m: int) -> Float64:
    """Return how far rounding may move the MMD^2 of a component, (R,)."""
    return 64 * _EPS64 * magnitude + 16 * dtype_eps * magnitude * (1 / n + 1 / m)


def null_distribution(
    T: Float64,
    tolerance: Float64,
    combine: Combine,
    *,
    weights: Float64,
    squares: Float64,
    n: int,
) -> Null:
    """Combine the components and count the relabelings that reach the observed statistic.

    Parameters
    ----------
    T : (B + 1, R)
        MMD^2 of each component under each relabeling.
    tolerance : (R,)
        The observed row is lowered by it, so that ties count as ties whatever the rounding.
    combine : {"max", "mean", "fuse"}
    weights : (R,)
        Of the components in the kernel, for ``"mean"``.
    squares : (R,)
        Sum over i != j of the squared kernel, for ``"fuse"``.
    n : int
        Rows of the smaller sample, for ``"fuse"``.
    """
    mean, sd = T.mean(axis=0), T.std(axis=0)
    dropped = sd <= 10 * tolerance
    kept = ~dropped
    lowered = T[0] - tolerance
    component_pvalues = np.where(dropped, 1.0, _pvalues(T, lowered))
    safe_sd = np.where(sd > 0, sd, 1.0)
    zscores = np.where(dropped, np.nan, (T[0] - mean) / safe_sd)
    if len(weights) == 1:
        combined, threshold = T[:, 0], lowered[0]
    elif combine == "mean":
        combined, threshold = T @ weights, lowered @ weights
    elif not kept.any():
        combined, threshold = np.zeros(len(T)), 0.0
    elif combine == "fuse":
        combined, threshold = _soft_maximum(T[:, kept], tolerance[kept], squares[kept], n)
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
    z, slack = _standardised(T, tolerance)
    scores, lowered = _normal_scores(z, slack)
    combined, threshold = scores.max(axis=1), lowered.max()
    if T.shape[1] > 1:
        together, of_ties = _together(z, slack)
        if together.std() > 10 * of_ties:
            score, low = _normal_scores(*_standardised(together[:, None], np.array([of_ties])))
            np.maximum(combined, score[:, 0], out=combined, where=_lies_above(z))
            threshold = max(threshold, low[0]) if _lies_above(z[0] - slack) else threshold
    return combined, float(threshold)


def _standardised(T: Float64, tolerance: Float64) -> tuple[Float64, Float64]:
    """Return (T - mean) / sd, (B + 1, R), and the tolerance on that scale, (R,)."""
    sd = T.std(axis=0)
    return (T - T.mean(axis=0)) / sd, tolerance / sd


def _normal_scores(z: Float64, slack: Float64) -> tuple[Float64, Float64]:
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


def _together(z: Float64, slack: Float64) -> tuple[Float64, float]:
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


def _lies_above(z: Float64) -> npt.NDArray[np.bool_]:
    """Tell whether the largest component lies farther above the null than the smallest below.

    In samples that are more alike than independent ones (copies, matched rows) all components lie
    below, and their length says nothing of a difference.
    """
    return np.asarray(z.max(axis=-1) + z.min(axis=-1) > 0)


_RIDGE = 1e-4  # relative to the variance of a component


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
