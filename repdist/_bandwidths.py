"""Bandwidths that are taken from the distances between pooled rows."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from repdist import _array, _checks, _distances, _samples
from repdist._array import Array, Float64

SQRT2 = math.sqrt(2.0)


def median_heuristic(X: Array, Y: Array | None = None) -> float:
    """Return the median Euclidean distance between different rows of the pooled sample.

    Pairs at distance 0 (duplicates) are left out. For more than 1,000 rows the median is taken
    over 1,000 rows at evenly spaced ranks along a fixed projection, which does not depend on the
    order of the rows and needs no random numbers.

    Parameters
    ----------
    X : array-like, (n, d) or (n,)
    Y : array-like, (m, d), optional
        A second sample; the two are pooled.

    Returns
    -------
    float
        The bandwidth of ``RBF(bandwidth="median")``, in the units of the data.

    Raises
    ------
    ValueError
        If all rows are equal, or a value is NaN or infinite.

    References
    ----------
    .. [1] A. Gretton, K. M. Borgwardt, M. J. Rasch, B. Schoelkopf, A. Smola, "A kernel two-sample
       test", JMLR 13, 723-773, 2012, section 8.

    Examples
    --------
    >>> import repdist
    >>> repdist.median_heuristic([[0.0], [1.0], [3.0]])
    2.0
    """
    arrays = _samples.samples({"X": X} if Y is None else {"X": X, "Y": Y}, minimum_rows=1)
    _samples.check_varies(arrays, "`X`" if Y is None else "`X` and `Y`")
    return float(np.median(_distances.positive_distances(_array.concatenate(arrays))))


@dataclass(frozen=True)
class Progression:
    """Bandwidths that are fixed multiples of the median or of the mean distance."""

    around: Literal["median", "mean"]
    factors: tuple[float, ...]


def multiple_bandwidths(rule: Any, size: int, Z: Array) -> tuple[float, ...]:
    if rule == "grid":
        return grid(_distances.positive_distances(Z), size)
    if not isinstance(rule, Progression):
        rule = Progression(rule, tuple(SQRT2 ** (k - (size - 1) / 2) for k in range(size)))
    if rule.around == "median":
        base = float(np.median(_distances.positive_distances(Z)))
    else:
        base = math.sqrt(_distances.mean_squared_distance(Z) / 2)
    return tuple(sorted(base * factor for factor in rule.factors))


def grid(distances: Float64, size: int) -> tuple[float, ...]:
    """Cover half the 5 % to twice the 95 % quantile in at most `size` steps of sqrt(2)^p."""
    low, high = _distances.quantiles(distances, [0.05, 0.95])
    # In steps of sqrt(2). On a lattice it is often whole: rounded, it depends on no row order.
    span = round(2 * math.log2(2 * high / (low / 2)), 9)
    p = next(p for p in range(1, 10_000) if math.ceil(span / p) + 1 <= size)
    count = math.ceil(span / p) + 1
    excess = p * (count - 1) - span
    first = (low / 2) * SQRT2 ** (-excess / 2)
    return tuple(float(first * 2.0 ** (p * k / 2)) for k in range(count))


def positive_numbers(name: str, values: Any) -> tuple[float, ...]:
    try:
        if isinstance(values, (dict, set)):
            raise TypeError
        several = [values] if np.isscalar(values) else list(values)
        numbers = [_checks.positive(name, value) for value in several]
    except TypeError:
        raise TypeError(
            f'`{name}` must be "grid", "median", "mean" or positive numbers; got '
            f"{_checks.describe(values)}."
        ) from None
    if not numbers:
        raise ValueError(f"`{name}` must hold at least one number; got none.")
    return tuple(sorted(numbers))
