"""The course of a training: from its folder to the files that are shown, and the shipped ones."""

import importlib
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

course = importlib.import_module("repdist._experiments.lenet_gap.course")
figures = importlib.import_module("repdist._experiments.lenet_gap.training_figures")

NAMES = ["0", "1", "2"]
PAIRS = list(combinations(NAMES, 2))


def effect(epochs, place):
    return 0.1 * (epochs + 1) * (place + 1)


@pytest.fixture
def folder(tmp_path):
    """Of a training of 20 rounds of 100 images."""
    pd.DataFrame(
        [
            {"epochs": epochs, "first": i, "second": j, "effect": effect(epochs, place), "more": 7}
            for epochs in range(21)
            for place, (i, j) in enumerate(PAIRS)
        ]
    ).to_csv(tmp_path / "tables.csv", index=False)
    pd.DataFrame(
        {
            "round": range(20),
            "images": np.arange(1, 21) * 100,
            "canvas": [40] * 3 + [100] * 17,
            "validation_accuracy": np.linspace(0.1, 0.98, 20),
        }
    ).to_csv(tmp_path / "log.csv", index=False)
    return tmp_path


def test_the_course_of_a_training(folder):
    made = course.Course.of_training(folder)
    assert list(made.tables.columns) == ["images", "first", "second", "effect"]
    assert made.images == list(range(0, 2001, 100))
    assert made.shown() == [0, 100, 300, 2000]
    curves = made.curves()
    assert list(curves.columns) == PAIRS
    np.testing.assert_allclose(curves.loc[500], [effect(5, place) for place in range(3)])
    table = made.table(500)
    a, b, c = (effect(5, place) for place in range(3))
    nan = np.nan
    np.testing.assert_allclose(table, [[nan, a, b], [a, nan, c], [b, c, nan]])
    assert list(table.columns) == NAMES


def test_an_epoch_without_a_table_is_left_out(folder):
    tables = pd.read_csv(folder / "tables.csv")
    tables[tables["epochs"] != 3].to_csv(folder / "tables.csv", index=False)
    made = course.Course.of_training(folder)
    assert made.images == [0, 100, 200, *range(400, 2001, 100)]
    assert made.curves().loc[400].iloc[0] == pytest.approx(effect(4, 0))


def test_tables_ahead_of_the_log_are_left_out(folder):
    """While a training runs, its last table is there before the line of its round."""
    log = pd.read_csv(folder / "log.csv")
    log[:-1].to_csv(folder / "log.csv", index=False)
    made = course.Course.of_training(folder)
    assert made.images == list(range(0, 1901, 100))


def test_it_is_saved_and_loaded(folder):
    made = course.Course.of_training(folder)
    made.save(folder / "a.csv", folder / "b.csv")
    again = course.Course.load(folder / "a.csv", folder / "b.csv")
    pd.testing.assert_frame_equal(again.tables, made.tables, rtol=1e-3)
    pd.testing.assert_frame_equal(again.log, made.log, rtol=1e-5)


def test_the_command_makes_the_files(folder, monkeypatch):
    monkeypatch.setattr(course, "TABLES_PATH", folder / "a.csv")
    monkeypatch.setattr(course, "LOG_PATH", folder / "b.csv")
    monkeypatch.setattr("sys.argv", ["course", str(folder)])
    course.main()
    made = course.Course.load(folder / "a.csv", folder / "b.csv")
    assert made.shown() == [0, 100, 300, 2000]


# --- the shipped training ------------------------------------------------------------------------


def test_the_shipped_course():
    shipped = course.Course.load()
    rounds = len(shipped.log)
    assert shipped.images == [0, *shipped.log["images"]]
    assert shipped.images[-1] == 1_015_808
    assert len(shipped.tables) == 45 * (rounds + 1)
    assert np.isfinite(shipped.tables["effect"]).all()
    assert course.TABLES_PATH.stat().st_size + course.LOG_PATH.stat().st_size < 300_000


def test_what_the_page_says_of_the_shipped_course():
    """Classes are moved apart early, all of them; the error rate is that of the shipped weights."""
    shipped = course.Course.load()
    log = pd.read_csv(course.HERE / "training_log.csv")
    assert shipped.log["images"].tolist() == log["images"].tolist()
    np.testing.assert_allclose(shipped.log["learning_rate"], log["learning_rate"], rtol=1e-5)
    ends = [frame["validation_accuracy"].iloc[-1] for frame in (shipped.log, log)]
    assert abs(ends[0] - ends[1]) < 0.01  # 2,000 images: the standard error of one is 0.3 points
    curves = shipped.curves()
    assert (curves.iloc[-1] > curves.iloc[0]).all()


def test_when_the_classes_were_nearly_as_far_apart(folder):
    """The medians are 0.2, 0.4 to 4.2: 95 % of the last one is 3.99, reached after 19 rounds."""
    sections = importlib.import_module("repdist._experiments.lenet_gap.sections")
    said = sections._learned_early(course.Course.of_training(folder))
    assert "after 1,900 images, when 6.6% of the validation" in said
    assert said.endswith("at the end it is 2.0%.")


# --- the picture ---------------------------------------------------------------------------------


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_the_picture_names_the_closest_pairs(folder):
    made = course.Course.of_training(folder)
    figure = figures.draw_course(made)
    assert isinstance(figure, Figure)
    left, right, *tables, _ = figure.axes
    assert " 0 and 1, 2.1" in texts(left)
    assert " median, 4.2" in texts(left)
    assert any("100 × 100" in text for text in texts(left))
    np.testing.assert_allclose(right.lines[0].get_ydata(), 1 - np.linspace(0.1, 0.98, 20))
    assert [ax.get_title(loc="left") for ax in tables] == [
        "before the training", "after 100 images", "after 300 images", "after 2,000 images",
    ]  # fmt: skip
    for ax in tables:
        assert ax.images[0].get_clim() == (0, pytest.approx(effect(20, 2)))


def test_names_do_not_overlap():
    assert figures.apart([1.0, 1.01, 1.3], 0.1) == pytest.approx([0.91, 1.01, 1.3])
    assert figures.apart([1.0, 1.0, 1.0], 0.1) == pytest.approx([0.8, 0.9, 1.0])
