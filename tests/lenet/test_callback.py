"""The callback that logs the table of classes, on Keras models of one's own."""

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from given import needs

import repdist

pytestmark = needs("tensorflow")

ROOT = Path(__file__).parents[2]
N, WIDTH = 60, 5


@pytest.fixture(scope="module")
def keras():
    importlib.import_module("repdist._experiments.lenet_gap.model").require_tensorflow()
    return importlib.import_module("keras")


@pytest.fixture(scope="module")
def table_of_classes(keras):
    return importlib.import_module("repdist._experiments.lenet_gap.callback").TableOfClasses


@pytest.fixture
def rows():
    """Three classes, a little apart in one column."""
    labels = np.arange(N) % 3
    inputs = np.random.default_rng(0).normal(size=(N, WIDTH))
    inputs[:, 0] += labels
    return inputs.astype(np.float32), labels


def classifier(keras, *, rate=0.01):
    """A small plain model, always with the same first weights."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((WIDTH,)),
            keras.layers.Dense(8, activation="tanh", name="hidden"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(3, activation="softmax", name="output"),
        ]
    )
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    return model


def hidden(model, inputs):
    weights, bias = model.get_layer("hidden").get_weights()
    return np.tanh(inputs @ weights + bias)


# --- what it logs --------------------------------------------------------------------------------


def test_a_model_of_ones_own(keras, table_of_classes, rows, tmp_path):
    """The call of the how-to page; the table is that of the layer's output, at its epoch."""
    inputs, labels = rows
    model = classifier(keras)
    before = hidden(model, inputs)
    tables = table_of_classes(inputs, labels, layer="hidden", path=tmp_path / "tables.csv")
    model.fit(inputs, labels, epochs=2, verbose=0, callbacks=[tables])
    frame = tables.to_frame()
    assert frame["epochs"].tolist() == [0] * 3 + [1] * 3 + [2] * 3
    for epochs, features in ((0, before), (2, hidden(model, inputs))):
        expected = repdist.pairwise_mmd_test(features, labels, n_resamples=999, rng=0).to_frame()
        logged = frame[frame["epochs"] == epochs].drop(columns="epochs").reset_index(drop=True)
        pd.testing.assert_frame_equal(logged, expected, rtol=1e-3, atol=1e-5)
    assert tables.table.to_frame()["effect"].tolist() == frame["effect"].tolist()[-3:]
    saved = pd.read_csv(tmp_path / "tables.csv")
    pd.testing.assert_frame_equal(saved, frame, rtol=1e-5)


def test_classes_move_apart(keras, table_of_classes, rows):
    model = classifier(keras, rate=0.05)
    tables = table_of_classes(*rows, layer="hidden")
    model.fit(*rows, epochs=20, verbose=0, callbacks=[tables])
    effects = tables.to_frame().groupby("epochs")["effect"].median()
    assert effects[20] > 1.2 * effects[0]


def test_more_inputs_than_a_batch(keras, table_of_classes, rows, monkeypatch):
    """They are taken in their order, the last batch smaller."""
    inputs, labels = rows
    module = importlib.import_module(table_of_classes.__module__)
    monkeypatch.setattr(module, "BATCH", 7)
    model = classifier(keras)
    tables = table_of_classes(inputs, labels, layer="hidden")
    model.fit(inputs, labels, epochs=1, verbose=0, callbacks=[tables])
    expected = repdist.pairwise_mmd_test(hidden(model, inputs), labels, rng=0).mmd_squared
    np.testing.assert_allclose(tables.table.mmd_squared, expected, rtol=1e-3, atol=1e-6)


def test_maps_are_one_row_an_input(keras, table_of_classes, rows):
    inputs, labels = rows
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((WIDTH, 1)),
            keras.layers.Conv1D(2, 3, name="maps"),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )
    model.compile("sgd", "mse")
    tables = table_of_classes(inputs[..., None], labels, layer="maps")
    model.fit(inputs[..., None], np.eye(3)[labels], epochs=1, verbose=0, callbacks=[tables])
    assert tables.table.to_frame()["n_first"].tolist() == [20, 20, 20]


# --- the training is left alone ------------------------------------------------------------------


def test_the_training_is_not_changed(keras, table_of_classes, rows):
    """Neither its weights nor its random numbers; dropout and batch statistics would show it."""
    trained = []
    for callbacks in ([], [table_of_classes(*rows, layer="output")]):
        model = classifier(keras)
        model.fit(*rows, epochs=3, verbose=0, callbacks=callbacks)
        trained.append([variable.numpy().tobytes() for variable in model.variables])
    assert trained[0] == trained[1]


def test_several_calls_of_fit_are_one_training(keras, table_of_classes, rows):
    logged = []
    for parts in ([4], [1, 3]):
        model, tables = classifier(keras), table_of_classes(*rows, layer="hidden")
        for epochs in parts:
            model.fit(*rows, epochs=epochs, shuffle=False, verbose=0, callbacks=[tables])
        logged.append(tables.to_frame())
    assert logged[0]["epochs"].unique().tolist() == [0, 1, 2, 3, 4]
    pd.testing.assert_series_equal(logged[0]["epochs"], logged[1]["epochs"])
    np.testing.assert_allclose(logged[0]["effect"][:6], logged[1]["effect"][:6], rtol=1e-9)


