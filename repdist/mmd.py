"""Estimators of MMD^2 and their standard error, from kernel sums."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist import _array, _checks, _samples
from repdist._array import Array, Float64
from repdist._cluster import kernel_blocks
from repdist._null import Estimator, mmd_squared_from_sums
from repdist._sums import Sums, differentiable_totals, join
from repdist._threads import one_blas_thread
from repdist._units import is_small
from repdist.kernels import Kernel, MultiRBF

ESTIMATORS = ("unbiased", "biased")


def mmd_squared(
    X: Array,
    Y: Array,
    *,
    kernel: Kernel = MultiRBF(),
    estimator: Estimator = "unbiased",
) -> Any:
    """Estimate the squared maximum mean discrepancy between two samples.

    ``MMD^2 = E k(x, x') + E k(y, y') - 2 E k(x, y)``, in the units of the kernel. It is 0 if and
    only if the distributions are equal (for a characteristic kernel such as the default).

    Parameters
    ----------
    X : array-like, (n, d) or (n,)
    Y : array-like, (m, d) or (m,)
        NumPy arrays, anything `np.asarray` takes, torch tensors on one device, or dask arrays (see
        `mmd_test`). float32 and float64 are kept; integers become float64, half precision float32.
    kernel : Kernel
        Default ``MultiRBF()``. An unfitted kernel is fitted on the pooled sample. Numbers compare
        only under one fitted kernel: for several calls fit it once and pass it on.
    estimator : {"unbiased", "biased"}
        ``"unbiased"`` (default) leaves out pairs of a row with itself; it can be negative, and is
        0 on average when the distributions are equal. ``"biased"`` keeps them: never negative, but
        above 0 for equal distributions, by about ``E[k(x, x) - k(x, x')] (1 / n + 1 / m)``.

    Returns
    -------
    float, or for torch tensors a scalar tensor of their dtype that can be differentiated; the
    fitted bandwidth counts as a constant.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described; the message names it.

    See Also
    --------
    mmd_test : the same number with its error, a p-value and a null distribution.

    Notes
    -----
    ``O((n + m)^2 d)`` time, memory independent of ``(n + m)^2``.

    References
    ----------
    .. [1] A. Gretton, K. M. Borgwardt, M. J. Rasch, B. Schoelkopf, A. Smola, "A kernel two-sample
       test", JMLR 13, 723-773, 2012, eqs. 3 and 5.

    Examples
    --------
    >>> import numpy as np, repdist
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(200, 3)), rng.normal(1, 1, size=(200, 3))
    >>> round(repdist.mmd_squared(X, Y), 3)
    0.12
    """
    check_kernel(kernel)
    _checks.choice("estimator", estimator, ESTIMATORS)
    least = 2 if estimator == "unbiased" else 1
    X, Y = _samples.samples({"X": X, "Y": Y}, minimum_rows=least)
    _samples.check_varies([X, Y], "`X` and `Y`")
    Z = _array.concatenate([X, Y])
    sizes = (len(X), len(Y))
    fitted = fit(kernel, _array.detach(Z))
    if _array.needs_gradient(Z):
        first, across, second, diagonal = differentiable_totals(fitted, Z, sizes)
        if estimator == "biased":
            first, second = first + diagonal[:, 0], second + diagonal[:, 1]
        components = mmd_squared_from_sums(first, across, second, *sizes, estimator)
        weights = _array.constant(fitted._weights, Z)
        return (components * weights).sum().to(Z.dtype)
    with one_blas_thread:
        blocks = kernel_blocks(
            fitted,
            Z,
            np.array(sizes),
            np.array([0, 1]),
            small=is_small(*sizes),
            n_jobs=_checks.jobs(-1),
        )
        sums = join(*blocks)
    value = float(
        component_estimates(sums, np.array([0, 1]), *sizes, estimator) @ np.array(fitted._weights)
    )
    return _array.constant(value, Z).to(Z.dtype) if _array.is_torch(Z) else value


def component_estimates(
    sums: Sums, unit_sample: npt.NDArray[np.intp], n: int, m: int, estimator: Estimator
) -> Float64:
    """Return MMD^2 of each component, (R,), from sums between units of the two samples."""
    first = (unit_sample == 0).astype(np.float64)
    second = 1 - first
    within_first, within_second = first @ sums.blocks @ first, second @ sums.blocks @ second
    if estimator == "biased":
        within_first = within_first + sums.diagonal @ first
        within_second = within_second + sums.diagonal @ second
    across = first @ sums.blocks @ second
    return np.asarray(mmd_squared_from_sums(within_first, across, within_second, n, m, estimator))


def standard_error(rows_first: Float64, rows_second: Float64) -> float:
    """Return the standard error of the unbiased MMD^2 from the kernel's row sums.

    ``se^2 = 4 var(h_x) / n + 4 var(h_y) / m`` with
    ``h_x(i) = mean_{j != i} k(x_i, x_j) - mean_j k(x_i, y_j)``, and h_y alike.

    Parameters
    ----------
    rows_first : (n, 2)
        For each row of the first sample, the sum over the other rows of its own sample and over
        the rows of the other one.
    rows_second : (m, 2)
        The same for the second sample: own first, then other.
    """
    n, m = len(rows_first), len(rows_second)
    h_first = rows_first[:, 0] / (n - 1) - rows_first[:, 1] / m
    h_second = rows_second[:, 0] / (m - 1) - rows_second[:, 1] / n
    return math.sqrt(4 * h_first.var(ddof=1) / n + 4 * h_second.var(ddof=1) / m)


def check_kernel(kernel: Any) -> None:
    """Raise if `kernel` is not a Kernel object."""
    if isinstance(kernel, type) and issubclass(kernel, Kernel):
        raise TypeError(
            f"`kernel` must be a kernel object; got the class. Use `{kernel.__name__}()`."
        )
    if not isinstance(kernel, Kernel):
        raise TypeError(
            f"`kernel` must be a kernel object such as `repdist.kernels.RBF()`; got "
            f"{_checks.describe(kernel)}. For a function of your own, derive from "
            "`repdist.kernels.Kernel`."
        )


def fit(kernel: Kernel, Z: Array) -> Kernel:
    """Return the fitted kernel; a user's `fit` may return anything."""
    fitted: Any = kernel.fit(Z)
    if not isinstance(fitted, Kernel):
        raise TypeError(
            f"`{type(kernel).__name__}.fit` must return a kernel; got {_checks.describe(fitted)}."
        )
    return fitted
