"""What comparisons with a reference, and by label, give: tables, LaTeX, sentences, pictures."""

import csv
import itertools
import json
import pickle
import re

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import repdist

mpl.use("Agg")

NAMES = ["a & b", "=1+1", "week 3", ("t", 1)]
OF_GROUPS = [
    "n", "mmd_squared", "standard_error", "ci_low", "ci_high", "pvalue", "pvalue_adjusted",
    "effect", "noise_floor", "times_floor", "rank", "rank_low", "rank_high", "may_be_closest",
    "n_resamples", "exhaustive",
]  # fmt: skip
OF_LABELS = [
    "n", "m", "mmd_squared", "standard_error", "ci_low", "ci_high", "pvalue", "pvalue_adjusted",
    "effect", "noise_floor", "times_floor", "n_resamples", "exhaustive",
]  # fmt: skip


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(0)
    groups = {name: rng.normal(0.4 * i, 1, (40 + i, 3)) for i, name in enumerate(NAMES)}
    return repdist.compare_to_reference(rng.normal(size=(60, 3)), groups, n_resamples=199, rng=0)


@pytest.fixture(scope="module")
def by_label():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, 90, 3))
    labels = np.repeat(["a & b", "=1+1", "c"], 30)
    Y[labels == "c"] += 1
    of_y = labels.copy()
    of_y[:29] = "none"
    return repdist.compare_by_label(X, labels, Y, of_y.astype(labels.dtype), n_resamples=99, rng=0)


@pytest.fixture(params=["result", "by_label"])
def either(request):
    return request.getfixturevalue(request.param)


# --- tables --------------------------------------------------------------------------------------


def test_columns(result, by_label):
    assert list(result.to_frame().columns) == OF_GROUPS
    assert result.to_frame().index.name == "group"
    assert list(result.to_frame().index) == NAMES
    assert list(by_label.to_frame().columns) == OF_LABELS
    assert by_label.to_frame().index.name == "label"


def test_differences_are_of_all_pairs_and_add_up(result):
    frame = result.differences()
    assert list(frame.columns) == [
        "first", "second", "difference", "standard_error", "low", "high", "pvalue_adjusted",
    ]  # fmt: skip
    pairs = list(zip(frame["first"], frame["second"], strict=True))
    assert pairs == list(itertools.combinations(NAMES, 2))
    distance = result.to_frame()["mmd_squared"].to_dict()
    for row in frame.itertuples():
        expected = distance[row.first] - distance[row.second]
        assert row.difference == pytest.approx(expected, rel=1e-9)
        assert (row.low + row.high) / 2 == pytest.approx(row.difference, rel=1e-9)
    reach = (frame["high"] - frame["low"]) / frame["standard_error"] / 2
    np.testing.assert_allclose(reach, result.compared.critical, rtol=1e-9)


def test_ranks_go_with_differences(result):
    frame, lower = result.to_frame(), result.differences()
    surely = {(r.first, r.second) for r in lower.itertuples() if r.low > 0}
    surely |= {(r.second, r.first) for r in lower.itertuples() if r.high < 0}
    for name, row in frame.iterrows():
        assert row["rank_low"] == 1 + sum(a == name for a, _ in surely)
        assert row["rank_high"] == 4 - sum(b == name for _, b in surely)
        assert row["rank_low"] <= row["rank"] <= row["rank_high"]
        assert row["may_be_closest"] == (row["rank_low"] == 1) == (name in result.closest)


