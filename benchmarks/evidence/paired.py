"""Paired rows: the level, the power, and how often the interval covers the truth.

``"paired"`` exchanges the rows of pairs, ``"unpaired"`` is the test of independent rows, which does
not know of the pairs. Both see the same samples. Where the rows of a pair are exchangeable, the
p-values of ``"paired"`` are checked as those of `level`; they need not be uniform where X and Y
have one distribution but are not exchangeable (`turned`).

``"interval"`` stands for the 95 % interval of the paired MMD^2 under a fixed Gaussian kernel, for
which the truth is known: its p-value is 0 if the interval misses the truth, else 1, so its rate is
the share of misses.
"""

from typing import Any

import numpy as np

import repdist
from benchmarks.evidence import level
from benchmarks.evidence.problems import Pairs
from benchmarks.evidence.tasks import Measured, Scope, Task
from repdist import kernels

NAME = "paired"
COLUMNS = (*level.COLUMNS, "truth", "coverage")

SECONDS = 0.02
SIZES = (20, 50, 200)
N_RESAMPLES = 1023
CORRELATIONS = (0.0, 0.5, 0.9)
INTERVAL = "interval"
METHODS = ("paired", "unpaired", INTERVAL)
BANDWIDTH = 3.0  # about the median distance of these rows
PROBLEMS = (
    *(Pairs(c) for c in CORRELATIONS),
    *(Pairs(c, turned=True) for c in CORRELATIONS if c),
    *(Pairs(c, shift=0.15) for c in CORRELATIONS),
    *(Pairs(c, scale=1.1) for c in CORRELATIONS),
)


def tasks(scope: Scope) -> list[Task]:
    """Return the whole study."""
    repetitions = scope.repetitions(2000)
    return [
        Task(NAME, problem, n, n, METHODS, repetitions, N_RESAMPLES, scheme=f"n{n}")
        for problem in PROBLEMS
        for n in SIZES
    ]


def pvalues(
    task: Task, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
) -> dict[str, float]:
    """Test by every method of the task."""
    return {method: pvalue(task, method, X, Y, seed) for method in task.methods}


def pvalue(
    task: Task, method: str, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
) -> float:
    """Test by one method; 0 for an interval that misses the truth, else 1."""
    if method == INTERVAL:
        low, high = interval(X, Y, seed)
        return float(low <= truth(task) <= high)
    result = repdist.mmd_test(
        X, Y, paired=method == "paired", n_resamples=task.n_resamples, n_bins=task.n_bins,
        rng=np.random.default_rng(seed), n_jobs=1,
    )  # fmt: skip
    return result.pvalue


def interval(X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence) -> tuple[float, float]:
    """Return the 95 % interval of MMD^2 under the fixed kernel; relabelings do not matter to it."""
    result = repdist.mmd_test(
        X, Y, paired=True, kernel=kernels.RBF(BANDWIDTH), n_resamples=1,
        rng=np.random.default_rng(seed), n_jobs=1,
    )  # fmt: skip
    return result.confidence_interval()


def truth(task: Task) -> float:
    """Return MMD^2 of the two distributions under the fixed kernel."""
    assert isinstance(task.problem, Pairs)
    return task.problem.mmd_squared(BANDWIDTH)


def extra(found: Measured) -> dict[str, Any]:
    """Return the coverage of an interval, and the check of p-values that must be uniform.

    False-alarm rate: `rates.ALARM` for the whole study.
    """
    task = found.task
    assert isinstance(task.problem, Pairs)
    if found.method == INTERVAL:
        return {"truth": truth(task), "coverage": float(found.pvalues[INTERVAL].mean())}
    if found.method == "paired" and task.problem.exchangeable:
        return level.extra(found)
    return {}
