"""Relabelings as labels: those that forms of other tests use, each as often."""

import itertools
from collections import Counter

import numpy as np
import pytest

from repdist._designs.clusters import ClusterRelabelings, Clusters
from repdist._designs.paired import Flips, PairedUnits
from repdist._designs.relabelings import Relabelings, Swaps
from repdist._designs.strata import StrataRelabelings, StrataUnits, Stratum
from repdist._designs.units import Units
from repdist._inference.labels import label_blocks


def strata(*movable, frozen=(0, 0)):
    return StrataUnits(
        tuple(
            Stratum(name, (first + frozen[0], second + frozen[1]), 1, (first, second))
            for name, (first, second) in zip("abc", movable, strict=False)
        )
    )


SIZES = np.ones(4, dtype=int), np.ones(9, dtype=int)
DESIGNS = {
    "rows": Relabelings(Units(1, (4, 4), (0, 0)), 10**6),
    "frozen rows": Relabelings(Units(2, (3, 4), (1, 1)), 10**6),
    "pairs": Flips(PairedUnits(6, 6), 10**6),
    "bins of pairs": Flips(PairedUnits(7, 3), 10**6),
    "strata": StrataRelabelings(strata((2, 3), (3, 2)), 10**6),
    "strata with frozen rows": StrataRelabelings(strata((2, 3), (2, 2), frozen=(1, 2)), 10**6),
    "clusters": ClusterRelabelings.of_clusters(Clusters.of(*SIZES), 10**6, "rows"),
}
EVERY = pytest.mark.parametrize("drawn", DESIGNS.values(), ids=DESIGNS.keys())


def at_random(drawn, swaps):
    """The same with random relabelings, although all could be enumerated."""
    some = type("Some", (type(drawn),), {"exhaustive": False, "swaps": swaps})
    return some(**{name: getattr(drawn, name) for name in drawn.__dataclass_fields__})


def all_of(drawn, seed=0):
    return np.concatenate(list(label_blocks(drawn, np.random.default_rng(seed))))


def kept_in_each(units, labels):
    """Of each relabeling, how many units of what is shuffled together lie in the first sample."""
    return np.stack(
        [labels[:, units.shuffled_within == s].sum(axis=1) for s in set(units.shuffled_within)]
    )


@EVERY
def test_all_relabelings_once_the_observed_one_first(drawn):
    units, labels = drawn.units, all_of(drawn)
    assert drawn.exhaustive
    assert len(labels) == drawn.total
    np.testing.assert_array_equal(labels[0], units.sample == 0)
    assert len({tuple(row) for row in labels.tolist()}) == len(labels)
    assert (labels[:, ~units.can_move] == labels[0, ~units.can_move]).all()
    kept = kept_in_each(units, labels)
    assert (kept == kept[:, :1]).all()


def test_all_of_eight_rows_are_all_choices():
    expected = set(itertools.combinations(range(8), 4))
    assert {tuple(np.flatnonzero(row)) for row in all_of(DESIGNS["rows"])} == expected


def test_all_of_pairs_are_all_flips_but_for_that_of_all():
    """Pair 0 stays, since to flip all pairs changes nothing."""
    labels = all_of(DESIGNS["pairs"])
    assert (labels[:, :6] != labels[:, 6:]).all()
    assert labels[:, 0].all()
    assert len(labels) == 32


@EVERY
@pytest.mark.parametrize("swaps", [Swaps(64, 2), Swaps(256, 0), Swaps(2, 1)])
def test_random_relabelings_keep_the_design_and_begin_with_the_observed_one(drawn, swaps):
    if swaps.dimension == 0 and isinstance(drawn, Flips):
        pytest.skip("pairs have swaps")
    drawn = at_random(drawn, swaps)
    units, labels = drawn.units, all_of(drawn)
    assert labels.shape == (swaps.total, len(units.sample))
    np.testing.assert_array_equal(labels[0], units.sample == 0)
    assert (labels[:, ~units.can_move] == labels[0, ~units.can_move]).all()
    kept = kept_in_each(units, labels)
    assert (kept == kept[:, :1]).all()


@EVERY
def test_swaps_follow_each_shuffle_as_a_group(drawn):
    """The labels of a shuffle, less those of its first, are closed under addition mod 2."""
    k = 2 if drawn.units.movable[0] > 2 else 1
    labels = all_of(at_random(drawn, Swaps(8, k))).reshape(8, 2**k, -1)
    for of_shuffle in labels:
        steps = [tuple(row ^ of_shuffle[0]) for row in of_shuffle]
        assert {tuple(np.array(a) ^ np.array(b)) for a in steps for b in steps} == set(steps)


def test_shuffles_are_uniform():
    """A chi-square of 32,768 relabelings over all 70: rejected falsely once in 10^4."""
    from scipy import stats

    labels = all_of(at_random(DESIGNS["rows"], Swaps(32768, 0)))
    counts = Counter(tuple(row) for row in labels.tolist())
    assert len(counts) == 70
    assert stats.chisquare(list(counts.values())).pvalue > 1e-4


@pytest.mark.parametrize("name", ["rows", "pairs", "strata"])
def test_forms_of_other_tests_have_the_same_relabelings(name):
    """Quadratic forms by the transform are those of the labels, one by one, from one seed."""
    from repdist._inference.two_samples import forms

    drawn = at_random(DESIGNS[name], Swaps(8, 2))
    U = len(drawn.units.sample)
    H = np.eye(U) - 1 / U
    S = np.random.default_rng(1).normal(size=(U, U))
    S = (H @ (S + S.T) @ H)[..., None]  # what follows of an MMD^2 is centred
    values = np.concatenate([form(S)[0] for form in forms(drawn, np.random.default_rng(5))])
    labels = all_of(drawn, 5)
    expected = np.einsum("bu,uv,bv->b", labels, S[..., 0], labels)
    np.testing.assert_allclose(values - values[0], expected - expected[0], atol=1e-10)
