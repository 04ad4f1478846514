"""Pictures of the network and of its training."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .course import Course
from .data import CANVAS
from .drawing import CALM, STRONG, matrix

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_NAMED = 3  # pairs whose curve has its name
DARK, MIDDLE, LIGHT = "#1f2d3d", "#5f7f9f", "#dce5ee"

# (side, maps, name, shape), and what leads to the next.
STAGES = [
    (100, 1, "image", "100 × 100"),
    (100, 32, "32 maps", "100 × 100 × 32"),
    (50, 32, "smaller", "50 × 50 × 32"),
    (50, 64, "64 maps", "50 × 50 × 64"),
    (25, 64, "smaller", "25 × 25 × 64"),
]
STEPS = [
    "conv 5 × 5\n32, ReLU",
    "max\n2 × 2",
    "conv 5 × 5\n64, ReLU",
    "max\n2 × 2",
    "average\n(GAP)",
    "W\n64 × 10",
]


def draw_network() -> "Figure":
    """Draw the network as stacks of maps, with their shapes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0, 3.5), layout="constrained")
    ax = figure.subplots()
    left, middles = 0.0, []
    for side, n_maps, name, shape in STAGES:
        right = _stack(ax, left, side / 100, n_maps)
        middles.append((left, right))
        ax.text((left + right) / 2, -0.95, f"{name}\n{shape}", ha="center", va="top", fontsize=10)
        left = right + 0.95
    for n_cells, name, shape in ((64, "features", "64 numbers"), (10, "scores", "10 numbers")):
        _column(ax, left, n_cells)
        middles.append((left, left + 0.16))
        ax.text(
            left + 0.08, -0.95, f"{name}\n{shape}", ha="center", va="top", fontsize=10,
            color=STRONG if name == "features" else "black",
        )  # fmt: skip
        left += 1.11
    for step, (_, start), (end, _) in zip(STEPS, middles, middles[1:], strict=False):
        ax.annotate(
            "", (end - 0.06, 0), (start + 0.06, 0), arrowprops={"arrowstyle": "->", "color": DARK}
        )
        ax.text((start + end) / 2, 0.1, step, ha="center", va="bottom", fontsize=9, color=DARK)
    ax.set_xlim(-0.1, left - 0.75)
    ax.set_ylim(-1.5, 0.95)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return figure


def draw_training(log: "pd.DataFrame") -> "Figure":
    """Draw loss, error rate and schedule of a training against the images seen.

    Parameters
    ----------
    log : DataFrame
        As `train` writes it: `images`, `canvas`, `learning_rate`, `loss`, `accuracy`,
        `validation_loss`, `validation_accuracy`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0, 3.9), layout="constrained")
    loss, error, rate = figure.subplots(1, 3)
    millions = log["images"] / 1e6
    for ax, training, validation in (
        (loss, log["loss"], log["validation_loss"]),
        (error, 1 - log["accuracy"], 1 - log["validation_accuracy"]),
    ):
        ax.plot(millions, training, color=CALM, lw=1.6, label="images of the training")
        ax.plot(millions, validation, color=STRONG, lw=1.6, label="validation")
        ax.set_yscale("log")
        ax.legend(frameon=False, fontsize=9)
    loss.set_title("loss (cross-entropy)", loc="left", fontsize=11)
    _percent(error, "misnamed images")
    rate.plot(millions, log["learning_rate"] * 1000, color="0.15", lw=1.6)
    rate.set_ylim(bottom=0)
    rate.set_title("learning rate × 1,000", loc="left", fontsize=11)
    for ax in (loss, error, rate):
        _mark_full_canvas(ax, log, height=0.3 if ax is rate else 0.98)
        ax.set_xlabel("images seen, in millions")
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def draw_course(course: Course) -> "Figure":
    """Draw how far apart the classes were as the network learned, and four of the tables.

    Parameters
    ----------
    course : Course
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0, 7.6), layout="constrained")
    upper, lower = figure.subfigures(2, 1, squeeze=False, height_ratios=(1.25, 1))[:, 0]
    left, right = upper.subplots(1, 2, width_ratios=(1.5, 1))
    _effects(left, course)
    right.plot(
        course.log["images"] / 1e6, 1 - course.log["validation_accuracy"], color="0.15", lw=1.6
    )
    right.set_yscale("log")
    _percent(right, "misnamed images of the validation")
    for ax in (left, right):
        _mark_full_canvas(ax, course.log)
        ax.set_xlabel("images seen in the training, in millions")
        ax.spines[["top", "right"]].set_visible(False)
    axes = lower.subplots(1, 4)
    top = float(course.tables["effect"].max())
    for ax, images in zip(axes, course.shown(), strict=True):
        matrix(ax, course.table(images), top=top, size=7.4, bare=True)
        title = f"after {images:,} images" if images else "before the training"
        ax.set_title(title, loc="left", fontsize=11)
    lower.colorbar(axes[-1].images[0], ax=axes, label="effect", shrink=0.8)
    return figure


