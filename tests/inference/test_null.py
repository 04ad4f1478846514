"""Exactness by brute force: no ordering of the units is favoured by relabelings that are random.

Under the null the data are a random ordering of their units. So, over all orderings (or over some
that are closed under what relabelings do), at most a share a may have p <= a, for every a. It is
looked at with single codes, where all that is random is held fixed; with two shuffles, where the
second runs through all there are; and with many by chance. A set of swaps that is no group fails.
"""

import dataclasses
import itertools
from fractions import Fraction

import numpy as np
import pytest
from oracles import assert_rate_at_least, assert_rate_at_most

import repdist
from repdist import kernels
from repdist._blocks import Layout, join
from repdist._designs.relabelings import Relabelings, Swaps
from repdist._designs.units import Units
from repdist._inference.combine import Combination, Null, Statistics
from repdist._inference.transform import columns
from repdist._inference.two_samples import forms, quadratic_form, statistics, tolerance
from repdist._pass.sums import kernel_blocks
from repdist._threads import Workers
from repdist.kernels._plan import plan

CHUNK = 1024  # orderings whose forms are components of one


# --- the p-value of every ordering ---------------------------------------------------------------


class Case:
    """Rows in units, a kernel, and random relabelings; the p-values of orderings of the units."""

    def __init__(self, units, swaps, combine="max", *, R=2, lattice=False):
        rng, shape = np.random.default_rng(1), (units.rows.sum(), 3)
        Z = rng.integers(0, 2, size=shape).astype(float) if lattice else rng.normal(size=shape)
        how = plan(kernels.MultiRBF(tuple(2.0**r for r in range(R))))
        layout = Layout(units.rows, units.sample, ties_matter=True)
        self.sums = join(*kernel_blocks(how, Z, layout, Workers(), squares=True))
        self.units, self.R = units, R
        self.rounding = tolerance(self.sums, units, "unbiased")
        weights, (n, _) = np.array(how.weights), self.sums.sizes
        self.how = Combination(combine, weights, self.sums.squares, n)
        self.drawn = Relabelings(units, swaps.total - 1)
        vars(self.drawn).update(swaps=swaps, exhaustive=False)  # not all, though units are few

    def all_orderings(self):
        movable = np.flatnonzero(self.units.can_move)
        return np.array(list(itertools.permutations(movable.tolist())))

    def forms(self, orderings):
        """The forms (U, U, orderings R) of units in these orders: components of one."""
        sums, U = self.sums, len(self.units.rows)
        places = np.repeat(np.arange(U)[None], len(orderings), axis=0)
        places[:, self.units.can_move] = orderings
        blocks = sums.blocks[:, places[:, :, None], places[:, None, :]]  # (R, orderings, U, U)
        blocks = blocks.swapaxes(0, 1).reshape(-1, U, U)
        diagonal = sums.diagonal[:, places].swapaxes(0, 1).reshape(-1, U)
        side_by_side = dataclasses.replace(sums, blocks=blocks, diagonal=diagonal)
        return quadratic_form(side_by_side, self.units, "unbiased")

    def pvalues(self, orderings, rng=0):
        """The statistics of many orderings at once, and a null for each of them."""
        R, found = self.R, []
        for start in range(0, len(orderings), CHUNK):
            S = self.forms(orderings[start : start + CHUNK])
            both = statistics(S, self.drawn, forms(self.drawn, np.random.default_rng(rng)))
            for first in range(0, S.shape[2], R):
                own = slice(first, first + R)
                one = Statistics(both.deviations[own], both.mean[own])
                found.append(Null(one, self.rounding, self.how).pvalue)
        return np.array(found)

    def assert_exact(self, found):
        assert excess(found, self.drawn.total) <= 0


def excess(found, total):
    """The most by which the share of p-values up to a exceeds a, over all a; in whole numbers."""
    counts = np.rint(found * total).astype(int)
    np.testing.assert_allclose(counts / total, found, rtol=1e-12)
    return max(
        Fraction(int((counts <= count).sum()), len(counts)) - Fraction(count, total)
        for count in set(counts.tolist())
    )


COMBINE = pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
TIES = pytest.mark.parametrize("lattice", [False, True], ids=["continuous", "ties"])


# --- one code: over all orderings, whatever was drawn --------------------------------------------


