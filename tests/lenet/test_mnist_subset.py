"""The script that makes the digits of the case study, and the file that it made."""

import gzip
import hashlib
import importlib
from pathlib import Path

import numpy as np
import pytest
from digit_files import write_raw_files

FOLDER = Path(__file__).parents[2] / "experiments" / "lenet_gap"
SUBSET = FOLDER / "mnist_subset.npz"
LICENCE = FOLDER / "MNIST-LICENSE.md"


script = importlib.import_module("repdist._experiments.lenet_gap.make_mnist_subset")
idx = importlib.import_module("repdist._experiments.lenet_gap.idx")


# --- choosing --------------------------------------------------------------------------------


def test_the_first_of_each_class_are_taken():
    labels = np.array([3, *range(10), *range(9, -1, -1), *range(10)], dtype=np.uint8)
    got = script.first_of_each_class(labels, 2)
    assert got.dtype == np.int32
    naive = [i for i, label in enumerate(labels) if (labels[:i] == label).sum() < 2]
    assert got.tolist() == naive


def test_too_few_of_a_class():
    with pytest.raises(ValueError, match="3 members of each class; got 2 of class 7"):
        script.first_of_each_class(np.delete(np.repeat(np.arange(10), 3), 21), 3)


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_the_script_from_raw_files_to_subset(compress, tmp_path, monkeypatch, capsys):
    raw = tmp_path / "raw"
    raw.mkdir()
    monkeypatch.setattr(idx, "SHA256", write_raw_files(raw, (6, 4), compress))
    monkeypatch.setattr(script, "N_TRAIN", 5)
    monkeypatch.setattr(script, "N_TEST", 3)
    out = tmp_path / "subset.npz"
    out.write_text("old")
    assert script.main([str(raw), "--out", str(out)]) == 0
    content = out.read_bytes()
    assert hashlib.sha256(content).hexdigest() in capsys.readouterr().out
    with np.load(out, allow_pickle=False) as arrays:
        for part, prefix, size in (("train", "train", 5), ("test", "t10k", 3)):
            indices = arrays[f"{part}_indices"]
            for kind in ("images-idx3", "labels-idx1"):
                whole = idx.read_checked(raw, f"{prefix}-{kind}-ubyte")
                got = arrays[f"{part}_{kind[:6]}"]
                np.testing.assert_array_equal(got, whole[indices])
            np.testing.assert_array_equal(np.bincount(arrays[f"{part}_labels"]), [size] * 10)
    script.main([str(raw), "--out", str(out)])
    assert out.read_bytes() == content
    assert {path.name for path in tmp_path.iterdir()} == {"raw", "subset.npz"}


def test_the_script_without_raw_files(tmp_path, capsys):
    out = tmp_path / "subset.npz"
    assert script.main([str(tmp_path), "--out", str(out)]) == 2
    assert "must hold train-images-idx3-ubyte" in capsys.readouterr().err
    assert not out.exists()


def test_the_script_with_other_raw_files(tmp_path, capsys):
    write_raw_files(tmp_path, (2, 2))
    out = tmp_path / "subset.npz"
    assert script.main([str(tmp_path), "--out", str(out)]) == 2
    assert "SHA-256" in capsys.readouterr().err
    assert not out.exists()


# --- the file in the repository ---------------------------------------------------------------


@pytest.fixture(scope="module")
def subset():
    with np.load(SUBSET, allow_pickle=False) as arrays:
        return dict(arrays)


@pytest.mark.parametrize(
    ("part", "size", "whole"), [("train", 1000, 60_000), ("test", 300, 10_000)]
)
def test_the_subset(part, size, whole, subset):
    images, labels, indices = (subset[f"{part}_{n}"] for n in ("images", "labels", "indices"))
    assert images.shape == (10 * size, 28, 28)
    assert labels.shape == indices.shape == (10 * size,)
    assert (images.dtype, labels.dtype, indices.dtype) == (np.uint8, np.uint8, np.int32)
    np.testing.assert_array_equal(np.bincount(labels), [size] * 10)
    assert len(np.unique(indices)) == len(indices)
    assert (np.diff(indices) > 0).all()
    assert indices[0] == 0
    assert indices[-1] < whole
    assert images.min() == 0
    assert images.max() == 255


def test_the_subset_holds_nothing_else(subset):
    assert sorted(subset) == sorted(
        f"{part}_{name}" for part in ("train", "test") for name in ("images", "labels", "indices")
    )


def test_no_image_is_twice_in_the_subset(subset):
    """Neither within training and test digits nor across them."""
    images = np.concatenate([subset["train_images"], subset["test_images"]])
    assert len({image.tobytes() for image in images}) == 13_000


@pytest.mark.parametrize(
    ("part", "first"),
    [("train", [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]), ("test", [7, 2, 1, 0, 4, 1, 4, 9, 5, 9])],
)
def test_the_digits_begin_like_mnist(part, first, subset):
    np.testing.assert_array_equal(subset[f"{part}_labels"][:10], first)
    np.testing.assert_array_equal(subset[f"{part}_indices"][:10], range(10))


def test_images_fit_their_labels(subset):
    """The nearest class mean of the training digits is right for most test digits (76 %)."""
    train, test = (subset[f"{part}_images"].reshape(-1, 784) / 255 for part in ("train", "test"))
    means = np.stack([train[subset["train_labels"] == digit].mean(0) for digit in range(10)])
    nearest = (np.square(means).sum(1) - 2 * test @ means.T).argmin(1)
    assert (nearest == subset["test_labels"]).mean() > 0.7


def test_the_licence_lies_beside_the_subset():
    text = LICENCE.read_text("utf-8")
    assert "Yann LeCun" in text
    assert "Corinna Cortes" in text
    assert "https://creativecommons.org/licenses/by-sa/3.0/" in text
    assert "changed" in text


def test_the_licence_gives_the_hashes():
    text = LICENCE.read_text("utf-8")
    for name, digest in idx.SHA256.items():
        assert f"`{name}` | `{digest}`" in text
    assert hashlib.sha256(SUBSET.read_bytes()).hexdigest() in text


def test_the_case_study_finds_the_subset(subset):
    data = importlib.import_module("repdist._experiments.lenet_gap.data")
    for part, digits in zip(("train", "test"), data.load_digits(), strict=True):
        for name in ("images", "labels", "indices"):
            np.testing.assert_array_equal(getattr(digits, name), subset[f"{part}_{name}"])
