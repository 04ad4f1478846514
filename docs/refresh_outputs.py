"""Write what examples print now into the pages: ``python docs/refresh_outputs.py``.

Figures that rest on random numbers change with the streams. Build first, ``python -m sphinx docs
docs/_build/doctest -b doctest``; this reads its report, and what a page printed is replaced by what
was got. Look at the difference before you commit it, and at the words around it.
"""

import re
import sys
import textwrap
from pathlib import Path

DOCS = Path(__file__).parent
REPORT = DOCS / "_build" / "doctest" / "output.txt"
FAILURE = re.compile(
    r'^File "(?P<file>[^"]+)", line \d+, in .*?\n'
    r"Failed example:\n(?P<code>(?:    .*\n|\n)+?)"
    r"Expected:\n(?P<expected>(?:    .*\n|\n)*?)"
    r"Got:\n(?P<got>(?:    .*\n|\n)*?)(?=\*{20}|\n*\d+ items? |\n*\S|\Z)",
    re.M,
)


def main() -> int:
    """Replace every output that the report says has changed; return how many were not found."""
    missed = 0
    for failure in FAILURE.finditer(REPORT.read_text(encoding="utf-8")):
        path = DOCS / failure["file"]
        lines = path.read_text(encoding="utf-8").split("\n")
        code, old, new = (printed(failure[part]) for part in ("code", "expected", "got"))
        place = find(lines, code[-1], old)
        print(f"{path}: {code[-1]}{'' if place else ': not found'}")
        if place is None:
            missed += 1
            continue
        start, indent = place
        lines[start : start + len(old)] = [indent + (line or "<BLANKLINE>") for line in new]
        path.write_text("\n".join(lines), encoding="utf-8")
    return missed


def printed(block: str) -> list[str]:
    """Return the lines of a block of the report, without its margin."""
    return textwrap.dedent(block).rstrip("\n").split("\n")


def find(lines: list[str], code: str, old: list[str]) -> tuple[int, str] | None:
    """Return where the old output stands below the last line of its code, and its margin."""
    for i in range(1, len(lines) - len(old) + 1):
        above = lines[i - 1]
        margin = above[: len(above) - len(above.lstrip())]
        if above.strip() in (f">>> {code}".strip(), f"... {code}".strip()):
            found = [line.removeprefix(margin).rstrip() for line in lines[i : i + len(old)]]
            if found == [line.rstrip() for line in old]:
                return i, margin
    return None


if __name__ == "__main__":
    sys.exit(main())
