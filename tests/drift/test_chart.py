"""Bets on p-values, and how often they add up to an alarm by chance."""

import math

import numpy as np
import pytest
from scipy import integrate

from repdist.drift._chart import bet, onset, run_length, threshold_for


def formula(p):
    return (1 - p + p * math.log(p)) / (p * math.log(p) ** 2)


def test_the_formula():
    for p in (1e-300, 1e-9, 0.001, 0.05, 0.3, 0.9, 0.99, 0.999):
        assert float(bet(np.array(p))) == pytest.approx(formula(p), rel=1e-9)


def test_it_is_fair():
    """With p = exp(-t): the integral to t = 700, and 1 / 700 beyond."""
    value, _ = integrate.quad(lambda t: float(bet(np.exp(-t))) * math.exp(-t), 1e-9, 700, limit=500)
    assert value + 1 / 700 == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("total", [2, 32, 128, 16384])
def test_on_a_grid_it_is_less_than_fair(total):
    """The mean over multiples of 1 / total: p-values that are too large lose."""
    assert 0.5 < bet(np.arange(1, total + 1) / total).mean() < 1


def test_smaller_p_bets_more():
    p = np.concatenate([np.geomspace(1e-12, 0.5, 2000), np.linspace(0.5, 1, 5001)[1:]])
    assert (np.diff(bet(p)) < 0).all()
    assert float(bet(np.array(1.0))) == 0.5


def test_it_is_smooth_around_one():
    p = 1 - np.linspace(0, 4e-4, 401)
    steps = np.diff(bet(p)) / 1e-6
    np.testing.assert_allclose(steps, 1 / 6, rtol=1e-2)


def simulated(threshold, total, chains, rng):
    """The mean time to the first alarm."""
    f = np.array([formula(i / total) if i < total else 0.5 for i in range(1, total + 1)])
    R, times, alive = np.zeros(chains), np.zeros(chains), np.arange(chains)
    step = 0
    while len(alive):
        step += 1
        R = (1 + R) * f[rng.integers(total, size=len(R))]
        alarm = threshold <= R
        times[alive[alarm]] = step
        alive, R = alive[~alarm], R[~alarm]
    return times.mean()


QUICK = {(128, 10), (512, 100)}
SLOW = pytest.mark.slow
CASES = [
    pytest.param(total, every, chains, marks=[] if (total, every) in QUICK else [SLOW])
    for total in (128, 512, 16384)
    for every, chains in ((2, 20_000), (10, 10_000), (100, 8000), (1000, 8000))
]


@pytest.mark.parametrize(("total", "every", "chains"), CASES)
def test_alarms_come_as_rarely_as_asked_for(total, every, chains):
    """Within 3 % of the mean of as many chains, seeded.

    One that takes the threshold of another number of relabelings is 10 % off, or more.
    """
    threshold = threshold_for(float(every), total)
    assert run_length(threshold, total) == pytest.approx(every, rel=0.006)
    found = simulated(threshold, total, chains, np.random.default_rng([2, total, every]))
    assert found == pytest.approx(every, rel=0.03)


@SLOW
def test_run_lengths_of_any_threshold(chance_seed):
    """Within 4 % of 6,000 chains: 3 standard errors. False failure below 1 %, over all."""
    for threshold in (1.5, 8.0, 30.0):
        rng = np.random.default_rng([chance_seed, int(threshold)])
        found = simulated(threshold, 256, 6000, rng)
        assert run_length(threshold, 256) == pytest.approx(found, rel=0.04)


def test_what_is_known_of_thresholds():
    """At R = 21.1 the mean run is 101 with 499 relabelings, 92 with 9,999; the fewer the rarer."""
    assert run_length(21.1, 100) > run_length(21.1, 128) > 140
    for total, run in ((500, 101), (10_000, 92)):
        assert run_length(21.1, total) == pytest.approx(run, rel=0.02)
    assert threshold_for(10.0, 512) < threshold_for(100.0, 512) < threshold_for(1000.0, 512)
    assert threshold_for(100.0, 32) < threshold_for(100.0, 512) < threshold_for(100.0, 16384)
    assert threshold_for(100.0, 512) < 100  # R >= 100 would be far too careful


def test_the_onset_is_where_bets_gain_the_most():
    """Among all starts since the chart began, by hand; runs of some lengths, after alarms too."""
    rng, seen = np.random.default_rng(8), set()
    for _ in range(200):
        pvalues = rng.integers(1, 129, size=rng.integers(1, 12)) / 128
        evidence, R, begin = [], 0.0, 0
        for i, f in enumerate(bet(pvalues)):
            if rng.random() < 0.15:
                R, begin = 0.0, i
            R = (1 + R) * f
            evidence.append(R)
        gains = {k: np.prod(bet(pvalues[k:])) for k in range(begin, len(pvalues))}
        best = max(gains, key=gains.get)
        expected = best if gains[best] > 1 else None
        assert onset(pvalues, evidence) == expected
        seen.add(None if expected is None else len(pvalues) - expected)
    assert {None, 1, 2, 3} <= seen


def test_the_onset_is_nearer_to_a_small_change_than_the_alarm():
    """1,000 streams whose p-values are those of |z + 1.5| from batch 20 on."""
    rng, threshold = np.random.default_rng(0), threshold_for(100.0, 16384)
    late, off = [], []
    for _ in range(1000):
        pvalues, evidence, R = [], [], 0.0
        for batch in range(200):
            z = abs(rng.normal(1.5 * (batch >= 20)))
            pvalues.append(max(math.erfc(z / math.sqrt(2)), 1 / 16384))
            R = (1 + R) * float(bet(np.array(pvalues[-1])))
            evidence.append(R)
            if batch >= 20 and threshold <= R:
                break
            R = 0.0 if threshold <= R else R
        late.append(batch - 20)
        off.append(abs(onset(pvalues, evidence) - 20))
    assert np.mean(late) > 1.5 * np.mean(off)
    assert np.median(off) <= 1 < np.median(late)
