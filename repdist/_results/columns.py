"""The result of a test of every column: which differ, and in what."""

import dataclasses
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from repdist import _checks
from repdist._designs.relabelings import Drawn
from repdist._files import write_text
from repdist._inference.linear import Control
from repdist._numbers import counted, reaches, with_digits
from repdist._results.card import Card, Result
from repdist._spreadsheet import write_frame
from repdist._typing import Float64
from repdist._version import __version__
from repdist.plotting._names import shortened

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

CHANGES = ("location", "spread", "skewness", "tails")
_DIRECTIONS = (
    ("lower in Y", "higher in Y"),
    ("narrower in Y", "wider in Y"),
    ("skewed to the left in Y", "skewed to the right in Y"),
    ("lighter tails in Y", "heavier tails in Y"),
)
_MOST_NAMED = 6  # columns in words
_REST = "to_frame(), or `repdist columns --csv`"
IN_TABLE = "in the table below"  # the rest, for readers of a page
_TIED = 1e-6  # of a square: all four forms of a column of two values are alike
CONTROLS: dict[Control, str] = {
    "westfall-young": "step-down maximum over shared relabelings (Westfall and Young)",
    "holm": "Holm's correction",
}
_ADJUSTED_BY: dict[Control, str] = {
    "westfall-young": "the step-down maximum of Westfall and Young over shared relabelings",
    "holm": "Holm's correction",
}
WELCH = ", and no less than those of Welch's t-test of cluster means"


@dataclass(frozen=True, eq=False)
class Looks:
    """How some columns are distributed, for pictures.

    Attributes
    ----------
    columns : (s,)
        Their numbers, in the order of the table.
    edges : (s, b + 1)
        Of bins; the outer ones hold what lies beyond.
    heights : (2, s, b)
        The share of the rows of `X` and of `Y` in each.
    """

    columns: npt.NDArray[np.intp]
    edges: Float64
    heights: Float64


