"""The level without chance where rows depend on each other: no relabeling may be favoured.

For fixed rows, run the test with every arrangement that the design calls equally likely as the
observed one. At most a fraction a of them may get p <= a, for every a.
"""

import itertools

import numpy as np
import pytest
from oracles import all_choices, all_flips, assert_exact

import repdist
from repdist._designs import clusters
from repdist._questions import outcomes

ALL_THREE = pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
WITHIN = pytest.mark.parametrize("combine", ["max", "mean"])
KINDS = [
    ("continuous", "unbiased"),
    ("ties", "unbiased"),
    ("ties", "biased"),
    ("float32", "biased"),
]


def half(combines, first):
    """Each combination with every other kind of rows, beginning with that of number `first`."""
    return pytest.mark.parametrize(
        ("combine", "kind", "estimator"),
        [
            (combine, *KINDS[j])
            for i, combine in enumerate(combines)
            for j in range((i + first) % 2, len(KINDS), 2)
        ],
    )


def rows_of(sizes, kind, seed=0):
    """Rows of clusters of these sizes."""
    rng = np.random.default_rng(seed)
    if kind == "ties":
        return [rng.integers(0, 2, size=(n, 2)).astype(float) for n in sizes]
    rows = [rng.normal(size=(n, 2)) + rng.normal(size=2) for n in sizes]
    return [some.astype(np.float32) for some in rows] if kind == "float32" else rows


def joined(rows, numbers):
    """The rows of these clusters one after the other, and the number of each row's cluster."""
    numbers = list(numbers)
    ids = np.repeat(np.arange(len(numbers)), [len(rows[i]) for i in numbers])
    return np.concatenate([rows[i] for i in numbers]), ids


def pvalue(first, second, combine, total, **options):
    """The p-value told and that of so many relabelings; the kernel is fitted on the rows."""
    result = repdist.mmd_test(first, second, combine=combine, **{"rng": 0, "n_jobs": 1} | options)
    assert (result.exhaustive, result.n_resamples) == (True, total)
    return result.pvalue, result.null.pvalue


def exact_ones(found):
    """The p-values of relabelings; those told are no smaller, where sizes of clusters differ."""
    told, exact = np.transpose(found)
    assert (told >= exact).all()
    assert_exact(told)
    assert_exact(exact)
    return exact


@pytest.fixture
def in_place(monkeypatch):
    """Units are cut in the order of rows and clusters, so that the partition stays fixed."""
    monkeypatch.setattr(clusters, "row_order", lambda n, rng: np.arange(n))
    monkeypatch.setattr(outcomes, "row_order", lambda n, rng: np.arange(n))
    monkeypatch.setattr(
        outcomes, "order_in_strata", lambda numbers, rng: np.argsort(numbers, kind="stable")
    )


# --- pairs of clusters ---------------------------------------------------------------------------

FIRST, SECOND = [1, 4, 2, 3, 6], [3, 1, 2, 5, 1]  # rows of the clusters of five pairs


def test_pairs_are_of_clusters_of_different_sizes():
    assert sum(n != m for n, m in zip(FIRST, SECOND, strict=True)) == 4


@half(["max", "mean", "fuse"], 0)
def test_pairs_of_clusters_over_all_32_flips(combine, estimator, kind):
    sides = rows_of(FIRST, kind, 1), rows_of(SECOND, kind, 2)
    found = []
    for flips in all_flips(5):
        samples = [joined([sides[g ^ f][i] for i, f in enumerate(flips)], range(5)) for g in (0, 1)]
        (x, ids_x), (y, ids_y) = samples
        options = {"estimator": estimator, "paired": True, "clusters": (ids_x, ids_y)}
        found.append(pvalue(x, y, combine, 16, **options))
    found = exact_ones(found)
    if kind == "continuous":
        np.testing.assert_allclose(np.sort(found)[::2], np.arange(1, 17) / 16, rtol=1e-12)


@ALL_THREE
@pytest.mark.usefixtures("in_place")
def test_bins_of_pairs_of_clusters_over_all_flips_of_the_bins(combine):
    """Seven pairs in bins of three, two and two."""
    sides = [rows_of([1, 3, 2, 2, 1, 4, 1], "continuous", seed) for seed in (3, 4)]
    found = []
    for of_bins in all_flips(3):
        flips = np.repeat(of_bins, [3, 2, 2])
        samples = [joined([sides[g ^ f][i] for i, f in enumerate(flips)], range(7)) for g in (0, 1)]
        (x, ids_x), (y, ids_y) = samples
        options = {"paired": True, "clusters": (ids_x, ids_y), "n_bins": 3}
        found.append(pvalue(x, y, combine, 4, **options))
    found = exact_ones(found)
    assert min(found) == 1 / 4


