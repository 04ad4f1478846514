"""The result of a comparison of groups with one reference."""

import functools
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from repdist import _checks
from repdist._files import write_text
from repdist._inference.differences import Differences
from repdist._inference.multiplicity import Adjust, adjusted
from repdist._inference.pairs import Comparison
from repdist._numbers import adjustment, counted, reaches
from repdist._results.card import Card, Result
from repdist._results.equivalence import Unit, checked_margin
from repdist._results.landmarks import LandmarkView
from repdist._results.words import (
    broken,
    differing,
    kernel_call,
    kernel_words,
    line_of,
    signs_words,
    statistic_words,
)
from repdist._spreadsheet import write_frame
from repdist._typing import Bins, Combine, Estimator, Float64
from repdist._version import __version__
from repdist.kernels import Kernel

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class ReferenceResult(Result):
    """The answer of `compare_to_reference`: distances, differences, ranks, pictures and a report.

    .. versionadded:: 0.2.0

    Attributes
    ----------
    names : tuple
        The groups, in their order.
    sizes : tuple of int
        Their rows.
    reference_size : int
        Rows of the reference.
    counted : str
        What was compared: ``"rows"`` or ``"clusters"``.
    counts : tuple of int
        How many of these the reference and each group have.
    matched : bool
        Whether row i of every group belongs together.
    kernel : Kernel
        The one fitted kernel: pass it to another call to compare numbers.
    estimator, combine, adjust : str
    confidence_level : float
    n_resamples : int
        Asked for; `to_frame` has how many each group used.
    n_bins : "auto", "rows" or int
        Asked for.
    landmarks : LandmarkView or None
        What landmarks saw, if ``method="landmarks"``: p-values come from all rows, seen through
        them, all other numbers from some rows of each group that were drawn at random.
    cautions : tuple of str
        What a reader of the result should know.
    comparison : Comparison
        Every group with the reference, which is group 0.
    floor_rate : (1 + G,)
        The noise floor of the reference and of each group, for samples of n and m rows, over
        ``1 / n + 1 / m``.
    compared : Differences
        How distances vary together.
    """

    names: tuple[Hashable, ...]
    sizes: tuple[int, ...]
    reference_size: int
    counted: str
    counts: tuple[int, ...]
    matched: bool
    kernel: Kernel
    estimator: Estimator
    combine: Combine
    adjust: Adjust
    confidence_level: float
    n_resamples: int
    n_bins: Bins
    landmarks: LandmarkView | None
    cautions: tuple[str, ...]
    comparison: Comparison
    floor_rate: Float64
    compared: Differences

    @property
    def closest(self) -> tuple[Hashable, ...]:
        """The groups that may be the closest to the reference: all others are surely farther.

        They hold the closest with a chance of about `confidence_level`.
        """
        low, _ = self.compared.ranks
        return tuple(name for name, rank in zip(self.names, low, strict=True) if rank == 1)

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with one row a group.

        Columns: n (rows), mmd_squared, standard_error, ci_low, ci_high (of this distance alone),
        pvalue, pvalue_adjusted (that it is the reference's distribution), effect, noise_floor,
        times_floor, rank (of the distance found), rank_low, rank_high (all at once),
        may_be_closest, n_resamples, exhaustive; of clusters also guarded, whether p is that of
        random signs, as sizes differ (see `mmd_test`).
        """
        import pandas as pd

        index = pd.Index(list(self.names), name="group", tupleize_cols=False)
        return pd.DataFrame(dict(self._columns), index=index)

    def differences(self) -> "pd.DataFrame":
        """Return a table with one row a pair of groups: whether one is farther from the reference.

        Columns: first, second, difference (MMD^2 of the first less that of the second),
        standard_error, low, high (of all differences at once, at `confidence_level`), and
        pvalue_adjusted (that both are equally far, adjusted for all pairs by the largest of all
        standardised differences).
        """
        import pandas as pd

        first, second = self.compared.pairs
        low, high = self.compared.intervals
        return pd.DataFrame(
            {
                "first": [self.names[g] for g in first],
                "second": [self.names[h] for h in second],
                "difference": self.compared.difference,
                "standard_error": self.compared.standard_error,
                "low": low,
                "high": high,
                "pvalue_adjusted": self.compared.pvalues,
            }
        )

    @property
    def strata(self) -> "pd.DataFrame":
        """One row a group and stratum: group, stratum, n (of the reference), m, share, MMD^2.

        Empty if groups were not compared within strata.
        """
        import pandas as pd

        rows = [
            {"group": name} | row
            for name, table in zip(self.names, self.comparison.strata, strict=False)
            for row in table.records()
        ]
        columns = ("group", "stratum", "n", "m", "share", "mmd_squared", "standard_error")
        return pd.DataFrame(rows, columns=columns)

    def equivalence(self, margin: float, unit: Unit = "effect") -> "pd.DataFrame":
        """Test of each group that its distance to the reference is below a margin.

        Parameters
        ----------
        margin : float
            Above 0, the same for all groups.
        unit : {"effect", "mmd_squared"}
            Of the margin. Default ``"effect"``: free of the kernel's scale.

        Returns
        -------
        DataFrame
            One row a group: value (in that unit), pvalue and pvalue_adjusted (by `adjust`) of the
            null hypothesis that the distance is at least the margin. Small: it is below.

        Notes
        -----
        See `MMDTestResult.equivalence`. Nothing warns of groups of fewer than 10 rows, pairs or
        clusters, whose errors may be far too small.
        """
        import pandas as pd

        margin = checked_margin(margin, unit)
        spread, estimate = self.comparison.spread, self.comparison.estimate
        scale = spread if unit == "effect" else np.ones_like(spread)
        pvalues = estimate.equivalence(margin * scale)
        index = pd.Index(list(self.names), name="group", tupleize_cols=False)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.where(scale > 0, estimate.mmd_squared / scale, np.nan)
        columns = {
            "value": value,
            "pvalue": pvalues,
            "pvalue_adjusted": adjusted(pvalues, self.adjust),
        }
        return pd.DataFrame(columns, index=index)

    def to_csv(self, path: str | Path) -> None:
        """Write `to_frame()` to a file, which appears when it is complete.

        A name that a spreadsheet would take for a formula has an apostrophe before it.

        Raises
        ------
        TypeError, ValueError, OSError
            If `path` is no file name, is none that can be written in an existing folder, or
            cannot be written to its end; an earlier file is then as it was.
        """
        write_frame(path, self.to_frame().reset_index(), ["group"])

    def to_latex(self, path: str | Path | None = None) -> str:
        """Return the table of distances for a paper; it needs the LaTeX package `booktabs`.

        Parameters
        ----------
        path : str or Path, optional
            A file to write it to as well, which appears when it is complete.

        Returns
        -------
        str
            A ``tabular`` with one row a group.

        Raises
        ------
        TypeError, ValueError, OSError
            If `path` is no file name, is none that can be written in an existing folder, or
            cannot be written to its end; an earlier file is then as it was.
        """
        from repdist._results.latex import latex_distances

        text = latex_distances(self)
        if path is not None:
            write_text(path, text)
        return text

    def to_html(self, path: str | Path, *, title: str = "How far from the reference?") -> None:
        """Write one self-contained page: pictures, tables that sort, the method, the call.

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
        from repdist._results.reference_page import page_of

        write_page(path, page_of(self, _checks.text("title", title)))

    def plot(
        self, ax: "Axes | None" = None, *, order: Literal["distance", "given"] = "distance"
    ) -> "Axes":
        """Draw each group's distance with its interval, and the noise floor as a band.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if it is not given.
        order : {"distance", "given"}
            ``"distance"`` (default): the closest on top. ``"given"``: groups from left to right,
            as weeks follow each other.

        Returns
        -------
        matplotlib Axes
        """
        from repdist.plotting import plot_distances

        _checks.choice("order", order, ("distance", "given"))
        return plot_distances(self, ax, order)

    @property
    def headline(self) -> str:
        """What pictures show first."""
        at = f"intervals at {self._level()}"
        differ, of = int(reaches(self._columns["pvalue_adjusted"]).sum()), f"of {len(self.names)}"
        shown = f"{differ} {of} differ" if differ else f"0 {of} shown to differ"
        if len(self.names) == 1:
            return f"{shown} from the reference\n{at}"
        return f"{shown} from the reference\n{len(self.closest)} may be the closest; {at}"

    @property
    def quantity(self) -> str:
        """What pictures show, for an axis."""
        return "MMD$^2$ to the reference"

    def method(self) -> str:
        """Return sentences for a paper that say what was done."""
        corrected = (
            "not adjusted for multiple comparisons"
            if self.adjust == "none"
            else f"{adjustment(self.adjust)} for {counted(len(self.names), 'group')}"
        )
        moved = "whole clusters" if self.counted == "clusters" else "rows"
        moved += " inside strata" * bool(self.comparison.strata)
        studentised = self.counted == "clusters" and not self.comparison.strata
        ratio = " (each squared MMD over its standard deviation by label)" * studentised
        signs = signs_words(self.comparison.guarded, "group")
        seen = "" if self.landmarks is None else f", with {self.landmarks.method()}"
        matched = ", with rows matched between groups," * self.matched
        level, groups = f"{100 * self.confidence_level:g} %", f"{len(self.names):,} groups were"
        rest = (
            f"Differences between distances{matched} have simultaneous {level} intervals, from "
            "their joint normal approximation, and ranks follow from these"
        )
        if len(self.names) == 1:
            groups, rest = "1 group was", f"The interval is at {level}"
        under = f"one kernel fitted on all ({kernel_words(self.kernel)})"
        if self.landmarks is not None and self.landmarks.projected:
            under = f"the kernel of the reference ({kernel_words(self.kernel)})"
            moved = "bins of rows"
        return (
            f"{groups} compared with a reference of "
            f"{self.reference_size:,} rows by the {self.estimator} squared maximum mean "
            f"discrepancy under {under}, with exact permutation p-values from "
            f"relabelings of {moved}{signs}{seen}, "
            f"{statistic_words(self.kernel, self.combine)} as statistic{ratio}, and p-values "
            f"{corrected}. {rest} (repdist {__version__})."
        )

    def call(self) -> str:
        """Return the call that repeats the result on the same rows, with the same `rng`."""
        design = "clusters=(reference_ids, group_ids), " * (self.counted == "clusters")
        design += "strata=(reference_strata, group_strata), " * bool(self.comparison.strata)
        design += "matched=True, " * self.matched
        design += "" if self.landmarks is None else self.landmarks.arguments()
        if self.landmarks is not None and self.landmarks.projected:
            return (
                f"repdist.compare_to_reference(reference, groups, n_resamples={self.n_resamples}, "
                f"adjust={self.adjust!r}, confidence_level={self.confidence_level})"
                "  # reference: the Reference; and the rng that was used"
            )
        return (
            f"repdist.compare_to_reference(reference, groups, {design}"
            f"kernel={kernel_call(self.kernel)}, estimator={self.estimator!r}, "
            f"combine={self.combine!r}, n_resamples={self.n_resamples}, n_bins={self.n_bins!r}, "
            f"adjust={self.adjust!r}, confidence_level={self.confidence_level})"
            "  # and the rng that was used"
        )

    def __repr__(self) -> str:
        return f"ReferenceResult({len(self.names)} groups, closest={self.closest!r})"

    @functools.cached_property
    def _columns(self) -> dict[str, Any]:
        comparison, rate = self.comparison, self.floor_rate
        estimate = comparison.estimate
        low, high = estimate.interval(self.confidence_level)
        rank_low, rank_high = self.compared.ranks
        floor = np.fmax(rate[0], rate[1:]) * comparison.inverse_sizes
        with np.errstate(divide="ignore", invalid="ignore"):
            effect = np.where(
                comparison.spread > 0, estimate.mmd_squared / comparison.spread, np.nan
            )
            times_floor = np.where(floor > 0, estimate.mmd_squared / floor, np.nan)
        order = np.argsort(np.argsort(estimate.mmd_squared, kind="stable"), kind="stable")
        signs = {"guarded": comparison.guarded} if self.counted == "clusters" else {}
        return {
            "n": np.array(self.sizes),
            "mmd_squared": comparison.quoted,
            "standard_error": estimate.standard_error,
            "ci_low": low,
            "ci_high": high,
            "pvalue": comparison.pvalue,
            "pvalue_adjusted": adjusted(comparison.pvalue, self.adjust),
            "effect": effect,
            "noise_floor": floor,
            "times_floor": times_floor,
            "rank": 1 + order,
            "rank_low": rank_low,
            "rank_high": rank_high,
            "may_be_closest": rank_low == 1,
            "n_resamples": [drawn.count for drawn in comparison.relabelings],
            "exhaustive": [drawn.exhaustive for drawn in comparison.relabelings],
            **signs,
        }

    def _card(self) -> Card:
        frame = self.to_frame()
        ordered, its = frame.sort_values("rank"), " from the reference"
        lines = [("differ", differing(frame["pvalue_adjusted"], self.adjust, its))]
        if len(frame) > 1:
            lines += [
                ("closest", line_of(ordered.iloc[0], its)),
                ("farthest", line_of(ordered.iloc[-1], its)),
                ("may be", broken(f"the closest, at {self._level()}: {_listed(self.closest)}")),
                ("settled", self._settled()),
            ]
        else:
            lines.append(("distance", line_of(ordered.iloc[0], its)))
        lines.append(("kernel", str(self.kernel)))
        lines += [] if self.landmarks is None else self.landmarks.lines()
        of = "reference of " + f"{self.counts[0]:,} {self.counted}"
        title = f"{counted(len(frame), 'group')} against a {of}"
        return Card(title, tuple(lines), self.cautions)

    def _level(self) -> str:
        return f"{100 * self.confidence_level:g} %"

    def _settled(self) -> str:
        """Return in words than which groups the one found closest is surely closer, or is not."""
        rank = self._columns["rank"]
        best = int(np.argmin(rank))
        first, second = self.compared.pairs
        pairs = np.flatnonzero((first == best) | (second == best))
        pairs = pairs[np.argsort(rank[np.delete(np.arange(len(rank)), best)])]  # the closest first
        own = np.where(first[pairs] == best, 1, -1)
        others = np.where(own > 0, second[pairs], first[pairs])
        low, high = np.sort([own * end[pairs] for end in self.compared.intervals], axis=0)
        known, open_ = np.flatnonzero(high < 0), np.flatnonzero(high >= 0)
        told = (open_ if len(open_) else known)[0]
        numbers = (
            f"(difference {own[told] * self.compared.difference[pairs][told]:.2g}, "
            f"{self._level()} interval {low[told]:.2g} to {high[told]:.2g}, "
            f"adjusted p {self.compared.pvalues[pairs][told]:.2g})"
        )
        said = [
            f"{words} {_listed([self.names[g] for g in others[of]], numbers * (told in of))}"
            for words, of in (("closer than", known), ("not shown to be closer than", open_))
            if len(of)
        ]
        return broken(f"{self.names[best]} is {'; '.join(said)}")

    def _record(self) -> dict[str, Any]:
        return {
            "names": self.names,
            "sizes": self.sizes,
            "reference_size": self.reference_size,
            "counted": self.counted,
            "matched": self.matched,
            "kernel": repr(self.kernel),
            "estimator": self.estimator,
            "combine": self.combine,
            "adjust": self.adjust,
            "confidence_level": self.confidence_level,
            "n_resamples": self.n_resamples,
            "n_bins": self.n_bins,
            "landmarks": None if self.landmarks is None else self.landmarks.record(),
            "cautions": self.cautions,
            "closest": self.closest,
            "groups": self.to_frame().reset_index().to_dict("records"),
            "differences": self.differences().to_dict("records"),
        }


def _listed(names: Sequence[Hashable], of_first: str = "") -> str:
    """Return some names in words, the first with what is said of it, and how many more."""
    shown, more = list(map(str, names[:_MOST_NAMED])), len(names) - _MOST_NAMED
    shown[0] += f" {of_first}" * bool(of_first)
    return ", ".join(shown) + f" and {more} more" * (more > 0)


_MOST_NAMED = 8  # groups, in words