@dataclass(frozen=True, eq=False, repr=False)
class ColumnResult(Result):
    """The answer of `column_test`: one row a column, or a group of columns.

    .. versionadded:: 0.2.0

    Attributes
    ----------
    names : tuple
        Of the columns.
    groups : tuple or None
        The groups that were tested in the place of columns.
    group : (d,) or None
        The number of each column's group.
    forms : (4, d)
        The standardised differences in location, spread, skewness and tails; above 0 where `X` has
        more.
    statistic, pvalue, pvalue_adjusted : (d,), or (groups,)
    control : {"westfall-young", "holm"}
        How p-values are adjusted for their number.
    means, deviations : (2, d)
        Of the columns in `X` and in `Y`.
    overlap : (d,)
        What both distributions have in common, from 0 to 1; too little where rows are few.
    n, m : int
        Rows of `X` and `Y`.
    relabelings : Drawn
        Which were used.
    guarded : bool
        Whether p is at least that of Welch's t-test, as clusters differ in size.
    joint_pvalue : float or None
        If no column differs: the p-value of `mmd_test` on all columns.
    looks : Looks
        Of the first columns of the table.
    cautions : tuple of str
        What a reader of the result should know.
    """

    names: tuple[Hashable, ...]
    groups: tuple[Hashable, ...] | None
    group: npt.NDArray[np.intp] | None
    forms: Float64
    statistic: Float64
    pvalue: Float64
    pvalue_adjusted: Float64
    control: Control
    means: Float64
    deviations: Float64
    overlap: Float64
    n: int
    m: int
    relabelings: Drawn
    guarded: bool
    joint_pvalue: float | None
    looks: Looks
    cautions: tuple[str, ...]

    def with_joint(self, pvalue: float | None) -> "ColumnResult":
        """Return the same with the p-value of all columns together."""
        return dataclasses.replace(self, joint_pvalue=pvalue)

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with one row a column, the surest difference first.

        Columns: column, statistic, changed (location, spread, skewness or tails), direction,
        difference (of the means, Y less X, in pooled standard deviations), spread_ratio (of the
        standard deviations, Y over X), overlap, pvalue, pvalue_adjusted. Of groups: group and
        n_columns before them; `column` is then the one that differs most, and what follows
        `statistic` up to `overlap` is of it.
        """
        import pandas as pd

        shown = strongest_of_each(self.forms, self.group)
        frame = pd.DataFrame(
            {
                "column": pd.Series([self.names[j] for j in shown], dtype=object),
                "statistic": self.statistic,
                **{name: values[shown] for name, values in self._sizes().items()},
                "pvalue": self.pvalue,
                "pvalue_adjusted": self.pvalue_adjusted,
            }
        )
        if self.groups is not None and self.group is not None:
            frame.insert(0, "group", pd.Series(list(self.groups), dtype=object))
            frame.insert(1, "n_columns", np.bincount(self.group))
        order = surest_first(self.pvalue_adjusted, self.statistic)
        return frame.loc[order].reset_index(drop=True)

    def to_csv(self, path: str | Path) -> None:
        """Write `to_frame()` to a file, which appears when it is complete.

        A name that a spreadsheet would take for a formula has an apostrophe before it.

        Raises
        ------
        TypeError, ValueError, OSError
            If `path` is no file name, is none that can be written in an existing folder, or
            cannot be written to its end; an earlier file is then as it was.
        """
        named = ["column"] if self.groups is None else ["group", "column"]
        write_frame(path, self.to_frame(), named)

    def to_html(self, path: str | Path, *, title: str = "Which columns differ?") -> None:
        """Write one self-contained page: the summary, the picture, a table that sorts, the method.

        Of more than 200 columns the table has the surest; `to_csv` has every one.

        Parameters
        ----------
        path : str or Path
            The file, which appears when it is complete.
        title : str
            The heading.

        Raises
        ------
        TypeError, ValueError, OSError
            If `title` is not text, or `path` is no file name, is none that can be written in an
            existing folder, or cannot be written to its end; an earlier file is then as it was.
        """
        from repdist._report import write_page
        from repdist._results.columns_page import page_of

        write_page(path, page_of(self, _checks.text("title", title), self._card(IN_TABLE).html()))

    def to_latex(self, path: str | Path | None = None, *, n_columns: int = 20) -> str:
        """Return the table for a paper; it needs the LaTeX package `booktabs`.

        Parameters
        ----------
        path : str or Path, optional
            A file to write it to as well, which appears when it is complete.
        n_columns : int
            At most so many rows, the surest difference first. Default 20.

        Returns
        -------
        str
            A ``tabular``: what changed, the difference with stars for the adjusted p-value, the
            ratio of the spreads, the overlap.

        Raises
        ------
        TypeError, ValueError, OSError
            As of `to_html`.
        """
        from repdist._results.latex import latex_columns

        text = latex_columns(self, _checks.whole_number("n_columns", n_columns, 1))
        if path is not None:
            write_text(path, text)
        return text

    def call(self) -> str:
        """Return the call that repeats the result on the same rows, with the same `rng`."""
        names = "names=names, " * (self.names != tuple(range(len(self.names))))
        groups = "groups=groups, " * (self.groups is not None)
        return (
            f"repdist.column_test(X, Y, {names}{groups}n_resamples={self.relabelings.wanted})"
            "  # with the design, and the rng that was used"
        )

    def plot(self, ax: "Axes | None" = None, *, n_columns: int = 12) -> "Axes":
        """Draw the columns that differ most, each as the distributions of X and Y.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if it is not given.
        n_columns : int
            At most so many, up to 24. Default 12.

        Returns
        -------
        matplotlib Axes
        """
        from repdist.plotting import plot_columns

        return plot_columns(self._pictured(_checks.whole_number("n_columns", n_columns, 1)), ax)

    def method(self) -> str:
        """Return two sentences for a paper that say what was done."""
        what = "column" if self.groups is None else "group of columns"
        statistic = (
            "the largest squared standardised difference"
            if self.groups is None
            else "the mean squared standardised difference"
        )
        return (
            f"Each {what} was compared by {statistic} of the means of four orthonormal Legendre "
            "polynomials of its pooled midranks (location, spread, skewness, tails), under "
            f"{self.relabelings.describe()}. The permutation p-values of {self._counted}"
            f"{f'{WELCH},' * self.guarded} were adjusted by {_ADJUSTED_BY[self.control]} (repdist "
            f"{__version__})."
        )

    def __repr__(self) -> str:
        return f"ColumnResult({self.headline})"

    @property
    def _count(self) -> int:
        return len(self.pvalue)

    @property
    def _counted(self) -> str:
        return counted(self._count, "column" if self.groups is None else "group")

    @property
    def _differ(self) -> int:
        return int(reaches(self.pvalue_adjusted).sum())

    @property
    def headline(self) -> str:
        """What pictures show first."""
        return f"{self._differ:,} of {self._counted} differ{'s' * (self._differ == 1)}"

    @property
    def shares(self) -> Float64:
        """The share of each column of their variance in both samples together, (d,)."""
        sizes = np.array([self.n, self.m]) / (self.n + self.m)
        apart = self.means[1] - self.means[0]
        reach = max(float(np.abs(apart).max()), float(self.deviations.max()))
        squares = sizes @ np.square(self.deviations / reach)
        squares += sizes.prod() * np.square(apart / reach)
        return np.asarray(squares / squares.sum(), dtype=np.float64)

    def finding(self) -> str:
        """Return one sentence: how many differ; if none, whether all together do."""
        if self._differ:
            return f"{self.headline} at .05, adjusted"
        none = f"no single {'column' if self.groups is None else 'group of columns'} differs at .05"
        if self.joint_pvalue is None:
            return none
        p = f"p = {self.joint_pvalue:.2g} by mmd_test"
        if reaches(self.joint_pvalue):
            return (
                f"{none}, but the samples do ({p}): by too little in each of many columns, or in "
                "how columns go together"
            )
        return f"{none}, nor do all together ({p})"

    def named(self, most: int = _MOST_NAMED, rest: str = _REST) -> list[tuple[str, str]]:
        """Return the names of those that differ most surely, and what changed in each.

        `rest` says where the others are, to a reader who may know no Python.
        """
        frame = self.to_frame()
        named = "column" if self.groups is None else "group"
        lines = []
        for row in frame[reaches(frame["pvalue_adjusted"])].head(most).itertuples():
            of = "" if self.groups is None else f"most in {shortened(str(row.column))}: "
            name = getattr(row, named)
            label = f"{named} {name}" if isinstance(name, int) else shortened(str(name))
            lines.append((label, f"{of}{_words(row)}"))
        if (more := self._differ - most) > 0:
            lines.append(("", f"and {more:,} more: {rest}"))
        return lines

    def _card(self, rest: str = _REST) -> Card:
        lines = [("finding", self.finding()), *self.named(rest=rest)]
        lines.append(("control", CONTROLS[self.control]))
        lines.append(("null", self.relabelings.describe()))
        columns = counted(len(self.names), "column")
        title = f"{columns} of {self.n:,} rows against {self.m:,}"
        return Card(title, tuple(lines), self.cautions)

    def _record(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "m": self.m,
            "control": self.control,
            "n_resamples": self.relabelings.count,
            "exhaustive": self.relabelings.exhaustive,
            "joint_pvalue": self.joint_pvalue,
            "cautions": self.cautions,
            ("columns" if self.groups is None else "groups"): self.to_frame().to_dict("records"),
        }

    def _pictured(self, most: int) -> "Pictured":
        rows = list(self.to_frame().head(min(most, len(self.looks.columns))).itertuples())
        places = np.arange(len(rows))
        named = "column" if self.groups is None else "group"
        return Pictured(
            headline=self.headline,
            names=[
                str(row.column) if self.groups is None else f"{getattr(row, named)}: {row.column}"
                for row in rows
            ],
            captions=[_words(row) for row in rows],
            differs=[bool(reaches(row.pvalue_adjusted)) for row in rows],
            edges=self.looks.edges[places],
            heights=self.looks.heights[:, places],
        )

    def _sizes(self) -> dict[str, Any]:
        """Return what changed in each column, and by how much."""
        squares = np.square(self.forms)
        changed = (squares >= (1 - _TIED) * squares.max(axis=0)).argmax(axis=0)
        z = np.take_along_axis(self.forms, changed[None], axis=0)[0]
        pooled = np.hypot(*self.deviations) / np.sqrt(2)
        with np.errstate(divide="ignore", invalid="ignore"):
            difference = (self.means[1] - self.means[0]) / pooled
            ratio = self.deviations[1] / self.deviations[0]
        return {
            "changed": np.where(z == 0, "", np.array(CHANGES)[changed]),
            "direction": np.where(z == 0, "", np.array(_DIRECTIONS)[changed, (z < 0).astype(int)]),
            "difference": np.where(self.means[1] == self.means[0], 0.0, difference),
            "spread_ratio": ratio,
            "overlap": self.overlap,
        }


def surest_first(pvalue_adjusted: Float64, statistic: Float64) -> npt.NDArray[np.intp]:
    """Return the order in which columns, or groups, are told."""
    return np.lexsort((-statistic, pvalue_adjusted))


def strongest_of_each(forms: Float64, group: npt.NDArray[np.intp] | None) -> npt.NDArray[np.intp]:
    """Return the column that each tested group is told by; each column by itself if none is."""
    if group is None:
        return np.arange(forms.shape[1])
    order = np.lexsort((-np.square(forms).max(axis=0), group))
    return order[np.searchsorted(group[order], np.arange(group.max() + 1))]


@dataclass(frozen=True)
class Pictured:
    """Some columns as pictures show them.

    Attributes
    ----------
    headline : str
    names, captions : (s,)
    differs : (s,)
    edges : (s, b + 1)
    heights : (2, s, b)
    """

    headline: str
    names: list[str]
    captions: list[str]
    differs: list[bool]
    edges: Float64
    heights: Float64


def _words(row: Any) -> str:
    """Return what changed in a column, and how surely."""
    if not row.direction:
        return "no difference"
    sizes = [f"mean {row.difference:+.2g} sd", _spread(row.spread_ratio)]
    if np.isinf(row.difference):
        sizes = ["constant in each sample"]
    p = f"p = {row.pvalue_adjusted:.2g}"
    what = row.direction if reaches(row.pvalue_adjusted) else "not shown to differ"
    return f"{what} ({p}): {', '.join([*sizes, f'overlap {row.overlap:.0%}'])}"


def _spread(ratio: float) -> str:
    if ratio == 0:
        return "constant in Y"
    return "constant in X" if np.isinf(ratio) else f"spread x {with_digits(ratio)}"
