"""MMD as a metric of torchmetrics: values, order of rows, the contract of metrics, processes."""

import copy
import hashlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

import repdist
from repdist import kernels, metrics

torch = pytest.importorskip("torch")
pytest.importorskip("torchmetrics.image.kid")

from torch import nn  # noqa: E402
from torchmetrics import MetricCollection  # noqa: E402
from torchmetrics.image.kid import KernelInceptionDistance, poly_mmd  # noqa: E402
from torchmetrics.utilities.exceptions import TorchMetricsUserError  # noqa: E402

import repdist.torchmetrics  # noqa: E402
from repdist.torchmetrics import KernelDistance  # noqa: E402

mpl.use("Agg")

RNG = np.random.default_rng(8)
REAL = torch.tensor(RNG.normal(size=(60, 6)), dtype=torch.float32)
FAKE = torch.tensor(RNG.normal(0.05, 1.02, size=(54, 6)), dtype=torch.float32)
MANY = torch.tensor(RNG.normal(size=(2, 300, 4)), dtype=torch.float32)  # relabeled in bins
NAMES = ["value", "standard_error", "pvalue"]


def filled(metric=None, real=REAL, fake=FAKE, batch=20):
    metric = KernelDistance(n_resamples=999) if metric is None else metric
    for rows, is_real in ((real, True), (fake, False)):
        for some in rows.split(batch):
            metric.update(some, real=is_real)
    return metric


def bits(found):
    return {name: value.item().hex() for name, value in found.items()}


def by_digest(rows):
    return np.array(sorted(rows.numpy(), key=lambda row: hashlib.blake2b(row.tobytes()).digest()))


# --- values --------------------------------------------------------------------------------------


def test_the_value_is_kid():
    found = filled(KernelDistance().set_dtype(torch.float64)).compute()
    kid = metrics.kid(REAL, FAKE, rng=0)
    assert list(found) == NAMES
    assert all(value.shape == () and value.dtype == torch.float64 for value in found.values())
    assert found["value"].item() == pytest.approx(kid.value, rel=1e-10)
    assert found["standard_error"].item() == pytest.approx(kid.standard_error, rel=1e-10)
    assert found["pvalue"].item() == pytest.approx(kid.pvalue, abs=0.02)  # of other relabelings
    assert 0.01 < kid.pvalue < 0.99


def test_the_value_is_that_of_torchmetrics():
    real, fake = REAL[:54].double(), FAKE.double()
    value = filled(KernelDistance().set_dtype(torch.float64), real, fake).compute()["value"]
    assert value.item() == pytest.approx(poly_mmd(real, fake).item(), rel=1e-10)
    with pytest.warns(UserWarning, match="will save all extracted features"):
        theirs = KernelInceptionDistance(nn.Identity(), subsets=1, subset_size=54)
    mean, _ = filled(theirs, real, fake).compute()
    assert value.item() == pytest.approx(mean.item(), rel=1e-10)


@pytest.mark.parametrize("kernel", [kernels.Polynomial(), kernels.MultiRBF(), kernels.RBF(2.0)])
def test_the_test_is_that_of_rows_in_the_order_of_digests(kernel):
    metric = KernelDistance(kernel=kernel, n_resamples=500, rng=3, n_jobs=1)
    found = filled(metric.set_dtype(torch.float64)).compute()
    test = repdist.mmd_test(by_digest(REAL), by_digest(FAKE), kernel=kernel, n_resamples=500, rng=3)
    assert [found[name].item() for name in NAMES] == [
        test.mmd_squared, test.standard_error, test.pvalue,
    ]  # fmt: skip
    assert found["pvalue"].item() * 512 % 1 == 0


def test_the_seed_is_fixed_and_can_be_chosen():
    first, second = (filled().compute() for _ in range(2))
    assert bits(first) == bits(second)
    other = filled(KernelDistance(n_resamples=999, rng=1)).compute()
    assert other["pvalue"] != first["pvalue"]
    assert other["value"].item() == pytest.approx(first["value"].item(), rel=1e-6)


# --- the order of rows ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_order_of_rows_and_batches_changes_no_bit(dtype):
    real, fake = MANY.to(dtype)
    expected = bits(filled(real=real, fake=fake).compute())
    rng = np.random.default_rng(0)
    for batch in (7, 300):
        shuffled = [rows[rng.permutation(len(rows))] for rows in (real, fake)]
        assert bits(filled(real=shuffled[0], fake=shuffled[1], batch=batch).compute()) == expected


