"""Pictures of results; they use public names only."""

from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from repdist._files import written_whole
from repdist.level import LevelCheck
from repdist.pairwise import PairwiseMMDResult
from repdist.power import PowerCurve
from repdist.two_sample import MMDTestResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

Float64 = npt.NDArray[np.float64]

TABLE_COLOURS = "cividis_r"  # the same to colour-blind eyes, and a ramp of grey in print
LINE_COLOUR = "#2f5d8a"
_CHARACTER = 0.014  # the width of one, as a share of that of a map
MOST_PRINTED = 25  # groups up to which the cells of a table hold their numbers
NULL_COLOUR = "#9db4c9"  # light enough to stay apart from the line in grey
OBSERVED_COLOUR = "#b5361c"


def plot_two_sample(result: MMDTestResult, ax: "Axes | None" = None) -> "Axes":
    """Draw the null distribution of a two-sample test, and its components beside it.

    Parameters
    ----------
    result : MMDTestResult
    ax : matplotlib Axes, optional
        Where to draw; a new figure if it is not given. The components take its right-hand part.

    Returns
    -------
    matplotlib Axes
        The axes of the null distribution.
    """
    import matplotlib.pyplot as plt
    from mpl_toolkits.axes_grid1 import make_axes_locatable

    several = len(result.components) > 1
    if ax is None:
        _, ax = plt.subplots(figsize=(8.0 if several else 5.5, 3.4), layout="constrained")
    if several:
        beside = make_axes_locatable(ax).append_axes("right", size="55%", pad=0.9)
        _plot_components(result, beside)
    null = result.null_distribution
    ax.hist(null, bins=_bin_edges(null), color=NULL_COLOUR, density=True)
    ax.axvline(result.statistic, color=OBSERVED_COLOUR, linewidth=2)
    ax.annotate(
        "observed", (result.statistic, 1.0), xycoords=("data", "axes fraction"),
        xytext=(0, 3), textcoords="offset points", color=OBSERVED_COLOUR, ha="center",
    )  # fmt: skip
    ax.set_title(f"p = {result.pvalue:.4g}", loc="left", pad=18)
    ax.set_xlabel(_statistic_name(result))
    ax.set_ylabel("density under the null")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_table(result: PairwiseMMDResult, ax: "Axes | None" = None, order: str = "given") -> "Axes":
    """Draw a table of groups as a heat map of MMD^2.

    Each cell shows its value and stars for its adjusted p-value; a cell that does not differ at
    .05 is printed in italics. The diagonal, framed, shows the group's own noise floor.

    Parameters
    ----------
    result : PairwiseMMDResult
    ax : matplotlib Axes, optional
    order : {"given", "clustered"}
        Of the groups; ``"clustered"`` by the leaves of the dendrogram.
    """
    import matplotlib.pyplot as plt

    k = len(result.names)
    places = list(range(k)) if order == "given" else _linkage_and_leaves(result)[1]
    values = result.mmd_squared.to_numpy()[np.ix_(places, places)]
    floors = np.diagonal(result.noise_floor.to_numpy())[places]
    pvalues = result.pvalue_adjusted.to_numpy()[np.ix_(places, places)]
    shown = np.maximum(np.where(np.eye(k, dtype=bool), floors[:, None], values), 0)
    if ax is None:
        side = min(1.6 + 0.62 * k, 16)
        _, ax = plt.subplots(figsize=(max(side + 1.2, 6), side), layout="constrained")
    image = ax.imshow(shown, cmap=TABLE_COLOURS, vmin=0)
    names = [_shown_name(result.names[place]) for place in places]
    ax.set_xticks(range(k), names, rotation=45 if max(map(len, names)) > 3 else 0)
    ax.set_yticks(range(k), names)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    unit = _decimal_unit(shown)
    if k <= MOST_PRINTED:
        printed = np.where(np.eye(k, dtype=bool), floors[:, None], values)
        _print_cells(ax, printed, shown, pvalues, unit)
    for place in range(k):
        ax.add_patch(_frame(place))
    colours = ax.figure.colorbar(image, ax=ax, shrink=0.8)
    colours.outline.set_visible(False)
    colours.set_label("MMD$^2$")
    ax.set_title(
        f"MMD$^2${_in_units(unit)}; framed: noise floor of the group\n"
        f"*** p < .001, ** p < .01, * p < .05 ({result.adjust}-adjusted)",
        loc="left",
        fontsize="small",
    )
    return ax


