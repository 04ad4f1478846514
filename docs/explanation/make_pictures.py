"""Draw the pictures of the explanation pages and of the README into docs/images/.

Run it from anywhere: python docs/explanation/make_pictures.py

The two of the front page and of Start are drawn by `docs/conf.py` whenever the site is built. What
this file does not draw: typical.png and classes_move_apart.png (there course.png) are written by
`repdist lenet-gap`, and learning_curve.png by `repdist lenet-gap train`.
"""

import math
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

import repdist
from repdist._pass.landmarks import choose
from repdist.kernels import RBF, MultiRBF

IMAGES = Path(__file__).parents[1] / "images"
BLUE, RED, FILL = "#2f5d8a", "#b5361c", "#9db4c9"
CENTRES = np.array([(-20, -20), (-20, 20), (20, -20), (20, 20)])


def main():
    mpl.use("Agg")
    for draw in (
        mean_embeddings,
        kernel_matrix,
        two_estimators,
        relabelings,
        shuffles_and_swaps,
        designs,
        clustered_rows,
        bins,
        landmarks,
        one_bandwidth,
        normal_scores,
        noise_floor,
        size_and_significance,
        drift_pool,
    ):
        save(draw(), IMAGES / f"explain_{draw.__name__}.png")
    save(table(), IMAGES / "table.png", dpi=150)
    for path in (IMAGES / "table.png", *sorted(IMAGES.glob("explain_*.png"))):
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def draw_for_site(folder):
    """Draw the pictures of the front page and of Start into this folder."""
    folder.mkdir(exist_ok=True)
    save(table(), folder / "table.png", dpi=150)
    save(small_table(), folder / "small_table.png", dpi=200)


def save(figure, path, dpi=110):
    figure.savefig(path, dpi=dpi)
    plt.close(figure)


def mixture(n, sd, rng):
    """Return n rows of four clouds; the fourth has another standard deviation."""
    cloud = rng.integers(4, size=n)
    spread = np.where(cloud == 3, sd, 1.0)
    return CENTRES[cloud] + spread[:, None] * rng.normal(size=(n, 2))


# --- README, index.md, start/index.md ------------------------------------------------------------


def table():
    """The heat map of the ten classes."""
    features, names = repdist.example_features()
    return repdist.pairwise_mmd_test(features, names, rng=0).plot(order="clustered").figure


def small_table():
    """The same for five of them, in print that can be read at the width of a phone."""
    features, names = repdist.example_features()
    five = [0, 6, 4, 9, 1]
    result = repdist.pairwise_mmd_test(features[five], [names[digit] for digit in five], rng=0)
    fig, ax = plt.subplots(figsize=(4.6, 3.8), layout="constrained")
    result.plot(ax=ax, order="clustered")
    return fig


# --- mmd.md --------------------------------------------------------------------------------------


def mean_embeddings():
    """Two samples on a line, their mean embeddings, and the witness."""
    rng = np.random.default_rng(3)
    X, Y = rng.normal(0, 1, size=(8, 1)), rng.normal(1.5, 1, size=(8, 1))
    t = np.linspace(-4, 5, 300)[:, None]
    kernel = RBF(bandwidth=0.7)
    fig, axes = plt.subplots(3, 1, figsize=(6.5, 5.6), layout="constrained", sharex=True)
    samples = ((X, BLUE, "-", "o", "X"), (Y, RED, "--", "s", "Y"))
    for rows, colour, line, marker, name in samples:
        values = kernel(rows, t)
        axes[0].plot(t, values.T, line, color=colour, linewidth=0.8)
        axes[0].plot(rows, np.zeros(len(rows)), marker, color=colour, clip_on=False)
        axes[1].plot(t, values.mean(axis=0), line, color=colour, label=f"mean over {name}")
    axes[2].plot(t, kernel(X, t).mean(axis=0) - kernel(Y, t).mean(axis=0), color="black")
    axes[2].axhline(0, color="0.5", linewidth=0.8)
    axes[0].set_title("1. a bump on every row", loc="left", fontsize="medium")
    axes[1].set_title("2. the mean bump of each sample", loc="left", fontsize="medium")
    axes[2].set_title("3. their difference: the witness", loc="left", fontsize="medium")
    axes[1].legend(frameon=False)
    return fig


