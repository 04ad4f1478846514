"""The result of a two-sample test."""

import dataclasses
import functools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repdist import _checks
from repdist._designs.clusters import Clusters
from repdist._designs.relabelings import Drawn
from repdist._inference.combine import Null
from repdist._inference.estimates import Estimate
from repdist._inference.rates import CONFIDENCE
from repdist._inference.stratified import STRATA, StrataTable
from repdist._numbers import reaches
from repdist._results.card import Card, Result
from repdist._results.equivalence import EquivalenceResult, Unit, checked_margin, few_units
from repdist._results.landmarks import LandmarkView
from repdist._results.words import (
    interval_words,
    kernel_call,
    kernel_words,
    statistic_words,
)
from repdist._typing import Bins, Combine, Estimator, Float64
from repdist._version import __version__
from repdist.kernels import Kernel

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class MMDTestResult(Result):
    """The answer of `mmd_test`.

    Attributes
    ----------
    statistic : float
        What was tested: MMD^2 for one component or ``combine="mean"``, else the combined score; of
        `clusters`, made of MMD^2 over its standard deviation by label.
    pvalue : float
        Exact at any sample size, unless `guarded`; never 0.
    mmd_squared : float
        MMD^2 of the kernel, by `estimator`, in kernel units: the number to quote.
    estimate : Estimate
        The unbiased MMD^2 whatever `estimator` says, with what its interval needs.
    null : Null
        Every relabeling's components, from which `null_distribution` is made.
    spread : float
        ``mean k(x, x) - mean k(x, x')`` over different rows of a sample, the mean of both.
    kernel : Kernel
        Fitted: pass it to another call to compare numbers.
    estimator, combine : str
    n, m : int
        Rows of X and Y.
    paired : bool
        Whether row i of X belongs to row i of Y.
    clusters : Clusters or None
        How many clusters the samples have, if rows were given as coming in clusters.
    strata_table : StrataTable or None
        What differs inside each stratum, if rows were compared within strata; see `strata`.
    guarded : bool
        Whether p is that of random signs, which is larger than that of relabelings: clusters differ
        in size between the samples.
    dropped : bool
        Whether rows that nothing can be compared with were left out.
    wanted_bins : {"auto", "rows"} or int
        The `n_bins` that was asked for.
    relabelings : Relabelings or Flips
        Which were used.
    landmarks : LandmarkView or None
        What landmarks saw, if ``method="landmarks"``: relabelings then looked at all rows through
        them, and `mmd_squared` and its error come from some rows that were drawn at random.
    memory_bytes : int
        An upper estimate of what the test held in memory above the samples at its peak.
    cautions : tuple of str
        What a reader of the result should know.
    component_columns : dict of (R,) arrays
        The columns of `components`.
    """

    statistic: float
    pvalue: float
    mmd_squared: float
    estimate: Estimate
    null: Null
    spread: float
    kernel: Kernel
    estimator: Estimator
    combine: Combine
    n: int
    m: int
    paired: bool
    clusters: Clusters | None
    strata_table: StrataTable | None
    guarded: bool
    dropped: bool
    wanted_bins: Bins
    relabelings: Drawn
    landmarks: LandmarkView | None
    memory_bytes: int
    cautions: tuple[str, ...]
    component_columns: dict[str, Any]

    @functools.cached_property
    def null_distribution(self) -> Float64:
        """The statistic of the relabelings, (B,), the observed one left out unless `exhaustive`."""
        statistic = self.null.distribution()
        kept = statistic if self.exhaustive else statistic[1:]
        kept.setflags(write=False)
        return kept

    @property
    def standard_error(self) -> float:
        """Of the unbiased MMD^2."""
        return float(self.estimate.standard_error)

    @property
    def effect(self) -> float:
        """How far: the unbiased MMD^2 over the mean spread of both samples, free of their sizes.

        The spread of a sample is ``mean k(x, x) - mean k(x, x')``; for the linear kernel the effect
        is Cohen's d squared (a trace over columns). NaN if nothing varies.

        .. versionadded:: 0.2.0
        """
        return float(self.estimate.mmd_squared) / self.spread if self.spread > 0 else math.nan

    @property
    def n_resamples(self) -> int:
        """Relabelings used, the observed one left out unless `exhaustive`."""
        return self.relabelings.count

    @property
    def n_bins(self) -> int:
        """Movable units in the smaller sample."""
        return int(self.relabelings.units.movable[0])

    @property
    def exhaustive(self) -> bool:
        """Whether all distinct relabelings were enumerated."""
        return self.relabelings.exhaustive

    @property
    def components(self) -> "pd.DataFrame":
        """One row a component: bandwidth, mmd_squared, zscore (of its null), pvalue (its own).

        With landmarks also what they `captured` of it: zscore and pvalue are then of all rows,
        mmd_squared of those that it is quoted from. With strata also its form: ``"adjusted"``, the
        distance of mixed means, or ``"within"``, the mean of the distances inside strata.
        """
        import pandas as pd

        return pd.DataFrame(self.component_columns)

    @property
    def strata(self) -> "pd.DataFrame":
        """One row a stratum: n, m, share of both, mmd_squared, standard_error.

        n and m count rows, or clusters. Empty if rows were not compared within strata.

        .. versionadded:: 0.2.0
        """
        import pandas as pd

        return pd.DataFrame(self._strata(), columns=STRATA).set_index("stratum")

    @property
    def statistic_name(self) -> str:
        """What `statistic` is, in words.

        .. versionadded:: 0.2.0
        """
        if len(self.component_columns["bandwidth"]) == 1 or self.combine == "mean":
            return self.component_name
        return {"max": "largest normal score", "fuse": "soft maximum (FUSE)"}[self.combine]

    @property
    def component_name(self) -> str:
        """What z-scores of `components` are of: MMD^2, of `clusters` over its deviation.

        .. versionadded:: 0.2.0
        """
        return "MMD^2 / sd" if self._studentised else "MMD^2"

    def confidence_interval(self, confidence_level: float = CONFIDENCE) -> tuple[float, float]:
        """Return an interval for MMD^2 of the two distributions under the fitted kernel.

        Centred on the unbiased estimate T whatever `estimator` says, and clipped at 0: from
        ``T - z se`` to ``T + z sqrt(se^2 + 3 v0)``, with v0 the variance of T over relabelings.

        Parameters
        ----------
        confidence_level : float
            Strictly between 0 and 1. Default 0.95.

        Returns
        -------
        (low, high) : tuple of float

        Notes
        -----
        Conditional on the fitted kernel. It looks at MMD^2 of the kernel, the p-value at the
        combined statistic: the interval may reach 0 where the test rejects, and the reverse.
        """
        level = _checks.fraction("confidence_level", confidence_level)
        low, high = self.estimate.interval(level)
        return float(low), float(high)

    def equivalence(self, margin: float, unit: Unit = "effect") -> EquivalenceResult:
        """Test that the distance is below a margin: close enough, not only not told apart.

        .. versionadded:: 0.2.0

        Parameters
        ----------
        margin : float
            Above 0. What distance would matter: that of two halves of one sample, or of a change
            that is known to be harmless.
        unit : {"effect", "mmd_squared"}
            Of the margin. Default ``"effect"``: MMD^2 over the spread of the samples, which is free
            of the kernel's scale.

        Returns
        -------
        EquivalenceResult
            Its ``pvalue`` is that of "the distance is at least the margin"; small: it is below.

        Notes
        -----
        ``p = Phi((T - margin) / sqrt(se^2 + 3 v0))`` with the unbiased T, its error se and its
        variance v0 over relabelings, as in the upper end of `confidence_interval`: the interval at
        level 1 - 2 alpha lies below the margin where p <= alpha. Approximate, conditional on the
        fitted kernel and, for effects, on the spread; a caution where a sample has fewer than 10
        rows, pairs or clusters, from which no error can be known.
        """
        margin = checked_margin(margin, unit)
        scale = self.spread if unit == "effect" else 1.0
        value = self.estimate.mmd_squared
        return EquivalenceResult(
            pvalue=float(self.estimate.equivalence(margin * scale)),
            margin=margin,
            unit=unit,
            value=self.effect if unit == "effect" else float(value),
            cautions=(*self.cautions, *few_units(*self._fewest())),
        )

    def _fewest(self) -> tuple[int, str]:
        """Return how many units the smaller sample has, and what they are called."""
        if self.clusters is not None:
            words = "pairs of clusters" if self.paired else "clusters"
            return min(self.clusters.first, self.clusters.second), words
        return min(self.n, self.m), "pairs" if self.paired else "rows"

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the null distribution with the observed statistic, and the components beside it.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if it is not given.

        Returns
        -------
        matplotlib Axes
            The axes of the null distribution.

        Notes
        -----
        With ``combine="max"`` and a very skewed null a bar can stand by itself at the left: the
        skewness correction ends there, and all relabelings below that end share one score.
        """
        from repdist.plotting import plot_two_sample

        return plot_two_sample(self, ax)

    def to_html(self, path: str | Path, *, title: str = "Do the samples differ?") -> None:
        """Write one self-contained page: the summary, the picture, the tables, the call.

        The tables are those of `components`, and of `strata` if there are any.

        .. versionadded:: 0.2.0

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
        from repdist._results.two_sample_page import page_of

        write_page(path, page_of(self, _checks.text("title", title), self._card().html()))

    def method(self) -> str:
        """Return a sentence for a paper that says what was done.

        .. versionadded:: 0.2.0
        """
        return (
            f"{self._samples()} were compared by the {self.estimator} "
            f"squared maximum mean discrepancy ({kernel_words(self.kernel)}), with "
            f"{self._how_told()} {self.relabelings.describe()}{self._seen_through()}, and "
            f"{self._statistic()} as statistic (repdist {__version__})."
        )

    def _seen_through(self) -> str:
        return "" if self.landmarks is None else f", with {self.landmarks.method()}"

    def _how_told(self) -> str:
        if not self.guarded:
            return "an exact permutation p-value from"
        return (
            "a p-value from random signs of clusters centred within each sample, which is larger "
            "than that of"
        )

    def call(self) -> str:
        """Return the call that repeats the result on the same rows, with the same `rng`.

        .. versionadded:: 0.2.0
        """
        if self.landmarks is not None and self.landmarks.projected:
            return f"reference.compare(X, n_resamples={self.relabelings.wanted})" + (
                "  # reference: the Reference; and the rng that was used"
            )
        bins = self.n_bins if self.relabelings.units.size > 1 else "rows"
        design = "paired=True, " * self.paired
        design += "clusters=(ids_x, ids_y), " * (self.clusters is not None)
        design += "strata=(strata_x, strata_y), " * (self.strata_table is not None)
        design += 'unmatched="drop", ' * self.dropped
        if self.landmarks is not None:
            design += self.landmarks.arguments()
        if self.clusters is not None or self.strata_table is not None:
            bins = self.wanted_bins
        return (
            f"repdist.mmd_test(X, Y, {design}kernel={kernel_call(self.kernel)}, "
            f"estimator={self.estimator!r}, combine={self.combine!r}, "
            f"n_resamples={self.relabelings.wanted}, n_bins={bins!r})  # and the rng that was used"
        )

    def __repr__(self) -> str:
        return (
            f"MMDTestResult(pvalue={self.pvalue:.4g}, mmd_squared={self.mmd_squared:.4g}, "
            f"standard_error={self.standard_error:.2g}, n={self.n}, m={self.m})"
        )

    def _card(self) -> Card:
        kind = "unbiased"
        if self.estimator == "biased":
            kind = f"biased; unbiased {self.estimate.mmd_squared:.4g}"
        interval = interval_words(*self.confidence_interval())
        at_the_least = ""
        if self.pvalue <= self.relabelings.least_pvalue:
            at_the_least = f", the least that {self.n_resamples:,} relabelings can give"
        if self.guarded:
            at_the_least = ", of random signs: larger than that of relabelings"
        lines = [
            ("MMD^2", f"{self.mmd_squared:.4g} ({kind}), {interval}"),
            *([("effect", f"{self.effect:.2g} of the spread within samples")] * (self.spread > 0)),
            ("p-value", f"{self.pvalue:.4g}{at_the_least}"),
            ("tested", self._tested()),
            ("kernel", str(self.kernel)),
            ("null", self.relabelings.describe()),
            *([] if self.landmarks is None else self.landmarks.lines()),
        ]
        if note := self._note():
            lines.append(("note", note))
        title = f"Two-sample MMD test: {self.n} rows against {self.m}"
        if self.clusters is not None:
            title = f"Two-sample MMD test: {self.clusters.describe()}"
        if self.paired:
            title = f"Paired MMD test: {self._pairs()}"
        if self.strata_table is not None:
            title += f", within {len(self.strata_table.names)} strata"
        return Card(title, tuple(lines), self.cautions)

    @property
    def _studentised(self) -> bool:
        """Whether MMD^2 stands over its standard deviation by label in the statistic."""
        return self.clusters is not None and not self.paired and self.strata_table is None

    def _pairs(self) -> str:
        if self.clusters is None:
            return f"{self.n:,} pairs of rows"
        return f"{self.clusters.first:,} pairs of clusters of {self.clusters.rows}"

    def _samples(self) -> str:
        found = f"Two samples of {self.n:,} and {self.m:,} rows"
        if self.clusters is not None:
            found += ", in clusters each of which counts as one,"
        if self.paired:
            found = f"The two sides of {self._pairs()}"
        if self.strata_table is not None:
            found += f" in {len(self.strata_table.names)} strata, adjusted for these,"
        return found

    def _strata(self) -> list[dict[str, Any]]:
        return [] if self.strata_table is None else self.strata_table.records()

    def _statistic(self) -> str:
        words = statistic_words(self.kernel, self.combine)
        if not self._studentised:
            return words
        return f"{words}, with each squared MMD over its standard deviation by label,"

    def _record(self) -> dict[str, Any]:
        names, values = self.component_columns.keys(), self.component_columns.values()
        rows = zip(*(column.tolist() for column in values), strict=True)
        return {
            "statistic": self.statistic,
            "pvalue": self.pvalue,
            "mmd_squared": self.mmd_squared,
            "standard_error": self.standard_error,
            "effect": self.effect,
            "confidence_interval_95": self.confidence_interval(),
            "kernel": repr(self.kernel),
            "estimator": self.estimator,
            "combine": self.combine,
            "n": self.n,
            "m": self.m,
            "paired": self.paired,
            "clusters": None if self.clusters is None else dataclasses.asdict(self.clusters),
            "strata": self._strata(),
            "n_resamples": self.n_resamples,
            "n_bins": self.n_bins,
            "exhaustive": self.exhaustive,
            "guarded": self.guarded,
            "landmarks": None if self.landmarks is None else self.landmarks.record(),
            "memory_bytes": self.memory_bytes,
            "cautions": self.cautions,
            "components": [dict(zip(names, row, strict=True)) for row in rows],
        }

    def _note(self) -> str:
        """Return what to say where the interval and the p-value seem to disagree, if they do."""
        differs, apart = bool(reaches(self.pvalue)), self.confidence_interval()[0] > 0
        if differs == apart:
            return ""
        whole = "it is for all components together,\n"
        if self.landmarks is not None and self.landmarks.sampled:
            return (
                f"the interval {_REACHES[apart]}: it comes from the drawn rows alone,\nand "
                "the p-value from all rows"
            )
        if self.guarded and not differs:
            return f"the interval {_REACHES[apart]}, and the test for 0 alone does not reject"
        if len(self.component_columns["bandwidth"]) == 1 or self.combine == "mean":
            return f"the interval {_REACHES[apart]}: it holds at any distance,\nand {_TEST[apart]}"
        return f"the interval {_REACHES[apart]}: {whole}and the test for what stands out most " + (
            "among them"
        )

    def _tested(self) -> str:
        count = len(self.component_columns["bandwidth"])
        if count == 1:
            return self.statistic_name
        together = " and all together" if self.combine == "max" else ""
        studentised = "studentised " * (self._studentised and self.combine != "mean")
        return (
            f"{self.statistic_name} of {count} {studentised}components{together} = "
            f"{self.statistic:.4g}"
        )


_REACHES = {False: "reaches 0", True: "lies above 0"}
_TEST = {
    False: "the test is made for 0 alone, where it sees more",
    True: "the test for 0 alone is exact, and does not reject",
}
