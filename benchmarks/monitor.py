"""Time the monitor, and tell how large its files are: ``python -m benchmarks.monitor``.

Default settings, 64 columns in float32, a reference of 512 bins. The weeks before have 256 rows
each; their states are kept in build/monitor, so that a second run only times. An update, and what
cron does (load, update, save), are told apart; of five, the fastest counts. On a busy machine the
seconds of the processor say more than those of the clock.
"""

import argparse
import datetime as dt
import functools
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import repdist
from benchmarks import results
from benchmarks.measure import ROOT, machine
from benchmarks.results import Row

D = 64
REFERENCE_ROWS = 18_205  # for 512 bins of 32, and a tenth that lies in none
SMALL = 256
SIZES = (SMALL, 100_000)
REPETITIONS = 5
COLUMNS = [
    "case", "n", "d", "weeks", "seconds", "seconds_cpu", "seconds_with_files", "mb", "repetitions",
    "load", "cores", "cpu", "blas", "versions", "commit", "date",
]  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.monitor", description="Time the monitor."
    )
    parser.add_argument("--weeks", type=int, nargs="+", default=[10, 1000], metavar="N")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results")
    parser.add_argument("--states", type=Path, default=ROOT / "build/monitor")
    options = parser.parse_args(arguments)
    commit = results.commit()
    about = {
        **machine("repdist"),
        "commit": commit,
        "load": os.getloadavg()[0],
        "date": dt.datetime.now().astimezone().isoformat(timespec="seconds"),
    }
    options.states.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    for weeks in sorted(options.weeks):
        state = options.states / f"{commit}-{weeks}.npz"
        if not state.exists():
            advanced(weeks).save(state)
        rows += [timed(state, weeks, n) for n in SIZES]
    rows = files(options.states) + rows
    for row in rows:
        print({name: results.rounded(value) for name, value in row.items()})
    results.save(options.out / "monitor.csv", [row | about for row in rows], COLUMNS)
    return 0


def advanced(weeks: int) -> repdist.Monitor:
    """Return a monitor after some weeks."""
    rng = np.random.default_rng(0)
    monitor = repdist.Monitor(repdist.Reference(drawn(REFERENCE_ROWS, rng), rng=0), rng=0)
    for _ in range(weeks):
        monitor.update(drawn(SMALL, rng))
    return monitor


def drawn(n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw rows."""
    return rng.standard_normal((n, D), dtype=np.float32)


def timed(state: Path, weeks: int, n: int) -> Row:
    """Return the seconds of an update in a state, and with the files."""
    rows = drawn(n, np.random.default_rng(1))
    copy = state.with_suffix(".copy.npz")
    update, processor, files = [], [], []
    for _ in range(REPETITIONS):
        copy.write_bytes(state.read_bytes())
        begin = time.perf_counter()
        monitor = repdist.Monitor.load(copy)
        between, cpu = time.perf_counter(), time.process_time()
        monitor.update(rows)
        update.append(time.perf_counter() - between)
        processor.append(time.process_time() - cpu)
        monitor.save(copy)
        files.append(time.perf_counter() - begin)
    copy.unlink()
    return {
        "case": "update",
        "n": n,
        "d": D,
        "weeks": weeks,
        "seconds": min(update),
        "seconds_cpu": min(processor),
        "seconds_with_files": min(files),
        "mb": state.stat().st_size / 1e6,
        "repetitions": REPETITIONS,
    }


def files(folder: Path) -> list[Row]:
    """Return the seconds that a reference and sketches take, and the sizes of their files."""
    rng = np.random.default_rng(0)
    rows = {n: drawn(n, rng) for n in (REFERENCE_ROWS, *SIZES)}
    path = folder / "file.npz"
    reference = repdist.Reference(rows[REFERENCE_ROWS], rng=0)
    found = []

    def add(case: str, n: int, make: Callable[[], repdist.Reference | repdist.Sketch]) -> None:
        seconds, processor = [], []
        for _ in range(REPETITIONS):
            begin, cpu = time.perf_counter(), time.process_time()
            made = make()
            seconds.append(time.perf_counter() - begin)
            processor.append(time.process_time() - cpu)
        made.save(path)
        found.append({
            "case": case, "n": n, "d": D, "seconds": min(seconds),
            "seconds_cpu": min(processor), "mb": path.stat().st_size / 1e6,
            "repetitions": REPETITIONS,
        })  # fmt: skip
        path.unlink()

    add("reference", REFERENCE_ROWS, lambda: repdist.Reference(rows[REFERENCE_ROWS], rng=0))
    for n in SIZES:
        add("sketch", n, functools.partial(reference.sketch, rows[n], rng=0))
    return found


if __name__ == "__main__":
    sys.exit(main())
