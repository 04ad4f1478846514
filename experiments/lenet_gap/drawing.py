"""What the pictures of the study share: colours, panels, tables of numbers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repdist.plotting import TABLE_COLOURS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.floating]

STRONG = "#b5361c"  # dark in grey
CALM = "#7f9dbb"  # light in grey
EDGE = 0.1  # inches of white around black images, so that a dark page does not swallow their frame


def panels(width: float, height: float, n_rows: int, n_columns: int) -> tuple["Figure", Any]:
    """Make a figure of axes (n_rows, n_columns)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(n_rows, n_columns, squeeze=False)


def image_panels(n_rows: int, n_columns: int, side: float) -> tuple["Figure", Any]:
    """Make a figure of axes for square images, without ticks."""
    width, height = side * n_columns + 2 * EDGE, (side + 0.25) * n_rows + 2 * EDGE
    figure, axes = panels(width, height, n_rows, n_columns)
    inside = (EDGE / width, EDGE / height, 1 - 2 * EDGE / width, 1 - 2 * EDGE / height)
    figure.set_layout_engine("constrained", w_pad=0.02, h_pad=0.02, wspace=0, hspace=0, rect=inside)
    for ax in axes.flat:
        ax.set_axis_off()
    return figure, axes


def text_colour(background: ArrayLike) -> str:
    """Return black or white, whichever has more contrast on a colour (red, green, blue in 0..1)."""
    channels = np.asarray(background, dtype=float)[:3]
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    return "white" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "black"


def matrix(  # noqa: PLR0913 (how a table looks)
    ax: "Axes",
    table: "pd.DataFrame",
    *,
    top: float,
    size: float,
    digits: int = 2,
    bare: bool = False,
    colours: str = TABLE_COLOURS,
) -> None:
    """Draw a table of numbers on a scale from 0; NaN stays empty.

    Parameters
    ----------
    ax : Axes
    table : DataFrame
    top : float
        The end of the colour scale.
    size : float
        Of the digits.
    digits : int, default 2
        After the point.
    bare : bool, default False
        Leave out the zero before the point.
    colours : str
        A colour map.
    """
    values = table.to_numpy(dtype=float)
    image = ax.imshow(values, cmap=colours, vmin=0, vmax=top)
    for (i, j), value in np.ndenumerate(values):
        if np.isfinite(value):
            text = f"{value:z.{digits}f}"
            ax.text(
                j, i, text.replace("0.", ".", 1) if bare and value < 1 else text,
                ha="center", va="center", fontsize=size, color=text_colour(image.to_rgba(value)),
            )  # fmt: skip
    ticks(ax, list(table.index))


def ticks(ax: "Axes", names: Sequence[str]) -> None:
    """Write the names at both sides of a table."""
    ax.set_xticks(range(len(names)), names)
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def of_pairs(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return the table with NaN on its diagonal."""
    return table.where(~np.eye(len(table), dtype=bool))


def largest(table: "pd.DataFrame") -> float:
    """Return the largest number of a table."""
    return float(np.nanmax(table.to_numpy()))
