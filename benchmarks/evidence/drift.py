"""Does a monitor alarm as rarely as it is asked to? `python -m benchmarks.evidence.drift`.

Four parts: `length` (batches until the first alarm while nothing changes), `independence` (of the
p-values of one stream), `effect` (of a mean that moves from batch to batch) and `delay` (batches
until an alarm after a change). Beside the monitor: weekly tests against a fixed reference, the rule
of evidently for columns, and the online detectors of alibi-detect, each with the level at which it
alarms as rarely as the monitor.

Every stream is a task of its own, and what it gave is kept in build/evidence-drift: a run that was
interrupted goes on, and the table has what is known so far. Streams of all cases take turns.
"""

import argparse
import dataclasses
import math
import sys
import time
from fnmatch import fnmatch
from pathlib import Path
from typing import get_args

from benchmarks import results
from benchmarks.evidence.kept import Store
from benchmarks.evidence.lengths import level_for, row_of
from benchmarks.evidence.runner import finished
from benchmarks.evidence.streams import Change, Stream
from benchmarks.evidence.table import LAST, made_by
from benchmarks.evidence.tasks import RESULTS, share
from benchmarks.evidence.watchers import Looks
from benchmarks.evidence.watching import (
    ONE,
    RESAMPLES,
    STILL,
    STOPS,
    Case,
    Chunk,
    Method,
    Part,
    watched,
)
from benchmarks.measure import ROOT
from benchmarks.results import Row

NAME = "drift"
COLUMNS = (
    "study", "part", "problem", "method", "d", "bins", "rows", "kernel", "max_bins", "n_resamples",
    "asked", "wanted", "streams", "mean", "error", "median", "ninety", "within", "never", "level",
    "rate", "lag_1", "lag_2", "lag_3", "lag_error", "count_ratio", "count_error", *LAST,
)  # fmt: skip
CHUNKS = 20  # of a case, which take turns
EACH = 2.0  # minutes the table is written
FINE = 2047  # of weekly tests whose level is sought: p-values lie closer together
DEFAULT = Looks("median", RESAMPLES, max_bins=512)

CHANGES = (
    Change("mean", 0.15), Change("mean", 0.25), Change("mean", 0.4), Change("scale", 0.05),
    Change("ramp", 0.5),
)  # fmt: skip
PLAIN = Stream("gaussian", 64)
# Data, rows of the reference in bins, and sizes of batches; how the library looks at them; streams.
SETTINGS: tuple[tuple[Stream, Looks, int], ...] = (
    (Stream("gaussian", 8), ONE, 1000),
    (Stream("modes", 64), ONE, 1000),
    (Stream("t3", 64), ONE, 1000),
    (Stream("features", 64), ONE, 1000),
    (Stream("gaussian", 512), DEFAULT, 300),
    (Stream("gaussian", 64, 256, 600), ONE, 1000),
    (PLAIN, DEFAULT, 300),
)


def cases(share: float = 1.0) -> list[Case]:
    """Return the whole study, with that share of its streams, at least 4."""

    def wanted(full: int) -> int:
        return max(4, math.ceil(share * full))

    fine = Looks("median", FINE)
    found = [Case("length", PLAIN, "monitor", wanted(1000), Looks("grid", RESAMPLES), every=20)]
    found += [Case("length", s, "monitor", wanted(full), looks) for s, looks, full in SETTINGS]
    found += [
        Case("length", PLAIN, "columns", wanted(1000)),
        Case("length", PLAIN, "weekly", wanted(300), fine),
        Case("length", PLAIN, "mmd-online", wanted(100)),
        Case("length", PLAIN, "lsdd-online", wanted(100)),
        Case("independence", Stream("gaussian", 8), "monitor", wanted(500)),
        Case("independence", Stream("gaussian", 8), "weekly", wanted(500)),
        Case("independence", PLAIN, "monitor", wanted(500)),
        Case("independence", Stream("gaussian", 64, 256, 600), "monitor", wanted(1500)),
    ]
    for change in (STILL, Change("batches", 0.05), Change("batches", 0.15)):
        found.append(Case("effect", PLAIN, "monitor", wanted(400), change=change))
    for change in CHANGES:
        found += [
            Case("delay", PLAIN, "monitor", wanted(400), DEFAULT, change=change),
            Case("delay", PLAIN, "monitor", wanted(400), change=change),
            Case("delay", PLAIN, "weekly", wanted(400), fine, change=change),
            Case("delay", PLAIN, "columns", wanted(400), change=change),
            Case("delay", PLAIN, "mmd-online", wanted(100), change=change),
            Case("delay", PLAIN, "lsdd-online", wanted(100), change=change),
        ]
    return found


