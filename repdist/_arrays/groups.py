"""How users give groups: as a mapping, a list, an array, or rows with labels."""

import unicodedata
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from repdist import _checks
from repdist._arrays.libraries import detach
from repdist._arrays.rows import take_rows
from repdist._arrays.samples import check_chunks, check_held, read_samples, refuse_containers
from repdist._arrays.tables import column_names, is_table, refuse_tables_elsewhere, split_off
from repdist._typing import Array


@dataclass(frozen=True)
class Groups:
    """Checked groups, all of one dtype, library and width.

    Attributes
    ----------
    names : tuple
        One name a group, all different.
    arrays : list of (n_g, d) arrays
    columns : (d,) or empty
        The names of the columns, if they have any.
    """

    names: tuple[Hashable, ...]
    arrays: list[Array]
    columns: tuple[str, ...] = ()


def read_groups(groups: Any, labels: Any) -> Groups:
    """Return the groups in whatever form they were given; see `pairwise_mmd_test`."""
    if isinstance(groups, Mapping):
        if labels is not None:
            raise ValueError(
                "`labels` must be None if `groups` is a mapping: its keys are the names; got "
                f"{_checks.describe(labels)}."
            )
        return _named(to_list("labels", list(groups)), list(groups.values()))
    if is_table(groups):
        return _from_table(groups, labels)
    refuse_containers("groups", groups, " with its labels, e.g. `groups.obs[COLUMN]`")
    refuse_tables_elsewhere("groups", groups)
    if isinstance(groups, (list, tuple)):
        return _named(_names(labels, len(groups)), list(groups))
    if getattr(groups, "is_nested", False):
        raise TypeError(
            "`groups` must be a dense tensor or a list of tensors; got a nested tensor. Use "
            "`groups.unbind()`."
        )
    shape = getattr(groups, "shape", None)
    if shape is None:
        raise TypeError(
            "`groups` must be a mapping, a list of arrays, an array or a table; got "
            f"{_checks.describe(groups)}."
        )
    check_chunks("groups", groups)
    if len(shape) == 3:
        return _named(_names(labels, shape[0]), list(groups))
    if len(shape) != 2:
        raise ValueError(
            f"`groups` must have shape (groups, rows, columns), or (rows, columns) with "
            f"`labels`; got shape {tuple(shape)}."
        )
    return _labelled(groups, labels)


def _named(names: list[Hashable], arrays: list[Any]) -> Groups:
    if len(arrays) < 2:
        raise ValueError(f"`groups` must hold at least two groups; got {len(arrays)}.")
    shown = [str(name) for name in names]
    if any(is_missing(name) for name in names):
        raise ValueError("`groups` must have names; got a missing one (None or NaN).")
    check_kinds("labels", names)
    repeated = [name for name in names if shown.count(str(name)) > 1]
    if repeated:
        raise ValueError(f"`labels` must name each group once; got {repeated[0]!r} twice.")
    check_shown("labels", names)
    given = {f"groups[{name!r}]": array for name, array in zip(names, arrays, strict=True)}
    return Groups(tuple(names), [detach(a) for a in read_samples(given)], column_names(arrays[0]))


def _names(labels: Any, count: int) -> list[Hashable]:
    if labels is None:
        return list(range(count))
    names = to_list("labels", labels)
    if len(names) != count:
        raise ValueError(
            f"`labels` must hold one name a group; got {len(names)} names for {count} groups."
        )
    return names


def _from_table(table: Any, labels: Any) -> Groups:
    if labels is None:
        raise ValueError("`labels` must name the label column of a table; got None.")
    check_index("labels", labels, table)
    if _is_column_name(labels, table):
        rest, column = split_off(table, labels)
        return _labelled(rest, column)
    return _labelled(table, labels)


def _is_column_name(labels: Any, table: Any) -> bool:
    if isinstance(labels, tuple):
        return labels in list(table.columns)
    return isinstance(labels, str) or (
        isinstance(labels, Hashable) and not hasattr(labels, "__len__")
    )


def _labelled(rows: Any, labels: Any) -> Groups:
    if labels is None:
        raise ValueError(
            "`labels` must hold one label a row if `groups` has shape (rows, columns); got None."
        )
    (Z,) = read_samples({"groups": rows})
    Z = detach(Z)
    of_row = to_list("labels", labels)
    if len(of_row) != len(Z):
        raise ValueError(
            f"`labels` must hold one label a row; got {len(of_row)} labels for {len(Z)} rows."
        )
    missing = [i for i, label in enumerate(of_row) if is_missing(label)]
    if missing:
        raise ValueError(
            f"`labels` must not be missing; got {of_row[missing[0]]!r} in row {missing[0]} "
            f"({len(missing)} in all). Drop these rows."
        )
    check_kinds("labels", of_row)
    names = _order(labels, of_row)
    check_shown("labels", names)
    if len(names) < 2:
        raise ValueError(f"`labels` must name at least two groups; got only {names[0]!r}.")
    number = {name: g for g, name in enumerate(names)}
    group = np.array([number[label] for label in of_row])
    members = [np.flatnonzero(group == g) for g in range(len(names))]
    for name, index in zip(names, members, strict=True):
        if len(index) < 2:
            raise ValueError(
                f"`groups` must have at least 2 rows in each group; {name!r} has 1, row "
                f"{index[0]}. Leave it out or join it to another group."
            )
    return Groups(tuple(names), [take_rows(Z, index) for index in members], column_names(rows))


