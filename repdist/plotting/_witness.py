"""The values of a witness at the rows of two samples."""

from typing import TYPE_CHECKING

import numpy as np

from repdist.plotting._figures import LINE_COLOUR, OBSERVED_COLOUR
from repdist.plotting._shapes import WitnessShape

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BINS = 40


def plot_witness(shape: WitnessShape, ax: "Axes | None" = None) -> "Axes":
    """Draw the distributions of the witness over the rows of both samples, as shares of rows."""
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=(6.6, 3.4), layout="constrained")
    both = np.concatenate([shape.values_x, shape.values_y])
    edges = np.histogram_bin_edges(both, _BINS).tolist()
    for values, colour, label in (
        (shape.values_x, LINE_COLOUR, "X"),
        (shape.values_y, OBSERVED_COLOUR, "Y"),
    ):
        weights = np.full(len(values), 1 / len(values))
        ax.hist(values, edges, weights=weights, color=colour, alpha=0.3)
        ax.hist(
            values, edges, weights=weights, histtype="step", color=colour, linewidth=1.5,
            label=label,
        )  # fmt: skip
    ax.axvline(0, color="0.4", linestyle="--", linewidth=1)
    ax.set_xlabel("witness: more like Y (left), more like X (right)")
    ax.set_ylabel("share of the rows")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    return ax
