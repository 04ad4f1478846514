"""The noise floor of a group: what two samples of it show by chance."""

from typing import Any

import numpy as np

from repdist import _arrays
from repdist._designs.clusters import ClusterOrder, layout_of_clusters
from repdist._designs.table_cuts import Streams
from repdist._designs.units import row_order
from repdist._inference.cluster_sums import ClusterMeans
from repdist._inference.floor import floor_rate
from repdist._pass.sums import kernel_blocks
from repdist._questions.pairwise_designs import TableDesign
from repdist._threads import Workers, in_order
from repdist._typing import Array, Float64
from repdist.kernels._bandwidths import spread_rows
from repdist.kernels._plan import Plan

_MOST = 500  # rows, or clusters, that are halved


def floor_rates(how: Plan, table: TableDesign, streams: Streams, n_jobs: int) -> Float64:
    """Return the noise floor of each group by its rows or clusters; of pairs none."""
    arrays = table.given.arrays

    def rate(g: int) -> float:
        clusters, strata = table.codes("clusters", g), table.codes("strata", g)
        return floor_of_group(how, arrays[g], clusters, strata, streams.group(g, "floor"))

    if table.paired:
        rates = np.full(len(arrays), np.nan)
    else:
        threads = _arrays.threads_for(arrays[0], n_jobs)
        rates = np.array(list(in_order(rate, range(len(arrays)), threads)))
    rates.setflags(write=False)
    return rates


def floor_of_group(
    how: Plan, rows: Array, clusters: Any, strata: Any, rng: np.random.Generator
) -> float:
    """Return the noise floor for samples of n and m rows, or clusters, over ``1 / n + 1 / m``.

    `clusters` and `strata` are the numbers of those of each row, (n,), or None. Halves are made of
    whole clusters, and inside strata.
    """
    if clusters is None:
        some = spread_rows(rows, _MOST)
        K = _between_rows(how, rows, some)
        return floor_rate(K, rng, strata if strata is None or some is None else strata[some])
    chosen = np.unique(clusters)
    if len(chosen) > _MOST:
        chosen = chosen[row_order(len(chosen), rng)[:_MOST]]
    mine = np.flatnonzero(np.isin(clusters, chosen))
    K = _between_clusters(how, rows, mine, clusters[mine], chosen)
    if strata is None:
        return floor_rate(K, rng)
    place = np.zeros(int(clusters.max()) + 1, dtype=np.intp)
    place[clusters] = strata
    return floor_rate(K, rng, place[chosen])


def _between_rows(how: Plan, array: Array, some: Any) -> Float64:
    """Return the weighted kernel between some rows."""
    rows = _arrays.in_memory(_arrays.take_rows(array, some))
    rows = _arrays.to_numpy(rows) if _arrays.is_lazy(rows) else rows
    if not how.bounded:
        rows = _arrays.cast(rows, _arrays.wide(rows))
    with _arrays.plain_arithmetic(rows):
        K = _arrays.to_numpy(how.values(rows, rows))
    return np.asarray(K, dtype=np.float64)


def _between_clusters(how: Plan, array: Array, rows: Any, codes: Any, chosen: Any) -> Float64:
    """Return the means of the weighted kernel between these clusters, (C, C)."""
    order = ClusterOrder.of(codes, chosen)
    group = np.zeros(len(chosen), dtype=np.intp)
    layout = layout_of_clusters(order.sizes, group, len(chosen) // 2)
    Z = _arrays.take_rows(array, rows[order.rows])
    (block,) = kernel_blocks(how, Z, layout, Workers(1))
    weights = np.array(how.weights)
    return np.tensordot(weights, ClusterMeans(order.sizes, group, weights).of(block).sums, 1)
