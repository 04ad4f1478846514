"""The global test over all groups: its relabelings, its level, and that it sees differences."""

import itertools
import math

import numpy as np
import pytest
from oracles import assert_rate_at_least, assert_rate_at_most

import repdist
from repdist import kernels
from repdist._designs.relabelings import Swaps
from repdist._inference.all_groups import WholeSums, _PositionForm, whole_null
from repdist._inference.transform import columns


def groups(sizes=(40, 50, 45), d=3, step=0.3, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return {
        f"g{i}": (rng.normal(size=(n, d)) + step * i).astype(dtype) for i, n in enumerate(sizes)
    }


def cells(result, name):
    table = getattr(result, name)
    return {(a, b): table.loc[a, b] for a, b in itertools.combinations(result.names, 2)}


# --- against direct labels -----------------------------------------------------------------------


class Whole:
    """Groups of units, some of which are frozen; kernels of their rows; sums between units."""

    def __init__(self, movable, frozen, size=1, R=2, *, lattice=False):
        rng = np.random.default_rng(0)
        rows = [[size] * count + [more] * (more > 0)
                for count, more in zip(movable, frozen, strict=True)]  # fmt: skip
        self.unit_rows = np.concatenate(rows)
        self.unit_group = np.repeat(np.arange(len(rows)), list(map(len, rows)))
        self.can_move = np.concatenate([np.arange(len(of)) < n
                                        for of, n in zip(rows, movable, strict=True)])  # fmt: skip
        self.sizes = np.array(list(map(sum, rows)))
        N = self.sizes.sum()
        Z = rng.integers(0, 2, size=(N, 3)).astype(float) if lattice else rng.normal(size=(N, 2))
        D = np.square(Z[:, None] - Z[None]).sum(-1)
        self.K = np.stack([np.exp(-D / 8**r) for r in range(R)]) * (1 - np.eye(N))

    def sums(self, order=None):
        """Sums with the movable units in another order."""
        units = np.arange(len(self.unit_rows))
        if order is not None:
            units[self.can_move] = units[self.can_move][order]
        of_unit = np.repeat(np.eye(len(units)), self.unit_rows, axis=0)  # (N, U)
        S = (of_unit.T @ self.K @ of_unit)[:, units[:, None], units]
        R = len(S)
        return WholeSums(
            S, self.sizes, self.unit_group, self.unit_rows, self.can_move, np.full(R, 1 / R),
            np.square(self.K).sum(axis=(1, 2)), self.K.max(axis=(1, 2)), 2.0**-52,
        )  # fmt: skip

    def statistic(self, group_of_unit):
        """The sum over pairs of groups of MMD^2, from the rows of the units in each, (R,)."""
        of_row = np.repeat(group_of_unit, self.unit_rows)
        total = 0.0
        for g, h in itertools.combinations(range(len(self.sizes)), 2):
            a, b = (of_row == g).astype(float), (of_row == h).astype(float)
            n, m = a.sum(), b.sum()
            total += a @ self.K @ a / (n * (n - 1)) + b @ self.K @ b / (m * (m - 1))
            total -= 2 * (a @ self.K @ b) / (n * m)
        return total


LAID_OUT = {
    "single rows": ((4, 5, 7), (0, 0, 0), 1),
    "bins and frozen rows": ((3, 4, 3), (1, 0, 5), 2),
    "two groups": ((6, 6), (0, 0), 1),
    "many groups": ((2, 2, 3, 2, 2), (0, 1, 0, 0, 0), 3),
}
EACH = pytest.mark.parametrize(
    ("movable", "frozen", "size"), LAID_OUT.values(), ids=LAID_OUT.keys()
)


@EACH
def test_swaps_after_a_shuffle_are_those_of_direct_labels(movable, frozen, size):
    """The form under each pattern, less their mean, and that."""
    whole, rng = Whole(movable, frozen, size), np.random.default_rng(1)
    form = _PositionForm(whole.sums().S.transpose(1, 2, 0).copy(), whole.sizes, whole.unit_group)
    places = np.flatnonzero(whole.can_move)
    pairs, k = len(places) // 2, min(3, len(places) // 2 - 1)
    for _ in range(4):
        unit_at = np.arange(len(whole.unit_rows))
        unit_at[places] = rng.permutation(places)
        p, q = rng.permutation(places)[: 2 * pairs].reshape(2, pairs)
        values, mean = form.of_swaps(unit_at, p, q, k)
        expected = []
        for pattern in range(1 << k):
            swap = np.array([bin(pattern & g).count("1") % 2 == 1 for g in columns(pairs, k)])
            there = unit_at.copy()
            there[p[swap]], there[q[swap]] = unit_at[q[swap]], unit_at[p[swap]]
            group_of_unit = np.empty_like(there)
            group_of_unit[there] = whole.unit_group
            expected.append(whole.statistic(group_of_unit))
        expected = np.transpose(expected)
        close = {"rtol": 1e-12, "atol": 1e-13 * np.abs(expected).max()}
        np.testing.assert_allclose(values + mean[:, None], expected, **close)
        np.testing.assert_allclose(mean, expected.mean(axis=1), **close)


def deals(counts, units):
    """All ways to deal units to groups that take so many of them, as {unit: group}."""
    if not units:
        yield {}
        return
    group = len(counts) - 1
    for chosen in itertools.combinations(units, counts[-1]):
        left = [unit for unit in units if unit not in chosen]
        for dealt in deals(counts[:-1], left):
            yield dealt | dict.fromkeys(chosen, group)


@pytest.mark.parametrize(
    ("movable", "frozen", "size", "count"),
    [
        ((2, 2, 2), (0, 0, 0), 1, 90),
        ((3, 4, 3), (1, 0, 5), 2, 4200),
        ((6, 6), (0, 0), 1, 924),
        ((2, 1, 2, 1), (0, 2, 0, 1), 3, 180),
    ],
    ids=str,
)
def test_every_relabeling_is_among_all_there_are(movable, frozen, size, count):
    """By direct labels; the observed one is the first, and few labels never come."""
    whole = Whole(movable, frozen, size)
    known = []
    for dealt in deals(movable, np.flatnonzero(whole.can_move).tolist()):
        group_of_unit = whole.unit_group.copy()
        group_of_unit[list(dealt)] = list(dealt.values())
        known.append(whole.statistic(group_of_unit).mean())
    assert len(known) == count
    null, swaps = whole_null(whole.sums(), "mean", 9999, np.random.default_rng(0))
    distribution = null.distribution()
    assert swaps.total == len(distribution) == 16_384
    observed = whole.statistic(whole.unit_group).mean()
    assert distribution[0] == null.statistic == pytest.approx(observed, rel=1e-12)
    known = np.unique(np.round(known, 12))
    found, counts = np.unique(np.round(distribution, 12), return_counts=True)
    near = np.abs(found[:, None] - known)
    np.testing.assert_allclose(near.min(axis=1), 0, atol=1.5e-12)
    assert np.mean(near.min(axis=0) < 1.5e-12) > 0.9
    assert counts.max() < 0.3 * len(distribution)


@pytest.mark.parametrize("R", [1, 2])
def test_sums_are_not_changed(R):
    """Those of one component lie in memory as the form does, and a copy must be asked for."""
    whole = Whole((3, 4, 3), (1, 0, 5), 2, R)
    sums = whole.sums()
    kept = sums.S.copy()
    whole_null(sums, "max", 99, np.random.default_rng(0))
    np.testing.assert_array_equal(sums.S, kept)


# --- level ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lattice", [False, True], ids=["continuous", "ties"])
@pytest.mark.parametrize(("combine", "wanted"), [("max", 3), ("mean", 3), ("fuse", 3), ("mean", 1)])
def test_one_code_over_all_720_orderings_of_six_units(combine, wanted, lattice):
    """At most a share a has p <= a, for every a, whichever pairs of places were drawn."""
    whole = Whole((2, 2, 2), (0, 1, 0), 2, lattice=lattice)
    found = []
    for order in itertools.permutations(range(6)):
        sums = whole.sums(list(order))
        null, swaps = whole_null(sums, combine, wanted, np.random.default_rng(3))
        found.append(null.pvalue * swaps.total)
    assert swaps == Swaps(1, wanted.bit_length())
    counts = np.rint(found).astype(int)
    np.testing.assert_allclose(counts, found, rtol=1e-12)
    for count in set(counts.tolist()):
        assert (counts <= count).sum() * swaps.total <= count * 720


@pytest.mark.slow
def test_shuffles_by_chance_have_their_level(chance_seed):
    """2,000 orderings of seven units, each with eight shuffles of four swaps of its own.

    False failure 8e-4 (four levels of 1e-4, twice); a level of .25 that is .31 is seen with .99.
    """
    rng = np.random.default_rng(chance_seed)
    whole, found = Whole((2, 2, 3), (0, 0, 0)), []
    for _ in range(2000):
        null, swaps = whole_null(whole.sums(rng.permutation(7)), "max", 31, rng)
        found.append(null.pvalue)
    assert swaps == Swaps(8, 2)
    for alpha in (2 / 32, 1 / 8, 1 / 4, 3 / 4):
        reached = (np.array(found) <= alpha).sum()
        assert_rate_at_most(reached, 2000, alpha)
        assert_rate_at_least(reached, 2000, alpha - 1 / 32)  # there are ties


@pytest.mark.slow
def test_global_test_has_its_level(chance_seed):
    """400 tables of equal groups, level .05 (6 of 128): between 1 and 10 % rejected.

    False failure below 2e-4; a level of .12 or a test that never rejects is seen with .99.
    """
    rng = np.random.default_rng(chance_seed)
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
    assert_rate_at_most(low, 400, 6 / 128)
    assert_rate_at_least(low, 400, 6 / 128)


# --- as users call it ----------------------------------------------------------------------------


def test_global_statistic_is_the_sum_over_pairs():
    given = groups((40, 50, 45))
    result = repdist.pairwise_mmd_test(given, kernel=kernels.RBF(1.0), n_resamples=99, rng=0)
    total = sum(cells(result, "mmd_squared").values())
    assert result.global_test(99).statistic == pytest.approx(total, rel=1e-9)


def test_relabelings_of_the_global_test_are_as_rows_that_are_dealt_anew(chance_seed):
    """Their spread is that of 1,000 deals within a quarter, four of its standard errors.

    Relabelings that share a shuffle depend on each other, so their spread varies by 5 %, that of
    the deals by 3 %: false failure 1e-4; a spread that is 1.5 times too large is seen with .999.
    """
    rng = np.random.default_rng(chance_seed)
    given = [rng.normal(size=(n, 2)) for n in (33, 35, 40)]
    kernel = kernels.RBF(1.0)
    result = repdist.pairwise_mmd_test(given, kernel=kernel, n_bins="rows", n_resamples=99, rng=0)
    null, _ = whole_null(result.comparison.whole, "max", 9999, np.random.default_rng(1))
    distribution = null.distribution()
    Z = np.concatenate(given)
    K = kernel(Z, Z)
    again = []
    for _ in range(1000):
        order = rng.permutation(len(Z))
        parts = np.split(order, [33, 68])
        own = sum((K[np.ix_(a, a)].sum() - len(a)) / (len(a) * (len(a) - 1)) for a in parts)
        across = sum(K[np.ix_(a, b)].mean() for a, b in itertools.combinations(parts, 2))
        again.append(2 * own - 2 * across)
    assert distribution.mean() == pytest.approx(0, abs=5 * distribution.std() / math.sqrt(32))
    assert 0.75 < distribution.std() / np.std(again) < 1.25


def test_global_test_sees_a_difference():
    different = repdist.pairwise_mmd_test(groups((60, 60, 60), step=0.5), n_resamples=199, rng=0)
    result = different.global_test(999)
    assert result.n_resamples == 1023
    assert result.pvalue == 1 / 1024


@pytest.mark.parametrize("sizes", [(40, 50, 45, 50), (30, 30, 30, 30), (300, 260, 300, 500)])
def test_the_order_of_names_changes_nothing(sizes):
    given = groups(sizes, step=0.05)
    results = [
        repdist.pairwise_mmd_test({name: given[name] for name in order}, n_resamples=99, rng=0,
                                  adjust="none").global_test(999)
        for order in (list(given), ["g2", "g0", "g3", "g1"])
    ]  # fmt: skip
    assert results[0].pvalue == results[1].pvalue
    assert results[0].statistic == pytest.approx(results[1].statistic, rel=1e-9)
    assert 1 / 1024 < results[0].pvalue < 1
