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
import functools
import json
import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks import results
from benchmarks.evidence.online import OnlineLSDD, OnlineMMD
from benchmarks.evidence.runner import finished
from benchmarks.evidence.streams import Change, Columns, Looks, Monitored, Stream, Watcher, Weekly
from benchmarks.evidence.table import LAST, made_by
from benchmarks.measure import ROOT
from benchmarks.results import Row

NAME = "drift"
COLUMNS = (
    "study", "part", "problem", "method", "d", "bins", "rows", "kernel", "max_bins", "n_resamples",
    "asked", "wanted", "streams", "mean", "error", "median", "ninety", "within", "never", "level",
    "rate", "lag_1", "lag_2", "lag_3", "lag_error", "count_ratio", *LAST,
)  # fmt: skip
CHUNKS = 20  # of a case, which take turns
CUT = 12  # times the length that is asked for, at which a stream ends without alarm
WEEKS = 60  # of a stream whose p-values are looked at
AFTER = 60  # batches after a change, at most
EACH = 2.0  # minutes the table is written
QUIET = 10  # batches before it
EFFECT = 20  # batches whose alarms are counted
LEVEL = 0.05

Part = Literal["length", "independence", "effect", "delay"]
Method = Literal["monitor", "weekly", "columns", "columns-0.1", "mmd-online", "lsdd-online"]
# Scores beyond these come so rarely that no level is sought there.
STOPS: dict[Method, float] = {
    "monitor": 1.0,
    "weekly": -0.009,
    "columns": 0.128,
    "mmd-online": 0.005,
    "lsdd-online": 0.045,
}
ONLINE: dict[Method, type[OnlineMMD] | type[OnlineLSDD]] = {
    "mmd-online": OnlineMMD,
    "lsdd-online": OnlineLSDD,
}
ONLINE_WEEKS = 200  # of a quiet stream of theirs, whatever the scores

CHANGES = (
    Change("mean", 0.15), Change("mean", 0.25), Change("mean", 0.4), Change("scale", 0.05),
    Change("ramp", 0.5),
)  # fmt: skip
PLAIN = Stream("gaussian", 64)
RESAMPLES = 511
FINE = 2047  # of weekly tests whose level is sought: p-values lie closer together
ONE = Looks("median", RESAMPLES)
DEFAULT = Looks("median", RESAMPLES, max_bins=512)
STILL = Change()
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


@dataclass(frozen=True)
class Case:
    """Streams of one kind, and what watches them."""

    part: Part
    stream: Stream
    method: Method
    wanted: int
    looks: Looks = ONE
    every: float = 100
    change: Change = STILL

    @property
    def problem(self) -> str:
        """The stream, and what happens in it."""
        told = "" if self.change.kind == "none" else f"-{self.change.name}"
        return self.stream.name + told

    @property
    def name(self) -> str:
        """Unique within the study."""
        return f"{self.part}/{self.problem}/{self.shown}"

    @property
    def shown(self) -> str:
        """The method, and what is not always the same of it."""
        if self.method != "monitor":
            return self.method
        asked = f"-{self.every:g}" if self.part == "length" else ""
        return f"monitor{asked}-{self.looks.max_bins}"

    @property
    def settings(self) -> str:
        """What streams must have been measured with to be kept, but their number."""
        return repr(dataclasses.replace(self, wanted=0))


@dataclass(frozen=True)
class Chunk:
    """Some streams of a case."""

    case: Case
    start: int
    stop: int


@dataclass(frozen=True)
class Found:
    """What the streams of a chunk gave: a series each."""

    chunk: Chunk
    series: list[list[float]]
    seconds: float


# --- one stream ----------------------------------------------------------------------------------


def watched(chunk: Chunk) -> Found:
    """Watch the streams of a chunk."""
    begin = time.perf_counter()
    series = [one(chunk.case, i) for i in range(chunk.start, chunk.stop)]
    return Found(chunk, series, time.perf_counter() - begin)


