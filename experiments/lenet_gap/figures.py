"""The pictures of the study; each can be read in grey."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from repdist.plotting import TABLE_COLOURS

from .analysis import SIZES
from .data import SIDE
from .post import saturation, value_of_one_against_one

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.floating]

STRONG = "#b5361c"  # dark in grey
CALM = "#7f9dbb"  # light in grey
CAM_COLOUR = "#ffb000"  # bright on a black canvas
CAM_LEVELS = (0.3, 0.6, 0.9)  # of the map's maximum
MARGIN = 10  # pixels around a digit that is shown with its surroundings


@dataclass(frozen=True)
class Line:
    """How a line of a curve looks, and what it is called."""

    label: str
    colour: str
    marker: str


TWO_CLASSES = Line("two classes", STRONG, "s")
ONE_CLASS = Line("the same class twice", CALM, "o")


@dataclass(frozen=True)
class Seen:
    """An image and where the network looks for a class.

    Attributes
    ----------
    image : ndarray of uint8, shape (100, 100)
    cam : ndarray of float32, shape (25, 25)
        Its class activation map.
    title : str
        What to write above it.
    corner : ndarray of int, shape (2,), optional
        Row and column of the digit, to show its surroundings alone.
    """

    image: NDArray[np.uint8]
    cam: Floats
    title: str
    corner: NDArray[np.int64] | None = None


def draw_samples(
    images: NDArray[np.uint8], corners: NDArray[np.int64], names: Sequence[str]
) -> "Figure":
    """Draw two images of each class, the digit framed in the first.

    Parameters
    ----------
    images : ndarray of uint8, shape (classes, n, 100, 100)
    corners : ndarray of int, shape (classes, n, 2)
    names : sequence of str
    """
    from matplotlib.patches import Rectangle

    figure, axes = _grid(2, len(names), 1.15)
    for place, name in enumerate(names):
        for row in (0, 1):
            _show(axes[row, place], images[place, row])
        top, left = corners[place, 0]
        frame = Rectangle((left - 0.5, top - 0.5), SIDE, SIDE, fill=False, ec=CAM_COLOUR, lw=1.2)
        axes[0, place].add_patch(frame)
        axes[0, place].set_title(name, fontsize=10)
    return figure


def draw_post_tables(tables: dict[int, "pd.DataFrame"], pvalues: "pd.DataFrame") -> "Figure":
    """Draw the post's tables on one scale, and the p-values of the smallest that has any.

    Parameters
    ----------
    tables : dict
        By the number of rows a side.
    pvalues : DataFrame
        Of the table at two rows a side.
    """
    figure, axes = _figure(11.0, 7.6, 2, 3)
    for ax, (x, table) in zip(axes.flat, tables.items(), strict=False):
        _matrix(ax, table, top=8.0, size=5.6)
        ax.set_title(f"x = {x}", loc="left", fontsize=10)
    _matrix(axes.flat[-1], pvalues, top=1.0, size=5.6)
    axes.flat[-1].set_title("exact p-values at x = 2 (none below 1/3)", loc="left", fontsize=10)
    return figure


def draw_post_curve(curve: "pd.DataFrame") -> "Figure":
    """Draw the post's value, and the unbiased one, against the number of rows."""
    figure, axes = _figure(9.5, 3.8, 1, 2)
    left, right = axes.flat
    n = curve["n"].to_numpy()
    _band(left, curve, "other", TWO_CLASSES)
    _band(left, curve, "same", ONE_CLASS)
    left.plot(n, curve["floor"], "k--", lw=1, label="theory: 3.093 × 2 / n")
    left.axhline(saturation(), color="0.4", ls=":", lw=1)
    left.annotate(
        f"two points, many rows: {saturation():.2f}",
        (n[-1], saturation()),
        ha="right",
        va="bottom",
        fontsize=8,
    )
    left.annotate(
        f"1 against 1: always {value_of_one_against_one():.4f}", (1, 9.5), fontsize=8, va="bottom"
    )
    left.set_yscale("log")
    left.set_ylim(top=18)
    left.set_title("as the post computed it (diagonal kept)", loc="left", fontsize=10)
    left.set_ylabel("value of mmd_rbf")
    _band(right, curve, "other_unbiased", TWO_CLASSES)
    _band(right, curve, "same_unbiased", ONE_CLASS)
    right.axhline(0, color="k", lw=0.8)
    right.set_title("the same kernels without the diagonal", loc="left", fontsize=10)
    for ax in (left, right):
        ax.set_xscale("log")
        ax.set_xticks(n, [str(value) for value in n])
        ax.minorticks_off()
        ax.set_xlabel("n, images of each side")
        ax.spines[["top", "right"]].set_visible(False)
    left.legend(frameon=False, fontsize=8, loc="lower left")
    right.legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def draw_images_needed(needed: "pd.DataFrame", names: Sequence[str]) -> "Figure":
    """Draw how many images a class tell each pair apart."""
    k = len(names)
    values = np.full((k, k), np.nan)
    for row in needed.itertuples():
        i, j = names.index(row.first), names.index(row.second)
        values[i, j] = values[j, i] = row.images_needed or np.inf
    figure, axes = _figure(5.6, 4.9, 1, 1)
    ax = axes.flat[0]
    shade = np.log(np.minimum(values, 2 * SIZES[-1]))  # NaN on the diagonal stays empty
    ax.imshow(shade, cmap="Greys", vmin=np.log(2), vmax=np.log(300))
    for i in range(k):
        for j in range(k):
            if i != j:
                text = f"{values[i, j]:.0f}" if np.isfinite(values[i, j]) else f"> {SIZES[-1]}"
                dark = shade[i, j] > np.log(40)
                ax.text(
                    j, i, text, ha="center", va="center", fontsize=9,
                    color="white" if dark else "black",
                )  # fmt: skip
    _ticks(ax, list(names))
    ax.set_title("images of each class that tell the two apart", loc="left", fontsize=10)
    return figure


