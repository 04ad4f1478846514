"""The pass in this process: runs of tiles, shared out among threads."""

import threading
from collections.abc import Iterable

from repdist import _arrays
from repdist._arrays import Workspace
from repdist._pass.geometry import Strip, Tiles, pairs_of_groups, tiles_between
from repdist._pass.portions import Portion
from repdist._pass.tiles import OperandsOfRows, TilePass
from repdist._threads import Workers, in_order, with_progress
from repdist._typing import Array

_PORTIONS = 128  # tiles are handed out in about this many runs


def portions(
    tiles: TilePass, Z: Array, centre: Array, groups: list[list[Strip]], workers: Workers
) -> Iterable[Portion]:
    """Return the sums of all runs of tiles, in the order of the blocks."""
    operands = OperandsOfRows(tiles.plan, Z, centre, tiles.differences)
    own = threading.local()

    def portion(task: Tiles) -> Portion:
        if not hasattr(own, "work"):
            own.work = tiles.workspace(operands.left(slice(0, 1)))
        work: Workspace = own.work
        with _arrays.plain_arithmetic(Z):
            return tiles.sum(operands, task, work)

    tasks = _tasks(groups)
    results = in_order(portion, tasks, _arrays.threads_for(Z, workers.n_jobs))
    return with_progress(results, len(tasks), workers.progress)


def _tasks(groups: list[list[Strip]]) -> list[Tiles]:
    """Return the runs of tiles of every block, in the order of the blocks."""
    count = sum(map(len, groups))
    size = max(1, count * (count + 1) // 2 // _PORTIONS)
    return [tiles for pair in pairs_of_groups(groups) for tiles in tiles_between(*pair, size=size)]
