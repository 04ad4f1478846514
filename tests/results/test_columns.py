"""The result of a column test: its table, its sentences, its picture."""

import csv
import dataclasses
import html
import itertools
import json

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import repdist
from repdist import column_test

mpl.use("Agg")

FRAME = [
    "column", "statistic", "changed", "direction", "difference", "spread_ratio", "overlap",
    "pvalue", "pvalue_adjusted",
]  # fmt: skip
NAMES = ["one", "two", "three", "four", "five"]


def result_of(n=80, m=80, **options):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(n, 5)), rng.normal(size=(m, 5))
    Y[:, 1] += 1.5
    Y[:, 3] *= 4
    return column_test(X, Y, **{"names": NAMES, "n_resamples": 499, "rng": 0} | options)


def none_differs(**changes):
    rng = np.random.default_rng(0)
    result = column_test(rng.normal(size=(9, 3)), rng.normal(size=(9, 3)), rng=0)
    return dataclasses.replace(result, **changes)


# --- the table -----------------------------------------------------------------------------------


def test_one_row_a_column_the_surest_first():
    result = result_of()
    frame = result.to_frame()
    assert list(frame) == FRAME
    assert sorted(frame["column"]) == sorted(NAMES)
    assert set(frame["column"][:2]) == {"two", "four"}
    keys = list(zip(frame["pvalue_adjusted"], -frame["statistic"], strict=True))
    assert keys == sorted(keys)
    for row in frame.itertuples():
        j = NAMES.index(row.column)
        found = result.statistic[j], result.pvalue[j], result.pvalue_adjusted[j], result.overlap[j]
        assert (row.statistic, row.pvalue, row.pvalue_adjusted, row.overlap) == found


def test_groups_are_told_by_the_column_that_differs_most():
    result = result_of(groups=["b", "b", "a", "a", "c"])
    frame = result.to_frame()
    assert list(frame) == ["group", "n_columns", *FRAME]
    assert frame.set_index("group")["n_columns"].to_dict() == {"a": 2, "b": 2, "c": 1}
    assert frame.set_index("group")["column"].to_dict() == {"a": "four", "b": "two", "c": "five"}
    alone = result_of().to_frame().set_index("column")
    for row in frame.itertuples():
        assert row.difference == alone.loc[row.column, "difference"]
        assert row.overlap == alone.loc[row.column, "overlap"]


def test_names_may_be_anything_that_can_be_told_apart():
    names = [("a", 1), 2, "three", frozenset([4]), None.__class__]
    assert set(result_of(names=names).to_frame()["column"]) == set(names)


def test_a_file_for_a_spreadsheet(tmp_path):
    path = tmp_path / "columns.csv"
    result = result_of(names=["=1+1", "b,c", 'd"e', "@f", "ü"])
    result.to_csv(path)
    rows = rows_in(path)
    assert {row["column"] for row in rows} == {"'=1+1", "b,c", 'd"e', "'@f", "ü"}
    assert list(rows[0]) == FRAME
    with pytest.raises(ValueError, match="`path`"):
        result.to_csv(tmp_path / "none" / "columns.csv")
    grouped = result_of(groups=["=x", "=x", "y", "y", "y"])
    grouped.to_csv(path)
    assert {row["group"] for row in rows_in(path)} == {"'=x", "y"}


def rows_in(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_record_is_json_with_none_for_what_is_no_number():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 2)), rng.normal(size=(20, 2))
    X[:, 0], Y[:, 0] = 1, 2
    record = json.loads(json.dumps(column_test(X, Y, rng=0).to_dict(), allow_nan=False))
    first = record["columns"][0]
    assert (first["column"], first["difference"], first["spread_ratio"]) == (0, None, None)
    assert record["control"] == "westfall-young"
    assert len(result_of(groups=list("aabbc")).to_dict()["groups"]) == 3


# --- sentences -----------------------------------------------------------------------------------


def test_columns_that_differ_are_told_in_words():
    text = str(result_of())
    assert text.startswith("5 columns of 80 rows against 80\n  finding  2 of 5 columns differ")
    assert "\n  two      higher in Y (p = 0.002): mean +" in text
    assert "\n  four     wider in Y (p = 0.002): mean " in text
    assert "three" not in text
    assert repr(result_of()) == "ColumnResult(2 of 5 columns differ)"


def test_groups_are_told_with_a_column_of_theirs():
    text = str(result_of(groups=["b", "b", "a", "a", "c"]))
    assert "2 of 3 groups differ at .05, adjusted" in text
    assert "\n  b        most in two: higher in Y" in text


