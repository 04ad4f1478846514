"""Bins as rows: every relabeling against double loops over the means of bins."""

import itertools

import numpy as np
import pytest

from repdist._blocks import join
from repdist._designs.paired import Flips, PairedUnits
from repdist._designs.relabelings import Relabelings
from repdist._designs.strata import StrataRelabelings, StrataUnits, Stratum
from repdist._designs.table_cuts import Streams, TableCuts
from repdist._designs.units import Units
from repdist._inference.combine import Combination
from repdist._inference.landmarks import PairsOfBins, bins_as_rows, null
from repdist._inference.two_samples import forms, statistics
from repdist._pass.landmarks import Landmarks, unit_sums
from repdist._pass.sums import kernel_blocks
from repdist._threads import Workers
from repdist.kernels import MultiRBF
from repdist.kernels._plan import plan

ESTIMATORS = pytest.mark.parametrize("estimator", ["unbiased", "biased"])
WIDTHS = (3, 4)  # of the features of each component
WEIGHTS = np.array([0.7, 0.3])
SQUARES = np.array([0.2, 0.6])
EPSILON = 2.0**-52


def features_of(units, seed=0):
    """Sums of features over units; rows of the samples are not alike."""
    rng = np.random.default_rng(seed)
    of_unit = np.repeat(np.arange(len(units.rows)), units.rows)
    sums = []
    for k in WIDTHS:
        rows = rng.normal(size=(len(of_unit), k)) + units.sample[of_unit][:, None]
        sums.append(np.stack([rows[of_unit == u].sum(axis=0) for u in range(len(units.rows))]))
    return sums


def over_relabelings(features, units, drawn, estimator, rule="mean"):
    """MMD^2 of each component under each relabeling, (R, B), and the null made of them."""
    found = []

    def relabeled(S):
        found.append(statistics(S, drawn, forms(drawn, np.random.default_rng(1))))
        return found[0]

    sums = bins_as_rows(features, units, EPSILON, SQUARES)
    made = null(
        sums, units.as_rows, Combination(rule, WEIGHTS, sums.squares, 9), estimator, relabeled
    )
    return found[0].deviations + found[0].mean[:, None], made


def virtual(features, units, labels):
    """Per component the mean features of each row of the test, and in which sample each lies."""
    kept = np.repeat(np.arange(len(units.rows)), units.in_rows)
    means = [(sums / units.rows[:, None])[kept] for sums in features]
    return means, labels[np.cumsum(units.in_rows > 0)[kept] - 1], kept


def mean_over_pairs(A, B, *, own):
    """The mean product of a row of A and one of B; without those of a row with itself."""
    values = [
        float(np.dot(a, b))
        for (i, a), (j, b) in itertools.product(enumerate(A), enumerate(B))
        if own or i != j
    ]
    return sum(values) / len(values)


def mmd_squared(V, first, estimator):
    X, Y, own = V[first], V[~first], estimator == "biased"
    return (
        mean_over_pairs(X, X, own=own)
        + mean_over_pairs(Y, Y, own=own)
        - 2 * mean_over_pairs(X, Y, own=True)
    )


def labels_of(drawn):
    """Which units are in the first sample under each relabeling, of few, (B, U)."""
    units = drawn.units
    for firsts in itertools.chain(*drawn.every()):
        labels = (units.sample == 0) & ~units.can_move
        labels[firsts] = True
        yield labels


# --- rows ----------------------------------------------------------------------------------------


CUT = {
    "single rows": Units(1, (3, 4), (0, 0)),
    "bins": Units(5, (3, 4), (0, 0)),
    "rests that fill no bin": Units(5, (3, 4), (2, 3)),
    "frozen rows that fill bins": Units(3, (2, 5), (0, 10)),
    "frozen rows of both": Units(3, (3, 3), (7, 4)),
    "frozen single rows": Units(1, (2, 4), (0, 5)),
}
CUTS = pytest.mark.parametrize("units", CUT.values(), ids=CUT.keys())


