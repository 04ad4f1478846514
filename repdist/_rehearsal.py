"""What `check_level` and `estimate_power` share: many tests on rows drawn from the user's own."""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from repdist import _array, _checks, _samples
from repdist._array import Array, Float64
from repdist._threads import in_order, one_blas_thread, with_progress
from repdist._units import is_exhaustive, two_sample_units
from repdist.two_sample import MOST_RESAMPLES, MMDTestResult

MOST_REPETITIONS = 10**6

Test: TypeAlias = Callable[..., MMDTestResult]
Draw: TypeAlias = Callable[[np.random.Generator], tuple[Array, Array]]


def two_samples(X: Any, Y: Any) -> tuple[Array, Array]:
    """Return both samples, checked, outside any autograd graph."""
    _samples.check_held({"X": X, "Y": Y})
    X, Y = (_array.detach(array) for array in _samples.samples({"X": X, "Y": Y}))
    _samples.check_varies([X, Y], "`X` and `Y`")
    return X, Y


def rows_at(array: Array, index: Any) -> Array:
    """Return the rows at `index`, in memory."""
    return _array.in_memory(_array.take_rows(array, index))


def pvalues_of(
    test: Test, draws: Sequence[Draw], rng: np.random.Generator, n_jobs: int, progress: bool
) -> Float64:
    """Return the p-value of the test on every draw, each with a random stream of its own."""
    seeds = rng.integers(2**63, size=len(draws))

    def pvalue(task: tuple[Draw, int]) -> float:
        draw, seed = task
        stream = np.random.default_rng(seed)
        X, Y = draw(stream)
        if _samples.is_constant(_array.concatenate([X, Y])):
            return 1.0  # all relabelings tie
        return test(X, Y, rng=stream).pvalue

    with one_blas_thread:
        results = in_order(pvalue, zip(draws, seeds, strict=True), n_jobs)
        pvalues = np.array(list(with_progress(results, len(draws), progress, "tests")))
    pvalues.setflags(write=False)
    return pvalues


def count_rejections(pvalues: Float64, alpha: float) -> int:
    """Return how many tests rejected."""
    return int(reaches(pvalues, alpha).sum())


def reaches(pvalue: Any, alpha: float) -> Any:
    """Tell whether a p-value is as small as alpha, to rounding."""
    return pvalue <= alpha * (1 + 1e-9)


def check_reach(n_resamples: Any, alpha: float) -> int:
    """Return `n_resamples`, checked to give p-values as small as alpha."""
    number = _checks.whole_number("n_resamples", n_resamples, 1, MOST_RESAMPLES)
    if not reaches(1 / (number + 1), alpha):
        raise ValueError(
            f"`n_resamples` must be at least {math.ceil(1 / alpha * (1 - 1e-9)) - 1} for p-values "
            f"as small as alpha = {alpha:g}; got {number}."
        )
    return number


def binomial_interval(count: int, trials: int, level: float) -> tuple[float, float]:
    """Return the Clopper-Pearson interval for a chance."""
    from scipy.stats import binomtest

    ends = binomtest(count, trials).proportion_ci(level, method="exact")
    return float(ends.low), float(ends.high)


def least_pvalue(n: int, m: int, n_bins: Any, n_resamples: int) -> float:
    """Return the smallest p-value that tests of so many rows can give."""
    units = two_sample_units(min(n, m), max(n, m), n_bins)
    if is_exhaustive(units, n_resamples):
        return units.least_pvalue_exhaustive
    return 1 / (n_resamples + 1)
