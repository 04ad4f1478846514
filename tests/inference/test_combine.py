"""From components to one statistic: each rule by its formula, and ties."""

import math

import numpy as np
import pytest

import repdist
from repdist._inference.combine import Combination, null_distribution, tie_tolerance


def combined(T, combine, *, squares=None, weights=None, tolerance=0.0, n=5):
    components = T.shape[1]
    how = Combination(
        combine,
        np.full(components, 1 / components) if weights is None else np.array(weights),
        np.ones(components) if squares is None else np.array(squares),
        n,
    )
    return null_distribution(T, np.full(components, tolerance), how)


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


def test_tie_tolerance_follows_its_formula():
    tolerance = tie_tolerance(np.array([2.0]), 1e-7, 10, 40)
    assert tolerance == pytest.approx(64 * 2**-52 * 2 + 16 * 1e-7 * 2 * (0.1 + 0.025))


def test_relabelings_that_share_the_lowest_score_all_count():
    """The correction of skewness ends at a floor, where scores are equal."""
    rng = np.random.default_rng(0)
    T = np.repeat(rng.normal(size=(1000, 1)), 2, axis=1) * [1, 2]
    T[rng.integers(1, 1000, size=10)] += 20  # few far relabelings: a very skewed null
    T[0] = T.min(axis=0) - 0.1
    combination = Combination("max", np.array([0.5, 0.5]), np.ones(2), 10)
    null = null_distribution(T, np.full(2, 1e-12), combination)
    assert (null.statistic == null.statistic.min()).sum() > 50
    assert null.pvalue == 1
