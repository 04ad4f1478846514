"""Pairs of groups whose rows are independent: all from one pass over these."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from repdist import _arrays
from repdist._blocks import Block
from repdist._designs.table_cuts import Pairs, Streams, TableCuts
from repdist._designs.units import row_order
from repdist._inference.pairs import Comparison, Nulls, Watcher, compare_pairs
from repdist._options import Options
from repdist._pass.sums import kernel_blocks
from repdist._questions.memory import check_memory
from repdist._typing import Array
from repdist.kernels._plan import Plan


@dataclass(frozen=True)
class ComparedRows:
    """What one pass made of groups.

    Attributes
    ----------
    comparison : Comparison
    Z : (N, d)
        All rows, group by group, each in its order.
    orders : list of (n_g,)
        The order in which the rows of each group were cut.
    """

    comparison: Comparison
    Z: Array
    orders: list[npt.NDArray[np.intp]]


def compare_rows(  # noqa: PLR0913 (what a comparison is made of)
    how: Plan,
    arrays: list[Array],
    options: Options,
    streams: Streams,
    pairs: Pairs,
    watch: Callable[[list[Block]], Watcher] | None = None,
    nulls: Nulls | None = None,
) -> ComparedRows:
    """Pass once over all groups, and test pairs of them: some, or all for None.

    With `nulls` the pass gives estimates alone.
    """
    sizes = list(map(len, arrays))
    cuts = TableCuts.of(sizes, options.n_bins, options.n_resamples, streams, pairs)
    check_memory([len(edges) - 1 for edges in cuts.edges], how)
    orders = [row_order(n, streams.group(g, "order")) for g, n in enumerate(sizes)]
    Z = _arrays.concatenate(arrays, orders)
    blocks = kernel_blocks(
        how, Z, cuts.layout, options.workers, squares=options.squares, between=pairs
    )
    rules = options.combine, options.estimator
    comparison = compare_pairs(
        blocks, cuts, np.array(how.weights), rules, options.workers.n_jobs, watch, nulls
    )
    return ComparedRows(comparison, Z, orders)
