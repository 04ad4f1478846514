"""Tables in Parquet files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist._cli.reading import Reading, Rows, chosen, note_dropped, places


def read_parquet(path: Path, reading: Reading, beside: Mapping[str, str]) -> Rows:
    """Read a table, and the columns beside it that options name.

    Raises
    ------
    ValueError
        If it is damaged, or holds what is no number; the message names the column.
    """
    table = _parquet_table(path)
    names = list(table.column_names)
    metadata = table.schema.pandas_metadata or {}
    of_index = {name for name in metadata.get("index_columns", []) if isinstance(name, str)}
    left_out = {i for i, name in enumerate(names) if name in of_index or _is_index(name)}
    apart = places(path, names, beside)
    kept = chosen(path, names, reading, apart, left_out)
    of_rows = {option: table.column(i) for option, i in apart.items()}
    columns = [_column(path, names[i], table.column(i), alone=len(kept) == 1) for i in kept]
    values = np.column_stack(columns)
    missing = (
        np.isnan(values).any(axis=1) if values.dtype.kind == "f" else np.zeros(len(values), bool)
    )
    gaps_beside = {
        option: column.is_null().to_numpy(zero_copy_only=False)
        for option, column in of_rows.items()
    }
    for gaps in gaps_beside.values():
        missing |= gaps
    if missing.any() and not reading.dropna:
        row = int(missing.argmax())
        of_cells = kept * values.shape[1] if len(kept) == 1 else kept  # a list has many
        found = [
            repr(names[i]) for i, cell in zip(of_cells, values[row], strict=True) if cell != cell
        ]
        found += [f"{beside[o]!r} of `{o}`" for o, gaps in gaps_beside.items() if gaps[row]]
        raise ValueError(
            f"`{path}` must have a value in every cell; got none in row {row} (of rows from 0), "
            f"column {found[0]}. Use `--dropna` to leave such rows out."
        )
    note_dropped(path, int(missing.sum()), len(missing))
    values = values[~missing] if missing.any() else values
    kept_beside = {
        option: column.filter(~missing).to_pandas() for option, column in of_rows.items()
    }
    lists = len(kept) == 1 and columns[0].ndim == 2
    return Rows(values, None if lists else [names[i] for i in kept], kept_beside)


def _is_index(name: str) -> bool:
    return name.startswith("__index_level_") and name.endswith("__")


def _column(path: Path, name: str, column: Any, *, alone: bool) -> npt.NDArray[Any]:
    """Return a column as numbers; lists as rows if it is the only one that is compared."""
    import pyarrow as pa

    of = pa.types
    kind = column.type
    if alone and (of.is_list(kind) or of.is_large_list(kind) or of.is_fixed_size_list(kind)):
        return _rows_of_lists(path, name, column.to_numpy())
    if of.is_decimal(kind) or of.is_boolean(kind):
        column = column.cast(pa.float64())
    elif not (of.is_floating(kind) or of.is_integer(kind)):
        raise ValueError(
            f"`{path}` must hold numeric columns only; got other values in {name} ({kind}). Leave "
            "columns out with `--drop`, or name those to compare with `--columns`."
        )
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


def _parquet_table(path: Path) -> Any:
    try:
        import pyarrow.parquet as pq
    except ImportError:
        raise ValueError(
            f"`{path}` needs pyarrow. Install pyarrow, e.g. with: pip install pyarrow"
        ) from None
    try:
        with pq.ParquetFile(path) as file:
            return file.read()
    except Exception as error:  # pyarrow has its own exceptions
        raise ValueError(f"`{path}` must be a .parquet file; {str(error).rstrip('.')}.") from None