def one(case: Case, number: int) -> list[float]:
    """Return what one stream gave: scores, p-values, or a number of batches.

    All methods see the same rows.
    """
    rows = generator(f"{case.part}/{case.problem}/rows", number)
    rng = generator(case.name, number)
    watcher = start(case, case.stream.reference(rows), int(rng.integers(2**31)))
    batches = changed(case, rows)
    if case.part == "independence":
        return [round(pvalue_after(watcher, next(batches)), 6) for _ in range(WEEKS)]
    if case.part == "effect":
        return [sum(watcher(next(batches)) for _ in range(EFFECT))]
    if case.method == "monitor" and case.part == "delay":
        for _ in range(QUIET):
            watcher(case.stream.batch(rows))
    return scores(watcher, batches, STOPS.get(case.method, np.inf), limit(case))


def pvalue_after(watcher: Watcher, batch: np.ndarray) -> float:
    """Return the p-value of the next batch."""
    watcher(batch)
    return float(watcher.pvalue)


def generator(name: str, number: int) -> np.random.Generator:
    """Return the generator of a stream: of its name alone, so no order or process changes it."""
    return np.random.default_rng([zlib.crc32(name.encode()), number])


def start(case: Case, rows: np.ndarray, seed: int) -> Watcher:
    """Return what watches a stream."""
    if case.method == "monitor":
        return Monitored(rows, case.looks, case.every, seed)
    if case.method == "weekly":
        return Weekly(rows, case.looks, seed)
    if case.method in ONLINE:
        return ONLINE[case.method](rows, np.random.default_rng(seed))
    return Columns(rows)


