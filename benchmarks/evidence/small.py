"""Few rows: the level and the power at 5 to 50 rows a sample, beside two classical tests.

The energy test permutes as `max` does; Hotelling's T^2 has an exact level for Gaussian data, which
these are, and is the most powerful test of a shift that does not prefer a direction.
"""

from typing import Any

import numpy as np
from scipy import stats

import repdist
from benchmarks.evidence import rates
from benchmarks.evidence.problems import Gaussian, Problem, Scale, Shift
from benchmarks.evidence.tasks import LEVEL, Measured, Scope, Task
from repdist import kernels

NAME = "small"
COLUMNS = ("attainable",)

SECONDS = 0.007
SIZES = (5, 10, 20, 50)
N_RESAMPLES = 999
METHODS = ("max", "energy", "hotelling")


def tasks(scope: Scope) -> list[Task]:
    """Return the whole study."""
    return [
        Task(NAME, problem, n, n, METHODS, scope.repetitions(2000), N_RESAMPLES, scheme=f"n{n}")
        for d in (2, 5)
        for n in SIZES
        for problem in problems(d, n)
    ]


def problems(d: int, n: int) -> list[Problem]:
    """Return a null, and a shift and a scale that are about as hard to see for every n."""
    return [Gaussian(d), Shift(d, (16 / n) ** 0.5), Scale(d, 1 + 3 / n**0.5)]


def pvalues(
    task: Task, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
) -> dict[str, float]:
    """Test by every method of the task."""
    return {method: pvalue(task, method, X, Y, seed) for method in task.methods}


def pvalue(
    task: Task, method: str, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
) -> float:
    """Test by one method."""
    if method == "hotelling":
        return hotelling(X, Y)
    kernel = kernels.Energy() if method == "energy" else kernels.MultiRBF()
    rng = np.random.default_rng(seed)
    result = repdist.mmd_test(X, Y, kernel=kernel, n_resamples=task.n_resamples, rng=rng, n_jobs=1)
    return result.pvalue


def hotelling(X: np.ndarray, Y: np.ndarray) -> float:
    """Return the p-value of Hotelling's two-sample T^2, which needs n + m - 2 >= d.

    ``F = (n + m - d - 1) / (d (n + m - 2)) T^2`` has the F distribution of (d, n + m - d - 1).
    """
    (n, d), m = X.shape, len(Y)
    difference = X.mean(axis=0) - Y.mean(axis=0)
    pooled = ((n - 1) * np.cov(X.T) + (m - 1) * np.cov(Y.T)) / (n + m - 2)  # (d, d)
    t2 = n * m / (n + m) * difference @ np.linalg.solve(np.atleast_2d(pooled), difference)
    return float(stats.f.sf((n + m - d - 1) / (d * (n + m - 2)) * t2, d, n + m - d - 1))


def extra(found: Measured) -> dict[str, Any]:
    """Return the largest level up to .05 that p-values can have.

    At n = 5 all 252 relabelings are enumerated, and swapping the samples changes nothing.
    """
    exhaustive = found.task.n == SIZES[0] and found.method != "hotelling"
    return {"attainable": rates.attainable(LEVEL, 126 if exhaustive else 1000)}
