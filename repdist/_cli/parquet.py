"""Tables in Parquet files."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist._cli.reading import Reading, Rows, chosen, for_other_columns, note_dropped, places

_IN_MEMORY = 2**28  # bytes of rows that are held in memory


def read_parquet(path: Path, reading: Reading, beside: Mapping[str, str]) -> Rows:
    """Read a table, and the columns beside it that options name.

    Raises
    ------
    ValueError
        If it is damaged, or holds what is no number; the message names the column.
    """
    with _parquet_file(path) as file, tempfile.TemporaryFile() as store:
        return _read(path, file, _Rows(store), reading, beside)


def _read(
    path: Path, file: Any, parts: "_Rows", reading: Reading, beside: Mapping[str, str]
) -> Rows:
    """Read an open file row group by row group."""
    schema = file.schema_arrow
    names = list(schema.names)
    metadata = schema.pandas_metadata or {}
    of_index = {name for name in metadata.get("index_columns", []) if isinstance(name, str)}
    left_out = {i for i, name in enumerate(names) if name in of_index or _is_index(name)}
    apart = places(path, names, beside)
    kept = chosen(path, names, reading, apart, left_out)
    rows, dropped = 0, 0
    of_rows: dict[str, list[Any]] = {option: [] for option in apart}
    for table in _tables(path, file):
        _check_numbers(path, table.schema, kept, reading, beside)
        columns = [_column(path, names[i], table.column(i), alone=len(kept) == 1) for i in kept]
        values = np.column_stack(columns)
        ids = {option: table.column(i) for option, i in apart.items()}
        missing = _missing(values, ids)
        if missing.any() and not reading.dropna:
            _refuse_missing(path, int(missing.argmax()), rows, values, ids, names, kept, beside)
        parts.add(values[~missing] if missing.any() else values)
        for option, column in ids.items():
            of_rows[option].append(column.filter(~missing).to_pandas())
        rows, dropped = rows + len(values), dropped + int(missing.sum())
    note_dropped(path, dropped, rows)
    lists = len(kept) == 1 and columns[0].ndim == 2
    kept_beside = {option: _joined(columns) for option, columns in of_rows.items()}
    return Rows(parts.whole(), None if lists else [names[i] for i in kept], kept_beside)


class _Rows:
    """Rows that come part by part: in a file without a name, so that memory holds one of them."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._like: npt.NDArray[Any] | None = None
        self._count = 0

    def add(self, part: npt.NDArray[Any]) -> None:
        """Add a part; all are brought to the dtype of the first."""
        self._like = part[:0] if self._like is None else self._like
        part.astype(self._like.dtype, copy=False).tofile(self._file)
        self._count += len(part)

    def whole(self) -> npt.NDArray[Any]:
        """Return all rows: in memory, unless they are many."""
        assert self._like is not None
        shape = self._count, self._like.shape[1]
        if 0 in shape:
            return np.empty(shape, self._like.dtype)
        self._file.flush()
        rows = np.memmap(self._file, self._like.dtype, "r", shape=shape)
        return rows if rows.nbytes > _IN_MEMORY else np.array(rows)


def _tables(path: Path, file: Any) -> Iterator[Any]:
    """Yield the row groups of a file, as tables."""
    if file.num_row_groups == 0:
        yield file.read()
    for number in range(file.num_row_groups):
        try:
            table = file.read_row_group(number)
        except Exception as error:  # pyarrow has its own exceptions
            raise _damaged(path, error) from None
        yield table


