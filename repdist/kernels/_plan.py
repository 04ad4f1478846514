"""What a pass over rows asks of a kernel: a plan, made from the fitted kernel.

Kernels of users are evaluated as they are. A kernel of this folder has a plan that shares work
between its components; it registers with `plan` what makes it.
"""

import abc
import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from repdist import _arrays
from repdist._arrays import Workspace
from repdist._typing import Array, Float64
from repdist.kernels._kernel import Kernel, checked_values
from repdist.kernels._tile_distances import by_columns, from_product, product_form

Check = Callable[[Array, Array], None]  # of all rows and their centre


def any_rows(_rows: Array, _centre: Array) -> None:
    """Let all rows pass."""


@dataclass(frozen=True)
class Plan(abc.ABC):
    """How a fitted kernel is computed, tile by tile.

    Attributes
    ----------
    bandwidths, weights : (R,)
        Of each component: NaN if it has no bandwidth; its share in the kernel.
    bounded : bool
        Values are from 0 to 1: float32 is then accurate enough.
    epsilon : float
        Relative rounding that values carry beside that of the dtype they are computed in.
    check_rows : function
        Raises if the rows, all of them, do not suit the kernel.
    """

    bandwidths: tuple[float, ...] = (math.nan,)
    weights: tuple[float, ...] = (1.0,)
    bounded: bool = False
    epsilon: float = 0.0
    check_rows: Check = any_rows

    @property
    def powers(self) -> Float64 | None:
        """For components that are powers of the first one yielded: the exponents, (R,)."""
        return None

    @abc.abstractmethod
    def operands(self, Z: Array, centre: Array, *, differences: bool) -> tuple[Array, Array]:
        """Return what tiles are computed from, row by row: a left and a right array.

        `centre` (d,) is taken off the rows if that changes no MMD; with `differences`, distances
        are computed from differences of rows.
        """

    @abc.abstractmethod
    def components(
        self, left: Array, right: Array, same: bool, work: Workspace
    ) -> Iterator[tuple[int, Array]]:
        """Yield (component number, matrix); a matrix holds until the next one is asked for.

        `same` says that the tile lies on the diagonal: left and right are the same rows.
        """

    def values(self, X: Array, Y: Array) -> Array:
        """Return the weighted sum of the components for rows X (n, d) and Y (m, d), (n, m)."""
        work = Workspace(X, 0, reuse=False)
        centre = _arrays.centre_row(X)
        for rows in (X, Y):
            self.check_rows(rows, centre)
        left, _ = self.operands(X, centre, differences=False)
        _, right = self.operands(Y, centre, differences=False)
        return sum(self.weights[r] * K for r, K in self.components(left, right, X is Y, work))


@functools.singledispatch
def plan(kernel: Kernel) -> Plan:
    """Return how a fitted kernel is computed."""
    return Evaluated(kernel=kernel)


@dataclass(frozen=True, kw_only=True)
class Evaluated(Plan):
    """A kernel that is computed by its own `evaluate`, which may be a user's code."""

    kernel: Kernel

    def operands(
        self,
        Z: Array,
        centre: Array,
        *,
        differences: bool,  # noqa: ARG002 (values are not made of distances)
    ) -> tuple[Array, Array]:
        moved = _arrays.shifted_and_scaled(Z, centre, 1.0) if self.kernel.shift_invariant else Z
        return moved, moved

    def components(
        self,
        left: Array,
        right: Array,
        same: bool,
        work: Workspace,  # noqa: ARG002 (the kernel makes its own arrays)
    ) -> Iterator[tuple[int, Array]]:
        K = checked_values(self.kernel, _arrays.protected(left), _arrays.protected(right))
        if same and not _arrays.is_symmetric(K):
            raise ValueError(
                f"`{type(self.kernel).__name__}.evaluate` must be symmetric; got other values for "
                "k(x, y) than for k(y, x). Use `(k(x, y) + k(y, x)) / 2`."
            )
        yield 0, _arrays.fresh(K, left.dtype)


@dataclass(frozen=True, kw_only=True)
class OfDistance(Plan):
    """A function of ``||x - y||^2 * scale^2``, computed from one matrix product a tile.

    Attributes
    ----------
    scale : float
        What the rows are multiplied by before distances are taken.
    profile : function
        Of the scaled squared distances, which it may overwrite, and a workspace.
    """

    scale: float
    profile: Callable[[Array, Workspace], Array]

    def operands(self, Z: Array, centre: Array, *, differences: bool) -> tuple[Array, Array]:
        return (Z, Z) if differences else scaled_product_form(self, Z, centre, self.scale)

    def components(
        self, left: Array, right: Array, same: bool, work: Workspace
    ) -> Iterator[tuple[int, Array]]:
        if work.differences:
            D = by_columns(left, right, "square", work)
            D = _arrays.namespace(D).multiply(D, self.scale**2, out=D if work.reuse else None)
        else:
            D = from_product(left, right, same, work)
        yield 0, self.profile(D, work)


def scaled_product_form(plan: Plan, Z: Array, centre: Array, scale: float) -> tuple[Array, Array]:
    """Return rows, centred and scaled, so that their products are squared distances."""
    with np.errstate(over="ignore", invalid="ignore"):  # found below
        left, right = product_form(_arrays.shifted_and_scaled(Z, centre, scale))
    if not bool(_arrays.namespace(right).isfinite(right).all()):
        raise ValueError(
            f"`kernel` must have bandwidths that its data allow in {Z.dtype}; got "
            f"{min(plan.bandwidths):.3g}, too far below the spread of the rows. Use larger ones."
        )
    return left, right
