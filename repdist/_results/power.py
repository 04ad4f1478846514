"""The result of an estimate of power."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from repdist import _checks
from repdist._inference.rates import binomial_interval, count_rejections
from repdist._results.card import Card, Result
from repdist._results.landmarks import through
from repdist._typing import Combine, Float64
from repdist.kernels import Kernel

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class PowerCurve(Result):
    """The answer of `estimate_power`.

    Attributes
    ----------
    sizes : tuple of int
        Rows drawn from each sample (or what `counted` says), increasing.
    pvalues : (len(sizes), n_repetitions) float64
        Of the tests on subsamples.
    alpha : float
    kernel : Kernel
        As it was given.
    combine : str
    n, m : int
        Of X and Y.
    counted : str
        What sizes, n and m count: ``"rows"``, ``"pairs"``, ``"clusters"`` or ``"pairs of
        clusters"``.
    n_strata : int
        Strata within which they were drawn; 0 for none.
    n_repetitions, n_resamples : int
        n_resamples as asked for; tests with fewer distinct relabelings used all of them.
    n_landmarks : int
        Through which relabelings looked; 0 if the test was exact.
    cautions : tuple of str
        What a reader of the result should know.
    """

    sizes: tuple[int, ...]
    pvalues: Float64
    alpha: float
    kernel: Kernel
    combine: Combine
    n: int
    m: int
    counted: str
    n_strata: int
    n_repetitions: int
    n_resamples: int
    n_landmarks: int
    cautions: tuple[str, ...]

    @property
    def power(self) -> Float64:
        """Share of the tests that rejected, (len(sizes),)."""
        return (
            np.array([count_rejections(row, self.alpha) for row in self.pvalues])
            / self.n_repetitions
        )

    def rows_needed(self, power: float = 0.8) -> int | None:
        """Return the smallest of the sizes tried that reached this power, None if none did.

        Parameters
        ----------
        power : float
            Strictly between 0 and 1. Default 0.8.

        Returns
        -------
        int or None
            Rows of each sample, or what `counted` says.
        """
        wanted = _checks.fraction("power", power)
        reached = [n for n, share in zip(self.sizes, self.power, strict=True) if share >= wanted]
        return reached[0] if reached else None

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with one row a size: n, rejections, power, ci_low, ci_high.

        The interval is exact (Clopper-Pearson) at 95 %.
        """
        import pandas as pd

        rejections = [count_rejections(row, self.alpha) for row in self.pvalues]
        ends = np.array([binomial_interval(count, self.n_repetitions) for count in rejections])
        return pd.DataFrame(
            {
                "n": self.sizes,
                "rejections": rejections,
                "power": self.power,
                "ci_low": ends[:, 0],
                "ci_high": ends[:, 1],
            }
        )

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw power against the rows of each sample, with its exact intervals.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if it is not given.

        Returns
        -------
        matplotlib Axes
        """
        from repdist.plotting import plot_power

        return plot_power(self, ax)

    def __repr__(self) -> str:
        return (
            f"PowerCurve(sizes={self.sizes}, power={self.power.round(3).tolist()}, "
            f"alpha={self.alpha:g}, n_repetitions={self.n_repetitions})"
        )

    def _card(self) -> Card:
        paired, counted = self.counted.startswith("pairs"), self.counted
        sizes = f"{self.n:,} {counted}" if paired else f"{self.n:,} and {self.m:,} {counted}"
        title = (
            f"Power of the {'paired ' * paired}MMD test at {self.alpha:g}: subsamples of {sizes}"
        )
        if self.n_strata:
            title += f", within {self.n_strata} strata"
        return Card(
            title,
            (
                *(
                    (
                        f"n = {row.n:,}",
                        f"power {row.power:.2f}, 95 % interval {row.ci_low:.2f} to "
                        f"{row.ci_high:.2f}",
                    )
                    for row in self.to_frame().itertuples()
                ),
                (counted.split()[0], f"{self._needed(0.8)}; {self._needed(0.9)}"),
                ("kernel", f"{self.kernel!r}, combine={self.combine!r}{through(self.n_landmarks)}"),
                ("null", f"{self.n_resamples:,} relabelings of each test asked for"),
            ),
            self.cautions,
        )

    def _record(self) -> dict[str, Any]:
        return {
            "rows_needed": {"0.8": self.rows_needed(0.8), "0.9": self.rows_needed(0.9)},
            "curve": self.to_frame().to_dict("records"),
            "alpha": self.alpha,
            "kernel": repr(self.kernel),
            "combine": self.combine,
            "n": self.n,
            "m": self.m,
            "counted": self.counted,
            "n_strata": self.n_strata,
            "n_repetitions": self.n_repetitions,
            "n_resamples": self.n_resamples,
            "n_landmarks": self.n_landmarks,
            "cautions": self.cautions,
        }

    def _needed(self, power: float) -> str:
        rows = self.rows_needed(power)
        if rows is None:
            return f"power {power:g} was not reached"
        each = self.counted if self.counted.startswith("pairs") else "of each"
        return f"power {power:g} with {rows:,} {each}"