def _missing(values: npt.NDArray[Any], ids: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
    """Return which rows lack a value, or an id, (N,)."""
    missing = np.zeros(len(values), bool)
    if values.dtype.kind == "f":
        missing = np.isnan(values).any(axis=1)
    for column in ids.values():
        missing |= column.is_null().to_numpy(zero_copy_only=False)
    return missing


def _refuse_missing(  # noqa: PLR0913 (what a message tells)
    path: Path,
    row: int,
    before: int,
    values: npt.NDArray[Any],
    ids: Mapping[str, Any],
    names: Sequence[str],
    kept: Sequence[int],
    beside: Mapping[str, str],
) -> None:
    """Raise for a row of a row group, `before` which there are so many others."""
    of_cells = list(kept) * values.shape[1] if len(kept) == 1 else kept  # a list has many
    found = [repr(names[i]) for i, cell in zip(of_cells, values[row], strict=True) if cell != cell]
    found += [f"{beside[o]!r} of `{o}`" for o, column in ids.items() if not column[row].is_valid]
    raise ValueError(
        f"`{path}` must have a value in every cell; got none in row {before + row} (of rows from "
        f"0), column {found[0]}. Use `--dropna` to leave such rows out."
    )


def _joined(columns: list[Any]) -> Any:
    import pandas as pd

    return columns[0] if len(columns) == 1 else pd.concat(columns, ignore_index=True)


def _is_index(name: str) -> bool:
    return name.startswith("__index_level_") and name.endswith("__")


def _check_numbers(
    path: Path, schema: Any, kept: Sequence[int], reading: Reading, beside: Mapping[str, str]
) -> None:
    """Raise if columns that are compared hold neither numbers nor, as the only one, lists."""
    wrong = [i for i in kept if not _is_number(schema.field(i).type)]
    if not wrong or (len(kept) == 1 and _is_list(schema.field(kept[0]).type)):
        return
    shown = [schema.field(i).name for i in wrong[:5]]
    what_to_do = "Leave columns out with `--drop`"
    if len(wrong) <= len(shown):
        what_to_do = for_other_columns(shown, reading, beside)
    raise ValueError(
        f"`{path}` must hold numeric columns only; got other values in {', '.join(shown)} "
        f"({schema.field(wrong[0]).type}). {what_to_do}, or name those to compare with `--columns`."
    )


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    of = pa.types
    numbers = of.is_floating, of.is_integer, of.is_decimal, of.is_boolean
    return any(is_so(kind) for is_so in numbers)


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    of = pa.types
    return any(is_so(kind) for is_so in (of.is_list, of.is_large_list, of.is_fixed_size_list))


def _column(path: Path, name: str, column: Any, *, alone: bool) -> npt.NDArray[Any]:
    """Return a column as numbers; lists as rows if it is the only one that is compared."""
    import pyarrow as pa

    of = pa.types
    kind = column.type
    if alone and _is_list(kind):
        return _rows_of_lists(path, name, column.to_numpy())
    if of.is_decimal(kind) or of.is_boolean(kind):
        column = column.cast(pa.float64())
    return np.asarray(column.to_numpy())


def _rows_of_lists(path: Path, name: str, cells: npt.NDArray[Any]) -> npt.NDArray[Any]:
    lengths = [len(cell) for cell in cells if cell is not None]
    if len(set(lengths)) > 1:
        row = next(
            i for i, cell in enumerate(cells) if cell is not None and len(cell) != lengths[0]
        )
        raise ValueError(
            f"`{path}` must hold lists of one length; got {len(cells[row])} numbers in row {row} "
            f"of {name}, {lengths[0]} in others."
        )
    width = lengths[0] if lengths else 0
    rows = [np.full(width, np.nan) if cell is None else np.asarray(cell) for cell in cells]
    if any(row.dtype.kind not in "biuf" for row in rows):
        raise ValueError(f"`{path}` must hold lists of numbers in {name}; got other values.")
    return np.stack(rows) if rows else np.empty((0, 0))


def _parquet_file(path: Path) -> Any:
    try:
        import pyarrow.parquet as pq
    except ImportError:
        raise ValueError(
            f"`{path}` needs pyarrow. Install pyarrow, e.g. with: pip install pyarrow"
        ) from None
    try:
        return pq.ParquetFile(path)
    except Exception as error:  # pyarrow has its own exceptions
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> ValueError:
    return ValueError(f"`{path}` must be a .parquet file; {str(error).rstrip('.')}.")
