"""Distances between rows without cancellation, and the quantiles that bandwidths are taken from."""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from repdist import _array
from repdist._array import Array, Float64, Workspace
from repdist._threads import one_blas_thread

_FIT_ROWS = 1000  # rows on which quantiles of distances are taken
_BLOCK_ROWS = 64  # of them whose distances are computed at a time
_SAMPLE = 4096  # values that bracket a quantile


def positive_distances(Z: Array, metric: str = "euclidean") -> Float64:
    """Return the distances above 0 between different rows, of at most `_FIT_ROWS` rows."""
    rows = _array.to_numpy(_array.take_rows(Z, spread_rows(Z))).astype(np.float64)
    rows -= np.median(rows, axis=0)
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


def spread_rows(Z: Array) -> npt.NDArray[np.intp] | None:
    """Return `_FIT_ROWS` rows at evenly spaced ranks of a fixed projection (all if fewer).

    A symmetric function of the pooled rows, whatever their order: bandwidths chosen on them leave
    the level exact, which a fixed or a stratified set of row numbers does not.
    """
    if len(Z) <= _FIT_ROWS:
        return None
    middle = _array.median_row(Z)
    order = np.argsort(_array.project(Z, middle, _direction(Z.shape[1])), kind="stable")
    ranks = np.linspace(0, len(Z) - 1, _FIT_ROWS).round().astype(np.intp)
    return order[ranks]


def _direction(d: int) -> Float64:
    """Return a fixed vector without a pattern that data would share."""
    return np.cos(np.arange(1, d + 1, dtype=np.float64))


def mean_squared_distance(Z: Array) -> float:
    """Return the mean of ||z_i - z_j||^2 over i != j, from all rows, in closed form."""
    n = len(Z)
    mean = sum(_array.over_blocks(_column_sums, Z)) / n
    total, rest = 0.0, 0.0
    for squares, sums in _array.over_blocks(_squares_and_sums, Z, mean):
        total, rest = total + squares, rest + sums
    return (2 * n * total - 2 * float(np.square(rest).sum())) / (n * (n - 1))


def _column_sums(block: Array) -> Float64:
    rows = _array.to_numpy(block)
    parts = _array.column_parts(rows)
    return np.concatenate([rows[:, part].astype(np.float64).sum(axis=0) for part in parts])


def _squares_and_sums(block: Array, mean: Float64) -> tuple[float, Float64]:
    rows = _array.to_numpy(block)
    squares, sums = [], []
    for part in _array.column_parts(rows):
        columns = rows[:, part].astype(np.float64)
        columns -= mean[part]
        squares.append(np.einsum("nd,nd->d", columns, columns))
        sums.append(columns.sum(axis=0))
    return float(np.concatenate(squares).sum()), np.concatenate(sums)


def check_squares(Z: Array, centre: Array) -> None:
    """Raise if squares of centred values overflow or vanish.

    In float32 those of the values; in float64 those of their products too, as the moments of the
    null distribution are.
    """
    xp = _array.namespace(Z)
    limits = xp.finfo(Z.dtype)
    largest = _array.largest_after_shift(Z, centre)
    root = 0.5 if Z.dtype == xp.float32 else 0.25
    low, high = 1e4 * float(limits.tiny) ** root, 1e-4 * float(limits.max) ** root
    if not low <= largest <= high:
        raise ValueError(
            f"`X` and `Y` must have a spread between {low:.2g} and {high:.2g} for this kernel in "
            f"{Z.dtype}; got {largest:.2g}. Scale the features."
        )


# --- distances of a tile -------------------------------------------------------------------------


def product_form(U: Array) -> tuple[Array, Array]:
    """Return left and right, (N, d + 2), with ``left @ right.T`` the squared distances of U."""
    xp = _array.namespace(U)
    norms = xp.sum(U * U, 1)[:, None]
    ones = xp.ones_like(norms)
    return xp.concatenate([-2 * U, norms, ones], 1), xp.concatenate([U, ones, norms], 1)


def from_product(left: Array, right: Array, same: bool, work: Workspace) -> Array:
    """Return squared distances (n, m) of rows in product form: one matrix product.

    Rounding is relative to the norms of the rows, not to their distance; `same` rows get an exact
    zero diagonal.
    """
    xp = _array.namespace(left)
    n, m = len(left), len(right)
    D = xp.matmul(left, right.T, out=work.buffer("distance", n, m))
    D = xp.maximum(D, work.zeros(n, m), out=D if work.reuse else None)
    return _array.with_zero_diagonal(D, in_place=work.reuse) if same else D


def minus_from_product(left: Array, right: Array, same: bool, work: Workspace) -> Array:
    """Return minus the squared distances (n, m), as `from_product` of rows with -left.

    In a reused buffer rounding may leave a little above 0 where distances are 0.
    """
    xp = _array.namespace(left)
    n, m = len(left), len(right)
    D = xp.matmul(left, right.T, out=work.buffer("distance", n, m))
    if not work.reuse:
        D = xp.minimum(D, work.zeros(n, m))
    return _array.with_zero_diagonal(D, in_place=work.reuse) if same else D


def by_columns(
    left: Array, right: Array, term: Literal["square", "absolute"], work: Workspace
) -> Array:
    """Return the sum over columns of the squared or absolute differences of rows, (n, m).

    Rounding is relative to the distance itself: equal rows are at distance 0, and distances that
    are equal in the data stay so. It costs several passes a column.
    """
    xp = _array.namespace(left)
    n, m = len(left), len(right)
    if term == "absolute" and not work.reuse and _array.is_torch(left):
        return xp.cdist(left, right, p=1)  # autograd would keep a matrix for every column
    total = work.buffer("distance", n, m)
    out = work.buffer("difference", n, m)
    for column in range(left.shape[1]):
        step = xp.subtract(left[:, column, None], right[None, :, column], out=out)
        first = total if column == 0 else out
        if term == "square":
            step = xp.multiply(step, step, out=first)
        else:
            step = xp.absolute(step, out=first)
        total = step if column == 0 else xp.add(total, step, out=total if work.reuse else None)
    return total
