"""From components to one statistic: each rule by its formula, p by comparison, and ties."""

import math

import numpy as np
import pytest
from oracles import mahalanobis, normal_scores

import repdist
from repdist import kernels
from repdist._inference.combine import Combination, Null, Statistics, _Score, tie_tolerance

COMBINE = pytest.mark.parametrize("combine", ["max", "mean", "fuse"])


def combined(T, combine, *, squares=None, weights=None, tolerance=0.0, n=5):
    """The null of relabelings' components T (B, R); the first row is the observed one."""
    components = T.shape[1]
    how = Combination(
        combine,
        np.full(components, 1 / components) if weights is None else np.array(weights),
        np.ones(components) if squares is None else np.array(squares),
        n,
    )
    return Null(Statistics.of(T.T.copy()), np.full(components, tolerance), how)


def skewed_table(rows=200):
    rng = np.random.default_rng(0)
    return np.stack([rng.chisquare(3, rows), -rng.chisquare(3, rows), rng.normal(size=rows)], 1)


@pytest.mark.parametrize("mixed", [False, True])
def test_max_is_the_largest_wilson_hilferty_score(mixed):
    """Of the components, and of their Mahalanobis length where they lie above the null."""
    T = skewed_table()
    if mixed:
        T = T @ np.array([[1, 1, 1.1], [0.1, 0, 0.05], [0.2, 0.3, 0.2]])
    scores = [normal_scores(column) for column in T.T]
    lengths, count = mahalanobis(T)
    together = np.where(count, normal_scores(lengths), -np.inf)
    expected = np.max([*scores, together], axis=0)
    assert (expected == together).any()
    for first in range(40):
        order = np.roll(np.arange(200), -first)
        null = combined(T[order], "max")
        np.testing.assert_allclose(null.distribution(), expected[order], rtol=1e-9)
        assert null.pvalue == (expected >= expected[first]).mean()
        assert null.statistic == pytest.approx(expected[first], rel=1e-9)


def test_max_sees_what_no_component_shows_by_itself():
    """Two components that rise and fall together, but not in the observed row."""
    rng = np.random.default_rng(0)
    common, own = rng.normal(size=(1000, 1)), 0.1 * rng.normal(size=(1000, 2))
    T = common + own
    T[0] = [1.0, 0.2]
    null = combined(T, "max")
    assert null.component_pvalues().min() > 0.1
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
    distribution = combined(T, "max").distribution()
    np.testing.assert_allclose(distribution, np.max(scores, axis=0), atol=1e-12)


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
    np.testing.assert_allclose(null.distribution(), expected, rtol=1e-10)


def test_fuse_does_not_overflow():
    null = combined(skewed_table() * 1e6, "fuse", n=500)
    assert np.isfinite(null.distribution()).all()


def test_mean_is_the_weighted_sum():
    T = skewed_table()
    own = combined(T, "mean").distribution()
    np.testing.assert_allclose(own, T.mean(axis=1), rtol=1e-12, atol=1e-14)
    by_sum = combined(T, "mean", weights=[1.0, 1.0, 1.0]).distribution()
    np.testing.assert_allclose(by_sum, T.sum(axis=1), rtol=1e-12, atol=1e-14)


@COMBINE
def test_one_component_is_its_own_statistic(combine):
    T = skewed_table()[:, :1]
    null = combined(T, combine, weights=[0.25])
    np.testing.assert_allclose(null.distribution(), T[:, 0], rtol=1e-12)
    assert null.pvalue == (T[:, 0] >= T[0, 0]).mean()


@COMBINE
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
    assert null.component_pvalues()[1] == 1
    alone = combined(T[:, :1], "max", tolerance=1e-12)
    assert null.pvalue == alone.pvalue
    nothing = combined(T[:, 1:], "max", tolerance=1e-12)
    assert nothing.pvalue == 1


@pytest.mark.parametrize("epsilon", [0.0, 1e-7])
def test_tie_tolerance_follows_its_formula(epsilon):
    tolerance = tie_tolerance(np.array([2.0]), epsilon, 10, 40)
    expected = 64 * 2**-52 * 2 + 16 * epsilon * 2 * (0.1 + 0.025)
    np.testing.assert_allclose(tolerance, expected, rtol=1e-12)


# --- p by comparison -----------------------------------------------------------------------------


def count(null):
    """The share of relabelings whose statistic is the observed one or more, to rounding."""
    distribution = null.distribution()
    assert distribution[0] == null.statistic
    return (distribution >= distribution[0] - 1e-10 * max(1, abs(distribution[0]))).mean()


