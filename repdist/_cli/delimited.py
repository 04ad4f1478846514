"""Text tables: numbers, and labels as they are written."""

import csv
import itertools
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist._checks import LARGEST
from repdist._cli.layout import (
    Layout,
    Record,
    as_number,
    bad_file,
    called,
    each_record,
    find_layout,
    opened,
)
from repdist._cli.reading import (
    MISSING,
    Reading,
    Rows,
    chosen,
    for_other_columns,
    note,
    note_dropped,
    places,
)

_OTHERS = {  # how files begin that are no text in UTF-8
    b"\x1f\x8b": "it is compressed with gzip. Rename it {}.gz",
    b"\xff\xfe": "it is text in UTF-16. Save it as UTF-8: iconv -f UTF-16 -t UTF-8 {}",
    b"\xfe\xff": "it is text in UTF-16. Save it as UTF-8: iconv -f UTF-16 -t UTF-8 {}",
    b"PK\x03\x04": "it is an archive, as .xlsx and .zip are. Save its table as text",
    b"PAR1": "it is a parquet file. Rename it .parquet",
}


def read_text(path: Path, reading: Reading, beside: Mapping[str, str]) -> Rows:
    """Read a text table, and the columns beside it that options name, as text.

    Raises
    ------
    ValueError
        If what it means is in doubt, or it holds what is no number; the message names the line.
    """
    _check_bytes(path)
    try:
        layout = find_layout(path, reading)
        names = list(layout.names)
        apart = places(path, names, beside)
        kept = chosen(path, names, reading, apart, {0} if layout.index else set())
        table = _parsed(layout, apart)
    except UnicodeDecodeError:
        raise bad_file(
            path, f"it is no text in UTF-8. Convert it: iconv -f LATIN1 -t UTF-8 {path} (or UTF-16)"
        ) from None
    except (EOFError, OSError, zlib.error) as error:
        if path.suffix.lower() != ".gz":
            raise
        raise bad_file(path, f"it cannot be decompressed ({error})") from None
    except csv.Error as error:
        raise bad_file(path, str(error)) from None
    return _checked(layout, table, kept, apart, reading)


def _check_bytes(path: Path) -> None:
    """Raise if a file begins as other kinds of files do."""
    with path.open("rb") as file:
        start = file.read(4)
    for signature, reason in _OTHERS.items():
        if start.startswith(signature) and path.suffix.lower() != ".gz":
            raise bad_file(path, reason.format(path))


def _parsed(layout: Layout, beside: Mapping[str, int]) -> Any:
    """Return all columns as a DataFrame: numbers where they are, labels and ids as text."""
    import pandas as pd

    columns = range(len(layout.names))
    as_text = set(beside.values())
    missing: Any = {i: sorted(MISSING) for i in columns if i not in as_text}
    with opened(layout.path) as file:
        for _ in range(layout.skipped):
            next(file)
        try:
            return pd.read_csv(
                file,
                sep=r"\s+" if layout.sep == " " else layout.sep,
                decimal=layout.decimal,
                header=None,
                names=columns,
                index_col=False,
                dtype=dict.fromkeys(as_text, str),
                keep_default_na=False,
                na_values=missing,
                low_memory=False,
                **_every_digit(pd.__version__),
            )
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            _check_widths(layout)
            raise bad_file(layout.path, str(error).strip().rstrip(".")) from None


def _every_digit(version: str) -> dict[str, Any]:
    """Return what makes pandas read a number as Python does: 3.1 does so by itself."""
    major, minor = map(int, version.split(".")[:2])
    return {} if (major, minor) >= (3, 1) else {"float_precision": "round_trip"}


def _checked(
    layout: Layout, table: Any, kept: list[int], beside: Mapping[str, int], reading: Reading
) -> Rows:
    end = len(layout.names) - 1
    if ((table[end] == "") if end in beside.values() else table[end].isna()).any():
        _check_widths(layout)  # short lines come as missing values
    if layout.index and 0 not in kept:
        _check_index(layout, table[0], table[1], reading)
    values, names = _values(layout, table, kept, reading, beside)
    missing = np.isnan(values).any(axis=1)
    empty = {option: (table[i] == "").to_numpy() for option, i in beside.items()}
    for gaps in empty.values():
        missing |= gaps
    if reading.dropna and missing.any():
        note_dropped(layout.path, int(missing.sum()), len(missing))
        values, table = values[~missing], table[~missing]
    elif missing.any():
        row = int(missing.argmax())
        said = [f"column {layout.names[beside[o]]!r} of `{o}`" for o in empty if empty[o][row]]
        _refuse_missing(layout, values, names, row, said[0] if said else "")
    large = ~(np.abs(values) <= LARGEST)
    if large.any():
        row, column = np.argwhere(large)[0]
        raise ValueError(
            f"`{layout.path}` must hold finite numbers of at most {LARGEST:g} in size; got "
            f"{values[row, column]} in {_where(layout, table.index[row])}, column "
            f"{_name(names, column)}."
        )
    if layout.index and 0 not in kept:
        note(f"{layout.path}: the first column has no name and is left out")
    _note_row_numbers(layout, values, kept)
    of_rows = {option: table[column].tolist() for option, column in beside.items()}
    return Rows(values, names if layout.named else None, of_rows)


