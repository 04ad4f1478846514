"""The sections of the page, in the order in which it tells them."""

import base64
import html
import json
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import repdist

from .analysis import LEVEL, N_RESAMPLES, N_SUBSAMPLES, SHARE, SIZES, RankCorrelation
from .captions import NARROW, ON_PHONES, PICTURES
from .course import Course
from .data import CANVAS
from .post import floor_of_one_class, saturation, value_of_one_against_one
from .study import Study
from .words import term, word_list

if TYPE_CHECKING:
    import pandas as pd

PANDAS = """import numpy as np
import pandas as pd

gap = pd.read_csv("gap.csv", index_col="image")  # label, f0 to f63; image: its number
print(gap.groupby("label").mean().round(2))      # the average features of each class

GAP = np.load("GAP_Value_10x300x64.npy")         # the post's array: class, image, feature
print(GAP.shape)"""


def build_sections(study: Study, folder: Path, n_files: int) -> list[tuple[str, str, str]]:
    """Return the sections: (place on the page, heading, content).

    Parameters
    ----------
    study : Study
    folder : path
        With the pictures as PNG files.
    n_files : int
        Heat maps in the folder `out` of the study.
    """
    return [
        ("post", "The post that this goes back to", _origin()),
        ("images", "What the network is shown", _data(study, folder)),
        ("network", "The network", _network(folder)),
        ("training", "The training", _training(folder)),
        ("gap", "The GAP values, for pandas", _gap()),
        ("cams", "Where the network looks", _seen(study, folder, n_files)),
        ("post-table", "The post's table, and its puzzle", _post(study, folder)),
        ("table", "The table as repdist computes it", _table(study, folder)),
        ("power", "How many images are enough?", _needed(study, folder)),
        ("typical", "What is typical of a class", _typical(folder)),
        ("mistakes", "Are close classes mistaken for each other?", _errors(study, folder)),
        ("control", "What training did", _control(study, folder)),
        ("course", "How the classes move apart as the network learns", _course(study, folder)),
        ("words", "The words of this page", word_list()),
    ]  # fmt: skip


def lead(study: Study) -> str:
    """Return the answers that stand above all sections."""
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
<li>It names {study.n_right / n:.1%} of {n:,} images of unseen digits
({term("95 % interval")} {low:.1%} to {high:.1%}).</li>
<li>{differ} of {len(frame)} pairs of classes differ, beyond what chance can do even in
{len(frame)} tries ({term("p-value", "p")} ≤ .05 after {term("Holm", "Holm's adjustment")}).</li>
<li>Closest: {_pair(near)}, {term("MMD²")} {near["mmd_squared"]:.3f} (95 % interval
{near["ci_low"]:.3f} to {near["ci_high"]:.3f}), about {_about(near["times_floor"])} times what two
samples of one class show (the {term("noise floor")}). Farthest: {_pair(far)},
{far["mmd_squared"]:.3f}, about {_about(far["times_floor"])} times.</li>
<li>{needed_words(study.needed)}</li>
</ul>"""


# --- what the post had ---------------------------------------------------------------------------


def _origin() -> str:
    return f"""
<p>On 15 April 2019 a blogger, “jack”, published an experiment in Chinese in a personal blog:
<cite lang="zh">机器学习experiment_GAP_LeNet_MMD</cite>, with the subtitle
<cite lang="zh">将MMD应用在LeNet上查看GAP下不同类的差距</cite>
(“Apply MMD to LeNet, to see how far apart the classes are after GAP”). It had two aims: to
<em>see</em> the differences between classes, and to <em>measure</em> them. All that it showed
stands on this page, computed anew, and what it could not explain is explained:</p>
<div class="scroll"><table class="text">
<thead><tr><th>in the post</th><th>here</th></tr></thead>
<tbody>
<tr><td>2. the data set, <em>MNIST cluttered</em>, with examples</td>
<td><a href="#images">What the network is shown</a></td></tr>
<tr><td>2. and 3.1 the network: LeNet with global average pooling, GAP</td>
<td><a href="#network">The network</a></td></tr>
<tr><td>3.2 the training, with its accuracy</td><td><a href="#training">The training</a></td></tr>
<tr><td>3.3 <code>GAP_Value_10*300*64.npy</code>, for pandas</td>
<td><a href="#gap">The GAP values</a></td></tr>
<tr><td>3.4 the function <code>mmd_rbf</code>; 4.2 “10x64, same class ≤ 1”; “1 vs 1, there is a
problem”</td><td><a href="#post-table">The post's table, and its puzzle</a></td></tr>
<tr><td>4.1 class activation maps; “the heatmaps are available in out/”</td>
<td><a href="#cams">Where the network looks</a>, and the folder <code>out</code></td></tr>
</tbody></table></div>
<p>What the post did not have comes after that: {term("p-value", "p-values")},
{term("95 % interval", "intervals")} and {term("noise floor", "floors")} for
<a href="#table">the table</a>, <a href="#power">how many images are enough</a>, and
<a href="#course">what the training does to the distances</a>. The words that are underlined are
explained <a href="#words">at the end</a>. <code>repdist lenet-gap notebook study.ipynb</code>
writes a notebook that goes through the steps one by one, as the post did.</p>"""


def _data(study: Study, folder: Path) -> str:
    return f"""
