"""The only file that knows array libraries: NumPy and torch, read by the names they share.

`Array` stands for either. A function here takes whichever it is given and answers in kind;
none imports torch unless a torch tensor has come in. Dask arrays are NumPy arrays whose blocks lie
elsewhere: what reads all rows does so in `over_blocks`, wherever they are.
"""

import errno
import itertools
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, TypeAlias

import array_api_compat
import numpy as np
import numpy.typing as npt

from repdist import _dask

Array: TypeAlias = Any
Float64: TypeAlias = npt.NDArray[np.float64]

BLOCK = 4096  # rows read at a time, unless they are wide
_CENTRE_ROWS = 1000
ENTRIES = 2**22  # of what is copied at a time, where rows may be wide


# --- conversions ---------------------------------------------------------------------------------


def namespace(array: Array) -> Any:
    """Return the module that holds the functions of this array: numpy or torch."""
    if array_api_compat.is_torch_array(array):
        import torch

        return torch
    return np


def on_cpu(array: Array) -> bool:
    """Tell whether the array lies in the memory of the CPU."""
    return not is_torch(array) or array.device.type == "cpu"


def is_torch(array: Array) -> bool:
    """Tell whether this is a torch tensor."""
    return bool(array_api_compat.is_torch_array(array))


def needs_gradient(array: Array) -> bool:
    """Tell whether a result computed from this array must stay differentiable."""
    if not is_torch(array):
        return False
    import torch

    return bool(array.requires_grad) and torch.is_grad_enabled()


def detach(array: Array) -> Array:
    """Return the array outside any autograd graph."""
    return array.detach() if is_torch(array) else array


def to_numpy(array: Array) -> npt.NDArray[Any]:
    """Return a NumPy array with the same values and dtype."""
    if _dask.is_lazy(array):
        return _dask.values(array)
    return array.detach().cpu().numpy() if is_torch(array) else np.asarray(array)


def item_size(array: Array) -> int:
    """Return the bytes of one value."""
    return int(array.element_size() if is_torch(array) else array.itemsize)


def machine_epsilon(array: Array) -> float:
    """Return the spacing of the array's dtype at 1."""
    return float(namespace(array).finfo(array.dtype).eps)


def concatenate(
    arrays: Sequence[Array], orders: Sequence[npt.NDArray[np.intp]] | None = None
) -> Array:
    """Stack arrays of one library by rows, each in its order.

    If one of them lies in a file, the result lies in a temporary file, and files are read from
    their beginning to their end, block by block. Dask arrays stay on the workers.
    """
    if is_lazy(arrays[0]):
        Z = _dask.stacked(arrays, orders)
        return Z if orders is None else held(Z)
    if not any(in_file(array) for array in arrays):
        if orders is not None:
            arrays = [take_rows(a, o) for a, o in zip(arrays, orders, strict=True)]
        Z = namespace(arrays[0]).concatenate(list(arrays))
        return Z if is_torch(Z) else np.ascontiguousarray(Z)  # else sums would add in another order
    out = _temporary_file((sum(map(len, arrays)), *arrays[0].shape[1:]), arrays[0].dtype)
    first = 0
    for g, array in enumerate(arrays):
        place = np.arange(first, first + len(array))
        if orders is not None:
            place[orders[g]] = place.copy()
        step = block_rows(array)
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
    out = _temporary_file((len(index), *array.shape[1:]), array.dtype)
    step = block_rows(array)
    for start in range(0, len(index), step):
        out[start : start + step] = array[index[start : start + step]]
    return out


def cast(array: Array, dtype: Any) -> Array:
    """Return the array in another dtype; one that lies in a file goes into a temporary file."""
    if is_torch(array):
        return array.to(dtype)
    if not in_file(array):
        return array.astype(dtype)
    out = _temporary_file(array.shape, dtype)
    start = 0
    for block in blocks(array, block_rows(array)):
        out[start : start + len(block)] = block
        start += len(block)
    return out


