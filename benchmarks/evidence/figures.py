"""Power curves, told apart by shade, line style and marker, each named at its end.

``python -m benchmarks.evidence.figures`` draws them from the tables that are there.
"""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.evidence import published, table
from benchmarks.evidence.tasks import RESULTS
from benchmarks.results import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Look = tuple[str, str, str]  # shade, line style, marker
Drawn = dict[str, Any]  # a line, as `panel` draws it

# Line: the column or method that it shows, and how.
OURS = {"max": ("0", "-", "o"), "fuse": ("0.25", "-", "s"), "rbf-median": ("0.45", "-", "^")}
THEIRS = {
    published.FUSE: ("FUSE, published", "0.25", "--", "s"),
    published.AGG: ("MMDAgg, published", "0", ":", "D"),
    published.MEDIAN: ("median, published", "0.45", "--", "^"),
}
OTHERS = {
    "max": ("0", "-", "o"),
    "mean": ("0.25", "--", "v"),
    "fuse": ("0.25", "-", "s"),
    "rbf-median": ("0.45", "-.", "^"),
    "laplacian-median": ("0", ":", "D"),
    "energy": ("0", "--", "x"),
}
SMALL = {"max": ("0", "-", "o"), "energy": ("0.25", "--", "x"), "hotelling": ("0", ":", "D")}

PUBLISHED_PANELS = {
    "mixture": "mixture of Gaussians: sd of one mode",
    "perturbed-d1": "perturbed uniform, d = 1: amplitude",
    "perturbed-d2": "perturbed uniform, d = 2: amplitude",
    "mnist": "MNIST, 7 x 7: digits in Y",
}
DIMENSION_PANELS = {
    "shift-one": "shift of one column: columns",
    "shift-all": "shift of all columns: columns",
    "scale": "scale: columns",
}
SMALL_PANELS = {
    f"{family}-{d}": f"{what}, d = {d}: rows a sample"
    for family, what in (("gaussian", "null"), ("shift-one", "shift"), ("scale", "scale"))
    for d in (2, 5)
}
LEAST_GAP = 0.07  # between names
SIZE = (4.7, 3.2)  # of a panel, in inches: two of them are shown about 8 inches wide


def save_figures(rows: list[Row], folder: Path) -> list[Path]:
    """Draw what the rows allow."""
    power = [row for row in rows if row["study"] == "power"]
    small = [row for row in rows if row["study"] == "small"]
    plans: dict[str, tuple[dict[str, str], Callable[[str], list[Drawn]]]] = {
        "power.png": (PUBLISHED_PANELS, lambda family: curves(power, family)),
        "dimensions.png": (DIMENSION_PANELS, lambda family: lines(power, family, OTHERS)),
        "small.png": (SMALL_PANELS, lambda family: sizes(small, family)),
    }
    paths = []
    for name, (panels, lines_of) in plans.items():
        if any(lines_of(family) for family in panels):
            part = folder / f"{name}.part"  # until it is whole
            figure_of(panels, lines_of).savefig(part, format="png", dpi=150)
            paths.append(part.replace(folder / name))
    return paths


def curves(rows: list[Row], family: str) -> list[Drawn]:
    """Return our lines, with intervals, and the published ones."""
    found = lines(rows, family, OURS)
    for method, (label, shade, style, marker) in THEIRS.items():
        column = f"published_{method}"
        of = [row for row in within(rows, family, "max") if row[column] != ""]
        if of:
            x, y = [end(row) for row in of], [float(row[column]) for row in of]
            found.append({
                "label": label, "x": x, "y": y, "low": None,
                "color": shade, "ls": style, "marker": marker, "mfc": "white",
            })  # fmt: skip
    return found


def lines(rows: list[Row], family: str, looks: dict[str, Look]) -> list[Drawn]:
    """Return a line a method."""
    found = []
    for method, look in looks.items():
        of = within(rows, family, method)
        if of:
            found.append(line(of, method, [end(row) for row in of], look))
    return found


def sizes(rows: list[Row], family: str) -> list[Drawn]:
    """Return a line a method over the rows a sample; the names end in -n5, -n10 and so on."""
    found = []
    for method, look in SMALL.items():
        of = within(rows, family, method)
        if of:
            found.append(line(of, method, [row["n"] for row in of], look))
    return found


def line(rows: list[Row], label: str, x: list[str], look: Look) -> Drawn:
    """Return what `panel` needs of some rows."""
    shade, style, marker = look
    numbers = {name: [float(row[name]) for row in rows] for name in ("rate", "low", "high")}
    return {
        "label": label, "x": x, "y": numbers["rate"], "low": numbers["low"],
        "high": numbers["high"], "color": shade, "ls": style, "marker": marker, "mfc": shade,
    }  # fmt: skip


def within(rows: list[Row], family: str, method: str) -> list[Row]:
    """Return the rows of a family of problems, which are named FAMILY-X."""
    return [r for r in rows if r["method"] == method and r["problem"].rpartition("-")[0] == family]


def end(row: Row) -> str:
    """Return the X of a problem named FAMILY-X."""
    return str(row["problem"]).rpartition("-")[2]


def figure_of(panels: dict[str, str], lines_of: Callable[[str], list[Drawn]]) -> "Figure":
    """Draw panels, two beside each other."""
    from matplotlib.figure import Figure

    high = -(-len(panels) // 2)
    figure = Figure(figsize=(2 * SIZE[0], high * SIZE[1]), layout="constrained")
    axes = figure.subplots(high, 2, squeeze=False).ravel()
    for ax, (family, label) in zip(axes, panels.items(), strict=False):
        panel(ax, lines_of(family))
        ax.set(xlabel=label, ylabel="rejection rate", ylim=(-0.02, 1.02))
    for ax in axes[len(panels) :]:
        ax.remove()
    return figure


def panel(ax: Any, found: list[Drawn]) -> None:
    """Draw lines over evenly spaced x, and their names at the right."""
    for each in found:
        x = range(len(each["x"]))
        style = {name: each[name] for name in ("color", "ls", "marker", "mfc")}
        ax.plot(x, each["y"], ms=4, lw=1.2, **style)
        if each["low"] is not None and each["label"] == "max":
            ax.fill_between(x, each["low"], each["high"], color="0.88", lw=0, zorder=0)
        ax.set_xticks(x, each["x"], fontsize=9)
    ax.axhline(0.05, color="0.8", lw=0.8, zorder=0)
    ax.spines[["top", "right"]].set_visible(False)
    heights = spread([each["y"][-1] for each in found])
    for each, height in zip(found, heights, strict=True):
        last = len(each["x"]) - 1
        ax.annotate(
            each["label"], (last, each["y"][-1]), (last + 0.04 * last + 0.1, height),
            fontsize=9, va="center", color=each["color"], annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": "0.6", "lw": 0.5, "relpos": (0, 0.5)},
        )  # fmt: skip


def spread(heights: list[float]) -> list[float]:
    """Move heights apart by at least `LEAST_GAP`, in their order, within 0 to 1."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    moved = list(heights)
    for below, above in itertools.pairwise(order):
        moved[above] = max(moved[above], moved[below] + LEAST_GAP)
    if max(moved, default=0.0) > 1:
        top = 1.0
        for i in reversed(order):
            moved[i] = min(moved[i], top)
            top = moved[i] - LEAST_GAP
    return moved


if __name__ == "__main__":
    save_figures(list(table.load(RESULTS).values()), RESULTS)
