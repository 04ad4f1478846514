"""The page that tells the study in order, in one file."""

import html
import re
from collections.abc import Sequence
from pathlib import Path

import repdist

from .sections import build_sections, lead
from .study import Study


def build_page(  # noqa: PLR0913 (what the page tells of)
    study: Study, folder: Path, origin: str, seconds: float, files: Sequence[str], n_heatmaps: int
) -> str:
    """Return the page, with the pictures of `folder` inside.

    Parameters
    ----------
    study : Study
    folder : path
        With the pictures as PNG files.
    origin : str
        Where digits and weights come from.
    seconds : float
        How long the study took.
    files : sequence of str
        What stands beside the page.
    n_heatmaps : int
        Heat maps in the folder `out`.
    """
    sections = build_sections(study, folder, n_heatmaps)
    contents = "".join(f'<li><a href="#{place}">{name}</a></li>' for place, name, _ in sections)
    contents += '<li><a href="#method">Method and files</a></li>'
    body = "\n".join(
        f'<section id="{place}">\n<h2>{name}</h2>{content}\n</section>'
        for place, name, content in sections
    )
    page = _PAGE.format(
        style=_STYLE,
        lead=lead(study),
        contents=contents,
        body=body,
        origin=html.escape(origin),
        files=", ".join(f'<a href="{html.escape(name)}">{html.escape(name)}</a>' for name in files),
        n_heatmaps=n_heatmaps,
        version=html.escape(repdist.__version__),
        seconds=seconds,
    )
    return unbroken(page)


def unbroken(page: str) -> str:
    """Keep what is one value on one line: 95 %, 5 × 5, p ≤ .05; a number has a space before %."""
    page = _PERCENT.sub(lambda found: found[1] or f"{found[2]}\N{NO-BREAK SPACE}%", page)
    return _RELATION.sub(
        lambda found: found[1] or f"\N{NO-BREAK SPACE}{found[2]}\N{NO-BREAK SPACE}", page
    )


_NO_TEXT = r"(<(?:style|pre|code)\b.*?</(?:style|pre|code)>|<[^>]*>)|"
_PERCENT = re.compile(_NO_TEXT + r"(\d)\s*%", re.DOTALL)
_RELATION = re.compile(_NO_TEXT + r"\s+([×=≤/]|&lt;)\s+(?=[\d.−]|n\b)", re.DOTALL)

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>How far apart are ten classes, seen by a network?</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>How far apart are ten classes, seen by a network?</h1>
{lead}
<nav><ol>{contents}</ol></nav>
{body}
<section id="method">
<h2>Method and files</h2>
<p>LeNet with global average pooling: two 5 × 5 convolutions with 32 and 64 maps, ReLU and 2 × 2
maximum after each, then the average of each map over the image (the 64 features) and a linear
classifier without bias. {origin} MMD² is the unbiased squared maximum mean discrepancy under the
mean of several Gaussian kernels; distances, p-values, intervals and floors are those of
<code>repdist.pairwise_mmd_test(features, names, rng=0)</code>.</p>
<p class="small">Beside this page: {files}, and the folder <a href="out/">out</a> with
{n_heatmaps} heat maps.</p>
</section>
<footer>Made by repdist {version} in {seconds:.0f} s.</footer>
</main>
</body>
</html>
"""

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --shade: light-dark(#0006, #fff6); }
body { font: 17px/1.55 system-ui, sans-serif; margin: 0; }
main { max-width: 66rem; margin: 0 auto; padding: 1rem; }
h1 { line-height: 1.2; }
h2 { margin-top: 2.8rem; line-height: 1.25; }
p, main > ul, section > ul, dl { max-width: 46rem; }
li { margin-bottom: .4rem; }
.lead { font-size: 1.1rem; }
.small, footer, figcaption { opacity: .85; font-size: .9rem; }
a { color: light-dark(#1d5a8f, #8fc1ee); }
a.term { color: inherit; text-decoration: underline dotted; text-underline-offset: .2em;
  white-space: nowrap; }
nav { border: 1px solid var(--line); border-radius: .5rem; padding: .2rem 1rem; margin: 1.5rem 0; }
nav ol { columns: 18rem; column-gap: 3rem; padding-left: 1.6rem; margin: .6rem 0; }
nav li { margin: 0; break-inside: avoid; }
figure { margin: 1.2rem 0; min-width: 0; }
img { max-width: min(100%, 36rem); height: auto; background: white; display: block;
  border-radius: .3rem; }
.wide img, .whole img { max-width: 100%; }
figcaption { max-width: 46rem; margin-top: .3rem; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
.pictures > * { flex: 1 1 22rem; min-width: 0; }
.frame { position: relative; }
.scroll { overflow-x: auto; }
.scroll:has(> table), .scroll:has(> pre) {
  background:
    linear-gradient(to right, Canvas 40%, transparent) left / 2.5rem 100% no-repeat local,
    linear-gradient(to left, Canvas 40%, transparent) right / 2.5rem 100% no-repeat local,
    linear-gradient(to right, var(--shade), transparent) left / .9rem 100% no-repeat scroll,
    linear-gradient(to left, var(--shade), transparent) right / .9rem 100% no-repeat scroll; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; white-space: nowrap; padding: .25rem .7rem;
  border-bottom: 1px solid var(--line); }
th:first-child, td:first-child, .text th, .text td { text-align: left; }
.text td { vertical-align: top; white-space: normal; }
pre { padding: .7rem; border: 1px solid var(--line); border-radius: .3rem; margin: 0;
  width: max-content; min-width: calc(100% - 1.5rem); }
dt { font-weight: 600; margin-top: .8rem; }
dd { margin-left: 1.2rem; }
:target { outline: 2px solid #e08a00; outline-offset: .3rem; border-radius: .2rem; }
section:target { outline: none; }
footer { margin-top: 3rem; }
p code, td code { overflow-wrap: anywhere; font-size: .9em; }
@media (prefers-color-scheme: dark) { img { filter: brightness(.9); } }
@media (max-width: 52rem) {
  .wide img { max-width: none; width: 50rem; border-radius: 0; }
  .wide::before { content: "scroll →"; display: block; text-align: right; font-size: .9rem; }
  .wide .frame::after { content: ""; position: absolute; inset: 0 0 0 auto; width: 2rem;
    background: linear-gradient(to left, rgb(128 128 128 / 95%), transparent);
    pointer-events: none; }
  .wide { timeline-scope: --along; }
  .wide .scroll { scroll-timeline: --along inline; }
  @supports (animation-timeline: --along) {
    .wide .frame::after { animation: fade linear both; animation-timeline: --along; } }
}
@keyframes fade { 85% { opacity: 1; } to { opacity: 0; } }
@media (max-width: 40rem) { th, td { padding: .25rem .45rem; } .text td { min-width: 9rem; } }
@media print { body { font-size: 10pt; } figure, tr { break-inside: avoid; } }
"""
