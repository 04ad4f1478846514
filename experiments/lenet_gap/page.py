"""The page that tells the study in order, in one file."""

import base64
import html
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import repdist

from .analysis import LEVEL, N_RESAMPLES, N_SUBSAMPLES, SHARE, SIZES, RankCorrelation
from .post import floor_of_one_class, saturation, value_of_one_against_one
from .study import Study

if TYPE_CHECKING:
    import pandas as pd


def build_page(study: Study, folder: Path, origin: str, seconds: float) -> str:
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
    """
    sections = [
        _answer(study),
        _data(study, folder),
        _post(study, folder),
        _table(study, folder),
        _needed(study, folder),
        _seen(study, folder),
        _typical(folder),
        _errors(study, folder),
        _control(study, folder),
    ]
    files = ", ".join(sorted(path.name for path in folder.iterdir()))
    return _PAGE.format(
        style=_STYLE,
        body="\n".join(sections),
        origin=html.escape(origin),
        files=html.escape(files),
        version=html.escape(repdist.__version__),
        seconds=seconds,
    )


def _answer(study: Study) -> str:
    frame = study.table.to_frame()
    differ = _n_that_differ(frame)
    near, far = (frame.loc[getattr(frame["mmd_squared"], find)()] for find in ("idxmin", "idxmax"))
    low, high = study.accuracy_interval
    n = len(study.images.labels)
    return f"""
<p class="lead">A small network has learned to name a digit in a cluttered image. Its last layer
describes each image by 64 numbers. <strong>Which digits does it keep apart, how far, and how sure
can we be?</strong></p>
<ul class="lead">
<li>It names {study.n_right / n:.1%} of {n:,} images of unseen digits (95 % interval
{low:.1%} to {high:.1%}).</li>
<li>{differ} of {len(frame)} pairs of classes differ at .05 after Holm's adjustment.</li>
<li>Closest: {_pair(near)}, MMD² {near["mmd_squared"]:.3f} ({near["ci_low"]:.3f} to
{near["ci_high"]:.3f}), {near["times_floor"]:.0f} times what two samples of one class show.
Farthest: {_pair(far)}, {far["mmd_squared"]:.3f}, {far["times_floor"]:.0f} times.</li>
<li>{_needed_words(study)}</li>
</ul>"""


def _data(study: Study, folder: Path) -> str:
    return f"""
<h2>What the network is shown</h2>
<p>Each image is 100 × 100 pixels: eight 8 × 8 pieces cut from other digits, and one whole digit,
all at random places. The test images hold {study.n_per_class} digits of each class that the
training never saw, with clutter from unseen digits.</p>
{_picture(folder, "samples")}"""


def _post(study: Study, folder: Path) -> str:
    tables, post = study.post.tables, study.post
    one = tables[1].to_numpy()
    ten, fifty = tables[10], tables[50]
    rulers = post.rulers.to_numpy()
    return f"""
