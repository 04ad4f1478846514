"""The tables of results: one CSV file a study, one row a problem and method."""

import datetime as dt
import platform
from pathlib import Path

import numpy as np

import repdist
from benchmarks import results
from benchmarks.evidence import rates
from benchmarks.evidence.runner import STUDIES
from benchmarks.evidence.tasks import LEVEL, Found, Measured, Task
from benchmarks.results import Row

FIRST = ("study", "problem", "method", "n", "m", "d", "n_bins", "n_resamples", "pool",
         "repetitions", "rejections", "rate", "low", "high")  # fmt: skip
LAST = ("seconds", "commit", "repdist", "numpy", "python", "date")


def columns(study: str) -> list[str]:
    """Return the columns of a study's table; `seconds` are those of all methods of a problem."""
    return [*FIRST, *STUDIES[study].COLUMNS, *LAST]


def rows_of(task: Task, pvalues: Found, seconds: float, n_rows: int, commit: str) -> list[Row]:
    """Return a row for each method; `n_rows` are those of the whole study."""
    return [
        {
            "study": task.study,
            "problem": task.name,
            "method": method,
            **task.settings,
            **counted(pvalues[method]),
            **STUDIES[task.study].extra(Measured(task, method, pvalues, n_rows)),
            "seconds": seconds,
            **made_by(commit),
        }
        for method in task.methods
    ]


def counted(pvalues: np.ndarray) -> Row:
    """Return the rate of rejection at .05, with its exact interval."""
    hits = int((pvalues <= LEVEL + 1e-12).sum())
    low, high = rates.interval(hits, len(pvalues))
    return {"rejections": hits, "rate": hits / len(pvalues), "low": low, "high": high}


def made_by(commit: str) -> Row:
    """Return the versions that make a row, and the date."""
    return {
        "commit": commit,
        "repdist": repdist.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "date": dt.datetime.now().astimezone().isoformat(timespec="seconds"),
    }


def key(row: Row) -> str:
    """Return the name of a row, as `Task.row_name` has it."""
    return f"{row['study']}/{row['problem']}/{row['method']}"


def load(folder: Path) -> dict[str, Row]:
    """Return the rows of all studies by name."""
    tables = [results.load(folder / f"{study}.csv") for study in STUDIES]
    return {key(row): row for table in tables for row in table}


def save(folder: Path, rows: dict[str, Row], tasks: list[Task]) -> None:
    """Write the table of every study that has rows, in the order of its tasks."""
    for study in STUDIES:
        names = [t.row_name(method) for t in tasks if t.study == study for method in t.methods]
        found = [rows[name] for name in names if name in rows]
        if found:
            results.save(folder / f"{study}.csv", found, columns(study))


def is_current(row: Row | None, task: Task, commit: str) -> bool:
    """Tell whether a row was measured with this commit and these settings."""
    wanted = {**task.settings, **made_by(commit)}
    del wanted["date"]
    return row is not None and all(str(row[name]) == value for name, value in wanted.items())


def line(row: Row) -> str:
    """Return one row to read."""
    published = {
        name: f"{float(row[f'published_{name}']):.3f}"
        for name in ("fuse", "mmdagg", "median")
        if row.get(f"published_{name}", "") != ""
    }
    told = "".join(f"  {name} {rate}" for name, rate in published.items())
    told += "".join(f"  {row[k]}" for k in ("outside", "alarm") if row.get(k))
    rate, low, high = (float(row[name]) for name in ("rate", "low", "high"))
    return f"{key(row):56} {rate:.3f} [{low:.3f}, {high:.3f}]{told}"
