"""What a kernel is to its users: the class to derive from."""

import abc
import dataclasses
import inspect
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, TypeVar

import numpy as np

from repdist import _arrays, _checks
from repdist._threads import computing
from repdist._typing import Array
from repdist.kernels._bandwidths import positive_distances

FINAL: set[type] = set()  # kernels that are complete; filled in `__init__.py`
_METHODS = ("evaluate", "fit")  # what users override


class Kernel(abc.ABC):
    """A symmetric function of two rows; derive from it to write your own.

    A subclass is a frozen dataclass with one method, ``evaluate(X, Y)``, for arrays ``X`` (n, d)
    and ``Y`` (m, d) of NumPy or torch (whichever the user's data are, in float64); it returns the
    (n, m) values, and gets blocks of rows. The tests need it to be symmetric,
    ``k(x, y) = k(y, x)``; MMD is a distance if it is (conditionally) positive definite.

    A kernel whose parameters come from the data also overrides ``fit(Z)``, which receives the
    pooled rows and returns a new kernel. For the level to be exact, ``fit`` must not depend on
    the order of the rows.

    These three names are all that is reserved: fields of a subclass may have any other name.

    Attributes
    ----------
    shift_invariant : bool
        True if MMD does not change when every row of both samples is moved by the same vector.
        The rows are then centred first, which keeps float32 accurate. Default False.
    """

    shift_invariant: ClassVar[bool] = False

    @abc.abstractmethod
    def evaluate(self, X: Array, Y: Array) -> Array:
        """Return the kernel values (n, m) for rows X (n, d) and Y (m, d)."""

    def fit(self, Z: Array) -> Self:  # noqa: ARG002 (rules of one's own need it)
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
        TypeError
            If `X` or `Y` is no array of real numbers, or `evaluate` returns none.
        ValueError
            If a bandwidth is still a rule (fit the kernel first), or a value is not finite.
        """
        rows = {"X": X} if Y is X else {"X": X, "Y": Y}
        _arrays.check_held(rows)
        with computing(), np.errstate(over="ignore", invalid="ignore"):  # found below
            arrays = _arrays.read_samples(rows, minimum_rows=1)
            with _arrays.full_precision(arrays[0]):
                K = checked_values(self, arrays[0], arrays[-1])
        if not bool(_arrays.namespace(K).isfinite(_arrays.detach(K)).all()):
            raise ValueError(
                f"`{type(self).__name__}` must give finite values on these rows; got NaN or "
                "infinity. Scale the features."
            )
        return K

    def __init_subclass__(cls, **options: Any) -> None:
        """Refuse what would silently be passed by: reserved names, finished kernels as bases."""
        super().__init_subclass__(**options)
        for base in cls.__mro__[1:]:
            if base in FINAL:
                raise TypeError(
                    f"`{base.__name__}` must not be derived from; got the subclass "
                    f"{cls.__name__}. Derive from `repdist.kernels.Kernel`."
                )
        for name in _METHODS:
            given = vars(cls).get(name, Kernel.fit)
            if name in inspect.get_annotations(cls) or not callable(given):
                raise TypeError(
                    f"`{cls.__name__}.{name}` must be a method of the kernel; got a field of that "
                    "name. Rename the field."
                )


@dataclass(frozen=True)
class OneBandwidth(Kernel):
    """A kernel with one bandwidth: a number, or the median distance of the pooled rows."""

    bandwidth: Literal["median"] | float = "median"
    shift_invariant: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if isinstance(self.bandwidth, str):
            _checks.choice("bandwidth", self.bandwidth, ("median",))
        else:
            object.__setattr__(self, "bandwidth", _checks.positive("bandwidth", self.bandwidth))

    def fit(self, Z: Array) -> Self:
        """Return the kernel with a number for bandwidth, from the pooled rows Z (N, d)."""
        return with_median(self, Z, "euclidean")


Fitted = TypeVar("Fitted", bound=OneBandwidth)


def with_median(kernel: Fitted, Z: Array, metric: Literal["euclidean", "cityblock"]) -> Fitted:
    """Return the kernel with the median distance between pooled rows Z for its bandwidth."""
    if not isinstance(kernel.bandwidth, str):
        return kernel
    with computing():
        (Z,) = _arrays.read_samples({"Z": Z})
        _arrays.check_varies([Z], "`Z`")
        median = float(np.median(positive_distances(Z, metric)))
    return dataclasses.replace(kernel, bandwidth=median)


def bandwidth_of(kernel: OneBandwidth) -> float:
    """Return the bandwidth of a fitted kernel."""
    if isinstance(kernel.bandwidth, str):
        raise unfitted(kernel)
    return kernel.bandwidth


def unfitted(kernel: Kernel) -> ValueError:
    return ValueError(
        f"`kernel` must be fitted before it is evaluated; got {kernel!r}, of which a bandwidth is "
        "still a rule. Use `kernel.fit(Z)` with the pooled rows Z."
    )


def check_kernel(kernel: Any) -> None:
    """Raise if `kernel` is not a Kernel object."""
    if isinstance(kernel, type) and issubclass(kernel, Kernel):
        raise TypeError(
            f"`kernel` must be a kernel object; got the class. Use `{kernel.__name__}()`."
        )
    if not isinstance(kernel, Kernel):
        raise TypeError(
            f"`kernel` must be a kernel object such as `repdist.kernels.RBF()`; got "
            f"{_checks.describe(kernel)}. The others are in `repdist.kernels`, such as "
            "`Polynomial()`; for a function of your own, derive from its `Kernel`."
        )
    _checks.flag(f"{type(kernel).__name__}.shift_invariant", kernel.shift_invariant)


def fit(kernel: Kernel, Z: Array) -> Kernel:
    """Return the fitted kernel; a user's `fit` may return anything."""
    fitted: Any = kernel.fit(Z if type(kernel) in FINAL else _arrays.protected(Z))
    if not isinstance(fitted, Kernel):
        raise TypeError(
            f"`{type(kernel).__name__}.fit` must return a kernel; got {_checks.describe(fitted)}."
        )
    return fitted


def checked_values(kernel: Kernel, X: Array, Y: Array) -> Array:
    """Return `kernel.evaluate(X, Y)`, which may be a user's code."""
    K = kernel.evaluate(X, Y)
    shape, library = (len(X), len(Y)), _arrays.namespace(X).__name__
    if _arrays.is_real_array(K, like=X) and tuple(K.shape) == shape:
        return K
    of = f" of {K.dtype}" if hasattr(K, "dtype") else ""
    got = f"{_checks.describe(K)}{of}, shape {tuple(getattr(K, 'shape', ()))}"
    error = ValueError if _arrays.is_real_array(K, like=X) else TypeError
    raise error(
        f"`{type(kernel).__name__}.evaluate` must return a floating-point {library} array of shape "
        f"{shape} for {shape[0]} and {shape[1]} rows; got {got}."
    )