def test_it_goes_on_with_an_earlier_log(keras, table_of_classes, rows):
    model = classifier(keras)
    first = table_of_classes(*rows, layer="hidden")
    model.fit(*rows, epochs=3, verbose=0, callbacks=[first])
    second = table_of_classes(*rows, layer="hidden")
    second.go_on(first.to_frame(), 2)
    model.fit(*rows, epochs=1, verbose=0, callbacks=[second])
    frame = second.to_frame()
    assert frame["epochs"].tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    pd.testing.assert_frame_equal(frame[:9], first.to_frame()[:9])


@pytest.mark.parametrize(
    ("value", "reason"),
    [(np.nan, "got nan"), (0.0, "all 60 rows are equal")],
    ids=["NaN", "all the same"],
)
def test_features_that_cannot_be_compared_do_not_stop_it(
    value, reason, keras, table_of_classes, rows
):
    """Of the epochs before and after the weights were spoiled, the former are kept."""
    spoil = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, _: epoch == 1
        and model.get_layer("hidden").set_weights(
            [np.full((WIDTH, 8), value), np.zeros(8)]
        )
    )  # fmt: skip
    model = classifier(keras, rate=0.0)
    tables = table_of_classes(*rows, layer="hidden")
    with pytest.warns(repdist.RepdistWarning, match=f"No table of classes after 2 .*{reason}"):
        history = model.fit(*rows, epochs=2, verbose=0, callbacks=[spoil, tables]).history
    assert len(history["loss"]) == 2
    assert tables.to_frame()["epochs"].unique().tolist() == [0, 1]


def test_nothing_to_compare_at_all(keras, table_of_classes, rows, tmp_path):
    """The table before the training is not made later, from trained weights."""
    model = classifier(keras, rate=0.0)
    model.get_layer("hidden").set_weights([np.zeros((WIDTH, 8)), np.zeros(8)])
    tables = table_of_classes(*rows, layer="hidden", path=tmp_path / "tables.csv")
    with pytest.warns(repdist.RepdistWarning, match="No table of classes after [01] epochs"):
        model.fit(*rows, epochs=1, verbose=0, callbacks=[tables])
    assert len(tables.to_frame()) == 0
    assert tables.table is None
    assert not (tmp_path / "tables.csv").exists()
    model.get_layer("hidden").set_weights([np.eye(WIDTH, 8), np.zeros(8)])
    model.fit(*rows, epochs=1, verbose=0, callbacks=[tables])
    assert tables.to_frame()["epochs"].unique().tolist() == [2]


# --- what is refused -----------------------------------------------------------------------------

BAD_LABELS = {
    "another length": (np.arange(N - 1) % 3, rf"one label an input; got shape \({N - 1},\) for"),
    "two columns": (np.zeros((N, 2)), rf"one label an input; got shape \({N}, 2\) for {N} inputs"),
    "one class": (np.full(N, 7), r"two classes or more; got \[7\]"),
    "one row of a class": (["a"] * (N - 1) + ["b"], "two rows of each class or more; .* class b"),
}


@pytest.mark.parametrize("name", BAD_LABELS)
def test_bad_labels(name, table_of_classes, rows):
    labels, reason = BAD_LABELS[name]
    with pytest.raises(ValueError, match=f"`labels` must .*{reason}"):
        table_of_classes(rows[0], labels, layer="hidden")


def test_a_layer_that_is_not_there(keras, table_of_classes, rows):
    """Nothing is trained before the error."""
    model = classifier(keras)
    before = [weight.copy() for weight in model.get_weights()]
    tables = table_of_classes(*rows, layer="pooling")
    names = "hidden, batch_normalization.*, dropout.*, output"
    with pytest.raises(ValueError, match=f"`layer` must be .* got 'pooling'. It has {names}"):
        model.fit(*rows, epochs=1, verbose=0, callbacks=[tables])
    for weight, again in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, again)


def test_a_model_without_inputs(keras, table_of_classes, rows):
    model = keras.Sequential([keras.layers.Dense(3, activation="softmax", name="hidden")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"`model` must know its inputs: .*; got Sequential"):
        model.fit(*rows, verbose=0, callbacks=[table_of_classes(*rows, layer="hidden")])


# --- the how-to page -----------------------------------------------------------------------------


@pytest.mark.slow
def test_the_example_of_the_page_runs_beside_a_copy_of_the_callback(tmp_path):
    """In a process of its own, which sees nothing of the case study."""
    shutil.copy(ROOT / "experiments/lenet_gap/callback.py", tmp_path / "table_of_classes.py")
    shutil.copy(ROOT / "docs/howto/keras_example.py", tmp_path / "example.py")
    environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)}
    # Without the collections that statsmodels asks for, each half a second with TensorFlow.
    script = "import gc, runpy; gc.collect = lambda *_: 0; runpy.run_path('example.py')"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    tables = pd.read_csv(tmp_path / "tables.csv")
    assert tables.groupby("epochs").size().tolist() == [45] * 11
    medians = tables.groupby("epochs")["effect"].median()
    assert medians[10] > 2 * medians[0]
    assert "lenet_gap" not in (tmp_path / "table_of_classes.py").read_text("utf-8")
    for name in ("classes_move_apart.png", "last_epoch.html"):
        assert (tmp_path / name).stat().st_size > 1000
