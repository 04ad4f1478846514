"""How users give groups: as a mapping, a list, an array, or rows with labels."""

import itertools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from repdist import _checks
from repdist._arrays.ids import Ids, read_ids
from repdist._arrays.labels import (
    check_index,
    check_kinds,
    check_shown,
    is_missing,
    order_of,
    to_list,
)
from repdist._arrays.libraries import detach
from repdist._arrays.rows import take_rows
from repdist._arrays.samples import check_chunks, read_samples, refuse_containers
from repdist._arrays.tables import (
    column_names,
    is_column_name,
    is_table,
    refuse_tables_elsewhere,
    split_off,
    split_off_ids,
)
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
    ids : dict of Ids
        What was given of each row, by argument.
    """

    names: tuple[Hashable, ...]
    arrays: list[Array]
    columns: tuple[str, ...] = ()
    ids: Mapping[str, Ids] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, repr=False)
class Reference:
    """What all groups are compared with, as it was given; the name that it has among them.

    Attributes
    ----------
    rows : array-like
    ids : mapping of str to sequence
        Of its rows, by argument.
    """

    rows: Any
    ids: Mapping[str, Any]

    def __repr__(self) -> str:
        return "reference"


def read_groups(
    groups: Any,
    labels: Any,
    ids: Mapping[str, Any] | None = None,
    reference: Reference | None = None,
) -> Groups:
    """Return the groups in whatever form they were given; see `pairwise_mmd_test`.

    `ids` are given as groups are: one a row of all, or of each group by its key; or the name of a
    column of a table, which is then no feature. A `reference` becomes group 0.
    """
    ids = ids or {}
    _refuse_sample_as_labels(labels)
    if isinstance(groups, Mapping):
        if labels is not None:
            raise ValueError(
                "`labels` must be None if `groups` is a mapping: its keys are the names; got "
                f"{_checks.describe(labels)}."
            )
        of_keys = {name: _by_key(name, values, groups) for name, values in ids.items()}
        return _named(to_list("labels", list(groups)), list(groups.values()), of_keys, reference)
    if is_table(groups):
        return _from_table(groups, labels, ids, reference)
    refuse_containers("groups", groups, " with its labels, e.g. `groups.obs[COLUMN]`")
    refuse_tables_elsewhere("groups", groups)
    if isinstance(groups, (list, tuple)):
        return _named(
            _names(labels, len(groups)), list(groups), _by_place(ids, len(groups)), reference
        )
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
    if len(shape) == 2 and labels is None:
        raise ValueError(
            f"{_FORMS}, or rows with `labels`, one a row; got one sample, of shape {tuple(shape)}, "
            "without labels."
        )
    if len(shape) == 3:
        return _named(_names(labels, shape[0]), list(groups), _by_place(ids, shape[0]), reference)
    if len(shape) != 2:
        raise ValueError(
            f"`groups` must have shape (groups, rows, columns), or (rows, columns) with "
            f"`labels`; got shape {tuple(shape)}."
        )
    return _labelled(groups, labels, ids, reference)


_FORMS = '`groups` must be a dict of samples, {"A": rows, ...}, a list of samples'


def _refuse_sample_as_labels(labels: Any) -> None:
    """Raise if another group was given after the first, in the place of labels."""
    shape = () if labels is None else tuple(getattr(labels, "shape", ()))
    if len(shape) != 2 or shape[1] == 1:
        return
    column = " Or choose a column of it." * is_table(labels)
    raise ValueError(
        f"`labels` must be one label a row, or one name a group; got a sample of shape {shape}. "
        f'Give all groups in one dict, {{"A": rows, "B": rows}}, or in one list.{column}'
    )


def _by_key(name: str, ids: Any, groups: Mapping[Any, Any]) -> Any:
    """Return the ids of each group of a mapping, in its order; a column's name stays."""
    if is_column_name(ids):
        return ids
    if not isinstance(ids, Mapping):
        raise TypeError(
            f"`{name}` must be a mapping of the keys of `groups` to ids, one a row, or the name of "
            f"a column of its tables; got {_checks.describe(ids)}."
        )
    for missing in (key for key in groups if key not in ids):
        raise ValueError(f"`{name}` must have the keys of `groups`; got none for {missing!r}.")
    for extra in (key for key in ids if key not in groups):
        raise ValueError(f"`{name}` must have the keys of `groups`; got {extra!r} too.")
    return [ids[key] for key in groups]


def _by_place(ids: Mapping[str, Any], count: int) -> dict[str, Any]:
    """Return the ids of each group of a list; a column's name stays."""
    for name, values in ids.items():
        if not is_column_name(values) and (not hasattr(values, "__len__") or len(values) != count):
            got = (
                f"{len(values)} of them" if hasattr(values, "__len__") else _checks.describe(values)
            )
            raise ValueError(
                f"`{name}` must hold the ids of each of the {count} groups, one a row; got {got}."
            )
    return dict(ids)


