"""The study: from the test images to tables, pictures and one page that tells the story."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import repdist
from repdist.plotting import figure_of, plot_dendrogram, plot_map, plot_table

from . import figures, post
from .analysis import (
    RankCorrelation,
    accuracy_interval,
    confusion,
    images_needed,
    nearest,
    rank_correlation,
    witness,
)
from .data import CANVAS, N_CLASSES, SIDE, Digits
from .features import UnseenImages, make_images, save_features
from .model import BATCH, Network, Weights, class_activation_maps

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Float32 = NDArray[np.float32]

SEED = 0
N_TYPICAL = 5
N_SHOWN = 5  # images with maps that the network gets right, and as many that it gets wrong
PAGE = "report.html"
PICTURES = (
    "samples", "post_tables", "post_curve", "table", "dendrogram", "map", "images_needed", "cams",
    "typical", "confusion", "control",
)  # fmt: skip
FILES = {
    PAGE,
    "features.npz",
    *(f"{name}.png" for name in PICTURES),
    *(f"post_table_x{x}.csv" for x in post.SIZES),
    "post_pvalues_x2.csv",
    "post_curve.csv",
    "pairs.csv",
    "pairs_untrained_network.csv",
    "pairs_raw_pixels.csv",
    "images_needed.csv",
    "confusion.csv",
    "predictions.csv",
}
NETWORK, UNTRAINED, PIXELS = "trained network", "untrained network", "raw pixels"


@dataclass(frozen=True)
class Representation:
    """What the network makes of the test images.

    Attributes
    ----------
    features : ndarray of float32, shape (3000, 64)
    predicted : ndarray of int, shape (3000,)
    peak_in_box : ndarray of bool, shape (3000,)
        Whether the map of the true class is highest inside the digit's box.
    peak_in_box_of_class_0 : ndarray of bool, shape (3000,)
        The same for the map of class 0, whatever the image shows.
    """

    features: Float32
    predicted: NDArray[np.int64]
    peak_in_box: NDArray[np.bool_]
    peak_in_box_of_class_0: NDArray[np.bool_]


@dataclass(frozen=True)
class Post:
    """What the post computed, on these features.

    Attributes
    ----------
    tables : dict of DataFrame
        By the number of rows a side.
    pvalues : DataFrame
        At two rows a side.
    rulers : DataFrame
        The mean squared distance in each cell at ten rows a side.
    curve : DataFrame
    normalize_changes : float
        The largest change of a cell, at ten rows a side, by the post's `Normalize`.
    """

    tables: dict[int, "pd.DataFrame"]
    pvalues: "pd.DataFrame"
    rulers: "pd.DataFrame"
    curve: "pd.DataFrame"
    normalize_changes: float


@dataclass(frozen=True)
class Study:
    """All results, as the page tells them.

    Attributes
    ----------
    names : list of str
        Of the classes.
    images : UnseenImages
    representation : Representation
    post : Post
    table : PairwiseMMDResult
    needed : DataFrame
    counts : ndarray of int, shape (10, 10)
        Confusions.
    correlation : RankCorrelation
        Of distances and confusions.
    nearest : list of int
    typical : ndarray of int, shape (10, 5)
        For each class, the numbers of its most typical images against the nearest class.
    controls : dict of PairwiseMMDResult
        By representation, the trained network first.
    """

    names: list[str]
    images: UnseenImages
    representation: Representation
    post: Post
    table: repdist.PairwiseMMDResult
    needed: "pd.DataFrame"
    counts: NDArray[np.int64]
    correlation: RankCorrelation
    nearest: list[int]
    typical: NDArray[np.int64]
    controls: dict[str, repdist.PairwiseMMDResult]

    @property
    def n_per_class(self) -> int:
        """Images of each class."""
        return len(self.images.labels) // N_CLASSES

    @property
    def n_right(self) -> int:
        """Images that the network takes for what they are."""
        return int(np.trace(self.counts))

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """The exact 95 % interval of the accuracy."""
        return accuracy_interval(self.n_right, len(self.images.labels))


def run(
    test_digits: Digits,
    weights: Weights,
    out: str | Path,
    *,
    origin: str,
    say: Callable[[str], None] = lambda text: None,
) -> Study:
    """Compute the study and write it into a folder.

    Parameters
    ----------
    test_digits : Digits
        At least 300 a class.
    weights : Weights
        Of the network.
    out : path
        The folder. It appears when it is complete; an earlier study there is replaced.
    origin : str
        What the page says of the digits and the weights.
    say : callable, optional
        Called with what is done next.

    Returns
    -------
    Study

    Raises
    ------
    ValueError
        If `out` exists and is no earlier study, or a class has too few digits.
    OSError
        If `out` cannot be written.
    ImportError
        If TensorFlow is not installed.
    """
    from .page import build_page

    start = time.perf_counter()
    with written_folder(Path(out)) as folder:
        images = make_images(test_digits)
        network = Network(weights)
        say("features of the test images")
        representation = represent(network, images)
        study = _compute(images, representation, say)
        say("pictures")
        pictures = _draw(study, network)
        for name, figure in pictures.items():
            figure.savefig(folder / f"{name}.png", dpi=150)
        _write_tables(study, folder)
        page = build_page(study, folder, origin, time.perf_counter() - start)
        (folder / PAGE).write_text(page, encoding="utf-8")
    return study


def represent(network: Network, images: UnseenImages) -> Representation:
    """Run the network on the test images, batch by batch.

    Parameters
    ----------
    network : Network
    images : UnseenImages

    Returns
    -------
    Representation
    """
    features, peaks = [], []
    for first in range(0, len(images.labels), BATCH):
        batch = slice(first, first + BATCH)
        maps = network.maps(images.images[batch])
        features.append(maps.mean(axis=(1, 2)))
        labels = images.labels[batch]
        peaks.append(
            [
                _peak_in_box(class_activation_maps(maps, network.weights, classes),
                             images.corners[batch])
                for classes in (labels, np.zeros_like(labels))
            ]
        )  # fmt: skip
    joined = np.concatenate(features)
    return Representation(
        joined, network.logits(joined).argmax(axis=1), *np.concatenate(peaks, axis=1)
    )


@contextmanager
def written_folder(out: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `out`, and give it that name when it is complete.

    Raises
    ------
    ValueError
        If `out` exists and is neither empty nor an earlier study, or is the current folder or one
        above it.
    OSError
        If it cannot be written.
    """
    given, out = out, out.resolve()
    try:
        _check_folder(given, out)
        out.parent.mkdir(parents=True, exist_ok=True)
        partial = out.with_name(f".{out.name}.{os.getpid()}.part")
        earlier = out.with_name(f".{out.name}.{os.getpid()}.old")
        partial.mkdir()
    except OSError as error:
        raise OSError(
            f"`--out` must be a folder that can be written; got {given}: {error.strerror}."
        ) from None
    try:
        yield partial
        if out.exists():
            out.rename(earlier)
        partial.rename(out)
    finally:
        if earlier.exists() and not out.exists():  # the second renaming failed
            earlier.rename(out)
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(earlier, ignore_errors=True)


