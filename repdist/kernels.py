"""Kernels: frozen objects that say how alike two rows are.

A kernel is fitted once on the pooled rows, `kernel.fit(Z)`, which turns a bandwidth *rule*
("median", "grid") into numbers and returns a new kernel; a fitted kernel is callable,
`kernel(X, Y) -> (n, m)`. One bandwidth convention holds everywhere: a distance is divided by the
bandwidth, and the Gaussian kernel is `exp(-||x - y||^2 / (2 bandwidth^2))`.

To write your own, derive from `Kernel` and give it `evaluate(X, Y)`.
"""

import abc
import dataclasses
import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt

from repdist import _array, _checks, _distances, _samples
from repdist._array import Array, Float64, Workspace

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

_SQRT2 = math.sqrt(2.0)


_FINAL: set[type] = set()  # kernels that are complete; filled below


class Kernel(abc.ABC):
    """A symmetric function of two rows; derive from it to write your own.

    A subclass is a frozen dataclass with one method, ``evaluate(X, Y)``, for arrays ``X`` (n, d)
    and ``Y`` (m, d) of NumPy or torch (whichever the user's data are, in float64); it returns the
    (n, m) values, and gets blocks of rows. The tests need it to be symmetric,
    ``k(x, y) = k(y, x)``; MMD is a distance if it is (conditionally) positive definite.

    A kernel whose parameters come from the data also overrides ``fit(Z)``, which receives the
    pooled rows and returns a new kernel. For the level to be exact, ``fit`` must not depend on
    the order of the rows.

    Attributes
    ----------
    shift_invariant : bool
        True if MMD does not change when every row of both samples is moved by the same vector.
        The rows are then centred first, which keeps float32 accurate. Default False.
    """

    shift_invariant: ClassVar[bool] = False
    _bounded: ClassVar[bool] = False  # values from 0 to 1: float32 is then accurate enough

    @abc.abstractmethod
    def evaluate(self, X: Array, Y: Array) -> Array:
        """Return the kernel values (n, m) for rows X (n, d) and Y (m, d)."""

    def fit(self, Z: Array) -> Self:
        """Return the kernel with its rules turned into numbers by the pooled rows Z (N, d)."""
        return self

    def __call__(self, X: Array, Y: Array) -> Array:
        """Return the kernel matrix.

        Parameters
        ----------
        X, Y : array-like, (n, d) and (m, d)
            NumPy arrays or torch tensors. If `Y is X`, the distances on the diagonal are
            exactly 0.

        Returns
        -------
        (n, m) array of the same library. A kernel of several components gives their weighted sum.

        Raises
        ------
        ValueError
            If a bandwidth is still a rule: fit the kernel first.
        """
        rows = {"X": X} if Y is X else {"X": X, "Y": Y}
        _samples.check_held(rows)
        arrays = _samples.samples(rows, minimum_rows=1)
        return self._checked_values(arrays[0], arrays[-1])

    def __str__(self) -> str:
        return self._line

    @property
    def _line(self) -> str:
        """What a summary prints."""
        return repr(self)

    # What the tile pass (`_sums.py`) asks of a kernel. Subclasses outside this file inherit these.

    @property
    def _bandwidths(self) -> tuple[float, ...]:
        """The bandwidth of each component, NaN for a kernel that has none."""
        return (math.nan,)

    @property
    def _weights(self) -> tuple[float, ...]:
        """The weight of each component in the kernel."""
        return (1.0,)

    @property
    def _powers(self) -> Float64 | None:
        """For components that are powers of the first one yielded: the exponents, (R,)."""
        return None

    @property
    def _epsilon(self) -> float:
        """Relative rounding that the values carry beside that of the dtype they are computed in."""
        return 0.0

    def _check_rows(self, Z: Array, centre: Array) -> None:  # noqa: B027 (most suit any)
        """Raise if the rows, all of them, do not suit the kernel."""

    def _operands(self, Z: Array, centre: Array, *, differences: bool) -> tuple[Array, Array]:
        """Return what tiles are computed from, row by row: a left and a right array.

        `centre` (d,) is taken off the rows if that changes no MMD; with `differences`, distances
        are computed from differences of rows.
        """
        moved = _array.shifted_and_scaled(Z, centre, 1.0) if self.shift_invariant else Z
        return moved, moved

    def _components(
        self, left: Array, right: Array, same: bool, work: Workspace
    ) -> Iterator[tuple[int, Array]]:
        """Yield (component number, matrix); a matrix holds until the next one is asked for.

        `same` says that the tile lies on the diagonal: left and right are the same rows.
        """
        K = self._checked_values(left, right)
        if same and not _array.is_symmetric(K):
            raise ValueError(
                f"`{type(self).__name__}.evaluate` must be symmetric; got other values for "
                "k(x, y) than for k(y, x). Use `(k(x, y) + k(y, x)) / 2`."
            )
        yield 0, _array.fresh(K, left.dtype)

    def _checked_values(self, X: Array, Y: Array) -> Array:
        """Return `evaluate(X, Y)`, which may be a user's code."""
        K = self.evaluate(X, Y)
        shape, library = (len(X), len(Y)), _array.namespace(X).__name__
        if _array.is_real_array(K, like=X) and tuple(K.shape) == shape:
            return K
        got = f"{_checks.describe(K)}, shape {tuple(getattr(K, 'shape', ()))}"
        error = ValueError if _array.is_real_array(K, like=X) else TypeError
        raise error(
            f"`{type(self).__name__}.evaluate` must return a real {library} array of shape "
            f"{shape} for {shape[0]} and {shape[1]} rows; got {got}."
        )

    def __init_subclass__(cls, **options: Any) -> None:
        """Refuse classes derived from a finished kernel: what they override would be passed by."""
        super().__init_subclass__(**options)
        for base in cls.__mro__[1:]:
            if base in _FINAL:
                raise TypeError(
                    f"`{base.__name__}` must not be derived from; got the subclass "
                    f"{cls.__name__}. Derive from `repdist.kernels.Kernel`."
                )


