"""Bandwidths that are taken from the distances between pooled rows."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from repdist import _arrays, _checks
from repdist._threads import computing, one_blas_thread
from repdist._typing import Array, Float64
from repdist.kernels._tile_distances import product_form

SQRT2 = math.sqrt(2.0)
_FIT_ROWS = 1000  # rows on which quantiles of distances are taken
_BLOCK_ROWS = 64  # of them whose distances are computed at a time
_SAMPLE = 4096  # values that bracket a quantile


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
    TypeError
        If `X` or `Y` is no array of real numbers.
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
    with computing():
        arrays = _arrays.read_samples({"X": X} if Y is None else {"X": X, "Y": Y}, minimum_rows=1)
        _arrays.check_varies(arrays, "`X`" if Y is None else "`X` and `Y`")
        return float(np.median(positive_distances(_arrays.concatenate(arrays))))


@dataclass(frozen=True)
class Progression:
    """Bandwidths that are fixed multiples of the median or of the mean distance."""

    around: Literal["median", "mean"]
    factors: tuple[float, ...]


def multiple_bandwidths(rule: Any, size: int, Z: Array) -> tuple[float, ...]:
    if rule == "grid":
        return grid(positive_distances(Z), size)
    if not isinstance(rule, Progression):
        rule = Progression(rule, tuple(SQRT2 ** (k - (size - 1) / 2) for k in range(size)))
    if rule.around == "median":
        base = float(np.median(positive_distances(Z)))
    else:
        base = math.sqrt(mean_squared_distance(Z) / 2)
    return tuple(sorted(base * factor for factor in rule.factors))


def grid(distances: Float64, size: int) -> tuple[float, ...]:
    """Cover half the 5 % to twice the 95 % quantile in at most `size` steps of sqrt(2)^p."""
    low, high = quantiles(distances, [0.05, 0.95])
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


# --- distances between rows, and their quantiles ----------------------------------------------


def positive_distances(Z: Array, metric: str = "euclidean") -> Float64:
    """Return the distances above 0 between different rows, of at most `_FIT_ROWS` rows."""
    rows = _arrays.to_numpy(_arrays.take_rows(Z, spread_rows(Z))).astype(np.float64)
    rows -= _arrays.column_medians(rows)
    size = float(np.abs(rows).max())  # so that no square overflows or vanishes
    rows /= size
    if metric == "cityblock":
        from scipy.spatial.distance import pdist

        distances = pdist(rows, "cityblock")
        return np.asarray(distances[distances > 0]) * size
    D = np.concatenate(list(_squares_below_diagonal(rows)))
    return np.asarray(np.sqrt(D, out=D)) * size


def _squares_below_diagonal(rows: Float64) -> Iterator[Float64]:
    """Yield the squared distances of each row from the rows before it that rounding lets tell.

    A few rows at a time, which stay in the cache.
    """
    left, right = product_form(rows)
    rounding = 8 * np.finfo(np.float64).eps * right[:, -1]
    for start in range(0, len(rows), _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, len(rows))
        with one_blas_thread:
            D = left[start:stop] @ right[:stop].T
        found = np.add.outer(rounding[start:stop], rounding[:stop]) < D
        found[:, start:] &= np.tri(stop - start, k=-1, dtype=bool)
        yield D[found]


def quantiles(values: Float64, fractions: Sequence[float]) -> list[float]:
    """Return `np.quantile(values, fractions)`, several times as fast for many values.

    A sample brackets each quantile, so that few values have to be sorted.
    """
    sample = np.sort(values[:: max(1, len(values) // _SAMPLE)])
    return [_quantile(values, sample, fraction) for fraction in fractions]


def _quantile(values: Float64, sample: Float64, fraction: float) -> float:
    place = (len(values) - 1) * fraction
    middle = (len(sample) - 1) * fraction
    reach = 1 + 4 * np.sqrt(len(sample) * fraction * (1 - fraction))
    low = sample[max(0, int(middle - reach))]
    high = sample[min(len(sample) - 1, int(middle + reach))]
    below = int(np.count_nonzero(values < low))
    near = values[(values >= low) & (values <= high)]
    rank = int(place) - below
    if not 0 <= rank < len(near) - 1:
        return float(np.quantile(values, fraction))
    ends = np.partition(near, [rank, rank + 1])[rank : rank + 2]
    return float(np.quantile(ends, place - int(place)))


def spread_rows(Z: Array, most: int = _FIT_ROWS) -> npt.NDArray[np.intp] | None:
    """Return so many rows at evenly spaced ranks of a fixed projection (all if fewer).

    A symmetric function of the pooled rows, whatever their order: bandwidths chosen on them leave
    the level exact, which a fixed or a stratified set of row numbers does not.
    """
    if len(Z) <= most:
        return None
    middle = _arrays.median_row(Z)
    order = np.argsort(_arrays.project(Z, middle, _direction(Z.shape[1])), kind="stable")
    ranks = np.linspace(0, len(Z) - 1, most).round().astype(np.intp)
    return order[ranks]


def _direction(d: int) -> Float64:
    """Return a fixed vector without a pattern that data would share."""
    return np.cos(np.arange(1, d + 1, dtype=np.float64))


def mean_squared_distance(Z: Array) -> float:
    """Return the mean of ||z_i - z_j||^2 over i != j, from all rows, in closed form."""
    n = len(Z)
    mean = sum(_arrays.over_chunks(_column_sums, Z)) / n
    total, rest = 0.0, 0.0
    for squares, sums in _arrays.over_chunks(_squares_and_sums, Z, mean):
        total, rest = total + squares, rest + sums
    return (2 * n * total - 2 * float(np.square(rest).sum())) / (n * (n - 1))


def _column_sums(block: Array) -> Float64:
    rows = _arrays.to_numpy(block)
    parts = _arrays.column_parts(rows)
    return np.concatenate([rows[:, part].astype(np.float64).sum(axis=0) for part in parts])


def _squares_and_sums(block: Array, mean: Float64) -> tuple[float, Float64]:
    rows = _arrays.to_numpy(block)
    squares, sums = [], []
    for part in _arrays.column_parts(rows):
        columns = rows[:, part].astype(np.float64)
        columns -= mean[part]
        squares.append(np.einsum("nd,nd->d", columns, columns))
        sums.append(columns.sum(axis=0))
    return float(np.concatenate(squares).sum()), np.concatenate(sums)
