"""Samples and groups from files; nothing is ever unpickled."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist._cli.delimited import Rows, read_text
from repdist._cli.reading import Reading, chosen, note, place

_TEXT = (".csv", ".tsv", ".txt")
_TEXTS = (*_TEXT, *(f"{ending}.gz" for ending in _TEXT))
_ENDINGS = (".npy", ".npz", *_TEXT, ".parquet")
_PLAIN = Reading()
_SPARSE = {"format", "shape", "data"}  # what `scipy.sparse.save_npz` writes, among others
_CONVERSIONS = {
    ".feather": "import pandas; pandas.read_feather({}).to_parquet('x.parquet')",
    ".arrow": "import pandas; pandas.read_feather({}).to_parquet('x.parquet')",
    ".xlsx": "import pandas; pandas.read_excel({}, dtype=object).to_csv('x.csv', index=False)",
    ".json": "import pandas; pandas.read_json({}).to_parquet('x.parquet')",
    ".jsonl": "import pandas; pandas.read_json({}, lines=True).to_parquet('x.parquet')",
    ".h5ad": "import anndata; anndata.read_h5ad({}).to_df().to_parquet('x.parquet')",
    ".pt": "import numpy, torch; numpy.save('x.npy', torch.load({}, weights_only=True).float())",
    ".mat": "import numpy, scipy.io; numpy.save('x.npy', scipy.io.loadmat({})['KEY'])",
}


def read_rows(name: str, reading: Reading = _PLAIN) -> Any:
    """Read a sample from a file; never unpickles.

    Parameters
    ----------
    name : str
        A path that ends in .npy, .csv, .tsv, .txt (or one of these with .gz), .parquet or .npz,
        the last with ``:key`` if it holds more than one array.
    reading : Reading
        The options of text tables and of columns.

    Returns
    -------
    array, or a DataFrame for tables that name their columns, which can then be compared.

    Raises
    ------
    ValueError
        If the file is of another kind, is damaged, holds no such key, or its meaning is in doubt.
    OSError
        If it cannot be read.
    """
    path, key = _split_key(name)
    ending = _checked_ending(name, path)
    if ending == ".npz":
        return _complete(path, _read_npz(path, key), reading)
    if ending == ".npy":
        return _complete(path, _read_npy(path), reading)
    return _framed(_read_table(ending, path, reading))


def read_rows_and_ids(name: str, column: str, reading: Reading) -> tuple[Any, list[str]]:
    """Read a sample from a table, and the ids of its rows as text; the option is the reading's.

    Raises
    ------
    ValueError
        As `read_rows`, or if the file is no table, or has no such column.
    """
    path, _ = _split_key(name)
    ending = _checked_ending(name, path)
    if ending in (".npy", ".npz"):
        raise ValueError(
            f"`{reading.labels_option}` must name a column, and {name} has none with a name: ids "
            f"need a table; got {column!r}. Save rows and ids as .csv, .tsv, .txt or .parquet."
        )
    rows = _read_table(ending, path, reading, column)
    return _framed(rows), [str(value) for value in rows.labels]


def read_groups(name: str, labels: str | None, reading: Reading = _PLAIN) -> tuple[Any, Any]:
    """Read groups from a file; never unpickles.

    Parameters
    ----------
    name : str
        A path as `repdist matrix` takes it.
    labels : str, optional
        The array of an .npz file, or the column of a table, that holds the labels.
    reading : Reading
        The options of text tables and of columns.

    Returns
    -------
    groups, labels
        As `pairwise_mmd_test` takes them.
    """
    path, key = _split_key(name)
    ending = _checked_ending(name, path)
    if ending == ".npy":
        _refuse_labels(path, labels)
        return _complete(path, _read_npy(path), reading), None
    if ending != ".npz":
        if labels is None:
            raise ValueError(f"`--labels` must name the label column of {path}; got none.")
        rows = _read_table(ending, path, reading, labels)
        return _framed(rows), rows.labels
    arrays = _all_arrays(path)
    if set(arrays) >= _SPARSE:
        raise ValueError(
            f"`{path}` must hold labels beside the rows; it holds one sparse matrix. Save a .npz "
            "of its dense rows and the labels."
        )
    if labels is not None and labels not in arrays:
        raise ValueError(
            f"`--labels` must be an array of {path}; got {labels!r}, it holds "
            f"{', '.join(arrays) or '(none)'}."
        )
    if key is None and labels is None and len(arrays) > 1:
        _check_groups(path, arrays)
        return {name: _complete(path, array, reading) for name, array in arrays.items()}, None
    rest = [other for other in arrays if other != labels]
    if key is None and len(rest) == 1:
        key = rest[0]
    if key not in arrays:
        raise ValueError(
            f"`{path}` must hold one array of features beside the labels; it holds "
            f"{', '.join(rest) or '(none)'}. Name one as {path}:KEY."
        )
    if labels is None:
        return _complete(path, arrays[key], reading), None
    return _both_complete(path, arrays[key], arrays[labels], reading)


def check_options(files: Iterable[str], reading: Reading) -> None:
    """Raise if options are given that no file can use."""
    endings = [_ending(_split_key(name)[0]) for name in files]
    of_text = {"--sep": reading.sep, "--decimal": reading.decimal, "--header": reading.header}
    of_tables = {"--columns": reading.columns or None, "--drop": reading.drop or None}
    for options, wanted in ((of_text, _TEXTS), (of_tables, (*_TEXTS, ".parquet"))):
        given = [option for option, value in options.items() if value is not None]
        if given and not any(ending in wanted for ending in endings):
            kind = "text tables (.csv, .tsv, .txt)" if wanted is _TEXTS else "tables"
            raise ValueError(f"`{given[0]}` must be given for {kind}; got {', '.join(files)}.")


def input_path(name: str) -> Path:
    """Return the file that an argument names, without the key of an archive."""
    return _split_key(name)[0]


def _refuse_labels(path: Path, labels: str | None) -> None:
    if labels is not None:
        raise ValueError(f"`--labels` must not be given for {path}; got {labels!r}. Use a .npz.")


def _checked_ending(name: str, path: Path) -> str:
    """Return the ending of a file that can be read, once it is there."""
    if "\0" in name:
        raise ValueError(f"The name of a file must not hold a NUL character; got {name!r}.")
    ending = _ending(path)
    if ending not in (".npy", ".npz", ".parquet", *_TEXTS):
        line = _CONVERSIONS.get(ending, "").format(repr(str(path)))
        repair = f' Convert it: python -c "{line}"' if line else ""
        raise ValueError(
            f"`{name}` must end in {', '.join(_ENDINGS)} (or .npz:key); got "
            f"{ending or 'no ending'}.{repair}"
        )
    if not path.is_file():
        raise FileNotFoundError(f"`{path}` must be a file; there is none.")
    if not os.access(path, os.R_OK):
        raise PermissionError(f"`{path}` must be a file that can be read; permission is denied.")
    return ending


def _ending(path: Path) -> str:
    """Return the ending in small letters; two of them if the last is .gz."""
    ending = path.suffix.lower()
    return f"{Path(path.stem).suffix.lower()}{ending}" if ending == ".gz" else ending


def _split_key(name: str) -> tuple[Path, str | None]:
    head, ending, key = name.partition(".npz:")
    return (Path(head + ".npz"), key) if ending else (Path(name), None)


def _framed(rows: Rows) -> Any:
    """Return rows as a DataFrame if their columns have names."""
    if rows.names is None:
        return rows.values
    import pandas as pd

    return pd.DataFrame(rows.values, columns=rows.names)


# --- arrays --------------------------------------------------------------------------------------


def _complete(path: Path, array: Any, reading: Reading) -> Any:
    """Return an array without the rows that have missing values, if that was asked for."""
    if not reading.dropna or array.dtype.kind != "f" or array.ndim == 0:
        return array
    missing = np.isnan(array)
    if array.ndim == 3:  # groups
        gaps = missing.any(axis=2)
        _note_dropped(path, int(gaps.sum()), gaps.size)
        return [group[~gap] for group, gap in zip(array, gaps, strict=True)]
    gap = missing.reshape(len(array), -1).any(axis=1)
    _note_dropped(path, int(gap.sum()), len(gap))
    return array[~gap] if gap.any() else array


def _both_complete(path: Path, rows: Any, labels: Any, reading: Reading) -> tuple[Any, Any]:
    """Do so for rows and their labels."""
    if not reading.dropna or len(rows) != len(labels) or rows.ndim != 2:
        return rows, labels
    gap = np.isnan(rows).any(axis=1) if rows.dtype.kind == "f" else np.zeros(len(rows), bool)
    gap |= np.isnan(labels) if labels.dtype.kind == "f" else False
    _note_dropped(path, int(gap.sum()), len(gap))
    return rows[~gap], labels[~gap]


def _note_dropped(path: Path, count: int, rows: int) -> None:
    if count:
        note(f"{path}: {count} of {rows} rows have missing values, left out")


def _read_npy(path: Path) -> npt.NDArray[Any]:
    with _says_which_file_is_damaged(path):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(array, np.ndarray):
        array.close()
        raise ValueError(
            f"`{path}` must be a .npy file of numbers; it is an archive of arrays. Rename it .npz."
        )
    if isinstance(array, np.memmap):
        beyond = path.stat().st_size - array.offset - array.nbytes
        if beyond > 0:
            raise ValueError(
                f"`{path}` must hold one array; {beyond} bytes follow the first. Save each array "
                "to a file of its own, or all to one with `numpy.savez`."
            )
    return _known(path, array)


def _known(path: Path, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if array.dtype.names:
        raise ValueError(
            f"`{path}` must hold real numbers; got records of {len(array.dtype.names)} named "
            "fields. Save the fields to compare as columns of one array, or as a table."
        )
    if array.dtype.kind == "V":
        raise ValueError(
            f"`{path}` must hold real numbers; got {array.dtype.itemsize} bytes of an unnamed "
            "type, as which bfloat16 is saved. Save it as float32."
        )
    return array


def _read_npz(path: Path, key: str | None) -> npt.NDArray[Any]:
    arrays = _all_arrays(path, key)
    if key is None and set(arrays) >= _SPARSE:
        return _read_sparse(path)
    if key is None and len(arrays) == 1:
        return _known(path, next(iter(arrays.values())))
    if key not in arrays:
        raise ValueError(
            f"`{path}` holds the arrays {', '.join(arrays) or '(none)'}; got "
            f"{'no key' if key is None else repr(key)}. Name one of them as {path}:KEY."
        )
    return _known(path, arrays[key])


def _read_sparse(path: Path) -> npt.NDArray[Any]:
    import scipy.sparse

    with _says_which_file_is_damaged(path):
        return np.asarray(scipy.sparse.load_npz(path).toarray())


def _all_arrays(path: Path, only: str | None = None) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an archive; those beside `only` are named but not read."""
    with path.open("rb") as file:
        if file.read(6) == b"\x93NUMPY":
            raise ValueError(
                f"`{path}` must be a .npz file of numbers; it is one array. Rename it .npy."
            )
        file.seek(0)
        with _says_which_file_is_damaged(path):
            arrays = np.load(file, allow_pickle=False)
            return {
                name: np.asarray(arrays[name]) if only in (None, name) else np.empty(0)
                for name in arrays.files
            }


