"""How users give groups: as a mapping, a list, an array, or rows with labels."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from repdist import _array, _checks, _samples
from repdist._array import Array


@dataclass(frozen=True)
class Groups:
    """Checked groups, all of one dtype, library and width.

    Attributes
    ----------
    names : tuple
        One name a group, all different.
    arrays : list of (n_g, d) arrays
    """

    names: tuple[Hashable, ...]
    arrays: list[Array]


def read_groups(groups: Any, labels: Any) -> Groups:
    """Return the groups in whatever form they were given; see `pairwise_mmd_test`."""
    if isinstance(groups, Mapping):
        if labels is not None:
            raise ValueError(
                "`labels` must be None if `groups` is a mapping: its keys are the names; got "
                f"{_checks.describe(labels)}."
            )
        return _named(_to_list(list(groups)), list(groups.values()))
    if hasattr(groups, "columns") and hasattr(groups, "drop"):
        return _from_table(groups, labels)
    if isinstance(groups, (list, tuple)):
        return _named(_names(labels, len(groups)), list(groups))
    shape = getattr(groups, "shape", None)
    if shape is None:
        raise TypeError(
            "`groups` must be a mapping, a list of arrays, an array or a DataFrame; got "
            f"{_checks.describe(groups)}."
        )
    _samples.check_chunks("groups", groups)
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
    if any(_is_missing(name) for name in names):
        raise ValueError("`groups` must have names; got a missing one (None or NaN).")
    repeated = [name for name in names if shown.count(str(name)) > 1]
    if repeated:
        raise ValueError(f"`labels` must name each group once; got {repeated[0]!r} twice.")
    given = {f"groups[{name!r}]": array for name, array in zip(names, arrays, strict=True)}
    return Groups(tuple(names), [_array.detach(a) for a in _samples.samples(given)])


def _names(labels: Any, count: int) -> list[Hashable]:
    if labels is None:
        return list(range(count))
    names = _to_list(labels)
    if len(names) != count:
        raise ValueError(
            f"`labels` must hold one name a group; got {len(names)} names for {count} groups."
        )
    return names


def _from_table(table: Any, labels: Any) -> Groups:
    if labels is None:
        raise ValueError("`labels` must name the label column of a DataFrame; got None.")
    if (
        hasattr(labels, "index")
        and hasattr(labels, "iloc")
        and not labels.index.equals(table.index)
    ):
        raise ValueError(
            "`labels` must have the index of the DataFrame; got another one. "
            "Use `labels.loc[df.index]`."
        )
    if _is_column_name(labels, table):
        if labels not in table.columns:
            raise ValueError(
                f"`labels` must be a column of the DataFrame; got {labels!r}, it has "
                f"{', '.join(map(str, table.columns[:8]))}."
            )
        if table[labels].ndim != 1:
            raise ValueError(
                f"`labels` must name one column of the DataFrame; {labels!r} names several. "
                "Rename them."
            )
        return _labelled(table.drop(columns=[labels]), table[labels])
    return _labelled(table, labels)


def _is_column_name(labels: Any, table: Any) -> bool:
    if isinstance(labels, tuple):
        return labels in table.columns
    return isinstance(labels, str) or (
        isinstance(labels, Hashable) and not hasattr(labels, "__len__")
    )


def _labelled(rows: Any, labels: Any) -> Groups:
    if labels is None:
        raise ValueError(
            "`labels` must hold one label a row if `groups` has shape (rows, columns); got None."
        )
    (Z,) = _samples.samples({"groups": rows})
    Z = _array.detach(Z)
    of_row = _to_list(labels)
    if len(of_row) != len(Z):
        raise ValueError(
            f"`labels` must hold one label a row; got {len(of_row)} labels for {len(Z)} rows."
        )
    missing = [i for i, label in enumerate(of_row) if _is_missing(label)]
    if missing:
        raise ValueError(
            f"`labels` must not be missing; got {of_row[missing[0]]!r} in row {missing[0]} "
            f"({len(missing)} in all). Drop these rows."
        )
    names = _order(labels, of_row)
    if len({str(name) for name in names}) < len(names):
        raise ValueError("`labels` must differ when printed; got e.g. both 1 and '1'. Rename one.")
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
    return Groups(tuple(names), [_array.take_rows(Z, index) for index in members])


def _order(labels: Any, of_row: list[Hashable]) -> list[Hashable]:
    """Return the names in their order: categories, else sorted, else as they appear."""
    present = dict.fromkeys(of_row)
    categories = getattr(getattr(labels, "cat", labels), "categories", None)
    if categories is not None:
        return [name for name in categories.tolist() if name in present]
    try:
        return sorted(present)  # type: ignore[type-var]
    except TypeError:
        return list(present)


def _to_list(labels: Any) -> list[Hashable]:
    if isinstance(labels, (str, bytes)) or not hasattr(labels, "__len__"):
        raise TypeError(
            f"`labels` must be a sequence of labels; got {_checks.describe(labels)}. "
            "A column name goes with a DataFrame only."
        )
    _check_labels(labels)
    if getattr(getattr(labels, "dtype", None), "kind", "") in ("m", "M"):
        import pandas as pd

        labels = pd.Series(labels)  # its dates stay dates
    values = labels.tolist() if hasattr(labels, "tolist") else list(labels)
    values = [value.item() if isinstance(value, np.generic) else value for value in values]
    for value in values:
        try:
            hash(value)
        except TypeError:
            raise TypeError(f"`labels` must be hashable; got {_checks.describe(value)}.") from None
    return values


def _check_labels(labels: Any) -> None:
    """Raise if the labels do not lie in memory, or have more dimensions than one."""
    _samples.check_held({"labels": labels})
    if getattr(getattr(labels, "device", None), "type", "") == "meta":
        raise TypeError("`labels` must hold data; got a tensor on the meta device, which has none.")
    if getattr(labels, "ndim", 1) != 1:
        repair = "Choose a column." if hasattr(labels, "columns") else "Use `labels.ravel()`."
        raise ValueError(
            f"`labels` must have one dimension; got shape {tuple(labels.shape)}. {repair}"
        )


def _is_missing(label: Any) -> bool:
    """Tell whether a label is None, NaN, NaT or pandas' NA."""
    if label is None:
        return True
    try:
        return bool(label != label)
    except TypeError:  # pandas.NA has no truth value
        return True
