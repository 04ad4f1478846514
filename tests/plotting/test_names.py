"""Names in pictures: short, told apart, in a font that has their characters."""

import warnings

import matplotlib as mpl
import pytest

import repdist
from repdist.plotting import _names
from repdist.plotting._names import shown_names


@pytest.mark.parametrize(
    "names",
    [
        [f"resnet50_layer4_block2_conv{i}_relu" for i in range(5)],
        [f"a_very_long_name_of_which_the_end_differs_{i}" for i in range(5)],
        [f"{i}_a_very_long_name_of_which_the_start_differs" for i in range(5)],
        [f"long_before_the_difference_{i:02}_and_long_after_it" for i in range(30)],
        ["x" * 30 + " ", "x" * 30, "x" * 31],
        ["a b", "a  b", "a\nb"],
    ],
)
def test_names_that_differ_are_shown_different_and_short(names):
    shown = shown_names(names).texts
    assert len(set(shown)) == len(names)
    assert max(map(len, shown)) <= 24
    assert not any(character in text for text in shown for character in "\n\r\t")


def test_short_names_are_shown_as_they_are():
    assert shown_names(["a", 1, ("b", 2), "$x$"]).texts == ["a", "1", "('b', 2)", r"\$x\$"]


def test_characters_that_no_font_has_are_boxes_and_told(monkeypatch):
    monkeypatch.setattr(_names, "_characters", lambda _: frozenset("abcdefghij "))
    with pytest.warns(repdist.RepdistWarning, match="no installed font has the characters '猫'"):
        shown = shown_names(["a 猫", "b"])
    assert shown.texts == ["a □", "b"]


def test_a_title_is_in_the_same_fonts_and_not_shortened(monkeypatch):
    """Its characters are told in the one warning, whether or not a name has them, too."""
    monkeypatch.setattr(_names, "_characters", lambda _: frozenset("abcdefghij:$ "))
    with pytest.warns(repdist.RepdistWarning, match="the characters '犬猫'") as told:
        shown = shown_names(["a 猫", "b"], "a 猫: $b 犬 " + "c" * 30)
    assert len(told) == 1
    assert shown.texts == ["a □", "b"]
    assert shown.line == r"a □: \$b □ " + "c" * 30


def test_a_font_that_has_the_characters_is_found(monkeypatch):
    from matplotlib import font_manager

    before = dict(mpl.rcParams)
    usual = font_manager.findfont(font_manager.FontProperties())
    monkeypatch.setattr(
        _names, "_characters", lambda path: frozenset("ab") if path == usual else frozenset("ab猫")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown = shown_names(["a猫", "b"])
    assert shown.texts == ["a猫", "b"]
    assert len(shown.family) == len(mpl.rcParams["font.family"]) + 1
    assert dict(mpl.rcParams) == before


def test_the_font_of_last_resort_has_no_characters():
    """It comes with matplotlib, and has a box for every character."""
    from matplotlib import font_manager

    last = [f.fname for f in font_manager.fontManager.ttflist if "Last Resort" in f.name]
    assert all(_names._characters(path) == frozenset() for path in last)
    rare = "\U000107ff"  # a code that no script uses
    with pytest.warns(repdist.RepdistWarning, match="no installed font"):
        assert shown_names([f"a{rare}", "b"]).texts == ["a□", "b"]