def median_heuristic(X: Array, Y: Array | None = None) -> float:
    """Return the median Euclidean distance between different rows of the pooled sample.

    Pairs at distance 0 (duplicates) are left out. For more than 1,000 rows the median is taken
    over 1,000 rows at evenly spaced ranks along a fixed projection, which does not depend on the
    order of the rows and needs no random numbers.

    Parameters
    ----------
    X : array-like, (n, d) or (n,)
    Y : array-like, (m, d), optional
        A second sample; the two are pooled.

    Returns
    -------
    float
        The bandwidth of ``RBF(bandwidth="median")``, in the units of the data.

    Raises
    ------
    ValueError
        If all rows are equal, or a value is NaN or infinite.

    References
    ----------
    .. [1] A. Gretton, K. M. Borgwardt, M. J. Rasch, B. Schoelkopf, A. Smola, "A kernel two-sample
       test", JMLR 13, 723-773, 2012, section 8.

    Examples
    --------
    >>> import repdist
    >>> repdist.median_heuristic([[0.0], [1.0], [3.0]])
    2.0
    """
    arrays = _samples.samples({"X": X} if Y is None else {"X": X, "Y": Y}, minimum_rows=1)
    _samples.check_varies(arrays, "`X`" if Y is None else "`X` and `Y`")
    return float(np.median(_distances.positive_distances(_array.concatenate(arrays))))


# --- kernels of a distance -----------------------------------------------------------------------


class _DistanceKernel(Kernel):
    """A kernel `profile(||x - y||^2 * scale^2)`, computed from one matrix product a tile."""

    shift_invariant: ClassVar[bool] = True
    _bounded: ClassVar[bool] = True

    @property
    @abc.abstractmethod
    def _scale(self) -> float:
        """What the rows are multiplied by before distances are taken."""

    @abc.abstractmethod
    def _profile(self, D: Array, work: Workspace) -> Iterator[tuple[int, Array]]:
        """Yield the components for scaled squared distances D; D may be overwritten."""

    def evaluate(self, X: Array, Y: Array) -> Array:
        """Return the kernel values (n, m) for rows X (n, d) and Y (m, d)."""
        return _evaluate_components(self, X, Y)

    def _operands(self, Z: Array, centre: Array, *, differences: bool) -> tuple[Array, Array]:
        if differences:
            return Z, Z
        with np.errstate(over="ignore", invalid="ignore"):  # found below
            rows = _array.shifted_and_scaled(Z, centre, self._scale)
            left, right = _distances.product_form(rows)
        if not bool(_array.namespace(right).isfinite(right).all()):
            raise ValueError(
                f"`kernel` must have bandwidths that its data allow in {Z.dtype}; "
                f"{min(self._bandwidths):.3g} is too far below the spread of the rows."
            )
        return left, right

    def _components(
        self, left: Array, right: Array, same: bool, work: Workspace
    ) -> Iterator[tuple[int, Array]]:
        if work.differences:
            D = _distances.by_columns(left, right, "square", work)
            D = _array.namespace(D).multiply(D, self._scale**2, out=D if work.reuse else None)
        else:
            D = _distances.from_product(left, right, same, work)
        yield from self._profile(D, work)