def cut(chosen: list[Case]) -> list[Chunk]:
    """Cut all cases, and let their chunks take turns."""
    chunks: list[tuple[int, Chunk]] = []
    for case in chosen:
        size = -(-case.wanted // CHUNKS)
        starts = range(0, case.wanted, size)
        chunks += [
            (turn, Chunk(case, begin, min(begin + size, case.wanted)))
            for turn, begin in enumerate(starts)
        ]
    return [chunk for _, chunk in sorted(chunks, key=lambda pair: pair[0])]


def table(every_case: list[Case], store: Store, old: dict[str, Row], commit: str) -> list[Row]:
    """Return the rows of all that is known; of cases that were not run, those of the old table."""
    rows: list[Row] = []
    for case in every_case:
        series, seconds = store.series(case)
        for method, level in levels(case, every_case, store):
            shown = dataclasses.replace(case, method=method)
            if series and not math.isnan(level):
                rows.append({**row_of(shown, series, level, seconds), **made_by(commit)})
            elif shown.name in old:
                rows.append(old[shown.name])
    return rows


def levels(case: Case, every_case: list[Case], store: Store) -> list[tuple[Method, float]]:
    """Return the levels at which a case is looked at, and how the rows are called.

    Not a number where quiet streams of the method are not known.
    """
    if case.method == "monitor" or case.part not in ("length", "delay"):
        return [(case.method, STOPS["monitor"])]
    quiet = next(c for c in every_case if (c.part, c.method) == ("length", case.method))
    series, _ = store.series(quiet)
    level = level_for(series, case.every) if series else math.nan
    default: list[tuple[Method, float]] = [("columns-0.1", 0.1)]
    return [(case.method, level), *(default if case.method == "columns" else [])]


def name_of(row: Row) -> str:
    """Return the name of a row of a file."""
    return "/".join([row["part"], row["problem"], row["method"]])


def main(arguments: list[str] | None = None) -> int:
    """Watch the streams of the chosen cases, and write the table."""
    options = parsed(arguments)
    commit = results.commit()
    every_case = cases(options.share)
    store = Store(options.kept, commit, options.anew)
    for case in every_case:
        store.load(case)
    todo = [chunk for chunk in cut(options.chosen) if not store.has(chunk)]
    path = options.out / f"{NAME}.csv"
    old = {name_of(row): row for row in results.load(path)}
    print(f"commit {commit}; {len(todo)} chunks to do")
    begin, written = time.perf_counter(), 0.0

    def write() -> None:
        results.save(path, table(every_case, store, old, commit), list(COLUMNS))

    for found in finished(watched, todo, options.jobs):
        store.add(found)
        minutes = (time.perf_counter() - begin) / 60
        chunk = found.chunk
        told = f"{chunk.case.name} {chunk.stop}: {found.seconds:.1f} s"
        print(f"{minutes:6.1f} min  {told}", flush=True)
        if minutes > written + EACH:
            write()
            written = minutes
        if minutes > options.minutes:
            break
    write()
    print(f"wrote {path}")
    return 0


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.evidence.drift", description="Measure the monitor."
    )
    add = parser.add_argument
    add("rows", nargs="*", metavar="ROW", help="parts, or 'delay/*/monitor-64'; else all")
    add("--share", type=share, default=1.0, metavar="S", help="of the streams, at least 4 of each")
    add("--out", type=Path, help="default benchmarks/evidence/results, or build/evidence-S")
    add("--kept", type=Path, help="what streams gave; default build/evidence-drift, or -drift-S")
    add("--jobs", type=int, default=1, metavar="N", help="processes; default 1")
    add("--minutes", type=float, default=float("inf"), help="go on another time after so many")
    add("--anew", action="store_true", help="measure also what is known already")
    options = parser.parse_args(arguments)
    part = "" if options.share == 1 else f"-{options.share}"
    options.out = options.out or (ROOT / f"build/evidence{part}" if part else RESULTS)
    options.kept = options.kept or ROOT / f"build/evidence-drift{part}"
    options.chosen = chosen(cases(options.share), options.rows)
    for pattern in options.rows:
        if not chosen(cases(options.share), [pattern]):
            parser.error(f"no row is named {pattern!r}; the parts are {', '.join(get_args(Part))}")
    return options


def chosen(every_case: list[Case], patterns: list[str]) -> list[Case]:
    """Return the cases whose part or name matches any pattern, all for none."""
    return [
        case
        for case in every_case
        if any(fnmatch(name, p) for name in (case.part, case.name) for p in patterns or ["*"])
    ]


if __name__ == "__main__":
    sys.exit(main())