def test_a_csv_file_reads_back(either, tmp_path):
    either.to_csv(tmp_path / "table.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]
    frame, name = either.to_frame(), either.to_frame().index.name
    got = pd.read_csv(tmp_path / "table.csv")
    assert list(got.columns) == [name, *frame.columns]
    numbers = frame.select_dtypes("number").columns
    np.testing.assert_allclose(got[numbers], frame[numbers], rtol=1e-12)
    with (tmp_path / "table.csv").open(newline="") as file:
        names = [row[name] for row in csv.DictReader(file)]
    assert "'=1+1" in names
    assert "a & b" in names or type(either) is repdist.ByLabelResult
    with pytest.raises(ValueError, match="`path` must be a file in an existing folder"):
        either.to_csv(tmp_path / "none" / "table.csv")


def test_latex(result, tmp_path):
    text = result.to_latex(tmp_path / "table.tex")
    assert (tmp_path / "table.tex").read_text(encoding="utf-8") == text
    assert r"a \& b & " in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 1 + len(NAMES)
    assert {row.count(" & ") for row in rows} == {4}
    for name, row in result.to_frame().iterrows():
        (line,) = (r for r in rows if r.startswith(str(name).replace("&", r"\&")))
        ranks = dict.fromkeys(str(row[end]) for end in ("rank_low", "rank_high"))
        assert line.endswith(rf" & {'--'.join(ranks)} \\")
        assert ("^{" in line) == (row["pvalue_adjusted"] <= 0.05)
        shown = float(re.search(r"& (\$-\$)?([\d.]+)", line)[2])
        assert shown == pytest.approx(abs(row["mmd_squared"]), abs=0.006)


def test_to_dict_holds_the_tables(result, by_label):
    answer = json.loads(json.dumps(result.to_dict()))
    assert len(answer["groups"]) == 4
    assert len(answer["differences"]) == 6
    assert answer["closest"][0] in ("a & b", "=1+1")
    assert answer["reference_size"] == 60
    answer = json.loads(json.dumps(by_label.to_dict()))
    assert [row["label"] for row in answer["labels"]] == list(by_label.names)
    assert answer["left_out"] == [
        {"label": name, "n": n, "m": m} for name, (n, m) in by_label.left_out.items()
    ]


def test_a_pickle_gives_the_same_tables(either):
    again = pickle.loads(pickle.dumps(either))
    pd.testing.assert_frame_equal(again.to_frame(), either.to_frame(), check_exact=True)
    assert str(again) == str(either)
    if type(either) is repdist.ReferenceResult:
        pd.testing.assert_frame_equal(again.differences(), either.differences(), check_exact=True)


# --- words ---------------------------------------------------------------------------------------


def test_the_summary(result, by_label):
    text = str(result)
    assert text.startswith("4 groups against a reference of 60 rows")
    assert "may be" in text
    differ = [name for name, p in result.to_frame()["pvalue_adjusted"].items() if p <= 0.05]
    shown = line(result, "differ")
    assert f"{len(differ)} of 4 from the reference at .05, Holm-adjusted: " in shown
    assert all((f"{name} (p 0.0" in shown) == (name in differ) for name in NAMES)
    assert repr(result).startswith("ReferenceResult(4 groups, closest=('a & b'")
    assert str(by_label).startswith("2 labels: ")
    assert re.search(r"differ +1 of 2 at \.05, Holm-adjusted: c \(p 0\.0", str(by_label))
    assert re.search(r"farthest c: MMD\^2 .*; differs, adjusted p 0\.0", str(by_label))
    assert re.search(r"closest .*; not shown to differ, adjusted p ", str(by_label))
    assert repr(by_label) == "ByLabelResult(2 labels, 1 differ)"


def line(result, label):
    """A line of the summary, without its breaks."""
    (found,) = re.findall(rf"^  {label} +(.*)", str(result).replace(f"\n{' ' * 11}", " "), re.M)
    return found


def places(result):
    """Than which groups the closest is closer, not shown to be closer, and the numbers."""
    best, rest = re.fullmatch(r"(.*?) is (.*)", line(result, "settled")).groups()
    numbers = re.search(
        r"\(difference (\S+), 95 % interval (\S+) to (\S+), adjusted p (\S+)\)", rest
    )
    before = rest[: numbers.start()].split()[-1]
    rest = rest.replace(f" {numbers[0]}", "")
    closer = re.search(r"^closer than ([^;]*)", rest)
    maybe = re.search(r"not shown to be closer than (.*)", rest)
    listed = [found[1].split(", ") if found else [] for found in (closer, maybe)]
    return best, *listed, before, [float(value) for value in numbers.groups()]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 0, 2, 1), (2, 3, 1, 0)])
@pytest.mark.parametrize("shifts", [(0, 0.05, 1, 2), (0, 1, 2, 3), (0, 0.01, 0.02, 0.03)])
def test_the_summary_says_whether_the_best_is_settled(shifts, order):
    """The words are those of `differences()`, in whatever order groups are given."""
    rng = np.random.default_rng(0)
    groups = {f"g{i}": rng.normal(shifts[i], 1, size=(60, 2)) for i in order}
    result = repdist.compare_to_reference(rng.normal(size=(80, 2)), groups, n_resamples=99, rng=0)
    best, closer, maybe, first, numbers = places(result)
    ranked = result.to_frame()["rank"].sort_values().index
    assert best == ranked[0]
    rows = {}
    for row in result.differences().itertuples():
        if row.first == best:
            rows[row.second] = row.difference, row.low, row.high, row.pvalue_adjusted
        elif row.second == best:
            rows[row.first] = -row.difference, -row.high, -row.low, row.pvalue_adjusted
    assert closer == [name for name in ranked[1:] if rows[name][2] < 0]
    assert maybe == [name for name in ranked[1:] if rows[name][2] >= 0]
    assert first == (maybe or closer)[0]
    assert numbers == pytest.approx(rows[first], rel=0.06)
    if shifts[1] == 0.05:
        assert closer
        assert maybe
    else:
        assert bool(maybe) == (shifts[3] == 0.03)