def test_the_order_would_matter_otherwise():
    tests = [repdist.mmd_test(*rows, n_resamples=99, rng=0) for rows in (MANY, MANY.flip(1))]
    assert tests[0].pvalue != tests[1].pvalue


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_change_no_bit(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = filled(KernelDistance(n_resamples=999, n_jobs=threads), *MANY).compute()
    finally:
        torch.set_num_threads(before)
    assert bits(found) == bits(filled(real=MANY[0], fake=MANY[1]).compute())


def test_the_order_has_nothing_to_do_with_the_values():
    """So that tests with a fixed seed keep the level: bins must not hold rows of the same ranks."""
    rows = torch.linspace(-1, 1, 1000)[:, None]
    for column in (rows, rows.double(), rows.half()):
        ordered = repdist.torchmetrics._in_order(column)[:, 0]
        assert sorted(ordered.tolist()) == sorted(column.flatten().tolist())
        correlation = np.corrcoef(np.arange(1000), ordered)[0, 1]
        assert abs(correlation) < 0.1  # of 1,000: 3 standard deviations; 1 if sorted


# --- the contract of a metric --------------------------------------------------------------------


def test_the_constants_of_the_class():
    metric = KernelDistance()
    constants = {"higher_is_better": False, "is_differentiable": False, "full_state_update": False}
    for name, value in constants.items():
        assert getattr(metric, name) is value
        with pytest.raises(RuntimeError, match=f"Can't change const `{name}`"):
            setattr(metric, name, True)


def test_the_public_name():
    assert repdist.torchmetrics.__all__ == ["KernelDistance"]
    assert KernelDistance.__module__ == "repdist.torchmetrics"
    assert not hasattr(repdist, "KernelDistance")
    for method in ("update", "forward", "compute", "reset", "plot"):
        assert vars(KernelDistance)[method].__doc__


@pytest.mark.parametrize(
    "copied",
    [lambda metric: pickle.loads(pickle.dumps(metric)), copy.deepcopy, KernelDistance.clone],
    ids=["pickle", "deepcopy", "clone"],
)
def test_a_copy_goes_on_by_itself(copied):
    metric = filled(KernelDistance(nn.Linear(6, 4), kernel=kernels.RBF(1.5), rng=4))
    expected = bits(metric.compute())
    other = copied(metric)
    assert bits(other.compute()) == expected
    other.update(FAKE + 3, real=False)
    assert bits(other.compute()) != expected
    assert bits(metric.compute()) == expected
    metric.update(FAKE + 3, real=False)
    assert bits(metric.compute()) == bits(other.compute())


@pytest.mark.parametrize("forgets", [True, False])
def test_reset(forgets):
    metric = filled(KernelDistance(n_resamples=999, reset_real_features=forgets))
    expected = bits(metric.compute())
    metric.reset()
    assert sum(map(len, metric.real_features)) == (0 if forgets else 60)
    assert metric.fake_features == []
    assert metric.update_count == 0
    if forgets:
        metric.update(REAL, real=True)
    metric.update(FAKE, real=False)
    assert bits(metric.compute()) == expected


def test_a_batch_is_compared_with_all_rows_of_the_other_side():
    for forgets in (True, False):
        metric = KernelDistance(n_resamples=999, reset_real_features=forgets)
        metric.update(REAL, real=True)
        found = [metric(some, real=False) for some in FAKE.split(27)]
        for value, some in zip(found, FAKE.split(27), strict=True):
            assert bits(value) == bits(filled(fake=some).compute())
        assert bits(metric.compute()) == bits(filled().compute())
        more = metric(REAL + 1, True)
        assert bits(more) == bits(filled(real=REAL + 1).compute())
        assert bits(metric.compute()) == bits(filled(real=torch.cat([REAL, REAL + 1])).compute())


def test_a_batch_without_another_side_is_kept():
    metric = KernelDistance(n_resamples=999)
    with pytest.raises(ValueError, match="two rows of each side; got 60 real and 0 generated"):
        metric(REAL, real=True)
    metric.update(FAKE, real=False)
    assert bits(metric.compute()) == bits(filled().compute())


def test_half_precision_and_other_dtypes():
    exact = filled().compute()
    metric = filled()
    metric.half().double().float().type(torch.float16)  # which metrics of torchmetrics pass over
    assert {rows.dtype for rows in metric.real_features} == {torch.float32}
    metric.set_dtype(torch.float16)
    assert {rows.dtype for rows in (*metric.real_features, *metric.fake_features)} == {
        torch.float16
    }
    found = metric.compute()
    assert {value.dtype for value in found.values()} == {torch.float32}
    assert bits(found) == bits(filled(real=REAL.half(), fake=FAKE.half()).compute())
    assert found["value"].item() == pytest.approx(exact["value"].item(), rel=0.02)
    metric.update(FAKE.double(), real=False)  # beside halves
    assert metric.compute()["value"].isfinite()


def test_states_move_with_the_metric():
    metric = filled(KernelDistance(nn.Linear(6, 2))).to("meta")
    assert metric.device.type == "meta"
    held = (*metric.real_features, *metric.fake_features, *metric.feature.parameters())
    assert {rows.device.type for rows in held} == {"meta"}


def test_the_state_can_be_saved():
    metric = filled()
    assert metric.state_dict() == {}
    metric.persistent(True)
    state = metric.state_dict()
    assert list(state) == ["real_features", "fake_features"]
    other = KernelDistance(n_resamples=999)
    other.load_state_dict(state)
    with pytest.warns(UserWarning, match="before the ``update`` method"):  # torchmetrics counts
        found = other.compute()
    assert bits(found) == bits(metric.compute())


@pytest.mark.skipif(
    not hasattr(KernelDistance, "merge_state"), reason="added to torchmetrics later"
)
def test_states_merge():
    metric = filled(real=REAL[:25], fake=FAKE[:11])
    metric.merge_state(filled(real=REAL[25:], fake=FAKE[11:]))
    assert bits(metric.compute()) == bits(filled().compute())


def test_a_collection_shares_rows():
    def made():
        return {
            "kid": KernelDistance(n_resamples=999),
            "rbf": KernelDistance(kernel=kernels.RBF(2.0), n_resamples=999),
        }

    together = MetricCollection(made(), prefix="val/")
    for is_real, rows in ((True, REAL), (False, FAKE)):
        together.update(rows[:20], real=is_real)
        together.update(rows[20:], real=is_real)
    assert together.compute_groups == {0: ["kid", "rbf"]}
    together(FAKE + 1, real=False)  # of lists that both hold
    alone = {name: filled(one, fake=torch.cat([FAKE, FAKE + 1])) for name, one in made().items()}
    expected = {
        f"val/{name}_{key}": value
        for name, one in alone.items()
        for key, value in bits(one.compute()).items()
    }
    assert bits(together.compute()) == expected
    together.reset()
    assert [one.real_features for one in together.values()] == [[], []]


def test_a_collection_keeps_real_rows():
    options = {"n_resamples": 999, "reset_real_features": False}
    together = MetricCollection(
        {"a": KernelDistance(**options), "b": KernelDistance(kernel=kernels.RBF(2.0), **options)}
    )
    together.update(REAL, real=True)
    for _ in range(2):
        together.update(FAKE, real=False)
        assert bits(together["a"].compute()) == bits(filled().compute())
        assert {sum(map(len, one.real_features)) for one in together.values()} == {60}
        together.reset()


def test_rows_of_inference_mode_serve_outside():
    """As Lightning validates."""
    metric = KernelDistance(n_resamples=999)
    with torch.inference_mode():
        metric.update(REAL, real=True)
    metric.update(FAKE, real=False)
    assert bits(metric.compute()) == bits(filled().compute())


def test_what_is_held_is_a_copy():
    metric, batch = KernelDistance(n_resamples=999), REAL.clone()
    metric.update(batch, real=True)
    metric.update(FAKE.clone().requires_grad_(), real=False)
    batch.zero_()
    assert not metric.fake_features[0].requires_grad
    assert bits(metric.compute()) == bits(filled().compute())


def test_a_value_is_made_once():
    metric = filled()
    assert metric.compute() is metric.compute()
    first = metric.compute()
    metric.update(FAKE, real=False)
    assert bits(metric.compute()) != bits(first)


# --- features ------------------------------------------------------------------------------------


def test_a_network_runs_in_evaluation_mode_and_is_left_as_it_was():
    torch.manual_seed(0)
    frozen = nn.BatchNorm1d(5).eval()
    network = nn.Sequential(nn.Linear(6, 5), nn.Dropout(0.5), frozen)
    holder = nn.Module()  # as a LightningModule holds it
    holder.metric = metric = filled(KernelDistance(network, n_resamples=999))
    assert [part.training for part in network] == [True, True, False]
    holder.train()
    frozen.eval()
    metric.update(FAKE, real=False)
    assert [part.training for part in network] == [True, True, False]
    assert not any(rows.requires_grad for rows in metric.fake_features)
    with torch.no_grad():
        real, fake = (network.eval()(rows) for rows in (REAL, torch.cat([FAKE, FAKE])))
    expected = filled(real=real, fake=fake).compute()
    assert metric.compute()["value"].item() == pytest.approx(expected["value"].item(), rel=1e-5)


def test_a_network_makes_no_gradients():
    asked = []

    class Asked(nn.Linear):
        def forward(self, imgs):
            asked.append(torch.is_grad_enabled())
            return super().forward(imgs)

    metric = KernelDistance(Asked(6, 3))
    metric.update(REAL, real=True)
    metric(FAKE, real=False)
    assert asked == [False, False]


def test_a_network_that_fails_is_left_as_it_was():
    network = nn.Sequential(nn.Linear(5, 2), nn.Dropout(0.5))
    metric = KernelDistance(network)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        metric.update(REAL, real=True)
    assert network[1].training
    assert metric.real_features == []


# --- pictures ------------------------------------------------------------------------------------


def test_a_plot_of_one_value_and_of_several():
    import matplotlib.pyplot as plt

    metric = filled()
    found = metric.compute()
    value, error = found["value"].item(), found["standard_error"].item()
    figure, ax = metric.plot()
    assert ax.figure is figure
    _, ax_of_steps = plt.subplots()
    figure, same = metric.plot(
        [found, {name: 2 * value for name, value in found.items()}], ax_of_steps
    )
    assert same is ax_of_steps
    assert figure is ax_of_steps.figure
    for axes, expected in ((ax, [1]), (ax_of_steps, [1, 2])):
        (drawn,) = axes.containers
        np.testing.assert_allclose(drawn[0].get_ydata(orig=False), np.multiply(expected, value))
        (bars,) = drawn[2]
        heights = [np.ptp(segment[:, 1]) for segment in bars.get_segments()]
        np.testing.assert_allclose(heights, np.multiply(expected, 2 * error), rtol=1e-6)
        assert "MMD²" in axes.get_ylabel()
    plt.close("all")


# --- what is refused -----------------------------------------------------------------------------


def spoiled(value):
    rows = FAKE.clone()
    rows[7, 2] = value
    return rows


@pytest.mark.parametrize(
    ("imgs", "error", "message"),
    [
        (spoiled(np.nan), ValueError, "`imgs`.* must be finite; got nan in row 7 of the batch, co"),
        (spoiled(-np.inf), ValueError, "`imgs`.* must be finite; got -inf in row 7"),
        (FAKE[:0], ValueError, r"`imgs` must hold at least one row; got the shape \(0, 6\)"),
        (torch.tensor(1.0), ValueError, r"`imgs` must hold at least one row; got the shape \(\)"),
        (FAKE[0], ValueError, r"`imgs`.* must have the shape \(6, columns\), one .* got \(6,\)"),
        (FAKE[None], ValueError, r"`imgs`.* must have the shape .* got \(1, 54, 6\)"),
        (FAKE[:, :0], ValueError, r"`imgs`.* must have the shape .* got \(54, 0\)"),
        (FAKE[:, :5], ValueError, "`imgs`.* must have as many columns as before, 6; got 5"),
        (FAKE.int(), TypeError, "`imgs`.* must be a floating torch.Tensor; got torch.int32"),
        (FAKE.numpy(), TypeError, "`imgs` must be a torch.Tensor; got an object of type ndarray"),
        (None, TypeError, "`imgs` must be a torch.Tensor; got None"),
    ],
)
@pytest.mark.parametrize("call", [KernelDistance.update, KernelDistance.forward])
def test_batches_that_are_none(call, imgs, error, message):
    metric = filled()
    expected = bits(metric.compute())
    with pytest.raises(error, match=message):
        metric.update(imgs, real=False) if call is KernelDistance.update else metric(imgs, False)
    assert bits(metric.compute()) == expected


class Made(nn.Module):
    """A network that makes the same of anything."""

    def __init__(self, features):
        super().__init__()
        self.features = features

    def forward(self, imgs):
        return self.features


@pytest.mark.parametrize(
    ("made", "error", "message"),
    [
        (
            FAKE[:3],
            ValueError,
            r"What `feature` makes of `imgs` must have the shape \(4, columns\)",
        ),
        (FAKE[:4, 0], ValueError, r"What `feature` makes of `imgs` must have the shape"),
        (
            spoiled(np.nan)[4:8],
            ValueError,
            "What `feature` makes of `imgs` must be finite; got nan",
        ),
        ([FAKE[:4]], TypeError, "What `feature` makes of `imgs` must be a floating torch.Tensor"),
    ],
)
def test_features_that_are_none(made, error, message):
    with pytest.raises(error, match=message):
        KernelDistance(Made(made)).update(torch.zeros(4, 1, 2, 2), real=True)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"feature": 2048}, TypeError, "`feature` must be a torch.nn.Module or None; got 2048"),
        ({"feature": lambda x: x}, TypeError, "`feature` must be a torch.nn.Module or None"),
        ({"kernel": "rbf"}, TypeError, "`kernel` must be a kernel of features, .* got 'rbf'"),
        ({"kernel": kernels.RBF}, TypeError, "`kernel` must be a kernel of features"),
        ({"kernel": kernels.Precomputed(np.eye(3))}, TypeError, "`kernel` must be a kernel of fea"),
        ({"reset_real_features": 1}, TypeError, "`reset_real_features` must be True or False"),
        ({"n_resamples": 0}, ValueError, "`n_resamples` must be at least 1"),
        ({"rng": None}, TypeError, "`rng` must be a whole number"),
        ({"rng": -1}, ValueError, "`rng` must be at least 0"),
        ({"n_jobs": 0}, ValueError, "`n_jobs` must be -1"),
        ({"subsets": 3}, ValueError, "Unexpected keyword arguments: `subsets`"),
        ({"dist_sync_fn": 3}, ValueError, "`dist_sync_fn`"),
    ],
)
def test_options_of_the_wrong_kind(options, error, message):
    with pytest.raises(error, match=message):
        KernelDistance(**options)


