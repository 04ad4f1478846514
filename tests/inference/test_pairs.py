"""Every pair of a table is a test of two samples; the order of groups decides nothing."""

import dataclasses
import itertools

import numpy as np
import pytest
from oracles import assert_rate_at_least, assert_rate_at_most

from repdist import kernels
from repdist._blocks import Block, Layout, join
from repdist._designs.table_cuts import Streams, TableCuts, small_pvalue
from repdist._inference.combine import Combination, Null
from repdist._inference.estimates import component_estimates, standard_error
from repdist._inference.pairs import _PairTest, compare_pairs
from repdist._inference.two_samples import (
    forms,
    null_variance,
    quadratic_form,
    statistics,
    tolerance,
)
from repdist._pass.sums import kernel_blocks
from repdist._threads import Workers, computing
from repdist.kernels._plan import plan

HOW = plan(kernels.MultiRBF((0.5, 1.0, 3.0)))
WEIGHTS = np.array(HOW.weights)


def groups(sizes, step=0.2):
    rng = np.random.default_rng(0)
    return {f"g{i}": rng.normal(size=(n, 2)) + step * i for i, n in enumerate(sizes)}


def compared(given, n_resamples=99, combine="max", n_jobs=1, n_bins="auto"):
    """All pairs of the groups in this order."""
    cuts = TableCuts.of(
        list(map(len, given.values())), n_bins, n_resamples, Streams(5, tuple(given))
    )
    Z = np.concatenate(list(given.values()))
    with computing():
        blocks = kernel_blocks(HOW, Z, cuts.layout, Workers(), squares=True)
        return compare_pairs(blocks, cuts, WEIGHTS, (combine, "unbiased"), n_jobs), cuts


def own(drawn, cuts):
    """The forms of relabelings with the stream that their numbers select."""
    units = drawn.units
    numbers = units.size, *units.movable, *units.frozen, drawn.total
    return forms(drawn, cuts.streams.shared("relabelings", *numbers))


def two_samples(X, Y, cuts, g, h, combine):
    """The test of two groups alone: the first p-value is told unless it is small."""
    drawn, finer = cuts.relabelings(g, h)
    units = drawn.units
    layout = Layout(units.rows, units.sample, cuts.small)
    with computing():
        sums = join(*kernel_blocks(HOW, np.concatenate([X, Y]), layout, Workers(), squares=True))
    S = quadratic_form(sums, units, "unbiased")
    rounding = tolerance(sums, units, "unbiased")
    how = Combination(combine, WEIGHTS, sums.squares, len(X))
    null = Null(statistics(S, drawn, own(drawn, cuts)), rounding, how)
    if not drawn.exhaustive and finer != drawn and null.pvalue * drawn.total <= 16:
        drawn, null = finer, Null(statistics(S, finer, own(finer, cuts)), rounding, how)
    return drawn, null, sums, S


SIZES = pytest.mark.parametrize(
    "sizes",
    [(20, 30, 25), (40, 40, 40, 40), (140, 130, 140, 600), (4, 5, 60, 4), (3, 900)],
    ids=str,
)


@pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
@SIZES
def test_a_pair_is_a_test_of_two_samples(sizes, combine):
    """With the same units and stream; some pairs get more relabelings, some do not."""
    given = groups(sizes)
    found, cuts = compared(given, combine=combine)
    arrays = list(given.values())
    pairs = list(itertools.combinations(range(len(sizes)), 2))
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == pairs
    for i, (a, b) in enumerate(pairs):
        g, h = cuts.ordered(a, b)
        drawn, null, sums, S = two_samples(arrays[g], arrays[h], cuts, g, h, combine)
        assert found.relabelings[i] == drawn
        assert found.pvalue[i] == null.pvalue
        assert found.statistic[i] == pytest.approx(null.statistic, rel=1e-9)
        assert found.varies[i]
        mmd_squared = component_estimates(sums, drawn.units.sample, "unbiased") @ WEIGHTS
        error = standard_error(sums.first_rows, sums.second_rows)
        variance = null_variance(S, drawn.units, WEIGHTS)
        assert found.estimate.mmd_squared[i] == pytest.approx(mmd_squared, rel=1e-9)
        assert found.estimate.standard_error[i] == pytest.approx(error, rel=1e-9)
        assert found.estimate.null_variance[i] == pytest.approx(variance, rel=1e-9)


@pytest.mark.parametrize("wanted", [30, 63])
def test_a_pair_has_more_relabelings_if_its_first_pvalue_is_small(wanted):
    """16 of the first, or fewer, reach the observed one; six pairs ask for 512."""
    found, cuts = compared(groups((40, 41, 42, 43)), n_resamples=wanted)
    first = cuts.relabelings(0, 1)[0].total
    totals = np.array([drawn.total for drawn in found.relabelings])
    assert set(totals.tolist()) == {first, 512}
    assert (found.pvalue[totals == first] > 16 / first).all()
    assert ((found.pvalue * totals) % 1 == 0).all()
    assert found.pvalue.min() < 16 / first


