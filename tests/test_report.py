"""Pictures, page, file and command line of a table of groups."""

import html
import os
import re
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import repdist
from repdist import cli, plotting, report

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


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_the_heat_map_shows_values_significance_and_floors(result):
    ax = result.plot()
    image = ax.get_images()[0].get_array()
    np.testing.assert_allclose(
        image[~np.eye(3, dtype=bool)], result.mmd_squared.to_numpy()[~np.eye(3, dtype=bool)]
    )
    np.testing.assert_allclose(np.diagonal(image), np.diagonal(result.noise_floor))
    shown = texts(ax)
    assert len(shown) == 9
    assert shown[1] == f"{result.mmd_squared.iloc[0, 1]:#.3g}\n*"  # adjusted p of 3 / 200
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["a", "b", "<c>"]
    assert len(ax.patches) == 3


def test_clustered_order_puts_close_groups_beside_each_other():
    rng = np.random.default_rng(0)
    given = {
        name: rng.normal(m, 1, size=(40, 2))
        for name, m in zip("abcd", (0, 5, 0.5, 5.5), strict=True)
    }
    result = repdist.pairwise_mmd_test(given, n_resamples=199, rng=0)
    ticks = [tick.get_text() for tick in result.plot(order="clustered").get_xticklabels()]
    assert {frozenset(ticks[:2]), frozenset(ticks[2:])} == {frozenset("ac"), frozenset("bd")}
    with pytest.raises(ValueError, match="`order` must be one of"):
        result.plot(order="alphabetic")


def test_the_map_keeps_distances_that_fit_into_the_plane(result):
    ax = result.embed()
    points = ax.collections[0].get_offsets()
    got = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.testing.assert_allclose(got, np.sqrt(result.mmd_squared.clip(lower=0)), atol=1e-9)
    bar = ax.get_lines()[0].get_xdata()
    floor = np.sqrt(np.median(result.noise_floor))
    assert bar[1] - bar[0] == pytest.approx(floor)
    assert texts(ax)[:3] == ["a", "b", "<c>"]


def test_the_dendrogram_joins_at_average_distances(result):
    ax = result.dendrogram()
    d = np.sqrt(result.mmd_squared.to_numpy())
    heights = sorted(line[:, 1].max() for c in ax.collections for line in c.get_segments())
    nearest = d[np.triu_indices(3, 1)].min()
    assert heights[0] == pytest.approx(nearest)
    assert heights[-1] == pytest.approx((d.sum() / 2 - nearest) / 2)


@pytest.mark.parametrize(
    "names", [["$a_$", "cost $5^$", "c"], ["x" * 200, "b", "c"], ["é<b>", "\n", ""]], ids=repr
)
def test_any_name_can_be_drawn(names, tmp_path):
    rng = np.random.default_rng(0)
    given = [rng.normal(size=(20, 2)) for _ in names]
    result = repdist.pairwise_mmd_test(given, names, adjust="none", n_resamples=99, rng=0)
    result.to_html(tmp_path / "names.html")


def test_groups_that_do_not_differ_are_drawn_below_the_floor(tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 2))
    result = repdist.pairwise_mmd_test({"a": X, "b": X, "c": X}, n_resamples=99, rng=0)
    ax = result.dendrogram()
    floor = np.sqrt(np.median(result.noise_floor))
    assert ax.get_ylim()[0] == 0
    assert ax.get_ylim()[1] > floor
    assert texts(result.plot())[1].startswith("-")  # MMD^2 below 0 is printed as it is
    result.to_html(tmp_path / "same.html")


def test_pictures_draw_into_given_axes(result):
    import matplotlib.pyplot as plt

    for draw in (result.plot, result.dendrogram, result.embed):
        _, ax = plt.subplots()
        assert draw(ax=ax) is ax


def test_many_groups_have_no_printed_numbers():
    given = np.random.default_rng(0).normal(size=(plotting.MOST_PRINTED + 1, 6, 2))
    result = repdist.pairwise_mmd_test(given, adjust="none", n_resamples=99, rng=0)
    assert texts(result.plot()) == []


