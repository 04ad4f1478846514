"""Operations on rows wherever they lie: in memory, in a file, on a device, on a cluster.

What reads all rows does so in `over_chunks`, where they lie.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist._arrays import on_dask
from repdist._arrays.libraries import constant, detach, is_torch, namespace, on_cpu, wide
from repdist._arrays.on_dask import is_lazy
from repdist._arrays.storage import ENTRIES, in_file, in_memory, release, temporary_file
from repdist._typing import Array, Float64

_PICKED = 256  # rows at a time that lie apart in a file: each may bring many pages into memory
CHUNK = 4096  # rows read at a time, unless they are wide
_CENTRE_ROWS = 1000


def to_numpy(array: Array) -> npt.NDArray[Any]:
    """Return a NumPy array with the same values and dtype."""
    if on_dask.is_lazy(array):
        return on_dask.values(array)
    return array.detach().cpu().numpy() if is_torch(array) else np.asarray(array)


def held(array: Array) -> Array:
    """Return what is computed lazily as blocks that are computed once; others as they are."""
    return on_dask.held(array, CHUNK) if is_lazy(array) else array


def concatenate(
    arrays: Sequence[Array], orders: Sequence[npt.NDArray[np.intp]] | None = None
) -> Array:
    """Stack arrays of one library by rows, each in its order.

    If one of them lies in a file, the result lies in a temporary file, and files are read from
    their beginning to their end, block by block. Dask arrays stay on the workers.
    """
    if is_lazy(arrays[0]):
        Z = on_dask.stacked(arrays, orders)
        return Z if orders is None else held(Z)
    if not any(in_file(array) for array in arrays):
        if orders is not None:
            arrays = [take_rows(a, o) for a, o in zip(arrays, orders, strict=True)]
        Z = namespace(arrays[0]).concatenate(list(arrays))
        return Z if is_torch(Z) else np.ascontiguousarray(Z)  # else sums would add in another order
    out = temporary_file((sum(map(len, arrays)), *arrays[0].shape[1:]), arrays[0].dtype)
    first = 0
    for g, array in enumerate(arrays):
        place = np.arange(first, first + len(array))
        if orders is not None:
            place[orders[g]] = place.copy()
        step = chunk_rows(array)
        for start in range(0, len(array), step):
            out[place[start : start + step]] = array[start : start + step]
        first += len(array)
    return out


def take_rows(array: Array, index: npt.NDArray[np.intp] | None) -> Array:
    """Return the rows at `index`, in that order; all of them if it is None."""
    if index is None:
        return array
    if is_torch(array):
        return array[namespace(array).as_tensor(index, device=array.device)]
    if not in_file(array):
        return array[index]
    out = temporary_file((len(index), *array.shape[1:]), array.dtype)
    step = min(_PICKED, chunk_rows(array))
    for start in range(0, len(index), step):
        out[start : start + step] = array[index[start : start + step]]
        release(array)
    return out


def held_here(array: Array) -> Array:
    """Return rows in the memory of this process (or on their device), wherever they lay."""
    return on_dask.values(array) if is_lazy(array) else in_memory(array)


def cast(array: Array, dtype: Any) -> Array:
    """Return the array in another dtype; one that lies in a file goes into a temporary file."""
    if is_torch(array):
        return array.to(dtype)
    if not in_file(array):
        return array.astype(dtype)
    out = temporary_file(array.shape, dtype)
    start = 0
    for block in chunks(array, chunk_rows(array)):
        out[start : start + len(block)] = block
        start += len(block)
    return out


def over_chunks(function: Callable[..., Any], array: Array, *arguments: Any) -> list[Any]:
    """Return `function(block, *arguments)` for blocks of rows, in order, where the rows lie.

    Blocks have `CHUNK` rows however wide these are, for they decide in which order sums are added.
    """
    array = detach(array)
    if is_lazy(array):
        return on_dask.over_chunks(function, array, CHUNK, *arguments)
    return [function(block, *arguments) for block in chunks(array, CHUNK)]


def over_rows(function: Callable[..., Any], array: Array, *arguments: Any) -> list[Any]:
    """Do what `over_chunks` does, in blocks of `chunk_rows`, for what adds no rows together."""
    array = detach(array)
    if is_lazy(array):
        return on_dask.over_chunks(function, array, chunk_rows(array), *arguments)
    return [function(block, *arguments) for block in chunks(array, chunk_rows(array))]


def chunk_rows(array: Array) -> int:
    """Return how many rows are copied at a time: fewer if they are wide."""
    if array.ndim < 2 or is_torch(array) or is_lazy(array):
        return CHUNK
    return max(1, min(CHUNK, ENTRIES // int(math.prod(array.shape[1:]))))


def chunks(array: Array, rows: int) -> Iterator[Array]:
    """Yield the rows in blocks of so many."""
    for start in range(0, len(array), rows):
        block = array[start : start + rows]
        yield block
        release(block)


def column_parts(block: Array) -> list[slice]:
    """Return parts of the columns that are copied at a time; never one column of several.

    A single column would be summed in another order.
    """
    d = block.shape[1]
    count = 1 if is_torch(block) else max(1, d // max(2, ENTRIES // len(block)))
    return [slice(d * i // count, d * (i + 1) // count) for i in range(count)]


def centre_row(Z: Array) -> Array:
    """Return a row (d,) in the middle of the others, in float64; a constant for autograd.

    The median of at most 1,000 evenly spaced rows: a few rows far away do not move it, so that
    rounding stays relative to the bulk of the data.
    """
    Z = detach(Z)
    rows = to_numpy(Z[:: -(-len(Z) // _CENTRE_ROWS)])
    parts = [column_medians(rows[:, part].astype(np.float64)) for part in column_parts(rows)]
    return constant(np.concatenate(parts), Z)


def column_medians(rows: Float64) -> Float64:
    """Return the median of each column, (d,); several times as fast as `np.median` for few rows."""
    ordered = np.sort(np.ascontiguousarray(rows.T), axis=1)
    n = len(rows)
    return np.asarray((ordered[:, (n - 1) // 2] + ordered[:, n // 2]) / 2)


def shifted_and_scaled(Z: Array, centre: Array, scale: float) -> Array:
    """Return `(Z - centre) * scale`, computed in float64 and rounded once to Z's dtype."""
    if is_torch(Z):
        moved = cast(Z, wide(Z))
        return cast((moved - centre) * scale, Z.dtype)
    out = np.empty(Z.shape, dtype=Z.dtype)
    step = chunk_rows(Z)
    for start in range(0, len(Z), step):
        block = np.array(Z[start : start + step], dtype=np.float64)
        block -= centre
        block *= scale
        out[start : start + step] = block
    return out