class _Gaussian(_DistanceKernel):
    """Gaussian kernels of one or more bandwidths, in ascending order, from one exponential."""

    @property
    def _scale(self) -> float:
        return 1 / (_SQRT2 * self._bandwidths[-1])

    @functools.cached_property
    def _powers(self) -> Float64:
        return (self._bandwidths[-1] / np.array(self._bandwidths)) ** 2

    @functools.cached_property
    def _squarings(self) -> list[int]:
        """How often the next wider component is squared to get each; 0 for a new exponential."""
        found = [0]
        for wider, narrower in itertools.pairwise(self._powers[::-1]):
            count = _whole_log2(narrower / wider)
            since = sum(itertools.takewhile(bool, reversed(found)))
            fits = count is not None and since + count <= _MOST_SQUARINGS
            found.append(count if count is not None and fits else 0)
        return found[::-1]

    def _operands(self, Z: Array, centre: Array, *, differences: bool) -> tuple[Array, Array]:
        left, right = super()._operands(Z, centre, differences=differences)
        return (left, right) if differences else (-left, right)  # the product is an exponent

    def _components(
        self, left: Array, right: Array, same: bool, work: Workspace
    ) -> Iterator[tuple[int, Array]]:
        yield from self._profile(self._exponents(left, right, same, work), work)

    def _exponents(self, left: Array, right: Array, same: bool, work: Workspace) -> Array:
        """Return the exponents (n, m) of the widest component."""
        if not work.differences:
            return _distances.minus_from_product(left, right, same, work)
        D = _distances.by_columns(left, right, "square", work)
        out = D if work.reuse else None
        return _array.namespace(left).multiply(D, -(self._scale**2), out=out)

    def _profile(self, D: Array, work: Workspace) -> Iterator[tuple[int, Array]]:
        """From the widest component to the narrowest, each the square of the last if it can be.

        `D` holds the exponents of the widest.
        """
        xp = _array.namespace(D)
        powers, squarings = self._powers, self._squarings
        in_place = work.reuse and squarings.count(0) == 1
        out = D if in_place else work.buffer("component", *D.shape)
        K = D
        for r in reversed(range(len(powers))):
            if squarings[r] == 0:
                widest = r == len(powers) - 1
                K = xp.exp(D if widest else xp.multiply(D, float(powers[r]), out=out), out=out)
            for _ in range(squarings[r]):
                K = xp.multiply(K, K, out=out)
            yield r, K


_MOST_SQUARINGS = 5  # each doubles the relative rounding error of the last exponential


@dataclass(frozen=True)
class _OneBandwidth(Kernel):
    """A kernel with one bandwidth: a number, or the median distance of the pooled rows."""

    bandwidth: Literal["median"] | float = "median"
    shift_invariant: ClassVar[bool] = True
    _bounded: ClassVar[bool] = True
    _metric: ClassVar[str] = "euclidean"

    def __post_init__(self) -> None:
        if isinstance(self.bandwidth, str):
            _checks.choice("bandwidth", self.bandwidth, ("median",))
        else:
            object.__setattr__(self, "bandwidth", _checks.positive("bandwidth", self.bandwidth))

    def fit(self, Z: Array) -> Self:
        """Return the kernel with a number for bandwidth, from the pooled rows Z (N, d)."""
        if not isinstance(self.bandwidth, str):
            return self
        (Z,) = _samples.samples({"Z": Z})
        _samples.check_varies([Z], "`Z`")
        median = float(np.median(_distances.positive_distances(Z, self._metric)))
        return dataclasses.replace(self, bandwidth=median)

    @property
    def _number(self) -> float:
        if isinstance(self.bandwidth, str):
            raise _unfitted(self)
        return self.bandwidth

    @property
    def _bandwidths(self) -> tuple[float, ...]:
        return (self._number,)


