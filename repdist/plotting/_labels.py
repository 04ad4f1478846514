"""Labels of points, put where they can be read: apart from each other, and inside the axes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from repdist._typing import Float64
from repdist.plotting._figures import figure_of

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation, Text

# Where a label may stand beside its point, the best first: to the right (1) or left, up or down.
_SIDES = ((1, 1), (-1, 1), (1, -1), (-1, -1), (1, 0), (-1, 0), (0, 1), (0, -1))
_ALONG, _UP = {1: "left", 0: "center", -1: "right"}, {1: "bottom", 0: "center", -1: "top"}
_LETTER = 0.68  # how wide a character is, as a share of the size of its font
OUTSIDE: dict[str, Any] = {  # a legend outside of the axes
    "frameon": False, "fontsize": "small", "borderaxespad": 0.2, "handlelength": 1.2,
    "handletextpad": 0.4, "columnspacing": 1.0,
}  # fmt: skip
_NEAR = 4.0  # points of print from a point to its label
_ROUNDS = 400  # of pushing
_MOVES = 6  # of a title, whose place takes part in the layout of its axes
_MOST = 100  # labels that are pushed apart, which takes the square of their number


def do_not_fit(ax: "Axes", names: "Sequence[str]", places: float) -> bool:
    """Tell whether names must be turned below an axis that has room for so many places."""
    (label,) = ax.get_xticklabels()[:1]
    letter = _LETTER * float(label.get_fontsize())
    return letter * max(map(len, names)) * places > ax.get_window_extent().width * 72 / _dpi(ax)


def put_legend(ax: "Axes", *, own: bool) -> None:
    """Put the legend below a figure of our own, where it covers nothing; else inside the axes."""
    if own:
        figure_of(ax).legend(loc="outside lower left", ncols=3, **OUTSIDE)
    else:
        ax.legend(frameon=False, fontsize="small")


def put_beside(
    ax: "Axes", labels: "Sequence[Annotation]", points: Float64, others: "Sequence[Artist]" = ()
) -> None:
    """Move each label to the first side of its point where it covers least.

    Labels that cover each other even so are pushed apart, unless there are more than 100; a line
    leads from one moved far to its point.

    Parameters
    ----------
    ax : matplotlib Axes
        Its limits must be set.
    labels : sequence of Annotation
        Of the first points, with offsets in points of print.
    points : (p, 2)
        All that are drawn.
    others : sequence of Artist
        What else must not be covered.
    """
    for label in labels:
        label.set_in_layout(False)  # they end up inside: nothing must make room for them before
    figure_of(ax).draw_without_rendering()  # places are known then
    per_point = figure_of(ax).dpi / 72
    frame, dots = _box(ax), ax.transData.transform(points)
    reach = 0.75 * _NEAR * per_point
    taken = [*np.hstack([dots - reach, dots + reach]), *map(_box, others)]
    for label, dot in zip(labels, dots, strict=False):
        size = np.diff(_box(label).reshape(2, 2), axis=0)[0]
        centres = dot + np.array(_SIDES) * (_NEAR * per_point + size / 2)
        boxes = np.hstack([centres - size / 2, centres + size / 2])
        covers = [(_outside(box, frame), _covered(box, np.array(taken))) for box in boxes]
        best = covers.index(min(covers))
        along, up = _SIDES[best]
        label.set(ha=_ALONG[along], va=_UP[up])
        label.xyann = (along * _NEAR, up * _NEAR)
        taken.append(boxes[best])
    places = np.array(taken[len(taken) - len(labels) :])
    if len(labels) <= _MOST and _cover_each_other(places):
        _part(ax, labels, places, per_point)


def _part(ax: "Axes", labels: "Sequence[Annotation]", boxes: Float64, per_point: float) -> None:
    """Push labels apart from where they are, which are offsets in points of print."""
    from matplotlib.patheffects import withStroke

    frame, sizes = _box(ax), boxes[:, 2:] - boxes[:, :2]
    before = boxes[:, :2] + sizes / 2
    places = pushed(before, sizes, frame[:2], frame[2:])
    dots = ax.transData.transform([label.xy for label in labels])
    ends = np.clip(dots, places - sizes / 2, places + sizes / 2)  # of lines from the points
    halo = withStroke(linewidth=2, foreground="white")  # where it stands on a point
    far = np.hypot(*(ends - dots).T) > 2 * _NEAR * per_point
    for number in np.flatnonzero((places != before).any(axis=1)).tolist():
        label = labels[number]
        label.set(ha="center", va="center", zorder=4, path_effects=[halo])
        label.xyann = tuple((places[number] - dots[number]) / per_point)
        if far[number]:
            end = ax.transData.inverted().transform(ends[number])
            _lead(ax, label.xy, end)


def move_inside(ax: "Axes", title: "Text") -> None:
    """Move a title of axes to the left, as far as the figure's edges need it and let it."""
    figure = figure_of(ax)
    near = _NEAR * figure.dpi / 72
    for _ in range(_MOVES):
        figure.draw_without_rendering()
        text, edges = _box(title), np.asarray(figure.bbox.extents)
        over = min(text[2] + near - edges[2], text[0] - near - edges[0])
        if over < 1:  # pixel
            break
        left, up = title.get_position()
        title.set_position((left - over / ax.get_window_extent().width, up))


