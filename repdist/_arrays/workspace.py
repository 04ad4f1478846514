"""Buffers for tiles, and what is done to a tile in place."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

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
        return self._keep((count, size), lambda: self._indicator((size,) * count))

    def indicator_of(self, sizes: tuple[int, ...]) -> Array:
        """Return the (rows, groups) 0/1 matrix of groups of these sizes."""
        return self._keep(sizes, lambda: self._indicator(sizes))

    def sum_runs(self, K: Array, sizes: tuple[int, ...], out: Array) -> None:
        """Add up runs of so many rows of K (n, m) into `out`, (runs, m)."""
        xp = namespace(K)
        if xp is np:
            np.add.reduceat(K, np.cumsum((0, *sizes[:-1])), axis=0, out=out)
        else:
            xp.matmul(self.indicator_of(sizes).T, K, out=out)

    def _indicator(self, sizes: tuple[int, ...]) -> Array:
        W = self._zeros(sum(sizes) * len(sizes)).reshape(sum(sizes), len(sizes))
        start = 0
        for group, size in enumerate(sizes):
            W[start : start + size, group] = 1
            start += size
        return W

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