@pytest.mark.parametrize(
    ("movable", "k", "lattice"),
    [
        ((4, 4), 3, False),
        ((3, 5), 2, True),
        pytest.param((4, 4), 2, False, marks=pytest.mark.slow),
        pytest.param((4, 4), 3, True, marks=pytest.mark.slow),
        pytest.param((3, 5), 2, False, marks=pytest.mark.slow),
        pytest.param((4, 5), 2, False, marks=pytest.mark.slow),
        pytest.param((4, 5), 3, False, marks=pytest.mark.slow),
        pytest.param((4, 5), 3, True, marks=pytest.mark.slow),
    ],
)
def test_one_component_over_all_orderings_of_8_and_9_rows(movable, k, lattice):
    """40,320 and 362,880; without ties each p-value is there equally often."""
    case = Case(Units(1, movable, (0, 0)), Swaps(1, k), R=1, lattice=lattice)
    found = case.pvalues(case.all_orderings())
    case.assert_exact(found)
    if not lattice:
        _, counts = np.unique(found, return_counts=True)
        assert counts.tolist() == [len(found) >> k] * 2**k


@pytest.mark.slow
@COMBINE
@TIES
@pytest.mark.parametrize("movable", [(4, 4), (3, 5)])
def test_components_over_all_orderings_of_8_rows(movable, lattice, combine):
    units, swaps = Units(1, movable, (0, 0)), Swaps(1, movable[0] - 1)
    case = Case(units, swaps, combine, R=3, lattice=lattice)
    case.assert_exact(case.pvalues(case.all_orderings()))


@COMBINE
@TIES
@pytest.mark.parametrize(
    "units", [Units(2, (3, 3), (1, 3)), Units(2, (2, 4), (0, 1)), Units(1, (3, 3), (0, 0))], ids=str
)
def test_components_over_all_orderings_of_6_units(units, lattice, combine):
    """Single rows, bins, and rows that are frozen in the one or the other sample."""
    case = Case(units, Swaps(1, units.movable[0] - 1), combine, R=3, lattice=lattice)
    case.assert_exact(case.pvalues(case.all_orderings()))


def closed(drawn, orderings):
    """These orderings and those that swaps of a code make of them after the first shuffle."""
    movable = np.flatnonzero(drawn.units.can_move)
    x, y = np.searchsorted(movable, next(drawn.shuffled(np.random.default_rng(0)))[0])
    k, found = drawn.swaps.dimension, []
    for ordering in orderings:
        for pattern in range(1 << k):
            swap = np.array([bin(pattern & g).count("1") % 2 == 1 for g in columns(len(x), k)])
            other = ordering.copy()
            other[x[swap]], other[y[swap]] = ordering[y[swap]], ordering[x[swap]]
            found.append(other)
    return np.array(found)


@COMBINE
@TIES
@pytest.mark.parametrize("movable", [(4, 4), (4, 5), (6, 9)])
def test_components_over_the_swaps_of_some_orderings(movable, lattice, combine):
    """Each coset of the code holds the bound by itself, so a few of them tell as much as all."""
    swaps = Swaps(1, min(movable[0] - 1, 4))
    case = Case(Units(1, movable, (0, 0)), swaps, combine, R=3, lattice=lattice)
    rng = np.random.default_rng(0)
    for _ in range(8):
        some = closed(case.drawn, rng.permutation(sum(movable))[None])
        case.assert_exact(case.pvalues(some))


# --- two shuffles --------------------------------------------------------------------------------


def given(monkeypatch, *shuffles):
    """Let the library use these shuffles."""
    monkeypatch.setattr(Relabelings, "shuffled", lambda drawn, rng: iter([np.array(shuffles)]))


