"""Run the study and write it: features, tables, pictures and the page, in a folder."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from . import post
from .data import Digits
from .features import make_images, save_features
from .model import Network, Weights
from .page import PICTURES, build_page
from .pictures import draw_pictures
from .study import PIXELS, UNTRAINED, Study, compute, represent

PAGE = "report.html"
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
        pictures = draw_pictures(study, network)
        for name, figure in pictures.items():
            figure.savefig(folder / f"{name}.png", dpi=150)
        _write_tables(study, folder)
        page = build_page(study, folder, origin, time.perf_counter() - start)
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
    others = sorted({path.name for path in out.iterdir()} - FILES) if out.is_dir() else ["a file"]
    if others:
        raise ValueError(
            f"`--out` must be a new folder, an empty one or an earlier study; got {given}, with "
            f"{', '.join(others[:3])}."
        )


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