def kernel_matrix():
    """The kernel matrix of two pooled samples, in blocks."""
    features, _ = repdist.example_features()
    rows = np.concatenate([features[1, :20], features[3, :20]])
    K = MultiRBF().fit(rows)(rows, rows)
    fig, ax = plt.subplots(figsize=(5, 4.2), layout="constrained")
    image = ax.imshow(K, cmap="cividis_r", vmin=0, vmax=1)
    ax.axhline(19.5, color="black")
    ax.axvline(19.5, color="black")
    for x, y, text in ((9.5, 9.5, "X, X"), (29.5, 29.5, "Y, Y"), (29.5, 9.5, "X, Y")):
        ax.text(
            x, y, text, ha="center", va="center", fontsize=13,
            bbox={"fc": "white", "ec": "none", "alpha": 0.85},
        )  # fmt: skip
    ax.text(
        9.5, 29.5, "Y, X", ha="center", va="center", fontsize=13,
        bbox={"fc": "white", "ec": "none", "alpha": 0.85},
    )  # fmt: skip
    ax.set_xticks([9.5, 29.5], ["20 images of a one", "20 images of a three"])
    ax.set_yticks([9.5, 29.5], ["ones", "threes"])
    ax.tick_params(length=0)
    fig.colorbar(image, label="k(row, column)")
    return fig


# --- estimators.md -------------------------------------------------------------------------------


def two_estimators():
    """Both estimates for equal distributions, against the number of rows."""
    rng = np.random.default_rng(0)
    kernel = MultiRBF().fit(rng.normal(size=(1000, 5)))
    sizes = [5, 10, 20, 50, 100]
    fig, ax = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
    for estimator, colour, fill, marker, shift in (
        ("unbiased", BLUE, FILL, "o", 0.95),
        ("biased", RED, "0.7", "s", 1.05),
    ):
        values = np.array(
            [
                [
                    repdist.mmd_squared(
                        *rng.normal(size=(2, n, 5)), kernel=kernel, estimator=estimator
                    )
                    for _ in range(200)
                ]
                for n in sizes
            ]
        )
        low, high = np.quantile(values, [0.05, 0.95], axis=1)
        places = np.array(sizes) * shift
        ax.vlines(places, low, high, color=fill, linewidth=5)
        ax.plot(places, values.mean(axis=1), marker, color=colour, label=f"{estimator}: mean")
    sample = rng.normal(size=(1000, 5))
    K = kernel(sample, sample)
    spread = 1 - (K.sum() - np.trace(K)) / (1000 * 999)
    n = np.geomspace(4.5, 110, 50)
    ax.plot(
        n, 2 * spread / n, "--", color="black", linewidth=1, label="floor of the biased estimate"
    )
    ax.axhline(0, color="0.5", linewidth=0.8)
    ax.set_xscale("log")
    ax.set_xticks(sizes, sizes)
    ax.minorticks_off()
    ax.set_xlabel("rows in each sample")
    ax.set_ylabel("estimate of MMD$^2$ (truth: 0)")
    ax.legend(frameon=False)
    return fig


# --- permutation.md ------------------------------------------------------------------------------


def relabelings():
    """The labels as they are, three relabelings, and the histogram that they build up."""
    rng = np.random.default_rng(5)
    X, Y = rng.normal(0, 1, size=(6, 2)), rng.normal(1.8, 1, size=(6, 2))
    rows, labels = np.concatenate([X, Y]), np.repeat([1, 0], 6)
    kernel = RBF().fit(rows)
    fig = plt.figure(figsize=(8, 4.4), layout="constrained")
    upper, lower = fig.subfigures(2, 1, height_ratios=[1.1, 1])
    for k, ax in enumerate(upper.subplots(1, 4, sharex=True, sharey=True)):
        a = labels if k == 0 else rng.permutation(labels)
        ax.plot(*rows[a == 1].T, "o", color=BLUE)
        ax.plot(*rows[a == 0].T, "s", color=RED, fillstyle="none")
        value = repdist.mmd_squared(rows[a == 1], rows[a == 0], kernel=kernel)
        ax.set_title(f"{'as observed' if k == 0 else 'relabeled'}\nMMD² {value:.2f}", fontsize=10)
        ax.set_xticks([])
        ax.set_yticks([])
    result = repdist.mmd_test(X, Y, kernel=kernel, rng=0)
    ax = lower.subplots()
    ax.hist(result.null_distribution, 40, color=FILL)
    ax.axvline(result.statistic, color=RED, linewidth=2)
    ax.set_xlabel(
        f"MMD² of all {result.n_resamples} relabelings; line: as observed, p = {result.pvalue:.3f}"
    )
    ax.set_ylabel("relabelings")
    return fig


