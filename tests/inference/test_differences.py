"""Differences of distances to one reference, and ranks, against their definitions."""

import itertools
import math
import tracemalloc
from statistics import NormalDist

import numpy as np
import pytest
from oracles import assert_rate_at_least

import repdist
from repdist import kernels
from repdist._inference.differences import Differences, Joint

KERNEL = kernels.MultiRBF((1.0, 2.0, 4.0))


def given(sizes=(20, 30, 25), n=40, d=3, seed=0, step=0.3):
    rng = np.random.default_rng(seed)
    R = rng.normal(size=(n, d))
    return R, {f"g{g}": rng.normal(step * g, 1, size=(m, d)) for g, m in enumerate(sizes)}


def compared(R, groups, **options):
    options = {"kernel": KERNEL, "n_resamples": 1, "adjust": "none", "rng": 0} | options
    return repdist.compare_to_reference(R, groups, **options).compared


def influences(A, R, k=KERNEL):
    """h_A of the rows of A, and that of the rows of R without what R has with itself."""
    across = k(A, R)
    h = own_part(A, k) - [sum(across[i]) / len(R) for i in range(len(A))]
    return h, np.array([-sum(across[:, j]) / len(A) for j in range(len(R))])


def own_part(A, k=KERNEL):
    """What rows have with their own sample: the mean over n - 1 others, deviations over n - 2."""
    K, n = k(A, A), len(A)
    sums = np.array([K[i].sum() - K[i, i] for i in range(n)])
    return sums.mean() / (n - 1) + (sums - sums.mean()) / (n - 2)


def naive(A, B, R, *, matched=False):
    """D and its variance by the formulas, row by row."""
    (h_a, r_a), (h_b, r_b) = influences(A, R), influences(B, R)
    rows = [h_a - h_b] if matched else [h_a, h_b]
    parts = [*rows, r_a - r_b]
    D = h_a.mean() - h_b.mean() + (r_a - r_b).mean()
    return D, sum(4 * part.var(ddof=1) / len(part) for part in parts)


# --- the formulas --------------------------------------------------------------------------------


@pytest.mark.parametrize("matched", [False, True])
def test_differences_and_errors_are_the_formulas(matched):
    R, groups = given((30, 30, 30) if matched else (20, 30, 25))
    found = compared(R, groups, matched=matched)
    values = list(groups.values())
    for p, (g, h) in enumerate(zip(*found.pairs, strict=True)):
        D, variance = naive(values[g], values[h], R, matched=matched)
        assert found.difference[p] == pytest.approx(D, rel=1e-9, abs=1e-14)
        assert found.standard_error[p] == pytest.approx(math.sqrt(variance), rel=1e-9)


def test_matched_groups_are_known_better_if_they_are_alike():
    rng = np.random.default_rng(0)
    R, common = rng.normal(size=(300, 3)), rng.normal(0.4, 1, size=(40, 3))
    groups = {name: common + 0.1 * rng.normal(size=common.shape) for name in "ab"}
    apart, together = (compared(R, groups, matched=m).standard_error[0] for m in (False, True))
    assert together < apart / 3


def test_matched_rows_are_those_that_were_given_together():
    """Whatever order the pass takes them in; another order of the rows of one is another match."""
    R, groups = given((30, 30))
    turned = groups | {"g1": groups["g1"][::-1]}
    both = {name: rows[::-1] for name, rows in groups.items()}
    one, other, again = (
        compared(R, g, matched=True).standard_error[0] for g in (groups, turned, both)
    )
    assert again == pytest.approx(one, rel=1e-9)
    assert other != pytest.approx(one, rel=1e-3)


def test_the_covariance_is_the_formula():
    R, groups = given()
    found = compared(R, groups).joint
    h, r = zip(*(influences(A, R) for A in groups.values()), strict=True)
    expected = 4 * np.cov(own_part(R) + np.array(r)) / len(R)  # R's own is the same of all groups
    expected += np.diag([4 * x.var(ddof=1) / len(x) for x in h])
    np.testing.assert_allclose(found.covariance, expected, rtol=1e-9)


