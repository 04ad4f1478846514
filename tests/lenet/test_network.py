"""The network against a forward pass in NumPy, its weights, and class activation maps."""

import importlib
import importlib.util

import numpy as np
import pytest
from oracles import naive_maps

data = importlib.import_module("repdist._experiments.lenet_gap.data")
features = importlib.import_module("repdist._experiments.lenet_gap.features")
model = importlib.import_module("repdist._experiments.lenet_gap.model")
study = importlib.import_module("repdist._experiments.lenet_gap.study")


def random_weights(seed=0):
    """Weights with biases, and logits of all signs."""
    rng = np.random.default_rng(seed)
    arrays = model.Weights.initial(rng).arrays()
    arrays[1] = rng.normal(0, 0.1, 32).astype(np.float32)
    arrays[3] = rng.normal(0, 0.1, 64).astype(np.float32)
    arrays[4] = rng.normal(0, 1, (64, 10)).astype(np.float32)
    return model.Weights(*arrays)


def images_of(size, n=4):
    digits = data.load_digits()[1].images[:n]
    return data.clutter(digits, digits, np.random.default_rng(size), size=size).images


@pytest.fixture(scope="module")
def network():
    pytest.importorskip("tensorflow")
    return model.Network(random_weights())


# --- forward pass --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [100, 40])
def test_maps_and_features_are_those_of_numpy(size, network):
    images = images_of(size)
    expected = naive_maps(network.weights, images)
    maps = network.maps(images)
    assert maps.dtype == np.float32
    assert maps.shape == (4, size // 4, size // 4, 64)
    assert expected.max() > 0.5
    np.testing.assert_allclose(maps, expected, rtol=1e-4, atol=1e-5)
    got = network.features(images)
    assert got.shape == (4, 64)
    np.testing.assert_allclose(got, expected.mean(axis=(1, 2)), rtol=1e-4, atol=1e-6)
    logits = expected.mean(axis=(1, 2)) @ network.weights.classifier
    np.testing.assert_allclose(network.logits(got), logits, rtol=1e-4, atol=1e-5)


def test_features_do_not_depend_on_batches(network, monkeypatch):
    images = images_of(40, n=7)
    whole = network.features(images)
    monkeypatch.setattr(model, "BATCH", 3)
    np.testing.assert_allclose(network.features(images), whole, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("size", [100, 40])
def test_the_mean_of_a_class_activation_map_is_the_logit(size, network):
    images = images_of(size)
    maps = network.maps(images)
    logits = network.logits(network.features(images))
    for label in range(10):
        cams = model.class_activation_maps(maps, network.weights, np.full(4, label))
        assert cams.shape == (4, size // 4, size // 4)
        np.testing.assert_allclose(cams.mean(axis=(1, 2)), logits[:, label], rtol=1e-4, atol=1e-5)


def test_each_image_has_the_map_of_its_own_class():
    rng = np.random.default_rng(0)
    maps = rng.random((3, 2, 5, 64), dtype=np.float32)
    weights = random_weights()
    got = model.class_activation_maps(maps, weights, np.array([4, 0, 9], np.uint8))
    for i, label in enumerate((4, 0, 9)):
        for u, v in np.ndindex(2, 5):
            expected = sum(float(weights.classifier[k, label]) * float(maps[i, u, v, k])
                           for k in range(64))  # fmt: skip
            assert got[i, u, v] == pytest.approx(expected, rel=1e-4, abs=1e-4)


# --- what the study takes from it ----------------------------------------------------------------


def test_the_representation_of_images(network, monkeypatch):
    monkeypatch.setattr(study, "BATCH", 7)
    images = features.make_images(data.load_digits()[1], n_per_class=2)
    got = study.represent(network, images)
    expected = network.features(images.images)
    np.testing.assert_allclose(got.features, expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(got.predicted, network.logits(expected).argmax(axis=1))
    maps = network.maps(images.images)
    for inside, classes in (
        (got.peak_in_box, images.labels),
        (got.peak_in_box_of_class_0, np.zeros(20, int)),
        (got.peak_in_box_of_named, got.predicted),
    ):
        cams = model.class_activation_maps(maps, network.weights, classes)
        assert inside.tolist() == [
            naive_peak_in_box(cam.tolist(), *corner)
            for cam, corner in zip(cams, images.corners.tolist(), strict=True)
        ]


def naive_peak_in_box(cam, top, left):
    """Whether the middle of the highest cell, of 4 x 4 pixels, is a place inside the digit."""
    best = max((value, -u, -v) for u, line in enumerate(cam) for v, value in enumerate(line))
    middle_row, middle_column = -4 * best[1] + 1.5, -4 * best[2] + 1.5
    return top <= middle_row < top + 28 and left <= middle_column < left + 28


@pytest.mark.parametrize(
    ("peak", "corner", "inside"),
    [
        ((0, 0), (0, 0), True),
        ((0, 0), (1, 1), True),
        ((0, 0), (2, 0), False),
        ((6, 6), (0, 0), True),
        ((7, 6), (0, 0), False),
        ((24, 24), (72, 72), True),
        ((17, 24), (72, 72), False),
        ((18, 24), (72, 72), True),
    ],
)
def test_a_peak_in_the_box(peak, corner, inside):
    cams = np.zeros((1, 25, 25), np.float32)
    cams[0][peak] = 1
    assert study._peak_in_box(cams, np.array([corner])).tolist() == [inside]
    assert naive_peak_in_box(cams[0].tolist(), *corner) == inside


# --- weights -------------------------------------------------------------------------------------


def test_initial_weights():
    weights = model.Weights.initial(np.random.default_rng(3))
    assert sum(array.size for array in weights.arrays()) == 52_736
    assert [array.shape for array in weights.arrays()] == list(model.SHAPES.values())
    assert all(array.dtype == np.float32 for array in weights.arrays())
    again = model.Weights.initial(np.random.default_rng(3))
    other = model.Weights.initial(np.random.default_rng(4))
    for name in ("conv1", "conv2", "classifier"):
        np.testing.assert_array_equal(getattr(weights, name), getattr(again, name))
        assert (getattr(weights, name) != getattr(other, name)).any()
    assert not weights.bias1.any()
    assert not weights.bias2.any()
    for kernel, fans in ((weights.conv1, 25 * 33), (weights.conv2, 25 * 96)):
        limit = (6 / fans) ** 0.5
        assert 0.98 * limit < np.abs(kernel).max() <= limit * (1 + 1e-6)


def test_weights_are_saved_and_loaded(tmp_path):
    weights = random_weights()
    weights.save(tmp_path / "weights.npz")
    loaded = model.Weights.load(tmp_path / "weights.npz")
    for array, again in zip(weights.arrays(), loaded.arrays(), strict=True):
        assert again.dtype == np.float32
        np.testing.assert_array_equal(again, array)


def test_missing_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"`--weights` must be .* got .*nowhere\.npz"):
        model.Weights.load(tmp_path / "nowhere.npz")


CHANGES = {
    "missing": (lambda arrays: arrays.pop("bias2"), "bias2"),
    "shape": (
        lambda arrays: arrays.update(conv1=np.zeros((5, 5, 3, 32))),
        r"`conv1` must have shape \(5, 5, 1, 32\); got \(5, 5, 3, 32\)",
    ),
    "nan": (lambda arrays: arrays.update(bias1=np.full(32, np.nan)), "`bias1` must be finite"),
    "infinite": (lambda arrays: arrays.update(bias1=np.full(32, np.inf)), "`bias1` must be finite"),
    "words": (lambda arrays: arrays.update(bias1=np.array(["a"] * 32)), "could not convert"),
    "objects": (lambda arrays: arrays.update(bias1=np.array([{}] * 32)), "holds Python objects"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_archive_of_other_weights(name, tmp_path):
    change, reason = CHANGES[name]
    arrays = dict(zip(model.SHAPES, random_weights().arrays(), strict=True))
    change(arrays)
    path = tmp_path / "weights.npz"
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=rf"`--weights` must be .*{reason}"):
        model.Weights.load(path)


@pytest.mark.parametrize("keep", [0, 10, 5000])
def test_a_damaged_archive_of_weights(keep, tmp_path):
    path = tmp_path / "weights.npz"
    random_weights().save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"`--weights` must be an \.npz file .* no complete"):
        model.Weights.load(path)


@pytest.mark.parametrize("missing", ["tensorflow", "keras"])
def test_without_tensorflow(missing, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == missing else found(name)
    )
    with pytest.raises(ImportError, match=r'pip install "repdist\[lenet\]"'):
        model.Network(random_weights())
