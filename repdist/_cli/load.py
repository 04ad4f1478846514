"""Samples and groups from files; nothing is ever unpickled."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist._cli.delimited import read_text
from repdist._cli.parquet import read_parquet
from repdist._cli.reading import Reading, Rows, note_dropped

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
    return _framed(_read_table(ending, path, reading, {}))


def read_rows_and_ids(
    name: str, columns: Mapping[str, str], reading: Reading
) -> tuple[Any, dict[str, list[str]]]:
    """Read a sample from a table, and the ids of its rows as text.

    Parameters
    ----------
    name : str
        As `read_rows` takes it.
    columns : mapping of str to str
        Columns of ids, by the option that names each.
    reading : Reading

    Returns
    -------
    rows, ids
        The ids by option.

    Raises
    ------
    ValueError
        As `read_rows`, or if the file is no table, or has no such column.
    """
    path, _ = _split_key(name)
    ending = _checked_ending(name, path)
    if ending in (".npy", ".npz"):
        option, column = next(iter(columns.items()))
        raise ValueError(
            f"`{option}` must name a column, and {name} has none with a name: ids need a table; "
            f"got {column!r}. Save rows and ids as .csv, .tsv, .txt or .parquet."
        )
    rows = _read_table(ending, path, reading, columns)
    return _framed(rows), {option: _texts(ids) for option, ids in rows.beside.items()}


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
    groups, of_rows, _ = read_groups_and_ids(name, labels, {}, reading)
    return groups, of_rows


def read_groups_and_ids(
    name: str, labels: str | None, ids: Mapping[str, str], reading: Reading
) -> tuple[Any, Any, dict[str, Any]]:
    """Read groups from a file, and the ids of their rows.

    Parameters
    ----------
    name, labels, reading
        As `read_groups` takes them.
    ids : mapping of str to str
        Arrays or columns of ids, by the option that names each.

    Returns
    -------
    groups, labels, ids
        As `pairwise_mmd_test` takes them; the ids by option.
    """
    path, key = _split_key(name)
    ending = _checked_ending(name, path)
    if ending == ".npy":
        _refuse_keys(path, {"--labels": labels, **ids})
        return _complete(path, _read_npy(path), reading), None, {}
    if ending != ".npz":
        if labels is None:
            raise ValueError(f"`--labels` must name the label column of {path}; got none.")
        rows = _read_table(ending, path, reading, {"--labels": labels, **ids})
        of_rows = {option: _texts(rows.beside[option]) for option in ids}
        return _framed(rows), rows.beside["--labels"], of_rows
    return _groups_of_archive(path, key, labels, ids, reading)


def alike(first: Any, second: Any) -> tuple[Any, Any]:
    """Return labels as text where those of one file are text, and numbers those of the other."""
    kinds = [np.asarray(labels).dtype.kind for labels in (first, second)]
    if kinds[0] == kinds[1] or "U" not in kinds:
        return first, second
    one, other = (
        list(map(str, labels)) if kind in "iub" else labels
        for labels, kind in zip((first, second), kinds, strict=True)
    )
    return one, other


def checked_options(files: Iterable[str], reading: Reading) -> Reading:
    """Return how these files are read; raise if options are given that no file can use."""
    endings = [_ending(_split_key(name)[0]) for name in files]
    of_text = {"--sep": reading.sep, "--decimal": reading.decimal, "--header": reading.header}
    of_tables = {"--columns": reading.columns or None, "--drop": reading.drop or None}
    tables = (*_TEXTS, ".parquet")
    for options, wanted in ((of_text, _TEXTS), (of_tables, tables)):
        given = [option for option, value in options.items() if value is not None]
        if given and not any(ending in wanted for ending in endings):
            kind = "text tables (.csv, .tsv, .txt)" if wanted is _TEXTS else "tables"
            raise ValueError(f"`{given[0]}` must be given for {kind}; got {', '.join(files)}.")
    return replace(reading, tables=sum(ending in tables for ending in endings))


def input_path(name: str) -> Path:
    """Return the file that an argument names, without the key of an archive."""
    return _split_key(name)[0]


def stem(name: str) -> str:
    """Return the name of a file without its folder and endings; the key of an archive."""
    path, key = _split_key(name)
    path = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return key or path.stem


def _refuse_keys(path: Path, keys: Mapping[str, str | None]) -> None:
    """Raise if options name what a file of mere rows has not."""
    for option, key in keys.items():
        if key is not None:
            raise ValueError(f"`{option}` must not be given for {path}; got {key!r}. Use a .npz.")


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
        note_dropped(path, int(gaps.sum()), gaps.size)
        return [group[~gap] for group, gap in zip(array, gaps, strict=True)]
    gap = missing.reshape(len(array), -1).any(axis=1)
    note_dropped(path, int(gap.sum()), len(gap))
    return array[~gap] if gap.any() else array


def _all_complete(
    path: Path, rows: Any, beside: dict[str, Any], reading: Reading
) -> tuple[Any, dict[str, Any]]:
    """Do so for rows, and their labels and ids."""
    unlike = any(values.shape != rows.shape[:1] for values in beside.values())
    if not reading.dropna or unlike or rows.ndim != 2:
        return rows, beside
    gap = np.isnan(rows).any(axis=1) if rows.dtype.kind == "f" else np.zeros(len(rows), bool)
    for values in beside.values():
        gap |= np.isnan(values) if values.dtype.kind == "f" else False
    note_dropped(path, int(gap.sum()), len(gap))
    return rows[~gap], {option: values[~gap] for option, values in beside.items()}


def _groups_of_archive(
    path: Path, key: str | None, labels: str | None, ids: Mapping[str, str], reading: Reading
) -> tuple[Any, Any, dict[str, Any]]:
    arrays = _all_arrays(path)
    if set(arrays) >= _SPARSE:
        raise ValueError(
            f"`{path}` must hold labels beside the rows; it holds one sparse matrix. Save a .npz "
            "of its dense rows and the labels."
        )
    if labels is None:
        for option, name in ids.items():
            raise ValueError(
                f"`{option}` must be given with `--labels` for {path}; got {name!r}: ids stand "
                "beside the rows of one array."
            )
    keys = ids if labels is None else {"--labels": labels, **ids}
    for option, name in keys.items():
        if name not in arrays:
            raise ValueError(
                f"`{option}` must be an array of {path}; got {name!r}, it holds "
                f"{', '.join(arrays) or '(none)'}."
            )
    if key is None and labels is None and len(arrays) > 1:
        _check_groups(path, arrays)
        return {name: _complete(path, array, reading) for name, array in arrays.items()}, None, {}
    rest = [other for other in arrays if other not in keys.values()]
    if key is None and len(rest) == 1:
        key = rest[0]
    if key not in arrays:
        raise ValueError(
            f"`{path}` must hold one array of features beside the labels; it holds "
            f"{', '.join(rest) or '(none)'}. Name one as {path}:KEY."
        )
    if labels is None:
        return _complete(path, arrays[key], reading), None, {}
    beside = {option: arrays[name] for option, name in keys.items()}
    rows, beside = _all_complete(path, arrays[key], beside, reading)
    return rows, beside.pop("--labels"), beside


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


def _read_table(ending: str, path: Path, reading: Reading, beside: Mapping[str, str]) -> Rows:
    return (read_parquet if ending == ".parquet" else read_text)(path, reading, beside)


def _texts(ids: Any) -> list[str]:
    return [str(value) for value in ids]


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
