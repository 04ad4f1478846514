"""Which pictures the study shows, and of which images; which images get a file."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from repdist.plotting import figure_of, plot_dendrogram, plot_map, plot_table

from . import figures, heatmaps, training_figures
from .data import CANVAS, N_CLASSES
from .drawing import text_colour
from .heatmaps import Seen
from .model import BATCH, Float32, Network, class_activation_maps
from .study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_MISTAKES = 6  # on the page
N_FILES = 10  # images of each class that get a file, beside all mistakes
TABLE_SIDE = 10.5  # inches, of the table of classes
TABLE_DIGITS = 12.5


def draw_pictures(study: Study, network: Network) -> dict[str, "Figure"]:
    """Draw every picture of the page, by name."""
    import matplotlib as mpl

    mpl.use("Agg")
    images = study.images.images.reshape(N_CLASSES, study.n_per_class, CANVAS, CANVAS)
    corners = study.images.corners.reshape(N_CLASSES, study.n_per_class, 2)
    return {
        "samples": heatmaps.draw_samples(images, corners, study.names),
        "network": training_figures.draw_network(),
        "training": training_figures.draw_training(study.log),
        "cams": heatmaps.draw_cams(_right_ones(study, network)),
        "cams_of_mistakes": heatmaps.draw_mistakes(_wrong_ones(study, network)),
        "post_tables": figures.draw_post_tables(study.post.tables, study.post.pvalues),
        "post_curve": figures.draw_post_curve(study.post.curve),
        "table": figure_of(_table(study)),
        "dendrogram": figure_of(plot_dendrogram(study.table)),
        "map": figure_of(_map(study)),
        "power": figures.draw_power(study.needed),
        "power_narrow": figures.draw_power(study.needed, narrow=True),
        "typical": heatmaps.draw_typical(_typical_images(study, network, images)),
        "confusion": figures.draw_confusion(
            study.counts, study.table.mmd_squared, study.n_per_class
        ),
        "control": figures.draw_control(
            {name: result.effect for name, result in study.controls.items()}
        ),
        "course": training_figures.draw_course(study.course),
    }


def write_heatmaps(study: Study, network: Network, folder: Path) -> int:
    """Write one file for each mistake and for the first images of each class; return how many."""
    labels, predicted = study.images.labels, study.representation.predicted
    chosen = heatmap_rows(labels, predicted)
    for rows, maps in _maps(study, network, chosen):
        of_true = class_activation_maps(maps, network.weights, labels[rows])
        of_named = class_activation_maps(maps, network.weights, predicted[rows])
        for row, true, named in zip(rows.tolist(), of_true, of_named, strict=True):
            label, name = int(labels[row]), int(predicted[row])
            heatmaps.write_file(
                folder / heatmaps.file_name(label, name, int(study.images.indices[row])),
                study.images.images[row],
                [true] if label == name else [true, named],
            )
    return len(chosen)


def heatmap_rows(
    labels: NDArray[np.integer], predicted: NDArray[np.integer]
) -> NDArray[np.integer]:
    """Return the images that get a file: the first of each class, and all mistakes."""
    firsts = [np.flatnonzero(labels == label)[:N_FILES] for label in range(N_CLASSES)]
    return np.union1d(np.concatenate(firsts), np.flatnonzero(labels != predicted))


# --- the choice ----------------------------------------------------------------------------------


def _right_ones(study: Study, network: Network) -> list[Seen]:
    """Take the first image of each class that the network names right, with the map of its class.

    A class of which there is none is left out.
    """
    labels, right = study.images.labels, study.representation.predicted == study.images.labels
    found = [np.flatnonzero((labels == label) & right)[:1] for label in range(N_CLASSES)]
    rows = np.concatenate(found)
    return _seen(study, network, rows, labels, "class {} scores {:.1f}")


def _wrong_ones(study: Study, network: Network) -> list[tuple[Seen, Seen]]:
    """Take mistakes of different classes, with the maps of the true class and of the one named."""
    labels, predicted = study.images.labels, study.representation.predicted
    found = [np.flatnonzero((labels == label) & (predicted != label)) for label in range(N_CLASSES)]
    turns = [rows[turn] for turn in range(N_MISTAKES) for rows in found if turn < len(rows)]
    rows = np.sort(np.array(turns[:N_MISTAKES], dtype=int))
    true = _seen(study, network, rows, labels, "true: {} scores {:.1f}")
    named = _seen(study, network, rows, predicted, "named: {} scores {:.1f}")
    return list(zip(true, named, strict=True))


def _seen(
    study: Study, network: Network, rows: NDArray[np.integer], classes: NDArray[np.integer],
    title: str,
) -> list[Seen]:  # fmt: skip
    """Return images with the maps of these classes, whose averages are the scores."""
    found = []
    for some, maps in _maps(study, network, rows):
        cams = class_activation_maps(maps, network.weights, classes[some])
        found += [
            Seen(
                study.images.images[row], cam,
                title.format(classes[row], cam.mean()).replace("-", "−"),
            )
            for row, cam in zip(some, cams, strict=True)
        ]  # fmt: skip
    return found


def _maps(
    study: Study, network: Network, rows: NDArray[np.integer]
) -> Iterator[tuple[NDArray[np.integer], Float32]]:
    """Yield images, batch by batch, and what the network makes of them below the average."""
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        yield some, network.maps(study.images.images[some])


def _typical_images(
    study: Study, network: Network, images: NDArray[np.uint8]
) -> list[tuple[str, Sequence[Seen]]]:
    rows: list[tuple[str, Sequence[Seen]]] = []
    for label, chosen in enumerate(study.typical):
        maps = network.maps(images[label, chosen])
        cams = class_activation_maps(maps, network.weights, np.full(len(chosen), label))
        first = label * study.n_per_class
        seen = [
            Seen(
                images[label, place], cam,
                f"no. {study.images.indices[first + place]}",
                study.images.corners[first + place],
            )
            for place, cam in zip(chosen, cams, strict=True)
        ]  # fmt: skip
        name = f"{study.names[label]}\nagainst {study.names[study.nearest[label]]}"
        rows.append((name, seen))
    return rows


# --- repdist's own pictures, for a wide page -----------------------------------------------------


def _table(study: Study) -> "Axes":
    """Draw the table of classes with digits that can be read from across a room."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(TABLE_SIDE + 1.2, TABLE_SIDE), layout="constrained")
    ax = plot_table(study.table, figure.subplots(), order="clustered")
    image = ax.images[0]
    values = np.asarray(image.get_array())
    for text in ax.texts:
        column, row = text.get_position()
        colour = image.to_rgba(values[int(row), int(column)])
        text.set(fontsize=TABLE_DIGITS, color=text_colour(colour))
    ax.tick_params(labelsize=15)
    ax.set_title(ax.get_title(loc="left"), loc="left", fontsize=12)
    return ax


def _map(study: Study) -> "Axes":
    ax = plot_map(study.table)
    ax.set_title(ax.get_title(loc="left").replace("%", " %"), loc="left", fontsize="medium")
    ax.set_xlabel("the direction in which the classes differ most")
    ax.set_ylabel("the direction in which they differ second most")
    return ax
