"""Rates of rejection: against the level, and against the rows of each sample."""

from typing import TYPE_CHECKING

from repdist.plotting._figures import LINE_COLOUR, OBSERVED_COLOUR
from repdist.plotting._shapes import CurveShape, LevelShape

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_level(shape: LevelShape, ax: "Axes | None" = None) -> "Axes":
    """Draw the share of p-values up to each level, beside the diagonal that it should keep to."""
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=(4.6, 4.2), layout="constrained")
    low, high = shape.confidence_interval()
    ax.plot([0, 1], [0, 1], color="0.35", linestyle="--", linewidth=1, label="exact level")
    how = "exchanged" if shape.counted.startswith("pairs") else "shuffled"
    label = f"tests on {how} {shape.counted}"
    ax.ecdf(shape.pvalues, color=LINE_COLOUR, linewidth=1.5, label=label)
    ax.errorbar(
        shape.alpha, shape.rate, [[shape.rate - low], [high - shape.rate]], fmt="o",
        color=OBSERVED_COLOUR, markersize=5, capsize=3, zorder=3,
        label=f"{shape.rate:.3g} at {shape.alpha:g}, with 95 % interval",
    )  # fmt: skip
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_aspect("equal")
    ax.set_xlabel("level")
    ax.set_ylabel("share of tests that reject")
    ax.set_title(f"the level {'holds' if shape.holds else 'does not hold'}", loc="left")
    ax.legend(frameon=False, loc="lower right", fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_power(shape: CurveShape, ax: "Axes | None" = None) -> "Axes":
    """Draw power against the rows of each sample, or pairs, with exact 95 % intervals."""
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
    table, paired = shape.to_frame(), shape.counted.startswith("pairs")
    ends = [table["power"] - table["ci_low"], table["ci_high"] - table["power"]]
    ax.errorbar(
        table["n"], table["power"], ends, fmt="o-", color=LINE_COLOUR, markersize=5, capsize=3
    )
    for height, words in ((0.8, "power .8"), (shape.alpha, f"level {shape.alpha:g}")):
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
    ax.set_xlabel(shape.counted if paired else f"{shape.counted} of each sample")
    ax.set_ylabel("power")
    rows = shape.rows_needed()
    words = shape.counted if paired else f"{shape.counted} of each"
    ax.set_title(f"power .8 {f'with {rows:,} {words}' if rows else 'was not reached'}", loc="left")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
