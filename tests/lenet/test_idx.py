"""Idx files, the raw form of MNIST: reading, finding, checking."""

import gzip
import importlib
import re

import numpy as np
import pytest
from digit_files import idx_bytes

idx = importlib.import_module("repdist._experiments.lenet_gap.idx")


@pytest.mark.parametrize("shape", [(7,), (5, 4, 3), (0,), (2, 0, 3)])
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_an_idx_file_is_read(shape, compress, tmp_path):
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    path = tmp_path / "file"  # the name says nothing of the compression
    path.write_bytes(compress(idx_bytes(array)))
    got = idx.read_idx(path)
    assert got.dtype == np.uint8
    assert got.flags.writeable
    np.testing.assert_array_equal(got, array)


def test_lengths_are_big_endian(tmp_path):
    content = b"\x00\x00\x08\x02" + b"\x00\x00\x00\x02" + b"\x00\x00\x00\x03" + b"\x01\x02\x03abc"
    (tmp_path / "x").write_bytes(content)
    np.testing.assert_array_equal(idx.read_idx(tmp_path / "x"), [[1, 2, 3], [97, 98, 99]])


DIGITS = np.arange(24).reshape(2, 3, 4)
BAD_FILES = {
    "wrong magic": (b"\x01" + idx_bytes(DIGITS)[1:], "two zero bytes"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(20), "two zero bytes"),
    "empty": (b"", "two zero bytes"),
    "three bytes": (b"\0\0\x08", "two zero bytes"),
    "floats": (idx_bytes(DIGITS, kind=0x0D), "unsigned bytes (idx type 8); got type 13"),
    "signed bytes": (idx_bytes(DIGITS, kind=0x09), "unsigned bytes (idx type 8); got type 9"),
    "no axes": (b"\0\0\x08\0", "0 axes"),
    "truncated header": (idx_bytes(DIGITS)[:9], "3 axes in 9 bytes"),
    "truncated": (idx_bytes(DIGITS, length=-1), "40 bytes for the shape (2, 3, 4); got 39"),
    "too long": (idx_bytes(DIGITS) + b"\0", "40 bytes for the shape (2, 3, 4); got 41"),
    "huge lengths": (b"\0\0\x08\x03" + b"\xff" * 12 + b"\0", "bytes for the shape"),
    "truncated gzip": (gzip.compress(idx_bytes(DIGITS))[:-9], "complete gzip file"),
    "header of gzip alone": (b"\x1f\x8b", "complete gzip file"),
    "damaged gzip": (gzip.compress(idx_bytes(DIGITS))[:10] + b"\xff" * 30, "complete gzip file"),
    "wrong checksum": (gzip.compress(idx_bytes(DIGITS))[:-8] + bytes(8), "complete gzip file"),
    "gzip of text": (gzip.compress(b"hello"), "two zero bytes"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_idx_file(name, tmp_path):
    content, reason = BAD_FILES[name]
    path = tmp_path / "digits"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{re.escape(str(path))} must .*{re.escape(reason)}"):
        idx.read_idx(path)


def test_a_raw_file_is_found_plain_or_compressed(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"labels or labels\.gz"):
        idx.find_raw(tmp_path, "labels")
    (tmp_path / "labels.gz").touch()
    assert idx.find_raw(tmp_path, "labels") == tmp_path / "labels.gz"
    (tmp_path / "labels").touch()
    assert idx.find_raw(tmp_path, "labels") == tmp_path / "labels"


def test_a_file_with_another_hash_is_refused(tmp_path):
    name = "t10k-labels-idx1-ubyte"
    (tmp_path / name).write_bytes(idx_bytes([1, 2, 3]))
    with pytest.raises(ValueError, match=f"SHA-256 {idx.SHA256[name]}"):
        idx.read_checked(tmp_path, name)
