"""The page of a test of columns, and its parts that other pages show."""

from typing import TYPE_CHECKING, Any, Protocol

from repdist._numbers import pvalues_with_equal_digits, reaches, with_equal_digits
from repdist._report import Column, Page, Picture, Table, column_of_names, column_of_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_COLUMNS, _MOST_PICTURED = 200, 12


class ColumnsToTell(Protocol):
    """A test of columns that a page tells."""

    def to_frame(self) -> Any: ...
    def plot(self, *, n_columns: int) -> "Axes": ...


def page_of(result: Any, title: str, lead: str) -> Page:
    """Return the page: the picture, the table, the method and the call; `lead` is HTML."""
    return Page(
        title=title,
        lead=lead,
        pictures=(picture_of_columns(result),),
        tables=(columns_table(result),),
        method=result.method(),
        call=result.call(),
    )


def picture_of_columns(result: ColumnsToTell) -> Picture:
    """Return the picture of the columns that differ most."""
    return Picture(
        "Columns that differ most",
        lambda: result.plot(n_columns=_MOST_PICTURED),
        "Histograms of the columns that differ most, X above and Y below; numbers in the table.",
    )


def columns_table(result: ColumnsToTell) -> Table:
    """Return the table of the columns that differ most surely; of groups, with these."""
    frame = result.to_frame()
    shown = frame.head(_MOST_COLUMNS)
    more = (
        f" The {len(shown):,} surest of {len(frame):,}; a file of all is written by `repdist "
        "columns --csv`, in Python by `to_csv`."
    ) * (len(frame) > len(shown))
    return Table(
        "Columns",
        "Rows in bold differ at .05, adjusted for all columns. Difference: of the means, Y less X, "
        "in standard deviations; spread: of the standard deviations, Y over X; overlap: what both "
        f"distributions have in common.{more}",
        (
            *([column_of_names("Group", shown["group"])] if "group" in shown else []),
            column_of_names("Column", shown["column"]),
            column_of_texts("Changed", [text or "–" for text in shown["direction"]]),
            *(
                column_of_numbers(heading, shown[name], with_equal_digits(shown[name]))
                for heading, name in (("Difference", "difference"), ("Spread", "spread_ratio"))
            ),
            column_of_numbers("Overlap", shown["overlap"], [f"{v:.0%}" for v in shown["overlap"]]),
            adjusted_column(shown),
        ),
        bold=differing(shown),
    )


def column_of_texts(heading: str, texts: list[str]) -> Column:
    """Return a column of texts that are no names."""
    return Column(heading, texts, texts)


def adjusted_column(frame: Any) -> Column:
    """Return the column of adjusted p-values."""
    values = frame["pvalue_adjusted"].tolist()
    return column_of_numbers("p, adjusted", values, pvalues_with_equal_digits(values), "key")


def differing(frame: Any) -> tuple[bool, ...]:
    """Return which rows differ, and are stressed."""
    return tuple(bool(p) for p in reaches(frame["pvalue_adjusted"].to_numpy()))
