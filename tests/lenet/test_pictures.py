"""The pictures of the study: colours of heat maps, digits that can be read, words that are true."""

import importlib
import itertools

import numpy as np
import pandas as pd
import pytest

analysis, drawing, figures, heatmaps, pictures, sections, training_figures, words = (
    importlib.import_module(f"repdist._experiments.lenet_gap.{name}")
    for name in (
        "analysis", "drawing", "figures", "heatmaps", "pictures", "sections", "training_figures",
        "words",
    )
)  # fmt: skip


# --- heat maps -----------------------------------------------------------------------------------


def test_a_map_is_enlarged_between_the_middles_of_its_cells():
    """Four cells on eight pixels: a middle lies between two pixels; at the rim the cell's value."""
    cam = np.array([[0.0, 4.0], [8.0, 12.0]])
    line = np.array([0, 1, 3, 4])  # of pixels at -1/4, 1/4, 3/4, 5/4 cells
    np.testing.assert_allclose(heatmaps.enlarged(cam, 4), line + 2 * line[:, None], rtol=1e-12)
    np.testing.assert_allclose(heatmaps.enlarged(cam, 2), cam, rtol=1e-12)


def test_colours_say_for_and_against():
    image = np.zeros((2, 2), np.uint8)
    image[0, 1] = 255
    cam = np.array([[2.0, 0.0], [-1.0, 0.0]])
    coloured = heatmaps.overlay(image, cam, 2.0) / 255
    np.testing.assert_allclose(coloured[0, 0], 0.9 * heatmaps.FOR, atol=1 / 255)
    np.testing.assert_allclose(coloured[0, 1], 0.6, atol=1 / 255)
    np.testing.assert_allclose(coloured[1, 0], 0.9 * 0.5**0.6 * heatmaps.AGAINST, atol=1 / 255)
    np.testing.assert_array_equal(coloured[1, 1], 0)


def test_an_empty_map_has_no_colour():
    image = np.full((4, 4), 100, np.uint8)
    coloured = heatmaps.overlay(image, np.zeros((2, 2)), 0.0)
    assert np.ptp(coloured) == 0


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        (heatmaps.file_name(3, 3, 12), True),
        (heatmaps.file_name(3, 5, 9999), True),
        (heatmaps.file_name(0, 9, 54321), True),
        ("class_3_image_12", False),
        ("my_class_3_image_0012.png", False),
    ],
)
def test_names_of_files_are_known_again(name, fits):
    assert (heatmaps.FILE_NAME.fullmatch(name) is not None) == fits


def test_which_images_get_a_file(monkeypatch):
    monkeypatch.setattr(pictures, "N_FILES", 1)
    labels = np.repeat(np.arange(10), 2)
    predicted = labels.copy()
    predicted[[0, 5]] = 9
    chosen = pictures.heatmap_rows(labels, predicted)
    assert chosen.tolist() == [0, 2, 4, 5, 6, 8, 10, 12, 14, 16, 18]


# --- tables of numbers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("background", "expected"),
    [((0, 0, 0), "white"), ((1, 1, 1), "black"), ((1, 0.9, 0.2, 1), "black"), ((0, 0, 1), "white")],
)
def test_text_has_contrast(background, expected):
    assert drawing.text_colour(background) == expected


def test_text_has_contrast_on_every_colour_of_a_table():
    """4.5 to 1, as WCAG asks of text."""
    import matplotlib as mpl

    def luminance(colour):
        linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    for colour in mpl.colormaps[drawing.TABLE_COLOURS](np.linspace(0, 1, 256))[:, :3]:
        text = np.full(3, 1.0 if drawing.text_colour(colour) == "white" else 0.0)
        light, dark = sorted([luminance(colour), luminance(text)])[::-1]
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_a_table_of_numbers():
    _, axes = drawing.panels(3, 3, 1, 1)
    ax = axes[0, 0]
    table = pd.DataFrame([[0.25, np.nan], [1.5, -0.001]], index=["a", "b"], columns=["a", "b"])
    drawing.matrix(ax, table, top=2.0, size=8, bare=True)
    texts = {text.get_position(): text.get_text() for text in ax.texts}
    assert texts == {(0, 0): ".25", (0, 1): "1.50", (1, 1): ".00"}
    assert ax.images[0].get_clim() == (0, 2)


# --- how many images -----------------------------------------------------------------------------


