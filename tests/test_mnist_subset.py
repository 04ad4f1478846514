"""The script that makes the digits of the case study, and the file that it made."""

import gzip
import hashlib
import importlib.util
import re
import struct
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "experiments" / "lenet_gap"
SUBSET = FOLDER / "mnist_subset.npz"
LICENCE = FOLDER / "MNIST-LICENSE.md"


def load_script(name):
    specification = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


script = load_script("make_mnist_subset")


def idx(array, *, kind=8, length=None):
    """Return the bytes of an idx file."""
    array = np.asarray(array, dtype=np.uint8)
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, kind, array.ndim]) + shape + array.tobytes()[:length]


# --- reading raw files -----------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(7,), (5, 4, 3), (0,), (2, 0, 3)])
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_an_idx_file_is_read(shape, compress, tmp_path):
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    path = tmp_path / "file"  # the name says nothing of the compression
    path.write_bytes(compress(idx(array)))
    got = script.read_idx(path)
    assert got.dtype == np.uint8
    assert got.flags.writeable
    np.testing.assert_array_equal(got, array)


def test_lengths_are_big_endian(tmp_path):
    content = b"\x00\x00\x08\x02" + b"\x00\x00\x00\x02" + b"\x00\x00\x00\x03" + b"\x01\x02\x03abc"
    (tmp_path / "x").write_bytes(content)
    np.testing.assert_array_equal(script.read_idx(tmp_path / "x"), [[1, 2, 3], [97, 98, 99]])


DIGITS = np.arange(24).reshape(2, 3, 4)
BAD_FILES = {
    "wrong magic": (b"\x01" + idx(DIGITS)[1:], "two zero bytes"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(20), "two zero bytes"),
    "empty": (b"", "two zero bytes"),
    "three bytes": (b"\0\0\x08", "two zero bytes"),
    "floats": (idx(DIGITS, kind=0x0D), "unsigned bytes (idx type 8); got type 13"),
    "signed bytes": (idx(DIGITS, kind=0x09), "unsigned bytes (idx type 8); got type 9"),
    "no axes": (b"\0\0\x08\0", "0 axes"),
    "truncated header": (idx(DIGITS)[:9], "3 axes in 9 bytes"),
    "truncated": (idx(DIGITS, length=-1), "40 bytes for the shape (2, 3, 4); got 39"),
    "too long": (idx(DIGITS) + b"\0", "40 bytes for the shape (2, 3, 4); got 41"),
    "huge lengths": (b"\0\0\x08\x03" + b"\xff" * 12 + b"\0", "bytes for the shape"),
    "truncated gzip": (gzip.compress(idx(DIGITS))[:-9], "complete gzip file"),
    "header of gzip alone": (b"\x1f\x8b", "complete gzip file"),
    "damaged gzip": (gzip.compress(idx(DIGITS))[:10] + b"\xff" * 30, "complete gzip file"),
    "wrong checksum": (gzip.compress(idx(DIGITS))[:-8] + bytes(8), "complete gzip file"),
    "gzip of text": (gzip.compress(b"hello"), "two zero bytes"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_idx_file(name, tmp_path):
    content, reason = BAD_FILES[name]
    path = tmp_path / "digits"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{re.escape(str(path))} must .*{re.escape(reason)}"):
        script.read_idx(path)


def test_a_raw_file_is_found_plain_or_compressed(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"labels or labels\.gz"):
        script.find_raw(tmp_path, "labels")
    (tmp_path / "labels.gz").touch()
    assert script.find_raw(tmp_path, "labels") == tmp_path / "labels.gz"
    (tmp_path / "labels").touch()
    assert script.find_raw(tmp_path, "labels") == tmp_path / "labels"


def test_a_file_with_another_hash_is_refused(tmp_path):
    name = "t10k-labels-idx1-ubyte"
    (tmp_path / name).write_bytes(idx([1, 2, 3]))
    with pytest.raises(ValueError, match=f"SHA-256 {script.SHA256[name]}"):
        script.read_checked(tmp_path, name)


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


def small_raw_files(folder, sizes, compress):
    """Write files in the form of MNIST, with random digits, and return their hashes."""
    rng = np.random.default_rng(0)
    hashes = {}
    for prefix, size in zip(("train", "t10k"), sizes, strict=True):
        labels = rng.permutation(np.repeat(np.arange(10), size))
        images = rng.integers(0, 256, size=(len(labels), 28, 28))
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            content = idx(array)
            name = f"{prefix}-{name}-ubyte"
            hashes[name] = hashlib.sha256(content).hexdigest()
            ending = "" if compress is bytes else ".gz"
            (folder / f"{name}{ending}").write_bytes(compress(content))
    return hashes


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_the_script_from_raw_files_to_subset(compress, tmp_path, monkeypatch, capsys):
    raw = tmp_path / "raw"
    raw.mkdir()
    monkeypatch.setattr(script, "SHA256", small_raw_files(raw, (6, 4), compress))
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
                whole = script.read_checked(raw, f"{prefix}-{kind}-ubyte")
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
    small_raw_files(tmp_path, (2, 2), bytes)
    out = tmp_path / "subset.npz"
    assert script.main([str(tmp_path), "--out", str(out)]) == 2
    assert "SHA-256" in capsys.readouterr().err
    assert not out.exists()


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    out = tmp_path / "subset.npz"
    out.write_text("old")
    with pytest.raises(ValueError, match="allow_pickle"):
        script.write_npz(out, {"good": np.arange(3), "bad": np.array([None])})
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


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
    for name, digest in script.SHA256.items():
        assert f"`{name}` | `{digest}`" in text
    assert hashlib.sha256(SUBSET.read_bytes()).hexdigest() in text


def test_the_case_study_finds_the_subset(subset):
    from repdist._experiments.lenet_gap import digits

    loaded = digits.load_digits_subset()
    for name, array in subset.items():
        np.testing.assert_array_equal(getattr(loaded, name), array)
    assert digits.as_rows(loaded.test_images).shape == (3000, 784)
    with pytest.raises(FileNotFoundError, match="make_mnist_subset"):
        digits.load_digits_subset(FOLDER / "missing.npz")
