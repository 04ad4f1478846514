"""Many tests at once: adjusted p-values, and whether any can be reached."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np

from repdist._designs.relabelings import Drawn, random_total
from repdist._numbers import LEVEL, reaches
from repdist._typing import Float64

Adjust = Literal[
    "holm",
    "bonferroni",
    "sidak",
    "holm-sidak",
    "simes-hochberg",
    "hommel",
    "fdr_bh",
    "fdr_by",
    "fdr_tsbh",
    "fdr_tsbky",
    "none",
]
ADJUSTMENTS: tuple[str, ...] = get_args(Adjust)


def adjusted(pvalues: Float64, adjust: str) -> Float64:
    """Return p-values adjusted by a method of statsmodels, or as they are for ``"none"``.

    Holm's, the default, is computed here: statsmodels collects garbage each time, which is
    slow where torch is imported.
    """
    if adjust == "none":
        return pvalues
    if adjust == "holm":
        order = np.argsort(pvalues)
        found = np.empty(len(pvalues))
        steps = pvalues[order] * np.arange(len(pvalues), 0, -1)
        found[order] = np.minimum(np.maximum.accumulate(steps), 1)
        return found
    from statsmodels.stats.multitest import multipletests

    with np.errstate(divide="ignore"):  # Sidak's logarithm at p = 1
        return np.asarray(multipletests(pvalues, method=adjust)[1])


def unreachable(
    relabelings: Sequence[Drawn], adjust: str, called: str = "rows", each: str = "pair"
) -> str:
    """Return what to say if some pair can never be significant, else the empty string.

    `called` says what relabelings move, `each` what one p-value is of.
    """
    count = len(relabelings)
    least = np.array([pair.least_pvalue for pair in relabelings])
    if least.max() * count * (1 + math.log(count)) <= LEVEL:
        return ""  # within reach of every method; the one asked for need not be computed
    reached = adjusted(least, adjust)
    lost = [pair for pair, p in zip(relabelings, reached, strict=True) if not reaches(p)]
    if not lost:
        return ""
    found = (
        f"{len(lost)} of {count} {each}s cannot reach an adjusted p-value of .05 ({adjust}; "
        f"the least is up to {reached.max():.2g})"
    )
    wanted = _smallest(lambda b: 1 / random_total(b), count, adjust)
    with_more = adjusted(np.array([_least(pair, wanted) for pair in relabelings]), adjust)
    by_more = [pair for pair, p, q in zip(relabelings, reached, with_more, strict=True)
               if reaches(q) and not reaches(p)]  # fmt: skip
    advice = []
    if len(by_more) < len(lost):
        number = _smallest(_LEAST_OF[called.startswith("pairs")], count, adjust)
        enough = (
            f"{number} {called}" if called.startswith("pairs") else f"groups of {number} {called}"
        )
        advice.append(f"with so few {called}; {enough} would do")
    if by_more:
        advice.append(f"with n_resamples={by_more[0].wanted}; {wanted} would do")
    return f"{found} {', or '.join(advice)}"


_LEAST_OF: dict[bool, Callable[[int], float]] = {  # by whether n of them are pairs
    False: lambda n: 2 / math.comb(2 * n, n),
    True: lambda n: 0.5 ** (n - 1),
}


def _least(pair: Any, wanted: int) -> float:
    """Return the least p-value of a pair with at least so many relabelings."""
    return float(dataclasses.replace(pair, wanted=max(wanted, pair.wanted)).least_pvalue)


def _smallest(least_pvalue: Callable[[int], float], count: int, adjust: str) -> int:
    """Return the smallest number whose least p-value, in `count` pairs, stays at .05."""
    high = 1
    while not _reaches(least_pvalue(high), count, adjust):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        if _reaches(least_pvalue(middle), count, adjust):
            high = middle
        else:
            low = middle
    return high


def _reaches(pvalue: float, count: int, adjust: str) -> bool:
    return bool(reaches(adjusted(np.full(count, min(pvalue, 1.0)), adjust).min()))
