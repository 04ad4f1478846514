"""How many images are needed, which are typical, and which classes are mistaken for each other."""

import importlib
import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

analysis = importlib.import_module("repdist._experiments.lenet_gap.analysis")


# --- images needed -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def needed():
    """Two groups that are one, and a third far away."""
    rng = np.random.default_rng(0)
    same = rng.normal(size=(120, 3))
    groups = np.stack([same, same[rng.permutation(120)], rng.normal(size=(120, 3)) + 50])
    frame = analysis.images_needed(groups, ["one", "again", "far"], np.random.default_rng(0))
    return frame.set_index(["first", "second"])


def test_all_pairs_are_tried_once(needed):
    assert needed.index.tolist() == [("one", "again"), ("one", "far"), ("again", "far")]


def test_four_images_tell_far_groups_apart(needed):
    for row in (needed.loc["one", "far"], needed.loc["again", "far"]):
        assert row["images_needed"] == 4
        assert row["share_4"] == 1
        assert row[["share_5", "share_6", "share_10", "share_20", "share_100"]].isna().all()


def test_two_or_three_images_are_never_enough(needed):
    assert (needed[["share_2", "share_3"]] == 0).all(axis=None)


def test_equal_groups_are_not_told_apart(needed):
    row = needed.loc["one", "again"]
    assert row["images_needed"] == 0
    shares = row.filter(like="share_")
    assert len(shares) == 10
    assert (shares < analysis.SHARE).all()


@pytest.mark.parametrize(("n_told", "expected"), [(17, 0), (18, 10), (20, 10)])
def test_eighteen_of_twenty_subsamples_are_enough(n_told, expected, monkeypatch):
    """Of the tests at 10 images, `n_told` have p = .05, which counts, the others a larger one."""
    pvalues = iter([0.05] * n_told + [0.051] * (20 - n_told))
    drawn = []

    def mmd_test(X, Y, *, n_resamples, rng):
        drawn.append((X, Y))
        assert n_resamples == 1023
        return type("Result", (), {"pvalue": next(pvalues)})

    monkeypatch.setattr(analysis, "SIZES", (10,))
    monkeypatch.setattr(analysis.repdist, "mmd_test", mmd_test)
    groups = np.arange(60.0).reshape(2, 30, 1)
    frame = analysis.images_needed(groups, ["a", "b"], np.random.default_rng(0))
    assert frame["images_needed"].tolist() == [expected]
    assert frame["share_10"].tolist() == [n_told / 20]
    assert len(drawn) == 20
    for X, Y in drawn:
        assert len(np.unique(X)) == len(np.unique(Y)) == 10
        assert set(X.ravel()) <= set(groups[0].ravel())
        assert set(Y.ravel()) <= set(groups[1].ravel())


# --- nearest groups and mistakes -----------------------------------------------------------------


def test_the_nearest_other_group():
    table = pd.DataFrame([[0.0, 3, -1, 2], [3, 0, 4, 1], [-1, 4, 0, 5], [2, 1, 5, 0]])
    before = table.copy()
    assert analysis.nearest(table) == [2, 3, 0, 1]
    pd.testing.assert_frame_equal(table, before)


def test_mistakes_are_counted():
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(5, size=(2, 200)).astype(np.uint8)
    counts = analysis.confusion(labels, predicted, 6)
    for i, j in np.ndindex(6, 6):
        pairs = zip(labels, predicted, strict=True)
        assert counts[i, j] == sum(pair == (i, j) for pair in pairs)


# --- rank correlation ----------------------------------------------------------------------------


def distances_and_counts(seed, k, most=4):
    rng = np.random.default_rng(seed)
    distances = rng.random((k, k))
    return distances + distances.T, rng.integers(most, size=(k, k))


def spearman(distances, counts):
    pairs = list(itertools.combinations(range(len(distances)), 2))
    return stats.spearmanr(
        [distances[i, j] for i, j in pairs], [counts[i, j] + counts[j, i] for i, j in pairs]
    ).statistic


@pytest.mark.parametrize("seed", range(4))
def test_the_value_is_spearmans(seed):
    distances, counts = distances_and_counts(seed, 7)  # with ties
    got = analysis.rank_correlation(distances, counts, np.random.default_rng(0), n_resamples=1)
    assert got.value == pytest.approx(spearman(distances, counts), rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_the_pvalue_is_that_of_relabeled_classes(seed):
    distances, counts = distances_and_counts(seed, 5)
    got = analysis.rank_correlation(distances, counts, np.random.default_rng(8), n_resamples=99)
    rng, extreme = np.random.default_rng(8), 1
    for _ in range(99):
        order = rng.permutation(5)
        value = spearman(distances, counts[order][:, order])
        extreme += abs(value) >= abs(got.value) - 1e-12
    assert got.pvalue == pytest.approx(extreme / 100, rel=1e-12)


def test_the_test_of_ranks_keeps_its_level():
    """For four classes and all 24 relabelings: #{p <= a} <= 24 a."""

    class AllOrders:
        def __init__(self):
            self.orders = itertools.permutations(range(4))
            next(self.orders)  # the identity counts as that of the data

        def permutation(self, k):
            return np.array(next(self.orders))

    distances, counts = distances_and_counts(1, 4, most=50)
    pvalues = []
    for order in itertools.permutations(range(4)):
        relabeled = counts[list(order)][:, list(order)]
        pvalues.append(
            analysis.rank_correlation(distances, relabeled, AllOrders(), n_resamples=23).pvalue
        )
    assert len(set(pvalues)) > 4
    for a in pvalues:
        assert sum(p <= a + 1e-12 for p in pvalues) <= 24 * a + 1e-9


def test_without_mistakes_there_is_no_correlation():
    distances, _ = distances_and_counts(0, 5)
    got = analysis.rank_correlation(
        distances, np.diag(np.arange(5)), np.random.default_rng(0), n_resamples=9
    )
    assert (got.value, got.pvalue) == (0, 1)
