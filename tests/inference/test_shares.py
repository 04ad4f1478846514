"""Intervals for differences of shares, beside formulas and published figures."""

import numpy as np
import pytest
from oracles import assert_rate_at_least
from scipy import stats

from repdist._inference.shares import Part, newcombe, student, wilson


@pytest.mark.parametrize(
    ("x", "n", "y", "m", "low", "high"),
    [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (0, 10, 0, 10, -0.2775, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0),
        (10, 10, 0, 10, 0.6075, 1.0),
    ],
)
def test_the_examples_of_newcombe(x, n, y, m, low, high):
    """Table II of his paper, method 10."""
    found = newcombe(np.array([y / m]), m, np.array([x / n]), n)
    np.testing.assert_allclose(np.ravel(found), [low, high], atol=6e-5)


def test_wilson_is_that_of_scipy():
    for count in range(8):
        interval = stats.binomtest(count, 7).proportion_ci(method="wilson")
        found = np.ravel(wilson(np.array([count / 7]), 7))
        np.testing.assert_allclose(found, [interval.low, interval.high], atol=1e-12)


def test_student_is_the_interval_of_welch():
    rng = np.random.default_rng(0)
    X, Y = rng.random((7, 3)) / 2, rng.random((12, 3)) / 2
    low, high = student(Y.mean(0) - X.mean(0), [Part(1.0, X), Part(1.0, Y)])
    for k in range(3):
        interval = stats.ttest_ind(Y[:, k], X[:, k], equal_var=False).confidence_interval()
        np.testing.assert_allclose([low[k], high[k]], interval, rtol=1e-12)


def test_student_of_one_part_is_the_interval_of_one_mean():
    D = np.random.default_rng(1).normal(scale=0.1, size=(9, 2))
    low, high = student(D.mean(0), [Part(1.0, D)])
    for k in range(2):
        interval = stats.ttest_1samp(D[:, k], 0).confidence_interval()
        np.testing.assert_allclose([low[k], high[k]], interval, rtol=1e-12)


def test_weights_of_parts_and_ends_that_are_shares():
    D = np.random.default_rng(2).normal(scale=0.1, size=(9, 2))
    half = student(np.zeros(2), [Part(0.5, D)])[1]
    np.testing.assert_allclose(2 * half, student(np.zeros(2), [Part(1.0, D)])[1], rtol=1e-12)
    low, high = student(np.array([0.9, -0.9]), [Part(20.0, D)])
    assert (low[1], high[0]) == (-1, 1)


def test_no_variance_gives_no_width():
    low, high = student(np.array([0.25]), [Part(1.0, np.full((5, 1), 0.25))])
    assert (low, high) == (0.25, 0.25)


def test_newcombe_covers():
    """False-failure rate 1e-4, if the coverage is .93; of 2,000 trials it sees .89."""
    rng = np.random.default_rng(3)
    x, y = rng.binomial(60, 0.05, 2000) / 60, rng.binomial(90, 0.12, 2000) / 90
    low, high = newcombe(x, 60, y, 90)
    covered = (low <= 0.07) & (high >= 0.07)
    assert_rate_at_least(int(covered.sum()), 2000, 0.93)
