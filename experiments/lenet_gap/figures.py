"""The pictures of the study's numbers; each can be read in grey."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .analysis import SHARE, SIZES
from .drawing import CALM, STRONG, Floats, largest, matrix, of_pairs, panels
from .post import floor_of_one_class, saturation, value_of_one_against_one

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Line:
    """How a line of a curve looks, and what it is called."""

    label: str
    colour: str
    marker: str


N_NAMED = 3  # pairs that take the most images
POST_TOP = 8.0  # of the colours of its tables: the value saturates at 7.74
TWO_CLASSES = Line("two classes", STRONG, "s")
ONE_CLASS = Line("the same class twice", CALM, "o")


def draw_post_tables(tables: dict[int, "pd.DataFrame"], pvalues: "pd.DataFrame") -> "Figure":
    """Draw the post's tables on one scale, and the p-values of the smallest that has any.

    Parameters
    ----------
    tables : dict
        By the number of rows a side.
    pvalues : DataFrame
        Of the table at two rows a side.
    """
    figure, axes = panels(12.0, 8.6, 2, 3)
    for ax, (x, table) in zip(axes.flat, tables.items(), strict=False):
        matrix(ax, table, top=POST_TOP, size=7.6)
        ax.set_title(f"x = {x}", loc="left", fontsize=11)
    *of_tables, last = axes.flat
    figure.colorbar(
        of_tables[0].images[0], ax=axes, label="value of mmd_rbf, 0 to 8 in all five tables",
        location="bottom", shrink=0.6, aspect=50, pad=0.02,
    )  # fmt: skip
    matrix(last, pvalues, top=1.0, size=7.6, bare=True, colours="Greys_r")
    last.set_title("exact p-values at x = 2: none below 1/3", loc="left", fontsize=11)
    return figure


def draw_post_curve(curve: "pd.DataFrame") -> "Figure":
    """Draw the post's value, and the unbiased one, against the number of rows."""
    figure, axes = panels(9.5, 3.8, 1, 2)
    left, right = axes.flat
    n = curve["n"].to_numpy()
    _band(left, curve, "other", TWO_CLASSES)
    _band(left, curve, "same", ONE_CLASS)
    left.plot(n, curve["floor"], "k--", lw=1, label=f"theory: {floor_of_one_class(1):.3f} / n")
    left.axhline(saturation(), color="0.4", ls=":", lw=1)
    left.annotate(
        f"two points, many images: {saturation():.2f}",
        (n[-1], saturation()),
        xytext=(0, 3),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=8,
    )
    left.annotate(
        f"1 against 1: always {value_of_one_against_one():.4f}", (1, 9.5), fontsize=8, va="bottom"
    )
    left.set_yscale("log")
    left.set_ylim(top=18)
    left.set_title("as the post computed it (diagonal kept)", loc="left", fontsize=10)
    left.set_ylabel("value of mmd_rbf")
    _band(right, curve, "other_unbiased", TWO_CLASSES)
    _band(right, curve, "same_unbiased", ONE_CLASS)
    right.axhline(0, color="k", lw=0.8)
    right.set_title("the same kernels without the diagonal", loc="left", fontsize=10)
    for ax in (left, right):
        ax.set_xscale("log")
        ax.set_xticks(n, [str(value) for value in n])
        ax.minorticks_off()
        ax.set_xlabel("n, images of each side")
        ax.spines[["top", "right"]].set_visible(False)
    left.legend(frameon=False, fontsize=8, loc="lower left")
    right.legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def draw_power(needed: "pd.DataFrame", *, narrow: bool = False) -> "Figure":
    """Draw how often two classes are told apart, against the images of each.

    Parameters
    ----------
    needed : DataFrame
        As `images_needed` makes it. The line of a pair ends where it is told apart for good.
    narrow : bool, default False
        Draw it for a phone.
    """
    figure, axes = panels(5.0 if narrow else 10.0, 4.4, 1, 1)
    ax = axes.flat[0]
    shares = needed[[f"share_{n}" for n in SIZES]].to_numpy()
    tried = [place for place in range(len(SIZES)) if np.isfinite(shares[:, place]).any()]
    n, shares = np.array(SIZES)[tried], shares[:, tried]
    ax.plot(n, shares.T, color=CALM, lw=1, alpha=0.7)
    reached = _carried(shares)
    ax.plot(n, reached.mean(axis=0), color=STRONG, lw=2.6, marker="o", label="mean over all pairs")
    ax.axhline(SHARE, color="0.35", ls=":", lw=1)
    ax.annotate("9 of 10 tries", (n[0], SHARE), va="bottom", fontsize=10)
    slow = reached[:, -2] < SHARE if len(n) > 1 else np.zeros(len(reached), dtype=bool)
    if 0 < slow.sum() <= N_NAMED:
        pairs = ", ".join(f"{row.first} and {row.second}" for row in needed[slow].itertuples())
        ax.annotate(
            pairs, (n[-2], reached[slow, -2].min()), xytext=(6, -14), textcoords="offset points",
            fontsize=10,
        )  # fmt: skip
    ax.axvspan(n[0] * 0.95, 3.45, color="0.92", zorder=0)
    ax.text(
        2.62, 0.5, "2 or 3 images:\nthis test cannot tell", ha="center", va="center", fontsize=10
    )
    ax.set_xscale("log")
    ax.set_xticks(n, [str(value) for value in n])
    ax.minorticks_off()
    ax.set_xlim(n[0] * 0.95, n[-1] * 1.05)
    ax.set_ylim(-0.02, 1.04)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    ax.set_xlabel("images of each of the two classes")
    told = "tries that tell two classes apart" + (";\n" if narrow else "; ")
    ax.set_title(f"{told}each thin line a pair", loc="left")
    ax.legend(frameon=False, loc="lower right")
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def draw_confusion(
    counts: NDArray[np.int64], distances: "pd.DataFrame", n_per_class: int
) -> "Figure":
    """Draw the confusions, the distances, and one against the other for all pairs."""
    import pandas as pd

    names = list(distances.index)
    figure, axes = panels(12.0, 4.1, 1, 3)
    left, middle, right = axes.flat
    wrong = of_pairs(pd.DataFrame(counts, index=names, columns=names))
    matrix(left, wrong, top=max(1.0, largest(wrong)), size=9, digits=0)
    for i in range(len(names)):
        left.text(i, i, counts[i, i], ha="center", va="center", fontsize=8, color="0.25")
    left.set_title(f"mistaken, of {n_per_class} (row: true class)", loc="left", fontsize=10)
    far = of_pairs(distances)
    matrix(middle, far, top=largest(far), size=8, bare=True)
    middle.set_title("distance (MMD$^2$, unbiased)", loc="left", fontsize=10)
    upper = np.triu_indices(len(names), 1)
    both = (counts + counts.T)[upper]
    right.plot(distances.to_numpy()[upper], both, "o", color="0.55", ms=4)
    most = np.sort(both)[-4]
    for place in np.flatnonzero(both >= max(most, 1)):
        i, j = upper[0][place], upper[1][place]
        right.annotate(
            f"{names[i]}, {names[j]}", (distances.iloc[i, j], both[place]),
            xytext=(4, 2), textcoords="offset points", fontsize=8,
        )  # fmt: skip
    right.set_xlabel("MMD$^2$")
    right.set_ylabel("mistaken for each other")
    right.set_title("one dot a pair of classes", loc="left", fontsize=10)
    right.spines[["top", "right"]].set_visible(False)
    return figure


