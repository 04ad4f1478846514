"""Is it close enough: the formula, both units, and the interval that says the same."""

import math
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

import repdist
from repdist import kernels

MARGINS = [0.01, 0.05, 0.3]


@pytest.fixture(scope="module")
def two():
    rng = np.random.default_rng(0)
    return repdist.mmd_test(
        rng.normal(size=(60, 3)), rng.normal(0.3, 1, (50, 3)), n_resamples=99, rng=0
    )


@pytest.fixture(scope="module")
def several():
    rng = np.random.default_rng(0)
    groups = {name: rng.normal(s, 1, (50, 3)) for name, s in (("a", 0), ("b", 0.3), ("c", 1))}
    return repdist.compare_to_reference(rng.normal(size=(80, 3)), groups, n_resamples=99, rng=0)


@pytest.mark.parametrize("margin", MARGINS)
def test_the_pvalue_is_the_formula(two, margin):
    error = math.sqrt(two.standard_error**2 + 3 * two.estimate.null_variance)
    expected = NormalDist().cdf((two.estimate.mmd_squared - margin) / error)
    found = two.equivalence(margin, unit="mmd_squared")
    assert found.pvalue == pytest.approx(expected, rel=1e-12)
    assert (found.margin, found.unit) == (margin, "mmd_squared")
    assert found.value == two.estimate.mmd_squared


@pytest.mark.parametrize("margin", MARGINS)
def test_an_effect_is_in_units_of_the_spread(two, margin):
    found = two.equivalence(margin)
    assert found.unit == "effect"
    assert found.value == two.effect
    in_squares = two.equivalence(margin * two.spread, unit="mmd_squared")
    assert found.pvalue == pytest.approx(in_squares.pvalue, rel=1e-12)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_the_interval_below_the_margin_says_the_same(two, alpha):
    """Its upper end at level 1 - 2 alpha is the margin of which p is alpha."""
    _, high = two.confidence_interval(1 - 2 * alpha)
    assert two.equivalence(high, unit="mmd_squared").pvalue == pytest.approx(alpha, rel=1e-9)


def test_a_larger_margin_has_a_smaller_pvalue(two):
    pvalues = [two.equivalence(margin).pvalue for margin in (1e-6, 0.05, 0.1, 1, 100)]
    assert pvalues == sorted(pvalues, reverse=True)
    assert pvalues[-1] < 1e-12


def test_the_spread_is_free_of_the_kernels_scale():
    """The same p of the same effect, for a kernel that is ten times as large."""
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(60, 1)), rng.normal(0.3, 1, (50, 1))
    one, ten = (
        repdist.mmd_test(*(scale * Z for Z in samples), kernel=kernels.Linear(), rng=0)
        for scale in (1, 10)
    )
    assert ten.effect == pytest.approx(one.effect, rel=1e-9)
    assert ten.equivalence(0.2).pvalue == pytest.approx(one.equivalence(0.2).pvalue, rel=1e-6)
    X, Y = samples
    unbiased = (X.mean() - Y.mean()) ** 2 - X.var(ddof=1) / 60 - Y.var(ddof=1) / 50
    assert one.effect == pytest.approx(2 * unbiased / (X.var(ddof=1) + Y.var(ddof=1)), rel=1e-9)


def test_the_estimator_that_is_quoted_does_not_matter():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 2)), rng.normal(size=(25, 2))
    one, other = (
        repdist.mmd_test(X, Y, estimator=e, n_resamples=99, rng=0).equivalence(0.1)
        for e in ("unbiased", "biased")
    )
    assert (one.value, one.pvalue) == (other.value, other.pvalue)


