"""What every picture owes: it takes values, draws where it is told, and leaves the rest alone."""

import pickle
import warnings
from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from repdist import plotting
from repdist.plotting import _shapes

mpl.use("Agg")

NAMES = ["a", "<b>", "$x^", "R & D", ("t", 1)]


def table(names=NAMES):
    """Groups on a line, some far apart: values, not a result."""
    places = np.linspace(0, 1, len(names)) ** 2
    index = pd.Index(names, tupleize_cols=False)

    def frame(values):
        return pd.DataFrame(values, index=index, columns=index)

    distances = (places[:, None] - places) ** 2
    own = np.eye(len(names), dtype=bool)
    return SimpleNamespace(
        names=tuple(names),
        adjust="holm",
        mmd_squared=frame(distances),
        noise_floor=frame(np.full(distances.shape, 0.01)),
        pvalue_adjusted=frame(np.where(own, np.nan, 0.02)),
    )


def null(components=3):
    rng = np.random.default_rng(0)
    return SimpleNamespace(
        statistic=3.0,
        statistic_name="MMD^2",
        component_name="MMD^2",
        pvalue=0.01,
        null_distribution=rng.normal(size=200),
        components=pd.DataFrame(
            {"bandwidth": 2.0 ** np.arange(components), "zscore": np.arange(components)}
        ),
    )


def level(counted="rows"):
    return SimpleNamespace(
        pvalues=np.linspace(0.01, 1, 100), alpha=0.05, rate=0.05, holds=True,
        counted=counted, confidence_interval=lambda: (0.02, 0.11),
    )  # fmt: skip


def curve(reached=True, counted="rows"):
    frame = pd.DataFrame({"n": [5, 10], "power": [0.2, 0.9], "ci_low": [0.1, 0.7],
                          "ci_high": [0.4, 0.99]})  # fmt: skip
    return SimpleNamespace(
        alpha=0.05,
        counted=counted,
        to_frame=lambda: frame,
        rows_needed=lambda: 10 if reached else None,
    )


def distances(names=NAMES):
    """Groups at several distances, and one at none."""
    middle = np.linspace(-0.01, 1, len(names))[::-1]
    frame = pd.DataFrame(
        {
            "mmd_squared": middle,
            "ci_low": np.maximum(middle - 0.1, 0),
            "ci_high": np.maximum(middle + 0.2, 0),
            "noise_floor": np.full(len(names), 0.05),
            "pvalue_adjusted": np.where(middle > 0.1, 0.01, 0.4),
        },
        index=pd.Index(names, tupleize_cols=False),
    )
    return SimpleNamespace(headline="1 of 5", quantity="MMD$^2$", to_frame=lambda: frame)


def columns(names=NAMES, *, caption="higher in Y (p = 0.01): mean +1 sd"):
    """Histograms of columns; the first differ."""
    k, rng = len(names), np.random.default_rng(0)
    return SimpleNamespace(
        headline="2 of 5 columns differ",
        names=[str(name) for name in names],
        captions=[caption] * k,
        differs=[place < 2 for place in range(k)],
        edges=np.sort(rng.normal(size=(k, 7)), axis=1),
        heights=rng.dirichlet(np.ones(6), size=(2, k)),
    )


def drift(names=NAMES, alarms=1, headline="Alarm: b"):
    """Batches over time; the last few gave an alarm."""
    k = len(names)
    middle = np.linspace(-0.01, 1, k)
    frame = pd.DataFrame(
        {
            "mmd_squared": middle,
            "ci_low": np.maximum(middle - 0.1, 0),
            "ci_high": np.maximum(middle + 0.2, 0),
            "floor": np.full(k, 0.05),
            "evidence": 30 * np.linspace(0, 1, k) ** 4,
            "alarm": np.arange(k) >= k - alarms,
        },
        index=pd.Index(names, tupleize_cols=False),
    )
    return SimpleNamespace(headline=headline, threshold=20.0, to_frame=lambda: frame)


def regions(differs=(True, False, False)):
    """Three regions, of which one sample has no rows in the first, and some points."""
    rng = np.random.default_rng(0)
    plane = SimpleNamespace(
        points=rng.normal(size=(30, 2)), region=np.arange(30) % 3, centres=np.eye(3)[:, :2],
        explained=0.4,
    )  # fmt: skip
    return SimpleNamespace(
        headline="1 of 3 regions differ", plane=plane, log2_ratio=np.array([-np.inf, 0.3, 5.0]),
        differs=np.array(differs),
    )  # fmt: skip


