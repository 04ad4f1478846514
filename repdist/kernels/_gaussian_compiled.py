"""The sums of a tile of Gaussian kernels by one compiled loop, if numba is there.

A row of exponents becomes all its components in the first cache, where they are added up. NumPy
needs a pass over the tile for each step. Importing numba and loading the loop takes half a second,
so that only large samples gain.
"""

import functools
import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

LEAST_ROWS = 16_384  # NumPy takes as long for as many rows as numba takes to start

Float32 = npt.NDArray[np.float32]


def is_worth(n_rows: int) -> bool:
    """Tell whether numba is installed and gains on so many rows."""
    return n_rows >= LEAST_ROWS and importlib.util.find_spec("numba") is not None


@functools.cache
def compiled_component_sums() -> Callable[..., float]:
    """Return `component_sums`, compiled."""
    import numba

    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": {"contract", "reassoc", "nsz"},  # NaN stays NaN
    }
    try:
        compiled: Callable[..., float] = numba.njit(cache=True, **options)(component_sums)
    except RuntimeError:  # no folder to keep the compiled code in
        compiled = numba.njit(**options)(component_sums)
    return compiled


# exp(x) = 2^k exp(x - k log 2), with log 2 in two parts, and exp of the rest by the polynomial of
# S. L. Moshier's Cephes library (expf), whose error is below 2e-7.
_LOWEST = np.float32(-87)  # below it the value is 0
_LOG2_E = np.float32(1.44269504)
_LOG_2, _LOG_2_REST = np.float32(0.693359375), np.float32(-2.12194440e-4)
_P0, _P1 = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3)
_P2, _P3 = np.float32(8.3334519073e-3), np.float32(4.1665795894e-2)
_P4, _HALF = np.float32(1.6666665459e-1), np.float32(0.5)
_ZERO, _ONE = np.float32(0), np.float32(1)
_BIAS, _MANTISSA = np.int32(127), np.int32(23)  # of the format of float32


def component_sums(  # noqa: PLR0913 (numba takes no objects)
    exponents: Float32,
    powers: Float32,
    squarings: npt.NDArray[np.int64],
    weights: Float32,
    half: Float32,
    rows: Float32,
    squares: Float32,
) -> float:
    """Add the components ``exp(power * exponents)`` of a tile (n, m) to three arrays of sums.

    Plain loops, for numba.

    Parameters
    ----------
    exponents : (n, m)
        Of the widest component, at most 0 but for rounding.
    powers, squarings, weights : (R,)
        As those of a Gaussian kernel.
    half : (R, U, m)
        Zeros, which become sums over U units of n / U rows.
    rows : (n,)
        Becomes the sums of the weighted components over columns.
    squares : (R,) or (0,)
        Zeros, which become sums of squared values; left out if it is empty.

    Returns
    -------
    float
        The largest value of the widest component.
    """
    n, m = exponents.shape
    size = n // half.shape[1]
    K = np.empty(m, np.float32)
    bits = np.empty(m, np.int32)
    two_to_k, bits_of_K = bits.view(np.float32), K.view(np.int32)
    largest = np.zeros(1, np.int32)
    for i in range(n):
        row_sum = _ZERO
        for r in range(len(powers) - 1, -1, -1):
            if squarings[r] == 0:
                for j in range(m):
                    x = exponents[i, j] * powers[r]
                    vanishes = x < _LOWEST
                    k = np.floor(x * _LOG2_E + _HALF)
                    x = x - k * _LOG_2 - k * _LOG_2_REST
                    p = ((((_P0 * x + _P1) * x + _P2) * x + _P3) * x + _P4) * x + _HALF
                    K[j] = _ZERO if vanishes else p * x * x + x + _ONE
                    bits[j] = 0 if vanishes else (np.int32(k) + _BIAS) << _MANTISSA
                for j in range(m):
                    K[j] *= two_to_k[j]
            for _ in range(squarings[r] - 1):
                for j in range(m):
                    K[j] *= K[j]
            squared = squarings[r] > 0
            sums = half[r, i // size]
            total = _ZERO
            if squared:
                for j in range(m):
                    value = K[j] * K[j]
                    K[j] = value
                    sums[j] += value
                    total += value
            else:
                for j in range(m):
                    value = K[j]
                    sums[j] += value
                    total += value
            row_sum += weights[r] * total
            if len(squares):
                total = _ZERO
                for j in range(m):
                    total += K[j] * K[j]
                squares[r] += total
            if r == len(powers) - 1:  # values are not negative: their bits are in their order
                top = largest[0]
                for j in range(m):
                    top = max(top, bits_of_K[j])
                largest[0] = top
        rows[i] = row_sum
    return float(largest.view(np.float32)[0])