def needed(*counts):
    """A table of pairs of which each is told apart at its size, never before."""
    rows = []
    for place, count in enumerate(counts):
        row = {"first": "0", "second": str(place + 1), "images_needed": count}
        for n in analysis.SIZES:
            row[f"share_{n}"] = 0.5 if n < count or not count else (1.0 if n == count else np.nan)
        rows.append(row)
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (
            (4, 4, 5, 6),
            "of the 4 pairs, 4 images of each class tell apart 2, 5 images 3 and 6 images all 4.",
        ),
        ((5, 5), "of the 2 pairs, 5 images of each class tell apart all 2."),
        (
            (4, 0),
            "the 2 pairs, 4 images of each class tell apart 1. For 1 of them 100 are not enough.",
        ),
        ((4, 5, 6, 8, 10), "4 images of each class tell apart 1, 6 images 3 and 10 images all 5."),
        ((0, 0), "Even 100 images of each class do not tell any two classes apart."),
    ],
)
def test_how_many_images_in_words(counts, said):
    assert said in sections.needed_words(needed(*counts))


def test_the_curve_of_power():
    """The mean over pairs keeps what a pair reached; pairs that take longest are named."""
    figure = figures.draw_power(needed(4, 4, 5, 6))
    (ax,) = figure.axes
    *pairs, mean = ax.lines[:5]
    assert [line.get_ydata()[-1] for line in pairs[:2]] != [0.5, 0.5]
    np.testing.assert_allclose(mean.get_xdata(), [2, 3, 4, 5, 6])
    np.testing.assert_allclose(mean.get_ydata(), [0.5, 0.5, 0.75, 0.875, 1.0])
    assert "0 and 4" in [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("narrow", [False, True])
def test_no_words_of_the_curve_of_power_are_cut_or_cover_others(narrow):
    figure = figures.draw_power(needed(4, 4, 5, 6), narrow=narrow)
    figure.draw_without_rendering()
    (ax,) = figure.axes
    boxes = [text.get_window_extent() for text in (*ax.texts, ax._left_title)]
    boxes.append(ax.get_legend().get_window_extent())
    for box in boxes:
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)


# --- images --------------------------------------------------------------------------------------


def test_typical_images_stand_beside_their_class():
    """Five classes: three on the left, two on the right, a column of names before each."""
    image, cam = np.zeros((100, 100), np.uint8), np.zeros((25, 25))
    rows = [(f"{k}", [heatmaps.Seen(image, cam, f"{k}.{j}") for j in (0, 1)]) for k in range(5)]
    figure = heatmaps.draw_typical(rows)
    told = [[t.get_text() for t in ax.texts] + [ax.get_title()] for ax in figure.axes]
    expected = ["0", "0.0", "0.1", "3", "3.0", "3.1", "1", "1.0", "1.1", "4", "4.0", "4.1",
                "2", "2.0", "2.1", "", "", ""]  # fmt: skip
    assert ["".join(each) for each in told] == expected


def test_black_images_have_a_white_frame():
    figure, axes = drawing.image_panels(2, 3, 1.0)
    for ax in axes.flat:
        ax.imshow(np.zeros((10, 10)))
    figure.draw_without_rendering()
    width, height = figure.bbox.size
    edge = 0.9 * drawing.EDGE * figure.dpi
    for box in (ax.get_window_extent() for ax in axes.flat):
        assert min(box.x0, width - box.x1, box.y0, height - box.y1) >= edge


# --- the network, and words ----------------------------------------------------------------------


def test_the_diagram_says_the_shapes_of_the_network():
    model = importlib.import_module("repdist._experiments.lenet_gap.model")
    texts = " ".join(text.get_text() for text in training_figures.draw_network().axes[0].texts)
    assert model.SHAPES["conv1"] == (5, 5, 1, 32)
    assert model.SHAPES["conv2"] == (5, 5, 32, 64)
    assert model.SHAPES["classifier"] == (64, 10)
    for word in ("conv 5 × 5\n32", "100 × 100 × 32", "conv 5 × 5\n64", "25 × 25 × 64", "64 × 10"):
        assert word in texts


@pytest.mark.parametrize(
    ("value", "said"),
    [(133.96, "130"), (349.2, "350"), (9.96, "10.0"), (4.26, "4.3"), (1234, "1,200"), (-2, "−2.0")],
)
def test_times_the_floor_have_two_digits(value, said):
    assert sections._about(value) == said


def test_words_are_found():
    assert words.term("Holm", "Holm's <rule>") == (
        '<a class="term" href="#word-holm">Holm&#x27;s &lt;rule&gt;</a>'
    )
    with pytest.raises(KeyError):
        words.term("no such word")
    anchors = [words.anchor(word) for word in words.WORDS]
    assert len(set(anchors)) == len(anchors)
