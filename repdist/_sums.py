"""One pass over tiles of the kernel matrix: all that any later step needs of the data.

The matrix is never formed. A tile of about 512 x 512 entries fits the second-level cache: one
matrix product, the kernel in place, then its sums. Only tiles on and above the diagonal are
computed. Tile edges depend on the shape of the data alone and partial sums are added in float64
in the order of the tiles, so the result is the same to the bit for any number of threads.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from repdist import _array
from repdist._array import Array, Float64, Workspace
from repdist.kernels import Kernel

_EDGE = 512  # rows of a tile
_DEVICE_EDGE = 4096  # the same on an accelerator, where a launch costs more than a cache miss
_DIFFERENCES = 256  # rows up to which distances come from float64 differences, so that ties hold
_TASKS = 128  # tiles are handed out in about this many portions

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Sums:
    """Sums of kernel values over pairs of different rows, and over the diagonal.

    Attributes
    ----------
    blocks : (R, U, U)
        For each component, the sum over pairs i != j with i in one unit and j in the other.
    diagonal : (R, U)
        The sum of k(x, x) over the rows of a unit.
    rows : (N, S)
        For each row, the sum of the weighted kernel over the other rows of each sample.
    squares : (R,)
        The sum of squared values over all pairs i != j.
    magnitude : (R,)
        The largest absolute value over all pairs i != j.
    epsilon : float
        Spacing at 1 of the dtype that the kernel was computed in.
    """

    blocks: Float64
    diagonal: Float64
    rows: Float64
    squares: Float64
    magnitude: Float64
    epsilon: float


@dataclass(frozen=True)
class Strip:
    """Consecutive rows that a tile takes: `count` units of equal size, or a piece of one unit."""

    start: int
    stop: int
    unit: int
    count: int
    sample: int

    @property
    def rows(self) -> slice:
        return slice(self.start, self.stop)

    @property
    def units(self) -> slice:
        return slice(self.unit, self.unit + self.count)


def kernel_sums(
    kernel: Kernel,
    Z: Array,
    unit_rows: npt.NDArray[np.intp],
    unit_sample: npt.NDArray[np.intp],
    *,
    n_jobs: int,
    progress: bool = False,
) -> Sums:
    """Pass once over the kernel matrix of Z and return its sums.

    Parameters
    ----------
    kernel : Kernel
        Fitted.
    Z : (N, d)
        The rows, unit by unit.
    unit_rows, unit_sample : (U,)
        How many rows each unit has, and to which sample it belongs.
    n_jobs : int
        Threads, for NumPy. Torch tensors are computed on their own device, tile after tile.
    progress : bool
        Whether to draw a bar on a terminal.

    Notes
    -----
    Up to 256 rows are computed in float64 from differences of rows: there, ties between
    relabelings matter, and rounding must not break them.

    ``O(N^2 d)`` time. Memory above the data: two copies of it, a few tiles for each thread, and
    ``O(R U^2 + N S)`` sums.
    """
    strips = cut(unit_rows, unit_sample, _edge(Z))
    differences = len(Z) <= _DIFFERENCES
    if differences:
        Z = _array.cast(Z, _array.wide(Z))
    left, right = kernel._operands(Z, _array.mean_row(Z), differences=differences)
    weights = kernel._weights
    shape = (len(weights), len(unit_rows), int(unit_sample.max()) + 1)
    local = threading.local()

    def portion(task: tuple[int, int, int]) -> "_Portion":
        if not hasattr(local, "work"):
            local.work = Workspace(left, _edge(Z), reuse=True, differences=differences)
        with _array.without_gradient(left):
            return _sum_portion(kernel, left, right, strips, task, weights, local.work)

    total = _Total(*shape, len(Z))
    tasks = _portions(len(strips))
    blas = nullcontext() if _array.is_torch(Z) else one_blas_thread()
    with blas, _array.full_precision(left):
        results = in_order(portion, tasks, 1 if _array.is_torch(Z) else n_jobs)
        for result in _with_progress(results, len(tasks), progress):
            total.add(result, strips)
    return total.finish(_array.machine_epsilon(Z))


def differentiable_totals(
    kernel: Kernel, Z: Array, sizes: tuple[int, int]
) -> tuple[Array, Array, Array, Array]:
    """Return sums over (first, first), (first, second), (second, second) and the diagonals.

    Parameters
    ----------
    kernel : Kernel
        Fitted.
    Z : (N, d) torch tensor
        The first sample's rows, then the second's.
    sizes : (int, int)
        How many rows each has.

    Returns
    -------
    Four tensors, (R,), (R,), (R,) and (R, 2), through which autograd goes back to Z. The first
    and third leave the diagonal out. For N above a few thousand, tiles are recomputed in the
    backward pass, so memory does not grow with N^2.
    """
    strips = cut(np.array(sizes), np.array([0, 1]), _edge(Z))
    left, right = kernel._operands(Z, _array.mean_row(Z), differences=False)
    tile = _array.recomputed(_tile_totals) if len(strips) > 8 else _tile_totals
    xp = _array.namespace(Z)
    n_components = len(kernel._weights)
    zero = xp.zeros(n_components, dtype=_array.wide(Z), device=Z.device)
    within, across, diagonal = [zero, zero], zero, [zero, zero]
    with _array.full_precision(left):
        for i, P in enumerate(strips):
            for Q in strips[i:]:
                total, own = tile(kernel, left[P.rows], right[Q.rows], P is Q)
                if P.sample != Q.sample:
                    across = across + total
                    continue
                within[P.sample] = within[P.sample] + (total if P is Q else 2 * total)
                if P is Q:
                    diagonal[P.sample] = diagonal[P.sample] + own
    return within[0], across, within[1], xp.stack(diagonal, 1)


# --- tiles ---------------------------------------------------------------------------------------


def cut(
    unit_rows: npt.NDArray[np.intp], unit_sample: npt.NDArray[np.intp], edge: int = _EDGE
) -> list[Strip]:
    """Cut the rows into strips of at most `edge` rows, even in length, that end with units.

    Small units are taken several at a time, a unit longer than `edge` in several pieces.
    """
    strips: list[Strip] = []
    starts = np.concatenate([[0], np.cumsum(unit_rows)]).tolist()
    changes = np.flatnonzero(np.diff(unit_rows) | np.diff(unit_sample)) + 1
    for units in np.split(np.arange(len(unit_rows)), changes):
        first, size, sample = int(units[0]), int(unit_rows[units[0]]), int(unit_sample[units[0]])
        if size > edge:
            for unit in units.tolist():
                pieces = np.array_split(np.arange(starts[unit], starts[unit + 1]), -(-size // edge))
                strips += [Strip(int(p[0]), int(p[-1]) + 1, unit, 1, sample) for p in pieces]
            continue
        per_strip = edge // size
        for part in np.array_split(units, -(-len(units) // per_strip)):
            first = int(part[0])
            stop = starts[first + len(part)]
            strips.append(Strip(starts[first], stop, first, len(part), sample))
    return strips


def _edge(Z: Array) -> int:
    return _EDGE if _array.on_cpu(Z) else _DEVICE_EDGE


def _portions(n_strips: int) -> list[tuple[int, int, int]]:
    """Return (i, first j, last j + 1): runs of tiles in one row of tiles, longest rows first."""
    size = max(1, n_strips * (n_strips + 1) // 2 // _TASKS)
    return [
        (i, j, min(j + size, n_strips)) for i in range(n_strips) for j in range(i, n_strips, size)
    ]


@dataclass(frozen=True)
class _Portion:
    """The sums of one run of tiles; `blocks` covers the units from `unit` on."""

    task: tuple[int, int, int]
    unit: int
    blocks: Float64  # (R, units of the row strip, units of the column strips)
    diagonal: Float64 | None  # (R, units of the row strip), if the run holds the diagonal tile
    row_sums: Float64  # (rows of the row strip, S)
    column_sums: Float64  # (rows of the column strips,), over the row strip
    squares: Float64  # (R,)
    magnitude: Float64  # (R,)


def _sum_portion(
    kernel: Kernel,
    left: Array,
    right: Array,
    strips: list[Strip],
    task: tuple[int, int, int],
    weights: tuple[float, ...],
    work: Workspace,
) -> _Portion:
    i, first, stop = task
    P, run = strips[i], strips[first:stop]
    unit, row = run[0].unit, run[0].start
    n_components, n_samples = len(weights), max(s.sample for s in strips) + 1
    blocks = np.zeros((n_components, P.count, run[-1].units.stop - unit))
    row_sums = np.zeros((P.stop - P.start, n_samples))
    column_sums = np.zeros(run[-1].stop - row)
    squares, magnitude, diagonal = np.zeros(n_components), np.zeros(n_components), None
    for Q in run:
        tile = _tile_sums(kernel, left[P.rows], right[Q.rows], P, Q, weights, work)
        same = P is Q
        blocks[:, :, Q.unit - unit : Q.units.stop - unit] += tile.blocks / (2 if same else 1)
        row_sums[:, Q.sample] += tile.row_sums
        if same:
            diagonal = tile.diagonal
        else:
            column_sums[Q.start - row : Q.stop - row] += tile.column_sums
        squares += tile.squares * (1 if same else 2)
        magnitude = np.maximum(magnitude, tile.magnitude)
    return _Portion(task, unit, blocks, diagonal, row_sums, column_sums, squares, magnitude)


@dataclass(frozen=True)
class _TileSums:
    blocks: Float64  # (R, units, units)
    diagonal: Float64  # (R, units)
    row_sums: Float64  # (rows,)
    column_sums: Float64  # (columns,)
    squares: Float64  # (R,)
    magnitude: Float64  # (R,)


def _tile_sums(
    kernel: Kernel,
    left: Array,
    right: Array,
    P: Strip,
    Q: Strip,
    weights: tuple[float, ...],
    work: Workspace,
) -> _TileSums:
    """Sum one tile: over units for every component, over rows for the weighted kernel."""
    xp = _array.namespace(left)
    n, m, same = len(left), len(right), P is Q
    n_components = len(weights)
    diagonal = np.zeros((n_components, P.count))
    squares, magnitude = np.zeros(n_components), np.zeros(n_components)
    by_unit: list[Array] = [None] * n_components
    row_sums = np.zeros(n)
    ones = work.indicator(1, m)[:, 0]
    for r, K in kernel._components(left, right, same, work):
        if same:
            own = _array.to_numpy(xp.diagonal(K)).astype(np.float64)
            diagonal[r] = own.reshape(P.count, -1).sum(axis=1)
            K = _array.with_zero_diagonal(K, in_place=False)
        by_unit[r] = K.reshape(P.count, n // P.count, m).sum(1)
        row_sums += weights[r] * _array.to_numpy(K @ ones)
        flat = K.reshape(-1)
        squares[r] = float(xp.dot(flat, flat))
        magnitude[r] = float(K.max())
        if not kernel._nonnegative:
            magnitude[r] = max(magnitude[r], -float(K.min()))
    half = xp.stack(by_unit)  # (R, units, m)
    blocks = half.reshape(-1, m) @ work.indicator(Q.count, m // Q.count)
    blocks = _array.to_numpy(blocks).reshape(n_components, P.count, Q.count)
    column_sums = np.tensordot(weights, _array.to_numpy(half.sum(1)), 1)
    return _TileSums(blocks, diagonal, row_sums, column_sums, squares, magnitude)


def _tile_totals(kernel: Kernel, left: Array, right: Array, same: bool) -> tuple[Array, Array]:
    """Return each component's sum over a tile without its diagonal, and over the diagonal."""
    xp = _array.namespace(left)
    work = Workspace(left, _EDGE, reuse=False)
    wide = _array.wide(left)
    totals: list[Array] = [None] * len(kernel._weights)
    own: list[Array] = [xp.zeros((), dtype=wide, device=left.device)] * len(totals)
    for r, K in kernel._components(left, right, same, work):
        if same:
            own[r] = xp.diagonal(K).sum(dtype=wide)
            K = _array.with_zero_diagonal(K, in_place=False)
        totals[r] = K.sum(dtype=wide)
    return xp.stack(totals), xp.stack(own)