def test_long_names_are_shortened():
    text = str(result_of(names=["a" * 50, "a long name " * 9 + "of two", "b", "c" * 40, "d"]))
    assert "\n  a long name …name of two" in text
    assert max(map(len, text.splitlines()[:4])) <= 100


def test_more_columns_than_are_named():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(60, 1200)), rng.normal(size=(60, 1200)) + 2
    text = str(column_test(X, Y, n_resamples=499, rng=0))
    assert "1,200 columns of 60 rows" in text
    assert "and 1,194 more: to_frame(), or `repdist columns --csv`" in text
    assert len(text.splitlines()) == 11


def test_a_page_sends_its_readers_to_its_own_table(tmp_path):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(60, 9)), rng.normal(size=(60, 9)) + 2
    found, explained = column_test(X, Y, rng=0), repdist.explain(X, Y, rng=0)
    assert "and 6 more: columns.to_frame()" in str(explained)
    for result, more in ((found, 3), (explained, 6)):
        result.to_html(tmp_path / "page.html")
        page = (tmp_path / "page.html").read_text(encoding="utf-8")
        assert f"and {more} more: in the table below" in page
        assert "to_frame" not in page


@pytest.mark.parametrize(
    ("pvalue", "words"),
    [
        (None, "no single column differs at .05"),
        (0.001, "no single column differs at .05, but the samples do (p = 0.001 by mmd_test): by "
                "too little in each of many columns, or in how columns go together"),
        (0.05, "no single column differs at .05, but the samples do (p = 0.05 by mmd_test): by "
               "too little in each of many columns, or in how columns go together"),
        (0.4, "no single column differs at .05, nor do all together (p = 0.4 by mmd_test)"),
    ],
)  # fmt: skip
def test_where_no_column_differs(pvalue, words):
    result = none_differs(joint_pvalue=pvalue)
    assert result.finding() == words
    assert f"  finding  {words}\n" in str(result)
    assert result.headline == "0 of 3 columns differ"


def test_a_single_column_and_a_single_group():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 1)), rng.normal(size=(20, 1)) + 3
    assert column_test(X, Y, rng=0).finding() == "1 of 1 column differs at .05, adjusted"
    assert str(column_test(X, Y, rng=0)).startswith("1 column of 20 rows against 20")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "the step-down maximum of Westfall and Young over shared relabelings"),
        ({"m": 60}, "adjusted by Holm's correction"),
        ({"groups": list("aabbc")}, "Each group of columns was compared by the mean squared"),
    ],
)
def test_the_method_says_what_was_done(options, words):
    text = result_of(**options).method()
    assert words in text
    assert result_of(**options).relabelings.describe() in text


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        ((1, 1), (2, 2), "higher in Y (p = 6.1e-05): constant in each sample, overlap 0%"),
        ((0, 0), (-1, 1), "constant in X"),
        ((-1, 1), (0, 0), "constant in Y"),
    ],
)
def test_constant_samples_are_told(x, y, words):
    spread = np.linspace(0, 1, 40)[:, None]
    X, Y = (low + (high - low) * spread for low, high in (x, y))
    assert words in str(column_test(X, Y, rng=0))


# --- the picture ---------------------------------------------------------------------------------


def labels_of(ax):
    return [tick.get_text() for tick in ax.get_yticklabels()]


def test_the_picture_has_the_first_columns_of_the_table():
    result = result_of()
    ax = result.plot(Figure().subplots(), n_columns=3)
    assert labels_of(ax) == result.to_frame()["column"][:3].tolist()
    assert len(labels_of(result.plot(Figure().subplots()))) == 5
    with pytest.raises(ValueError, match="`n_columns` must be"):
        result.plot(n_columns=0)


def test_what_is_not_shown_to_differ_is_pale_and_said_so():
    ax = result_of().plot(Figure().subplots())
    captions = [text.get_text() for text in ax.texts if "overlap" in text.get_text()]
    assert [caption.startswith("not shown to differ (p = ") for caption in captions] == [
        False, False, True, True, True
    ]  # fmt: skip


