"""A chart of independent p-values: evidence that adds up, and when it is an alarm.

``R <- (1 + R) f(p)`` with ``f(p) = (1 - p + p ln p) / (p ln^2 p)``, whose mean is 1 under the null:
a mixture of bets against it. An alarm is given where R reaches a threshold, and R starts anew. The
threshold is the one at which alarms come every so many batches on average if p is uniform on the
multiples of 1 / T, found from the chain that R then is.

V. Vovk, R. Wang, "E-values: calibration, combination and applications", Annals of Statistics 49,
1736-1754, 2021 (f); the recursion is that of Shiryaev and Roberts. E. S. Page, "Continuous
inspection schemes", Biometrika 41, 100-115, 1954 (where a change began).
"""

import functools
import math
from collections.abc import Sequence

import numpy as np

from repdist._typing import Float64

_STATES = 600  # of the chain, evenly in log(1 + R)
_EACH = 1024  # of the smallest p-values are taken one by one; the others in as many groups


def bet(p: Float64) -> Float64:
    """Return f(p) for p in (0, 1]."""
    p = np.asarray(p, dtype=np.float64)
    near = p > 1 - 1e-4  # where the formula is 0 / 0: its first terms around 1
    inside = np.where(near, 0.5, p)
    log = np.log(inside)
    found = (1 - inside + inside * log) / (inside * log**2)
    return np.where(near, 0.5 + (1 - p) / 6, found)


def onset(pvalues: Sequence[float], evidence: Sequence[float]) -> int | None:
    """Return from which batch on the bets gain the most up to the last, or None if they lose.

    Among batches since the chart began anew. This is the last zero of Page's cumulative sum of
    log f(p), the estimate of a change point that goes with such charts.
    """
    bets = bet(np.array(pvalues))
    # R / f(p) is 1 where the chart begins, and else 1.5 at the least, as no bet is below 1 / 2.
    begin = np.flatnonzero(np.array(evidence) < 1.25 * bets)[-1]
    gains = np.cumsum(np.log(bets[begin:])[::-1])[::-1]  # of all bets from each batch on
    best = int(np.argmax(gains))
    return int(begin) + best if gains[best] > 0 else None


def run_length(threshold: float, total: int) -> float:
    """Return how many batches an alarm takes on average if p is uniform on multiples of 1 / total.

    The mean time from state R solves ``a(R) = 1 + mean a((1 + R) f(p))`` over p that give no alarm.
    """
    states, P = _chain(math.log1p(threshold), total)
    return _time(P, len(states) - 1)


@functools.lru_cache(maxsize=32)
def threshold_for(alarm_every: float, total: int) -> float:
    """Return the R at which alarms come every so many batches on average."""
    states, P = _chain(math.log1p(2 * alarm_every), total)
    low, high = 1, len(states) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _time(P, middle) < alarm_every else (low, middle)
    times = np.log([_time(P, low), _time(P, high)])
    share = float(np.clip((math.log(alarm_every) - times[0]) / np.diff(times)[0], 0, 1))
    return math.expm1(states[low] + share * (states[high] - states[low]))


def _chain(top: float, total: int) -> tuple[Float64, Float64]:
    """Return states of log(1 + R) from 0 to `top`, and the chances (S, S) of going between them.

    What falls between two states is shared out among them; what is above all is an alarm.
    """
    gain, chance = _gains(total)
    states = np.linspace(0.0, top, _STATES)
    P = np.zeros((_STATES, _STATES))
    for i, state in enumerate(states.tolist()):
        place = np.log1p(np.exp(state + gain)) / states[1]  # 1 + R is exp(state)
        stays = place < _STATES - 1
        below = place[stays].astype(np.intp)
        share, weight = place[stays] - below, chance[stays]
        P[i] = np.bincount(below, (1 - share) * weight, _STATES)
        P[i] += np.bincount(below + 1, share * weight, _STATES)
    return states, P


def _gains(total: int) -> tuple[Float64, Float64]:
    """Return log f(p) for p on multiples of 1 / total, and the chance of each."""
    numbers = np.arange(1, total + 1)
    groups = np.array_split(numbers[_EACH:], min(_EACH, max(1, total - _EACH)))
    groups = [part for part in groups if len(part)]
    p = np.concatenate([numbers[:_EACH], [part.mean() for part in groups]])
    counts = np.concatenate([np.ones(len(numbers[:_EACH])), [len(part) for part in groups]])
    return np.log(bet(p / total)), counts / total


def _time(P: Float64, top: int) -> float:
    """Return the mean time to state `top` or beyond, from the first."""
    return float(np.linalg.solve(np.eye(top) - P[:top, :top], np.ones(top))[0])