def _check_index(layout: Layout, first: Any, second: Any, reading: Reading) -> None:
    """Raise if a column without a name may be no index: an index is all different, no fraction."""
    if layout.names[0] in reading.drop or reading.columns:
        return
    halves = layout.halves and first.dtype.kind == second.dtype.kind == "i"
    if halves or not first.is_unique or first.dtype.kind == "f":
        raise bad_file(
            layout.path,
            f"its first column has no name in the header, separated by {called(layout.sep)}, and "
            f"is no index. Name every column, or leave it out with `--drop {layout.names[0]}`"
            + ", or use `--sep` and `--decimal` if it is half a number"
            * halves,
        )


def _note_row_numbers(layout: Layout, values: npt.NDArray[Any], kept: list[int]) -> None:
    first, name = values[:, 0], layout.names[kept[0]]
    counting = np.arange(len(first)) + (first[:1] == 1)
    if len(kept) > 1 and len(first) > 2 and np.array_equal(first, counting):
        note(
            f"{layout.path}: column {name!r} counts the rows and is compared like the others; "
            f"`--drop {name}` leaves it out"
        )


def _values(
    layout: Layout, table: Any, kept: list[int], reading: Reading, beside: Mapping[str, int]
) -> tuple[npt.NDArray[Any], list[str] | None]:
    """Return the columns that are compared as numbers, with their names; one of lists has none."""
    if len(kept) == 1 and table[kept[0]].astype(str).str.lstrip().str.startswith("[").any():
        return _lists(layout, table[kept[0]]), None
    columns, wrong = [], dict[int, int]()
    for i in kept:
        numbers, bad = _numbers(table[i], layout.decimal)
        columns.append(numbers)
        if bad is not None:
            wrong[i] = bad
    if wrong:
        i, row = next(iter(wrong.items()))
        shown, cell = [layout.names[place] for place in list(wrong)[:5]], str(table[i].iloc[row])
        what_to_do = "Leave columns out with `--drop`"
        few = len(wrong) < len(kept) and len(wrong) <= len(shown)  # others are read as they should
        if few and row == 0 and any(map(str.isalpha, cell)):
            what_to_do = for_other_columns(shown, reading, beside)
        raise ValueError(
            f"`{layout.path}` must hold numeric columns only; got other values in "
            f"{', '.join(shown)}, such as {cell[:40]!r} in "
            f"{_where(layout, row)}. {what_to_do}; its separator is taken to be "
            f"{called(layout.sep)} and its decimal mark {layout.decimal!r} (`--sep`, `--decimal`)."
        )
    return np.column_stack(columns), [layout.names[i] for i in kept]


def _numbers(column: Any, decimal: str) -> tuple[npt.NDArray[Any], int | None]:
    """Return a column as numbers, and the first row that holds none; NaN where it is missing."""
    if column.dtype.kind in "biuf":
        return column.to_numpy(dtype=float), None
    numbers = np.full(len(column), np.nan)
    for row, cell in enumerate(column.tolist()):
        if not isinstance(cell, str):
            numbers[row] = float(cell)
        elif cell.strip() not in MISSING:
            number = as_number(cell, decimal)
            if number is None:
                return numbers, row
            numbers[row] = number
    return numbers, None


def _lists(layout: Layout, column: Any) -> npt.NDArray[Any]:
    """Return lists in text as rows: `[1, 2]` as pandas writes them, or `[1 2]` as NumPy does."""
    rows: list[list[float]] = []
    width = 0
    for number, cell in enumerate(column.tolist()):
        text = cell.strip() if isinstance(cell, str) else ""
        if not text:
            rows.append([])
            continue
        inside = text[1:-1].strip()
        parts = [as_number(p, ".") for p in (inside.split("," if "," in inside else None))]
        numbers = [part for part in parts if part is not None]
        if text[0] + text[-1] != "[]" or len(numbers) < len(parts):
            raise bad_file(
                layout.path, f"{text[:40]!r} in {_where(layout, number)} is no list of numbers"
            )
        rows.append(numbers)
        width = width or len(rows[-1])
        if len(rows[-1]) != width:
            raise bad_file(
                layout.path,
                f"{_where(layout, number)} holds {len(rows[-1])} numbers, other lists {width}",
            )
    return np.array([row or [np.nan] * width for row in rows])


def _refuse_missing(
    layout: Layout, values: npt.NDArray[Any], names: Sequence[str] | None, row: int, empty: str
) -> None:
    found = np.flatnonzero(np.isnan(values[row]))
    what = f"column {_name(names, found[0])}" if len(found) else empty
    raise ValueError(
        f"`{layout.path}` must have a value in every cell; got none in {_where(layout, row)}, "
        f"{what}. Use `--dropna` to leave such rows out."
    )


def _name(names: Sequence[str] | None, column: int) -> str:
    return str(column) if names is None else repr(names[column])


def _body(layout: Layout) -> Iterator[Record]:
    with opened(layout.path) as file:
        for _ in range(layout.skipped):
            next(file)
        yield from each_record(file, layout.sep, layout.skipped)


def _where(layout: Layout, row: int) -> str:
    """Return the line of the file that holds a row."""
    return f"line {next(itertools.islice(_body(layout), int(row), None)).line}"


def _check_widths(layout: Layout) -> None:
    """Raise for the first line that has another number of values than the first row."""
    first = None
    for record in _body(layout):
        first = first or record
        if len(record.cells) != len(first.cells):
            raise bad_file(
                layout.path,
                f"line {record.line} holds {len(record.cells)} values where line {first.line} "
                f"holds {len(first.cells)}, separated by {called(layout.sep)}",
            )
