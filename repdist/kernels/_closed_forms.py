"""Kernels with a formula of the distance or of the inner product."""

import dataclasses
import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from repdist import _arrays, _checks
from repdist._arrays import Workspace
from repdist._typing import Array
from repdist.kernels._kernel import Kernel, OneBandwidth, bandwidth_of, with_median
from repdist.kernels._plan import Evaluated, OfDistance, Plan, plan
from repdist.kernels._tile_distances import by_columns, check_squares

# --- of the Euclidean distance -------------------------------------------------------------------


@dataclass(frozen=True)
class RationalQuadratic(OneBandwidth):
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

    def evaluate(self, X: Array, Y: Array) -> Array:
        """Return the kernel values (n, m) for rows X (n, d) and Y (m, d)."""
        return plan(self).values(X, Y)


@plan.register
def _(kernel: RationalQuadratic) -> OfDistance:
    bandwidth = bandwidth_of(kernel)
    return OfDistance(
        (bandwidth,),
        bounded=True,
        scale=1 / (math.sqrt(2 * kernel.alpha) * bandwidth),
        profile=functools.partial(_rational_quadratic, alpha=kernel.alpha),
    )


def _rational_quadratic(D: Array, work: Workspace, alpha: float) -> Array:
    xp = _arrays.namespace(D)
    out = D if work.reuse else None
    K = xp.log1p(D, out=out)
    return xp.exp(xp.multiply(K, -alpha, out=out), out=out)


@dataclass(frozen=True)
class Matern(OneBandwidth):
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
        object.__setattr__(self, "nu", _checks.real("nu", self.nu))
        if self.nu not in (0.5, 1.5, 2.5):
            raise ValueError(f"`nu` must be 0.5, 1.5 or 2.5; got {self.nu:g}.")

    def evaluate(self, X: Array, Y: Array) -> Array:
        """Return the kernel values (n, m) for rows X (n, d) and Y (m, d)."""
        return plan(self).values(X, Y)


@plan.register
def _(kernel: Matern) -> OfDistance:
    bandwidth = bandwidth_of(kernel)
    return OfDistance(
        (bandwidth,),
        bounded=True,
        scale=math.sqrt(2 * kernel.nu) / bandwidth,
        profile=functools.partial(_matern, nu=kernel.nu),
    )


def _matern(D: Array, work: Workspace, nu: float) -> Array:
    xp = _arrays.namespace(D)
    r = _arrays.square_root(D, work)  # sqrt(2 nu) ||x - y|| / bandwidth
    out = work.buffer("component", *r.shape)
    K = xp.exp(xp.negative(r, out=out), out=out)
    if nu == 0.5:
        return K
    return xp.multiply(K, r + 1 if nu == 1.5 else 1 + r + r * r / 3, out=out)


@dataclass(frozen=True)
class Energy(Kernel):
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

    shift_invariant: ClassVar[bool] = True

    def evaluate(self, X: Array, Y: Array) -> Array:
        """Return the kernel values (n, m) for rows X (n, d) and Y (m, d)."""
        return plan(self).values(X, Y)


@plan.register
def _(_kernel: Energy) -> OfDistance:
    return OfDistance(check_rows=check_squares, scale=1.0, profile=_minus_root)


def _minus_root(D: Array, work: Workspace) -> Array:
    root = _arrays.square_root(D, work)
    return _arrays.namespace(D).negative(root, out=root if work.reuse else None)


# --- of the L1 distance --------------------------------------------------------------------------


@dataclass(frozen=True)
class Laplacian(OneBandwidth):
    """The Laplacian kernel ``exp(-||x - y||_1 / bandwidth)`` of the L1 distance.

    Parameters
    ----------
    bandwidth : "median" or positive float
        ``"median"`` (default) is the median L1 distance of different pooled rows.

    Notes
    -----
    The L1 distance is no matrix product: a tile costs about d / 2 times an RBF one. It has kinks:
    of torch tensors there are gradients, but no second derivatives (a NotImplementedError).
    """

    def fit(self, Z: Array) -> Self:
        """Return the kernel with a number for bandwidth, from the pooled rows Z (N, d)."""
        return with_median(self, Z, "cityblock")

    def evaluate(self, X: Array, Y: Array) -> Array:
        """Return the kernel values (n, m) for rows X (n, d) and Y (m, d)."""
        return plan(self).values(X, Y)


@dataclass(frozen=True, kw_only=True)
class _OfAbsoluteDifferences(Plan):
    """``exp(-||x - y||_1 / bandwidth)``, column by column."""

    bounded: bool = True

    def operands(self, Z: Array, centre: Array, *, differences: bool) -> tuple[Array, Array]:
        moved = Z if differences else _arrays.shifted_and_scaled(Z, centre, 1.0)
        return moved, moved

    def components(
        self,
        left: Array,
        right: Array,
        same: bool,  # noqa: ARG002 (differences are exact)
        work: Workspace,
    ) -> Iterator[tuple[int, Array]]:
        D = by_columns(left, right, "absolute", work)
        xp, out = _arrays.namespace(D), D if work.reuse else None
        yield 0, xp.exp(xp.multiply(D, -1 / self.bandwidths[0], out=out), out=out)


@plan.register
def _(kernel: Laplacian) -> _OfAbsoluteDifferences:
    return _OfAbsoluteDifferences(bandwidths=(bandwidth_of(kernel),))


# --- of the inner product ------------------------------------------------------------------------


@dataclass(frozen=True)
class Linear(Kernel):
    """The inner product ``<x, y>``: MMD^2 is the squared distance of the two means.

    It sees a difference of means and nothing else.
    """

    shift_invariant: ClassVar[bool] = True

    def evaluate(self, X: Array, Y: Array) -> Array:
        """Return the kernel values (n, m) for rows X (n, d) and Y (m, d)."""
        return X @ Y.T


@plan.register
def _(kernel: Linear) -> Evaluated:
    return Evaluated(check_rows=check_squares, kernel=kernel)


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
        object.__setattr__(self, "degree", _checks.whole_number("degree", self.degree, 1))
        object.__setattr__(self, "offset", _checks.real("offset", self.offset))
        if isinstance(self.scale, str):
            _checks.choice("scale", self.scale, ("1/d",))
        else:
            object.__setattr__(self, "scale", _checks.positive("scale", self.scale))
        if self.offset < 0:
            raise ValueError(f"`offset` must be at least 0; got {self.offset:g}.")

    def fit(self, Z: Array) -> Self:
        """Return the kernel with a number for `scale`: 1 / d for pooled rows Z (N, d)."""
        if not isinstance(self.scale, str):
            return self
        (Z,) = _arrays.read_samples({"Z": Z})
        return dataclasses.replace(self, scale=1.0 / Z.shape[1])

    def evaluate(self, X: Array, Y: Array) -> Array:
        """Return the kernel values (n, m) for rows X (n, d) and Y (m, d)."""
        scale = 1.0 / X.shape[1] if isinstance(self.scale, str) else self.scale
        return (scale * (X @ Y.T) + self.offset) ** self.degree
