"""Train the network; a stopped run goes on where it was."""

import csv
import hashlib
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import repdist
from repdist._files import write_text

from .analysis import accuracy_interval
from .archive import write_npz
from .data import CANVAS, N_CLASSES, N_DISTRACTORS, Digits, clutter
from .features import UnseenImages, make_images
from .model import SHAPES, Network, Weights, build_maps, require_tensorflow

if TYPE_CHECKING:
    import keras

    from .callback import TableOfClasses

VALIDATION_SHARE = 1 / 12  # of the training digits: 5,000 of 60,000
N_VALIDATION = 2000  # cluttered images
ROUND = 16384  # images between two checkpoints
BATCH = 64
SUM_SCALE = 10.0  # the classifier of the training sees sums over positions, divided by this
LEARNING_RATE = 0.003
LAST_LEARNING_RATE = 0.00003
WARM_UP = 5  # rounds; without it two thirds of the 64 maps die and stay 0
PRECISION = "mixed_bfloat16"
REPRESENTATION = "representation"  # the layer whose classes are compared as the network learns
SMALL_CANVAS, SMALL_DISTRACTORS, SMALL_SHARE = 40, 2, 0.15  # what the training begins with


@dataclass(frozen=True)
class Plan:
    """What decides the course of a training.

    Attributes
    ----------
    n_images : int
        Cluttered images in all; rounded up to whole rounds of 16,384.
    seed : int
        Of the first weights and of all images.
    n_digits : int
        Digits that the training draws from.
    digits : str
        SHA-256 of these digits and their labels.
    recipe : int
        The number of what else decides the course: the constants of this file.
    """

    n_images: int
    seed: int
    n_digits: int
    digits: str
    recipe: int = 1

    @classmethod
    def of(cls, n_images: int, seed: int, fit: Digits) -> "Plan":
        """Return the plan of a training on these digits."""
        content = hashlib.sha256(fit.images.tobytes() + fit.labels.tobytes())
        return cls(n_images, seed, len(fit), content.hexdigest())

    def n_rounds(self) -> int:
        """Return the number of rounds."""
        return math.ceil(self.n_images / ROUND)

    def canvas(self, number: int) -> tuple[int, int]:
        """Return the side of the canvas and the number of distractors in a round."""
        if number < SMALL_SHARE * self.n_rounds():
            return SMALL_CANVAS, SMALL_DISTRACTORS
        return CANVAS, N_DISTRACTORS

    def learning_rate(self, number: int) -> float:
        """Return the learning rate in a round: a short rise, and a cosine down to the last one."""
        done = number / max(1, self.n_rounds() - 1)
        share = min(1, (number + 1) / WARM_UP) * (1 + math.cos(math.pi * done)) / 2
        return LAST_LEARNING_RATE + (LEARNING_RATE - LAST_LEARNING_RATE) * share


@dataclass(frozen=True)
class Row:
    """One line of the log."""

    round: int
    images: int
    canvas: int
    learning_rate: float
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float


def train(  # noqa: PLR0913 (the options of `lenet-gap train`)
    train_digits: Digits,
    test_digits: Digits,
    out: str | Path,
    *,
    n_images: int,
    seed: int = 0,
    command: str = "",
) -> dict[str, Any]:
    """Train the network and write what comes of it into a folder.

    The folder gets ``checkpoint.npz``, ``log.csv`` and ``tables.csv`` (how far apart the classes of
    the validation images are) after each round, and at the end ``weights.npz``,
    ``learning_curve.png`` and ``training.json``. If it holds a checkpoint of the same plan, the
    training goes on from there and ends with the same weights (on the same machine, with the same
    versions and number of threads).

    Parameters
    ----------
    train_digits : Digits
        Of these, one in twelve is kept apart for validation, with its own clutter.
    test_digits : Digits
        Used once, after the training: for the accuracy on unseen digits.
    out : path
        The folder; made if it is missing.
    n_images : int
        Cluttered images to train on, each seen once.
    seed : int, default 0
    command : str
        How the training was called, for ``training.json``.

    Returns
    -------
    dict
        The content of ``training.json``.

    Raises
    ------
    ImportError
        If TensorFlow is not installed.
    ValueError
        If the checkpoint in the folder is of another plan, the folder holds other files, there are
        too few digits, or a number is out of range.
    OSError
        If the folder cannot be written.

    Notes
    -----
    Adam, batches of 64, in Keras's ``mixed_bfloat16``. During the training the classifier sees
    the sum of the maps over all positions, divided by 10, not their average: its weights are then
    of the size of the others and keep their meaning when the canvas grows from 40 x 40 to 100 x
    100. In the end they are scaled to averages, which is the network of the case study. About 450
    images of 100 x 100 a second on two cores with AVX512-BF16.
    """
    if n_images < 1:
        raise ValueError(f"`--images` must be at least 1; got {n_images}.")
    if seed < 0:
        raise ValueError(f"`--seed` must be at least 0; got {seed}.")
    test = make_images(test_digits)
    require_tensorflow()
    fit, validation = split(train_digits, seed)
    shown = _validation_images(validation, seed)
    out = _training_folder(Path(out))
    plan = Plan.of(n_images, seed, fit)
    network = _training_network(Weights.initial(np.random.default_rng(seed)))
    tables = _tables(*shown, out)
    rows = _resume(out, plan, network, tables)
    while len(rows) < plan.n_rounds():
        row = _one_round(network, plan, rows, fit, shown, tables)
        rows.append(row)
        _checkpoint(out, plan, network, rows)
        print(_line(row, plan), file=sys.stderr, flush=True)
    weights = _weights(network)
    report = _report(plan, rows, weights, test, command)
    weights.save(out / "weights.npz")
    _draw(rows, out / "learning_curve.png")
    write_text(out / "training.json", json.dumps(report, indent=2) + "\n")
    return report