def push_apart(ax: "Axes", labels: "Sequence[Annotation]") -> None:
    """Push framed labels that cover each other apart; a line leads from one moved far to its point.

    Parameters
    ----------
    ax : matplotlib Axes
    labels : sequence of Annotation
        Centred at their points; of more than 100 none is moved.
    """
    if len(labels) > _MOST:
        return
    figure_of(ax).draw_without_rendering()
    frame, boxes = _box(ax), np.array([_box(label.get_bbox_patch()) for label in labels])
    sizes = boxes[:, 2:] - boxes[:, :2]
    places = pushed((boxes[:, :2] + boxes[:, 2:]) / 2, sizes, frame[:2], frame[2:])
    moved = ax.transData.inverted().transform(places)
    away = np.abs(places - ax.transData.transform([label.xy for label in labels])) > sizes / 2
    for label, place, far in zip(labels, moved, away.any(axis=1), strict=True):
        label.xyann = tuple(place)
        if far:
            _lead(ax, label.xy, place)


def _lead(ax: "Axes", point: Any, label: Any) -> None:
    """Draw a line from a point to its label, in data units."""
    ax.plot(
        *zip(point, label, strict=True), color="0.3", linewidth=0.7, zorder=3,
        scalex=False, scaley=False,
    )  # fmt: skip


def pushed(places: Float64, sizes: Float64, low: Float64, high: Float64) -> Float64:
    """Return centres of boxes that cover each other no more, if there is room, and stay inside.

    Parameters
    ----------
    places, sizes : (k, 2)
    low, high : (2,)
        Corners of the frame.
    """
    i, j = np.triu_indices(len(places), 1)
    room = (sizes[i] + sizes[j]) / 2 + 1  # (pairs, 2)
    for _ in range(_ROUNDS):
        places = np.clip(places, low + sizes / 2, high - sizes / 2)
        apart = places[j] - places[i]
        over = room - np.abs(apart)
        hit = np.flatnonzero((over > 1e-6).all(axis=1))
        if not len(hit):
            break
        axis = over[hit].argmin(axis=1)
        push = np.zeros((len(hit), 2))
        ways = np.where(apart[hit, axis] < 0, -1.0, 1.0)
        push[np.arange(len(hit)), axis] = ways * over[hit, axis] / 2
        step = np.zeros_like(places)
        np.add.at(step, i[hit], -push)
        np.add.at(step, j[hit], push)
        places = places + step
    return np.clip(places, low + sizes / 2, high - sizes / 2)


def _dpi(ax: "Axes") -> float:
    return float(figure_of(ax).dpi)


def _box(artist: Any) -> Float64:
    """Return left, bottom, right and top of what is drawn, in pixels."""
    return np.asarray(artist.get_window_extent().extents, dtype=np.float64)


def _cover_each_other(boxes: Float64) -> bool:
    i, j = np.triu_indices(len(boxes), 1)
    low, high = boxes[:, :2], boxes[:, 2:]
    return bool(((low[i] < high[j]) & (low[j] < high[i])).all(axis=1).any())


def _outside(box: Float64, frame: Float64) -> bool:
    return bool((box[:2] < frame[:2]).any() or (box[2:] > frame[2:]).any())


def _covered(box: Float64, taken: Float64) -> float:
    """Return how much of what is taken a box covers, in square pixels."""
    shared = np.minimum(box[2:], taken[:, 2:]) - np.maximum(box[:2], taken[:, :2])
    return float(np.maximum(shared, 0).prod(axis=1).sum())
