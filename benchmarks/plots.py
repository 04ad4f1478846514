"""Pictures of the sweeps: log-log, told apart by markers and line styles, so they print in grey."""

from pathlib import Path

from benchmarks.results import Row

Points = list[tuple[float, float]]

# Sweep: what its x axis shows, and its column.
SWEEPS = {
    "rows": "rows of both samples",
    "columns": "columns",
    "components": "kernel components",
    "resamples": "relabelings",
}
STYLES = [("o", "-", "0"), ("s", "--", "0.35"), ("^", "-.", "0.35"), ("D", ":", "0.35"),
          ("v", (0, (5, 1, 1, 1, 1, 1)), "0.35"), ("x", "-", "0.6")]  # fmt: skip


def save_plots(rows: list[Row], folder: Path) -> list[Path]:
    """Draw every sweep of which two points are there."""
    paths = []
    for sweep, label in SWEEPS.items():
        lines = {"repdist": points(rows, sweep, "seconds_median")}
        if sweep == "rows":
            libraries = dict.fromkeys(row["library"] for row in rows)
            lines["repdist with numba"] = points(rows, "numba", "seconds_median")
            lines |= {i: points(rows, i, "seconds_median") for i in libraries if i != "repdist"}
        floor = points(rows, sweep, "roofline_seconds")
        if len(lines["repdist"]) > 1:
            path = folder / f"{sweep}.png"
            draw(path, lines, label, "seconds", floor)
            paths.append(path)
    memory = points(rows, "rows", "peak_mb")
    if len(memory) > 1:
        path = folder / "memory.png"
        draw(path, {"repdist": memory}, SWEEPS["rows"], "peak memory above the data, MB")
        paths.append(path)
    return paths


def points(rows: list[Row], prefix: str, column: str) -> Points:
    """Return x, from the end of the case's name, and y of the cases ``PREFIX-x``."""
    named = [(row["case"].rpartition("-"), row) for row in rows]
    return sorted(
        (float(end), float(row[column]))
        for (start, _, end), row in named
        if start == prefix and end.isdecimal() and float(row[column]) > 0
    )


def draw(
    path: Path, lines: dict[str, Points], label: str, unit: str, floor: Points | None = None
) -> None:
    """Draw lines of points into a file, under a temporary name until it is whole."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    ax = figure.subplots()
    for (name, xy), (marker, style, shade) in zip(lines.items(), STYLES, strict=False):
        if xy:
            ax.loglog(*zip(*xy, strict=True), marker=marker, ls=style, color=shade, label=name)
    if floor:
        ax.loglog(*zip(*floor, strict=True), color="0.7", lw=4, zorder=0, label="roofline")
    ax.set(xlabel=label, ylabel=unit)
    ax.grid(color="0.9")
    figure.legend(loc="outside right upper", frameon=False)
    part = path.with_suffix(".png.part")
    figure.savefig(part, format="png", dpi=150)
    part.replace(path)
