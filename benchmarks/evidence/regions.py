"""Regions: how often one is called different that is not, and how often a clump of Y is found.

``"any"`` is the least adjusted p-value of all regions: where nothing differs, its rate is the level
of all of them together. Of a clump of Y, ``"clump"`` is the least of the regions in which more than
a quarter of the rows are of the clump, 1 if there is none; ``"elsewhere"`` is the least of those in
which less than a fiftieth are. These are not free of a difference: a clump lowers the shares that Y
has of them, which is why the study counts them, and checks no level. ``"many"`` is ``"clump"`` with
48 regions in the place of 24, and ``"mmd_test"`` looks at all rows.
"""

from typing import Any

import numpy as np

import repdist
from benchmarks.evidence import level
from benchmarks.evidence.grouped import InClump, parted
from benchmarks.evidence.problems import HeavyTails, Lattice
from benchmarks.evidence.tasks import LEVEL, Measured, Scope, Task

NAME = "regions"
COLUMNS = (*level.COLUMNS, "flagged")

SECONDS = 0.1
N_RESAMPLES = 1023
NULL = ("any",)
CLUMP = ("clump", "many", "elsewhere", "mmd_test")
MANY = 48  # regions
HELD, FREE = 0.25, 0.02  # shares of a region's rows that are of the clump
SIZES = ((300, 300), (100, 500), (20, 20))


def tasks(scope: Scope) -> list[Task]:
    """Return the whole study."""
    repetitions = scope.repetitions(1000)
    return [
        Task(NAME, problem, n, m, methods, repetitions, N_RESAMPLES, scheme=f"{n}+{m}")
        for problem, methods, sizes in (
            (InClump(), NULL, SIZES),
            (InClump(correlation=0.5), NULL, SIZES),
            (HeavyTails(), NULL, SIZES[:2]),
            (Lattice(), NULL, SIZES[:2]),
            (InClump(0.05, 3.0), CLUMP, SIZES[:2]),
            (InClump(0.1, 2.5), CLUMP, SIZES[:2]),
            (InClump(0.05, 3.0, correlation=0.5), CLUMP, SIZES[:1]),
            (InClump(0.1, 2.5, correlation=0.5), CLUMP, SIZES[:1]),
        )
        for n, m in sizes
    ]


def pvalues(
    task: Task, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
) -> dict[str, float]:
    """Test by every method of the task; `flagged` is the share of regions elsewhere that differ."""
    inside = np.zeros(len(X) + len(Y))
    if isinstance(task.problem, InClump):
        (X, Y), numbers = parted(X, Y)
        inside = np.concatenate(numbers).astype(float)
    of_regions, of_mmd, of_many = map(np.random.default_rng, seed.spawn(3))
    options: dict[str, Any] = {"n_resamples": task.n_resamples, "n_jobs": 1}
    result = repdist.region_test(X, Y, rng=of_regions, **options)
    adjusted, share = result.pvalue_adjusted, held(result, inside)
    elsewhere = adjusted[share < FREE]
    found = {
        "any": float(adjusted.min()),
        "clump": least(adjusted[share > HELD]),
        "elsewhere": least(elsewhere),
        "flagged": float((elsewhere <= LEVEL + 1e-12).mean()) if len(elsewhere) else 0.0,
    }
    if "many" in task.methods:
        many = repdist.region_test(X, Y, n_regions=MANY, rng=of_many, **options)
        found["many"] = least(many.pvalue_adjusted[held(many, inside) > HELD])
    if "mmd_test" in task.methods:
        found["mmd_test"] = repdist.mmd_test(X, Y, rng=of_mmd, **options).pvalue
    return found


def held(result: repdist.RegionResult, inside: np.ndarray) -> np.ndarray:
    """Return the share of the rows of each region that are of the clump."""
    region = np.concatenate([result.region_of_x, result.region_of_y])
    return np.asarray(np.bincount(region, weights=inside) / result.n_rows)


def least(pvalues: np.ndarray) -> float:
    """Return the least of some p-values, 1 if there is none."""
    return float(pvalues.min()) if len(pvalues) else 1.0


def extra(found: Measured) -> dict[str, Any]:
    """Return the check of the level where nothing differs, and the share of regions elsewhere.

    False-alarm rate: `rates.ALARM` for the whole study. p-values may be larger than uniform ones:
    shares tie, and Holm's correction leaves room.
    """
    if found.method == "any":
        return level.checked(found, found.task.n_resamples + 1, uniform=False)
    if found.method == "elsewhere":
        return {"flagged": float(found.pvalues["flagged"].mean())}
    return {}
