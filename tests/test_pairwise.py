"""The table of groups against single tests, definitions and calibrated rates."""

import itertools
import math
import warnings

import dask.array
import numpy as np
import pandas as pd
import pytest
import torch
from oracles import assert_rate_at_least, assert_rate_at_most
from scipy import stats

import repdist
from repdist import _pairs, kernels
from repdist._null import (
    centred_blocks,
    complement,
    component_statistics,
    half,
    pair_statistics,
)
from repdist._pairs import _Plan
from repdist._units import Units, half_labels, shared_moves
from repdist._whole import whole_null

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
        assert result.ci_high.loc[a, b] == pytest.approx(high, rel=0.05)  # v0 is estimated
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


def test_halves_are_the_same_whether_shared_or_not(monkeypatch):
    given = groups((40, 50, 45, 50))
    shared = repdist.pairwise_mmd_test(given, n_resamples=199, rng=0)
    monkeypatch.setattr(_pairs, "_SHARED_BYTES", 0)
    alone = repdist.pairwise_mmd_test(given, n_resamples=199, rng=0)
    assert shared.pvalue.equals(alone.pvalue)


# --- relabelings made of halves ------------------------------------------------------------------


def test_statistics_from_halves_are_those_of_whole_relabelings():
    rng = np.random.default_rng(0)
    units, n, m = Units(2, (4, 4), (1, 2)), 9, 10
    U = len(units.rows)
    S = rng.normal(size=(3, U, U))
    S = centred_blocks(S + S.transpose(0, 2, 1), np.zeros((3, U)), units.rows, "unbiased")
    kept = shared_moves(4, 4, 50, rng)
    first = np.pad(half_labels(kept, 4, rng), ((0, 0), (0, 1)), constant_values=1)
    second = np.pad(1 - half_labels(kept, 4, rng), ((0, 0), (0, 1)), constant_values=0)
    labels = np.concatenate([first, second], axis=1)
    assert labels[0].tolist() == [1] * 5 + [0] * 5
    assert (labels.sum(axis=1) == 5).all()
    whole = component_statistics(S, [labels], n, m, "unbiased", map)
    a, b = slice(0, 5), slice(5, 10)
    other = complement(half(S[:, b, b], 1 - second))
    np.testing.assert_allclose(other.within, half(S[:, b, b], second).within, atol=1e-12)
    ours = pair_statistics(S[:, a, b], half(S[:, a, a], first), half(S[:, b, b], second), n, m)
    np.testing.assert_allclose(ours, whole, rtol=1e-10, atol=1e-12)


def test_halves_make_uniform_relabelings():
    """Chi-square over the 20 choices of 3 in 6; fails falsely once in 10,000 seeds.

    It sees a choice that is 1.25 times too frequent with probability .98.
    """
    rng = np.random.default_rng(0)
    kept = shared_moves(3, 3, 20_000, rng)
    labels = np.concatenate([half_labels(kept, 3, rng), 1 - half_labels(kept, 3, rng)], axis=1)
    _, counts = np.unique(labels[1:] @ (2 ** np.arange(6)), return_counts=True)
    assert len(counts) == 20
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize("sizes", [[300, 300], [40, 50, 1000], [129, 700, 5000, 64], [2, 3, 900]])
def test_the_units_of_every_pair_are_made_of_the_groups_edges(sizes):
    plan = _Plan.of(sizes, "auto")
    for pair, units in plan.units.items():
        for g, cut in zip(plan.ordered(pair), units.cuts, strict=True):
            assert set(cut.edges(sizes[g])) <= set(plan.edges[g])
            assert cut.edges(sizes[g])[-1] == sizes[g]
    assert len({cut.size for cut in plan.whole_cuts}) == 1


# --- what the tables say -------------------------------------------------------------------------


