"""A table of groups for a paper: LaTeX with `booktabs`."""

from typing import Any, Literal, Protocol

import numpy as np

from repdist._numbers import STARS, adjustment, span, stars, with_digits, with_equal_digits
from repdist.plotting import TableShape

_ESCAPED = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{character: "\\" + character for character in "&%$#_{}"},
}


class Numbers(TableShape, Protocol):
    """What a table for a paper needs: DataFrames with groups as rows and columns."""

    @property
    def confidence_level(self) -> float: ...
    @property
    def ci_low(self) -> Any: ...
    @property
    def ci_high(self) -> Any: ...


def latex_table(numbers: Numbers, cells: Literal["stars", "intervals"]) -> str:
    """Return the upper triangle as a ``tabular``, with a line that says what it shows."""
    names = [escaped(str(name)) for name in numbers.names]
    values, floors = numbers.mmd_squared.to_numpy(), numbers.noise_floor.to_numpy()
    low, high = numbers.ci_low.to_numpy(), numbers.ci_high.to_numpy()
    pvalues = numbers.pvalue_adjusted.to_numpy()
    k = len(names)
    middle, lower, upper = with_equal_digits(np.stack([values, low, high]))
    of_floors = [with_digits(floor) for floor in np.diagonal(floors)]

    def cell(i: int, j: int) -> str:
        if i > j:
            return ""
        if i == j:
            return rf"\textit{{{_number(of_floors[i])}}}"
        if cells == "stars":
            return _number(middle[i][j]) + (rf"$^{{{s}}}$" if (s := stars(pvalues[i, j])) else "")
        return f"{_number(middle[i][j])} [{_number(lower[i][j])}, {_number(upper[i][j])}]"

    floored = np.isfinite(np.diagonal(floors)).any()
    diagonal = "in italics the noise floor of a group; " if floored else ""
    note = (
        f"{adjustment(numbers.adjust)}: {STARS}"
        if cells == "stars"
        else f"intervals at {100 * numbers.confidence_level:g} %, cut at 0"
    )
    rows = [" & ".join([name, *(cell(i, j) for j in range(k))]) for i, name in enumerate(names)]
    return "\n".join(
        [
            f"% MMD^2; {diagonal}{note}",
            rf"\begin{{tabular}}{{l{'r' * k}}}",
            r"\toprule",
            " & ".join(["", *names]) + r" \\",
            r"\midrule",
            *(row + r" \\" for row in rows),
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


class Distances(Protocol):
    """What a table of distances to a reference needs."""

    @property
    def adjust(self) -> str: ...
    @property
    def confidence_level(self) -> float: ...
    def to_frame(self) -> Any: ...


def latex_distances(distances: Distances) -> str:
    """Return one row a group as a ``tabular``, with a line that says what it shows."""
    frame = distances.to_frame()
    middle, lower, upper = with_equal_digits(
        frame[["mmd_squared", "ci_low", "ci_high"]].to_numpy().T
    )
    rows = [
        " & ".join(
            [
                escaped(str(name)),
                _number(value) + (rf"$^{{{s}}}$" if (s := stars(row["pvalue_adjusted"])) else ""),
                f"[{_number(low)}, {_number(high)}]",
                _number(with_digits(row["effect"])),
                span(row["rank_low"], row["rank_high"], "--"),
            ]
        )
        for (name, row), value, low, high in zip(
            frame.iterrows(), middle, lower, upper, strict=True
        )
    ]
    return "\n".join(
        [
            f"% MMD^2 to the reference, {adjustment(distances.adjust)}: {STARS}; intervals at "
            f"{100 * distances.confidence_level:g} %, cut at 0; ranks hold all at once",
            r"\begin{tabular}{lrrrr}",
            r"\toprule",
            r"Group & MMD$^2$ & Interval & Effect & Rank \\",
            r"\midrule",
            *(row + r" \\" for row in rows),
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


class ColumnsToWrite(Protocol):
    """What a table of columns needs."""

    @property
    def control(self) -> str: ...
    def to_frame(self) -> Any: ...


def latex_columns(columns: ColumnsToWrite, most: int) -> str:
    """Return one row a column as a ``tabular``, with a line that says what it shows."""
    frame = columns.to_frame()
    shown = frame.head(most)
    rows = [
        " & ".join(
            [
                escaped(str(row.group if "group" in shown else row.column)),
                row.direction or "--",
                _number(f"{row.difference:.2f}".replace("-", "−"))
                + (rf"$^{{{s}}}$" if (s := stars(row.pvalue_adjusted)) else ""),
                _number(with_digits(row.spread_ratio)),
                f"{row.overlap:.2f}",
            ]
        )
        for row in shown.itertuples()
    ]
    first = "Group" if "group" in shown else "Column"
    return "\n".join(
        [
            f"% {len(shown):,} of {len(frame):,} {first.lower()}s, p adjusted ({columns.control}): "
            f"{STARS}; difference of the means in pooled standard deviations, ratio of these",
            r"\begin{tabular}{llrrr}",
            r"\toprule",
            rf"{first} & Change & Difference & Spread & Overlap \\",
            r"\midrule",
            *(row + r" \\" for row in rows),
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def escaped(text: str) -> str:
    """Return text in which LaTeX reads no command; line breaks become spaces."""
    joined = " ".join("".join(_ESCAPED.get(character, character) for character in text).split())
    if joined.startswith(("[", "*")):  # an argument of the line break before it
        return f"{{{joined[0]}}}{joined[1:]}"
    return joined


def _number(text: str) -> str:
    unsigned = text.removeprefix("−")
    sign = "$-$" if unsigned != text and unsigned.strip("0.") else ""  # no minus before 0.000
    return sign + unsigned.replace("–", "--")
