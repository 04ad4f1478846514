"""Many small groups in one tile: a run of whole groups against another one."""

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from repdist._arrays import Workspace
from repdist._pass.geometry import Strip, joined
from repdist._pass.portions import Portion
from repdist._pass.tiles import Operands, TilePass
from repdist._typing import Float64

_ROWS = 512  # of a bundle at most: its tiles' sums over single rows are as large as the tiles


@dataclass(frozen=True)
class Bundle:
    """Whole groups that follow each other, each with its strips."""

    groups: list[list[Strip]]

    @property
    def rows(self) -> slice:
        """All rows."""
        return slice(self.groups[0][0].start, self.groups[-1][-1].stop)

    @property
    def group_starts(self) -> list[int]:
        """Where groups start among these rows."""
        return [strips[0].start - self.rows.start for strips in self.groups]

    @property
    def unit_starts(self) -> npt.NDArray[np.intp]:
        """Where units start among these rows."""
        rows = [strip.start + strip.unit_starts for strip in itertools.chain(*self.groups)]
        return np.asarray(np.concatenate(rows) - self.rows.start)

    @property
    def spans(self) -> list[Strip]:
        """Each group as one strip."""
        return [joined(strips) for strips in self.groups]


@dataclass(frozen=True)
class Bundles:
    """Two bundles, or one and itself: a tile for every pair of their groups."""

    rows: Bundle
    columns: Bundle


def bundled(groups: list[list[Strip]], edge: int) -> list[Bundle]:
    """Return the groups that fill half a tile at most in bundles, as they follow each other."""
    most = min(_ROWS, edge)
    bundles: list[list[list[Strip]]] = []
    last = -1  # group
    for strips in groups:
        span = joined(strips)
        if span.stop - span.start > most // 2:
            continue
        fits = bundles and span.stop - bundles[-1][0][0].start <= most
        if not fits or span.group != last + 1:
            bundles.append([])
        bundles[-1].append(strips)
        last = span.group
    return [Bundle(bundle) for bundle in bundles]


def sum_pairs(tiles: TilePass, operands: Operands, task: Bundles, work: Workspace) -> list[Portion]:
    """Return the sums between every two groups of two bundles, each pair of groups once."""
    P, Q = task.rows, task.columns
    rows, columns = (np.array(bundle.group_starts) for bundle in (P, Q))
    units, others = P.unit_starts, Q.unit_starts
    plan, R = tiles.plan, tiles.n_components
    left, right = operands.left(P.rows), operands.right(Q.rows)
    sums = np.empty((R, len(units), len(others)))
    squares = np.zeros((R, len(rows), len(columns)))
    magnitude = np.zeros_like(squares)
    weighted = np.zeros((len(left), len(right)))
    powers_follow = False
    for r, K in plan.components(left, right, False, work):
        sums[r] = _reduced(K, units, others)
        weighted += plan.weights[r] * K
        if tiles.squares:
            squares[r] = _reduced(K * K, rows, columns)
        if not powers_follow:
            largest = np.maximum.reduceat(np.abs(K), rows, axis=0)
            magnitude[r] = np.maximum.reduceat(largest, columns, axis=1)
            powers_follow = plan.powers is not None
    by_row = np.add.reduceat(weighted, columns, axis=1)  # (rows, groups of Q)
    by_column = np.add.reduceat(weighted, rows, axis=0)  # (groups of P, rows)
    found = []
    for (i, p), (j, q) in itertools.product(enumerate(P.spans), enumerate(Q.spans)):
        if p.group < q.group:
            these = slice(p.unit - P.spans[0].unit, p.units.stop - P.spans[0].unit)
            those = slice(q.unit - Q.spans[0].unit, q.units.stop - Q.spans[0].unit)
            over = slice(p.start - P.rows.start, p.stop - P.rows.start)
            under = slice(q.start - Q.rows.start, q.stop - Q.rows.start)
            found.append(
                Portion(
                    p,
                    q,
                    sums[:, these, those],
                    np.zeros((R, p.count)),
                    by_row[over, j],
                    by_column[i, under],
                    squares[:, i, j],
                    magnitude[:, i, j],
                )
            )
    return found


def _reduced(K: Float64, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> Float64:
    """Return the sums of K between runs of rows and columns that start there."""
    if len(rows) < len(K):
        K = np.add.reduceat(K, rows, axis=0)
    return K if len(columns) == K.shape[1] else np.asarray(np.add.reduceat(K, columns, axis=1))
