"""The only file that knows tables: data frames and Arrow tables, whose columns have names."""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from repdist._arrays.storage import temporary_file
from repdist._checks import describe, told_apart

_INDEX = re.compile(r"__index_level_\d+__")  # what pandas calls an index without a name in a file
_REPAIRS = ("collect", "to_pandas", "toPandas", "df", "to_arrow")
_MOST_NAMED = 5  # columns that a message calls by name


class Table(NamedTuple):
    """The rows of a table, and the names of its columns: none if one column held the rows."""

    names: tuple[str, ...]
    values: npt.NDArray[Any]


def is_table(value: Any) -> bool:
    """Tell whether this is a data frame, an Arrow table in memory, or an open Parquet file."""
    if is_row_grouped(value):
        return True
    if not _has_columns(value):
        return False
    import narwhals as nw

    return nw.dependencies.is_into_dataframe(value) or _is_batch(value)


def is_row_grouped(value: Any) -> bool:
    """Tell whether this is an open Parquet file, whose row groups are read one by one."""
    kind = type(value)
    return kind.__module__.startswith("pyarrow.parquet") and hasattr(kind, "read_row_group")


def refuse_tables_elsewhere(name: str, value: Any) -> None:
    """Raise for tables that do not lie in memory, or that cannot be read as they are."""
    if type(value).__module__.startswith("dask.dataframe"):
        raise TypeError(
            f"`{name}` must be an array; got a Dask DataFrame. Use "
            f"`{name}.to_dask_array(lengths=True)`."
        )
    repair = next((method for method in _REPAIRS if hasattr(type(value), method)), None)
    if _has_columns(value) and repair and not is_table(value):
        raise TypeError(
            f"`{name}` must be an array, or a table in memory (pandas, polars, Arrow); got a "
            f"{type(value).__name__}. Use `{name}.{repair}()`."
        )


def column_names(table: Any) -> tuple[str, ...]:
    """Return the names of the columns that are compared; none for arrays and columns of lists."""
    if not is_table(table):
        return ()
    names, frame = _read(table)
    return () if len(names) == 1 and _holds_lists(frame[frame.columns[0]]) else names


def read_table(name: str, table: Any) -> Table:
    """Return the rows of a table: its columns of numbers, or the lists in its only column.

    Raises
    ------
    TypeError
        If a column holds anything else, by name. Truth values are numbers only by themselves.
    ValueError
        If lists have different lengths.
    """
    if is_row_grouped(table):
        return _read_row_groups(name, table)
    import narwhals as nw

    names, frame = _read(table)
    if len(names) == 1 and _holds_lists(frame[frame.columns[0]]):
        return Table((), stacked(name, frame[frame.columns[0]].to_numpy()))
    kinds = dict(zip(names, frame.schema.values(), strict=False))
    only_flags = all(kind == nw.Boolean for kind in kinds.values())
    wrong = {
        names[i]: kind
        for i, (column, kind) in enumerate(frame.schema.items())
        if not (kind.is_numeric() or only_flags or _is_numeric(frame[column], kind))
    }
    if wrong:
        more = f" ({len(wrong)} such columns)" if len(wrong) > 1 else ""
        column, kind = next(iter(wrong.items()))
        cast = ""
        if hasattr(table, "astype"):
            cast = f" (`{name}.select_dtypes('number')`, `{name}.astype(float)`)"
        text = kind in (nw.String, nw.Categorical, nw.Enum, nw.Object) and len(wrong) < len(kinds)
        use = (
            f"If it holds ids or classes of rows, say `clusters={column!r}`, `strata={column!r}` "
            f"or `labels={column!r}`, where the function has it. "
        ) * (text and names.count(column) == 1 and column in _names(_as_frame(table)))
        held = "lists" if _holds_lists(frame[frame.columns[names.index(column)]]) else str(kind)
        raise TypeError(
            f"`{name}` must hold real numbers; got {held} in column {column!r}{more}. {use}Select "
            f"numeric columns{cast}, or one column of lists."
        )
    for number, (column, kind) in enumerate(frame.schema.items()):
        if kind in (nw.Int64, nw.UInt64):
            given = frame[column].drop_nulls()
            if len(given):
                where = f" in column {names[number]!r}"
                told_apart(name, given.min(), given.max(), where)
    inexact = [c for c, kind in frame.schema.items() if kind in (nw.Decimal, nw.Boolean)]
    frame = frame.with_columns(*(nw.col(c).cast(nw.Float64) for c in inexact)) if inexact else frame
    values = frame.to_numpy() if names else np.empty((len(frame), 0))
    if values.dtype == object:  # pandas, of Arrow's types
        values = np.column_stack([frame[column].to_numpy() for column in frame.columns])
    return Table(names, values)


