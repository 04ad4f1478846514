"""The result of a table of groups: tables, pictures and a page."""

import functools
import math
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from repdist import _checks
from repdist._designs.relabelings import Swaps
from repdist._files import write_text
from repdist._inference.all_groups import whole_null
from repdist._inference.multiplicity import Adjust, adjusted
from repdist._inference.pairs import Comparison
from repdist._inference.stratified import STRATA
from repdist._numbers import STARS, adjustment, counted, reaches, stars, with_equal_digits
from repdist._results.card import Card, Grid, Result
from repdist._results.landmarks import LandmarkView
from repdist._results.words import (
    kernel_call,
    kernel_words,
    nearest_and_farthest,
    signs_words,
    statistic_words,
)
from repdist._spreadsheet import write_frame
from repdist._threads import computing
from repdist._typing import Bins, Combine, Float64
from repdist._version import __version__
from repdist.kernels import Kernel

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_MOST_SHOWN = 30  # groups whose numbers a notebook shows


@dataclass(frozen=True)
class GlobalTestResult(Result):
    """The answer of `PairwiseMMDResult.global_test`.

    Attributes
    ----------
    n_groups : int
    statistic : float
        The sum over pairs of MMD^2, combined over the components of the kernel.
    pvalue : float
        Of the null hypothesis that all groups come from one distribution; never 0.
    swaps : Swaps
        How units were relabeled over all groups.
    """

    n_groups: int
    statistic: float
    pvalue: float
    swaps: Swaps

    @property
    def n_resamples(self) -> int:
        """Relabelings over all groups, the observed one left out."""
        return self.swaps.total - 1

    def _card(self) -> Card:
        return Card(
            f"Do all {self.n_groups} groups come from one distribution?",
            (
                ("p-value", f"{self.pvalue:.4g}"),
                ("tested", f"MMD^2 over all pairs, combined = {self.statistic:.4g}"),
                (
                    "null",
                    f"{self.n_resamples:,} relabelings over all groups: {self.swaps.describe()}",
                ),
            ),
        )

    def _record(self) -> dict[str, Any]:
        return {
            "n_groups": self.n_groups,
            "statistic": self.statistic,
            "pvalue": self.pvalue,
            "n_resamples": self.n_resamples,
        }