@pytest.mark.parametrize(
    ("n", "m", "how", "units"),
    [
        (9, 30, {}, "9 rows"),
        (30, 9, {}, "9 rows"),
        (2, 2, {"paired": True}, "2 pairs"),
        (9, 9, {"paired": True}, "9 pairs"),
        (36, 60, {"clusters": 4}, "9 clusters"),
        (10, 10, {}, None),
        (10, 10, {"paired": True}, None),
        (40, 44, {"clusters": 4}, None),
    ],
)
def test_a_guess_of_the_error_from_few_is_told(n, m, how, units):
    rng = np.random.default_rng(0)
    size = how.get("clusters")
    said = {"clusters": (np.arange(n) // size, -1 - np.arange(m) // size)} if size else how
    result = repdist.mmd_test(
        rng.normal(size=(n, 2)), rng.normal(size=(m, 2)), n_resamples=99, rng=0, **said
    )
    found = result.equivalence(0.2).cautions
    assert found[: len(result.cautions)] == result.cautions
    added = found[len(result.cautions) :]
    assert len(added) == (units is not None)
    assert units is None or f"known from {units} only" in added[0]


@pytest.mark.parametrize("unit", ["effect", "mmd_squared"])
def test_each_group_has_its_pvalue(several, unit):
    frame = several.equivalence(0.1, unit)
    assert list(frame.columns) == ["value", "pvalue", "pvalue_adjusted"]
    assert list(frame.index) == ["a", "b", "c"]
    estimate, spread = several.comparison.estimate, several.comparison.spread
    for g, row in enumerate(frame.itertuples()):
        margin = 0.1 * (spread[g] if unit == "effect" else 1)
        error = math.sqrt(estimate.standard_error[g] ** 2 + 3 * estimate.null_variance[g])
        expected = NormalDist().cdf((estimate.mmd_squared[g] - margin) / error)
        assert row.pvalue == pytest.approx(expected, rel=1e-9)
    name = {"effect": "effect", "mmd_squared": "mmd_squared"}[unit]
    np.testing.assert_allclose(frame["value"], several.to_frame()[name], rtol=1e-12)
    assert (frame["pvalue_adjusted"] >= frame["pvalue"]).all()
    assert frame.loc["a", "pvalue"] < 0.05 < frame.loc["c", "pvalue"]


def test_a_group_is_adjusted_as_the_result_is():
    rng = np.random.default_rng(0)
    groups = {name: rng.normal(size=(30, 2)) for name in "ab"}
    result = repdist.compare_to_reference(
        rng.normal(size=(30, 2)), groups, adjust="bonferroni", n_resamples=99, rng=0
    )
    frame = result.equivalence(0.2)
    expected = np.minimum(2 * frame["pvalue"], 1)
    pd.testing.assert_series_equal(frame["pvalue_adjusted"], expected, check_names=False)


@pytest.mark.parametrize("which", ["two", "several"])
@pytest.mark.parametrize(
    ("margin", "unit", "error", "message"),
    [
        (0, "effect", ValueError, "`margin` must be a positive, finite number; got 0"),
        (-1, "effect", ValueError, "`margin` must be a positive"),
        (np.nan, "effect", ValueError, "`margin` must be a finite number; got nan"),
        (np.inf, "effect", ValueError, "`margin` must be a finite number; got inf"),
        ("a", "effect", TypeError, "`margin` must be a number; got 'a'"),
        (0.1, "x", ValueError, '`unit` must be one of "effect", "mmd_squared"; got \'x\''),
        (0.1, None, TypeError, "`unit` must be one of"),
    ],
)
def test_what_is_refused(request, which, margin, unit, error, message):
    with pytest.raises(error, match=message):
        request.getfixturevalue(which).equivalence(margin, unit)


def test_the_card_says_what_was_asked(two):
    text = str(two.equivalence(0.05))
    assert "effect of 0.05" in text
    assert "MMD^2 of 0.05" in str(two.equivalence(0.05, "mmd_squared"))
    assert two.equivalence(0.05).to_dict()["margin"] == 0.05


def test_rows_that_do_not_vary_between_relabelings_are_no_proof():
    """One value in each sample, and of both: no error, so the distance is what it is."""
    X, Y = np.zeros((5, 1)), np.ones((6, 1))
    result = repdist.mmd_test(X, Y, kernel=kernels.RBF(1.0), n_resamples=99, rng=0)
    value = 2 * (1 - math.exp(-0.5))
    assert result.mmd_squared == pytest.approx(value)
    assert result.equivalence(value / 2, "mmd_squared").pvalue > 0.5
    assert math.isnan(result.effect)