def test_holm_equals_its_definition():
    result = repdist.pairwise_mmd_test(groups((40, 50, 45, 60)), n_resamples=999, rng=0)
    p = np.array(list(cells(result, "pvalue").values()))
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    expected = np.empty_like(p)
    expected[order] = np.minimum(steps, 1)
    np.testing.assert_allclose(list(cells(result, "pvalue_adjusted").values()), expected)


@pytest.mark.parametrize("adjust", repdist.pairwise.ADJUSTMENTS)
def test_every_adjustment_works(adjust):
    result = repdist.pairwise_mmd_test(groups(), n_resamples=199, adjust=adjust, rng=0)
    p, adjusted = (list(cells(result, name).values()) for name in ("pvalue", "pvalue_adjusted"))
    if not adjust.startswith("fdr_ts"):  # two-stage: they estimate how many nulls are true
        assert all(a >= b for a, b in zip(adjusted, p, strict=True))
    assert (adjusted == p) == (adjust == "none")


def test_effect_is_cohens_d_squared_for_the_linear_kernel():
    given = groups((400, 300), d=1, step=0.8)
    result = repdist.pairwise_mmd_test(given, kernel=kernels.Linear(), n_resamples=99, rng=0)
    X, Y = given.values()
    unbiased = (X.mean() - Y.mean()) ** 2 - X.var(ddof=1) / 400 - Y.var(ddof=1) / 300
    spread = (X.var(ddof=1) + Y.var(ddof=1)) / 2
    assert result.effect.loc["g0", "g1"] == pytest.approx(unbiased / spread, rel=1e-9)


def test_effect_does_not_drift_with_the_number_of_rows():
    """Means over repetitions within 4 of their standard errors (false failure 1e-4).

    A biased estimate would drift by about 2 / n: .03 at n = 60, eight standard errors.
    """
    rng = np.random.default_rng(0)
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


@pytest.mark.parametrize(("n", "m"), [(100, 100), (60, 200)])
def test_two_new_samples_of_one_group_fall_under_its_floor(n, m):
    """95 % of 600 pairs of new samples, over 30 tables; between 92 and 98 % pass.

    The floor of one table is itself an estimate, so rates vary from table to table with a standard
    deviation of about .02. False failure below 1e-4; a floor without the scaling to n and m, or a
    quantile of .90 or .99, fails for sure.
    """
    rng = np.random.default_rng(0)
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
def test_family_wise_error():
    """Three of six groups are the same: any of their three pairs below .05 is an error.

    400 tables; a family-wise rate of .05 fails falsely with probability 1e-4, a rate of .13 (no
    adjustment) is seen with probability .98.
    """
    rng = np.random.default_rng(0)
    errors = 0
    for _ in range(400):
        given = [rng.normal(size=(40, 3)) + shift for shift in (0, 0, 0, 1, 2, 3)]
        result = repdist.pairwise_mmd_test(given, n_resamples=399, rng=rng, n_jobs=1)
        table = result.pvalue_adjusted.to_numpy()[:3, :3]
        errors += np.nanmin(table) <= 0.05
    assert_rate_at_most(errors, 400, 0.05)


# --- the global test -----------------------------------------------------------------------------


def test_global_statistic_is_the_sum_over_pairs():
    given = groups((40, 50, 45))
    result = repdist.pairwise_mmd_test(given, kernel=kernels.RBF(1.0), n_resamples=99, rng=0)
    total = sum(cells(result, "mmd_squared").values())
    assert result.global_test(99).statistic == pytest.approx(total, rel=1e-9)


