"""Batches over time: the distance with its floor, and the evidence with its threshold."""

from typing import TYPE_CHECKING, Any

import numpy as np

from repdist.plotting._figures import LINE_COLOUR, NULL_COLOUR, OBSERVED_COLOUR
from repdist.plotting._labels import do_not_fit, put_legend
from repdist.plotting._names import MOST_NAMED, shown_names
from repdist.plotting._shapes import DriftShape

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_drift(shape: DriftShape) -> "Figure":
    """Draw the distance of each batch above, and the evidence below; alarms stand out."""
    import matplotlib.pyplot as plt

    frame = shape.to_frame()
    k = len(frame)
    places, alarm = np.arange(k), frame["alarm"].to_numpy(dtype=bool)
    shown, step = shown_names(list(frame.index), shape.headline), -(-k // MOST_NAMED)
    width = max(5.5, min(12, 2 + 0.25 * k))
    figure, (above, below) = plt.subplots(
        2, 1, sharex=True, figsize=(width, 5.4), layout="constrained", height_ratios=(3, 2)
    )
    middle = frame["mmd_squared"].to_numpy()
    reach = np.maximum([middle - frame["ci_low"], frame["ci_high"] - middle], 0)
    edges = np.concatenate([places - 0.5, places[-1:] + 0.5])
    floor = frame["floor"].to_numpy()
    above.fill_between(
        edges, 0, np.append(floor, floor[-1]), step="post", color=NULL_COLOUR, alpha=0.45,
        linewidth=0, label="noise floor",
    )  # fmt: skip
    above.plot(places, middle, color="0.6", linewidth=0.8, zorder=0)
    for mine, colour, words in (
        (~alarm, LINE_COLOUR, "batch"),
        (alarm, OBSERVED_COLOUR, "alarm"),
    ):
        if mine.any():
            above.errorbar(
                places[mine], middle[mine], reach[:, mine], fmt="o", color=colour, markersize=4,
                capsize=2, label=words,
            )  # fmt: skip
    above.set_ylabel("MMD² to the reference")
    lowest = min(0.0, float(middle.min()))
    highest = max(float(frame["ci_high"].max()), float(floor.max()))
    above.set_ylim(bottom=lowest - 0.04 * (highest - lowest))
    above.set_title(shown.line, loc="left", fontsize="medium", wrap=True, fontfamily=shown.family)
    put_legend(above, own=True)
    evidence = frame["evidence"].to_numpy()
    for part in np.split(places, np.flatnonzero(alarm) + 1):  # it starts anew after an alarm
        below.plot(part, evidence[part], "o-", color=LINE_COLOUR, markersize=3, linewidth=0.8)
    below.plot(places[alarm], evidence[alarm], "o", color=OBSERVED_COLOUR, markersize=5)
    below.axhline(shape.threshold, color=OBSERVED_COLOUR, linewidth=1, linestyle="--")
    below.annotate(
        "alarm", (1, shape.threshold), xycoords=("axes fraction", "data"), ha="right", va="bottom",
        color=OBSERVED_COLOUR, fontsize="small",
    )  # fmt: skip
    below.set_yscale("symlog", linthresh=1)
    below.set_ylim(0, 2.5 * max(shape.threshold, float(evidence.max())))
    below.set_ylabel("evidence")
    font: dict[str, Any] = {"fontfamily": shown.family}
    if do_not_fit(below, shown.texts, k / step):
        font |= {"rotation": 60, "ha": "right", "rotation_mode": "anchor"}
    below.set_xticks(places[::step], shown.texts[::step], **font)
    below.set_xlim(-0.5, k - 0.5)
    for ax in (above, below):
        ax.spines[["top", "right"]].set_visible(False)
    return figure
