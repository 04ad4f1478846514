"""Compare handwritten digits by their pixels: three pairs of samples, then all ten classes.

Run it from a checkout with `make demo`, or with `python -m experiments.lenet_gap.digits`.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import repdist

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUBSET_PATH = Path(__file__).with_name("mnist_subset.npz")
PICTURE_NAME = "digits.png"
TABLE_NAME = "digits_table"
SEED = 0


@dataclass(frozen=True)
class DigitsSubset:
    """A part of MNIST with equally many digits of each class, in the order of the raw files.

    Attributes
    ----------
    train_images, test_images : ndarray of uint8, shape (10000, 28, 28) and (3000, 28, 28)
        The pictures, 0 (paper) to 255 (ink).
    train_labels, test_labels : ndarray of uint8, shape (10000,) and (3000,)
        The digits that they show.
    train_indices, test_indices : ndarray of int32, shape (10000,) and (3000,)
        Their positions in the raw files of MNIST.
    """

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    train_indices: NDArray[np.int32]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]
    test_indices: NDArray[np.int32]


@dataclass(frozen=True)
class Comparison:
    """Two groups of images and the question about them.

    Attributes
    ----------
    heading : str
        One sentence that says what is compared.
    names : tuple of two str
        What the groups are called in the picture.
    X, Y : ndarray of uint8, shape (n, 28, 28) and (m, 28, 28)
        The two groups.
    """

    heading: str
    names: tuple[str, str]
    X: NDArray[np.uint8]
    Y: NDArray[np.uint8]


def load_digits_subset(path: Path = SUBSET_PATH) -> DigitsSubset:
    """Load the subset of MNIST that comes with the case study.

    Parameters
    ----------
    path : Path, default the file beside this module
        The file that `make_mnist_subset.py` wrote.

    Returns
    -------
    DigitsSubset
        1,000 training and 300 test digits of each class.

    Raises
    ------
    FileNotFoundError
        If the file is not there.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"`path` must be the subset of MNIST; {path} is not there. "
            "Make it with make_mnist_subset.py, see MNIST-LICENSE.md."
        )
    with np.load(path, allow_pickle=False) as arrays:
        return DigitsSubset(**arrays)


def as_rows(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Flatten images `(n, 28, 28)` to rows `(n, 784)` with values in [0, 1]."""
    return np.divide(images.reshape(len(images), -1), 255, dtype=np.float32)


def make_comparisons(subset: DigitsSubset) -> tuple[Comparison, Comparison, Comparison]:
    """Choose the groups of the three comparisons from the training digits.

    Parameters
    ----------
    subset : DigitsSubset
        The digits.

    Returns
    -------
    tuple of three Comparison
        A plain difference, none, and one that only a tenth of the images carries. No image is
        in both groups of a comparison.
    """
    rng = np.random.default_rng(SEED)
    by_class = [
        rng.permutation(subset.train_images[subset.train_labels == digit]) for digit in range(10)
    ]
    size = 200
    mixture = np.concatenate([images[:size] for images in by_class])
    others = [images[size : 2 * size] for images in by_class]
    others[4] = by_class[9][2 * size : 3 * size]
    swapped = np.concatenate(others)
    return (
        Comparison(
            "300 images of a 3 against 300 images of an 8.",
            ("3s", "8s"),
            by_class[3][:300],
            by_class[8][:300],
        ),
        Comparison(
            "500 images of a 3 against 500 other images of a 3.",
            ("3s, one half", "3s, other half"),
            by_class[3][:500],
            by_class[3][500:],
        ),
        Comparison(
            "2,000 images of all ten digits against 2,000 others, with 9s in place of the 4s.",
            ("all digits", "all, 9s for 4s"),
            mixture,
            swapped,
        ),
    )


def tile_images(images: NDArray[np.uint8], n_rows: int, n_columns: int) -> NDArray[np.uint8]:
    """Join evenly spaced images into one picture of `n_rows` by `n_columns` of them."""
    spaced = np.linspace(0, len(images), n_rows * n_columns, endpoint=False)
    chosen = images[spaced.astype(int)]  # (n_rows * n_columns, 28, 28)
    height, width = chosen.shape[1:]
    grid: NDArray[np.uint8] = chosen.reshape(n_rows, n_columns, height, width).swapaxes(1, 2)
    return grid.reshape(n_rows * height, n_columns * width)


def _show_images(ax: "Axes", images: NDArray[np.uint8], name: str) -> None:
    ax.imshow(tile_images(images, 2, 10), cmap="gray_r", vmin=0, vmax=255)
    ax.set_title(name, fontsize="medium", loc="left")
    ax.set_axis_off()


def write_picture(
    path: Path, comparisons: Sequence[Comparison], results: Sequence["repdist.MMDTestResult"]
) -> None:
    """Draw sample digits of each comparison beside its null distribution.

    The file is written under a temporary name and then renamed.

    Parameters
    ----------
    path : Path
        The PNG file; its folder is made if it is not there.
    comparisons : sequence of Comparison
        The groups.
    results : sequence of MMDTestResult
        Their tests, in the same order.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(rect=(0, 0, 0.98, 1))  # room for the last tick label
    figure = Figure(figsize=(12, 3.2 * len(comparisons)), layout=layout)
    parts = figure.subfigures(len(comparisons), 1, squeeze=False)[:, 0]
    for part, comparison, result in zip(parts, comparisons, results, strict=True):
        part.suptitle(comparison.heading)
        axes = part.subplot_mosaic("AN;BN", width_ratios=(1, 1.2))
        _show_images(axes["A"], comparison.X, comparison.names[0])
        _show_images(axes["B"], comparison.Y, comparison.names[1])
        result.plot(ax=axes["N"])
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.part")
    try:
        figure.savefig(partial, format="png", dpi=150)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def compare_classes(subset: DigitsSubset) -> "repdist.PairwiseMMDResult":
    """Compare all pairs of the ten classes by their 300 test digits each."""
    groups = {
        digit: as_rows(subset.test_images[subset.test_labels == digit]) for digit in range(10)
    }
    return repdist.pairwise_mmd_test(groups, rng=SEED)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the comparisons, print their results, write the pictures and the report.

    Parameters
    ----------
    arguments : sequence of str, optional
        The arguments of the command line; those of the process by default.
    """
    parser = argparse.ArgumentParser(description="Compare handwritten digits by their pixels.")
    parser.add_argument("--out", type=Path, default=Path("digits_demo"), help="folder to write to")
    options = parser.parse_args(arguments)

    import matplotlib as mpl

    mpl.use("Agg")
    from repdist.plotting import save_figure

    start = time.perf_counter()
    subset = load_digits_subset()
    comparisons = make_comparisons(subset)
    results = []
    for comparison in comparisons:
        result = repdist.mmd_test(as_rows(comparison.X), as_rows(comparison.Y), rng=SEED)
        print(f"{comparison.heading}\n\n{result}\n")
        results.append(result)
    picture = options.out / PICTURE_NAME
    write_picture(picture, comparisons, results)
    table = compare_classes(subset)
    print(f"All pairs of the ten classes.\n\n{table}\n")
    table_picture = options.out / f"{TABLE_NAME}.png"
    save_figure(table.plot(order="clustered"), table_picture)
    report = options.out / f"{TABLE_NAME}.html"
    table.to_html(report, title="Handwritten digits by their pixels")
    print(f"Pictures: {picture}, {table_picture}\nReport: {report}")
    print(f"Total time: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
