"""The result of a comparison of two samples within each label."""

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from repdist import _checks
from repdist._designs.relabelings import Drawn
from repdist._inference.estimates import Estimate
from repdist._inference.multiplicity import Adjust, adjusted
from repdist._numbers import adjustment, counted, reaches
from repdist._results.card import Card, Result
from repdist._results.words import (
    differing,
    kernel_call,
    kernel_words,
    line_of,
    statistic_words,
)
from repdist._spreadsheet import write_frame
from repdist._typing import Bins, Combine, Float64
from repdist._version import __version__
from repdist.kernels import Kernel

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_MOST_NAMED = 8  # labels in words


@dataclass(frozen=True, eq=False, repr=False)
class ByLabelResult(Result):
    """The answer of `compare_by_label`: one row a label.

    .. versionadded:: 0.2.0

    Attributes
    ----------
    names : tuple
        The labels that were compared.
    sizes : tuple of (int, int)
        Their rows in X and in Y.
    left_out : dict
        The labels with fewer than two rows in one of the samples, with their rows in X and in Y.
    paired : bool
        Whether row i of X belongs to row i of Y.
    kernel : Kernel
        The one fitted kernel: pass it to another call to compare numbers.
    combine, adjust : str
    confidence_level : float
    n_resamples : int
        Asked for.
    n_bins : "auto", "rows" or int
        Asked for.
    estimate : Estimate
        Of all labels.
    pvalue, spread, noise_floor : (L,)
    relabelings : tuple of Drawn
        Which each label used.
    cautions : tuple of str
        What a reader of the result should know.
    """

    names: tuple[Hashable, ...]
    sizes: tuple[tuple[int, int], ...]
    left_out: dict[Hashable, tuple[int, int]]
    paired: bool
    kernel: Kernel
    combine: Combine
    adjust: Adjust
    confidence_level: float
    n_resamples: int
    n_bins: Bins
    estimate: Estimate
    pvalue: Float64
    spread: Float64
    noise_floor: Float64
    relabelings: tuple[Drawn, ...]
    cautions: tuple[str, ...]

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with one row a label.

        Columns: n, m (rows in X and in Y), mmd_squared, standard_error, ci_low, ci_high, pvalue,
        pvalue_adjusted, effect, noise_floor, times_floor, n_resamples, exhaustive.
        """
        import pandas as pd

        low, high = self.estimate.interval(self.confidence_level)
        mmd_squared, floor = self.estimate.mmd_squared, self.noise_floor
        with np.errstate(divide="ignore", invalid="ignore"):
            effect = np.where(self.spread > 0, mmd_squared / self.spread, np.nan)
            times_floor = np.where(floor > 0, mmd_squared / floor, np.nan)
        columns = {
            "n": [n for n, _ in self.sizes],
            "m": [m for _, m in self.sizes],
            "mmd_squared": mmd_squared,
            "standard_error": self.estimate.standard_error,
            "ci_low": low,
            "ci_high": high,
            "pvalue": self.pvalue,
            "pvalue_adjusted": adjusted(self.pvalue, self.adjust),
            "effect": effect,
            "noise_floor": floor,
            "times_floor": times_floor,
            "n_resamples": [drawn.count for drawn in self.relabelings],
            "exhaustive": [drawn.exhaustive for drawn in self.relabelings],
        }
        index = pd.Index(list(self.names), name="label", tupleize_cols=False)
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
        write_frame(path, self.to_frame().reset_index(), ["label"])

    def to_html(self, path: str | Path, *, title: str = "In which classes do they differ?") -> None:
        """Write one self-contained page: picture, a table that sorts, the method, the call.

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
        from repdist._results.by_label_page import page_of

        write_page(path, page_of(self, _checks.text("title", title)))

    def plot(
        self, ax: "Axes | None" = None, *, order: Literal["distance", "given"] = "distance"
    ) -> "Axes":
        """Draw each label's distance with its interval, and the noise floor as a band.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if it is not given.
        order : {"distance", "given"}
            ``"distance"`` (default): the closest on top. ``"given"``: labels from left to right.

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
        differ = self._differ()
        at = f"intervals at {100 * self.confidence_level:g} %"
        of = counted(len(self.names), "label")
        return f"{differ} of {of}{' shown to' * (not differ)} differ\n{at}"

    @property
    def quantity(self) -> str:
        """What pictures show, for an axis."""
        return "MMD$^2$ between X and Y"

    def method(self) -> str:
        """Return two sentences for a paper that say what was done."""
        corrected = (
            "not adjusted for multiple comparisons"
            if self.adjust == "none"
            else f"{adjustment(self.adjust)} for {counted(len(self.names), 'label')}"
        )
        what = "the sides of pairs" if self.paired else "its rows"
        return (
            "Two samples were compared within each label by the unbiased squared maximum mean "
            f"discrepancy under one kernel fitted on all rows ({kernel_words(self.kernel)}), with "
            f"exact permutation p-values from relabelings of {what}, "
            f"{statistic_words(self.kernel, self.combine)} as statistic, and p-values {corrected}. "
            f"Intervals are at {100 * self.confidence_level:g} % (repdist {__version__})."
        )

    def call(self) -> str:
        """Return the call that repeats the result on the same rows, with the same `rng`."""
        return (
            f"repdist.compare_by_label(X, x_labels, Y, y_labels, paired={self.paired}, "
            f"kernel={kernel_call(self.kernel)}, combine={self.combine!r}, "
            f"n_resamples={self.n_resamples}, n_bins={self.n_bins!r}, adjust={self.adjust!r}, "
            f"confidence_level={self.confidence_level})  # and the rng that was used"
        )

    def __repr__(self) -> str:
        return f"ByLabelResult({len(self.names)} labels, {self._differ()} differ)"

    def _differ(self) -> int:
        return int(reaches(adjusted(self.pvalue, self.adjust)).sum())

    def _card(self) -> Card:
        given = self.to_frame()
        frame = given.sort_values("mmd_squared", kind="stable")
        lines = [
            ("differ", differing(given["pvalue_adjusted"], self.adjust)),
            *(
                [("farthest", line_of(frame.iloc[-1])), ("closest", line_of(frame.iloc[0]))]
                if len(frame) > 1
                else [("distance", line_of(frame.iloc[0]))]
            ),
            ("kernel", str(self.kernel)),
        ]
        if self.left_out:
            shown = [
                f"{name} ({n:,} + {m:,} rows)"
                for name, (n, m) in list(self.left_out.items())[:_MOST_NAMED]
            ]
            more = len(self.left_out) - _MOST_NAMED
            lines.append(("left out", ", ".join(shown) + f" and {more} more" * (more > 0)))
        pairs = "paired rows" if self.paired else "rows"
        n, m = (sum(counts) for counts in zip(*self.sizes, strict=True))
        title = f"{counted(len(frame), 'label')}: {n:,} {pairs} against {m:,}"
        return Card(title, tuple(lines), self.cautions)

    def _record(self) -> dict[str, Any]:
        return {
            "names": self.names,
            "left_out": [{"label": name, "n": n, "m": m} for name, (n, m) in self.left_out.items()],
            "paired": self.paired,
            "kernel": repr(self.kernel),
            "combine": self.combine,
            "adjust": self.adjust,
            "confidence_level": self.confidence_level,
            "n_resamples": self.n_resamples,
            "n_bins": self.n_bins,
            "cautions": self.cautions,
            "labels": self.to_frame().reset_index().to_dict("records"),
        }