<p>Each image is 100 × 100 pixels: eight 8 × 8 pieces cut from other digits, and one whole digit,
all at random places. The test images hold {study.n_per_class} digits of each class that the
training never saw, with clutter from unseen digits.</p>
{_picture(folder, "samples")}"""


def _network(folder: Path) -> str:
    return f"""
<p>LeNet without its large last layers. Two convolutions find strokes and parts of digits wherever
they are; each of the last 64 maps is then averaged over the whole image, which gives the 64
{term("features")}. A digit is named from these alone: 64 × 10 weights, without a bias, give one
score for each class.</p>
{_picture(folder, "network")}"""


def _training(folder: Path) -> str:
    report = json.loads(Path(__file__).with_name("training.json").read_text("utf-8"))
    return f"""
<p>The weights that come with repdist saw {report["training_images"]:,} cluttered images, each once,
made from {report["training_digits"]:,} digits (seed {report["seed"]}; Adam, batches of 64,
{report["training_seconds"] / 60:.0f} minutes on two cores). The first 15 % of the images are
small, 40 × 40 with two pieces of clutter, which gets the network off the ground. The validation
images are full from the start, so their loss (how wrong the scores are) and error fall where full
images begin. The learning rate rises over five rounds of 16,384 images and goes down along a
cosine.</p>
{_picture(folder, "training")}
<p class="small">All numbers: <a href="training_log.csv">training_log.csv</a>. The recipe, the
machine, the command and the licence: <a href="MODEL_CARD.md">the model card</a>.</p>"""


def _gap() -> str:
    return f"""
<p>The features of all test images are in <a href="gap.csv">gap.csv</a>, one row an image with its
label, and in the post's form, 10 × 300 × 64, in
<a href="GAP_Value_10x300x64.npy">GAP_Value_10x300x64.npy</a>. In this folder:</p>
<div class="scroll"><pre><code>{html.escape(PANDAS)}</code></pre></div>"""


def _seen(study: Study, folder: Path, n_files: int) -> str:
    inside = study.representation.peak_in_box
    zero = study.representation.peak_in_box_of_class_0
    wrong = study.representation.predicted != study.images.labels
    named = study.representation.peak_in_box_of_named
    return f"""
<p>The score of a class is the average of its {term("class activation map")} over the image, so the
map shows which places speak for the class.</p>
{_picture(folder, "cams")}
{_picture(folder, "cams_of_mistakes")}
<p>It errs in {wrong.sum():,} of {len(wrong):,} images ({wrong.mean():.1%};
<a href="#mistakes">which classes it mistakes</a>). Does it look elsewhere then? The map of the
class that it names has its peak inside the digit's box in {named[wrong].sum():,} of those
{wrong.sum():,}.</p>
<p>Over all images, the map of the true class has its peak inside that box in {inside.mean():.1%}.
That is no proof that it is the right map: the map of class 0, drawn whatever the image
shows, has its peak there in {zero.mean():.1%}. The whole digit is simply where there is most to
see.</p>
<p class="small">{n_files} heat maps, one file an image, are in the folder <a href="out/">out</a>:
the first images of each class, and all mistakes. Left the image, then the map of its class, then
that of the class named, where it is another.</p>"""


def _post(study: Study, folder: Path) -> str:
    tables, post = study.post.tables, study.post
    one = tables[1].to_numpy()
    ten, fifty = tables[10], tables[50]
    rulers = post.rulers.to_numpy()
    return f"""
