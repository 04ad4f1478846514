"""Options of reading that commands share: of text tables, and of columns."""

import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy.typing as npt

# What a cell without a value may say. Labels are text: to them only an empty cell is missing.
MISSING = frozenset({
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
})  # fmt: skip
SEPARATORS = {
    "comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "space": " ", "whitespace": " ",
    "pipe": "|",
}  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """How files are read: what the options of the command say; None where they say nothing.

    `ids` are the options of the command that may name a column of ids or labels, for messages.
    A name of `drop` need be in one of `tables` that belong together, of which `seen` are the
    columns so far; a table on its own must have all.
    """

    sep: str | None = None
    decimal: str | None = None
    header: bool | None = None
    columns: Sequence[str] = ()
    drop: Sequence[str] = ()
    dropna: bool = False
    standardize: bool = False
    ids: Sequence[str] = ()
    tables: int = 1
    seen: list[tuple[Path, Sequence[str]]] = field(default_factory=list, compare=False)

    @property
    def done(self) -> str:
        """What was done to the rows, for the heading of a page."""
        return "Columns standardised" * self.standardize

    def separator(self) -> str | None:
        """Return the character that `--sep` means."""
        sep = SEPARATORS.get(self.sep or "", self.sep)
        if sep is not None and (len(sep) != 1 or sep in '"\n\r' or sep.isalnum()):
            raise ValueError(
                f"`--sep` must be one character, or tab, space, comma, semicolon or pipe; got "
                f"{self.sep!r}."
            )
        if sep is not None and sep == self.decimal:
            raise ValueError(f"`--sep` and `--decimal` must differ; got {sep!r} for both.")
        return sep

    def decimal_mark(self) -> str | None:
        """Return the decimal mark, once it can be one."""
        if self.decimal not in (None, ".", ","):
            raise ValueError(f"`--decimal` must be . or ,; got {self.decimal!r}.")
        return self.decimal


class Rows(NamedTuple):
    """What a table holds.

    Attributes
    ----------
    values : (N, d)
    names : list of str or None
        Of the columns of values.
    beside : dict
        What columns that are not compared hold, (N,), by the option that names them.
    """

    values: npt.NDArray[Any]
    names: list[str] | None
    beside: dict[str, Any]


def chosen(
    path: Path,
    names: Sequence[str],
    reading: Reading,
    beside: Mapping[str, int],
    left_out: set[int],
) -> list[int]:
    """Return the places of the columns that are compared.

    Parameters
    ----------
    path : Path
        The file, for messages.
    names : sequence of str
        Of all its columns.
    reading : Reading
    beside : mapping of str to int
        The columns of labels and ids, which are not compared, by the option that names them.
    left_out : set of int
        Columns that are no features unless `--columns` names them: an index.
    """
    dropped = _dropped(path, names, reading)
    kept = [
        place(path, names, "--columns", name)
        for name in _listed("--columns", reading.columns, names)
    ]
    if not reading.columns:
        kept = [i for i in range(len(names)) if i not in left_out]
    for option, i in beside.items():
        if i in dropped or (reading.columns and i in kept):
            raise ValueError(
                f"`{option}` must name a column that is not compared; got {names[i]!r}, which "
                "`--columns` or `--drop` names too."
            )
    kept = [i for i in dict.fromkeys(kept) if i not in dropped | set(beside.values())]
    if not kept:
        raise ValueError(f"`{path}` must have columns left to compare; it has {_shown(names)}.")
    return kept


def _dropped(path: Path, names: Sequence[str], reading: Reading) -> set[int]:
    """Return the places of columns to leave out; raise at the last table for what none has."""
    listed = _listed("--drop", reading.drop, names)
    if not listed or reading.tables == 1:
        return {place(path, names, "--drop", name) for name in listed}
    reading.seen.append((path, names))
    if len(reading.seen) == reading.tables:
        anywhere = list(dict.fromkeys(name for _, columns in reading.seen for name in columns))
        unknown = [n for n in _listed("--drop", reading.drop, anywhere) if n not in anywhere]
        if unknown:
            files = " or ".join(dict.fromkeys(str(file) for file, _ in reading.seen))
            raise ValueError(
                f"`--drop` must name a column of {files}; got {unknown[0]!r}, they have "
                f"{_shown(anywhere)}."
            )
    return {place(path, names, "--drop", name) for name in listed if name in names}


def places(path: Path, names: Sequence[str], beside: Mapping[str, str]) -> dict[str, int]:
    """Return which column each option names."""
    return {option: place(path, names, option, name) for option, name in beside.items()}


def place(path: Path, names: Sequence[str], option: str, name: str) -> int:
    """Return which column an option names."""
    found = [i for i, other in enumerate(names) if other == name]
    if not found:
        raise ValueError(
            f"`{option}` must name a column of {path}; got {name!r}, it has {_shown(names)}."
        )
    if len(found) > 1:
        raise ValueError(
            f"`{option}` must name one column of {path}; {len(found)} are called {name!r}."
        )
    return found[0]


def for_other_columns(wrong: Sequence[str], reading: Reading, beside: Iterable[str]) -> str:
    """Return what to do with columns that hold no numbers, by options that were not given yet."""
    one = shlex.quote(wrong[0])
    named = [f"`{option} {one}`" for option in reading.ids if option not in beside]
    use = f"If {wrong[0]} holds ids or classes of rows, use {' or '.join(named)}. " if named else ""
    all_of_them = ",".join(map(shlex.quote, wrong))
    return f"{use}Leave out what is not compared: `--drop {all_of_them}`"


def check_apart(rule: str, names: Sequence[str], repair: str = "") -> None:
    """Raise if a name stands twice among others."""
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{rule}; got {name!r} twice.{repair}")


def note(text: str) -> None:
    """Say on the standard error what was done to the data."""
    print(f"repdist: {text}", file=sys.stderr)


def note_dropped(path: Path, count: int, rows: int) -> None:
    """Say how many rows with missing values were left out, if any were."""
    if count:
        note(f"{path}: {count} of {rows} rows have missing values, left out")


def _listed(option: str, given: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return names given one by one or with commas between them; a name may hold a comma."""
    listed: list[str] = []
    for text in given:
        parts = [part.strip() for part in text.split(",")]
        if len(parts) > 1 and text in names and set(parts) <= set(names):
            each = " ".join(f"{option} {part}" for part in parts)
            raise ValueError(
                f"`{option}` must name columns beyond doubt; {text!r} is one column and a list of "
                f"others. Use `{each}` for these, or rename that one."
            )
        listed += [text] if text in names else parts
    return listed


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + ", ..." * (len(names) > 8)