@pytest.mark.parametrize("real", [1, None, "real", torch.tensor(True)])
def test_real_is_a_flag(real):
    with pytest.raises(TypeError, match="`real` must be True or False"):
        KernelDistance().update(REAL, real)


@pytest.mark.parametrize(("n", "m"), [(1, 54), (60, 1), (60, 0)])
def test_two_rows_of_each_side(n, m):
    metric = KernelDistance()
    for rows, is_real in ((REAL[:n], True), (FAKE[:m], False)):
        if len(rows):
            metric.update(rows, real=is_real)
    with pytest.raises(ValueError, match=f"two rows of each side; got {n} real and {m} generated"):
        metric.compute()


def test_what_the_test_refuses_is_told_by_side():
    metric = filled(real=torch.ones(5, 3), fake=torch.ones(4, 3))
    with pytest.raises(
        ValueError, match="of the real and the generated features must not be const"
    ):
        metric.compute()


# --- processes -----------------------------------------------------------------------------------


def test_no_rows_are_added_to_those_of_all_processes():
    metric = filled(KernelDistance(n_resamples=999, dist_sync_fn=lambda rows, group: [rows, rows]))
    metric.sync(dist_sync_fn=metric.dist_sync_fn, distributed_available=lambda: True)
    assert len(metric.real_features) == 120
    with pytest.raises(TorchMetricsUserError, match="`update` must not be called between `sync`"):
        metric.update(REAL, real=True)
    metric.unsync()
    assert bits(metric.compute()) == bits(filled().compute())


