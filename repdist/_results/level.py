"""The result of a check of the level."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repdist import _checks
from repdist._inference.rates import CONFIDENCE, binomial_interval, count_rejections, found_out
from repdist._results.card import Card, Result
from repdist._results.landmarks import through
from repdist._typing import Bins, Combine, Estimator, Float64
from repdist.kernels import Kernel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FALSE_ALARMS = 0.01  # the chance that an exact test is said not to hold its level


@dataclass(frozen=True, eq=False, repr=False)
class LevelCheck(Result):
    """The answer of `check_level`.

    Attributes
    ----------
    holds : bool
        False if the test rejected more often than chance explains: an exact test is said not to
        hold its level in at most 1 % of checks.
    rate : float
        Share of the repetitions in which the test rejected.
    pvalues : (n_repetitions,) float64
        Of the tests on shuffled rows, or exchanged pairs; uniform for an exact test, or larger.
    alpha : float
    kernel : Kernel
        As it was given.
    estimator, combine : str
    n, m : int
        Rows (or what `counted` says) of the two samples in each repetition.
    counted : str
        What n and m count: ``"rows"``, ``"pairs"``, ``"clusters"`` or ``"pairs of clusters"``.
    n_strata : int
        Strata inside which they were shuffled; 0 for none.
    n_bins : "auto", "rows" or int
        As it was given.
    attainable : float
        The largest level up to `alpha` that the relabelings can attain: what an exact test of
        continuous data rejects.
    n_repetitions, n_resamples : int
        n_resamples as asked for; tests with fewer distinct relabelings used all of them.
    n_landmarks : int
        Through which relabelings looked; 0 if the test was exact.
    cautions : tuple of str
        What a reader of the result should know.
    """

    holds: bool
    rate: float
    pvalues: Float64
    alpha: float
    kernel: Kernel
    estimator: Estimator
    combine: Combine
    n: int
    m: int
    counted: str
    n_strata: int
    n_bins: Bins
    attainable: float
    n_repetitions: int
    n_resamples: int
    n_landmarks: int
    cautions: tuple[str, ...]

    def confidence_interval(self, confidence_level: float = CONFIDENCE) -> tuple[float, float]:
        """Return the exact (Clopper-Pearson) interval for the rejection rate on such rows.

        Parameters
        ----------
        confidence_level : float
            Strictly between 0 and 1. Default 0.95.

        Returns
        -------
        (low, high) : tuple of float
        """
        level = _checks.fraction("confidence_level", confidence_level)
        return binomial_interval(
            count_rejections(self.pvalues, self.alpha), self.n_repetitions, level
        )

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw how often the test rejects at each level, beside how often it may.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if it is not given.

        Returns
        -------
        matplotlib Axes
        """
        from repdist.plotting import plot_level

        return plot_level(self, ax)

    def __repr__(self) -> str:
        return (
            f"LevelCheck(holds={self.holds}, rate={self.rate:.3g}, alpha={self.alpha:g}, "
            f"n_repetitions={self.n_repetitions}, n={self.n}, m={self.m})"
        )

    def _card(self) -> Card:
        low, high = self.confidence_interval()
        rejections = count_rejections(self.pvalues, self.alpha)
        denied = found_out(self.n_repetitions, self.alpha, FALSE_ALARMS)
        title = f"Level of the MMD test on shuffled {self.counted}: {self.n:,} against {self.m:,}"
        if self.counted.startswith("pairs"):
            title = f"Level of the paired MMD test on exchanged {self.counted}: {self.n:,}"
        if self.n_strata:
            title += f", within {self.n_strata} strata"
        return Card(
            title,
            (
                ("verdict", f"the level {'holds' if self.holds else 'does not hold'}"),
                (
                    "rejected",
                    f"{rejections} of {self.n_repetitions} at {self.alpha:g}: rate "
                    f"{self.rate:.3g}, 95 % interval {low:.3g} to {high:.3g}",
                ),
                (
                    "errors",
                    f"an exact test fails {100 * FALSE_ALARMS:g} % of checks at most, one of "
                    f"level {denied:.2g} fails 90 %",
                ),
                ("kernel", f"{self.kernel!r}, combine={self.combine!r}{through(self.n_landmarks)}"),
                (
                    "null",
                    f"{self.n_resamples:,} relabelings of each test asked for: level "
                    f"{self.attainable:.4g} attainable",
                ),
            ),
            self.cautions,
        )

    def _record(self) -> dict[str, Any]:
        return {
            "holds": self.holds,
            "rate": self.rate,
            "confidence_interval_95": self.confidence_interval(),
            "pvalues": self.pvalues,
            "alpha": self.alpha,
            "kernel": repr(self.kernel),
            "estimator": self.estimator,
            "combine": self.combine,
            "n": self.n,
            "m": self.m,
            "counted": self.counted,
            "n_strata": self.n_strata,
            "n_bins": self.n_bins,
            "attainable": self.attainable,
            "n_repetitions": self.n_repetitions,
            "n_resamples": self.n_resamples,
            "n_landmarks": self.n_landmarks,
            "cautions": self.cautions,
        }