def tables(seed):
    """Components of relabelings (B, R), to a little noise."""
    rng = np.random.default_rng(seed)
    B, R = 2 ** rng.integers(3, 8), rng.integers(1, 5)
    few, skewed = rng.normal(size=(B // 2, R)), rng.chisquare(1, size=(B, R)) - 1
    common = rng.normal(size=(B, 1))
    found = {
        "random": rng.normal(size=(B, R)),
        "skewed to either side": skewed * rng.choice([-1, 1], size=R),
        "nearly collinear": common + 0.05 * rng.normal(size=(B, R)),
        "few values": rng.integers(0, 3, size=(B, R)) / 3,
        "all twice": rng.permutation(np.concatenate([few, few])),
        "one that does not vary": np.where(np.arange(R) == 0, 0.3, rng.normal(size=(B, R))),
        "scores at their floor": np.where(rng.random((B, 1)) < 0.15, 6, 0) + 0.1 * common * [[1.0]],
    }
    return {name: T + 1e-15 * rng.normal(size=T.shape) for name, T in found.items()}


@COMBINE
@pytest.mark.parametrize("kind", tables(0).keys())
def test_pvalue_is_the_count_on_the_null_distribution(kind, combine):
    """Whichever relabeling is the observed one; it is the first of the distribution."""
    for seed in range(40):
        T = tables(seed)[kind]
        for first in (0, int(T[:, 0].argmax()), int(T[:, 0].argmin())):
            T[[0, first]] = T[[first, 0]]
            null = combined(T, combine, tolerance=1e-12)
            assert null.pvalue == (1.0 if null.dropped.all() else count(null)), (seed, first)


LATTICE = np.random.default_rng(0).integers(0, 2, size=(40, 2)).astype(float)
GAUSSIAN = np.random.default_rng(1).normal(size=(60, 2))
SAMPLES = {
    "random": (GAUSSIAN[:30], GAUSSIAN[30:]),
    "unequal": (GAUSSIAN[:8], GAUSSIAN[8:]),
    "shifted": (GAUSSIAN[:30], GAUSSIAN[30:] + 0.8),
    "copies": (GAUSSIAN, GAUSSIAN),
    "matched": (GAUSSIAN, GAUSSIAN + 0.01),
    "ties": (LATTICE[:20], LATTICE[20:]),
    "enumerated ties": (LATTICE[:5], LATTICE[5:11]),
}
KERNELS = {
    "default": kernels.MultiRBF(),
    "one component": kernels.Energy(),
    "one that does not vary": kernels.MultiRBF((1e-3, 1.0, 2.0)),
}


@COMBINE
@pytest.mark.parametrize("samples", SAMPLES.values(), ids=SAMPLES.keys())
@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS.keys())
def test_pvalue_of_a_test_is_the_count_on_its_null_distribution(kernel, samples, combine):
    for rng in range(3):
        result = repdist.mmd_test(
            *samples, kernel=kernel, combine=combine, n_resamples=499, rng=rng
        )
        assert result.pvalue == count(result.null)


@pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
def test_equal_relabelings_are_ties_even_without_a_tolerance(combine):
    T = np.random.default_rng(0).normal(size=(64, 2))
    T[[0, 7, 20]] = [3.0, 2.5]
    assert combined(T, combine).pvalue == 3 / 64


def test_component_pvalues_are_counts():
    T = np.round(skewed_table(), 1)
    T[0] = T[5]
    for tolerance in (0, 1e-12):
        found = combined(T, "max", tolerance=tolerance).component_pvalues()
        np.testing.assert_array_equal(found, (T[0] <= T).mean(axis=0))


@pytest.mark.parametrize("skewness", [-1.0, 0.0, 5e-5, 1e-3, 0.3, 1.0, 2.0, 2.7, 5.0])
@pytest.mark.parametrize("first", [-4.0, -0.9, 0.0, 0.1, 3.0])
def test_the_limit_of_a_score_is_its_inverse(skewness, first):
    """Deviations from there on are those whose score is as large; scores end at a floor."""
    for sd in (1e-3, 0.7, 1.0, 40.0):
        score = _Score(first * sd, 1e-9 * sd, sd, skewness)
        deviations = np.sort(sd * np.append(np.linspace(-6, 6, 241), first - 1e-9))
        scores = score.of(deviations)
        middles = (scores[1:] + scores[:-1])[np.diff(scores) > 1e-6] / 2
        for wanted in [score.lowered, scores[0], scores[0] - 1, *middles]:
            if wanted == scores[0] < scores[1] and wanted != score.lowered:
                continue  # no floor: a limit that rounding may miss
            expected = scores >= wanted
            np.testing.assert_array_equal(deviations >= score.limit(wanted), expected)
        assert score.observed == pytest.approx(score.of(np.array([first * sd]))[0], rel=1e-12)


def test_scores_do_not_fall_and_have_no_skewness_left():
    """Of a chi-square, they are nearly normal."""
    rng = np.random.default_rng(0)
    D = rng.chisquare(3, size=200_000) - 3
    skewness = (D**3).mean() / D.std() ** 3
    scores = _Score(0.0, 0.0, D.std(), skewness).of(np.sort(D))
    assert (np.diff(scores) >= 0).all()
    assert abs((scores**3).mean()) < 0.1 < 1.5 < skewness
    assert abs(scores.mean()) < 0.02


@pytest.mark.parametrize("seed", [0, 14, 25, 29])
@pytest.mark.parametrize(("count", "far"), [(10, 20), (150, 6)])
def test_relabelings_that_share_the_lowest_score_all_count(count, far, seed):
    """The correction of skewness ends at a floor, where scores are equal."""
    rng = np.random.default_rng(seed)
    T = np.repeat(rng.normal(size=(1000, 1)), 2, axis=1) * [1, 2]
    T[rng.integers(1, 1000, size=count)] += far  # few far relabelings: a very skewed null
    T[0] = T.min(axis=0) - 0.1
    null = combined(T, "max", tolerance=1e-12, n=10)
    distribution = null.distribution()
    assert (distribution == distribution.min()).sum() > 1
    assert null.pvalue == 1
