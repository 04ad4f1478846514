"""All swaps of a linear code at the price of one Walsh-Hadamard transform.

The units of two samples stand in pairs. A swap pattern says which pairs change sides; a linear code
of dimension k has 2^k of them: with columns g_i in F_2^k, pattern x swaps pair i if ``<x, g_i>`` is
odd. The quadratic form ``a' S a`` of the labels a is a function on this group, and its values under
all patterns are the transform of a vector of 2^k sums.
"""

import functools

import numpy as np
import numpy.typing as npt

from repdist._typing import Float64

Places = npt.NDArray[np.intp]


def draw_columns(pairs: int, k: int, rng: np.random.Generator) -> Places:
    """Draw the columns (pairs,) of a code of dimension k <= pairs, as numbers from 1 to 2^k - 1.

    Anew until they have full rank, so that all patterns differ.
    """
    while True:
        columns = rng.integers(1, 1 << k, size=pairs)
        if _rank(columns.tolist()) == k:
            return columns


def forms_of_swaps(S: Float64, labels: Float64, pairs: Places, columns: Places, k: int) -> Float64:
    """Return ``a' S a`` for all swap patterns of a code, (2^k, R); row 0 swaps nothing.

    Parameters
    ----------
    S : (R, U, U)
        Symmetric.
    labels : (U,)
        1 marks the units of the first sample, 0 those of the second.
    pairs : (2, K)
        The units of the first and of the second sample that may change places.
    columns : (K,)
        Of the code.
    k : int
        Its dimension.

    Notes
    -----
    With a0 = 1/2 in the paired places and the labels elsewhere, and s_i = 1 or -1,
    ``a = a0 + sum_i s_i (e_xi - e_yi) / 2``. ``O(R (K^2 + 2^k 2^(k/2)))`` time.
    """
    x, y = pairs
    base = labels.copy()
    base[x] = base[y] = 0.5
    V = np.zeros((len(S), 1 << k))
    products = S @ base  # (R, U)
    quarter = (S[:, x[:, None], x] + S[:, y[:, None], y]) / 4
    quarter -= (S[:, x[:, None], y] + S[:, y[:, None], x]) / 4
    places = (columns[:, None] ^ columns).ravel()
    for r in range(len(S)):
        V[r] = np.bincount(places, quarter[r].ravel(), 1 << k)
        V[r] += np.bincount(columns, products[r, x] - products[r, y], 1 << k)
    V[:, 0] += products @ base
    return _transformed(V).T


def _transformed(V: Float64) -> Float64:
    """Return the Walsh-Hadamard transform of each row of V (R, 2^k)."""
    R, size = V.shape
    k = size.bit_length() - 1
    left, right = _hadamard(k // 2), _hadamard(k - k // 2)
    return np.asarray(left @ V.reshape(R, len(left), len(right)) @ right).reshape(R, size)


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
