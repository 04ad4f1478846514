"""Pairs within strata under relabelings: each pair may change sides, and strata are weighted.

``adjusted = ||sum_s w_s mean d_i||^2`` and ``within = sum_s w_s ||mean d_i||^2``, with the
differences d_i of the pairs i of stratum s, as in `repdist._inference.stratified`; what a pair
shows of itself is left out, as in `repdist._inference.paired`.
"""

import functools
import math

import numpy as np

from repdist._blocks import slices_of
from repdist._designs.paired import PairedUnits
from repdist._designs.strata import StrataUnits
from repdist._inference import paired
from repdist._inference.combine import Combination, Null
from repdist._inference.estimates import Estimate
from repdist._inference.findings import Findings
from repdist._inference.floor import floor_of_pairs
from repdist._inference.stratified import (
    StrataSums,
    StrataTable,
    check_definite,
    mean_spread,
    takes_both,
    tolerance,
)
from repdist._inference.two_samples import Relabeled
from repdist._typing import Estimator, Float64


def findings(  # noqa: PLR0913 (what pairs and strata are made of)
    sums: StrataSums,
    beside: Float64,
    units: StrataUnits,
    combination: Combination,
    estimator: Estimator,
    relabeled: Relabeled,
) -> Findings:
    """Test pairs within strata from the sums between their units, which are alike in both samples.

    `beside` (R, n) are the components of ``k(x_i, y_i)``.
    """
    weights = combination.weights
    R, both = len(weights), takes_both(combination)
    S = quadratic_form(sums, beside, units, estimator, both=both)
    statistics = relabeled(S)
    check_definite(sums, units, weights)
    components, rounding = statistics.observed, tolerance(sums, units, estimator)
    if estimator == "biased":
        S = quadratic_form(sums, beside, units, "unbiased", both=False)
    adjusted = S[..., :R]
    return Findings(
        Null(statistics, rounding if both else rounding[:R], combination),
        components,
        float(weights @ components[:R]),
        _estimate(sums, weights @ beside, units, paired.null_variance(adjusted, weights)),
        mean_spread(sums, units),
        floor=functools.partial(floor_of_pairs, paired.between_pairs(adjusted @ weights)),
    )


def quadratic_form(
    sums: StrataSums, beside: Float64, units: StrataUnits, estimator: Estimator, *, both: bool
) -> Float64:
    """Return S (2 U, 2 U, R or 2 R) with ``a' S a`` the statistics for labels a.

    R adjusted ones, then R within if both are wanted. Rows of S sum to 0.
    """
    pairs = PairedUnits.of_sizes(units.rows[: len(units.rows) // 2])
    H = paired.quadratic_form(sums.blocks, sums.diagonal, beside, pairs, estimator)
    stratum, shares = units.stratum, units.shares
    n = units.counts[:, 0]
    inside = n * n if estimator == "biased" else n * (n - 1)
    same = stratum[:, None] == stratum
    between = (shares / n)[stratum]  # (2 U,)
    adjusted = np.where(same, (shares**2 / inside)[stratum], np.outer(between, between))
    of_forms = [adjusted, np.where(same, (shares / inside)[stratum], 0.0)][: 1 + both]
    return paired.without_means(np.concatenate([W[..., None] * H for W in of_forms], axis=2))


def strata_table(sums: StrataSums, beside: Float64, units: StrataUnits) -> StrataTable:
    """Return MMD^2 of the pairs of each stratum; `beside` (n,) is that of the weighted kernel."""
    n, found = len(beside), []
    both = sums.inside[:n] + sums.inside[n:]  # (n, 2): within the samples, and between them
    of_pair = both[:, 0] - both[:, 1] + 2 * beside
    for rows in slices_of(units.counts[:, 0]):
        h = of_pair[rows] / (rows.stop - rows.start - 1)
        found.append((h.mean(), math.sqrt(4 * h.var(ddof=1) / len(h))))
    mmd_squared, error = np.array(found).T
    names = tuple(stratum.name for stratum in units.strata)
    return StrataTable(names, units.counts, units.shares, mmd_squared, error)


def _estimate(
    sums: StrataSums, beside: Float64, units: StrataUnits, null_variance: float
) -> Estimate:
    """Return the unbiased adjusted MMD^2 with its error: ``se^2 = sum 4 var(h) / pairs``."""
    counts = units.counts[:, 0]
    n = np.repeat(counts, counts)
    factor = np.repeat(units.shares**2, counts)
    first, second = sums.inside[: len(n), 1], sums.inside[len(n) :, 1]
    h = sums.influence[: len(n)] + sums.influence[len(n) :]  # counts k(x_i, y_i)
    h = h + factor * ((first + second) / n - (first + second - 2 * beside) / (n - 1))
    of_strata = [h[pairs] for pairs in slices_of(counts)]
    mmd_squared = sum(float(values.mean()) for values in of_strata)
    error = math.sqrt(sum(4 * float(values.var(ddof=1)) / len(values) for values in of_strata))
    return Estimate(mmd_squared, error, null_variance)
