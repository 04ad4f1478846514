"""The distributions of some columns in two samples, mirrored."""

from typing import TYPE_CHECKING

import numpy as np

from repdist._numbers import typeset
from repdist.plotting._figures import LINE_COLOUR, NULL_COLOUR, OBSERVED_COLOUR
from repdist.plotting._names import shown_names
from repdist.plotting._shapes import ColumnsShape

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEIGHT = 0.32  # of a histogram; rows are 1 apart
_PEAK = 3.0  # times as high as the lower of two histograms: what is higher is cut off


def plot_columns(shape: ColumnsShape, ax: "Axes | None" = None) -> "Axes":
    """Draw each column over its own range: `X` above its line, `Y` below it.

    On one scale, on which a peak three times as high as the other's is cut off; columns that do not
    differ are pale.
    """
    import matplotlib.pyplot as plt

    count = len(shape.names)
    if ax is None:
        _, ax = plt.subplots(figsize=(6.6, 0.9 + 0.76 * count), layout="constrained")
    shown = shown_names(shape.names)
    for place in range(count):
        edges, heights = shape.edges[place], shape.heights[:, place]
        peaks = heights.max(axis=1)
        above, below = np.minimum(heights / min(peaks.max(), _PEAK * peaks.min()), 1)
        along = (edges - edges[0]) / (edges[-1] - edges[0])
        alpha = 0.9 if shape.differs[place] else 0.35
        for bars, way, colour, label in (
            (above, -1, LINE_COLOUR, "X, above"),
            (below, 1, OBSERVED_COLOUR, "Y, below"),
        ):
            ax.stairs(
                place + way * _HEIGHT * bars, along, baseline=place, fill=True,
                color=colour, alpha=alpha, linewidth=0, label=None if place else label,
            )  # fmt: skip
        ax.plot([0, 1], [place, place], color=NULL_COLOUR, linewidth=0.6)
        _annotate(ax, place, shape.captions[place], (edges[0], edges[-1]))
    ax.set_yticks(np.arange(count), shown.texts, fontfamily=shown.family)
    ax.set_ylim(count - 0.45, -0.6)
    ax.set_xlim(-0.02, 1.02)
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(shape.headline, loc="left", fontsize="medium")
    ax.legend(frameon=False, fontsize="small", loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return ax


def _annotate(ax: "Axes", place: int, caption: str, ends: tuple[float, float]) -> None:
    """Write what changed above a column, and the ends of its range below it."""
    ax.annotate(
        typeset(caption), (0, place - _HEIGHT - 0.11), fontsize="x-small", va="center", ha="left",
        color="0.25",
    )  # fmt: skip
    for x, end, side in ((0, ends[0], "left"), (1, ends[1], "right")):
        ax.annotate(
            typeset(f"{end:.3g}"), (x, place + _HEIGHT + 0.06), fontsize="x-small", va="center",
            ha=side, color="0.4",
        )  # fmt: skip