def test_the_page_stands_alone_and_holds_every_pair(result, tmp_path):
    path = tmp_path / "report.html"
    result.to_html(path, title="A < B")
    page = path.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:)""", page)
    assert "http" not in page
    assert page.count("data:image/png;base64,") == 3
    assert page.count("<tr") == 1 + 3
    assert "<h1>A &lt; B</h1>" in page
    assert "<c>" not in page
    assert "&lt;c&gt;" in page
    for text in (report.method(result), report.call(result), repdist.__version__):
        assert html.escape(text) in page
    for row in result.to_frame().itertuples():
        assert f'data-value="{row.mmd_squared!r}"' in page
    assert list(tmp_path.iterdir()) == [path]


def test_the_call_in_the_page_repeats_the_result():
    rng = np.random.default_rng(0)
    groups = [rng.normal(size=(40, 2)), rng.normal(1, 1, size=(50, 2))]
    result = repdist.pairwise_mmd_test(groups, combine="fuse", adjust="fdr_bh", rng=0)
    again = eval(report.call(result))
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


def test_summary_is_short(result):
    assert len(str(result).splitlines()) <= 12
    assert "3 pairs" in str(result)
    assert repr(result) == "PairwiseMMDResult(3 groups, 3 pairs)"


# --- the command line ----------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(60, 3)) + np.repeat([0, 1, 2], 20)[:, None]
    y = np.repeat(["a", "b", "c"], 20)
    np.savez(tmp_path / "labelled.npz", features=Z, y=y)
    np.savez(tmp_path / "groups.npz", a=Z[:20], b=Z[20:40], c=Z[40:])
    np.savez(tmp_path / "several.npz", features=Z, more=Z, y=y)
    np.save(tmp_path / "stacked.npy", Z.reshape(3, 20, 3))
    table = pd.DataFrame(Z, columns=list("xyz")).assign(kind=y)
    table.to_csv(tmp_path / "table.csv", index=False)
    table.to_parquet(tmp_path / "table.parquet")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("labelled.npz", "y"),
        ("groups.npz", None),
        ("several.npz:features", "y"),
        ("table.csv", "kind"),
        ("table.parquet", "kind"),
        ("stacked.npy", None),
    ],
)
def test_groups_are_read_from_files(files, name, labels):
    expected = repdist.pairwise_mmd_test(
        np.load(files / "stacked.npy"), n_resamples=199, rng=0
    ).mmd_squared
    groups, names = cli.read_groups(str(files / name), labels)
    result = repdist.pairwise_mmd_test(groups, names, n_resamples=199, rng=0)
    np.testing.assert_allclose(result.mmd_squared, expected, rtol=1e-9)
    assert result.names == ((0, 1, 2) if name == "stacked.npy" else ("a", "b", "c"))


@pytest.mark.parametrize(
    ("name", "labels", "message"),
    [
        ("labelled.npz", "z", "`--labels` must be an array of .*features, y"),
        ("several.npz", "y", "must hold one array of features.*features, more"),
        ("table.csv", None, "`--labels` must name the label column"),
        ("stacked.npy", "y", "`--labels` must not be given"),
        ("none.npz", None, "must be a file; there is none"),
        ("table.txt", None, "must end in"),
    ],
)
def test_bad_files_are_refused(files, name, labels, message):
    with pytest.raises((ValueError, OSError), match=message):
        cli.read_groups(str(files / name), labels)


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "repdist.cli", "matrix", *map(str, arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_matrix_writes_what_it_is_asked_for(files):
    outputs = [files / "out.html", files / "out.csv", files / "out.png"]
    done = run(
        files / "labelled.npz", "--labels", "y", "--resamples", "199", "--adjust", "bonferroni",
        "--html", outputs[0], "--csv", outputs[1], "--plot", outputs[2],
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 groups of 20 rows, 3 pairs" in done.stdout
    assert outputs[0].read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert len(pd.read_csv(outputs[1])) == 3
    assert outputs[2].read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["labelled.npz", "--labels", "y", "--html", "out.txt"], "`--html` must end in .html"),
        (["labelled.npz"], "`groups['y']` must hold real numbers"),
        (["labelled.npz", "--labels", "y", "--resamples", "0"], "`--resamples` must be at least 1"),
    ],
)
def test_matrix_refuses_in_words(files, arguments, message):
    done = run(files / arguments[0], *arguments[1:])
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_title_that_is_no_text(result, tmp_path):
    with pytest.raises(TypeError, match="`title` must be text; got 3"):
        result.to_html(tmp_path / "page.html", title=3)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("write", ["to_csv", "to_html"])
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
    with pytest.raises(TypeError, match="`path` must be a file name; got None"):
        getattr(result, write)(None)
