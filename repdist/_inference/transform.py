"""All swaps of a linear code at the price of one Walsh-Hadamard transform.

Units stand in pairs, and a swap pattern says which pairs change sides. A linear code of dimension k
has 2^k patterns: with columns g_i in F_2^k, pattern x swaps pair i if ``<x, g_i>`` is odd. A
quadratic form in the signs s_i of the pairs,

    ``sum_{i < j} C_ij s_i s_j + sum_i l_i s_i + constant``,

is a function on this group, and its values under all patterns are the transform of a vector V of
2^k sums: ``V[g_i xor g_j] += C_ij`` and ``V[g_i] += l_i``. V is the product of a sparse matrix,
which knows the shuffles alone, with whatever matrix S the form is made of.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from repdist._designs.relabelings import Places
from repdist._typing import Float64

_ENTRIES = 2**20  # entries of a sparse matrix
_KEPT = 2**21  # entries up to which the matrices are kept for the next S
_FEW = 256  # pairs up to which the places of a code are kept for the next shuffles
_INT32 = 2**31 - 1

Factors = Callable[[Places, Places], Float64]


@functools.lru_cache(maxsize=64)
def columns(pairs: int, k: int) -> Places:
    """Return the columns (pairs,) of a code of dimension k < pairs, as numbers below 2^k.

    The same for every test: which units stand in a pair is random. They have full rank, so that
    all patterns differ, no pattern swaps all pairs, and they repeat only if there are more pairs
    than numbers.
    """
    rng = np.random.default_rng([pairs, k])
    numbers = np.arange(int(k > 1), 1 << k)
    while True:
        turns = [rng.permutation(numbers) for _ in range(-(-pairs // len(numbers)))]
        found = np.concatenate(turns)[:pairs]
        if _rank((found + (1 << k)).tolist()) == k + 1:
            found.setflags(write=False)
            return found


def entries_of(pairs: int, shuffles: int) -> int:
    """Return how many entries of sparse matrices are held at a time, of 12 bytes each."""
    return min(2 * shuffles * pairs * (pairs + 1), _KEPT)


class FormsOfSwaps:
    """Quadratic forms under all swap patterns after each of some shuffles, for any S.

    The form is ``sum_ij f_ij s_i s_j (S_xx' + S_yy' - S_xy' - S_yx') / 4 + sum_i l_i s_i``, with
    x, y the units of pair i and x', y' those of pair j.

    Parameters
    ----------
    shuffles : (J, 2, K)
        The units x and y of each pair.
    units : int
        All units that S has.
    k : int
        The dimension of the code, below K.
    factors : function, optional
        Takes the numbers i <= j of two pairs, (P,) each, and returns f_ij (J, P). Default 1.

    Notes
    -----
    ``O(J K^2)`` time and memory, once (or for every S anew if that is much), then
    ``O(J R (K^2 + 2^k 2^(k/2)))`` time for each S.
    """

    def __init__(
        self, shuffles: Places, units: int, k: int, factors: Factors | None = None
    ) -> None:
        self._shuffles, self._units, self._k, self._factors = shuffles, units, k, factors

    def __call__(self, S: Float64, linear: Float64 | None = None) -> tuple[Float64, Float64]:
        """Return the forms less their mean (R, J, 2^k), and the means (R, J).

        S is symmetric, (U, U, R); `linear` has l_i, (J, K, R). Pattern 0 swaps nothing.
        """
        (J, _, K), U, k, R = self._shuffles.shape, self._units, self._k, S.shape[2]
        flat, V = S.reshape(U * U, R), np.zeros((J << k, R))
        kept = 2 * J * K * (K + 1) <= _KEPT
        for rows, matrix in self._kept if kept else self._matrices():
            V[rows] += matrix @ flat
        if linear is not None:
            by_number = V.reshape(J, 1 << k, R).swapaxes(0, 1)
            np.add.at(by_number, columns(K, k), linear.swapaxes(0, 1))
        by_component = np.ascontiguousarray(V.T).reshape(R, J, 1 << k)
        mean = by_component[..., 0].copy()
        by_component[..., 0] = 0
        return _transformed(by_component.reshape(R * J, -1)).reshape(R, J, -1), mean

    @functools.cached_property
    def _kept(self) -> list[tuple[slice, Any]]:
        return list(self._matrices())

    def _matrices(self) -> Iterator[tuple[slice, Any]]:
        """Yield the sparse matrices (b 2^k, U^2) that make V of S, and the rows of V of each."""
        from scipy.sparse import csr_array

        U, k = self._units, self._k
        J, _, K = self._shuffles.shape
        integer = np.int32 if U * U <= _INT32 else np.int64
        at = self._shuffles.reshape(J, 2 * K).astype(integer)
        for places in _places(K, k):
            step = max(1, _ENTRIES // len(places.first))
            for start in range(0, J, step):
                some = at[start : start + step]
                index = np.empty((len(some), len(places.first)), integer)
                for units, of_shuffle in zip(some, index, strict=True):
                    u, v = units.take(places.first), units.take(places.second)
                    np.multiply(np.minimum(u, v), U, out=of_shuffle)
                    of_shuffle += np.maximum(u, v)
                values = np.tile(places.factors, (len(some), 1))
                if self._factors is not None:
                    factors = self._factors(places.i, places.j)[start : start + step]
                    values *= np.repeat(factors, 4, axis=1)
                ends = np.cumsum(np.tile(places.counts, len(some)))
                matrix = csr_array(
                    (values.ravel(), index.ravel(), np.append(0, ends).astype(integer)),
                    shape=(len(some) << k, U * U),
                )
                yield slice(start << k, (start + len(some)) << k), matrix


class _Places(NamedTuple):
    """Pairs of pairs i <= j (P,) in the order of ``g_i xor g_j``, four entries of S for each.

    `first` and `second` (4 P,) are the places of the entry's units among (x, y), (2 K,); `factors`
    are 1/2 or -1/2, half of it if i = j; `counts` (2^k,) says how many belong to each number.
    """

    i: Places
    j: Places
    first: Places
    second: Places
    factors: Float64
    counts: Places


def _places(K: int, k: int) -> list[_Places] | Iterator[_Places]:
    return _few_places(K, k) if K <= _FEW else _blocks_of_places(K, k)


@functools.lru_cache(maxsize=16)
def _few_places(K: int, k: int) -> list[_Places]:
    return list(_blocks_of_places(K, k))


def _blocks_of_places(K: int, k: int) -> Iterator[_Places]:
    g = columns(K, k)
    step = max(1, _ENTRIES // (4 * K))
    for start in range(0, K, step):
        rows = np.arange(start, min(start + step, K))
        i = np.repeat(rows, K - rows)
        j = np.concatenate([np.arange(row, K) for row in rows.tolist()])
        number = g[i] ^ g[j]
        order = np.argsort(number, kind="stable")
        i, j = i[order], j[order]
        yield _Places(
            i,
            j,
            np.stack([i, K + i, i, K + i], axis=1).ravel(),
            np.stack([j, K + j, K + j, j], axis=1).ravel(),
            np.outer(np.where(i == j, 0.25, 0.5), [1, 1, -1, -1]).ravel(),
            4 * np.bincount(number, minlength=1 << k),
        )


def _transformed(V: Float64) -> Float64:
    """Return the Walsh-Hadamard transform of each row of V (R, 2^k)."""
    R, size = V.shape
    k = size.bit_length() - 1
    left, right = hadamard(k // 2), hadamard(k - k // 2)
    halves = (V.reshape(-1, len(right)) @ right).reshape(R, len(left), len(right))
    return np.asarray(left @ halves).reshape(R, size)


@functools.cache
def hadamard(k: int) -> Float64:
    """Return the Hadamard matrix of side 2^k in Sylvester's order."""
    H = np.ones((1, 1))
    for _ in range(k):
        H = np.block([[H, H], [H, -H]])
    H.setflags(write=False)
    return H


def _rank(numbers: list[int]) -> int:
    """Return the rank over F_2 of vectors that are written as numbers."""
    basis: list[int] = []
    for number in numbers:
        for vector in basis:
            number = min(number, number ^ vector)
        if number:
            basis.append(number)
    return len(basis)
