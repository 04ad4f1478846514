"""The study: what is computed from the test images, as the page tells it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import repdist

from . import post
from .analysis import (
    RankCorrelation,
    accuracy_interval,
    confusion,
    images_needed,
    nearest,
    rank_correlation,
)
from .course import Course
from .data import CANVAS, N_CLASSES, SIDE
from .features import UnseenImages
from .model import BATCH, Network, Weights, class_activation_maps

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.floating]
Float32 = NDArray[np.float32]

TRAINING_LOG = Path(__file__).with_name("training_log.csv")
SEED = 0
N_TYPICAL = 3
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
    peak_in_box_of_named : ndarray of bool, shape (3000,)
        The same for the map of the class that the network names.
    """

    features: Float32
    predicted: NDArray[np.int64]
    peak_in_box: NDArray[np.bool_]
    peak_in_box_of_class_0: NDArray[np.bool_]
    peak_in_box_of_named: NDArray[np.bool_]


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
    typical : ndarray of int, shape (10, 3)
        For each class, the numbers of its most typical images against the nearest class.
    controls : dict of PairwiseMMDResult
        By representation, the trained network first.
    course : Course
        Of a training like that of the shipped weights.
    log : DataFrame
        Of the training of the shipped weights.
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
    course: Course
    log: "pd.DataFrame"

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
    features, named, peaks = [], [], []
    for first in range(0, len(images.labels), BATCH):
        batch = slice(first, first + BATCH)
        maps = network.maps(images.images[batch])
        features.append(maps.mean(axis=(1, 2)))
        named.append(network.logits(features[-1]).argmax(axis=1))
        labels = images.labels[batch]
        peaks.append(
            [
                _peak_in_box(class_activation_maps(maps, network.weights, classes),
                             images.corners[batch])
                for classes in (labels, np.zeros_like(labels), named[-1])
            ]
        )  # fmt: skip
    return Representation(
        np.concatenate(features), np.concatenate(named), *np.concatenate(peaks, axis=1)
    )


def compute(
    images: UnseenImages, representation: Representation, say: Callable[[str], None]
) -> Study:
    """Compute the study; `say` is called with what is done next."""
    import pandas as pd

    names = [str(label) for label in range(N_CLASSES)]
    features = _by_class(representation.features)
    streams = np.random.default_rng(SEED).spawn(6)
    for_post, for_needed, for_ranks, for_weights, *for_controls = streams
    say("the post's tables")
    the_post = _compute_post(features, names, for_post)
    say("the table of classes")
    table = repdist.pairwise_mmd_test(features, names, rng=SEED)  # the call of the README
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
        repdist.witness(features[i], features[j], kernel=table.kernel).most_typical(
            n_rows=N_TYPICAL
        )[0]
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
        Course.load(),
        pd.read_csv(TRAINING_LOG),
    )


def _compute_post(features: Floats, names: list[str], rng: np.random.Generator) -> Post:
    exact = features.astype(np.float64)
    tables = {x: post.post_table(features, names, x) for x in post.SIZES}
    ten = post.post_table(exact, names, 10)
    normalized = post.post_table(post.normalize(exact), names, 10)
    return Post(
        tables,
        post.post_pvalues(features, names, 2),
        post.mean_squared_distances(features, names, 10),
        post.curve(features, rng),
        float((ten - normalized).abs().to_numpy().max()),
    )


def _by_class(rows: Floats) -> Floats:
    return rows.reshape(N_CLASSES, len(rows) // N_CLASSES, -1)


def _peak_in_box(cams: Float32, corners: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell whether the highest cell of each map has its middle in the digit's box."""
    n, height, width = cams.shape
    peaks = np.stack(np.unravel_index(cams.reshape(n, -1).argmax(axis=1), (height, width)), axis=1)
    middles = (peaks + 0.5) * CANVAS / height - 0.5  # in pixels
    return np.asarray(((middles >= corners) & (middles < corners + SIDE)).all(axis=1))
