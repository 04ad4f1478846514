"""How a text table is laid out: separator, decimal mark and header, found or refused."""

import csv
import gzip
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from repdist._cli.reading import MISSING, Reading

_HEAD = 200  # lines that are looked at first
_MARKS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes", " ": "spaces"}
_FLAGS = {"True", "TRUE", "true", "False", "FALSE", "false"}
_WITH_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_WITH_DOT = re.compile(r"[+-]?(\d+\.\d*|\.\d+)([eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_POINTS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")
_SHORT = re.compile(r"[+-]?\d{1,3}")
_WITH_BOTH = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+")
_WITH_EXPONENT = re.compile(r"[^a-zA-Z]*\d\.?[eE][+-]?\d+")
_LIST = re.compile(r"\[[^\]]*\]")
_OF_EXCEL = re.compile(r'"?sep=(.)"?\s*')


class Record(NamedTuple):
    """A line of a text table: its number, and its cells."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class Layout:
    """How a text table is laid out.

    Attributes
    ----------
    path : Path
    sep, decimal : str
    names : tuple of str
        Of all columns; V1, V2, ... where the file has none.
    named : bool
        Whether the file names them.
    index : bool
        Whether the first column is one that has no name.
    halves : bool
        Whether a decimal comma in one column would look the same.
    skipped : int
        Lines before the rows.
    """

    path: Path
    sep: str
    decimal: str
    names: tuple[str, ...]
    named: bool
    index: bool
    halves: bool
    skipped: int


def bad_file(path: Path, reason: str) -> ValueError:
    """Return the error that says what is wrong with a file."""
    ending = "".join(path.suffixes[-2:]) if path.suffix.lower() == ".gz" else path.suffix
    return ValueError(f"`{path}` must be a {ending} file of numbers; {reason}.")


def find_layout(path: Path, reading: Reading) -> Layout:
    """Return how a text table is laid out; raise where two readings are possible."""
    with opened(path) as file:
        before, lines = _first_lines(file)
    if not lines:
        raise bad_file(path, "it holds no rows")
    told = next(filter(None, map(_OF_EXCEL.fullmatch, before[:1])), None)
    whole = len(lines) < _HEAD
    sep = reading.separator() or (told[1] if told else _separator(path, lines, whole))
    records = _records(lines, sep, len(before))[: None if whole else -1]
    if not records:
        raise bad_file(path, "its first lines hold a quotation mark that is not closed")
    decimal = reading.decimal_mark() or _decimal(path, records, sep)
    comment = next((line for line in reversed(before) if line.startswith("#")), "")
    quoted = lines[0].startswith('"') and not all(line.startswith('"') for line in lines)
    head = _Head(path, sep, decimal, records, comment, lines[0].strip(), quoted)
    return _with_names(head, reading, len(before))


def _first_lines(file: TextIO) -> tuple[list[str], list[str]]:
    """Return the lines before the table, which are comments or blank, and its first ones."""
    before: list[str] = []
    for line in file:
        told = not before and _OF_EXCEL.fullmatch(line)
        if told or line.startswith("#") or not line.strip():
            before.append(line)
        else:
            return before, [line, *itertools.islice(file, _HEAD - 1)]
    return before, []


def opened(path: Path) -> TextIO:
    """Open a text table, compressed or not."""
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _records(lines: Iterable[str], sep: str, before: int = 0) -> list[Record]:
    return list(each_record(lines, sep, before))


def each_record(lines: Iterable[str], sep: str, before: int = 0) -> Iterator[Record]:
    """Yield the lines that are not blank as cells; a quoted cell may go over several lines."""
    if sep == " ":
        lines = (line.strip().replace("\t", " ") for line in lines)
    csv.field_size_limit(2**31 - 1)  # a cell may hold a long list
    reader = csv.reader(lines, delimiter=sep, skipinitialspace=sep == " ")
    number = 0
    for cells in reader:
        if len(cells) > 1 or "".join(cells).strip():
            yield Record(before + number + 1, cells)
        number = reader.line_num


def _separator(path: Path, lines: list[str], whole: bool) -> str:
    """Return the one that makes columns of all lines.

    Of several, that which makes most numbers, then that which makes as many names.
    """
    found: dict[str, tuple[float, bool]] = {}
    partly: dict[str, int] = {}
    for sep in _MARKS:
        records = _records(lines, sep)[: None if whole else -1]
        body = [record.cells for record in records[1:] or records]
        width, count = Counter(map(len, body)).most_common(1)[0] if body else (1, 0)
        if any(map(_is_part_of_list, itertools.chain.from_iterable(body))):
            continue
        if width > 1 and count == len(body):
            cells = [cell for row in body for cell in row]
            fits = len(records[0].cells) == width
            found[sep] = sum(map(_is_value, cells)) / len(cells), fits
        elif width > 1 and 2 * count > len(body):
            partly[sep] = count
    if not found:
        return max(partly, key=lambda sep: partly[sep], default=",")
    best = max(found.values())
    tied = [sep for sep in found if found[sep] == best]
    if "\t" in tied:
        tied = [sep for sep in tied if sep != " "]  # which takes tabs as well
    if len(tied) > 1:
        names = " and ".join(_MARKS[sep] for sep in tied)
        raise ValueError(
            f"`{path}` must say what separates its columns; {names} both could. Use `--sep`."
        )
    return tied[0]


def _is_part_of_list(cell: str) -> bool:
    text = cell.strip()
    return text.startswith("[") != text.endswith("]")


def _decimal(path: Path, records: list[Record], sep: str) -> str:
    if sep == "," and any(len(record.cells) > 1 for record in records):
        return "."
    _check_points(path, [[cell.strip() for cell in record.cells] for record in records])
    with_comma = [cell for cell in map(str.strip, records[0].cells) if _WITH_COMMA.fullmatch(cell)]
    with_dot = False
    for column in itertools.zip_longest(*(record.cells for record in records[1:] or records)):
        cells = [
            cell.strip() for cell in column if cell is not None and cell.strip() not in MISSING
        ]
        if not all(_is_number(cell) for cell in cells):
            continue
        with_comma += filter(_WITH_COMMA.fullmatch, cells)
        with_dot = with_dot or any(_WITH_DOT.fullmatch(cell) for cell in cells)
    if with_comma and (with_dot or all(map(_THOUSANDS.fullmatch, with_comma))):
        raise ValueError(
            f"`{path}` must say what its commas mean; {with_comma[0]!r} may hold a decimal comma "
            "or another mark. Use `--decimal ,` if it is one; take marks between thousands out of "
            "the file."
        )
    return "," if with_comma else "."


def _check_points(path: Path, rows: list[list[str]]) -> None:
    """Raise if all points may stand between thousands: 1.303 beside 822, or 1.303.822."""
    if len(rows) > 1 and not any("." in cell for cell in rows[0]):
        rows = rows[1:]  # it may be names
    pointed: list[str] = []
    short = False
    for column in itertools.zip_longest(*rows):
        cells = [cell for cell in column if cell is not None and cell not in MISSING]
        numbers = [cell for cell in cells if _is_number(cell) or _POINTS.fullmatch(cell)]
        if len(numbers) < len(cells[1:]):  # but for a name
            continue
        with_point = [cell for cell in numbers if "." in cell]
        whole = [cell for cell in numbers if _is_whole(cell)]
        if with_point and not all(map(_SHORT.fullmatch, whole)):
            return  # 1.303 beside 4822: thousands have no point here
        pointed += with_point
        short = short or any(map(_SHORT.fullmatch, whole))
    twice = any(cell.count(".") > 1 for cell in pointed)
    if pointed and (short or twice) and all(map(_POINTS.fullmatch, pointed)):
        raise ValueError(
            f"`{path}` must say what its points mean; {pointed[0]!r} may hold a decimal point or "
            "a mark between thousands. Use `--decimal .` if it is a decimal point; take marks "
            "between thousands out of the file."
        )


def _is_number(cell: str) -> bool:
    """Tell whether a cell holds a number with either decimal mark."""
    return any(as_number(cell, mark) is not None for mark in ".,")


def _is_value(cell: str) -> bool:
    """Tell whether a cell holds a number, be it with marks between thousands, or a list."""
    text = cell.strip()
    return _is_number(text) or bool(_WITH_BOTH.fullmatch(text) or _LIST.fullmatch(text))


def as_number(cell: str, mark: str) -> float | None:
    """Return the number that a cell holds, or None."""
    text = cell.strip()
    if "_" in text or (mark == "," and "." in text):
        return None
    try:
        return float(text.replace(",", ".") if mark == "," else text)
    except ValueError:
        return None


# --- names of columns ----------------------------------------------------------------------------


class _Head(NamedTuple):
    path: Path
    sep: str
    decimal: str
    records: list[Record]
    comment: str  # the last one before the table
    raw: str  # the first line of the table
    quoted: bool  # it stands in quotation marks, others do not


def _with_names(head: _Head, reading: Reading, start: int) -> Layout:
    given = _commented_names(head, reading)
    if given is not None:
        body, skipped = head.records, start
    elif _is_header(head, reading):
        given, body = head.records[0].cells, head.records[1:]
        skipped = body[0].line - 1 if body else 0
    else:
        body, skipped = head.records, start
    if not body:
        raise ValueError(f"`{head.path}` must hold rows of numbers; got a header only.")
    width, named = len(body[0].cells), given is not None
    if not named:
        _check_halves(head, reading)
    names = [name.strip() for name in given or [""] * width]
    short = named and len(names) == width - 1
    if short and not any(record.cells[-1].strip() for record in body):
        raise bad_file(
            head.path,
            f"it has a separator at the end of each line ({called(head.sep)}) that its header "
            "lacks. Take it out of the lines",
        )
    names = ["", *names] if short else names
    halves = short and width == 2 and head.sep == "," and not (reading.sep or reading.decimal)
    index = named and names[0] in ("", "Unnamed: 0")
    if len(names) != width:
        raise bad_file(
            head.path,
            f"line {skipped} names {len(names)} columns where line {body[0].line} holds {width} "
            f"values, separated by {called(head.sep)}",
        )
    names = [name or f"V{i}" for i, name in enumerate(names, 1)]
    return Layout(head.path, head.sep, head.decimal, tuple(names), named, index, halves, skipped)


def _check_halves(head: _Head, reading: Reading) -> None:
    """Raise if columns without names may be halves of numbers whose decimal mark is a comma.

    Zeros in front, or more digits than a whole number has, make a cell a decimal part.
    """
    if head.sep != "," or reading.sep or reading.decimal:
        return
    rows = [[cell.strip() for cell in record.cells] for record in head.records]
    only_whole = all(all(map(_is_whole, row)) for row in rows)
    alone = only_whole and all(len(row) == 2 for row in rows)
    for whole, part in itertools.chain.from_iterable(map(itertools.pairwise, rows)):
        if not (_is_whole(whole) and part.isdecimal()):
            continue
        padded = part.startswith("0") and len(part) > 1
        if padded or (only_whole and whole == "-0") or (alone and len(part) > 15):
            raise ValueError(
                f"`{head.path}` must say what its commas mean; {whole},{part} may be one number. "
                "Use `--decimal ,` and `--sep ;` if it is, `--sep ,` if it is two."
            )


def called(sep: str) -> str:
    """Return what messages call a separator."""
    return _MARKS.get(sep, repr(sep))


def _commented_names(head: _Head, reading: Reading) -> list[str] | None:
    """Return the names in a comment above rows of numbers, as `numpy.savetxt` writes them."""
    found = _records([head.comment.lstrip("#").strip()], head.sep)
    names = found[0].cells if found else []
    first = head.records[0]
    is_row = "number" in map(_kind_of(head.decimal), first.cells)
    if reading.header is False or not is_row or len(names) != len(first.cells):
        return None
    if len(names) == 1 and " " in names[0].strip():
        return None  # a sentence
    if reading.header:
        raise ValueError(
            f"`{head.path}` must name its columns once; both the comment {head.comment.strip()!r} "
            f"and line {first.line} could. Leave out `--header`, or remove the comment."
        )
    return names


def _kind_of(decimal: str) -> Any:
    def kind(cell: str) -> str:
        text = cell.strip()
        if text in MISSING:
            return "missing"
        if text in _FLAGS or as_number(text, decimal) is not None:
            return "number"
        return "word" if any(map(str.isalpha, text)) and text[:1] != "[" else "unclear"

    return kind


def _is_header(head: _Head, reading: Reading) -> bool:
    """Tell whether the first line names columns; raise where that is in doubt."""
    if reading.header is not None:
        return reading.header
    first, body = head.records[0], [record.cells for record in head.records[1:]]
    kinds = set(map(_kind_of(head.decimal), first.cells)) - {"missing"}
    if kinds == {"word"}:
        return True
    if first.cells[0] == "" and kinds == {"number"} and _counts([row[0] for row in body]):
        return True  # numbers of columns above numbers of rows, as pandas writes them
    if kinds and kinds <= {"number"} and not _look_like_names(head, first.cells, body):
        return False
    if body and "unclear" in kinds and kinds <= {"unclear", "number"} and _hold_lists(first.cells):
        return False
    shown = head.raw.strip()
    raise ValueError(
        f"`{head.path}` must say whether line {first.line} names its columns; got "
        f"{shown[:60] + '...' * (len(shown) > 60)!r}. Use `--header` if it does, `--no-header` if "
        "it holds values."
    )


def _hold_lists(cells: list[str]) -> bool:
    return any(cell.strip().startswith("[") for cell in cells)


def _look_like_names(head: _Head, cells: list[str], body: list[list[str]]) -> bool:
    """Tell whether numbers in a first line may be names.

    So are 0, 1, 2; numbers in quotes; equal steps; and what is written unlike all that follows.
    """
    if [cell.strip() for cell in cells] == [str(i) for i in range(len(cells))] or head.quoted:
        return True
    if len(body) > 1 and all(len(row) == len(cells) + 1 for row in body):
        return True
    if cells[0] == "":  # an index without a name
        cells, body = cells[1:], [row[1:] for row in body]
    if not body or not cells:
        return False
    stands_out = any(
        all(map(is_so, cells)) and _chance(is_so, len(cells), body) < 0.01
        for is_so in (_is_whole, _has_exponent)
    )
    return stands_out or _is_scale(cells, body, head.decimal)


def _chance(is_so: Callable[[str], bool], width: int, body: list[list[str]]) -> float:
    """Return how often all cells of a row would be so, if they were as those below."""
    chance = 1.0
    for i in range(width):
        column = [row[i] for row in body if len(row) > i and row[i].strip() not in MISSING]
        chance *= sum(map(is_so, column)) / len(column) if column else 1
    return chance


def _is_scale(cells: list[str], body: list[list[str]], mark: str) -> bool:
    """Tell whether a row goes one way as most others do not: evenly, in many steps, or far off."""
    way = _way(cells, mark)
    if way == 0 or 2 * sum(_way(row, mark) == way for row in body) >= len(body):
        return False
    return len(cells) >= 6 or _has_equal_steps(cells, mark) or _is_far(cells, body, mark)


def _is_far(cells: list[str], body: list[list[str]], mark: str) -> bool:
    """Tell whether numbers are further from all those below than these are from each other."""
    others = [
        number
        for cell in itertools.chain.from_iterable(body)
        if cell.strip() not in MISSING and (number := as_number(cell, mark)) is not None
    ]
    numbers = [as_number(cell, mark) or 0.0 for cell in cells]
    low, high = min(others, default=0.0), max(others, default=0.0)
    return min(numbers) > 2 * high - low or max(numbers) < 2 * low - high


def _way(cells: list[str], mark: str) -> int:
    """Return 1 if three or more numbers rise, -1 if they fall, else 0."""
    numbers = [number for cell in cells if (number := as_number(cell, mark)) is not None]
    if len(cells) < 3 or len(numbers) < len(cells):
        return 0
    steps = [b - a for a, b in itertools.pairwise(numbers)]
    return int(all(step > 0 for step in steps)) - int(all(step < 0 for step in steps))


def _has_equal_steps(cells: list[str], mark: str) -> bool:
    """Tell whether steps are equal; to the last digit, which is rounded, if they are long."""
    numbers = [as_number(cell, mark) or 0.0 for cell in cells]
    steps = [abs(b - a) for a, b in itertools.pairwise(numbers)]
    last = 10.0 ** -max(len(cell.strip().partition(mark)[2]) for cell in cells)
    spread = max(steps) - min(steps)
    return spread < 1e-9 * max(steps) or (spread < 1.5 * last and min(steps) >= 100 * last)


def _has_exponent(cell: str) -> bool:
    return bool(_WITH_EXPONENT.fullmatch(cell.strip()))


def _is_whole(cell: str) -> bool:
    return cell.strip().lstrip("+-").isdecimal()


def _counts(cells: list[str]) -> bool:
    """Tell whether cells count from 0 or 1."""
    numbers = [str(i) for i in range(len(cells) + 1)]
    return bool(cells) and cells in (numbers[:-1], numbers[1:])