<p>The post put features of such a network, 10 classes × 300 images × 64, through the
function <code>mmd_rbf</code> and printed one number for each pair of classes: from ten images a
class a table with “same class ≤ 1”, from one image a class a table in which something was wrong.
Here are the same numbers, computed the same way from this network.</p>
{_picture(folder, "post_tables")}
<ul>
<li><strong>One against one is a constant.</strong> Every cell at x = 1 is
{one.mean():.4f} (least {one.min():.4f}, largest {one.max():.4f}). The function takes the
{term("bandwidth", "bandwidths")} of its five kernels from the mean squared distance of the images
at hand. With two images that <em>is</em> their own squared distance: it cancels, and the
value is 10 − 2 (e<sup>−4</sup> + e<sup>−2</sup> + e<sup>−1</sup> + e<sup>−1/2</sup> +
e<sup>−1/4</sup>) = {value_of_one_against_one():.4f} whatever the images show.</li>
<li><strong>A class does not differ from itself.</strong> The table says that it does because the
function also compares each image with itself, which makes every sample look alike within. That
alone gives about {floor_of_one_class(1):.3f} / n with n images a side where all distances are
alike, as in many dimensions: at x = 10 that is {floor_of_one_class(10):.2f}, and the diagonal shows
{_diagonal(ten).min():.2f} to {_diagonal(ten).max():.2f}, other classes {_others(ten).min():.2f} to
{_others(ten).max():.2f}. The post's “≤ 1” is this. It fades with more images: at x = 50 the
diagonal is {_diagonal(fifty).min():.2f} to {_diagonal(fifty).max():.2f}. Without it
({term("MMD²", "unbiased")}, below on the right) a class against itself is 0 on average.</li>
<li><strong>Two images prove nothing.</strong> At x = 2 there are six ways to deal four images out
to two classes, in pairs of equal value, so no {term("p-value")} can be below 1/3; the least here is
{post.pvalues.to_numpy().min():.3f}.</li>
<li><strong>It has a ceiling.</strong> Two classes, each of images that are all alike, tend to
{saturation():.2f} with many images a side, however far apart, and no cell shows more; the largest
cell at x = 150 is {tables[150].to_numpy().max():.2f}.</li>
<li><strong>Every cell has another ruler.</strong> The mean squared distance that sets the
{term("bandwidth", "bandwidths")} goes from {rulers.min():.3g} to {rulers.max():.3g} over the cells
at x = 10, so cells do not compare.</li>
<li><strong>Normalising changes nothing</strong>: the function does not see one shift and scale of
all features. At x = 10 no cell changes by more than
{f"{post.normalize_changes:.1e}".replace("-", "−")}, which is rounding.</li>
</ul>
{_picture(folder, "post_curve")}"""


# --- what repdist adds ---------------------------------------------------------------------------


def _table(study: Study, folder: Path) -> str:
    frame = study.table.to_frame()
    floors = np.diagonal(study.table.noise_floor.to_numpy())
    order = frame.sort_values("mmd_squared", kind="stable")
    ends = [*order.head(5).to_dict("records"), *order.tail(5).to_dict("records")]
    n_relabelings = frame["n_resamples"].max()
    least = len(frame) / (n_relabelings + 1)
    return f"""
<p>The unbiased distance, {term("MMD²")}, every pair under one {term("kernel")} fitted on all
images; exact {term("p-value", "p-values")} from {n_relabelings:,} relabelings of each
pair, adjusted for {len(frame)} comparisons ({term("Holm")}). 0 means equal; two samples of one
class show at most {floors.min():#.2g} to {floors.max():#.2g} (the {term("noise floor")}, 95 % of
the time).</p>
{_picture(folder, "table")}
<p>To read it: hold a number against the framed ones of its row and of its column. Near them it is
no more than two samples of one class show; here every pair is at least
{_about(frame["times_floor"].min())} times its floor. How exact a number is stands in
its {term("95 % interval")}, below for ten pairs and in <a href="pairs.csv">pairs.csv</a> for
all.</p>
<div class="pictures">
{_picture(folder, "dendrogram")}
{_picture(folder, "map")}
</div>
<h3>The five closest and the five farthest pairs</h3>
<div class="scroll"><table>
<thead><tr><th>classes</th><th>{term("MMD²")}</th><th>{term("95 % interval")}</th>
<th>{term("Holm", "p, adjusted")}</th><th>{term("times the floor")}</th><th>{term("effect")}</th>
</tr></thead>
<tbody>{"".join(_row(row) for row in ends)}</tbody></table></div>
<p class="small">All pairs are in <a href="pairs.csv">pairs.csv</a>. An adjusted p of
{least:.3g} is the least that can come out, {len(frame)} / {n_relabelings + 1:,}: no relabeling
made so large a difference. A floor comes from random halves of a class and is known to a percent or
two, so “times the floor” has two digits. The intervals speak of other images and this network;
<a href="#course">another training</a> gives other distances. A test of two classes alone, as in
repdist's README, fits the {term("kernel")} on these two, so its numbers are a little
different.</p>"""


def _needed(study: Study, folder: Path) -> str:
    sizes = ", ".join(map(str, SIZES))
    return f"""