def test_relabelings_of_the_global_test_are_sums_over_pairs():
    """Every relabeling's statistic equals naive sums over the relabeled rows."""
    rng = np.random.default_rng(0)
    given = [rng.normal(size=(n, 2)) for n in (33, 35, 70)]
    kernel = kernels.RBF(1.0)
    result = repdist.pairwise_mmd_test(given, kernel=kernel, n_bins="rows", n_resamples=99, rng=0)
    null = whole_null(
        result._whole, list(result.sizes), combine="max", weights=np.ones(1), n_resamples=50,
        rng=np.random.default_rng(1),
    )  # fmt: skip
    spread = null.components[1:, 0].std()
    again = []
    for _ in range(300):
        Z = rng.permutation(np.concatenate(given))
        parts = np.split(Z, [33, 68])
        again.append(
            sum(
                repdist.mmd_squared(a, b, kernel=kernel)
                for a, b in itertools.combinations(parts, 2)
            )
        )
    assert null.components[1:, 0].mean() == pytest.approx(0, abs=5 * spread / math.sqrt(50))
    assert 0.7 < spread / np.std(again) < 1.4


def test_global_test_sees_a_difference():
    different = repdist.pairwise_mmd_test(groups((60, 60, 60), step=0.5), n_resamples=199, rng=0)
    assert different.global_test(999).pvalue == 1 / 1000


@pytest.mark.slow
def test_global_test_has_its_level():
    """400 tables of equal groups, level .05: between 1 and 10 % rejected.

    False failure below 1e-4; a level of .12 or a test that never rejects is seen with .99.
    """
    rng = np.random.default_rng(0)
    low = 0
    for _ in range(400):
        result = repdist.pairwise_mmd_test(
            [rng.normal(size=(20, 2)) for _ in range(3)],
            n_resamples=99,
            adjust="none",
            rng=rng,
            n_jobs=1,
        )
        low += result.global_test(99).pvalue <= 0.05
    assert_rate_at_most(low, 400, 0.05)
    assert_rate_at_least(low, 400, 0.05)


# --- how groups are given ------------------------------------------------------------------------


def test_all_forms_of_input_give_one_result():
    stacked = np.stack(list(groups((30, 30, 30)).values()))
    flat = stacked.reshape(90, 3)
    labels = np.repeat(["a", "b", "c"], 30)
    shuffled = np.random.default_rng(1).permutation(90)
    frame = pd.DataFrame(flat, columns=list("xyz")).assign(kind=labels)
    forms = [
        ({"a": stacked[0], "b": stacked[1], "c": stacked[2]}, None),
        (list(stacked), ["a", "b", "c"]),
        (stacked, ["a", "b", "c"]),
        (flat, labels),
        (flat, list(labels)),
        (flat, pd.Series(labels)),
        (flat, pd.Categorical(labels)),
        (frame, "kind"),
        (frame.drop(columns="kind"), labels),
        (torch.as_tensor(stacked), ["a", "b", "c"]),
        (torch.as_tensor(flat), labels),
    ]
    expected = repdist.pairwise_mmd_test(*forms[0], n_resamples=99, rng=0)
    for form, names in forms:
        result = repdist.pairwise_mmd_test(form, names, n_resamples=99, adjust="none", rng=0)
        assert result.names == ("a", "b", "c")
        pd.testing.assert_frame_equal(result.mmd_squared, expected.mmd_squared, rtol=1e-9)
        assert result.pvalue.equals(expected.pvalue)
    by_row = repdist.pairwise_mmd_test(flat[shuffled], labels[shuffled], n_resamples=99, rng=0)
    pd.testing.assert_frame_equal(by_row.mmd_squared, expected.mmd_squared, rtol=1e-9)


