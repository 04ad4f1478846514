"""The pass over tiles where the rows lie: in this process, or on the workers of a Dask cluster.

The rows on a cluster are cut into super-blocks, and every two of these are one task: it runs the
tiles of `_sums.py` between them. The sums of a row of super-blocks are added on a worker, in their
order, and this process adds the rows. Super-blocks depend on the shape of the data alone, so the
answer is the same for any number of workers.
"""

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from repdist import _array, _dask
from repdist._array import Array, Workspace
from repdist._kernel import Kernel
from repdist._sums import (
    Block,
    Portion,
    Strip,
    Total,
    blocks_of,
    by_group,
    cut,
    joined,
    pairs_of_groups,
    sum_tiles,
    tile_edge,
    tile_function,
    tiles_between,
    with_precision,
)
from repdist._sums import kernel_blocks as local_blocks
from repdist._threads import one_blas_thread, with_progress

_LEAST_ROWS = 2048  # of a super-block: two of them are ten times the work that a task costs
_SUPER_BLOCKS = 64  # about this many if there are more rows: some 2,000 tasks


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
    """Do what `_sums.kernel_blocks` does, for rows that may be a dask array."""
    if not _array.is_lazy(Z):
        yield from local_blocks(
            kernel, Z, unit_rows, unit_group,
            small=small, n_jobs=n_jobs, squares=squares, progress=progress,
        )  # fmt: skip
        return
    Z, differences = with_precision(kernel, Z, small)
    centre = _array.centre_row(Z)
    kernel._check_rows(Z, centre)
    groups = by_group(cut(unit_rows, unit_group, tile_edge(Z)))
    settings = {
        "n_rows": len(Z),
        "edge": tile_edge(Z),
        "differences": differences,
        "with_squares": squares,
    }
    shared = [_dask.constant(value) for value in (kernel, centre, settings)]
    tasks = _tasks(shared, _super_blocks(groups, Z))
    portions = with_progress(_dask.results(tasks), len(tasks), progress)
    yield from blocks_of(kernel, list(map(joined, groups)), portions, _array.machine_epsilon(Z))


class _SuperBlock(NamedTuple):
    """Some strips of a group, and their rows on the cluster."""

    strips: list[Strip]
    rows: _dask.Task


def _super_blocks(groups: list[list[Strip]], Z: Array) -> list[list[_SuperBlock]]:
    """Cut each group into super-blocks that end with strips."""
    wanted = max(_LEAST_ROWS, -(-len(Z) // _SUPER_BLOCKS))
    runs = [_cut_evenly(strips, wanted) for strips in groups]
    spans = [joined(run) for group in runs for run in group]
    rows = iter(_dask.row_blocks(Z, [span.stop - span.start for span in spans]))
    return [[_SuperBlock(run, next(rows)) for run in group] for group in runs]


def _cut_evenly(strips: list[Strip], rows: int) -> list[list[Strip]]:
    """Cut the strips of a group into runs of about so many rows."""
    span = joined(strips)
    count = min(len(strips), max(1, (span.stop - span.start) // rows))
    edges = [len(strips) * i // count for i in range(count + 1)]
    return [strips[a:b] for a, b in itertools.pairwise(edges)]


def _tasks(shared: list[_dask.Task], groups: list[list[_SuperBlock]]) -> list[_dask.Task]:
    """Return one task for each row of super-blocks of each block, in the order of the blocks."""
    tasks = []
    for rows, columns in pairs_of_groups(groups):
        for i, (strips, block) in enumerate(rows):
            # The first of a row within a group is its own super-block: None, so that it stays one.
            pairs = [(None, None), *columns[i + 1 :]] if rows is columns else columns
            parts = [_dask.task(_sum_pair, *shared, strips, block, *pair) for pair in pairs]
            tasks.append(parts[0] if len(parts) == 1 else _dask.task(_added, *parts))
    return tasks


def _sum_pair(
    kernel: Kernel,
    centre: Array,
    settings: dict[str, Any],
    strips: list[Strip],
    block: Array,
    columns: list[Strip] | None,
    other: Array | None,
) -> Portion:
    """Sum all tiles between two super-blocks, or within one."""
    differences = settings["differences"]
    columns = strips if columns is None else columns
    first, second = joined(strips), joined(columns)
    total = Total(first, second, len(kernel._weights))
    with one_blas_thread, _array.plain_arithmetic(block):
        left, right = kernel._operands(block, centre, differences=differences)
        if other is not None:
            _, right = kernel._operands(other, centre, differences=differences)
        operands = _Operands(left, first.start, right, second.start)
        work = Workspace(left, settings["edge"], reuse=True, differences=differences)
        with_squares = settings["with_squares"]
        tile_sums = tile_function(kernel, left, settings["n_rows"])
        for tiles in tiles_between(strips, columns, len(columns)):
            total.add(sum_tiles(kernel, operands, tiles, with_squares, work, tile_sums))
    return total.portion()


class _Operands:
    """The operands of two super-blocks, by the numbers that their rows have among all."""

    def __init__(self, left: Array, first: int, right: Array, second: int) -> None:
        self._left, self._first, self._right, self._second = left, first, right, second

    def left(self, rows: slice) -> Array:
        return self._left[rows.start - self._first : rows.stop - self._first]

    def right(self, rows: slice) -> Array:
        return self._right[rows.start - self._second : rows.stop - self._second]


def _added(*parts: Portion) -> Portion:
    """Return the sum of the portions of one row of super-blocks."""
    total = Total(parts[0].row, joined([part.column for part in parts]), len(parts[0].squares))
    for part in parts:
        total.add(part)
    return total.portion()
