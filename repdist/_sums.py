"""One pass over tiles of the kernel matrix: all that any later step needs of the data.

The matrix is never formed. A tile has at most 1024 x 1024 entries, near the cache, or 8192 x 8192
on an accelerator: one matrix product, the kernel in place, then its sums. Only tiles on and above
the diagonal are computed. Tile edges depend on the shape of the data alone and partial sums are
added in float64 in the order of the tiles, so the result is the same to the bit for any number of
threads.
"""

import functools
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from repdist import _array, _compiled
from repdist._array import Array, Float64, Workspace
from repdist._gaussian import Gaussian
from repdist._kernel import Kernel
from repdist._threads import in_order, with_progress

_EDGE = 1024  # rows of a tile: shorter steps spend their time waiting for the interpreter
_DEVICE_EDGE = 8192  # the same on an accelerator, where a launch costs more than a cache miss
_GRADIENT_EDGE = 4096  # at most, where autograd holds some twenty tiles
_MOST_COLUMNS = 2048  # up to which differences of rows are affordable
_KEPT_ROWS = 8192  # up to which autograd may keep every tile: some GB
_PORTIONS = 128  # tiles are handed out in about this many runs

Group = TypeVar("Group")


@dataclass(frozen=True)
class Block:
    """Sums of kernel values between the rows of two groups, or within one group.

    Attributes
    ----------
    first, second : int
        The groups; equal for the block within a group.
    sums : (R, U_first, U_second)
        For each component, the sum over pairs of different rows, one in each unit.
    diagonal : (R, U_first)
        Within a group, the sum of k(x, x) over the rows of a unit.
    rows, columns : (n_first,) and (n_second,)
        For each row of one group, the sum of the weighted kernel over the other rows of the other.
    squares : (R,)
        The sum of squared values over the pairs that `sums` counts, if it was asked for.
    magnitude : (R,)
        The largest absolute value among them.
    epsilon : float
        Spacing at 1 of the dtype that the kernel was computed in.
    """

    first: int
    second: int
    sums: Float64
    diagonal: Float64
    rows: Float64
    columns: Float64
    squares: Float64
    magnitude: Float64
    epsilon: float


@dataclass(frozen=True)
class Sums:
    """The blocks of two samples, put together.

    Attributes
    ----------
    blocks : (R, U, U)
        Sums over pairs i != j with i in one unit and j in the other; the first sample's units come
        first.
    diagonal : (R, U)
        Sums of k(x, x) over the rows of a unit.
    first_rows, second_rows : (n, 2) and (m, 2)
        For each row, the sum of the weighted kernel over the other rows of its own sample, and
        over those of the other sample.
    squares, magnitude, epsilon
        As in `Block`, over all pairs i != j.
    """

    blocks: Float64
    diagonal: Float64
    first_rows: Float64
    second_rows: Float64
    squares: Float64
    magnitude: Float64
    epsilon: float


def join(first: Block, second: Block, across: Block) -> Sums:
    """Put together the blocks within two groups and the block between them."""
    upper = np.concatenate([first.sums, across.sums], axis=2)
    lower = np.concatenate([across.sums.transpose(0, 2, 1), second.sums], axis=2)
    return Sums(
        np.concatenate([upper, lower], axis=1),
        np.concatenate([first.diagonal, second.diagonal], axis=1),
        np.stack([first.rows, across.rows], axis=1),
        np.stack([second.rows, across.columns], axis=1),
        first.squares + second.squares + 2 * across.squares,
        np.maximum(np.maximum(first.magnitude, second.magnitude), across.magnitude),
        across.epsilon,
    )


@dataclass(frozen=True)
class Strip:
    """Consecutive rows that a tile takes: `count` units of equal size, or a piece of one unit."""

    start: int
    stop: int
    unit: int
    count: int
    group: int

    @property
    def rows(self) -> slice:
        return slice(self.start, self.stop)

    @property
    def units(self) -> slice:
        return slice(self.unit, self.unit + self.count)


