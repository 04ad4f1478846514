"""Power beside exact with many rows: ``python -m benchmarks.evidence.landmarks_large``.

Features of 768 columns, 20,000 rows a sample, on the CPU or with ``--device cuda`` on a GPU. The
shift shrinks with the root of the rows, so that the power of exact stays in the middle. Every
repetition is written as it is done, into ``landmarks_large_runs.csv``; a run goes on after those
that are there, and ``landmarks_large.csv`` sums them up.
"""

import argparse
import math
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

import repdist
from benchmarks import measure, results
from benchmarks.evidence import landmarks, rates, runner, table
from benchmarks.evidence.structures import Embeddings
from benchmarks.evidence.tasks import LEVEL, Measured, Task, seed_of
from benchmarks.results import Row

NAME = "landmarks_large"
METHODS = (landmarks.EXACT, landmarks.USUAL, landmarks.MANY)
SHIFT, ROWS = 0.12, 2048  # about as hard to see as a smaller shift of more rows
RUN = ("rows", "d", "repetition", "method", "pvalue", *landmarks.SEEN, "device", "seconds")
COLUMNS = (
    "method", "n", "m", "d", "shift", "n_resamples", "repetitions", "rejections", "rate", "low",
    "high", *landmarks.SEEN, "lost", "lost_silently", "paired_pvalue", "device", "seconds",
    "commit", "repdist", "numpy", "python", "date",
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Do the repetitions that are not there yet, and sum up all."""
    options = parsed(arguments)
    task = task_of(options)
    path = options.out / f"{NAME}_runs.csv"
    runs = results.load(path)
    todo = [
        Part(task, repetition, methods, options.device)
        for repetition in range(task.repetitions)
        if (methods := missing(runs, task, repetition))
    ]
    begin = time.perf_counter()
    for i, part in enumerate(done(todo, options.jobs), start=1):
        runs += part
        results.save(path, sorted(runs, key=place), list(RUN))
        minutes = (time.perf_counter() - begin) / 60
        print(f"{i} of {len(todo)} repetitions after {minutes:.1f} min", flush=True)
        if minutes > options.minutes:
            break
    rows = summed(task, results.load(path))
    results.save(options.out / f"{NAME}.csv", rows, list(COLUMNS))
    for row in rows:
        print({name: row.get(name) for name in COLUMNS[: COLUMNS.index("commit")]})
    return 0


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        f"python -m benchmarks.evidence.{NAME}", description="Measure power with many rows."
    )
    add = parser.add_argument
    add("--device", default="cpu", help="of torch; cpu, the default, needs no torch")
    add("--rows", type=int, default=20_000, help="of a sample; default 20,000")
    add("--columns", type=int, default=768, help="default 768")
    add("--repetitions", type=int, default=200, help="in all; default 200")
    add("--minutes", type=float, default=math.inf, help="stop after so many")
    add("--jobs", type=int, default=1, metavar="N", help="processes; default 1")
    add("--methods", nargs="+", default=METHODS, metavar="METHOD", help="default all")
    add("--out", type=Path, default=measure.ROOT / "benchmarks/evidence/results")
    return parser.parse_args(arguments)


def task_of(options: argparse.Namespace) -> Task:
    """Return what is repeated."""
    shift = SHIFT * math.sqrt(ROWS / options.rows)
    problem = Embeddings(round(shift, 6), d=options.columns)
    return Task(
        NAME, problem, options.rows, options.rows, tuple(options.methods), options.repetitions,
        landmarks.N_RESAMPLES,
    )  # fmt: skip


def is_of(run: Row, task: Task) -> bool:
    """Tell whether a repetition that was written is one of the task."""
    return (int(run["rows"]), int(run["d"])) == (task.n, task.problem.d)


def place(run: Row) -> tuple[int, int, int]:
    """Return where a repetition stands in the file."""
    return int(run["rows"]), int(run["d"]), int(run["repetition"])


def missing(runs: list[Row], task: Task, repetition: int) -> tuple[str, ...]:
    """Return the methods by which a repetition was not tested yet."""
    there = {
        run["method"] for run in runs if is_of(run, task) and int(run["repetition"]) == repetition
    }
    return tuple(method for method in task.methods if method not in there)


@dataclass(frozen=True)
class Part:
    """A repetition, and the methods to test by."""

    task: Task
    repetition: int
    methods: tuple[str, ...]
    device: str


def done(parts: list[Part], jobs: int) -> Iterator[list[Row]]:
    """Yield the rows of each repetition: here for one job, else from as many processes."""
    if jobs == 1:
        yield from map(repeated, parts)
        return
    os.environ |= runner.ONE_THREAD  # for the processes: BLAS reads it when it is loaded
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        futures = [pool.submit(repeated, part) for part in parts]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:  # of an error, or of the time
            pool.shutdown(wait=False, cancel_futures=True)


def repeated(part: Part) -> list[Row]:
    """Draw samples and test them by some methods."""
    task, repetition, device = part.task, part.repetition, part.device
    X, Y = task.problem(task.n, task.m, np.random.default_rng(seed_of(task, "data", repetition)))
    samples: tuple[Any, Any] = (X, Y)
    where = measure.processor() if device == "cpu" else measure.gpu_name(device)
    if device != "cpu":
        samples = measure.on_device(X, device), measure.on_device(Y, device)
    rows = []
    for method in part.methods:
        begin = time.perf_counter()
        result = tested(task, method, samples, seed_of(task, "test", repetition))
        rows.append(
            {
                "rows": task.n,
                "d": task.problem.d,
                "repetition": repetition,
                "method": method,
                "pvalue": result.pvalue,
                **landmarks.seen(result),
                "device": where,
                "seconds": time.perf_counter() - begin,
            }
        )
    return rows


def tested(
    task: Task, method: str, samples: tuple[Any, Any], seed: np.random.SeedSequence
) -> repdist.MMDTestResult:
    """Test samples of NumPy or of torch."""
    count = landmarks.n_landmarks(method)
    how: dict[str, Any] = {"method": "landmarks", "n_landmarks": count} if count else {}
    return repdist.mmd_test(
        *samples, n_resamples=task.n_resamples, rng=np.random.default_rng(seed), n_jobs=1, **how
    )


def summed(task: Task, runs: list[Row]) -> list[Row]:
    """Return a row a method, from the repetitions that all methods have."""
    mine = [run for run in runs if is_of(run, task)]
    whole = [r for r in range(task.repetitions) if not missing(mine, task, r)]
    if not whole:
        return []
    of = {
        method: {int(run["repetition"]): run for run in mine if run["method"] == method}
        for method in task.methods
    }
    chosen = {method: [by[r] for r in whole] for method, by in of.items()}
    found = {method: numbers(some, "pvalue") for method, some in chosen.items()}
    for method, some in chosen.items():
        found |= {f"{method} {what}": numbers(some, what) for what in landmarks.SEEN}
    return [row_of(task, method, found, some) for method, some in chosen.items()]


def numbers(runs: list[Row], name: str) -> np.ndarray:
    """Return a column, NaN where nothing stands."""
    return np.array([float(run.get(name) or "nan") for run in runs])


def row_of(task: Task, method: str, found: dict[str, np.ndarray], runs: list[Row]) -> Row:
    """Return the row of a method."""
    pvalues = found[method]
    hits = int((pvalues <= LEVEL).sum())
    low, high = rates.interval(hits, len(pvalues))
    assert isinstance(task.problem, Embeddings)
    row = {
        "method": method, "n": task.n, "m": task.m, "d": task.problem.d,
        "shift": task.problem.shift, "n_resamples": task.n_resamples, "repetitions": len(pvalues),
        "rejections": hits, "rate": hits / len(pvalues), "low": low, "high": high,
        "device": runs[-1]["device"], "seconds": float(np.median(numbers(runs, "seconds"))),
        **landmarks.lost(Measured(task, method, found, 1)),
        **table.made_by(results.commit()),
    }  # fmt: skip
    if method != landmarks.EXACT:
        row |= {what: float(found[f"{method} {what}"].mean()) for what in landmarks.SEEN}
    return row


if __name__ == "__main__":
    sys.exit(main())
