"""Paired rows under relabelings: each pair may change sides.

With ``H_ij = k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(y_i, x_j)`` and signs e_i = 1 or -1,
``MMD^2 = sum_{i != j} e_i e_j H_ij / (n (n - 1))``. What a pair shows of itself, H_ii, is left out,
and with it k(x_i, y_i): an unpaired estimate counts it, and is too low where pairs are alike.
"""

import math
from typing import NamedTuple

import numpy as np

from repdist._blocks import Sums
from repdist._designs.paired import PairedUnits
from repdist._inference.combine import Combination, Null
from repdist._inference.estimates import Estimate, check_definite
from repdist._inference.findings import Findings
from repdist._inference.two_samples import Relabeled, tolerance
from repdist._typing import Estimator, Float64


class PairedSums(NamedTuple):
    """What a test of n pairs is made of.

    Attributes
    ----------
    sums : Sums
        Of n rows against n, in one order.
    beside : (R, n)
        ``k(x_i, y_i)`` of each component.
    """

    sums: Sums
    beside: Float64


def findings(
    paired: PairedSums,
    units: PairedUnits,
    combination: Combination,
    estimator: Estimator,
    relabeled: Relabeled,
) -> Findings:
    """Test n pairs from the sums between their units."""
    (sums, beside), weights = paired, combination.weights
    S = quadratic_form(paired, units, estimator)
    statistics = relabeled(S)
    check_definite(sums, units.sample, weights)
    components = statistics.observed
    influence = _influence(sums, weights @ beside)
    error = math.sqrt(4 * influence.var(ddof=1) / units.pairs)
    return Findings(
        Null(statistics, tolerance(sums, units, estimator), combination),
        components,
        float(weights @ components),
        Estimate(float(influence.mean()), error, null_variance(S, weights)),
    )


def quadratic_form(paired: PairedSums, units: PairedUnits, estimator: Estimator) -> Float64:
    """Return S (2 U, 2 U, R) with ``a' S a = MMD^2`` for labels a that tell one of each pair.

    Its rows sum to 0: what is subtracted for that changes no difference within a pair.
    """
    (sums, beside), U, n = paired, units.bins, units.pairs
    blocks = sums.blocks.copy()
    every, first = np.arange(2 * U), np.arange(U)
    if estimator == "biased":
        blocks[:, every, every] += sums.diagonal
    else:
        starts = np.cumsum(units.in_bins) - units.in_bins
        own = np.add.reduceat(beside, starts, axis=1)  # (R, U)
        blocks[:, first, first + U] -= own
        blocks[:, first + U, first] -= own
    means = blocks.mean(axis=2)  # (R, 2 U)
    blocks -= means[:, :, None]
    blocks -= (means - means.mean(axis=1, keepdims=True))[:, None]
    S = np.ascontiguousarray(blocks.transpose(1, 2, 0))
    S *= 4 / (n * n if estimator == "biased" else n * (n - 1))
    return S


def null_variance(S: Float64, weights: Float64) -> float:
    """Return the variance over all flips of MMD^2 of the weighted kernel."""
    A = S @ weights  # (2 U, 2 U)
    U = len(A) // 2
    steps = A[:U] - A[U:]
    C = (steps[:, :U] - steps[:, U:]) / 4
    return 2 * float(np.vdot(C, C) - np.square(np.diagonal(C)).sum())


def _influence(sums: Sums, beside: Float64) -> Float64:
    """Return ``mean_{j != i} H_ij`` of each pair under the weighted kernel, (n,)."""
    both = sums.first_rows + sums.second_rows  # (n, 2): within the samples, and between them
    return np.asarray((both[:, 0] - both[:, 1] + 2 * beside) / (len(both) - 1))
