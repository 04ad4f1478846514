"""The picture of distances: what is drawn is what the table says."""

import itertools
from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from repdist import plotting
from repdist.plotting._names import MOST_NAMED

mpl.use("Agg")


def shape(k=4):
    rng = np.random.default_rng(0)
    middle = rng.normal(0.1, 0.2, size=k)
    frame = pd.DataFrame(
        {
            "mmd_squared": middle,
            "ci_low": np.maximum(middle - 0.1, 0),
            "ci_high": np.maximum(middle + 0.2, 0),
            "noise_floor": rng.random(k) / 10,
            "pvalue_adjusted": np.where(middle > 0.1, 0.05, 0.06),
        },
        index=[f"week {i}" for i in range(k)],
    )
    return SimpleNamespace(headline="what", quantity="MMD", to_frame=lambda: frame)


def drawn(shape, order):
    ax = plotting.plot_distances(shape, Figure().subplots(), order)
    ax.figure.canvas.draw()
    return ax


@pytest.mark.parametrize("order", ["distance", "given"])
def test_bars_are_the_intervals(order):
    given = shape()
    frame = given.to_frame()
    if order == "distance":
        frame = frame.sort_values("mmd_squared")
    ax = drawn(given, order)
    axis = int(order == "given")
    found = {}
    for container in ax.containers:
        (line, _, (bars,)) = container.lines
        for point, bar in zip(np.transpose(line.get_data()), bars.get_segments(), strict=True):
            found[int(point[1 - axis])] = (point[axis], *sorted(bar[:, axis]))
    for place, row in enumerate(frame.itertuples()):
        value, low, high = found[place]
        assert value == pytest.approx(row.mmd_squared)
        assert low == pytest.approx(min(row.ci_low, row.mmd_squared))
        assert high == pytest.approx(max(row.ci_high, row.mmd_squared))


def test_ranks_give_the_order_if_there_are_any():
    """Those of the unbiased estimate, whichever is drawn."""
    given = shape()
    given.to_frame()["rank"] = [1, 4, 2, 3]
    ax = drawn(given, "distance")
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        "week 0", "week 2", "week 3", "week 1",
    ]  # fmt: skip


def test_short_names_are_not_turned():
    given = shape(10)
    for names, turned in (("0123456789", 0), ([f"week {i}" for i in range(10)], 60)):
        given.to_frame().index = list(names)
        ax = drawn(given, "given")
        assert {text.get_rotation() for text in ax.get_xticklabels()} == {turned}


def test_what_differs_has_its_own_colour_and_is_named():
    ax = drawn(shape(), "given")
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert any("differs at .05" in text for text in legend)
    assert "noise floor" in legend
    colours = [container.lines[0].get_color() for container in ax.containers]
    assert len(set(colours)) == 2


@pytest.mark.parametrize("least", [-0.3, -0.001])
def test_a_value_below_0_is_drawn_inside(least):
    """Axes begin at 0, or so far below the least value that its mark is whole."""
    frame = shape(30).to_frame()
    frame["mmd_squared"] = frame["mmd_squared"].clip(lower=least)
    given = SimpleNamespace(headline="what", quantity="MMD", to_frame=lambda: frame)
    for order in ("distance", "given"):
        ax = drawn(given, order)
        axis = 0 if order == "distance" else 1
        edge = ax.get_window_extent().min[axis]
        at = ax.transData.transform([least, least])[axis]
        assert at - edge > 4 / 2 * ax.figure.dpi / 72  # half a mark of 4 points


@pytest.mark.parametrize("k", [1, 2, 200])
@pytest.mark.parametrize("order", ["distance", "given"])
def test_any_number_of_groups(k, order):
    ax = drawn(shape(k), order)
    names = ax.get_xticklabels() if order == "given" else ax.get_yticklabels()
    assert 1 <= len(names) <= MOST_NAMED


# --- nothing covers anything ---------------------------------------------------------------------


def as_drift(given):
    """The picture of a monitor from the same distances: its upper axes have legend and title."""
    frame = given.to_frame().rename(columns={"noise_floor": "floor"})
    frame = frame.assign(alarm=frame["pvalue_adjusted"] <= 0.05, evidence=1.0)
    shape = SimpleNamespace(headline=given.headline, threshold=20.0, to_frame=lambda: frame)
    return plotting.plot_drift(shape).axes


@pytest.mark.parametrize("size", [10, 13])
@pytest.mark.parametrize("order", ["distance", "given", "drift"])
@pytest.mark.parametrize("k", [1, 2, 6, 7, 12, 40])
@pytest.mark.parametrize("name", ["{}", "week {}", "a checkpoint of a long name {}"])
def test_the_legend_and_the_names_cover_nothing(k, name, order, size):
    frame = shape(k).to_frame().set_axis([name.format(i) for i in range(k)], axis="index")
    headline = f"3 differ\nintervals{f' {frame.index[-1]}' * 3 * (order == 'drift')} at 95 %"
    given = SimpleNamespace(headline=headline, quantity="MMD", to_frame=lambda: frame)
    with mpl.rc_context({"font.size": size}):
        if order == "drift":
            ax, below = as_drift(given)
        else:
            ax = below = plotting.plot_distances(given, None, order)
        ax.figure.canvas.draw()
        plt.close(ax.figure)
    (legend,) = ax.figure.legends
    legend, title = legend.get_window_extent(), ax._left_title.get_window_extent()
    edge = ax.figure.bbox
    axes = below.get_tightbbox()
    assert legend.y1 <= axes.y0 + 1
    assert title.y0 >= ax.bbox.y1
    assert min(legend.x0, legend.y0) >= 0
    assert max(title.y1 - edge.y1, title.x1 - edge.x1, 0) == 0
    assert size > 10 or legend.x1 <= edge.x1
    labels = (ax.yaxis if order == "distance" else below.xaxis).get_ticklabels()
    places = [label.get_window_extent() for label in labels]
    if labels[0].get_rotation() == 0:
        for one, other in itertools.pairwise(places):
            assert not one.overlaps(other)
    assert order != "distance" or labels[0].get_rotation() == 0


@pytest.mark.parametrize("order", ["distance", "given"])
def test_axes_that_are_given_have_their_legend_inside_and_names_that_fit(order):
    figure = Figure(figsize=(8, 4), layout="constrained")
    for ax in figure.subplots(1, 2):
        plotting.plot_distances(shape(7), ax, order)
        ax.set_title("another", loc="left")
    figure.canvas.draw()
    for ax in figure.axes:
        legend = ax.get_legend().get_window_extent()
        assert ax.bbox.containsx(legend.x0)
        assert ax.bbox.containsy(legend.y1)
        labels = ax.get_xticklabels()
        places = [label.get_window_extent() for label in labels]
        turned = labels[0].get_rotation() != 0
        assert turned or not any(a.overlaps(b) for a, b in itertools.pairwise(places))


@pytest.mark.parametrize("order", ["distance", "given"])
def test_axes_that_share_their_limits_show_all_marks(order):
    first, second = shape(5), shape(5)
    second.to_frame = lambda: first.to_frame().abs()  # none below 0
    assert first.to_frame()["mmd_squared"].min() < 0
    for shapes in ((first, second), (second, first)):
        along = order == "given"
        axes = Figure().subplots(1, 2, sharex=not along, sharey=along)
        for ax, given in zip(axes, shapes, strict=True):
            plotting.plot_distances(given, ax, order)
        for ax in axes:
            least = (ax.get_ylim() if along else ax.get_xlim())[0]
            assert least < first.to_frame()["mmd_squared"].min()