def clustered_rows():
    """p-values under the null: independent rows, clustered rows, and means of clusters."""
    rng = np.random.default_rng(0)

    def videos(n, frames):
        """Return (n, frames, 3): a video has a place of its own, its frames lie around it."""
        return rng.normal(size=(n, 1, 3)) + 0.5 * rng.normal(size=(n, frames, 3))

    def pvalues(sample):
        return [
            repdist.mmd_test(sample(), sample(), n_resamples=1023, rng=rng).pvalue
            for _ in range(300)
        ]

    found = {
        "60 videos, one frame of each": pvalues(lambda: videos(60, 1)[:, 0]),
        "6 videos, ten frames of each": pvalues(lambda: videos(6, 10).reshape(60, 3)),
        "6 videos, the mean of each": pvalues(lambda: videos(6, 10).mean(axis=1)),
    }
    fig, axes = plt.subplots(1, 3, figsize=(8.5, 2.9), layout="constrained", sharey=True)
    for ax, (name, values) in zip(axes, found.items(), strict=True):
        ax.hist(values, np.linspace(0, 1, 21), color=FILL, edgecolor="white")
        ax.axhline(15, color="black", linestyle="--", linewidth=1)
        share = np.mean(np.array(values) <= 0.05)
        ax.set_title(f"{name}\np ≤ 0.05 in {share:.0%}", fontsize=10)
        ax.set_xlabel("p-value")
    axes[0].set_ylabel("tests out of 300")
    return fig


# --- relabelings.md ------------------------------------------------------------------------------


def shuffles_and_swaps():
    """Six units in two samples: two shuffles, each with the four swaps of a code."""
    patterns = {
        "x = 00: no swaps": (0, 0, 0),
        "x = 01: pairs 1 and 3": (1, 0, 1),
        "x = 10: pairs 2 and 3": (0, 1, 1),
        "x = 11: pairs 1 and 2": (1, 1, 0),
    }
    observed = [5, 1, 4]  # in the first sample
    shuffles = {
        "shuffle 0: as observed": ([5, 1, 4], [2, 3, 0]),
        "shuffle 1: random places": ([3, 5, 0], [1, 2, 4]),
    }
    fig = plt.figure(figsize=(9, 5), layout="constrained")
    halves = fig.subfigures(2, 1, hspace=0.04)
    for (shuffle, (left, right)), half in zip(shuffles.items(), halves, strict=True):
        half.supylabel(shuffle, fontsize=11)
        for (pattern, swapped), ax in zip(patterns.items(), half.subplots(1, 4), strict=True):
            pairs = [
                (y, x) if swap else (x, y) for x, y, swap in zip(left, right, swapped, strict=True)
            ]
            for place, (pair, swap) in enumerate(zip(pairs, swapped, strict=True)):
                for side, value in enumerate(pair):
                    draw_unit(ax, 2.4 * side, -1.1 * place, value, value in observed)
                moved = {"color": "black", "linewidth": 1.8} if swap else {"color": "0.75"}
                ax.annotate(
                    "", (2.0, -1.1 * place), (0.4, -1.1 * place),
                    arrowprops={"arrowstyle": "<->" if swap else "-", **moved},
                )  # fmt: skip
                ax.text(1.2, 0.12 - 1.1 * place, place + 1, ha="center", fontsize=8, color="0.35")
            difference = sum(x - y for x, y in pairs)
            ax.set(xlim=(-0.8, 3.2), ylim=(-3.5, 1.2), aspect="equal", title=pattern)
            ax.title.set_fontsize(10)
            ax.set_axis_off()
            for side, name in enumerate(("first", "second")):
                ax.text(2.4 * side, 0.6, name, ha="center", fontsize=9, color="0.35")
            ax.text(1.2, -3.2, f"T = {difference**2} / 9", ha="center", fontsize=10)
    return fig


