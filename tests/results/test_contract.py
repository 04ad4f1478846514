"""What every result owes: it is frozen, reads alike as text and in a notebook, and can be kept."""

import dataclasses
import html.parser
import json
import pickle
import re
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import repdist
from repdist import kernels
from repdist._numbers import typeset
from repdist._results.card import Card

mpl.use("Agg")

RESULTS = {
    "ByLabelResult", "ColumnResult", "EquivalenceResult", "Explanation", "GlobalTestResult",
    "LevelCheck", "MMDTestResult", "MetricResult", "Monitor", "PairwiseMMDResult", "PowerCurve",
    "Reference", "ReferenceResult", "RegionResult", "Sketch", "WitnessResult",
}  # fmt: skip
WITHOUT_CAUTIONS = {"EquivalenceResult", "GlobalTestResult", "Sketch", "Monitor", "Reference"}
NAMELESS = {"EquivalenceResult", "GlobalTestResult", "RegionResult", "Sketch"}  # of its own
GROWING = {"Monitor", "Reference"}  # are no dataclasses
METHODS = {
    "ByLabelResult", "ColumnResult", "MMDTestResult", "Monitor", "PairwiseMMDResult",
    "ReferenceResult", "RegionResult",
}  # fmt: skip
NAMES = ["<b>", "R & D", "$x_1$"]  # of groups and of columns
PICTURES = {"plot", "plot_shares", "dendrogram", "embed"}


@dataclass(frozen=True)
class Noted(kernels.Kernel):
    """A kernel that prints what must not be read as a tag."""

    note: str = "<b> & more"

    def evaluate(self, X, Y):
        return X @ Y.T


