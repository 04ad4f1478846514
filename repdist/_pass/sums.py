"""One pass over tiles of the kernel matrix: all that any later step needs of the data.

The matrix is never formed. A tile has at most 1024 x 1024 entries, near the cache, or 8192 x 8192
on an accelerator: one matrix product, the kernel in place, then its sums. Only tiles on and above
the diagonal are computed. Tile edges depend on the shape of the data alone and partial sums are
added in float64 in the order of the tiles, so the result is the same to the bit for any number of
threads.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

from repdist import _arrays
from repdist._blocks import Block, Layout
from repdist._pass import in_threads, on_dask
from repdist._pass.geometry import Between, Strip, by_group, cut, joined
from repdist._pass.portions import Portion, Total
from repdist._pass.tiles import TilePass
from repdist._threads import Workers
from repdist._typing import Array
from repdist.kernels._plan import Plan


def kernel_blocks(  # noqa: PLR0913 (what a pass is made of)
    plan: Plan,
    Z: Array,
    layout: Layout,
    workers: Workers,
    *,
    squares: bool = False,
    between: Between = None,
) -> Iterator[Block]:
    """Pass once over the kernel matrix of Z and yield its sums, block by block.

    First the blocks within the groups 0, 1, ..., then those between every two of them, the first
    the one that lies first, in an order that the layout gives. To be used inside `one_blas_thread`.

    Parameters
    ----------
    plan : Plan
        Of the fitted kernel.
    Z : (N, d)
        The rows, group by group and unit by unit; dask arrays are computed on their cluster.
    layout : Layout
        How the rows lie in units. If ties between relabelings matter, distances come from
        differences of rows, not from matrix products, unless there are very many columns.
    workers : Workers
        Threads, for NumPy. Torch tensors are computed on their own device, tile after tile.
    squares : bool
        Whether to sum squared values as well; they are 0 otherwise.
    between : sequence of (int, int), optional
        The pairs of groups, the first first, between which sums are wanted. Default: all.

    Notes
    -----
    Small samples, and kernels whose values have no bound, are computed in float64.

    ``O(N^2 d)`` time. Memory above Z: two copies of it (none if it lies in a file), a few tiles for
    each thread, and the block in work.
    """
    tiles, Z = TilePass.over(plan, Z, ties_matter=layout.ties_matter, squares=squares)
    centre = _arrays.centre_row(Z)
    plan.check_rows(Z, centre)
    groups = by_group(cut(layout.unit_rows, layout.unit_group, tiles.edge))
    where = on_dask if _arrays.is_lazy(Z) else in_threads
    portions = where.portions(tiles, Z, centre, groups, workers, between)
    epsilon = max(_arrays.machine_epsilon(Z), plan.epsilon)
    yield from _blocks_of(plan, list(map(joined, groups)), portions, epsilon)


def _blocks_of(
    plan: Plan, groups: list[Strip], portions: Iterable[Portion], epsilon: float
) -> Iterator[Block]:
    """Add portions that come block by block; yield each block when its last one has come."""
    for (g, h), parts in groupby(portions, key=lambda part: (part.row.group, part.column.group)):
        total = Total(groups[g], groups[h], len(plan.weights))
        for part in parts:
            total.add(part)
        yield total.finish(epsilon, plan.powers)
