"""The picture of the house: folders in their ranks and who imports whom, read from the code."""

import ast
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

PACKAGE = Path(__file__).parents[2] / "repdist"
GROUND = "the ground"  # the files that every other may import: one step
BLUE, FILL = "#2f5d8a", "#9db4c9"


def draw_house(path, ground):
    """Draw the house as stairs into `path`, users at the top: dots lead to what a step imports."""
    files, edges = imports_between(ground)
    rank = ranks(edges)
    names = sorted(rank, key=lambda name: (-rank[name], name == GROUND, name))
    place = {name: position for position, name in enumerate(names)}
    fig = Figure(figsize=(8, 0.32 * len(names)), layout="constrained")
    ax = fig.subplots()
    for name, row in place.items():
        if rank[name] % 2:
            ax.axhspan(row - 0.5, row + 0.5, color="0.95", linewidth=0)
        text = name if name == GROUND else shown(name)
        draw_step(ax, row, text, files[name], public=not text.startswith("_") and name != GROUND)
    for (name, other), count in edges.items():
        row, column = place[name], place[other]
        ax.plot([row, column, column], [row, row, column], color="0.85", linewidth=0.6, zorder=1)
        ax.plot(column, row, "o", color=BLUE, markersize=2.5 + 0.6 * count**0.5, zorder=2)
    ax.set(xlim=(-4.2, len(names) - 0.4), ylim=(len(names) - 0.4, -0.6))
    ax.set_axis_off()
    fig.savefig(path, dpi=160)


def draw_step(ax, row, name, count, *, public):
    box = Rectangle(
        (row - 0.42, row - 0.42), 0.84, 0.84,
        facecolor=FILL if public else "white", edgecolor=BLUE, zorder=3,
    )  # fmt: skip
    ax.add_patch(box)
    ax.text(row, row, count, ha="center", va="center_baseline", fontsize=8, zorder=4)
    weight = "bold" if public else "normal"
    ax.text(row - 0.6, row, name, ha="right", va="center_baseline", fontsize=9, weight=weight)


def imports_between(ground):
    """Return how many files each folder has, and how often one imports another."""
    files, edges = Counter(), Counter()
    for path in sorted(PACKAGE.rglob("*.py")):
        own = step_of(path.relative_to(PACKAGE).with_suffix("").parts[0], ground)
        files[own] += 1
        for other in imported(ast.parse(path.read_text(encoding="utf-8"))):
            edges[own, step_of(other, ground)] += 1
    return files, {(own, other): count for (own, other), count in edges.items() if own != other}


def step_of(name, ground):
    return GROUND if name in ground else name


def imported(tree):
    """Yield the folder or file of the package that each import takes from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            dotted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            dotted = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in dotted:
            package, _, rest = name.partition(".")
            first = rest.partition(".")[0]
            if package == "repdist":
                yield first if first and is_there(first) else "__init__"


def is_there(name):
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()


def shown(name):
    """Return a folder or file as readers see it."""
    if name == "__init__":
        return "repdist"
    return f"{name}/" if (PACKAGE / name).is_dir() else f"{name}.py"


def ranks(edges):
    """Return the number of steps from each folder down to the ground, by the longest way."""
    below = {}
    for own, other in edges:
        below.setdefault(own, set()).add(other)
    rank = {}
    for name in TopologicalSorter(below).static_order():
        rank[name] = 1 + max((rank[other] for other in below.get(name, ())), default=-1)
    return rank
