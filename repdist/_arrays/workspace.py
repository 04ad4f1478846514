"""Buffers for tiles, and what is done to a tile in place."""

import math
from collections.abc import Callable
from typing import Any

from repdist._arrays.libraries import detach, machine_epsilon, namespace
from repdist._typing import Array


class Workspace:
    """Buffers that one worker reuses from tile to tile, for tiles of at most edge x edge.

    `buffer(name, rows, columns)` is what functions are given as `out=`. Without `reuse` it is
    None, so that each step makes a new array, which autograd may keep.

    With `differences`, distances come from differences of rows, not from products.
    """

    def __init__(self, like: Array, edge: int, *, reuse: bool, differences: bool = False) -> None:
        self.reuse, self.differences = reuse, differences
        self._like, self._edge = like, edge
        self._kept: dict[Any, Array] = {}

    def buffer(self, name: str, rows: int, columns: int) -> Array | None:
        if not self.reuse:
            return None
        flat = self._keep(name, lambda: self._zeros(self._edge**2))
        return flat[: rows * columns].reshape(rows, columns)

    def stack(self, name: str, *shape: int) -> Array:
        """Return an array of this shape to write into, with anything in it."""
        size = math.prod(shape)
        flat = self._keep((name, size), lambda: self._zeros(size))
        return flat.reshape(shape)

    def zeros(self, rows: int, columns: int) -> Array:
        """Return zeros to compare with (a full array: NumPy is slow against a scalar)."""
        if self.reuse:
            return self.buffer("zeros", rows, columns)
        return self._zeros(rows * columns).reshape(rows, columns)

    def indicator(self, count: int, size: int) -> Array:
        """Return the (count * size, count) 0/1 matrix of `count` groups of `size` rows."""

        def make() -> Array:
            W = self._zeros(count * size * count).reshape(count, size, count)
            for group in range(count):
                W[group, :, group] = 1
            return W.reshape(count * size, count)

        return self._keep((count, size), make)

    def _keep(self, key: Any, make: Callable[[], Array]) -> Array:
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def _zeros(self, size: int) -> Array:
        xp = namespace(self._like)
        return xp.zeros(size, dtype=self._like.dtype, device=self._like.device)


def with_zero_diagonal(K: Array, *, in_place: bool) -> Array:
    """Return a square matrix with its diagonal set to 0."""
    n = len(K)
    if in_place:
        K.reshape(-1)[:: n + 1] = 0
        return K
    xp = namespace(K)
    return xp.where(xp.eye(n, dtype=xp.bool, device=K.device), xp.zeros_like(K), K)


def taken_diagonal(K: Array) -> Array:
    """Return a copy of the diagonal of a square matrix, which is set to 0."""
    diagonal = K.reshape(-1)[:: len(K) + 1]
    own = diagonal + 0
    diagonal[:] = 0
    return own


def put_diagonal(K: Array, own: Array) -> None:
    """Put the diagonal of a square matrix back."""
    K.reshape(-1)[:: len(K) + 1] = own


def is_symmetric(K: Array) -> bool:
    """Tell whether a square matrix equals its transpose to rounding."""
    xp = namespace(K)
    K = detach(K)
    asymmetry = xp.absolute(K - K.T).max()
    return not bool(asymmetry > 1e3 * machine_epsilon(K) * xp.absolute(K).max())  # NaN passes


def square_root(D: Array, work: Workspace) -> Array:
    """Return the root of D >= 0, with gradient 0 (not infinity) where D is 0."""
    xp = namespace(D)
    if work.reuse:
        return xp.sqrt(D, out=D)
    positive = D > 0
    return xp.where(positive, xp.sqrt(xp.where(positive, D, xp.ones_like(D))), xp.zeros_like(D))
