"""Is it close enough: how often a distance of the margin, or one below it, is called smaller.

``"mmd_squared"`` has its margin in that unit, ``"effect"`` as MMD^2 over the spread. In the eight
settings ``at`` the true distance *is* the margin (under the kernel that was fitted), so the rate is
to be at most .05; in the settings ``below`` the margin is the distance of a shift of `MARGIN` in
every column, and the rate is the power.
"""

from typing import Any, Literal

import numpy as np

import repdist
from benchmarks.evidence.models import Mixed, Models, Shifted
from benchmarks.evidence.tasks import Measured, Scope, Task

NAME = "equivalence"
COLUMNS = ("is",)

SECONDS = 0.012
METHODS: tuple[Literal["mmd_squared", "effect"], ...] = ("mmd_squared", "effect")
MARGIN = Shifted("margin", (0.4,))
AT: tuple[tuple[Models, int, int], ...] = (
    (Shifted("0.3", (0.3,)), 50, 50),
    (Shifted("0.3", (0.3,)), 200, 200),
    (Shifted("0.5", (0.5,)), 20, 20),
    (Shifted("0.3", (0.3,)), 50, 500),
    (Shifted("1.3-times", (0.0,), factor=1.3), 100, 100),
    (Shifted("0.3", (0.3,), "t3"), 100, 100),
    (Shifted("0.05", (0.05,), d=512), 50, 50),
    (Mixed("0.3-nines", (0.3,)), 100, 100),
)
BELOW = (0.0, 0.1, 0.2, 0.3, 0.4)
SIZES = (50, 200)


def tasks(scope: Scope) -> list[Task]:
    """Return the whole study."""
    repetitions = scope.repetitions(2000)

    def task(problem: Models, n: int, m: int, scheme: str) -> Task:
        return Task(NAME, problem, n, m, METHODS, repetitions, 1, scheme=f"{scheme}-n{n}-m{m}")

    at = [task(*setting, "at") for setting in AT]
    return at + [task(Shifted(f"{s:g}", (s,)), n, n, "below") for s in BELOW for n in SIZES]


def pvalues(
    task: Task, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
) -> dict[str, float]:
    """Test by both units; relabelings do not matter to it."""
    result = repdist.mmd_test(
        X, Y, n_resamples=task.n_resamples, rng=np.random.default_rng(seed), n_jobs=1
    )
    problem = limit(task)
    margins = {
        "mmd_squared": problem.mmd_squared(result.kernel),
        "effect": problem.effect(result.kernel),
    }
    return {unit: result.equivalence(float(margins[unit][0]), unit).pvalue for unit in METHODS}


def limit(task: Task) -> Models:
    """Return the model whose distance is the margin."""
    assert isinstance(task.problem, Models)
    return task.problem if task.scheme.startswith("at-") else MARGIN


def extra(found: Measured) -> dict[str, Any]:
    """Return what the rate is."""
    at = limit(found.task) is found.task.problem or found.task.problem.x == "0.4"
    return {"is": "size" if at else "power"}