def _check_folder(given: Path, out: Path) -> None:
    """Raise unless `out` is new, empty or an earlier study: it will be replaced."""
    if out == Path.cwd() or out in Path.cwd().parents:
        raise ValueError(f"`--out` must not be the current folder or one above it; got {given}.")
    if not out.exists():
        return
    others = sorted({path.name for path in out.iterdir()} - FILES) if out.is_dir() else ["a file"]
    if others:
        raise ValueError(
            f"`--out` must be a new folder, an empty one or an earlier study; got {given}, with "
            f"{', '.join(others[:3])}."
        )


# --- computing -----------------------------------------------------------------------------------


def _compute(
    images: UnseenImages, representation: Representation, say: Callable[[str], None]
) -> Study:
    names = [str(label) for label in range(N_CLASSES)]
    features = _by_class(representation.features)
    streams = np.random.default_rng(SEED).spawn(7)
    for_post, for_table, for_needed, for_ranks, for_weights, *for_controls = streams
    say("the post's tables")
    the_post = _compute_post(features, names, for_post)
    say("the table of classes")
    table = repdist.pairwise_mmd_test(features, names, rng=for_table)
    say("images needed to tell two classes apart")
    needed = images_needed(features, names, for_needed)
    say("controls: an untrained network, raw pixels")
    untrained = Network(Weights.initial(for_weights)).features(images.images)
    pixels = images.images.reshape(len(images.images), -1) / np.float32(255)
    controls = {
        NETWORK: table,
        UNTRAINED: repdist.pairwise_mmd_test(_by_class(untrained), names, rng=for_controls[0]),
        PIXELS: repdist.pairwise_mmd_test(_by_class(pixels), names, rng=for_controls[1]),
    }
    counts = confusion(images.labels, representation.predicted, N_CLASSES)
    closest = nearest(table.mmd_squared)
    typical = [
        np.argsort(-witness(table.kernel, features[i], features[j]), kind="stable")[:N_TYPICAL]
        for i, j in enumerate(closest)
    ]
    return Study(
        names,
        images,
        representation,
        the_post,
        table,
        needed,
        counts,
        rank_correlation(table.mmd_squared.to_numpy(), counts, for_ranks),
        closest,
        np.array(typical),
        controls,
    )


def _compute_post(features: Float32, names: list[str], rng: np.random.Generator) -> Post:
    exact = features.astype(np.float64)
    tables = {x: post.post_table(features, names, x) for x in post.SIZES}
    ten = post.post_table(exact, names, 10)
    normalized = post.post_table(post.normalize(exact), names, 10)
    return Post(
        tables,
        post.post_pvalues(features, names, 2),
        post.mean_squared_distances(features, names, 10),
        post.curve(features, names, rng),
        float(np.abs(ten - normalized).to_numpy().max()),
    )


