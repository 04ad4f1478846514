"""Figures: colours, names that fit, and how a figure is written."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from repdist._files import written_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


TABLE_COLOURS = "cividis_r"  # the same to colour-blind eyes, and a ramp of grey in print
LINE_COLOUR = "#2f5d8a"
NULL_COLOUR = "#9db4c9"  # light enough to stay apart from the line in grey
OBSERVED_COLOUR = "#b5361c"


def save_figure(ax: "Axes", path: str | Path) -> None:
    """Write the figure of `ax` to `path`; the file appears only when it is complete."""
    with written_whole(path) as temporary:
        figure_of(ax).savefig(temporary, dpi=150)


def figure_of(ax: "Axes") -> "Figure":
    """Return the whole figure that axes belong to."""
    from matplotlib.figure import Figure

    figure: Any = ax.get_figure()
    while not isinstance(figure, Figure):
        figure = figure.figure
    return figure
