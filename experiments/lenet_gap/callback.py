"""A Keras callback that logs how far apart the classes are, epoch by epoch."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

import repdist
from repdist._files import write_text

if TYPE_CHECKING:
    import pandas as pd

N_RESAMPLES = 999  # enough for the 45 pairs of ten classes: Holm wants 899
BATCH = 250  # inputs in one forward pass


class TableOfClasses(keras.callbacks.Callback):  # type: ignore[misc]
    """Before the training and after each epoch, compare the classes in what a layer makes of inputs.

    Parameters
    ----------
    inputs : array, shape (n, ...)
        What the model takes; rows that it is not trained on.
    labels : sequence, shape (n,)
        Their classes: two different ones at least, and two rows of each.
    layer : str
        The name of the layer; its output is taken as one row an input.
    path : path, optional
        A CSV file, written anew after each epoch.

    Attributes
    ----------
    table : PairwiseMMDResult or None
        The last table.

    Notes
    -----
    `to_frame` has one row an epoch and a pair: ``epochs`` (trained so far; 0 is before the
    training), and the columns of `repdist.PairwiseMMDResult.to_frame`. Each table has its own
    kernel, fitted to the features of its epoch: compare ``effect``, which has no unit, between
    epochs, not ``mmd_squared``. The training is not changed by it, nor stopped: an epoch whose
    features cannot be compared (NaN, or all the same) is left out, with a `RepdistWarning`.
    """

    def __init__(
        self, inputs: ArrayLike, labels: ArrayLike, *, layer: str, path: str | Path | None = None
    ) -> None:
        super().__init__()
        self.table: repdist.PairwiseMMDResult | None = None
        self._inputs, self._labels = np.asarray(inputs), np.asarray(labels)
        self._layer, self._path = layer, path
        self._frames: list[pd.DataFrame] = []

    def to_frame(self) -> "pd.DataFrame":
        """Return the tables of all epochs, one row an epoch and a pair."""
        import pandas as pd

        return pd.concat(self._frames, ignore_index=True)

    def go_on(self, frame: "pd.DataFrame") -> None:
        """Take what an earlier training logged, to add to it."""
        self._frames = [frame]

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Log the table before the training."""
        if not self._frames:
            self._log(0)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Log the table after an epoch."""
        self._log(epoch + 1)

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
            write_text(Path(self._path), self.to_frame().to_csv(index=False, float_format="%.6g"))

    def _features(self) -> NDArray[np.floating[Any]]:
        part = keras.Model(self.model.input, self.model.get_layer(self._layer).output)
        starts = range(0, len(self._inputs), BATCH)
        rows = [
            np.asarray(part(self._inputs[start : start + BATCH], training=False), np.float32)
            for start in starts
        ]
        return np.concatenate(rows).reshape(len(self._inputs), -1)
