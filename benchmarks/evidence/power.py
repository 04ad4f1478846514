"""The power at 500 rows a sample, beside published figures.

Three combinations of the default kernel, and three kernels that look at one scale. `outside`
tells a rate that differs from the published one of its counterpart by more than chance.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

import repdist
from benchmarks.evidence import published, rates
from benchmarks.evidence.problems import (
    DIGITS,
    Mixture,
    PerturbedUniform,
    PooledDigits,
    Problem,
    Scale,
    Shift,
)
from benchmarks.evidence.tasks import LEVEL, Combine, Measured, Scope, Task
from repdist import kernels

NAME = "power"
COLUMNS = (
    "published_fuse", "published_mmdagg", "published_median",
    "beside", "difference", "difference_pvalue", "outside",
)  # fmt: skip

SECONDS = 0.22
N = 500
N_RESAMPLES = 999


@dataclass(frozen=True)
class Method:
    """A kernel, and how its components become one statistic."""

    combine: Combine = "max"
    kernel: kernels.Kernel = kernels.MultiRBF()


METHODS = {
    "max": Method(),
    "mean": Method("mean"),
    "fuse": Method("fuse"),
    "rbf-median": Method(kernel=kernels.RBF()),
    "laplacian-median": Method(kernel=kernels.Laplacian()),
    "energy": Method(kernel=kernels.Energy()),
}
BEST = "best"
# Method: the published one that it is compared with; "best" is the larger of FUSE and MMDAgg.
BESIDE = {"max": BEST, "fuse": published.FUSE, "rbf-median": published.MEDIAN}


def tasks(scope: Scope) -> list[Task]:
    """Return the whole study."""
    found = [
        Task(NAME, problem, N, N, tuple(METHODS), scope.repetitions(200), N_RESAMPLES)
        for problem in problems(scope.mnist)
    ]
    # Where `max` came out farthest below a published rate, with ten times as many samples.
    again = PerturbedUniform(2, 0.6)
    count = scope.repetitions(2000)
    return [*found, Task(NAME, again, N, N, ("max", "fuse"), count, N_RESAMPLES, scheme="again")]


def problems(mnist: str | None) -> list[Problem]:
    """Return what the literature has, and differences in 20 to 200 columns."""
    return [
        *(Mixture(sd) for sd in published.MIXTURE),
        *(PerturbedUniform(1, amplitude) for amplitude in published.ONE),
        *(PerturbedUniform(2, amplitude) for amplitude in published.TWO),
        *(PooledDigits(digits, mnist) for digits in DIGITS),
        *(make(d) for make in (one_column, all_columns, scale) for d in (20, 50, 100, 200)),
    ]


def one_column(d: int) -> Problem:
    """Return a shift that grows with d so that a quadratic statistic keeps its power."""
    return Shift(d, 0.3 * (d / 50) ** 0.25)


def all_columns(d: int) -> Problem:
    """Return the same shift spread over all columns."""
    return Shift(d, 0.3 * (d / 50) ** 0.25, spread=True)


def scale(d: int) -> Problem:
    """Return a scale as easy to see in the squared lengths of the rows for every d."""
    return Scale(d, 1 + 0.03 * (50 / d) ** 0.5)


def pvalues(
    task: Task, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
) -> dict[str, float]:
    """Test by every method of the task, with the same relabelings."""
    return {
        method: repdist.mmd_test(
            X, Y, kernel=METHODS[method].kernel, combine=METHODS[method].combine,
            n_resamples=task.n_resamples, n_bins=task.n_bins,
            rng=np.random.default_rng(seed), n_jobs=1,
        ).pvalue
        for method in task.methods
    }  # fmt: skip


def comparisons() -> int:
    """Return how many rows have a published counterpart."""
    return sum(counterpart(problem.name, method) is not None
               for problem in problems(None) for method in METHODS)  # fmt: skip


def counterpart(problem: str, method: str) -> float | None:
    """Return the published rate that a row is compared with."""
    found, beside = published.rates(problem), BESIDE.get(method, "")
    if beside == BEST:
        return max((found[name] for name in (published.FUSE, published.AGG) if name in found),
                   default=None)  # fmt: skip
    return found.get(beside)


def extra(found: Measured) -> dict[str, Any]:
    """Return the published rates, and whether ours differs from its counterpart's by chance.

    Two-sided Fisher test of our count against the published one; false-alarm rate `rates.ALARM`
    for all comparisons of the study together. At 200 repetitions each, .5 against .26 or .74 is
    found with probability .9.
    """
    task, method = found.task, found.method
    rows = {f"published_{name}": rate for name, rate in published.rates(task.name).items()}
    theirs = counterpart(task.name, method)
    if theirs is None:
        return rows
    ours, of = int((found.pvalues[method] <= LEVEL).sum()), published.repetitions(task.name)
    chance = rates.difference_pvalue(ours, task.repetitions, round(theirs * of), of)
    difference = ours / task.repetitions - theirs
    outside = chance < rates.ALARM / comparisons()
    return rows | {
        "beside": BESIDE[method], "difference": difference, "difference_pvalue": chance,
        "outside": ("above" if difference > 0 else "below") * outside,
    }  # fmt: skip
