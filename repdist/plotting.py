"""Pictures of results; they use public names only."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from repdist.two_sample import MMDTestResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Float64 = npt.NDArray[np.float64]

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

    components = result.components
    several = len(components) > 1
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


def save_figure(ax: "Axes", path: str | Path) -> None:
    """Write the figure of `ax` to `path`; the file appears only when it is complete."""
    from matplotlib.figure import Figure

    figure = ax.get_figure()
    while not isinstance(figure, Figure):
        figure = figure.figure  # type: ignore[union-attr]
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, suffix=target.suffix)
    os.close(handle)
    finished = Path(temporary)
    try:
        figure.savefig(finished, dpi=150)
        finished.chmod(0o666 & ~_umask())
        finished.replace(target)
    except BaseException:
        finished.unlink()
        raise


def _plot_components(result: MMDTestResult, ax: "Axes") -> None:
    components = result.components
    ax.axhline(0, color="0.6", linewidth=0.8)
    ax.plot(components["bandwidth"], components["zscore"], "o-", color="#2f5d8a", markersize=4)
    ax.set_xscale("log")
    shown = components["bandwidth"].iloc[[0, len(components) // 2, -1]]
    ax.set_xticks(shown, [f"{bandwidth:.3g}" for bandwidth in shown])
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
    return {"max": "largest normal score", "fuse": "soft maximum of MMD$^2$"}[result.combine]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