def _by_class(rows: Float32) -> Float32:
    return rows.reshape(N_CLASSES, len(rows) // N_CLASSES, -1)


def _peak_in_box(cams: Float32, corners: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell whether the highest cell of each map has its middle in the digit's box."""
    n, height, width = cams.shape
    peaks = np.stack(np.unravel_index(cams.reshape(n, -1).argmax(axis=1), (height, width)), axis=1)
    middles = (peaks + 0.5) * CANVAS / height - 0.5  # in pixels
    return np.asarray(((middles >= corners) & (middles < corners + SIDE)).all(axis=1))


# --- writing -------------------------------------------------------------------------------------


def _write_tables(study: Study, folder: Path) -> None:
    import pandas as pd

    save_features(folder / "features.npz", study.representation.features, study.images)
    for x, table in study.post.tables.items():
        table.to_csv(folder / f"post_table_x{x}.csv")
    study.post.pvalues.to_csv(folder / "post_pvalues_x2.csv")
    study.post.curve.to_csv(folder / "post_curve.csv", index=False)
    study.table.to_csv(folder / "pairs.csv")
    study.needed.to_csv(folder / "images_needed.csv", index=False)
    pd.DataFrame(study.counts, index=study.names, columns=study.names).to_csv(
        folder / "confusion.csv"
    )
    pd.DataFrame(
        {
            "image_id": study.images.indices,
            "label": study.images.labels,
            "predicted": study.representation.predicted,
        }
    ).to_csv(folder / "predictions.csv", index=False)
    study.controls[UNTRAINED].to_csv(folder / "pairs_untrained_network.csv")
    study.controls[PIXELS].to_csv(folder / "pairs_raw_pixels.csv")


def _draw(study: Study, network: Network) -> dict[str, "Figure"]:
    import matplotlib as mpl

    mpl.use("Agg")
    images = study.images.images.reshape(N_CLASSES, study.n_per_class, CANVAS, CANVAS)
    corners = study.images.corners.reshape(N_CLASSES, study.n_per_class, 2)
    return {
        "samples": figures.draw_samples(images, corners, study.names),
        "post_tables": figures.draw_post_tables(study.post.tables, study.post.pvalues),
        "post_curve": figures.draw_post_curve(study.post.curve),
        "table": figure_of(plot_table(study.table, order="clustered")),
        "dendrogram": figure_of(plot_dendrogram(study.table)),
        "map": figure_of(plot_map(study.table)),
        "images_needed": figures.draw_images_needed(study.needed, study.names),
        "cams": figures.draw_cams(_shown_cams(study, network)),
        "typical": figures.draw_typical(_typical_images(study, network, images)),
        "confusion": figures.draw_confusion(
            study.counts, study.table.mmd_squared, study.n_per_class
        ),
        "control": figures.draw_control(
            {name: result.effect for name, result in study.controls.items()}
        ),
    }


def _shown_cams(study: Study, network: Network) -> list[tuple[figures.Seen, figures.Seen]]:
    """Choose images that the network gets right and wrong, the first of some classes."""
    labels, predicted = study.images.labels, study.representation.predicted
    right, wrong = (
        [int(rows[0]) for label in range(N_CLASSES)
         if len(rows := np.flatnonzero((labels == label) & told))]
        for told in (predicted == labels, predicted != labels)
    )  # fmt: skip
    chosen = np.array([*right[::2][:N_SHOWN], *wrong[:N_SHOWN]])
    maps = network.maps(study.images.images[chosen])
    of_true = class_activation_maps(maps, network.weights, labels[chosen])
    of_predicted = class_activation_maps(maps, network.weights, predicted[chosen])
    return [
        (
            figures.Seen(study.images.images[row], true, f"true: {study.names[labels[row]]}"),
            figures.Seen(
                study.images.images[row], other, f"predicted: {study.names[predicted[row]]}"
            ),
        )
        for row, true, other in zip(chosen, of_true, of_predicted, strict=True)
    ]


def _typical_images(
    study: Study, network: Network, images: NDArray[np.uint8]
) -> list[tuple[str, list[figures.Seen]]]:
    rows = []
    for label, chosen in enumerate(study.typical):
        maps = network.maps(images[label, chosen])
        cams = class_activation_maps(maps, network.weights, np.full(len(chosen), label))
        first = label * study.n_per_class
        seen = [
            figures.Seen(
                images[label, place], cam,
                f"no. {study.images.indices[first + place]}",
                study.images.corners[first + place],
            )
            for place, cam in zip(chosen, cams, strict=True)
        ]  # fmt: skip
        name = f"{study.names[label]}\nagainst {study.names[study.nearest[label]]}  "
        rows.append((name, seen))
    return rows
