"""Columns in ranks: midranks, Legendre polynomials, sums over units, sizes of differences."""

import numpy as np
import pytest
from scipy import special, stats

from repdist._pass import ranks
from repdist._pass.ranks import RowsOfUnits, legendre, midranks, rank_columns


def columns(n, seed=0):
    """Columns (n, 5): continuous, of three values, of two, constant, and with copies of rows."""
    rng = np.random.default_rng(seed)
    copies = np.repeat(rng.normal(size=-(-n // 3)), 3)[:n]
    Z = [rng.normal(size=n), rng.integers(3, size=n), rng.random(n) < 0.1, np.full(n, 0.1), copies]
    return np.stack(Z, axis=1).astype(float)


def units_of(N, units, seed=0, *, left_out=0):
    """Rows in units at random, with shares of their own; the first few are in none."""
    rng = np.random.default_rng(seed)
    unit = rng.integers(units, size=N)
    unit[:left_out] = -1
    n = N // 2
    share = [weights / weights.sum() for weights in (rng.random(n), rng.random(N - n))]
    return RowsOfUnits(unit, rng.random(N), np.concatenate(share), units)


@pytest.mark.parametrize("n", [2, 3, 17, 200])
def test_midranks_are_those_of_scipy(n):
    Z = columns(n).T
    np.testing.assert_array_equal(midranks(Z), stats.rankdata(Z, axis=1))


def test_zeros_of_both_signs_are_one_value():
    np.testing.assert_array_equal(midranks(np.array([[0.0, -0.0, 1.0]])), [[1.5, 1.5, 3]])


def test_polynomials_are_those_of_scipy_and_orthonormal():
    u = np.linspace(-1, 1, 101)[None]
    for k, P in enumerate(legendre(u), start=1):
        expected = np.sqrt(2 * k + 1) * special.eval_legendre(k, u)
        np.testing.assert_allclose(P, expected, rtol=1e-12, atol=1e-12)
    places, weights = np.polynomial.legendre.leggauss(10)
    P = np.stack([np.ones_like(places), *legendre(places)])
    np.testing.assert_allclose(P * (weights / 2) @ P.T, np.eye(5), atol=1e-14)


@pytest.mark.parametrize("left_out", [0, 3])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_sums_over_units_against_loops(dtype, left_out):
    X, Y = (columns(n, seed).astype(dtype) for seed, n in enumerate([14, 15]))
    rows = units_of(29, 4, left_out=left_out)
    found = rank_columns(X, Y, rows, 1)
    Z = np.concatenate([X, Y])
    expected = np.zeros((4, 4, 5))
    for j in range(5):
        u = (2 * stats.rankdata(Z[:, j]) - 1) / 29 - 1
        for k in range(4):
            phi = np.sqrt(2 * k + 3) * special.eval_legendre(k + 1, u)
            for i in np.flatnonzero(rows.unit >= 0):
                expected[k, rows.unit[i], j] += rows.in_unit[i] * phi[i]
    np.testing.assert_allclose(found.sums, expected, rtol=1e-12, atol=1e-13)


def test_means_and_deviations_are_weighted():
    X, Y = columns(14), columns(15, 1) + 1e6
    rows = units_of(29, 4)
    found = rank_columns(X, Y, rows, 1)
    for g, (Z, share) in enumerate(zip((X, Y), np.split(rows.in_sample, [14]), strict=True)):
        mean = np.average(Z, axis=0, weights=share)
        variance = np.average((Z - mean) ** 2, axis=0, weights=share)
        np.testing.assert_allclose(found.means[g], mean, rtol=1e-12)
        np.testing.assert_allclose(found.deviations[g], np.sqrt(variance), rtol=1e-6, atol=1e-9)
    assert (found.deviations[:, 3] == 0).all()  # constant, to the last bit


def test_overlap_is_all_of_what_is_alike_and_little_of_what_is_apart():
    """Against the integral of the density that four polynomials make."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(40, 3)), rng.normal(size=(60, 3))
    X[:, 0], Y[:, 1] = Y[0, 0], Y[:, 1] + 100
    rows = RowsOfUnits(np.arange(100), np.ones(100), np.repeat([1 / 40, 1 / 60], [40, 60]), 100)
    found = rank_columns(X, Y, rows, 1).overlap
    u = (2 * stats.rankdata(np.concatenate([X, Y]), axis=0) - 1) / 100 - 1
    t = np.linspace(-1, 1, 20_001)
    for j in range(3):
        density = np.zeros_like(t)
        for k in range(1, 5):
            phi = np.sqrt(2 * k + 1) * special.eval_legendre(k, u[:, j])
            apart = phi[:40].mean() - phi[40:].mean()
            density += apart * np.sqrt(2 * k + 1) * special.eval_legendre(k, t)
        expected = max(0, 1 - np.abs(density).mean() / 2)
        assert found[j] == pytest.approx(expected, abs=2e-3)
    assert found[1] < 0.15
    assert found[2] > 0.7
    twins = rank_columns(X, X, RowsOfUnits(np.arange(80), np.ones(80), np.full(80, 1 / 40), 80), 1)
    np.testing.assert_allclose(twins.overlap, 1)


def test_columns_cut_into_parts_and_shared_out_are_the_same(monkeypatch):
    """Parts to rounding, threads to the last bit."""
    X, Y = columns(14), columns(15, 1)
    rows = units_of(29, 4)
    at_once = rank_columns(X, Y, rows, 1)
    monkeypatch.setattr(ranks, "_ENTRIES", 60)
    in_parts = [rank_columns(X, Y, rows, n_jobs) for n_jobs in (1, 3)]
    for name in ("sums", "means", "deviations", "overlap"):
        one, other = (getattr(found, name) for found in in_parts)
        np.testing.assert_array_equal(one, other)
        np.testing.assert_allclose(one, getattr(at_once, name), rtol=1e-12, atol=1e-14)
