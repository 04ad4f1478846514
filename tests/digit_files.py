"""Small files of random digits, in the forms in which MNIST comes."""

import hashlib
import struct

import numpy as np

PARTS = ("train", "t10k")


def idx_bytes(array, *, kind=8, length=None):
    """Return the bytes of an idx file."""
    array = np.asarray(array, dtype=np.uint8)
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, kind, array.ndim]) + shape + array.tobytes()[:length]


def random_digits(sizes=(6, 4), n_classes=10):
    """Return images and labels, each for training and test, `sizes` of each class."""
    rng = np.random.default_rng(0)
    digits = []
    for size in sizes:
        labels = rng.permutation(np.repeat(np.arange(n_classes, dtype=np.uint8), size))
        digits.append((rng.integers(0, 256, size=(len(labels), 28, 28), dtype=np.uint8), labels))
    return digits


def write_raw_files(folder, sizes=(6, 4), compress=bytes):
    """Write the four idx files, and return their hashes before compression."""
    hashes = {}
    for part, arrays in zip(PARTS, random_digits(sizes), strict=True):
        for kind, array in zip(("images-idx3", "labels-idx1"), arrays, strict=True):
            name, content = f"{part}-{kind}-ubyte", idx_bytes(array)
            hashes[name] = hashlib.sha256(content).hexdigest()
            ending = "" if compress is bytes else ".gz"
            (folder / f"{name}{ending}").write_bytes(compress(content))
    return hashes
