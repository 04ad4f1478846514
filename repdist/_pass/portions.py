"""From portions to blocks: sums over parts of a block, added in their order."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from repdist._blocks import Block
from repdist._pass.geometry import Strip
from repdist._typing import Float64

_MOST = 1e140  # of a kernel value: its square is summed


@dataclass(frozen=True)
class Portion:
    """The sums over a part of a block: the rows of one strip against those of another."""

    row: Strip
    column: Strip
    sums: Float64  # (R, units of the row strip, units of the column strip)
    diagonal: Float64  # (R, units of the row strip), 0 without the diagonal tile
    rows: Float64  # (rows of the row strip,), over the column strip
    columns: Float64  # (rows of the column strip,), over the row strip
    squares: Float64  # (R,)
    magnitude: Float64  # (R,)

    def halved(self) -> "Portion":
        """Return half of the sums over pairs of different rows."""
        halves = {name: getattr(self, name) / 2 for name in ("sums", "rows", "columns", "squares")}
        return dataclasses.replace(self, **halves)


class Total:
    """Adds the portions of one block, or of a part of it, in their order."""

    def __init__(self, row: Strip, column: Strip, n_components: int) -> None:
        self._row, self._column = row, column
        self._sums = np.zeros((n_components, row.count, column.count))
        self._diagonal = np.zeros((n_components, row.count))
        self._rows = np.zeros(row.stop - row.start)
        self._columns = np.zeros(column.stop - column.start)
        self._squares, self._magnitude = np.zeros(n_components), np.zeros(n_components)

    def add(self, part: Portion) -> None:
        row, column = self._row, self._column
        units = slice(part.row.unit - row.unit, part.row.units.stop - row.unit)
        others = slice(part.column.unit - column.unit, part.column.units.stop - column.unit)
        self._sums[:, units, others] += part.sums
        self._diagonal[:, units] += part.diagonal
        self._rows[part.row.start - row.start : part.row.stop - row.start] += part.rows
        over = slice(part.column.start - column.start, part.column.stop - column.start)
        self._columns[over] += part.columns
        self._squares += part.squares
        self._magnitude = np.maximum(self._magnitude, part.magnitude)

    def portion(self) -> Portion:
        """Return what has been added as a portion of a larger total."""
        return Portion(
            self._row,
            self._column,
            self._sums,
            self._diagonal,
            self._rows,
            self._columns,
            self._squares,
            self._magnitude,
        )

    def finish(self, epsilon: float, powers: Float64 | None) -> Block:
        finite = np.isfinite(self._sums).all() and np.isfinite(self._diagonal).all()
        if not finite or self._magnitude.max() > _MOST:
            got = f"values of up to {self._magnitude.max():.3g}" if finite else "NaN or infinity"
            raise ValueError(
                f"`kernel` must give finite values of at most {_MOST:g} in size on these data; got "
                f"{got}. Scale the features, e.g. to unit standard deviation."
            )
        sums, rows, columns, squares = self._sums, self._rows, self._columns, self._squares
        pair = self._row.group, self._column.group
        if pair[0] == pair[1]:  # only one triangle was summed
            sums = sums + sums.transpose(0, 2, 1)
            rows = columns = rows + columns
            squares = 2 * squares
        magnitude = self._magnitude if powers is None else self._magnitude.max() ** powers
        return Block(*pair, sums, self._diagonal, rows, columns, squares, magnitude, epsilon)
