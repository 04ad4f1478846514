"""The hinge: sums of kernel values between units.

What comes before knows rows, what comes after does not.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from repdist._typing import Float64


@dataclass(frozen=True)
class Layout:
    """How the rows of a pass lie: group by group and unit by unit.

    Attributes
    ----------
    unit_rows, unit_group : (U,)
        How many rows each unit has, and to which group it belongs.
    ties_matter : bool
        Whether relabelings are so few that equal ones must count as ties.
    """

    unit_rows: npt.NDArray[np.intp]
    unit_group: npt.NDArray[np.intp]
    ties_matter: bool


def slices_of(sizes: npt.NDArray[np.intp]) -> list[slice]:
    """Return the places of parts of these sizes that follow each other."""
    ends = np.cumsum(sizes).tolist()
    return [slice(end - size, end) for end, size in zip(ends, sizes.tolist(), strict=True)]


@dataclass(frozen=True)
class Block:
    """Sums of kernel values between the rows of two groups, or within one group.

    Attributes
    ----------
    first, second : int
        The groups; equal for the block within a group.
    sums : (R, U_first, U_second)
        For each component, the sum over pairs of different rows, one in each unit.
    diagonal : (R, U_first)
        Within a group, the sum of k(x, x) over the rows of a unit.
    rows, columns : (n_first,) and (n_second,)
        For each row of one group, the sum of the weighted kernel over the other rows of the other.
    squares : (R,)
        The sum of squared values over the pairs that `sums` counts, if it was asked for.
    magnitude : (R,)
        The largest absolute value among them.
    epsilon : float
        Spacing at 1 of the dtype that the kernel was computed in.
    """

    first: int
    second: int
    sums: Float64
    diagonal: Float64
    rows: Float64
    columns: Float64
    squares: Float64
    magnitude: Float64
    epsilon: float


@dataclass(frozen=True)
class Sums:
    """The blocks of two samples, put together.

    Attributes
    ----------
    blocks : (R, U, U)
        Sums over pairs i != j with i in one unit and j in the other; the first sample's units come
        first.
    diagonal : (R, U)
        Sums of k(x, x) over the rows of a unit.
    first_rows, second_rows : (n, 2) and (m, 2)
        For each row, the sum of the weighted kernel over the other rows of its own sample, and
        over those of the other sample.
    squares, magnitude, epsilon
        As in `Block`, over all pairs i != j.
    """

    blocks: Float64
    diagonal: Float64
    first_rows: Float64
    second_rows: Float64
    squares: Float64
    magnitude: Float64
    epsilon: float

    @property
    def sizes(self) -> tuple[int, int]:
        """The rows of both samples."""
        return len(self.first_rows), len(self.second_rows)


def join(first: Block, second: Block, across: Block) -> Sums:
    """Put together the blocks within two groups and the block between them."""
    R, u, v = across.sums.shape
    blocks = np.empty((R, u + v, u + v))
    blocks[:, :u, :u], blocks[:, u:, u:] = first.sums, second.sums
    blocks[:, :u, u:], blocks[:, u:, :u] = across.sums, across.sums.transpose(0, 2, 1)
    return Sums(
        blocks,
        np.concatenate([first.diagonal, second.diagonal], axis=1),
        np.stack([first.rows, across.rows], axis=1),
        np.stack([second.rows, across.columns], axis=1),
        first.squares + second.squares + 2 * across.squares,
        np.maximum(np.maximum(first.magnitude, second.magnitude), across.magnitude),
        across.epsilon,
    )