def test_the_order_of_labels():
    Z = np.random.default_rng(0).normal(size=(6, 2))

    def names(labels):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", repdist.RepdistWarning)
            return repdist.pairwise_mmd_test(Z, labels, adjust="none", rng=0).names

    assert names([10, 9, 2, 2, 9, 10]) == (2, 9, 10)
    assert names(["b", "a", "c", "c", "a", "b"]) == ("a", "b", "c")
    assert names([1, "a", (2, 3), (2, 3), "a", 1]) == (1, "a", (2, 3))
    category = pd.Categorical(list("bacbac"), categories=["c", "b", "a", "unused"])
    days = np.array(["2020-01-02", "2020-01-01"] * 3, dtype="M8[ns]")
    assert names(days) == (pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-02"))
    assert names(category) == ("c", "b", "a")
    assert names(pd.Series(category)) == ("c", "b", "a")


def test_tuples_are_names():
    result = repdist.pairwise_mmd_test(
        {("a", 1): groups()["g0"], ("b", 2): groups()["g1"]}, n_resamples=99, rng=0
    )
    assert result.mmd_squared.shape == (2, 2)
    assert result.to_frame()["first"].tolist() == [("a", 1)]


RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(10, 2)), RNG.normal(size=(8, 2))
WITH_NAN = np.where(np.arange(20).reshape(10, 2) == 7, np.nan, A)
BAD = [
    ([A], None, ValueError, "`groups` must hold at least two groups; got 1"),
    ({"a": A}, None, ValueError, "at least two groups"),
    ({"a": A, "b": B[:1]}, None, ValueError, r"`groups\['b'\]` must have at least 2 rows"),
    ({"a": A, "b": B[:, :1]}, None, ValueError, r"`groups\['a'\]` and `groups\['b'\]`.*2 and 1"),
    ([A, B], ["x", "x"], ValueError, "`labels` must name each group once; got 'x' twice"),
    ([A, B], ["x"], ValueError, "one name a group; got 1 names for 2"),
    ([A, B], "xy", TypeError, "`labels` must be a sequence"),
    ({"a": A, "b": B}, ["a", "b"], ValueError, "`labels` must be None if `groups` is a mapping"),
    ({"a": WITH_NAN, "b": B}, None, ValueError, r"`groups\['a'\]`.*nan in row 3, column 1"),
    ([A, "no"], None, TypeError, r"`groups\[1\]` must be an array of real numbers"),
    (A, None, ValueError, "`labels` must hold one label a row"),
    (A, [0] * 9, ValueError, "got 9 labels for 10 rows"),
    (A, [0] * 10, ValueError, "must name at least two groups; got only 0"),
    (A, [0] * 9 + [1], ValueError, "at least 2 rows in each group; 1 has 1, row 9"),
    (A, [0] * 5 + [None] + [1] * 4, ValueError, "must not be missing; got None in row 5"),
    (A, [0.0] * 5 + [np.nan] * 5, ValueError, "must not be missing; got nan in row 5"),
    (A, [[0]] * 5 + [[1]] * 5, TypeError, "`labels` must be hashable"),
    (A, np.array([[0, 1] * 5]).T, ValueError, r"one dimension; got shape \(10, 1\).*ravel"),
    (A, pd.DataFrame({"y": [0, 1] * 5}), ValueError, r"one dimension.*\(10, 1\). Choose a col"),
    (A, torch.zeros(10, device="meta"), TypeError, "`labels` must hold data.*meta device"),
    (A, dask.array.zeros(10), TypeError, "`labels` must lie in memory.*dask.*compute"),
    (A[:, 0], None, ValueError, r"`groups` must have shape \(groups, rows, columns\)"),
    (WITH_NAN, [0, 1] * 5, ValueError, "`groups` must hold finite.*row 3"),
    (np.zeros((3, 4, 2)), None, ValueError, "`groups` must not be constant"),
    (None, None, TypeError, "`groups` must be a mapping"),
    (3.0, None, TypeError, "`groups` must be a mapping"),
    ([A, B], [float("nan"), float("nan")], ValueError, "must have names; got a missing one"),
    ([A, B], [1, "1"], ValueError, "once; got 1 twice"),
    (A, [1, "1"] * 5, ValueError, "`labels` must differ when printed"),
    (pd.DataFrame(A), pd.Series([0, 1] * 5, index=range(9, -1, -1)), ValueError, "labels.loc"),
    (pd.DataFrame(np.ones((4, 3)), columns=["x", "l", "l"]), "l", ValueError, "name one column"),
    (pd.DataFrame(A), None, ValueError, "`labels` must name the label column"),
    (pd.DataFrame(A, columns=["x", "y"]), "z", ValueError, "must be a column of the DataFrame"),
    (pd.DataFrame({"t": list("ab" * 4), "k": [0, 1] * 4}), "k", TypeError, "numeric columns"),
    ([A, torch.as_tensor(B)], None, TypeError, "one array library"),
]


