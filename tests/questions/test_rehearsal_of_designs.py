"""Level and power of rows in clusters and strata: clusters stay whole, strata keep their mix."""

import json

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from given import as_tensor, in_order, needs

import repdist
from repdist import kernels
from repdist._questions import level, outcomes
from repdist._questions.rehearsal import shared_out

mpl.use("Agg")
BOTH = pytest.mark.parametrize("function", [repdist.check_level, repdist.estimate_power])
QUICK = {"n_repetitions": 20, "n_resamples": 19, "rng": 0, "n_jobs": 1}
SIZES_X, SIZES_Y = [1, 4, 2, 3, 1, 2, 5, 1], [2, 1, 3, 1, 1, 6, 2, 2, 1, 3]


def numbered(sizes, start):
    """Rows that say of which cluster they are, and which of its rows; and their clusters."""
    ids = np.repeat(np.arange(len(sizes)), sizes) + start
    place = np.concatenate([np.arange(n) for n in sizes])
    order = np.random.default_rng(start).permutation(len(ids))
    return (ids + place / 100)[order], ids[order]


X, IDS_X = numbered(SIZES_X, 0)
Y, IDS_Y = numbered(SIZES_Y, 100)
ROWS = {cluster: set(Z[ids == cluster]) for Z, ids in ((X, IDS_X), (Y, IDS_Y)) for cluster in ids}


@pytest.fixture
def seen(monkeypatch):
    """The samples that were tested, as sets of rows by cluster, and their design."""
    found = []

    def test(first, second, design, options):
        found.append((first[:, 0], second[:, 0], design))
        return tested(first, second, design, options)

    tested = outcomes.tested
    monkeypatch.setattr(outcomes, "tested", test)
    return found


def clusters_of(rows):
    """The clusters of these rows, checked to be whole."""
    found = np.unique(np.floor(rows).astype(int)).tolist()
    assert sorted(rows) == sorted(set.union(*(ROWS[cluster] for cluster in found)))
    return found


# --- level ---------------------------------------------------------------------------------------


def test_whole_clusters_are_dealt_out_again(seen):
    check = repdist.check_level(X, Y, clusters=(IDS_X, IDS_Y), **QUICK)
    assert (check.n, check.m, check.counted, check.n_strata) == (8, 10, "clusters", 0)
    dealt = set()
    for first, second, design in seen:
        own, other = clusters_of(first), clusters_of(second)
        assert (len(own), len(other)) == (8, 10)
        assert sorted(own + other) == [*range(8), *range(100, 110)]
        dealt.add(frozenset(own))
        for rows, codes in zip((first, second), design.clusters.codes, strict=True):
            names = np.array(design.clusters.names)[codes]
            assert names.tolist() == np.floor(rows).astype(int).tolist()
    assert len(dealt) == 20


def test_the_sides_of_whole_pairs_of_clusters_are_exchanged(seen):
    """Cluster i of X belongs to cluster i of Y, which have other sizes."""
    few = Y[IDS_Y < 108], IDS_Y[IDS_Y < 108]
    check = repdist.check_level(X, few[0], paired=True, clusters=(IDS_X, few[1] - 100), **QUICK)
    assert (check.n, check.m, check.counted) == (8, 8, "pairs of clusters")
    for first, second, design in seen:
        own, other = clusters_of(first), clusters_of(second)
        assert design.paired
        assert sorted(np.array(own) % 100) == sorted(np.array(other) % 100) == list(range(8))
        assert set(own) | set(other) == {*range(8), *range(100, 108)}
        for rows, codes in zip((first, second), design.clusters.codes, strict=True):
            names = np.array(design.clusters.names)[codes]
            assert names.tolist() == (np.floor(rows).astype(int) % 100).tolist()
    assert len({tuple(clusters_of(first)) for first, _, _ in seen}) > 10


def test_rows_are_dealt_out_inside_strata(seen):
    strata_x, strata_y = np.array([0] * 5 + [1] * 3), np.array([0] * 2 + [1] * 8)
    rows_x, rows_y = np.arange(8.0), np.arange(100.0, 110.0)
    check = repdist.check_level(rows_x, rows_y, strata=(strata_x, strata_y), **QUICK)
    assert (check.n, check.m, check.counted, check.n_strata) == (8, 10, "rows", 2)
    stratum = dict(zip([*rows_x, *rows_y], [*strata_x, *strata_y], strict=True))
    for first, second, design in seen:
        assert sorted([*first, *second]) == [*rows_x, *rows_y]
        for rows, codes, counts in zip(
            (first, second), design.strata.codes, ([5, 3], [2, 8]), strict=True
        ):
            of_rows = [stratum[row] for row in rows]
            assert np.bincount(of_rows).tolist() == counts
            assert np.array(design.strata.names)[codes].tolist() == of_rows


