"""Tables of groups in pairs, clusters and strata: every pair is a test of two samples by itself."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from given import as_tensor, in_order, needs

import repdist
from repdist import kernels

KERNEL = kernels.MultiRBF((0.8, 2.0))
DONORS = np.arange(14)
RNG = np.random.default_rng(0)
OF_DONOR = RNG.normal(size=(14, 2))


def of_donors(shift=0.0, most=1, seed=0, donors=DONORS):
    """Rows of donors, in any order, and their donors."""
    rng = np.random.default_rng(seed)
    ids = rng.permutation(np.repeat(donors, rng.integers(1, most + 1, size=len(donors))))
    return OF_DONOR[ids] + 0.5 * rng.normal(size=(len(ids), 2)) + shift, ids


ROWS = {name: of_donors(0.3 * i, seed=i) for i, name in enumerate("abc")}
CLUSTERS = {name: of_donors(0.3 * i, 3, seed=i) for i, name in enumerate("abc")}
STRATA = np.arange(14) % 2  # of each donor


def rows(given=CLUSTERS):
    return {name: Z for name, (Z, _) in given.items()}


def ids(given=CLUSTERS, apart=False):
    """Ids by group; in no two groups the same if they are to lie apart."""
    step = 100 if apart else 0
    return {name: of + step * i for i, (name, (_, of)) in enumerate(given.items())}


def strata(given=CLUSTERS):
    return {name: STRATA[of] for name, (_, of) in given.items()}


def in_row_order(given=ROWS):
    """Rows of each donor at the same place of all groups."""
    return {name: Z[np.argsort(of)] for name, (Z, of) in given.items()}


BY_ROW = {"a": STRATA, "b": STRATA, "c": STRATA}

# How groups depend on each other: the groups, and the keywords of the design.
DESIGNS = {
    "pairs": lambda: (in_row_order(), {"paired": True}),
    "pairs by id": lambda: (rows(ROWS), {"paired": ids(ROWS)}),
    "clusters": lambda: (rows(), {"clusters": ids(apart=True)}),
    "pairs of clusters": lambda: (rows(), {"clusters": ids(), "paired": True}),
    "strata": lambda: (rows(), {"strata": strata()}),
    "clusters in strata": lambda: (rows(), {"clusters": ids(apart=True), "strata": strata()}),
    "pairs in strata": lambda: (in_row_order(), {"paired": True, "strata": BY_ROW}),
    "pairs by id in strata": lambda: (rows(ROWS), {"paired": ids(ROWS), "strata": strata(ROWS)}),
}
EACH = pytest.mark.parametrize("design", DESIGNS)


def table(groups, **options):
    options = {"kernel": KERNEL, "n_resamples": 255, "adjust": "none", "rng": 0} | options
    return repdist.pairwise_mmd_test(groups, **options)


def two_samples(groups, said, g, h, **options):
    """`mmd_test` of two of the groups."""
    said = dict(said)
    pair = [groups[g], groups[h]]
    if not isinstance(said.get("paired", True), bool):
        orders = [np.argsort(said["paired"][name]) for name in (g, h)]
        pair = [Z[order] for Z, order in zip(pair, orders, strict=True)]
        if "strata" in said:
            both = zip((g, h), orders, strict=True)
            said["strata"] = {name: said["strata"][name][order] for name, order in both}
        said["paired"] = True
    said = {k: v if k == "paired" else (v[g], v[h]) for k, v in said.items()}
    return repdist.mmd_test(*pair, **said, **{"kernel": KERNEL, "rng": 0} | options)


# --- each cell is the single test ----------------------------------------------------------------


@EACH
@pytest.mark.parametrize("order", ["abc", "cba"])
def test_numbers_are_those_of_single_tests(design, order):
    groups, said = DESIGNS[design]()
    groups = {name: groups[name] for name in order}
    result = table(groups, kernel=kernels.MultiRBF(), **said)
    frame = result.to_frame().set_index(["first", "second"])
    for g, h in itertools.combinations(groups, 2):
        single, row = two_samples(groups, said, g, h, kernel=result.kernel), frame.loc[(g, h)]
        assert row["mmd_squared"] == pytest.approx(single.mmd_squared, rel=1e-9)
        assert row["standard_error"] == pytest.approx(single.standard_error, rel=1e-9)
        ends = row[["ci_low", "ci_high"]].tolist()
        np.testing.assert_allclose(ends, single.confidence_interval(), rtol=1e-7, atol=1e-12)
        if "strata" in said:
            of_pair = result.strata.query("first == @g and second == @h")
            pd.testing.assert_frame_equal(
                of_pair.drop(columns=["first", "second"]).set_index("stratum"),
                single.strata, rtol=1e-8,
            )  # fmt: skip
    assert result.strata.empty == ("strata" not in said)


def of_few_donors(groups, said):
    """Of donors 0 to 5 alone, so that all relabelings can be had."""
    of = said.get("clusters", said.get("paired"))
    keep = {}
    for name, Z in groups.items():
        donors = DONORS if len(Z) == 14 else ids()[name]
        keep[name] = (of[name] % 100 if isinstance(of, dict) else donors) < 6

    def kept(of_rows):
        return {name: values[keep[name]] for name, values in of_rows.items()}

    some = {key: kept(of) if isinstance(of, dict) else of for key, of in said.items()}
    return kept(groups), some


@EACH
@pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
def test_pvalues_of_all_relabelings_are_those_of_single_tests(design, combine):
    groups, said = of_few_donors(*DESIGNS[design]())
    if "strata" in said and combine == "fuse":
        return  # refused
    result = table(groups, combine=combine, n_resamples=9999, **said)
    singles = {
        pair: two_samples(groups, said, *pair, combine=combine)
        for pair in itertools.combinations(groups, 2)
    }
    assert sum(single.exhaustive for single in singles.values()) == (0 if design == "strata" else 3)
    for (g, h), single in singles.items():
        told = result.pvalue.loc[g, h]
        unequal = any("differ in size" in caution for caution in single.cautions)
        assert not single.exhaustive or unequal or told == single.pvalue
        assert not single.exhaustive or told >= single.null.pvalue


@EACH
def test_the_order_of_the_groups_changes_nothing(design):
    groups, said = DESIGNS[design]()
    first, order = table(groups, **said), list("cab")
    second = table({name: groups[name] for name in order}, **said)
    for name in ("mmd_squared", "standard_error", "effect", "noise_floor", "pvalue"):
        ours, theirs = getattr(first, name), getattr(second, name)
        pd.testing.assert_frame_equal(ours.loc[order, order], theirs, rtol=1e-9, atol=1e-12)
    assert first.pvalue.loc[order, order].equals(second.pvalue)


@EACH
def test_the_number_of_threads_changes_no_bit(design):
    groups, said = DESIGNS[design]()
    one, two = (table(groups, n_jobs=k, **said) for k in (1, 2))
    pd.testing.assert_frame_equal(one.to_frame(), two.to_frame(), check_exact=True)
    pd.testing.assert_frame_equal(one.strata, two.strata, check_exact=True)
    assert one.cautions == two.cautions


def test_a_pair_has_more_relabelings_if_its_first_pvalue_is_small():
    """Sixteen of the first, or fewer, reach the observed one; three pairs ask for 256."""
    rng = np.random.default_rng(3)
    groups = {name: rng.normal(size=(20, 2)) + 2 * (name == "c") for name in "abc"}
    frame = table(groups, clusters={n: np.arange(20) + 50 * i for i, n in enumerate("abc")},
                  n_resamples=63).to_frame()  # fmt: skip
    few = frame["n_resamples"] == 63
    assert few.tolist() == [True, False, False]
    assert (frame["n_resamples"][~few] == 255).all()
    assert (frame["pvalue"][few] > 16 / 64).all()
    assert (frame["pvalue"][~few] <= 16 / 256).all()


@needs("torch")
@EACH
def test_torch_gives_the_answer_of_numpy(design):
    groups, said = DESIGNS[design]()
    ours = table(groups, n_resamples=63, **said)
    theirs = table({n: as_tensor(Z) for n, Z in groups.items()}, n_resamples=63, **said)
    for name in ("mmd_squared", "standard_error", "pvalue", "noise_floor"):
        pd.testing.assert_frame_equal(getattr(theirs, name), getattr(ours, name), rtol=1e-7)


# --- how ids are given ---------------------------------------------------------------------------


def as_list(of):
    return [of[name] for name in "abc"]


def long_table():
    """All rows with columns of their group, donor and stratum, in any order."""
    parts = [
        pd.DataFrame(Z, columns=["x", "y"]).assign(when=name, donor=of, site=STRATA[of])
        for name, (Z, of) in CLUSTERS.items()
    ]
    return pd.concat(parts).sample(frac=1, random_state=0).reset_index(drop=True)


def forms():
    """The same clusters within strata in every form."""
    expected = ids(apart=True)
    whole = long_table()
    whole["donor"] += whole["when"].map({"a": 0, "b": 100, "c": 200})
    tables = {name: whole[whole["when"] == name].drop(columns="when") for name in "abc"}
    stacked = np.concatenate(as_list(rows()))
    names = np.repeat(list("abc"), [len(Z) for Z in as_list(rows())])
    each = {"clusters": np.concatenate(as_list(expected)),
            "strata": np.concatenate(as_list(strata()))}  # fmt: skip
    by_column = {"clusters": "donor", "strata": "site"}
    return {
        "list": (as_list(rows()), {"labels": list("abc"), "clusters": as_list(expected),
                                   "strata": as_list(strata())}),
        "labelled array": (stacked, {"labels": names, **each}),
        "table with columns": (whole, {"labels": "when", **by_column}),
        "table with columns and ids": (whole.drop(columns="site"), {
            "labels": "when", "clusters": "donor", "strata": whole["site"]}),
        "mapping of tables": (tables, by_column),
        "list of tables": (list(tables.values()), {"labels": list("abc"), **by_column}),
        "mapping and lists": (rows(), {
            "clusters": {n: of.tolist() for n, of in expected.items()},
            "strata": {n: tuple(of.tolist()) for n, of in strata().items()}}),
    }  # fmt: skip


FORMS = forms()


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_clusters_and_strata(form):
    expected = table(rows(), clusters=ids(apart=True), strata=strata())
    groups, said = FORMS[form]
    got = table(groups, **said)
    for name in ("mmd_squared", "standard_error", "pvalue"):
        if "table" in form and name == "pvalue":
            continue  # rows of a group stand in another order, and p has its shuffle
        pd.testing.assert_frame_equal(getattr(got, name), getattr(expected, name), rtol=1e-9)
    assert got.cautions == expected.cautions
    assert (got.counted, got.counts) == ("clusters", (14, 14, 14))


def test_ids_of_an_array_of_groups_are_a_list_or_an_array():
    cube = np.stack(list(in_row_order().values()))
    order = [np.random.default_rng(i).permutation(14) for i in range(3)]
    shuffled = np.stack([Z[o] for Z, o in zip(cube, order, strict=True)])
    expected = table(cube, labels=list("abc"), paired=True)
    for form in (order, np.stack(order), [o.tolist() for o in order]):
        got = table(shuffled, labels=list("abc"), paired=form)
        pd.testing.assert_frame_equal(got.mmd_squared, expected.mmd_squared, rtol=1e-9)
        assert (got.counted, got.counts) == ("pairs", (14, 14, 14))


def test_donors_in_a_column_pair_the_rows_of_a_table():
    whole = pd.concat(
        pd.DataFrame(Z, columns=["x", "y"]).assign(when=name, donor=of)
        for name, (Z, of) in ROWS.items()
    )
    got, expected = table(whole, labels="when", paired="donor"), table(in_row_order(), paired=True)
    pd.testing.assert_frame_equal(got.mmd_squared, expected.mmd_squared, rtol=1e-9)
    assert got.cautions == expected.cautions


# --- what is refused -----------------------------------------------------------------------------

A = ids()["a"]
BAD = {
    "wrong keys": ({"clusters": {"a": A, "b": A}}, ValueError, ["`clusters`", "none for 'c'"]),
    "more keys": ({"strata": strata() | {"d": A}}, ValueError, ["`strata`", "got 'd' too"]),
    "no mapping": ({"clusters": A}, TypeError, ["`clusters` must be a mapping", "keys", "array"]),
    "too few": (
        {"clusters": ids(apart=True) | {"b": A[:3]}}, ValueError,
        ["`clusters['b']`", "one id for each", "groups['b']", "got 3"],
    ),
    "missing": (
        {"strata": strata() | {"c": [None] * len(CLUSTERS["c"][1])}}, ValueError,
        ["`strata['c']`", "None in row 0"],
    ),
    "NaN": (
        {"clusters": ids(apart=True) | {"a": np.full(len(A), np.nan)}}, ValueError,
        ["`clusters['a']`", "nan in row 0"],
    ),
    "in several groups": (
        {"clusters": ids()}, ValueError,
        ["`clusters` must each have all of their rows in one sample", "group 'a'", "group 'b'"],
    ),
    "one cluster": (
        {"clusters": ids(apart=True) | {"b": np.full(len(CLUSTERS["b"][1]), -1)}}, ValueError,
        ["`clusters` must be at least two", "1 in group 'b'"],
    ),
    "a lone stratum": (
        {"strata": strata() | {"b": np.full(len(CLUSTERS["b"][1]), 0)}}, ValueError,
        ["`strata` must have rows of both", "of group 'a' and 0 of group 'b' in 1"],
    ),
    "ids twice": (
        {"paired": ids()}, ValueError,
        ["`paired` must have each id once in a group", "times in group 'a'", "`clusters`"],
    ),
    "ids in both": (
        {"paired": ids(), "clusters": ids()}, ValueError, ["`paired` must be True with `clusters`"],
    ),
    "lengths": ({"paired": True}, ValueError, ["group 'a' and group 'b'", "as many rows"]),
    "all three": (
        {"paired": True, "clusters": ids(), "strata": strata()}, ValueError,
        ["`strata` must be None for `paired` `clusters`"],
    ),
    "fuse": ({"strata": strata(), "combine": "fuse"}, ValueError, ["`combine`", "`strata`"]),
    "bins": (
        {"clusters": ids(apart=True), "n_bins": 15}, ValueError, ["`n_bins`", "14 clusters"],
    ),
    "a column": ({"clusters": "donor"}, TypeError, ["`clusters`", "goes with a table"]),
    "unmatched": ({"unmatched": "keep"}, ValueError, ["`unmatched` must be one of"]),
}  # fmt: skip


@pytest.mark.parametrize(("options", "error", "parts"), BAD.values(), ids=BAD.keys())
def test_bad_designs(options, error, parts):
    with pytest.raises(error, match=in_order(*parts)):
        table(rows(), **options)


def test_a_list_has_ids_of_every_group():
    with pytest.raises(ValueError, match=in_order("`clusters`", "each of the 3 groups", "2 of")):
        table(as_list(rows()), clusters=[A, A])
    for number in (5, 5.0):
        with pytest.raises(TypeError, match=in_order("`paired`", "True or False", str(number))):
            table(as_list(rows()), paired=number)


def test_no_pairing_is_said_by_none_and_false():
    assert table(rows(), paired=None).counted == table(rows(), paired=False).counted == "rows"
    assert table(in_row_order(), paired=np.bool_(True)).counted == "pairs"


def test_a_column_of_ids_that_is_left_in_is_told():
    whole = long_table()
    whole["donor"] += whole["when"].map({"a": 0, "b": 100, "c": 200})
    words = "column 'donor' holds the ids of `clusters`: leave it out, it is no feature"
    left_in = table(whole, labels="when", clusters=whole["donor"], strata="site")
    assert words in left_in.cautions
    by_name = table(whole, labels="when", clusters="donor", strata="site")
    assert not any("no feature" in caution for caution in by_name.cautions)


# --- rows that nothing can be compared with ------------------------------------------------------


def test_rows_without_a_partner_are_left_out_of_their_pair_alone():
    """Donors 0 to 2 are not in "b": pairs with it are smaller."""
    some = dict(ROWS) | {"b": tuple(part[ROWS["b"][1] > 2] for part in ROWS["b"])}
    with pytest.raises(ValueError, match=in_order("`paired` must have every id", "3 rows only in")):
        table(rows(some), paired=ids(some))
    got = table(rows(some), paired=ids(some), unmatched="drop")
    frame = got.to_frame()
    assert frame["pairs"].tolist() == [11, 14, 11]
    smaller = {n: Z[-11:] for n, Z in in_row_order().items()}
    for given, pairs in ((smaller, ["ab", "bc"]), (in_row_order(), ["ac"])):
        expected = table(given, paired=True).mmd_squared
        for g, h in pairs:
            assert got.mmd_squared.loc[g, h] == pytest.approx(expected.loc[g, h], rel=1e-9)
    assert "'a' and 'b': left out: 3 rows of group 'a' and 0 of group 'b', in no pair" in (
        got.cautions
    )
    assert not any("'a' and 'c'" in caution for caution in got.cautions)


def test_clusters_without_a_partner_and_strata_of_one_group_are_left_out():
    x, of = CLUSTERS["b"]
    some = dict(CLUSTERS) | {"b": (x[of > 2], of[of > 2])}
    got = table(rows(some), paired=True, clusters=ids(some), unmatched="drop")
    assert got.to_frame()["pairs_of_clusters"].tolist() == [11, 14, 11]
    left = sum((ids()["a"] <= 2).tolist())
    assert any(f"left out: {left} rows of group 'a' and 0 of group 'b'" in c for c in got.cautions)
    lone = strata() | {"b": np.zeros(len(of), int)}
    got = table(rows(), strata=lone, unmatched="drop")
    counts = got.strata.groupby(["first", "second"]).size()
    assert counts.tolist() == [1, 2, 1]


def test_few_of_many_cautions_are_told():
    some = {n: (Z[of != i], of[of != i]) for i, (n, (Z, of)) in enumerate(ROWS.items())}
    some |= {"d": of_donors(1, seed=9, donors=DONORS[4:])}
    got = table(rows(some), paired=ids(some), unmatched="drop")
    assert sum("left out" in caution for caution in got.cautions) == 3
    assert any(caution == "3 more cautions of this kind" for caution in got.cautions)


# --- what the result says ------------------------------------------------------------------------

COUNTED = {
    "pairs": "pairs", "pairs by id": "pairs", "clusters": "clusters",
    "pairs of clusters": "pairs of clusters", "strata": "rows", "clusters in strata": "clusters",
    "pairs in strata": "pairs", "pairs by id in strata": "pairs",
}  # fmt: skip


@EACH
def test_the_result_speaks_of_its_design(design, tmp_path):
    groups, said = DESIGNS[design]()
    result = table(groups, n_resamples=63, **said)
    assert result.counted == COUNTED[design]
    assert result.counts == (14, 14, 14) or design == "strata"
    frame = result.to_frame()
    column, given = COUNTED[design].replace(" ", "_"), ["first", "second", "n_first", "n_second"]
    columns = [column] if "pairs" in column else [f"{column}_first", f"{column}_second"]
    assert list(frame.columns[: 4 + len(columns)]) == given + columns
    expected = [len(groups[n]) for n in "aab"] if design == "strata" else [14] * 3
    assert frame[columns[0]].tolist() == expected
    assert frame["n_first"].tolist() == [len(groups[n]) for n in "aab"]
    assert COUNTED[design] in result.method()
    assert ("strata" in result.method()) == ("strata" in said)
    call = result.call()
    for name, value in said.items():
        assert f"{name}={value if value is True else ''}" in call
    json.dumps(result.to_dict(), allow_nan=True)
    result.to_csv(tmp_path / "table.csv")
    result.to_html(tmp_path / "table.html")
    assert "Which groups" in (tmp_path / "table.html").read_text(encoding="utf-8")
    assert len(str(result).splitlines()) < 30
    with pytest.raises(ValueError, match="a global test needs all pairs, and independent rows"):
        result.global_test(99)


def test_strata_of_a_table_name_their_pair():
    result = table(rows(), strata=strata())
    assert list(result.strata.columns[:5]) == ["first", "second", "stratum", "n", "m"]
    assert result.strata["first"].tolist() == list("aaaabb")
    n, m = (len(CLUSTERS[g][1][STRATA[CLUSTERS[g][1]] == 0]) for g in "ab")
    assert result.strata.iloc[0][["n", "m"]].tolist() == [n, m]
    assert table(rows()).strata.empty


# --- floors --------------------------------------------------------------------------------------


@EACH
def test_floors_belong_to_groups_or_to_pairs(design):
    groups, said = DESIGNS[design]()
    result = table(groups, **said)
    floor, diagonal = result.noise_floor, np.diagonal(result.noise_floor)
    assert (floor.to_numpy()[~np.eye(3, dtype=bool)] > 0).all()
    assert np.isnan(diagonal).all() == design.startswith("pairs")
    ratio = (result.mmd_squared / floor).to_numpy()
    np.testing.assert_allclose(result.times_floor, np.where(np.eye(3), np.nan, ratio), rtol=1e-12)


def test_the_floor_of_clusters_goes_with_their_number():
    """The larger of both groups' rates, times what clusters give: not what rows do."""
    few = {"a": CLUSTERS["a"], "b": of_donors(0.0, 3, seed=8, donors=DONORS[:6])}
    result = table(rows(few), clusters={"a": few["a"][1], "b": few["b"][1] + 100})
    rates = result.floor_rate
    floor = result.noise_floor
    assert floor.loc["a", "b"] == pytest.approx(rates.max() * (1 / 14 + 1 / 6), rel=1e-12)
    assert floor.loc["a", "a"] == pytest.approx(rates[0] * 2 / 14, rel=1e-12)


def test_a_group_of_three_clusters_has_no_floor_and_says_so():
    few = {"a": CLUSTERS["a"], "b": of_donors(0.0, 3, seed=8, donors=DONORS[:3])}
    said = {"clusters": {"a": few["a"][1], "b": few["b"][1] + 100}}
    result = table(rows(few), **said)
    assert "no noise floor for 'b': too few rows or clusters to halve" in result.cautions
