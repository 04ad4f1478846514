"""The page of a monitor."""

from typing import TYPE_CHECKING, Any, Protocol

from repdist._numbers import pvalues_with_equal_digits, with_equal_digits
from repdist._report import Page, Picture, Table, column_of_names, column_of_numbers
from repdist.plotting import DriftShape

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class MonitorToTell(DriftShape, Protocol):
    """A monitor that a page tells."""

    def plot(self) -> "Axes": ...
    def method(self) -> str: ...
    def call(self) -> str: ...


def page_of(monitor: MonitorToTell, title: str, lead: str) -> Page:
    """Return the page: picture, batches, method and call; `lead` is the summary as HTML."""
    return Page(
        title=title,
        lead=lead,
        pictures=(
            Picture(
                "Over time",
                monitor.plot,
                "Distance of each batch to the reference with its 95 % interval and noise floor, "
                "and the evidence with the threshold of an alarm; numbers in the table.",
            ),
        ),
        tables=(_batches(monitor.to_frame()),),
        method=monitor.method(),
        call=monitor.call(),
    )


def _batches(frame: Any) -> Table:
    names = ("mmd_squared", "ci_low", "ci_high", "floor")
    texts = with_equal_digits([frame[name] for name in names])  # one number of decimals for all
    numbers = [
        column_of_numbers(heading, frame[name], shown)
        for heading, name, shown in zip(("MMD²", "Low", "High", "Floor"), names, texts, strict=True)
    ]
    numbers += [
        column_of_numbers("p", frame["pvalue"], pvalues_with_equal_digits(frame["pvalue"])),
        column_of_numbers("Evidence", frame["evidence"], with_equal_digits(frame["evidence"])),
    ]
    alarms = [
        ("accepted" if accepted else "ALARM") if alarm else ""
        for alarm, accepted in zip(frame["alarm"], frame["accepted"], strict=True)
    ]
    return Table(
        "Batches",
        "MMD² with its 95 % interval and floor is that of the batch to the reference; p and the "
        "evidence are against the reference and all earlier batches. Once an alarm is given, "
        "evidence starts anew.",
        (
            column_of_names("Batch", frame.index),
            column_of_numbers("Rows", frame["n"], [f"{n:,}" for n in frame["n"]]),
            *numbers,
            column_of_names("Alarm", alarms),
        ),
    )
