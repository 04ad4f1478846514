"""The value of a metric of generated features, with its error."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from repdist import _checks
from repdist._inference.rates import CONFIDENCE
from repdist._results.card import Card, Result
from repdist._results.two_sample import MMDTestResult
from repdist._results.words import interval_words


@dataclass(frozen=True)
class Spread:
    """The mean and the standard deviation of a metric over random subsets: what papers quote.

    The deviation is no error of the mean: it is that of samples of `subset_size` rows, and 0 if a
    subset is the whole sample.

    Attributes
    ----------
    mean, std : float
    subsets, subset_size : int
    """

    mean: float
    std: float
    subsets: int
    subset_size: int


@dataclass(frozen=True, eq=False, repr=False)
class MetricResult(Result):
    """The answer of `repdist.metrics`: a value as its community quotes it, and its error.

    .. versionadded:: 0.2.0

    Attributes
    ----------
    name : str
        ``"KID"``, ``"CMMD"``, ``"KAD"`` or ``"FID"``.
    value : float
        In the convention that is quoted.
    unbiased : float
        The same without its bias: that of the mean over pairs of different rows; of FID, corrected
        by the jackknife. What `standard_error` and `confidence_interval` belong to.
    standard_error : float
    pvalue : float or None
        Of "both come from one distribution", exact; None where there is no test.
    scale : float
        What MMD^2 was multiplied by: 1,000 for CMMD, 100 for KAD.
    convention : str
        What is quoted, in words.
    n, m : int
        Rows of real and of generated features.
    spread : Spread or None
        Over random subsets, if it was asked for.
    test : MMDTestResult or None
        The test behind it.
    degrees : int
        Of freedom of Student's t in the interval of FID; else 0.
    cautions : tuple of str
        What a reader of the result should know.
    """

    name: str
    value: float
    unbiased: float
    standard_error: float
    pvalue: float | None
    scale: float
    convention: str
    n: int
    m: int
    spread: Spread | None
    test: MMDTestResult | None
    degrees: int
    cautions: tuple[str, ...]

    def confidence_interval(self, confidence_level: float = CONFIDENCE) -> tuple[float, float]:
        """Return an interval for the value of the two distributions, around `unbiased`.

        Parameters
        ----------
        confidence_level : float
            Strictly between 0 and 1. Default 0.95.

        Returns
        -------
        (low, high) : tuple of float
            Clipped at 0. That of `MMDTestResult`, in the units of `value`; of FID by Student's t.
        """
        level = _checks.fraction("confidence_level", confidence_level)
        if self.test is not None:
            low, high = self.test.confidence_interval(level)
            return low * self.scale, high * self.scale
        from scipy import stats

        reach = float(stats.t.ppf((1 + level) / 2, self.degrees)) * self.standard_error
        return max(0.0, self.unbiased - reach), max(0.0, self.unbiased + reach)

    def __repr__(self) -> str:
        return (
            f"MetricResult({self.name}={self.value:.6g}, standard_error={self.standard_error:.2g}, "
            f"n={self.n}, m={self.m})"
        )

    def _card(self) -> Card:
        interval = interval_words(*self.confidence_interval())
        wrong = self.test is None and bool(self.cautions)  # those of FID are of its interval
        lines = [
            (self.name, f"{self.value:.6g} ({self.convention})"),
            (
                "error",
                f"unbiased {self.unbiased:.6g}, standard error {self.standard_error:.2g}, "
                f"{interval}{', not to be trusted: see the caution' * wrong}",
            ),
        ]
        if self.pvalue is not None:
            lines.append(("p-value", f"{self.pvalue:.4g}, that both come from one distribution"))
        if self.spread is not None:
            s = self.spread
            lines.append(
                (
                    "spread",
                    f"{s.mean:.6g} +- {s.std:.2g} over {s.subsets:,} subsets of "
                    f"{s.subset_size:,} rows: as papers quote it, no error of the value",
                )
            )
        title = f"{self.name} of {self.m:,} generated against {self.n:,} real rows"
        return Card(title, tuple(lines), self.cautions)

    def _record(self) -> dict[str, Any]:
        spread = None if self.spread is None else asdict(self.spread)
        return {
            "name": self.name,
            "value": self.value,
            "unbiased": self.unbiased,
            "standard_error": self.standard_error,
            "confidence_interval_95": self.confidence_interval(),
            "pvalue": math.nan if self.pvalue is None else self.pvalue,
            "convention": self.convention,
            "n": self.n,
            "m": self.m,
            "spread": spread,
            "cautions": self.cautions,
        }
