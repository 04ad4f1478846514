"""Many differences of means under relabelings: moments, counts and both corrections by loops."""

import numpy as np
import pytest
from oracles import all_choices, assert_exact
from scipy import stats
from statsmodels.stats.multitest import multipletests

from repdist._designs.clusters import ClusterRelabelings, Clusters
from repdist._designs.paired import Flips, PairedUnits
from repdist._designs.relabelings import Relabelings
from repdist._designs.strata import StrataRelabelings, StrataUnits, Stratum
from repdist._designs.units import Units
from repdist._inference import linear
from repdist._inference.labels import label_blocks
from repdist._inference.linear import centred

STRATA = StrataUnits((Stratum("a", (3, 3), 1, (2, 3)), Stratum("b", (3, 4), 1, (3, 2))))
FEW = {
    "rows": Relabelings(Units(1, (4, 4), (0, 0)), 999),
    "unequal": Relabelings(Units(1, (3, 5), (0, 0)), 999),
    "frozen rows": Relabelings(Units(2, (3, 4), (1, 1)), 999),
    "pairs": Flips(PairedUnits(6, 6), 999),
    "strata": StrataRelabelings(STRATA, 999),
}
MANY = {
    "rows": Relabelings(Units(1, (12, 12), (0, 0)), 255),
    "unequal": Relabelings(Units(3, (9, 20), (2, 1)), 255),
    "pairs": Flips(PairedUnits(20, 20), 255),
}
EVERY = pytest.mark.parametrize(
    "drawn", [*FEW.values(), *MANY.values()], ids=[*FEW, *(f"many {name}" for name in MANY)]
)
WIDTHS = pytest.mark.parametrize("ties_matter", [True, False], ids=["float64", "float32"])
CONTROLS = pytest.mark.parametrize("control", ["westfall-young", "holm"])


def sums(drawn, d=7, q=4, seed=0):
    """Sums over units: of rows, of few values, one constant, and one that nearly is."""
    U, rng = len(drawn.units.sample), np.random.default_rng(seed)
    F = rng.normal(size=(q, U, d))
    F[:, :, 1] = rng.integers(3, size=(q, U))
    F[:, :, 2] = 5.0
    F[:, :, 3] = 1e3 + 1e-12 * rng.normal(size=(q, U))
    F[0, :, 4] += drawn.units.sample  # it differs
    F[:, :, 5] += 100.0 * drawn.units.shuffled_within  # what is shuffled together is alike
    return F


def labels_of(drawn, seed=0):
    return np.concatenate(list(label_blocks(drawn, np.random.default_rng(seed))))


def squares_of(F, drawn, seed=0):
    """The standardised squares (B, q, d) of each relabeling, from the moments over all of them."""
    every = forms_of(F, labels_of(drawn, seed))
    mean, deviation = moments_of(F, drawn)
    apart = np.where(deviation < 1e-9 * np.abs(F).max(), np.inf, deviation)
    return ((every - mean) / apart) ** 2


def forms_of(F, labels):
    return np.stack([F[:, row].sum(axis=1) for row in labels])


def moments_of(F, drawn):
    """Mean and deviation over the group, stratum by stratum, from single units and pairs of them.

    E[a_u] = h / M, and E[a_u a_v] = h (h - 1) / (M (M - 1)) of what is shuffled together.
    """
    units = drawn.units
    chance = np.where(units.can_move, 0.0, units.sample == 0)
    C = np.zeros((len(chance), len(chance)))
    for s in set(units.shuffled_within.tolist()):
        own = np.flatnonzero((units.shuffled_within == s) & units.can_move)
        M, h = len(own), int((units.sample[own] == 0).sum())
        chance[own] = h / M
        for u in own:
            for v in own:
                both = h / M if u == v else h * (h - 1) / (M * (M - 1))
                C[u, v] = both - (h / M) ** 2
    G = F - F.mean(axis=1, keepdims=True)  # rounding only: labels of what moves have a fixed sum
    return (
        np.einsum("u,qud->qd", chance, F),
        np.sqrt(np.maximum(np.einsum("uv,qud,qvd->qd", C, G, G), 0)),
    )


def naive(F, drawn, control):
    """p-values by loops over columns and relabelings, ties counted."""
    T = squares_of(F, drawn).max(axis=1)  # (B, d)
    B, d = T.shape
    reached = T[0] - 1e-6 * np.maximum(T[0], 1)
    pvalue = np.array([sum(T[b, j] >= reached[j] for b in range(B)) / B for j in range(d)])
    if control == "holm":
        return pvalue, multipletests(pvalue, method="holm")[1]
    order, stepped, last = np.argsort(-T[0], kind="stable"), np.empty(d), 0.0
    for place, j in enumerate(order):
        left = order[place:]
        last = max(last, sum(T[b, left].max() >= reached[j] for b in range(B)) / B)
        stepped[j] = last
    return pvalue, stepped


