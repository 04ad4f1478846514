"""A kernel matrix of the user; samples are then row numbers."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist import _arrays
from repdist._typing import Array
from repdist.kernels._kernel import Kernel
from repdist.kernels._plan import Evaluated, plan


@dataclass(frozen=True, eq=False, repr=False)
class Precomputed(Kernel):
    """Your own kernel matrix of the pooled rows; samples are then row numbers.

    Parameters
    ----------
    K : array-like, (P, P)
        Symmetric, finite, and larger for rows that are more alike: distances have to be negated.
        `X` and `Y` of a test hold whole numbers from 0 to P - 1, which name
        rows of `K`; results are as if the kernel had been computed.

    Examples
    --------
    >>> import numpy as np, repdist
    >>> features = np.arange(8.0)[:, None]
    >>> kernel = repdist.kernels.Precomputed(features @ features.T)
    >>> repdist.mmd_squared([0, 1, 2, 3], [4, 5, 6, 7], kernel=kernel, estimator="biased")
    16.0
    """

    K: npt.ArrayLike

    def __post_init__(self) -> None:
        _arrays.check_held({"K": self.K})
        (K,) = _arrays.read_samples({"K": self.K}, minimum_rows=1)
        if _arrays.is_torch(K):
            raise TypeError("`K` must be a NumPy array; got a torch tensor. Use `K.numpy()`.")
        if K.shape[0] != K.shape[1]:
            raise ValueError(f"`K` must be square; got shape {np.shape(self.K)}.")
        tolerance = 1e-5 if K.dtype == np.float32 else 1e-10
        scale = float(np.abs(K).max())
        asymmetry = max(float(np.abs(K[i] - K[:, i]).max()) for i in range(len(K)))
        if asymmetry > tolerance * scale:
            raise ValueError(
                f"`K` must be symmetric; got entries that differ from those of its transpose by up "
                f"to {asymmetry:.3g}. Use `(K + K.T) / 2` if that is rounding."
            )
        own, size = float(np.trace(K)) / len(K), len(K)
        others = (float(K.sum()) - own * size) / max(size * (size - 1), 1)
        if size > 1 and own - others < -tolerance * scale:
            raise ValueError(
                "`K` must be larger for rows that are more alike; got a mean of "
                f"{own:.3g} on the diagonal and of {others:.3g} off it, as a matrix of distances "
                "has. Use `-K`, or e.g. `np.exp(-(K**2) / (2 * np.median(K) ** 2))`."
            )
        K = K.copy()
        K.setflags(write=False)
        object.__setattr__(self, "K", K)

    def __repr__(self) -> str:
        return f"Precomputed(K of shape {np.shape(self.K)})"

    def evaluate(self, X: Array, Y: Array) -> Array:
        """Return the kernel values (n, m) for rows X (n, d) and Y (m, d)."""
        K = np.asarray(self.K)
        return K[np.ix_(_row_numbers(K, X), _row_numbers(K, Y))]


@plan.register
def _(kernel: Precomputed) -> Evaluated:
    K = np.asarray(kernel.K)
    check = functools.partial(_check_row_numbers, K)
    return Evaluated(epsilon=_arrays.machine_epsilon(K), check_rows=check, kernel=kernel)


def _check_row_numbers(K: npt.NDArray[Any], Z: Array, _centre: Array) -> None:
    if _arrays.is_lazy(Z):
        raise TypeError(
            "`X` and `Y` must be NumPy row numbers for a Precomputed kernel; got dask arrays. "
            "Use `.compute()`."
        )
    _row_numbers(K, Z)


def _row_numbers(K: npt.NDArray[Any], Z: Array) -> npt.NDArray[np.intp]:
    size = len(K)
    if _arrays.is_torch(Z):
        raise TypeError(
            "`X` and `Y` must be NumPy row numbers for a Precomputed kernel; got torch tensors. "
            "Use `.numpy()`."
        )
    if Z.shape[1] != 1 or not ((Z >= 0) & (size > Z) & (np.floor(Z) == Z)).all():
        raise ValueError(
            f"`X` and `Y` must hold row numbers from 0 to {size - 1} for this Precomputed "
            f"kernel, shape (rows,); got shape {Z.shape} with values from {Z.min():g} to "
            f"{Z.max():g}."
        )
    numbers: npt.NDArray[np.intp] = Z[:, 0].astype(np.intp)
    return numbers
