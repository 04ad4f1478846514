"""Digits, and the cluttered images made of them."""

import hashlib
import http.client
import os
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .archive import read_npz
from .idx import SHA256, find_raw, read_idx, read_raw

SUBSET_PATH = Path(__file__).with_name("mnist_subset.npz")
N_CLASSES = 10
SIDE = 28  # of a digit
DISTRACTOR = 8  # side of a distractor
CANVAS = 100  # side of an image
N_DISTRACTORS = 8
MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
_PIECE = 1 << 16  # bytes of a download between two steps of its bar


@dataclass(frozen=True)
class Digits:
    """Handwritten digits, or other small pictures of ten classes.

    Attributes
    ----------
    images : ndarray of uint8, shape (n, 28, 28)
        0 (paper) to 255 (ink).
    labels : ndarray of uint8, shape (n,)
        Classes, 0 to 9.
    indices : ndarray of int32, shape (n,)
        Positions in the file that they come from.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    indices: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: NDArray[np.integer] | slice) -> "Digits":
        return Digits(self.images[rows], self.labels[rows], self.indices[rows])

    def of_each_class(self, n: int) -> "Digits":
        """Take the first `n` of each class, sorted by class.

        Raises
        ------
        ValueError
            If a class has fewer.
        """
        rows = [np.flatnonzero(self.labels == label)[:n] for label in range(N_CLASSES)]
        for label, of_class in enumerate(rows):
            if len(of_class) < n:
                raise ValueError(
                    f"`--mnist` must hold {n} test digits of each class; got {len(of_class)} of "
                    f"class {label}."
                )
        return self[np.concatenate(rows)]


def load_digits(path: str | Path | None = None) -> tuple[Digits, Digits]:
    """Load training and test digits, which share no digit.

    Parameters
    ----------
    path : path, optional
        A folder with the four raw idx files of MNIST, Fashion-MNIST or the like, plain or with
        gzip, or an ``mnist.npz`` as Keras has it (`x_train`, `y_train`, `x_test`, `y_test`). By
        default the subset of MNIST that comes with repdist: 1,000 training and 300 test digits a
        class.

    Returns
    -------
    train, test : Digits

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is damaged, or holds no pictures of 28 x 28 bytes in ten classes.
    """
    if path is None:
        kinds = ("images", "labels", "indices")
        names = [f"{part}_{kind}" for part in ("train", "test") for kind in kinds]
        arrays = list(read_npz(SUBSET_PATH, names, "the subset of repdist").values())
        return Digits(*arrays[:3]), Digits(*arrays[3:])
    path = Path(path)
    if path.is_dir():
        arrays = [
            read_idx(find_raw(path, f"{part}-{kind}"))
            for part in ("train", "t10k")
            for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
        ]
    elif path.is_file():
        arrays = list(
            read_npz(path, ["x_train", "y_train", "x_test", "y_test"], "--mnist").values()
        )
    else:
        raise FileNotFoundError(
            f"`--mnist` must be a folder with the four raw idx files, or an mnist.npz; "
            f"there is no {path}."
        )
    return _checked(path, "training", *arrays[:2]), _checked(path, "test", *arrays[2:])


def download_mnist(folder: str | Path | None = None) -> Path:
    """Fetch the four raw files of MNIST that are not there yet, and check their SHA-256.

    Parameters
    ----------
    folder : path, optional
        Where to keep them; by default ``repdist/mnist`` in the user's folder of cached files.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OSError
        If no mirror gives a file with the right hash, or the folder cannot be written.
    """
    folder = Path(folder) if folder is not None else _cache() / "mnist"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"`--download` needs the folder {folder}: {error.strerror}.") from None
    for name in SHA256:
        if not ((folder / name).is_file() and _is_right((folder / name).read_bytes(), name)):
            _fetch(name, folder)
    return folder


@dataclass(frozen=True)
class Cluttered:
    """Cluttered images.

    Attributes
    ----------
    images : ndarray of uint8, shape (n, size, size)
    corners : ndarray of int, shape (n, 2)
        Row and column of the upper left corner of the digit, which is 28 x 28.
    """

    images: NDArray[np.uint8]
    corners: NDArray[np.int64]


def clutter(
    digits: NDArray[np.uint8],
    pool: NDArray[np.uint8],
    rng: np.random.Generator,
    *,
    size: int = CANVAS,
    n_distractors: int = N_DISTRACTORS,
) -> Cluttered:
    """Draw each digit into a cluttered image.

    On a black canvas come first the distractors, each an 8 x 8 crop from a uniform place of a
    digit of the pool, drawn with replacement; then the digit itself. Each is added at a uniform
    place and the sum is clipped.

    Parameters
    ----------
    digits : ndarray of uint8, shape (n, 28, 28)
        One for each image.
    pool : ndarray of uint8, shape (m, 28, 28)
        The digits that distractors are cut from.
    rng : Generator
    size : int, default 100
        Side of the canvas, at least 28.
    n_distractors : int, default 8

    Returns
    -------
    Cluttered

    Raises
    ------
    ValueError
        If the canvas is smaller than a digit, or the pool is empty.

    Notes
    -----
    The recipe is that of the cluttered MNIST of Mnih, Heess, Graves and Kavukcuoglu (2014),
    *Recurrent models of visual attention*, in the form in which the case study met it.
    About 0.1 ms an image, and two bytes of memory a pixel beside the result.
    """
    if size < SIDE:
        raise ValueError(f"`size` must be at least {SIDE}; got {size}.")
    if len(pool) == 0:
        raise ValueError("`pool` must hold at least one digit; got none.")
    n = len(digits)
    canvas = np.zeros((n, size * size), np.int16)
    crops = pool.reshape(len(pool), -1)
    for _ in range(n_distractors):
        source = rng.integers(len(pool), size=n)
        inside = _squares(_corners(rng, n, SIDE, DISTRACTOR), DISTRACTOR, SIDE)
        corners = _corners(rng, n, size, DISTRACTOR)
        _add(canvas, crops[source[:, None], inside], _squares(corners, DISTRACTOR, size))
    corners = _corners(rng, n, size, SIDE)
    _add(canvas, digits.reshape(n, -1), _squares(corners, SIDE, size))
    return Cluttered(canvas.astype(np.uint8).reshape(n, size, size), corners)


def _add(canvas: NDArray[np.int16], pieces: NDArray[np.uint8], places: NDArray[np.int64]) -> None:
    """Add a piece (n, m) to each flat image at its own places (n, m), and clip."""
    rows = np.arange(len(canvas))[:, None]
    canvas[rows, places] = np.minimum(canvas[rows, places] + pieces, 255)


def _corners(rng: np.random.Generator, n: int, size: int, side: int) -> NDArray[np.int64]:
    """Draw the row and column of a square of `side` in an image of `size`; (n, 2)."""
    return np.asarray(rng.integers(size - side + 1, size=(2, n)).T)


def _squares(corners: NDArray[np.int64], side: int, size: int) -> NDArray[np.int64]:
    """Return the positions of squares in flat images; (n, side * side)."""
    square = (np.arange(side)[:, None] * size + np.arange(side)).ravel()
    return np.asarray(corners @ np.array([[size], [1]]) + square)


# --- files ---------------------------------------------------------------------------------------


def _checked(path: Path, part: str, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Digits:
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
        raise ValueError(
            f"`--mnist` must hold {part} images of unsigned bytes, (n, {SIDE}, {SIDE}); {path} "
            f"has {images.dtype} {images.shape}."
        )
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "ui":
        raise ValueError(
            f"`--mnist` must hold one {part} label for each of {len(images)} images; "
            f"{path} has {labels.dtype} {labels.shape}."
        )
    if len(labels) and not (labels.min() >= 0 and labels.max() < N_CLASSES):
        raise ValueError(
            f"`--mnist` must hold {part} labels from 0 to {N_CLASSES - 1}; {path} has "
            f"{labels.min()} to {labels.max()}."
        )
    return Digits(images, labels.astype(np.uint8), np.arange(len(labels), dtype=np.int32))


def _cache() -> Path:
    given = os.environ.get("XDG_CACHE_HOME")
    return (Path(given) if given else Path.home() / ".cache") / "repdist"


def _fetch(name: str, folder: Path) -> None:
    """Write the first right answer of a mirror to the folder."""
    reasons = []
    partial = folder / f"{name}.part"
    try:
        for mirror in MIRRORS:
            try:
                with partial.open("wb") as file:
                    file.writelines(_pieces(f"{mirror}{name}.gz", name))
                content = read_raw(partial)
            except (OSError, ValueError, http.client.HTTPException) as error:
                reasons.append(f"{mirror}: {getattr(error, 'reason', error)}")
                continue
            if _is_right(content, name):
                partial.write_bytes(content)
                partial.replace(folder / name)
                return
            reasons.append(f"{mirror}: another SHA-256 than {SHA256[name]}")
    finally:
        partial.unlink(missing_ok=True)
    raise OSError(
        f"`--download` could not fetch {name} ({'; '.join(reasons)}). Give local files with "
        "`--mnist FOLDER`, or leave both out and use the digits that come with repdist."
    )


def _is_right(content: bytes, name: str) -> bool:
    return hashlib.sha256(content).hexdigest() == SHA256[name]


def _pieces(url: str, name: str) -> Iterator[bytes]:
    from rich.console import Console
    from rich.progress import wrap_file

    with urllib.request.urlopen(url, timeout=30) as answer:
        total = int(answer.headers.get("Content-Length") or 0)
        bar = wrap_file(
            answer, total, description=name, transient=True, console=Console(file=sys.stderr)
        )
        with bar as file:
            while piece := file.read(_PIECE):
                yield piece