@TIES
@pytest.mark.parametrize(
    ("units", "combine"),
    [
        (Units(2, (2, 2), (1, 0)), "max"),
        (Units(1, (2, 2), (0, 0)), "fuse"),
        (Units(1, (2, 3), (0, 0)), "mean"),
        pytest.param(Units(1, (2, 3), (0, 0)), "max", marks=pytest.mark.slow),
        pytest.param(Units(1, (2, 3), (0, 0)), "fuse", marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_a_second_shuffle_over_all_there_are_and_all_orderings(
    monkeypatch, units, combine, lattice
):
    """120 shuffles of five units times 120 orderings, or 24 times 24; each with two swaps."""
    case = Case(units, Swaps(2, 1), combine, lattice=lattice)
    orderings, found = case.all_orderings(), []
    for second in orderings[:, :4].reshape(-1, 2, 2):
        first = np.flatnonzero(units.can_move)[:4].reshape(2, 2)
        given(monkeypatch, first, second)
        found.append(case.pvalues(orderings))
    case.assert_exact(np.concatenate(found))


@COMBINE
def test_a_second_shuffle_over_whole_cosets_of_8_rows(monkeypatch, combine):
    """Data and second shuffle run through the same three cosets of a code with eight swaps."""
    case = Case(Units(1, (4, 4), (0, 0)), Swaps(2, 3), combine)
    rng = np.random.default_rng(0)
    some = rng.permuted(np.repeat(np.arange(8)[None], 3, axis=0), axis=1)
    orderings = closed(case.drawn, some)
    identity = next(case.drawn.shuffled(np.random.default_rng(0)))[0]
    found = []
    for mine, other in itertools.product(orderings, orderings):
        given(monkeypatch, identity, np.argsort(mine)[other[identity]])
        found.append(case.pvalues(mine[None])[0])
    case.assert_exact(np.array(found))


@pytest.mark.parametrize(
    ("units", "swaps", "lattice"),
    [
        (Units(1, (4, 4), (0, 0)), Swaps(3, 3), True),
        (Units(2, (3, 5), (1, 0)), Swaps(4, 2), False),
        (Units(1, (3, 9), (0, 0)), Swaps(16, 0), False),
    ],
    ids=str,
)
def test_shuffles_by_chance(units, swaps, lattice, chance_seed):
    """2,000 orderings with shuffles of their own; false failure 1e-3 (four levels of 1e-4, twice).

    A level of .25 that is .31 is seen with probability .99. Without ties it is attained.
    """
    rng = np.random.default_rng(chance_seed)
    case, movable = Case(units, swaps, lattice=lattice), np.flatnonzero(units.can_move)
    found = [case.pvalues(rng.permutation(movable)[None], rng)[0] for _ in range(2000)]
    for alpha in (2 / swaps.total, 1 / 8, 1 / 4, 3 / 4):
        reached = (np.array(found) <= alpha + 1e-9).sum()
        assert_rate_at_most(reached, 2000, alpha)
        if not lattice:
            assert_rate_at_least(reached, 2000, np.floor(alpha * swaps.total) / swaps.total)


# --- the control ---------------------------------------------------------------------------------


def pvalues_of_patterns(patterns):
    """Over all orderings of three and four rows, by direct labels."""
    case = Case(Units(1, (3, 4), (0, 0)), Swaps(1, 2), "mean", R=1)
    S = case.forms(case.all_orderings())
    labels = np.zeros((len(patterns), 7))
    for row, pattern in zip(labels, patterns, strict=True):
        row[np.where(pattern, [3, 4, 5], [0, 1, 2])] = 1
    T = np.einsum("pu,uvn,pv->np", labels, S, labels, optimize=True)
    return np.array([Null(Statistics.of(t[None]), case.rounding, case.how).pvalue for t in T])


def test_swaps_that_are_no_group_are_found_out():
    """One pair at a time, or none: the same check fails; all of a code passes it."""
    no_group = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    group = [(0, 0, 0), (1, 1, 0), (0, 1, 1), (1, 0, 1)]
    assert excess(pvalues_of_patterns(group), 4) == 0
    assert excess(pvalues_of_patterns(no_group), 4) > 0.01


# --- enumeration ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(8))
def test_small_discrete_samples_have_the_pvalue_of_exact_arithmetic(seed, dtype):
    """Many relabelings tie exactly; p by rational arithmetic of a linear kernel on integers."""
    rng = np.random.default_rng(seed)
    n, m = rng.integers(3, 6, size=2)
    Z = rng.integers(0, 3, size=(n + m, 2))
    result = repdist.mmd_test(
        Z[:n].astype(dtype), Z[n:].astype(dtype), kernel=kernels.Linear(), rng=0
    )

    def exact(chosen):
        X = [Z[i].tolist() for i in chosen]
        Y = [Z[i].tolist() for i in range(n + m) if i not in chosen]

        def total(A, B, skip=False):
            return sum(
                sum(p * q for p, q in zip(a, b, strict=True))
                for i, a in enumerate(A)
                for j, b in enumerate(B)
                if not (skip and i == j)
            )

        return (
            Fraction(total(X, X, True), int(n * (n - 1)))
            + Fraction(total(Y, Y, True), int(m * (m - 1)))
            - Fraction(2 * total(X, Y), int(n * m))
        )

    observed = exact(range(n))
    all_values = [exact(chosen) for chosen in itertools.combinations(range(n + m), int(n))]
    assert result.exhaustive
    assert result.pvalue == sum(value >= observed for value in all_values) / len(all_values)


def test_small_samples_keep_double_precision_whatever_the_kernel_is_in():
    """A matrix in float32 is as it is; relabelings of it lose nothing more, so ties stay ties."""
    Z = np.random.default_rng(0).normal(size=(60, 2))
    K = kernels.RBF(1.0)(Z, Z).astype(np.float32)
    single, double = (
        repdist.mmd_test(range(30), range(30, 60), kernel=kernels.Precomputed(values), rng=0)
        for values in (K, K.astype(np.float64))
    )
    np.testing.assert_array_equal(single.null_distribution, double.null_distribution)