def draw_unit(ax, x, y, value, of_first):
    """Draw one unit; its colour and line say in which sample it was observed."""
    colour, style = (FILL, "-") if of_first else ("white", "--")
    box = plt.Rectangle(
        (x - 0.35, y - 0.35), 0.7, 0.7,
        facecolor=colour, edgecolor=BLUE if of_first else RED, linestyle=style, linewidth=1.3,
    )  # fmt: skip
    ax.add_patch(box)
    ax.text(x, y, value, ha="center", va="center_baseline", fontsize=11)


# --- designs.md ----------------------------------------------------------------------------------


def designs():
    """What changes places in each design: rows, those of pairs or strata, whole clusters."""
    twelve = [1] * 12
    panels = {
        "rows": (
            twelve, range(1, 13), [[8, 0, 3, 11, 6, 2], [5, 10, 1, 7, 4, 9]],
            "any six rows:\n924 ways",
        ),
        "paired rows": (
            twelve, [*range(1, 7)] * 2, [[0, 7, 8, 3, 10, 5], [6, 1, 2, 9, 4, 11]],
            "either row of each pair:\n64 ways",
        ),
        "clusters": (
            [3, 1, 2, 2, 3, 1], "ABCDEF", [[4, 1, 3], [0, 2, 5]], "any three clusters:\n20 ways",
        ),
    }  # fmt: skip
    fig, axes = plt.subplots(2, 4, figsize=(9.6, 6), layout="constrained")
    draw_strata(axes[:, 3])
    for (title, (sizes, names, moved, ways)), column in zip(
        panels.items(), axes[:, :3].T, strict=True
    ):
        half = len(sizes) // 2
        observed = [range(half), range(half, 2 * half)]
        for ax, sides in zip(column, (observed, moved), strict=True):
            for side, units in enumerate(sides):
                draw_side(ax, 2.4 * side, [(sizes[u], names[u], u < half) for u in units])
                ax.text(2.4 * side, 0.65, "XY"[side], ha="center", fontsize=12, color="0.35")
            if title == "paired rows":
                draw_pairs(ax, [unit >= half for unit in sides[0]])
            frame_panel(ax)
        column[0].set_title(title, fontsize=14)
        column[1].text(1.2, -4.9, ways, ha="center", va="top", fontsize=11)
    for ax, words in zip(axes[:, 0], ("as observed", "one relabeling"), strict=True):
        ax.text(-1.4, -2.1, words, rotation=90, va="center", ha="center", fontsize=13)
    return fig


def frame_panel(ax):
    ax.set(xlim=(-1, 3.4), ylim=(-5.9, 1.2), aspect="equal")
    ax.set_axis_off()


def draw_strata(axes):
    """Draw rows of two kinds, which change places within their kind, before and after."""
    observed = [[(1, 2, 3), (6, 7)], [(4, 5), (8, 9, 10)]]
    moved = [[(6, 1, 3), (2, 7)], [(9, 5), (4, 10, 8)]]
    for ax, strata in zip(axes, (observed, moved), strict=True):
        for kind, sides, top in zip(("cats", "dogs"), strata, (0.0, -2.64), strict=True):
            ax.add_patch(plt.Rectangle((-0.75, top - 2.06), 3.9, 2.52, facecolor="0.92"))
            ax.text(1.2, top - 0.8, kind, ha="center", va="center", fontsize=12)
            for side, rows in enumerate(sides):
                draw_side(ax, 2.4 * side, [(1, row, row <= 5) for row in rows], top)
        for side in (0, 1):
            ax.text(2.4 * side, 0.65, "XY"[side], ha="center", fontsize=12, color="0.35")
        frame_panel(ax)
    axes[0].set_title("strata", fontsize=14)
    axes[1].text(
        1.2, -4.9, "any three of the cats,\ntwo of the dogs: 100 ways", ha="center", va="top",
        fontsize=11,
    )  # fmt: skip


def draw_side(ax, x, units, y=0.0):
    """Draw units of one or more rows below each other, those of clusters in frames."""
    in_frames = max(rows for rows, _, _ in units) > 1
    for rows, name, of_first in units:
        for row in range(rows):
            colour = {"facecolor": FILL, "edgecolor": BLUE, "linestyle": "-"}
            if not of_first:
                colour = {"facecolor": "white", "edgecolor": RED, "linestyle": "--"}
            place = y - 0.8 * row
            ax.add_patch(plt.Rectangle((x - 0.3, place - 0.3), 0.6, 0.6, linewidth=1.3, **colour))
            ax.text(x, place, name, ha="center", va="center_baseline", fontsize=11)
        if in_frames:
            height = 0.8 * rows - 0.04
            ax.add_patch(plt.Rectangle((x - 0.42, y + 0.38 - height), 0.84, height, fill=False))
        y -= 0.8 * rows + 0.12 * in_frames


