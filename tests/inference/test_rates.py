"""How often tests reject: counts, exact intervals, and the verdict on a level."""

from math import comb

import numpy as np
import pytest

from repdist._inference.rates import (
    binomial_interval,
    chance_of_as_many,
    count_rejections,
    found_out,
)


def tail(count, trials, rate):
    """The chance of `count` or more, by the binomial formula."""
    return sum(
        comb(trials, k) * rate**k * (1 - rate) ** (trials - k) for k in range(count, trials + 1)
    )


def test_a_pvalue_equal_to_alpha_to_rounding_rejects():
    pvalues = np.array([0.1 + 0.2, 0.3, 0.3 + 1e-6, 0.05, 1.0])
    assert count_rejections(pvalues, 0.3) == 3
    assert count_rejections(pvalues) == 1


@pytest.mark.parametrize("level", [0.5, 0.95])
@pytest.mark.parametrize("count", [0, 1, 7, 20])
def test_interval_ends_where_the_count_would_be_too_rare(count, level):
    """Clopper and Pearson: each tail has half of what the level leaves."""
    low, high = binomial_interval(count, 20, level)
    half = (1 - level) / 2
    assert low == 0 if count == 0 else tail(count, 20, low) == pytest.approx(half, rel=1e-6)
    assert high == 1 if count == 20 else 1 - tail(count + 1, 20, high) == pytest.approx(half)


@pytest.mark.parametrize("count", [0, 3, 40])
def test_chance_of_as_many_is_the_binomial_tail(count):
    assert chance_of_as_many(count, 40, 0.05) == pytest.approx(tail(count, 40, 0.05), rel=1e-9)


@pytest.mark.parametrize("trials", [40, 500])
def test_the_level_found_out_is_denied_in_nine_checks_of_ten(trials):
    fewest = next(k for k in range(trials) if tail(k, trials, 0.05) <= 0.01)
    denied = found_out(trials, 0.05, 0.01)
    assert tail(fewest, trials, denied) == pytest.approx(0.9, rel=1e-6)
