"""Pages tell of designs: a table of strata, and what was compared."""

import html
import re
import warnings

import numpy as np
import pytest

import repdist
from repdist import _report

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)), RNG.normal(size=(40, 3)) + 0.5
SITES_X, SITES_Y = np.repeat(["a < b", "c"], [30, 10]), np.repeat(["a < b", "c"], [12, 28])
IDS = np.repeat(np.arange(20), 2)


def tables(page):
    """Return every table of a page by its heading: its hint, and rows of cells."""
    found = {}
    for title, hint, body in re.findall(
        r'<h2>([^<]*)</h2>\s*<p class="hint">(.*?)</p>\s*<div class="scroll">(.*?)</div>',
        page,
        re.S,
    ):
        rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in body.split("<tr")[1:]]
        hint = re.sub("<[^>]*>", "", hint).split("Click a heading to sort.")[1]
        found[title] = " ".join(hint.split()), [list(map(html.unescape, row)) for row in rows]
    return found


def page_of(result, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result.to_html(path)
    return tables(path.read_text(encoding="utf-8"))


def test_strata_have_a_table(tmp_path):
    result = repdist.mmd_test(X, Y, strata=(SITES_X, SITES_Y), n_resamples=99, rng=0)
    found = page_of(result, tmp_path / "page.html")
    assert list(found) == ["Components", "Strata"]
    hint, (headings, *rows) = found["Strata"]
    assert hint.startswith("Rows of both samples in each stratum, its share of all, and MMD²")
    assert headings == ["Stratum", "X", "Y", "Share", "MMD²", "Standard error"]
    shown = [row[:3] for row in rows]
    assert shown == [["a < b", "30", "12"], ["c", "10", "28"]]
    numbers = np.array([[cell.replace("−", "-") for cell in row[3:]] for row in rows], float)
    np.testing.assert_allclose(numbers, result.strata.iloc[:, 2:], atol=5e-3)
    hint, (headings, *rows) = found["Components"]
    assert headings == ["Form", "Bandwidth", "MMD²", "z-score", "p"]
    assert [row[0] for row in rows] == result.components["form"].tolist()
    assert "Within: the mean of the distances inside strata." in hint


@pytest.mark.parametrize(
    ("design", "counted"),
    [
        ({"paired": True, "strata": (SITES_X, SITES_X)}, "Pairs"),
        ({"clusters": (IDS, IDS + 20), "strata": (SITES_X, SITES_X)}, "Clusters"),
    ],
)
def test_the_table_of_strata_says_what_it_counts(design, counted, tmp_path):
    result = repdist.mmd_test(X, Y, **design, n_resamples=99, rng=0)
    hint, _ = page_of(result, tmp_path / "page.html")["Strata"]
    assert hint.startswith(f"{counted} of both samples in each stratum")


def test_without_strata_there_is_one_table(tmp_path):
    found = page_of(repdist.mmd_test(X, Y, n_resamples=99, rng=0), tmp_path / "page.html")
    assert list(found) == ["Components"]
    hint, (headings, *_) = found["Components"]
    assert hint == "One row a component of the kernel; each p-value is its own."
    assert headings[0] == "Bandwidth"


GROUPS = {"u": X, "v": Y, "w": X[:30] + 0.2}
BY_GROUP = {"u": 0, "v": 100, "w": 200}
SITES = {name: SITES_X[: len(rows)] for name, rows in GROUPS.items()}
OWN = {name: IDS[: len(rows)] + BY_GROUP[name] for name, rows in GROUPS.items()}
SAME = {name: IDS[: len(rows)] for name, rows in GROUPS.items()}
ROWS = {name: np.arange(len(rows)) for name, rows in GROUPS.items()}


@pytest.mark.parametrize(
    ("design", "compared", "heading", "cells"),
    [
        ({}, "", "Rows", ["40 + 40", "40 + 30", "40 + 30"]),
        ({"clusters": OWN}, "clusters", "Clusters", ["20 + 20", "20 + 15", "20 + 15"]),
        ({"paired": ROWS, "unmatched": "drop"}, "pairs of rows", "Pairs", ["40", "30", "30"]),
        (
            {"paired": True, "clusters": SAME, "unmatched": "drop"},
            "pairs of clusters", "Pairs of clusters", ["20", "15", "15"],
        ),
        (
            {"clusters": OWN, "strata": SITES, "unmatched": "drop"},
            "clusters inside strata", "Clusters", ["20 + 20", "15 + 15", "15 + 15"],
        ),
        (
            {"strata": SITES, "unmatched": "drop"},
            "rows inside strata", "Rows", ["40 + 40", "30 + 30", "30 + 30"],
        ),
    ],
    ids=["rows", "clusters", "pairs", "pairs of clusters", "clusters in strata", "strata"],
)  # fmt: skip
def test_the_page_of_a_table_says_what_was_compared(design, compared, heading, cells, tmp_path):
    result = repdist.pairwise_mmd_test(GROUPS, **design, n_resamples=99, rng=0)
    path = tmp_path / "page.html"
    hint, (headings, *rows) = page_of(result, path)["All pairs"]
    assert hint.endswith(f"Compared were {compared}." if compared else "cut at 0.")
    assert headings[-1] == heading
    assert [row[-1] for row in rows] == cells
    lead = path.read_text(encoding="utf-8")
    paired = "paired" in design
    assert ("what pairs show by chance if sides change at random" in lead) == paired
    counted = compared.removesuffix(" inside strata") or "rows"
    assert f"does not depend on how many {counted} there are" in lead


def page_with(n_rows, n_columns, bold=()):
    columns = [_report.column_of_names("Name", [f"row {i}" for i in range(n_rows)])]
    for number in range(1, n_columns):
        values = np.arange(n_rows) / 10
        columns.append(_report.column_of_numbers(f"c{number}", values, [f"{v}" for v in values]))
    table = _report.Table("Rows", "A hint.", columns, bold)
    return _report.rendered(_report.Page("t", "", (), (table, table), "m", "c"))


@pytest.mark.parametrize(("n_rows", "n_columns"), [(10, 5), (11, 4), (3, 9)])
def test_short_tables_and_narrow_ones_have_nothing_to_show(n_rows, n_columns):
    assert "checkbox" not in page_with(n_rows, n_columns)


def test_a_phone_shows_ten_cards_and_more_without_a_script():
    page = page_with(24, 5)
    boxes = re.findall(r'<input type="checkbox" class="more" id="([^"]*)">', page)
    words = re.findall(r'<label for="([^"]*)"><span class="rest">([^<]*)</span>', page)
    assert boxes == [name for name, _ in words] == ["more-0", "more-1"]  # each its own
    assert [text for _, text in words] == ["Show 14 more"] * 2
    phone = page.split("@media screen and (max-width: 40rem) {")[1].split("@media print")[0]
    hidden = ".more:not(:checked) ~ table tbody tr:nth-child(n + 11) { display: none; }"
    assert hidden in phone
    assert page.count("nth-child") == 1  # a wide screen and print show all rows
    for _, rows in tables(page).values():
        assert [row[0] for row in rows[1:]] == [f"row {i}" for i in range(24)]


def test_it_is_told_how_many_of_the_other_cards_are_bold():
    page = page_with(14, 5, bold=[True] * 3 + [False] * 9 + [True] * 2)
    assert 'Show 4 more<span class="bold">, 2 in bold</span></span>' in page
    assert ", 0 in bold" not in page_with(14, 5, bold=[True] * 3 + [False] * 11)
