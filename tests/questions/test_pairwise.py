"""The table of groups against single tests, definitions and calibrated rates."""

import itertools
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from oracles import assert_rate_at_most

import repdist
from repdist import kernels

TABLES = [
    "mmd_squared", "standard_error", "ci_low", "ci_high", "pvalue", "pvalue_adjusted", "effect",
    "noise_floor", "times_floor",
]  # fmt: skip


def groups(sizes=(40, 50, 45), d=3, step=0.3, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return {
        f"g{i}": (rng.normal(size=(n, d)) + step * i).astype(dtype) for i, n in enumerate(sizes)
    }


def cells(result, name):
    table = getattr(result, name)
    return {(a, b): table.loc[a, b] for a, b in itertools.combinations(result.names, 2)}


# --- each cell is the single test ----------------------------------------------------------------


@pytest.mark.parametrize(
    "sizes", [(40, 50, 45), (300, 300, 300), (130, 700, 300), (20, 900, 3)], ids=str
)
def test_estimates_equal_those_of_single_calls(sizes):
    """Sizes with single rows, bins, frozen rows, and a capped larger group."""
    given = groups(sizes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", repdist.RepdistWarning)
        result = repdist.pairwise_mmd_test(given, n_resamples=999, rng=0)
    for a, b in itertools.combinations(given, 2):
        value = repdist.mmd_squared(given[a], given[b], kernel=result.kernel)
        assert result.mmd_squared.loc[a, b] == pytest.approx(value, rel=1e-9, abs=1e-13)
        single = repdist.mmd_test(given[a], given[b], kernel=result.kernel, rng=0)
        assert result.standard_error.loc[a, b] == pytest.approx(single.standard_error, rel=1e-9)
        low, high = single.confidence_interval()
        assert result.ci_low.loc[a, b] == pytest.approx(low, rel=1e-6)
        rows = single.relabelings.units.size == 1 and single.relabelings.units.frozen == (0, 0)
        rounding = 1e-9 if rows else 0.05  # which rows share a bin is drawn
        assert result.ci_high.loc[a, b] == pytest.approx(high, rel=rounding)
        if max(len(given[a]), len(given[b])) > 8 * min(len(given[a]), len(given[b])):
            continue  # which rows of the larger group may move is drawn, and p with it
        p = single.pvalue
        spread = 5 * math.sqrt(p * (1 - p) / 1000 + p * (1 - p) / 10_000) + 2e-3
        assert abs(result.pvalue.loc[a, b] - p) < spread


@pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exhaustive_pvalues_equal_those_of_single_tests(combine, dtype):
    given = groups((4, 5, 4, 6), step=0.8, dtype=dtype)
    result = repdist.pairwise_mmd_test(given, combine=combine, n_resamples=500, rng=0)
    for a, b in itertools.combinations(given, 2):
        single = repdist.mmd_test(given[a], given[b], kernel=result.kernel, combine=combine)
        assert single.exhaustive
        assert result.pvalue.loc[a, b] == single.pvalue


@pytest.mark.slow
def test_discrete_groups_tie_as_in_single_tests():
    rng = np.random.default_rng(0)
    given = {i: rng.integers(0, 2, size=(4, 2)) for i in range(5)}
    with pytest.warns(repdist.RepdistWarning):
        result = repdist.pairwise_mmd_test(given, rng=0)
    for a, b in itertools.combinations(given, 2):
        single = repdist.mmd_test(given[a], given[b], kernel=result.kernel)
        assert result.pvalue.loc[a, b] == single.pvalue


@pytest.mark.parametrize("sizes", [(40, 50, 45, 50), (300, 260, 300, 500), (4, 5, 6, 5)], ids=str)
def test_the_order_of_the_groups_changes_nothing(sizes):
    given = groups(sizes)
    order = ["g2", "g0", "g3", "g1"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", repdist.RepdistWarning)
        first = repdist.pairwise_mmd_test(given, n_resamples=199, rng=0)
        second = repdist.pairwise_mmd_test({n: given[n] for n in order}, n_resamples=199, rng=0)
    for name in TABLES:
        ours, theirs = getattr(first, name), getattr(second, name)
        pd.testing.assert_frame_equal(ours.loc[order, order], theirs, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(ours, ours.T)
    assert first.pvalue.loc[order, order].equals(second.pvalue)
    ours, theirs = first.global_test(199), second.global_test(199)
    assert theirs.statistic == pytest.approx(ours.statistic, rel=1e-9)
    assert theirs.pvalue == ours.pvalue


def test_the_same_rng_gives_the_same_bits_on_any_number_of_threads():
    given = groups((300, 260, 300, 140), dtype=np.float32)
    one, *others = [
        repdist.pairwise_mmd_test(given, n_resamples=499, rng=3, n_jobs=n) for n in (1, 2, 4)
    ]
    for other in others:
        for name in TABLES:
            pd.testing.assert_frame_equal(
                getattr(one, name), getattr(other, name), check_exact=True
            )
        assert other.global_test(99) == one.global_test(99)


# --- what the tables say -------------------------------------------------------------------------


def test_effect_is_cohens_d_squared_for_the_linear_kernel():
    given = groups((400, 300), d=1, step=0.8)
    result = repdist.pairwise_mmd_test(given, kernel=kernels.Linear(), n_resamples=99, rng=0)
    X, Y = given.values()
    unbiased = (X.mean() - Y.mean()) ** 2 - X.var(ddof=1) / 400 - Y.var(ddof=1) / 300
    spread = (X.var(ddof=1) + Y.var(ddof=1)) / 2
    assert result.effect.loc["g0", "g1"] == pytest.approx(unbiased / spread, rel=1e-9)


@pytest.mark.slow
def test_effect_does_not_drift_with_the_number_of_rows(chance_seed):
    """Means over repetitions within 4 of their standard errors (false failure 1e-4).

    A biased estimate would drift by about 2 / n: .03 at n = 60, eight standard errors.
    """
    rng = np.random.default_rng(chance_seed)
    means, errors = [], []
    for n, repetitions in ((60, 100), (240, 30), (960, 8)):
        effects = []
        for _ in range(repetitions):
            given = [rng.normal(size=(n, 5)), rng.normal(0.3, 1, size=(n, 5))]
            result = repdist.pairwise_mmd_test(
                given, kernel=kernels.RBF(2.0), n_resamples=19, adjust="none", rng=0
            )
            effects.append(result.effect.iloc[0, 1])
        means.append(np.mean(effects))
        errors.append(np.std(effects) / math.sqrt(repetitions))
    for i, j in itertools.combinations(range(3), 2):
        assert abs(means[i] - means[j]) < 4 * math.hypot(errors[i], errors[j])


@pytest.mark.slow
@pytest.mark.parametrize(("n", "m"), [(100, 100), (60, 200)])
def test_two_new_samples_of_one_group_fall_under_its_floor(n, m, chance_seed):
    """95 % of 600 pairs of new samples, over 30 tables; between 92 and 98 % pass.

    The floor of one table is itself an estimate, so rates vary from table to table with a standard
    deviation of about .02. False failure below 1e-4; a floor without the scaling to n and m, or a
    quantile of .90 or .99, fails for sure.
    """
    rng = np.random.default_rng(chance_seed)
    under = 0
    kernel = kernels.RBF(2.0)
    for _ in range(30):
        given = [rng.normal(size=(size, 4)) for size in (n, m)]
        result = repdist.pairwise_mmd_test(
            given, kernel=kernel, n_resamples=99, adjust="none", rng=rng
        )
        floor = result.noise_floor.to_numpy()
        for _ in range(20):
            X, Y = rng.normal(size=(n, 4)), rng.normal(size=(m, 4))
            under += repdist.mmd_squared(X, Y, kernel=kernel) <= floor[0, 1]
    assert 0.92 < under / 600 < 0.985
    assert result.noise_floor.iloc[0, 1] == pytest.approx(
        max(floor[0, 0] * n / 2, floor[1, 1] * m / 2) * (1 / n + 1 / m)
    )


def test_times_floor_is_the_ratio():
    result = repdist.pairwise_mmd_test(groups(), n_resamples=199, rng=0)
    ratio = result.mmd_squared / result.noise_floor
    for pair, value in cells(result, "times_floor").items():
        assert value == pytest.approx(ratio.loc[pair])
    assert np.isnan(np.diagonal(result.times_floor)).all()
    assert (np.diagonal(result.mmd_squared) == 0).all()
    assert (np.diagonal(result.noise_floor) > 0).all()


@pytest.mark.slow
def test_family_wise_error(chance_seed):
    """Three of six groups are the same: any of their three pairs below .05 is an error.

    400 tables; a family-wise rate of .05 fails falsely with probability 1e-4, a rate of .13 (no
    adjustment) is seen with probability .98.
    """
    rng = np.random.default_rng(chance_seed)
    errors = 0
    for _ in range(400):
        given = [rng.normal(size=(40, 3)) + shift for shift in (0, 0, 0, 1, 2, 3)]
        result = repdist.pairwise_mmd_test(given, n_resamples=399, rng=rng, n_jobs=1)
        table = result.pvalue_adjusted.to_numpy()[:3, :3]
        errors += np.nanmin(table) <= 0.05
    assert_rate_at_most(errors, 400, 0.05)


# --- how groups are given ------------------------------------------------------------------------


RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(10, 2)), RNG.normal(size=(8, 2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"adjust": "bonf"}, "`adjust` must be one of"),
        ({"confidence_level": 95}, "`confidence_level` must lie strictly between 0 and 1"),
        ({"combine": "min"}, "`combine` must be one of"),
        ({"n_resamples": 0}, "`n_resamples` must be at least 1"),
        ({"n_bins": 9}, "`n_bins` must be at most the 8 rows"),
        ({"rng": -1}, "`rng` must be"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        repdist.pairwise_mmd_test([A, B], **options)


def test_a_group_of_equal_rows_is_allowed_with_a_caution():
    given = groups() | {"flat": np.ones((30, 3))}
    result = repdist.pairwise_mmd_test(given, n_resamples=199, rng=0)
    assert result.cautions == (
        "all rows are equal in 'flat'",
        "29 of 165 rows repeat another row: are rows independent? (Rows of a few whole numbers "
        "repeat by chance.)",
    )
    assert result.pvalue.loc["g0", "flat"] == 1 / 512  # more where p is small
    assert np.isfinite(result.effect.loc["g0", "flat"])


def test_groups_without_a_floor_say_so():
    with pytest.warns(repdist.RepdistWarning, match="1 of 3 pairs cannot reach"):
        result = repdist.pairwise_mmd_test(groups((3, 3, 40)), rng=0)
    assert any("no noise floor for 'g0', 'g1'" in caution for caution in result.cautions)
    assert np.isnan(result.noise_floor.loc["g0", "g1"])
    assert np.isfinite(result.noise_floor.loc["g0", "g2"])
