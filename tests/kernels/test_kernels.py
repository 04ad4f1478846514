"""Kernels: rounding, the 2019 kernel, and what holds for any rows."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import FORMULAS, mmd_rbf

import repdist
from repdist import kernels
from repdist._arrays import Workspace, centre_row
from repdist.kernels._plan import plan


def rows(n, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def test_many_squarings_keep_float32_accurate():
    """Bandwidths a factor sqrt(2) apart: without a new exponential now and then, error doubles."""
    widths = tuple(8.0 / math.sqrt(2) ** p for p in range(14))
    X = rows(200, d=8).astype(np.float32)
    wide, narrow = kernels.MultiRBF(widths), kernels.RBF(widths[-1])
    exact = sum(kernels.RBF(b)(X.astype(float), X.astype(float)) for b in widths) / len(widths)
    np.testing.assert_allclose(wide(X, X), exact, atol=2e-6)
    X = X / 10  # so that the narrowest one has values that count
    exact = narrow(X.astype(float), X.astype(float))
    alone = [K for r, K in components(wide, X) if r == 0]
    np.testing.assert_allclose(alone[0], exact, atol=5e-6)


def components(kernel, X):
    how = plan(kernel)
    left, right = how.operands(X, centre_row(X), differences=False)
    return list(how.components(left, right, True, Workspace(X, 0, reuse=False)))


# --- the 2019 kernel -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{}, {"kernel_mul": 3.0}, {"kernel_num": 4}, {"fix_sigma": 2.5}], ids=str
)
def test_like_mmd_rbf_reproduces_mmd_rbf(options):
    X, Y = rows(6), rows(6, seed=1) + 0.3
    kernel = kernels.MultiRBF.like_mmd_rbf(**options)
    value = repdist.mmd_squared(X, Y, kernel=kernel, estimator="biased")
    assert value == pytest.approx(mmd_rbf(X, Y, **options), rel=1e-12)


def test_one_against_one_is_a_constant():
    expected = 10 - 2 * sum(math.exp(-e) for e in (4, 2, 1, 0.5, 0.25))
    kernel = kernels.MultiRBF.like_mmd_rbf()
    for seed in range(3):
        X, Y = rows(1, d=64, seed=seed), rows(1, d=64, seed=seed + 10)
        value = repdist.mmd_squared(X, Y, kernel=kernel, estimator="biased")
        assert value == pytest.approx(expected, rel=1e-12)
        assert value == pytest.approx(mmd_rbf(X, Y), rel=1e-12)
    assert expected == pytest.approx(6.1863, abs=5e-5)


# --- properties ----------------------------------------------------------------------------------

POSITIVE_DEFINITE = [name for name in FORMULAS if name != "energy"]


@settings(derandomize=True, deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), name=st.sampled_from(POSITIVE_DEFINITE))
def test_kernel_matrices_are_positive_semidefinite(seed, name):
    X = rows(12, seed=seed)
    K = FORMULAS[name][0](X, X)
    assert np.linalg.eigvalsh(K).min() >= -1e-10 * np.abs(K).max()


def test_energy_is_conditionally_positive_definite():
    X = rows(12)
    C = np.eye(12) - 1 / 12
    assert np.linalg.eigvalsh(C @ kernels.Energy()(X, X) @ C).min() > -1e-12


def test_precomputed_equals_the_kernel_it_was_computed_from():
    X, Y = rows(20), rows(15, seed=1) + 0.5
    Z = np.concatenate([X, Y])
    rbf = kernels.RBF(1.0)
    computed = repdist.mmd_test(X, Y, kernel=rbf, rng=0)
    looked_up = repdist.mmd_test(
        np.arange(20), np.arange(20, 35), kernel=kernels.Precomputed(rbf(Z, Z)), rng=0
    )
    assert looked_up.pvalue == computed.pvalue
    assert looked_up.mmd_squared == pytest.approx(computed.mmd_squared, rel=1e-12)


def test_a_bandwidth_that_float32_cannot_hold_is_named():
    X = rows(300).astype(np.float32)
    with pytest.raises(ValueError, match=r"`kernel` must have bandwidths.*1e-20"):
        repdist.mmd_squared(X, X + 1, kernel=kernels.RBF(1e-20))


def test_equal_rows_of_small_samples_are_at_distance_0():
    """Matrix products would put them about 1e-8 of their norm apart, and break ties."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = rng.normal(size=7), 1e3 * rng.normal(size=7)
        value = repdist.mmd_squared([a, a], [b, b, b], kernel=kernels.Energy())
        assert value == pytest.approx(2 * np.linalg.norm(a - b), rel=1e-14)