def _read_row_groups(name: str, file: Any) -> Table:
    """Return the rows of a Parquet file in a temporary file, read group by group."""
    first = read_table(name, file.schema_arrow.empty_table())
    out: npt.NDArray[Any] | None = None
    start = 0
    for number in range(file.num_row_groups):
        part = read_table(name, file.read_row_group(number)).values
        if out is None:
            whole = part.dtype not in (np.float32, np.float64)
            shape = file.metadata.num_rows, part.shape[1]
            out = temporary_file(shape, np.float64 if whole else part.dtype)
        out[start : start + len(part)] = part
        start += len(part)
    return first if out is None else Table(first.names, out)


def stacked(name: str, cells: Iterable[Any]) -> npt.NDArray[Any]:
    """Return the lists in the cells of a column as rows."""
    rows: list[npt.NDArray[Any]] = []
    for number, cell in enumerate(cells):
        row = np.asanyarray(cell)
        if row.ndim != 1 or row.dtype.kind not in "biuf" or isinstance(row, np.ma.MaskedArray):
            got = "none" if cell is None else f"{type(cell).__name__} of {row.dtype}"
            raise TypeError(
                f"`{name}` must hold a list of numbers in each row; got {got} in row {number}. "
                "Drop or fill such rows."
            )
        if rows and len(row) != len(rows[0]):
            raise ValueError(
                f"`{name}` must hold lists of one length; got {len(rows[0])} values in row 0 and "
                f"{len(row)} in row {number}. Give all rows the same length."
            )
        rows.append(row)
    return np.stack(rows) if rows else np.empty((0, 0))


def is_row(cell: Any) -> bool:
    """Tell whether a cell holds a row of values."""
    return isinstance(cell, (list, tuple, np.ndarray))


def aligned(tables: Mapping[str, Table]) -> dict[str, npt.NDArray[Any]]:
    """Return the values of tables with the columns of each in the order of the first.

    Raises
    ------
    ValueError
        If they have other columns, or names that do not tell their columns apart.
    """
    named = {name: table for name, table in tables.items() if table.names}
    first = next(iter(named), "")
    arrays = {}
    for name, table in tables.items():
        arrays[name] = table.values
        if name in named and table.names != named[first].names:
            _check_same(first, named[first].names, name, table.names)
            place = {column: i for i, column in enumerate(table.names)}
            arrays[name] = table.values[:, [place[column] for column in named[first].names]]
    return arrays


def split_off(table: Any, column: Hashable, argument: str = "labels") -> tuple[Any, Any]:
    """Return a table without one of its columns, and that column."""
    if is_row_grouped(table):
        raise TypeError(
            f"`{argument}` must hold one id a row beside a ParquetFile; got the name {column!r}. "
            "Use `file.read()`, a table in memory."
        )
    names = _names(table)
    count = names.count(column)
    if count == 0:
        raise ValueError(
            f"`{argument}` must be a column of the {type(table).__name__}; got {column!r}, it has "
            f"{', '.join(map(str, names[:8]))}."
        )
    if count > 1:
        raise ValueError(
            f"`{argument}` must name one column of the {type(table).__name__}; {column!r} names "
            "several. Rename them."
        )
    if hasattr(table, "iloc"):  # pandas: keeps names of any kind
        return table.drop(columns=[column]), table[column]
    import narwhals as nw

    frame = nw.from_native(_as_frame(table), eager_only=True)
    return frame.drop(str(column)).to_native(), frame[str(column)].to_native()


