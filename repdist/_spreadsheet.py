"""Tables as files that a spreadsheet opens, in which names stay text."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from repdist._files import write_text


def write_frame(path: str | Path, frame: Any, names: Sequence[str]) -> None:
    """Write a frame to a file, which appears when it is complete; these columns hold names."""
    frame = frame.copy()
    for column in names:
        frame[column] = [as_cell(name) for name in frame[column]]
    write_text(path, frame.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC))


def as_cell(name: Any) -> Any:
    """Return a name that a spreadsheet takes for text: an apostrophe before a formula."""
    formula = isinstance(name, str) and name.startswith(("=", "+", "-", "@", "\t", "\r"))
    number = formula and str(name).lstrip("+-").replace(".", "", 1).isdecimal()
    return f"'{name}" if formula and not number else name