@pytest.mark.parametrize(("given", "labels", "error", "message"), BAD)
def test_bad_groups(given, labels, error, message):
    with pytest.raises(error, match=message):
        repdist.pairwise_mmd_test(given, labels)


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
    assert result.cautions == ("all rows are equal in 'flat'",)
    assert result.pvalue.loc["g0", "flat"] == 1 / 200
    assert np.isfinite(result.effect.loc["g0", "flat"])


def test_too_few_relabelings_for_the_correction_are_a_warning_that_says_how_many():
    with pytest.warns(repdist.RepdistWarning, match="3 of 3 pairs.*n_resamples=50; 59 would do"):
        few = repdist.pairwise_mmd_test(groups(), n_resamples=50, rng=0)
    assert "59 would do" in few.cautions[0]
    assert repdist.pairwise_mmd_test(groups(), n_resamples=59, rng=0).cautions == ()
    with pytest.warns(repdist.RepdistWarning, match="groups of 5 rows would do"):
        repdist.pairwise_mmd_test(groups((4, 4, 4)), rng=0)
    assert repdist.pairwise_mmd_test(groups((5, 5, 5)), rng=0).cautions == ()


def test_the_advice_names_rows_and_relabelings_if_both_are_too_few():
    with pytest.warns(repdist.RepdistWarning, match="groups of 5 rows would do, or .* 59 would do"):
        repdist.pairwise_mmd_test(groups((2, 3, 50)), n_resamples=15, rng=0)


def test_ten_groups_under_holm_need_899():
    given = np.random.default_rng(0).normal(size=(10, 20, 2))
    with pytest.warns(repdist.RepdistWarning, match="899 would do"):
        repdist.pairwise_mmd_test(given, n_resamples=898, rng=0)
    repdist.pairwise_mmd_test(given, n_resamples=899, rng=0)


def test_groups_without_a_floor_say_so():
    with pytest.warns(repdist.RepdistWarning, match="1 of 3 pairs cannot reach"):
        result = repdist.pairwise_mmd_test(groups((3, 3, 40)), rng=0)
    assert any("no noise floor for 'g0', 'g1'" in caution for caution in result.cautions)
    assert np.isnan(result.noise_floor.loc["g0", "g1"])
    assert np.isfinite(result.noise_floor.loc["g0", "g2"])


def test_iris_as_a_data_frame_gives_the_answer_that_is_known():
    from sklearn.datasets import load_iris

    data = load_iris(as_frame=True)
    frame = data.frame.assign(species=data.target_names[data.target]).drop(columns="target")
    result = repdist.pairwise_mmd_test(frame, "species", n_resamples=999, rng=0)
    assert result.names == ("setosa", "versicolor", "virginica")
    effect = result.effect
    assert effect.loc["versicolor", "virginica"] < effect.loc["setosa", "versicolor"]
    assert effect.loc["setosa", "versicolor"] < effect.loc["setosa", "virginica"]
    assert (result.to_frame()["pvalue_adjusted"] == 3 / 1000).all()
    assert (result.to_frame()["times_floor"] > 10).all()


@pytest.mark.parametrize("name", [None, float("nan")])
def test_a_mapping_with_a_missing_name_is_refused(name):
    rows = np.arange(10.0)[:, None]
    with pytest.raises(ValueError, match="`groups` must have names"):
        repdist.pairwise_mmd_test({name: rows, "a": rows + 1})
