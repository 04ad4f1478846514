"""Rates with exact intervals, and the checks of a rate or of p-values: scipy alone.

Every interval has confidence .99. A check of a whole study shares a false-alarm rate of `ALARM`
among its rows (Bonferroni): if all is as it should be, a study has no alarm with probability .99.
"""

import numpy as np
from scipy import stats

CONFIDENCE = 0.99
ALARM = 0.01  # of one whole study
_GROUPS = 20  # of p-values, at most


def interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the exact interval of Clopper and Pearson for a rate."""
    found = stats.binomtest(successes, trials).proportion_ci(CONFIDENCE, method="exact")
    return float(found.low), float(found.high)


def difference_pvalue(first: int, of_first: int, second: int, of_second: int) -> float:
    """Return the p-value that two rates are one: Fisher's exact test, two-sided."""
    table = [[first, of_first - first], [second, of_second - second]]
    return float(stats.fisher_exact(np.array(table)).pvalue)


def uniform_pvalue(pvalues: np.ndarray, steps: int) -> float:
    """Return the chi-square p-value that `pvalues` are uniform on {1, ..., steps} / steps.

    Exact p-values of continuous data are, whatever `steps`: the number of relabelings with the
    observed one, or half of them where swapping the samples gives the same statistic.
    """
    expected, groups = _groups(steps)
    counts = np.bincount(groups[_step_of(pvalues, steps)], minlength=len(expected))
    return float(stats.chisquare(counts, expected * len(pvalues)).pvalue)


def superuniform_pvalue(pvalues: np.ndarray, steps: int) -> float:
    """Return the p-value that no level is exceeded: P(p <= a) <= a for 19 levels a on the grid.

    One-sided: ties between relabelings make p-values larger, which is no fault. Bonferroni over
    the levels.
    """
    levels = np.cumsum(_groups(steps)[0])[:-1]  # nothing exceeds 1
    hits = (pvalues[:, None] <= levels + 1e-9).sum(axis=0)
    chances = np.asarray(stats.binom.sf(hits - 1, len(pvalues), levels))
    return float(min(1, len(levels) * chances.min()))


def attainable(level: float, steps: int) -> float:
    """Return the largest level up to `level` that p-values on the grid can have."""
    return int(level * steps + 1e-9) / steps


def _groups(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the expected share of each group of steps, and the group of each step."""
    parts = np.array_split(np.arange(steps), min(steps, _GROUPS))
    sizes = np.array([len(part) for part in parts])
    return sizes / steps, np.repeat(np.arange(len(parts)), sizes)


def _step_of(pvalues: np.ndarray, steps: int) -> np.ndarray:
    return np.ceil(np.round(pvalues * steps, 6)).astype(int) - 1
