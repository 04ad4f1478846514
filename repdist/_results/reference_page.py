"""The page of a comparison with a reference."""

import html
from typing import TYPE_CHECKING, Any, Literal, Protocol

from repdist._numbers import (
    adjustment,
    counted,
    pvalues_with_equal_digits,
    reaches,
    span,
    with_equal_digits,
)
from repdist._report import Page, Picture, Table, column_of_names, column_of_numbers
from repdist._results.distance_columns import distance_columns, floor_columns
from repdist.plotting import DistancesShape

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_PAIRS = 1000  # that a page shows


class ReferenceToTell(DistancesShape, Protocol):
    """A comparison with a reference that a page tells."""

    @property
    def adjust(self) -> str: ...
    @property
    def confidence_level(self) -> float: ...
    @property
    def closest(self) -> tuple[Any, ...]: ...
    @property
    def cautions(self) -> tuple[str, ...]: ...
    @property
    def reference_size(self) -> int: ...
    def differences(self) -> Any: ...
    def plot(self, *, order: Literal["distance", "given"]) -> "Axes": ...
    def method(self) -> str: ...
    def call(self) -> str: ...


def page_of(result: ReferenceToTell, title: str) -> Page:
    """Return the page: summary, pictures, groups, differences, method and call."""
    frame = result.to_frame()
    of = counted(len(frame), "group")
    alt = f"Distances of {of} to the reference; the numbers are in the table."
    several = len(frame) > 1
    return Page(
        title=title,
        lead=_lead(result, frame),
        cautions=result.cautions,
        pictures=(
            Picture("By distance", lambda: result.plot(order="distance"), alt),
            *([Picture("In their order", lambda: result.plot(order="given"), alt)] * several),
        ),
        tables=(_groups(result, frame), *([_differences(result)] * several)),
        method=result.method(),
        call=result.call(),
    )


def _groups(result: ReferenceToTell, frame: Any) -> Table:
    ranks = [
        span(*ends, " to ") for ends in zip(frame["rank_low"], frame["rank_high"], strict=True)
    ]
    return Table(
        "Groups",
        f"Rows in bold differ from the reference at .05 ({adjustment(result.adjust)}). Intervals "
        f"are of each distance alone, at {100 * result.confidence_level:g} %, cut at 0"
        + "; ranks hold all at once, 1 is the closest" * (len(frame) > 1)
        + ".",
        (
            column_of_names("Group", frame.index),
            *distance_columns(frame),
            *floor_columns(frame),
            column_of_numbers("Rank", frame["rank_low"], ranks, "key"),
            column_of_numbers("Rows", frame["n"], [f"{n:,}" for n in frame["n"]]),
        ),
        bold=tuple(bool(p) for p in reaches(frame["pvalue_adjusted"])),
    )


def _differences(result: ReferenceToTell) -> Table:
    whole = result.differences()
    frame = whole.loc[whole["pvalue_adjusted"].sort_values(kind="stable").index[:_MOST_PAIRS]]
    low, high = with_equal_digits([frame["low"].tolist(), frame["high"].tolist()])
    intervals = [f"{a} to {b}" for a, b in zip(low, high, strict=True)]
    more = f" The {_MOST_PAIRS} with the least p of {len(whole):,}." * (len(whole) > _MOST_PAIRS)
    return Table(
        "Differences",
        "MMD² of the first less that of the second: above 0 the first is farther. Intervals hold "
        f"all differences at once, at {100 * result.confidence_level:g} %; in bold those that do "
        f"not reach 0.{more}",
        (
            column_of_names("First", frame["first"]),
            column_of_names("Second", frame["second"]),
            column_of_numbers(
                "Difference", frame["difference"], with_equal_digits(frame["difference"]), "key"
            ),
            column_of_numbers("Interval", frame["low"], intervals),
            column_of_numbers(
                "p, adjusted",
                frame["pvalue_adjusted"],
                pvalues_with_equal_digits(frame["pvalue_adjusted"].tolist()),
                "key",
            ),
        ),
        bold=tuple((frame["low"] > 0) | (frame["high"] < 0)),
    )


def _lead(result: ReferenceToTell, frame: Any) -> str:
    differ = int(reaches(frame["pvalue_adjusted"]).sum())
    names = ", ".join(f"<b>{html.escape(str(name))}</b>" for name in result.closest)
    level = f"at {100 * result.confidence_level:g} % for all at once"
    others = f"Closest may be {names}: all others are farther, {level}."
    if len(result.closest) == len(frame):
        others = f"Any of them may be the closest, {level}."
    several = len(frame) > 1
    closest = f" {others}" * several
    shared = (
        " The reference is shared by all distances: intervals of two that overlap do not mean that "
        "both are equally far; the table of differences tells."
    ) * several
    return (
        f"<p>{counted(len(frame), 'group')} against a reference of {result.reference_size:,} rows. "
        f"<strong>{differ} of {len(frame)} differ</strong> from it at .05 "
        f"({adjustment(result.adjust)}).{closest}</p>"
        "<p>MMD² is 0 on average for equal distributions and can be slightly negative. The "
        f"<em>noise floor</em> is what two samples of one group show by chance.{shared}</p>"
    )
