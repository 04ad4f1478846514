"""MMD^2 against loops and closed forms."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import FORMULAS, mmd_squared, rbf_on_gaussians
from scipy import stats

import repdist
from repdist import kernels
from repdist._pass import geometry

CASES = pytest.mark.parametrize(("kernel", "k"), FORMULAS.values(), ids=FORMULAS.keys())
ESTIMATORS = pytest.mark.parametrize("estimator", ["unbiased", "biased"])


def samples(n=6, m=9, d=3, shift=0.5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) + shift


@CASES
@ESTIMATORS
def test_equals_naive_loops(kernel, k, estimator):
    X, Y = samples()
    value = repdist.mmd_squared(X, Y, kernel=kernel, estimator=estimator)
    assert isinstance(value, float)
    assert value == pytest.approx(mmd_squared(k, X, Y, estimator), rel=1e-12)


@CASES
def test_many_tiles_equal_naive_loops(monkeypatch, kernel, k):
    monkeypatch.setattr(geometry, "_EDGE", 4)
    X, Y = samples(11, 14)
    value = repdist.mmd_squared(X, Y, kernel=kernel)
    assert value == pytest.approx(mmd_squared(k, X, Y, "unbiased"), rel=1e-12)


def test_float32_equals_float64_to_rounding():
    X, Y = samples(300, 400)
    exact = repdist.mmd_squared(X, Y)
    assert repdist.mmd_squared(X.astype("f4"), Y.astype("f4")) == pytest.approx(exact, rel=1e-5)


# --- closed forms --------------------------------------------------------------------------------


def test_two_valued_data():
    """X has a of n ones, Y has b of m; the kernel takes two values, 1 and k."""
    n, a, m, b = 7, 3, 9, 2
    k = math.exp(-0.5)
    X, Y = np.repeat([1.0, 0.0], [a, n - a]), np.repeat([1.0, 0.0], [b, m - b])
    p, q = a / n, b / m
    value = repdist.mmd_squared(X, Y, kernel=kernels.RBF(1.0), estimator="biased")
    assert value == pytest.approx(2 * (1 - k) * (p - q) ** 2, rel=1e-12)


def test_linear_kernel_is_the_distance_of_the_means():
    X, Y = samples()
    value = repdist.mmd_squared(X, Y, kernel=kernels.Linear(), estimator="biased")
    assert value == pytest.approx(np.square(X.mean(0) - Y.mean(0)).sum(), rel=1e-12)
    bias = X.var(axis=0, ddof=1).sum() / len(X) + Y.var(axis=0, ddof=1).sum() / len(Y)
    unbiased = repdist.mmd_squared(X, Y, kernel=kernels.Linear())
    assert unbiased == pytest.approx(value - bias, rel=1e-12)


def test_energy_kernel_is_the_energy_distance():
    X, Y = samples(d=1)
    value = repdist.mmd_squared(X, Y, kernel=kernels.Energy(), estimator="biased")
    assert value == pytest.approx(stats.energy_distance(X[:, 0], Y[:, 0]) ** 2, rel=1e-10)


def test_rbf_on_gaussians_tends_to_the_closed_form(chance_seed):
    """One draw of 4,000 + 4,000 within 5 standard errors of the truth (false failure 1e-6).

    A bandwidth wrong by a factor sqrt(2) is off by more than 20.
    """
    rng = np.random.default_rng(chance_seed)
    X, Y = rng.normal(size=(4000, 2)), rng.normal([1.0, 0.0], size=(4000, 2))
    result = repdist.mmd_test(X, Y, kernel=kernels.RBF(1.5), n_resamples=99, rng=0)
    truth = rbf_on_gaussians(1.5, [1.0, 0.0], 2)
    assert abs(result.mmd_squared - truth) < 5 * result.standard_error


def test_standard_error_equals_its_definition():
    X, Y = samples(7, 10)
    Z = np.concatenate([X, Y])
    kernel = kernels.RBF(1.0)
    K = kernel(Z, Z)
    n, m = 7, 10
    h_x = [np.delete(K[i, :n], i).sum() / (n - 2) - K[i, n:].mean() for i in range(n)]
    h_y = [np.delete(K[n + j, n:], j).sum() / (m - 2) - K[n + j, :n].mean() for j in range(m)]
    expected = math.sqrt(4 * np.var(h_x, ddof=1) / n + 4 * np.var(h_y, ddof=1) / m)
    for first, second in ((X, Y), (Y, X)):
        result = repdist.mmd_test(first, second, kernel=kernel, n_resamples=9, rng=0)
        assert result.standard_error == pytest.approx(expected, rel=1e-12)


def test_standard_error_of_a_linear_kernel():
    """h = z . (mean X - mean Y) to first order: se^2 = 4 v (1/n + 1/m), v = d' Cov d."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2000, 2)), rng.normal([3.0, 0.0], size=(3000, 2))
    result = repdist.mmd_test(X, Y, kernel=kernels.Linear(), n_resamples=9, rng=0)
    expected = math.sqrt(4 * 9 * (1 / 2000 + 1 / 3000))
    assert result.standard_error == pytest.approx(expected, rel=0.05)


# --- properties ----------------------------------------------------------------------------------


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(2, 12),
    m=st.integers(2, 12),
    name=st.sampled_from(sorted(FORMULAS)),
)
def test_properties(seed, n, m, name):
    """Swap symmetry, row order, and the sign of the biased estimate."""
    kernel, _ = FORMULAS[name]
    X, Y = samples(n, m, seed=seed)
    rng = np.random.default_rng(seed)
    for estimator in ("unbiased", "biased"):
        value = repdist.mmd_squared(X, Y, kernel=kernel, estimator=estimator)
        again = [
            repdist.mmd_squared(Y, X, kernel=kernel, estimator=estimator),
            repdist.mmd_squared(
                rng.permutation(X), rng.permutation(Y), kernel=kernel, estimator=estimator
            ),
        ]
        np.testing.assert_allclose(again, value, rtol=1e-9, atol=1e-12)
    assert value >= -1e-12  # biased
