"""What users give as rows, checked and brought to one floating dtype of one array library."""

import gzip
import itertools
import mmap
import zlib
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from repdist._arrays.libraries import detach, is_torch, namespace
from repdist._arrays.on_dask import as_declared, declared, has_known_chunks, is_lazy
from repdist._arrays.rows import (
    cast,
    chunk_rows,
    first_row,
    held,
    largest_step,
    over_rows,
    to_numpy,
)
from repdist._arrays.storage import from_store, in_file, is_stored, missing_chunks
from repdist._arrays.tables import (
    Table,
    aligned,
    is_row,
    is_table,
    read_table,
    refuse_tables_elsewhere,
    stacked,
)
from repdist._arrays.tables import column_names as column_names
from repdist._checks import LARGEST, SMALLEST, describe, told_apart
from repdist._typing import Array

_LARGEST_SINGLE = 1e37  # sizes whose sums and differences float32 holds


def read_samples(named: dict[str, Any], *, minimum_rows: int = 2) -> list[Array]:
    """Check samples that are to be compared, and bring them to one floating dtype.

    Tables are brought to the columns of the first, by name; a table beside an array is taken by
    position.

    Parameters
    ----------
    named : dict
        Argument name (as the message shall call it) to what the user gave.
    minimum_rows : int
        The least number of rows in each.

    Returns
    -------
    list of arrays, each (rows, d), all float32 or all float64, of one library and device.
    """
    kinds = {name: _library(name, value) for name, value in named.items()}
    tables = {name: read_table(name, value) for name, value in named.items() if is_table(value)}
    named = named | aligned(tables)
    if len(set(kinds.values())) > 1:
        names = " and ".join(f"`{name}`" for name in named)
        got = " and ".join(kinds.values())
        raise TypeError(
            f"{names} must come from one array library; got {got}. "
            f"Convert one of them, e.g. with {_conversions(kinds.values())}."
        )
    arrays = [_sample(name, value, kinds[name], minimum_rows) for name, value in named.items()]
    _check_alike(list(named), arrays)
    xp = namespace(arrays[0])
    dtype = xp.float64 if any(a.dtype == xp.float64 for a in arrays) else xp.float32
    arrays = [held(a if a.dtype == dtype else cast(a, dtype)) for a in arrays]
    for name, array in zip(named, arrays, strict=True):
        _check_finite(name, array, _columns_of(tables))
    return arrays


def _columns_of(tables: dict[str, Table]) -> tuple[str, ...]:
    """Return the names of the columns after `aligned`, which are those of the first table."""
    return next((table.names for table in tables.values() if table.names), ())


def check_varies(arrays: Sequence[Array], names: str) -> None:
    """Raise if all rows of all arrays are equal: no kernel can tell such samples apart."""
    first = first_row(arrays[0])
    near = [array[-1:] for array in arrays if not is_lazy(array)]
    if any(largest_step(detach(row), first) >= SMALLEST for row in near):
        return  # most samples do, and need no look at all rows
    spread = max(distance for a in arrays for distance in over_rows(largest_step, a, first))
    if spread == 0:
        raise ValueError(
            f"The pooled sample of {names} must not be constant; all {sum(map(len, arrays))} "
            "rows are equal. Check how the features were made."
        )
    if spread < SMALLEST:
        raise ValueError(
            f"The pooled sample of {names} must differ by more than {SMALLEST:g}; got {spread:g}. "
            "Scale the features."
        )


def is_constant(array: Array) -> bool:
    """Tell whether all rows are equal."""
    return all(over_rows(_all_equal, array, first_row(array)))


def check_held(named: dict[str, Any]) -> None:
    """Raise if an array does not lie in the memory of this process."""
    for name, value in named.items():
        if is_lazy(value):
            raise TypeError(
                f"`{name}` must lie in memory here; got a dask array. Use `{name}.compute()`."
            )


