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


def in_its_own_figure(k, names, order, headline):
    given = shape(k)
    frame = given.to_frame().set_axis(names, axis="index")
    given = SimpleNamespace(headline=headline, quantity="MMD", to_frame=lambda: frame)
    ax = plotting.plot_distances(given, None, order)
    ax.figure.canvas.draw()
    plt.close(ax.figure)
    return ax


@pytest.mark.parametrize("order", ["distance", "given"])
@pytest.mark.parametrize("k", [1, 2, 3, 6, 7, 12, 40])
@pytest.mark.parametrize("name", ["{}", "week {}", "a checkpoint of a long name {}"])
def test_the_legend_and_the_names_cover_nothing(k, name, order):
    ax = in_its_own_figure(k, [name.format(i) for i in range(k)], order, "3 differ\nintervals")
    legend, title = ax.get_legend().get_window_extent(), ax._left_title.get_window_extent()
    assert legend.y0 >= ax.bbox.y1 - 1
    assert title.y0 >= legend.y1 - 1
    assert min(legend.x0, title.x0) >= 0
    assert max(legend.x1, title.x1) <= ax.figure.bbox.x1
    assert title.y1 <= ax.figure.bbox.y1
    axis = ax.xaxis if order == "given" else ax.yaxis
    labels = [label.get_window_extent() for label in axis.get_ticklabels()]
    if axis.get_ticklabels()[0].get_rotation() == 0:
        for one, other in itertools.pairwise(labels):
            assert not one.overlaps(other)
