"""The page of a two-sample test."""

from typing import TYPE_CHECKING, Any, Protocol

from repdist._numbers import pvalues_with_equal_digits, with_equal_digits
from repdist._report import Page, Picture, Table, column_of_names, column_of_numbers
from repdist.plotting import NullShape

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class TestToTell(NullShape, Protocol):
    """A two-sample test that a page tells."""

    @property
    def paired(self) -> bool: ...
    @property
    def clusters(self) -> Any: ...
    @property
    def strata(self) -> Any: ...
    def plot(self) -> "Axes": ...
    def method(self) -> str: ...
    def call(self) -> str: ...


def page_of(result: TestToTell, title: str, lead: str) -> Page:
    """Return the page: picture, components, strata if there are any, method and call.

    `lead` is the summary as HTML.
    """
    strata = result.strata
    return Page(
        title=title,
        lead=lead,
        pictures=(
            Picture(
                "Null distribution",
                result.plot,
                "Null distribution with the observed statistic; numbers in the table.",
            ),
        ),
        tables=(
            components_of(result),
            *([_strata(strata, _counted(result))] if len(strata) else []),
        ),
        method=result.method(),
        call=result.call(),
    )


def components_of(result: TestToTell) -> Table:
    """Return the table of the components of the kernel."""
    components = result.components
    numbers = [
        column_of_numbers(heading, components[name], digits(components[name]))
        for heading, name, digits in (
            ("Bandwidth", "bandwidth", with_equal_digits),
            ("MMD²", "mmd_squared", with_equal_digits),
            ("z-score", "zscore", with_equal_digits),
            ("p", "pvalue", pvalues_with_equal_digits),
        )
    ]
    if "captured" in components:
        captured = components["captured"]
        shares = [f"{share:.0%}" for share in captured]
        numbers.append(column_of_numbers("Captured", captured, shares))
    forms = [column_of_names("Form", components["form"])] if "form" in components else []
    return Table(
        "Components",
        "One row a component of the kernel; each p-value is its own."
        + " Adjusted: the distance of the samples once both have one mix of strata. Within: the "
        "mean of the distances inside strata." * bool(forms),
        (*forms, *numbers),
    )


def _strata(strata: Any, counted: str) -> Table:
    return Table(
        "Strata",
        f"{counted.capitalize()} of both samples in each stratum, its share of all, and MMD² "
        "inside it. These are estimates; the p-value is that of all strata together.",
        (
            column_of_names("Stratum", strata.index),
            column_of_numbers("X", strata["n"], [f"{n:,}" for n in strata["n"]]),
            column_of_numbers("Y", strata["m"], [f"{m:,}" for m in strata["m"]]),
            *(
                column_of_numbers(heading, strata[name], with_equal_digits(strata[name]))
                for heading, name in (
                    ("Share", "share"),
                    ("MMD²", "mmd_squared"),
                    ("Standard error", "standard_error"),
                )
            ),
        ),
    )


def _counted(result: TestToTell) -> str:
    if result.clusters is not None:
        return "clusters"
    return "pairs" if result.paired else "rows"