def changed(case: Case, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the batches from the change on."""
    week = 0
    while True:
        week += 1
        yield case.change(case.stream.batch(rng), week, rng)


def scores(watcher: Watcher, batches: Iterator[np.ndarray], stop: float, most: int) -> list[float]:
    """Return the scores of batches until one reaches `stop`, of `most` batches at most."""
    found: list[float] = []
    while len(found) < most and not (found and found[-1] >= stop):
        found.append(round(watcher(next(batches)), 6))
    return found


def limit(case: Case) -> int:
    """Return the most batches of a stream."""
    if case.part == "delay":
        return AFTER
    return ONLINE_WEEKS if case.method in ONLINE else round(CUT * case.every)


# --- rows of the table ---------------------------------------------------------------------------


def first(series: list[float], level: float, most: int) -> int:
    """Return the number of the batch whose score reaches a level first; `most` + 1 for none."""
    reached = np.flatnonzero(np.array(series) >= level - 1e-9)
    return int(reached[0]) + 1 if len(reached) else most + 1


def level_for(series: list[list[float]], every: float) -> float:
    """Return the score, of those that came, at which the mean length is nearest to `every`.

    The mean grows with the level, so it is found by halving.
    """
    levels = np.unique(np.concatenate([np.maximum.accumulate(each) for each in series]))
    lengths = functools.cache(lambda i: mean_length(series, float(levels[i]))[0])
    low, high = 0, len(levels) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if lengths(middle) < every else (low, middle)
    best = min((low, high), key=lambda i: abs(lengths(i) - every))
    return float(levels[best])


def mean_length(series: list[list[float]], level: float) -> tuple[float, float]:
    """Return the mean number of batches until an alarm, with its standard error.

    All batches until the first alarm over the number of alarms: streams that end without one count.
    """
    numbers = [first(each, level, len(each)) for each in series]
    alarms = np.array([n <= len(s) for n, s in zip(numbers, series, strict=True)])
    batches = np.minimum(numbers, [len(each) for each in series])
    if not alarms.any():
        return float("inf"), float("nan")
    mean = float(batches.sum() / alarms.sum())
    spread = float(np.sqrt(np.square(batches - mean * alarms).sum()))
    return mean, spread / float(alarms.sum())


def row_of(case: Case, series: list[list[float]], level: float, seconds: float) -> Row:
    """Return the row of a case."""
    stream = case.stream
    rows = f"{stream.least}" if stream.least == stream.most else f"{stream.least} to {stream.most}"
    seen = case.looks if case.method in ("monitor", "weekly") else None
    return {
        "study": NAME,
        "part": case.part,
        "problem": case.problem,
        "method": case.shown,
        "d": stream.d,
        "bins": stream.bins,
        "rows": rows,
        "kernel": seen.kernel if seen else "",
        "max_bins": seen.max_bins if seen else "",
        "n_resamples": seen.n_resamples if seen else "",
        "asked": f"{case.every:g}" if case.method == "monitor" else "",
        "wanted": case.wanted,
        "streams": len(series),
        **measured(case, series, level),
        "seconds": seconds,
    }


def measured(case: Case, series: list[list[float]], level: float) -> Row:
    """Return what a part has to say."""
    if case.part == "length":
        return lengths_of(series, level, case)
    if case.part == "independence":
        return independence_of(series, case.looks.n_resamples + 1)
    return effect_of(series) if case.part == "effect" else delays_of(series, level)


def lengths_of(series: list[list[float]], level: float, case: Case) -> Row:
    """Return the mean length with its standard error, and how many alarm within what was asked."""
    most = limit(case)
    mean, error_of_mean = mean_length(series, level)
    numbers = np.array([first(each, level, most) for each in series])
    return {
        "mean": mean,
        "error": error_of_mean,
        "median": float(np.median(numbers)),
        "within": float((numbers <= case.every).mean()),
        "never": float((numbers > most).mean()),
        "level": level,
    }


def error(values: np.ndarray) -> float:
    """Return the standard error of a mean."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def independence_of(series: list[list[float]], steps: int) -> Row:
    """Return how p-values of one stream hang together.

    Lag correlations, and the variance over streams of the count of p <= .05 over that of as many
    independent ones.
    """
    p = np.array(series)
    chance = int(LEVEL * steps) / steps
    counts = (p <= LEVEL + 1e-12).sum(axis=1)
    ratio = counts.var(ddof=1) / (p.shape[1] * chance * (1 - chance))
    lags = {
        f"lag_{k}": float(np.corrcoef(p[:, :-k].ravel(), p[:, k:].ravel())[0, 1]) for k in (1, 2, 3)
    }
    return {
        **lags,
        "lag_error": 1 / np.sqrt(p[:, 1:].size),
        "rate": float((p <= LEVEL + 1e-12).mean()),
        "count_ratio": float(ratio),
    }


def effect_of(series: list[list[float]]) -> Row:
    """Return the mean number of alarms, and the share of streams that have any."""
    alarms = np.array([each[0] for each in series])
    return {
        "mean": float(alarms.mean()),
        "error": error(alarms),
        "rate": float((alarms > 0).mean()),
    }


def delays_of(series: list[list[float]], level: float) -> Row:
    """Return the delay that half and nine tenths of the streams do not exceed."""
    delays = np.array([first(each, level, AFTER) for each in series], dtype=float)
    delays[delays > AFTER] = np.inf
    median, ninety = np.quantile(delays, [0.5, 0.9], method="higher")
    shown = {name: int(x) if np.isfinite(x) else f"over {AFTER}"
             for name, x in (("median", median), ("ninety", ninety))}  # fmt: skip
    return {**shown, "never": float(np.isinf(delays).mean()), "level": level}


# --- the study -----------------------------------------------------------------------------------


def cases(quick: bool) -> list[Case]:
    """Return the whole study."""

    def wanted(full: int) -> int:
        return 4 if quick else full

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
        Case("independence", Stream("gaussian", 64, 256, 600), "monitor", wanted(500)),
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


class Store:
    """What streams gave, one file a case."""

    def __init__(self, folder: Path, commit: str, anew: bool) -> None:
        self._folder, self._commit, self._anew = folder, commit, anew
        self._held: dict[str, dict[str, Found]] = defaultdict(dict)

    def load(self, case: Case) -> None:
        """Read a case, if its file is of this commit and these settings."""
        path = self._path(case)
        if self._anew or not path.exists():
            return
        stored = json.loads(path.read_text())
        if stored["about"] != self._about(case):
            return
        for part in stored["chunks"]:
            chunk = Chunk(case, part["start"], part["stop"])
            self._held[case.name][key(chunk)] = Found(chunk, part["series"], part["seconds"])

    def has(self, chunk: Chunk) -> bool:
        """Tell whether a chunk is done."""
        return key(chunk) in self._held[chunk.case.name]

    def add(self, found: Found) -> None:
        """Keep a chunk."""
        case = found.chunk.case
        held = self._held[case.name]
        held[key(found.chunk)] = found
        chunks = [
            {"start": f.chunk.start, "stop": f.chunk.stop, "series": f.series,
             "seconds": round(f.seconds, 2)} for f in held.values()
        ]  # fmt: skip
        path = self._path(case)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".json.part")
        part.write_text(json.dumps({"about": self._about(case), "chunks": chunks}))
        part.replace(path)

    def series(self, case: Case) -> tuple[list[list[float]], float]:
        """Return all series of a case in the order of its streams, and the seconds they took."""
        parts = sorted(self._held[case.name].values(), key=lambda found: found.chunk.start)
        return [each for part in parts for each in part.series], sum(p.seconds for p in parts)

    def _path(self, case: Case) -> Path:
        return self._folder / f"{case.name.replace('/', '_')}.json"

    def _about(self, case: Case) -> list[str]:
        return [self._commit, case.settings]


