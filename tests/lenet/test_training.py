"""The training: what it writes, how it goes on after a stop, and that it learns."""

import csv
import functools
import importlib
import json
import math
import shutil
import types

import numpy as np
import pandas as pd
import pytest
from given import needs

import repdist

data = importlib.import_module("repdist._experiments.lenet_gap.data")
features = importlib.import_module("repdist._experiments.lenet_gap.features")
model = importlib.import_module("repdist._experiments.lenet_gap.model")
train = importlib.import_module("repdist._experiments.lenet_gap.train")

pytestmark = [
    needs("tensorflow"),
    pytest.mark.filterwarnings("ignore:.* pairs cannot reach:repdist.RepdistWarning"),  # few images
]
ROUND, IMAGES = 128, 3 * 128 - 1  # the last round is filled up


@pytest.fixture(autouse=True)
def small(monkeypatch):
    make_small(monkeypatch)


def make_small(monkeypatch):
    """Make rounds, validation and the test at the end small."""
    monkeypatch.setattr(train, "ROUND", ROUND)
    monkeypatch.setattr(train, "N_VALIDATION", 60)
    monkeypatch.setattr(train, "WARM_UP", 2)
    monkeypatch.setattr(
        train, "make_images", functools.partial(features.make_images, n_per_class=2)
    )


@pytest.fixture(scope="module")
def digits():
    train_digits, test_digits = data.load_digits()
    return train_digits[:720], test_digits


@pytest.fixture(scope="module")
def through(digits, tmp_path_factory):
    """A training from beginning to end, and the pools that its clutter came from."""
    out = tmp_path_factory.mktemp("training") / "new" / "folder"
    pools = []

    def clutter(images, pool, rng, **options):
        pools.append(pool)
        return data.clutter(images, pool, rng, **options)

    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        monkeypatch.setattr(train, "clutter", clutter)
        report = train.train(*digits, out, n_images=IMAGES, seed=5, command="the call")
    return out, report, pools


