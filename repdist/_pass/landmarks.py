"""The pass over rows against some of them, landmarks: all that is kept is a sum for each unit.

A row x has the values ``k_r(x, z_l)`` with landmarks z_l, and the features ``A = k V w^-1/2``, with
``V w V'`` the kernel between landmarks, of which the products make the kernel projected on the
landmarks [1]_. Sums of values over units are additive over rows, wherever these lie: one product
serves all components.

.. [1] C. K. I. Williams, M. Seeger, "Using the Nystroem method to speed up kernel machines", NIPS
   2000.
"""

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from repdist import _arrays
from repdist._arrays import Workspace, on_dask
from repdist._threads import Workers, in_order, one_blas_thread, with_progress
from repdist._typing import Array, Float64
from repdist.kernels._plan import Plan

_ROWS, _DEVICE_ROWS = 1024, 2**14  # of a tile, of which the columns are landmarks
_BLOCK = 2**16  # rows that are sorted by unit at a time, unless they are wide
_SPAN = 2**17  # rows of one task
_MOST_SPANS = 64
_LEAST_EIGENVALUE = 1e-6  # of the largest: what is below it is rounding
_STEADY = 64  # the ratio of bandwidths up to which rounding takes no value far above 1
_SEEN = 0.5  # of k(x, x): the least that a row has with the nearest landmark
_MOST_LOOKED_AT = 1000  # rows on which the captured share is measured

Numbers = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Landmarks:
    """Rows against which all others are measured, under a fitted kernel.

    Attributes
    ----------
    plan : Plan
        Of a kernel whose values are from 0 to 1, with k(x, x) = 1.
    rows : (L, d)
        In memory, in the dtype that values are computed in.
    centre : (d,)
    differences : bool
        Whether distances come from differences of rows, so that equal rows have equal values.
    roots : tuple of (L, k_r)
        ``V w^-1/2`` of each component.
    """

    plan: Plan
    rows: Array
    centre: Array
    differences: bool
    roots: tuple[Float64, ...]

    @classmethod
    def of(cls, plan: Plan, rows: Array, *, precise: bool, differences: bool) -> "Landmarks":
        """Return them as landmarks; `precise` computes in float64 whatever the rows are."""
        rows = _arrays.cast(rows, _arrays.wide(rows)) if precise else rows
        centre = _arrays.centre_row(rows)
        values = _values(plan, rows, rows, centre, differences)
        roots = {r: _root(K) for r, K in values}
        return cls(plan, rows, centre, differences, tuple(roots[r] for r in range(len(roots))))

    @property
    def epsilon(self) -> float:
        """The spacing at 1 of the dtype that values are computed in."""
        return max(_arrays.machine_epsilon(self.rows), self.plan.epsilon)

    def features(self, sums: Float64) -> list[Float64]:
        """Return the sums of the features of each component, (U, k_r), from `UnitSums.sums`."""
        return [M @ root for M, root in zip(sums, self.roots, strict=True)]

    def looked_at(self, rows: Array) -> tuple[Float64, Float64]:
        """Return the share of k(x, x) that features hold, and the mean of k(x, x')^2, (R,) each.

        On average over rows, which are no landmarks, and over their pairs.
        """
        shares, squares = np.zeros((2, len(self.roots)))
        n = len(rows)
        for r, K in _values(self.plan, rows, self.rows, self.centre, self.differences):
            shares[r] = min(1.0, float(np.square(K @ self.roots[r]).sum(axis=1).mean()))
        for r, K in _values(self.plan, rows, rows, self.centre, self.differences):
            total = float(np.vdot(K, K)) - float(np.square(np.diagonal(K)).sum())
            squares[r] = total / max(1, n * (n - 1))
        return shares, squares


def _values(
    plan: Plan, X: Array, Y: Array, centre: Array, differences: bool
) -> Iterator[tuple[int, Float64]]:
    """Yield each component and its values between few rows X (n, d) and Y (m, d), in float64."""
    same = X is Y
    X, Y = (_arrays.cast(rows, _arrays.wide(rows)) for rows in (X, Y))
    work = Workspace(X, max(len(X), len(Y)), reuse=False, differences=differences)
    with _arrays.plain_arithmetic(X):
        left, _ = plan.operands(X, centre, differences=differences)
        _, right = plan.operands(Y, centre, differences=differences)
        for r, K in plan.components(left, right, same, work):
            yield r, np.array(_arrays.to_numpy(K), dtype=np.float64)


