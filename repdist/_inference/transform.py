"""All swaps of a linear code at the price of one Walsh-Hadamard transform.

Units stand in pairs, and a swap pattern says which pairs change sides. A linear code of dimension k
has 2^k patterns: with columns g_i in F_2^k, pattern x swaps pair i if ``<x, g_i>`` is odd. A
quadratic form in the signs s_i of the pairs,

    ``sum_{i < j} C_ij s_i s_j + sum_i l_i s_i + constant``,

is a function on this group, and its values under all patterns are the transform of a vector V of
2^k sums: ``V[g_i xor g_j] += C_ij`` and ``V[g_i] += l_i``.
"""

import functools
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from repdist._designs.relabelings import Places
from repdist._typing import Float64

_PAIRS = 2**17  # of pairs of pairs gathered at a time
_KEPT = 512  # pairs up to which places are kept for the next transform


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


def forms_of_swaps(
    C: Callable[[Places, Places], Float64], linear: Float64, k: int
) -> tuple[Float64, Float64]:
    """Return the form less the constant under all swap patterns: less its mean (R, 2^k), and that.

    Parameters
    ----------
    C : function
        Takes the numbers i < j of two pairs, (P,) each, and returns C_ij (P, R) for R components.
    linear : (K, R)
        Of each pair.
    k : int
        The dimension of the code, below K.

    Notes
    -----
    Pattern 0 swaps nothing. ``O(R (K^2 + 2^k 2^(k/2)))`` time.
    """
    K, R = linear.shape
    V = np.bincount(_flat(columns(K, k), R), linear.ravel(), R << k)
    for i, j, flat in _pairs_of_pairs(K, k, R):
        V += np.bincount(flat, C(i, j).ravel(), R << k)
    by_component: Float64 = np.ascontiguousarray(V.reshape(1 << k, R).T, dtype=np.float64)
    mean = by_component[:, 0].copy()
    by_component[:, 0] = 0
    return _transformed(by_component), mean


def _pairs_of_pairs(K: int, k: int, R: int) -> Iterable[tuple[Places, Places, Places]]:
    """Return blocks of i < j, and where the R components of C_ij belong in V."""
    return _few_pairs(K, k, R) if K <= _KEPT else _blocks_of_pairs(K, k, R)


@functools.lru_cache(maxsize=16)
def _few_pairs(K: int, k: int, R: int) -> list[tuple[Places, Places, Places]]:
    return list(_blocks_of_pairs(K, k, R))


def _blocks_of_pairs(K: int, k: int, R: int) -> Iterator[tuple[Places, Places, Places]]:
    g = columns(K, k)
    step = max(1, _PAIRS // K)
    for start in range(0, K - 1, step):
        rows = np.arange(start, min(start + step, K - 1))
        i = np.repeat(rows, K - 1 - rows)
        j = np.concatenate([np.arange(row + 1, K) for row in rows.tolist()])
        yield i, j, _flat(g[i] ^ g[j], R)


def _flat(places: Places, R: int) -> Places:
    """Return where the components of each place stand in a flat array (2^k, R)."""
    return np.asarray((places[:, None] * R + np.arange(R)).ravel())


def _transformed(V: Float64) -> Float64:
    """Return the Walsh-Hadamard transform of each row of V (R, 2^k)."""
    R, size = V.shape
    k = size.bit_length() - 1
    left, right = _hadamard(k // 2), _hadamard(k - k // 2)
    halves = (V.reshape(-1, len(right)) @ right).reshape(R, len(left), len(right))
    return np.asarray(left @ halves).reshape(R, size)


@functools.cache
def _hadamard(k: int) -> Float64:
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