@pytest.mark.parametrize(("on_step", "times"), [(False, 1), (True, 2)])
def test_a_batch_is_synced_if_asked_for(on_step, times):
    metric = KernelDistance(
        n_resamples=999,
        dist_sync_on_step=on_step,
        dist_sync_fn=lambda rows, group: [rows, rows],
        distributed_available_fn=lambda: True,
    )
    metric.update(REAL, real=True)
    found = metric(FAKE, real=False)
    alone = filled(real=torch.cat([REAL] * times), fake=torch.cat([FAKE] * times))
    assert bits(found) == bits(alone.compute())
    assert bits(metric.compute()) == bits(
        filled(real=torch.cat([REAL] * 2), fake=torch.cat([FAKE] * 2)).compute()
    )
    assert len(metric.fake_features) == 1


# Each process gets the rows of both, and keeps its own; it prints one line a case.
PROCESS = """
import json, sys
import torch
from repdist.torchmetrics import KernelDistance
rank, store, rows, cases = int(sys.argv[1]), sys.argv[2], *map(json.loads, sys.argv[3:])
torch.distributed.init_process_group("gloo", init_method="file://" + store, rank=rank, world_size=2)
X, Y = (torch.tensor(side, dtype=torch.float32) for side in rows)
for name, dtype, *parts in cases:
    metric = KernelDistance(n_resamples=999)
    for side, held, is_real in ((X, parts[0], True), (Y, parts[1], False)):
        for start, stop, columns in held[rank]:
            metric.update(side[start:stop, :columns].to(getattr(torch, dtype)), real=is_real)
    try:
        found = {key: value.item().hex() for key, value in metric.compute().items()}
    except ValueError as error:
        found = str(error)
    count = sum(map(len, metric.fake_features))
    print(json.dumps([name, found, metric._is_synced, count]), flush=True)
"""
ALL = [[0, 60, 6]]
CASES = {
    "shares": ("float32", [[[0, 20, 6], [20, 27, 6]], [[27, 60, 6]]], [[[0, 9, 6]], [[9, 54, 6]]]),
    "swapped": ("float32", [[[27, 60, 6]], [[0, 20, 6], [20, 27, 6]]], [[[9, 54, 6]], [[0, 9, 6]]]),
    "half": ("float16", [[[0, 20, 6]], [[20, 60, 6]]], [[[0, 30, 6]], [[30, 54, 6]]]),
    "one has none": ("float32", [ALL, []], [[[0, 9, 6]], [[9, 54, 6]]]),
    "one has all": ("float64", [[], ALL], [[], ALL]),
    "no generated rows": ("float32", [ALL, []], [[], []]),
    "other widths": ("float32", [ALL, [[0, 5, 5]]], [ALL, []]),
}


