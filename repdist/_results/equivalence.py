"""The result of a test of equivalence: that the distance is below a margin."""

from dataclasses import dataclass
from typing import Any, Literal

from repdist import _checks
from repdist._results.card import Card, Result

Unit = Literal["effect", "mmd_squared"]
UNITS = ("effect", "mmd_squared")
_LEAST = 1e-16  # what a normal approximation may be said to give
_FEWEST = 10  # rows, pairs or clusters of a sample whose error is known well enough


@dataclass(frozen=True)
class EquivalenceResult(Result):
    """The answer of `MMDTestResult.equivalence`.

    .. versionadded:: 0.2.0

    Attributes
    ----------
    pvalue : float
        Of the null hypothesis that the distance is at least the margin: small if it is below.
    margin : float
        In the unit asked for.
    unit : {"effect", "mmd_squared"}
    value : float
        The distance found, in that unit.
    cautions : tuple of str
        Those of the test, and one if a sample has fewer than 10 rows, pairs or clusters.
    """

    pvalue: float
    margin: float
    unit: Unit
    value: float
    cautions: tuple[str, ...]

    def _card(self) -> Card:
        shown = f"{self.pvalue:.4g}" if self.pvalue >= _LEAST else f"below {_LEAST:g}"
        words = {"effect": "effect", "mmd_squared": "MMD^2"}[self.unit]
        return Card(
            f"Is the distance below the margin? {words} of {self.margin:.4g}",
            (
                ("p-value", f"{shown} for a distance of the margin or more"),
                (words, f"{self.value:.4g}"),
            ),
            self.cautions,
        )

    def _record(self) -> dict[str, Any]:
        return {
            "pvalue": self.pvalue,
            "margin": self.margin,
            "unit": self.unit,
            "value": self.value,
            "cautions": self.cautions,
        }


def few_units(count: int, unit: str) -> tuple[str, ...]:
    """Return a caution if an error is guessed from few rows, pairs or clusters."""
    if count >= _FEWEST:
        return ()
    return (
        f"the standard error is known from {count} {unit} only, and may be far too small; so may p",
    )


def checked_margin(margin: Any, unit: Any) -> float:
    """Return the margin, checked; raise if the unit is none."""
    _checks.choice("unit", unit, UNITS)
    return _checks.positive("margin", margin)
