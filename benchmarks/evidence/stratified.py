"""Rows in strata: the level, the power, and how often the interval covers the truth.

``"strata"`` compares inside strata by both statistics at every bandwidth, ``"adjusted"`` by the
adjusted MMD^2 alone, under one Gaussian kernel, and ``"pooled"`` by the MMD^2 of all rows under
that kernel: its relabelings stay inside strata, too, so its level is exact, but the mix of the
samples is in the statistic. ``"rows"`` does not know of the strata. All see the same samples. Where
nothing differs inside strata, p-values of the first three are checked as those of `level`.

``"interval"`` stands for the 95 % interval of the adjusted MMD^2 under the fixed kernel, for which
the truth is known: its p-value is 0 if the interval misses the truth, else 1, so its rate is the
share of misses.
"""

from typing import Any

import numpy as np

import repdist
from benchmarks.evidence import level
from benchmarks.evidence.grouped import InStrata, parted
from benchmarks.evidence.tasks import Measured, Scope, Task
from repdist import kernels

NAME = "stratified"
COLUMNS = (*level.COLUMNS, "truth", "coverage")

SECONDS = 0.06
N_RESAMPLES = 1023
INTERVAL = "interval"
EXACT = ("strata", "adjusted", "pooled")
METHODS = (*EXACT, "rows", INTERVAL)
NO_ROWS = (*EXACT, INTERVAL)
BANDWIDTH = 4.0  # about the median distance of these rows
KERNEL = kernels.RBF(BANDWIDTH)
Sizes = tuple[tuple[int, int], ...]
SIZES: Sizes = ((100, 100), (20, 20), (40, 160), (200, 200))  # the last are cut into bins


def tasks(scope: Scope) -> list[Task]:
    """Return the whole study; what `rows` see of a difference says nothing if mixes differ."""
    repetitions = scope.repetitions(2000)
    return [
        Task(NAME, problem, n, m, methods_for(problem), repetitions, N_RESAMPLES, scheme=f"{n}+{m}")
        for problem, sizes in (*nulls(), *differences())
        for n, m in sizes
    ]


def methods_for(problem: InStrata) -> tuple[str, ...]:
    """Return what is tried on a problem."""
    return METHODS if problem.null or problem.mix == "same-mix" else NO_ROWS


def nulls() -> tuple[tuple[InStrata, Sizes], ...]:
    """Return what has no difference inside strata, and the sizes of the samples."""
    return (InStrata("other-mix"), SIZES), (InStrata("same-mix"), SIZES[:2])


def differences() -> list[tuple[InStrata, Sizes]]:
    """Return one shift in all strata, and opposite ones; smaller samples have larger shifts."""
    found = []
    for shifts, few in (
        ((0.2, 0.2, 0.2), (0.4, 0.4, 0.4)),
        ((0.3, 0.0, -0.3), (0.6, 0.0, -0.6)),
    ):
        found += [
            (InStrata("other-mix", shifts), (SIZES[0], SIZES[2])),
            (InStrata("other-mix", few), SIZES[1:2]),
            (InStrata("same-mix", shifts), SIZES[:1]),
        ]
    return found


def pvalues(
    task: Task, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
) -> dict[str, float]:
    """Test by every method of the task."""
    return {method: pvalue(task, method, X, Y, seed) for method in task.methods}


def pvalue(
    task: Task, method: str, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
) -> float:
    """Test by one method; 0 for an interval that misses the truth, else 1."""
    (first, second), strata = parted(X, Y)
    if method == INTERVAL:
        low, high = interval(X, Y, seed)
        return float(low <= truth(task) <= high)
    rng = np.random.default_rng(seed)
    if method == "pooled":
        return pooled_pvalue(first, second, strata, task.n_resamples, rng)
    result = repdist.mmd_test(
        first, second, strata=None if method == "rows" else strata,
        kernel=KERNEL if method == "adjusted" else kernels.MultiRBF(),
        n_resamples=task.n_resamples, n_bins=task.n_bins, rng=rng, n_jobs=1,
    )  # fmt: skip
    return result.pvalue


def pooled_pvalue(
    X: np.ndarray,
    Y: np.ndarray,
    strata: tuple[np.ndarray, np.ndarray],
    n_resamples: int,
    rng: np.random.Generator,
) -> float:
    """Return the p-value of MMD^2 of all rows among random relabelings inside strata.

    The kernel without its diagonal is enough for the unbiased MMD^2.
    """
    Z, numbers = np.concatenate([X, Y]), np.concatenate(strata)
    K = KERNEL(Z, Z)
    np.fill_diagonal(K, 0)
    labels = np.tile(np.repeat([1.0, 0.0], [len(X), len(Y)]), (n_resamples + 1, 1))
    for s in np.unique(numbers):
        here = numbers == s
        labels[1:, here] = rng.permuted(labels[1:, here], axis=1)
    T = pooled_mmd_squared(K, labels)
    return float((T[0] - 1e-12 <= T).mean())


def pooled_mmd_squared(K: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the unbiased MMD^2 for labels (b, N): 1 for a row in the first sample, else 0.

    K is the kernel (N, N) with a diagonal of 0.
    """
    n = labels[0].sum()
    m = len(K) - n
    inside = np.einsum("bi,bi->b", labels @ K, labels)
    of_first, total = labels @ K.sum(axis=1), K.sum()
    across = of_first - inside
    others = total - of_first - across
    return np.asarray(inside / (n * (n - 1)) + others / (m * (m - 1)) - 2 * across / (n * m))


def interval(X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence) -> tuple[float, float]:
    """Return the 95 % interval of the adjusted MMD^2 under the fixed kernel.

    Relabelings do not matter to it.
    """
    (first, second), strata = parted(X, Y)
    result = repdist.mmd_test(
        first, second, strata=strata, kernel=KERNEL, n_resamples=1,
        rng=np.random.default_rng(seed), n_jobs=1,
    )  # fmt: skip
    return result.confidence_interval()


def truth(task: Task) -> float:
    """Return the adjusted MMD^2 of what is drawn from, under the fixed kernel."""
    return problem_of(task).mmd_squared(BANDWIDTH, task.n, task.m)


def problem_of(task: Task) -> InStrata:
    """Return the problem, for mypy."""
    assert isinstance(task.problem, InStrata)
    return task.problem


def extra(found: Measured) -> dict[str, Any]:
    """Return the coverage of an interval, and the check of p-values that must be uniform.

    False-alarm rate: `rates.ALARM` for the whole study.
    """
    if found.method == INTERVAL:
        covered = float(found.pvalues[INTERVAL].mean())
        return {"truth": truth(found.task), "coverage": covered}
    if found.method in EXACT and problem_of(found.task).null:
        return level.extra(found)
    return {}
