"""The pass in this process: runs of tiles, shared out among threads."""

import itertools
import threading
from collections.abc import Iterable

from repdist import _arrays
from repdist._arrays import Workspace
from repdist._pass.bundles import Bundle, Bundles, bundled, sum_pairs
from repdist._pass.geometry import Between, Strip, Tiles, pairs_of_groups, tiles_between
from repdist._pass.portions import Portion
from repdist._pass.tiles import OperandsOfRows, TilePass
from repdist._threads import Workers, in_order, with_progress
from repdist._typing import Array

_PORTIONS = 128  # tiles are handed out in about this many runs


def portions(  # noqa: PLR0913 (what a pass is made of)
    tiles: TilePass,
    Z: Array,
    centre: Array,
    groups: list[list[Strip]],
    workers: Workers,
    between: Between,
) -> Iterable[Portion]:
    """Return the sums of all runs of tiles, block by block: those within groups first."""
    operands = OperandsOfRows(tiles.plan, Z, centre, tiles.differences)
    own = threading.local()

    def portions_of(task: Tiles | Bundles) -> list[Portion]:
        if not hasattr(own, "work"):
            own.work = tiles.workspace(operands.left(slice(0, 1)))
        work: Workspace = own.work
        with _arrays.plain_arithmetic(Z):
            if isinstance(task, Bundles):
                return sum_pairs(tiles, operands, task, work)
            return [tiles.sum(operands, task, work)]

    together = tiles.differences and not _arrays.is_torch(Z) and between is None
    bundles = bundled(groups, tiles.edge) if together else []
    tasks = _tasks(groups, bundles, between)
    results = in_order(portions_of, tasks, _arrays.threads_for(Z, workers.n_jobs))
    return itertools.chain.from_iterable(with_progress(results, len(tasks), workers.progress))


def _tasks(
    groups: list[list[Strip]], bundles: list[Bundle], between: Between
) -> list[Tiles | Bundles]:
    """Return the runs of tiles of every block, block by block, then the pairs of bundles."""
    count = sum(map(len, groups))
    size = max(1, count * (count + 1) // 2 // _PORTIONS)
    small = {strips[0].group for bundle in bundles for strips in bundle.groups}
    tasks: list[Tiles | Bundles] = []
    for first, second in pairs_of_groups(groups, between):
        if first is second or not {first[0].group, second[0].group} <= small:
            tasks += tiles_between(first, second, size)
    pairs = itertools.combinations_with_replacement(bundles, 2)
    return tasks + [Bundles(*pair) for pair in pairs]
