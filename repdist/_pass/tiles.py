"""The sums of one tile: a matrix product, the kernel in place, then its sums.

Rows that tiles are computed from are operands: in memory, or read from a file strip by strip.
"""

import functools
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from repdist import _arrays
from repdist._arrays import Workspace
from repdist._pass.geometry import Strip, Tiles, joined, tile_edge
from repdist._pass.portions import Portion, Total
from repdist._typing import Array, Float64
from repdist.kernels import _gaussian_compiled
from repdist.kernels._gaussian import Gaussians
from repdist.kernels._plan import Plan

MOST_COLUMNS = 2048  # up to which differences of rows are affordable


class Operands(Protocol):
    """The left and the right operands of some rows, for tiles."""

    def left(self, rows: slice) -> Array: ...

    def right(self, rows: slice) -> Array: ...


class OperandsOfRows:
    """What tiles are computed from: arrays in memory, or strips made of rows read from a file."""

    def __init__(self, plan: Plan, Z: Array, centre: Array, differences: bool) -> None:
        self._make = functools.partial(plan.operands, centre=centre, differences=differences)
        self._in_strips = _arrays.in_file(Z) and plan.bounded
        self._Z = Z
        if not self._in_strips:
            self._left, self._right = self._make(_arrays.in_memory(Z))

    def left(self, rows: slice) -> Array:
        return self._read(rows)[0] if self._in_strips else self._left[rows]

    def right(self, rows: slice) -> Array:
        return self._read(rows)[1] if self._in_strips else self._right[rows]

    def _read(self, rows: slice) -> tuple[Array, Array]:
        return self._make(_arrays.in_memory(self._Z[rows]))


