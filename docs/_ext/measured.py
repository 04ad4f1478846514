"""Tables and pictures of what was measured, read from CSV files when the pages are built.

``{measured}`` makes a table of some columns of a file, or with `across` a table of one column by
two others. Below it stand the command that makes the file, and the dates, commits and versions in
it. A file that a checkout does not have is said to be missing, and does not stop the build.
"""

import csv
from fnmatch import fnmatchcase
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[2]
ABOUT = (
    "date",
    "commit",
    "repdist",
    "numpy",
    "python",
    "versions",
    "cpu",
    "cores",
    "gpu",
    "blas",
)


def words(text):
    return [word.strip() for word in text.split(",") if word.strip()]


class Measured(SphinxDirective):
    """``{measured} PATH``, the path from the root of the checkout."""

    required_arguments = 1
    option_spec = {  # noqa: RUF012 (as docutils has it)
        "command": directives.unchanged_required,
        "columns": words,  # column=heading, or two numbers in one cell: column+column=heading, ...
        "where": words,  # column=pattern or column!=pattern, ...; pattern|pattern: either
        "rows": directives.unchanged,  # with across and value: a table of value
        "across": directives.unchanged,
        "value": directives.unchanged,
        "also": words,  # further columns of such a table
    }

    def run(self):
        path = ROOT / self.arguments[0]
        self.env.note_dependency(str(path))
        if not path.is_file():
            return [self.missing()]
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        rows = [row for row in rows if self.wanted(row)]
        if not rows:
            return [self.missing()]
        heads, body = self.crossed(rows) if "across" in self.options else self.listed(rows)
        return [table(heads, body), self.origin(rows)]

    def wanted(self, row):
        for condition in self.options.get("where", []):
            name, _, value = condition.partition("=")
            cell = row.get(name.rstrip("!"), "")
            found = any(fnmatchcase(cell, pattern) for pattern in value.split("|"))
            if found is name.endswith("!"):
                return False
        return True

    def listed(self, rows):
        pairs = [word.partition("=") for word in self.options["columns"]]
        heads = [head or name for name, _, head in pairs]
        names = [name.split("+") for name, _, _ in pairs]
        return heads, [[" + ".join(shown(row[n]) for n in some if row.get(n)) for some in names]
                       for row in rows]  # fmt: skip

    def crossed(self, rows):
        """Return a table of `value`, `rows` down and `across` across, in the file's order."""
        down, across, value = (self.options[name] for name in ("rows", "across", "value"))
        columns = list(dict.fromkeys(row[across] for row in rows))
        pairs = [word.partition("=") for word in self.options.get("also", [])]
        body = []
        for name in dict.fromkeys(row[down] for row in rows):
            mine = [row for row in rows if row[down] == name]
            cells = {row[across]: shown(row[value]) for row in mine}
            others = [shown(next((r[c] for r in mine if r.get(c)), "")) for c, _, _ in pairs]
            body.append([name, *(cells.get(column, "") for column in columns), *others])
        return [down, *columns, *(head or name for name, _, head in pairs)], body

    def missing(self):
        text = f"Not measured yet: such rows are not in {self.arguments[0]}. They are made by "
        note = nodes.note()
        note += nodes.paragraph(
            "", text, nodes.literal("", self.options["command"]), nodes.Text(".")
        )
        return note

    def origin(self, rows):
        parts = [nodes.Text("Made by "), nodes.literal("", self.options["command"])]
        for name in ABOUT:
            values = sorted({row[name][:10] if name == "date" else row[name]
                             for row in rows if row.get(name)})  # fmt: skip
            if values:
                shown = ", ".join(values) if len(values) < 4 else f"{values[0]} to {values[-1]}"
                parts.append(nodes.Text(f"; {name} {shown}"))
        return nodes.paragraph("", "", *parts, nodes.Text("."), classes=["measured"])


class MeasuredFigure(SphinxDirective):
    """``{measured-figure} PATH``, from the root of the checkout; nothing if it is not there."""

    required_arguments = 1
    option_spec = {"alt": directives.unchanged_required}  # noqa: RUF012 (as docutils has it)

    def run(self):
        path = ROOT / self.arguments[0]
        self.env.note_dependency(str(path))
        if not path.is_file():
            return []
        up = "/".join([".."] * (len(Path(self.env.docname).parts)))
        return [nodes.image(uri=f"{up}/{self.arguments[0]}", alt=self.options["alt"])]


def shown(value):
    """Return a number as a person writes it, 21,000 for 2.127e+04; other text as it is."""
    try:
        number = float(value)
    except ValueError:
        return value
    if value.isdigit():
        return f"{int(value):,}"
    if "e" in value and abs(number) >= 1:  # rounded already, and known to less than its digits
        return f"{float(f'{number:.2g}'):,.0f}"
    return f"{number:.3g}" if 1e-4 <= abs(number) < 1000 else value


def table(heads, body):
    group = nodes.tgroup(cols=len(heads))
    group += [nodes.colspec(colwidth=1) for _ in heads]
    group += nodes.thead("", line(heads))
    group += nodes.tbody("", *map(line, body))
    return nodes.table("", group, classes=["measured-table"])


def line(cells):
    return nodes.row("", *(
        nodes.entry("", nodes.paragraph("", str(cell)), classes=["number"] * is_number(cell))
        for cell in cells
    ))  # fmt: skip


def is_number(cell):
    return cell.replace(",", "").replace(".", "", 1).lstrip("-").isdigit()


def setup(app):
    app.add_directive("measured", Measured)
    app.add_directive("measured-figure", MeasuredFigure)
    return {"parallel_read_safe": True}
