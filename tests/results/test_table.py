"""The page and the files of a table of groups."""

import html
import os
import re

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import repdist

mpl.use("Agg")


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(0)
    given = {name: rng.normal(i, 1, size=(40 + i, 3)) for i, name in enumerate(["a", "b", "<c>"])}
    return repdist.pairwise_mmd_test(given, n_resamples=199, rng=0)


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def test_the_page_holds_every_pair(result, tmp_path):
    result.to_html(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 3
    assert page.count("<tr") == 1 + 3
    assert "All pairs" in page
    assert "to_csv" not in page
    assert "<c>" not in page
    assert "&lt;c&gt;" in page
    for row in result.to_frame().itertuples():
        assert f'data-value="{row.mmd_squared!r}"' in page


@pytest.mark.parametrize("heading", ["MMD²", "Effect", "Noise floor", "p, adjusted"])
def test_numbers_of_a_column_have_equal_digits(result, heading, tmp_path):
    """Trailing zeros stay, so that points stand below each other."""
    result.to_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    shown = re.findall(rf'data-heading="{re.escape(heading)}">([^<]*)<', page)
    assert len(shown) == 3
    assert len({len(text.partition(".")[2]) for text in shown}) == 1


def test_a_page_of_very_many_pairs_shows_the_closest_and_the_farthest(tmp_path):
    """Of 46 groups: 35 of 1,035 pairs lie between, and are in the CSV alone."""
    rng = np.random.default_rng(0)
    given = rng.normal(size=(46, 5, 2)) + rng.normal(size=(46, 1, 2))
    result = repdist.pairwise_mmd_test(given, adjust="none", n_resamples=1, rng=0)
    result.to_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    said = "Of 1,035 pairs the 500 closest and the 500 farthest apart are shown; a file of all is "
    assert f"{said}written by `--csv`, in Python by `to_csv`." in page
    assert "All pairs" not in page
    shown = re.findall(r'data-value="([^"]*)" data-heading="MMD²"', page)
    values = result.to_frame()["mmd_squared"]
    order = np.argsort(values, kind="stable")
    kept = np.sort([*order[:500], *order[-500:]])
    assert shown == [repr(value) for value in values[kept].tolist()]
    bold = page.count('<tr class="differs">')
    assert bold == (result.to_frame()["pvalue"][kept] <= 0.05).sum()
    assert f"<strong>{(result.to_frame()['pvalue'] <= 0.05).sum()} of 1035 differ</strong>" in page
    result.to_csv(tmp_path / "pairs.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "pairs.csv"), result.to_frame())


# --- LaTeX ---------------------------------------------------------------------------------------

NAMES = ["a_1", "R & D", "50 %\n#{x}^2$~\\end"]


@pytest.fixture(scope="module")
def of_any_names():
    rng = np.random.default_rng(0)
    given = [rng.normal(i, 1, size=(40 + i, 3)) for i in range(3)]
    return repdist.pairwise_mmd_test(given, NAMES, n_resamples=199, rng=0)


def cells_of(text):
    """The cells of the rows between the rules."""
    body = text.partition("\\midrule\n")[2].partition("\\bottomrule")[0]
    return [line.removesuffix(r" \\").split(" & ") for line in body.splitlines()]


def plain(text):
    return text.replace("$-$", "-")


def test_latex_tells_of_no_floor_where_groups_have_none():
    rng = np.random.default_rng(0)
    given = {name: rng.normal(size=(10, 2)) for name in "abc"}
    table = repdist.pairwise_mmd_test(given, paired=True, n_resamples=99, rng=0)
    assert "floor" not in table.to_latex()


def test_latex_is_the_upper_triangle_in_booktabs(of_any_names):
    text = of_any_names.to_latex()
    assert text == of_any_names.to_latex(cells="stars")
    head, *lines = text.splitlines()
    assert head.startswith("% MMD^2; in italics the noise floor")
    assert "Holm-adjusted" in head
    assert lines[:2] == [r"\begin{tabular}{lrrr}", r"\toprule"]
    assert lines[-2:] == [r"\bottomrule", r"\end{tabular}"]
    rows = cells_of(text)
    assert [len(row) for row in rows] == [4, 4, 4]
    for i, row in enumerate(rows):
        assert row[1 : i + 1] == [""] * i
        floor = of_any_names.noise_floor.iloc[i, i]
        assert float(row[i + 1][len(r"\textit{") : -1]) == pytest.approx(floor, rel=0.05)
        for j in range(i + 1, 3):
            number, stars = re.fullmatch(r"(.*?)\$\^\{(\**)\}\$", row[j + 1]).groups()
            assert float(plain(number)) == pytest.approx(
                of_any_names.mmd_squared.iloc[i, j], abs=1e-3
            )
            p = of_any_names.pvalue_adjusted.iloc[i, j]
            assert len(stars) == (p < 0.001) + (p < 0.01) + (p <= 0.05)


def test_latex_with_intervals(of_any_names):
    text = of_any_names.to_latex(cells="intervals")
    assert "*" not in text
    for i, row in enumerate(cells_of(text)):
        for j in range(i + 1, 3):
            numbers = [float(n) for n in re.findall(r"-?[\d.]+", plain(row[j + 1]))]
            tables = (of_any_names.mmd_squared, of_any_names.ci_low, of_any_names.ci_high)
            np.testing.assert_allclose(numbers, [t.iloc[i, j] for t in tables], atol=1e-3)


def test_names_are_escaped_in_latex(of_any_names):
    """No name is read as a command, a comment or a new cell."""
    text = of_any_names.to_latex()
    first = [row[0] for row in cells_of(text.replace(r"R \& D", "R and D"))]
    escaped = r"50 \% \#\{x\}\textasciicircum{}2\$\textasciitilde{}\textbackslash{}end"
    assert first == [r"a\_1", "R and D", escaped]
    assert text.count(escaped) == 2  # in the head, too


def test_latex_is_written_to_a_file_as_well(result, tmp_path):
    path = tmp_path / "table.tex"
    assert result.to_latex(path) == path.read_text(encoding="utf-8") == result.to_latex()
    with pytest.raises(ValueError, match="`cells` must be one of"):
        result.to_latex(path, cells="bold")
    with pytest.raises(ValueError, match="`path` must be a file in an existing folder"):
        result.to_latex(tmp_path / "none" / "table.tex")
    assert list(tmp_path.iterdir()) == [path]


def test_the_call_in_the_page_repeats_the_result(tmp_path):
    rng = np.random.default_rng(0)
    groups = [rng.normal(size=(40, 2)), rng.normal(1, 1, size=(50, 2))]
    result = repdist.pairwise_mmd_test(groups, combine="fuse", adjust="fdr_bh", rng=0)
    result.to_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    again = eval(html.unescape(re.search("<pre>(.*?)</pre>", page)[1]))
    pd.testing.assert_frame_equal(again.mmd_squared, result.mmd_squared, rtol=1e-9)
    assert (again.combine, again.adjust) == ("fuse", "fdr_bh")


def test_csv_holds_the_tidy_table(result, tmp_path):
    result.to_csv(tmp_path / "pairs.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "pairs.csv"), result.to_frame())
    assert result.to_frame()["first"].tolist() == ["a", "a", "b"]


def test_nothing_is_left_when_a_file_cannot_be_written(result, tmp_path):
    with pytest.raises(ValueError, match="`path` must be a file in an existing folder"):
        result.to_html(tmp_path / "none" / "report.html")
    with pytest.raises(ValueError, match="`path` must be"):
        result.to_csv(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", ["to_csv", "to_html", "to_latex"])
def test_links_and_what_is_no_file_are_left_alone(result, tmp_path, write):
    real, link, pipe = (tmp_path / name for name in ("real", "link", "pipe"))
    real.write_text("old")
    link.symlink_to(real)
    getattr(result, write)(link)
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") != "old"
    os.mkfifo(pipe)
    with pytest.raises(ValueError, match="`path` must be a file in an existing folder"):
        getattr(result, write)(pipe)
    assert pipe.is_fifo()
    with pytest.raises(TypeError, match="`path` must be a file name; got 3"):
        getattr(result, write)(3)


def test_names_in_a_csv_are_text_to_a_spreadsheet_and_keep_their_line(tmp_path):
    rng = np.random.default_rng(0)
    names = ["=cmd|' /C calc'!A0", "+1", "a\rb", "@x", "-2.5", "- x"]
    groups = {name: rng.normal(size=(8, 2)) for name in names}
    table = repdist.pairwise_mmd_test(groups, n_resamples=19, rng=0)
    table.to_csv(tmp_path / "pairs.csv")
    back = pd.read_csv(tmp_path / "pairs.csv", dtype={"first": str, "second": str})
    assert len(back) == 15
    shown = {*back["first"], *back["second"]}
    assert shown == {"'=cmd|' /C calc'!A0", "+1", "a\rb", "'@x", "-2.5", "'- x"}
    np.testing.assert_array_equal(back["pvalue"], table.to_frame()["pvalue"])