def draw_pairs(ax, moved):
    """Join the rows of each pair, by an arrow where they have changed places."""
    for place, changed in enumerate(moved):
        colour = {"color": "black", "linewidth": 1.8} if changed else {"color": "0.6"}
        ax.annotate(
            "", (2.0, -0.8 * place), (0.4, -0.8 * place),
            arrowprops={"arrowstyle": "<->" if changed else "-", **colour},
        )  # fmt: skip


# --- bins.md -------------------------------------------------------------------------------------


def bins():
    """The null distribution by single rows and by bins."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(400, 5)), rng.normal(0.08, 1, size=(400, 5))
    kernel = RBF().fit(np.concatenate([X, Y]))
    fig, ax = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
    edges = np.linspace(-0.002, 0.005, 61)
    for n_bins, style, label in (
        ("rows", {"color": FILL}, "single rows"),
        (50, {"histtype": "step", "color": "black", "linewidth": 1.5}, "bins of 8 rows"),
    ):
        result = repdist.mmd_test(X, Y, kernel=kernel, n_bins=n_bins, rng=0)
        label = f"{label}: p = {result.pvalue:.4f}"
        ax.hist(result.null_distribution, edges, density=True, label=label, **style)
    ax.axvline(result.statistic, color=RED, linewidth=2, label="observed")
    ax.set_xlim(-0.002, 0.0085)
    ax.set_xlabel("MMD$^2$")
    ax.set_ylabel("density under the null")
    ax.legend(frameon=False)
    return fig


# --- landmarks.md --------------------------------------------------------------------------------


def landmarks():
    """Rows with landmarks, and what these see; the captured share by bandwidth."""
    rng = np.random.default_rng(0)
    fig, axes = plt.subplots(1, 2, figsize=(9.5, 4.2), layout="constrained")
    draw_landmarks(axes[0], rng)
    rows = rng.normal(size=(2, 10_000, 8)).astype(np.float32)
    grid = MultiRBF(tuple(0.5 * 2 ** (k / 2) for k in range(9)))
    for count, colour, style in (
        (1024, "black", "^:"),
        (256, BLUE, "o-"),
        (64, RED, "s--"),
    ):
        seen = repdist.mmd_test(
            *rows, kernel=grid, method="landmarks", n_landmarks=count, n_resamples=1, rng=0
        ).landmarks
        label = f"{count:,} landmarks"
        axes[1].plot(seen.bandwidths, seen.captured, style, color=colour, label=label)
    axes[1].axhline(0.5, color="0.5", linewidth=0.8)
    axes[1].text(8.4, 0.47, "below: hardly looked at", ha="right", va="top", color="0.35")
    axes[1].set_xscale("log")
    axes[1].set_xticks([0.5, 1, 2, 4, 8], [0.5, 1, 2, 4, 8])
    axes[1].minorticks_off()
    axes[1].set_xlabel("bandwidth")
    axes[1].set_title("captured share, 8 Gaussian columns", loc="left", fontsize="medium")
    axes[1].legend(frameon=False, loc="lower right")
    return fig


def draw_landmarks(ax, rng):
    """Draw a crowd, a loose cloud and some rare far rows, and where 24 landmarks see."""
    parts = ((600, 0.6, (0, 0)), (250, 1.6, (7, 1)), (12, 0.9, (3.5, 7)))
    rows = np.concatenate([centre + sd * rng.normal(size=(n, 2)) for n, sd, centre in parts])
    chosen, _ = choose(rows, 24, rng)
    x, y = np.meshgrid(np.linspace(-3, 13, 300), np.linspace(-4.5, 10.5, 300))
    points = np.column_stack([x.ravel(), y.ravel()])
    nearest = RBF(bandwidth=1.0)(points, rows[chosen]).max(axis=1).reshape(x.shape)
    ax.contourf(x, y, nearest, [0.5, 1.01], colors=[FILL], alpha=0.5)
    ax.plot(*rows.T, ".", color="0.45", markersize=2)
    ax.plot(*rows[chosen[:12]].T, "o", color=BLUE, markersize=6, label="drawn uniformly")
    ax.plot(*rows[chosen[12:]].T, "D", color=RED, markersize=5, label="drawn far from others")
    ax.set(xlim=(-3, 13), ylim=(-4.5, 10.5), xticks=[], yticks=[], aspect="equal")
    ax.set_title("24 landmarks, and the places near to one", loc="left", fontsize="medium")
    ax.legend(frameon=False, loc="upper right")


# --- bandwidths.md -------------------------------------------------------------------------------


def one_bandwidth():
    """The mixture that the median cannot see: samples, distances, scores by bandwidth."""
    rng = np.random.default_rng(0)
    X, Y = mixture(300, 1.0, rng), mixture(300, 0.5, rng)
    fig, axes = plt.subplots(1, 3, figsize=(9.5, 3.2), layout="constrained")
    axes[0].plot(*X.T, "o", color=BLUE, markersize=3, fillstyle="none", label="X")
    axes[0].plot(*Y.T, "x", color=RED, markersize=3, label="Y")
    inset = axes[0].inset_axes([0.36, 0.36, 0.28, 0.28])
    inset.plot(*X.T, "o", color=BLUE, markersize=2, fillstyle="none")
    inset.plot(*Y.T, "x", color=RED, markersize=2)
    inset.set(xlim=(17, 23), ylim=(17, 23), xticks=[], yticks=[])
    axes[0].indicate_inset_zoom(inset, edgecolor="black")
    axes[0].set_title("two samples", loc="left", fontsize="medium")
    axes[0].set_aspect("equal")
    Z = np.concatenate([X, Y])
    distances = np.sqrt(((Z[:, None] - Z) ** 2).sum(axis=2))[np.triu_indices(len(Z), 1)]
    median = repdist.median_heuristic(Z)
    axes[1].hist(distances, 60, color=FILL)
    axes[1].axvline(median, color="black", linestyle="--", label=f"median: {median:.0f}")
    axes[1].set_title("all distances", loc="left", fontsize="medium")
    axes[1].set_xlabel("distance of two rows")
    axes[1].set_yticks([])
    axes[1].legend(frameon=False)
    grid = MultiRBF(tuple(0.25 * 2.0**k for k in range(9)))
    result = repdist.mmd_test(X, Y, kernel=grid, rng=0)
    parts = result.components
    axes[2].plot(parts["bandwidth"], parts["zscore"], "o-", color=BLUE)
    axes[2].axvline(median, color="black", linestyle="--")
    axes[2].axhline(0, color="0.5", linewidth=0.8)
    axes[2].set_xscale("log")
    axes[2].set_xlabel("bandwidth (dashed: the median)")
    axes[2].set_title("z-score of MMD$^2$", loc="left", fontsize="medium")
    return fig


def normal_scores():
    """The skewed null of one component, and its normal scores."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, 120, 2))
    result = repdist.mmd_test(X, Y, kernel=RBF(bandwidth=4.0), n_bins="rows", rng=0)
    T = result.null_distribution
    z = (T - T.mean()) / T.std()
    g = (z**3).mean()
    score = 6 / g * (np.cbrt(np.maximum(g * z / 2 + 1, 0)) - 1) + g / 6
    t = np.linspace(-3.5, 5, 200)
    fig, axes = plt.subplots(1, 2, figsize=(7.5, 3), layout="constrained", sharey=True)
    names = (
        f"z-score (skewness {g:.1f})",
        f"normal score (skewness {((score - score.mean()) ** 3).mean() / score.std() ** 3:.1f})",
    )
    for ax, values, name in zip(axes, (z, score), names, strict=True):
        ax.hist(values, np.linspace(-3.5, 5, 52), color=FILL, density=True)
        ax.plot(t, np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi), "--", color="black", linewidth=1)
        ax.set_xlabel(name)
    axes[0].set_ylabel("density under the null")
    return fig


