"""Where work runs: our own threads, which share out tasks while BLAS keeps to one thread."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Workers:
    """Who does the work, and whether it shows: threads, and a bar on a terminal."""

    n_jobs: int = 1
    progress: bool = False


def in_order(
    function: Callable[[Task], Result], tasks: Iterable[Task], n_jobs: int
) -> Iterator[Result]:
    """Yield `function(task)` for each task, in their order, computed by `n_jobs` threads.

    Tasks are drawn as they are needed, so an endless supply takes bounded memory.
    """
    if n_jobs == 1:
        yield from map(function, tasks)
        return
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(n_jobs, initializer=one_blas_thread.limit_own) as pool:
        try:
            for task in tasks:
                pending.append(pool.submit(function, task))
                if len(pending) > 4 * n_jobs:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


class _OneBlasThread:
    """Holds NumPy's BLAS to one thread while any caller is inside: our threads share out the work.

    The limit belongs to the process, so calls that overlap in several threads are counted: the
    first sets it, the last takes it back. threadpoolctl lets only one thread of the process set
    it and passes over the others in silence; whichever thread comes first or last here takes that
    part over, and leaves it to nobody.
    """

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._controller: Any = None
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._set()
            self._inside += 1  # last: an interrupt before it leaves nobody inside

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._take_back()

    def limit_own(self) -> None:
        """Set the limit for a new thread, where BLAS counts the threads of each thread."""
        if self._inside:
            for library in self._controller.lib_controllers:
                if library.user_api == "blas" and _counts_by_thread(library):
                    library.set_num_threads(1)

    def _set(self) -> None:
        if self._controller is None:
            from threadpoolctl import ThreadpoolController

            self._controller = ThreadpoolController()
        if self._limit is not None:  # an interrupt kept the last caller from taking it back
            self._take_back()
        self._free()
        self._limit = self._controller.limit(limits=1, user_api="blas")

    def _take_back(self) -> None:
        self._free()
        self._limit.restore_original_limits()
        self._limit = None
        self._free()

    def _free(self) -> None:
        """Let any thread set limits, the next one to do so."""
        for library in self._controller.lib_controllers:
            if hasattr(library, "clear_controlling_thread"):  # since threadpoolctl 3.8
                library.clear_controlling_thread(force=True)


def _counts_by_thread(library: Any) -> bool:
    return getattr(library, "threading_layer", None) == "openmp"


one_blas_thread = _OneBlasThread()


@contextmanager
def computing() -> Iterator[None]:
    """Compute with BLAS held to one thread and NumPy's usual error state, whatever the caller's."""
    with one_blas_thread, np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
        yield


def with_progress(
    results: Iterator[Result], total: int, progress: bool, what: str = "kernel sums"
) -> Iterable[Result]:
    """Return the results; while they are drawn, a bar on a terminal."""
    if not progress:
        return results
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    if not console.is_terminal:
        return results  # a disabled bar of an older rich prints a line end
    return track(results, what, total=total, console=console, transient=True)
