"""One self-contained HTML page for a table of groups; uses public names only."""

import base64
import html
import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import repdist
from repdist._files import written_whole
from repdist.pairwise import PairwiseMMDResult
from repdist.plotting import figure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def pairwise_page(result: PairwiseMMDResult, title: str) -> str:
    """Return the page: summary, pictures, one row a pair, method, call and version.

    Parameters
    ----------
    result : PairwiseMMDResult
    title : str
        The heading.
    """
    frame = result.to_frame()
    drawn = [
        ("Distances", lambda: result.plot(order="clustered"), _table_alt(result)),
        ("Who is close to whom", result.dendrogram, "Dendrogram of the groups."),
        ("Map", result.embed, "Map of the groups; the bar is the noise floor."),
    ]
    pictures = "\n".join(_figure(name, draw, alt) for name, draw, alt in drawn)
    cautions = "".join(f"<li>{html.escape(caution)}</li>" for caution in result.cautions)
    return _PAGE.format(
        title=html.escape(title),
        style=_STYLE,
        lead=_lead(result, frame),
        cautions=f'<ul class="cautions">{cautions}</ul>' if cautions else "",
        pictures=pictures,
        level=f"{100 * result.confidence_level:g}",
        adjust=html.escape(result.adjust),
        rows="\n".join(_row(row) for row in frame.to_dict("records")),
        method=html.escape(method(result)),
        call=html.escape(call(result)),
        version=html.escape(repdist.__version__),
        script=_SCRIPT,
    )


def method(result: PairwiseMMDResult) -> str:
    """Return two sentences for a paper that say what was done."""
    which = {
        "max": "the largest normal score of the kernel's components and of their Mahalanobis"
        " length",
        "mean": "the squared MMD itself",
        "fuse": "the soft maximum of MMD-FUSE over the components of the kernel",
    }[result.combine]
    adjusted = (
        "not adjusted for multiple comparisons"
        if result.adjust == "none"
        else f"adjusted for {_pair_count(result)} comparisons ({result.adjust})"
    )
    return (
        f"Every pair of {len(result.names)} groups was compared by the unbiased squared maximum "
        f"mean discrepancy under one kernel fitted on all groups ({_kernel_words(result)}), with "
        f"exact permutation p-values from up to {result.n_resamples:,} relabelings of the rows of "
        f"the pair, {which} as statistic, and p-values {adjusted}. Noise floors are the 95 % "
        f"quantile of the distance between random halves of one group, scaled to the sizes "
        f"compared; intervals are at {100 * result.confidence_level:g} % (repdist "
        f"{repdist.__version__})."
    )


def call(result: PairwiseMMDResult) -> str:
    """Return the call that repeats the result on the same groups; p-values vary with `rng`."""
    return (
        f"repdist.pairwise_mmd_test(groups, kernel=repdist.kernels.{result.kernel!r}, "
        f"combine={result.combine!r}, n_resamples={result.n_resamples}, n_bins={result.n_bins!r}, "
        f"adjust={result.adjust!r}, confidence_level={result.confidence_level})"
    )


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, which appears when it is complete."""
    with (
        written_whole(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        file.write(text)


# --- parts of the page ---------------------------------------------------------------------------


def _lead(result: PairwiseMMDResult, frame: Any) -> str:
    differ = int((frame["pvalue_adjusted"] <= 0.05).sum())
    far = frame.loc[frame["mmd_squared"].idxmax()]
    near = frame.loc[frame["mmd_squared"].idxmin()]
    return (
        f"<p>{len(result.names)} groups, {len(frame)} pairs. <strong>{differ} of {len(frame)} "
        f"pairs differ</strong> at .05 after the adjustment ({html.escape(result.adjust)}). "
        f"Farthest apart: {_pair(far)}, {_times(far)}. Closest: {_pair(near)}, {_times(near)}.</p>"
        "<p>MMD² is 0 on average for equal distributions and can be slightly negative. The "
        "<em>noise floor</em> is what two samples of one group show by chance: a distance of "
        "several floors is real, one below the floor is not told from noise. <em>Effect</em> is "
        "the distance relative to the spread within groups, and does not depend on how many rows "
        "there are.</p>"
    )


def _pair(row: Any) -> str:
    return f"<b>{html.escape(str(row['first']))}</b> and <b>{html.escape(str(row['second']))}</b>"


def _times(row: Any) -> str:
    times = row["times_floor"]
    return f"{times:.3g} times the noise floor" if math.isfinite(times) else "no noise floor"


def _row(row: Any) -> str:
    cells = [
        _cell(str(row["first"]), None, "First"),
        _cell(str(row["second"]), None, "Second"),
        _cell(_number(row["mmd_squared"]), row["mmd_squared"], "MMD²"),
        _cell(f"{_number(row['ci_low'])} to {_number(row['ci_high'])}", row["ci_low"], "Interval"),
        _cell(_number(row["pvalue"]), row["pvalue"], "p"),
        _cell(_number(row["pvalue_adjusted"]), row["pvalue_adjusted"], "p, adjusted"),
        _cell(_number(row["effect"]), row["effect"], "Effect"),
        _cell(_number(row["noise_floor"]), row["noise_floor"], "Noise floor"),
        _cell(_number(row["times_floor"]), row["times_floor"], "Times floor"),
        _cell(f"{row['n_first']} + {row['n_second']}", row["n_first"] + row["n_second"], "Rows"),
    ]
    kind = ' class="differs"' if row["pvalue_adjusted"] <= 0.05 else ""
    return f"<tr{kind}>{''.join(cells)}</tr>"


def _cell(text: str, value: float | None, heading: str) -> str:
    sort = html.escape(text) if value is None else repr(float(value))
    return f'<td data-value="{sort}" data-heading="{heading}">{html.escape(text)}</td>'


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−") if math.isfinite(value) else "–"


def _figure(name: str, draw: Callable[[], "Axes"], alt: str) -> str:
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    figure = figure_of(draw())
    try:
        figure.savefig(buffer, format="png", dpi=150)
    finally:
        plt.close(figure)
    data = base64.b64encode(buffer.getvalue()).decode()
    return (
        f"<figure><h2>{name}</h2>"
        f'<img src="data:image/png;base64,{data}" alt="{html.escape(alt)}"></figure>'
    )


def _table_alt(result: PairwiseMMDResult) -> str:
    return f"Heat map of MMD² between {len(result.names)} groups; its numbers are in the table."


def _pair_count(result: PairwiseMMDResult) -> int:
    return len(result.names) * (len(result.names) - 1) // 2


def _kernel_words(result: PairwiseMMDResult) -> str:
    kernel = result.kernel
    if isinstance(kernel, repdist.kernels.MultiRBF) and isinstance(kernel.bandwidths, tuple):
        low, high = kernel.bandwidths[0], kernel.bandwidths[-1]
        return f"{len(kernel.bandwidths)} Gaussian kernels, bandwidths {low:.3g} to {high:.3g}"
    return repr(kernel)


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
<h2>All pairs</h2>
<p class="hint"><span class="sorts">Click a heading to sort. </span>
Rows in bold differ at .05 ({adjust}-adjusted); intervals at {level} %.</p>
<div class="scroll">
<table>
<thead>
<tr><th>First</th><th>Second</th><th>MMD²</th><th>Interval</th><th>p</th><th>p, adjusted</th>
<th>Effect</th><th>Noise floor</th><th>Times floor</th><th>Rows</th></tr>
</thead>
<tbody>
{rows}
</tbody>
</table>
</div>
<h2>Method</h2>
<p>{method}</p>
<h2>Call</h2>
<pre>{call}</pre>
<footer>Made by repdist {version}.</footer>
</main>
<script>{script}</script>
</body>
</html>
"""