def kernel_blocks(
    kernel: Kernel,
    Z: Array,
    unit_rows: npt.NDArray[np.intp],
    unit_group: npt.NDArray[np.intp],
    *,
    small: bool,
    n_jobs: int,
    squares: bool = False,
    progress: bool = False,
) -> Iterator[Block]:
    """Pass once over the kernel matrix of Z and yield its sums, block by block.

    First the blocks within the groups 0, 1, ..., then those between them in the order (0, 1),
    (0, 2), ..., (1, 2), .... To be used inside `one_blas_thread`.

    Parameters
    ----------
    kernel : Kernel
        Fitted.
    Z : (N, d)
        The rows, group by group and unit by unit.
    unit_rows, unit_group : (U,)
        How many rows each unit has, and to which group it belongs.
    small : bool
        Whether ties between relabelings matter: distances then come from differences of rows,
        not from matrix products, unless there are very many columns.
    n_jobs : int
        Threads, for NumPy. Torch tensors are computed on their own device, tile after tile.
    squares : bool
        Whether to sum squared values as well; they are 0 otherwise.
    progress : bool
        Whether to draw a bar on a terminal.

    Notes
    -----
    Small samples, and kernels whose values have no bound, are computed in float64.

    ``O(N^2 d)`` time. Memory above Z: two copies of it (none if it lies in a file), a few tiles for
    each thread, and the block in work.
    """
    Z, differences = with_precision(kernel, Z, small)
    operands = _Operands(kernel, Z, differences)
    local = threading.local()
    tile_sums = tile_function(kernel, Z, len(Z))

    def portion(task: "Tiles") -> "Portion":
        if not hasattr(local, "work"):
            like = operands.left(slice(0, 1))
            local.work = Workspace(like, tile_edge(Z), reuse=True, differences=differences)
        with _array.plain_arithmetic(Z):
            return sum_tiles(kernel, operands, task, squares, local.work, tile_sums)

    groups = by_group(cut(unit_rows, unit_group, tile_edge(Z)))
    tasks = _tasks(groups)
    results = in_order(portion, tasks, 1 if _array.is_torch(Z) else n_jobs)
    shown = with_progress(results, len(tasks), progress)
    yield from blocks_of(kernel, list(map(joined, groups)), shown, _array.machine_epsilon(Z))


def with_precision(kernel: Kernel, Z: Array, small: bool) -> tuple[Array, bool]:
    """Return the rows in the dtype to compute in, and whether distances come from differences."""
    if small or not kernel._bounded:
        Z = _array.cast(Z, _array.wide(Z))
    return Z, small and Z.shape[1] <= _MOST_COLUMNS


def blocks_of(
    kernel: Kernel, groups: list[Strip], portions: "Iterable[Portion]", epsilon: float
) -> Iterator[Block]:
    """Add portions that come block by block; yield each block when its last one has come.

    Parameters
    ----------
    groups : list of Strip
        All rows of each group.
    epsilon : float
        Spacing at 1 of the dtype that kernel values were computed in.
    """
    epsilon = max(epsilon, kernel._epsilon)
    for (g, h), parts in groupby(portions, key=lambda part: (part.row.group, part.column.group)):
        total = Total(groups[g], groups[h], len(kernel._weights))
        for part in parts:
            total.add(part)
        yield total.finish(epsilon, kernel._powers)


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
    strips = cut(np.array(sizes), np.array([0, 1]), min(tile_edge(Z), _GRADIENT_EDGE))
    centre = _array.centre_row(Z)
    kernel._check_rows(Z, centre)
    left, right = kernel._operands(Z, centre, differences=False)
    tile = _array.recomputed(_tile_totals) if len(Z) > _KEPT_ROWS else _tile_totals
    xp = _array.namespace(Z)
    n_components = len(kernel._weights)
    zero = xp.zeros(n_components, dtype=_array.wide(Z), device=Z.device)
    within, across, diagonal = [zero, zero], zero, [zero, zero]
    for i, P in enumerate(strips):
        for Q in strips[i:]:
            total, own = tile(kernel, left[P.rows], right[Q.rows], P is Q)
            if P.group != Q.group:
                across = across + total
                continue
            within[P.group] = within[P.group] + (total if P is Q else 2 * total)
            if P is Q:
                diagonal[P.group] = diagonal[P.group] + own
    return within[0], across, within[1], xp.stack(diagonal, 1)


# --- tiles ---------------------------------------------------------------------------------------


