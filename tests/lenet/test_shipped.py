"""The weights and features that come with repdist, and what is said of them."""

import csv
import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from oracles import naive_maps

import repdist

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "experiments" / "lenet_gap"
data = importlib.import_module("repdist._experiments.lenet_gap.data")
features = importlib.import_module("repdist._experiments.lenet_gap.features")
model = importlib.import_module("repdist._experiments.lenet_gap.model")
train = importlib.import_module("repdist._experiments.lenet_gap.train")


@pytest.fixture(scope="module")
def images():
    return features.make_images(data.load_digits()[1])


@pytest.fixture(scope="module")
def report():
    return json.loads((FOLDER / "training.json").read_text("utf-8"))


def test_the_features_are_those_of_the_weights_in_numpy(images):
    """Three images of each class, through a forward pass written in NumPy."""
    weights = model.Weights.load()
    chosen = np.arange(0, 3000, 100)
    expected = naive_maps(weights, images.images[chosen]).mean(axis=(1, 2))
    shipped = repdist.example_features()[0].reshape(3000, 64)[chosen]
    np.testing.assert_allclose(shipped, expected, rtol=1e-4, atol=1e-6)


def test_the_features_say_which_images_they_are_of(images):
    with np.load(FOLDER / "features.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["image_ids"].ravel(), images.indices)
        np.testing.assert_array_equal(arrays["labels"].ravel(), images.labels)
        assert arrays["seed"] == features.TEST_SEED
        assert arrays["features"].dtype == np.float32


def test_the_accuracy_is_that_of_the_features(images, report):
    shipped, names = repdist.example_features()
    predicted = (shipped.reshape(3000, 64) @ model.Weights.load().classifier).argmax(axis=1)
    accuracy = float((predicted == images.labels).mean())
    assert names == [str(label) for label in range(10)]
    assert abs(accuracy - report["test_accuracy"]) <= 2 / 3000  # rounding may turn an image
    assert report["test_accuracy"] >= 0.96
    right = round(report["test_accuracy"] * 3000)
    np.testing.assert_allclose(
        report["test_accuracy_interval"], train.accuracy_interval(right, 3000), atol=1e-6
    )


def test_most_features_are_alive():
    shipped, _ = repdist.example_features()
    assert (shipped.reshape(3000, 64).std(axis=0) > 0).sum() >= 48


def test_the_log_ends_where_the_report_says(report):
    with (FOLDER / "training_log.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert int(rows[-1]["images"]) == report["training_images"]
    assert float(rows[-1]["validation_accuracy"]) == pytest.approx(
        report["validation_accuracy"], abs=1e-6
    )
    assert float(rows[-1]["seconds"]) == pytest.approx(report["training_seconds"], abs=0.1)


def test_the_card_states_the_report(report):
    card = (FOLDER / "MODEL_CARD.md").read_text("utf-8")
    low, high = report["test_accuracy_interval"]
    assert f"{report['test_accuracy']:.2%} of 3,000 images" in card
    assert f"{low:.2%} to {high:.2%}" in card
    assert f"{report['training_images']:,} images in" in card
    assert f"{report['training_seconds'] / 60:.0f} minutes" in card
    assert f"{report['parameters']:,} numbers" in card
    assert report["command"] in card
    for name in ("tensorflow", "keras", "numpy"):
        assert report[name] in card