def shares(order=(2, 0, 1)):
    return SimpleNamespace(
        headline="1 of 3 regions differ", order=np.array(order), share_x=np.array([0.5, 0.4, 0.1]),
        share_y=np.array([0.3, 0.5, 0.2]), pvalue_adjusted=np.array([0.4, 1.0, 0.01]),
    )  # fmt: skip


def witness(m=20):
    rng = np.random.default_rng(0)
    return SimpleNamespace(values_x=rng.normal(size=30), values_y=np.full(m, 0.5))


# Picture: the protocol of what it needs, and objects that have no more than that.
PICTURES = {
    "plot_two_sample": ("NullShape", [null(), null(1)]),
    "plot_table": ("TableShape", [table(), table(NAMES[:2])]),
    "plot_dendrogram": ("TableShape", [table(), table(NAMES[:2])]),
    "plot_map": ("TableShape", [table(), table(NAMES[:2])]),
    "plot_level": ("LevelShape", [level(), level("pairs"), level("pairs of clusters")]),
    "plot_power": (
        "CurveShape",
        [curve(), curve(reached=False), curve(counted="pairs"), curve(counted="clusters")],
    ),
    "plot_regions": ("RegionsShape", [regions(), regions([False] * 3)]),
    "plot_shares": ("SharesShape", [shares(), shares([1])]),
    "plot_witness": ("WitnessShape", [witness(), witness(1)]),
    "plot_distances": ("DistancesShape", [distances(), distances(NAMES[:1])]),
    "plot_columns": ("ColumnsShape", [columns(), columns(NAMES[:1])]),
}
FIGURES = {  # pictures of several panels, which are figures of their own
    "plot_drift": (
        "DriftShape",
        [drift(), drift(alarms=0), drift(NAMES[:1]), drift(list(map(str, range(150))), 60)],
    ),
}
FIGURE_CASES = pytest.mark.parametrize(
    ("name", "shape"), [(name, shape) for name, (_, shapes) in FIGURES.items() for shape in shapes]
)
CASES = pytest.mark.parametrize(
    ("name", "shape"), [(name, shape) for name, (_, shapes) in PICTURES.items() for shape in shapes]
)
NAMED = {"plot_table": table, "plot_dendrogram": table, "plot_map": table, "plot_columns": columns}
OF_GROUPS = pytest.mark.parametrize("name", NAMED)


@pytest.fixture(autouse=True)
def _closed_figures():
    plt.close("all")
    yield
    plt.close("all")


def test_every_picture_is_here():
    assert set(PICTURES) | set(FIGURES) == {
        name for name in plotting.__all__ if name.startswith("plot_")
    }


@pytest.mark.parametrize("name", [*PICTURES, *FIGURES])
def test_a_shape_has_what_its_protocol_asks_for_and_no_more(name):
    protocol, shapes = (PICTURES | FIGURES)[name]
    asked = {name for name in vars(getattr(_shapes, protocol)) if not name.startswith("_")}
    for shape in shapes:
        assert set(vars(shape)) == asked


@CASES
def test_it_draws_where_it_is_told(name, shape):
    """Without pyplot, and without a change of anybody's settings."""
    before, ax = dict(mpl.rcParams), Figure().subplots()
    assert getattr(plotting, name)(shape, ax) is ax
    assert ax.has_data()
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == before
    ax.figure.canvas.draw()


@CASES
def test_it_makes_a_figure_of_its_own(name, shape):
    before = dict(mpl.rcParams)
    axes = [getattr(plotting, name)(shape) for _ in range(2)]
    assert all(isinstance(ax, Axes) for ax in axes)
    assert axes[0].figure is not axes[1].figure
    assert len(plt.get_fignums()) == 2
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", PICTURES)
def test_what_it_draws_is_labelled(name):
    """In words: axes, a title, or names of groups."""
    ax = getattr(plotting, name)(PICTURES[name][1][0])
    assert any([ax.get_xlabel(), ax.get_ylabel(), ax.get_title(loc="left"), ax.texts])


@CASES
def test_values_are_unchanged(name, shape):
    def values():
        return pickle.dumps([value for value in vars(shape).values() if not callable(value)])

    before = values()
    getattr(plotting, name)(shape, Figure().subplots())
    assert values() == before


def shown_names(ax, name):
    """The names of groups that a picture shows, as they are printed."""
    if name == "plot_columns":
        return [tick.get_text() for tick in ax.get_yticklabels()]
    if name == "plot_map":
        return [text.get_text() for text in ax.texts if text.get_text() != "noise floor"]
    return [tick.get_text() for tick in ax.get_xticklabels()]


