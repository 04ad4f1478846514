"""Regions of rows: a map, and the shares that two samples have in each."""

from typing import TYPE_CHECKING, Any

import numpy as np

from repdist._numbers import reaches, typeset
from repdist._typing import Float64
from repdist.plotting._figures import LINE_COLOUR, NULL_COLOUR, OBSERVED_COLOUR
from repdist.plotting._labels import OUTSIDE, push_apart
from repdist.plotting._shapes import RegionsShape, SharesShape

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEAST, _MOST = 1, 4  # the ends of the scale, as powers of 2
_BAR = 0.38  # the height of one; regions are 1 apart
# Of labels: frame, size and space around; small ones cover each other less.
_FRAMED: Any = ({"edgecolor": "black", "linewidth": 2.0}, "small", 0.25)
_PLAIN: Any = ({"edgecolor": "0.6", "linewidth": 0.5}, "x-small", 0.12)


def plot_regions(shape: RegionsShape, ax: "Axes | None" = None) -> "Axes":
    """Draw rows in the plane, coloured by the ratio of the shares of their region.

    Ratios beyond the ends of the scale, at most 16 times, have the colour of the end. The number
    of a region stands at its centre, or at the end of a line from there, framed in black if it
    differs.
    """
    import matplotlib.pyplot as plt
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    if ax is None:
        _, ax = plt.subplots(figsize=(5.6, 4.8), layout="constrained")
    plane, end = shape.plane, _end(shape.log2_ratio)
    ramp = LinearSegmentedColormap.from_list("shares", [LINE_COLOUR, "0.87", OBSERVED_COLOUR])
    order = np.argsort(shape.differs[plane.region], kind="stable")  # what differs on top
    points = ax.scatter(
        plane.points[order, 0], plane.points[order, 1],
        c=np.clip(shape.log2_ratio, -end, end)[plane.region[order]],
        cmap=ramp, norm=Normalize(-end, end), s=10, linewidth=0,
    )  # fmt: skip
    ax.update_datalim(plane.centres)
    ax.autoscale_view()
    labels = []
    for region in np.argsort(shape.differs, kind="stable").tolist():
        frame, size, pad = _FRAMED if shape.differs[region] else _PLAIN
        label = ax.annotate(
            f"{region}", plane.centres[region], plane.centres[region], ha="center", va="center",
            fontsize=size, zorder=4,
            bbox={"boxstyle": f"round,pad={pad}", "facecolor": "white", **frame},
        )  # fmt: skip
        labels.append(label)
    colours = ax.figure.colorbar(points, ax=ax, shrink=0.8, ticks=np.arange(-end, end + 1))
    colours.ax.set_yticklabels([_power(p) for p in range(-end, end + 1)])
    colours.outline.set_visible(False)
    colours.set_label("share of Y over share of X")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_color("0.8")
    ax.set_xlabel(f"first two principal components ({plane.explained:.0%} of the variance)")
    ax.set_title(f"{shape.headline} (framed)", loc="left", fontsize="medium")
    push_apart(ax, labels)
    return ax


def plot_shares(shape: SharesShape, ax: "Axes | None" = None, *, most: int = 24) -> "Axes":
    """Draw the shares of both samples in each region, the surest difference first.

    Regions that do not differ are pale.
    """
    import matplotlib.pyplot as plt

    shown = shape.order[:most]
    if ax is None:
        _, ax = plt.subplots(figsize=(5.2, 1.2 + 0.36 * len(shown)), layout="constrained")
    places = np.arange(len(shown))
    differs = np.asarray(reaches(shape.pvalue_adjusted))[shown]
    for shares, way, colour, label in (
        (shape.share_x, -1, LINE_COLOUR, "X"),
        (shape.share_y, 1, OBSERVED_COLOUR, "Y"),
    ):
        bars = ax.barh(places + way * _BAR / 2, 100 * shares[shown], _BAR, color=colour)
        for bar, clear in zip(bars, differs, strict=True):
            bar.set_alpha(1.0 if clear else 0.4)
        ax.barh([0], [0], color=colour, label=label)  # in the legend at full strength
    ends = 100 * np.maximum(shape.share_x, shape.share_y)[shown]
    for place, end, p in zip(places, ends, shape.pvalue_adjusted[shown], strict=True):
        ax.annotate(
            typeset(f"p = {p:.2g}"), (end, place), xytext=(4, 0), textcoords="offset points",
            va="center", fontsize="x-small", color="0.25",
        )  # fmt: skip
    ax.set_yticks(places, [f"region {region}" for region in shown])
    ax.set_ylim(len(shown) - 0.4, -0.6)
    ax.set_xlim(0, 1.25 * float(ends.max()))
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("share of the sample, %")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(NULL_COLOUR)
    ax.set_title(f"{shape.headline}; adjusted p", loc="left", fontsize="medium")
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, **OUTSIDE)
    return ax


def _end(log2_ratio: Float64) -> int:
    """Return the end of the scale that holds all finite ratios, if it can."""
    finite = np.abs(log2_ratio[np.isfinite(log2_ratio)])
    return int(np.clip(np.ceil(finite.max(initial=0.0)), _LEAST, _MOST))


def _power(exponent: int) -> str:
    return f"{2**exponent}" if exponent >= 0 else f"1/{2**-exponent}"