def test_many_that_differ_are_counted():
    rng = np.random.default_rng(0)
    groups = {f"g{i}": rng.normal(3 * (i > 1), 1, size=(30, 2)) for i in range(9)}
    result = repdist.compare_to_reference(rng.normal(size=(30, 2)), groups, rng=0)
    shown = line(result, "differ")
    assert re.search(r"7 of 9 from .*: g2 \(.*g6 \([^()]*\) and 2 more: to_frame\(\)$", shown)
    assert shown.count("(p ") == 5
    assert not re.search(r"\bp$", str(result), re.M)
    assert max(map(len, str(result).splitlines())) <= 100
    none = repdist.compare_to_reference(groups["g0"], {"a": groups["g1"]}, adjust="none", rng=0)
    assert "0 of 1 shown to differ from the reference at .05, not adjusted\n" in str(none)
    assert "; not shown to differ from the reference, adjusted p" in line(none, "distance")
    assert "settled" not in str(none)
    assert none.headline.startswith("0 of 1 shown to differ from the reference\n")


def test_many_candidates_are_counted():
    rng = np.random.default_rng(0)
    groups = {f"g{i:02}": rng.normal(size=(10, 2)) for i in range(12)}
    result = repdist.compare_to_reference(
        rng.normal(size=(20, 2)), groups, adjust="none", n_resamples=99, rng=0
    )
    assert len(result.closest) == 12
    assert "and 4 more" in str(result)


def test_the_call_repeats_the_result(result):
    rng = np.random.default_rng(0)
    groups = {name: rng.normal(0.4 * i, 1, (40 + i, 3)) for i, name in enumerate(NAMES)}
    reference = rng.normal(size=(60, 3))
    call = result.call().split("  #")[0]
    call = call[:-1] + ", rng=rng)"
    names = {"repdist": repdist, "reference": reference, "groups": groups, "rng": 0}
    again = eval(call, names | vars(repdist.kernels))
    pd.testing.assert_frame_equal(again.to_frame(), result.to_frame(), rtol=1e-9)


# --- pictures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["distance", "given"])
def test_a_picture_in_either_order(either, order):
    ax = Figure().subplots()
    assert either.plot(ax, order=order) is ax
    names = ax.get_xticklabels() if order == "given" else ax.get_yticklabels()
    shown = [name.get_text() for name in names]
    frame = either.to_frame()
    if order == "distance":
        frame = frame.sort_values("mmd_squared", kind="stable")
        bottom, top = ax.get_ylim()
        assert bottom > top  # the closest is on top
    assert shown == [str(name) for name in frame.index]
    assert ax.get_title(loc="left") == either.headline
    differ = int((frame["pvalue_adjusted"] <= 0.05).sum())
    whole = "from the reference\n" if type(either) is repdist.ReferenceResult else "\n"
    assert re.match(rf"{differ} of {len(frame)} (labels )?differ ?{whole}", either.headline)
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert set(words) == {"noise floor", "differs at .05, adjusted", "not shown to differ"}


def test_pictures_take_no_other_order(either):
    with pytest.raises(ValueError, match='`order` must be one of "distance", "given"; got \'x\''):
        either.plot(order="x")


def test_a_card_of_one_label_says_it_once():
    R = np.zeros((20, 2))
    labels, kernel = ["x"] * 20, repdist.kernels.RBF(1.0)
    result = repdist.compare_by_label(R, labels, R + 1, labels, kernel=kernel, rng=0)
    assert "distance x: MMD^2 1.26; differs, adjusted p" in str(result)
    assert "closest" not in str(result)


def test_a_page_of_pairs_counts_pairs(tmp_path):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, 30, 2))
    for paired in (False, True):
        result = repdist.compare_by_label(
            X, ["x"] * 30, Y, ["x"] * 30, paired=paired, n_resamples=99, rng=0
        )
        result.to_html(tmp_path / "page.html")
        page = (tmp_path / "page.html").read_text(encoding="utf-8")
        assert ("30 + 30" in page) is not paired
        assert ("sides change at random" in page) is paired


def test_a_page_of_one_counts_one(tmp_path):
    rng = np.random.default_rng(0)
    R, X = rng.normal(size=(2, 30, 2))
    one = repdist.compare_to_reference(R, {"a": X}, n_resamples=99, rng=0)
    labels = ["x"] * 30
    for result, words in (
        (one, "1 group against"),
        (repdist.compare_by_label(R, labels, X, labels, n_resamples=99, rng=0), "within 1 label."),
    ):
        result.to_html(tmp_path / "page.html")
        assert words in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert one.method().startswith("1 group was compared")
    assert "ifferences between" not in one.method()
    two = repdist.compare_to_reference(R, {"a": X, "b": R}, n_resamples=99, rng=0).method()
    assert "2 groups were compared" in two
    assert "Differences between" in two
