"""Distances and tests from sums over bins, beside loops over rows and over relabelings."""

import itertools
import math

import numpy as np
import pytest
from oracles import assert_exact

from repdist._inference.floor import floor_rate
from repdist._inference.sketched import (
    BinSample,
    Frozen,
    bins_null,
    distance,
    floor_of,
    influences,
)

EPSILON = float(np.finfo(np.float64).eps)


def features(n, D=3, seed=0, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, D)) + shift


def in_bins(F, order, s, U):
    """The sums of rows over U bins of s of them, those in no bin, and how many there are."""
    F = F[list(order)]
    return BinSample(F[: U * s].reshape(U, s, -1).sum(axis=1), F[U * s :].sum(axis=0), len(F), s)


def u_statistic(F):
    """The mean product of two different rows, one pair at a time."""
    values = [float(F[i] @ F[j]) for i in range(len(F)) for j in range(len(F)) if i != j]
    return math.fsum(values) / len(values)


def mmd_squared(F, G):
    across = math.fsum(float(f @ g) for f in F for g in G) / (len(F) * len(G))
    return u_statistic(F) + u_statistic(G) - 2 * across


def orders(n):
    return itertools.permutations(range(n))


# --- estimates -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "s", "U"), [(4, 2, 2), (5, 2, 2), (6, 2, 3), (6, 3, 2), (7, 2, 2), (6, 1, 6)]
)
def test_the_length_of_the_mean_is_unbiased(n, s, U):
    """Over all ways to put rows into bins the mean is the U-statistic, with rows in no bin, too."""
    F = features(n, shift=0.3)
    found = [in_bins(F, order, s, U).norm_squared for order in orders(n)]
    assert np.mean(found) == pytest.approx(u_statistic(F), rel=1e-11)
    assert s == 1 or np.ptp(found) > 1e-3


def test_bins_of_one_row_give_the_u_statistic_itself():
    F = features(9, shift=0.3)
    assert in_bins(F, range(9), 1, 9).norm_squared == pytest.approx(u_statistic(F), rel=1e-12)


def test_the_distance_is_unbiased():
    """The samples are cut by themselves, so both means can be taken one after the other."""
    F, G = features(6, shift=0.3), features(5, seed=1)
    of_g = in_bins(G, range(5), 2, 2)
    first = [float(distance(in_bins(F, o, 2, 3), of_g).mmd_squared) for o in orders(6)]
    second = [float(distance(in_bins(G, o, 2, 2), of_g).mmd_squared) for o in orders(5)]
    of_itself = [of_g.norm_squared + in_bins(G, o, 2, 2).norm_squared for o in orders(5)]
    across = -2 * float(G.mean(axis=0) @ G.mean(axis=0))
    np.testing.assert_allclose(second, np.array(of_itself) + across, rtol=1e-11, atol=1e-12)
    expected = mmd_squared(F, G) + of_g.norm_squared - u_statistic(G)
    assert np.mean(first) == pytest.approx(expected, rel=1e-11)


def test_the_distance_of_rows_by_themselves_is_exact():
    F, G = features(7, shift=0.4), features(9, seed=1)
    got = distance(in_bins(F, range(7), 1, 7), in_bins(G, range(9), 1, 9))
    assert got.mmd_squared == pytest.approx(mmd_squared(F, G), rel=1e-12)


def test_the_mean_is_that_of_all_rows():
    F = features(11)
    np.testing.assert_allclose(in_bins(F, range(11), 2, 4).mean, F.mean(axis=0), rtol=1e-13)


def test_the_variance_is_a_loop_over_pairs_of_bins():
    F, s, U = features(12), 3, 4
    sums = in_bins(F, range(12), s, U).bins
    centred = sums - sums.mean(axis=0)
    pairs = [float(centred[u] @ centred[v]) ** 2 for u in range(U) for v in range(U) if u != v]
    expected = math.fsum(pairs) / len(pairs) / s**2
    assert in_bins(F, range(12), s, U).variance == pytest.approx(expected, rel=1e-12)


def test_the_variance_is_the_trace_of_the_squared_covariance():
    """Of 200 samples with variances 4, 1, 1/4: the mean within 8 %, seeded.

    A factor s too much or too little is a factor of 4.
    """
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):
        F = rng.normal(size=(160, 3)) * [2, 1, 0.5]
        found.append(in_bins(F, range(160), 4, 40).variance)
    assert np.mean(found) == pytest.approx(16 + 1 + 1 / 16, rel=0.08)


@pytest.mark.parametrize("rest", [0, 5])
def test_the_influence_of_bins(rest):
    s, U = 3, 4
    F, direction = features(s * U + rest), np.array([0.5, -1.0, 2.0])
    n = len(F)
    sample = in_bins(F, range(n), s, U)
    h = sample.influence(direction)
    per_bin = [float(F[s * u : s * (u + 1)].mean(axis=0) @ direction) for u in range(U)]
    assert h.mean() == pytest.approx(float(F.mean(axis=0) @ direction), rel=1e-12)
    assert h.var(ddof=1) / U == pytest.approx(s * np.var(per_bin, ddof=1) / n, rel=1e-12)
    if not rest:
        np.testing.assert_allclose(h, per_bin, rtol=1e-12)


