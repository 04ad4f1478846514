"""The result of a test of regions: in which of them one sample has more of its rows."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from repdist import _checks
from repdist._designs.relabelings import Drawn
from repdist._inference.linear import Control
from repdist._numbers import counted, reaches, with_digits
from repdist._results.card import Card, Result
from repdist._results.columns import CONTROLS, WELCH
from repdist._spreadsheet import write_frame
from repdist._typing import Float64
from repdist._version import __version__

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_MOST_NAMED, _MOST_ROWS = 5, 3  # regions in words, and rows of each
_OTHER_SHARES = (
    "shares add up to 1: a clump of rows that one sample has more of lowers its shares of all other"
    " regions, which may then differ, too"
)
INTERVALS: dict[str, str] = {
    "newcombe": "Newcombe's hybrid score intervals",
    "student": "Student's intervals from the standard error of the design",
}

Numbers = npt.NDArray[np.intp]


class Plane(Protocol):
    """Some rows, and the centres of all regions, in the plane."""

    @property
    def points(self) -> Float64: ...
    @property
    def region(self) -> Numbers: ...
    @property
    def centres(self) -> Float64: ...
    @property
    def explained(self) -> float: ...


@dataclass(frozen=True, eq=False, repr=False)
class RegionResult(Result):
    """The answer of `region_test`: k regions, numbered from 0, those of most rows first.

    .. versionadded:: 0.2.0

    Attributes
    ----------
    share_x, share_y : (k,)
        Of the rows of `X` and of `Y` that lie in each region.
    low, high : (k,)
        The ends of an interval of 95 % for ``share_y - share_x``, for each region by itself.
    interval : {"newcombe", "student"}
        Its kind.
    statistic, pvalue, pvalue_adjusted : (k,)
    control : {"westfall-young", "holm"}
        How p-values are adjusted for their number.
    region_of_x, region_of_y : (n,) and (m,)
        The region of each row.
    distance_x, distance_y : (n,) and (m,)
        To the centre of its region.
    centres : (k, d)
        Of the regions.
    plane : Plane
        At most 2,000 rows, and the centres, in their first two principal components.
    relabelings : Drawn
        Which were used.
    guarded : bool
        Whether p is at least that of Welch's t-test, as clusters differ in size.
    of_data : tuple of str
        The cautions that do not depend on what was found.
    """

    share_x: Float64
    share_y: Float64
    low: Float64
    high: Float64
    interval: Literal["newcombe", "student"]
    statistic: Float64
    pvalue: Float64
    pvalue_adjusted: Float64
    control: Control
    region_of_x: Numbers
    region_of_y: Numbers
    distance_x: Float64
    distance_y: Float64
    centres: Float64
    plane: Plane
    relabelings: Drawn
    guarded: bool
    of_data: tuple[str, ...]

    @property
    def n(self) -> int:
        """Rows of `X`."""
        return len(self.region_of_x)

    @property
    def m(self) -> int:
        """Rows of `Y`."""
        return len(self.region_of_y)

    @property
    def n_regions(self) -> int:
        """How many there are."""
        return len(self.centres)

    @property
    def n_rows(self) -> Numbers:
        """Rows of both samples in each region, (k,)."""
        return np.bincount(
            np.concatenate([self.region_of_x, self.region_of_y]), minlength=self.n_regions
        )

    @property
    def difference(self) -> Float64:
        """``share_y - share_x``, (k,)."""
        return self.share_y - self.share_x

    @property
    def log2_ratio(self) -> Float64:
        """``log2(share_y / share_x)``, (k,); infinite where one sample has no rows."""
        with np.errstate(divide="ignore"):
            return np.log2(self.share_y) - np.log2(self.share_x)

    @property
    def differs(self) -> npt.NDArray[np.bool_]:
        """Whether the shares differ at .05, adjusted, (k,)."""
        return np.asarray(reaches(self.pvalue_adjusted))

    @property
    def order(self) -> Numbers:
        """The regions, the surest difference first."""
        return np.lexsort((-self.statistic, self.pvalue_adjusted))

    @property
    def cautions(self) -> tuple[str, ...]:
        """What a reader of the result should know."""
        return self.of_data + (_OTHER_SHARES,) * bool(self.differs.any())

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with one row a region, the surest difference first.

        Columns: region, n_rows, share_x, share_y, difference (of the shares, Y less X), low and
        high (of its interval), log2_ratio (of the shares, Y over X), statistic, pvalue,
        pvalue_adjusted.
        """
        import pandas as pd

        columns = (
            "n_rows", "share_x", "share_y", "difference", "low", "high", "log2_ratio", "statistic",
            "pvalue", "pvalue_adjusted",
        )  # fmt: skip
        order = self.order
        return pd.DataFrame(
            {"region": order} | {name: getattr(self, name)[order] for name in columns}
        )

    def to_csv(self, path: str | Path) -> None:
        """Write `to_frame()` to a file, which appears when it is complete.

        Raises
        ------
        TypeError, ValueError, OSError
            If `path` is no file name, is none that can be written in an existing folder, or
            cannot be written to its end; an earlier file is then as it was.
        """
        write_frame(path, self.to_frame(), [])

    def typical(self, region: int, *, n_rows: int = 5) -> tuple[Numbers, Numbers]:
        """Return which rows of X and of Y lie nearest to the centre of a region.

        Parameters
        ----------
        region : int
        n_rows : int
            At most so many of each sample. Default 5.

        Returns
        -------
        pair of (r,) arrays
            Numbers of rows, the nearest first.

        Raises
        ------
        TypeError, ValueError
            If `region` is no region, or `n_rows` no whole number of at least 1.
        """
        region = _checks.whole_number("region", region, 0, self.n_regions - 1)
        n_rows = _checks.whole_number("n_rows", n_rows, 1)
        of_x, of_y = (
            np.flatnonzero(regions == region)[
                np.argsort(distances[regions == region], kind="stable")
            ][:n_rows]
            for regions, distances in (
                (self.region_of_x, self.distance_x),
                (self.region_of_y, self.distance_y),
            )
        )
        return of_x, of_y

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw a map: rows in the plane, coloured by the ratio of the shares of their region.

        The number of a region stands at its centre, framed if its shares differ at .05.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if it is not given.

        Returns
        -------
        matplotlib Axes
        """
        from repdist.plotting import plot_regions

        return plot_regions(self, ax)

    def plot_shares(self, ax: "Axes | None" = None, *, n_regions: int = 24) -> "Axes":
        """Draw the shares of both samples as bars, the surest difference first.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if it is not given.
        n_regions : int
            At most so many. Default 24.

        Returns
        -------
        matplotlib Axes
        """
        from repdist.plotting import plot_shares

        return plot_shares(self, ax, most=_checks.whole_number("n_regions", n_regions, 1))

    def method(self) -> str:
        """Return two sentences for a paper that say what was done."""
        return (
            f"Rows were cut into {self.n_regions:,} regions by k-means on both samples together, "
            "without their labels. The shares of both samples in each region were compared by "
            f"permutation p-values from {self.relabelings.describe()}{WELCH * self.guarded}, "
            "adjusted for "
            f"{self.n_regions:,} regions by {CONTROLS[self.control]}; {INTERVALS[self.interval]} "
            f"have 95 % each (repdist {__version__})."
        )

    def __repr__(self) -> str:
        return f"RegionResult({self.headline})"

    @property
    def headline(self) -> str:
        """What pictures show first."""
        return f"{self.differs.sum():,} of {counted(self.n_regions, 'region')} differ"

    def finding(self) -> str:
        """Return one sentence: how many regions differ."""
        if self.differs.any():
            return f"{self.headline} at .05, adjusted"
        return "no region differs at .05, adjusted; mmd_test looks at everything else, too"

    def named(self, most: int) -> list[tuple[str, str]]:
        """Return a line for each of the surest regions that differ, and where the others are."""
        frame = self.to_frame()
        surest = frame[reaches(frame["pvalue_adjusted"])].head(most)
        lines = [(f"region {row.region}", self._words(row)) for row in surest.itertuples()]
        if (more := int(self.differs.sum()) - most) > 0:
            lines.append(("", f"and {more:,} more: to_frame()"))
        return lines

    def _card(self) -> Card:
        lines = (
            ("finding", self.finding()),
            *self.named(_MOST_NAMED),
            ("control", CONTROLS[self.control]),
            ("null", self.relabelings.describe()),
        )
        title = f"{counted(self.n_regions, 'region')}: {self.n:,} rows against {self.m:,}"
        return Card(title, lines, self.cautions)

    def _words(self, row: Any) -> str:
        """Return both shares, how surely they differ, and rows to look at."""
        ratio = ""
        if np.isfinite(row.log2_ratio):
            ratio = f" (x {with_digits(2**row.log2_ratio)})"
        of = int(row.difference > 0)
        typical = self.typical(row.region, n_rows=_MOST_ROWS)[of]
        return (
            f"{row.share_x:.1%} of X, {row.share_y:.1%} of Y{ratio}, difference "
            f"{in_points(row.low, row.high)}; adjusted p = {row.pvalue_adjusted:.2g}\n"
            f"typical rows of {'XY'[of]}: {', '.join(map(str, typical))}"
        )

    def _record(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "m": self.m,
            "control": self.control,
            "interval": self.interval,
            "n_resamples": self.relabelings.count,
            "exhaustive": self.relabelings.exhaustive,
            "cautions": self.cautions,
            "regions": self.to_frame().to_dict("records"),
        }


def in_points(low: float, high: float) -> str:
    """Return the interval of a difference of shares, in percentage points."""
    return f"{100 * low:+.1f} to {100 * high:+.1f} points"