# --- clusters ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("combine", "kind"),
    [
        ("max", "continuous"), ("mean", "continuous"), ("fuse", "continuous"),
        ("max", "ties"), ("mean", "float32"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("in_place")
def test_bins_of_clusters_over_all_35_relabelings_of_the_bins(combine, kind):
    """Three bins of two clusters against four, and a cluster of either sample that is in no bin."""
    rows = rows_of([1, 3, 2, 2, 1, 4, 1, 1, 2, 5, 3, 1, 2, 2, 6, 2], kind, 5)
    found = []
    for first, second in all_choices(7, 3):
        x, ids_x = joined(rows, [*(2 * b + i for b in first for i in (0, 1)), 14])
        y, ids_y = joined(rows, [*(2 * b + i for b in second for i in (0, 1)), 15])
        options = {"clusters": (ids_x, ids_y + 100), "n_bins": 3}
        found.append(pvalue(x, y, combine, 35, **options))
    found = exact_ones(found)
    if kind != "ties":
        assert min(found) == 1 / 35


@ALL_THREE
@pytest.mark.usefixtures("in_place")
def test_more_bins_in_the_first_sample(combine):
    """The sample of fewer clusters comes first inside, whichever it is."""
    rows = rows_of([1, 3, 2, 2, 1, 4, 1, 1, 2, 5], "continuous", 6)
    found = []
    for first, second in all_choices(5, 3):
        x, ids_x = joined(rows, [2 * b + i for b in first for i in (0, 1)])
        y, ids_y = joined(rows, [2 * b + i for b in second for i in (0, 1)])
        options = {"clusters": (ids_x, ids_y + 100), "n_bins": 2}
        found.append(pvalue(x, y, combine, 10, **options))
    found = exact_ones(found)
    assert min(found) == 1 / 10


# --- clusters within strata ----------------------------------------------------------------------


def in_two_strata(sizes, firsts):
    """All relabelings of clusters numbered through two strata: those of the first sample first."""
    of_strata = map(all_choices, sizes, firsts)
    for one, other in itertools.product(*of_strata):
        yield tuple(a + [sizes[0] + i for i in b] for a, b in zip(one, other, strict=True))


@half(["max", "mean"], 0)
def test_clusters_within_strata_over_all_60_relabelings(combine, estimator, kind):
    """Two and two clusters in one stratum, two and three in the other, of one to six rows."""
    rows, stratum = rows_of([1, 4, 2, 3, 6, 1, 2, 5, 1], kind, 7), np.repeat([0, 1], [4, 5])
    found = []
    for first, second in in_two_strata((4, 5), (2, 2)):
        (x, ids_x), (y, ids_y) = joined(rows, first), joined(rows, second)
        options = {
            "clusters": (ids_x, ids_y + 100),
            "strata": (stratum[first][ids_x], stratum[second][ids_y]),
            "estimator": estimator,
        }
        found.append(pvalue(x, y, combine, 60, **options))
    found = exact_ones(found)
    if kind == "continuous":
        assert min(found) == 1 / 60
        assert len(np.unique(found)) > 45  # scores can tie where the skewness correction ends


@WITHIN
@pytest.mark.usefixtures("in_place")
def test_bins_of_clusters_within_strata_over_all_relabelings_of_the_bins(combine):
    """Bins of two clusters: two and two in one stratum, two and three in the other."""
    rows = rows_of([1, 3, 2, 2, 1, 4, 1, 1, 2, 5, 3, 1, 2, 2, 6, 2, 1, 1], "continuous", 8)
    stratum, found = np.repeat([0, 1], [8, 10]), []
    for sides in in_two_strata((4, 5), (2, 2)):
        first, second = ([2 * b + i for b in side for i in (0, 1)] for side in sides)
        (x, ids_x), (y, ids_y) = joined(rows, first), joined(rows, second)
        options = {
            "clusters": (ids_x, ids_y + 100),
            "strata": (stratum[first][ids_x], stratum[second][ids_y]),
            "n_bins": 2,
        }
        found.append(pvalue(x, y, combine, 60, **options))
    found = exact_ones(found)
    assert min(found) == pytest.approx(1 / 60)


# --- pairs within strata -------------------------------------------------------------------------


@half(["max", "mean"], 1)
def test_pairs_within_strata_over_all_32_flips(combine, estimator, kind):
    either = np.stack([np.concatenate(rows_of([5], kind, seed)) for seed in (9, 10)])
    strata, found = np.array([0, 1, 1, 0, 1]), []
    for flips in all_flips(5):
        x, y = either[flips, range(5)], either[1 - flips, range(5)]
        options = {"paired": True, "strata": (strata, strata), "estimator": estimator}
        found.append(pvalue(x, y, combine, 16, **options))
    found = exact_ones(found)
    if kind == "continuous":
        np.testing.assert_allclose(np.sort(found)[::2], np.arange(1, 17) / 16, rtol=1e-12)


@WITHIN
@pytest.mark.usefixtures("in_place")
def test_bins_of_pairs_within_strata_over_all_flips_of_the_bins(combine):
    """Bins of two pairs, two in one stratum and two in the other, with a bin of what is left."""
    either = np.random.default_rng(11).normal(size=(2, 9, 2))
    strata, found = np.repeat([0, 1], [4, 5]), []
    for of_bins in all_flips(5):
        flips = np.repeat(of_bins, [2, 2, 2, 2, 1])
        x, y = either[flips, range(9)], either[1 - flips, range(9)]
        options = {"paired": True, "strata": (strata, strata), "n_bins": 4}
        found.append(pvalue(x, y, combine, 16, **options))
    found = exact_ones(found)
    assert min(found) == 1 / 16


# --- pairs of a table ----------------------------------------------------------------------------


@ALL_THREE
@pytest.mark.parametrize("kind", ["continuous", "ties"])
def test_a_table_of_two_groups_paired_by_id_over_all_16_flips(combine, kind):
    """Rows of the second group stand in another order; its id says where each belongs."""
    either = np.stack([np.concatenate(rows_of([4], kind, seed)) for seed in (12, 13)])
    order, found = np.array([2, 0, 3, 1]), []
    for flips in all_flips(4):
        groups = {"a": either[flips, range(4)], "b": either[1 - flips, range(4)][order]}
        with pytest.warns(repdist.RepdistWarning, match="cannot reach"):
            table = repdist.pairwise_mmd_test(
                groups, paired={"a": range(4), "b": order}, combine=combine,
                adjust="none", rng=0, n_jobs=1,
            )  # fmt: skip
        found.append(table.pvalue.loc["a", "b"])
    assert_exact(found)
    if kind == "continuous":
        assert min(found) == 1 / 8