def _root(K: Float64) -> Float64:
    """Return ``V w^-1/2`` of the kernel between landmarks, without what is rounding."""
    w, V = np.linalg.eigh(np.minimum((K + K.T) / 2, 1))
    kept = w > _LEAST_EIGENVALUE * w[-1]
    return np.asarray(V[:, kept] / np.sqrt(w[kept]))


# --- which rows are landmarks --------------------------------------------------------------------


def choose(
    pilot: Array, count: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return which rows of a pilot are landmarks, and which others show what these capture.

    Half are drawn uniformly; the others one after the other with chances that go with the squared
    distance to the nearest landmark (k-means++), so that rare far rows are seen. Fewer, if the
    pilot has no more different rows. The pilot must be a uniform draw from all rows: the choice
    then depends on no label.
    """
    order = rng.permutation(len(pilot))
    rows = _arrays.to_numpy(pilot)
    rows = rows - _arrays.column_medians(rows.astype(np.float64)).astype(rows.dtype)
    rows /= max(float(np.abs(rows).max()), np.finfo(rows.dtype).tiny)  # squares stay finite
    chosen = far_apart(rows, order[: count - count // 2].tolist(), count, rng)
    others = order[~np.isin(order, chosen)][:_MOST_LOOKED_AT]
    return np.array(chosen), others


def far_apart(rows: Any, chosen: list[int], count: int, rng: np.random.Generator) -> list[int]:
    """Return `count` rows (N, d) of a cloud around 0: those chosen, and more one after the other.

    With chances that go with the squared distance to the nearest of them (k-means++). Fewer, if
    there are no more different rows.
    """
    squares = np.einsum("pd,pd->p", rows, rows)
    rounding = 8 * float(np.finfo(rows.dtype).eps) * squares
    chosen, nearest = list(chosen), np.full(len(rows), np.inf)
    for i in chosen:
        _bring_near(nearest, rows, squares, rounding, i)
    while len(chosen) < count and (total := nearest.sum()) > 0:
        chosen.append(int(rng.choice(len(rows), p=nearest / total)))
        _bring_near(nearest, rows, squares, rounding, chosen[-1])
    return chosen


def _bring_near(nearest: Float64, rows: Any, squares: Any, rounding: Any, landmark: int) -> None:
    """Lower the squared distances of all rows to the nearest landmark, for one more of these."""
    distance = squares + squares[landmark] - 2 * (rows @ rows[landmark])
    distance[distance <= rounding + rounding[landmark]] = 0
    np.minimum(nearest, distance, out=nearest)


# --- the pass ------------------------------------------------------------------------------------


class UnitSums(NamedTuple):
    """What a pass keeps of rows.

    Attributes
    ----------
    sums : (R, U, L)
        For each component, unit and landmark, the sum of the values over the rows of the unit.
    unseen : int
        Rows that no landmark sees: the widest component is below 1/2 with all of them.
    """

    sums: Float64
    unseen: int


def unit_sums(
    landmarks: Landmarks, rows: Array, unit: Numbers, n_units: int, workers: Workers
) -> UnitSums:
    """Pass once over rows (n, d), each of a unit (n,), and return the sums of these.

    Rows of a unit from `n_units` on are left out.

    ``O(n L (d + R))`` time; memory for the sums of some spans of rows. Rows in files are read from
    their beginning to their end, those on a cluster where they lie. The same to the bit for any
    number of threads. To be used inside `one_blas_thread`.
    """
    spans = _spans(len(rows))
    of_span = functools.partial(_span_sums, landmarks, n_units=n_units)
    if _arrays.is_lazy(rows):
        parts = _on_cluster(landmarks, rows, unit, n_units, spans)
    else:
        threads = _arrays.threads_for(rows, workers.n_jobs)
        parts = in_order(lambda span: of_span(rows[span], unit[span]), spans, threads)
    total, unseen = np.zeros((len(landmarks.roots), n_units, len(landmarks.rows))), 0
    for part in with_progress(iter(parts), len(spans), workers.progress, "landmarks"):
        total += part.sums
        unseen += part.unseen
    return UnitSums(total, unseen)


def _spans(n: int) -> list[slice]:
    """Cut so many rows into spans, which depend on nothing else."""
    count = min(_MOST_SPANS, -(-n // _SPAN))
    edges = [n * i // count for i in range(count + 1)]
    return [slice(*ends) for ends in itertools.pairwise(edges)]


def block_rows(columns: int) -> int:
    """Return how many rows are sorted by unit at a time."""
    return max(_ROWS, min(_BLOCK, _arrays.ENTRIES // columns))


def _on_cluster(
    landmarks: Landmarks, rows: Array, unit: Numbers, n_units: int, spans: Sequence[slice]
) -> Iterator[UnitSums]:
    shared = on_dask.constant(landmarks)
    blocks = on_dask.row_blocks(rows, [span.stop - span.start for span in spans])
    tasks = [
        on_dask.task(_on_worker, shared, block, unit[span], n_units)
        for block, span in zip(blocks, spans, strict=True)
    ]
    return on_dask.results(tasks)


def _on_worker(landmarks: Landmarks, rows: Array, unit: Numbers, n_units: int) -> UnitSums:
    with one_blas_thread:
        return _span_sums(landmarks, rows, unit, n_units)


def _span_sums(landmarks: Landmarks, rows: Array, unit: Numbers, n_units: int) -> UnitSums:
    """Return the sums over units of some rows: sorted by unit, then tile by tile."""
    plan, differences = landmarks.plan, landmarks.differences
    L, R = len(landmarks.rows), len(plan.weights)
    edge = _ROWS if _arrays.on_cpu(landmarks.rows) else _DEVICE_ROWS
    step = max(edge, block_rows(rows.shape[1]))
    work = Workspace(landmarks.rows, max(edge, L), reuse=True, differences=differences)
    sums, unseen = np.zeros((R, n_units, L)), 0
    strays = np.nanmax(plan.bandwidths) > _STEADY * np.nanmin(plan.bandwidths)
    with _arrays.plain_arithmetic(landmarks.rows):
        _, right = plan.operands(landmarks.rows, landmarks.centre, differences=differences)
        for start in range(0, len(rows), step):
            numbers = unit[start : start + step]
            order = np.argsort(numbers, kind="stable")
            order = order[: np.searchsorted(numbers[order], n_units)]
            part = rows[start : start + step]
            block = _arrays.take_rows(_arrays.in_memory(part), order)
            _arrays.release(part)
            block = _arrays.cast(block, landmarks.rows.dtype)
            plan.check_rows(block, landmarks.centre)
            left, _ = plan.operands(block, landmarks.centre, differences=differences)
            numbers = numbers[order]
            for first in range(0, len(left), edge):
                here = numbers[first : first + edge]
                starts = np.flatnonzero(np.diff(here, prepend=-1))
                lengths = np.diff(starts, append=len(here))
                W = _indicator(lengths, landmarks.rows)
                for r, K in plan.components(left[first : first + edge], right, False, work):
                    if strays or r == R - 1:
                        _arrays.namespace(K).clip(K, 0, 1, out=K)
                    sums[r, here[starts]] += _arrays.to_numpy(W @ K)
                    if r == R - 1:
                        unseen += int((_arrays.namespace(K).amax(K, 1) < _SEEN).sum())
    return UnitSums(sums, unseen)


def _indicator(lengths: Numbers, like: Array) -> Array:
    """Return the 0/1 matrix (runs, rows) of runs of so many rows."""
    run = np.repeat(np.arange(len(lengths)), lengths)
    W = np.zeros((len(lengths), len(run)), dtype=np.float32)
    W[run, np.arange(len(run))] = 1
    if not _arrays.is_torch(like):
        return W.astype(like.dtype, copy=False)
    return _arrays.namespace(like).as_tensor(W, dtype=like.dtype, device=like.device)