def test_clusters_are_dealt_out_inside_strata(seen):
    strata_x, strata_y = (ids % 100 % 2 for ids in (IDS_X, IDS_Y))
    check = repdist.check_level(X, Y, clusters=(IDS_X, IDS_Y), strata=(strata_x, strata_y), **QUICK)
    assert (check.n, check.m, check.counted, check.n_strata) == (8, 10, "clusters", 2)
    for first, second, design in seen:
        for rows, count, codes in zip((first, second), (4, 5), design.strata.codes, strict=True):
            odd = np.array(clusters_of(rows)) % 2
            assert [(odd == s).sum() for s in (0, 1)] == [count, count]
            assert codes.tolist() == (np.floor(rows).astype(int) % 2).tolist()


def test_pairs_are_exchanged_inside_strata(seen):
    rows, strata = np.arange(12.0), np.arange(12) % 3
    check = repdist.check_level(rows, rows + 100, paired=True, strata=(strata, strata), **QUICK)
    assert (check.n, check.counted, check.n_strata) == (12, "pairs", 3)
    for first, second, design in seen:
        assert (np.abs(first - second) == 100).all()
        for codes in design.strata.codes:
            assert codes.tolist() == (first % 100 % 3).tolist()


def test_of_many_clusters_some_are_drawn(monkeypatch, seen):
    """As many as have so many rows; inside strata at least two."""
    monkeypatch.setattr(level, "MOST_ROWS", 10)
    check = repdist.check_level(X, Y, clusters=(IDS_X, IDS_Y), **QUICK)
    assert (check.n, check.m) == (10 * 8 // 19, 10 * 10 // 22)
    assert check.cautions[0] == "each repetition used 4 and 4 of the 8 and 10 clusters"
    assert {c for first, _, _ in seen for c in clusters_of(first)} == set(ROWS)
    monkeypatch.setattr(level, "MOST_ROWS", 1)
    strata = IDS_X % 2, IDS_Y % 2
    check = repdist.check_level(X, Y, clusters=(IDS_X, IDS_Y), strata=strata, **QUICK)
    assert (check.n, check.m) == (4, 4)


def test_the_level_of_correlated_rows_holds_for_clusters(chance_seed):
    """The check says otherwise with chance .01 at most, by its design."""
    rng = np.random.default_rng(chance_seed)
    ids = np.repeat(np.arange(20), 5)
    rows = rng.normal(size=(20, 2))[ids] + 0.5 * rng.normal(size=(100, 2))
    samples, both = (rows[:50], rows[50:]), (ids[:50], ids[50:])
    options = QUICK | {"n_repetitions": 100, "n_resamples": 127}
    assert repdist.check_level(*samples, clusters=both, **options).holds


# --- power ---------------------------------------------------------------------------------------


def test_whole_clusters_are_drawn_without_replacement(seen):
    curve = repdist.estimate_power(X, Y, clusters=(IDS_X, IDS_Y), sizes=[3, 8], **QUICK)
    assert (curve.n, curve.m, curve.counted, curve.sizes) == (8, 10, "clusters", (3, 8))
    assert [len(clusters_of(first)) for first, _, _ in seen] == [3] * 20 + [8] * 20
    assert [len(clusters_of(second)) for _, second, _ in seen] == [3] * 20 + [8] * 20
    assert {c for first, _, _ in seen for c in clusters_of(first)} == set(range(8))
    assert {c for _, second, _ in seen for c in clusters_of(second)} == set(range(100, 110))


def test_pairs_of_clusters_are_drawn_together(seen):
    few = Y[IDS_Y < 108], IDS_Y[IDS_Y < 108]
    curve = repdist.estimate_power(
        X, few[0], paired=True, clusters=(IDS_X, few[1] - 100), sizes=[6], **QUICK
    )
    assert curve.counted == "pairs of clusters"
    for first, second, _ in seen:
        own, other = clusters_of(first), clusters_of(second)
        assert [c + 100 for c in own] == other
        assert len(own) == 6


def test_each_sample_keeps_its_mix_of_strata(seen):
    rows_x, rows_y = np.arange(20.0), np.arange(100.0, 140.0)
    strata = rows_x >= 5, rows_y >= 130  # 5 and 15; 30 and 10
    curve = repdist.estimate_power(rows_x, rows_y, strata=strata, sizes=[8, 20], **QUICK)
    assert (curve.n_strata, curve.counted) == (2, "rows")
    for first, second, _ in seen:
        mix = [(first >= 5).sum(), (second >= 130).sum()]
        assert mix == ([6, 2] if len(first) == 8 else [15, 5])


def test_pairs_keep_their_mix_of_strata(seen):
    rows, strata = np.arange(16.0), np.repeat([0, 1], [4, 12])
    repdist.estimate_power(
        rows, rows + 100, paired=True, strata=(strata, strata), sizes=[8], **QUICK
    )
    for first, second, design in seen:
        assert (second - first == 100).all()
        assert [(first < 4).sum(), (first >= 4).sum()] == [2, 6]
        assert design.paired


@BOTH
@pytest.mark.parametrize("design", ["clusters", "strata", "both", "pairs of clusters"])
def test_all_clusters_are_the_test_itself(function, design):
    """A level's shuffle of none, or all that there are: the p-value is that of `mmd_test`."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(12, 2)), rng.normal(size=(12, 2)) + 1
    ids = np.arange(12) // 2, np.arange(12) // 2 + 50
    strata = np.arange(12) // 2 % 2, np.arange(12) // 2 % 2
    said = {
        "clusters": {"clusters": ids},
        "strata": {"strata": strata},
        "both": {"clusters": ids, "strata": strata},
        "pairs of clusters": {"clusters": (ids[0], ids[0]), "paired": True},
    }[design]
    options = {"kernel": kernels.RBF(1.0), "n_resamples": 1023}
    expected = repdist.mmd_test(first, second, rng=0, **said, **options)
    if function is repdist.estimate_power:
        curve = function(first, second, sizes=[12 if design == "strata" else 6],
                         **QUICK | {"n_repetitions": 3} | said | options)  # fmt: skip
        if expected.exhaustive:
            np.testing.assert_allclose(curve.pvalues, np.full((1, 3), expected.pvalue))
        assert expected.exhaustive == (design != "strata")
    else:
        check = function(first, second, **QUICK | said | options | {"alpha": 0.2})
        assert check.attainable == pytest.approx(expected.relabelings.attainable(0.2))


@BOTH
def test_rows_without_a_partner_are_left_out_with_a_caution(function):
    rng = np.random.default_rng(0)
    ids_x, ids_y = np.arange(24) // 2, np.arange(30) // 2
    first, second = rng.normal(size=(24, 2)), rng.normal(size=(30, 2))
    said = {"paired": True, "clusters": (ids_x, ids_y)} | QUICK
    with pytest.raises(ValueError, match="`clusters` must have rows in both samples if `paired`"):
        function(first, second, **said)
    result = function(first, second, unmatched="drop", **said)
    assert result.n == 12
    assert result.cautions[0] == "left out: 0 rows of X and 6 of Y, in no pair of clusters"
    expected = function(first, second[:24], **said | {"clusters": (ids_x, ids_y[:24])})
    np.testing.assert_array_equal(result.pvalues, expected.pvalues)


def test_sizes_have_two_clusters_of_each_stratum():
    strata = IDS_X % 100 % 2, IDS_Y % 100 % 2
    said = {"clusters": (IDS_X, IDS_Y), "strata": strata} | QUICK
    with pytest.raises(ValueError, match=in_order("at least 4, 2 clusters in each of 2", "got 3")):
        repdist.estimate_power(X, Y, sizes=[3, 5], **said)
    with pytest.raises(ValueError, match=in_order("at most the 8 clusters", "got 9")):
        repdist.estimate_power(X, Y, sizes=[9], **said)
    curve = repdist.estimate_power(X, Y, sizes=[4], **said)
    assert curve.cautions == ()
    with pytest.raises(ValueError, match=in_order("numbers of clusters", "fewer than 10", "for 8")):
        repdist.estimate_power(X, Y, **said)


@pytest.mark.parametrize(
    ("number", "counts", "expected"),
    [
        (10, [50, 50], [5, 5]),
        (10, [90, 10], [8, 2]),
        (4, [90, 10], [2, 2]),
        (7, [30, 20, 50], [2, 2, 3]),
        (20, [5, 15], [5, 15]),
        (19, [5, 15], [5, 14]),
        (9, [2, 2, 96], [2, 2, 5]),
        (3, [7], [3]),
    ],
)
def test_a_number_is_shared_out_in_proportion_and_two_at_least(number, counts, expected):
    found = shared_out(number, np.array(counts))
    assert found.tolist() == expected
    assert found.sum() == number


# --- both ----------------------------------------------------------------------------------------


def samples(count=24, seed=0):
    rng = np.random.default_rng(seed)
    ids = np.arange(2 * count) // 2
    return rng.normal(size=(2 * count, 2)), ids, ids % 2


@BOTH
@pytest.mark.parametrize("said", ["clusters", "strata", "both"])
def test_any_form_of_rows_and_ids_gives_the_same(function, said, tmp_path):
    (first, ids_x, strata_x), (second, ids_y, strata_y) = samples(seed=1), samples(20, seed=2)
    given = {"clusters": (ids_x, ids_y + 100), "strata": (strata_x, strata_y)}
    given = given if said == "both" else {said: given[said]}
    options = QUICK | {"sizes": [5, 8]} if function is repdist.estimate_power else QUICK
    ours = function(first, second, **given, **options).pvalues
    np.testing.assert_array_equal(
        ours, function(first, second, **given, **options | {"n_jobs": 2}).pvalues
    )
    for name, Z in (("x", first), ("y", second)):
        np.save(tmp_path / f"{name}.npy", Z)
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy"]
    np.testing.assert_array_equal(function(*mapped, **given, **options).pvalues, ours)
    tables = [
        pd.DataFrame(Z, columns=["a", "b"]).assign(**{n: of[i] for n, of in given.items()})
        for i, Z in enumerate((first, second))
    ]
    by_name = function(*tables, **{name: name for name in given}, **options).pvalues
    np.testing.assert_allclose(by_name, ours, atol=1e-12)


@needs("torch")
@BOTH
def test_torch_gives_the_same(function):
    (first, ids, strata), (second, _, _) = samples(12, seed=1), samples(12, seed=2)
    said = {"clusters": (ids, ids + 100), "strata": (strata, strata)} | QUICK
    if function is repdist.estimate_power:
        said["sizes"] = [5]
    theirs = function(as_tensor(first), as_tensor(second), **said)
    np.testing.assert_allclose(theirs.pvalues, function(first, second, **said).pvalues, atol=1e-12)


@BOTH
@pytest.mark.parametrize("said", ["clusters", "both", "pairs of clusters", "pairs in strata"])
def test_results_speak_of_their_design(function, said):
    import matplotlib.pyplot as plt

    (first, ids, strata), (second, _, _) = samples(seed=1), samples(seed=2)
    given = {
        "clusters": {"clusters": (ids, ids + 100)},
        "both": {"clusters": (ids, ids + 100), "strata": (strata, strata)},
        "pairs of clusters": {"paired": True, "clusters": (ids, ids)},
        "pairs in strata": {"paired": True, "strata": (strata, strata)},
    }[said]
    counted = {"both": "clusters", "pairs in strata": "pairs"}.get(said, said)
    result = function(first, second, **given, **QUICK)
    answer = json.loads(json.dumps(result.to_dict()))
    assert (answer["counted"], answer["n_strata"]) == (counted, 2 * ("strata" in given))
    title = str(result).splitlines()[0]
    assert counted in title
    assert ("within 2 strata" in title) == ("strata" in given)
    assert ("paired MMD test" in title) == ("paired" in given)
    assert all(len(line) <= 100 for line in str(result).splitlines())
    ax = result.plot()
    words = [ax.get_xlabel(), ax.get_title("left"), *(line.get_label() for line in ax.get_lines())]
    assert counted in " ".join(words)
    plt.close("all")


@BOTH
@pytest.mark.parametrize(
    ("said", "parts"),
    [
        ({"clusters": (IDS_X, IDS_Y - 100)}, ["`clusters` must each have all", "`X` and `Y`"]),
        ({"clusters": (IDS_X, IDS_Y[1:])}, ["`clusters[1]`", "22 rows of `Y`", "got 21"]),
        ({"strata": (IDS_X, IDS_Y)}, ["`strata` must have rows of both samples"]),
        ({"strata": (X > 3, Y > 103), "combine": "fuse"}, ["`combine`", "`strata`"]),
        ({"clusters": (IDS_X, IDS_Y), "unmatched": "keep"}, ["`unmatched` must be one of"]),
    ],
)
def test_bad_designs(function, said, parts):
    with pytest.raises(ValueError, match=in_order(*parts)):
        function(X, Y, **QUICK | said)