def _named(
    names: list[Hashable], arrays: list[Any], ids: Mapping[str, Any], reference: Reference | None
) -> Groups:
    if len(arrays) < 2 and (reference is None or not arrays):
        least = "two groups" if reference is None else "one group"
        raise ValueError(f"`groups` must hold at least {least}; got {len(arrays)}.")
    shown = [str(name) for name in names]
    if any(is_missing(name) for name in names):
        raise ValueError("`groups` must have names; got a missing one (None or NaN).")
    check_kinds("labels", names)
    repeated = [name for name in names if shown.count(str(name)) > 1]
    if repeated:
        raise ValueError(f"`labels` must name each group once; got {repeated[0]!r} twice.")
    check_shown("labels", names)
    given = {f"groups[{name!r}]": array for name, array in zip(names, arrays, strict=True)}
    if reference is not None:
        given, names = {"reference": reference.rows} | given, [reference, *names]
    of_rows = {}
    for argument, values in ids.items():
        if is_column_name(values):
            split = {
                key: split_off_ids(table, values, argument, key) for key, table in given.items()
            }
            given = {key: rest for key, (rest, _) in split.items()}
            values = [column for _, column in split.values()]
        elif reference is not None:
            values = [reference.ids[argument], *values]
        of_rows[argument] = values
    columns = column_names(next(iter(given.values())))
    read = [detach(array) for array in read_samples(given)]
    sizes = {key: len(array) for key, array in zip(given, read, strict=True)}
    tables = list(given.values())
    found = {
        argument: read_ids(
            argument, values, sizes, tables, [f"{argument}[{name!r}]" for name in names]
        )
        for argument, values in of_rows.items()
    }
    return Groups(tuple(names), read, columns, found)


def _names(labels: Any, count: int) -> list[Hashable]:
    if labels is None:
        return list(range(count))
    names = to_list("labels", labels)
    if len(names) != count:
        raise ValueError(
            f"`labels` must hold one name a group; got {len(names)} names for {count} groups."
        )
    return names


def _from_table(
    table: Any, labels: Any, ids: Mapping[str, Any], reference: Reference | None
) -> Groups:
    if labels is None:
        raise ValueError(
            f"{_FORMS}, or a table with the name of its label column, `labels`; got one table "
            "without it."
        )
    check_index("labels", labels, table)
    of_rows: dict[str, Any] = {}
    columns = {"labels": labels} | dict(ids)
    named = [name for name, values in columns.items() if _is_column_name(values, table)]
    for first, second in itertools.combinations(named, 2):
        if columns[first] == columns[second]:
            raise ValueError(
                f"`{first}` and `{second}` must be two columns; got {columns[first]!r} for both."
            )
    for name, values in ids.items():
        check_index(name, values, table)
        if _is_column_name(values, table):
            if reference is not None:
                reference = _without_column(reference, values, name)
            table, values = split_off(table, values, name)
        of_rows[name] = values
    if _is_column_name(labels, table):
        table, labels = split_off(table, labels)
    return _labelled(table, labels, of_rows, reference)


def _without_column(reference: Reference, column: Any, argument: str) -> Reference:
    """Return the reference with one of its columns as ids."""
    rows, ids = split_off_ids(reference.rows, column, argument, "reference")
    return Reference(rows, {**reference.ids, argument: ids})


def _is_column_name(labels: Any, table: Any) -> bool:
    if isinstance(labels, tuple):
        return labels in list(table.columns)
    return isinstance(labels, str) or (
        isinstance(labels, Hashable) and not hasattr(labels, "__len__")
    )


def _labelled(
    rows: Any, labels: Any, ids: Mapping[str, Any], reference: Reference | None
) -> Groups:
    given = {"groups": rows} if reference is None else {"reference": reference.rows, "groups": rows}
    *others, Z = (detach(array) for array in read_samples(given))
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
    names = order_of(labels, of_row)
    check_shown("labels", names)
    if len(names) < 2 and reference is None:
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
    sizes = {name: len(array) for name, array in zip(given, [*others, Z], strict=True)}
    at = [(len(others), index) for index in members]
    if reference is not None:
        at, names = [(0, np.arange(sizes["reference"])), *at], [reference, *names]
    found = {}
    for name, values in ids.items():
        of_samples = [values] if reference is None else [reference.ids[name], values]
        read = read_ids(name, of_samples, sizes, list(given.values()))
        found[name] = read.taken(at)
    arrays = [*others, *(take_rows(Z, index) for index in members)]
    return Groups(tuple(names), arrays, column_names(rows), found)