def result_of(F, drawn, control="westfall-young", *, ties_matter=True, n_jobs=1, seed=0):
    rng = np.random.default_rng(seed)
    options = {"control": control, "ties_matter": ties_matter, "n_jobs": n_jobs, "guard": None}
    return linear.tested(F, drawn, rng, **options)


# --- moments -------------------------------------------------------------------------------------


@pytest.mark.parametrize("drawn", FEW.values(), ids=FEW.keys())
def test_moments_are_those_of_all_relabelings(drawn):
    F = sums(drawn)[:, :, [0, 1, 4, 5]]
    every = forms_of(F, labels_of(drawn))
    if isinstance(drawn, Flips):  # and the flip of all pairs
        every = np.concatenate([every, forms_of(F, ~labels_of(drawn))])
    mean, deviation = moments_of(F, drawn)
    np.testing.assert_allclose(mean, every.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(deviation, every.std(axis=0), rtol=1e-9)
    left, found = centred(F, drawn)
    np.testing.assert_allclose(found, deviation, rtol=1e-9)
    np.testing.assert_allclose(
        forms_of(left, labels_of(drawn)), every[: drawn.total] - mean, atol=1e-10
    )


@EVERY
def test_what_rounding_alone_moves_is_constant(drawn):
    F = sums(drawn)
    before = F.copy()
    left, deviation = centred(F, drawn)
    assert (deviation[:, 2:4] == 0).all()
    assert (left[:, :, 2:4] == 0).all()
    assert (deviation[:, [0, 1, 4, 5, 6]] > 0).all()
    np.testing.assert_array_equal(F, before)


@EVERY
def test_forms_are_standardised_and_above_0_where_the_first_sample_has_more(drawn):
    F = sums(drawn)
    found = result_of(F, drawn)
    some = [0, 1, 4, 5, 6]
    mean, deviation = moments_of(F[:, :, some], drawn)
    observed = F[:, drawn.units.sample == 0].sum(axis=1)[:, some]
    np.testing.assert_allclose(
        found.forms[:, some], (observed - mean) / deviation, rtol=1e-8, atol=1e-9
    )
    np.testing.assert_allclose(found.statistic, (found.forms**2).max(axis=0), rtol=1e-12)
    assert result_of(F + 10.0 * (drawn.units.sample == 0)[None, :, None], drawn).forms[0, 0] > 0


# --- counts --------------------------------------------------------------------------------------


@EVERY
@WIDTHS
@CONTROLS
def test_pvalues_against_loops(drawn, control, ties_matter):
    F = sums(drawn)
    found = result_of(F, drawn, control, ties_matter=ties_matter)
    pvalue, both = naive(F, drawn, control)
    np.testing.assert_allclose(found.pvalue, pvalue, rtol=1e-12)
    np.testing.assert_allclose(found.adjusted, both, rtol=1e-12)
    assert (found.pvalue[2:4] == 1).all()
    assert (found.pvalue >= 1 / drawn.total).all()


@EVERY
@WIDTHS
def test_groups_against_loops(drawn, ties_matter):
    """The second group is of constant columns alone."""
    group = np.array([0, 0, 1, 1, 2, 0, 2])
    F, rng = sums(drawn), np.random.default_rng(0)
    found = linear.tested_in_groups(
        F, group, drawn, rng, ties_matter=ties_matter, n_jobs=1, guard=None
    )
    squares = squares_of(F, drawn)
    T = np.stack([squares[:, :, group == g].mean(axis=(1, 2)) for g in range(3)], axis=1)
    pvalue = np.mean(T[0] - 1e-6 * np.maximum(T[0], 1) <= T, axis=0)
    np.testing.assert_allclose(found.statistic, T[0], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found.pvalue, pvalue, rtol=1e-12)
    np.testing.assert_allclose(found.adjusted, multipletests(pvalue, method="holm")[1])
    np.testing.assert_array_equal(found.forms, result_of(F, drawn).forms)
    assert found.pvalue[1] == 1


@pytest.mark.parametrize("name", ["rows", "unequal", "frozen rows", "strata"])
def test_a_statistic_of_a_group_is_1_on_average(name):
    drawn = FEW[name]
    F = sums(drawn)[:, :, [0, 1, 4]]
    np.testing.assert_allclose(squares_of(F, drawn).mean(axis=0), 1, rtol=1e-9)


def test_the_observed_relabeling_counts_where_pairs_are_almost_alike():
    """What pairs have in common is 10^7 times what sets them apart: float32 must not see it."""
    drawn = Flips(PairedUnits(300, 100, (3,) * 100), 1023)
    rng = np.random.default_rng(0)
    F = np.tile(1e4 * rng.normal(size=(4, 100, 50)), (1, 2, 1))
    F[:, 100:] += 1e-3 * np.abs(rng.normal(size=(4, 100, 50)))
    found = result_of(F, drawn, ties_matter=False)
    assert (found.pvalue == 1 / 1024).all()
    assert (found.adjusted == 1 / 1024).all()


@CONTROLS
def test_threads_change_no_bit(control):
    drawn = Relabelings(Units(1, (20, 30), (0, 0)), 9999)
    F = sums(drawn, d=40)
    found = [result_of(F, drawn, control, n_jobs=n_jobs, seed=3) for n_jobs in (1, 2, 5)]
    for other in found[1:]:
        np.testing.assert_array_equal(other.pvalue, found[0].pvalue)
        np.testing.assert_array_equal(other.adjusted, found[0].adjusted)


# --- level without chance ------------------------------------------------------------------------


def rearranged(F, drawn):
    """The sums as each relabeling of a few rows would have them observed."""
    for first, second in all_choices(8, drawn.units.movable[0]):
        yield F[:, first + second]


@pytest.mark.parametrize(
    ("name", "control"), [("rows", "westfall-young"), ("rows", "holm"), ("unequal", "holm")]
)
@pytest.mark.parametrize("seed", range(3))
def test_the_smallest_adjusted_pvalue_over_all_relabelings(name, control, seed):
    drawn = FEW[name]
    F = sums(drawn, seed=seed)
    F[0, :, 4] -= drawn.units.sample
    found = [result_of(some, drawn, control) for some in rearranged(F, drawn)]
    assert_exact([one.adjusted.min() for one in found])
    for j in range(F.shape[2]):
        assert_exact([one.pvalue[j] for one in found])


def test_every_level_is_used_up_where_nothing_ties():
    """The bound is not met by p-values that are simply too large: 70 relabelings in pairs."""
    F, drawn = np.random.default_rng(0).normal(size=(4, 8, 5)), FEW["rows"]
    found = [result_of(some, drawn).adjusted.min() for some in rearranged(F, drawn)]
    np.testing.assert_allclose(np.sort(found)[::2], np.arange(1, 36) / 35)


# --- clusters ------------------------------------------------------------------------------------


def of_clusters(first, second):
    """The relabelings of so many clusters."""
    sizes = np.ones(first, dtype=np.intp), np.ones(second, dtype=np.intp)
    return ClusterRelabelings.of_clusters(Clusters.of(*sizes), 999, "rows")


def test_clusters_stand_over_their_standard_error_by_label():
    drawn, F = of_clusters(4, 5), np.random.default_rng(0).normal(size=(2, 9, 3))
    found = result_of(F, drawn)
    labels = labels_of(drawn)
    T = np.empty((len(labels), 3))
    for b, first in enumerate(labels):
        t = stats.ttest_ind(F[:, first], F[:, ~first], axis=1, equal_var=False).statistic
        T[b] = np.square(t).max(axis=0)
    assert len(labels) == 126
    np.testing.assert_allclose(found.statistic, T[0], rtol=1e-9)
    np.testing.assert_allclose(found.pvalue, (T[0] - 1e-7 <= T).mean(axis=0), rtol=1e-12)


def test_a_variance_by_label_counts_at_least_a_hundredth_of_the_usual_one():
    values = np.array([1.0, 1.0 + 1e-7, 0.0, 1e-7])[None, :, None]
    found = result_of(values, of_clusters(2, 2))
    usual = np.var([1, 1, 0, 0], ddof=1) / 2 * 2
    np.testing.assert_allclose(found.statistic, [1 / (0.01 * usual)], rtol=1e-5)


@pytest.mark.parametrize("least", [0.0, 50.0])
def test_the_guard_is_welchs_test(least):
    """Times the forms; with variances no less than given ones."""
    drawn, F = of_clusters(6, 9), np.random.default_rng(1).normal(size=(2, 15, 4))
    guard = linear.Guard(np.full(15, least), np.ones((2, 4)))
    options = {"control": "holm", "ties_matter": True, "n_jobs": 1}
    found = linear.tested(F, drawn, np.random.default_rng(0), **options, guard=guard)
    plain = linear.tested(F, drawn, np.random.default_rng(0), **options, guard=None)
    if least:
        t = np.abs(F[:, :6].mean(axis=1) - F[:, 6:].mean(axis=1)) / np.sqrt(50 / 6 + 50 / 9)
        freedom = (50 / 6 + 50 / 9) ** 2 / ((50 / 6) ** 2 / 5 + (50 / 9) ** 2 / 8)
        welch = 2 * stats.t.sf(t, freedom)
    else:
        welch = stats.ttest_ind(F[:, :6], F[:, 6:], axis=1, equal_var=False).pvalue
    expected = np.maximum(plain.pvalue, np.minimum(1, 2 * welch.min(axis=0)))
    np.testing.assert_allclose(found.pvalue, expected, rtol=1e-9)
    assert (found.adjusted >= plain.adjusted).all()
    group = np.array([0, 1, 1, 1])
    del options["control"]
    of_groups = linear.tested_in_groups(
        F, group, drawn, np.random.default_rng(0), **options, guard=guard
    )
    beside = [min(1, 2 * welch[:, 0].min()), min(1, 6 * welch[:, 1:].min())]
    assert (of_groups.pvalue >= np.array(beside) * (1 - 1e-9)).all()
