"""A Keras callback that logs how far apart the classes are, epoch by epoch."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

import repdist

if TYPE_CHECKING:
    import pandas as pd

N_RESAMPLES = 999  # enough for the 45 pairs of ten classes: Holm wants 899
BATCH = 250  # inputs in one forward pass


class TableOfClasses(keras.callbacks.Callback):  # type: ignore[misc]
    """Compare the classes in what a layer makes of inputs, before the training and as it goes.

    Parameters
    ----------
    inputs : array, shape (n, ...)
        What the model takes; rows that it is not trained on.
    labels : sequence, shape (n,)
        Their classes: two different ones at least, and two rows of each.
    layer : str
        The name of a layer of the model (not of a model inside it); its output is taken as one row
        an input.
    path : path, optional
        A CSV file, written anew after each epoch.

    Attributes
    ----------
    table : PairwiseMMDResult or None
        The last table.

    Raises
    ------
    ValueError
        If labels and inputs do not fit together; when the training begins, if there is no such
        layer, or the model has no single known input.

    Notes
    -----
    `to_frame` has one row an epoch and a pair: ``epochs`` (trained so far; 0 is before the
    training), and the columns of `repdist.PairwiseMMDResult.to_frame`. Each table has its own
    kernel, fitted to the features of its epoch: compare ``effect``, which has no unit, between
    epochs, not ``mmd_squared``. The training is not changed by it, nor stopped: an epoch whose
    features cannot be compared (NaN, or all the same) is left out, with a `RepdistWarning`.
    Several calls of ``fit`` with the same callback are one training.
    """

    def __init__(
        self, inputs: ArrayLike, labels: ArrayLike, *, layer: str, path: str | Path | None = None
    ) -> None:
        super().__init__()
        self.table: repdist.PairwiseMMDResult | None = None
        self._inputs, self._labels = np.asarray(inputs), np.asarray(labels)
        _check_labels(self._labels, len(self._inputs))
        self._layer, self._path = layer, path
        self._part: keras.Model | None = None
        self._epochs: int | None = None  # None until the first training begins
        self._frames: list[pd.DataFrame] = []

    def to_frame(self) -> "pd.DataFrame":
        """Return the tables of all epochs, one row an epoch and a pair; empty if there is none."""
        import pandas as pd

        return pd.concat(self._frames, ignore_index=True) if self._frames else pd.DataFrame()

    def go_on(self, frame: "pd.DataFrame", epochs: int) -> None:
        """Take what an earlier training of so many epochs logged, to add to it."""
        self._frames, self._epochs = [frame[frame["epochs"] <= epochs]], epochs

    def on_train_begin(self, *_: object) -> None:
        """Find the layer; log the table before the training."""
        self._part = _up_to(self.model, self._layer)
        if self._epochs is None:
            self._epochs = 0
            self._log(0)

    def on_epoch_end(self, *_: object) -> None:
        """Log the table after an epoch."""
        self._epochs = (self._epochs or 0) + 1
        self._log(self._epochs)

    def _log(self, epochs: int) -> None:
        try:
            self.table = repdist.pairwise_mmd_test(
                self._features(), self._labels, n_resamples=N_RESAMPLES, rng=0
            )
        except ValueError as error:
            warnings.warn(
                f"No table of classes after {epochs} epochs: {error}",
                repdist.RepdistWarning,
                stacklevel=2,
            )
            return
        frame = self.table.to_frame()
        frame.insert(0, "epochs", epochs)
        self._frames.append(frame)
        if self._path is not None:
            _write(self.to_frame(), Path(self._path))

    def _features(self) -> NDArray[np.floating[Any]]:
        assert self._part is not None
        rows = [
            np.asarray(self._part(self._inputs[start : start + BATCH], training=False), np.float32)
            for start in range(0, len(self._inputs), BATCH)
        ]
        return np.concatenate(rows).reshape(len(self._inputs), -1)


def _write(frame: "pd.DataFrame", path: Path) -> None:
    """Write a table under another name first, so that a stop leaves no half of it."""
    partial = path.with_name(f"{path.name}.part")
    frame.to_csv(partial, index=False, float_format="%.6g", lineterminator="\n")
    partial.replace(path)


def _check_labels(labels: NDArray[Any], n: int) -> None:
    if labels.shape != (n,):
        raise ValueError(
            f"`labels` must be one label an input; got shape {labels.shape} for {n} inputs."
        )
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2:
        raise ValueError(f"`labels` must be of two classes or more; got {classes.tolist()}.")
    if counts.min() < 2:
        raise ValueError(
            "`labels` must hold two rows of each class or more; got one of class "
            f"{classes[counts.argmin()]}."
        )


def _up_to(model: "keras.Model", name: str) -> "keras.Model":
    """Return the part of a model from its inputs to a layer."""
    names = [layer.name for layer in model.layers]
    if name not in names:
        raise ValueError(
            f"`layer` must be the name of a layer of the model; got {name!r}. It has "
            f"{', '.join(names)}."
        )
    if not hasattr(model, "inputs"):
        raise ValueError(
            "`model` must know its inputs: a functional model, or a `Sequential` that begins with "
            f"`keras.Input`; got {type(model).__name__}."
        )
    if len(model.inputs) > 1:
        raise ValueError(f"`model` must have one input; got {len(model.inputs)}.")
    return keras.Model(model.inputs[0], model.get_layer(name).output)