@dataclass(frozen=True)
class MultiRBF(_Gaussian):
    """Several Gaussian kernels at once, so that nobody has to choose a bandwidth.

    ``k(x, y) = mean_r exp(-||x - y||^2 / (2 bandwidth_r^2))``

    Parameters
    ----------
    bandwidths : {"grid", "median", "mean"} or sequence of positive floats
        ``"grid"`` (default): a geometric progression that covers half the 5 % to twice the 95 %
        quantile of the positive pooled distances in at most `size` steps; its ratio is
        ``sqrt(2)^p`` with the smallest whole number p that does.
        ``"median"``: `size` bandwidths ``median * sqrt(2)^k``, k centred on 0.
        ``"mean"``: the same around ``sqrt(mean squared distance / 2)``, over all pairs of
        different rows, zeros included.
        Numbers: these bandwidths, sorted.
    size : int
        How many bandwidths (for ``"grid"``: at most). Default 10.
    weights : {"mean", "sum"}
        ``"sum"`` adds the components without dividing, as `mmd_rbf` does, so that
        ``k(x, x) = size``. Default ``"mean"``.

    Notes
    -----
    Quantiles are those of 1,000 rows if there are more (see `median_heuristic`).

    Examples
    --------
    >>> import repdist
    >>> kernel = repdist.kernels.MultiRBF(bandwidths=(1.0, 2.0))
    >>> kernel([[0.0]], [[0.0], [1.0]]).round(4)
    array([[1.    , 0.7445]])
    """

    bandwidths: "Literal['grid', 'median', 'mean'] | Sequence[float] | _Progression" = "grid"
    size: int = 10
    weights: Literal["mean", "sum"] = "mean"

    def __post_init__(self) -> None:
        _checks.choice("weights", self.weights, ("mean", "sum"))
        _checks.whole_number("size", self.size, 1)
        if isinstance(self.bandwidths, _Progression):
            return
        if isinstance(self.bandwidths, str):
            rule = _checks.choice("bandwidths", self.bandwidths, ("grid", "median", "mean"))
            if rule == "grid":
                _checks.whole_number("size", self.size, 2)
            return
        values = _numbers("bandwidths", self.bandwidths)
        object.__setattr__(self, "bandwidths", values)
        object.__setattr__(self, "size", len(values))

    @classmethod
    def like_mmd_rbf(
        cls, kernel_mul: float = 2.0, kernel_num: int = 5, fix_sigma: float | None = None
    ) -> Self:
        """Return the kernel behind the `mmd_rbf` function of domain-adaptation code.

        ``sum_q exp(-||x - y||^2 / b_q)`` with ``b_q = b kernel_mul^(q - kernel_num // 2)``,
        q = 0 .. kernel_num - 1, and b the mean squared distance of different pooled rows, or
        `fix_sigma`. Its components are summed: ``k(x, x) = kernel_num``. `mmd_rbf` itself is
        ``mmd_squared(X, Y, kernel=MultiRBF.like_mmd_rbf(), estimator="biased")``.

        Parameters
        ----------
        kernel_mul : float
            Ratio of neighbouring b_q. Default 2.
        kernel_num : int
            How many components. Default 5.
        fix_sigma : float, optional
            The b to use for any data.

        Examples
        --------
        >>> import repdist
        >>> kernel = repdist.kernels.MultiRBF.like_mmd_rbf()
        >>> value = repdist.mmd_squared([[0.0]], [[7.0]], kernel=kernel, estimator="biased")
        >>> round(value, 4)  # one against one: the same for any data
        6.1863
        """
        _checks.whole_number("kernel_num", kernel_num, 1)
        step = math.sqrt(_checks.positive("kernel_mul", kernel_mul))
        if kernel_mul == 2 and kernel_num % 2 and fix_sigma is None:
            return cls("mean", size=kernel_num, weights="sum")
        factors = tuple(step ** (q - kernel_num // 2) for q in range(kernel_num))
        if fix_sigma is not None:
            base = math.sqrt(_checks.positive("fix_sigma", fix_sigma) / 2)
            return cls(tuple(base * f for f in factors), weights="sum")
        return cls(_Progression("mean", factors), size=kernel_num, weights="sum")

    def fit(self, Z: Array) -> Self:
        """Return the kernel with numbers for bandwidths, from the pooled rows Z (N, d)."""
        if isinstance(self.bandwidths, tuple):
            return self
        (Z,) = _samples.samples({"Z": Z})
        _samples.check_varies([Z], "`Z`")
        values = _multiple_bandwidths(self.bandwidths, self.size, Z)
        return dataclasses.replace(self, bandwidths=values, size=len(values))

    @property
    def _bandwidths(self) -> tuple[float, ...]:
        if not isinstance(self.bandwidths, tuple):
            raise _unfitted(self)
        return self.bandwidths

    @property
    def _weights(self) -> tuple[float, ...]:
        weight = 1.0 if self.weights == "sum" else 1.0 / len(self._bandwidths)
        return (weight,) * len(self._bandwidths)

    @property
    def _line(self) -> str:
        low, high = min(self._bandwidths), max(self._bandwidths)
        return f"MultiRBF, {len(self._bandwidths)} bandwidths from {low:.3g} to {high:.3g}"


@dataclass(frozen=True)
class RBF(_OneBandwidth, _Gaussian):
    """The Gaussian kernel ``exp(-||x - y||^2 / (2 bandwidth^2))``.

    Parameters
    ----------
    bandwidth : "median" or positive float
        ``"median"`` (default) is the median distance of different pooled rows.

    Examples
    --------
    >>> import repdist
    >>> repdist.kernels.RBF(bandwidth=1.0)([[0.0]], [[0.0], [2.0]]).round(4)
    array([[1.    , 0.1353]])
    """


@dataclass(frozen=True)
class RationalQuadratic(_OneBandwidth, _DistanceKernel):
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
class Matern(_OneBandwidth, _DistanceKernel):
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
class Energy(_DistanceKernel):
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
class Laplacian(_OneBandwidth):
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
        return _evaluate_components(self, X, Y)

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


# --- fitting and shared steps --------------------------------------------------------------------


@dataclass(frozen=True)
class _Progression:
    """Bandwidths that are fixed multiples of the median or of the mean distance."""

    around: Literal["median", "mean"]
    factors: tuple[float, ...]


def _multiple_bandwidths(rule: Any, size: int, Z: Array) -> tuple[float, ...]:
    if rule == "grid":
        return _grid(_distances.positive_distances(Z), size)
    if not isinstance(rule, _Progression):
        rule = _Progression(rule, tuple(_SQRT2 ** (k - (size - 1) / 2) for k in range(size)))
    if rule.around == "median":
        base = float(np.median(_distances.positive_distances(Z)))
    else:
        base = math.sqrt(_distances.mean_squared_distance(Z) / 2)
    return tuple(sorted(base * factor for factor in rule.factors))


def _grid(distances: Float64, size: int) -> tuple[float, ...]:
    """Cover half the 5 % to twice the 95 % quantile in at most `size` steps of sqrt(2)^p."""
    low, high = _distances.quantiles(distances, [0.05, 0.95])
    # In steps of sqrt(2). On a lattice it is often whole: rounded, it depends on no row order.
    span = round(2 * math.log2(2 * high / (low / 2)), 9)
    p = next(p for p in range(1, 10_000) if math.ceil(span / p) + 1 <= size)
    count = math.ceil(span / p) + 1
    excess = p * (count - 1) - span
    first = (low / 2) * _SQRT2 ** (-excess / 2)
    return tuple(float(first * 2.0 ** (p * k / 2)) for k in range(count))


def _evaluate_components(kernel: Kernel, X: Array, Y: Array) -> Array:
    """Return the weighted sum of a kernel's components, for `kernel(X, Y)`."""
    weights = kernel._weights
    work = Workspace(X, 0, reuse=False)
    centre = _array.centre_row(X)
    for rows in (X, Y):
        kernel._check_rows(rows, centre)
    left, _ = kernel._operands(X, centre, differences=False)
    _, right = kernel._operands(Y, centre, differences=False)
    return sum(weights[r] * K for r, K in kernel._components(left, right, X is Y, work))


def _unfitted(kernel: Kernel) -> ValueError:
    return ValueError(
        f"`{kernel!r}` must be fitted before it is evaluated: its bandwidth is still a rule. "
        "Use `kernel.fit(Z)` with the pooled rows Z."
    )


def _numbers(name: str, values: Any) -> tuple[float, ...]:
    try:
        if isinstance(values, (dict, set)):
            raise TypeError
        several = [values] if np.isscalar(values) else list(values)
        numbers = [_checks.positive(name, value) for value in several]
    except TypeError:
        raise TypeError(
            f'`{name}` must be "grid", "median", "mean" or positive numbers; got '
            f"{_checks.describe(values)}."
        ) from None
    if not numbers:
        raise ValueError(f"`{name}` must hold at least one number; got none.")
    return tuple(sorted(numbers))


def _whole_log2(ratio: float) -> int | None:
    """Return log2(ratio) if it is a whole number of at least 1 (to rounding), else None."""
    if not math.isfinite(ratio):
        return None
    steps = round(math.log2(ratio))
    return steps if steps >= 1 and math.isclose(ratio, 2.0**steps, rel_tol=1e-12) else None


_FINAL |= {
    RBF,
    Energy,
    Laplacian,
    Linear,
    Matern,
    MultiRBF,
    Polynomial,
    Precomputed,
    RationalQuadratic,
}