def rows(n, shift=0.0, seed=0):
    """Rows with copies and a constant column, so that there is something to say of them."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, 3))
    Z[:, 0] += shift
    Z[n // 2 :] = Z[: n - n // 2]
    Z[:, 2] = 0
    return pd.DataFrame(Z, columns=NAMES)


@pytest.fixture(scope="module")
def results():
    X, Y, kernel = rows(12, seed=1), rows(14, 1.5), Noted()
    rehearsal = {"kernel": kernel, "n_repetitions": 20, "n_resamples": 19, "rng": 0}
    groups = {name: rows(4, 1.5 * (seed > 0), seed) for seed, name in enumerate(NAMES)}
    with pytest.warns(repdist.RepdistWarning, match="cannot reach"):
        table = repdist.pairwise_mmd_test(groups, kernel=kernel, n_resamples=19, rng=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("repdist._questions.level.MOST_ROWS", 10)  # a caution
        level = repdist.check_level(X, Y, **rehearsal)
    two = repdist.mmd_test(X, Y, kernel=kernel, n_resamples=9, rng=0)
    named = [Z.set_axis(NAMES[::-1], axis=1) for Z in (X, Y)]  # so that <b> is constant
    few = {"n_resamples": 19, "rng": 0}
    beside = {"kernel": kernel, "n_resamples": 99, "adjust": "none", "rng": 0}
    labels = [np.resize(NAMES, n) for n in (12, 14)]
    options = {"rows_per_bin": 4, "n_landmarks": 8, "rng": 0}
    reference = repdist.Reference(rows(200), name=" & ".join(NAMES), **options)
    monitor = repdist.Monitor(reference, n_resamples=19, rng=0)
    for seed, name in enumerate(reversed(NAMES)):
        monitor.update(rows(40, 2 * (name == NAMES[0]), seed + 1), label=name)
    return {
        "ColumnResult": repdist.column_test(X, rows(14, 8.0), n_resamples=99, rng=0),
        "Explanation": repdist.explain(X, rows(14, 8.0), n_regions=3, **few),
        "MMDTestResult": two,
        "MetricResult": repdist.metrics.kid(*named, **few, subsets=3, subset_size=5),
        "EquivalenceResult": two.equivalence(0.5),
        "ReferenceResult": repdist.compare_to_reference(X, groups, **beside),
        "ByLabelResult": repdist.compare_by_label(X, labels[0], Y, labels[1], **beside),
        "LevelCheck": level,
        "PowerCurve": repdist.estimate_power(X, Y, sizes=[2, 10], **rehearsal),
        "PairwiseMMDResult": table,
        "GlobalTestResult": table.global_test(19),
        "RegionResult": repdist.region_test(rows(3, seed=1), rows(3, 1.5), n_regions=3, **few),
        "WitnessResult": repdist.witness(X, Y, kernel=kernel),
        "Monitor": monitor,
        "Reference": reference,
        "Sketch": reference.sketch(rows(40), rng=0),
    }


@pytest.fixture(params=sorted(RESULTS))
def result(results, request):
    return results[request.param]


def test_every_result_is_here(results):
    public = {
        name: getattr(home, name)
        for home in (repdist, repdist.metrics)
        for name in home.__all__
        if isinstance(getattr(home, name), type) and hasattr(getattr(home, name), "to_dict")
    }
    kept = {name for name, kind in public.items() if dataclasses.is_dataclass(kind)}
    assert kept == set(public) - GROWING
    assert set(results) == RESULTS == set(public)
    for name, result in results.items():
        assert type(result) is public[name]


def test_a_result_is_frozen_and_not_iterable(result):
    with pytest.raises(TypeError):
        iter(result)
    if type(result).__name__ in GROWING:
        for name, value in vars(type(result)).items():
            if isinstance(value, property):
                with pytest.raises(AttributeError):
                    setattr(result, name, None)
        return
    for field in dataclasses.fields(result):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(result, field.name, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.other = 1
    for name in {"null_distribution", "pvalues"} & set(dir(result)):
        assert not getattr(result, name).flags.writeable


def test_the_summary_is_the_text_and_short(result):
    assert result.summary() == str(result)
    assert len(str(result).splitlines()) <= 13
    assert all(len(line) <= 100 for line in str(result).splitlines() if "caution" not in line)
    assert len(repr(result).splitlines()) == 1
    assert repr(result).startswith(f"{type(result).__name__}(")


class Shown(html.parser.HTMLParser):
    """The words of a card in HTML, without its grid of numbers; every tag must be closed."""

    def __init__(self, page):
        super().__init__()
        self.open, self.words, self.items, self.in_grid = [], [], [], False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.in_grid = self.in_grid or tag == "caption"
        if tag == "li":
            self.items.append("")
            self.words.append("caution")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.in_grid = self.in_grid and tag != "table"

    def handle_data(self, text):
        if not self.in_grid:
            self.words.append(text)
        if self.open[-1] == "li":
            self.items[-1] += text


def test_text_and_html_say_the_same_lines(result):
    shown = Shown(result._repr_html_())
    assert not shown.open
    assert " ".join(shown.words).split() == typeset(str(result)).split()


def test_words_of_labels_have_their_width():
    """On a phone a label of a card breaks between words; very long ones break anywhere."""
    widths = []
    for words in (["a", "bc"], ["a", "temperature of the room"], ["x" * 40]):
        shown = Card("title", tuple((label, "text") for label in words)).html()
        widths.append(set(re.findall(r"min-width:(\w+);", shown)))
    assert widths == [{"8ch"}, {"11ch"}, {"14ch"}]


def test_names_are_escaped_in_html(result):
    page = result._repr_html_()
    assert not re.search(r"<b\b|<b>", page)
    assert not re.search(r"&(?!amp;|lt;|gt;|quot;|#x27;|#\d+;)", page)
    assert page.count("&lt;b&gt;") >= str(result).count("<b>")
    assert "<b>" in str(result) or type(result).__name__ in NAMELESS


def test_cautions_are_a_tuple_and_shown_everywhere(result):
    if type(result).__name__ in WITHOUT_CAUTIONS:
        pytest.skip("it has no cautions of its own")
    assert isinstance(result.cautions, tuple)
    assert result.cautions
    assert Shown(result._repr_html_()).items == list(result.cautions)
    for caution in result.cautions:
        assert caution in str(result)


def test_to_dict_is_ready_for_json(result):
    answer = result.to_dict()
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    assert next(iter(answer)) == "repdist_version"
    assert answer["repdist_version"] == repdist.__version__
    assert answer.get("cautions", []) == list(getattr(result, "cautions", ()))


def test_a_result_survives_pickling(result):
    again = pickle.loads(pickle.dumps(result))
    assert type(again).__module__ in ("repdist", "repdist.metrics")
    assert again.to_dict() == result.to_dict()
    assert str(again) == str(result)
    assert again._repr_html_() == result._repr_html_()
    for name in {"null_distribution", "pvalues"} & set(dir(result)):
        np.testing.assert_array_equal(getattr(again, name), getattr(result, name))


def test_pictures_draw_on_given_axes(result):
    if isinstance(result, repdist.Monitor):
        pytest.skip("it has two panels, and draws a figure of its own")
    for name in PICTURES & set(dir(result)):
        ax = Figure().subplots()
        assert getattr(result, name)(ax=ax) is ax
        assert ax.has_data()


@pytest.mark.parametrize("name", ["MMDTestResult", "Monitor", "PairwiseMMDResult"])
def test_the_page_stands_alone(results, name, tmp_path):
    result, path = results[name], tmp_path / "page.html"
    result.to_html(path, title="A < B & C")
    page = path.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [path]
    assert "<h1>A &lt; B &amp; C</h1>" in page
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:)""", page)
    assert "http" not in page
    assert page.count("data:image/png;base64,") >= 1
    for words in (result.method(), *getattr(result, "cautions", ()), repdist.__version__):
        assert html.escape(words) in page
    assert "note='<b>" not in page
    with pytest.raises(TypeError, match="`title` must be text; got 3"):
        result.to_html(path, title=3)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_the_method_is_prose_for_a_paper(results, name):
    words = results[name].method()
    assert words.endswith(f"(repdist {repdist.__version__}).")
    assert "\n" not in words
    assert "permutation p-value" in words
    assert words[0].isupper() or words[0].isdigit()


@pytest.mark.parametrize("name", sorted(METHODS - {"ColumnResult", "RegionResult"}))
def test_the_call_names_the_function_and_the_kernel(results, name):
    function = {
        "ByLabelResult": "compare_by_label(X, x_labels, Y, y_labels, ",
        "MMDTestResult": "mmd_test(X, Y, ",
        "Monitor": "Monitor(reference, ",
        "PairwiseMMDResult": "pairwise_mmd_test(groups, ",
        "ReferenceResult": "compare_to_reference(reference, groups, ",
    }[name]
    words = results[name].call()
    assert words.startswith(f"repdist.{function}")
    assert "kernel=" in words or name == "Monitor"  # it has the kernel of its reference
    assert words.count("\n") <= 1