@dataclass(frozen=True)
class TilePass:
    """What all tiles of one pass share.

    Attributes
    ----------
    plan : Plan
        Of the fitted kernel.
    edge : int
        The most rows of a tile.
    differences : bool
        Whether distances come from differences of rows, not from products.
    squares : bool
        Whether squared values are summed too.
    n_rows : int
        Of all rows: a compiled loop does the work of a tile if they are many.
    """

    plan: Plan
    edge: int
    differences: bool
    squares: bool
    n_rows: int

    @classmethod
    def over(
        cls, plan: Plan, Z: Array, *, ties_matter: bool, squares: bool
    ) -> tuple["TilePass", Array]:
        """Return the pass over all rows Z, and these in the dtype that it computes in."""
        if ties_matter or not plan.bounded:
            Z = _arrays.cast(Z, _arrays.wide(Z))
        differences = ties_matter and Z.shape[1] <= MOST_COLUMNS
        return cls(plan, tile_edge(Z), differences, squares, len(Z)), Z

    @property
    def n_components(self) -> int:
        """Of the kernel."""
        return len(self.plan.weights)

    def workspace(self, like: Array) -> Workspace:
        """Return buffers for one worker, for operands `like` these."""
        return Workspace(like, self.edge, reuse=True, differences=self.differences)

    def sum(self, operands: Operands, tiles: Tiles, work: Workspace) -> Portion:
        """Sum a run of tiles."""
        P = tiles.row
        total = Total(P, joined(tiles.columns), self.n_components)
        left = operands.left(P.rows)
        compiles = self._compiles(left) and not P.sizes
        tile_sums = self._compiled_sums if compiles else self._tile_sums
        for Q in tiles.columns:
            part = tile_sums(left, operands.right(Q.rows), P, Q, work)
            # The other triangle of a diagonal tile is added when the block is finished.
            total.add(part.halved() if P is Q else part)
        return total.portion()

    def _compiles(self, left: Array) -> bool:
        plain = not _arrays.is_torch(left) and left.dtype == np.float32
        gaussian = plain and isinstance(self.plan, Gaussians)
        return gaussian and _gaussian_compiled.is_worth(self.n_rows)

    def _tile_sums(self, left: Array, right: Array, P: Strip, Q: Strip, work: Workspace) -> Portion:
        """Sum one tile: over units for every component, over rows for the weighted kernel."""
        xp, plan = _arrays.namespace(left), self.plan
        n, m, same = len(left), len(right), P is Q
        R = self.n_components
        diagonal = np.zeros((R, P.count))
        squares, magnitude = np.zeros(R), np.zeros(R)
        half = work.stack("half", R, P.count, m)  # (R, units, m)
        rows = work.stack("rows", R, n)
        ones = work.indicator(1, m)[:, 0]
        powers_follow = False
        for r, K in plan.components(left, right, same, work):
            if same:
                own = _arrays.taken_diagonal(K)
                diagonal[r] = _over_units(_arrays.to_numpy(own).astype(np.float64), P)
            if P.sizes:
                work.sum_runs(K, P.sizes, out=half[r])
            else:
                xp.sum(K.reshape(P.count, n // P.count, m), 1, out=half[r])
            xp.matmul(K, ones, out=rows[r])
            if self.squares:
                flat = K.reshape(-1)
                squares[r] = float(xp.dot(flat, flat))
            if not powers_follow:
                magnitude[r] = float(K.max())
                if not plan.bounded:
                    magnitude[r] = max(magnitude[r], -float(K.min()))
                powers_follow = plan.powers is not None
            if same:
                _arrays.put_diagonal(K, own)
        sums = half.reshape(-1, m) @ _indicator(Q, work)
        sums = _arrays.to_numpy(sums).reshape(R, P.count, Q.count)
        row_sums = np.tensordot(plan.weights, _arrays.to_numpy(rows), 1)
        column_sums = np.tensordot(plan.weights, _arrays.to_numpy(half.sum(1)), 1)
        return Portion(P, Q, sums, diagonal, row_sums, column_sums, squares, magnitude)

    def _compiled_sums(
        self, left: Array, right: Array, P: Strip, Q: Strip, work: Workspace
    ) -> Portion:
        """Do what `_tile_sums` does, for Gaussians of float32 rows, in one pass over exponents."""
        plan = self.plan
        assert isinstance(plan, Gaussians)
        n, m, same = len(left), len(right), P is Q
        R = self.n_components
        exponents = plan.exponents(left, right, same, work)
        if same:
            exponents.reshape(-1)[:: n + 1] = -np.inf  # a value of 0, in place of k(x, x) = 1
        half = np.zeros((R, P.count, m), np.float32)
        rows = np.empty(n, np.float32)
        squares = np.zeros(R if self.squares else 0, np.float32)
        magnitude = np.zeros(R)
        magnitude[-1] = _gaussian_compiled.compiled_component_sums()(
            exponents,
            plan.powers.astype(np.float32),
            np.array(plan.squarings),
            np.array(plan.weights, dtype=np.float32),
            half,
            rows,
            squares,
        )
        sums = half.reshape(-1, m) @ _indicator(Q, work)
        return Portion(
            P,
            Q,
            sums.reshape(R, P.count, Q.count),
            np.full((R, P.count), float(n // P.count) if same else 0.0),
            rows.astype(np.float64),
            np.tensordot(plan.weights, half.sum(1), 1),
            squares.astype(np.float64) if self.squares else np.zeros(R),
            magnitude,
        )


def _indicator(Q: Strip, work: Workspace) -> Array:
    """Return the 0/1 matrix (rows of Q, its units)."""
    if Q.sizes:
        return work.indicator_of(Q.sizes)
    return work.indicator(Q.count, (Q.stop - Q.start) // Q.count)


def _over_units(values: Float64, P: Strip) -> Float64:
    """Return the sums of values, one for each row of P, over its units."""
    if P.sizes:
        return np.asarray(np.add.reduceat(values, P.unit_starts))
    return np.asarray(values.reshape(P.count, -1).sum(axis=1))