def draw_cams(rows: Sequence[tuple[Seen, Seen]]) -> "Figure":
    """Draw images with the map of the true class above and of the predicted class below.

    Parameters
    ----------
    rows : sequence of pairs of Seen
        Of one image each: the true class, the predicted one.
    """
    figure, axes = _grid(2, len(rows), 1.3)
    for place, pair in enumerate(rows):
        for row, seen in enumerate(pair):
            _show_seen(axes[row, place], seen)
    return figure


def draw_typical(rows: Sequence[tuple[str, Sequence[Seen]]]) -> "Figure":
    """Draw the most typical images of each class against its nearest one, with their maps.

    Parameters
    ----------
    rows : sequence of (str, sequence of Seen)
        What to write beside a row, and its images.
    """
    n = len(rows[0][1])
    figure, axes = _grid(len(rows), n, 1.35)
    for place, (name, images) in enumerate(rows):
        for column, seen in enumerate(images):
            _show_seen(axes[place, column], seen)
        axes[place, 0].set_axis_on()
        axes[place, 0].set_xticks([])
        axes[place, 0].set_yticks([])
        axes[place, 0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=10)
    return figure


def draw_confusion(
    counts: NDArray[np.int64], distances: "pd.DataFrame", n_per_class: int
) -> "Figure":
    """Draw the confusions, the distances, and one against the other for all pairs."""
    import pandas as pd

    names = list(distances.index)
    figure, axes = _figure(12.0, 4.1, 1, 3)
    left, middle, right = axes.flat
    wrong = _of_pairs(pd.DataFrame(counts, index=names, columns=names))
    _matrix(left, wrong, top=max(1.0, _largest(wrong)), size=7.5, digits=0)
    for i in range(len(names)):
        left.text(i, i, counts[i, i], ha="center", va="center", fontsize=6.5, color="0.35")
    left.set_title(f"mistaken, of {n_per_class} (row: true class)", loc="left", fontsize=10)
    far = _of_pairs(distances)
    _matrix(middle, far, top=_largest(far), size=6.5)
    middle.set_title("distance (MMD$^2$, unbiased)", loc="left", fontsize=10)
    upper = np.triu_indices(len(names), 1)
    both = (counts + counts.T)[upper]
    right.plot(distances.to_numpy()[upper], both, "o", color="0.55", ms=4)
    most = np.sort(both)[-4]
    for place in np.flatnonzero(both >= max(most, 1)):
        i, j = upper[0][place], upper[1][place]
        right.annotate(
            f"{names[i]}, {names[j]}", (distances.iloc[i, j], both[place]),
            xytext=(4, 2), textcoords="offset points", fontsize=8,
        )  # fmt: skip
    right.set_xlabel("MMD$^2$")
    right.set_ylabel("mistaken for each other")
    right.set_title("one dot a pair of classes", loc="left", fontsize=10)
    right.spines[["top", "right"]].set_visible(False)
    return figure