def key(chunk: Chunk) -> str:
    """Return what tells a chunk from others of its case."""
    return f"{chunk.start}-{chunk.stop}"


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
        versions = [(method, level) for method, level in levels(case, every_case, store)]
        for method, level in versions:
            shown = dataclasses.replace(case, method=method)
            if series:
                rows.append({**row_of(shown, series, level, seconds), **made_by(commit)})
            elif shown.name in old:
                rows.append(old[shown.name])
    return rows


def levels(case: Case, every_case: list[Case], store: Store) -> list[tuple[Method, float]]:
    """Return the levels at which a case is looked at, and how the rows are called."""
    if case.method == "monitor" or case.part not in ("length", "delay"):
        return [(case.method, STOPS["monitor"])]
    quiet = next(c for c in every_case if (c.part, c.method) == ("length", case.method))
    series, _ = store.series(quiet)
    found: list[tuple[Method, float]] = []
    if series:
        found.append((case.method, level_for(series, case.every)))
    if case.method == "columns":
        found.append(("columns-0.1", 0.1))
    return found


def name_of(row: Row) -> str:
    """Return the name of a row of a file."""
    return "/".join([row["part"], row["problem"], row["method"]])


def main(arguments: list[str] | None = None) -> int:
    """Watch the streams of the chosen cases, and write the table."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.evidence.drift", description="Measure the monitor."
    )
    add = parser.add_argument
    add("rows", nargs="*", metavar="ROW", help="parts, or 'delay/*/monitor-64'; else all")
    add("--quick", action="store_true", help="a few streams only")
    add("--out", type=Path, help="default benchmarks/evidence/results, or build/evidence-quick")
    add("--jobs", type=int, default=1, metavar="N", help="processes; default 1")
    add(
        "--minutes", type=float, default=float("inf"), help="stop after so many; go on another time"
    )
    add("--anew", action="store_true", help="measure also what is known already")
    options = parser.parse_args(arguments)
    quick = "-quick" * options.quick
    out = options.out or ROOT / (
        f"build/evidence{quick}" if quick else "benchmarks/evidence/results"
    )
    commit = results.commit()
    store = Store(ROOT / f"build/evidence-drift{quick}", commit, options.anew)
    every_case = cases(options.quick)
    for case in every_case:
        store.load(case)
    patterns = options.rows or ["*"]
    chosen = [
        c for c in every_case if any(fnmatch(n, p) for n in (c.part, c.name) for p in patterns)
    ]
    todo = [chunk for chunk in cut(chosen) if not store.has(chunk)]
    path = out / f"{NAME}.csv"
    old = {name_of(row): row for row in results.load(path)}
    print(f"commit {commit}; {len(todo)} chunks to do")
    begin, written = time.perf_counter(), 0.0

    def write() -> None:
        results.save(path, table(every_case, store, old, commit), list(COLUMNS))

    for found in finished(watched, todo, options.jobs):
        store.add(found)
        minutes = (time.perf_counter() - begin) / 60
        chunk = found.chunk
        print(
            f"{minutes:6.1f} min  {chunk.case.name} {chunk.stop}: {found.seconds:.1f} s", flush=True
        )
        if minutes > written + EACH:
            write()
            written = minutes
        if minutes > options.minutes:
            break
    write()
    print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
