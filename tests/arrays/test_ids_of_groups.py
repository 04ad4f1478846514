"""Ids of the rows of groups: in every form that groups have, of the same numbers."""

import numpy as np
import pandas as pd
import pytest
from given import in_order, needs

from repdist._arrays import read_groups

RNG = np.random.default_rng(0)
ROWS = {"u": RNG.normal(size=(4, 2)), "v": RNG.normal(size=(3, 2)), "w": RNG.normal(size=(2, 2))}
IDS = {"u": [5, 1, 5, 2], "v": [1, 9, 9], "w": [2, 5]}
CODES = [[2, 0, 2, 1], [0, 3, 3], [1, 2]]
LABELS = [name for name, rows in ROWS.items() for _ in rows]
WHOLE = np.concatenate(list(ROWS.values()))
EVERY = [i for ids in IDS.values() for i in ids]
TABLES = {
    name: pd.DataFrame(rows, columns=["a", "b"]).assign(id=IDS[name]) for name, rows in ROWS.items()
}
LONG = pd.DataFrame(WHOLE, columns=["a", "b"]).assign(id=EVERY, label=LABELS)

FORMS = {
    "mapping": (ROWS, None, IDS),
    "mapping in another order": (ROWS, None, dict(reversed(IDS.items()))),
    "list": (list(ROWS.values()), list("uvw"), list(IDS.values())),
    "tuple of arrays": (list(ROWS.values()), list("uvw"), tuple(map(np.array, IDS.values()))),
    "labelled rows": (WHOLE, LABELS, EVERY),
    "labelled rows and an array": (WHOLE, LABELS, np.array(EVERY)),
    "tables": (TABLES, None, "id"),
    "list of tables": (list(TABLES.values()), list("uvw"), "id"),
    "long table": (LONG, "label", "id"),
    "long table and a column beside it": (LONG.drop(columns="id"), "label", LONG["id"]),
    "long table and labels beside it": (LONG.drop(columns="label"), LABELS, "id"),
}


@pytest.mark.parametrize(("groups", "labels", "ids"), FORMS.values(), ids=FORMS.keys())
def test_forms_of_ids(groups, labels, ids):
    found = read_groups(groups, labels, {"clusters": ids})
    assert found.names == ("u", "v", "w")
    assert found.ids["clusters"].names == (1, 2, 5, 9)
    assert [codes.tolist() for codes in found.ids["clusters"].codes] == CODES
    for array, rows in zip(found.arrays, ROWS.values(), strict=True):
        np.testing.assert_array_equal(array, rows)


def test_rows_in_any_order_keep_their_ids():
    order = RNG.permutation(9)
    found = read_groups(
        WHOLE[order], np.array(LABELS)[order], {"strata": np.array(EVERY)[order], "paired": order}
    )
    for g, name in enumerate("uvw"):
        kept = [i for i in order if LABELS[i] == name]
        np.testing.assert_array_equal(found.arrays[g], WHOLE[kept])
        names = np.array(found.ids["strata"].names)[found.ids["strata"].codes[g]]
        assert names.tolist() == [EVERY[i] for i in kept]
        assert found.ids["paired"].codes[g].tolist() == kept


def test_an_array_of_groups_has_a_list_or_an_array_of_ids():
    cube, numbers = RNG.normal(size=(3, 4, 2)), np.arange(12).reshape(3, 4) % 5
    for ids in (numbers, numbers.tolist(), list(numbers)):
        found = read_groups(cube, None, {"paired": ids})
        assert [codes.tolist() for codes in found.ids["paired"].codes] == numbers.tolist()


def test_two_columns_of_ids_leave_the_features():
    table = LONG.assign(site=["s", "t"] * 4 + ["s"])
    found = read_groups(table, "label", {"clusters": "id", "strata": "site"})
    assert found.columns == ("a", "b")
    assert found.ids["strata"].names == ("s", "t")
    assert read_groups(table.drop(columns=["id", "site"]), "label").ids == {}


@needs("polars")
def test_columns_of_polars():
    import polars as pl

    found = read_groups(pl.from_pandas(LONG), "label", {"clusters": "id"})
    assert [codes.tolist() for codes in found.ids["clusters"].codes] == CODES
    found = read_groups({n: pl.from_pandas(t) for n, t in TABLES.items()}, None, {"strata": "id"})
    assert [codes.tolist() for codes in found.ids["strata"].codes] == CODES


WRONG = {
    "an array": ((ROWS, None, np.array(EVERY)), TypeError, ["must be a mapping", "keys"]),
    "a list": ((ROWS, None, list(IDS.values())), TypeError, ["must be a mapping"]),
    "a key too few": ((ROWS, None, {"u": [1], "v": [2]}), ValueError, ["none for 'w'"]),
    "a key too many": ((ROWS, None, IDS | {"x": []}), ValueError, ["got 'x' too"]),
    "a list too short": (
        (list(ROWS.values()), None, list(IDS.values())[:2]), ValueError,
        ["each of the 3 groups", "2 of them"],
    ),
    "one id a row too few": ((ROWS, None, IDS | {"v": [1, 9]}), ValueError, ["`ids['v']`", "3 rows",
                                                                             "got 2"]),
    "one of all too few": ((WHOLE, LABELS, EVERY[1:]), ValueError, ["`ids`", "9 rows", "got 8"]),
    "missing": ((ROWS, None, IDS | {"w": [2, None]}), ValueError, ["`ids['w']`", "None in row 1"]),
    "NaN": ((WHOLE, LABELS, [np.nan, *map(float, EVERY[1:])]), ValueError, ["nan in row 0"]),
    "no column": ((LONG, "label", "donor"), ValueError, ["`ids`", "'donor'"]),
    "a column of arrays": ((ROWS, None, "id"), TypeError, ["`ids`", "goes with a table"]),
    "a column that one lacks": (
        (TABLES | {"v": TABLES["v"].drop(columns="id")}, None, "id"), ValueError, ["`ids`", "'id'"],
    ),
    "another index": (
        (LONG, "label", pd.Series(EVERY, index=range(1, 10))), ValueError, ["`ids`", "the index"],
    ),
    "two kinds": ((ROWS, None, IDS | {"v": [1.0, 9.0, 9.0]}), ValueError, ["`ids`", "one kind"]),
    "look alike": ((ROWS, None, IDS | {"v": ["1", "9", "9"]}), ValueError, ["differ when printed"]),
}  # fmt: skip


@pytest.mark.parametrize(("given", "error", "parts"), WRONG.values(), ids=WRONG.keys())
def test_ids_that_do_not_fit(given, error, parts):
    groups, labels, ids = given
    with pytest.raises(error, match=in_order(*parts)):
        read_groups(groups, labels, {"ids": ids})