# --- parts ---------------------------------------------------------------------------------------


def _stack(ax: "Axes", left: float, height: float, n_maps: int) -> float:
    """Draw maps behind each other; return where they end."""
    from matplotlib.patches import Polygon

    drawn = min(n_maps, 1 + n_maps // 8)
    width, shift = 0.32 * height + 0.12, 0.055
    for place in range(drawn):
        x = left + place * shift
        slant = 0.25 * height
        corners = [
            (x, -0.75 * height),
            (x + width, -0.75 * height + slant),
            (x + width, 0.75 * height),
            (x, 0.75 * height - slant),
        ]
        ax.add_patch(Polygon(corners, fc=DARK if n_maps == 1 else LIGHT, ec=MIDDLE, lw=0.8))
    return left + (drawn - 1) * shift + width


def _column(ax: "Axes", left: float, n_cells: int) -> None:
    from matplotlib.patches import Rectangle

    height = 1.5 if n_cells > 10 else 0.6
    for place in range(n_cells):
        bottom = -height / 2 + place * height / n_cells
        ax.add_patch(Rectangle((left, bottom), 0.16, height / n_cells, fc=LIGHT, ec=MIDDLE, lw=0.5))


def _effects(ax: "Axes", course: Course) -> None:
    """Draw the effect of each pair against the images seen, the closest at the end by name."""
    curves = course.curves()
    millions = curves.index.to_numpy() / 1e6
    ax.plot(millions, curves.to_numpy(), color=CALM, lw=0.7, alpha=0.8)
    ax.plot(millions, curves.median(axis=1), color=STRONG, lw=2.4)
    last = curves.iloc[-1]
    median = float(last.median())
    ax.annotate(f" median, {median:.2g}", (millions[-1], median), color=STRONG, va="center")
    named = last.nsmallest(N_NAMED)
    step = 0.05 * float(curves.to_numpy().max())
    heights = apart([float(value) for value in named], step)
    for pair, height in zip(named.index, heights, strict=True):
        ax.plot(millions, curves[pair], color="0.15", lw=1.1)
        ax.annotate(
            f" {pair[0]} and {pair[1]}, {named[pair]:.2g}", (millions[-1], height), va="center",
            fontsize=10, annotation_clip=False,
        )  # fmt: skip
    ax.set_xlim(0, millions[-1] * 1.22)
    ax.set_ylabel("effect: how far apart two classes are")
    ax.set_title("each thin line a pair of classes", loc="left", fontsize=11)


def apart(values: Sequence[float], step: float) -> list[float]:
    """Move ascending heights so far apart that labels there do not overlap; the last stays."""
    heights = list(values)
    for place in range(len(heights) - 2, -1, -1):
        heights[place] = min(heights[place], heights[place + 1] - step)
    return heights


def _percent(ax: "Axes", title: str) -> None:
    """Write error rates on a logarithmic axis in percent."""
    ax.set_ylim(top=1)
    ax.set_yticks([0.02, 0.05, 0.1, 0.2, 0.5, 1], ["2 %", "5 %", "10 %", "20 %", "50 %", "100 %"])
    ax.minorticks_off()
    ax.set_title(title, loc="left", fontsize=11)


def _mark_full_canvas(ax: "Axes", log: "pd.DataFrame", height: float = 0.98) -> None:
    """Mark where the images of the training get the size of those that are compared."""
    small = log["images"][log["canvas"] < CANVAS]
    if len(small):
        ax.axvline(small.iloc[-1] / 1e6, color="0.3", ls=":", lw=1)
        ax.annotate(
            f" trained on {CANVAS} × {CANVAS}\n from here", (small.iloc[-1] / 1e6, height),
            xycoords=("data", "axes fraction"), fontsize=9, va="top",
        )  # fmt: skip
