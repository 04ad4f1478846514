"""How often tests reject: counts, exact intervals, and what a count says of the level."""

from repdist._numbers import LEVEL, reaches
from repdist._typing import Float64

CONFIDENCE = 0.95  # of intervals


def count_rejections(pvalues: Float64, alpha: float = LEVEL) -> int:
    """Return how many tests rejected."""
    return int(reaches(pvalues, alpha).sum())


def binomial_interval(
    count: int, trials: int, confidence_level: float = CONFIDENCE
) -> tuple[float, float]:
    """Return the Clopper-Pearson interval for a chance."""
    from scipy.stats import binomtest

    ends = binomtest(count, trials).proportion_ci(confidence_level, method="exact")
    return float(ends.low), float(ends.high)


def chance_of_as_many(count: int, trials: int, alpha: float) -> float:
    """Return the chance that a test of exact level alpha rejects so often or more often."""
    from scipy.stats import binomtest

    return float(binomtest(count, trials, alpha, alternative="greater").pvalue)


def found_out(trials: int, alpha: float, false_alarms: float) -> float:
    """Return the level that is denied in 90 % of checks.

    A check denies a level alpha if so many rejections have a chance of at most `false_alarms`.
    """
    from scipy.stats import beta, binom

    fewest = int(binom.isf(false_alarms, trials, alpha)) + 1  # rejections that deny the level
    return float(beta.ppf(0.9, fewest, trials - fewest + 1))