def over_blocks(function: Callable[..., Any], array: Array, *arguments: Any) -> list[Any]:
    """Return `function(block, *arguments)` for blocks of rows, in order, where the rows lie.

    Blocks have `BLOCK` rows however wide these are, for they decide in which order sums are added.
    """
    array = detach(array)
    if is_lazy(array):
        return _dask.over_blocks(function, array, BLOCK, *arguments)
    return [function(block, *arguments) for block in blocks(array, BLOCK)]


def over_rows(function: Callable[..., Any], array: Array, *arguments: Any) -> list[Any]:
    """Do what `over_blocks` does, in blocks of `block_rows`, for what adds no rows together."""
    array = detach(array)
    if is_lazy(array):
        return _dask.over_blocks(function, array, block_rows(array), *arguments)
    return [function(block, *arguments) for block in blocks(array, block_rows(array))]


def block_rows(array: Array) -> int:
    """Return how many rows are copied at a time: fewer if they are wide."""
    if array.ndim < 2 or is_torch(array) or is_lazy(array):
        return BLOCK
    return max(1, min(BLOCK, ENTRIES // int(math.prod(array.shape[1:]))))


def blocks(array: Array, rows: int) -> Iterator[Array]:
    """Yield the rows in blocks of so many."""
    return (array[start : start + rows] for start in range(0, len(array), rows))


def column_parts(block: Array) -> list[slice]:
    """Return parts of the columns that are copied at a time; never one column of several.

    A single column would be summed in another order.
    """
    d = block.shape[1]
    count = 1 if is_torch(block) else max(1, d // max(2, ENTRIES // len(block)))
    return [slice(d * i // count, d * (i + 1) // count) for i in range(count)]


def in_file(array: Array) -> bool:
    """Tell whether the array lies in a file and is to be read block by block."""
    return isinstance(array, np.memmap)


def is_lazy(array: Array) -> bool:
    """Tell whether this is a dask array, whose rows lie in blocks on workers."""
    return _dask.is_lazy(array)


def held(array: Array) -> Array:
    """Return what is computed lazily as blocks that are computed once; others as they are."""
    return _dask.held(array, BLOCK) if is_lazy(array) else array


def in_memory(array: Array) -> Array:
    """Return the array itself, or what lies in a file as an array in memory."""
    return np.array(array) if in_file(array) else array


def is_stored(value: Any) -> bool:
    """Tell whether this is a zarr array, whose rows are decompressed as they are read."""
    return type(value).__module__.partition(".")[0] == "zarr" and hasattr(value, "chunks")


def from_store(value: Any) -> npt.NDArray[Any]:
    """Copy a stored array into a temporary file, in pieces of its own chunks."""
    out = _temporary_file(value.shape, value.dtype)
    steps = _piece(value)
    axes = zip(value.shape, steps, strict=True)
    for starts in itertools.product(*(range(0, n, step) for n, step in axes)):
        place = tuple(slice(a, a + step) for a, step in zip(starts, steps, strict=True))
        out[place] = value[place]
    return out


def _piece(value: Any) -> list[int]:
    """Return the shape of pieces that are made of whole chunks and as large as `ENTRIES` lets."""
    piece = [max(1, step) for step in value.chunks]
    for axis in reversed(range(value.ndim)):  # whole rows first
        most = -(-value.shape[axis] // piece[axis])
        piece[axis] *= min(most, max(1, ENTRIES // math.prod(piece)))
    return piece


def missing_chunks(value: Any) -> int:
    """Return how many chunks of a stored array its store does not have; 0 if it cannot tell.

    With shards, which hold several chunks each, the chunks of the missing shards.
    """
    shards = getattr(value, "shards", None) or value.chunks
    counts = (-(-n // step) for n, step in zip(value.shape, shards, strict=True))
    in_each = math.prod(shards) // math.prod(value.chunks)
    try:
        return int(math.prod(counts) * in_each - value.nchunks_initialized)
    except NotImplementedError:  # a store that does not list what it has
        return 0


def _temporary_file(shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
    """Return an array in a file without a name, which goes when the array does.

    Room is taken on the disk at once: what a full disk cannot store would kill the process later.
    """
    if 0 in shape:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile() as file:
        _take_room(file.fileno(), math.prod(shape) * np.dtype(dtype).itemsize)
        return np.memmap(file, dtype=dtype, mode="w+", shape=shape)


def _take_room(file: int, size: int) -> None:
    folder = tempfile.gettempdir()
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file, 0, size)
        elif shutil.disk_usage(folder).free < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.EOPNOTSUPP):  # a file system that cannot tell
            return
        raise OSError(
            f'The temporary folder must have room for {size:,} bytes; got "{error.strerror}" in '
            f"{folder}. Set TMPDIR to another folder."
        ) from error


def fresh(array: Array, dtype: Any) -> Array:
    """Return a contiguous copy in another dtype, which may be written to."""
    if is_torch(array):
        return array.to(dtype, copy=True).contiguous()
    return np.array(array, dtype=dtype, order="C")


def wide(array: Array) -> Any:
    """Return the dtype to accumulate in: float64, or float32 on a device that has no float64."""
    xp = namespace(array)
    return xp.float32 if is_torch(array) and array.device.type == "mps" else xp.float64


def constant(values: npt.ArrayLike, like: Array) -> Array:
    """Return `values` as an array of the library and device of `like`, in wide precision."""
    if not is_torch(like):
        return np.asarray(values, dtype=np.float64)
    return namespace(like).as_tensor(
        np.asarray(values, dtype=np.float64), dtype=wide(like), device=like.device
    )


def centre_row(Z: Array) -> Array:
    """Return a row (d,) in the middle of the others, in float64; a constant for autograd.

    The median of at most 1,000 evenly spaced rows: a few rows far away do not move it, so that
    rounding stays relative to the bulk of the data.
    """
    Z = detach(Z)
    rows = to_numpy(Z[:: -(-len(Z) // _CENTRE_ROWS)])
    parts = [np.median(rows[:, part].astype(np.float64), axis=0) for part in column_parts(rows)]
    return constant(np.concatenate(parts), Z)


def shifted_and_scaled(Z: Array, centre: Array | None, scale: float) -> Array:
    """Return `(Z - centre) * scale`, computed in float64 and rounded once to Z's dtype."""
    if is_torch(Z):
        moved = cast(Z, wide(Z))
        return cast((moved if centre is None else moved - centre) * scale, Z.dtype)
    out = np.empty(Z.shape, dtype=Z.dtype)
    step = block_rows(Z)
    for start in range(0, len(Z), step):
        block = np.array(Z[start : start + step], dtype=np.float64)
        if centre is not None:
            block -= centre
        block *= scale
        out[start : start + step] = block
    return out


def _wide_block(block: Array) -> Array:
    """Return a few rows in wide precision, in memory."""
    return cast(block if is_torch(block) else np.asarray(block), wide(block))


def median_row(Z: Array) -> Array:
    """Return the lower median of each column, (d,), in float64: it depends on no order of rows."""
    Z = detach(Z)
    if is_torch(Z):
        return cast(Z.median(0).values, wide(Z))
    step = max(1, ENTRIES // len(Z))  # columns at a time: the quantile copies them
    if is_lazy(Z):
        return np.concatenate(_dask.over_columns(_lower_medians, Z, step))
    columns = (Z[:, start : start + step] for start in range(0, Z.shape[1], step))
    return np.concatenate([_lower_medians(c) for c in columns])


def _lower_medians(columns: npt.NDArray[Any]) -> Float64:
    return np.asarray(np.quantile(columns, 0.5, axis=0, method="lower"), dtype=np.float64)


def project(Z: Array, centre: Array, w: Float64) -> Float64:
    """Return `(Z - centre) @ w` (N,) in float64; equal rows give equal values to the bit."""
    return np.concatenate(over_rows(_projected, Z, centre, constant(w, Z)))


def _projected(block: Array, centre: Array, weights: Array) -> Float64:
    projected = ((_wide_block(block) - centre) * weights).sum(1)
    return np.asarray(to_numpy(projected), dtype=np.float64)


def largest_after_shift(Z: Array, centre: Array) -> float:
    """Return the largest absolute value of `Z - centre`, rounded to Z's dtype."""
    return float(max(over_rows(_largest_shifted, Z, centre)))


def _largest_shifted(block: Array, centre: Array) -> float:
    return float(namespace(block).absolute(shifted_and_scaled(block, centre, 1.0)).max())


# --- tiles ---------------------------------------------------------------------------------------


class Workspace:
    """Buffers that one worker reuses from tile to tile, for tiles of at most edge x edge.

    `buffer(name, rows, columns)` is what functions are given as `out=`. Without `reuse` it is
    None, so that each step makes a new array, which autograd may keep.

    With `differences`, distances come from differences of rows, not from products.
    """

    def __init__(self, like: Array, edge: int, *, reuse: bool, differences: bool = False) -> None:
        self.reuse, self.differences = reuse, differences
        self._like, self._edge = like, edge
        self._kept: dict[Any, Array] = {}

    def buffer(self, name: str, rows: int, columns: int) -> Array | None:
        if not self.reuse:
            return None
        flat = self._keep(name, lambda: self._zeros(self._edge**2))
        return flat[: rows * columns].reshape(rows, columns)

    def stack(self, name: str, *shape: int) -> Array:
        """Return an array of this shape to write into, with anything in it."""
        size = math.prod(shape)
        flat = self._keep((name, size), lambda: self._zeros(size))
        return flat.reshape(shape)

    def zeros(self, rows: int, columns: int) -> Array:
        """Return zeros to compare with (a full array: NumPy is slow against a scalar)."""
        if self.reuse:
            return self.buffer("zeros", rows, columns)
        return self._zeros(rows * columns).reshape(rows, columns)

    def indicator(self, count: int, size: int) -> Array:
        """Return the (count * size, count) 0/1 matrix of `count` groups of `size` rows."""

        def make() -> Array:
            W = self._zeros(count * size * count).reshape(count, size, count)
            for group in range(count):
                W[group, :, group] = 1
            return W.reshape(count * size, count)

        return self._keep((count, size), make)

    def _keep(self, key: Any, make: Callable[[], Array]) -> Array:
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def _zeros(self, size: int) -> Array:
        xp = namespace(self._like)
        return xp.zeros(size, dtype=self._like.dtype, device=self._like.device)


def with_zero_diagonal(K: Array, *, in_place: bool) -> Array:
    """Return a square matrix with its diagonal set to 0."""
    n = len(K)
    if in_place:
        K.reshape(-1)[:: n + 1] = 0
        return K
    xp = namespace(K)
    return xp.where(xp.eye(n, dtype=xp.bool, device=K.device), xp.zeros_like(K), K)


def taken_diagonal(K: Array) -> Array:
    """Return a copy of the diagonal of a square matrix, which is set to 0."""
    diagonal = K.reshape(-1)[:: len(K) + 1]
    own = diagonal + 0
    diagonal[:] = 0
    return own


def put_diagonal(K: Array, own: Array) -> None:
    """Put the diagonal of a square matrix back."""
    K.reshape(-1)[:: len(K) + 1] = own


def is_symmetric(K: Array) -> bool:
    """Tell whether a square matrix equals its transpose to rounding."""
    xp = namespace(K)
    K = detach(K)
    asymmetry = xp.absolute(K - K.T).max()
    return not bool(asymmetry > 1e3 * machine_epsilon(K) * xp.absolute(K).max())  # NaN passes


def is_real_array(K: Any, like: Array) -> bool:
    """Tell whether K is a floating-point array of the library of `like`."""
    if is_torch(like) != is_torch(K):
        return False
    if is_torch(K):
        return bool(K.is_floating_point())
    return isinstance(K, np.ndarray) and K.dtype.kind == "f"


def square_root(D: Array, work: Workspace) -> Array:
    """Return the root of D >= 0, with gradient 0 (not infinity) where D is 0."""
    xp = namespace(D)
    if work.reuse:
        return xp.sqrt(D, out=D)
    positive = D > 0
    return xp.where(positive, xp.sqrt(xp.where(positive, D, xp.ones_like(D))), xp.zeros_like(D))


@contextmanager
def plain_arithmetic(like: Array) -> Iterator[None]:
    """Keep torch from recording a graph and from lowering precision, NumPy from warnings.

    What overflows is found in the sums.
    """
    recording = namespace(like).no_grad() if is_torch(like) else nullcontext()
    with recording, full_precision(like), np.errstate(over="ignore", invalid="ignore"):
        yield


def recomputed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` so that autograd keeps its inputs and computes it again going back."""
    from torch.utils.checkpoint import checkpoint

    return lambda *arguments: checkpoint(function, *arguments, use_reentrant=False)


@contextmanager
def full_precision(like: Array) -> Iterator[None]:
    """Keep torch from lowering the precision of products: no autocast, TF32 or bfloat16 inside.

    What the user has set for the process is put back.
    """
    if not is_torch(like):
        yield
        return
    import torch

    matmuls: list[Any] = [getattr(torch.backends, name).matmul for name in ("cuda", "mkldnn")]
    lowered = [(m, m.fp32_precision) for m in matmuls if m.fp32_precision in ("tf32", "bf16")]
    with torch.autocast(like.device.type, enabled=False):
        try:
            for matmul, _ in lowered:
                matmul.fp32_precision = "ieee"
            yield
        finally:
            for matmul, precision in lowered:
                matmul.fp32_precision = precision


# --- what a result should warn of ----------------------------------------------------------------


def first_row(array: Array) -> Array:
    """Return the first row (1, d), in memory."""
    row = detach(array[:1])
    return _dask.values(row) if _dask.is_lazy(row) else row


def largest_step(block: Array, row: Array) -> float:
    """Return the largest difference of any value from that of a row."""
    return float(namespace(block).absolute(block - row).max())


def column_variances(Z: Array) -> Float64:
    """Return the variance of each column, (d,), in units of the square of the largest value.

    Exactly 0 for a column whose rows have one value.
    """
    first = first_row(Z)
    scale = max(over_rows(largest_step, Z, first))
    total, square = 0.0, 0.0
    for sums, squares in over_blocks(_scaled_moments, Z, _wide_block(first), scale):
        total, square = total + sums, square + squares
    mean = to_numpy(total / len(Z))
    return np.asarray(np.maximum(to_numpy(square / len(Z)) - mean**2, 0), dtype=np.float64)


def _scaled_moments(block: Array, row: Array, scale: float) -> tuple[Array, Array]:
    xp = namespace(block)
    parts = [_scaled(block[:, part], row[:, part], scale) for part in column_parts(block)]
    sums, squares = zip(*parts, strict=True)
    return xp.concatenate(sums), xp.concatenate(squares)


def _scaled(columns: Array, row: Array, scale: float) -> tuple[Array, Array]:
    """Return the sums of the scaled columns, and those of their squares."""
    scaled = (_wide_block(columns) - row) / scale
    return scaled.sum(0), (scaled * scaled).sum(0)


def count_copies(Z: Array) -> int:
    """Return how many rows equal an earlier one, judged by two fixed projections."""
    columns = np.arange(1, Z.shape[1] + 1)
    centre = centre_row(Z)
    real, imaginary = (project(Z, centre, np.cos(rate * columns)) for rate in (1.0, np.sqrt(2.0)))
    return len(real) - len(np.unique(real + 1j * imaginary))
