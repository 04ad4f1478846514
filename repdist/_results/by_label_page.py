"""The page of a comparison within each label."""

import html
from typing import TYPE_CHECKING, Any, Literal, Protocol

from repdist._numbers import (
    adjustment,
    counted,
    reaches,
)
from repdist._report import Page, Picture, Table, column_of_names, column_of_numbers
from repdist._results.distance_columns import distance_columns, floor_columns
from repdist.plotting import DistancesShape

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class LabelsToTell(DistancesShape, Protocol):
    """A comparison within labels that a page tells."""

    @property
    def adjust(self) -> str: ...
    @property
    def confidence_level(self) -> float: ...
    @property
    def cautions(self) -> tuple[str, ...]: ...
    @property
    def paired(self) -> bool: ...
    @property
    def left_out(self) -> dict[Any, tuple[int, int]]: ...
    def plot(self, *, order: Literal["distance", "given"]) -> "Axes": ...
    def method(self) -> str: ...
    def call(self) -> str: ...


def page_of(result: LabelsToTell, title: str) -> Page:
    """Return the page: summary, picture, one row a label, labels left out, method and call."""
    frame = result.to_frame()
    alt = f"Distances within {counted(len(frame), 'label')}; the numbers are in the table."
    left_out = [_left_out(result.left_out)] if result.left_out else []
    return Page(
        title=title,
        lead=_lead(result, frame),
        cautions=result.cautions,
        pictures=(Picture("By distance", lambda: result.plot(order="distance"), alt),),
        tables=(_labels(result, frame), *left_out),
        method=result.method(),
        call=result.call(),
    )


def _labels(result: LabelsToTell, frame: Any) -> Table:
    rows = [f"{n:,} + {m:,}" for n, m in zip(frame["n"], frame["m"], strict=True)]
    sizes = (
        column_of_numbers("Pairs", frame["n"], [f"{n:,}" for n in frame["n"]])
        if result.paired
        else column_of_numbers("Rows", frame["n"] + frame["m"], rows)
    )
    return Table(
        "Labels",
        f"Rows in bold differ at .05 ({adjustment(result.adjust)}); intervals at "
        f"{100 * result.confidence_level:g} %, cut at 0.",
        (
            column_of_names("Label", frame.index),
            *distance_columns(frame),
            *floor_columns(frame),
            sizes,
        ),
        bold=tuple(bool(p) for p in reaches(frame["pvalue_adjusted"])),
    )


def _left_out(labels: dict[Any, tuple[int, int]]) -> Table:
    n, m = zip(*labels.values(), strict=True)
    return Table(
        "Left out",
        "Labels with fewer than two rows in one of the samples.",
        (
            column_of_names("Label", labels),
            column_of_numbers("X", n, [f"{count:,}" for count in n]),
            column_of_numbers("Y", m, [f"{count:,}" for count in m]),
        ),
    )


def _lead(result: LabelsToTell, frame: Any) -> str:
    differ = int(reaches(frame["pvalue_adjusted"]).sum())
    floor = (
        "pairs show by chance if sides change at random"
        if result.paired
        else "two samples of one kind show by chance"
    )
    far = html.escape(str(frame["mmd_squared"].idxmax()))
    return (
        f"<p>X against Y within {counted(len(frame), 'label')}. <strong>{differ} of {len(frame)} "
        f"differ</strong> at .05 ({adjustment(result.adjust)}). Farthest apart: <b>{far}</b>.</p>"
        "<p>MMD² is 0 on average for equal distributions and can be slightly negative. The "
        f"<em>noise floor</em> is what {floor}; <em>effect</em> is the "
        "distance relative to the spread within a sample.</p>"
    )