_STYLE = """
:root { color-scheme: light dark; --line: #8885; --strong: #b5361c; }
@media (prefers-color-scheme: dark) { :root { --strong: #ff9b80; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 70rem; margin: 0 auto; padding: 1rem; }
h1 { line-height: 1.2; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; flex: 1 1 24rem; min-width: 0; }
figure:first-child { flex-basis: 100%; }
figure:first-child img { max-width: min(100%, 46rem); }
img { max-width: 100%; height: auto; background: white; }
.cautions { border-left: 4px solid var(--strong); padding: .5rem 1rem .5rem 2rem; }
.hint, footer { opacity: .75; font-size: .9rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: right; cursor: pointer; white-space: nowrap; padding: .3rem .6rem;
  border-bottom: 2px solid var(--line); }
th:hover { color: var(--strong); }
th[aria-sort="ascending"]::after { content: " \\\\2191"; }
th[aria-sort="descending"]::after { content: " \\\\2193"; }
td { text-align: right; padding: .2rem .6rem; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
td:nth-child(-n+2), th:nth-child(-n+2) { text-align: left; }
.differs td:nth-child(-n+3), .differs td:nth-child(6) { font-weight: 700; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #8882; padding: .7rem; }
@media (max-width: 40rem) {
  thead { display: none; }
  tr { display: block; border-bottom: 2px solid var(--line); padding: .4rem 0; }
  td { display: flex; justify-content: space-between; gap: 1rem; border: 0; padding: .05rem 0; }
  td::before { content: attr(data-heading); opacity: .75; font-weight: 400; }
  td:nth-child(-n+2) { display: inline; font-weight: 700; }
  td:first-child::before { content: none; }
  td:nth-child(2)::before { content: "and "; }
  .sorts { display: none; }
}
@media print {
  body { font-size: 10pt; }
  .sorts { display: none; }
  tr, figure { break-inside: avoid; }
  figure:first-child img { max-width: 70%; }
  figure { flex-basis: 40%; }
  .scroll { overflow: visible; }
  table { font-size: 7.5pt; }
  td, th { padding: .1rem .25rem; }
}
"""

_SCRIPT = """
document.querySelectorAll("th").forEach((heading, column) => {
  heading.tabIndex = 0;
  const sort = () => {
    const up = heading.getAttribute("aria-sort") !== "ascending";
    document.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    const body = document.querySelector("tbody");
    const value = row => row.cells[column].dataset.value;
    const compare = (a, b) => {
      const x = value(a), y = value(b), p = Number(x), q = Number(y);
      if (x === "nan" || y === "nan") return (x === "nan") - (y === "nan");
      const order = isNaN(p) || isNaN(q) ? x.localeCompare(y, undefined, {numeric: true}) : p - q;
      return up ? order : -order;
    };
    [...body.rows].sort(compare).forEach(row => body.append(row));
  };
  heading.addEventListener("click", sort);
  heading.addEventListener("keydown", event => { if (event.key === "Enter") sort(); });
});
"""
