"""Where the network looks: class activation maps as colours on the images, and as files."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .data import SIDE
from .drawing import image_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.floating]

FOR = np.array([1.0, 0.62, 0.0])  # orange: places that speak for the class
AGAINST = np.array([0.25, 0.55, 1.0])  # blue: places that speak against it
BRIGHTENING = 0.6  # power of a map's values, so that small ones can be seen
OUTLINE = "#ffb000"  # bright on a black canvas
CAM_LEVELS = (0.3, 0.6, 0.9)  # of the map's maximum, where lines are drawn
MARGIN = 10  # pixels around a digit that is shown with its surroundings
FILE_SCALE = 3  # pixels of a file for one of an image
GAP_BETWEEN = 6  # pixels of a file
FILE_NAME = re.compile(r"class_\d_image_\d+(_named_\d)?\.png")


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


def overlay(image: NDArray[np.uint8], cam: Floats, top: float) -> NDArray[np.uint8]:
    """Colour an image by a map: orange where it is above 0, blue where it is below.

    Parameters
    ----------
    image : ndarray of uint8, shape (n, n)
    cam : ndarray, shape (m, m)
    top : float
        The value, or its negative, that has the full colour.

    Returns
    -------
    ndarray of uint8, shape (n, n, 3)
    """
    values = np.clip(enlarged(cam, len(image)) / (top or 1), -1, 1)
    strength = np.abs(values)[..., None] ** BRIGHTENING
    colour = strength * np.where(values[..., None] > 0, FOR, AGAINST)
    grey = 0.6 / 255 * image[..., None]
    return np.asarray(np.clip(grey + 0.9 * colour, 0, 1) * 255).round().astype(np.uint8)


def enlarged(cam: Floats, size: int) -> Floats:
    """Enlarge a square map, linear between the middles of its cells."""
    places = (np.arange(size) + 0.5) * len(cam) / size - 0.5
    cells = np.arange(len(cam))
    rows = np.array([np.interp(places, cells, row) for row in cam])
    return np.array([np.interp(places, cells, column) for column in rows.T]).T


# --- pictures of the page ------------------------------------------------------------------------


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

    figure, axes = image_panels(2, len(names), 1.15)
    for place, name in enumerate(names):
        for row in (0, 1):
            _show(axes[row, place], images[place, row])
        top, left = corners[place, 0]
        frame = Rectangle((left - 0.5, top - 0.5), SIDE, SIDE, fill=False, ec=OUTLINE, lw=1.2)
        axes[0, place].add_patch(frame)
        axes[0, place].set_title(name, fontsize=11)
    return figure


def draw_cams(images: Sequence[Seen], n_columns: int = 5) -> "Figure":
    """Draw images with the colours of one map each.

    Parameters
    ----------
    images : sequence of Seen
    n_columns : int, default 5
    """
    figure, axes = image_panels(-(-len(images) // n_columns), n_columns, 2.2)
    for ax, seen in zip(axes.flat, images, strict=False):
        _show_coloured(ax, seen, float(np.abs(seen.cam).max()))
    return figure


def draw_mistakes(pairs: Sequence[tuple[Seen, Seen]]) -> "Figure":
    """Draw misnamed images: side by side the map of the true class and of the one named.

    Parameters
    ----------
    pairs : sequence of pairs of Seen
        Of one image each, on one scale of colours.
    """
    figure, axes = image_panels(-(-len(pairs) // 2), 4, 2.6)
    for place, pair in enumerate(pairs):
        top = max(float(np.abs(seen.cam).max()) for seen in pair)
        for side, seen in enumerate(pair):
            _show_coloured(axes[place // 2, 2 * (place % 2) + side], seen, top)
    return figure


def draw_typical(rows: Sequence[tuple[str, Sequence[Seen]]]) -> "Figure":
    """Draw the most typical images of each class against its nearest one, with lines of their maps.

    The second half of the classes stands right of the first.

    Parameters
    ----------
    rows : sequence of (str, sequence of Seen)
        What to write beside a row, and its images.
    """
    n, half = len(rows[0][1]) + 1, -(-len(rows) // 2)
    figure, axes = image_panels(half, 2 * n, 1.5)
    for place, (name, images) in enumerate(rows):
        beside, *shown = axes[place % half, place // half * n :][:n]
        beside.text(0.9, 0.5, name, transform=beside.transAxes, ha="right", va="center",
                    ma="right", fontsize=12)  # fmt: skip
        for ax, seen in zip(shown, images, strict=True):
            _show_lines(ax, seen)
    return figure


# --- files ---------------------------------------------------------------------------------------


def file_name(label: int, predicted: int, number: int) -> str:
    """Name the file of an image: its class, its place in its file, and what it was taken for."""
    mistake = f"_named_{predicted}" if predicted != label else ""
    return f"class_{label}_image_{number:04d}{mistake}.png"


def write_file(path: Path, image: NDArray[np.uint8], cams: Sequence[Floats]) -> None:
    """Write an image, and beside it the same with the colours of each map, all on one scale.

    Parameters
    ----------
    path : Path
    image : ndarray of uint8, shape (n, n)
    cams : sequence of ndarray
        Of the true class, and of the one named where that is another.
    """
    from matplotlib.image import imsave

    top = max(float(np.abs(cam).max()) for cam in cams)
    plain = np.repeat(image[..., None], 3, axis=2)
    shown = [np.kron(plain, np.ones((FILE_SCALE, FILE_SCALE, 1), np.uint8))]
    shown += [overlay(shown[0][..., 0], cam, top) for cam in cams]
    between = np.full((len(shown[0]), GAP_BETWEEN, 3), 255, np.uint8)
    parts = [part for picture in shown for part in (between, picture)][1:]
    imsave(path, np.concatenate(parts, axis=1), pil_kwargs={"optimize": True})


# --- parts ---------------------------------------------------------------------------------------


def _show(ax: "Axes", image: NDArray[np.uint8]) -> None:
    ax.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")


def _show_coloured(ax: "Axes", seen: Seen, top: float) -> None:
    sharp = np.kron(seen.image, np.ones((FILE_SCALE, FILE_SCALE), np.uint8))
    ax.imshow(overlay(sharp, seen.cam, top), interpolation="antialiased")
    ax.set_title(seen.title, fontsize=10, pad=3)


def _show_lines(ax: "Axes", seen: Seen) -> None:
    """Draw an image with the heights of its map as lines, the highest the thickest."""
    _show(ax, seen.image)
    peak = float(seen.cam.max())
    if peak > 0:
        scale = seen.image.shape[0] / seen.cam.shape[0]
        places = (np.arange(seen.cam.shape[0]) + 0.5) * scale - 0.5
        ax.contour(
            places, places, seen.cam, levels=[level * peak for level in CAM_LEVELS],
            colors=OUTLINE, linewidths=(0.5, 0.9, 1.6),
        )  # fmt: skip
    if seen.corner is not None:
        top, left = np.clip(seen.corner - MARGIN, 0, len(seen.image) - SIDE - 2 * MARGIN) - 0.5
        ax.set_xlim(left, left + SIDE + 2 * MARGIN)
        ax.set_ylim(top + SIDE + 2 * MARGIN, top)
    ax.set_title(seen.title, fontsize=10, pad=2)
