"""The page of a table of groups."""

import html
import math
from typing import TYPE_CHECKING, Any, Literal, Protocol

from repdist._numbers import (
    adjustment,
    counted,
    reaches,
    with_digits,
    with_equal_digits,
)
from repdist._report import Column, Page, Picture, Table, column_of_names, column_of_numbers
from repdist._results.distance_columns import distance_columns, floor_columns
from repdist._results.words import nearest_and_farthest
from repdist.plotting import TableShape

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_MOST_ROWS = 1000  # pairs that a page shows


class TableToTell(TableShape, Protocol):
    """A table of groups that a page tells."""

    @property
    def confidence_level(self) -> float: ...
    @property
    def cautions(self) -> tuple[str, ...]: ...
    @property
    def counted(self) -> str: ...
    @property
    def strata(self) -> Any: ...
    def to_frame(self) -> Any: ...
    @property
    def complete(self) -> bool: ...
    def plot(self, *, order: Literal["given", "clustered"] = "given") -> "Axes": ...
    def dendrogram(self) -> "Axes": ...
    def embed(self) -> "Axes": ...
    def method(self) -> str: ...
    def call(self) -> str: ...


def page_of(result: TableToTell, title: str) -> Page:
    """Return the page: summary, pictures, one row a pair, method and call."""
    whole = result.to_frame()
    frame, said = _readable(whole)
    return Page(
        title=title,
        lead=_lead(result, whole),
        cautions=result.cautions,
        pictures=_pictures(result),
        tables=(
            Table(
                "Pairs" if said else "All pairs",
                f"Rows in bold differ at .05 ({adjustment(result.adjust)}); intervals at "
                f"{100 * result.confidence_level:g} %, cut at 0.{_design(result)}{said}",
                (
                    column_of_names("First", frame["first"]),
                    column_of_names("Second", frame["second"]),
                    *distance_columns(frame),
                    *floor_columns(frame),
                    _compared(frame, result.counted),
                ),
                tuple(bool(p) for p in reaches(frame["pvalue_adjusted"])),
            ),
        ),
        method=result.method(),
        call=result.call(),
    )


def _pictures(result: TableToTell) -> tuple[Picture, ...]:
    """Return the heat map, and of a table of all pairs who is close to whom."""
    if not result.complete:
        return (Picture("Distances", result.plot, _table_alt(result)),)
    return (
        Picture("Distances", lambda: result.plot(order="clustered"), _table_alt(result)),
        Picture("Who is close to whom", result.dendrogram, "Dendrogram of the groups."),
        Picture("Map", result.embed, "Map of the groups; the bar is the noise floor."),
    )


def _readable(frame: Any) -> tuple[Any, str]:
    """Return the rows that a page shows, and what to say if they are not all."""
    if len(frame) <= _MOST_ROWS:
        return frame, ""
    order = frame["mmd_squared"].sort_values(kind="stable").index
    half = _MOST_ROWS // 2
    shown = frame.loc[sorted([*order[:half], *order[-half:]])]
    said = (
        f" Of {counted(len(frame), 'pair')} the {half} closest and the {half} farthest apart are "
        "shown; a file of all is written by `--csv`, in Python by `to_csv`."
    )
    return shown, said


def _design(result: TableToTell) -> str:
    """Return what was compared, where that is not rows of any kind."""
    inside = " inside strata" if len(result.strata) else ""
    if result.counted == "rows" and not inside:
        return ""
    return f" Compared were {_of_rows(result.counted)}{inside}."


def _compared(frame: Any, counted: str) -> Column:
    """Return the column of how many rows, pairs or clusters each pair of groups has."""
    name = counted.replace(" ", "_")
    if name in frame:
        return column_of_numbers(counted.capitalize(), frame[name], [f"{n}" for n in frame[name]])
    sides = [f"{name}_first", f"{name}_second"]
    first, second = (
        frame[side] for side in (sides if sides[0] in frame else ["n_first", "n_second"])
    )
    texts = [f"{n} + {m}" for n, m in zip(first, second, strict=True)]
    return column_of_numbers(counted.capitalize(), first + second, texts)


def _numbers(heading: str, values: Any, role: Literal["", "key"] = "") -> Column:
    return column_of_numbers(heading, values, with_equal_digits(values), role)


def _lead(result: TableToTell, frame: Any) -> str:
    differ = int(reaches(frame["pvalue_adjusted"]).sum())
    near, far = nearest_and_farthest(frame)
    return (
        f"<p>{len(result.names)} groups, {counted(len(frame), 'pair')}. <strong>{differ} of "
        f"{len(frame)} differ</strong> at .05 ({adjustment(result.adjust)}). "
        f"Farthest apart: {_pair(far)}, {_times(far)}. Closest: {_pair(near)}, {_times(near)}.</p>"
        "<p>MMD² is 0 on average for equal distributions and can be slightly negative. The "
        f"<em>noise floor</em> is what {_of_floor(result.counted)}: a distance of "
        "several floors is real, one below the floor is not told from noise. <em>Effect</em> is "
        "the distance relative to the spread within groups, and does not depend on how many "
        f"{_of_rows(result.counted)} there are.</p>"
    )


def _of_rows(counted: str) -> str:
    return "pairs of rows" if counted == "pairs" else counted


def _of_floor(counted: str) -> str:
    if counted.startswith("pairs"):
        return "pairs show by chance if sides change at random"
    return "two samples of one group show by chance"


def _pair(row: Any) -> str:
    return f"<b>{html.escape(str(row['first']))}</b> and <b>{html.escape(str(row['second']))}</b>"


def _times(row: Any) -> str:
    times = row["times_floor"]
    return (
        f"{with_digits(times)} times the noise floor" if math.isfinite(times) else "no noise floor"
    )


def _table_alt(result: TableToTell) -> str:
    return f"Heat map of MMD² between {len(result.names)} groups; its numbers are in the table."