@pytest.mark.parametrize(
    ("sizes", "step"),
    [((40, 50, 45, 50), 0.2), ((40, 40, 40, 40), 0.25), ((140, 130, 140, 250), 0.1)],
    ids=str,
)
@pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
def test_the_order_of_groups_changes_no_pvalue(sizes, step, combine):
    """Names keep their rows; more relabelings for small p-values included."""
    given = groups(sizes, step)
    found, _ = compared(given, 63, combine)
    assert len({drawn.total for drawn in found.relabelings}) > 1

    def cells(names, comparison, values):
        pairs = zip(comparison.first.tolist(), comparison.second.tolist(), strict=True)
        return {
            frozenset((names[a], names[b])): value
            for (a, b), value in zip(pairs, values, strict=True)
        }

    names = list(given)
    for order in (names[::-1], ["g2", "g0", "g3", "g1"]):
        other, _ = compared({name: given[name] for name in order}, 63, combine)
        for one, again in ((found.pvalue, other.pvalue), (found.relabelings, other.relabelings)):
            assert cells(names, found, one) == cells(order, other, again)
        ours, theirs = (
            cells(*arguments)
            for arguments in ((names, found, found.statistic), (order, other, other.statistic))
        )
        assert theirs == pytest.approx(ours, rel=1e-9)


def test_threads_change_no_bit():
    given = groups((40, 50, 45, 30, 60))
    (one, _), (three, _) = (compared(given, n_jobs=n_jobs) for n_jobs in (1, 3))
    for name in ("pvalue", "statistic", "varies", "spread"):
        np.testing.assert_array_equal(getattr(one, name), getattr(three, name))
    np.testing.assert_array_equal(one.whole.S, three.whole.S)


def test_other_names_draw_other_relabelings():
    given = groups((40, 40, 40))
    renamed = dict(zip("abc", given.values(), strict=True))
    assert (compared(given)[0].pvalue != compared(renamed)[0].pvalue).any()


def test_groups_that_do_not_vary_say_so():
    flat = {"a": np.ones((20, 2)), "b": np.ones((30, 2)), "c": groups((25,))["g0"]}
    found, _ = compared(flat)
    assert found.varies.tolist() == [False, True, True]
    assert found.pvalue[0] == 1


def blocks_of(K, n):
    """The blocks within two groups and between them, of one matrix K (N, N)."""
    off = K * (1 - np.eye(len(K)))
    groups = slice(None, n), slice(n, None)
    found = []
    for g, h in ((0, 0), (1, 1), (0, 1)):
        part = off[groups[g], groups[h]]
        diagonal = np.diagonal(K)[groups[g]][None]
        found.append(
            Block(g, h, part[None], diagonal, part.sum(axis=1), part.sum(axis=0), np.ones(1),
                  np.ones(1), 2.0**-52)
        )  # fmt: skip
    return found


@pytest.mark.slow
def test_pvalues_that_are_told_are_exact(chance_seed):
    """3,000 orderings of 6 and 7 rows, each with a stream of its own: p of 64, if small of 128.

    On both sides of c = 1 / 4. False failure 1e-3 (seven levels of 1e-4, and three below); a level
    of .05 that is .07, or of .2 that is .24, is seen with probability .9.
    """
    rng = np.random.default_rng(chance_seed)
    K = HOW.values(*[rng.normal(size=(13, 2))] * 2)
    base = TableCuts.of([6, 7], "auto", 63, Streams(0, ("a", "b")))
    drawn, finer = base.relabelings(0, 1)
    assert (drawn.total, finer.total, small_pvalue(drawn)) == (64, 128, 1 / 4)
    found = []
    for trial in range(3000):
        order = rng.permutation(13)
        first, second, across = blocks_of(K[np.ix_(order, order)], 6)
        streams = Streams(trial, ("a", "b"))
        cuts = dataclasses.replace(base, streams=streams)
        test = _PairTest(cuts, [first, second], np.ones(1), ("mean", "unbiased"))
        found.append(test(across)[4].pvalue)
    for alpha in (1 / 128, 1 / 64, 0.05, 0.2, 1 / 4, 0.3, 0.5):
        assert_rate_at_most((np.array(found) <= alpha).sum(), 3000, alpha)
    for alpha, rate in ((1 / 128, 0.003), (1 / 4, 0.2), (0.75, 0.75)):
        assert_rate_at_least((np.array(found) <= alpha).sum(), 3000, rate)
