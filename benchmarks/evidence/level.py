"""The level: how often a true null hypothesis is rejected, and whether p-values are uniform.

Eight kinds of null, every combination, both estimators, and every scheme of units: single rows,
bins, bins with a frozen remainder, and few enough units that all relabelings are enumerated.
"""

import numpy as np

import repdist
from benchmarks.evidence import rates
from benchmarks.evidence.problems import (
    Clusters,
    Gaussian,
    HeavyTails,
    Lattice,
    Problem,
    SparseFeatures,
)
from benchmarks.evidence.tasks import LEVEL, Task

NAME = "level"
COLUMNS = (
    "attainable", "rejections_01", "rate_01", "low_01", "high_01",
    "uniform_pvalue", "superuniform_pvalue", "alarm",
)  # fmt: skip

SECONDS = 0.02
N_RESAMPLES = 199
UNBIASED = ("max", "mean", "fuse")
BOTH = (*UNBIASED, "max-biased", "mean-biased", "fuse-biased")
NULLS = (Gaussian(2), Gaussian(64), SparseFeatures(), Lattice(), HeavyTails(), Clusters())

# Scheme: rows of the two samples, n_bins, methods.
SCHEMES = {
    "rows": (40, 40, "rows", BOTH),
    "bins": (40, 40, 8, UNBIASED),  # of 5 rows
    "frozen": (43, 47, 8, (*UNBIASED, "max-biased")),  # 8 and 9 bins of 5 rows; 3 and 2 are frozen
    "exhaustive": (40, 40, 4, UNBIASED),  # all 70 relabelings
}
OTHERS = (
    ("auto-150", Gaussian(64), 150, 150, "auto", ("max",)),  # 75 bins of 2 rows
    ("auto-150", Clusters(), 150, 150, "auto", ("max",)),
    ("unequal", Gaussian(2), 20, 400, "auto", BOTH),  # single rows, 144 of the larger frozen
    ("unequal-bins", Gaussian(2), 20, 400, 5, UNBIASED),  # bins of 4 rows
    ("tiny", Gaussian(2), 4, 4, "auto", BOTH),  # all 70 relabelings
    ("tiny", Lattice(), 4, 4, "auto", BOTH),
)
EXHAUSTIVE_STEPS = {"exhaustive": 35, "tiny": 35}  # 70, and a swap of the samples changes nothing


def tasks(quick: bool, mnist: str | None) -> list[Task]:
    """Return the whole study."""
    cells = [(scheme, null, *how) for null in NULLS for scheme, how in SCHEMES.items()]
    found = [task(*cell, 100 if quick else 2000) for cell in (*cells, *OTHERS)]
    # The largest rates of a first run, with ten times as many samples.
    again = task("bins-again", SparseFeatures(), 40, 40, 8, UNBIASED, 100 if quick else 20_000)
    return [*found, again]


def task(
    scheme: str, null: Problem, n: int, m: int, n_bins: str | int, methods: tuple, repetitions: int
) -> Task:
    """Return the repetitions of one null under one scheme."""
    return Task(NAME, null, n, m, methods, repetitions, N_RESAMPLES, n_bins, scheme)


def pvalues(task: Task, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence) -> dict:
    """Test by every method of the task."""
    return {method: pvalue(task, method, X, Y, seed) for method in task.methods}


def pvalue(
    task: Task, method: str, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
) -> float:
    """Test by one combination, unbiased unless its name says otherwise."""
    combine, _, estimator = method.partition("-")
    result = repdist.mmd_test(
        X, Y, combine=combine, estimator=estimator or "unbiased", n_bins=task.n_bins,
        n_resamples=task.n_resamples, rng=np.random.default_rng(seed), n_jobs=1,
    )  # fmt: skip
    return result.pvalue


def steps(task: Task) -> int:
    """Return how many values the p-value of continuous data can have."""
    return EXHAUSTIVE_STEPS.get(task.scheme, task.n_resamples + 1)


def extra(task: Task, method: str, pvalues: dict[str, np.ndarray], n_rows: int) -> dict:
    """Return the rate at .01, and the check of the p-values; two checks a row share the alarm.

    False-alarm rate: `rates.ALARM` for the whole study. At 2,000 repetitions a row alarms with
    probability .99 if its true rate at level .05 is .09.
    """
    found, count = pvalues[method], steps(task)
    hits = int((found <= 0.01).sum())
    low, high = rates.interval(hits, len(found))
    checks = {"superuniform_pvalue": rates.superuniform_pvalue(found, count)}
    if task.problem.continuous:
        checks["uniform_pvalue"] = rates.uniform_pvalue(found, count)
    alarm = min(checks.values()) < rates.ALARM / (2 * n_rows)
    return {
        "attainable": rates.attainable(LEVEL, count),
        "rejections_01": hits, "rate_01": hits / len(found), "low_01": low, "high_01": high,
        **checks, "alarm": "alarm" * alarm,
    }  # fmt: skip
