"""The study of column tests: what it draws, the other test, and what its rows tell."""

import numpy as np
import pytest
from scipy import stats

import repdist
from benchmarks.evidence import columns, rates
from benchmarks.evidence.columns import (
    CHANGED,
    Changed,
    FewValues,
    HugeRow,
    OtherCorrelation,
    Together,
    kolmogorov_smirnov,
    task,
    together,
)
from benchmarks.evidence.tasks import Measured, Scope

MANY = 40_000


def drawn(problem, n=MANY, m=MANY):
    return problem(n, m, np.random.default_rng(0))


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_columns_have_one_correlation(correlation):
    rows = together(MANY, 4, correlation, np.random.default_rng(0))
    expected = np.full((4, 4), correlation) + (1 - correlation) * np.eye(4)
    np.testing.assert_allclose(np.cov(rows.T), expected, atol=0.04)


@pytest.mark.parametrize(
    ("problem", "mean", "deviation"),
    [
        (Changed("shift", 0.35, 0.5, d=6), 0.35, 1),
        (Changed("spread", 1.4, d=6), 0, 1.4),
        (Changed("bimodal", 0.85, d=6), 0, 1),
    ],
    ids=str,
)
def test_three_columns_of_y_differ(problem, mean, deviation):
    X, Y = drawn(problem)
    np.testing.assert_allclose(Y[:, :CHANGED].mean(axis=0), mean, atol=0.03)
    np.testing.assert_allclose(Y[:, :CHANGED].std(axis=0), deviation, atol=0.03)
    for rows in (X, Y[:, CHANGED:]):
        np.testing.assert_allclose(rows.mean(axis=0), 0, atol=0.03)
        np.testing.assert_allclose(rows.std(axis=0), 1, atol=0.03)
    assert (stats.kurtosis(Y[:, 0]) < -1) == (problem.change == "bimodal")


def test_correlations_alone_differ():
    X, Y = drawn(OtherCorrelation(0.9, d=4))
    assert np.abs(np.corrcoef(X.T) - np.eye(4)).max() < 0.03
    np.testing.assert_allclose(np.corrcoef(Y.T)[0, 1:], 0.9, atol=0.02)
    np.testing.assert_allclose(Y.std(axis=0), 1, atol=0.03)


def test_few_values_and_a_huge_row():
    X, _ = drawn(FewValues(d=8), 500, 400)
    assert len(np.unique(X[:, 0])) < 12
    assert set(np.unique(X[:, 2])) == {0, 1}
    assert np.ptp(X[:, 4]) == 0
    assert len(np.unique(X[:, 6])) == 500
    X, Y = drawn(HugeRow(d=3), 10, 10)
    assert (X[0] == 1e6).all()
    assert max(np.abs(X[1:]).max(), np.abs(Y).max()) < 10


@pytest.mark.parametrize(("n", "method"), [(32, "exact"), (256, "asymp")])
def test_kolmogorov_and_smirnov_are_those_of_scipy(n, method):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(n, 5)), rng.normal(size=(n, 5)) + 0.1 * np.arange(5)
    each = [stats.ks_2samp(x, y, method=method).pvalue for x, y in zip(X.T, Y.T, strict=True)]
    expected = np.minimum(1, 5 * np.array(each))
    np.testing.assert_allclose(kolmogorov_smirnov(X, Y), expected, rtol=1e-12)


def test_the_rate_is_of_columns_that_do_not_differ_and_power_of_the_others():
    problem = task(Changed("shift", 1.0, d=8), 32, 32, 1)
    X, Y = drawn(problem.problem, 32, 32)
    Y[:, 5] += 3  # one that is said not to differ
    found = columns.pvalues(problem, X, Y, np.random.SeedSequence(1))
    result = repdist.column_test(
        X, Y, n_resamples=999, rng=np.random.default_rng(np.random.SeedSequence(1))
    )
    assert found["columns"] == result.pvalue_adjusted[5]
    assert found["columns power"] == (result.pvalue_adjusted[:3] <= 0.05).mean()
    assert found["columns holm"] == 0
    assert found["ks-bonferroni"] < 0.001
    null = task(Together(d=4), 8, 9, 1)
    alone = columns.pvalues(null, *drawn(null.problem, 8, 9), np.random.SeedSequence(1))
    assert set(alone) == {"columns", "columns holm"}
    assert alone["columns holm"] == 1


def test_a_row_has_the_power_with_its_interval_and_alarms_above_the_level():
    problem = task(Changed("shift", 1.0), 32, 32, 1000)
    pvalues = np.where(np.arange(1000) < 50, 0.01, 0.5)
    power = np.tile([0.0, 1 / 3, 2 / 3, 1.0], 250)
    found = {"columns": pvalues, "columns power": power, "columns holm": np.zeros(1000)}
    row = columns.extra(Measured(problem, "columns", found, 30))
    assert (row["control"], row["alarm"]) == ("westfall-young", "")
    assert row["above"] == pytest.approx(stats.binom.sf(49, 1000, 0.05))
    reach = stats.norm.ppf(1 - (1 - rates.CONFIDENCE) / 2) * power.std(ddof=1) / np.sqrt(1000)
    assert row["power"] == pytest.approx(0.5)
    assert (row["power_low"], row["power_high"]) == pytest.approx((0.5 - reach, 0.5 + reach))
    often = {"columns": np.where(np.arange(1000) < 90, 0.01, 0.5)}
    assert columns.extra(Measured(problem, "columns", often, 30))["alarm"] == "alarm"


def test_the_whole_study():
    found = columns.tasks(Scope())
    assert len({one.name for one in found}) == len(found) == 24
    assert {one.repetitions for one in found if one.n == one.m} == {2000}
    assert sum(isinstance(one.problem, Changed) for one in found) == 12
    assert {(one.n, one.m) for one in found if one.n != one.m} == {(32, 256), (64, 512), (32, 512)}
