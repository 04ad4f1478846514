"""Intervals for the difference of two shares: of independent rows, and of what is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from repdist._typing import Float64

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Part:
    """Independent values, of which a difference of shares is a weighted sum of means.

    Attributes
    ----------
    weight : float
        Of the mean in the sum, whatever its sign.
    values : (n, k)
        Of k differences, n of at least 2.
    """

    weight: float
    values: Float64


def newcombe(first: Float64, n: int, second: Float64, m: int) -> tuple[Float64, Float64]:
    """Return both ends of Newcombe's hybrid score interval for `second - first`.

    Shares (k,) of n and of m independent rows. The distances to the ends of Wilson's intervals for
    either share are added as squares.
    """
    (low_1, high_1), (low_2, high_2) = wilson(first, n), wilson(second, m)
    difference = second - first
    return (
        difference - np.hypot(second - low_2, high_1 - first),
        difference + np.hypot(high_2 - second, first - low_1),
    )


def wilson(share: Float64, n: int) -> tuple[Float64, Float64]:
    """Return both ends of Wilson's score interval for shares (k,) of n rows."""
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return centre - half, centre + half


def student(difference: Float64, parts: Sequence[Part]) -> tuple[Float64, Float64]:
    """Return both ends of ``difference -+ t se``, between -1 and 1.

    The variance is the sum of those of the parts, and t has the degrees of freedom of Welch and
    Satterthwaite.
    """
    from scipy.special import stdtrit

    variance, squares = np.zeros((2, len(difference)))
    for part in parts:
        n = len(part.values)
        of_part = part.weight**2 * part.values.var(axis=0, ddof=1) / n
        variance += of_part
        squares += of_part**2 / (n - 1)
    freedom = np.divide(variance**2, squares, out=np.full_like(variance, np.inf), where=squares > 0)
    freedom = np.where(np.isfinite(freedom), freedom, 1.0)  # of a variance of 0
    half = stdtrit(freedom, (1 + CONFIDENCE) / 2) * np.sqrt(variance)
    return np.maximum(difference - half, -1.0), np.minimum(difference + half, 1.0)
