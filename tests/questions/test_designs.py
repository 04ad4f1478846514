"""How rows depend on each other, as users say it: columns of tables, partners, and refusals."""

import numpy as np
import pandas as pd
import pytest
from given import assert_same_answer, in_order, needs

import repdist
from repdist import kernels
from repdist._arrays import Ids
from repdist._questions.designs import Design, Designed, matched, strata_of_clusters

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 3)), RNG.normal(size=(18, 3)) + 0.5
CLUSTERS = np.arange(24) // 3, np.arange(18) // 2 + 50
STRATA = np.arange(24) // 3 % 2, np.arange(18) // 2 % 2


def answer(first=X, second=Y, **options):
    options = {"kernel": kernels.RBF(1.5), "n_resamples": 255, "rng": 0, "n_jobs": 1} | options
    return repdist.mmd_test(first, second, **options)


def designed(counts, *, paired=False):
    """Samples with so many rows (S, 2) of each stratum, called a, b, ..."""
    counts = np.array(counts)
    names = tuple("abcdefghijklmnopqrstuvwxyz"[: len(counts)])
    codes = tuple(np.repeat(np.arange(len(counts)), of) for of in counts.T)
    first, second = (np.arange(len(of))[:, None] + 0.0 for of in codes)
    return Designed(first, second, Design(paired, None, Ids(names, codes)))


# --- strata that nothing can be compared with ----------------------------------------------------


def test_a_stratum_of_one_sample_alone_is_refused_by_name():
    with pytest.raises(ValueError, match=in_order(
        "`strata` must have rows of both samples in every stratum",
        "1 row of `X` and 0 of `Y` in 'b', 0 rows of `X` and 1,200 of `Y` in 'c'",
        "Leave out these 1,201 rows", 'unmatched="drop"',
    )):  # fmt: skip
        matched(designed([[5, 5], [1, 0], [0, 1200]]), "raise")


def test_a_single_row_of_a_sample_is_refused_by_name():
    """Its kernel with itself is no estimate of how alike rows of its stratum are."""
    words = "at least 2 rows of each sample", "7 rows of `X` and 1 of `Y` in 'c'", "Leave out these"
    with pytest.raises(ValueError, match=in_order(*words)):
        matched(designed([[2, 2], [9, 3], [7, 1]]), "raise")


def test_strata_that_are_rows_and_their_partners_are_told_to_be_pairs():
    with pytest.raises(ValueError, match=in_order("No other is left", "use `paired=True`")):
        matched(designed([[1, 1], [1, 1], [1, 1]]), "drop")


def test_of_many_strata_some_are_named():
    with pytest.raises(ValueError, match=r"in 'd', 4 rows of `X` and 0 of `Y` in 'e', and 15 more"):
        matched(designed([[i, 0] for i in range(20)]), "raise")


def test_two_rows_of_each_sample_are_enough():
    given = designed([[2, 2], [2, 9]])
    assert matched(given, "raise") is given
    pairs = designed([[2, 2], [3, 3]], paired=True)
    assert matched(pairs, "raise") is pairs


def test_what_nothing_can_be_compared_with_is_left_out():
    kept = matched(designed([[2, 3], [4, 0], [1, 7], [5, 2]]), "drop")
    assert kept.cautions == (
        "left out: 5 rows of X and 7 of Y, in strata with fewer than two rows of a sample",
    )
    assert kept.X[:, 0].tolist() == [0, 1, 7, 8, 9, 10, 11]
    assert kept.Y[:, 0].tolist() == [0, 1, 2, 10, 11]
    assert kept.design.strata.names == ("a", "d")
    assert kept.design.strata.counts.tolist() == [[2, 3], [5, 2]]


# --- strata of clusters --------------------------------------------------------------------------


def test_the_stratum_of_each_cluster_in_the_order_of_their_numbers():
    clusters = Ids(("u", "v", "w"), (np.array([2, 0, 2]), np.array([1, 1])))
    strata = Ids(("s", "t"), (np.array([1, 0, 1]), np.array([0, 0])))
    found = strata_of_clusters(clusters, strata)
    assert found.names == ("s", "t")
    assert [codes.tolist() for codes in found.codes] == [[0, 1], [0]]
    strayed = Ids(("s", "t"), (np.array([1, 0, 0]), np.array([0, 0])))
    with pytest.raises(ValueError, match=in_order("got 'w' in 't' and 's'")):
        strata_of_clusters(clusters, strayed)


