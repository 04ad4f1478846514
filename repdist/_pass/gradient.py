"""Sums that autograd goes back through, for MMD^2 of torch tensors."""

import numpy as np

from repdist import _arrays
from repdist._arrays import Workspace
from repdist._pass.geometry import cut, tile_edge
from repdist._typing import Array
from repdist.kernels._plan import Plan

_GRADIENT_EDGE = 4096  # at most, where autograd holds some twenty tiles
_KEPT_ROWS = 8192  # up to which autograd may keep every tile: some GB


def differentiable_totals(
    plan: Plan, Z: Array, sizes: tuple[int, int]
) -> tuple[Array, Array, Array, Array]:
    """Return sums over (first, first), (first, second), (second, second) and the diagonals.

    Parameters
    ----------
    plan : Plan
        Of the fitted kernel.
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
    if not plan.bounded:
        Z = _arrays.cast(Z, _arrays.wide(Z))
    strips = cut(np.array(sizes), np.array([0, 1]), min(tile_edge(Z), _GRADIENT_EDGE))
    centre = _arrays.centre_row(Z)
    plan.check_rows(Z, centre)
    left, right = plan.operands(Z, centre, differences=False)
    tile = _arrays.recomputed(_tile_totals) if len(Z) > _KEPT_ROWS else _tile_totals
    xp = _arrays.namespace(Z)
    n_components = len(plan.weights)
    zero = xp.zeros(n_components, dtype=_arrays.wide(Z), device=Z.device)
    within, across, diagonal = [zero, zero], zero, [zero, zero]
    for i, P in enumerate(strips):
        for Q in strips[i:]:
            total, own = tile(plan, left[P.rows], right[Q.rows], P is Q)
            if P.group != Q.group:
                across = across + total
                continue
            within[P.group] = within[P.group] + (total if P is Q else 2 * total)
            if P is Q:
                diagonal[P.group] = diagonal[P.group] + own
    return within[0], across, within[1], xp.stack(diagonal, 1)


def _tile_totals(plan: Plan, left: Array, right: Array, same: bool) -> tuple[Array, Array]:
    """Return each component's sum over a tile without its diagonal, and over the diagonal."""
    xp = _arrays.namespace(left)
    work = Workspace(left, 0, reuse=False)
    wide = _arrays.wide(left)
    totals: list[Array] = [None] * len(plan.weights)
    own: list[Array] = [xp.zeros((), dtype=wide, device=left.device)] * len(totals)
    with _arrays.full_precision(left):  # here, for autograd runs it again
        for r, K in plan.components(left, right, same, work):
            if same:
                own[r] = xp.diagonal(K).sum(dtype=wide)
                K = _arrays.with_zero_diagonal(K, in_place=False)
            totals[r] = K.sum(dtype=wide)
    return xp.stack(totals), xp.stack(own)