def test_the_error_and_the_variance_of_the_null():
    F, G = features(14, shift=0.5), features(27, seed=1)
    x, y = in_bins(F, range(14), 3, 4), in_bins(G, range(27), 3, 8)
    got = distance(x, y)
    apart = F.mean(axis=0) - G.mean(axis=0)
    variance = [s.bins @ apart / 3 for s in (x, y)]
    expected = 4 * 3 * (np.var(variance[0], ddof=1) / 14 + np.var(variance[1], ddof=1) / 27)
    assert got.standard_error == pytest.approx(math.sqrt(expected), rel=1e-12)
    assert got.null_variance == pytest.approx(2 * y.variance * (1 / 14 + 1 / 27) ** 2, rel=1e-12)


def test_the_error_is_what_distances_vary_by():
    """Of 300 pairs of samples 1 sd apart: within 15 %, seeded; a factor sqrt(2) is seen."""
    rng = np.random.default_rng(0)
    values, errors = [], []
    for _ in range(300):
        F, G = rng.normal(size=(90, 3)) + 0.6, rng.normal(size=(170, 3))
        got = distance(in_bins(F, range(90), 4, 20), in_bins(G, range(170), 4, 40))
        values.append(float(got.mmd_squared))
        errors.append(got.standard_error)
    assert np.std(values) == pytest.approx(np.mean(errors), rel=0.15)
    assert np.mean(values) == pytest.approx(3 * 0.36, abs=4 * np.std(values) / math.sqrt(300))