def test_what_a_design_is_called_and_counts():
    clusters = Ids(("u", "v", "w"), (np.array([2, 0, 2]), np.array([1, 1])))
    assert Design().called == "rows"
    assert Design(True).called == "pairs"
    assert Design(False, clusters).called == "clusters"
    assert Design(True, clusters).called == "pairs of clusters"
    assert Design(False, clusters).sizes(X, Y) == (2, 1)
    assert Design().sizes(X, Y) == (24, 18)
    assert [Design().independent, Design(True).independent] == [True, False]
    assert not Design(False, None, clusters).independent


# --- left out is as if never given ---------------------------------------------------------------

LONE = {
    "strata": (
        {"strata": (np.where(np.arange(24) < 4, 7, STRATA[0]), STRATA[1])},
        (np.arange(24) >= 4, np.full(18, True)),
        "left out: 4 rows of X and 0 of Y, in strata with fewer than two rows of a sample",
    ),
    "strata of a single row": (
        {"strata": (np.where(np.arange(24) < 4, 7, STRATA[0]),
                    np.where(np.arange(18) == 5, 7, STRATA[1]))},
        (np.arange(24) >= 4, np.arange(18) != 5),
        "left out: 4 rows of X and 1 of Y, in strata with fewer than two rows of a sample",
    ),
    "pairs of clusters": (
        {"paired": True, "clusters": (CLUSTERS[0], CLUSTERS[1] - 45)},  # 0 to 7, and 5 to 13
        (CLUSTERS[0] >= 5, CLUSTERS[1] - 45 <= 7),
        "left out: 15 rows of X and 12 of Y, in no pair of clusters",
    ),
    "clusters within strata": (
        {"clusters": CLUSTERS, "strata": (np.where(CLUSTERS[0] == 3, 7, STRATA[0]),
                                          np.where(CLUSTERS[1] < 53, 7, STRATA[1]))},
        (CLUSTERS[0] != 3, CLUSTERS[1] >= 53),
        "left out: 3 rows of X and 6 of Y, in strata with fewer than two clusters of a sample",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("said", "kept", "caution"), LONE.values(), ids=LONE.keys())
def test_rows_that_are_left_out_change_nothing(said, kept, caution):
    with pytest.raises(ValueError, match='by `unmatched="drop"`'):
        answer(**said)
    got = answer(**said, unmatched="drop")
    rest = {
        name: tuple(of[k] for of, k in zip(ids, kept, strict=True))
        for name, ids in said.items()
        if name != "paired"
    } | {name: True for name in said if name == "paired"}
    expected = answer(X[kept[0]], Y[kept[1]], **rest)
    np.testing.assert_array_equal(got.null_distribution, expected.null_distribution)
    assert (got.n, got.m, got.pvalue) == (kept[0].sum(), kept[1].sum(), expected.pvalue)
    assert [c for c in got.cautions if c not in expected.cautions] == [caution]
    assert [c for c in got.cautions if c != caution] == list(expected.cautions)


def test_nothing_is_left_out_if_all_have_partners():
    said = {"clusters": CLUSTERS, "strata": STRATA}
    got, expected = answer(**said, unmatched="drop"), answer(**said)
    assert got.to_dict() == expected.to_dict()


# --- columns of tables ---------------------------------------------------------------------------


def tables(**columns):
    """Both samples with columns of ids: at the start, and at the end in another order."""
    first = pd.DataFrame({name: of[0] for name, of in columns.items()} | dict(zip("abc", X.T)))  # noqa: B905
    second = pd.DataFrame(Y, columns=list("abc")).assign(**{n: of[1] for n, of in columns.items()})
    return first, second[["c", *columns, "a", "b"]]


@pytest.mark.parametrize("name", ["clusters", "strata"])
def test_ids_by_the_name_of_a_column(name):
    given = {"clusters": CLUSTERS, "strata": STRATA}[name]
    got = answer(*tables(which=given), **{name: "which"})
    assert_same_answer(got, answer(**{name: given}), 1e-12)
    assert not any("no feature" in caution for caution in got.cautions)


def test_a_column_by_a_number_and_a_sequence_beside_a_name():
    first, second = (
        pd.DataFrame(np.column_stack([Z, of])) for Z, of in zip((X, Y), STRATA, strict=True)
    )
    expected = answer(clusters=CLUSTERS, strata=STRATA)
    got = answer(first, second, clusters=CLUSTERS, strata=3)
    assert_same_answer(got, expected, 1e-12)


@needs("polars")
def test_columns_of_polars_tables():
    import polars as pl

    first, second = (pl.from_pandas(table) for table in tables(which=CLUSTERS))
    assert_same_answer(answer(first, second, clusters="which"), answer(clusters=CLUSTERS), 1e-12)


def test_a_column_that_is_missing_is_told():
    first, second = tables(which=CLUSTERS)
    with pytest.raises(ValueError, match=in_order("`clusters`", "'video'")):
        answer(first, second, clusters="video")
    with pytest.raises(ValueError, match=in_order("`clusters`", "'which'")):
        answer(first, second.drop(columns="which"), clusters="which")
    with pytest.raises(TypeError, match=in_order("`clusters`", "`Y` is none")):
        answer(first, Y, clusters="which")


@pytest.mark.parametrize("name", ["clusters", "strata"])
def test_a_column_of_ids_that_is_left_in_is_told(name):
    """As the features of a table, and as those of an array, which has no names of columns."""
    given = {"clusters": CLUSTERS, "strata": STRATA}[name]
    words = f"holds the ids of `{name}`: leave it out, it is no feature"
    got = answer(*tables(which=given), **{name: given})
    assert f"column 'which' {words}" in got.cautions
    arrays = (np.column_stack([Z, of]) for Z, of in zip((X, Y), given, strict=True))
    assert f"column 3 {words}" in answer(*arrays, **{name: given}).cautions
    other = [np.column_stack([Z, of]) for Z, of in zip((X, Y), given, strict=True)]
    other[0][5, 3] += 1
    assert not any(words in caution for caution in answer(*other, **{name: given}).cautions)


def test_ids_that_are_no_numbers_or_beyond_floats_raise_no_caution():
    for form in (str, lambda i: 10**400 + int(i), lambda i: (int(i), "s")):
        ids = tuple([form(i) for i in of] for of in CLUSTERS)
        assert not any("no feature" in caution for caution in answer(clusters=ids).cautions)


# --- what is refused -----------------------------------------------------------------------------

BAD = {
    "too few": ({"clusters": (CLUSTERS[0][1:], CLUSTERS[1])}, ["`clusters[0]`", "24 rows", "23"]),
    "too many": ({"strata": (STRATA[0], [*STRATA[1], 0])}, ["`strata[1]`", "18 rows", "got 19"]),
    "NaN": (
        {"clusters": (CLUSTERS[0], np.where(np.arange(18) == 4, np.nan, CLUSTERS[1]))},
        ["`clusters[1]` must not be missing", "nan in row 4 (1 in all)"],
    ),
    "one cluster": (
        {"clusters": (np.zeros(24), CLUSTERS[1])}, ["at least two in each sample", "1 in `X`"]
    ),
    "one pair": (
        {"paired": True, "clusters": (np.zeros(24), np.zeros(18))}, ["at least two", "1 in `X`"]
    ),
    "a stratum of one row": (
        {"strata": (np.where(np.arange(24) == 3, 5, STRATA[0]),
                    np.where(np.arange(18) < 4, 5, STRATA[1]))},
        ["at least 2 rows of each sample", "1 row of `X` and 4 of `Y` in 5"],
    ),
    "both samples": (
        {"clusters": (CLUSTERS[0], CLUSTERS[1] - 50)},
        ["`clusters` must each have all", "`paired=True`", "`strata`"],
    ),
    "unmatched": ({"unmatched": "keep"}, ["`unmatched` must be one of", "keep"]),
    "all three": (
        {"paired": True, "clusters": CLUSTERS, "strata": STRATA},
        ["`strata` must be None for `paired` `clusters`", "all three"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("options", "parts"), BAD.values(), ids=BAD.keys())
def test_bad_designs(options, parts):
    with pytest.raises(ValueError, match=in_order(*parts)):
        answer(**options)


def test_a_single_pair_is_refused():
    with pytest.raises(ValueError, match="at least 2 rows"):
        answer(X[:1], Y[:1], paired=True)


@needs("torch")
def test_ids_on_a_device_without_data_are_refused():
    import torch

    nowhere = torch.empty(24, dtype=torch.int64, device="meta")
    with pytest.raises(TypeError, match=in_order("`clusters[0]` must hold data", "meta device")):
        answer(clusters=(nowhere, CLUSTERS[1]))


@needs("dask")
@pytest.mark.parametrize("said", [{"clusters": CLUSTERS}, {"clusters": CLUSTERS, "paired": True}])
def test_rows_that_belong_together_lie_on_no_cluster_of_machines(said):
    import dask.array as da

    with pytest.raises(TypeError, match=in_order("must be", "for dask arrays", "in a file")):
        answer(da.from_array(X), da.from_array(Y), **said)
