"""How far apart are two samples? The estimate alone, differentiable for torch."""

import warnings
from typing import Any

import numpy as np

from repdist import _arrays, _checks
from repdist._blocks import Layout, join
from repdist._designs.units import is_small
from repdist._inference.estimates import (
    check_definite,
    component_estimates,
    mmd_squared_from_sums,
    raise_if_negative,
)
from repdist._options import check_estimator, check_row_numbers
from repdist._pass.gradient import differentiable_totals
from repdist._pass.sums import kernel_blocks
from repdist._threads import Workers, computing
from repdist._typing import Array, Estimator
from repdist.kernels import Kernel, MultiRBF
from repdist.kernels._kernel import check_kernel, fit
from repdist.kernels._plan import Plan, plan


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

    Warns
    -----
    RepdistWarning
        If the kernel's bandwidth is so small that it is 0 between all different rows.

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
    check_estimator(estimator)
    check_row_numbers(kernel, {"X": X, "Y": Y})
    with computing():
        return _estimated(X, Y, kernel, estimator)


def _estimated(X: Array, Y: Array, kernel: Kernel, estimator: Estimator) -> Any:
    least = 2 if estimator == "unbiased" else 1
    X, Y = _arrays.read_samples({"X": X, "Y": Y}, minimum_rows=least)
    _arrays.check_varies([X, Y], "`X` and `Y`")
    Z = _arrays.concatenate([X, Y])
    sizes = (len(X), len(Y))
    how = plan(fit(kernel, _arrays.detach(Z)))
    if _arrays.needs_gradient(Z):
        first, across, second, diagonal = differentiable_totals(how, Z, sizes)
        _check_totals(how, first, across, second, diagonal, sizes=sizes)
        if estimator == "biased":
            first, second = first + diagonal[:, 0], second + diagonal[:, 1]
        components = mmd_squared_from_sums(first, across, second, sizes, estimator)
        return (components * _arrays.constant(how.weights, Z)).sum().to(Z.dtype)
    samples = np.array([0, 1])
    layout = Layout(np.array(sizes), samples, is_small(*sizes))
    sums = join(*kernel_blocks(how, Z, layout, Workers(_checks.jobs(-1))))
    check_definite(sums, samples, np.array(how.weights))
    _warn_if_blind(how, float(sums.magnitude.max()))
    value = float(component_estimates(sums, samples, estimator) @ np.array(how.weights))
    return _arrays.constant(value, Z).to(Z.dtype) if _arrays.is_torch(Z) else value


def _check_totals(how: Plan, *totals: Any, sizes: tuple[int, int]) -> None:
    """Check sums that autograd goes back through as those of the other road are."""
    first, across, second, diagonal = (_arrays.to_numpy(total) for total in totals)
    if not all(np.isfinite(total).all() for total in (first, across, second, diagonal)):
        raise ValueError(
            "`kernel` must give finite values on these data; got NaN or infinity. Scale the "
            "features, e.g. to unit standard deviation."
        )
    own = diagonal[:, 0], diagonal[:, 1]
    biased = mmd_squared_from_sums(first + own[0], across, second + own[1], sizes, "biased")
    weights = np.array(how.weights)
    n, m = sizes
    means = (first + own[0]) / n**2, (second + own[1]) / m**2, across / (n * m)
    largest = float(np.abs(means).max(axis=0) @ np.abs(weights))
    raise_if_negative(float(biased @ weights), largest, float(np.finfo(np.float32).eps))
    _warn_if_blind(how, float((first + second + 2 * across).sum()), sum(sizes) ** 2)


def _warn_if_blind(how: Plan, total: float, count: int = 1) -> None:
    """Warn if the kernel tells no two different rows from rows that are infinitely far apart."""
    if how.bounded and total <= np.finfo(np.float64).eps * count:
        warnings.warn(
            f"the kernel is 0 between all different rows: its bandwidth of "
            f"{max(how.bandwidths):.3g} is far below their distances, so MMD^2 and its gradient "
            'say nothing. Use a larger bandwidth, or "median".',
            _checks.RepdistWarning,
            stacklevel=5,
        )
