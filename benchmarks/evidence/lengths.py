"""What many streams of a case say: a row of the table of the study `drift`."""

import functools

import numpy as np

from benchmarks.evidence.tasks import LEVEL
from benchmarks.evidence.watching import AFTER, Case, limit
from benchmarks.results import Row


def first(series: list[float], level: float, most: int) -> int:
    """Return the number of the batch whose score reaches a level first; `most` + 1 for none."""
    reached = np.flatnonzero(np.array(series) >= level - 1e-9)
    return int(reached[0]) + 1 if len(reached) else most + 1


def level_for(series: list[list[float]], every: float) -> float:
    """Return the score, of those that came, at which the mean length is nearest to `every`.

    The mean grows with the level, so it is found by halving.
    """
    levels = np.unique(np.concatenate([np.maximum.accumulate(each) for each in series]))
    lengths = functools.cache(lambda i: mean_length(series, float(levels[i]))[0])
    low, high = 0, len(levels) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if lengths(middle) < every else (low, middle)
    best = min((low, high), key=lambda i: abs(lengths(i) - every))
    return float(levels[best])


def mean_length(series: list[list[float]], level: float) -> tuple[float, float]:
    """Return the mean number of batches until an alarm, with its standard error.

    All batches until the first alarm over the number of alarms: streams that end without one count.
    """
    numbers = [first(each, level, len(each)) for each in series]
    alarms = np.array([n <= len(s) for n, s in zip(numbers, series, strict=True)])
    batches = np.minimum(numbers, [len(each) for each in series])
    if not alarms.any():
        return float("inf"), float("nan")
    mean = float(batches.sum() / alarms.sum())
    spread = float(np.sqrt(np.square(batches - mean * alarms).sum()))
    return mean, spread / float(alarms.sum())


def row_of(case: Case, series: list[list[float]], level: float, seconds: float) -> Row:
    """Return the row of a case."""
    stream = case.stream
    rows = f"{stream.least}" if stream.least == stream.most else f"{stream.least} to {stream.most}"
    seen = case.looks if case.method in ("monitor", "weekly") else None
    return {
        "study": "drift",
        "part": case.part,
        "problem": case.problem,
        "method": case.shown,
        "d": stream.d,
        "bins": stream.bins,
        "rows": rows,
        "kernel": seen.kernel if seen else "",
        "max_bins": seen.max_bins if seen else "",
        "n_resamples": seen.n_resamples if seen else "",
        "asked": f"{case.every:g}" if case.method == "monitor" else "",
        "wanted": case.wanted,
        "streams": len(series),
        **measured(case, series, level),
        **({"level": ""} if case.method == "monitor" else {}),  # an alarm is one
        "seconds": seconds,
    }


def measured(case: Case, series: list[list[float]], level: float) -> Row:
    """Return what a part has to say."""
    if case.part == "length":
        return lengths_of(series, level, case)
    if case.part == "independence":
        return independence_of(series, case.looks.n_resamples + 1)
    return effect_of(series) if case.part == "effect" else delays_of(series, level)


def lengths_of(series: list[list[float]], level: float, case: Case) -> Row:
    """Return the mean length with its standard error, and how many alarm within what was asked."""
    most = limit(case)
    mean, error_of_mean = mean_length(series, level)
    numbers = np.array([first(each, level, most) for each in series])
    return {
        "mean": mean,
        "error": error_of_mean,
        "median": float(np.median(numbers)),
        "within": float((numbers <= case.every).mean()),
        "never": float((numbers > most).mean()),
        "level": level,
    }


def error(values: np.ndarray) -> float:
    """Return the standard error of a mean."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def independence_of(series: list[list[float]], steps: int) -> Row:
    """Return how p-values of one stream hang together.

    Lag correlations, and the variance over streams of the count of p <= .05 over that of as many
    independent ones.
    """
    p = np.array(series)
    chance = int(LEVEL * steps) / steps
    counts = (p <= LEVEL + 1e-12).sum(axis=1)
    ratio = counts.var(ddof=1) / (p.shape[1] * chance * (1 - chance))
    apart = counts - counts.mean()
    peak = (apart**4).mean() / (apart**2).mean() ** 2
    lags = {
        f"lag_{k}": float(np.corrcoef(p[:, :-k].ravel(), p[:, k:].ravel())[0, 1]) for k in (1, 2, 3)
    }
    return {
        **lags,
        "lag_error": 1 / np.sqrt(p[:, 1:].size),
        "rate": float((p <= LEVEL + 1e-12).mean()),
        "count_ratio": float(ratio),
        "count_error": float(ratio * np.sqrt((peak - 1) / len(counts))),
    }


def effect_of(series: list[list[float]]) -> Row:
    """Return the mean number of alarms, and the share of streams that have any."""
    alarms = np.array([each[0] for each in series])
    return {
        "mean": float(alarms.mean()),
        "error": error(alarms),
        "rate": float((alarms > 0).mean()),
    }


def delays_of(series: list[list[float]], level: float) -> Row:
    """Return the delay that half and nine tenths of the streams do not exceed."""
    delays = np.array([first(each, level, AFTER) for each in series], dtype=float)
    delays[delays > AFTER] = np.inf
    median, ninety = np.quantile(delays, [0.5, 0.9], method="higher")
    shown = {name: int(x) if np.isfinite(x) else f"over {AFTER}"
             for name, x in (("median", median), ("ninety", ninety))}  # fmt: skip
    return {**shown, "never": float(np.isinf(delays).mean()), "level": level}
