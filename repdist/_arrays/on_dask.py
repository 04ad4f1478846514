"""The only file that knows Dask: rows that lie in blocks on the workers of a cluster.

Arrays stay lazy; what comes back to this process is one small result a block. Work runs on the
active client's cluster, or on Dask's default scheduler if there is none. Dask itself computes
again what a lost worker held; what it gives up on becomes one clear error.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Lazy: TypeAlias = Any  # a dask array
Task: TypeAlias = Any  # a dask delayed object

_NUMBERS = itertools.count()
_LOOK = 5.0  # seconds between looks at whether any worker is left
_MOST_LOOKS = 12  # without any, before the work is given up


def is_lazy(value: Any) -> bool:
    """Tell whether this is a dask array."""
    return type(value).__module__.startswith("dask.array")


def has_known_chunks(array: Lazy) -> bool:
    """Tell whether the array knows how many rows its blocks have."""
    return not any(np.isnan(length) for length in array.shape)


def declared(array: Lazy) -> Any:
    """Return an empty array of the kind that the blocks should have."""
    return array._meta  # noqa: SLF001 (Dask has no other name for it)


def as_declared(name: str, array: Lazy, dtype: npt.DTypeLike) -> Lazy:
    """Return the array in a floating dtype; a block is refused if it is not as the meta says."""
    meta = declared(array).astype(dtype)
    return array.map_blocks(_as_declared, name, array.dtype, meta.dtype, dtype=dtype, meta=meta)


def _as_declared(
    block: Any,
    name: str,
    declared: np.dtype[Any],
    dtype: np.dtype[Any],
    block_info: Any = None,
) -> npt.NDArray[Any]:
    shape = tuple(block_info[None]["chunk-shape"])
    kind, got = type(block), getattr(block, "dtype", None)
    if isinstance(block, np.ma.MaskedArray) or getattr(got, "kind", "") not in tuple("biuf"):
        raise TypeError(_requirement(name, declared, shape, f"a {kind.__name__} of {got}"))
    if block.shape != shape:
        raise ValueError(_requirement(name, declared, shape, f"{got} of shape {block.shape}"))
    return np.asarray(block, dtype)


def _requirement(name: str, declared: np.dtype[Any], shape: tuple[int, ...], got: str) -> str:
    return (
        f"`{name}` must have blocks as its meta says: {declared} of shape {shape}; got {got}. "
        "Give `map_blocks` a function that returns them."
    )


def held(array: Lazy, rows: int) -> Lazy:
    """Return the array in blocks of that many rows, computed once and kept on the workers."""
    blocks = array.rechunk({0: rows, 1: -1})
    client = _client()
    if client is not None:
        return client.persist(blocks)
    return blocks.persist()


def stacked(arrays: Sequence[Lazy], orders: Sequence[npt.NDArray[np.intp]] | None) -> Lazy:
    """Return the rows of all arrays, each array's in its order."""
    import dask.array

    Z = dask.array.concatenate(list(arrays))
    if orders is None:
        return Z
    starts = np.concatenate([[0], np.cumsum([len(array) for array in arrays])[:-1]])
    return Z[np.concatenate([o + s for o, s in zip(orders, starts, strict=True)])]


def values(array: Lazy) -> npt.NDArray[Any]:
    """Return the array's values in the memory of this process."""
    (result,) = results([array])
    return np.asarray(result)


def over_chunks(function: Callable[..., Any], array: Lazy, rows: int, *arguments: Any) -> list[Any]:
    """Return `function(block, *arguments)` for each block of so many rows, in their order."""
    blocks = array.rechunk({0: rows, 1: -1}).to_delayed().ravel()
    return list(results([task(function, block, *arguments) for block in blocks]))


def over_columns(function: Callable[..., Any], array: Lazy, columns: int) -> list[Any]:
    """Return `function(block)` for each block of so many whole columns, in their order."""
    blocks = array.rechunk({0: -1, 1: columns}).to_delayed().ravel()
    return list(results([task(function, block) for block in blocks]))


def row_blocks(array: Lazy, lengths: Sequence[int]) -> list[Task]:
    """Return the blocks of rows of these lengths as arguments for tasks."""
    return list(array.rechunk((tuple(lengths), array.shape[1:])).to_delayed().ravel())


def constant(value: Any) -> Task:
    """Return a value as an argument for many tasks, sent to the cluster once."""
    from dask import delayed

    return delayed(value, traverse=False, pure=False)


def task(function: Callable[..., Any], *arguments: Any) -> Task:
    """Return the call as a task, to be run by `results` or to be an argument of another task.

    Tasks that are made first run first, so that results come in the order in which they are
    waited for.
    """
    from dask import annotate, delayed

    with annotate(priority=-next(_NUMBERS)):
        return delayed(function, traverse=False, pure=False)(*arguments)


def results(tasks: Iterable[Any]) -> Iterator[Any]:
    """Compute tasks or arrays together and yield their results in order.

    Raises
    ------
    RuntimeError
        If the cluster cannot finish. What it still works on is cancelled then, as it is when the
        caller stops early.
    """
    tasks = list(tasks)
    client = _client()
    if client is None:
        import dask

        yield from dask.compute(*tasks)
        return
    futures = deque(client.compute(tasks))
    try:
        while futures:
            result = _result(client, futures[0])
            futures.popleft().release()  # a cycle would keep it on the cluster for a while
            yield result
            del result
    finally:
        if futures and client.status == "running":
            client.cancel(list(futures))


def _client() -> Any:
    """Return the client whose cluster computes, or None for a scheduler in this process."""
    from dask.base import get_scheduler

    owner = getattr(get_scheduler(), "__self__", None)
    return owner if hasattr(owner, "scheduler_info") else None


def _result(client: Any, future: Any) -> Any:
    """Wait for a result for as long as there are workers that could bring it."""
    from distributed import CancelledError
    from distributed.scheduler import KilledWorker, NoValidWorkerError

    looks = 0
    while True:
        try:
            return future.result(timeout=_LOOK)
        except TimeoutError:
            if future.status == "error":  # the task's own
                raise
        except (KilledWorker, NoValidWorkerError) as error:
            raise RuntimeError(
                f"The Dask cluster could not finish the work: {error} Give the workers more "
                "memory or look into their logs; there is no partial result."
            ) from error
        except (CancelledError, OSError) as error:
            if future.status == "error":
                raise
            raise RuntimeError(
                f"The Dask cluster lost work that it cannot compute again: {error}. Keep the "
                "scheduler alive, and load data by tasks, not with `client.scatter`; there is no "
                "partial result."
            ) from error
        looks = 0 if _has_workers(client) else looks + 1
        if looks >= _MOST_LOOKS:
            raise RuntimeError(
                f"The Dask cluster must have workers; it had none for {_LOOK * _MOST_LOOKS:g} "
                "seconds. Start workers and call again; there is no partial result."
            )


def _has_workers(client: Any) -> bool:
    try:
        return bool(client.nthreads())
    except (OSError, TimeoutError):
        return False
