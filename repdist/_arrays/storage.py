"""Rows in files: memory maps, zarr stores, and temporary files without a name."""

import errno
import itertools
import math
import mmap
import os
import shutil
import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist._typing import Array

ENTRIES = 2**22  # of what is copied at a time, where rows may be wide


def in_file(array: Array) -> bool:
    """Tell whether the array lies in a file and is to be read block by block."""
    return isinstance(array, np.memmap)


def in_memory(array: Array) -> Array:
    """Return the array itself, or what lies in a file as an array in memory."""
    return np.array(array) if in_file(array) else array


def release(rows: Array) -> None:
    """Tell the system that rows of a file were read: memory need not keep them.

    They stay in the file, and in its cache; what is mapped for this process alone is kept.
    """
    whole: Any = rows
    while isinstance(whole, np.ndarray) and not isinstance(whole.base, mmap.mmap):
        whole = whole.base
    if not (in_file(rows) and isinstance(whole, np.memmap) and whole.mode != "c"):
        return
    if not hasattr(mmap, "MADV_DONTNEED") or not rows.size or not rows.flags.c_contiguous:
        return
    low = rows.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
    first = whole.offset % mmap.ALLOCATIONGRANULARITY + low
    start = -(-first // mmap.PAGESIZE) * mmap.PAGESIZE
    length = (first + rows.nbytes - start) // mmap.PAGESIZE * mmap.PAGESIZE
    if length > 0:
        mapped: Any = whole.base
        mapped.madvise(mmap.MADV_DONTNEED, start, length)


def is_stored(value: Any) -> bool:
    """Tell whether this is a zarr array, whose rows are decompressed as they are read."""
    return type(value).__module__.partition(".")[0] == "zarr" and hasattr(value, "chunks")


def from_store(value: Any) -> npt.NDArray[Any]:
    """Copy a stored array into a temporary file, in pieces of its own chunks."""
    out = temporary_file(value.shape, value.dtype)
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


def temporary_file(shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
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