@OF_GROUPS
def test_names_are_told_apart(name):
    shown = shown_names(getattr(plotting, name)(NAMED[name]()), name)
    assert len(shown) == len(set(shown)) == len(NAMES)
    assert set(shown) == {str(given).replace("$", r"\$") for given in NAMES}
    alike = [f"{'the same beginning of a name '}{end}" for end in "abc"]
    assert len(set(shown_names(getattr(plotting, name)(NAMED[name](alike)), name))) == 3


@OF_GROUPS
@pytest.mark.parametrize(
    "names", [["$a_$", "cost $5^$", "c"], ["x" * 200, "b", "c"], ["é<b>", "\n", ""]], ids=repr
)
def test_any_name_can_be_drawn(name, names):
    ax = getattr(plotting, name)(NAMED[name](names))
    ax.figure.canvas.draw()
    assert all(len(shown) <= 25 for shown in shown_names(ax, name))


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_written_whole(name, tmp_path):
    ax = getattr(plotting, name)(PICTURES[name][1][0])
    plotting.save_figure(ax, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="`path` must be a file in an existing folder"):
        plotting.save_figure(ax, tmp_path / "none" / "picture.png")
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


def test_both_histograms_of_a_column_have_one_scale():
    """A peak over three times as high as the other's is cut off there."""
    shape = columns(["even", "peaked"])
    shape.heights = np.array([[[0.5, 0.5], [1.0, 0.0]], [[0.25, 0.75], [0.1, 0.1]]])
    shape.edges = np.array([[0.0, 1, 2], [0, 1, 2]])
    ax = plotting.plot_columns(shape, Figure().subplots())
    drawn = [np.abs(patch.get_data()[0] - patch.get_data()[2]) / 0.32 for patch in ax.patches]
    np.testing.assert_allclose(drawn[0], [0.5 / 0.75] * 2)
    np.testing.assert_allclose(drawn[1], [0.25 / 0.75, 1])
    np.testing.assert_allclose(drawn[2], [1, 0])
    np.testing.assert_allclose(drawn[3], [1 / 3] * 2)


# --- figures of several panels -------------------------------------------------------------------


@FIGURE_CASES
def test_a_figure_is_new_and_leaves_the_rest_alone(name, shape):
    before, values = dict(mpl.rcParams), pickle.dumps(shape.to_frame())
    figures = [getattr(plotting, name)(shape) for _ in range(2)]
    assert all(isinstance(figure, Figure) for figure in figures)
    assert figures[0] is not figures[1]
    assert len(plt.get_fignums()) == 2
    assert dict(mpl.rcParams) == before
    assert pickle.dumps(shape.to_frame()) == values
    figures[0].canvas.draw()


@pytest.mark.parametrize("name", FIGURES)
def test_every_panel_is_labelled_and_it_is_written_whole(name, tmp_path):
    figure = getattr(plotting, name)(FIGURES[name][1][0])
    assert all(ax.get_ylabel() for ax in figure.axes)
    assert figure.axes[0].get_title(loc="left") == "Alarm: b"
    plotting.save_figure(figure.axes[0], tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


@pytest.mark.parametrize(
    "names",
    [NAMES, ["$a_$", "cost $5^$", "c"], ["x" * 200, "b", "c"], ["é<b>", "\n", ""]],
    ids=repr,
)
def test_names_of_batches_are_told_apart(names):
    figure = plotting.plot_drift(drift(names))
    figure.canvas.draw()
    shown = [tick.get_text() for tick in figure.axes[1].get_xticklabels()]
    assert len(shown) == len(set(shown)) == len(names)
    assert all(len(text) <= 25 for text in shown)


@pytest.mark.parametrize("name", ["cost $_{$", "第四周"])
def test_the_title_names_batches_that_gave_an_alarm_as_the_axis_does(name):
    """Dollars are no formula; characters that no font has are told once, by repdist."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)  # matplotlib's of a character is one, too
        warnings.simplefilter("ignore", DeprecationWarning)  # of old versions, with newer ones
        figure = plotting.plot_drift(drift(["a", "b", name], headline=f"Alarm: {name}"))
        figure.canvas.draw()
    assert len(told) <= 1
    assert all("no installed font has" in str(warning.message) for warning in told)
    texts = figure.axes[0].findobj(Text)
    (shown,) = [text for text in texts if text.get_text().startswith("Alarm")]
    tick = figure.axes[1].get_xticklabels()[-1]
    assert shown.get_text() == f"Alarm: {tick.get_text()}"
    assert shown.get_fontfamily() == tick.get_fontfamily()
