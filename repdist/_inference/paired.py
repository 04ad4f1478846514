"""Paired rows under relabelings: each pair may change sides.

With ``H_ij = k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(y_i, x_j)`` and signs e_i = 1 or -1,
``MMD^2 = sum_{i != j} e_i e_j H_ij / (n (n - 1))``. What a pair shows of itself, H_ii, is left out,
and with it k(x_i, y_i): an unpaired estimate counts it, and is too low where pairs are alike.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from repdist._blocks import Sums
from repdist._designs.paired import PairedUnits
from repdist._inference.combine import Combination, Null
from repdist._inference.estimates import (
    Estimate,
    check_definite,
    mean_spread,
    mmd_squared_from_sums,
    own_values,
)
from repdist._inference.findings import Findings
from repdist._inference.floor import floor_of_pairs
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
    (sums, beside), weights, n = paired, combination.weights, units.pairs
    S = form(paired, units, estimator)
    statistics = relabeled(S)
    check_definite(sums, units.sample, weights)
    components = statistics.observed
    influence = _influence(sums, weights @ beside)
    error = math.sqrt(4 * influence.var(ddof=1) / n)
    S = S if estimator == "unbiased" else form(paired, units, "unbiased")
    return Findings(
        Null(statistics, tolerance(sums, units, estimator), combination),
        components,
        float(weights @ components),
        Estimate(float(influence.mean()), error, null_variance(S, weights)),
        mean_spread(sums, own_values(sums, units.sample, weights)),
        floor=functools.partial(floor_of_pairs, between_pairs(S @ weights)),
    )


def form(paired: PairedSums, units: PairedUnits, estimator: Estimator) -> Float64:
    """Return S (2 U, 2 U, R) with ``a' S a`` the MMD^2 of labels a."""
    (sums, beside), n = paired, units.pairs
    S = quadratic_form(sums.blocks, sums.diagonal, beside, units, estimator)
    S *= mmd_squared_from_sums(1.0, 0.0, 0.0, (n, n), estimator)
    return S


def quadratic_form(
    blocks: Float64, diagonal: Float64, beside: Float64, units: PairedUnits, estimator: Estimator
) -> Float64:
    """Return S (2 U, 2 U, R) with ``a' S a = sum e_i e_j H_ij`` for labels a that tell one of each.

    Its rows sum to 0: what is subtracted for that changes no difference within a pair.

    Parameters
    ----------
    blocks, diagonal : (R, 2 U, 2 U) and (R, 2 U)
        As in `Sums`.
    beside : (R, n)
        ``k(x_i, y_i)`` of each component.
    units : PairedUnits
    estimator : {"unbiased", "biased"}
        Whether i = j counts.
    """
    U = units.bins
    blocks = blocks.copy()
    every, first = np.arange(2 * U), np.arange(U)
    if estimator == "biased":
        blocks[:, every, every] += diagonal
    else:
        starts = np.cumsum(units.in_bins) - units.in_bins
        own = np.add.reduceat(beside, starts, axis=1)  # (R, U)
        blocks[:, first, first + U] -= own
        blocks[:, first + U, first] -= own
    S = 4 * np.ascontiguousarray(blocks.transpose(1, 2, 0))
    return without_means(S)


def without_means(S: Float64) -> Float64:
    """Return S (2 U, 2 U, R), which is written to, with rows that sum to 0.

    What is subtracted changes no difference within a pair.
    """
    means = S.mean(axis=1)  # (2 U, R)
    S -= means[:, None]
    S -= (means - means.mean(axis=0))[None]
    return S


def null_variance(S: Float64, weights: Float64) -> float:
    """Return the variance over all flips of MMD^2 of the weighted kernel."""
    C = between_pairs(S @ weights)
    return 2 * float(np.vdot(C, C) - np.square(np.diagonal(C)).sum())


def between_pairs(A: Float64) -> Float64:
    """Return what pairs of bins have with each other, (U, U), from the form A of their units."""
    U = len(A) // 2
    steps = A[:U] - A[U:]
    return np.asarray((steps[:, :U] - steps[:, U:]) / 4)


def _influence(sums: Sums, beside: Float64) -> Float64:
    """Return ``mean_{j != i} H_ij`` of each pair under the weighted kernel, (n,)."""
    both = sums.first_rows + sums.second_rows  # (n, 2): within the samples, and between them
    return np.asarray((both[:, 0] - both[:, 1] + 2 * beside) / (len(both) - 1))