def test_each_group_is_in_the_picture_by_its_own_column():
    """Also where all columns of another differ more."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(80, 60)), rng.normal(size=(80, 60))
    Y[:, :50] += 3
    groups = ["many"] * 50 + ["few"] * 10
    result = column_test(X, Y, groups=groups, n_resamples=99, rng=0)
    shown = labels_of(result.plot(Figure().subplots()))
    expected = [f"{row.group}: {row.column}" for row in result.to_frame().itertuples()]
    assert shown == expected
    assert result.looks.columns.tolist() == result.to_frame()["column"].tolist()


def test_up_to_24_columns_are_kept():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(30, 40)), rng.normal(size=(30, 40)) + 1
    result = column_test(X, Y, n_resamples=99, rng=0)
    assert len(labels_of(result.plot(Figure().subplots(), n_columns=100))) == 24
    assert result.looks.columns.tolist() == result.to_frame()["column"][:24].tolist()


def test_heights_are_shares_of_rows_and_outer_bins_hold_what_lies_beyond():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(500, 2)), rng.normal(size=(300, 2))
    X[0, 0] = 1e9
    looks = column_test(X, Y, n_resamples=99, rng=0).looks
    np.testing.assert_allclose(looks.heights.sum(axis=2), 1)
    for place, j in enumerate(looks.columns.tolist()):
        edges = looks.edges[place]
        assert (np.diff(edges) > 0).all()
        assert edges[-1] < 10
        for g, Z in enumerate((X, Y)):
            inside = [
                np.mean((Z[:, j] >= low) & (Z[:, j] < high))
                for low, high in itertools.pairwise(edges[1:-1])
            ]
            np.testing.assert_allclose(looks.heights[g, place, 1:-1], inside, atol=1e-12)


def test_clusters_count_once_in_the_picture():
    X = np.repeat([0.0, 1.0], [9, 1])[:, None]
    rng = np.random.default_rng(0)
    ids = np.repeat([0, 1], [9, 1]), np.arange(10, 20)
    heights = column_test(X, rng.random((10, 1)), clusters=ids, rng=0).looks.heights
    np.testing.assert_allclose(heights[0, 0, [0, -1]], [0.5, 0.5])


@pytest.mark.parametrize("values", [[0, 1], [3, 3], [0, 0, 0, 1e-12], [1e150, -1e150]], ids=str)
def test_any_values_have_a_picture(values):
    X = np.stack([np.resize(values, 40), np.arange(40)], axis=1).astype(float)
    result = column_test(X, X[::-1] + np.array([0, 100]), n_resamples=99, rng=0)
    result.plot(Figure().subplots()).figure.canvas.draw()


def test_the_table_is_not_the_state():
    result = result_of()
    frame = result.to_frame()
    frame.loc[0, "statistic"] = -1.0
    assert result.to_frame().iloc[0, 1] > 0
    pd.testing.assert_frame_equal(result.to_frame(), result_of().to_frame())
    assert result.to_dict()["repdist_version"] == repdist.__version__


# --- for a paper, and for a page -----------------------------------------------------------------


def shifted(**options):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, 40, 3))
    Y[:, 1] -= 2
    names = ["a_1", "50 %", "<c>"]
    return repdist.column_test(X, Y, names=names, n_resamples=999, rng=0, **options)


def test_the_table_for_a_paper(tmp_path):
    found = shifted()
    text = found.to_latex(tmp_path / "columns.tex")
    assert text == (tmp_path / "columns.tex").read_text("utf-8") == found.to_latex()
    head, *lines = text.splitlines()
    assert head.startswith("% 3 of 3 columns, p adjusted (westfall-young): ***")
    assert lines[2] == r"Column & Change & Difference & Spread & Overlap \\"
    row = found.to_frame().iloc[0]
    assert lines[4].startswith(rf"50 \% & lower in Y & $-${-row.difference:.2f}$^{{***}}$ & ")
    assert lines[4].endswith(rf" & {row.overlap:.2f} \\")
    assert lines[-2:] == [r"\bottomrule", r"\end{tabular}"]
    assert len(found.to_latex(n_columns=1).splitlines()) == len(text.splitlines()) - 2
    of_groups = shifted(groups=["u", "u", "v"]).to_latex()
    assert of_groups.startswith("% 2 of 2 groups, p adjusted (holm)")
    assert "\nu & lower in Y & " in of_groups


def test_the_page(tmp_path):
    found = shifted()
    found.to_html(tmp_path / "page.html", title="Which & why?")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "Which &amp; why?" in page
    assert "<c>" not in page
    assert "lower in Y" in page
    assert html.escape(found.method()) in page
    assert "repdist.column_test(X, Y, names=names, n_resamples=999)" in page
    shifted(groups=["u", "u", "v"]).to_html(tmp_path / "groups.html")
    assert ">Group</th>" in (tmp_path / "groups.html").read_text("utf-8")