def check_chunks(name: str, value: Any) -> None:
    """Raise if a dask array does not know how long its blocks are, or a zarr array lacks some."""
    if is_lazy(value) and not has_known_chunks(value):
        raise ValueError(
            f"`{name}` must have known chunk sizes; got the shape {value.shape}. Call "
            f"`{name}.compute_chunk_sizes()` first."
        )
    missing = missing_chunks(value) if is_stored(value) else 0
    if missing:
        raise ValueError(
            f"`{name}` must have all its chunks in the store; got {missing:,} of {value.nchunks:,} "
            "missing, which would be read as its fill value. Write it again, with "
            '`config={"write_empty_chunks": True}` if some hold nothing else.'
        )


def _all_equal(block: Array, row: Array) -> bool:
    return bool((block == row).all())


def _is_store(value: Any) -> bool:
    """Tell whether this holds arrays by name: a dict, a group of a store, an .npz file."""
    named = callable(getattr(value, "keys", None))
    return named and not hasattr(value, "dtype") and not hasattr(value, "columns")


def _library(name: str, value: Any) -> str:
    if value is None or isinstance(value, (set, str, bytes)) or callable(value):
        repair = "Convert it with `np.asarray`."
        if isinstance(value, (str, bytes)):
            repair = "Read a file first, as with `pd.read_csv` or `np.load`."
        raise TypeError(
            f"`{name}` must be an array of real numbers of shape (rows, columns); got "
            f"{describe(value)}. {repair}"
        )
    refuse_containers(name, value)
    refuse_tables_elsewhere(name, value)
    if is_lazy(value):
        return "Dask"
    return "torch" if is_torch(value) else "NumPy"


def refuse_containers(name: str, value: Any, labels: str = "") -> None:
    """Raise for what holds several arrays, and say how to take one of them."""
    if is_table(value):
        return
    if _is_annotated(value):
        ways = [f"{name}.to_df()", *(f"{name}.to_df(layer={key!r})" for key in value.layers)]
        ways += [f"{name}.obsm[{key!r}]" for key in value.obsm]
        raise TypeError(
            f"`{name}` must be one array of rows; got an {type(value).__name__}, which holds "
            f"several. Pass one of them{labels}: {', '.join(f'`{way}`' for way in ways[:6])}."
        )
    if _is_store(value):
        names = ", ".join(repr(key) for key in itertools.islice(value.keys(), 5)) or "none"
        raise TypeError(
            f"`{name}` must be one array of rows; got a {type(value).__name__} of named arrays "
            f"({names}). Pass one of them."
        )


def _is_annotated(value: Any) -> bool:
    """Tell whether this is an AnnData, by what it has."""
    return all(hasattr(value, part) for part in ("obs", "var", "obsm", "layers", "to_df"))


def _conversions(kinds: Collection[str]) -> str:
    if "Dask" in kinds:
        return "`dask.array.from_array` or `.compute()`"
    return "`torch.as_tensor` or `np.asarray`"


def _sample(name: str, value: Any, library: str, minimum_rows: int) -> Array:
    array = _FLOATS[library](name, value)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(
            f"`{name}` must have shape (rows, columns); got {array.ndim} dimensions, shape "
            f"{tuple(array.shape)}. Flatten or pool it, e.g. with "
            f"`{name}.reshape(len({name}), -1)`."
        )
    rows, columns = array.shape
    if columns == 0:
        raise ValueError(f"`{name}` must have at least one column; got shape {(rows, 0)}.")
    if rows < minimum_rows:
        raise ValueError(
            f"`{name}` must have at least {minimum_rows} row{'s'[: minimum_rows > 1]}; got {rows}. "
            "Give more data."
        )
    return array


