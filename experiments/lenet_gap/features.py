"""The test images, and the features that the network makes of them: 10 classes x 300 x 64."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .archive import write_npz
from .data import N_CLASSES, Digits, clutter

N_PER_CLASS = 300
MADE_BY = ("tensorflow", "keras", "numpy")
GAP_ARRAY, GAP_TABLE = "GAP_Value_10x300x64.npy", "gap.csv"
TEST_SEED = 2019  # the year of the post


@dataclass(frozen=True)
class UnseenImages:
    """Cluttered images of the first test digits of each class, sorted by class.

    Attributes
    ----------
    images : ndarray of uint8, shape (3000, 100, 100)
    labels : ndarray of uint8, shape (3000,)
    indices : ndarray of int32, shape (3000,)
        Positions of the digits in the file that they come from.
    corners : ndarray of int, shape (3000, 2)
        Row and column of the upper left corner of the digit, which is 28 x 28.
    """

    images: NDArray[np.uint8]
    corners: NDArray[np.int64]
    labels: NDArray[np.uint8]
    indices: NDArray[np.int32]


def make_images(digits: Digits, *, n_per_class: int = N_PER_CLASS) -> UnseenImages:
    """Draw each of the first `n_per_class` test digits of each class into one cluttered image.

    The clutter comes from the same digits, so that all of MNIST and the subset that comes with
    repdist give the same images.

    Parameters
    ----------
    digits : Digits
    n_per_class : int, default 300

    Returns
    -------
    UnseenImages

    Raises
    ------
    ValueError
        If a class has fewer digits.
    """
    chosen = digits.of_each_class(n_per_class)
    drawn = clutter(chosen.images, chosen.images, np.random.default_rng(TEST_SEED))
    return UnseenImages(drawn.images, drawn.corners, chosen.labels, chosen.indices)


def save_gap(folder: Path, features: NDArray[np.float32], test: UnseenImages) -> None:
    """Write the features as the post had them, and as a table for pandas.

    Parameters
    ----------
    folder : path
        Gets `GAP_ARRAY`, (10, n, 64) float32, and `GAP_TABLE`: `label`, `image` (the position of
        the digit in its file), `f0` to `f63`.
    features : ndarray of float32, shape (10 * n, 64)
        Sorted by class.
    test : UnseenImages
        What they are of.
    """
    import pandas as pd

    np.save(folder / GAP_ARRAY, features.reshape(N_CLASSES, -1, features.shape[1]))
    table = pd.DataFrame(features, columns=[f"f{k}" for k in range(features.shape[1])])
    table.insert(0, "label", test.labels)
    table.insert(1, "image", test.indices)
    table.to_csv(folder / GAP_TABLE, index=False)


def save_features(path: str | Path, features: NDArray[np.float32], test: UnseenImages) -> None:
    """Write features as an .npz file, which appears when it is complete.

    Its arrays: `features` (10, n, 64) float32, `names` (10,), `labels` (10, n), `image_ids`
    (10, n), the positions of the digits in their file, `seed`, and `versions`.

    Parameters
    ----------
    path : path
    features : ndarray of float32, shape (10 * n, 64)
        Sorted by class.
    test : UnseenImages
        What they are of.
    """
    shape = (N_CLASSES, len(test.labels) // N_CLASSES)
    write_npz(
        Path(path),
        {
            "features": features.reshape(*shape, -1),
            "names": np.array([str(label) for label in range(N_CLASSES)]),
            "labels": test.labels.reshape(shape),
            "image_ids": test.indices.reshape(shape),
            "seed": np.array(TEST_SEED),
            "versions": np.array(", ".join(f"{name} {version(name)}" for name in MADE_BY)),
        },
    )
