"""A table of groups as a heat map."""

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from repdist import _checks
from repdist._numbers import STARS, adjustment, reaches, stars, typeset
from repdist._typing import Float64
from repdist.plotting._figures import TABLE_COLOURS
from repdist.plotting._groups import linkage_and_leaves
from repdist.plotting._labels import move_inside
from repdist.plotting._names import MOST_NAMED, shown_names
from repdist.plotting._shapes import TableShape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle


MOST_PRINTED = 25  # groups up to which the cells of a table hold their numbers
_DARK = 0.53  # of the scale: from there on white is told better from a cell than black
_SHORT = 3  # characters that fit under a column
_LINE = 54  # characters above a table


def plot_table(shape: TableShape, ax: "Axes | None" = None, order: str = "given") -> "Axes":
    """Draw a table of groups as a heat map of MMD^2.

    Each cell shows its value and stars for its adjusted p-value; a cell that does not differ at
    .05 is printed in italics. The diagonal, framed, shows the group's own noise floor; it is blank
    where pairs have floors and groups have none. Of more than 25 groups colours alone are shown,
    and of more than 60 some names.

    Parameters
    ----------
    shape : TableShape
    ax : matplotlib Axes, optional
    order : {"given", "clustered"}
        Of the groups; ``"clustered"`` by the leaves of the dendrogram.
    """
    import matplotlib.pyplot as plt

    _checks.choice("order", order, ("given", "clustered"))
    k = len(shape.names)
    places = list(range(k)) if order == "given" else linkage_and_leaves(shape)[1]
    values = shape.mmd_squared.to_numpy()[np.ix_(places, places)]
    floors = np.diagonal(shape.noise_floor.to_numpy())[places]
    pvalues = shape.pvalue_adjusted.to_numpy()[np.ix_(places, places)]
    shown = np.maximum(np.where(np.eye(k, dtype=bool), floors[:, None], values), 0)
    if ax is None:
        side = min(1.6 + 0.62 * k, 16)
        _, ax = plt.subplots(figsize=(max(side + 1.2, 6), side), layout="constrained")
    image = ax.imshow(shown, cmap=TABLE_COLOURS, vmin=0)
    named = range(0, k, -(-k // MOST_NAMED))  # of very many groups every so many
    names = shown_names([shape.names[places[row]] for row in named])
    longest = max(map(len, names.texts))
    ax.set_xticks(named, names.texts, fontfamily=names.family)
    if longest > _SHORT:
        plt.setp(ax.get_xticklabels(), rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(named, names.texts, fontfamily=names.family)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    unit = _decimal_unit(shown)
    if k <= MOST_PRINTED:
        printed = np.where(np.eye(k, dtype=bool), floors[:, None], values)
        _print_cells(ax, printed, shown, pvalues, unit)
    if k <= MOST_NAMED:
        dark = np.diagonal(_dark(shown))
        for place in np.flatnonzero(np.isfinite(floors)).tolist():
            ax.add_patch(_frame(place, "0.8" if dark[place] else "0.35"))
    colours = ax.figure.colorbar(image, ax=ax, shrink=0.8)
    colours.outline.set_visible(False)
    colours.set_label("MMD$^2$")
    framed = bool(np.isfinite(floors).any())
    title = _title(shape.adjust, unit, named, framed=framed)
    move_inside(ax, ax.set_title(title, loc="left", fontsize="small"))
    return ax


def _title(adjust: str, unit: float, named: range, *, framed: bool) -> str:
    k, step = named.stop, named.step
    if step > 1:
        diagonal = "; on the diagonal the noise floor" * framed
        return f"MMD$^2$ of {k:,} groups, one in {step} named{diagonal}"
    diagonal = "; framed: noise floor of the group" * framed
    if k > MOST_PRINTED:
        return f"MMD$^2${diagonal}"
    meaning = textwrap.fill(f"{typeset(STARS)} ({adjustment(adjust)})", _LINE)
    return f"MMD$^2${_in_units(unit)}{diagonal}\n{meaning}"


def _print_cells(
    ax: "Axes", printed: Float64, shown: Float64, pvalues: Float64, unit: float
) -> None:
    k, dark = len(shown), _dark(shown)
    for i in range(k):
        for j in range(k):
            if np.isnan(shown[i, j]):
                continue
            p = pvalues[i, j]
            number = f"{printed[i, j] / unit:{'#.2g' if i == j else '#.3g'}}".rstrip(".")
            lines = [typeset(number)] + ([] if i == j else [stars(p)])
            ax.text(
                j, i, "\n".join(line for line in lines if line),
                ha="center", va="center", fontsize=9,
                style="normal" if i == j or reaches(p) else "italic",
                color="white" if dark[i, j] else "black",
            )  # fmt: skip


def _dark(shown: Float64) -> Any:
    return shown > _DARK * float(np.nanmax(shown))


def _frame(place: int, colour: str) -> "Rectangle":
    from matplotlib.patches import Rectangle

    return Rectangle((place - 0.47, place - 0.47), 0.94, 0.94, fill=False, ec=colour, lw=1, ls=":")


def _decimal_unit(values: Float64) -> float:
    """Return the power of 1,000 below the largest value, for numbers that are short to print."""
    largest = float(np.nanmax(values))
    if not largest > 0 or 0.1 <= largest < 10_000:
        return 1.0
    return float(10.0 ** (3 * np.floor(np.log10(largest) / 3)))


def _in_units(unit: float) -> str:
    return "" if unit == 1 else rf" $\times 10^{{{-round(np.log10(unit))}}}$"
