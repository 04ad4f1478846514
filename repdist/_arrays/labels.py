"""Labels and ids as users give them: in any sequence, as Python's own objects, told apart."""

import unicodedata
from collections.abc import Hashable, Mapping, Set
from typing import Any

import numpy as np

from repdist import _checks
from repdist._arrays.samples import check_held


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


def order_of(labels: Any, of_row: list[Hashable]) -> list[Hashable]:
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
        what = "labels" if "label" in name else name if name in ("names", "groups") else "ids"
        raise TypeError(
            f"`{name}` must be a sequence of {what}; got {_checks.describe(labels)}.{column}"
        )
    _check_labels(name, labels)
    if getattr(getattr(labels, "dtype", None), "kind", "") in ("m", "M"):
        import pandas as pd

        labels = pd.Series(labels)  # its dates stay dates
    values = [value.item() if isinstance(value, np.generic) else value for value in _listed(labels)]
    for value in values:
        if isinstance(value, str) and not value.isprintable() and _is_broken(value):
            raise ValueError(f"`{name}` must be text that can be written; got {value!r}.")
        try:
            hash(value)
        except TypeError:
            raise TypeError(f"`{name}` must be hashable; got {_checks.describe(value)}.") from None
    return _as_text(name, values)


_AS_LIST = ("tolist", "to_pylist", "to_list")  # NumPy, pandas and torch; Arrow; polars


def one_a_column(name: str, given: Any, count: int) -> tuple[Hashable, ...]:
    """Return what was given for each of so many columns: names, or groups."""
    if isinstance(given, (Set, Mapping)):
        raise TypeError(f"`{name}` must be a sequence of {name}; got {_checks.describe(given)}.")
    values = to_list(name, given)
    if len(values) != count:
        raise ValueError(
            f"`{name}` must have one entry a column, {count:,} in all; got {len(values):,}."
        )
    if missing := [place for place, value in enumerate(values) if is_missing(value)]:
        raise ValueError(f"`{name}` must have no missing values; got one for column {missing[0]}.")
    check_kinds(name, values)
    check_shown(name, list(dict.fromkeys(values)))
    return tuple(values)


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


def _is_broken(text: str) -> bool:
    """Tell whether text holds halves of characters, which no file takes."""
    return any("\ud800" <= character <= "\udfff" for character in text)


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