def is_column_name(ids: Any) -> bool:
    """Tell whether ids are given by the name of a column, not one a row."""
    return isinstance(ids, (str, int, float, np.generic)) and not isinstance(ids, (bool, np.bool_))


def split_off_ids(table: Any, column: Hashable, argument: str, sample: str) -> tuple[Any, Any]:
    """Return a table without the column of ids, and that column; raise if it is no table."""
    if not is_table(table):
        raise TypeError(
            f"`{argument}` must hold one id a row; got {describe(column)}. The name of a "
            f"column goes with a table, and `{sample}` is none."
        )
    return split_off(table, column, argument)


def _check_same(first: str, expected: tuple[str, ...], name: str, columns: tuple[str, ...]) -> None:
    both = f"`{first}` and `{name}`"
    for owner, names in ((first, expected), (name, columns)):
        column, count = Counter(names).most_common(1)[0]
        if count > 1:
            raise ValueError(
                f"{both} must have columns of different names to be matched by name; got "
                f"{column!r} {count} times in `{owner}`. Rename them."
            )
    only = [
        f"{_listed([c for c in mine if c not in others])} only in `{owner}`"
        for owner, mine, others in ((first, expected, columns), (name, columns, expected))
        if not set(mine) <= set(others)
    ]
    if only:
        raise ValueError(
            f"{both} must have the same columns; got {' and '.join(only)}. Select or rename "
            "columns (on the command line `--columns` selects)."
        )


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_MOST_NAMED])
    return shown + f", ... ({len(names)} columns)" * (len(names) > _MOST_NAMED)


def _has_columns(value: Any) -> bool:
    """Tell by the class alone: to ask a lazy table costs a query."""
    return any(hasattr(type(value), name) for name in ("columns", "column_names"))


def _is_batch(value: Any) -> bool:
    return type(value).__module__.startswith("pyarrow") and hasattr(value, "to_struct_array")


def _as_frame(table: Any) -> Any:
    """Return a table that narwhals takes."""
    if is_row_grouped(table):
        return table.schema_arrow.empty_table()
    if not _is_batch(table) or hasattr(table, "to_batches"):
        return table
    import pyarrow as pa

    return pa.Table.from_batches([table])


def _names(table: Any) -> list[Any]:
    if is_row_grouped(table):
        return list(table.schema_arrow.names)
    return list(getattr(table, "column_names", None) or table.columns)


def _read(table: Any) -> tuple[tuple[str, ...], Any]:
    """Return the names of the columns and a frame that holds them, without an unnamed index."""
    import narwhals as nw

    table = _as_frame(table)
    kept = [i for i, name in enumerate(_names(table)) if not _INDEX.fullmatch(str(name))]
    names = tuple(str(_names(table)[i]) for i in kept)
    places = [str(i) for i in range(len(_names(table)))]  # tell columns of one name apart
    if hasattr(table, "iloc"):
        table = table.copy(deep=False)  # pandas before 3 copies values in set_axis, and in select
        table.columns = places
    elif hasattr(table, "rename_columns"):
        table = table.rename_columns(places)
    frame = nw.from_native(table, eager_only=True)
    if len(kept) < len(places):
        frame = frame.select([frame.columns[i] for i in kept])
    return names, frame


def _holds_lists(series: Any) -> bool:
    import narwhals as nw

    if series.dtype == nw.Object:
        first = series.drop_nulls().head(1).to_list()
        return bool(first) and is_row(first[0])
    return series.dtype in (nw.List, nw.Array)


def _is_numeric(series: Any, kind: Any) -> bool:
    """Tell whether a column of a kind that narwhals does not know holds numbers."""
    import narwhals as nw

    return kind == nw.Unknown and series.to_numpy().dtype.kind in "iuf"
