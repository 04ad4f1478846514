"""All results about two samples, and the page that shows them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from repdist import _checks
from repdist._numbers import counted, reaches
from repdist._results.card import Card, Result
from repdist._results.columns import IN_TABLE, ColumnResult, surest_first
from repdist._results.regions import RegionResult
from repdist._results.two_sample import MMDTestResult
from repdist._results.witness import WitnessResult

_MOST_NAMED = 3  # columns in words
_NARROW = 0.5  # of the variance that a column would have if all had as much
_HIDDEN = (
    "the test of all columns together weighs them by their values and does not see what narrow "
    "columns show: bring columns of different units to one scale (on the command line: "
    "--standardize)"
)


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Result):
    """The answer of `explain`: whether two samples differ, by how much, and in what.

    .. versionadded:: 0.2.0

    Attributes
    ----------
    test : MMDTestResult
    columns : ColumnResult
    regions : RegionResult
    witness : WitnessResult or None
        None above 50,000 rows.
    n_regions : int
        Asked for.
    """

    test: MMDTestResult
    columns: ColumnResult
    regions: RegionResult
    witness: WitnessResult | None
    n_regions: int

    @property
    def _found_within(self) -> str:
        """Where a difference was found, in words."""
        found = {
            "columns": self.columns.pvalue_adjusted,
            "regions": self.regions.pvalue_adjusted,
        }
        return " and ".join(
            f"some {what} do" for what, values in found.items() if reaches(values).any()
        )

    @property
    def cautions(self) -> tuple[str, ...]:
        """What a reader of the results should know, each once."""
        parts = (self.test, self.columns, self.regions)
        unseen = bool(self._found_within) and not reaches(self.test.pvalue)
        hidden = (self._why_unseen(),) * unseen
        return hidden + tuple(dict.fromkeys(text for part in parts for text in part.cautions))

    def _why_unseen(self) -> str:
        """Return why all columns together do not show what some columns or regions do."""
        differ = np.asarray(reaches(self.columns.pvalue_adjusted))
        shares = self.columns.shares
        varying = int(np.count_nonzero(shares))
        surest = int(surest_first(self.columns.pvalue_adjusted, self.columns.statistic)[0])
        if differ.any() and shares[surest] < _NARROW / varying:
            return _HIDDEN
        k, what = int(differ.sum()), f"of {counted(varying, 'column')}"
        if not k:
            k, what = int(self.regions.differs.sum()), f"of {self.regions.n_regions} regions"
        return (
            f"the test of all columns together does not show what {k:,} {what} do"
            f"{'es' * (k == 1)}: it looks for differences of every kind, in all of them at once, "
            "beside which one in a few is small"
        )

    def to_html(
        self, path: str | Path, *, title: str = "Do the samples differ, and in what?"
    ) -> None:
        """Write one self-contained page: the test, columns, regions, rows, method, references.

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
        from repdist._results.explanation_page import page_of

        lead = self._card(IN_TABLE, asks="").html()  # the heading asks
        write_page(path, page_of(self, _checks.text("title", title), lead))

    def finding(self) -> str:
        """Return whether the samples differ, and by how much."""
        test = self.test
        p = f"p = {test.pvalue:.2g}"
        if reaches(test.pvalue):
            differ = f"the samples differ ({p})"
        elif self._found_within:
            differ = (
                f"the samples differ, for {self._found_within}; all columns together do not "
                + (f"show it ({p})")
            )
        else:
            differ = f"no difference is shown ({p})"
        return f"{differ}, MMD^2 {test.mmd_squared:.3g}" + (
            f", {test.effect:.2g} of the spread within samples" * (test.effect > 0)
        )

    def call(self) -> str:
        """Return the call that repeats the results on the same rows, with the same `rng`."""
        names = self.columns.names
        more = "names=names, " * (names != tuple(range(len(names))))
        more += f"n_regions={self.n_regions}, "
        return self.test.call().replace("mmd_test(X, Y, ", f"explain(X, Y, {more}", 1)

    def __repr__(self) -> str:
        return f"Explanation({self.test!r}, {self.columns!r}, {self.regions!r})"

    def _card(
        self, rest: str = "columns.to_frame()", asks: str = ": do they differ, and in what?"
    ) -> Card:
        lines = [
            ("finding", self.finding()),
            ("columns", self.columns.finding()),
            *self.columns.named(_MOST_NAMED, rest),
            ("regions", self.regions.finding()),
            *((label, text.partition("\n")[0]) for label, text in self.regions.named(1)[:1]),
        ]
        if self.witness is not None:
            of_x, of_y = (", ".join(map(str, rows)) for rows in self.witness.most_typical(n_rows=5))
            lines.append(("rows", f"most typical of X: {of_x}; of Y: {of_y}"))
        of = self.test.summary().partition("\n")[0].partition(": ")[2]
        return Card(f"{of}{asks}", tuple(lines), self.cautions)

    def _record(self) -> dict[str, Any]:
        return {
            "cautions": self.cautions,
            "test": self.test.to_dict(),
            "columns": self.columns.to_dict(),
            "regions": self.regions.to_dict(),
            "witness": None if self.witness is None else self.witness.to_dict(),
        }