def log_of(out):
    with (out / "log.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def assert_same_weights(out, other):
    one, two = (model.Weights.load(folder / "weights.npz") for folder in (out, other))
    for array, again in zip(one.arrays(), two.arrays(), strict=True):
        np.testing.assert_array_equal(array, again)


# --- one training --------------------------------------------------------------------------------


def test_the_files_of_a_training(through):
    out, report, _ = through
    assert {path.name for path in out.iterdir()} == {
        "checkpoint.npz", "log.csv", "tables.csv", "weights.npz", "learning_curve.png",
        "training.json",
    }  # fmt: skip
    assert json.loads((out / "training.json").read_text("utf-8")) == report
    assert (out / "learning_curve.png").read_bytes().startswith(b"\x89PNG")


def test_the_log_has_a_line_for_each_round(through):
    lines = log_of(through[0])
    assert [line["round"] for line in lines] == ["0", "1", "2"]
    assert [line["images"] for line in lines] == ["128", "256", "384"]
    assert [line["canvas"] for line in lines] == ["40", "100", "100"]
    rates = [float(line["learning_rate"]) for line in lines]
    assert rates == pytest.approx(
        [(0.003 + 0.00003) / 2, (0.003 + 0.00003) / 2, 0.00003], rel=1e-12
    )
    seconds = [float(line["seconds"]) for line in lines]
    assert 0 < seconds[0] < seconds[1] < seconds[2]


def test_the_report_of_a_training(through, digits):
    out, report, _ = through
    assert report["command"] == "the call"
    assert report["seed"] == 5
    assert report["training_digits"] == 660
    assert report["training_images"] == 384
    assert report["parameters"] == 52_736
    network = model.Network(model.Weights.load(out / "weights.npz"))
    images = features.make_images(digits[1], n_per_class=2)
    right = network.logits(network.features(images.images)).argmax(axis=1) == images.labels
    assert report["test_images"] == 20
    assert report["test_accuracy"] == right.mean()
    interval = train.accuracy_interval(right.sum(), 20)
    assert report["test_accuracy_interval"] == pytest.approx(interval, abs=1e-6)


def test_the_tables_of_a_training(through, digits):
    """Before it and after each round, of the validation images; the last from the last weights."""
    out, _, _ = through
    tables = pd.read_csv(out / "tables.csv")
    assert tables.groupby("epochs").size().to_dict() == {0: 45, 1: 45, 2: 45, 3: 45}
    _, validation = train.split(digits[0], 5)
    images, labels = train._validation_images(validation, 5)
    counts = np.bincount(labels)
    last = tables[tables["epochs"] == 3]
    assert last["n_first"].tolist() == counts[last["first"]].tolist()
    network = model.Network(model.Weights.load(out / "weights.npz"))
    rows = network.features(images)  # in float32; the training computes in bfloat16
    expected = repdist.pairwise_mmd_test(rows, labels, n_resamples=999, rng=0).to_frame()
    assert last["second"].tolist() == expected["second"].tolist()
    np.testing.assert_allclose(last["effect"], expected["effect"], rtol=0.1, atol=0.02)


def test_the_table_of_classes_changes_no_weight(through, digits, tmp_path, monkeypatch):
    """A training without it ends with the same bytes."""
    from keras.callbacks import Callback

    class Nothing(Callback):
        pass

    monkeypatch.setattr(train, "_tables", lambda *_: Nothing())
    train.train(*digits, tmp_path, n_images=IMAGES, seed=5)
    assert not (tmp_path / "tables.csv").exists()
    for name in ("weights.npz", "checkpoint.npz"):
        assert (tmp_path / name).read_bytes() == (through[0] / name).read_bytes(), name


def test_clutter_of_training_and_validation_is_kept_apart(through, digits):
    validation_pool, *training_pools = through[2]
    fit, validation = train.split(digits[0], 5)
    np.testing.assert_array_equal(validation_pool, validation.images)
    assert len(training_pools) == 3
    for pool in training_pools:
        np.testing.assert_array_equal(pool, fit.images)


@pytest.mark.parametrize(("n", "n_validation"), [(720, 60), (709, 60), (708, 59), (13, 2)])
def test_digits_are_divided(n, n_validation, digits):
    fit, validation = train.split(digits[0][:n], 0)
    assert len(validation) == n_validation
    assert sorted([*fit.indices, *validation.indices]) == digits[0].indices[:n].tolist()
    _, again = train.split(digits[0][:n], 0)
    _, other = train.split(digits[0][:n], 1)
    assert validation.indices.tolist() == again.indices.tolist() != other.indices.tolist()


def test_the_exact_interval_of_an_accuracy():
    """Closed forms at the ends; in between the binomial tails are 2.5 %."""
    from scipy.stats import binom

    assert train.accuracy_interval(0, 20) == pytest.approx((0, 1 - 0.025 ** (1 / 20)))
    assert train.accuracy_interval(20, 20) == pytest.approx((0.025 ** (1 / 20), 1))
    low, high = train.accuracy_interval(13, 20)
    assert binom.sf(12, 20, low) == pytest.approx(0.025, rel=1e-9)
    assert binom.cdf(13, 20, high) == pytest.approx(0.025, rel=1e-9)


# --- stopped and started again -------------------------------------------------------------------


def stop_in_round(number, monkeypatch):
    """Let `_one_round` raise in a round."""
    one_round = train._one_round

    def stopped(network, plan, rows, *rest):
        if len(rows) == number:
            raise KeyboardInterrupt
        return one_round(network, plan, rows, *rest)

    monkeypatch.setattr(train, "_one_round", stopped)


@pytest.fixture(scope="module")
def stopped_once(digits, tmp_path_factory):
    """The folder of a training that was stopped in its second round."""
    out = tmp_path_factory.mktemp("stopped")
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        stop_in_round(1, monkeypatch)
        with pytest.raises(KeyboardInterrupt):
            train.train(*digits, out, n_images=IMAGES, seed=5)
    assert {path.name for path in out.iterdir()} == {
        "checkpoint.npz", "log.csv", "tables.csv",
    }  # fmt: skip
    assert len(log_of(out)) == 1
    return out


@pytest.fixture
def stopped(stopped_once, tmp_path):
    """A copy of it, to go on with."""
    return shutil.copytree(stopped_once, tmp_path / "stopped")


def test_a_stopped_training_ends_with_the_same_weights(stopped, through, digits):
    before = log_of(stopped)
    train.train(*digits, stopped, n_images=IMAGES, seed=5)
    assert_same_weights(stopped, through[0])
    assert log_of(stopped)[:1] == before
    for line, again in zip(log_of(through[0]), log_of(stopped), strict=True):
        assert line | {"seconds": 0} == again | {"seconds": 0}
    assert (stopped / "tables.csv").read_bytes() == (through[0] / "tables.csv").read_bytes()


def test_a_log_ahead_of_its_checkpoint(stopped, through, digits):
    """The logs are written first; a stop in between must not count its round twice."""
    for name in ("log.csv", "tables.csv"):
        (stopped / name).write_bytes((through[0] / name).read_bytes())
    train.train(*digits, stopped, n_images=IMAGES, seed=5)
    assert_same_weights(stopped, through[0])
    assert [line["round"] for line in log_of(stopped)] == ["0", "1", "2"]
    assert (stopped / "tables.csv").read_bytes() == (through[0] / "tables.csv").read_bytes()


def test_a_finished_training_is_not_repeated(through, digits, tmp_path, monkeypatch):
    for name in ("checkpoint.npz", "log.csv", "tables.csv"):
        (tmp_path / name).write_bytes((through[0] / name).read_bytes())
    stop_in_round(0, monkeypatch)
    train.train(*digits, tmp_path, n_images=IMAGES, seed=5)
    assert_same_weights(tmp_path, through[0])


@pytest.mark.parametrize(
    ("n_digits", "n_images", "seed"), [(719, IMAGES, 5), (720, 4 * ROUND, 5), (720, IMAGES, 6)]
)
def test_another_plan_is_refused(n_digits, n_images, seed, through, digits):
    out, _, _ = through
    before = {path: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(ValueError, match="`--out` must be a new folder, or one with a training of"):
        train.train(digits[0][:n_digits], digits[1], out, n_images=n_images, seed=seed)
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_other_digits_are_another_plan(through, digits):
    images = digits[0].images.copy()
    images[0, 0, 0] ^= 1
    others = data.Digits(images, digits[0].labels, digits[0].indices)
    with pytest.raises(ValueError, match="`--out` must be a new folder, or one with a training of"):
        train.train(others, digits[1], through[0], n_images=IMAGES, seed=5)


def test_what_cannot_end_is_not_begun(digits, tmp_path):
    out = tmp_path / "new"
    with pytest.raises(ValueError, match="`--mnist` must hold 2 test digits of each class; got 0"):
        train.train(digits[0], digits[1][:1], out, n_images=IMAGES)
    with pytest.raises(
        ValueError, match=r"two validation images of each class; got 1 of class 5, with 40 in all"
    ):
        train.train(digits[0][:480], digits[1], out, n_images=IMAGES, seed=5)
    with pytest.raises(ValueError, match="`--mnist` must hold enough training digits"):
        train.train(digits[0][:0], digits[1], out, n_images=IMAGES)
    with pytest.raises(ValueError, match="`--seed` must be at least 0; got -1"):
        train.train(*digits, out, n_images=IMAGES, seed=-1)
    assert not out.exists()


def test_other_files_are_not_overwritten(digits, tmp_path):
    (tmp_path / "weights.npz").write_text("mine")
    with pytest.raises(
        ValueError, match="`--out` must be a new folder, an empty one or an earlier"
    ):
        train.train(*digits, tmp_path, n_images=IMAGES)
    (tmp_path / "file").touch()
    with pytest.raises(
        OSError, match=r"`--out` must be a folder that can be written; got .*file/x"
    ):
        train.train(*digits, tmp_path / "file" / "x", n_images=IMAGES)
    assert (tmp_path / "weights.npz").read_text() == "mine"


@pytest.mark.parametrize(
    "damage",
    ["truncated", "empty", "other arrays", "no log", "half a log", "no tables", "half the tables"],
)
def test_a_damaged_checkpoint(damage, through, digits, tmp_path):
    for name in ("checkpoint.npz", "log.csv", "tables.csv"):
        (tmp_path / name).write_bytes((through[0] / name).read_bytes())
    path = tmp_path / "checkpoint.npz"
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "other arrays":
        np.savez(path, a=np.arange(3))
    elif damage == "no log":
        (tmp_path / "log.csv").unlink()
    elif damage == "no tables":
        (tmp_path / "tables.csv").unlink()
    elif damage == "half the tables":
        (tmp_path / "tables.csv").write_text("first,second\n")
    else:
        (tmp_path / "log.csv").write_text("round,images\n0,128\n")
    with pytest.raises(
        ValueError, match=r"checkpoint\.npz must be the checkpoint .*`--out`, or re"
    ):
        train.train(*digits, tmp_path, n_images=IMAGES, seed=5)


@pytest.mark.parametrize("n_images", [0, -5])
def test_a_training_on_nothing(n_images, digits, tmp_path):
    with pytest.raises(ValueError, match=f"`--images` must be at least 1; got {n_images}"):
        train.train(*digits, tmp_path / "new", n_images=n_images)
    assert not (tmp_path / "new").exists()


def fake_network(loss):
    return types.SimpleNamespace(
        optimizer=types.SimpleNamespace(),
        fit=lambda *a, **k: types.SimpleNamespace(history={"loss": [loss], "accuracy": [0.1]}),
        evaluate=lambda *a, **k: (loss, 0.1),
    )


def test_a_training_that_diverges(digits):
    plan = train.Plan(ROUND, 0, 720, "")
    with pytest.raises(ValueError, match="diverged in round 0; try another `--seed`"):
        train._one_round(fake_network(math.nan), plan, [], digits[0], (None, None), None)


def test_a_round_uses_its_learning_rate(digits):
    network = fake_network(1.0)
    earlier = [types.SimpleNamespace(seconds=100.0)]
    plan = train.Plan(3 * ROUND, 0, 720, "")
    row = train._one_round(network, plan, earlier, digits[0], (None, None), None)
    assert (row.round, row.images) == (1, 2 * ROUND)
    assert row.seconds > 100
    assert network.optimizer.learning_rate == row.learning_rate
    assert row.learning_rate == pytest.approx((0.003 + 0.00003) / 2, rel=1e-12)


# --- learning ------------------------------------------------------------------------------------


def test_the_exported_classifier_is_that_of_averages(digits, monkeypatch):
    """The sum of 25 x 25 cells over 10 is 62.5 times their average."""
    monkeypatch.setattr(train, "PRECISION", "float32")
    weights = model.Weights.initial(np.random.default_rng(0))
    network = train._training_network(weights)
    exported = train._weights(network)
    np.testing.assert_array_equal(exported.classifier, np.float32(62.5) * weights.classifier)
    for name in ("conv1", "bias1", "conv2", "bias2"):
        np.testing.assert_array_equal(getattr(exported, name), getattr(weights, name))
    images = features.make_images(digits[1], n_per_class=1).images
    trained = network.predict(images, verbose=0)
    deployed = model.Network(exported)
    np.testing.assert_allclose(
        deployed.logits(deployed.features(images)), trained, rtol=1e-4, atol=1e-5
    )


@pytest.mark.slow
def test_the_loss_falls(digits, tmp_path, monkeypatch):
    """On digits without clutter, on canvases that just hold them; chance is log 10 = 2.30."""
    for name, value in {"ROUND": 1024, "SMALL_CANVAS": 28, "SMALL_DISTRACTORS": 0}.items():
        monkeypatch.setattr(train, name, value)
    monkeypatch.setattr(train, "SMALL_SHARE", 1)
    train.train(*digits, tmp_path, n_images=8 * 1024)
    first, *_, last = log_of(tmp_path)
    assert float(first["loss"]) == pytest.approx(math.log(10), rel=0.02)
    assert float(last["loss"]) < 1.5
    assert float(last["accuracy"]) > 0.5
