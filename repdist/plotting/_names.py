"""Names of groups as pictures show them: short, told apart, in fonts that have their characters."""

import functools
import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from repdist._checks import RepdistWarning

_LONGEST = 24  # characters of a shown name
_LACKING = "□"
MOST_NAMED = 60  # groups up to which pictures name each


@dataclass(frozen=True)
class ShownNames:
    """Texts to draw, in their order, and the font families that have their characters.

    `line` is the other text that was given, not shortened, for the same families.
    """

    texts: list[str]
    family: list[str]
    line: str = ""


def shown_names(names: Sequence[Hashable], line: str = "") -> ShownNames:
    """Return names that fit a tick: shortened in the middle, numbered where they are then alike.

    `line` is a text with such names in it, as of a title. A RepdistWarning says which characters no
    installed font has; they are drawn as boxes.
    """
    whole = [" ".join(str(name).split()) for name in names]
    short = [shortened(text, _LONGEST) for text in whole]
    texts = [
        f"{shortened(text, _LONGEST - 6)} ({number})" if short.count(text) > 1 else text
        for number, text in enumerate(short, start=1)
    ]
    family, lacking = _families("".join([*texts, line]))
    if lacking:
        warnings.warn(
            f"no installed font has the characters {''.join(sorted(lacking))!r}: they are drawn "
            "as boxes. Install one that has them, such as Noto Sans CJK.",
            RepdistWarning,
            stacklevel=4,
        )
    boxes = str.maketrans(dict.fromkeys(lacking, _LACKING))
    shown = [text.translate(boxes).replace("$", r"\$") for text in [*texts, line]]
    return ShownNames(shown[:-1], family, shown[-1])


def shortened(text: str, longest: int = _LONGEST) -> str:
    """Return a text without its middle if it is longer."""
    if len(text) <= longest:
        return text
    tail = longest // 2 - 1
    return f"{text[: longest - 1 - tail]}…{text[-tail:]}"


def _families(text: str) -> tuple[list[str], set[str]]:
    """Return font families that together have the characters, and those that none has."""
    import matplotlib as mpl
    from matplotlib import font_manager

    family = mpl.rcParams["font.family"]
    lacking = {character for character in text if not character.isspace()}
    lacking -= _characters(font_manager.findfont(font_manager.FontProperties(family=family)))
    found = list(family)
    for font in sorted(font_manager.fontManager.ttflist, key=lambda font: (font.name, font.fname)):
        if not lacking:
            break
        if had := lacking & _characters(font.fname):
            found.append(font.name)
            lacking -= had
    return found, lacking


@functools.cache
def _characters(path: str) -> frozenset[str]:
    """Return the characters that a font has; the font of last resort has boxes for all."""
    from matplotlib import font_manager

    if "lastresort" in path.lower().replace(" ", ""):
        return frozenset()
    return frozenset(map(chr, font_manager.get_font(path).get_charmap()))
