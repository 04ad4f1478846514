"""One self-contained HTML page: a lead, pictures, tables that sort, the method and the call."""

import base64
import html
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from repdist._files import checked_target, write_text
from repdist._version import __version__
from repdist.plotting import figure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_FEW = 4  # columns that a phone shows beside each other
_CARDS = 10  # of a table of more columns, whose rows a phone shows as cards; the rest on demand


@dataclass(frozen=True)
class Picture:
    """A picture of a page: its heading, what draws it, and words in its place."""

    title: str
    draw: Callable[[], "Axes"]
    alt: str


@dataclass(frozen=True)
class Column:
    """A column of a table of the page.

    Attributes
    ----------
    heading : str
    texts : sequence of str
    order : sequence of float or str
        What rows are sorted by.
    role : {"", "name", "key"}
        Names stand at the left and head a row on a narrow page; with keys they are stressed.
    """

    heading: str
    texts: Sequence[str]
    order: Sequence[Any]
    role: Literal["", "name", "key"] = ""


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes
    ----------
    title, hint : str
    columns : sequence of Column
    bold : sequence of bool
        The rows to stress; none if it is empty.
    """

    title: str
    hint: str
    columns: Sequence[Column]
    bold: Sequence[bool] = ()


@dataclass(frozen=True)
class Page:
    """What a page tells.

    Attributes
    ----------
    title : str
    lead : str
        HTML.
    cautions : sequence of str
    pictures : sequence of Picture
    tables : sequence of Table
    method, call : str
    references : sequence of str
        What to cite.
    """

    title: str
    lead: str
    pictures: Sequence[Picture]
    tables: Sequence[Table]
    method: str
    call: str
    cautions: Sequence[str] = ()
    references: Sequence[str] = ()


def column_of_numbers(
    heading: str, values: Iterable[float], texts: Sequence[str], role: Literal["", "key"] = ""
) -> Column:
    """Return a column of numbers, as the texts show them."""
    return Column(heading, texts, [float(value) for value in values], role)


def column_of_names(heading: str, names: Iterable[Any]) -> Column:
    """Return a column of names, which head a row."""
    texts = [str(name) for name in names]
    return Column(heading, texts, texts, "name")


def write_page(path: str | Path, page: Page) -> None:
    """Write the page to a file, which appears when it is complete."""
    checked_target(path)  # before pictures are drawn
    write_text(path, rendered(page))


def rendered(page: Page) -> str:
    """Return the page as HTML."""
    cautions, references = (
        "".join(f"<li>{html.escape(text)}</li>" for text in texts)
        for texts in (page.cautions, page.references)
    )
    return _PAGE.format(
        title=html.escape(page.title),
        style=_STYLE,
        lead=page.lead,
        cautions=f'<ul class="cautions">{cautions}</ul>' if cautions else "",
        pictures="\n".join(map(_figure, page.pictures)),
        tables="\n".join(map(_table, page.tables, range(len(page.tables)))),
        method=html.escape(page.method),
        call=html.escape(page.call),
        references=f"<h2>To cite</h2>\n<ul>{references}</ul>" if references else "",
        version=html.escape(__version__),
        script=_SCRIPT,
    )


def _table(table: Table, number: int) -> str:
    few = len(table.columns) <= _FEW
    box, words = ("", "") if few else _rest(table, number)
    return _TABLE.format(
        title=html.escape(table.title),
        hint=html.escape(table.hint),
        width="narrow" if few else "wide",
        box=box,
        words=words,
        headings="".join(
            f'<th class="{c.role}">{html.escape(c.heading)}</th>' for c in table.columns
        ),
        rows="\n".join(_rows(table)),
    )


def _rest(table: Table, number: int) -> tuple[str, str]:
    """Return what shows the cards after the first ones: a box to tick, and its words below them."""
    rest = len(table.columns[0].texts) - _CARDS
    if rest <= 0:
        return "", ""
    stressed = sum(table.bold[_CARDS:])
    bold = f'<span class="bold">, {stressed:,} in bold</span>' if stressed else ""
    return (
        f'<input type="checkbox" class="more" id="more-{number}">\n',
        f'\n<label for="more-{number}"><span class="rest">Show {rest:,} more{bold}</span>'
        f'<span class="first">Show the first {_CARDS} alone</span></label>',
    )


def _rows(table: Table) -> Iterable[str]:
    for number in range(len(table.columns[0].texts)):
        cells = "".join(_cell(column, number) for column in table.columns)
        stressed = bool(table.bold) and table.bold[number]
        yield ('<tr class="differs">' if stressed else "<tr>") + cells + "</tr>"


def _cell(column: Column, number: int) -> str:
    text, order = column.texts[number], column.order[number]
    value = html.escape(order) if isinstance(order, str) else repr(order)
    return (
        f'<td class="{column.role}" data-value="{value}" '
        f'data-heading="{html.escape(column.heading)}">{html.escape(text)}</td>'
    )


def _figure(picture: Picture) -> str:
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    figure = figure_of(picture.draw())
    try:
        figure.savefig(buffer, format="png", dpi=150)
    finally:
        plt.close(figure)
    data = base64.b64encode(buffer.getvalue()).decode()
    return (
        f"<figure><h2>{html.escape(picture.title)}</h2>"
        f'<div class="frame"><img src="data:image/png;base64,{data}" '
        f'alt="{html.escape(picture.alt)}"></div></figure>'
    )


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{lead}
{cautions}
<div class="pictures">
{pictures}
</div>
{tables}
<h2>Method</h2>
<p>{method}</p>
<h2>Call</h2>
<pre>{call}</pre>
{references}
<footer>Made by repdist {version}.</footer>
</main>
<script>{script}</script>
</body>
</html>
"""