def test_strata_have_their_shares_and_covary_inside():
    """Of rows weighted so that both sides have the shares of strata of both together."""
    R, groups = given((24, 36), n=36)
    of_reference = np.repeat([0, 1, 2], 12)
    of_groups = {"g0": np.arange(24) % 3, "g1": np.arange(36) // 12}
    result = repdist.compare_to_reference(
        R, groups, strata=(of_reference, of_groups), kernel=KERNEL, n_resamples=1,
        adjust="none", rng=0,
    )  # fmt: skip
    shares = result.strata.set_index(["group", "stratum"])["share"]
    K = KERNEL(R, R)
    K -= np.diag(np.diagonal(K))
    covariance = 0
    for s in range(3):
        h = []
        for name, rows in groups.items():
            across = KERNEL(R, rows)
            adjusted = sum(
                shares[name, t]
                * (
                    K[:, of_reference == t].sum(axis=1) / (12 - 2 * (of_reference == t))
                    - across[:, of_groups[name] == t].mean(axis=1)
                )
                for t in range(3)
            )
            h.append(shares[name, s] * adjusted[of_reference == s])
        covariance += 4 * np.cov(*h)[0, 1] / 12
    joint = result.compared.joint
    assert joint.covariance[0, 1] == pytest.approx(covariance, rel=1e-9)
    assert joint.covariance[1, 0] == joint.covariance[0, 1]


@pytest.mark.parametrize("design", ["rows", "clusters", "strata"])
def test_each_distance_is_that_of_the_comparison(design):
    """The diagonal of the covariance is the square of the error of each distance."""
    R, groups = given((24, 36), n=36)
    ids = {
        "rows": {},
        "clusters": {
            "clusters": (
                [f"r{i // 3}" for i in range(36)],
                {name: [f"{name} {i // 3}" for i in range(len(rows))]
                 for name, rows in groups.items()},
            )
        },
        "strata": {
            "strata": (np.arange(36) % 2, {n: np.arange(len(r)) % 2 for n, r in groups.items()})
        },
    }[design]  # fmt: skip
    result = repdist.compare_to_reference(
        R, groups, **ids, kernel=KERNEL, n_resamples=1, adjust="none", rng=0
    )
    estimate, joint = result.comparison.estimate, result.compared.joint
    np.testing.assert_allclose(joint.mmd_squared, estimate.mmd_squared, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(np.diagonal(joint.covariance), estimate.standard_error**2, rtol=1e-9)


def test_the_variance_of_bounliphone_and_others():
    """In their form of sums of matrices: both variances less twice the covariance.

    These are the sums of the program that the authors published with the paper (repository
    wbounliphone/relative_similarity_test, `thevariance` and `thecovariance`), written from its
    formulas. For m rows in all three samples its factor is 4 (m - 2) / (m (m - 1)); ours is
    4 / (m - 1), from variances with m - 1 below, and sums of a row over its own sample are over
    m - 2, as the jackknife has them. Nothing else differs.
    """
    m = 40
    rng = np.random.default_rng(0)
    X, Y, Z = rng.normal(size=(m, 3)), rng.normal(0.5, 1, (m, 3)), rng.normal(0.8, 1.2, (m, 3))
    k = KERNEL

    def without_diagonal(A):
        K = k(A, A) * (m - 1) / (m - 2)
        return K - np.diag(np.diagonal(K))

    def product(A, B):
        """The mean of e' A B e; a matrix without its diagonal has m - 1 entries in a row."""
        own = sum(np.diagonal(M).any() == 0 for M in (A, B))
        return (A @ B).sum() / (m * (m - 1) ** own * m ** (2 - own))

    Kxx, Kyy, Kzz = map(without_diagonal, (X, Y, Z))
    Kxy, Kxz = k(X, Y), k(X, Z)
    u_xx, u_yy, u_zz = (K.sum() / (m * (m - 1)) for K in (Kxx, Kyy, Kzz))
    u_xy, u_xz = Kxy.mean(), Kxz.mean()

    def variance(K_own, u_own, K_across, u_across):
        """Of one distance, of a model."""
        return (
            product(Kxx, Kxx) - u_xx**2
            - 2 * (product(Kxx, K_across) - u_xx * u_across)
            + product(K_own, K_own) - u_own**2
            - 2 * (product(K_own, K_across.T) - u_own * u_across)
            + product(K_across.T, K_across) - u_across**2
            + product(K_across, K_across.T) - u_across**2
        )  # fmt: skip

    covariance = (
        product(Kxx, Kxx) - u_xx**2
        - (product(Kxx, Kxz) - u_xx * u_xz)
        - (product(Kxx, Kxy) - u_xx * u_xy)
        + (product(Kxy.T, Kxz) - u_xy * u_xz)
    )  # fmt: skip
    of_y, of_z = variance(Kyy, u_yy, Kxy, u_xy), variance(Kzz, u_zz, Kxz, u_xz)
    theirs = 4 * (m - 2) / (m * (m - 1)) * np.array([[of_y, covariance], [covariance, of_z]])
    found = compared(X, {"Y": Y, "Z": Z})
    np.testing.assert_allclose(found.joint.covariance * (m - 2) / m, theirs, rtol=1e-9)
    of_difference = theirs[0, 0] + theirs[1, 1] - 2 * theirs[0, 1]
    assert found.standard_error[0] ** 2 * (m - 2) / m == pytest.approx(of_difference, rel=1e-9)


def test_at_equality_the_error_is_the_root_of_two_too_large(chance_seed):
    """400 differences of A = B = R: their sd is se / sqrt(2), within a fifth.

    False failure 1e-4 (a sd of 400 numbers has a relative error of .035, with heavier tails .05).
    """
    rng = np.random.default_rng(chance_seed)
    found = []
    for _ in range(400):
        (h_a, r_a), (h_b, r_b), n = (
            *(influences_fast(rng, R) for R in [rng.normal(size=(60, 2))] * 2),
            60,
        )
        D = h_a.mean() - h_b.mean() + (r_a - r_b).mean()
        parts = h_a, h_b, r_a - r_b
        found.append((D, sum(4 * part.var(ddof=1) / n for part in parts)))
    D, variance = np.transpose(found)
    assert math.sqrt(variance.mean()) / D.std() == pytest.approx(math.sqrt(2), rel=0.2)


def influences_fast(rng, R):
    """Those of a fresh group of as many rows as R."""
    A = rng.normal(size=R.shape)
    across = KERNEL(A, R)
    return own_part(A) - across.mean(axis=1), -across.mean(axis=0)


# --- all at once ---------------------------------------------------------------------------------


def differences_of(values, covariance=None, level=0.95, seed=0):
    values = np.array(values, dtype=float)
    C = np.eye(len(values)) if covariance is None else np.array(covariance, dtype=float)
    return Differences(Joint(values, C), level, seed)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_two_groups_have_the_interval_of_one_difference(level):
    """The quantile of 10,000 normal numbers: within 5 of its errors."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    error = math.sqrt(level * (1 - level) / 10_000) / (2 * NormalDist().pdf(z))
    for seed in range(5):
        found = differences_of([0, 1], [[2, 0.5], [0.5, 1]], level, seed)
        assert found.critical == pytest.approx(z, abs=5 * error)


def test_the_critical_value_of_equal_independent_groups_is_tukeys():
    """Of the studentized range with infinitely many degrees of freedom."""
    from scipy import stats

    for k in (3, 6, 10):
        expected = stats.studentized_range.ppf(0.95, k, 1e6) / math.sqrt(2)
        assert differences_of(np.zeros(k)).critical == pytest.approx(expected, abs=0.06)


def test_the_pvalue_says_whether_the_interval_holds_0():
    rng = np.random.default_rng(0)
    found = differences_of(rng.normal(size=8) * 3)
    low, high = found.intervals
    assert 0 < (found.pvalues <= 0.05).sum() < len(low)
    np.testing.assert_array_equal(found.pvalues < 0.0499, (low > 0) | (high < 0))
    assert found.pvalues.min() >= 1 / 10_001
    assert found.pvalues.max() <= 1


def ranks_by_definition(values, reach):
    """Of Mogstad and others: 1 + those surely below, and as many from the top as surely above."""
    k = len(values)
    sets = []
    for g in range(k):
        below = sum(values[h] < values[g] - reach for h in range(k) if h != g)
        above = sum(values[h] > values[g] + reach for h in range(k) if h != g)
        sets.append((1 + below, k - above))
    return sets


@pytest.mark.parametrize("seed", range(5))
def test_ranks_are_the_definition(seed):
    values = np.random.default_rng(seed).normal(size=6) * 3
    found = differences_of(values)
    expected = ranks_by_definition(values, found.critical * math.sqrt(2))
    assert list(zip(*found.ranks, strict=True)) == expected


@pytest.mark.parametrize("k", [2, 3, 4])
def test_sets_of_ranks_are_all_ranks_that_intervals_allow(k):
    """By enumeration: orders of the groups that contradict no interval give no rank outside."""
    rng = np.random.default_rng(k)
    for _ in range(20):
        found = differences_of(rng.normal(size=k) * 2)
        (low, high), (first, second) = found.intervals, found.pairs
        farther = {(f, s) for f, s, x in zip(first, second, low, strict=True) if x > 0}
        farther |= {(s, f) for f, s, x in zip(first, second, high, strict=True) if x < 0}
        allowed = [
            order
            for order in itertools.permutations(range(1, k + 1))
            if all(order[a] > order[b] for a, b in farther)
        ]
        lowest, highest = found.ranks
        for g in range(k):
            assert lowest[g] <= min(order[g] for order in allowed)
            assert highest[g] >= max(order[g] for order in allowed)


def test_ranks_hold_all_at_once(chance_seed):
    """400 draws of five values; false failure 1e-4, and a coverage of .88 is seen with .98."""
    rng = np.random.default_rng(chance_seed)
    true = np.array([0, 0, 1, 3, 3.0])
    C = 0.3 * np.eye(5) + 0.5
    right = 0
    for seed in range(400):
        values = rng.multivariate_normal(true, C)
        low, high = differences_of(values, C, seed=seed).ranks
        lowest = 1 + (true[None] < true[:, None]).sum(axis=1)
        highest = 5 - (true[None] > true[:, None]).sum(axis=1)
        right += bool(((low <= lowest) & (highest <= high)).all())
    assert_rate_at_least(right, 400, 0.95)


# --- at the edges --------------------------------------------------------------------------------


def test_one_group_has_no_difference():
    found = differences_of([0.3], [[0.1]])
    assert found.critical == 0
    for values in (found.difference, found.standard_error, *found.intervals, found.pvalues):
        assert values.shape == (0,)
    assert [ends.tolist() for ends in found.ranks] == [[1], [1]]


def test_groups_that_vary_alike_tie():
    """As with every entry of the covariance the same: no difference, no error, no rank."""
    found = differences_of([0.2, 0.2, 0.2], np.full((3, 3), 0.1))
    assert found.standard_error.tolist() == [0, 0, 0]
    assert found.pvalues.tolist() == [1, 1, 1]
    assert [ends.tolist() for ends in found.ranks] == [[1, 1, 1], [3, 3, 3]]


def test_rounding_ranks_nobody():
    """Matched groups with the same rows have sums in another order."""
    R, groups = given((30,))
    same = {name: groups["g0"].copy() for name in "abc"}
    for seed in range(5):
        found = compared(R, same | {"far": groups["g0"] + 2}, matched=True, rng=seed)
        np.testing.assert_allclose(found.difference[[0, 1, 3]], 0, atol=1e-14)
        assert found.standard_error[[0, 1, 3]].tolist() == [0, 0, 0]
        assert [ends.tolist() for ends in found.ranks] == [[1, 1, 1, 4], [3, 3, 3, 4]]
        np.testing.assert_array_equal(found.pvalues[[0, 1, 3]], 1)


def test_a_difference_and_its_pvalue_agree_where_nothing_varies():
    """Every row of a group is one point, and of the reference too: all is known, or nothing is."""
    groups = {"a": np.ones((20, 2)), "b": -np.ones((30, 2)), "far": np.full((10, 2), 3.0)}
    for seed in range(3):
        found = compared(np.zeros((25, 2)), groups, rng=seed)
        np.testing.assert_allclose(found.standard_error, 0, atol=1e-14)
        low, high = found.intervals
        surely = (low > 0) | (high < 0)
        np.testing.assert_array_equal(surely, found.pvalues <= 0.05)
        assert not surely[0]  # both are as far, to rounding
        assert found.ranks[0][0] == found.ranks[0][1] == 1


def test_a_hundred_groups_take_little_memory():
    rng = np.random.default_rng(0)
    found = differences_of(rng.normal(size=100))
    tracemalloc.start()
    low, _ = found.ranks
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert low.min() == 1
    assert peak < 200e6  # 10,000 draws of 4,950 differences are 400 MB


def test_a_seed_gives_the_same_numbers():
    values = np.arange(4)
    first, again, other = (differences_of(values, seed=seed) for seed in (1, 1, 2))
    assert first.critical == again.critical != other.critical
    np.testing.assert_array_equal(first.pvalues, again.pvalues)
