"""Do swaps of a code lose power to shuffles? Both on the same samples, with the same kernel sums.

``"shuffles"`` draws 9,999 relabelings uniformly and multiplies each with the sums, as the library
did before it had the transform. The others are random shuffles, each followed by all swaps of a
code, 16,384 relabelings in all: ``"library"`` as many as the library takes, 32 where samples are
large and of one size. Rare rows far away and samples of unequal sizes are where swaps alone
(``"1 x 16384"``) lose: they change the number of such rows on one side by too little.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.evidence import power
from benchmarks.evidence.problems import (
    Mixture,
    PerturbedUniform,
    PooledDigits,
    Problem,
    Rare,
    Shift,
)
from benchmarks.evidence.tasks import Measured, Scope, Task
from repdist import kernels
from repdist._blocks import join
from repdist._designs.relabelings import Relabelings, Swaps
from repdist._designs.units import row_order, two_sample_units
from repdist._inference import two_samples
from repdist._inference.combine import Combination, Null, Statistics
from repdist._pass.sums import kernel_blocks
from repdist._threads import Workers, one_blas_thread
from repdist.kernels._plan import plan

NAME = "relabelings"
LEVELS = {"05": 0.05, "01": 0.01, "001": 0.001}
COLUMNS = (
    "rejections_01", "rejections_001",
    *(f"{what}_{level}" for level in LEVELS for what in ("gained", "lost", "paired_pvalue")),
)  # fmt: skip

SECONDS = 0.1
BASELINE = "shuffles"
N_RESAMPLES = 9999
SWAPS = {
    "library": None,
    "32 x 512": Swaps(32, 9),
    "16 x 1024": Swaps(16, 10),
    "4 x 4096": Swaps(4, 12),
    "1 x 16384": Swaps(1, 14),
}
METHODS = (BASELINE, *SWAPS)


# Problem, rows of both samples, and what to add to its name.
HARD = (
    (Rare(12), 600, 600, ""),
    (Rare(8), 50, 50, ""),
    (Rare(10), 100, 100, ""),
    (Shift(8, 0.55), 50, 1000, "50-1000"),
    (Shift(8, 0.9), 12, 300, "12-300"),
)


@dataclass(frozen=True)
class WithSwaps(Relabelings):
    """Relabelings by so many shuffles and swaps, in place of those that the library takes."""

    tried: Swaps

    @property
    def swaps(self) -> Swaps:
        """Of the random relabelings: with a code that the pairs of the units can have."""
        dimension = min(self.tried.dimension, self.units.movable[0] - 1)
        return Swaps(self.tried.total >> dimension, dimension)


def tasks(scope: Scope) -> list[Task]:
    """Return the whole study: where swaps could lose, and what the literature has."""
    repetitions = scope.repetitions(1000)
    return [
        Task(NAME, problem, n, m, METHODS, repetitions, N_RESAMPLES, scheme=scheme)
        for problem, n, m, scheme in (*HARD, *published(scope.mnist))
    ]


def published(mnist: str | None) -> list[tuple[Problem, int, int, str]]:
    """Return the published problems at which power is neither 0 nor 1."""
    problems: list[Problem] = [
        *(Mixture(sd) for sd in (0.6, 0.7, 1.4, 1.6, 1.8)),
        *(PerturbedUniform(1, amplitude) for amplitude in (0.2, 0.3)),
        *(PerturbedUniform(2, amplitude) for amplitude in (0.4, 0.6)),
        *(PooledDigits(digits, mnist) for digits in ("Q4", "Q5")),
    ]
    return [(problem, power.N, power.N, "") for problem in problems]


def pvalues(
    task: Task, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
) -> dict[str, float]:
    """Test by every kind of relabelings, X being the smaller sample."""
    rng, n, m = np.random.default_rng(seed), len(X), len(Y)
    Z = np.concatenate([X[row_order(n, rng)], Y[row_order(m, rng)]])
    units = two_sample_units(n, m, task.n_bins)
    how = plan(kernels.MultiRBF().fit(np.concatenate([X, Y])))
    with one_blas_thread:
        sums = join(*kernel_blocks(how, Z, units.layout, Workers(1), squares=False))
        S = two_samples.quadratic_form(sums, units, "unbiased")
        drawn = Relabelings(units, task.n_resamples)
        combination = Combination("max", np.array(how.weights), sums.squares, n)
        tolerance = two_samples.tolerance(sums, units, "unbiased")
        found = {}
        for method in task.methods:
            if method == BASELINE:
                statistics = shuffled(S, drawn, rng)
            else:
                swaps = SWAPS[method]
                tried = drawn if swaps is None else WithSwaps(units, task.n_resamples, swaps)
                statistics = two_samples.statistics(S, tried, two_samples.forms(tried, rng))
            found[method] = Null(statistics, tolerance, combination).pvalue
    return found


def shuffled(S: np.ndarray, drawn: Relabelings, rng: np.random.Generator) -> Statistics:
    """Return the statistics of the observed labels and of uniformly drawn ones."""
    U, _, R = S.shape
    labels = np.repeat((drawn.units.sample == 0)[None].astype(float), drawn.wanted + 1, axis=0)
    movable = np.flatnonzero(drawn.units.can_move)
    labels[1:, movable] = rng.permuted(labels[1:, movable], axis=1)
    T = [
        np.einsum("bur,bu->rb", (part @ S.reshape(U, -1)).reshape(-1, U, R), part)
        for part in np.array_split(labels, 20)
    ]
    return Statistics.of(np.concatenate(T, axis=1))


def extra(found: Measured) -> dict[str, Any]:
    """Return the rates at smaller levels, and what is gained and lost beside the shuffles.

    With the two-sided p-value of McNemar's exact test, not corrected for the number of rows.
    """
    ours = found.pvalues[found.method]
    row: dict[str, Any] = {
        f"rejections_{name}": int((ours <= LEVELS[name]).sum()) for name in ("01", "001")
    }
    if found.method == BASELINE or BASELINE not in found.pvalues:
        return row
    for name, level in LEVELS.items():
        mine, theirs = ours <= level, found.pvalues[BASELINE] <= level
        gained, lost = int((mine & ~theirs).sum()), int((theirs & ~mine).sum())
        chance = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
        row |= {f"gained_{name}": gained, f"lost_{name}": lost, f"paired_pvalue_{name}": chance}
    return row
