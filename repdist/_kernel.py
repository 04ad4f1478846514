"""What a kernel is: the base class, kernels of the Euclidean distance, and one bandwidth."""

import abc
import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np

from repdist import _array, _checks, _distances, _samples
from repdist._array import Array, Float64, Workspace

FINAL: set[type] = set()  # kernels that are complete; filled in `kernels.py`


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

    # What the tile pass (`_sums.py`) asks of a kernel. Kernels of users inherit these.

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
            if base in FINAL:
                raise TypeError(
                    f"`{base.__name__}` must not be derived from; got the subclass "
                    f"{cls.__name__}. Derive from `repdist.kernels.Kernel`."
                )


class DistanceKernel(Kernel):
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
        return evaluate_components(self, X, Y)

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


@dataclass(frozen=True)
class OneBandwidth(Kernel):
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
            raise unfitted(self)
        return self.bandwidth

    @property
    def _bandwidths(self) -> tuple[float, ...]:
        return (self._number,)


def evaluate_components(kernel: Kernel, X: Array, Y: Array) -> Array:
    """Return the weighted sum of a kernel's components, for `kernel(X, Y)`."""
    weights = kernel._weights
    work = Workspace(X, 0, reuse=False)
    centre = _array.centre_row(X)
    for rows in (X, Y):
        kernel._check_rows(rows, centre)
    left, _ = kernel._operands(X, centre, differences=False)
    _, right = kernel._operands(Y, centre, differences=False)
    return sum(weights[r] * K for r, K in kernel._components(left, right, X is Y, work))


def unfitted(kernel: Kernel) -> ValueError:
    return ValueError(
        f"`{kernel!r}` must be fitted before it is evaluated: its bandwidth is still a rule. "
        "Use `kernel.fit(Z)` with the pooled rows Z."
    )
