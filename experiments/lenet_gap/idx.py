"""Idx files, the raw form of MNIST and Fashion-MNIST: read plain or gzipped, checked by hash."""

import gzip
import hashlib
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_GZIP_MAGIC = b"\x1f\x8b"
_IDX_UINT8 = 0x08


def read_raw(path: Path) -> bytes:
    """Read a file, decompressed if it is compressed with gzip.

    Parameters
    ----------
    path : Path
        The file, with or without gzip; its name does not matter.

    Returns
    -------
    bytes
        The content.

    Raises
    ------
    ValueError
        If the gzip stream is broken or ends early.
    """
    content = path.read_bytes()
    if not content.startswith(_GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path} must be a complete gzip file; got {error}.") from error


def parse_idx(content: bytes, name: str) -> NDArray[np.uint8]:
    """Parse the bytes of an idx file of unsigned bytes.

    The format is: two zero bytes, a byte for the type (8: unsigned byte), a byte for the number
    of axes, one big-endian 32-bit length for each axis, then the values, last axis fastest.

    Parameters
    ----------
    content : bytes
        The whole file, decompressed.
    name : str
        What to call it in messages.

    Returns
    -------
    ndarray of uint8
        A new array of the shape that the header gives.

    Raises
    ------
    ValueError
        If the magic number, the type or the length is wrong.
    """
    if len(content) < 4 or content[:2] != b"\0\0":
        raise ValueError(f"{name} must begin with two zero bytes (idx); got {content[:4]!r}.")
    kind, n_axes = content[2], content[3]
    if kind != _IDX_UINT8:
        raise ValueError(f"{name} must hold unsigned bytes (idx type 8); got type {kind}.")
    header = 4 + 4 * n_axes
    if n_axes == 0 or len(content) < header:
        raise ValueError(
            f"{name} must have a length for each of its axes; "
            f"got {n_axes} axes in {len(content)} bytes."
        )
    shape = tuple(np.frombuffer(content, ">u4", count=n_axes, offset=4).tolist())
    expected = header + math.prod(shape)
    if len(content) != expected:
        raise ValueError(
            f"{name} must have {expected} bytes for the shape {shape}; got {len(content)}."
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an idx file of unsigned bytes, plain or compressed with gzip.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    ndarray of uint8
        A new array of the shape that the file gives.

    Raises
    ------
    ValueError
        If the file is not a complete idx file of unsigned bytes.
    """
    return parse_idx(read_raw(path), str(path))


def find_raw(folder: Path, name: str) -> Path:
    """Find a raw file, plain or compressed, in a folder.

    Parameters
    ----------
    folder : Path
        The folder.
    name : str
        The name without `.gz`.

    Returns
    -------
    Path
        The plain file if it is there, otherwise the compressed one.

    Raises
    ------
    FileNotFoundError
        If neither is there.
    """
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"The folder {folder} must hold {name} or {name}.gz; neither was found."
    )


def check_sha256(content: bytes, expected: str, name: str) -> None:
    """Raise a `ValueError` if the SHA-256 of `content` is not `expected`."""
    digest = hashlib.sha256(content).hexdigest()
    if digest != expected:
        raise ValueError(
            f"{name} must have the SHA-256 {expected} after decompression; got {digest}."
        )


def read_checked(folder: Path, name: str) -> NDArray[np.uint8]:
    """Read one of the four raw files of MNIST and check its SHA-256.

    Parameters
    ----------
    folder : Path
        The folder with the raw files.
    name : str
        A key of `SHA256`.

    Returns
    -------
    ndarray of uint8
        The images, `(n, 28, 28)`, or the labels, `(n,)`.
    """
    path = find_raw(folder, name)
    content = read_raw(path)
    check_sha256(content, SHA256[name], str(path))
    return parse_idx(content, str(path))
