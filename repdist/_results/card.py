"""What every result shows: one card, rendered as text and as HTML, and a record of its numbers."""

import abc
import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from repdist._numbers import typeset
from repdist._version import __version__

_LABEL = 8  # least width of a label in text
_STYLE = (
    "font-family:system-ui,sans-serif;font-size:.9rem;line-height:1.45;max-width:60rem;"
    "overflow-x:auto"
)
_CELL = "padding:.1rem .6rem;border:0;background:none;vertical-align:top;"
_LABELLED = "max-width:min(20rem,35vw);overflow-wrap:anywhere"  # names are long
_LONGEST = 14  # characters of a word that is not broken in a label


@dataclass(frozen=True)
class Grid:
    """Numbers of pairs of groups, coloured by size; shown in HTML alone.

    Attributes
    ----------
    names, sizes : (k,)
        Of the groups, and their rows.
    texts : (k, k)
        What the cells hold.
    shades : (k, k)
        From 0 to 1, NaN for a cell without a colour.
    caption : str
    """

    names: Sequence[str]
    sizes: Sequence[int]
    texts: Sequence[Sequence[str]]
    shades: Any
    caption: str


@dataclass(frozen=True)
class Card:
    """What a person should read of a result.

    Attributes
    ----------
    title : str
    lines : tuple of (label, text)
        A text may have several lines.
    cautions : tuple of str
        What a reader of the result should know.
    grid : Grid, optional
    """

    title: str
    lines: tuple[tuple[str, str], ...]
    cautions: tuple[str, ...] = ()
    grid: Grid | None = None

    def text(self) -> str:
        """Return the card for a terminal."""
        width = max([_LABEL, *(len(label) for label, _ in self.lines)]) + 1
        rows = [*self.lines, *(("caution", caution) for caution in self.cautions)]
        shown = [
            f"  {label:<{width}}" + text.replace("\n", "\n" + " " * (width + 2))
            for label, text in rows
        ]
        return "\n".join([self.title, *shown])

    def html(self) -> str:
        """Return the card for a notebook or a page."""
        words = [len(word) for label, _ in self.lines for word in label.split()]
        wide = f"min-width:{min(max([_LABEL, *words]), _LONGEST)}ch;{_LABELLED}"
        rows = "".join(
            f'<tr style="background:none"><th style="{_CELL}text-align:left;font-weight:600;'
            f'{wide}">{_shown(label)}</th>'
            f'<td style="{_CELL}text-align:left">{_shown(text)}</td></tr>'
            for label, text in self.lines
        )
        cautions = "".join(f"<li>{_shown(caution)}</li>" for caution in self.cautions)
        return (
            f'<div class="repdist-card" style="{_STYLE}">'
            f'<p style="margin:.2rem 0;font-weight:700">{html.escape(self.title)}</p>'
            + ("" if self.grid is None else _grid(self.grid))
            + f'<table style="border-collapse:collapse;margin:.2rem 0"><tbody>{rows}</tbody>'
            + "</table>"
            + (_cautions(cautions) if cautions else "")
            + "</div>"
        )


def _shown(text: str) -> str:
    return html.escape(typeset(text))


def _cautions(items: str) -> str:
    return (
        '<ul style="margin:.4rem 0;padding:.2rem .6rem .2rem 1.6rem;border-left:4px solid #b5361c">'
        f"{items}</ul>"
    )


def _grid(grid: Grid) -> str:
    names = [html.escape(name) for name in grid.names]
    head = "".join(f'<th style="{_CELL}text-align:right">{name}</th>' for name in names)
    body = "".join(
        f'<tr style="background:none"><th style="{_CELL}text-align:left;white-space:nowrap">{name}'
        f'</th><td style="{_CELL}text-align:right;opacity:.7">{size:,}</td>'
        + "".join(map(_coloured, texts, shades))
        + "</tr>"
        for name, size, texts, shades in zip(
            names, grid.sizes, grid.texts, grid.shades, strict=True
        )
    )
    return (
        '<table style="border-collapse:collapse;margin:.4rem 0;font-variant-numeric:tabular-nums">'
        f'<caption style="text-align:left;caption-side:bottom;opacity:.75;padding:.2rem 0">'
        f"{_shown(grid.caption)}</caption>"
        f'<thead><tr><th style="{_CELL}"></th><th style="{_CELL}text-align:right;opacity:.7">rows'
        f"</th>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _coloured(text: str, shade: float) -> str:
    style = f"{_CELL}text-align:right;white-space:nowrap;"
    if not math.isnan(shade):
        background, foreground = colours(shade)
        style += f"background:{background};color:{foreground}"
    return f'<td style="{style}">{html.escape(text)}</td>'


_RAMP = ((255, 234, 70), (124, 123, 120), (0, 34, 78))  # cividis, from its light end


def colours(shade: float) -> tuple[str, str]:
    """Return the colours of a cell and of its text, which contrast, for a shade from 0 to 1."""
    place = min(max(shade, 0.0), 1.0) * (len(_RAMP) - 1)
    first = min(int(place), len(_RAMP) - 2)
    mixed = [
        round(a + (b - a) * (place - first))
        for a, b in zip(_RAMP[first], _RAMP[first + 1], strict=True)
    ]
    linear = [(value / 255) ** 2.2 for value in mixed]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    background = "#" + "".join(f"{value:02x}" for value in mixed)
    return background, "white" if luminance < 0.18 else "black"


class Result(abc.ABC):
    """The answer to a question: shows itself as text, in a notebook, and as a dictionary."""

    @abc.abstractmethod
    def _card(self) -> Card: ...

    @abc.abstractmethod
    def _record(self) -> dict[str, Any]: ...

    def summary(self) -> str:
        """Return the result in lines that a person can read."""
        return self._card().text()

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self._card().html()

    def to_dict(self) -> dict[str, Any]:
        """Return what a report needs, ready for JSON: NaN becomes None, arrays lists."""
        record: dict[str, Any] = _plain({"repdist_version": __version__} | self._record())
        return record


def _plain(value: Any) -> Any:
    """Return a value made of what JSON knows."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