def wide_block(block: Array) -> Array:
    """Return a few rows in wide precision, in memory."""
    return cast(block if is_torch(block) else np.asarray(block), wide(block))


def median_row(Z: Array) -> Array:
    """Return the lower median of each column, (d,), in float64: it depends on no order of rows."""
    Z = detach(Z)
    if is_torch(Z):
        return cast(_median_of_tensor(Z), wide(Z))
    step = max(1, ENTRIES // len(Z))  # columns at a time: the quantile copies them
    if is_lazy(Z):
        return np.concatenate(on_dask.over_columns(_lower_medians, Z, step))
    columns = (Z[:, start : start + step] for start in range(0, Z.shape[1], step))
    return np.concatenate([_lower_medians(c) for c in columns])


def _median_of_tensor(Z: Array) -> Array:
    """Return the lower median of each column; sorted where torch lets a GPU do nothing else."""
    if on_cpu(Z) or not namespace(Z).are_deterministic_algorithms_enabled():
        return Z.median(0).values
    step = max(1, ENTRIES // len(Z))  # columns at a time: sorting copies them, with their places
    parts = [
        Z[:, i : i + step].sort(0).values[(len(Z) - 1) // 2] for i in range(0, Z.shape[1], step)
    ]
    return namespace(Z).concatenate(parts)


def _lower_medians(columns: npt.NDArray[Any]) -> Float64:
    return np.asarray(np.quantile(columns, 0.5, axis=0, method="lower"), dtype=np.float64)


def project(Z: Array, centre: Array, w: Float64) -> Float64:
    """Return `(Z - centre) @ w` (N,) in float64; equal rows give equal values to the bit."""
    return np.concatenate(over_rows(_projected, Z, centre, constant(w, Z)))


def _projected(block: Array, centre: Array, weights: Array) -> Float64:
    projected = ((wide_block(block) - centre) * weights).sum(1)
    return np.asarray(to_numpy(projected), dtype=np.float64)


def largest_after_shift(Z: Array, centre: Array) -> float:
    """Return the largest absolute value of `Z - centre`, rounded to Z's dtype."""
    return float(max(over_rows(_largest_shifted, Z, centre)))


def _largest_shifted(block: Array, centre: Array) -> float:
    return float(namespace(block).absolute(shifted_and_scaled(block, centre, 1.0)).max())


def first_row(array: Array) -> Array:
    """Return the first row (1, d), in memory."""
    row = detach(array[:1])
    return on_dask.values(row) if on_dask.is_lazy(row) else row


def largest_step(block: Array, row: Array) -> float:
    """Return the largest difference of any value from that of a row."""
    return float(namespace(block).absolute(block - row).max())