def test_influences_of_several_groups_add_up_to_their_distances():
    reference = in_bins(features(27, seed=9), range(27), 3, 8)
    samples = [
        in_bins(features(n, seed=n, shift=0.2), range(n), 3, n // 3 - 1) for n in (13, 15, 20)
    ]
    own, of_reference = influences(samples, reference)
    assert of_reference.shape == (3, 8)
    for h, k, sample in zip(own, of_reference, samples, strict=True):
        assert len(h) == len(sample.bins)
        expected = float(distance(sample, reference).mmd_squared)
        assert h.mean() + k.mean() == pytest.approx(expected, rel=1e-11)
        error = 4 * (h.var(ddof=1) / len(h) + k.var(ddof=1) / len(k))
        assert math.sqrt(error) == pytest.approx(distance(sample, reference).standard_error)


# --- the floor -----------------------------------------------------------------------------------


def test_the_floor_of_bins_of_one_row_is_that_of_rows():
    F = features(20)
    got = floor_of(in_bins(F, range(20), 1, 20), np.random.default_rng(3))
    assert got == floor_rate(F @ F.T, np.random.default_rng(3))


def test_the_floor_is_a_quantile_of_distances_under_the_null():
    """Of 4,000 pairs of samples of 60 and 90 rows, within 15 % of it, seeded.

    A factor s too much or too little is one of 4.
    """
    rng = np.random.default_rng(0)
    scale = np.array([2, 1, 0.5])
    floors = [
        floor_of(in_bins(rng.normal(size=(400, 3)) * scale, range(400), 4, 100), rng)
        for _ in range(10)
    ]
    X, Y = (rng.normal(size=(4000, n, 3)) * scale for n in (60, 90))

    def own(Z):
        n = Z.shape[1]
        total = Z.sum(axis=1)
        return (np.square(total).sum(-1) - np.square(Z).sum((1, 2))) / (n * (n - 1))

    T = own(X) + own(Y) - 2 * np.einsum("td,td->t", X.mean(axis=1), Y.mean(axis=1))
    expected = np.quantile(T, 0.95) / (1 / 60 + 1 / 90)
    assert np.mean(floors) == pytest.approx(expected, rel=0.15)


# --- the test ------------------------------------------------------------------------------------


def copies_of(rest, rows, s):
    """Rows that keep their label stand as so many of their mean as fill a bin each."""
    return [rest / max(rows, 1)] * (rows // s)


def unbiased(first, second):
    """MMD^2 of two lists of rows under the linear kernel."""
    return mmd_squared(np.array(first), np.array(second))


def relabeled(batch, pool, rest, rows, s):
    """MMD^2 of every relabeling of bins, the observed one first."""
    means = [*(batch / s), *(pool / s)]
    frozen = copies_of(rest, rows, s)
    found = []
    for chosen in itertools.combinations(range(len(means)), len(batch)):
        others = [means[i] for i in range(len(means)) if i not in chosen]
        found.append(unbiased([means[i] for i in chosen], others + frozen))
    return np.array(found)


SIZES = [(3, 4, 0), (3, 4, 2), (3, 4, 7), (4, 3, 7), (2, 5, 40), (5, 2, 40), (4, 4, 0), (4, 4, 9)]
S = 3


def made(k, m, rows, R=1, seed=0):
    """Sums of R components over k, m bins of 3 rows and one heap of so many."""
    rng = np.random.default_rng(seed)
    sums = [rng.normal(size=(R, u, 2)) * math.sqrt(S) for u in (k, m)]
    return *sums, rng.normal(size=(R, 2)) * math.sqrt(rows)


def null_of(batch, pool, rest, rows, wanted=9999, rng=0):
    frozen = Frozen(list(rest), rows)
    weights = np.full(len(batch), 1 / len(batch))
    return bins_null(
        list(batch), list(pool), frozen, S, weights, EPSILON, wanted, np.random.default_rng(rng)
    )


@pytest.mark.parametrize(("k", "m", "rows"), SIZES)
def test_all_relabelings_of_few_bins(k, m, rows):
    """The p-value is the share that reaches the observed one; the batch may be the larger."""
    for seed in range(5):
        batch, pool, rest = made(k, m, rows, seed=seed)
        null, drawn = null_of(batch, pool, rest, rows)
        T = relabeled(batch[0], pool[0], rest[0], rows, S)
        assert drawn.exhaustive
        assert drawn.total == math.comb(k + m, k) == len(T)
        assert null.pvalue == np.mean(T[0] - 1e-12 <= T)
        assert null.pvalue == pytest.approx(float(null.component_pvalues()[0]))
        z = (T[0] - T.mean()) / T.std()
        assert null.zscores[0] == pytest.approx(z, rel=1e-9)


def test_components_have_the_relabelings_in_common():
    batch, pool, rest = made(3, 4, 7, R=2)
    null, _ = null_of(batch, pool, rest, 7)
    for r in range(2):
        T = relabeled(batch[r], pool[r], rest[r], 7, S)
        assert null.component_pvalues()[r] == np.mean(T[0] - 1e-12 <= T)


def test_what_fills_no_bin_does_not_count():
    batch, pool, rest = made(3, 4, 2)
    without = null_of(batch, pool, rest, 0)[0]
    assert null_of(batch, pool, 100 * rest, 2)[0].pvalue == without.pvalue
    assert null_of(batch, pool, 100 * rest, 3)[0].zscores[0] != without.zscores[0]


@pytest.mark.parametrize(
    ("k", "m", "rows"), [(3, 4, 0), (3, 4, 7), (4, 3, 7), (5, 2, 4), (4, 4, 5)]
)
@pytest.mark.parametrize("R", [1, 2])
def test_the_level_is_exact(k, m, rows, R):
    """Every relabeling of the bins takes its turn as the data; what is frozen stays."""
    batch, pool, rest = made(k, m, rows, R)
    bins = np.concatenate([batch, pool], axis=1)
    pvalues = []
    for chosen in itertools.combinations(range(k + m), k):
        others = [i for i in range(k + m) if i not in chosen]
        null, _ = null_of(bins[:, list(chosen)], bins[:, others], rest, rows)
        pvalues.append(null.pvalue)
    assert_exact(pvalues)
    assert len(set(pvalues)) > 5


@pytest.mark.parametrize(("k", "m"), [(8, 20), (20, 8)])
def test_random_relabelings_are_close_to_all_that_there_are(k, m, chance_seed):
    """Within 5 standard errors of the share among all 3.1 million, here 20,000 at random.

    False failure below 1e-4. Of p-values some tenth in size, one that is off by .02 is seen.
    """
    batch, pool, rest = made(k, m, 40, seed=3)
    batch = batch + 1.4 * (k < m) + 0.7 * (k > m)
    null, drawn = null_of(batch, pool, rest, 40, wanted=16383, rng=chance_seed)
    assert not drawn.exhaustive
    assert drawn.total == 16384
    rng = np.random.default_rng([chance_seed, 1])
    means = np.concatenate([batch[0], pool[0]]) / S
    heap, copies = rest[0] / 40, 40 // S
    T = []
    for number in range(20_000):
        order = rng.permutation(k + m) if number else np.arange(k + m)
        A, B = means[order[:k]], means[order[k:]]
        a, b = A.sum(axis=0), B.sum(axis=0) + copies * heap
        own_a = (a @ a - np.square(A).sum()) / (k * (k - 1))
        own_b = b @ b - np.square(B).sum() - copies * (heap @ heap)
        total = m + copies
        T.append(own_a + own_b / (total * (total - 1)) - 2 * (a @ b) / (k * total))
    share = float(np.mean(np.array(T) >= T[0] - 1e-12))
    error = math.sqrt(share * (1 - share) * (1 / 16384 * 4 + 1 / 20_000))
    assert 0.003 < share < 0.6
    assert null.pvalue == pytest.approx(share, abs=5 * error)
    assert null.pvalue * 16384 == pytest.approx(round(null.pvalue * 16384))


def test_it_can_be_repeated():
    given = (*made(9, 20, 40), 40)
    first, second, other = (null_of(*given, wanted=99, rng=rng)[0] for rng in (0, 0, 1))
    np.testing.assert_array_equal(first.distribution(), second.distribution())
    assert (first.distribution() != other.distribution()).any()


def test_equal_bins_tell_nothing():
    """All relabelings are one: the p-value is 1."""
    batch, pool, rest = np.ones((1, 8, 2)), np.ones((1, 9, 2)), np.zeros((1, 2))
    null, _ = null_of(batch, pool, rest, 0, wanted=99)
    assert null.pvalue == 1
    assert null.dropped.all()