@dataclass(frozen=True, eq=False, repr=False)
class PairwiseMMDResult(Result):
    """The answer of `pairwise_mmd_test`: tables, pictures and a report.

    Every table is a DataFrame with the groups as rows and columns, symmetric.

    Attributes
    ----------
    names : tuple
        The groups, in the order of the tables.
    sizes : tuple of int
        Their rows.
    counted : str
        What was compared: ``"rows"``, ``"pairs"``, ``"clusters"`` or ``"pairs of clusters"``.
    counts : tuple of int
        How many of these (rows, if pairs) each group has.
    paired_by_id : bool
        Whether ids say which rows of two groups are a pair.
    kernel : Kernel
        The one fitted kernel: pass it to another call to compare numbers.
    combine, adjust : str
    confidence_level : float
    n_resamples : int
        Asked for; `to_frame` has how many each pair used: at least so many, more where p is small
        in a large table, or all where there are no more.
    n_bins : "auto", "rows" or int
        Asked for; `to_frame` has the movable units of each pair.
    landmarks : LandmarkView or None
        What landmarks saw, if ``method="landmarks"``: p-values come from all rows, seen through
        them, all other numbers from some rows of each group that were drawn at random.
    cautions : tuple of str
        What a reader of the result should know.
    comparison : Comparison
        Every pair, and what belongs to single groups.
    floor_rate : (k,)
        The noise floor of each group for samples of n and m rows, over ``1 / n + 1 / m``; NaN for
        fewer than four rows.
    seed : int
        Of `global_test`.
    """

    names: tuple[Hashable, ...]
    sizes: tuple[int, ...]
    counted: str
    counts: tuple[int, ...]
    paired_by_id: bool
    kernel: Kernel
    combine: Combine
    adjust: Adjust
    confidence_level: float
    n_resamples: int
    n_bins: Bins
    landmarks: LandmarkView | None
    cautions: tuple[str, ...]
    comparison: Comparison
    floor_rate: Float64
    seed: int

    @property
    def mmd_squared(self) -> "pd.DataFrame":
        """Unbiased MMD^2 in kernel units; 0 on the diagonal."""
        return self._table("mmd_squared")

    @property
    def standard_error(self) -> "pd.DataFrame":
        """Standard error of MMD^2; NaN on the diagonal."""
        return self._table("standard_error")

    @property
    def ci_low(self) -> "pd.DataFrame":
        """Lower end of the interval for MMD^2, at `confidence_level`, cell by cell."""
        return self._table("ci_low")

    @property
    def ci_high(self) -> "pd.DataFrame":
        """Upper end of the interval for MMD^2, at `confidence_level`, cell by cell."""
        return self._table("ci_high")

    @property
    def pvalue(self) -> "pd.DataFrame":
        """Exact p-value of each pair by itself; NaN on the diagonal."""
        return self._table("pvalue")

    @property
    def pvalue_adjusted(self) -> "pd.DataFrame":
        """p-values adjusted for the number of pairs by `adjust`; NaN on the diagonal."""
        return self._table("pvalue_adjusted")

    @property
    def effect(self) -> "pd.DataFrame":
        """How far: MMD^2 over the mean spread of the two groups, free of their sizes.

        The spread of a group is ``mean k(x, x) - mean k(x, x')``; for the linear kernel the effect
        is Cohen's d squared (a trace over columns). 0 on the diagonal.
        """
        return self._table("effect")

    @property
    def noise_floor(self) -> "pd.DataFrame":
        """What two samples of one group show: 95 % of their MMD^2 lie below it.

        From halvings of at most 500 rows or clusters of each group (all of up to 18, else at least
        16,384), inside strata if there are any, brought to the sizes of the
        cell; the larger of the two groups' floors. On the diagonal the group's own floor at its own
        size. A group of fewer than four rows has none; NaN where no group of the cell has one. For
        one set of rows it varies with `rng` by 1 or 2 % (coefficient of variation). Of pairs: what
        they show if sides change at random, their mean difference taken off, which belongs to both
        groups; NaN on the diagonal.
        """
        return self._table("noise_floor")

    @property
    def times_floor(self) -> "pd.DataFrame":
        """How clearly: MMD^2 over the noise floor of the cell. It grows with the sizes."""
        return self._table("times_floor")

    def global_test(self, n_resamples: int = 9999) -> GlobalTestResult:
        """Test whether any groups differ: all come from one distribution under the null.

        Parameters
        ----------
        n_resamples : int
            At least so many random relabelings over all groups. Default 9999.

        Returns
        -------
        GlobalTestResult

        Notes
        -----
        Blocks of rows are shuffled over all groups, 16 to 31 in the smallest (its rows, if fewer;
        at least two of many groups), and each shuffle is followed by all swaps of a code. The
        statistic is, for each component, the sum over pairs of MMD^2, combined as in each pair.
        ``O(J U^2)`` a component for J shuffles of U units in all.
        """
        n_resamples = _checks.resamples(n_resamples)
        if self.landmarks is not None:
            raise ValueError(
                'a global test needs all pairs of rows: `method="exact"`. The least adjusted '
                'p-value (`adjust="holm"`) tests the same: whether any groups differ.'
            )
        if self.comparison.whole is None:
            raise ValueError(
                "a global test needs all pairs, and independent rows, of no pairs, clusters or "
                'strata. The least adjusted p-value (`adjust="holm"`) tests the same: whether any '
                "groups differ."
            )
        rng = np.random.default_rng(self.seed)
        with computing():
            null, swaps = whole_null(self.comparison.whole, self.combine, n_resamples, rng)
        return GlobalTestResult(len(self.names), null.statistic, null.pvalue, swaps)

    def to_frame(self) -> "pd.DataFrame":
        """Return a tidy table with one row a pair."""
        import pandas as pd

        i, j, used = self.comparison.first, self.comparison.second, self.comparison.relabelings
        columns: dict[str, Any] = {
            "first": [self.names[g] for g in i],
            "second": [self.names[h] for h in j],
            "n_first": [self.sizes[g] for g in i],
            "n_second": [self.sizes[h] for h in j],
        }
        columns |= self._compared()
        columns |= {name: table[i, j] for name, table in self._tables.items()}
        columns["n_resamples"] = [drawn.count for drawn in used]
        columns["n_bins"] = [drawn.units.movable[0] for drawn in used]
        columns["exhaustive"] = [drawn.exhaustive for drawn in used]
        return pd.DataFrame(columns)

    @property
    def strata(self) -> "pd.DataFrame":
        """One row a pair and stratum: first, second, stratum, n, m, share, MMD^2 and its error.

        n and m count rows, or clusters. Empty if groups were not compared within strata.

        .. versionadded:: 0.2.0
        """
        import pandas as pd

        sides = zip(self.comparison.first, self.comparison.second, strict=True)
        rows = [
            {"first": self.names[g], "second": self.names[h]} | row
            for (g, h), table in zip(sides, self.comparison.strata, strict=False)
            for row in table.records()
        ]
        return pd.DataFrame(rows, columns=("first", "second", *STRATA))

    def to_csv(self, path: str | Path) -> None:
        """Write `to_frame()` to a file, which appears when it is complete.

        A name that a spreadsheet would take for a formula has an apostrophe before it.

        Raises
        ------
        TypeError, ValueError, OSError
            If `path` is no file name, is none that can be written in an existing folder, or
            cannot be written to its end; an earlier file is then as it was.
        """
        write_frame(path, self.to_frame(), ["first", "second"])

    def to_latex(
        self, path: str | Path | None = None, *, cells: Literal["stars", "intervals"] = "stars"
    ) -> str:
        """Return the table of MMD^2 for a paper; it needs the LaTeX package `booktabs`.

        .. versionadded:: 0.2.0

        Parameters
        ----------
        path : str or Path, optional
            A file to write it to as well, which appears when it is complete.
        cells : {"stars", "intervals"}
            Beside each number: stars for its adjusted p-value, or its interval. Default "stars".

        Returns
        -------
        str
            A ``tabular`` with the upper triangle; on the diagonal the noise floor of the group.

        Raises
        ------
        TypeError, ValueError, OSError
            If `path` is no file name, is none that can be written in an existing folder, or
            cannot be written to its end; an earlier file is then as it was.
        """
        from repdist._results.latex import latex_table

        _checks.choice("cells", cells, ("stars", "intervals"))
        text = latex_table(self, cells)
        if path is not None:
            write_text(path, text)
        return text

    def to_html(self, path: str | Path, *, title: str = "Which groups differ?") -> None:
        """Write one self-contained page: pictures, a table that sorts, the method, the call.

        Of more than 1,000 pairs the table has the 500 closest and the 500 farthest apart, and of
        more than 60 groups pictures name some; `to_csv` has every number.

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
        from repdist._results.table_page import page_of

        write_page(path, page_of(self, _checks.text("title", title)))

    def plot(
        self, ax: "Axes | None" = None, *, order: Literal["given", "clustered"] = "given"
    ) -> "Axes":
        """Draw the distances as a heat map, with their significance; the diagonal is the floor.

        Parameters
        ----------
        ax : matplotlib Axes, optional
        order : {"given", "clustered"}
            Of the groups. ``"clustered"`` puts groups beside each other that are close.

        Returns
        -------
        matplotlib Axes
        """
        from repdist.plotting import plot_table

        if order == "clustered":
            self._check_all("an order by closeness")
        return plot_table(self, ax, order)

    def dendrogram(self, ax: "Axes | None" = None) -> "Axes":
        """Draw which groups are closest: average linkage of ``sqrt(max(MMD^2, 0))``.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        matplotlib Axes
        """
        from repdist.plotting import plot_dendrogram

        self._check_all("a dendrogram")
        return plot_dendrogram(self, ax)

    def embed(self, ax: "Axes | None" = None) -> "Axes":
        """Draw a map of the groups by classical scaling, with the noise floor as scale bar.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        matplotlib Axes
            Points are placed so that their distances approximate ``sqrt(max(MMD^2, 0))``.
        """
        from repdist.plotting import plot_map

        self._check_all("a map")
        return plot_map(self, ax)

    def _check_all(self, what: str) -> None:
        """Raise if not all pairs were compared."""
        if not self.complete:
            raise ValueError(f"{what} needs all pairs; `comparisons` asked for some alone.")

    @property
    def complete(self) -> bool:
        """Whether all pairs were compared, not some `comparisons` alone.

        .. versionadded:: 0.2.0
        """
        return len(self.comparison.first) == math.comb(len(self.names), 2)

    def method(self) -> str:
        """Return two sentences for a paper that say what was done.

        .. versionadded:: 0.2.0
        """
        which = statistic_words(self.kernel, self.combine)
        pairs = counted(len(self.comparison.first), "comparison")
        corrected = (
            "not adjusted for multiple comparisons"
            if self.adjust == "none"
            else f"{adjustment(self.adjust)} for {pairs}"
        )
        signs = signs_words(self.comparison.guarded, "pair")
        seen = "" if self.landmarks is None else f", with {self.landmarks.method()}"
        return (
            f"{self._which()} compared by the unbiased squared maximum "
            f"mean discrepancy under one kernel fitted on all groups "
            f"({kernel_words(self.kernel)}), with exact permutation p-values from "
            f"{self._relabeled()} of the {self._moved()} of the pair{signs}{seen}, {which} as "
            f"statistic, and p-values {corrected}. {self._floors()}; intervals are at "
            f"{100 * self.confidence_level:g} % (repdist {__version__})."
        )

    def call(self) -> str:
        """Return the call that repeats the result on the same groups, with the same `rng`.

        .. versionadded:: 0.2.0
        """
        design = ""
        if self.counted.startswith("pairs"):
            design = f"paired={'ids' if self.paired_by_id else True}, "
        design += "comparisons=comparisons, " * (not self.complete)
        design += "clusters=clusters, " * self.counted.endswith("clusters")
        design += "strata=strata, " * bool(self.comparison.strata)
        design += 'unmatched="drop", ' * any("left out: " in text for text in self.cautions)
        design += "" if self.landmarks is None else self.landmarks.arguments()
        return (
            f"repdist.pairwise_mmd_test(groups, {design}kernel={kernel_call(self.kernel)}, "
            f"combine={self.combine!r}, n_resamples={self.n_resamples}, n_bins={self.n_bins!r}, "
            f"adjust={self.adjust!r}, confidence_level={self.confidence_level})"
            "  # and the rng that was used"
        )

    def __repr__(self) -> str:
        return f"PairwiseMMDResult({len(self.names)} groups, {len(self.comparison.first)} pairs)"

    def _card(self) -> Card:
        frame = self.to_frame()
        significant = int(reaches(frame["pvalue_adjusted"]).sum())
        near, far = nearest_and_farthest(frame)
        low, high = min(self.counts), max(self.counts)
        many = f"{low}" if low == high else f"{low} to {high}"
        what = "clusters" if self.counted.endswith("clusters") else "rows"
        of = "" if self._moved() == "rows" else f" of {self._moved()}"
        return Card(
            f"{len(self.names)} groups of {many} {what}, {counted(len(frame), 'pair')}",
            (
                ("differ", f"{counted(significant, 'pair')} at .05 ({adjustment(self.adjust)})"),
                ("farthest", _row_line(far, self.adjust)),
                ("closest", _row_line(near, self.adjust)),
                ("kernel", str(self.kernel)),
                ("null", f"{self._relabeled()}{of} within each pair{' of groups' * bool(of)}"),
                *([] if self.landmarks is None else self.landmarks.lines()),
            ),
            self.cautions,
            self._grid() if len(self.names) <= _MOST_SHOWN else None,
        )

    def _which(self) -> str:
        """Return in words which pairs were compared."""
        if self.complete:
            return f"Every pair of {len(self.names)} groups was"
        return f"{counted(len(self.comparison.first), 'pair')} of {len(self.names)} groups were"

    def _moved(self) -> str:
        """Return in words what changes places."""
        within = {
            "rows": "rows",
            "pairs": "sides of pairs of rows",
            "clusters": "whole clusters",
            "pairs of clusters": "sides of pairs of clusters",
        }[self.counted]
        return f"{within} inside strata" if self.comparison.strata else within

    def _floors(self) -> str:
        """Return in words what noise floors are."""
        if self.counted.startswith("pairs"):
            return (
                "Noise floors are the 95 % quantile of the distance that pairs show if sides "
                "change at random, their mean difference taken off"
            )
        halves = "random halves of one group"
        halves += ", made of whole clusters" * (self.counted == "clusters")
        halves += ", inside strata" * bool(self.comparison.strata)
        return (
            f"Noise floors are the 95 % quantile of the distance between {halves}, scaled to the "
            "sizes compared"
        )

    def _relabeled(self) -> str:
        """Return in words how many relabelings pairs used."""
        used = self.comparison.relabelings
        counts = sorted({drawn.count for drawn in used if not drawn.exhaustive})
        words = [f"{counts[0]:,} relabelings"] if counts else []
        words += [f"{count:,} where p is small" for count in counts[1:]]
        if any(drawn.exhaustive for drawn in used):
            words.append("all where there are no more" if counts else "all relabelings")
        return ", ".join(words) if len(words) == 1 else f"{words[0]} ({'; '.join(words[1:])})"

    def _compared(self) -> dict[str, Any]:
        """Return the columns that say how much of each pair was compared."""
        counts = self.comparison.counts
        if counts is None or (self.counted == "rows" and not self.comparison.strata):
            return {}
        name = self.counted.replace(" ", "_")
        if self.counted.startswith("pairs"):
            return {name: counts[:, 0]}
        found = {f"{name}_first": counts[:, 0], f"{name}_second": counts[:, 1]}
        return found | ({"guarded": self.comparison.guarded} if name == "clusters" else {})

    def _grid(self) -> Grid:
        values, floors = self._tables["mmd_squared"], self._tables["noise_floor"]
        adjusted_p = self._tables["pvalue_adjusted"]
        own = np.eye(len(values), dtype=bool)
        texts, of_floors = with_equal_digits(values), with_equal_digits(np.diagonal(floors), 2)
        marked = [
            [
                of_floors[i] if i == j else text + stars(adjusted_p[i, j])
                for j, text in enumerate(row)
            ]
            for i, row in enumerate(texts)
        ]
        top = float(np.nanmax(np.where(own, np.nan, values)))
        shades = np.where(own, np.nan, np.maximum(values, 0) / top if top > 0 else 0.0)
        return Grid(
            [str(name) for name in self.names],
            self.sizes,
            marked,
            shades,
            f"MMD^2; {STARS}, {adjustment(self.adjust)}; on the diagonal the noise floor of the "
            "group",
        )

    def _record(self) -> dict[str, Any]:
        return {
            "names": self.names,
            "sizes": self.sizes,
            "counted": self.counted,
            "kernel": repr(self.kernel),
            "combine": self.combine,
            "adjust": self.adjust,
            "confidence_level": self.confidence_level,
            "n_resamples": self.n_resamples,
            "n_bins": self.n_bins,
            "landmarks": None if self.landmarks is None else self.landmarks.record(),
            "cautions": self.cautions,
            "pairs": self.to_frame().to_dict("records"),
        }

    def _table(self, name: str) -> "pd.DataFrame":
        import pandas as pd

        index = pd.Index(list(self.names), tupleize_cols=False)
        return pd.DataFrame(self._tables[name].copy(), index=index, columns=index)

    @functools.cached_property
    def _tables(self) -> dict[str, Float64]:
        i, j = self.comparison.first, self.comparison.second
        sizes = np.array(self.sizes if self.landmarks is None else self.landmarks.quoted)

        def fill(values: Any, diagonal: float = math.nan) -> Float64:
            table = np.full((len(sizes), len(sizes)), math.nan)
            table[i, j] = table[j, i] = values
            np.fill_diagonal(table, diagonal)
            return table

        estimate, pvalues = self.comparison.estimate, self.comparison.pvalue
        low, high = estimate.interval(self.confidence_level)
        spread, rate = self.comparison.spread, self.floor_rate
        larger = np.fmax(rate[i], rate[j]) * self.comparison.inverse_sizes
        floor = fill(larger if self.comparison.floor is None else self.comparison.floor)
        np.fill_diagonal(floor, 2 * rate / np.array(self.counts))
        both = fill(spread)
        mmd_squared = fill(estimate.mmd_squared, 0.0)
        with np.errstate(divide="ignore", invalid="ignore", under="ignore"):
            effect = np.where(both > 0, mmd_squared / both, np.nan)
            times_floor = np.where(floor > 0, mmd_squared / floor, np.nan)
        np.fill_diagonal(times_floor, np.nan)
        np.fill_diagonal(effect, 0.0)
        return {
            "mmd_squared": mmd_squared,
            "standard_error": fill(estimate.standard_error),
            "ci_low": fill(low),
            "ci_high": fill(high),
            "pvalue": fill(pvalues),
            "pvalue_adjusted": fill(adjusted(pvalues, self.adjust)),
            "effect": effect,
            "noise_floor": floor,
            "times_floor": times_floor,
        }


def _row_line(row: Any, adjust: str) -> str:
    p = "p" if adjust == "none" else "adjusted p"
    return (
        f"{row['first']} and {row['second']}: MMD^2 {row['mmd_squared']:.3g}, effect "
        f"{row['effect']:.3g}, {p} {row['pvalue_adjusted']:.3g}"
    )
