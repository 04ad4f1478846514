"""Tests through landmarks: the level, the power beside exact, and whether losses are told.

``"exact"`` is ``method="exact"``, ``"landmarks-64"`` is ``method="landmarks", n_landmarks=64``. All
see the same samples. Beside p-values the file has, for each method with landmarks, the mean share
of the narrowest and of the widest component that is captured, and the share of results with a
caution that something was hardly looked at. ``lost`` is the power of exact less that of the
method, ``lost_silently`` counts the results without such a caution alone, and ``paired_pvalue`` is
that of McNemar's exact test.

The names ``rule-...`` are no methods of the library: a test in a few lines of NumPy with landmarks
drawn by a rule, of which those that look at the labels do not hold their level (`nystroem`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

import repdist
from benchmarks.evidence import level, nystroem
from benchmarks.evidence.grouped import InStrata, parted
from benchmarks.evidence.problems import Gaussian, Lattice, Mixture, Pairs, Problem, Scale, Shift
from benchmarks.evidence.structures import (
    Embeddings,
    NewMode,
    RareModes,
    SparseUnits,
    TightClusters,
    Waves,
)
from benchmarks.evidence.tasks import LEVEL, Bins, Measured, Scope, Task

NAME = "landmarks"
COLUMNS = (
    *level.COLUMNS, "captured", "captured_widest", "cautioned", "lost", "lost_silently",
    "paired_pvalue",
)  # fmt: skip

SECONDS = 0.4
N_RESAMPLES = 1023
EXACT = "exact"
FEW, USUAL, MANY = "landmarks-64", "landmarks-256", "landmarks-1024"
LARGE = 2048  # rows of a sample, from which on they are float32
HARDLY = "hardly looked at"
SEEN = ("captured", "captured_widest", "cautioned")
RULE = "rule-"
RULES = tuple(RULE + name for name in nystroem.RULES)
RULE_LANDMARKS = 32


@dataclass(frozen=True)
class Null:
    """A problem without a difference, its sizes and bins, and the methods that are tried."""

    problem: Problem
    n: int
    m: int
    methods: tuple[str, ...] = (EXACT, FEW)
    n_bins: Bins = "auto"
    scheme: str = ""
    times: int = 1  # as many repetitions


NULLS = (
    Null(Gaussian(8), 64, 1024, RULES, scheme="rules"),
    Null(Gaussian(2), 20, 30, (EXACT, "landmarks-16")),
    Null(Pairs(0.5), 200, 200),
    Null(InStrata("other-mix"), 100, 100),
    Null(Lattice(), 512, 512),
    Null(RareModes(0.004), 512, 512),
    Null(Gaussian(2), 512, 512, (EXACT, FEW, USUAL)),
    Null(Gaussian(2), 64, 1024, n_bins=8),
    Null(RareModes(0.004), 100, 2000, n_bins=10),
    # The largest rates of a first run, with five times as many samples.
    Null(Gaussian(2), 20, 30, (EXACT, "landmarks-16"), scheme="20+30-again", times=5),
    Null(Gaussian(2), 64, 1024, n_bins=8, scheme="64+1024-again", times=5),
)
DIFFERENCES = (
    TightClusters(1000),
    NewMode(0.004, both=True),
    NewMode(0.01),
    NewMode(0.004),
    Waves(0.38, 2),
    Mixture(1.2),
    Scale(64, 1.01),
    Shift(64, 0.17, spread=True),
    SparseUnits(0.18),
    Embeddings(0.12),
)


def tasks(scope: Scope) -> list[Task]:
    """Return the whole study: what has no difference, then what has."""
    often, less = scope.repetitions(2000), scope.repetitions(200)
    found = [
        Task(
            NAME, null.problem, null.n, null.m, null.methods, null.times * often, N_RESAMPLES,
            null.n_bins, null.scheme or f"{null.n}+{null.m}",
        )
        for null in NULLS
    ]  # fmt: skip
    sees = (EXACT, USUAL, MANY)
    return found + [Task(NAME, p, LARGE, LARGE, sees, less, N_RESAMPLES) for p in DIFFERENCES]


def pvalues(
    task: Task, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
) -> dict[str, float]:
    """Test by every method of the task; beside p-values, what landmarks saw."""
    found: dict[str, float] = {}
    for method in task.methods:
        if method.startswith(RULE):
            rule, rng = nystroem.RULES[method.removeprefix(RULE)], np.random.default_rng(seed)
            found[method] = nystroem.pvalue(X, Y, rule, RULE_LANDMARKS, rng)
            continue
        result = tested(task, method, X, Y, seed)
        found[method] = result.pvalue
        found |= {f"{method} {what}": value for what, value in seen(result).items()}
    return found


def tested(
    task: Task, method: str, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
) -> repdist.MMDTestResult:
    """Test by a method of the library."""
    count = n_landmarks(method)
    strata = None
    if isinstance(task.problem, InStrata):
        (X, Y), strata = parted(X, Y)
    if task.n >= LARGE:
        X, Y = X.astype(np.float32), Y.astype(np.float32)
    how: dict[str, Any] = {"method": "landmarks", "n_landmarks": count} if count else {}
    return repdist.mmd_test(
        X, Y, paired=isinstance(task.problem, Pairs), strata=strata, n_resamples=task.n_resamples,
        n_bins=task.n_bins, rng=np.random.default_rng(seed), n_jobs=1, **how,
    )  # fmt: skip


def n_landmarks(method: str) -> int:
    """Return how many landmarks a method has, 0 for exact."""
    return 0 if method == EXACT else int(method.rpartition("-")[2])


def seen(result: repdist.MMDTestResult) -> dict[str, float]:
    """Return what is told of landmarks: the captured shares, and 1 for a caution."""
    view = result.landmarks
    if view is None:
        return {}
    _, shares = zip(*sorted(zip(view.bandwidths, view.captured, strict=True)), strict=True)
    cautioned = any(HARDLY in caution for caution in result.cautions)
    return dict(zip(SEEN, (shares[0], shares[-1], float(cautioned)), strict=True))


def is_null(task: Task) -> bool:
    """Tell whether nothing differs."""
    return task.problem not in DIFFERENCES


def extra(found: Measured) -> dict[str, Any]:
    """Return what landmarks saw, and the check of p-values or what is lost beside exact.

    False-alarm rate: `rates.ALARM` for the whole study. Rules that look at labels are not checked.
    """
    method = found.method
    if method.startswith(RULE):
        blind = method.removeprefix(RULE) in nystroem.BLIND
        return level.checked(found, nystroem.N_RESAMPLES + 1) if blind else {}
    row = {
        what: float(found.pvalues[f"{method} {what}"].mean())
        for what in SEEN
        if f"{method} {what}" in found.pvalues
    }
    if is_null(found.task):
        return row | level.extra(found)
    return row | lost(found)


def lost(found: Measured) -> dict[str, Any]:
    """Return what is lost beside exact, and how much of it without a caution."""
    method = found.method
    if method == EXACT or EXACT not in found.pvalues:
        return {}
    theirs, ours = (found.pvalues[name] <= LEVEL for name in (EXACT, method))
    less = theirs.astype(int) - ours
    silent = found.pvalues[f"{method} cautioned"] == 0
    fewer, more = int((less > 0).sum()), int((less < 0).sum())
    chance = stats.binomtest(fewer, fewer + more).pvalue if fewer + more else 1.0
    return {
        "lost": float(less.mean()),
        "lost_silently": float((less * silent).mean()),
        "paired_pvalue": float(chance),
    }
