"""The null distribution against definitions, and ties."""

import math

import numpy as np
import pytest
from oracles import FORMULAS, mmd_squared

import repdist
from repdist import kernels
from repdist._null import (
    centred_blocks,
    component_statistics,
    mmd_squared_from_sums,
    null_distribution,
    tie_tolerance,
)
from repdist._sums import join, kernel_blocks
from repdist._units import Units, relabelings


def sums_of(kernel, Z, units):
    return join(
        *kernel_blocks(kernel, Z, units.rows, units.sample, small=False, n_jobs=1, squares=True)
    )


@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
@pytest.mark.parametrize("name", ["multi-rbf", "energy", "polynomial"])
def test_every_relabeling_has_the_mmd_of_the_relabeled_rows(name, estimator):
    """Units of two rows, frozen rows in both samples, n and m different."""
    kernel, k = FORMULAS[name]
    units = Units(2, (2, 3), (1, 2))
    Z = np.random.default_rng(0).normal(size=(13, 3))
    sums = sums_of(kernel, Z, units)
    S = centred_blocks(sums.blocks, sums.diagonal, units.rows, estimator)
    labels = np.concatenate(list(relabelings(units, 10, np.random.default_rng(0))))
    T = component_statistics(S, [labels], 5, 8, estimator, map) @ np.array(kernel._weights)
    for value, row in zip(T, labels, strict=True):
        of_row = np.repeat(row, units.rows).astype(bool)
        assert of_row.sum() == 5
        expected = mmd_squared(k, Z[of_row], Z[~of_row], estimator)
        assert value == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_mmd_of_a_constant_kernel_is_0():
    n, m = 4, 7
    assert mmd_squared_from_sums(12, 28, 42, n, m, "unbiased") == 0
    assert mmd_squared_from_sums(16, 28, 49, n, m, "biased") == 0


def combined(T, combine, *, squares=None, weights=None, tolerance=0.0, n=5):
    components = T.shape[1]
    return null_distribution(
        T,
        np.full(components, tolerance),
        combine,
        weights=np.full(components, 1 / components) if weights is None else np.array(weights),
        squares=np.ones(components) if squares is None else np.array(squares),
        n=n,
    )


def skewed_table(rows=200):
    rng = np.random.default_rng(0)
    return np.stack([rng.chisquare(3, rows), -rng.chisquare(3, rows), rng.normal(size=rows)], 1)


def normal_scores(column):
    """Wilson and Hilferty's, by their formula."""
    z = (column - column.mean()) / math.sqrt(((column - column.mean()) ** 2).mean())
    g = min(max((z**3).mean(), 0), math.sqrt(8))
    return z if g < 1e-4 else 6 / g * (np.cbrt(np.maximum(g * z / 2 + 1, 0)) - 1) + g / 6


def mahalanobis(T):
    """The squared lengths, relabeling by relabeling, and which of them count."""
    Z = (T - T.mean(axis=0)) / T.std(axis=0)
    C = np.corrcoef(T.T) + 1e-4 * np.eye(T.shape[1])
    lengths = [float(z @ np.linalg.solve(C, z)) for z in Z]
    return np.array(lengths), np.array([max(z) > -min(z) for z in Z])


@pytest.mark.parametrize("mixed", [False, True])
def test_max_is_the_largest_wilson_hilferty_score(mixed):
    """Of the components, and of their Mahalanobis length where they lie above the null."""
    T = skewed_table()
    if mixed:
        T = T @ np.array([[1, 1, 1.1], [0.1, 0, 0.05], [0.2, 0.3, 0.2]])
    scores = [normal_scores(column) for column in T.T]
    lengths, count = mahalanobis(T)
    together = np.where(count, normal_scores(lengths), -np.inf)
    null = combined(T, "max")
    expected = np.max([*scores, together], axis=0)
    assert (expected == together).any()
    np.testing.assert_allclose(null.statistic, expected, rtol=1e-9)
    reached = sum(null.statistic[1:] >= null.statistic[0])
    assert null.pvalue == (1 + reached) / 200


def test_max_sees_what_no_component_shows_by_itself():
    """Two components that rise and fall together, but not in the observed row."""
    rng = np.random.default_rng(0)
    common, own = rng.normal(size=(1000, 1)), 0.1 * rng.normal(size=(1000, 2))
    T = common + own
    T[0] = [1.0, 0.2]
    null = combined(T, "max")
    assert null.component_pvalues.min() > 0.1
    assert null.pvalue < 0.005


