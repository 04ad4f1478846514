"""Labels of points: none hides another, none leaves the axes."""

from itertools import combinations
from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from repdist import plotting
from repdist.plotting._labels import push_apart, pushed, put_beside

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    plt.close("all")


def boxes(ax, *, framed=False):
    """The places of the labels as they are drawn, once the layout is settled."""
    ax.figure.draw_without_rendering()
    drawn = [text.get_bbox_patch() if framed else text for text in ax.texts]
    return [artist.get_window_extent() for artist in drawn]


def check_apart_and_inside(ax, places):
    frame = ax.get_window_extent().padded(1e-6)  # rounding
    for one, other in combinations(places, 2):
        assert not one.overlaps(other)
    for place in places:
        assert frame.x0 <= place.x0 < place.x1 <= frame.x1
        assert frame.y0 <= place.y0 < place.y1 <= frame.y1


def regions_at(centres):
    k = len(centres)
    points = np.random.default_rng(0).normal(size=(4 * k, 2))
    plane = SimpleNamespace(
        points=points, region=np.arange(4 * k) % k, centres=centres, explained=0.4
    )
    return SimpleNamespace(
        headline="", plane=plane, log2_ratio=np.linspace(-2, 2, k), differs=np.arange(k) % 3 > 0
    )


@pytest.mark.parametrize("at", ["clump", "one point", "corner", "line"])
def test_numbers_of_regions_hide_none_and_stay_inside(at):
    near = 0.1 * np.random.default_rng(1).normal(size=(24, 2))
    centres = {"clump": near, "one point": 0 * near, "corner": near + 9, "line": near * [1, 0]}[at]
    ax = plotting.plot_regions(regions_at(centres))
    assert len(ax.texts) == 24
    check_apart_and_inside(ax, boxes(ax, framed=True))


def test_a_line_leads_to_the_centre_of_a_number_that_was_moved_far():
    centres = np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
    ax = plotting.plot_regions(regions_at(centres))
    moved = [text for text in ax.texts if not np.allclose(text.xyann, text.xy)]
    assert 0 < len(ax.lines) <= len(moved) <= 3
    for line in ax.lines:
        start, end = line.get_xydata()
        np.testing.assert_allclose(start, [1, 1])
        assert any(np.allclose(end, text.xyann) for text in moved)
    alone = plotting.plot_regions(regions_at(np.array([[0.0, 0.0], [1.0, 1.0]])))
    for text in alone.texts:
        np.testing.assert_allclose(text.xyann, text.xy, atol=1e-9)
    assert not alone.lines


def test_of_very_many_labels_none_is_moved():
    ax = Figure().subplots()
    labels = [ax.annotate("1", (0.5, 0.5), (0.5, 0.5), bbox={}) for _ in range(101)]
    push_apart(ax, labels)
    assert {label.xyann for label in labels} == {(0.5, 0.5)}


def test_boxes_that_cover_none_are_left_where_they_are():
    places, sizes = np.array([[5.0, 5.0], [9.0, 5.0]]), np.full((2, 2), 2.0)
    low, high = np.zeros(2), np.full(2, 20.0)
    np.testing.assert_array_equal(pushed(places, sizes, low, high), places)
    close = pushed(np.array([[5.0, 5.0], [6.0, 5.0]]), sizes, low, high)
    np.testing.assert_allclose(close, [[4.0, 5.0], [7.0, 5.0]])  # one pixel stays between them


def table_at(places, names):
    index = pd.Index(list(names))
    apart = np.linalg.norm(places[:, None] - places, axis=-1)
    frame = {"index": index, "columns": index}
    return SimpleNamespace(
        names=tuple(names),
        adjust="none",
        mmd_squared=pd.DataFrame(apart**2, **frame),
        noise_floor=pd.DataFrame(np.full(apart.shape, 0.01), **frame),
        pvalue_adjusted=pd.DataFrame(np.ones(apart.shape), **frame),
    )


def test_names_on_a_map_hide_neither_each_other_nor_points_and_stay_inside():
    places = np.array([[0, 0], [0.12, 0], [2, 0], [2, 0.5], [0, 0.5], [1, 1.9], [1, 0], [1, 0.05]])
    ax = plotting.plot_map(table_at(places, [f"a rather long name {i}" for i in range(8)]))
    check_apart_and_inside(ax, boxes(ax))
    dots = ax.transData.transform(ax.collections[0].get_offsets())
    for place in boxes(ax):
        assert not any(place.contains(*dot) for dot in dots)


def test_crowded_names_are_pushed_apart_and_lines_lead_to_those_moved_far():
    rng = np.random.default_rng(0)
    places = np.vstack([0.1 * rng.normal(size=(14, 2)), [[0, 2], [2, 0]]])
    ax = plotting.plot_map(table_at(places, [f"{i} is a rather long name" for i in range(16)]))
    check_apart_and_inside(ax, boxes(ax)[:16])
    dots = ax.transData.transform([text.xy for text in ax.texts[:16]])
    away = [
        np.hypot(*(np.clip(dot, (box.x0, box.y0), (box.x1, box.y1)) - dot)) * 72 / ax.figure.dpi
        for box, dot in zip(boxes(ax), dots, strict=False)
    ]
    _, *lines = ax.lines  # the first is the bar of the noise floor
    far = [text.xy for text, points in zip(ax.texts, away, strict=False) if points > 8]
    assert 0 < len(far) < 16
    np.testing.assert_allclose([line.get_xydata()[0] for line in lines], far)


def test_a_map_of_equal_groups_has_room_for_the_floor():
    ax = plotting.plot_map(table_at(np.zeros((3, 2)), "abc"))
    check_apart_and_inside(ax, boxes(ax))
    bar = ax.lines[0].get_xdata()
    assert ax.get_xlim()[0] < bar[0] < bar[1] < ax.get_xlim()[1]


def test_a_label_stands_at_the_first_side_that_is_free():
    ax = Figure().subplots()
    ax.set(xlim=(0, 1), ylim=(0, 1))
    points = np.array([[0.5, 0.5], [0.999, 0.5], [0.5, 0.999], [0.5, 0.51]])
    labels = [
        ax.annotate("name", point, (0, 0), textcoords="offset points") for point in points[:3]
    ]
    put_beside(ax, labels, points)
    sides = [(label.get_ha(), label.get_va()) for label in labels]
    assert sides == [("left", "bottom"), ("right", "bottom"), ("left", "top")]


def test_the_legend_of_shares_hides_no_bar_and_no_words():
    shares = np.full(12, 1 / 12)
    shape = SimpleNamespace(
        headline="24 of 24 regions differ",
        order=np.arange(12),
        share_x=shares,
        share_y=shares,
        pvalue_adjusted=np.full(12, 6e-5),
    )
    ax = plotting.plot_shares(shape)
    ax.figure.draw_without_rendering()
    legend = ax.get_legend().get_window_extent()
    (title,) = ax.findobj(lambda artist: "regions differ" in str(artist))
    assert not any(legend.overlaps(other.get_window_extent()) for other in (*ax.texts, title))
    assert not any(legend.overlaps(bar.get_window_extent()) for bar in ax.patches)
    assert legend.x1 <= ax.figure.bbox.x1