@pytest.fixture(scope="module")
def of_processes(tmp_path_factory):
    """What two processes print of each case."""
    arguments = [str(tmp_path_factory.mktemp("processes") / "store")]
    arguments.append(json.dumps([REAL.tolist(), FAKE.tolist()]))
    arguments.append(json.dumps([[name, *case] for name, case in CASES.items()]))
    environment = os.environ | {"PYTHONPATH": str(Path(repdist.__file__).parents[1])}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, rank, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in "01"
    ]
    try:
        printed = [process.communicate(timeout=120)[0] for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    lines = [[json.loads(line) for line in text.splitlines()] for text in printed]
    assert [len(some) for some in lines] == [len(CASES)] * 2
    return {first[0]: (first[1:], second[1:]) for first, second in zip(*lines, strict=True)}


@pytest.mark.skipif(not torch.distributed.is_available(), reason="needs torch.distributed")
@pytest.mark.parametrize("name", CASES)
def test_two_processes_are_one(of_processes, name):
    first, second = of_processes[name]
    assert first[0] == second[0]
    assert first[1] is second[1] is False  # unsynced: both go on with their own rows
    dtype, _, fake = CASES[name]
    counts = [sum(stop - start for start, stop, _ in held) for held in fake]
    assert [first[2], second[2]] == [min(count, 54) for count in counts]
    if name == "no generated rows":
        assert "got 60 real and 0 generated ones" in first[0]
    elif name == "other widths":
        assert first[0] == (
            "Features must have the same number of columns in all processes; got 5 and 6."
        )
    else:
        one = filled(real=REAL.to(getattr(torch, dtype)), fake=FAKE.to(getattr(torch, dtype)))
        assert first[0] == bits(one.compute())