# --- noise_floor.md ------------------------------------------------------------------------------


def noise_floor():
    """MMD^2 of samples of one class, its 95 % quantile, and another class, against n."""
    features, _ = repdist.example_features()
    kernel = MultiRBF().fit(features[[4, 9]].reshape(-1, 64))
    rng = np.random.default_rng(0)
    sizes = [10, 20, 40, 75, 150]
    fig, ax = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
    floors = []
    for n in sizes:
        same = []
        for _ in range(100):
            rows = rng.permutation(300)
            halves = features[4, rows[:n]], features[4, rows[n : 2 * n]]
            same.append(repdist.mmd_squared(*halves, kernel=kernel))
        ax.plot(n * rng.uniform(0.95, 1.05, 100), same, ".", color=FILL, markersize=4)
        floors.append(np.quantile(same, 0.95))
    other = [repdist.mmd_squared(features[4, :n], features[9, :n], kernel=kernel) for n in sizes]
    ax.plot(sizes, floors, "--", color="black", label="noise floor: 95 % lie below")
    ax.plot(sizes, other, "s-", color=RED, label="fours against nines")
    ax.plot([], [], ".", color=FILL, label="fours against other fours")
    ax.axhline(0, color="0.5", linewidth=0.8)
    ax.set_xscale("log")
    ax.set_xticks(sizes, sizes)
    ax.minorticks_off()
    ax.set_xlabel("images of each sample")
    ax.set_ylabel("MMD$^2$ (unbiased)")
    ax.legend(frameon=False, loc="center right")
    return fig


