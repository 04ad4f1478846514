"""Columns in pooled ranks: sums of Legendre polynomials over units, and what samples look like."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist import _arrays
from repdist._threads import in_order
from repdist._typing import Array, Float64

DEGREES = 4  # location, spread, skewness, tails
_ENTRIES = 2**19  # of the columns that a thread holds at a time
_CELLS = 64  # of ranks, over which the overlap is a sum


@dataclass(frozen=True)
class RowsOfUnits:
    """Which unit each row belongs to, and how much it counts.

    Attributes
    ----------
    unit : (N,)
        Of the rows of the first sample, then of the second; -1 for rows in none.
    in_unit : (N,)
        What a row counts in the sum of its unit.
    in_sample : (N,)
        Its share in the mean of its sample; these add up to 1.
    units : int
        How many there are.
    """

    unit: npt.NDArray[np.intp]
    in_unit: Float64
    in_sample: Float64
    units: int

    def matrix(self) -> Any:
        """Return the sparse matrix (U, N) that adds rows up over units."""
        from scipy.sparse import csr_array

        rows = np.flatnonzero(self.unit >= 0)
        entries = self.in_unit[rows], (self.unit[rows], rows)
        return csr_array(entries, shape=(self.units, len(self.unit)))


@dataclass(frozen=True)
class Columns:
    """What is kept of d columns.

    Attributes
    ----------
    sums : (4, U, d)
        Of the polynomials of pooled midranks, over units.
    means, deviations : (2, d)
        Of each sample.
    overlap : (d,)
        What the distributions of both samples have in common, from 0 to 1, as far as the four
        polynomials show it.
    """

    sums: Float64
    means: Float64
    deviations: Float64
    overlap: Float64


def rank_columns(X: Array, Y: Array, rows: RowsOfUnits, n_jobs: int) -> Columns:
    """Rank the columns of two samples together, and add up over units.

    ``O(N log N + N)`` time a column, memory for a few columns a thread beside the rows themselves,
    which are held as NumPy arrays.
    """
    samples = [_arrays.to_numpy(_arrays.held_here(_arrays.in_memory(rows))) for rows in (X, Y)]
    matrix, n, d = rows.matrix(), len(samples[0]), samples[0].shape[1]
    step = max(1, _ENTRIES // len(rows.unit))

    def of(start: int) -> Columns:
        some = slice(start, start + step)
        Z = np.concatenate([sample[:, some].T for sample in samples], axis=1, dtype=np.float64)
        return _columns(Z, n, matrix, rows.in_sample)

    parts = list(in_order(of, range(0, d, step), n_jobs))
    return Columns(
        *(
            np.concatenate([getattr(part, name) for part in parts], axis=-1)
            for name in Columns.__annotations__
        )
    )


def _columns(Z: Float64, n: int, matrix: Any, shares: Float64) -> Columns:
    """Return what is kept of columns (c, N), the first n rows of the first sample."""
    c, N = Z.shape
    u = (2 * midranks(Z) - 1) / N - 1  # (c, N), in (-1, 1)
    sums = np.empty((DEGREES, matrix.shape[0], c))
    apart = np.empty((DEGREES, c))  # mean over X less mean over Y
    signed = np.where(np.arange(N) < n, shares, -shares)
    for k, P in enumerate(legendre(u)):
        sums[k] = matrix @ P.T
        apart[k] = P @ signed
    means, deviations = zip(
        *(_moments(Z[:, part], shares[part]) for part in (slice(n), slice(n, N))), strict=True
    )
    return Columns(sums, np.stack(means), np.stack(deviations), _overlap(apart))


def midranks(Z: Float64) -> Float64:
    """Return the ranks from 1 of the entries of each row of Z (c, N), ties at their mean."""
    c, N = Z.shape
    order = np.argsort(Z, axis=1)
    ordered = np.take_along_axis(Z, order, axis=1)
    places = np.tile(np.arange(1.0, N + 1), (c, 1))
    tied = ordered[:, 1:] == ordered[:, :-1]
    for row in np.flatnonzero(tied.any(axis=1)):
        places[row] = _shared(tied[row])
    ranks = np.empty((c, N))
    np.put_along_axis(ranks, order, places, axis=1)
    return ranks


def _shared(tied: npt.NDArray[np.bool_]) -> Float64:
    """Return ranks (N,) of ordered entries, of which each may be tied with the one before."""
    starts = np.flatnonzero(np.concatenate([[True], ~tied]))
    ends = np.append(starts[1:], len(tied) + 1)
    return np.repeat((starts + 1 + ends) / 2, ends - starts)


def legendre(u: Float64) -> Iterator[Float64]:
    """Yield the Legendre polynomials of degrees 1 to 4, orthonormal under the mean over (-1, 1)."""
    before, P = np.ones_like(u), u
    for k in range(1, DEGREES + 1):
        yield np.sqrt(2 * k + 1) * P
        before, P = P, ((2 * k + 1) * u * P - k * before) / (k + 1)


def _moments(Z: Float64, shares: Float64) -> tuple[Float64, Float64]:
    """Return mean and standard deviation of each row of Z (c, n), whose entries have shares."""
    centre = Z[:, :1]
    size = np.abs(Z - centre).max(axis=1, keepdims=True)
    size[size == 0] = 1.0
    apart = (Z - centre) / size
    mean = apart @ shares
    deviation = np.sqrt(np.square(apart - mean[:, None]) @ shares)
    return centre[:, 0] + size[:, 0] * mean, size[:, 0] * deviation


def _overlap(apart: Float64) -> Float64:
    """Return 1 - ``mean |sum_k apart_k phi_k(u)| / 2`` over (-1, 1), at least 0."""
    u = np.asarray((np.arange(_CELLS) + 0.5) * (2 / _CELLS) - 1, dtype=np.float64)
    P = np.stack(list(legendre(u)))  # (4, cells)
    return np.asarray(np.clip(1 - np.abs(apart.T @ P).mean(axis=1) / 2, 0, 1))