def _numpy_floats(name: str, value: Any) -> Array:
    parts = value if isinstance(value, (list, tuple)) else [value]
    if any(isinstance(part, np.ma.MaskedArray) for part in parts):
        raise TypeError(
            f"`{name}` must not be a masked array: the mask would be lost. "
            f"Fill it or drop the masked rows first."
        )
    check_chunks(name, value)
    try:
        array = _as_numpy(value)
    except _UNREADABLE as error:
        hint = " Give all rows the same length." if "inhomogeneous" in str(error) else ""
        if is_stored(value):
            hint = " A chunk may be damaged: write it again."
        reason = str(error) or type(error).__name__
        raise ValueError(
            f"`{name}` must be an array of numbers of shape (rows, columns); it could not be "
            f"made into one ({reason}).{hint}"
        ) from None
    _check_length(name, array)
    if array.dtype == object and array.ndim == 1 and len(array) and is_row(array[0]):
        array = stacked(name, array)
    return _with_floats(name, value, array)


_UNREADABLE = (
    ValueError, TypeError, RuntimeError, EOFError, LookupError, zlib.error, gzip.BadGzipFile,
)  # fmt: skip


def _as_numpy(value: Any) -> npt.NDArray[Any]:
    if is_stored(value):
        return from_store(value) if 0 not in value.shape else np.empty(value.shape, value.dtype)
    if type(value).__module__.startswith("scipy.sparse"):
        return np.asarray(value.toarray())
    try:
        array = np.asanyarray(value)
    except OSError as error:  # h5py, of a damaged file
        raise ValueError(str(error)) from None
    return array if in_file(array) else np.asarray(array)


def _check_length(name: str, array: npt.NDArray[Any]) -> None:
    """Raise if a file has become shorter than what is mapped: to read on would kill the process."""
    whole = _mapped(array)
    if whole is None or not isinstance(whole.base, mmap.mmap):
        return
    size, needed = whole.base.size(), whole.offset + whole.nbytes  # of the file, whatever its name
    if size < needed:
        raise ValueError(
            f"`{name}` must lie in a file of at least {needed:,} bytes; {whole.filename} has "
            f"{size:,}. Write it again."
        )


def _mapped(array: Any) -> Any:
    """Return the memmap that the array is a view of, however many views lie between; or None."""
    found = None
    while isinstance(array, np.ndarray):
        found = array if isinstance(array, np.memmap) else found
        array = array.base
    return found


def _with_floats(name: str, value: Any, array: Array) -> Array:
    """Return a NumPy or dask array, made from what the user gave, as float32 or float64."""
    if array.dtype.type.__module__ == "ml_dtypes" and "float" in array.dtype.name:
        array = cast(array, np.float32)  # bfloat16 and shorter: exact
    if array.dtype.kind not in "biuf":
        repair = "Select numeric columns."
        if array.dtype.kind == "c":
            repair = "Stack its real and imaginary parts as columns."
        elif array.dtype == "V2":
            repair = "If it is bfloat16, use `.view(ml_dtypes.bfloat16)`."
        got = f"dtype {array.dtype}" if array.ndim else describe(value)
        raise TypeError(f"`{name}` must hold real numbers; got {got}. {repair}")
    if array.ndim == 0:
        raise ValueError(
            f"`{name}` must have shape (rows, columns); got the single value {array}. "
            "Give an array of rows."
        )
    if array.dtype in (np.float32, np.float64):
        return array
    _check_whole(name, array)
    short = array.dtype.newbyteorder("=") in (np.float16, np.float32)  # of either byte order
    floats: npt.NDArray[Any] = cast(array, np.float32 if short else np.float64)
    return floats


def _check_whole(name: str, numbers: Any) -> None:
    long = numbers.dtype.kind in "iu" and numbers.dtype.itemsize == 8
    if long and not is_lazy(numbers) and numbers.size:
        told_apart(name, numbers.min(), numbers.max())


def _dask_floats(name: str, value: Any) -> Array:
    blocks_of = type(declared(value))
    if blocks_of is not np.ndarray:
        raise TypeError(
            f"`{name}` must have blocks that are NumPy arrays; got {blocks_of.__name__}. Convert "
            f"them, e.g. with `{name}.map_blocks(np.asarray)`."
        )
    check_chunks(name, value)
    return as_declared(name, value, _with_floats(name, value, value).dtype)