@contextmanager
def _says_which_file_is_damaged(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # a damaged file makes NumPy, zlib or the tokenizer raise anything
        reason, repair = str(error).rstrip(".") or type(error).__name__, ""
        if "pickle" in reason or "object" in reason:
            reason = "it holds Python objects, or is no NumPy file"
            repair = ", labels as text (`labels.astype(str)`)"
        raise ValueError(
            f"`{path}` must be an undamaged {path.suffix} file of numbers; reading it failed: "
            f"{reason}. Save it again with `numpy.save` or `numpy.savez`{repair}."
        ) from None


# --- tables --------------------------------------------------------------------------------------


def _read_table(ending: str, path: Path, reading: Reading, labels: str | None = None) -> Rows:
    return (_read_parquet if ending == ".parquet" else read_text)(path, reading, labels)


def _read_parquet(path: Path, reading: Reading, labels: str | None) -> Rows:
    table = _parquet_table(path)
    names = list(table.column_names)
    metadata = table.schema.pandas_metadata or {}
    of_index = {name for name in metadata.get("index_columns", []) if isinstance(name, str)}
    left_out = {i for i, name in enumerate(names) if name in of_index or _is_index(name)}
    kept = chosen(path, names, reading, labels, left_out)
    of_labels = None
    if labels is not None:
        of_labels = table.column(place(path, names, reading.labels_option, labels))
    columns = [_column(path, names[i], table.column(i), alone=len(kept) == 1) for i in kept]
    values = np.column_stack(columns)
    missing = (
        np.isnan(values).any(axis=1) if values.dtype.kind == "f" else np.zeros(len(values), bool)
    )
    if of_labels is not None:
        missing |= of_labels.is_null().to_numpy(zero_copy_only=False)
    if missing.any() and not reading.dropna:
        row = int(missing.argmax())
        of_cells = kept * values.shape[1] if len(kept) == 1 else kept  # a list has many
        gaps = [names[i] for i, value in zip(of_cells, values[row], strict=True) if value != value]
        raise ValueError(
            f"`{path}` must have a value in every cell; got none in row {row} (of rows from 0), "
            f"column {gaps[0] if gaps else labels!r}. Use `--dropna` to leave such rows out."
        )
    _note_dropped(path, int(missing.sum()), len(missing))
    values = values[~missing] if missing.any() else values
    of_rows = None if of_labels is None else of_labels.filter(~missing).to_pandas()
    lists = len(kept) == 1 and columns[0].ndim == 2
    return Rows(values, None if lists else [names[i] for i in kept], of_rows)


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


def _check_groups(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
    """Raise if an array looks like labels of another: text, or one value for each of its rows."""
    for name, array in arrays.items():
        rest = [(other, a) for other, a in arrays.items() if other != name and a.ndim == 2]
        of = [other for other, a in rest if array.ndim == 1 and len(a) == len(array)]
        if array.dtype.kind in "USO" or of or (array.ndim == 1 and rest):
            held = ", ".join(f"{other} {a.shape}" for other, a in arrays.items())
            raise ValueError(
                f"`{path}` must hold one array of rows a group; got {held}. If {name} holds "
                f"labels, use `--labels {name}`."
            )


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
