"""Models beside one reference: how often intervals cover, and what is called surely closer is so.

``"differences"``: the simultaneous intervals of all differences cover every true one. ``"one"``:
the difference of two models lies within 1.96 standard errors. ``"ranks"``: every set of ranks holds
all ranks that the model has in truth. ``"surely"``: no model is said to be surely farther than one
that is as far or farther. ``"overlap"`` is the same for what people do: one model is called farther
than another if their intervals do not overlap. Each of these "p-values" is 0 where it fails, else
1, so its rate is the share of failures; intervals are at 95 %.

``"found"`` and ``"found by overlap"`` have 0 where a true difference (between the two models of
``"one"``) is called one, so their rate is a power.

The true distances are those under the kernel that was fitted.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

import repdist
from benchmarks.evidence.models import Mixed, Models, Shifted
from benchmarks.evidence.tasks import Measured, Scope, Task
from repdist import kernels

NAME = "reference"
COLUMNS = ("coverage",)

SECONDS = 0.08
LEVEL = 0.95
WITHIN = 1.959964  # standard errors
FAILURES = ("differences", "one", "ranks", "surely", "overlap")
POWERS = ("found", "found by overlap")
TIE = 1e-12

STEPS = (0.0, 0.0, 0.1, 0.3, 0.3, 0.5)


@dataclass(frozen=True)
class Setting:
    """Models, the rows of the reference and of each, and the two models of ``"one"``."""

    problem: Models
    n: int
    m: int
    pair: tuple[int, int] = (0, 1)
    n_bins: Literal["auto"] | int = "auto"


SETTINGS = {
    setting.problem.name + f"-n{setting.n}-m{setting.m}": setting
    for setting in (
        Setting(Shifted("both-far", (0.5, 0.5)), 50, 50),
        Setting(Shifted("apart", (0.3, -0.3)), 50, 50),
        Setting(Shifted("near", (0.3, 0.35)), 50, 50),
        Setting(Shifted("equal", (0.0,) * 6), 50, 50),
        Setting(Shifted("far", (0.4,) * 6), 50, 50),
        Setting(Shifted("steps", STEPS), 50, 50, (4, 5)),
        Setting(Shifted("far", (0.4,) * 6, "t3"), 50, 50),
        Setting(Shifted("steps", tuple(s / 5 for s in STEPS), d=512), 50, 50, (4, 5)),
        Setting(Mixed("steps", STEPS), 50, 50, (4, 5)),
        Setting(Shifted("steps", STEPS), 200, 200, (4, 5), 16),
        Setting(Shifted("ten", tuple(i / 20 for i in range(10))), 50, 50, (8, 9)),
        Setting(Shifted("uneven", (0.3, 0.3, 0.3), tail=1), 2000, 50, (1, 2), 16),
    )
}


def tasks(scope: Scope) -> list[Task]:
    """Return the whole study."""
    repetitions = scope.repetitions(2000)
    return [
        Task(NAME, s.problem, s.n, s.m, methods(s), repetitions, 1, s.n_bins, f"n{s.n}-m{s.m}")
        for s in SETTINGS.values()
    ]


def methods(setting: Setting) -> tuple[str, ...]:
    """Return all, those of power where the two models differ in truth."""
    problem, (g, h) = setting.problem, setting.pair
    distance = problem.mmd_squared(kernels.MultiRBF((1.0, 5.0)))
    return FAILURES + POWERS * bool(abs(distance[g] - distance[h]) > TIE)


def pvalues(
    task: Task, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
) -> dict[str, float]:
    """Compare once; 0 for each method that fails, or finds the difference of its two models."""
    setting = SETTINGS[task.name]
    problem = setting.problem
    kernel: Any = kernels.RBF() if problem.tail else kernels.MultiRBF()
    result = repdist.compare_to_reference(
        X, problem.split(Y, task.n, task.m), kernel=kernel, n_resamples=task.n_resamples,
        n_bins=task.n_bins, adjust="none", confidence_level=LEVEL,
        rng=np.random.default_rng(seed), n_jobs=1,
    )  # fmt: skip
    judged = judge(result, problem.mmd_squared(result.kernel), setting.pair)
    return {method: float(not judged[method]) for method in task.methods}


def judge(
    result: repdist.ReferenceResult, truth: np.ndarray, pair: tuple[int, int]
) -> dict[str, bool]:
    """Tell what failed, and what of the difference of two models was found."""
    compared = result.compared
    first, second = compared.pairs
    low, high = compared.intervals
    true = truth[first] - truth[second]
    one = int(np.flatnonzero((first == pair[0]) & (second == pair[1]))[0])
    error = abs(compared.difference[one] - true[one])
    farther = true > TIE, true < -TIE  # in truth: the first, the second
    surely = low > 0, high < 0
    ends = result.comparison.estimate.interval(LEVEL)
    apart = ends[0][first] > ends[1][second], ends[1][first] < ends[0][second]
    lowest, highest = compared.ranks
    nearer = (truth < truth[:, None] - TIE).sum(axis=1)
    more = (truth > truth[:, None] + TIE).sum(axis=1)

    def false(told: tuple[np.ndarray, np.ndarray]) -> bool:
        return any((t & ~f).any() for t, f in zip(told, farther, strict=True))

    def finds(told: tuple[np.ndarray, np.ndarray]) -> bool:
        return any(bool((t & f)[one]) for t, f in zip(told, farther, strict=True))

    return {
        "differences": not ((low <= true + TIE) & (true - TIE <= high)).all(),
        "one": error > WITHIN * compared.standard_error[one],
        "ranks": not ((lowest <= 1 + nearer) & (highest >= len(truth) - more)).all(),
        "surely": false(surely),
        "overlap": false(apart),
        "found": finds(surely),
        "found by overlap": finds(apart),
    }


def extra(found: Measured) -> dict[str, Any]:
    """Return the coverage of what covers."""
    if found.method in ("differences", "one", "ranks"):
        return {"coverage": float((found.pvalues[found.method] > 0).mean())}
    return {}
