"""Distances of a tile, and what keeps their squares in range."""

from typing import Any, Literal

import numpy as np

from repdist import _arrays
from repdist._arrays import Workspace
from repdist._typing import Array


def product_form(U: Array) -> tuple[Array, Array]:
    """Return left and right, (N, d + 2), with ``left @ right.T`` the squared distances of U."""
    xp = _arrays.namespace(U)
    norms = xp.sum(U * U, 1)[:, None]
    ones = xp.ones_like(norms)
    return xp.concatenate([-2 * U, norms, ones], 1), xp.concatenate([U, ones, norms], 1)


def from_product(left: Array, right: Array, same: bool, work: Workspace) -> Array:
    """Return squared distances (n, m) of rows in product form: one matrix product.

    Rounding is relative to the norms of the rows, not to their distance; `same` rows get an exact
    zero diagonal.
    """
    xp = _arrays.namespace(left)
    n, m = len(left), len(right)
    D = xp.matmul(left, right.T, out=work.buffer("distance", n, m))
    D = xp.maximum(D, work.zeros(n, m), out=D if work.reuse else None)
    return _arrays.with_zero_diagonal(D, in_place=work.reuse) if same else D


def minus_from_product(left: Array, right: Array, same: bool, work: Workspace) -> Array:
    """Return minus the squared distances (n, m), as `from_product` of rows with -left.

    In a reused buffer rounding may leave a little above 0 where distances are 0.
    """
    xp = _arrays.namespace(left)
    n, m = len(left), len(right)
    D = xp.matmul(left, right.T, out=work.buffer("distance", n, m))
    if not work.reuse:
        D = xp.minimum(D, work.zeros(n, m))
    return _arrays.with_zero_diagonal(D, in_place=work.reuse) if same else D


def by_columns(
    left: Array, right: Array, term: Literal["square", "absolute"], work: Workspace
) -> Array:
    """Return the sum over columns of the squared or absolute differences of rows, (n, m).

    Rounding is relative to the distance itself: equal rows are at distance 0, and distances that
    are equal in the data stay so. Where SciPy does not do it, it costs several passes a column.
    """
    xp = _arrays.namespace(left)
    n, m = len(left), len(right)
    if left.dtype == np.float64:
        from scipy.spatial.distance import cdist

        out: Any = work.buffer("distance", n, m)
        metric: Literal["sqeuclidean", "cityblock"]
        metric = "sqeuclidean" if term == "square" else "cityblock"
        return np.asarray(cdist(left, right, metric, out=out))
    if term == "absolute" and not work.reuse and _arrays.is_torch(left):
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


def check_squares(Z: Array, centre: Array) -> None:
    """Raise if squares of centred values overflow or vanish.

    In float32 those of the values; in float64 those of their products too, as the moments of the
    null distribution are.
    """
    xp = _arrays.namespace(Z)
    limits = xp.finfo(Z.dtype)
    largest = _arrays.largest_after_shift(Z, centre)
    root = 0.5 if Z.dtype == xp.float32 else 0.25
    low, high = 1e4 * float(limits.tiny) ** root, 1e-4 * float(limits.max) ** root
    if not low <= largest <= high:
        raise ValueError(
            f"`X` and `Y` must have a spread between {low:.2g} and {high:.2g} for this kernel in "
            f"{Z.dtype}; got {largest:.2g}. Scale the features."
        )