# --- from portions to sums -----------------------------------------------------------------------


class _Total:
    """Adds portions, in their order, to the sums of the whole matrix."""

    def __init__(self, n_components: int, n_units: int, n_samples: int, n_rows: int) -> None:
        self._upper = np.zeros((n_components, n_units, n_units))
        self._diagonal = np.zeros((n_components, n_units))
        self._rows = np.zeros((n_rows, n_samples))
        self._squares = np.zeros(n_components)
        self._magnitude = np.zeros(n_components)

    def add(self, part: _Portion, strips: list[Strip]) -> None:
        i, first, stop = part.task
        P, start = strips[i], strips[first].start
        columns = slice(part.unit, part.unit + part.blocks.shape[2])
        self._upper[:, P.units, columns] += part.blocks
        if part.diagonal is not None:
            self._diagonal[:, P.units] += part.diagonal
        self._rows[P.rows] += part.row_sums
        self._rows[start : strips[stop - 1].stop, P.sample] += part.column_sums
        self._squares += part.squares
        self._magnitude = np.maximum(self._magnitude, part.magnitude)

    def finish(self, epsilon: float) -> Sums:
        blocks = self._upper + self._upper.transpose(0, 2, 1)
        if not np.isfinite(blocks).all():
            raise ValueError(
                "`kernel` must give finite values on these data; got NaN or infinity. "
                "Scale the features, e.g. to unit standard deviation."
            )
        return Sums(blocks, self._diagonal, self._rows, self._squares, self._magnitude, epsilon)


# --- where tiles run -----------------------------------------------------------------------------


def in_order(
    function: Callable[[Task], Result], tasks: Iterable[Task], n_jobs: int
) -> Iterator[Result]:
    """Yield `function(task)` for each task, in their order, computed by `n_jobs` threads.

    Tasks are drawn as they are needed, so an endless supply takes bounded memory.
    """
    if n_jobs == 1:
        yield from map(function, tasks)
        return
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(n_jobs) as pool:
        try:
            for task in tasks:
                pending.append(pool.submit(function, task))
                if len(pending) > 4 * n_jobs:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def one_blas_thread() -> Any:
    """Return a context in which NumPy's BLAS uses one thread: our threads share out the work."""
    return _controller().limit(limits=1, user_api="blas")


def _with_progress(results: Iterator[Result], total: int, progress: bool) -> Iterable[Result]:
    if not progress:
        return results
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(
        results,
        "kernel sums",
        total=total,
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
