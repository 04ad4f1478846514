"""Tests of columns: how often one that does not differ is called different, and what is found.

All samples have 64 columns, of which 3 or none differ. The `rate` is that of samples in which any
column that does not differ has an adjusted p up to .05 (the family-wise error); `power` is the mean
share of those that differ which are found. ``"columns"`` is `repdist.column_test`, with the
`control` that it chose; ``"ks-bonferroni"`` is the test of Kolmogorov and Smirnov column by column,
its p-values (`scipy.stats.ks_2samp`) times 64, on the same samples.
"""

import functools
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import stats

import repdist
from benchmarks.evidence import rates
from benchmarks.evidence.problems import Null, OneByOne, Problem, Samples
from benchmarks.evidence.tasks import LEVEL, Measured, Scope, Task

NAME = "columns"
COLUMNS = ("control", "power", "power_low", "power_high", "above", "alarm")

SECONDS = 0.05
N_RESAMPLES = 999
D, CHANGED = 64, 3
OURS, KS = "columns", "ks-bonferroni"
EXACT_KS = 100  # rows of a sample up to which the p-values of Kolmogorov and Smirnov are exact


@dataclass(frozen=True)
class Together(OneByOne):
    """Gaussian columns with one correlation, by a factor that they share."""

    correlation: float = 0.0
    d: int = D
    family = "together"

    @property
    def x(self) -> float:
        """The correlation."""
        return self.correlation

    def rows(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw (n, d)."""
        return together(n, self.d, self.correlation, rng)


@dataclass(frozen=True)
class Changed(Problem):
    """The same, but that the first three columns of Y have another location, spread or shape.

    The shape is that of two modes, ``size`` from the middle, with mean 0 and variance 1.
    """

    change: Literal["shift", "spread", "bimodal"]
    size: float
    correlation: float = 0.0
    d: int = D

    @property
    def family(self) -> str:
        """What differs."""
        return self.change

    @property
    def x(self) -> float:
        """By how much."""
        return self.size

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw X and Y."""
        X, Y = (together(rows, self.d, self.correlation, rng) for rows in (n, m))
        if self.change == "shift":
            Y[:, :CHANGED] += self.size
        elif self.change == "spread":
            Y[:, :CHANGED] *= self.size
        else:
            modes = rng.choice([-self.size, self.size], size=(m, CHANGED))
            within = np.sqrt(1 - self.size**2)
            Y[:, :CHANGED] = modes + within * rng.normal(size=(m, CHANGED))
        return X, Y


@dataclass(frozen=True)
class OtherCorrelation(Null):
    """Independent columns in X, the same columns with one correlation in Y: no column differs."""

    correlation: float
    d: int = D
    family = "other-correlation"

    @property
    def x(self) -> float:
        """That of Y."""
        return self.correlation

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw X and Y."""
        return together(n, self.d, 0.0, rng), together(m, self.d, self.correlation, rng)


@dataclass(frozen=True)
class FewValues(OneByOne):
    """Counts, rare 0/1 and constant columns beside Gaussian ones, 16 of each."""

    d: int = D
    continuous = False
    family = "few-values"

    def rows(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw (n, d)."""
        Z, part = rng.normal(size=(n, self.d)), self.d // 4
        Z[:, :part] = rng.poisson(1.5, size=(n, part))
        Z[:, part : 2 * part] = rng.random((n, part)) < 0.05
        Z[:, 2 * part : 3 * part] = 0.1
        return Z


@dataclass(frozen=True)
class HugeRow(Null):
    """Independent Gaussian columns; the first row of X is 10^6 in each."""

    d: int = D
    family = "huge-row"

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw X and Y."""
        X, Y = rng.normal(size=(n, self.d)), rng.normal(size=(m, self.d))
        X[0] = 1e6
        return X, Y


def together(n: int, d: int, correlation: float, rng: np.random.Generator) -> np.ndarray:
    """Draw standard Gaussian columns (n, d) of one correlation."""
    own = rng.normal(size=(n, d))
    if not correlation:
        return own
    shared = rng.normal(size=(n, 1))
    return np.asarray(np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own)


SIZES: dict[int, dict[Literal["shift", "spread", "bimodal"], float]] = {
    32: {"shift": 1.0, "spread": 2.5, "bimodal": 0.97},
    256: {"shift": 0.35, "spread": 1.4, "bimodal": 0.85},
}
OTHERS = (
    (FewValues(), 32, 32),
    (FewValues(), 256, 256),
    (HugeRow(), 32, 32),
    (HugeRow(), 256, 256),
    (OtherCorrelation(0.9), 128, 128),
    (OtherCorrelation(0.9), 32, 256),
    (OtherCorrelation(0.9), 64, 512),
    (OtherCorrelation(0.99), 32, 512),
)


def tasks(scope: Scope) -> list[Task]:
    """Return the whole study."""
    cells: list[tuple[Problem, int, int]] = []
    for correlation in (0.0, 0.5):
        for n, sizes in SIZES.items():
            cells.append((Together(correlation), n, n))
            cells += [(Changed(change, s, correlation), n, n) for change, s in sizes.items()]
    often, less = scope.repetitions(2000), scope.repetitions(1000)
    return [task(*cell, often if cell[1] == cell[2] else less) for cell in (*cells, *OTHERS)]


def task(problem: Problem, n: int, m: int, repetitions: int) -> Task:
    """Return the repetitions of one problem with samples of these sizes."""
    methods: tuple[str, ...] = (OURS,)
    scheme = f"{n}+{m}"
    if isinstance(problem, Changed):
        scheme, methods = f"{scheme}-correlation-{problem.correlation:g}", (OURS, KS)
    return Task(NAME, problem, n, m, methods, repetitions, N_RESAMPLES, scheme=scheme)


def pvalues(
    task: Task, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
) -> dict[str, float]:
    """Return the smallest adjusted p of columns that do not differ, and what is found."""
    found: dict[str, float] = {}
    first = CHANGED if isinstance(task.problem, Changed) else 0
    for method in task.methods:
        if method == OURS:
            result = repdist.column_test(
                X, Y, n_resamples=task.n_resamples, rng=np.random.default_rng(seed), n_jobs=1
            )
            adjusted = result.pvalue_adjusted
            found[f"{method} holm"] = float(result.control == "holm")
        else:
            adjusted = kolmogorov_smirnov(X, Y)
        found[method] = float(adjusted[first:].min())
        if first:
            found[f"{method} power"] = float((adjusted[:first] <= LEVEL + 1e-12).mean())
    return found


def kolmogorov_smirnov(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Return the p-value of each column, times their number; no ties, as many rows in both."""
    n, d = X.shape
    steps = np.where(np.argsort(np.concatenate([X, Y]), axis=0) < n, 1, -1)  # (2 n, d)
    largest = np.abs(np.cumsum(steps, axis=0)).max(axis=0)
    each = np.array([of_distance(k, n) for k in largest.tolist()])
    return np.asarray(np.minimum(1, d * each))


@functools.cache
def of_distance(k: int, n: int) -> float:
    """Return scipy's p-value of two samples of n whose counts are k apart at most.

    Of samples that have this distance: it depends on nothing else.
    """
    x = np.arange(n, dtype=float)
    how: Literal["exact", "asymp"] = "exact" if n <= EXACT_KS else "asymp"
    return float(stats.ks_2samp(x, x + k - 0.5, method=how).pvalue)


def extra(found: Measured) -> dict[str, Any]:
    """Return the control, the power with an interval, and the check of the family-wise error.

    False-alarm rate: `rates.ALARM` for the whole study. At 2,000 repetitions a row alarms with
    probability .98 if its true rate is .08.
    """
    method, trials = found.method, found.task.repetitions
    hits = int((found.pvalues[method] <= LEVEL + 1e-12).sum())
    above = float(stats.binom.sf(hits - 1, trials, LEVEL))
    row: dict[str, Any] = {"above": above, "alarm": "alarm" * (above < rates.ALARM / found.n_rows)}
    if f"{method} holm" in found.pvalues:
        holm = found.pvalues[f"{method} holm"].all()
        row["control"] = "holm" if holm else "westfall-young"
    if f"{method} power" in found.pvalues:
        power = found.pvalues[f"{method} power"]
        reach = stats.norm.ppf((1 + rates.CONFIDENCE) / 2) * power.std(ddof=1) / np.sqrt(trials)
        row |= {"power": float(power.mean())}
        row |= {"power_low": max(0.0, power.mean() - reach)}
        row |= {"power_high": min(1.0, power.mean() + reach)}
    return row
