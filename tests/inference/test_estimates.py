"""Estimates from sums: each formula once more."""

import math

import numpy as np
import pytest
from scipy import stats

from repdist import kernels
from repdist._blocks import Block, Sums
from repdist._inference.estimates import (
    Estimate,
    component_estimates,
    mmd_squared_from_sums,
    spread,
    standard_error,
)


def test_mmd_of_a_constant_kernel_is_0():
    n, m = 4, 7
    assert mmd_squared_from_sums(12, 28, 42, (n, m), "unbiased") == 0
    assert mmd_squared_from_sums(16, 28, 49, (n, m), "biased") == 0


def blocks_of(n, m, seed=0):
    """A kernel matrix of two samples, and its sums as single rows."""
    Z = np.random.default_rng(seed).normal(size=(n + m, 3))
    K = kernels.RBF(1.3)(Z, Z)
    off = K - np.diag(np.diagonal(K))
    own = np.repeat([0, 1], [n, m])
    rows = np.stack([off[:, own == 0].sum(axis=1), off[:, own == 1].sum(axis=1)], axis=1)
    sums = Sums(
        blocks=off[None],
        diagonal=np.diagonal(K)[None],
        first_rows=rows[:n],
        second_rows=rows[n:, ::-1],
        squares=np.zeros(1),
        magnitude=np.ones(1),
        epsilon=0.0,
    )
    return K, own, sums


@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
def test_estimates_are_means_of_kernel_values(estimator):
    n, m = 5, 8
    K, own, sums = blocks_of(n, m)
    count = (lambda size: size * size) if estimator == "biased" else lambda size: size * (size - 1)
    values = K if estimator == "biased" else K - np.diag(np.diagonal(K))
    expected = (
        values[:n, :n].sum() / count(n) + values[n:, n:].sum() / count(m) - 2 * K[:n, n:].mean()
    )
    assert sums.sizes == (n, m)
    assert component_estimates(sums, own, estimator) == pytest.approx(expected, rel=1e-12)


def test_standard_error_is_0_without_spread():
    assert standard_error(np.ones((4, 2)), np.ones((5, 2))) == 0


@pytest.mark.parametrize(("value", "level"), [(0.3, 0.95), (0.01, 0.95), (0.3, 0.5), (-1.0, 0.9)])
def test_interval_follows_its_formula_and_stops_at_0(value, level):
    z = stats.norm.ppf((1 + level) / 2)
    low, high = Estimate(value, 0.02, 0.0004).interval(level)
    assert low == pytest.approx(max(value - z * 0.02, 0))
    assert high == pytest.approx(max(value + z * math.sqrt(0.02**2 + 3 * 0.0004), 0))


def test_intervals_of_several_pairs_are_those_of_each():
    values, errors, variances = np.array([0.1, 0.5]), np.array([0.1, 0.2]), np.array([0.01, 0.02])
    both = Estimate(values, errors, variances).interval(0.9)
    for i in range(2):
        alone = Estimate(values[i], errors[i], variances[i]).interval(0.9)
        assert (both[0][i], both[1][i]) == alone


def test_spread_is_the_diagonal_less_the_rest():
    K, _, _ = blocks_of(6, 2)
    off = K[:6, :6] - np.diag(np.diagonal(K)[:6])
    block = Block(
        0, 0, off[None], np.diagonal(K)[None, :6], off.sum(axis=1), off.sum(axis=0),
        np.zeros(1), np.ones(1), 0.0,
    )  # fmt: skip
    assert spread(block, np.ones(1)) == pytest.approx(1 - off.sum() / 30, rel=1e-12)
