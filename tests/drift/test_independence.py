"""p-values against a growing pool are independent of each other, though the reference is one."""

import itertools

import numpy as np
import pytest

import repdist
from repdist.sketches import _sketch
from repdist.sketches._plan import SketchPlan
from repdist.sketches._reference import _Held

RNG = np.random.default_rng(20)
X = RNG.normal(size=(500, 2))
FULL = repdist.Reference(X, rows_per_bin=8, n_landmarks=12, rng=0)
BINS = FULL.sketch(RNG.normal(size=(56, 2)), rng=0).bins  # 7 of them


def with_most(most):
    """The plan of the reference, with another number of bins that may move."""
    plan = FULL.plan
    return SketchPlan(
        plan.kernel, plan.landmarks, plan.rows_per_bin, most, plan.columns, plan.captured
    )


def reference_of(plan, chosen):
    reference = repdist.Reference.__new__(repdist.Reference)
    bins = BINS[:, list(chosen)]
    n = 8 * len(chosen)
    reference._held = _Held(plan, bins, np.zeros_like(bins[:, 0]), n, 0, 0.01, None, n)
    return reference


def sketch_of(plan, chosen):
    bins = BINS[:, list(chosen)]
    return repdist.Sketch(plan, bins, np.zeros_like(bins[:, 0]), 8 * len(chosen), 0)


def arrangements():
    """All 210 ways to make 7 bins a reference of 3 and batches of 2 and 2."""
    for reference in itertools.combinations(range(7), 3):
        left = [i for i in range(7) if i not in reference]
        for first in itertools.combinations(left, 2):
            yield reference, first, tuple(i for i in left if i not in first)


class Chosen:
    """A generator whose only permutation puts one bin last: the one that is frozen."""

    def __init__(self, last):
        self.last = last

    def permutation(self, n):
        return np.array([i for i in range(n) if i != self.last] + [self.last])


def assert_independent(pairs):
    """`#{p <= a and q <= b} <= N a b` for all a, b: each is uniform (or larger) given the other."""
    p, q = np.array(pairs).T
    for a in np.unique(p):
        for b in np.unique(q):
            assert ((p <= a + 1e-12) & (q <= b + 1e-12)).sum() <= len(p) * a * b + 1e-9, (a, b)


@pytest.fixture
def few_bins(monkeypatch):
    monkeypatch.setattr(_sketch, "LEAST_BINS", 2)


def both(reference, first, second, plan, last=None):
    """The p-values of two batches."""
    monitor = repdist.Monitor(reference_of(plan, reference), n_resamples=9999, rng=0)
    if last is not None:
        stream = monitor._stream
        monitor._stream = lambda number, purpose: (
            Chosen(last) if purpose == 2 else stream(number, purpose)
        )
    found = [monitor.update(sketch_of(plan, chosen)).pvalue for chosen in (first, second)]
    assert monitor._pool.bins.shape[1] == min(7, plan.max_bins)
    assert monitor._pool.rest_rows == 8 * (7 - monitor._pool.bins.shape[1])
    return found


def test_all_orders_of_few_bins(few_bins):
    """Each of 210 arrangements takes its turn as the data; all relabelings are enumerated."""
    plan = with_most(100)
    pairs = [both(*chosen, plan) for chosen in arrangements()]
    assert_independent(pairs)
    assert len({p for p, _ in pairs}) == 10
    assert len({q for _, q in pairs}) == 21
    assert {(p, q) for p, q in pairs} == set(itertools.product(*map(set, zip(*pairs, strict=True))))


def test_a_fixed_reference_is_seen(few_bins):
    """What a monitor must not do: beside the reference alone, p-values hang together."""
    plan = with_most(100)
    pairs = []
    for reference, first, second in arrangements():
        fixed = reference_of(plan, reference)
        pairs.append(
            [fixed.compare(sketch_of(plan, chosen), rng=0).pvalue for chosen in (first, second)]
        )
    with pytest.raises(AssertionError):
        assert_independent(pairs)


@pytest.mark.slow
def test_all_orders_where_bins_are_frozen(few_bins):
    """Of 5 bins after the first batch each is the one that stays behind, in turn."""
    plan = with_most(4)
    pairs = [both(*chosen, plan, last) for chosen in arrangements() for last in range(5)]
    assert_independent(pairs)
    assert len({q for _, q in pairs}) == 15


@pytest.mark.slow
def test_bins_chosen_by_age_are_seen(few_bins):
    """What a monitor must not do: the newest bin stays behind each time."""
    plan = with_most(4)
    pairs = [both(*chosen, plan, 4) for chosen in arrangements()]
    with pytest.raises(AssertionError):
        assert_independent(pairs)


@pytest.mark.slow
def test_no_lag_is_correlated(chance_seed):
    """Of 250 quiet streams of 7 batches: each of lags 1 and 2 within 4 standard errors of 0.

    False failure below 2e-4. A correlation of .16, as beside a fixed reference, is 6 standard
    errors at lag 1. Batches are unequal, with rows in no bin, and a third of all bins is frozen.
    """
    P = []
    for number in range(250):
        rng = np.random.default_rng([chance_seed, number])
        reference = repdist.Reference(
            rng.normal(size=(170, 2)), rows_per_bin=8, n_landmarks=8, max_bins=40,
            kernel=repdist.kernels.RBF(1.0), rng=rng,
        )  # fmt: skip
        monitor = repdist.Monitor(reference, n_resamples=99, rng=rng)
        sizes = rng.integers(64, 130, size=7)
        P.append([monitor.update(rng.normal(size=(n, 2))).pvalue for n in sizes])
    Z = np.array(P) - 0.5
    for lag in (1, 2):
        r = np.mean(Z[:, lag:] * Z[:, :-lag]) * 12
        assert abs(r) < 4 / np.sqrt(Z[:, lag:].size)
    assert np.mean(P) == pytest.approx(0.5, abs=4 * np.sqrt(1 / 12 / Z.size))
    for a in (0.05, 0.2, 0.5):
        assert np.mean(np.array(P) <= a) < a + 4 * np.sqrt(a * (1 - a) / Z.size)