def split(digits: Digits, seed: int) -> tuple[Digits, Digits]:
    """Divide digits at random into those to fit and those to validate on."""
    order = np.random.default_rng([seed, 1]).permutation(len(digits))
    n_validation = math.ceil(VALIDATION_SHARE * len(digits))
    return digits[np.sort(order[n_validation:])], digits[np.sort(order[:n_validation])]


# --- the network in training ---------------------------------------------------------------------


def _training_network(weights: Weights) -> "keras.Model":
    from keras import Model, layers, losses, ops, optimizers

    maps = build_maps(PRECISION)
    total = layers.Lambda(lambda A: ops.sum(A, axis=(1, 2)) / SUM_SCALE, name=REPRESENTATION)(
        maps.output
    )
    classifier = layers.Dense(10, use_bias=False, dtype="float32")
    network = Model(maps.input, classifier(total))
    network.set_weights(weights.arrays())
    network.compile(
        optimizer=optimizers.Adam(LEARNING_RATE),
        loss=losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    network.optimizer.build(network.trainable_variables)
    return network


def _weights(network: "keras.Model") -> Weights:
    """Return the weights for a classifier of averages over the positions of the full canvas."""
    arrays = dict(zip(SHAPES, network.get_weights(), strict=True))
    positions = (CANVAS // 4) ** 2
    arrays["classifier"] = np.float32(positions / SUM_SCALE) * arrays["classifier"]
    return Weights(**arrays)


def _tables(images: NDArray[np.uint8], labels: NDArray[np.uint8], out: Path) -> "TableOfClasses":
    from .callback import TableOfClasses

    return TableOfClasses(images, labels, layer=REPRESENTATION, path=out / "tables.csv")


def _one_round(  # noqa: PLR0913 (all that a round needs)
    network: "keras.Model",
    plan: Plan,
    rows: Sequence[Row],
    digits: Digits,
    validation: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    tables: "TableOfClasses",
) -> Row:
    """Train for the round after those of `rows`, and look at the validation images."""
    start, number = time.perf_counter(), len(rows)
    rng = np.random.default_rng([plan.seed, 3, number])
    size, n_distractors = plan.canvas(number)
    chosen = rng.integers(len(digits), size=ROUND)
    images = clutter(
        digits.images[chosen], digits.images, rng, size=size, n_distractors=n_distractors
    ).images
    network.optimizer.learning_rate = plan.learning_rate(number)
    history = network.fit(
        images, digits.labels[chosen], batch_size=BATCH, shuffle=False, verbose=0,
        initial_epoch=number, epochs=number + 1, callbacks=[tables],
    ).history  # fmt: skip
    loss, accuracy = network.evaluate(*validation, batch_size=250, verbose=0)
    if not math.isfinite(history["loss"][0]):
        raise ValueError(f"The training diverged in round {number}; try another `--seed`.")
    return Row(
        number,
        (number + 1) * ROUND,
        size,
        plan.learning_rate(number),
        history["loss"][0],
        history["accuracy"][0],
        loss,
        accuracy,
        time.perf_counter() - start + sum(row.seconds for row in rows[-1:]),
    )


def _validation_images(
    validation: Digits, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    rng = np.random.default_rng([seed, 2])
    chosen = validation[rng.permutation(len(validation))[:N_VALIDATION]]
    counts = np.bincount(chosen.labels, minlength=N_CLASSES)
    if counts.min() < 2:
        raise ValueError(
            "`--mnist` must hold enough training digits for two validation images of each class; "
            f"got {counts.min()} of class {counts.argmin()}, with {len(chosen)} in all."
        )
    return clutter(chosen.images, validation.images, rng).images, chosen.labels


# --- checkpoints ---------------------------------------------------------------------------------


def _state(network: "keras.Model") -> list[Any]:
    return [*network.variables, *network.optimizer.variables]


def _checkpoint(out: Path, plan: Plan, network: "keras.Model", rows: Sequence[Row]) -> None:
    """Save the state and the log; the state last, so that the log has at least its rounds."""
    with tempfile.TemporaryDirectory(dir=out) as folder:
        partial = Path(folder, "log.csv")
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [*Row.__annotations__])
            writer.writeheader()
            writer.writerows(asdict(row) for row in rows)
        partial.replace(out / "log.csv")
    state = {f"state_{i}": np.asarray(variable) for i, variable in enumerate(_state(network))}
    write_npz(
        out / "checkpoint.npz",
        {"plan": np.array(json.dumps(asdict(plan))), "n_rounds": np.array(len(rows)), **state},
    )


def _training_folder(out: Path) -> Path:
    """Make the folder, or accept one that is empty or holds a checkpoint."""
    try:
        if out.exists() and not (out / "checkpoint.npz").is_file() and any(out.iterdir()):
            raise ValueError(
                f"`--out` must be a new folder, an empty one or an earlier training; got {out}."
            )
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"`--out` must be a folder that can be written; got {out}: {error.strerror}."
        ) from None
    return out


def _resume(out: Path, plan: Plan, network: "keras.Model", tables: "TableOfClasses") -> list[Row]:
    """Load the checkpoint in the folder, if there is one; return the log up to it."""
    import pandas as pd

    path = out / "checkpoint.npz"
    if not path.is_file():
        return []
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            saved = json.loads(str(arrays["plan"]))
            n_rounds = int(arrays["n_rounds"])
            state = [arrays[f"state_{i}"] for i in range(len(_state(network)))]
        rows = list(_read_log(out / "log.csv"))[:n_rounds]
        logged = pd.read_csv(out / "tables.csv", dtype={"first": str, "second": str})
        tables.go_on(logged, n_rounds)
    except Exception as error:  # a damaged archive makes NumPy and zlib raise anything
        raise ValueError(
            f"{path} must be the checkpoint of a training; reading it failed: {error}. "
            "Give another folder with `--out`, or remove it."
        ) from None
    if saved != asdict(plan) or len(rows) != n_rounds:
        raise ValueError(
            f"`--out` must be a new folder, or one with a training of the same plan {asdict(plan)};"
            f" {out} holds one of {saved}."
        )
    for variable, value in zip(_state(network), state, strict=True):
        variable.assign(value)
    return rows


def _read_log(path: Path) -> Iterator[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            yield Row(**{name: kind(line[name]) for name, kind in Row.__annotations__.items()})


# --- what is told --------------------------------------------------------------------------------


def _line(row: Row, plan: Plan) -> str:
    work = np.array([plan.canvas(number)[0] ** 2 for number in range(plan.n_rounds())])  # pixels
    left = row.seconds * work[row.round + 1 :].sum() / work[: row.round + 1].sum()
    return (
        f"round {row.round + 1} of {plan.n_rounds()}: {row.images:,} images, "
        f"loss {row.loss:.3f}, accuracy {row.accuracy:.2%}, "
        f"validation {row.validation_accuracy:.2%}, {row.seconds / 60:.1f} min, "
        f"about {left / 60:.0f} min left"
    )


def _report(
    plan: Plan, rows: Sequence[Row], weights: Weights, test: UnseenImages, command: str
) -> dict[str, Any]:
    import keras
    import tensorflow as tf

    network = Network(weights)
    right = network.logits(network.features(test.images)).argmax(axis=1) == test.labels
    return {
        "command": command,
        "seed": plan.seed,
        "training_digits": plan.n_digits,
        "training_images": rows[-1].images,
        "training_seconds": round(rows[-1].seconds, 1),
        "validation_accuracy": round(rows[-1].validation_accuracy, 6),
        "test_images": len(right),
        "test_accuracy": round(float(right.mean()), 6),
        "test_accuracy_interval": [
            round(end, 6) for end in accuracy_interval(int(right.sum()), len(right))
        ],
        "precision": PRECISION,
        "threads": _threads(),
        "repdist": repdist.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "parameters": sum(math.prod(shape) for shape in SHAPES.values()),
    }


def _threads() -> int:
    """Return how many threads TensorFlow uses for one operation: the rounding depends on it."""
    import tensorflow as tf

    chosen = tf.config.threading.get_intra_op_parallelism_threads()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return int(chosen or cores or 1)


def _draw(rows: Sequence[Row], path: Path) -> None:
    from matplotlib.figure import Figure

    from repdist.plotting import save_figure

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    ax = figure.subplots()
    images = [row.images / 1e6 for row in rows]
    ax.plot(images, [1 - row.accuracy for row in rows], color="0.6", label="training images")
    ax.plot(
        images, [1 - row.validation_accuracy for row in rows], color="#b5361c", label="validation"
    )
    full = next((row for row in rows if row.canvas == CANVAS), None)
    if full is not None and full.round > 0:
        start = (full.images - ROUND) / 1e6
        ax.axvline(start, color="0.3", linestyle=":", linewidth=1)
        ax.annotate(
            f" {CANVAS} × {CANVAS} from here", (start, 0.9),
            xycoords=("data", "axes fraction"), fontsize="small",
        )  # fmt: skip
    ax.set_yscale("log")
    ax.set_xlabel("images seen, in millions")
    ax.set_ylabel("error rate")
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    save_figure(ax, path)
