"""Rows in clusters: the level, the power, and how often the interval covers the truth.

``"clusters"`` moves whole clusters, ``"rows"`` takes all rows for independent, ``"one row"`` tests
one row of each cluster, and ``"means"`` their mean rows. All see the same samples, whose sizes are
numbers of clusters. Where a test is exact, its p-values are checked as those of `level`; clusters
of other sizes in the two samples are not exchangeable, so there the rate stands for itself.

``"interval"`` stands for the 95 % interval of the MMD^2 of clusters under a fixed Gaussian kernel,
for which the truth is known: its p-value is 0 if the interval misses the truth, else 1, so its rate
is the share of misses.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import repdist
from benchmarks.evidence import level
from benchmarks.evidence.grouped import InClusters, parted
from benchmarks.evidence.tasks import Measured, Scope, Task
from repdist import kernels

NAME = "clustered"
COLUMNS = (*level.COLUMNS, "truth", "coverage")

SECONDS = 0.06
N_RESAMPLES = 1023
INTERVAL = "interval"
METHODS = ("clusters", "rows", "one row", "means", INTERVAL)
NO_ROWS = ("clusters", "one row", "means", INTERVAL)
BANDWIDTH = 4.0  # about the median distance of these rows
USUAL, OTHERS = (12, 12), ((3, 12), (4, 4), (8, 8), (40, 40))  # clusters of the samples
NULLS = (
    (InClusters(), USUAL),
    (InClusters((1, 60), (1, 60)), USUAL),
    (InClusters((1, 1), (20, 20)), (8, 24)),
    (InClusters((20, 20), (1, 1)), (8, 24)),
)
DIFFERENCES = (InClusters(shift=0.35), InClusters(within=1.25), InClusters(between=1.8))


def tasks(scope: Scope) -> list[Task]:
    """Return the whole study.

    What `rows` see of a difference says nothing, as they reject without. With other numbers of
    clusters the intervals of a difference are measured alone.
    """
    cells = [
        *((null, numbers, METHODS) for null, numbers in NULLS),
        *((InClusters(), numbers, NO_ROWS) for numbers in OTHERS),
        *((problem, USUAL, NO_ROWS) for problem in DIFFERENCES),
        *((problem, numbers, (INTERVAL,)) for problem in DIFFERENCES for numbers in OTHERS),
    ]
    repetitions = scope.repetitions(2000)
    return [
        Task(NAME, problem, n, m, methods, repetitions, N_RESAMPLES, scheme=f"{n}+{m}")
        for problem, (n, m), methods in cells
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
    rows, ids = parted(X, Y)
    independent = READINGS.get(method)
    first, second = rows if independent is None else map(independent, rows, ids)
    result = repdist.mmd_test(
        first, second, clusters=ids if independent is None else None,
        n_resamples=task.n_resamples, n_bins=task.n_bins, rng=np.random.default_rng(seed), n_jobs=1,
    )  # fmt: skip
    return result.pvalue


def all_rows(rows: np.ndarray, _: np.ndarray) -> np.ndarray:
    """Return the rows as they are."""
    return rows


def firsts(rows: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return the first row of each cluster: it was drawn as all others were."""
    return rows[np.unique(ids, return_index=True)[1]]


def means(rows: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return the mean row of each cluster; clusters stand one after the other."""
    starts, sizes = np.unique(ids, return_index=True, return_counts=True)[1:]
    return np.asarray(np.add.reduceat(rows, starts) / sizes[:, None])


READINGS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "rows": all_rows,
    "one row": firsts,
    "means": means,
}


def interval(X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence) -> tuple[float, float]:
    """Return the 95 % interval of MMD^2 under the fixed kernel; relabelings do not matter to it."""
    (first, second), ids = parted(X, Y)
    result = repdist.mmd_test(
        first, second, clusters=ids, kernel=kernels.RBF(BANDWIDTH), n_resamples=1,
        rng=np.random.default_rng(seed), n_jobs=1,
    )  # fmt: skip
    return result.confidence_interval()


def truth(task: Task) -> float:
    """Return MMD^2 of the two distributions of rows under the fixed kernel."""
    return problem_of(task).mmd_squared(BANDWIDTH)


def problem_of(task: Task) -> InClusters:
    """Return the problem, for mypy."""
    assert isinstance(task.problem, InClusters)
    return task.problem


def is_exact(task: Task, method: str) -> bool:
    """Tell whether the p-values of a test must be uniform."""
    problem = problem_of(task)
    return {
        "clusters": problem.exchangeable,
        "means": problem.exchangeable,
        "one row": problem.null,  # whatever the sizes
    }.get(method, False)


def steps(task: Task) -> int:
    """Return how many values the p-value of a test of clusters can have.

    Few relabelings are enumerated, and of equal numbers a swap of the samples changes nothing.
    """
    total = math.comb(task.n + task.m, task.n)
    if total > task.n_resamples + 1:
        return task.n_resamples + 1
    return total // (2 if task.n == task.m else 1)


def extra(found: Measured) -> dict[str, Any]:
    """Return the coverage of an interval, and the check of p-values that must be uniform.

    False-alarm rate: `rates.ALARM` for the whole study.
    """
    if found.method == INTERVAL:
        covered = float(found.pvalues[INTERVAL].mean())
        return {"truth": truth(found.task), "coverage": covered}
    if is_exact(found.task, found.method):
        assert isinstance(found.task.problem, InClusters)
        guarded = found.method == "clusters" and found.task.problem.sizes_vary
        return level.checked(found, steps(found.task), uniform=not guarded)
    return {}