def _torch_floats(name: str, value: Any) -> Array:
    torch = namespace(value)

    if value.is_nested or type(value).__name__ == "MaskedTensor":
        kind = "nested" if value.is_nested else "masked"
        repair = "Pad or pool its rows" if value.is_nested else "Fill it or drop the masked rows"
        raise TypeError(
            f"`{name}` must be a dense tensor of real numbers; got a {kind} tensor. {repair} first."
        )
    if value.is_complex() or value.is_quantized or value.layout != torch.strided:
        raise TypeError(
            f"`{name}` must be a dense tensor of real numbers; got dtype {value.dtype}, "
            f"layout {value.layout}. Use `.to_dense()`, `.dequantize()` or real parts."
        )
    if value.ndim == 0:
        raise ValueError(
            f"`{name}` must have shape (rows, columns); got a single value. Give rows."
        )
    if value.dtype in (torch.float32, torch.float64):
        return value
    if value.dtype == torch.int64 and value.device.type != "meta":
        _check_whole(name, value.numpy(force=True))
    return value.to(torch.float32 if value.dtype.is_floating_point else torch.float64)


_FLOATS: dict[str, Callable[[str, Any], Array]] = {
    "NumPy": _numpy_floats,
    "torch": _torch_floats,
    "Dask": _dask_floats,
}


def _check_alike(names: list[str], arrays: list[Array]) -> None:
    for name, array in zip(names[1:], arrays[1:], strict=True):
        if array.shape[1] != arrays[0].shape[1]:
            raise ValueError(
                f"`{names[0]}` and `{name}` must have the same number of columns; got "
                f"{arrays[0].shape[1]} and {array.shape[1]}."
            )
        if getattr(array, "device", None) != getattr(arrays[0], "device", None):
            raise ValueError(
                f"`{names[0]}` and `{name}` must be on one device; got "
                f"{arrays[0].device} and {array.device}. Move one with `.to(device)`."
            )


def _check_finite(name: str, array: Array, columns: tuple[str, ...]) -> None:
    """Raise if a value is NaN, infinite, or so large that sums or squares overflow."""
    if is_torch(array) and array.device.type == "meta":
        raise TypeError(
            f"`{name}` must hold data; got a tensor on the meta device, which has none."
        )
    flaws = over_rows(_flaw, array)
    found = [(number, flaw) for number, flaw in enumerate(flaws) if flaw is not None]
    if not found:
        return
    number, first = found[0]
    row = number * chunk_rows(array) + first.row
    bad_rows = sum(flaw.rows for _, flaw in found)
    raise ValueError(
        f"`{name}` must hold finite numbers of at most {_largest(array):g} in size; got "
        f"{first.value} in row {row}, column "
        f"{repr(columns[first.column]) if columns else first.column} ({bad_rows} "
        f"such row{'s'[: bad_rows > 1]} of {len(array)}). Drop, fill or scale these rows."
    )


class _Flaw(NamedTuple):
    """What is not finite, or too large, in a block: the first such value, and how many rows."""

    value: float
    row: int
    column: int
    rows: int


def _largest(array: Array) -> float:
    """Return the largest size of a value: differences are taken in float32, squares in float64."""
    return _LARGEST_SINGLE if "float32" in str(array.dtype) else LARGEST


def _flaw(block: Array) -> _Flaw | None:
    xp = namespace(block)
    largest = _largest(block)
    if bool(xp.isfinite(block).all()) and float(xp.absolute(block).max()) <= largest:
        return None
    bad = ~(np.absolute(to_numpy(block).astype(np.float64)) <= largest)
    row, column = (int(i) for i in np.argwhere(bad)[0])
    return _Flaw(float(block[row, column]), row, column, int(bad.any(axis=1).sum()))
