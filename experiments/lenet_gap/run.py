"""Run the study and write it: features, tables, pictures and the page, in a folder."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from . import heatmaps, post
from .captions import ON_PHONES, PICTURES
from .data import Digits
from .features import GAP_ARRAY, GAP_TABLE, make_images, save_features, save_gap
from .model import Network, Weights
from .page import build_page
from .pictures import draw_pictures, write_heatmaps
from .study import PIXELS, TRAINING_LOG, UNTRAINED, Study, compute, represent

PAGE, HEATMAPS, CARD = "report.html", "out", "MODEL_CARD.md"
DPI = 150
CARD_PICTURES = {  # of the model card, in docs/images, and in a study
    "learning_curve.png": "training.png",
    "classes_move_apart.png": "course.png",
}
FILES = {
    PAGE,
    CARD,
    TRAINING_LOG.name,
    "features.npz",
    GAP_ARRAY,
    GAP_TABLE,
    *(f"{name}.png" for name in (*PICTURES, *ON_PHONES.values())),
    *(f"post_table_x{x}.csv" for x in post.SIZES),
    "post_pvalues_x2.csv",
    "post_curve.csv",
    "pairs.csv",
    "pairs_untrained_network.csv",
    "pairs_raw_pixels.csv",
    "images_needed.csv",
    "confusion.csv",
    "predictions.csv",
    "course.csv",
}


def silent(text: str) -> None:
    """Say nothing."""


def run(
    test_digits: Digits,
    weights: Weights,
    out: str | Path,
    *,
    origin: str,
    say: Callable[[str], None] = silent,
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
    start = time.perf_counter()
    with written_folder(Path(out)) as folder:
        images = make_images(test_digits)
        network = Network(weights)
        say("features of the test images")
        representation = represent(network, images)
        study = compute(images, representation, say)
        say("pictures")
        for name, figure in draw_pictures(study, network).items():
            figure.savefig(folder / f"{name}.png", dpi=DPI)
        (folder / HEATMAPS).mkdir()
        n_heatmaps = write_heatmaps(study, network, folder / HEATMAPS)
        _write_tables(study, folder)
        _copy_training(folder)
        files = sorted(path.name for path in folder.iterdir() if path.is_file())
        page = build_page(study, folder, origin, time.perf_counter() - start, files, n_heatmaps)
        (folder / PAGE).write_text(page, encoding="utf-8")
    return study


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
    others = sorted(_others(out)) if out.is_dir() else ["a file"]
    if others:
        raise ValueError(
            f"`--out` must be a new folder, an empty one or an earlier study; got {given}, with "
            f"{', '.join(others[:3])}."
        )


def _others(out: Path) -> Iterator[str]:
    """Yield the names in a folder that are no study's."""
    for path in out.iterdir():
        if path.name == HEATMAPS and path.is_dir() and not path.is_symlink():
            for child in path.iterdir():
                if not heatmaps.FILE_NAME.fullmatch(child.name):
                    yield f"{HEATMAPS}/{child.name}"
        elif path.name not in FILES:
            yield path.name


def _copy_training(folder: Path) -> None:
    """Put beside the page how the shipped weights were trained."""
    shutil.copyfile(TRAINING_LOG, folder / TRAINING_LOG.name)
    card = TRAINING_LOG.with_name(CARD).read_text("utf-8")
    for picture, shown in CARD_PICTURES.items():
        card = card.replace(f"../../docs/images/{picture}", shown)
    (folder / CARD).write_text(card, encoding="utf-8")


def _write_tables(study: Study, folder: Path) -> None:
    import pandas as pd

    save_features(folder / "features.npz", study.representation.features, study.images)
    save_gap(folder, study.representation.features, study.images)
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
    study.course.tables.to_csv(folder / "course.csv", index=False)
    study.controls[UNTRAINED].to_csv(folder / "pairs_untrained_network.csv")
    study.controls[PIXELS].to_csv(folder / "pairs_raw_pixels.csv")
