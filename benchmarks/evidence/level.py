"""The level: how often a true null hypothesis is rejected, and whether p-values are uniform.

Eight kinds of null, every combination, both estimators, and every scheme of units: single rows,
bins, bins with a frozen remainder, and few enough units that all relabelings are enumerated.
"""

from dataclasses import dataclass
from typing import Any, Literal

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
from benchmarks.evidence.tasks import LEVEL, Bins, Combine, Measured, Scope, Task

NAME = "level"
COLUMNS = (
    "attainable", "rejections_01", "rate_01", "low_01", "high_01",
    "uniform_pvalue", "superuniform_pvalue", "alarm",
)  # fmt: skip

SECONDS = 0.02
N_RESAMPLES = 1023
METHODS: dict[str, tuple[Combine, Literal["unbiased", "biased"]]] = {
    "max": ("max", "unbiased"),
    "mean": ("mean", "unbiased"),
    "fuse": ("fuse", "unbiased"),
    "max-biased": ("max", "biased"),
    "mean-biased": ("mean", "biased"),
    "fuse-biased": ("fuse", "biased"),
}
BOTH = tuple(METHODS)
UNBIASED = BOTH[:3]
NULLS = (Gaussian(2), Gaussian(64), SparseFeatures(), Lattice(), HeavyTails(), Clusters())


@dataclass(frozen=True)
class Scheme:
    """Rows of the two samples, how they are cut, and the methods that are tried."""

    n: int
    m: int
    n_bins: Bins
    methods: tuple[str, ...]


SCHEMES = {
    "rows": Scheme(40, 40, "rows", BOTH),
    "bins": Scheme(40, 40, 8, UNBIASED),  # of 5 rows
    # 8 and 9 bins of 5 rows; 3 and 2 are frozen
    "frozen": Scheme(43, 47, 8, (*UNBIASED, "max-biased")),
    "exhaustive": Scheme(40, 40, 4, UNBIASED),  # all 70 relabelings
}
AUTO = Scheme(150, 150, "auto", ("max",))  # 75 bins of 2 rows
TINY = Scheme(4, 4, "auto", BOTH)  # all 70 relabelings
OTHERS = (
    ("auto-150", Gaussian(64), AUTO),
    ("auto-150", Clusters(), AUTO),
    ("unequal", Gaussian(2), Scheme(20, 400, "auto", BOTH)),  # single rows, 144 of 400 frozen
    ("unequal-bins", Gaussian(2), Scheme(20, 400, 5, UNBIASED)),  # bins of 4 rows
    ("tiny", Gaussian(2), TINY),
    ("tiny", Lattice(), TINY),
)
EXHAUSTIVE_STEPS = {"exhaustive": 35, "tiny": 35}  # 70, and a swap of the samples changes nothing


def tasks(scope: Scope) -> list[Task]:
    """Return the whole study."""
    cells = [(scheme, null, how) for null in NULLS for scheme, how in SCHEMES.items()]
    found = [task(*cell, scope.repetitions(2000)) for cell in (*cells, *OTHERS)]
    # The largest rates of a first run, with ten times as many samples.
    repetitions = scope.repetitions(20_000)
    return [*found, task("bins-again", SparseFeatures(), SCHEMES["bins"], repetitions)]


def task(scheme: str, null: Problem, how: Scheme, repetitions: int) -> Task:
    """Return the repetitions of one null under one scheme."""
    return Task(NAME, null, how.n, how.m, how.methods, repetitions, N_RESAMPLES, how.n_bins, scheme)


def pvalues(
    task: Task, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
) -> dict[str, float]:
    """Test by every method of the task."""
    return {method: pvalue(task, method, X, Y, seed) for method in task.methods}


def pvalue(
    task: Task, method: str, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
) -> float:
    """Test by one combination and estimator."""
    combine, estimator = METHODS[method]
    result = repdist.mmd_test(
        X, Y, combine=combine, estimator=estimator, n_bins=task.n_bins,
        n_resamples=task.n_resamples, rng=np.random.default_rng(seed), n_jobs=1,
    )  # fmt: skip
    return result.pvalue


def steps(task: Task) -> int:
    """Return how many values the p-value of continuous data can have."""
    return EXHAUSTIVE_STEPS.get(task.scheme, task.n_resamples + 1)


def extra(found: Measured) -> dict[str, Any]:
    """Return the rate at .01, and the check of the p-values."""
    return checked(found, steps(found.task))


def checked(found: Measured, count: int, *, uniform: bool = True) -> dict[str, Any]:
    """Return both for p-values of so many steps; two checks a row share the alarm.

    Without `uniform` p-values may be larger than uniform ones.

    False-alarm rate: `rates.ALARM` for the whole study. At 2,000 repetitions a row alarms with
    probability .99 if its true rate at level .05 is .09.
    """
    pvalues = found.pvalues[found.method]
    hits = int((pvalues <= 0.01).sum())
    low, high = rates.interval(hits, len(pvalues))
    checks = {"superuniform_pvalue": rates.superuniform_pvalue(pvalues, count)}
    if uniform and found.task.problem.continuous:
        checks["uniform_pvalue"] = rates.uniform_pvalue(pvalues, count)
    alarm = min(checks.values()) < rates.ALARM / (2 * found.n_rows)
    return {
        "attainable": rates.attainable(LEVEL, count),
        "rejections_01": hits, "rate_01": hits / len(pvalues), "low_01": low, "high_01": high,
        **checks, "alarm": "alarm" * alarm,
    }  # fmt: skip
