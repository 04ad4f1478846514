"""Write the table of questions, `repdist._guide`, into the pages that show it.

python docs/refresh_guide.py
"""

import re
from pathlib import Path

from repdist import _guide

HOME = Path(__file__).parents[1]
PAGES = {  # the folder of docs/howto from there, and whether rare questions are left out
    "README.md": ("docs/howto/", True),
    "docs/start/index.md": ("../howto/", True),
    "docs/howto/choose.md": ("", False),
}
BLOCK = re.compile(r"(<!-- questions -->\n).*?(<!-- end of questions -->)", re.DOTALL)


def with_table(text: str, name: str) -> str:
    """Return the text of a page with the table as it should be."""
    pages, leads = PAGES[name]
    table = _guide.table(pages, leads=leads)
    found, count = BLOCK.subn(lambda block: f"{block[1]}{table}\n{block[2]}", text)
    if count != 1:
        raise ValueError(f"{name} must have one block of questions; got {count}.")
    return found


if __name__ == "__main__":
    for name in PAGES:
        path = HOME / name
        path.write_text(with_table(path.read_text("utf-8"), name), encoding="utf-8")
