"""Which pictures the study shows, and of which images."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from repdist.plotting import figure_of, plot_dendrogram, plot_map, plot_table

from . import figures
from .data import CANVAS, N_CLASSES
from .model import Network, class_activation_maps
from .study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N_SHOWN = 5  # images with maps that the network gets right, and as many that it gets wrong


def draw_pictures(study: Study, network: Network) -> dict[str, "Figure"]:
    """Draw every picture of the page, by name."""
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