def check_index(name: str, labels: Any, table: Any) -> None:
    """Raise if a pandas Series belongs to rows in another order than those of a DataFrame."""
    both_indexed = all(
        hasattr(value, "index") and hasattr(value, "iloc") for value in (labels, table)
    )
    if both_indexed and not labels.index.equals(table.index):
        raise ValueError(
            f"`{name}` must have the index of the DataFrame; got another one. "
            f"Use `{name}.loc[df.index]`."
        )


def check_kinds(name: str, labels: list[Hashable]) -> None:
    """Raise if labels that are equal to Python are not to a reader: 1, 1.0 and True."""
    seen: dict[Hashable, Hashable] = {}
    for _, label in set(zip(map(type, labels), labels, strict=True)):
        other = seen.setdefault(label, label)
        if str(other) != str(label):
            both = " and ".join(sorted([repr(other), repr(label)]))
            raise ValueError(
                f"`{name}` must be of one kind; got {both}, which would become one. Use text, e.g. "
                "`[str(value) for value in values]`."
            )


def check_shown(name: str, values: list[Hashable]) -> None:
    """Raise if two names look alike: 1 and '1', or such as differ in what is not seen."""
    seen: dict[str, Hashable] = {}
    for value in values:
        other = seen.setdefault(_looks(value), value)
        if other is not value:
            raise ValueError(
                f"`{name}` must differ when printed; got both {other!r} and {value!r}. Rename one."
            )


def _order(labels: Any, of_row: list[Hashable]) -> list[Hashable]:
    """Return the names in their order: categories, else sorted, else as they appear."""
    present = dict.fromkeys(of_row)
    categories = getattr(getattr(labels, "dtype", None), "categories", None)
    if any(hasattr(categories, method) for method in _AS_LIST):
        return [name for name in _as_text("labels", _listed(categories)) if name in present]
    try:
        return sorted(present)  # type: ignore[type-var]
    except TypeError:
        return list(present)


def to_list(name: str, labels: Any) -> list[Hashable]:
    """Return labels as Python's own objects; `name` is what messages call the argument."""
    if isinstance(labels, (str, bytes)) or not hasattr(labels, "__len__"):
        column = " A column name goes with a table only." * (name == "labels")
        raise TypeError(
            f"`{name}` must be a sequence of labels; got {_checks.describe(labels)}.{column}"
        )
    _check_labels(name, labels)
    if getattr(getattr(labels, "dtype", None), "kind", "") in ("m", "M"):
        import pandas as pd

        labels = pd.Series(labels)  # its dates stay dates
    values = [value.item() if isinstance(value, np.generic) else value for value in _listed(labels)]
    for value in values:
        try:
            hash(value)
        except TypeError:
            raise TypeError(f"`{name}` must be hashable; got {_checks.describe(value)}.") from None
    return _as_text(name, values)


_AS_LIST = ("tolist", "to_pylist", "to_list")  # NumPy, pandas and torch; Arrow; polars


def _listed(labels: Any) -> list[Any]:
    method = next((method for method in _AS_LIST if hasattr(labels, method)), None)
    return list(labels) if method is None else list(getattr(labels, method)())


def _as_text(name: str, values: list[Any]) -> list[Hashable]:
    """Return labels with bytes, as HDF5 gives them, as the text that they are."""
    if not any(isinstance(value, bytes) for value in values):
        return values
    if any(isinstance(value, str) for value in values):
        raise TypeError(f"`{name}` must be text or bytes; got both. Decode the bytes.")
    try:
        return [value.decode() if isinstance(value, bytes) else value for value in values]
    except UnicodeDecodeError as error:
        raise ValueError(
            f"`{name}` must be text in UTF-8; got {error.object!r}. Decode them, e.g. with "
            "`numpy.char.decode`."
        ) from None


def _check_labels(name: str, labels: Any) -> None:
    """Raise if the labels do not lie in memory, or have more dimensions than one."""
    check_held({name: labels})
    if getattr(getattr(labels, "device", None), "type", "") == "meta":
        raise TypeError(
            f"`{name}` must hold data; got a tensor on the meta device, which has none."
        )
    if getattr(labels, "ndim", 1) != 1:
        repair = "Choose a column." if hasattr(labels, "columns") else f"Use `{name}.ravel()`."
        raise ValueError(
            f"`{name}` must have one dimension; got shape {tuple(labels.shape)}. {repair}"
        )


def _looks(name: Hashable) -> str:
    """Return a name as it looks: one form of composed letters, no invisible marks, plain spaces."""
    text = unicodedata.normalize("NFKC", str(name))
    seen = (c for c in text if c.isspace() or unicodedata.category(c) not in ("Cf", "Cc"))
    return " ".join("".join(seen).split())


def is_missing(label: Any) -> bool:
    """Tell whether a label is None, NaN, NaT or pandas' NA."""
    if label is None:
        return True
    try:
        return bool(label != label)
    except TypeError:  # pandas.NA has no truth value
        return True