<h2>The post's table, and its puzzle</h2>
<p>In 2019 a blog post put features of such a network, 10 classes × 300 images × 64, through the
function <code>mmd_rbf</code> and printed one number for each pair of classes: from ten images a
class a table with “same class ≤ 1”, from one image a class a table in which something was wrong.
Here are the same numbers, computed the same way from this network.</p>
{_picture(folder, "post_tables")}
<ul>
<li><strong>One against one is a constant.</strong> Every cell at x = 1 is
{one.mean():.4f} (least {one.min():.4f}, largest {one.max():.4f}). The bandwidth is the mean
squared distance of the rows at hand; with two rows that <em>is</em> their squared distance, and the
value is 10 − 2 (e<sup>−4</sup> + e<sup>−2</sup> + e<sup>−1</sup> + e<sup>−1/2</sup> +
e<sup>−1/4</sup>) = {value_of_one_against_one():.4f} whatever the data.</li>
<li><strong>The same class is not 0</strong> because each row is also compared with itself. The
floor is about {floor_of_one_class(2):.3f} × 2 / n where all distances are alike, as in many
dimensions: at x = 10 that is
{floor_of_one_class(10):.2f}, and the diagonal shows {_diagonal(ten).min():.2f} to
{_diagonal(ten).max():.2f}, other classes {_others(ten).min():.2f} to {_others(ten).max():.2f}. The
post's “≤ 1” is this floor. At x = 50 the diagonal is {_diagonal(fifty).min():.2f} to
{_diagonal(fifty).max():.2f}.</li>
<li><strong>Two rows prove nothing.</strong> At x = 2 there are six ways to relabel four rows, in
pairs of equal value, so no p-value can be below 1/3; the least here is
{post.pvalues.to_numpy().min():.3f}.</li>
<li><strong>It saturates.</strong> Two classes that are points tend to {saturation():.2f} with many
images a side, however far apart, and no cell shows more; the largest cell at x = 150 is
{tables[150].to_numpy().max():.2f}.</li>
<li><strong>Every cell has another ruler.</strong> The mean squared distance that sets the
bandwidths goes from {rulers.min():.3g} to {rulers.max():.3g} over the cells at x = 10, so cells do
not compare.</li>
<li><strong>Normalising changes nothing</strong>: the function does not see one shift and scale of
all features. The largest change of a cell at x = 10 is {post.normalize_changes:.1e}.</li>
</ul>
{_picture(folder, "post_curve")}"""


def _table(study: Study, folder: Path) -> str:
    frame = study.table.to_frame()
    floors = np.diagonal(study.table.noise_floor.to_numpy())
    order = frame.sort_values("mmd_squared", kind="stable")
    ends = [*order.head(5).to_dict("records"), *order.tail(5).to_dict("records")]
    return f"""
<h2>The table as repdist computes it</h2>
<p>The unbiased distance, every pair under one kernel fitted on all images, exact p-values from
{frame["n_resamples"].max():,} relabelings of each pair, adjusted for {len(frame)} comparisons
(Holm). 0 means equal; two samples of one class show at most {floors.min():.4f} to
{floors.max():.4f} (the noise floor, 95 % of the time).</p>
<div class="pictures">
{_picture(folder, "table")}
<div>
{_picture(folder, "dendrogram")}
{_picture(folder, "map")}
</div>
</div>
<h3>The five closest and the five farthest pairs</h3>
<div class="scroll"><table>
<thead><tr><th>classes</th><th>MMD²</th><th>95 % interval</th><th>p, adjusted</th>
<th>times the floor</th><th>effect</th></tr></thead>
<tbody>{"".join(_row(row) for row in ends)}</tbody></table></div>
<p class="small">All pairs are in <code>pairs.csv</code>. <em>Effect</em> is MMD² over the spread
within the classes; it does not depend on how many images there are.</p>"""


def _needed(study: Study, folder: Path) -> str:
    sizes = ", ".join(map(str, SIZES))
    return f"""
<h2>How many images are enough?</h2>
<p>{_needed_words(study)} Counted is the least of {sizes} images a class at which
{N_SUBSAMPLES * SHARE:.0f} of {N_SUBSAMPLES} random subsamples have p ≤ .05 ({N_RESAMPLES}
relabelings; many bandwidths at once, fitted on each subsample). With 2 or 3 images p cannot be
below 1/3 or 1/10, whatever they show.</p>
{_picture(folder, "images_needed")}"""


def _seen(study: Study, folder: Path) -> str:
    inside = study.representation.peak_in_box
    zero = study.representation.peak_in_box_of_class_0
    return f"""
<h2>Where the network looks</h2>
<p>The score of a class is the average of its class activation map over the image, so the map shows
which places speak for the class. The map of the true class has its peak inside the digit's box in
{inside.mean():.1%} of the images. That is no proof that it is the right map: the map of class 0,
drawn whatever the image shows, has its peak there in {zero.mean():.1%}.</p>
{_picture(folder, "cams")}"""


def _typical(folder: Path) -> str:
    return f"""
<h2>What is typical of a class</h2>
<p>The distance of two classes comes from a function that is high where one is denser than the
other, the witness function. These images of each class have the highest values against the class
that is nearest to theirs.</p>
{_picture(folder, "typical")}"""


def _errors(study: Study, folder: Path) -> str:
    wrong = len(study.images.labels) - study.n_right
    correlation = study.correlation
    return f"""