@ESTIMATORS
@CUTS
def test_every_relabeling_is_that_of_the_means_of_bins(units, estimator):
    """A frozen unit counts as the rows that fill bins of their own; fewer are left out."""
    features = features_of(units)
    drawn = Relabelings(units.as_rows, 10**6)
    assert drawn.exhaustive
    got, made = over_relabelings(features, units, drawn, estimator)
    expected = []
    for labels in labels_of(drawn):
        means, first, _ = virtual(features, units, labels)
        expected.append([mmd_squared(V, first, estimator) for V in means])
    np.testing.assert_allclose(got, np.transpose(expected), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(made.distribution(), WEIGHTS @ got, rtol=1e-12, atol=1e-12)
    reached = sum(WEIGHTS @ row >= WEIGHTS @ expected[0] - 1e-12 for row in expected)
    assert made.pvalue == reached / len(expected)


@CUTS
def test_what_sums_say_of_themselves(units):
    """Sizes count bins; squares are of the rows; rounding is that of a mean over a bin."""
    sums = bins_as_rows(features_of(units), units, EPSILON, SQUARES)
    whole = [m + f // units.size for m, f in zip(units.movable, units.frozen, strict=True)]
    assert sums.sizes == tuple(whole)
    N = units.rows.sum()
    np.testing.assert_allclose(sums.squares, SQUARES * N * (N - 1), rtol=1e-12)
    assert sums.epsilon == EPSILON / units.size
    np.testing.assert_array_equal(sums.magnitude, [1, 1])
    means, _, kept = virtual(features_of(units), units, np.ones(len(units.rows), dtype=bool))
    for own, V in zip(sums.diagonal, means, strict=True):
        expected = np.bincount(kept, np.square(V).sum(axis=1), len(units.rows))
        np.testing.assert_allclose(own, expected[units.in_rows > 0], rtol=1e-12)


def test_with_all_rows_as_landmarks_single_rows_have_the_sums_of_the_kernel():
    """The projection is then the kernel itself, up to eigenvalues that are left out."""
    Z = np.random.default_rng(0).normal(size=(17, 2))
    units, how = Units(1, (7, 10), (0, 0)), plan(MultiRBF((0.2, 0.5)))
    landmarks = Landmarks.of(how, Z, precise=True, differences=True)
    found = unit_sums(landmarks, Z, np.arange(17), 17, Workers())
    sums = bins_as_rows(landmarks.features(found.sums), units, EPSILON, SQUARES)
    expected = join(*kernel_blocks(how, Z, _layout(units), Workers(), squares=True))
    np.testing.assert_allclose(sums.blocks, expected.blocks, atol=1e-9)
    np.testing.assert_allclose(sums.diagonal, expected.diagonal, atol=1e-5)
    _, squares = landmarks.looked_at(Z)
    np.testing.assert_allclose(squares * 17 * 16, expected.squares, rtol=1e-12)


def _layout(units):
    from repdist._blocks import Layout

    return Layout(units.rows, units.sample, ties_matter=True)


# --- pairs ---------------------------------------------------------------------------------------


@ESTIMATORS
@pytest.mark.parametrize(
    "units", [PairedUnits(5, 5), PairedUnits(15, 5), PairedUnits(17, 5)], ids=str
)
def test_every_flip_is_that_of_the_means_of_bins_of_pairs(units, estimator):
    """Bins of pairs count alike, whether they hold one pair more or not."""
    features, K = features_of(units), units.bins
    drawn = Flips(units.as_rows, 10**6)
    got, _ = over_relabelings(features, units, drawn, estimator)
    expected = []
    for labels in labels_of(drawn):
        signs = np.where(labels[:K], 1, -1)
        of_labels = []
        for sums in features:
            means = sums / units.rows[:, None]
            D = signs[:, None] * (means[:K] - means[K:])  # H_ij = D_i . D_j
            total = sum(
                D[i] @ D[j]
                for i, j in itertools.product(range(K), repeat=2)
                if i != j or estimator == "biased"
            )
            of_labels.append(total / (K * (K - (estimator == "unbiased"))))
        expected.append(of_labels)
    np.testing.assert_allclose(got, np.transpose(expected), rtol=1e-12, atol=1e-12)


# --- strata --------------------------------------------------------------------------------------


def arranged(*strata):
    """Units of strata, each given as (rows of a unit, movable units, frozen rows)."""
    return StrataUnits(
        tuple(
            Stratum(name, tuple(size * np.array(movable) + frozen), size, movable)
            for name, (size, movable, frozen) in zip("abc", strata, strict=False)
        )
    )  # fmt: skip


STRATA = {
    "one size": arranged((3, (2, 3), (0, 0)), (3, (2, 2), (0, 0))),
    "two sizes and rests": arranged((3, (2, 3), (1, 2)), (2, (3, 2), (1, 0))),
    "frozen rows that fill bins": arranged((2, (2, 2), (0, 7)), (4, (2, 2), (5, 3))),
    "three strata": arranged((1, (2, 2), (0, 0)), (2, (2, 2), (1, 1)), (3, (2, 2), (0, 4))),
}


def in_strata(V, first, stratum, shares, estimator):
    """Both statistics of one labeling from their definitions: adjusted and within."""
    own, adjusted, within = estimator == "biased", 0.0, 0.0
    for (s, w), (t, v) in itertools.product(enumerate(shares), repeat=2):
        value = 0.0
        for one, other in itertools.product([True, False], repeat=2):
            A, B = V[(stratum == s) & (first == one)], V[(stratum == t) & (first == other)]
            leave_out = s == t and one == other and not own
            value += (1 if one == other else -1) * mean_over_pairs(A, B, own=not leave_out)
        adjusted += w * v * value
        within += w * value * (s == t)
    return adjusted, within


@ESTIMATORS
@pytest.mark.parametrize("units", STRATA.values(), ids=STRATA.keys())
def test_every_relabeling_in_strata_is_that_of_the_means_of_bins(units, estimator):
    """Shares of strata are those of all rows, not of bins."""
    features = features_of(units)
    drawn = StrataRelabelings(units.as_rows, 10**6)
    assert drawn.exhaustive
    got, _ = over_relabelings(features, units, drawn, estimator, rule="max")
    both = list(labels_of(drawn))
    assert got.shape == (4, len(both))
    rows = units.counts.sum(axis=1)
    for b in np.random.default_rng(0).choice(len(both), min(40, len(both)), replace=False):
        means, first, kept = virtual(features, units, both[b])
        stratum = units.stratum[kept]
        expected = [
            in_strata(V, first, stratum, rows / rows.sum(), estimator) for V in means
        ]  # (R, 2)
        np.testing.assert_allclose(
            got[:, b], np.transpose(expected).ravel(), rtol=1e-12, atol=1e-12
        )


def test_in_strata_a_rule_other_than_the_largest_takes_adjusted_statistics_alone():
    units = STRATA["one size"]
    drawn = StrataRelabelings(units.as_rows, 10**6)
    got, made = over_relabelings(features_of(units), units, drawn, "unbiased", rule="mean")
    both, _ = over_relabelings(features_of(units), units, drawn, "unbiased", rule="max")
    np.testing.assert_array_equal(got, both[:2])
    values = WEIGHTS @ got
    np.testing.assert_allclose(made.distribution(), values, atol=1e-12)
    assert made.pvalue == np.mean(values >= values[0] - 1e-12)


@ESTIMATORS
def test_rounding_in_strata_is_that_of_means_of_bins(estimator):
    """Relabelings that are apart by more count as apart."""
    units = STRATA["frozen rows that fill bins"]
    drawn = StrataRelabelings(units.as_rows, 10**6)
    _, made = over_relabelings(features_of(units), units, drawn, estimator, rule="max")
    assert len(made._tolerance) == 4
    assert (made._tolerance > 0).all()
    assert (made._tolerance < 1e-12).all()


# --- tables --------------------------------------------------------------------------------------


@pytest.mark.parametrize("pairs", [None, [(0, 1), (0, 2)]], ids=["all", "some"])
@pytest.mark.parametrize("rule", ["max", "mean", "fuse"])
def test_a_pair_of_a_table_is_a_test_of_two_samples(rule, pairs):
    """From units of the whole table, joined to those of the pair."""
    sizes = [300, 421, 700]
    cuts = TableCuts.of(sizes, "auto", 99, Streams(3, ("a", "b", "c")), pairs)
    rng = np.random.default_rng(0)
    rows = [[rng.normal(size=(n, k)) + 0.02 * g for k in WIDTHS] for g, n in enumerate(sizes)]
    features = [
        [np.add.reduceat(part, edges[:-1], axis=0) for part in of_group]
        for of_group, edges in zip(rows, cuts.edges, strict=True)
    ]
    test = PairsOfBins(features, cuts, WEIGHTS, SQUARES, (rule, "unbiased"), EPSILON)
    for g, h in [(0, 1), (0, 2)]:
        got = test(h, g)
        drawn = got.drawn
        units = drawn.units
        of_pair = [
            np.concatenate(
                [
                    np.stack([part.sum(axis=0) for part in np.split(rows[i][r], edges[1:-1])])
                    for i, edges in zip((g, h), _edges(units), strict=True)
                ]
            )
            for r in range(2)
        ]
        sums = bins_as_rows(of_pair, units, EPSILON, SQUARES)
        numbers = units.as_rows.size, *units.as_rows.movable, *units.as_rows.frozen, drawn.total
        stream = cuts.streams.shared("relabelings", *numbers)
        as_rows = Relabelings(units.as_rows, drawn.wanted)

        def relabeled(S, as_rows=as_rows, stream=stream):
            return statistics(S, as_rows, forms(as_rows, stream))

        how = Combination(rule, WEIGHTS, sums.squares, sizes[g])
        alone = null(sums, units.as_rows, how, "unbiased", relabeled)
        assert got.pvalue == alone.pvalue
        assert got.statistic == pytest.approx(alone.statistic, rel=1e-9, abs=1e-12)
        assert got.varies


def _edges(units):
    n, m = units.counts
    return [cut.edges(count) for cut, count in zip(units.cuts, (n, m), strict=True)]
