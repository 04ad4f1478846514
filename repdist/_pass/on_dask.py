"""The pass on the workers of a Dask cluster, where the rows lie.

The rows on a cluster are cut into super-blocks, and every two of these are one task: it runs the
tiles between them. The sums of a row of super-blocks are added on a worker, in their order, and
this process adds the rows. Super-blocks depend on the shape of the data alone, so the answer is the
same for any number of workers.
"""

import itertools
from collections.abc import Iterable
from typing import NamedTuple

from repdist import _arrays
from repdist._arrays import on_dask
from repdist._pass.geometry import Between, Strip, joined, pairs_of_groups, tiles_between
from repdist._pass.portions import Portion, Total
from repdist._pass.tiles import TilePass
from repdist._threads import Workers, one_blas_thread, with_progress
from repdist._typing import Array

_LEAST_ROWS = 2048  # of a super-block: two of them are ten times the work that a task costs
_SUPER_BLOCKS = 64  # about this many if there are more rows: some 2,000 tasks


def portions(  # noqa: PLR0913 (what a pass is made of)
    tiles: TilePass,
    Z: Array,
    centre: Array,
    groups: list[list[Strip]],
    workers: Workers,
    between: Between,
) -> Iterable[Portion]:
    """Return the sums of rows of super-blocks, in the order of the blocks."""
    shared = on_dask.constant((tiles, centre))
    tasks = _tasks(shared, _super_blocks(groups, Z), between)
    return with_progress(on_dask.results(tasks), len(tasks), workers.progress)


class _SuperBlock(NamedTuple):
    """Some strips of a group, and their rows on the cluster."""

    strips: list[Strip]
    rows: on_dask.Task


def _super_blocks(groups: list[list[Strip]], Z: Array) -> list[list[_SuperBlock]]:
    """Cut each group into super-blocks that end with strips."""
    wanted = max(_LEAST_ROWS, -(-len(Z) // _SUPER_BLOCKS))
    runs = [_cut_evenly(strips, wanted) for strips in groups]
    spans = [joined(run) for group in runs for run in group]
    rows = iter(on_dask.row_blocks(Z, [span.stop - span.start for span in spans]))
    return [[_SuperBlock(run, next(rows)) for run in group] for group in runs]


def _cut_evenly(strips: list[Strip], rows: int) -> list[list[Strip]]:
    """Cut the strips of a group into runs of about so many rows."""
    span = joined(strips)
    count = min(len(strips), max(1, (span.stop - span.start) // rows))
    edges = [len(strips) * i // count for i in range(count + 1)]
    return [strips[a:b] for a, b in itertools.pairwise(edges)]


def _tasks(
    shared: on_dask.Task, groups: list[list[_SuperBlock]], between: Between
) -> list[on_dask.Task]:
    """Return one task for each row of super-blocks of each block, in the order of the blocks."""
    tasks = []
    for rows, columns in pairs_of_groups(groups, between):
        for i, (strips, block) in enumerate(rows):
            # The first of a row within a group is its own super-block: None, so that it stays one.
            pairs = [(None, None), *columns[i + 1 :]] if rows is columns else columns
            parts = [on_dask.task(_sum_pair, shared, strips, block, *pair) for pair in pairs]
            tasks.append(parts[0] if len(parts) == 1 else on_dask.task(_added, *parts))
    return tasks


def _sum_pair(
    shared: tuple[TilePass, Array],
    strips: list[Strip],
    block: Array,
    columns: list[Strip] | None,
    other: Array | None,
) -> Portion:
    """Sum all tiles between two super-blocks, or within one."""
    tiles, centre = shared
    plan, differences = tiles.plan, tiles.differences
    columns = strips if columns is None else columns
    first, second = joined(strips), joined(columns)
    total = Total(first, second, len(plan.weights))
    with one_blas_thread, _arrays.plain_arithmetic(block):
        left, right = plan.operands(block, centre, differences=differences)
        if other is not None:
            _, right = plan.operands(other, centre, differences=differences)
        operands = _OperandsOfTwo(left, first.start, right, second.start)
        work = tiles.workspace(left)
        for run in tiles_between(strips, columns, len(columns)):
            total.add(tiles.sum(operands, run, work))
    return total.portion()


class _OperandsOfTwo:
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