def plot_dendrogram(result: PairwiseMMDResult, ax: "Axes | None" = None) -> "Axes":
    """Draw the average linkage of ``sqrt(max(MMD^2, 0))``, with the median noise floor."""
    import matplotlib.pyplot as plt
    from scipy.cluster.hierarchy import dendrogram

    k = len(result.names)
    if ax is None:
        _, ax = plt.subplots(figsize=(min(2.5 + 0.45 * k, 16), 3.6), layout="constrained")
    tree, _ = _linkage_and_leaves(result)
    floor = _typical_floor(result)
    top = max(float(tree[:, 2].max()), floor or 0.0) or 1.0
    flat = tree.copy()
    flat[:, 2] = np.maximum(flat[:, 2], 1e-9 * top)  # SciPy sets equal limits for a tree of zeros
    dendrogram(
        flat,
        labels=[_shown_name(name) for name in result.names],
        ax=ax,
        color_threshold=0,
        above_threshold_color=LINE_COLOUR,
        leaf_rotation=45 if k > 12 else 0,
        leaf_font_size=10,
    )
    ax.set_ylim(0, 1.08 * top)
    if floor is not None:
        ax.axhline(floor, color=OBSERVED_COLOUR, linestyle="--", linewidth=1)
        ax.annotate(
            "noise\nfloor", (1, floor), xycoords=("axes fraction", "data"), va="center",
            xytext=(3, 0), textcoords="offset points", color=OBSERVED_COLOUR, fontsize="small",
        )  # fmt: skip
    ax.set_ylabel(r"distance $\sqrt{\mathrm{MMD}^2}$")
    ax.spines[["top", "right", "bottom"]].set_visible(False)
    return ax


def plot_map(result: PairwiseMMDResult, ax: "Axes | None" = None) -> "Axes":
    """Draw the groups in the plane by classical scaling of ``sqrt(max(MMD^2, 0))``."""
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=(5.5, 5), layout="constrained")
    points, share = _classical_scaling(_distances(result))
    left, width = float(points[:, 0].min()), float(np.ptp(points[:, 0])) or 1.0
    ax.scatter(points[:, 0], points[:, 1], color=LINE_COLOUR, s=28, zorder=3)
    for name, point in zip(result.names, points, strict=True):
        shown, place = _shown_name(name), (0.15 + (point[0] - left) / width) / 1.3
        turned = place + _CHARACTER * len(shown) > 1  # it would run out of the frame
        ax.annotate(
            shown, point, xytext=(-5 if turned else 5, 5), textcoords="offset points",
            ha="right" if turned else "left",
        )  # fmt: skip
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.15)
    floor = _typical_floor(result)
    if floor is not None:
        _scale_bar(ax, floor)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_color("0.8")
    ax.set_title(
        f"map of the groups ({share:.0%} of squared distances)", loc="left", fontsize="medium"
    )
    return ax


