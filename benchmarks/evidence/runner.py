"""Run tasks in processes, a few repetitions at a time, and tell how long it will take.

A repetition's seeds come from its name, so nothing depends on the order or the number of
processes. Each process has one thread.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.evidence import (
    clustered,
    columns,
    defaults,
    equivalence,
    landmarks,
    level,
    metrics,
    paired,
    power,
    reference,
    regions,
    relabelings,
    small,
    stratified,
)
from benchmarks.evidence.tasks import Found, Study, Task, seed_of

FILES: tuple[Study, ...] = (
    level, power, small, paired, clustered, stratified, relabelings, defaults, equivalence,
    reference, landmarks, metrics, columns, regions,
)  # fmt: skip
STUDIES = {study.NAME: study for study in FILES}
Work = TypeVar("Work")
Done = TypeVar("Done")
CHUNKS = 20  # of a task
ONE_THREAD = dict.fromkeys(["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"], "1")


@dataclass
class Chunk:
    """Some repetitions of a task, and what they gave."""

    task: Task
    start: int
    stop: int
    pvalues: Found = field(default_factory=dict)
    seconds: float = 0.0


def repeat(chunk: Chunk) -> Chunk:
    """Do the repetitions of a chunk."""
    task = chunk.task
    begin = time.perf_counter()
    rows = [one(task, repetition) for repetition in range(chunk.start, chunk.stop)]
    pvalues = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return Chunk(task, chunk.start, chunk.stop, pvalues, time.perf_counter() - begin)


def one(task: Task, repetition: int) -> dict[str, float]:
    """Draw samples and test them by every method, all with the same relabelings if they can."""
    data = np.random.default_rng(seed_of(task, "data", repetition))
    X, Y = task.problem(task.n, task.m, data)
    return STUDIES[task.study].pvalues(task, X, Y, seed_of(task, "test", repetition))


def run(tasks: list[Task], jobs: int, done: Callable[[Task, Found, float], None]) -> None:
    """Do all tasks; `done` gets each with its p-values and seconds as soon as it is finished."""
    clock = Clock(tasks, jobs)
    parts: dict[Task, list[Chunk]] = defaultdict(list)
    for chunk in finished(repeat, [chunk for task in tasks for chunk in cut(task)], jobs):
        clock.add(chunk)
        parts[chunk.task].append(chunk)
        if sum(part.stop - part.start for part in parts[chunk.task]) == chunk.task.repetitions:
            whole = sorted(parts.pop(chunk.task), key=lambda part: part.start)
            done(chunk.task, joined(whole), sum(part.seconds for part in whole))
            print(f"  {clock.line()}", flush=True)


def cut(task: Task) -> Iterator[Chunk]:
    """Cut the repetitions of a task."""
    size = -(-task.repetitions // CHUNKS)
    for start in range(0, task.repetitions, size):
        yield Chunk(task, start, min(start + size, task.repetitions))


def joined(parts: list[Chunk]) -> Found:
    """Return the p-values of all repetitions, and what else a study tells of each."""
    return {
        name: np.concatenate([part.pvalues[name] for part in parts]) for name in parts[0].pvalues
    }


def finished(do: Callable[[Work], Done], parts: list[Work], jobs: int) -> Iterable[Done]:
    """Yield what parts of the work gave as they are done: here for one job, else in processes."""
    if jobs == 1:
        with threadpool_limits(1):
            yield from map(do, parts)
        return
    os.environ |= ONE_THREAD  # for the processes: BLAS reads it when it is loaded
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        futures: list[Future[Done]] = [pool.submit(do, part) for part in parts]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:  # of an error, or of an interruption
            pool.shutdown(wait=False, cancel_futures=True)


class Clock:
    """Tell the time left, from the seconds that a repetition of each study has taken so far.

    For a study that has not begun, from its `SECONDS`, roughly those of one core, times how much
    longer the others took than theirs.
    """

    def __init__(self, tasks: list[Task], jobs: int) -> None:
        self._left: dict[str, int] = defaultdict(int)
        for task in tasks:
            self._left[task.study] += task.repetitions
        self._done: dict[str, int] = defaultdict(int)
        self._seconds: dict[str, float] = defaultdict(float)
        self._jobs = jobs

    def add(self, chunk: Chunk) -> None:
        """Count a chunk."""
        study, count = chunk.task.study, chunk.stop - chunk.start
        self._left[study] -= count
        self._done[study] += count
        self._seconds[study] += chunk.seconds

    def line(self) -> str:
        """Return what is left of all studies."""
        left = sum(count * self._of_one(study) for study, count in self._left.items())
        return f"about {left / self._jobs / 60:.1f} min left"

    def _of_one(self, study: str) -> float:
        """Return the seconds of a repetition."""
        if self._done[study]:
            return self._seconds[study] / self._done[study]
        expected = sum(count * STUDIES[name].SECONDS for name, count in self._done.items())
        return STUDIES[study].SECONDS * sum(self._seconds.values()) / expected