<p>{needed_words(study.needed)} One try draws so many images of each of the two classes at random
and tests them ({N_RESAMPLES:,} {term("p-value", "relabelings")}, many
{term("bandwidth", "bandwidths")} at once, fitted on these images); {N_SUBSAMPLES} tries were made
with {sizes} images until {N_SUBSAMPLES * SHARE:.0f} of {N_SUBSAMPLES} told the two apart
({term("p-value", "p")} ≤ .05). With 2 or 3 images p cannot be below 1/3 or 1/10, whatever they
show. With 1 no test is possible: there is nothing to compare the difference of two images with,
and exchanging them changes nothing, so p would always be 1.</p>
{_picture(folder, "power")}"""


def _typical(folder: Path) -> str:
    return f"""
<p>The distance of two classes comes from a function that is high where one has more images than
the other, the {term("witness", "witness function")}. These images of each class have the highest
values against the class that is nearest to theirs.</p>
{_picture(folder, "typical")}"""


def _errors(study: Study, folder: Path) -> str:
    wrong = len(study.images.labels) - study.n_right
    correlation = study.correlation
    return f"""
<p>The network makes {wrong} mistakes. The {term("rank correlation")} of distances and mistakes
over the {len(study.needed)} pairs is {_signed(correlation.value)} ({term("p-value", "p")} =
{correlation.pvalue:.2g}, from 9,999 relabelings of the classes): {_relation(correlation)}. The
two need not go together: a distance is about most images of a class, mistakes about the few at its
edge.</p>
{_picture(folder, "confusion")}"""


def _control(study: Study, folder: Path) -> str:
    rows = "".join(_control_row(name, result) for name, result in study.controls.items())
    return f"""
<p>The same images through a network with random weights, and as raw pixels. Numbers under different
kernels do not compare, so this is the {term("effect")}: {term("MMD²")} over the spread within the
classes.</p>
{_picture(folder, "control")}
<div class="scroll"><table>
<thead><tr><th>representation</th><th>pairs that differ</th><th>median effect</th>
<th>least and largest effect</th></tr></thead>
<tbody>{rows}</tbody></table></div>
<p class="small">That pairs differ does not mean that they are told apart by much: with 300 images a
class even a small difference is sure ({term("p-value", "p")} ≤ .05). In the pixels of one class the
digit is anywhere, so the classes hardly differ there; a network with random weights sees how much
ink there is and how its lines run.</p>"""


def _course(study: Study, folder: Path) -> str:
    course = study.course
    medians = course.curves().median(axis=1)
    early, late = course.images[1], course.images[-1]
    near = course.tables[course.tables["images"] == late].nsmallest(1, "effect").iloc[0]
    small = course.log["images"][course.log["canvas"] < CANVAS]
    jump = (
        f"""<p>The jump after {small.iloc[-1]:,} images is where the training goes over from small
images of {course.log["canvas"].iloc[0]} × {course.log["canvas"].iloc[0]} pixels to those of
{CANVAS} × {CANVAS} that are compared here: until then the network knows the digits, but not so much
clutter around them.</p>"""
        if len(small)
        else ""
    )
    return f"""