# --- significance.md -----------------------------------------------------------------------------


def size_and_significance():
    """p-value and interval of one small shift against the number of rows."""
    rng = np.random.default_rng(0)
    kernel = MultiRBF().fit(rng.normal(size=(1000, 3)))
    sizes = [50, 100, 200, 500, 1000, 2000, 5000]
    results = []
    for n in sizes:
        X, Y = rng.normal(size=(n, 3)), rng.normal(0.15, 1, size=(n, 3))
        results.append(repdist.mmd_test(X, Y, kernel=kernel, rng=0))
    fig, axes = plt.subplots(1, 2, figsize=(8, 3.3), layout="constrained")
    axes[0].plot(sizes, [r.pvalue for r in results], "o-", color=BLUE)
    axes[0].axhline(0.05, color="0.5", linestyle=":")
    axes[0].set_yscale("log")
    axes[0].set_ylabel("p-value (dotted: 0.05)")
    low, high = np.array([r.confidence_interval() for r in results]).T
    axes[1].vlines(sizes, low, high, color=FILL, linewidth=5)
    axes[1].plot(sizes, [r.mmd_squared for r in results], "o", color=BLUE)
    axes[1].axhline(0, color="0.5", linewidth=0.8)
    axes[1].set_ylabel("MMD$^2$, 95 % interval")
    for ax in axes:
        ax.set_xscale("log")
        ax.set_xlabel("rows in each sample")
    return fig


# --- drift.md ------------------------------------------------------------------------------------


def drift_pool():
    """How many quiet weeks of 40 have p <= .05, against the reference and the pool."""
    streams, weeks = 200, 40
    pvalues = np.empty((2, streams, weeks))
    for stream in range(streams):
        rng = np.random.default_rng(stream)
        reference = repdist.Reference(rng.normal(size=(356, 1)), n_landmarks=20, rng=rng)  # 8 bins
        monitor = repdist.Monitor(reference, n_resamples=199, rng=rng)
        for week in range(weeks):
            rows = reference.sketch(rng.normal(size=(256, 1)), rng=rng)
            pvalues[0, stream, week] = reference.compare(rows, n_resamples=199, rng=rng).pvalue
            pvalues[1, stream, week] = monitor.update(rows, week).pvalue
    fig, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained", sharey=True)
    names = "against the fixed reference", "against the pool"
    counts = (pvalues <= 0.05).sum(axis=2)
    edges = np.arange(counts.max() + 2)
    law = [math.comb(weeks, k) * 0.05**k * 0.95 ** (weeks - k) * streams for k in edges[:-1]]
    for ax, mine, name in zip(axes, counts, names, strict=True):
        ax.hist(mine, edges - 0.5, color=FILL)
        ax.plot(edges[:-1], law, "o", color="black", markersize=4, label="independent weeks")
        ax.set_title(
            f"{name}:\nmean {mine.mean():.1f}, variance {mine.var(ddof=1):.1f}",
            loc="left", fontsize="medium",
        )  # fmt: skip
        ax.set_xlabel("false alarms in 40 weeks at .05")
    axes[0].set_ylabel("streams of 200")
    axes[1].legend(frameon=False)
    return fig


if __name__ == "__main__":
    main()
