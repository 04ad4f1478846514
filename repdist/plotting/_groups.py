"""Who is close to whom: a dendrogram and a map of groups."""

from typing import TYPE_CHECKING

import numpy as np

from repdist._typing import Float64
from repdist.plotting._figures import LINE_COLOUR, OBSERVED_COLOUR
from repdist.plotting._labels import put_beside
from repdist.plotting._names import MOST_NAMED, shown_names
from repdist.plotting._shapes import TableShape

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_OUTERMOST = 20  # groups that a map of very many names
_APART = 0.2  # of these, as a share of half the width
_ROOM = 1.3  # for labels: the width of a map, as a multiple of that of its points
_ORDERED = 200  # groups up to which leaves are put in the best order, which takes their cube
_SHORT = 4  # characters that fit beside each other under a tree


def plot_dendrogram(shape: TableShape, ax: "Axes | None" = None) -> "Axes":
    """Draw the average linkage of ``sqrt(max(MMD^2, 0))``, with the median noise floor.

    Of more than 60 groups the last 60 branches are shown, with the number of their groups.
    """
    import matplotlib.pyplot as plt
    from scipy.cluster.hierarchy import dendrogram

    k = len(shape.names)
    if ax is None:
        _, ax = plt.subplots(figsize=(min(2.5 + 0.45 * k, 16), 3.6), layout="constrained")
    tree, _ = linkage_and_leaves(shape)
    floor = _typical_floor(shape)
    top = max(float(tree[:, 2].max()), floor or 0.0) or 1.0
    names = shown_names(shape.names)
    flat = tree.copy()
    flat[:, 2] = np.maximum(flat[:, 2], 1e-9 * top)  # SciPy sets equal limits for a tree of zeros
    dendrogram(
        flat,
        truncate_mode="lastp" if k > MOST_NAMED else None,
        p=MOST_NAMED,
        labels=names.texts,
        ax=ax,
        color_threshold=0,
        above_threshold_color=LINE_COLOUR,
        leaf_font_size=10,
    )
    turned = k > MOST_NAMED or max(map(len, names.texts)) > _SHORT
    for tick in ax.get_xticklabels():
        tick.set_fontfamily(names.family)
        if turned:
            tick.set(rotation=45, ha="right", rotation_mode="anchor")
    ax.set_ylim(0, 1.08 * top)
    if floor is not None:
        ax.axhline(floor, color=OBSERVED_COLOUR, linestyle="--", linewidth=1)
        ax.annotate(
            "noise\nfloor", (1, floor), xycoords=("axes fraction", "data"), va="center",
            xytext=(3, 0), textcoords="offset points", color=OBSERVED_COLOUR,
        )  # fmt: skip
    ax.set_ylabel(r"distance $\sqrt{\mathrm{MMD}^2}$")
    ax.spines[["top", "right", "bottom"]].set_visible(False)
    if k > MOST_NAMED:
        ax.set_title(
            f"{k:,} groups; in brackets the groups of a branch", loc="left", fontsize="small"
        )
    return ax


def plot_map(shape: TableShape, ax: "Axes | None" = None) -> "Axes":
    """Draw the groups in the plane by classical scaling of ``sqrt(max(MMD^2, 0))``.

    Of more than 60 groups the outermost are named.
    """
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=(5.5, 5), layout="constrained")
    points, share = _classical_scaling(_distances(shape))
    floor, many = _typical_floor(shape), len(points) > MOST_NAMED
    half = _ROOM * (max(float(np.ptp(points, axis=0).max()), floor or 0.0) / 2 or 1.0)
    low, high = (points.min(axis=0) + points.max(axis=0)) / 2 + np.array([[-half], [half]])
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    ax.scatter(points[:, 0], points[:, 1], color=LINE_COLOUR, s=6 if many else 28, zorder=3)
    named = _outermost(points, _APART * half) if many else list(range(len(points)))
    names = shown_names([shape.names[group] for group in named])
    labels = [
        ax.annotate(
            shown, tuple(point), (0, 0), textcoords="offset points", fontfamily=names.family
        )
        for shown, point in zip(names.texts, points[named], strict=True)
    ]
    bar = [] if floor is None else _scale_bar(ax, floor)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_color("0.8")
    ax.set_title(
        f"map of the groups ({share:.0%} of squared distances)", loc="left", fontsize="medium"
    )
    rest = np.setdiff1d(np.arange(len(points)), named)
    put_beside(ax, labels, points[[*named, *rest]], bar)
    return ax


def _outermost(points: Float64, apart: float) -> list[int]:
    """Return points far from the centre, none nearer to another one than `apart`."""
    found: list[int] = []
    for point in np.argsort(-np.square(points).sum(axis=1), kind="stable").tolist():
        if all(np.hypot(*(points[point] - points[other])) > apart for other in found):
            found.append(point)
        if len(found) == _OUTERMOST:
            break
    return found


def linkage_and_leaves(shape: TableShape) -> tuple[Float64, list[int]]:
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    distances = squareform(_distances(shape), checks=False)
    tree = linkage(distances, "average", optimal_ordering=len(shape.names) <= _ORDERED)
    return tree, [int(leaf) for leaf in leaves_list(tree)]


def _distances(shape: TableShape) -> Float64:
    return np.asarray(np.sqrt(np.maximum(shape.mmd_squared.to_numpy(), 0)))


def _typical_floor(shape: TableShape) -> float | None:
    """Return the root of the median noise floor, None if there is none."""
    floors = shape.noise_floor.to_numpy()
    finite = floors[np.isfinite(floors)]
    return float(np.sqrt(max(np.median(finite), 0))) if len(finite) else None


def _classical_scaling(distances: Float64) -> tuple[Float64, float]:
    """Return points (k, 2) and the share of squared distances that the plane keeps."""
    k = len(distances)
    C = np.eye(k) - 1 / k
    eigenvalues, vectors = np.linalg.eigh(-0.5 * C @ distances**2 @ C)
    positive = np.maximum(eigenvalues, 0)
    points = vectors[:, ::-1][:, :2] * np.sqrt(positive[::-1][:2])
    points *= np.where(points[np.abs(points).argmax(axis=0), range(points.shape[1])] < 0, -1, 1)
    if points.shape[1] < 2:
        points = np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
    total = positive.sum()
    return points, float(positive[::-1][:2].sum() / total) if total > 0 else 1.0


def _scale_bar(ax: "Axes", length: float) -> "list[Artist]":
    """Draw a bar of this length in data units, low at the left."""
    (low, high), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    left, y = low + 0.04 * (high - low), bottom + 0.05 * (top - bottom)
    bar = ax.plot(
        [left, left + length], [y, y], color=OBSERVED_COLOUR, linewidth=3, solid_capstyle="butt"
    )
    words = ax.annotate(
        "noise floor", (left + length, y), xytext=(5, -3), textcoords="offset points",
        color=OBSERVED_COLOUR, fontsize="small",
    )  # fmt: skip
    return [*bar, words]