<p>After every {early:,} images of the training, a table of all pairs of classes was made, from
images of a part of the digits that is not trained on. Each table has its own {term("kernel")}, so
the picture shows the {term("effect")}, which compares. The median is {_signed(medians.iloc[0])}
before the training, {_signed(medians.iloc[1])} after {early:,} images and
{_signed(medians.iloc[-1])} after {late:,}; the closest two classes at the end are {_pair(near)},
with {_signed(near["effect"])}{_not_so_above(study, near)}. {_learned_early(course)}</p>
{_picture(folder, "course")}
{jump}
<p class="small">This is the training of the shipped weights once more: the same command, the same
seed. The shipped weights were made on another machine, whose rounding of bfloat16 differs, so this
training ended with other weights and the same accuracy within chance. That the tables do not change
the training was checked: the first four rounds repeat the shipped log to the last digit where the
rounding is the same. <code>course.csv</code> holds the effects. For a Keras model of your own, the
same callback is in repdist's documentation, “Watch classes move apart while a Keras model
learns”.</p>"""


# --- parts ---------------------------------------------------------------------------------------


def needed_words(needed: "pd.DataFrame") -> str:
    """Say in plain words how many images tell two classes apart."""
    pairs = len(needed)
    enough = needed[needed["images_needed"] > 0]
    if len(enough) == 0:
        return f"Even {SIZES[-1]} images of each class do not tell any two classes apart."
    told = enough["images_needed"].value_counts().sort_index().cumsum()
    shown = told if len(told) <= 3 else told.iloc[[0, len(told) // 2, -1]]
    steps = [f"{n} images {'all ' * (count == pairs)}{count}" for n, count in shown.items()]
    steps[0] = steps[0].replace("images", "images of each class tell apart", 1)
    listed = " and ".join(filter(None, [", ".join(steps[:-1]), steps[-1]]))
    words = (
        f"A handful of images tells two classes apart, in nine of ten tries: of the {pairs} pairs, "
        f"{listed}."
    )
    left = pairs - len(enough)
    return f"{words} For {left} of them {SIZES[-1]} are not enough." if left else words


def _learned_early(course: Course) -> str:
    """Say when the classes were nearly as far apart as at the end, and what errors did since."""
    medians = course.curves().median(axis=1)
    there = int((medians >= 0.95 * medians.iloc[-1]).idxmax())
    errors = 1 - course.log.set_index("images")["validation_accuracy"]
    if there not in errors.index:
        return ""
    return (
        f"The median is nearly there (95 %) after {there:,} images, when {errors[there]:.1%} of "
        f"the validation images are misnamed; at the end it is {errors.iloc[-1]:.1%}."
    )


def _not_so_above(study: Study, near: "pd.Series[float]") -> str:
    """Say why another pair is the closest here than in the table, if one is."""
    frame = study.table.to_frame()
    above = frame.nsmallest(1, "effect").iloc[0]
    if (above["first"], above["second"]) == (near["first"], near["second"]):
        return ""
    return (
        f" (in the table above, {_pair(above)}: these are other weights and other images, and "
        "which of the close pairs is the closest is not the same in every training)"
    )


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


def _pair(row: "pd.Series[float]") -> str:
    return f"<strong>{row['first']}</strong> and <strong>{row['second']}</strong>"


def _row(row: Mapping[Hashable, Any]) -> str:
    return (
        f"<tr><td>{row['first']}, {row['second']}</td><td>{row['mmd_squared']:.4f}</td>"
        f"<td>{row['ci_low']:.4f} to {row['ci_high']:.4f}</td><td>{row['pvalue_adjusted']:.3g}</td>"
        f"<td>{_about(row['times_floor'])}</td><td>{row['effect']:.3g}</td></tr>"
    )


def _relation(correlation: RankCorrelation) -> str:
    if correlation.pvalue > LEVEL:
        return "no clear relation"
    nearer = "closer" if correlation.value < 0 else "more distant"
    return f"{nearer} classes are mistaken more often"


def _signed(value: float) -> str:
    return f"{value:.2g}".replace("-", "−", 1) if value < 0 else f"{value:.2g}"


def _about(value: float) -> str:
    """Return a number with the two digits that it has."""
    text = f"{float(f'{value:.2g}'):,.1f}" if abs(value) < 10 else f"{float(f'{value:.2g}'):,.0f}"
    return text.replace("-", "−", 1)


def _diagonal(table: "pd.DataFrame") -> "np.ndarray":
    return np.diagonal(table.to_numpy())


def _others(table: "pd.DataFrame") -> "np.ndarray":
    return table.to_numpy()[~np.eye(len(table), dtype=bool)]


def _picture(folder: Path, name: str) -> str:
    alt, caption = PICTURES[name]
    kind = "" if name in NARROW else ' class="whole"' if name in ON_PHONES else ' class="wide"'
    picture = f'<img src="{_inside(folder, name)}" alt="{html.escape(alt)}">'
    if name in ON_PHONES:
        narrow = _inside(folder, ON_PHONES[name])
        picture = (
            f'<picture><source media="(max-width: 40rem)" srcset="{narrow}">{picture}</picture>'
        )
    return (
        f'<figure{kind}><div class="frame"><div class="scroll">{picture}</div></div>'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def _inside(folder: Path, name: str) -> str:
    """Return a picture as an address that holds it."""
    data = base64.b64encode((folder / f"{name}.png").read_bytes()).decode()
    return f"data:image/png;base64,{data}"
