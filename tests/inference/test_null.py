"""The null distribution against definitions, and ties."""

import numpy as np
import pytest
from oracles import FORMULAS, mmd_squared

import repdist
from repdist import kernels
from repdist._blocks import Layout, join
from repdist._designs.relabelings import Relabelings
from repdist._designs.units import Units
from repdist._inference.centring import centred_blocks
from repdist._inference.quadratic_form import QuadraticForm, component_statistics
from repdist._pass.sums import kernel_blocks
from repdist._threads import Workers
from repdist.kernels._plan import plan


def sums_of(kernel, Z, units):
    layout = Layout(units.rows, units.sample, ties_matter=False)
    return join(*kernel_blocks(plan(kernel), Z, layout, Workers(), squares=True))


@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
@pytest.mark.parametrize("name", ["multi-rbf", "energy", "polynomial"])
def test_every_relabeling_has_the_mmd_of_the_relabeled_rows(name, estimator):
    """Units of two rows, frozen rows in both samples, n and m different."""
    kernel, k = FORMULAS[name]
    units = Units(2, (2, 3), (1, 2))
    Z = np.random.default_rng(0).normal(size=(13, 3))
    sums = sums_of(kernel, Z, units)
    S = centred_blocks(sums, units.rows, estimator)
    labels = np.concatenate(list(Relabelings(units, 10).labels(np.random.default_rng(0))))
    form = QuadraticForm(S, np.float64)
    components = component_statistics(form, [labels], (5, 8), estimator, map)
    T = components @ np.array(plan(kernel).weights)
    for value, row in zip(T, labels, strict=True):
        of_row = np.repeat(row, units.rows).astype(bool)
        assert of_row.sum() == 5
        expected = mmd_squared(k, Z[of_row], Z[~of_row], estimator)
        assert value == pytest.approx(expected, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(8))
def test_small_discrete_samples_have_the_pvalue_of_exact_arithmetic(seed, dtype):
    """Many relabelings tie exactly; p by rational arithmetic of a linear kernel on integers."""
    from fractions import Fraction
    from itertools import combinations

    rng = np.random.default_rng(seed)
    n, m = rng.integers(3, 6, size=2)
    Z = rng.integers(0, 3, size=(n + m, 2))
    result = repdist.mmd_test(
        Z[:n].astype(dtype), Z[n:].astype(dtype), kernel=kernels.Linear(), rng=0
    )

    def exact(chosen):
        X = [Z[i].tolist() for i in chosen]
        Y = [Z[i].tolist() for i in range(n + m) if i not in chosen]

        def total(A, B, skip=False):
            return sum(
                sum(p * q for p, q in zip(a, b, strict=True))
                for i, a in enumerate(A)
                for j, b in enumerate(B)
                if not (skip and i == j)
            )

        return (
            Fraction(total(X, X, True), int(n * (n - 1)))
            + Fraction(total(Y, Y, True), int(m * (m - 1)))
            - Fraction(2 * total(X, Y), int(n * m))
        )

    observed = exact(range(n))
    all_values = [exact(chosen) for chosen in combinations(range(n + m), int(n))]
    assert result.exhaustive
    assert result.pvalue == sum(value >= observed for value in all_values) / len(all_values)


@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
def test_centred_rows_sum_to_0(estimator):
    units = Units(2, (3, 4), (1, 1))
    Z = np.random.default_rng(0).normal(size=(16, 2))
    sums = sums_of(kernels.RBF(1.0), Z, units)
    S = centred_blocks(sums, units.rows, estimator)
    np.testing.assert_allclose(S.sum(axis=2), 0, atol=1e-13)
    np.testing.assert_array_equal(S, S.transpose(0, 2, 1))


def test_single_precision_moves_a_statistic_by_a_little_of_its_spread():
    units = Units(3, (20, 20), (1, 2))
    Z = np.random.default_rng(0).normal(size=(123, 5)) + 100
    sums = sums_of(kernels.MultiRBF().fit(Z), Z, units)
    S = centred_blocks(sums, units.rows, "unbiased")
    labels = list(Relabelings(units, 999).labels(np.random.default_rng(0)))
    double, single = (
        component_statistics(QuadraticForm(S, dtype), labels, (61, 62), "unbiased", map)
        for dtype in (np.float64, np.float32)
    )
    assert np.abs(single - double).max() > 0
    assert (np.abs(single - double) < 3e-6 * double.std(axis=0)).all()


def test_small_samples_keep_double_precision_whatever_the_kernel_is_in():
    """A matrix in float32 is as it is; relabelings of it lose nothing more, so ties stay ties."""
    Z = np.random.default_rng(0).normal(size=(60, 2))
    K = kernels.RBF(1.0)(Z, Z).astype(np.float32)
    single, double = (
        repdist.mmd_test(range(30), range(30, 60), kernel=kernels.Precomputed(values), rng=0)
        for values in (K, K.astype(np.float64))
    )
    np.testing.assert_array_equal(single.null_distribution, double.null_distribution)