def test_samples_that_are_too_much_alike_do_not_differ():
    """Copies, and matched rows: all components lie below the null, far out."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    matched = X + 0.05 * rng.normal(size=X.shape)
    partly = np.concatenate([matched[:100], rng.normal(size=(200, 4))])
    for Y in (X, matched, partly):
        for rows in (slice(None), slice(60)):
            result = repdist.mmd_test(X[rows], Y[rows], n_resamples=999, rng=0)
            assert result.components.zscore.max() < 2
            assert result.pvalue > 0.2


def test_ties_of_the_whole_count_as_ties():
    """Rounding of the components, which a small ridge magnifies, decides nothing."""
    rng = np.random.default_rng(0)
    T = rng.normal(size=(40, 1)) + 0.02 * rng.normal(size=(40, 4))
    T = np.concatenate([T, T])  # every relabeling twice
    T[0] += [0.3, -0.2, 0.3, 0]
    T[40] = T[0]
    expected = combined(T, "max", tolerance=1e-12).pvalue
    for seed in range(20):
        noise = 1e-13 * np.random.default_rng(seed).normal(size=T.shape)
        assert combined(T + noise, "max", tolerance=1e-12).pvalue == expected


def test_lengths_that_do_not_vary_are_left_out():
    """On a circle all lengths are equal; rounding would rank them."""
    angles = 2 * np.pi * np.arange(24) / 24
    T = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    scores = [normal_scores(column) for column in T.T]
    np.testing.assert_allclose(combined(T, "max").statistic, np.max(scores, axis=0), atol=1e-12)


def test_ties_at_the_edge_of_what_counts_are_ties():
    """The observed row, and seven like it, are far out, as far above the null as below."""
    rng = np.random.default_rng(0)
    some = rng.normal(size=(40, 1)) + 0.1 * rng.normal(size=(40, 2))
    some = np.concatenate([some, some[:, ::-1], -some, -some[:, ::-1]])  # both columns alike
    T = np.concatenate([[[1, -1]] * 4, [[-1, 1]] * 4, some])
    pvalues = set()
    for seed in range(20):
        noise = 1e-13 * np.random.default_rng(seed).normal(size=T.shape)
        pvalues.add(combined(T + noise, "max", tolerance=1e-12).pvalue)
    assert len(pvalues) == 1


def test_fuse_is_the_log_mean_exp_of_the_released_code():
    T, n, squares = skewed_table() / 100, 5, [2.0, 3.0, 5.0]
    c = (n * (n - 1)) ** 1.5
    expected = [
        math.log(sum(math.exp(c * t / math.sqrt(s)) for t, s in zip(row, squares, strict=True)) / 3)
        for row in T
    ]
    null = combined(T, "fuse", squares=squares, n=n)
    np.testing.assert_allclose(null.statistic, expected, rtol=1e-10)


def test_fuse_does_not_overflow():
    null = combined(skewed_table() * 1e6, "fuse", n=500)
    assert np.isfinite(null.statistic).all()


def test_mean_is_the_weighted_sum():
    T = skewed_table()
    np.testing.assert_allclose(combined(T, "mean").statistic, T.mean(axis=1), rtol=1e-12)
    by_sum = combined(T, "mean", weights=[1.0, 1.0, 1.0])
    np.testing.assert_allclose(by_sum.statistic, T.sum(axis=1), rtol=1e-12)


@pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
def test_one_component_is_its_own_statistic(combine):
    T = skewed_table()[:, :1]
    np.testing.assert_array_equal(combined(T, combine).statistic, T[:, 0])


@pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
def test_ties_within_the_tolerance_count(combine):
    """Row 0 is the largest by an ulp over ten equals; all eleven must count."""
    T = np.random.default_rng(0).normal(size=(100, 2))
    T[:11] = 5.0
    T[0] += 1e-15
    assert combined(T, combine, tolerance=1e-13).pvalue == 11 / 100
    T[0] += 1e-9
    assert combined(T, combine, tolerance=1e-13).pvalue == 1 / 100


def test_components_that_do_not_vary_are_dropped():
    T = skewed_table()[:, :2]
    T[:, 1] = 1e-14 * np.arange(200)
    null = combined(T, "max", tolerance=1e-12)
    assert null.dropped.tolist() == [False, True]
    np.testing.assert_array_equal(np.isnan(null.zscores), [False, True])
    assert null.component_pvalues[1] == 1
    alone = combined(T[:, :1], "max", tolerance=1e-12)
    assert null.pvalue == alone.pvalue
    nothing = combined(T[:, 1:], "max", tolerance=1e-12)
    assert nothing.pvalue == 1


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


def test_tie_tolerance_follows_its_formula():
    tolerance = tie_tolerance(np.array([2.0]), 1e-7, 10, 40)
    assert tolerance == pytest.approx(64 * 2**-52 * 2 + 16 * 1e-7 * 2 * (0.1 + 0.025))


@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
def test_centred_rows_sum_to_0(estimator):
    units = Units(2, (3, 4), (1, 1))
    Z = np.random.default_rng(0).normal(size=(16, 2))
    sums = sums_of(kernels.RBF(1.0), Z, units)
    S = centred_blocks(sums.blocks, sums.diagonal, units.rows, estimator)
    np.testing.assert_allclose(S.sum(axis=2), 0, atol=1e-13)
    np.testing.assert_array_equal(S, S.transpose(0, 2, 1))


def test_single_precision_moves_a_statistic_by_a_little_of_its_spread():
    units = Units(3, (20, 20), (1, 2))
    Z = np.random.default_rng(0).normal(size=(123, 5)) + 100
    sums = sums_of(kernels.MultiRBF().fit(Z), Z, units)
    S = centred_blocks(sums.blocks, sums.diagonal, units.rows, "unbiased")
    labels = list(relabelings(units, 999, np.random.default_rng(0)))
    double, single = (
        component_statistics(S, labels, 61, 62, "unbiased", map, dtype)
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
