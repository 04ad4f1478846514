"""Ids of rows: every form of sequence gives one result, others are refused in words."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from given import as_tensor, in_order, needs

from repdist._arrays import check_pair, read_ids

FIRST, SECOND = [3, 1, 3, 2], [7, 7, 5]


def read(first=FIRST, second=SECOND, **options):
    return read_ids("clusters", (first, second), {"X": 4, "Y": 3}, **options)


FORMS = {
    "list": list,
    "tuple": tuple,
    "array": np.asarray,
    "small integers": lambda ids: np.asarray(ids, dtype=np.uint8),
    "Series": pd.Series,
    "nullable Series": lambda ids: pd.Series(ids, dtype="Int64"),
    "Categorical": pd.Categorical,
    "tensor": pytest.param(as_tensor, marks=needs("torch")),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_forms_of_one_pair_of_ids(form):
    found = read(form(FIRST), form(SECOND))
    assert found.names == (1, 2, 3, 5, 7)
    assert [codes.tolist() for codes in found.codes] == [[2, 0, 2, 1], [4, 4, 3]]
    assert found.shared == ()


@pytest.mark.parametrize(
    "name",
    [
        str,
        lambda i: f"vidéo {i}",
        lambda i: (i, "camera"),
        lambda i: dt.date(2020, 1, i),
        lambda i: frozenset([i]),
        lambda i: None.__class__ if i == 3 else f"v{i}",
    ],
)
def test_any_hashable_is_an_id(name):
    found = read([name(i) for i in FIRST], [name(i) for i in SECOND])
    assert [found.names[code] for code in found.codes[0]] == [name(i) for i in FIRST]
    assert [found.names[code] for code in found.codes[1]] == [name(i) for i in SECOND]
    assert len(found.names) == 5


def test_ids_in_both_samples_are_one():
    found = read(second=[3, 9, 1])
    assert found.shared == (1, 3)
    assert found.codes[1].tolist() == [2, 3, 0]


@pytest.mark.parametrize("mixed", [[1, "a", (2, 3), 1], ["b", 2, "b", (1,)]])
def test_the_order_of_rows_changes_no_order_of_names(mixed):
    assert read(mixed).names == read(mixed[::-1], SECOND[::-1]).names


def test_days_and_bytes():
    days = np.array(["2020-01-02", "2020-01-01", "2020-01-02", "2020-01-03"], dtype="M8[ns]")
    assert read(days, days[:3]).names[0] == pd.Timestamp("2020-01-01")
    assert read([b"a", b"b", b"a", b"c"], ["d", "e", "f"]).names == tuple("abcdef")


BAD = {
    "one array": (np.arange(7), TypeError, ["`clusters` must be a pair", "(ids_x, ids_y)"]),
    "three": ((FIRST, SECOND, SECOND), TypeError, ["must be a pair", "got 3 of them"]),
    "a mapping": ({"X": FIRST}, TypeError, ["must be a pair"]),
    "text": (("video", SECOND), TypeError, ["`clusters[0]` must be a sequence", "'video'"]),
    "a number": ((FIRST, 5), TypeError, ["`clusters[1]` must be a sequence", "5 (int)"]),
    "too few": ((FIRST[:3], SECOND), ValueError, ["`clusters[0]`", "4 rows of `X`", "got 3"]),
    "too many": ((FIRST, FIRST), ValueError, ["`clusters[1]`", "3 rows of `Y`", "got 4"]),
    "None": (([3, None, 1, None], SECOND), ValueError, ["`clusters[0]`", "None in row 1", "2 in"]),
    "NaN": ((FIRST, [1.0, 2.0, np.nan]), ValueError, ["`clusters[1]`", "nan in row 2", "1 in"]),
    "NaT": ((FIRST, pd.to_datetime(["2020-01-01", None, None])), ValueError, ["NaT in row 1"]),
    "NA": ((pd.Series([1, None, 1, 1], dtype="Int64"), SECOND), ValueError, ["row 1"]),
    "unhashable": (([[1], [2], [3], [4]], SECOND), TypeError, ["`clusters[0]`", "hashable", "[1]"]),
    "two columns": ((np.zeros((4, 2)), SECOND), ValueError, ["one dimension", "(4, 2)"]),
    "two kinds": ((FIRST, [1.0, 8.0, 9.0]), ValueError, ["`clusters` must be of one kind", "1.0"]),
    "look alike": ((FIRST, ["3", "8", "9"]), ValueError, ["differ when printed", "3 and '3'"]),
    "text and bytes": (([b"a", "b", "c", "d"], SECOND), TypeError, ["`clusters[0]`", "both"]),
}


@pytest.mark.parametrize(("ids", "error", "parts"), BAD.values(), ids=BAD.keys())
def test_bad_ids(ids, error, parts):
    def call():
        check_pair("clusters", ids)
        return read(*ids)

    with pytest.raises(error, match=in_order(*parts)):
        call()


def test_the_argument_is_called_by_its_name():
    with pytest.raises(ValueError, match="`strata\\[1\\]` must hold one id"):
        read_ids("strata", (FIRST, FIRST), {"X": 4, "Y": 3})


def test_a_series_has_the_index_of_its_table():
    table = pd.DataFrame({"a": range(4)}, index=[9, 8, 7, 6])
    ids = pd.Series(FIRST, index=table.index)
    assert read(ids, given=(table, None)).names == (1, 2, 3, 5, 7)
    with pytest.raises(ValueError, match="`clusters\\[0\\]` must have the index"):
        read(ids[::-1], given=(table, None))


# --- some of the rows ----------------------------------------------------------------------------


def test_how_many_rows_have_an_id_in_each_sample():
    found = read(second=[3, 9, 1])
    assert found.names == (1, 2, 3, 9)
    assert found.counts.tolist() == [[1, 1], [1, 0], [2, 1], [0, 1]]


def test_ids_of_some_rows_are_numbered_anew():
    found = read(second=[3, 9, 1])
    some = found.taken([(0, np.array([True, False, True, False])), (1, np.array([1, 0]))])
    assert some.names == (3, 9)
    assert [codes.tolist() for codes in some.codes] == [[0, 0], [1, 0]]
    assert found.names == (1, 2, 3, 9)


def test_ids_of_some_samples_and_in_another_order():
    found = read()
    turned = found.of(1, 0)
    assert turned.names == found.names
    assert [codes.tolist() for codes in turned.codes] == [[4, 4, 3], [2, 0, 2, 1]]
    assert found.of(1).names == (5, 7)
    assert found.of(1).codes[0].tolist() == [1, 1, 0]


NAMED = ["clusters['a']", "clusters['b']"]


def test_ids_of_groups_are_called_by_their_keys():
    given = {"groups['a']": 4, "groups['b']": 3}
    found = read_ids("clusters", (FIRST, SECOND), given, called=NAMED)
    assert found.names == (1, 2, 3, 5, 7)
    with pytest.raises(ValueError, match=in_order("`clusters['b']`", "3 rows of `groups['b']`")):
        read_ids("clusters", (FIRST, FIRST), given, called=NAMED)
    with pytest.raises(ValueError, match=in_order("`clusters` must hold", "7 rows of `groups`")):
        read_ids("clusters", (FIRST,), {"groups": 7})