def cut(
    unit_rows: npt.NDArray[np.intp], unit_group: npt.NDArray[np.intp], edge: int
) -> list[Strip]:
    """Cut the rows into strips of at most `edge` rows, even in length, that end with units.

    Small units are taken several at a time, a unit longer than `edge` in several pieces.
    """
    strips: list[Strip] = []
    starts = np.concatenate([[0], np.cumsum(unit_rows)]).tolist()
    changes = np.flatnonzero(np.diff(unit_rows) | np.diff(unit_group)) + 1
    for units in np.split(np.arange(len(unit_rows)), changes):
        size, group = int(unit_rows[units[0]]), int(unit_group[units[0]])
        if size > edge:
            for unit in units.tolist():
                pieces = np.array_split(np.arange(starts[unit], starts[unit + 1]), -(-size // edge))
                strips += [Strip(int(p[0]), int(p[-1]) + 1, unit, 1, group) for p in pieces]
            continue
        per_strip = edge // size
        for part in np.array_split(units, -(-len(units) // per_strip)):
            first = int(part[0])
            stop = starts[first + len(part)]
            strips.append(Strip(starts[first], stop, first, len(part), group))
    return strips


def joined(strips: list[Strip]) -> Strip:
    """Return strips of one group that follow each other as one."""
    first, last = strips[0], strips[-1]
    return Strip(first.start, last.stop, first.unit, last.units.stop - first.unit, first.group)


def by_group(strips: list[Strip]) -> list[list[Strip]]:
    """Return the strips of each group."""
    return [list(strips) for _, strips in groupby(strips, key=lambda strip: strip.group)]


def pairs_of_groups(groups: list[Group]) -> list[tuple[Group, Group]]:
    """Return the groups whose rows and columns make up each block, in the order of the blocks."""
    return [(g, g) for g in groups] + list(itertools.combinations(groups, 2))


def tile_edge(Z: Array) -> int:
    """Return the most rows of a tile."""
    return min(_EDGE if _array.on_cpu(Z) else _DEVICE_EDGE, len(Z))


def tile_entries(Z: Array) -> int:
    """Return how many entries a tile has at most."""
    return tile_edge(Z) ** 2


@dataclass(frozen=True)
class Tiles:
    """A run of tiles: one strip of rows against some strips of columns."""

    row: Strip
    columns: list[Strip]


def tiles_between(rows: list[Strip], columns: list[Strip], size: int) -> list[Tiles]:
    """Return runs of at most `size` tiles; those on and above the diagonal if both are the same."""
    return [
        Tiles(P, run[j : j + size])
        for i, P in enumerate(rows)
        for run in [columns[i:] if rows is columns else columns]
        for j in range(0, len(run), size)
    ]


def _tasks(groups: list[list[Strip]]) -> list[Tiles]:
    """Return the runs of tiles of every block, in the order of the blocks."""
    count = sum(map(len, groups))
    size = max(1, count * (count + 1) // 2 // _PORTIONS)
    return [tiles for pair in pairs_of_groups(groups) for tiles in tiles_between(*pair, size=size)]


@dataclass(frozen=True)
class Portion:
    """The sums over a part of a block: the rows of one strip against those of another."""

    row: Strip
    column: Strip
    sums: Float64  # (R, units of the row strip, units of the column strip)
    diagonal: Float64  # (R, units of the row strip), 0 without the diagonal tile
    rows: Float64  # (rows of the row strip,), over the column strip
    columns: Float64  # (rows of the column strip,), over the row strip
    squares: Float64  # (R,)
    magnitude: Float64  # (R,)


class _Operands:
    """What tiles are computed from: arrays in memory, or strips made of rows read from a file."""

    def __init__(self, kernel: Kernel, Z: Array, differences: bool) -> None:
        centre = _array.centre_row(Z)
        kernel._check_rows(Z, centre)
        self._make = functools.partial(kernel._operands, centre=centre, differences=differences)
        self._in_strips = _array.in_file(Z) and kernel._bounded
        self._Z = Z
        if not self._in_strips:
            self._left, self._right = self._make(_array.in_memory(Z))

    def left(self, rows: slice) -> Array:
        return self._read(rows)[0] if self._in_strips else self._left[rows]

    def right(self, rows: slice) -> Array:
        return self._read(rows)[1] if self._in_strips else self._right[rows]

    def _read(self, rows: slice) -> tuple[Array, Array]:
        return self._make(_array.in_memory(self._Z[rows]))


class Operands(Protocol):
    """The left and the right operands of some rows, for tiles."""

    def left(self, rows: slice) -> Array: ...

    def right(self, rows: slice) -> Array: ...


def sum_tiles(
    kernel: Kernel,
    operands: Operands,
    tiles: Tiles,
    with_squares: bool,
    work: Workspace,
    tile_sums: "TileFunction",
) -> Portion:
    """Sum a run of tiles."""
    P, column = tiles.row, joined(tiles.columns)
    unit, start = column.unit, column.start
    R = len(kernel._weights)
    sums = np.zeros((R, P.count, column.count))
    rows, columns = np.zeros(P.stop - P.start), np.zeros(column.stop - start)
    diagonal, squares, magnitude = np.zeros((R, P.count)), np.zeros(R), np.zeros(R)
    left = operands.left(P.rows)
    for Q in tiles.columns:
        tile = tile_sums(kernel, left, operands.right(Q.rows), P, Q, with_squares, work)
        same = P is Q
        # Half of a diagonal tile: the other triangle is added when the block is finished.
        sums[:, :, Q.unit - unit : Q.units.stop - unit] += tile.sums / (2 if same else 1)
        rows += tile.rows / (2 if same else 1)
        columns[Q.start - start : Q.stop - start] += tile.columns / (2 if same else 1)
        squares += tile.squares / (2 if same else 1)
        diagonal += tile.diagonal
        magnitude = np.maximum(magnitude, tile.magnitude)
    return Portion(P, column, sums, diagonal, rows, columns, squares, magnitude)


@dataclass(frozen=True)
class _TileSums:
    sums: Float64  # (R, units, units)
    diagonal: Float64  # (R, units)
    rows: Float64  # (rows,)
    columns: Float64  # (columns,)
    squares: Float64  # (R,)
    magnitude: Float64  # (R,)


TileFunction = Callable[[Kernel, Array, Array, Strip, Strip, bool, Workspace], _TileSums]


def tile_function(kernel: Kernel, like: Array, n_rows: int) -> TileFunction:
    """Return what sums a tile, for rows `like` these and so many in all."""
    plain = not _array.is_torch(like) and like.dtype == np.float32
    compiled = plain and isinstance(kernel, Gaussian) and _compiled.is_worth(n_rows)
    return _compiled_tile_sums if compiled else _tile_sums


def _tile_sums(
    kernel: Kernel,
    left: Array,
    right: Array,
    P: Strip,
    Q: Strip,
    with_squares: bool,
    work: Workspace,
) -> _TileSums:
    """Sum one tile: over units for every component, over rows for the weighted kernel."""
    xp = _array.namespace(left)
    n, m, same = len(left), len(right), P is Q
    weights = kernel._weights
    n_components = len(weights)
    diagonal = np.zeros((n_components, P.count))
    squares, magnitude = np.zeros(n_components), np.zeros(n_components)
    half = work.stack("half", n_components, P.count, m)  # (R, units, m)
    rows = work.stack("rows", n_components, n)
    ones = work.indicator(1, m)[:, 0]
    powers_follow = False
    for r, K in kernel._components(left, right, same, work):
        if same:
            own = _array.taken_diagonal(K)
            diagonal[r] = _array.to_numpy(own).astype(np.float64).reshape(P.count, -1).sum(axis=1)
        xp.sum(K.reshape(P.count, n // P.count, m), 1, out=half[r])
        xp.matmul(K, ones, out=rows[r])
        if with_squares:
            flat = K.reshape(-1)
            squares[r] = float(xp.dot(flat, flat))
        if not powers_follow:
            magnitude[r] = float(K.max())
            if not kernel._bounded:
                magnitude[r] = max(magnitude[r], -float(K.min()))
            powers_follow = kernel._powers is not None
        if same:
            _array.put_diagonal(K, own)
    sums = half.reshape(-1, m) @ work.indicator(Q.count, m // Q.count)
    sums = _array.to_numpy(sums).reshape(n_components, P.count, Q.count)
    row_sums = np.tensordot(weights, _array.to_numpy(rows), 1)
    column_sums = np.tensordot(weights, _array.to_numpy(half.sum(1)), 1)
    return _TileSums(sums, diagonal, row_sums, column_sums, squares, magnitude)


def _compiled_tile_sums(
    kernel: Kernel,
    left: Array,
    right: Array,
    P: Strip,
    Q: Strip,
    with_squares: bool,
    work: Workspace,
) -> _TileSums:
    """Do what `_tile_sums` does, for Gaussians of float32 rows, in one pass over the exponents."""
    assert isinstance(kernel, Gaussian)
    n, m, same = len(left), len(right), P is Q
    n_components = len(kernel._weights)
    exponents = kernel._exponents(left, right, same, work)
    if same:
        exponents.reshape(-1)[:: n + 1] = -np.inf  # a value of 0, in place of k(x, x) = 1
    half = np.zeros((n_components, P.count, m), np.float32)
    rows = np.empty(n, np.float32)
    squares = np.zeros(n_components if with_squares else 0, np.float32)
    magnitude = np.zeros(n_components)
    magnitude[-1] = _compiled.compiled_component_sums()(
        exponents,
        kernel._powers.astype(np.float32),
        np.array(kernel._squarings),
        np.array(kernel._weights, dtype=np.float32),
        half,
        rows,
        squares,
    )
    sums = half.reshape(-1, m) @ work.indicator(Q.count, m // Q.count)
    return _TileSums(
        sums.reshape(n_components, P.count, Q.count),
        np.full((n_components, P.count), float(n // P.count) if same else 0.0),
        rows.astype(np.float64),
        np.tensordot(kernel._weights, half.sum(1), 1),
        squares.astype(np.float64) if with_squares else np.zeros(n_components),
        magnitude,
    )


def _tile_totals(kernel: Kernel, left: Array, right: Array, same: bool) -> tuple[Array, Array]:
    """Return each component's sum over a tile without its diagonal, and over the diagonal."""
    xp = _array.namespace(left)
    work = Workspace(left, _EDGE, reuse=False)
    wide = _array.wide(left)
    totals: list[Array] = [None] * len(kernel._weights)
    own: list[Array] = [xp.zeros((), dtype=wide, device=left.device)] * len(totals)
    with _array.full_precision(left):  # here, for autograd runs it again
        for r, K in kernel._components(left, right, same, work):
            if same:
                own[r] = xp.diagonal(K).sum(dtype=wide)
                K = _array.with_zero_diagonal(K, in_place=False)
            totals[r] = K.sum(dtype=wide)
    return xp.stack(totals), xp.stack(own)


# --- from portions to sums -----------------------------------------------------------------------


class Total:
    """Adds the portions of one block, or of a part of it, in their order."""

    def __init__(self, row: Strip, column: Strip, n_components: int) -> None:
        self._row, self._column = row, column
        self._sums = np.zeros((n_components, row.count, column.count))
        self._diagonal = np.zeros((n_components, row.count))
        self._rows = np.zeros(row.stop - row.start)
        self._columns = np.zeros(column.stop - column.start)
        self._squares, self._magnitude = np.zeros(n_components), np.zeros(n_components)

    def add(self, part: Portion) -> None:
        row, column = self._row, self._column
        units = slice(part.row.unit - row.unit, part.row.units.stop - row.unit)
        others = slice(part.column.unit - column.unit, part.column.units.stop - column.unit)
        self._sums[:, units, others] += part.sums
        self._diagonal[:, units] += part.diagonal
        self._rows[part.row.start - row.start : part.row.stop - row.start] += part.rows
        over = slice(part.column.start - column.start, part.column.stop - column.start)
        self._columns[over] += part.columns
        self._squares += part.squares
        self._magnitude = np.maximum(self._magnitude, part.magnitude)

    def portion(self) -> Portion:
        """Return what has been added as a portion of a larger total."""
        return Portion(
            self._row,
            self._column,
            self._sums,
            self._diagonal,
            self._rows,
            self._columns,
            self._squares,
            self._magnitude,
        )

    def finish(self, epsilon: float, powers: Float64 | None) -> Block:
        if not (np.isfinite(self._sums).all() and np.isfinite(self._diagonal).all()):
            raise ValueError(
                "`kernel` must give finite values on these data; got NaN or infinity. "
                "Scale the features, e.g. to unit standard deviation."
            )
        sums, rows, columns, squares = self._sums, self._rows, self._columns, self._squares
        pair = self._row.group, self._column.group
        if pair[0] == pair[1]:  # only one triangle was summed
            sums = sums + sums.transpose(0, 2, 1)
            rows = columns = rows + columns
            squares = 2 * squares
        magnitude = self._magnitude if powers is None else self._magnitude.max() ** powers
        return Block(*pair, sums, self._diagonal, rows, columns, squares, magnitude, epsilon)
