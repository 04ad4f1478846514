"""The statistics of relabelings, from kernel sums; sees no data.

A two-sample test is a quadratic form in labels. With S the block sums of the kernel between units
and a the 0/1 labels, the sum over pairs within the first sample is ``q = a' S a``, and with
``l = a' S 1`` and ``t = 1' S 1`` the others are ``l - q`` (across) and ``t - 2 l + q``. S is
centred first, so that l and t are 0: no MMD^2 changes, and nothing cancels. The observed labels are
row 0 and go through the same code as all others.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from repdist._inference.estimates import mmd_squared_from_sums
from repdist._typing import Estimator, Float64, Labels

_ROWS = 512  # relabelings multiplied at a time
_COLUMN_BLOCKS = 4  # of the upper triangle

Mapper = Callable[[Callable[[Labels], Float64], Iterable[Labels]], Iterable[Float64]]


def precision(epsilon: float, *, small: bool) -> npt.DTypeLike:
    """Return the dtype for relabelings under kernel values of that rounding.

    float32 if the values are no better and samples are not small. Rounding then moves a statistic
    by some 1e-6 of its standard deviation, below `tie_tolerance`.
    """
    coarse = epsilon >= np.finfo(np.float32).eps and not small
    return np.float32 if coarse else np.float64


def component_statistics(
    form: "QuadraticForm",
    relabelings: Iterable[Labels],
    sizes: tuple[int, int],
    estimator: Estimator,
    run: Mapper,
) -> Float64:
    """Return MMD^2 (B + 1, R) of every relabeling; label 1 marks the first sample.

    The form is that of S as `centred_blocks` returns it. ``O(B U^2 R)`` time; memory for the result
    and a few blocks of relabelings. `run` maps a function over the blocks in their order.
    """

    def statistics(labels: Labels) -> Float64:
        q = form(labels)
        return np.asarray(mmd_squared_from_sums(q, -q, q, sizes, estimator))

    return np.concatenate(list(run(statistics, relabelings)))


class QuadraticForm:
    """``a' S a`` for many rows of labels a, and all components of S (R, U, U).

    S is symmetric, so that only its upper triangle is used, in a few blocks of columns; the
    components stand side by side in one matrix, and a block of labels stays in the cache.
    """

    def __init__(self, S: Float64, dtype: npt.DTypeLike = np.float64) -> None:
        self._n_components, units, _ = S.shape
        self._dtype = dtype
        self._pieces = []
        for columns in np.array_split(np.arange(units), min(units, _COLUMN_BLOCKS)):
            start, stop = int(columns[0]), int(columns[-1]) + 1
            upper = np.array(S[:, :stop, start:stop])  # (R, rows above and within, columns)
            upper[:, :start] *= 2
            self._pieces.append((start, stop, _side_by_side(upper).astype(dtype)))

    def __call__(self, labels: Labels) -> Float64:
        """Return ``a' S a`` (b, R) for labels (b, U)."""
        q = np.zeros((len(labels), self._n_components))
        for rows in _row_batches(len(labels)):
            A = labels[rows].astype(self._dtype)
            for start, stop, piece in self._pieces:
                q[rows] += _products(A[:, :stop], piece, A[:, start:stop])
        return q


def _side_by_side(S: Float64) -> Float64:
    """Return S (R, U, V) as (U, R * V)."""
    return np.ascontiguousarray(S.transpose(1, 0, 2)).reshape(S.shape[1], -1)


def _products(x: Float64, S: Float64, y: Float64) -> Float64:
    """Return ``x' S_r y`` (b, R) for rows x (b, U) and y (b, V) and S as `_side_by_side` has it."""
    projected = (x @ S).reshape(len(x), -1, y.shape[1])  # (b, R, V)
    return np.asarray(np.einsum("brv,bv->br", projected, y))


@dataclass(frozen=True)
class Half:
    """One sample's side of many relabelings, and the sums within it.

    Attributes
    ----------
    labels : (B + 1, U)
        1 marks the units that are relabeled to the first sample of a pair.
    within : (B + 1, R)
        ``x' S x``, the sum over pairs of marked rows.
    totals : (B + 1, R)
        ``x' S 1``, the sum over pairs of a marked row with any row.
    total : (R,)
        ``1' S 1``.
    """

    labels: Labels
    within: Float64
    totals: Float64
    total: Float64


def half(S: Float64, labels: Labels, dtype: npt.DTypeLike = np.float64) -> Half:
    """Return the sums of one sample's block S (R, U, U) under labels (B + 1, U)."""
    row_totals = S.sum(axis=2).T  # (U, R)
    totals = np.concatenate([labels[rows] @ row_totals for rows in _row_batches(len(labels))])
    return Half(labels, QuadraticForm(S, dtype)(labels), totals, row_totals.sum(axis=0))


def complement(side: Half) -> Half:
    """Return the half in which exactly the other units are marked."""
    return Half(
        1 - side.labels,
        side.total - 2 * side.totals + side.within,
        side.total - side.totals,
        side.total,
    )


def pair_statistics(
    across: Float64,
    first: Half,
    second: Half,
    sizes: tuple[int, int],
    dtype: npt.DTypeLike = np.float64,
) -> Float64:
    """Return the unbiased MMD^2 (B + 1, R) of relabelings whose halves were drawn by themselves.

    `across` (R, U, V) is the block between the two samples; `sizes` are the rows with label 1 and
    0. ``O(B U V R)`` time: the products within the samples are those of the halves.
    """
    T = np.empty_like(first.within)
    beside = _side_by_side(across).astype(dtype)
    of_first = np.ascontiguousarray(across.sum(axis=2).T)  # (U, R)
    of_second = np.ascontiguousarray(across.sum(axis=1).T)  # (V, R)
    total = first.total + second.total + 2 * of_first.sum(axis=0)
    for rows in _row_batches(len(T)):
        x, y = (side.labels[rows].astype(dtype) for side in (first, second))
        q = first.within[rows] + second.within[rows] + 2.0 * _products(x, beside, y)
        marked = first.totals[rows] + second.totals[rows] + x @ of_first + y @ of_second
        T[rows] = mmd_squared_from_sums(q, marked - q, total - 2 * marked + q, sizes)
    return T


def _row_batches(n: int) -> Iterator[slice]:
    return (slice(start, start + _ROWS) for start in range(0, n, _ROWS))
