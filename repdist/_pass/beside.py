"""Kernel values of paired rows: row i of the first half with row i of the second."""

import numpy as np

from repdist import _arrays
from repdist._blocks import Layout
from repdist._pass.tiles import OperandsOfRows, TilePass
from repdist._typing import Array, Float64
from repdist.kernels._plan import Plan

_ROWS = 64  # of a tile of which the diagonal is taken


def values_beside(plan: Plan, Z: Array, layout: Layout) -> Float64:
    """Return ``k(z_i, z_{n + i})`` of each component for the 2 n rows of Z, (R, n), in float64.

    As precise as the sums of `kernel_blocks` over the same layout. ``O(64 n d)`` time.
    """
    tiles, Z = TilePass.over(plan, Z, ties_matter=layout.ties_matter, squares=False)
    centre = _arrays.centre_row(Z)
    operands = OperandsOfRows(plan, Z, centre, tiles.differences)
    n = len(Z) // 2
    work = tiles.workspace(operands.left(slice(0, 1)))
    found = np.empty((tiles.n_components, n))
    with _arrays.plain_arithmetic(Z):
        for start in range(0, n, min(_ROWS, tiles.edge)):
            stop = min(start + min(_ROWS, tiles.edge), n)
            left = operands.left(slice(start, stop))
            right = operands.right(slice(n + start, n + stop))
            for r, K in plan.components(left, right, False, work):
                own = _arrays.taken_diagonal(K)
                found[r, start:stop] = _arrays.to_numpy(own)
                _arrays.put_diagonal(K, own)  # the next component may be the square of this one
    return found
