"""A null distribution with the observed statistic, and the components beside it."""

from typing import TYPE_CHECKING

import numpy as np

from repdist._numbers import typeset
from repdist._typing import Float64
from repdist.plotting._figures import LINE_COLOUR, NULL_COLOUR, OBSERVED_COLOUR
from repdist.plotting._shapes import NullShape

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_two_sample(shape: NullShape, ax: "Axes | None" = None) -> "Axes":
    """Draw the null distribution of a two-sample test, and its components beside it.

    Parameters
    ----------
    shape : NullShape
    ax : matplotlib Axes, optional
        Where to draw; a new figure if it is not given. The components take its right-hand part.

    Returns
    -------
    matplotlib Axes
        The axes of the null distribution.
    """
    import matplotlib.pyplot as plt
    from mpl_toolkits.axes_grid1 import make_axes_locatable

    several = len(shape.components) > 1
    if ax is None:
        _, ax = plt.subplots(figsize=(8.0 if several else 5.5, 3.4), layout="constrained")
    if several:
        beside = make_axes_locatable(ax).append_axes("right", size="55%", pad=0.9)
        _plot_components(shape, beside)
    null = shape.null_distribution
    ax.hist(null, bins=_bin_edges(null), color=NULL_COLOUR, density=True)
    ax.axvline(shape.statistic, color=OBSERVED_COLOUR, linewidth=2)
    ax.annotate(
        "observed", (shape.statistic, 1.0), xycoords=("data", "axes fraction"),
        xytext=(0, 3), textcoords="offset points", color=OBSERVED_COLOUR, ha="center",
    )  # fmt: skip
    ax.set_title(typeset(f"p = {shape.pvalue:.2g}"), loc="left", pad=18)
    ax.set_xlabel(shape.statistic_name.replace("MMD^2", "MMD$^2$").removesuffix(" (FUSE)"))
    ax.set_ylabel("density under the null")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _plot_components(shape: NullShape, ax: "Axes") -> None:
    components = shape.components
    ax.axhline(0, color="0.6", linewidth=0.8)
    forms = components.groupby("form", sort=False) if "form" in components else [("", components)]
    for (form, of_form), line in zip(forms, ("o-", "s--"), strict=False):
        bandwidth, zscore = of_form["bandwidth"], of_form["zscore"]
        ax.plot(bandwidth, zscore, line, color=LINE_COLOUR, markersize=4, label=form)
    if len(components) > len(of_form):
        ax.legend(frameon=False)
    ax.set_xscale("log")
    shown = of_form["bandwidth"].iloc[[0, len(of_form) // 2, -1]]
    ax.set_xticks(shown, [typeset(f"{bandwidth:.3g}") for bandwidth in shown])
    ax.get_xticklabels()[-1].set_horizontalalignment("right")  # it stands at the figure's edge
    ax.minorticks_off()
    ax.set_xlabel("bandwidth")
    ax.set_ylabel(f"z-score of {shape.component_name}".replace("MMD^2", "MMD$^2$"))
    ax.set_title("components", loc="left", pad=18)
    ax.spines[["top", "right"]].set_visible(False)


def _bin_edges(null: Float64) -> list[float]:
    low, high = float(null.min()), float(null.max())
    if not high > low:
        low, high = low - 0.5, high + 0.5
    return [float(edge) for edge in np.linspace(low, high, 61 if len(null) > 500 else 21)]
