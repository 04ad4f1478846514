"""Numbers as people read them: what counts as significant, stars, equal digits in a column."""

import re
from typing import Any

import numpy as np

LEVEL = 0.05  # at which results say that samples differ
STARS = "*** p < .001, ** p < .01, * p <= .05"
_MOST_DECIMALS = 8


def reaches(pvalue: Any, alpha: float = LEVEL) -> Any:
    """Tell whether a p-value is as small as alpha, to rounding."""
    return pvalue <= alpha * (1 + 1e-9)


_ADJUSTMENTS = {
    "none": "not adjusted",
    "holm": "Holm-adjusted",
    "bonferroni": "Bonferroni-adjusted",
    "sidak": "Sidak-adjusted",
    "holm-sidak": "Holm-Sidak-adjusted",
    "simes-hochberg": "Simes-Hochberg-adjusted",
    "hommel": "Hommel-adjusted",
    "fdr_bh": "Benjamini-Hochberg-adjusted",
    "fdr_by": "Benjamini-Yekutieli-adjusted",
    "fdr_tsbh": "adjusted by the two-stage Benjamini-Hochberg method",
    "fdr_tsbky": "adjusted by the two-stage Benjamini-Krieger-Yekutieli method",
}


def adjustment(method: str) -> str:
    """Return in words how p-values are adjusted for their number."""
    return _ADJUSTMENTS[method]


def counted(count: int, what: str) -> str:
    """Return a number of things: "1 pair", "45 pairs"."""
    return f"{count:,} {what}{'s'[: count != 1]}"


def span(low: int, high: int, to: str) -> str:
    """Return both ends as text, one of them if they are equal."""
    return f"{low}" if low == high else f"{low}{to}{high}"


def with_equal_digits(values: Any, significant: int = 3) -> Any:
    """Return numbers as texts with one number of decimals, nested as the values are.

    So many that the typical number, the median of their sizes, shows `significant` digits; NaN is
    a dash, trailing zeros stay.
    """
    values = np.asarray(values, dtype=np.float64)
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    typical = float(np.median(sizes)) if len(sizes) else 1.0
    return _with_decimals(values, significant - 1 - int(np.floor(np.log10(typical))))


def pvalues_with_equal_digits(pvalues: Any) -> Any:
    """Return p-values as texts with one number of decimals: so many that the least one shows."""
    values = np.asarray(pvalues, dtype=np.float64)
    least = float(np.min(values[values > 0], initial=1e-3))
    return _with_decimals(values, -int(np.floor(np.log10(least))))


def _with_decimals(values: Any, decimals: int) -> Any:
    decimals = min(max(decimals, 0), _MOST_DECIMALS)

    def shown(value: Any) -> Any:
        if isinstance(value, list):
            return [shown(item) for item in value]
        return f"{value:.{decimals}f}".replace("-", "−") if np.isfinite(value) else "–"

    return shown(values.tolist())


def with_digits(value: float) -> str:
    """Return a number rounded to two digits, without an exponent; NaN is a dash."""
    if not np.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    decimals = 1 - int(np.floor(np.log10(abs(float(f"{value:.1e}")))))
    return f"{round(value, decimals):,.{max(decimals, 0)}f}".replace("-", "−")


_TYPESET = (
    (re.compile(r"(?<=MMD)\^2\b"), "²"),
    (re.compile(r"(?<![\w.)-])-(?=\.?\d)"), "−"),
    (re.compile(r"((?<=spread )|(?<=\())x (?=\.?\d)"), "× "),
    (re.compile(r"(?<=\bp )<="), "≤"),
)
_TINY = re.compile(r"(?<![\w.])\d(?:\.(\d+))?e-0(\d)\b")
_HUGE = re.compile(r"(?<![\w.])\d(?:\.\d+)?e\+0\d\b")


def typeset(text: str) -> str:
    """Return text for a terminal as pages and pictures show it: MMD², −2.7, × 3.2, 0.000061.

    Nor has a number below 10^10 an exponent: 14,600,000.
    """
    for pattern, shown in _TYPESET:
        text = pattern.sub(shown, text)
    text = _HUGE.sub(lambda found: f"{float(found[0]):,.0f}", text)
    return _TINY.sub(lambda found: f"{float(found[0]):.{_decimals(found)}f}", text)


def _decimals(found: re.Match[str]) -> int:
    return int(found[2]) + len(found[1] or "")


def stars(pvalue: float) -> str:
    """Return up to three stars: p < .001, p < .01, p <= .05."""
    return "*" * (int(pvalue < 0.001) + int(pvalue < 0.01) + int(reaches(pvalue)))