def plot_level(result: LevelCheck, ax: "Axes | None" = None) -> "Axes":
    """Draw the share of p-values up to each level, beside the diagonal that it should keep to."""
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=(4.6, 4.2), layout="constrained")
    low, high = result.confidence_interval()
    ax.plot([0, 1], [0, 1], color="0.35", linestyle="--", linewidth=1, label="exact level")
    ax.ecdf(result.pvalues, color=LINE_COLOUR, linewidth=1.5, label="tests on shuffled rows")
    ax.errorbar(
        result.alpha, result.rate, [[result.rate - low], [high - result.rate]], fmt="o",
        color=OBSERVED_COLOUR, markersize=5, capsize=3, zorder=3,
        label=f"{result.rate:.3g} at {result.alpha:g}, with 95 % interval",
    )  # fmt: skip
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_aspect("equal")
    ax.set_xlabel("level")
    ax.set_ylabel("share of tests that reject")
    ax.set_title(f"the level {'holds' if result.holds else 'does not hold'}", loc="left")
    ax.legend(frameon=False, loc="lower right", fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_power(result: PowerCurve, ax: "Axes | None" = None) -> "Axes":
    """Draw power against the rows of each sample, with exact 95 % intervals."""
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
    table = result.to_frame()
    ends = [table["power"] - table["ci_low"], table["ci_high"] - table["power"]]
    ax.errorbar(
        table["n"], table["power"], ends, fmt="o-", color=LINE_COLOUR, markersize=5, capsize=3
    )
    for height, words in ((0.8, "power .8"), (result.alpha, f"level {result.alpha:g}")):
        ax.axhline(height, color="0.35", linestyle="--", linewidth=1, zorder=0)
        ax.annotate(
            words, (1, height), xycoords=("axes fraction", "data"), va="center",
            xytext=(3, 0), textcoords="offset points", color="0.35", fontsize="small",
        )  # fmt: skip
    ax.set_xscale("log")
    shown = table["n"][:: 1 + len(table) // 12]
    ax.set_xticks(shown, [f"{n:,}" for n in shown])
    ax.minorticks_off()
    ax.set_ylim(0, 1.02)
    ax.set_xlabel("rows of each sample")
    ax.set_ylabel("power")
    rows = result.rows_needed()
    ax.set_title(
        f"power .8 {f'with {rows:,} rows of each' if rows else 'was not reached'}", loc="left"
    )
    ax.spines[["top", "right"]].set_visible(False)
    return ax


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


# --- parts of a table ----------------------------------------------------------------------------


def _print_cells(
    ax: "Axes", printed: Float64, shown: Float64, pvalues: Float64, unit: float
) -> None:
    k, middle = len(shown), 0.55 * float(np.nanmax(shown))
    for i in range(k):
        for j in range(k):
            if np.isnan(shown[i, j]):
                continue
            p = pvalues[i, j]
            lines = [f"{printed[i, j] / unit:#.3g}"] + ([] if i == j else [_stars(p)])
            ax.text(
                j, i, "\n".join(line for line in lines if line),
                ha="center", va="center", fontsize=7.5,
                style="normal" if i == j or p <= 0.05 else "italic",
                color="white" if shown[i, j] > middle else "black",
            )  # fmt: skip


def _shown_name(name: Hashable) -> str:
    """Return a name short enough for a tick, with no dollar sign read as mathematics."""
    text = str(name)
    return (text if len(text) <= 24 else text[:23] + "…").replace("$", r"\$")


def _stars(pvalue: float) -> str:
    return "*" * (int(pvalue < 0.001) + int(pvalue < 0.01) + int(pvalue <= 0.05))


def _frame(place: int) -> "Rectangle":
    from matplotlib.patches import Rectangle

    return Rectangle((place - 0.47, place - 0.47), 0.94, 0.94, fill=False, ec="0.35", lw=1, ls=":")


def _decimal_unit(values: Float64) -> float:
    """Return the power of 1,000 below the largest value, for numbers that are short to print."""
    largest = float(np.nanmax(values))
    if not largest > 0 or 0.1 <= largest < 10_000:
        return 1.0
    return float(10.0 ** (3 * np.floor(np.log10(largest) / 3)))


def _in_units(unit: float) -> str:
    return "" if unit == 1 else rf" $\times 10^{{{-round(np.log10(unit))}}}$"


def _distances(result: PairwiseMMDResult) -> Float64:
    return np.asarray(np.sqrt(np.maximum(result.mmd_squared.to_numpy(), 0)))


def _linkage_and_leaves(result: PairwiseMMDResult) -> tuple[Float64, list[int]]:
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    tree = linkage(squareform(_distances(result), checks=False), "average", optimal_ordering=True)
    return tree, [int(leaf) for leaf in leaves_list(tree)]


def _typical_floor(result: PairwiseMMDResult) -> float | None:
    """Return the root of the median noise floor, None if there is none."""
    floors = result.noise_floor.to_numpy()
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


def _scale_bar(ax: "Axes", length: float) -> None:
    """Draw a bar of this length in data units, low at the left."""
    low, _ = ax.get_xlim()
    bottom, top = ax.get_ylim()
    y = bottom - 0.04 * (top - bottom)
    ax.plot([low, low + length], [y, y], color=OBSERVED_COLOUR, linewidth=3, solid_capstyle="butt")
    ax.annotate(
        "noise floor", (low + length, y), xytext=(5, -3), textcoords="offset points",
        color=OBSERVED_COLOUR, fontsize="small",
    )  # fmt: skip


# --- parts of a two-sample picture ---------------------------------------------------------------


def _plot_components(result: MMDTestResult, ax: "Axes") -> None:
    components = result.components
    ax.axhline(0, color="0.6", linewidth=0.8)
    ax.plot(components["bandwidth"], components["zscore"], "o-", color=LINE_COLOUR, markersize=4)
    ax.set_xscale("log")
    shown = components["bandwidth"].iloc[[0, len(components) // 2, -1]]
    ax.set_xticks(shown, [f"{bandwidth:.3g}" for bandwidth in shown])
    ax.get_xticklabels()[-1].set_horizontalalignment("right")  # it stands at the figure's edge
    ax.minorticks_off()
    ax.set_xlabel("bandwidth")
    ax.set_ylabel("z-score of MMD$^2$")
    ax.set_title("components", loc="left", pad=18)
    ax.spines[["top", "right"]].set_visible(False)


def _bin_edges(null: Float64) -> list[float]:
    low, high = float(null.min()), float(null.max())
    if not high > low:
        low, high = low - 0.5, high + 0.5
    return [float(edge) for edge in np.linspace(low, high, 61 if len(null) > 500 else 21)]


def _statistic_name(result: MMDTestResult) -> str:
    if len(result.components) == 1 or result.combine == "mean":
        return "MMD$^2$"
    return {"max": "largest normal score", "fuse": "soft maximum (FUSE)"}[result.combine]