_TABLE = """<h2>{title}</h2>
<p class="hint"><span class="sorts">Click a heading to sort. </span>
{hint}</p>
<div class="scroll">
{box}<table class="{width}">
<thead>
<tr>{headings}</tr>
</thead>
<tbody>
{rows}
</tbody>
</table>{words}
</div>"""

_STYLE = """
:root { color-scheme: light dark; --line: #8885; --strong: #b5361c; }
@media (prefers-color-scheme: dark) { :root { --strong: #ff9b80; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 70rem; margin: 0 auto; padding: 1rem; overflow-wrap: break-word; }
h1 { line-height: 1.2; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; flex: 1 1 24rem; min-width: 0; }
figure:first-child { flex-basis: 100%; }
figure:first-child img { max-width: min(100%, 54rem); }
img { max-width: 100%; height: auto; background: white; border-radius: 4px; }
@media (prefers-color-scheme: dark) { img { filter: brightness(.9); } }
.cautions { border-left: 4px solid var(--strong); padding: .5rem 1rem .5rem 2rem; }
.hint, footer { opacity: .75; font-size: .9rem; }
.scroll { overflow-x: auto; background: /* a shadow at the right while there is more */
  linear-gradient(to left, Canvas 1rem, transparent) right / 3rem 100% no-repeat local,
  linear-gradient(to left, #888a, transparent) right / 1rem 100% no-repeat scroll; }
.scroll table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
.scroll table.narrow { width: auto; min-width: min(100%, 36rem); }
.scroll th { text-align: right; cursor: pointer; white-space: nowrap; padding: .3rem .6rem;
  border-bottom: 2px solid var(--line); }
.scroll th:hover { color: var(--strong); }
th[aria-sort="ascending"]::after { content: " \\2191"; }
th[aria-sort="descending"]::after { content: " \\2193"; }
.scroll td { text-align: right; padding: .2rem .6rem; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
.scroll .name { text-align: left; white-space: normal; overflow-wrap: break-word;
  min-width: 6rem; max-width: 16rem; }
.differs .name, .differs .key { font-weight: 700; }
.more, .more ~ label { display: none; }
pre { white-space: pre-wrap; overflow-x: auto; background: #8882; padding: .7rem; }
@media (max-width: 40rem) {
  .wide thead { display: none; }
  .scroll .wide, .wide tbody { display: block; }
  .wide tr { display: block; border-bottom: 2px solid var(--line); padding: .4rem 0; }
  .wide td { display: flex; justify-content: space-between; gap: 1rem; border: 0;
    padding: .05rem 0; white-space: normal; overflow-wrap: anywhere; }
  .wide td::before { content: attr(data-heading); opacity: .75; font-weight: 400;
    flex: 0 1 auto; max-width: 60%; }
  .wide td.name { display: inline; font-weight: 700; }
  .wide td.name::before { content: none; }
  .wide td.name + td.name::before { content: "and"; margin: 0 .35em; }
  .sorts { display: none; }
  figure h2::after { content: " scroll \\2192"; font-size: .8rem; font-weight: 400; opacity: .75; }
  .frame { overflow-x: auto; }
  .frame img, figure:first-child img { max-width: none; width: 38rem; }
  pre { font-size: .8rem; }
}
@media screen and (max-width: 40rem) {
  .more { display: block; position: fixed; top: 50%; opacity: 0; pointer-events: none; }
  .more ~ label { display: block; margin: .7rem 0; padding: .6rem; border: 1px solid;
    border-radius: 4px; text-align: center; cursor: pointer; }
  .more:focus-visible ~ label { outline: 3px solid var(--strong); }
  .more:not(:checked) ~ table tbody tr:nth-child(n + MORE) { display: none; }
  .more:not(:checked) ~ label .first, .more:checked ~ label .rest { display: none; }
}
@media print {
  body { font-size: 10pt; }
  .sorts { display: none; }
  tr, figure { break-inside: avoid; }
  figure:first-child img { max-width: 70%; }
  figure { flex-basis: 40%; }
  .scroll { overflow: visible; background: none; }
  table { font-size: 7.5pt; }
  td, th { padding: .1rem .25rem; }
}
""".replace("MORE", str(_CARDS + 1))

_SCRIPT = """
document.querySelectorAll(".scroll table").forEach(table => {
  const headings = [...table.querySelectorAll("th")];
  const bold = table.parentElement.querySelector(".more ~ label .bold");
  headings.forEach((heading, column) => {
    heading.tabIndex = 0;
    const sort = () => {
      const up = heading.getAttribute("aria-sort") !== "ascending";
      headings.forEach(other => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", up ? "ascending" : "descending");
      const body = table.tBodies[0];
      const value = row => row.cells[column].dataset.value;
      const compare = (a, b) => {
        const x = value(a), y = value(b), p = Number(x), q = Number(y);
        if (x === "nan" || y === "nan") return (x === "nan") - (y === "nan");
        const text = isNaN(p) || isNaN(q);
        const order = text ? x.localeCompare(y, undefined, {numeric: true}) : p - q;
        return up ? order : -order;
      };
      [...body.rows].sort(compare).forEach(row => body.append(row));
      if (bold) bold.remove();
    };
    heading.addEventListener("click", sort);
    heading.addEventListener("keydown", event => { if (event.key === "Enter") sort(); });
  });
});
"""
