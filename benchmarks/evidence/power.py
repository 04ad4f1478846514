"""The power at 500 rows a sample, beside published figures.

Three combinations of the default kernel, and three kernels that look at one scale. `outside`
tells a rate that differs from the published one of its counterpart by more than chance.
"""

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
from benchmarks.evidence.tasks import LEVEL, Task
from repdist import kernels

NAME = "power"
COLUMNS = (
    "published_fuse", "published_mmdagg", "published_median",
    "beside", "difference", "difference_pvalue", "outside",
)  # fmt: skip

SECONDS = 0.22
N = 500
N_RESAMPLES = 999
METHODS = {
    "max": {"combine": "max"},
    "mean": {"combine": "mean"},
    "fuse": {"combine": "fuse"},
    "rbf-median": {"kernel": kernels.RBF()},
    "laplacian-median": {"kernel": kernels.Laplacian()},
    "energy": {"kernel": kernels.Energy()},
}
BEST = "best"
# Method: the published one that it is compared with; "best" is the larger of FUSE and MMDAgg.
BESIDE = {"max": BEST, "fuse": published.FUSE, "rbf-median": published.MEDIAN}


def tasks(quick: bool, mnist: str | None) -> list[Task]:
    """Return the whole study."""
    found = [
        Task(NAME, problem, N, N, tuple(METHODS), 10 if quick else 200, N_RESAMPLES)
        for problem in problems(mnist)
    ]
    # Where `max` came out farthest below a published rate, with ten times as many samples.
    again = PerturbedUniform(2, 0.6)
    count = 10 if quick else 2000
    return [*found, Task(NAME, again, N, N, ("max", "fuse"), count, N_RESAMPLES, scheme="again")]


def problems(mnist: str | None) -> list[Problem]:
    """Return what the literature has, and differences in 20 to 200 columns."""
    tables = published.TABLES
    mixture, one, two = (tables[f][0] for f in ("mixture", "perturbed-d1", "perturbed-d2"))
    found = [Mixture(sd) for sd in mixture]
    found += [PerturbedUniform(1, amplitude) for amplitude in one]
    found += [PerturbedUniform(2, amplitude) for amplitude in two]
    found += [PooledDigits(digits, mnist) for digits in DIGITS]
    return found + [
        make(d) for make in (one_column, all_columns, scale) for d in (20, 50, 100, 200)
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


def pvalues(task: Task, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence) -> dict:
    """Test by every method of the task, with the same relabelings."""
    return {
        method: repdist.mmd_test(
            X, Y, n_resamples=task.n_resamples, n_bins=task.n_bins,
            rng=np.random.default_rng(seed), n_jobs=1, **METHODS[method],
        ).pvalue
        for method in task.methods
    }  # fmt: skip


def comparisons() -> int:
    """Return how many rows have a published counterpart."""
    return sum(counterpart(problem.name, method) is not None
               for problem in problems(None) for method in METHODS)  # fmt: skip


def counterpart(problem: str, method: str) -> float | None:
    """Return the published rate that a row is compared with."""
    found, beside = published.rates(problem), BESIDE.get(method)
    if beside == BEST:
        return max((found[name] for name in (published.FUSE, published.AGG) if name in found),
                   default=None)  # fmt: skip
    return found.get(beside)


def extra(task: Task, method: str, pvalues: dict[str, np.ndarray], n_rows: int) -> dict:
    """Return the published rates, and whether ours differs from its counterpart's by chance.

    Two-sided Fisher test of our count against the published one; false-alarm rate `rates.ALARM`
    for all comparisons of the study together. At 200 repetitions each, .5 against .26 or .74 is
    found with probability .9.
    """
    found = {f"published_{name}": rate for name, rate in published.rates(task.name).items()}
    theirs = counterpart(task.name, method)
    if theirs is None:
        return found
    ours, of = int((pvalues[method] <= LEVEL).sum()), published.repetitions(task.name)
    chance = rates.difference_pvalue(ours, task.repetitions, round(theirs * of), of)
    difference = ours / task.repetitions - theirs
    outside = chance < rates.ALARM / comparisons()
    return found | {
        "beside": BESIDE[method], "difference": difference, "difference_pvalue": chance,
        "outside": ("above" if difference > 0 else "below") * outside,
    }  # fmt: skip
