"""Kernels: frozen objects that say how alike two rows are.

A kernel is fitted once on the pooled rows, `kernel.fit(Z)`, which turns a bandwidth *rule*
("median", "grid") into numbers and returns a new kernel; a fitted kernel is callable,
`kernel(X, Y) -> (n, m)`. One bandwidth convention holds everywhere: a distance is divided by the
bandwidth, and the Gaussian kernel is `exp(-||x - y||^2 / (2 bandwidth^2))`.

To write your own, derive from `Kernel` and give it `evaluate(X, Y)`.
"""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt

from repdist import _array, _checks, _distances, _samples
from repdist._array import Array, Workspace
from repdist._bandwidths import median_heuristic
from repdist._gaussian import RBF, MultiRBF
from repdist._kernel import FINAL, DistanceKernel, Kernel, OneBandwidth, evaluate_components

__all__ = [
    "RBF",
    "Energy",
    "Kernel",
    "Laplacian",
    "Linear",
    "Matern",
    "MultiRBF",
    "Polynomial",
    "Precomputed",
    "RationalQuadratic",
    "median_heuristic",
]


# --- kernels of a distance -----------------------------------------------------------------------


@dataclass(frozen=True)
class RationalQuadratic(OneBandwidth, DistanceKernel):
    """A mixture of Gaussian kernels: ``(1 + ||x - y||^2 / (2 alpha bandwidth^2))^-alpha``.

    Parameters
    ----------
    bandwidth : "median" or positive float
    alpha : positive float
        Small: heavier tails, more scales at once. Default 1.

    References
    ----------
    .. [1] C. E. Rasmussen, C. K. I. Williams, *Gaussian Processes for Machine Learning*, MIT
       Press, 2006, eq. 4.19.
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "alpha", _checks.positive("alpha", self.alpha))

    @property
    def _scale(self) -> float:
        return 1 / (math.sqrt(2 * self.alpha) * self._number)

    def _profile(self, D: Array, work: Workspace) -> Iterator[tuple[int, Array]]:
        xp = _array.namespace(D)
        out = D if work.reuse else None
        K = xp.log1p(D, out=out)
        yield 0, xp.exp(xp.multiply(K, -self.alpha, out=out), out=out)


@dataclass(frozen=True)
class Matern(OneBandwidth, DistanceKernel):
    """The Matern kernel of smoothness `nu`, a function of ``r = ||x - y|| / bandwidth``.

    ``nu = 1/2``: ``exp(-r)``; ``nu = 3/2``: ``(1 + sqrt(3) r) exp(-sqrt(3) r)``;
    ``nu = 5/2``: ``(1 + sqrt(5) r + 5 r^2 / 3) exp(-sqrt(5) r)``.

    Parameters
    ----------
    bandwidth : "median" or positive float
    nu : {0.5, 1.5, 2.5}
        Default 1.5.

    References
    ----------
    .. [1] C. E. Rasmussen, C. K. I. Williams, *Gaussian Processes for Machine Learning*, MIT
       Press, 2006, eq. 4.17.
    """

    nu: float = 1.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if _checks.real("nu", self.nu) not in (0.5, 1.5, 2.5):
            raise ValueError(f"`nu` must be 0.5, 1.5 or 2.5; got {self.nu:g}.")

    @property
    def _scale(self) -> float:
        return math.sqrt(2 * self.nu) / self._number

    def _profile(self, D: Array, work: Workspace) -> Iterator[tuple[int, Array]]:
        xp = _array.namespace(D)
        r = _array.square_root(D, work)  # sqrt(2 nu) ||x - y|| / bandwidth
        out = work.buffer("component", *r.shape)
        K = xp.exp(xp.negative(r, out=out), out=out)
        if self.nu == 0.5:
            yield 0, K
        elif self.nu == 1.5:
            yield 0, xp.multiply(K, r + 1, out=out)
        else:
            yield 0, xp.multiply(K, 1 + r + r * r / 3, out=out)


@dataclass(frozen=True)
class Energy(DistanceKernel):
    """The distance-induced kernel ``-||x - y||``: its MMD^2 is the energy distance.

    ``MMD^2 = 2 E||X - Y|| - E||X - X'|| - E||Y - Y'||``, in the units of the data. The kernel is
    conditionally positive definite, which is all that MMD asks: adding ``||x - c|| + ||y - c||``
    for any point c makes it positive definite and changes no MMD.

    References
    ----------
    .. [1] D. Sejdinovic, B. Sriperumbudur, A. Gretton, K. Fukumizu, "Equivalence of
       distance-based and RKHS-based statistics in hypothesis testing", Annals of Statistics
       41(5), 2263-2291, 2013. https://doi.org/10.1214/13-AOS1140
    """

    _bounded: ClassVar[bool] = False

    @property
    def _scale(self) -> float:
        return 1.0

    def _check_rows(self, Z: Array, centre: Array) -> None:
        _distances.check_squares(Z, centre)

    def _profile(self, D: Array, work: Workspace) -> Iterator[tuple[int, Array]]:
        root = _array.square_root(D, work)
        yield 0, _array.namespace(D).negative(root, out=root if work.reuse else None)


@dataclass(frozen=True)
class Laplacian(OneBandwidth):
    """The Laplacian kernel ``exp(-||x - y||_1 / bandwidth)`` of the L1 distance.

    Parameters
    ----------
    bandwidth : "median" or positive float
        ``"median"`` (default) is the median L1 distance of different pooled rows.

    Notes
    -----
    The L1 distance is no matrix product: a tile costs about d / 2 times an RBF one.
    """

    _metric: ClassVar[str] = "cityblock"

    def evaluate(self, X: Array, Y: Array) -> Array:
        """Return the kernel values (n, m) for rows X (n, d) and Y (m, d)."""
        return evaluate_components(self, X, Y)

    def _operands(self, Z: Array, centre: Array, *, differences: bool) -> tuple[Array, Array]:
        if differences:
            return Z, Z
        return super()._operands(Z, centre, differences=False)

    def _components(
        self, left: Array, right: Array, same: bool, work: Workspace
    ) -> Iterator[tuple[int, Array]]:
        D = _distances.by_columns(left, right, "absolute", work)
        xp, out = _array.namespace(D), D if work.reuse else None
        yield 0, xp.exp(xp.multiply(D, -1 / self._number, out=out), out=out)


# --- kernels of an inner product -----------------------------------------------------------------


@dataclass(frozen=True)
class Linear(Kernel):
    """The inner product ``<x, y>``: MMD^2 is the squared distance of the two means.

    It sees a difference of means and nothing else.
    """

    shift_invariant: ClassVar[bool] = True

    def evaluate(self, X: Array, Y: Array) -> Array:
        """Return the kernel values (n, m) for rows X (n, d) and Y (m, d)."""
        return X @ Y.T

    def _check_rows(self, Z: Array, centre: Array) -> None:
        _distances.check_squares(Z, centre)


@dataclass(frozen=True)
class Polynomial(Kernel):
    """The polynomial kernel ``(scale <x, y> + offset)^degree``.

    With its defaults, ``(<x, y> / d + 1)^3``, the unbiased MMD^2 is the Kernel Inception Distance.

    Parameters
    ----------
    degree : int
        Default 3.
    scale : "1/d" or positive float
        ``"1/d"`` (default) divides by the number of columns.
    offset : float
        At least 0. Default 1.

    References
    ----------
    .. [1] M. Binkowski, D. J. Sutherland, M. Arbel, A. Gretton, "Demystifying MMD GANs",
       ICLR 2018. https://arxiv.org/abs/1801.01401
    """

    degree: int = 3
    scale: Literal["1/d"] | float = "1/d"
    offset: float = 1.0

    def __post_init__(self) -> None:
        _checks.whole_number("degree", self.degree, 1)
        if isinstance(self.scale, str):
            _checks.choice("scale", self.scale, ("1/d",))
        else:
            object.__setattr__(self, "scale", _checks.positive("scale", self.scale))
        if _checks.real("offset", self.offset) < 0:
            raise ValueError(f"`offset` must be at least 0; got {self.offset:g}.")

    def fit(self, Z: Array) -> Self:
        """Return the kernel with a number for `scale`: 1 / d for pooled rows Z (N, d)."""
        if not isinstance(self.scale, str):
            return self
        (Z,) = _samples.samples({"Z": Z})
        return dataclasses.replace(self, scale=1.0 / Z.shape[1])

    def evaluate(self, X: Array, Y: Array) -> Array:
        """Return the kernel values (n, m) for rows X (n, d) and Y (m, d)."""
        scale = 1.0 / X.shape[1] if isinstance(self.scale, str) else self.scale
        return (scale * (X @ Y.T) + self.offset) ** self.degree


# --- a matrix of the user ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class Precomputed(Kernel):
    """Your own kernel matrix of the pooled rows; samples are then row numbers.

    Parameters
    ----------
    K : array-like, (P, P)
        Symmetric and finite. `X` and `Y` of a test hold whole numbers from 0 to P - 1, which name
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
        _samples.check_held({"K": self.K})
        (K,) = _samples.samples({"K": self.K}, minimum_rows=1)
        if _array.is_torch(K):
            raise TypeError("`K` must be a NumPy array; got a torch tensor. Use `K.numpy()`.")
        if K.shape[0] != K.shape[1]:
            raise ValueError(f"`K` must be square; got shape {np.shape(self.K)}.")
        tolerance = 1e-5 if K.dtype == np.float32 else 1e-10
        scale = float(np.abs(K).max())
        asymmetry = max(float(np.abs(K[i] - K[:, i]).max()) for i in range(len(K)))
        if asymmetry > tolerance * scale:
            raise ValueError(
                f"`K` must be symmetric; its entries differ from those of its transpose by up to "
                f"{asymmetry:.3g}. Use `(K + K.T) / 2` if that is rounding."
            )
        K = K.copy()
        K.setflags(write=False)
        object.__setattr__(self, "K", K)

    def __repr__(self) -> str:
        return f"Precomputed(K of shape {np.shape(self.K)})"

    def evaluate(self, X: Array, Y: Array) -> Array:
        """Return the kernel values (n, m) for rows X (n, d) and Y (m, d)."""
        return np.asarray(self.K)[np.ix_(self._row_numbers(X), self._row_numbers(Y))]

    def _row_numbers(self, Z: Array) -> npt.NDArray[np.intp]:
        size = len(np.asarray(self.K))
        if _array.is_torch(Z):
            raise TypeError("`X` and `Y` must be NumPy row numbers for a Precomputed kernel.")
        if Z.shape[1] != 1 or not ((Z >= 0) & (size > Z) & (np.floor(Z) == Z)).all():
            raise ValueError(
                f"`X` and `Y` must hold row numbers from 0 to {size - 1} for this Precomputed "
                f"kernel, shape (rows,); got shape {Z.shape} with values from {Z.min():g} to "
                f"{Z.max():g}."
            )
        numbers: npt.NDArray[np.intp] = Z[:, 0].astype(np.intp)
        return numbers

    @property
    def _epsilon(self) -> float:
        return _array.machine_epsilon(np.asarray(self.K))

    def _check_rows(self, Z: Array, centre: Array) -> None:
        if _array.is_lazy(Z):
            raise TypeError(
                "`X` and `Y` must be NumPy row numbers for a Precomputed kernel; got dask arrays. "
                "Use `.compute()`."
            )
        self._row_numbers(Z)


FINAL.update(globals()[name] for name in __all__ if name not in ("Kernel", "median_heuristic"))
