"""Distances with their intervals: in order of distance, or as groups follow each other."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from repdist._numbers import reaches
from repdist.plotting._figures import LINE_COLOUR, NULL_COLOUR, OBSERVED_COLOUR, figure_of
from repdist.plotting._labels import do_not_fit, put_legend
from repdist.plotting._names import MOST_NAMED, shown_names
from repdist.plotting._shapes import DistancesShape

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROOM = 0.03  # below the least distance, as a share of what is drawn


def plot_distances(
    shape: DistancesShape,
    ax: "Axes | None" = None,
    order: Literal["distance", "given"] = "distance",
) -> "Axes":
    """Draw each group's distance with its interval, and the noise floor as a band.

    By ``"distance"`` the closest stands on top, by its rank if the shape has ranks (those of the
    unbiased estimate, whichever is drawn); ``"given"`` draws groups along time.
    """
    import matplotlib.pyplot as plt

    frame = shape.to_frame()
    k = len(frame)
    along = order == "given"
    if not along:
        by = "rank" if "rank" in frame else "mmd_squared"
        frame = frame.iloc[np.argsort(frame[by].to_numpy(), kind="stable")]
    shown, step = shown_names(list(frame.index)), -(-k // MOST_NAMED)
    names = shown.texts
    width, longest = max(4.5, min(12, 1.6 + 0.34 * k)), max(map(len, names))
    own = ax is None
    if ax is None:
        size = (width, 3.9) if along else (5.6, max(2.6, min(12, 1.6 + 0.3 * k)))
        _, ax = plt.subplots(figsize=size, layout="constrained")
    turned = along and do_not_fit(ax, names, k / step)
    if own and turned:
        figure_of(ax).set_figheight(3.5 + 0.06 * longest)
    places, middle = np.arange(k), frame["mmd_squared"].to_numpy()
    low, upper, floor = (frame[name].to_numpy() for name in ("ci_low", "ci_high", "noise_floor"))
    least, most = float(np.nanmin(middle)), float(np.nanmax([middle, upper, floor]))
    least = min(0.0, least - _ROOM * (most - least))  # a mark at the edge would be cut
    reach = np.maximum([middle - low, upper - middle], 0)
    edges = np.concatenate([places - 0.5, places[-1:] + 0.5])
    band: dict[str, Any] = {
        "color": NULL_COLOUR,
        "alpha": 0.45,
        "linewidth": 0,
        "label": "noise floor",
    }
    steps = np.append(floor, floor[-1])
    differs = np.asarray(reaches(frame["pvalue_adjusted"].to_numpy()))
    for mine, colour, words in (
        (differs, OBSERVED_COLOUR, "differs at .05, adjusted"),
        (~differs, LINE_COLOUR, "not shown to differ"),
    ):
        if not mine.any():
            continue
        style: dict[str, Any] = {
            "fmt": "o",
            "color": colour,
            "markersize": 4,
            "capsize": 2,
            "label": words,
        }
        if along:
            ax.errorbar(places[mine], middle[mine], reach[:, mine], **style)
        else:
            ax.errorbar(middle[mine], places[mine], xerr=reach[:, mine], **style)
    font: dict[str, Any] = {"fontfamily": shown.family}
    if along:
        ax.fill_between(edges, 0, steps, step="post", **band)
        ax.plot(places, middle, color="0.6", linewidth=0.8, zorder=0)
        if turned:
            font |= {"rotation": 60, "ha": "right", "rotation_mode": "anchor"}
        ax.set_xticks(places[::step], names[::step], **font)
        ax.set_ylabel(shape.quantity)
        ax.set_xlim(-0.5, k - 0.5)
        if not ax.get_autoscaley_on():  # shared with axes that reach lower
            least = min(least, *ax.get_ylim())
        ax.set_ylim(bottom=least)
    else:
        ax.fill_betweenx(edges, 0, steps, step="post", **band)
        ax.set_yticks(places[::step], names[::step], **font)
        ax.set_ylim(k - 0.5, -0.5)
        ax.set_xlabel(shape.quantity)
        if not ax.get_autoscalex_on():
            least = min(least, *ax.get_xlim())
        ax.set_xlim(left=least)
    ax.set_title(shape.headline, loc="left", fontsize="medium", wrap=True)
    put_legend(ax, own=own)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