<h2>Are close classes mistaken for each other?</h2>
<p>The network makes {wrong} mistakes. The rank correlation of distances and mistakes over the
{len(study.needed)} pairs is {_signed(correlation.value)} (p = {correlation.pvalue:.2g}, from 9,999
relabelings of the classes): {_relation(correlation)}. A distance between
distributions is about the bulk of a class, mistakes are about its edge.</p>
{_picture(folder, "confusion")}"""


def _control(study: Study, folder: Path) -> str:
    rows = "".join(_control_row(name, result) for name, result in study.controls.items())
    return f"""
<h2>What training did</h2>
<p>The same images through a network with random weights, and as raw pixels. Numbers under different
kernels do not compare, so this is the effect: MMD² over the spread within the classes.</p>
{_picture(folder, "control")}
<div class="scroll"><table>
<thead><tr><th>representation</th><th>pairs that differ</th><th>median effect</th>
<th>least and largest effect</th></tr></thead>
<tbody>{rows}</tbody></table></div>
<p class="small">That pairs differ does not mean that they are told apart by much: with 300 images a
class a small difference is significant. In the pixels of one class the digit is anywhere, so the
classes hardly differ there; a network with random weights sees how much ink there is and how its
lines run.</p>"""


# --- parts ---------------------------------------------------------------------------------------


def _control_row(name: str, result: repdist.PairwiseMMDResult) -> str:
    frame = result.to_frame()
    effect = frame["effect"]
    return (
        f"<tr><td>{name}</td><td>{_n_that_differ(frame)} of {len(frame)}"
        f"</td><td>{_signed(effect.median())}</td>"
        f"<td>{_signed(effect.min())} to {_signed(effect.max())}</td></tr>"
    )


def _n_that_differ(pairs: "pd.DataFrame") -> int:
    return int((pairs["pvalue_adjusted"] <= LEVEL).sum())


def _needed_words(study: Study) -> str:
    needed = study.needed["images_needed"]
    enough = needed[needed > 0]
    if len(enough) == 0:
        return "No pair of classes is told apart by 100 images a class."
    counts = enough.value_counts().sort_index()
    told = ", ".join(f"{n} images for {count}" for n, count in counts.items())
    left = int((needed == 0).sum())
    rest = f"; for {left} pairs 100 are not enough" if left else ""
    return f"To tell two classes apart takes {told} of {len(needed)} pairs{rest}."


def _pair(row: "pd.Series[float]") -> str:
    return f"<strong>{row['first']}</strong> and <strong>{row['second']}</strong>"


def _row(row: Mapping[Hashable, Any]) -> str:
    return (
        f"<tr><td>{row['first']}, {row['second']}</td><td>{row['mmd_squared']:.4f}</td>"
        f"<td>{row['ci_low']:.4f} to {row['ci_high']:.4f}</td><td>{row['pvalue_adjusted']:.2g}</td>"
        f"<td>{row['times_floor']:.0f}</td><td>{row['effect']:.3g}</td></tr>"
    )


def _relation(correlation: RankCorrelation) -> str:
    if correlation.pvalue > LEVEL:
        return "no clear relation"
    nearer = "closer" if correlation.value < 0 else "more distant"
    return f"{nearer} classes are mistaken more often"


def _signed(value: float) -> str:
    return f"{value:.2g}".replace("-", "−", 1) if value < 0 else f"{value:.2g}"


def _diagonal(table: "pd.DataFrame") -> "np.ndarray":
    return np.diagonal(table.to_numpy())


def _others(table: "pd.DataFrame") -> "np.ndarray":
    return table.to_numpy()[~np.eye(len(table), dtype=bool)]


def _picture(folder: Path, name: str) -> str:
    alt, caption = PICTURES[name]
    data = base64.b64encode((folder / f"{name}.png").read_bytes()).decode()
    kind = ' class="wide"' if name in WIDE else ""
    return (
        f'<figure{kind}><div class="scroll"><img src="data:image/png;base64,{data}" '
        f'alt="{html.escape(alt)}"></div><figcaption>{html.escape(caption)}</figcaption></figure>'
    )


PICTURES = {  # what a picture shows to who cannot see it, and what is written below it
    "samples": (
        "Two cluttered images of each class; in the first row a frame marks the digit.",
        "Two images of each class. The frame marks the digit; the network is not told where it is.",
    ),
    "post_tables": (
        "Heat maps of mmd_rbf for 1, 2, 10, 50 and 150 rows a side, and the p-values at two rows.",
        "mmd_rbf on windows of x images a side. Row i takes its images from class i, column j the "
        "next ones from class j, so the diagonal compares a class with itself. All on one scale.",
    ),
    "post_curve": (
        "The value against the number of rows, for the same class and for two classes.",
        "Mean and 90 % range over random windows. Left: the post's value falls with n for one "
        "class, on the line that theory gives. Right: without the diagonal one class is at 0 "
        "from two images on.",
    ),
    "table": (
        "Heat map of MMD² between the ten classes; its numbers are in pairs.csv.",
        "MMD² of each pair, in the order of the dendrogram; framed: the noise floor.",
    ),
    "dendrogram": ("Dendrogram of the ten classes.", "Who is close to whom."),
    "map": (
        "Map of the ten classes in the plane.",
        "The classes in the plane, by classical scaling of the distances.",
    ),
    "images_needed": (
        "Heat map of the number of images needed for each pair; numbers in images_needed.csv.",
        "Images of each class that tell the two apart.",
    ),
    "cams": (
        "Images with contour lines of class activation maps.",
        "Lines at 30, 60 and 90 % of the map's maximum. Above the map of the true class, below of "
        "the class that the network names; the images on the right are mistakes.",
    ),
    "typical": (
        "For each class five digits with the contour lines of their class activation maps.",
        "The digits and their surroundings in the most typical images of each class against its "
        "nearest one, with the map of their class. The number is the digit's place in its file.",
    ),
    "confusion": (
        "Confusion matrix, distance matrix, and one against the other for all pairs.",
        "Mistakes and distances of the same pairs; the diagonal on the left counts what is right.",
    ),
    "control": (
        "Heat maps of the effect for the trained network, an untrained one and raw pixels.",
        "Effect of each pair, on one scale.",
    ),
}
WIDE = {"post_tables", "post_curve", "cams", "typical", "confusion", "control", "samples"}

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
{body}
<h2>Method</h2>
<p>LeNet with global average pooling: two 5 × 5 convolutions with 32 and 64 maps, ReLU and 2 × 2
maximum after each, then the average of each map over the image (the 64 features) and a linear
classifier without bias. {origin} MMD² is the unbiased squared maximum mean discrepancy under the
mean of several Gaussian kernels; distances, p-values, intervals and floors are those of
<code>repdist.pairwise_mmd_test</code>.</p>
<p class="small">Files: {files}.</p>
<footer>Made by repdist {version} in {seconds:.0f} s.</footer>
</main>
</body>
</html>
"""

_STYLE = """
:root { color-scheme: light dark; }
body { font: 17px/1.55 system-ui, sans-serif; margin: 0; }
main { max-width: 66rem; margin: 0 auto; padding: 1rem; }
h1 { line-height: 1.2; }
h2 { margin-top: 2.5rem; line-height: 1.25; }
p, ul { max-width: 46rem; }
li { margin-bottom: .4rem; }
.lead { font-size: 1.1rem; }
.small, footer, figcaption { opacity: .8; font-size: .9rem; }
figure { margin: 1rem 0; min-width: 0; }
img { max-width: min(100%, 36rem); height: auto; background: white; display: block; }
.wide img { max-width: 100%; }
figcaption { max-width: 46rem; margin-top: .3rem; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
.pictures > * { flex: 1 1 22rem; min-width: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .7rem; border-bottom: 1px solid #8885; }
th:first-child, td:first-child { text-align: left; }
footer { margin-top: 3rem; }
code { overflow-wrap: anywhere; }
@media (max-width: 40rem) { .wide img { max-width: none; width: 52rem; } }
@media print { body { font-size: 10pt; } figure, tr { break-inside: avoid; } }
"""
