"""Strata: against matrices of rows and loops, exactness by brute force, variance, errors."""

import dataclasses
import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from repdist import kernels
from repdist._blocks import Block
from repdist._designs.relabelings import Relabelings, Swaps
from repdist._designs.strata import StrataRelabelings, StrataUnits, Stratum
from repdist._designs.units import Units
from repdist._inference import stratified, two_samples
from repdist._inference.combine import Combination, Null, Statistics
from repdist._inference.stratified import StrataSums, findings, strata_table
from repdist._inference.transform import columns
from repdist._inference.two_samples import forms, statistics
from repdist._pass.sums import kernel_blocks
from repdist._threads import Workers
from repdist.kernels._plan import plan

ESTIMATORS = pytest.mark.parametrize("estimator", ["unbiased", "biased"])
WEIGHTS = np.array([0.5, 0.3, 0.2])


def matrices(N, R, seed=0):
    """Gaussian kernels of N rows, (R, N, N); the diagonals are not all alike."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(N, 2))
    D = np.square(Z[:, None] - Z[None]).sum(-1)
    own = np.diag(rng.random(N))
    return np.stack([np.exp(-D / 2 ** (2 * r)) + own for r in range(R)])


def arranged(*strata):
    """Units of strata, each given as (rows of a unit, movable units, frozen rows)."""
    return StrataUnits(
        tuple(
            Stratum(name, tuple(size * np.array(movable) + frozen), size, movable)
            for name, (size, movable, frozen) in zip("abcdef", strata, strict=False)
        )
    )  # fmt: skip


def sums_of(K, units, weights):
    """Sums of the matrices K (R, N, N) as a pass gives them, the blocks in a mixed order."""
    group = np.repeat(units.group, units.rows)
    off = K * (1 - np.eye(K.shape[1]))
    blocks = []
    for g, h in itertools.combinations_with_replacement(range(2 * len(units.strata)), 2):
        part = off[:, group == g][:, :, group == h]
        rows, others = units.rows[units.group == g], units.rows[units.group == h]
        sums = np.add.reduceat(part, np.cumsum(rows) - rows, axis=1)
        sums = np.add.reduceat(sums, np.cumsum(others) - others, axis=2)
        diagonal = np.diagonal(K, axis1=1, axis2=2)[:, group == g]
        diagonal = np.add.reduceat(diagonal, np.cumsum(rows) - rows, axis=1) * (g == h)
        of_rows = np.tensordot(weights, part, 1)
        by_row, by_column = of_rows.sum(axis=1), of_rows.sum(axis=0)
        magnitude, squares = np.abs(part).max(axis=(1, 2), initial=0), np.zeros(len(K))
        blocks.append(Block(g, h, sums, diagonal, by_row, by_column, squares, magnitude, 2.0**-52))
    return StrataSums.of(blocks[::-1], units, weights)


def form_of(sums, units, estimator, *, both):
    return stratified.quadratic_form(sums.blocks, sums.diagonal, units, estimator, both=both)


def direct(K, stratum, labels, estimator="unbiased"):
    """Both statistics of one labeling of the rows from their definitions, (2, R)."""
    within, adjusted = np.zeros(len(K)), np.zeros(len(K))
    numbers = np.unique(stratum)
    share = [np.mean(stratum == s) for s in numbers]
    skip = estimator == "unbiased"
    for (s, w), (t, v) in itertools.product(zip(numbers, share, strict=True), repeat=2):
        value = np.zeros(len(K))
        for one, other in itertools.product([True, False], repeat=2):
            rows = np.flatnonzero((stratum == s) & (labels == one))
            others = np.flatnonzero((stratum == t) & (labels == other))
            part = K[:, rows[:, None], others]
            same = rows[:, None] == others
            part = part[:, ~same] if skip else part.reshape(len(K), -1)
            value += (1 if one == other else -1) * part.mean(axis=1)
        adjusted += w * v * value
        within += w * value * (s == t)
    return np.stack([adjusted, within])


def labels_of(drawn, rng):
    """Which units each relabeling puts into the first sample, (B, U), one swap at a time."""
    units = drawn.units
    if drawn.exhaustive:
        firsts = np.concatenate(list(drawn.every()))
        labels = np.repeat(((units.sample == 0) & ~units.can_move)[None], len(firsts), axis=0)
        np.put_along_axis(labels, firsts, True, axis=1)
        return labels
    found, k = [], drawn.swaps.dimension
    for shuffle in np.concatenate(list(drawn.shuffled(rng))):
        left = np.setdiff1d(np.arange(len(units.rows)), shuffle)
        of_shuffle = np.zeros(len(units.rows), dtype=bool)
        of_shuffle[shuffle[0]] = True
        for unit in left:  # the sample that has more units in the stratum keeps them
            of_first, of_second = units.strata[units.stratum[unit]].movable
            movable = of_first > of_second
            of_shuffle[unit] = movable if units.can_move[unit] else units.sample[unit] == 0
        for pattern in range(1 << k):
            swap = [bin(pattern & g).count("1") % 2 == 1 for g in columns(shuffle.shape[1], k)]
            labels = of_shuffle.copy()
            labels[shuffle[0][swap]], labels[shuffle[1][swap]] = False, True
            found.append(labels)
    return np.array(found)


LAID_OUT = {
    "single rows": (arranged((1, (9, 9), (0, 0)), (1, (8, 8), (0, 0))), 500),
    "unequal in both directions": (
        arranged((1, (12, 3), (0, 0)), (1, (3, 14), (0, 0)), (1, (5, 5), (0, 0))), 500,
    ),
    "bins": (arranged((3, (8, 3), (0, 0)), (2, (4, 9), (0, 0))), 500),
    "bins and frozen rows": (
        arranged((3, (4, 7), (2, 1)), (2, (9, 4), (0, 1)), (1, (3, 2), (0, 0))), 500,
    ),
    "one stratum": (arranged((2, (6, 8), (1, 0)),), 200),
    "more of the first in one stratum": (arranged((2, (9, 7), (1, 0)),), 200),
    "shuffles alone": (arranged((1, (2, 9), (0, 3)), (1, (12, 3), (4, 0))), 300),
    "all": (arranged((1, (3, 2), (1, 0)), (2, (2, 2), (0, 0))), 99),
    "all of one stratum": (arranged((1, (4, 3), (0, 0)),), 99),
}  # fmt: skip
EACH = pytest.mark.parametrize(("units", "wanted"), LAID_OUT.values(), ids=LAID_OUT.keys())


def assert_close(ours, expected):
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-14)


def rows_of(units, of_units):
    return np.repeat(of_units, units.rows, axis=-1)


# --- statistics ----------------------------------------------------------------------------------


@EACH
@ESTIMATORS
@pytest.mark.parametrize("both", [False, True], ids=["adjusted", "both"])
def test_every_relabeling_has_the_statistics_of_its_labels(units, wanted, estimator, both):
    """R adjusted, then R within; the observed one is the first; no stratum changes its sizes."""
    drawn = StrataRelabelings(units, wanted)
    K = matrices(units.rows.sum(), 2)
    S = form_of(sums_of(K, units, WEIGHTS[:2]), units, estimator, both=both)
    found = statistics(S, drawn, forms(drawn, np.random.default_rng(3)))
    T = found.deviations + found.mean[:, None]
    labels, stratum = labels_of(drawn, np.random.default_rng(3)), rows_of(units, units.stratum)
    assert len(labels) == drawn.total == T.shape[1]
    of_rows = rows_of(units, labels)
    for s, (n, _) in enumerate(units.counts):
        assert (of_rows[:, stratum == s].sum(axis=1) == n).all()
    assert labels[0].tolist() == (units.sample == 0).tolist()
    for b in [0, 1, *np.random.default_rng(0).integers(drawn.total, size=20)]:
        expected = direct(K, stratum, of_rows[b], estimator)
        assert_close(T[:, b], expected[: 1 + both].ravel())


@EACH
@ESTIMATORS
def test_rows_sum_to_0_between_every_two_strata(units, wanted, estimator):
    K = matrices(units.rows.sum(), 2)
    S = form_of(sums_of(K, units, WEIGHTS[:2]), units, estimator, both=True)
    for s in range(len(units.strata)):
        np.testing.assert_allclose(S[:, units.stratum == s].sum(axis=1), 0, atol=1e-13)
    apart = units.stratum[:, None] != units.stratum
    assert not S[apart][:, 2:].any()
    assert S[apart][:, :2].any() == (len(units.strata) > 1)


def test_one_stratum_is_no_stratum():
    """Sizes, units, relabelings in law, statistics, tolerance, estimate and variance."""
    units, one = Units(2, (6, 9), (1, 0)), arranged((2, (6, 9), (1, 0)))
    for name in ("rows", "sample", "can_move", "movable", "n_relabelings", "size", "frozen"):
        np.testing.assert_array_equal(getattr(one, name), getattr(units, name))
    K = matrices(31, 3)
    sums, how = sums_of(K, one, WEIGHTS), Combination("mean", WEIGHTS, np.ones(3), 13)
    of_rows = np.tensordot(WEIGHTS, K * (1 - np.eye(31)), 1)
    first = np.stack([of_rows[:13, :13].sum(axis=1), of_rows[:13, 13:].sum(axis=1)], axis=1)
    second = np.stack([of_rows[13:, 13:].sum(axis=1), of_rows[13:, :13].sum(axis=1)], axis=1)
    plain = two_samples.Sums(
        sums.blocks, sums.diagonal, first, second, np.ones(3), sums.magnitude, sums.epsilon
    )
    drawn, plainly = StrataRelabelings(one, 99), Relabelings(units, 99)
    assert drawn.swaps == plainly.swaps
    for estimator in ("unbiased", "biased"):
        S = form_of(sums, one, estimator, both=True)
        expected = two_samples.quadratic_form(plain, units, estimator)
        assert_close(S, np.concatenate([expected, expected], axis=2))
        rounding = two_samples.tolerance(plain, units, estimator)
        assert_close(stratified.tolerance(sums, one, estimator), np.tile(rounding, 2))

        def relabeled(S, drawn=plainly):
            return statistics(S, drawn, forms(drawn, np.random.default_rng(0)))

        ours = findings(sums, one, how, estimator, relabeled)
        theirs = two_samples.findings(plain, units, how, estimator, relabeled)
        assert ours.mmd_squared == pytest.approx(theirs.mmd_squared, rel=1e-12)
        assert ours.null.pvalue == theirs.null.pvalue
        assert_close(dataclasses.astuple(ours.estimate), dataclasses.astuple(theirs.estimate))


def test_sums_of_the_pass_are_those_of_matrices():
    units = LAID_OUT["bins and frozen rows"][0]
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(units.rows.sum(), 3))
    kernel = kernels.MultiRBF((0.5, 1.0, 2.0))
    how = plan(kernel)
    K = np.stack([kernels.RBF(b)(Z, Z) for b in (0.5, 1.0, 2.0)])
    weights = np.array(how.weights)
    ours = StrataSums.of(kernel_blocks(how, Z, units.layout, Workers()), units, weights)
    expected = sums_of(K, units, weights)
    for field in dataclasses.fields(StrataSums):
        if field.name != "epsilon":
            assert_close(getattr(ours, field.name), getattr(expected, field.name))


# --- the mean over relabelings -------------------------------------------------------------------


def test_the_mean_over_all_relabelings_of_rows_is_0():
    """Both statistics are unbiased: exactly, whatever the rows are. With k(x, x) they are not."""
    units = arranged((1, (4, 2), (0, 0)), (1, (2, 3), (0, 0)), (1, (2, 2), (0, 0)))
    drawn = StrataRelabelings(units, 2**12)
    assert drawn.exhaustive
    K = matrices(units.rows.sum(), 2)
    sums = sums_of(K, units, WEIGHTS[:2])
    for estimator, unbiased in (("unbiased", True), ("biased", False)):
        S = form_of(sums, units, estimator, both=True)
        found = statistics(S, drawn, forms(drawn, np.random.default_rng(0)))
        assert (np.abs(found.mean) < 1e-15).all() == unbiased
        assert unbiased or (found.mean > 0.01).all()


# --- exactness -----------------------------------------------------------------------------------


class Case:
    """Rows in strata and random relabelings; the p-values of orderings of the units."""

    def __init__(self, units, swaps, combine="max", *, lattice=False):
        rng, shape = np.random.default_rng(1), (units.rows.sum(), 3)
        Z = rng.integers(0, 2, size=shape).astype(float) if lattice else rng.normal(size=shape)
        how = plan(kernels.MultiRBF((1.0, 2.0)))
        blocks = kernel_blocks(how, Z, units.layout, Workers())
        self.sums = StrataSums.of(blocks, units, np.array(how.weights))
        self.units, self.rounding = units, stratified.tolerance(self.sums, units, "unbiased")
        self.how = Combination(combine, np.array(how.weights), np.ones(2), 2)
        self.drawn = StrataRelabelings(units, swaps.total - 1)
        vars(self.drawn).update(swaps=swaps, exhaustive=False)

    def all_orderings(self):
        units = self.units
        of_strata = [
            np.flatnonzero(units.can_move & (units.stratum == s)) for s in range(len(units.strata))
        ]
        found = []
        for orders in itertools.product(*(itertools.permutations(o.tolist()) for o in of_strata)):
            places = np.arange(len(units.rows))
            for here, order in zip(of_strata, orders, strict=True):
                places[here] = order
            found.append(places)
        return np.array(found)

    def pvalues(self, orderings, rng=0):
        both = stratified.takes_both(self.how)
        rounding = self.rounding[: 2 * (1 + both)]
        found, R = [], len(rounding)
        for start in range(0, len(orderings), 512):
            parts = [self._form(places, both) for places in orderings[start : start + 512]]
            S = np.concatenate(parts, axis=2)
            T = statistics(S, self.drawn, forms(self.drawn, np.random.default_rng(rng)))
            for i in range(0, S.shape[2], R):
                own = slice(i, i + R)
                one = Statistics(T.deviations[own], T.mean[own])
                found.append(Null(one, rounding, self.how).pvalue)
        return np.array(found)

    def _form(self, places, both):
        sums = dataclasses.replace(
            self.sums,
            blocks=self.sums.blocks[:, places[:, None], places],
            diagonal=self.sums.diagonal[:, places],
        )
        return form_of(sums, self.units, "unbiased", both=both)


def excess(found, total):
    """The most by which the share of p-values up to a exceeds a, over all a; in whole numbers."""
    counts = np.rint(found * total).astype(int)
    np.testing.assert_allclose(counts / total, found, rtol=1e-12)
    return max(
        Fraction(int((counts <= count).sum()), len(counts)) - Fraction(count, total)
        for count in set(counts.tolist())
    )


TIES = pytest.mark.parametrize("lattice", [False, True], ids=["continuous", "ties"])
FEW = {
    "rows": arranged((1, (2, 2), (0, 0)), (1, (2, 2), (0, 0))),
    "more of the first, more of the second": arranged((1, (3, 2), (0, 0)), (1, (2, 3), (0, 0))),
    "bins and frozen rows": arranged((2, (3, 2), (0, 1)), (1, (2, 2), (3, 0))),
    "three strata, one unit in some": arranged(
        (2, (1, 2), (1, 0)), (1, (3, 1), (0, 2)), (2, (1, 1), (0, 0))
    ),
}
ARRANGED = pytest.mark.parametrize("units", FEW.values(), ids=FEW.keys())


@ARRANGED
@TIES
@pytest.mark.parametrize("combine", ["max", "mean"])
def test_the_level_of_one_code_over_all_orderings_inside_strata(units, lattice, combine):
    """At most N a of all N orderings have p <= a, for every a."""
    pairs = sum(min(stratum.movable) for stratum in units.strata)
    case = Case(units, Swaps(1, pairs - 1), combine, lattice=lattice)
    orderings = case.all_orderings()
    if len(orderings) > 4000:  # whole cosets of the code hold the bound by themselves
        some = np.random.default_rng(0).choice(len(orderings), size=100, replace=False)
        orderings = closed(case.drawn, orderings[some])
    assert excess(case.pvalues(orderings), case.drawn.total) <= 0


def closed(drawn, orderings):
    """These orderings and those that swaps of a code make of them after the first shuffle."""
    x, y = next(drawn.shuffled(np.random.default_rng(0)))[0]
    k, found = drawn.swaps.dimension, []
    for ordering in orderings:
        for pattern in range(1 << k):
            swap = np.array([bin(pattern & g).count("1") % 2 == 1 for g in columns(len(x), k)])
            other = ordering.copy()
            other[x[swap]], other[y[swap]] = ordering[y[swap]], ordering[x[swap]]
            found.append(other)
    return np.array(found)


TWO_SHUFFLES = {
    "alone": (arranged((2, (1, 2), (0, 1)), (1, (2, 1), (0, 1))), Swaps(2, 0)),
    "with two swaps": (arranged((2, (1, 2), (0, 1)), (1, (2, 1), (0, 1))), Swaps(2, 1)),
    "with four swaps": (arranged((2, (1, 1), (0, 1)), (1, (2, 2), (0, 0))), Swaps(2, 2)),
}


@TIES
@pytest.mark.parametrize(("units", "swaps"), TWO_SHUFFLES.values(), ids=TWO_SHUFFLES.keys())
def test_the_level_of_two_shuffles_over_all_of_them_and_all_orderings(
    monkeypatch, units, swaps, lattice
):
    """The second shuffle runs through all there are inside the strata, beside as many orderings."""
    case = Case(units, swaps, lattice=lattice)
    orderings, found = case.all_orderings(), []
    first = next(StrataRelabelings(units, 99).shuffled(np.random.default_rng(0)))[0]
    for places in orderings:
        shuffles = np.stack([first, places[first]])
        monkeypatch.setattr(
            StrataRelabelings, "shuffled", lambda drawn, rng, both=shuffles: iter([both])
        )
        found.append(case.pvalues(orderings))
    assert excess(np.concatenate(found), swaps.total) <= 0


@TIES
@pytest.mark.parametrize("combine", ["max", "mean"])
def test_the_level_of_all_relabelings(lattice, combine):
    """60 orderings that put other rows into the samples; each of them tested with all 60."""
    units = arranged((1, (2, 2), (0, 0)), (1, (3, 2), (0, 0)))
    case = Case(units, Swaps(1, 1), combine, lattice=lattice)
    case.drawn = StrataRelabelings(units, 99)
    assert case.drawn.exhaustive
    orderings = []
    for firsts in np.concatenate(list(case.drawn.every())):
        rest = np.setdiff1d(np.arange(len(units.rows)), firsts)
        places = np.concatenate([firsts, rest])
        stratum = units.stratum[places] + 2 * np.repeat([0, 1], [len(firsts), len(rest)])
        orderings.append(places[np.argsort(stratum, kind="stable")])
    found = case.pvalues(np.array(orderings))
    assert excess(found, 60) <= 0
    assert lattice or len(np.unique(found)) > 50


# --- variance ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "units",
    [
        arranged((1, (4, 3), (0, 0)), (1, (3, 5), (0, 0))),
        arranged((2, (3, 4), (1, 0)), (1, (2, 2), (0, 2)), (3, (2, 3), (0, 1))),
        arranged((1, (5, 4), (2, 3))),
        arranged((2, (1, 1), (1, 1)), (2, (1, 3), (0, 0)), (1, (3, 1), (0, 1))),
    ],
    ids=["rows", "bins and frozen rows", "one stratum", "few units"],
)
@ESTIMATORS
def test_the_null_variance_is_that_of_all_relabelings(units, estimator):
    drawn = StrataRelabelings(units, 2**14 - 1)
    assert drawn.exhaustive
    K = matrices(units.rows.sum(), 3)
    S = form_of(sums_of(K, units, WEIGHTS), units, estimator, both=True)
    found = statistics(S, drawn, forms(drawn, np.random.default_rng(0)))
    for some in (slice(0, 3), slice(3, 6)):
        expected = (WEIGHTS @ found.deviations[some]).var()
        ours = stratified.null_variance(S[..., some] @ WEIGHTS, units)
        assert ours == pytest.approx(expected, rel=1e-10)


# --- estimates -----------------------------------------------------------------------------------


def influences(K, stratum, labels, left_out=1):
    """Row by row: ``w_s sum_t w_t (mean k(x, X_t) - mean k(x, Y_t))`` for X, its negative for Y.

    The mean with its own stratum leaves out itself, or two as the jackknife has it.
    """
    found = []
    for i, (s, label) in enumerate(zip(stratum, labels, strict=True)):
        total = 0.0
        for t in np.unique(stratum):
            for other in (True, False):
                values = [
                    K[i, j]
                    for j in range(len(K))
                    if j != i and stratum[j] == t and labels[j] == other
                ]
                sign = 1 if other == label else -1
                count = max(len(values) - (left_out - 1) * (t == s and other == label), 1)
                total += sign * np.mean(stratum == t) * math.fsum(values) / count
        found.append(np.mean(stratum == s) * total)
    return np.array(found)


@pytest.mark.parametrize(
    "units", [LAID_OUT[name][0] for name in ("bins and frozen rows", "unequal in both directions")]
)
@pytest.mark.parametrize("combine", ["max", "mean"])
@ESTIMATORS
def test_findings_hold_the_adjusted_number_and_its_error(units, combine, estimator):
    """From influences by hand; the unbiased number whatever the estimator."""
    K = matrices(units.rows.sum(), 3)
    sums, drawn = sums_of(K, units, WEIGHTS), StrataRelabelings(units, 99)
    stratum, labels = rows_of(units, units.stratum), rows_of(units, units.sample == 0)
    weighted = np.tensordot(WEIGHTS, K, 1)
    found = findings(
        sums, units, Combination(combine, WEIGHTS, np.ones(3), 2), estimator,
        lambda S: statistics(S, drawn, forms(drawn, np.random.default_rng(0))),
    )  # fmt: skip
    expected = direct(K, stratum, labels, estimator)
    assert_close(found.components, expected.ravel() if combine == "max" else expected[0])
    assert found.null.zscores.shape == found.components.shape
    assert found.mmd_squared == pytest.approx(WEIGHTS @ expected[0], rel=1e-12)
    unbiased = direct(weighted[None], stratum, labels)[0, 0]
    assert found.estimate.mmd_squared == pytest.approx(unbiased, rel=1e-12)
    assert_close(sums.influence, influences(weighted, stratum, labels))
    h = influences(weighted, stratum, labels, left_out=2)
    groups = [
        h[(stratum == s) & (labels == label)] for s in np.unique(stratum) for label in (True, False)
    ]
    variance = sum(4 * np.var(group, ddof=1) / len(group) for group in groups)
    assert found.estimate.standard_error == pytest.approx(math.sqrt(variance), rel=1e-12)
    S = form_of(sums, units, "unbiased", both=False)
    v0 = stratified.null_variance(S @ WEIGHTS, units)
    assert found.estimate.null_variance == pytest.approx(v0, rel=1e-12)


def test_the_table_has_every_stratum_as_if_it_were_alone():
    units = LAID_OUT["bins and frozen rows"][0]
    K = matrices(units.rows.sum(), 3)
    table = strata_table(sums_of(K, units, WEIGHTS), units)
    stratum, labels = rows_of(units, units.stratum), rows_of(units, units.sample == 0)
    weighted = np.tensordot(WEIGHTS, K, 1)
    assert table.names == ("a", "b", "c")
    for s in range(3):
        here = stratum == s
        assert table.rows[s].tolist() == [np.sum(here & labels), np.sum(here & ~labels)]
        assert table.shares[s] == here.mean()
        alone = weighted[np.ix_(here, here)], stratum[here], labels[here]
        value = direct(alone[0][None], *alone[1:])[0, 0]
        h = influences(*alone, left_out=2)
        variance = sum(4 * np.var(g, ddof=1) / len(g) for g in (h[labels[here]], h[~labels[here]]))
        assert table.mmd_squared[s] == pytest.approx(value, rel=1e-12)
        assert table.standard_error[s] == pytest.approx(math.sqrt(variance), rel=1e-12)


def test_a_kernel_of_one_component_takes_the_adjusted_statistic_alone():
    for rule, count, both in (("max", 1, False), ("max", 2, True), ("mean", 2, False)):
        combination = Combination(rule, np.ones(count), np.ones(count), 2)
        assert stratified.takes_both(combination) == both


def test_a_kernel_that_is_not_definite_is_refused():
    units = arranged((1, (6, 5), (0, 0)), (1, (4, 6), (0, 0)))
    Z = np.random.default_rng(0).normal(size=(21, 3))
    Z[rows_of(units, units.sample == 0)] += 1
    K = np.linalg.norm(Z[:, None] - Z[None], axis=2)[None]
    drawn, how = StrataRelabelings(units, 99), Combination("max", np.ones(1), np.ones(1), 2)

    def relabeled(S):
        return statistics(S, drawn, forms(drawn, np.random.default_rng(0)))

    with pytest.raises(ValueError, match="positive definite"):
        findings(sums_of(K, units, np.ones(1)), units, how, "unbiased", relabeled)
    assert findings(
        sums_of(-K, units, np.ones(1)), units, how, "unbiased", relabeled
    ).estimate.mmd_squared > 0  # fmt: skip


def test_the_tolerance_is_that_of_independent_errors_of_kernel_values():
    """Sixteen times the root of the summed squares of what each value weighs, and some rounding."""
    units = arranged((1, (40, 10), (0, 0)), (1, (3, 30), (0, 0)), (1, (4, 4), (0, 0)))
    stratum, labels = rows_of(units, units.stratum), rows_of(units, units.sample == 0)
    alpha = np.zeros(len(stratum))
    for s, (n, m) in enumerate(units.counts):
        alpha[(stratum == s) & labels], alpha[(stratum == s) & ~labels] = 1 / n, -1 / m
    share = units.shares[stratum]
    adjusted = np.outer(share * alpha, share * alpha)
    within = np.outer(alpha, share * alpha) * (stratum[:, None] == stratum)
    epsilon = 2.0**-23
    sums = sums_of(matrices(len(stratum), 2), units, WEIGHTS[:2])
    rounding = stratified.tolerance(
        dataclasses.replace(sums, epsilon=epsilon), units, "unbiased"
    ).reshape(2, 2)
    for ours, weights in zip(rounding, (adjusted, within), strict=True):
        expected = 16 * epsilon * np.sqrt(np.sum(weights**2)) * sums.magnitude
        np.testing.assert_allclose(ours, expected + 64 * 2.0**-52 * sums.magnitude, rtol=1e-12)
