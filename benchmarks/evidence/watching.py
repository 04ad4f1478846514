"""One stream of the study `drift`, and what it gives: a series of scores, p-values or counts."""

import dataclasses
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks.evidence.online import OnlineLSDD, OnlineMMD
from benchmarks.evidence.streams import Change, Stream
from benchmarks.evidence.watchers import Columns, Looks, Monitored, Watcher, Weekly

CUT = 12  # times the length that is asked for, at which a stream ends without alarm
WEEKS = 60  # of a stream whose p-values are looked at
AFTER = 60  # batches after a change, at most
QUIET = 10  # batches before it
EFFECT = 20  # batches whose alarms are counted
RESAMPLES = 511
ONE = Looks("median", RESAMPLES)
STILL = Change()

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
