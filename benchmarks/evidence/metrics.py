"""Metrics of generated features: how often the 95 % intervals of FID and KID hold the true value.

``"fid"`` is the interval of `repdist.metrics.fid` around the value without bias; ``"fid-plain"``
has the same width around the plain value, which papers quote. ``"kid"`` is that of
`repdist.metrics.kid`; ``"kid-subsets"`` what is quoted in its place: the mean over random subsets
of a fifth of the rows, and 1.96 of their standard deviations on either side.

Each of these "p-values" is 0 if the interval misses the truth, else 1, so its rate is the share of
misses. Beside it stand the truth, mean and standard deviation of the value over the repetitions,
and the mean of the stated error as a multiple of that standard deviation.
"""

import functools
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.evidence import rates
from benchmarks.evidence.features import Features
from benchmarks.evidence.tasks import Measured, Scope, Task
from repdist.metrics import fid, kid

NAME = "metrics"
COLUMNS = (
    "metric", "truth", "coverage", "coverage_low", "coverage_high", "mean", "sd", "error",
)  # fmt: skip

SECONDS = 0.25
METHODS = ("fid", "fid-plain", "kid", "kid-subsets")
SUBSETS, SHARE = 20, 5
WITHIN = 1.959964  # standard deviations
REPETITIONS = {64: 1000, 512: 200}  # by columns, of which many take time
SETTINGS = (
    (Features("equal", 64), 48, 48),  # fewer rows than columns, and as many
    (Features("equal", 64), 64, 64),
    (Features("equal", 64), 300, 300),
    (Features("shift", 64), 100, 100),
    (Features("shift", 64), 300, 300),
    (Features("shift", 64), 100, 1000),
    (Features("shift", 64), 300, 3000),
    (Features("equal", 64), 1000, 1000),
    (Features("scale", 64), 1000, 1000),
    (Features("spectrum", 64), 1000, 1000),
    (Features("heavy", 64), 1000, 1000),
    (Features("relu", 64), 1000, 1000),
    (Features("classes", 64), 1000, 1000),
    (Features("equal", 512), 300, 300),
    (Features("shift", 512), 300, 300),
    (Features("heavy", 512), 300, 300),
    (Features("classes", 512), 1000, 1000),
    (Features("spectrum", 512), 1000, 1000),
)


def tasks(scope: Scope) -> list[Task]:
    """Return the whole study."""
    return [
        Task(
            NAME, problem, n, m, METHODS, scope.repetitions(REPETITIONS[problem.d]), 1,
            scheme=f"{n}+{m}",
        )
        for problem, n, m in SETTINGS
    ]  # fmt: skip


def pvalues(
    task: Task, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
) -> dict[str, float]:
    """Return 0 for every method whose interval misses the truth, else 1; values and errors, too."""
    truth = truth_of(problem_of(task))
    found = {}
    for method, (value, error, (low, high)) in measured(task.methods, X, Y, seed).items():
        found[method] = float(low <= truth[metric_of(method)] <= high)
        found |= {f"{method} value": value, f"{method} error": error}
    return found


def measured(
    methods: tuple[str, ...], X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
) -> dict[str, tuple[float, float, tuple[float, float]]]:
    """Return value, stated error and interval by each method."""
    found = {}
    if {"fid", "fid-plain"} & set(methods):
        of_fid = fid(X, Y, rng=np.random.default_rng(seed), n_jobs=1)
        error = of_fid.standard_error
        found["fid"] = of_fid.unbiased, error, of_fid.confidence_interval()
        within = float(stats.t.ppf(0.975, of_fid.degrees))
        found["fid-plain"] = of_fid.value, error, around(of_fid.value, within * error)
    if {"kid", "kid-subsets"} & set(methods):
        of_kid = kid(
            X, Y, subsets=SUBSETS, subset_size=min(len(X), len(Y)) // SHARE, n_resamples=1,
            rng=np.random.default_rng(seed), n_jobs=1,
        )  # fmt: skip
        found["kid"] = of_kid.value, of_kid.standard_error, of_kid.confidence_interval()
        spread = of_kid.spread
        assert spread is not None
        found["kid-subsets"] = spread.mean, spread.std, around(spread.mean, WITHIN * spread.std)
    return {method: found[method] for method in methods}


def around(value: float, reach: float) -> tuple[float, float]:
    """Return an interval."""
    return value - reach, value + reach


def metric_of(method: str) -> str:
    """Return the metric that a method is of."""
    return method.partition("-")[0]


@functools.cache
def truth_of(problem: Features) -> dict[str, float]:
    """Return the true FID and KID, computed once."""
    return problem.truth()


def problem_of(task: Task) -> Features:
    """Return the problem, for mypy."""
    assert isinstance(task.problem, Features)
    return task.problem


def extra(found: Measured) -> dict[str, Any]:
    """Return the coverage with its exact interval, and what is said beside what is so."""
    covered = found.pvalues[found.method] > 0
    values, errors = (found.pvalues[f"{found.method} {what}"] for what in ("value", "error"))
    low, high = rates.interval(int(covered.sum()), len(covered))
    sd = float(values.std(ddof=1))
    metric = metric_of(found.method)
    return {
        "metric": metric,
        "truth": truth_of(problem_of(found.task))[metric],
        "coverage": float(covered.mean()),
        "coverage_low": low,
        "coverage_high": high,
        "mean": float(values.mean()),
        "sd": sd,
        "error": float(errors.mean()) / sd,
    }