def draw_control(effects: dict[str, "pd.DataFrame"]) -> "Figure":
    """Draw the effect sizes of several representations of the same images, on one scale."""
    top = max(float(effect.to_numpy().max()) for effect in effects.values())
    figure, axes = _figure(12.0, 4.2, 1, len(effects))
    for ax, (name, effect) in zip(axes.flat, effects.items(), strict=True):
        _matrix(ax, _of_pairs(effect), top=top, size=6.5)
        ax.set_title(name, loc="left", fontsize=10)
    return figure


# --- parts ---------------------------------------------------------------------------------------


def _figure(width: float, height: float, n_rows: int, n_columns: int) -> tuple["Figure", Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(n_rows, n_columns, squeeze=False)


def _grid(n_rows: int, n_columns: int, side: float) -> tuple["Figure", Any]:
    """Make axes for images, without ticks."""
    figure, axes = _figure(side * n_columns + 0.4, (side + 0.22) * n_rows, n_rows, n_columns)
    figure.set_layout_engine("constrained", w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    for ax in axes.flat:
        ax.set_axis_off()
    return figure, axes


def _show(ax: "Axes", image: NDArray[np.uint8]) -> None:
    ax.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")


def _show_seen(ax: "Axes", seen: Seen) -> None:
    """Draw an image with the heights of its map as lines, the highest the thickest."""
    _show(ax, seen.image)
    peak = float(seen.cam.max())
    if peak > 0:
        scale = seen.image.shape[0] / seen.cam.shape[0]
        places = (np.arange(seen.cam.shape[0]) + 0.5) * scale - 0.5
        ax.contour(
            places, places, seen.cam, levels=[level * peak for level in CAM_LEVELS],
            colors=CAM_COLOUR, linewidths=(0.5, 0.9, 1.6),
        )  # fmt: skip
    if seen.corner is not None:
        top, left = np.clip(seen.corner - MARGIN, 0, len(seen.image) - SIDE - 2 * MARGIN) - 0.5
        ax.set_xlim(left, left + SIDE + 2 * MARGIN)
        ax.set_ylim(top + SIDE + 2 * MARGIN, top)
    ax.set_title(seen.title, fontsize=8, pad=2)


def _of_pairs(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return the table with NaN on its diagonal."""
    return table.where(~np.eye(len(table), dtype=bool))


def _largest(table: "pd.DataFrame") -> float:
    return float(np.nanmax(table.to_numpy()))


def _matrix(ax: "Axes", table: "pd.DataFrame", *, top: float, size: float, digits: int = 2) -> None:
    """Draw a table of numbers; NaN stays empty."""
    values = table.to_numpy(dtype=float)
    ax.imshow(values, cmap=TABLE_COLOURS, vmin=0, vmax=top)
    for (i, j), value in np.ndenumerate(values):
        if np.isfinite(value):
            ax.text(
                j, i, f"{value:z.{digits}f}", ha="center", va="center", fontsize=size,
                color="white" if value > 0.55 * top else "black",
            )  # fmt: skip
    _ticks(ax, list(table.index))


def _ticks(ax: "Axes", names: Sequence[str]) -> None:
    ax.set_xticks(range(len(names)), names)
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _band(ax: "Axes", curve: "pd.DataFrame", name: str, line: Line) -> None:
    n = curve["n"].to_numpy()
    low, high = curve[f"{name}_low"], curve[f"{name}_high"]
    ax.fill_between(n, low, high, color=line.colour, alpha=0.25, lw=0)
    ax.plot(n, curve[name], marker=line.marker, ms=4, color=line.colour, label=line.label)