def draw_control(effects: dict[str, "pd.DataFrame"]) -> "Figure":
    """Draw the effect sizes of several representations of the same images, on one scale."""
    top = max(float(effect.to_numpy().max()) for effect in effects.values())
    figure, axes = panels(12.0, 4.2, 1, len(effects))
    for ax, (name, effect) in zip(axes.flat, effects.items(), strict=True):
        matrix(ax, of_pairs(effect), top=top, size=8, bare=True)
        ax.set_title(name, loc="left", fontsize=11)
    figure.colorbar(axes.flat[0].images[0], ax=axes, label="effect", shrink=0.8)
    return figure


# --- parts ---------------------------------------------------------------------------------------


def _carried(shares: Floats) -> Floats:
    """Fill what was not tried any more with the last value of the row."""
    filled = shares.copy()
    for place in range(1, shares.shape[1]):
        missing = np.isnan(filled[:, place])
        filled[missing, place] = filled[missing, place - 1]
    return filled


def _band(ax: "Axes", curve: "pd.DataFrame", name: str, line: Line) -> None:
    n = curve["n"].to_numpy()
    low, high = curve[f"{name}_low"], curve[f"{name}_high"]
    ax.fill_between(n, low, high, color=line.colour, alpha=0.25, lw=0)
    ax.plot(n, curve[name], marker=line.marker, ms=4, color=line.colour, label=line.label)
