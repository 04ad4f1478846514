"""The table of results: one tidy CSV file, and lines to print."""

import csv
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT

Row = dict[str, Any]
COLUMNS = [
    "case", "library", "groups", "n", "m", "d", "dtype", "components", "n_resamples",
    "seconds_median", "seconds_min", "repetitions", "sums", "null", "rest", "sort", "peak_mb",
    "stated_mb",
    "roofline_seconds", "roofline_multiple", "goal",
    "cores", "cpu", "gpu", "blas", "versions", "commit", "date",
]  # fmt: skip

CHANGED = "-changed"  # since the commit


def load(path: Path) -> list[Row]:
    """Return the rows of a file, text as it stands; none if there is no file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def save(path: Path, rows: Iterable[Row], columns: list[str] = COLUMNS) -> None:
    """Write the rows, under a temporary name until all is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".csv.part")
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows({k: rounded(v) for k, v in row.items()} for row in rows)
    part.replace(path)


def rounded(value: Any) -> Any:
    """Return a float with four significant digits, anything else as it is."""
    return f"{value:.4g}" if isinstance(value, float) else value


def commit() -> str:
    """Return the last commit that changed the library, marked if it has been changed since."""
    last = git("log", "-1", "--format=%h", "--", "repdist") or "unknown"
    return last + CHANGED * bool(git("status", "--porcelain", "--", "repdist"))


def git(*arguments: str) -> str:
    """Return what git prints, nothing where there is no clone."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip()


HEADER = (
    f"{'case':20} {'seconds':>9} {'least':>9} {'sums':>7} {'null':>7} {'rest':>7} "
    f"{'MB':>6} {'roofline x':>10} {'comp.':>5}  goal"
)


def line(row: Row) -> str:
    """Return one row to read; the columns of `HEADER`."""
    sums, null, rest = (share(row, part) for part in ("sums", "null", "rest"))
    return (
        f"{row['case']:20} {float(row['seconds_median']):9.4f} {float(row['seconds_min']):9.4f} "
        f"{sums:>7} {null:>7} {rest:>7} {float(row['peak_mb']):6.0f} "
        f"{float(row['roofline_multiple']):10.3g} {int(float(row['components'])):5}  {row['goal']}"
    )


def share(row: Row, part: str) -> str:
    """Return a part of the seconds in percent, nothing where it is not known."""
    if row.get(part, "") == "":
        return ""
    return f"{100 * float(row[part]) / float(row['seconds_median']):.0f} %"
