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
    influences,
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
    first_rows, second_rows = row_sums(K, n)
    sums = Sums(
        blocks=off[None],
        diagonal=np.diagonal(K)[None],
        first_rows=first_rows,
        second_rows=second_rows,
        squares=np.zeros(1),
        magnitude=np.ones(1),
        epsilon=0.0,
    )
    return K, own, sums


def row_sums(K, n):
    """The sums of each row over the other rows of its own sample, and over the other one."""
    off = K - np.diag(np.diagonal(K))
    first, second = off[:n, :n].sum(axis=1), off[n:, n:].sum(axis=1)
    return (
        np.stack([first, K[:n, n:].sum(axis=1)], axis=1),
        np.stack([second, K[n:, :n].sum(axis=1)], axis=1),
    )


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


@pytest.mark.parametrize(("n", "m"), [(3, 4), (12, 5)])
def test_standard_error_is_the_jackknife_of_each_sample(n, m):
    K, own, _ = blocks_of(n, m)
    keep = np.arange(n + m)

    def without(row):
        rest, first = keep[keep != row], n - (row < n)
        part, unit = K[np.ix_(rest, rest)], own[rest]
        part = part - np.diag(np.diagonal(part))
        x, y = part[unit == 0], part[unit == 1]
        a, b = first, n + m - 1 - first
        return (
            x[:, unit == 0].sum() / (a * (a - 1)) + y[:, unit == 1].sum() / (b * (b - 1))
            - 2 * x[:, unit == 1].mean()
        )  # fmt: skip

    left = np.array([without(row) for row in keep])
    expected = (n - 1) ** 2 / n * left[:n].var(ddof=1) + (m - 1) ** 2 / m * left[n:].var(ddof=1)
    rows = row_sums(K, n)
    assert standard_error(*rows) == pytest.approx(math.sqrt(expected), rel=1e-12)
    h_first, h_second = influences(*rows)
    off = K - np.diag(np.diagonal(K))
    value = (
        off[:n, :n].sum() / (n * (n - 1)) + off[n:, n:].sum() / (m * (m - 1)) - 2 * K[:n, n:].mean()
    )
    assert h_first.mean() + h_second.mean() == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(("n", "m"), [(3, 4), (12, 5)])
def test_what_a_kernel_says_of_one_row_alone_is_no_error(n, m):
    """k + f(x) + f(y) has the same MMD^2: its error may not grow with f."""
    K, _, _ = blocks_of(n, m)
    f = np.random.default_rng(1).normal(1000, 100, size=n + m)
    expected = standard_error(*row_sums(K, n))
    found = standard_error(*row_sums(K + f[:, None] + f, n))
    assert found == pytest.approx(expected, rel=1e-9)


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
