"""Dask arrays: the same answer as NumPy arrays, from workers that may die."""

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import repdist
from repdist import kernels
from repdist._arrays import on_dask
from repdist._pass import on_dask as pass_on_dask
from repdist._pass.geometry import Strip

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
Client, LocalCluster = (
    getattr(pytest.importorskip("dask.distributed"), name) for name in ("Client", "LocalCluster")
)
cloudpickle = pytest.importorskip("cloudpickle")
cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import this file

RNG = np.random.default_rng(0)
X = RNG.normal(size=(900, 5))
Y = RNG.normal(size=(1300, 5)) * 1.03 + 0.02
FIELDS = ("statistic", "pvalue", "mmd_squared", "standard_error", "cautions", "n_bins")


@pytest.fixture(scope="module")
def cluster():
    """Two processes, of which one that is killed comes back, however long that takes."""
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1h"}),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            memory_limit=0,
        ) as workers,
    ):
        yield workers


@pytest.fixture
def client(cluster):
    with Client(cluster) as connected:
        connected.wait_for_workers(2, timeout=120)
        yield connected


@pytest.fixture
def many_blocks(monkeypatch):
    """Small super-blocks, so that little data make many tasks."""
    monkeypatch.setattr(pass_on_dask, "_LEAST_ROWS", 300)


def lazy(array, *chunks):
    return da.from_array(array, chunks=chunks or (len(array) // 3 + 1, -1))


# --- the answer is the local one ----------------------------------------------------------------


KERNELS = {
    "grid": kernels.MultiRBF(),
    "mean": kernels.MultiRBF("mean", weights="sum"),
    "median": kernels.RBF(),
    "laplacian": kernels.Laplacian(),
    "energy": kernels.Energy(),
    "linear": kernels.Linear(),
    "polynomial": kernels.Polynomial(),
}


ODD, SMALL = ((400, 500), (2, 3)), (77, -1)


@pytest.mark.parametrize(
    ("name", "chunks"), [*((name, ODD) for name in KERNELS), ("grid", SMALL), ("energy", SMALL)]
)
def test_float64_gives_the_answer_of_numpy(many_blocks, name, chunks):
    """With Dask's default scheduler. Kernels are fitted to the bit, p is equal."""
    options = {"kernel": KERNELS[name], "rng": 1, "n_resamples": 499}
    ours = repdist.mmd_test(X, Y, **options)
    theirs = repdist.mmd_test(lazy(X, *chunks), lazy(Y, 900, 5), **options)
    assert theirs.kernel == ours.kernel
    assert theirs.pvalue == ours.pvalue
    assert theirs.cautions == ours.cautions
    np.testing.assert_allclose(theirs.mmd_squared, ours.mmd_squared, rtol=1e-9)
    np.testing.assert_allclose(theirs.standard_error, ours.standard_error, rtol=1e-12)
    np.testing.assert_allclose(theirs.null_distribution, ours.null_distribution, atol=1e-10)


@pytest.mark.parametrize(
    ("combine", "dtype"),
    [("max", np.float32), ("max", np.float64), ("mean", np.float64), ("fuse", np.float32)],
)
def test_a_cluster_gives_the_answer_of_numpy(client, many_blocks, combine, dtype):
    options = {"combine": combine, "rng": 2, "n_resamples": 999}
    A, B = X.astype(dtype), Y.astype(dtype)
    ours = repdist.mmd_test(A, B, **options)
    theirs = repdist.mmd_test(lazy(A), lazy(B), **options)
    assert theirs.kernel == ours.kernel
    few = 3 / 1000 if dtype == np.float32 else 0
    assert abs(theirs.pvalue - ours.pvalue) <= few
    rtol = 1e-3 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(theirs.mmd_squared, ours.mmd_squared, rtol=rtol)
    again = repdist.mmd_test(lazy(A), lazy(B), **options)
    assert all(getattr(again, field) == getattr(theirs, field) for field in FIELDS)


@pytest.mark.parametrize(("n", "m"), [(2, 3), (40, 90), (130, 126), (129, 128), (70, 1300)])
def test_any_sizes(n, m):
    """Exhaustive, single rows, differences of rows, units with frozen rows."""
    ours = repdist.mmd_test(X[:n], Y[:m], rng=0, n_resamples=299)
    theirs = repdist.mmd_test(lazy(X[:n]), lazy(Y[:m]), rng=0, n_resamples=299)
    assert theirs.pvalue == ours.pvalue
    assert theirs.exhaustive == ours.exhaustive
    np.testing.assert_allclose(theirs.mmd_squared, ours.mmd_squared, rtol=1e-9)


NOT_DECLARED = {
    "masked": lambda block: np.ma.masked_less(block, 0),
    "complex": lambda block: block + 1j,
    "objects": lambda block: block.astype(object),
    "text": lambda block: block.astype(str),
    "longer": lambda block: np.concatenate([block, block]),
}


@pytest.mark.parametrize("name", NOT_DECLARED)
def test_blocks_that_are_not_as_declared_are_refused(name):
    A = lazy(X).map_blocks(NOT_DECLARED[name], dtype=X.dtype, meta=np.empty((0, 0)))
    with pytest.raises((TypeError, ValueError), match="`X` must have blocks as its meta says: flo"):
        repdist.mmd_test(A, lazy(Y), n_resamples=9)


@pytest.mark.parametrize("real", [np.float16, np.int16, np.float64])
@pytest.mark.parametrize("declared", [np.float32, np.int64])
def test_blocks_of_other_numbers_are_brought_to_the_declared_type(real, declared):
    A = lazy(X).map_blocks(
        lambda block: block.astype(real), dtype=declared, meta=np.empty((0, 0), declared)
    )
    wide = np.float32 if declared == np.float32 else np.float64
    B = lazy(Y.astype(wide))
    ours = repdist.mmd_test(lazy(X.astype(real).astype(wide)), B, rng=0, n_resamples=99)
    theirs = repdist.mmd_test(A, B, rng=0, n_resamples=99)
    assert all(getattr(ours, field) == getattr(theirs, field) for field in FIELDS)


def test_units_longer_than_tiles_and_super_blocks(many_blocks):
    options = {"rng": 0, "n_bins": 2, "n_resamples": 99}
    ours = repdist.mmd_test(X, Y, **options)
    theirs = repdist.mmd_test(lazy(X), lazy(Y), **options)
    assert theirs.pvalue == ours.pvalue
    np.testing.assert_allclose(theirs.standard_error, ours.standard_error, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.int64, np.bool_, np.float16, ">f8"])
def test_other_dtypes_become_those_that_numpy_ones_do(dtype):
    A, B = ((np.maximum(Z[:200], 0) * 3).astype(dtype) for Z in (X, Y))
    ours = repdist.mmd_squared(A, B)
    assert repdist.mmd_squared(lazy(A), lazy(B)) == pytest.approx(ours, rel=1e-5)


@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
def test_the_estimate_alone(client, estimator):
    value = repdist.mmd_squared(lazy(X), lazy(Y), estimator=estimator)
    assert isinstance(value, float)
    assert value == pytest.approx(repdist.mmd_squared(X, Y, estimator=estimator), rel=1e-9)


def test_one_column_and_the_median(client):
    column = lazy(X[:, 0], 400)
    assert repdist.mmd_squared(column, lazy(Y[:, 0], 400)) == pytest.approx(
        repdist.mmd_squared(X[:, 0], Y[:, 0]), rel=1e-9
    )
    assert repdist.median_heuristic(column) == repdist.median_heuristic(X[:, 0])
    assert repdist.median_heuristic(lazy(X), lazy(Y)) == repdist.median_heuristic(X, Y)


GROUPS = {"a": X[:300], "b": Y[:500], "c": X[300:900] + 0.1}


def as_mapping():
    return GROUPS, {name: lazy(group) for name, group in GROUPS.items()}, None


def as_list():
    return list(GROUPS.values()), [lazy(group) for group in GROUPS.values()], ["a", "b", "c"]


def as_cube():
    cube = np.stack([X[:400], X[400:800], Y[:400]])
    return cube, da.from_array(cube, chunks=(2, 150, -1)), None


def as_rows():
    return X, lazy(X), RNG.choice(["left", "middle", "right"], len(X))


@pytest.mark.parametrize("form", [as_mapping, as_list, as_cube, as_rows])
def test_a_table_of_groups(client, many_blocks, form):
    ours, theirs, labels = form()
    ours, theirs = (
        repdist.pairwise_mmd_test(groups, labels, rng=0, combine="fuse", n_resamples=199)
        for groups in (ours, theirs)
    )
    assert theirs.kernel == ours.kernel
    assert theirs.names == ours.names
    assert theirs.cautions == ours.cautions
    for table in ("pvalue", "pvalue_adjusted"):
        np.testing.assert_array_equal(getattr(theirs, table), getattr(ours, table))
    for table in ("mmd_squared", "effect", "noise_floor", "ci_high"):
        np.testing.assert_allclose(getattr(theirs, table), getattr(ours, table), rtol=1e-8)
    assert theirs.global_test(99) == ours.global_test(99)


def test_groups_beside_a_reference(many_blocks):
    """With Dask's default scheduler; no block between groups is asked for."""
    options = {"n_resamples": 199, "rng": 0}
    ours = repdist.compare_to_reference(X, GROUPS, **options)
    lazy_groups = {name: lazy(group) for name, group in GROUPS.items()}
    theirs = repdist.compare_to_reference(lazy(X), lazy_groups, **options)
    assert theirs.kernel == ours.kernel
    assert theirs.cautions == ours.cautions
    got, expected = theirs.to_frame(), ours.to_frame()
    np.testing.assert_array_equal(got["pvalue"], expected["pvalue"])
    np.testing.assert_allclose(got["mmd_squared"], expected["mmd_squared"], rtol=1e-8)
    np.testing.assert_allclose(
        theirs.compared.joint.covariance, ours.compared.joint.covariance, rtol=1e-8
    )


# --- landmarks -----------------------------------------------------------------------------------


THROUGH = {
    "method": "landmarks", "n_landmarks": 20, "rng": 3, "n_resamples": 199,
    "kernel": kernels.MultiRBF("median", size=3),
}  # fmt: skip


@pytest.fixture
def few_at_a_time(monkeypatch):
    """Little data in many spans, of which some rows are quoted."""
    monkeypatch.setattr("repdist._pass.landmarks._SPAN", 500)
    monkeypatch.setattr("repdist._questions.landmarks.QUOTED", 200)


@pytest.fixture
def one_worker():
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
        ) as workers,
        Client(workers) as connected,
    ):
        yield connected


@pytest.fixture(params=["no cluster", "one_worker", "client"])
def workers(request):
    """Dask's default scheduler, a cluster of one thread, and one of two processes."""
    return None if request.param == "no cluster" else request.getfixturevalue(request.param)


def both_through_landmarks(A, B):
    ours = repdist.mmd_test(A, B, **THROUGH)
    theirs = repdist.mmd_test(lazy(A, 170, 3), lazy(B), **THROUGH)
    assert theirs.kernel == ours.kernel
    assert theirs.landmarks == ours.landmarks
    assert theirs.cautions == ours.cautions
    return ours, theirs


def test_through_landmarks_workers_give_the_answer_of_numpy(workers, few_at_a_time):
    ours, theirs = both_through_landmarks(X, Y)
    assert theirs.pvalue == ours.pvalue
    np.testing.assert_allclose(theirs.null_distribution, ours.null_distribution, 1e-9, 1e-12)
    np.testing.assert_allclose(theirs.mmd_squared, ours.mmd_squared, rtol=1e-9)


def test_through_landmarks_in_float32(few_at_a_time):
    ours, theirs = both_through_landmarks(X.astype(np.float32), Y.astype(np.float32))
    assert abs(theirs.pvalue - ours.pvalue) <= 3 / 256
    np.testing.assert_allclose(theirs.null_distribution, ours.null_distribution, 1e-2, 1e-2)


def test_a_table_through_landmarks(few_at_a_time):
    ours = repdist.pairwise_mmd_test(GROUPS, **THROUGH)
    theirs = repdist.pairwise_mmd_test(as_mapping()[1], **THROUGH)
    np.testing.assert_array_equal(theirs.pvalue, ours.pvalue)
    assert theirs.landmarks == ours.landmarks


@dataclass(frozen=True)
class Cauchy(kernels.Kernel):
    """A kernel of a user's own, fitted on the rows that it is given."""

    scale: float = 1.0

    def fit(self, Z):
        return Cauchy(float(abs(Z).max()))

    def evaluate(self, X, Y):
        return 1 / (1 + ((X[:, None] - Y[None]) ** 2).sum(axis=2) / self.scale**2)


def test_a_kernel_of_ones_own(client, many_blocks):
    options = {"kernel": Cauchy(), "rng": 0, "n_resamples": 199}
    ours = repdist.mmd_test(X[:500], Y[:700], **options)
    theirs = repdist.mmd_test(lazy(X[:500]), lazy(Y[:700]), **options)
    assert theirs.kernel == ours.kernel
    assert theirs.pvalue == ours.pvalue


def test_the_data_are_computed_once_and_do_not_come_here(monkeypatch):
    reads, fetched = [], []

    def read(block):
        reads.append(len(block))
        return block

    monkeypatch.setattr(
        on_dask, "results", lambda tasks, real=on_dask.results: noted(real(tasks), fetched)
    )
    A, B = lazy(X).map_blocks(read, dtype=float, meta=np.empty((0, 0))), lazy(Y)
    repdist.mmd_test(A, B, rng=0, n_resamples=99)
    assert sum(reads) == len(X)
    assert max(fetched) < 1001 * 5  # never (N, d): the rows that bandwidths are fitted on


def noted(results, sizes):
    for result in results:
        sizes.append(getattr(result, "size", 0))
        yield result


# --- super-blocks --------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 10, 25, 1000])
def test_super_blocks_hold_every_strip_once(rows):
    strips = [Strip(10 * i, 10 * i + 10, 5 * i, 5, 0) for i in range(9)]
    runs = pass_on_dask._cut_evenly(strips, rows)
    assert [strip for run in runs for strip in run] == strips
    assert all(runs)
    assert all(10 * len(run) >= min(rows, 90) for run in runs)


# --- workers that die ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Deadly(kernels.Kernel):
    """Kills the worker that computes with it, after some calls, as often as `folder` allows."""

    folder: str
    deaths: int
    peaceful: int = 0

    def evaluate(self, X, Y):
        calls = Path(self.folder, f"calls-{os.getpid()}")
        calls.open("a").write(".")
        graves = len(list(Path(self.folder).glob("grave-*")))
        if calls.stat().st_size > self.peaceful and graves < self.deaths:
            Path(self.folder, f"grave-{os.getpid()}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return np.exp(-0.1 * ((X[:, None] - Y[None]) ** 2).sum(axis=2))


@pytest.mark.skipif(sys.platform == "win32", reason="a signal of Unix")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_a_killed_worker_held_is_computed_again(client, many_blocks, tmp_path):
    """It dies in the middle: it has sums behind it, and holds rows of the others' tasks."""
    before = set(client.scheduler_info()["workers"])
    options = {"rng": 0, "n_resamples": 199}
    quiet = Deadly(str(tmp_path), deaths=0)
    ours = repdist.mmd_test(X[:900], Y[:1200], kernel=quiet, **options)
    deadly = Deadly(str(tmp_path), deaths=1, peaceful=5)
    theirs = repdist.mmd_test(lazy(X[:900]), lazy(Y[:1200]), kernel=deadly, **options)
    assert len(list(tmp_path.glob("grave-*"))) == 1
    assert theirs.pvalue == ours.pvalue
    np.testing.assert_allclose(theirs.null_distribution, ours.null_distribution, atol=1e-10)
    client.wait_for_workers(2, timeout=120)
    assert set(client.scheduler_info()["workers"]) != before


@pytest.mark.skipif(sys.platform == "win32", reason="a signal of Unix")
def test_work_that_kills_every_worker_is_an_error(client, cluster, monkeypatch, tmp_path):
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    deadly = Deadly(str(tmp_path), deaths=100)
    with pytest.raises(RuntimeError, match=r"cluster could not finish .*memory"):
        repdist.mmd_test(lazy(X[:300]), lazy(Y[:300]), kernel=deadly, rng=0)
    client.wait_for_workers(2, timeout=120)


def test_a_cluster_without_workers_is_an_error(monkeypatch):
    monkeypatch.setattr(on_dask, "_LOOK", 0.05)
    monkeypatch.setattr(on_dask, "_MOST_LOOKS", 4)
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as empty,
        Client(empty),
        pytest.raises(RuntimeError, match="must have workers; it had none for"),
    ):
        repdist.mmd_test(lazy(X), lazy(Y), rng=0)


def test_an_error_of_a_task_is_raised_as_it_is(client):
    def fail(block):
        raise OSError("no such disk")

    broken = lazy(X).map_blocks(fail, dtype=float, meta=np.empty((0, 0)))
    with pytest.raises(OSError, match="no such disk"):
        repdist.mmd_test(broken, lazy(Y), rng=0)


def test_what_is_not_needed_any_more_is_cancelled(client):
    results = on_dask.results([on_dask.task(time.sleep, seconds) for seconds in (0, *[1] * 50)])
    next(results)
    results.close()
    deadline = time.monotonic() + 20
    while any(key.startswith("sleep") for key in client.run_on_scheduler(keys_of)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def keys_of(dask_scheduler):
    return [str(key) for key in dask_scheduler.tasks]


# --- what is refused -----------------------------------------------------------------------------


def unknown(array):
    return lazy(array)[lazy(array)[:, 0] > -1]


def test_unknown_chunk_sizes():
    with pytest.raises(ValueError, match=r"`Y` must have known .*`Y.compute_chunk_sizes\(\)`"):
        repdist.mmd_test(lazy(X), unknown(Y))
    with pytest.raises(ValueError, match=r"`groups\['b'\]` must have known chunk sizes"):
        repdist.pairwise_mmd_test({"a": lazy(X), "b": unknown(Y)})
    with pytest.raises(ValueError, match=r"`groups` .*`groups.compute_chunk_sizes\(\)`"):
        repdist.pairwise_mmd_test(unknown(X), np.zeros(900))
    known = unknown(Y).compute_chunk_sizes()
    assert repdist.mmd_squared(lazy(X), known) == pytest.approx(
        repdist.mmd_squared(X, Y[Y[:, 0] > -1]), rel=1e-9
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e200])
def test_a_value_that_is_not_finite_is_named_as_for_numpy(value):
    flawed = RNG.normal(size=(9000, 2))
    flawed[8500, 1] = flawed[8999, 0] = value
    messages = []
    for make in (np.asarray, lambda array: lazy(array, 1111, 1)):
        with pytest.raises(ValueError, match=r"`Y` .* row 8500, column 1 \(2 such rows") as error:
            repdist.mmd_test(make(X[:, :2]), make(flawed))
        messages.append(str(error.value))
    assert messages[0] == messages[1]


def test_mixed_libraries():
    with pytest.raises(TypeError, match=r"one array library; got Dask and NumPy.*from_array"):
        repdist.mmd_test(lazy(X), Y)
    with pytest.raises(TypeError, match="one array library"):
        repdist.pairwise_mmd_test([X, lazy(Y)])


def test_equal_rows():
    ones = da.ones((300, 2), chunks=100)
    with pytest.raises(ValueError, match="must not be constant"):
        repdist.mmd_test(ones, ones)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: lazy(X.astype(complex)), TypeError, "hold real numbers; got dtype complex128"),
        (lambda: lazy(X.astype(str)), TypeError, "hold real numbers"),
        (lambda: lazy(X.reshape(-1, 5, 1), 100, 5, 1), ValueError, "got 3 dimensions"),
        (lambda: lazy(X[:1], 1, 5), ValueError, "at least 2 rows; got 1"),
        (lambda: lazy(X[:, :0], 100, 1), ValueError, "at least one column"),
        (lambda: lazy(X[:, :4], 100, 4), ValueError, "same number of columns; got 4 and 5"),
        (lambda: da.ma.masked_greater(lazy(X), 0), TypeError, "NumPy arrays; got MaskedArray"),
        (lambda: da.from_array(np.float64(1)), ValueError, r"must have shape \(rows, columns\)"),
    ],
)
def test_other_bad_input(make, error, match):
    with pytest.raises(error, match=match):
        repdist.mmd_test(make(), lazy(Y))


def test_what_needs_the_rows_here():
    with pytest.raises(TypeError, match=r"`X` must lie in memory .*`X.compute\(\)`"):
        kernels.RBF(1.0)(lazy(X), lazy(Y))
    with pytest.raises(TypeError, match=r"`K` must lie in memory"):
        kernels.Precomputed(lazy(X[:5]))
    rows = da.arange(20, chunks=7)
    with pytest.raises(TypeError, match=r"NumPy row numbers .*`\.compute\(\)`"):
        repdist.mmd_test(rows[:10], rows[10:], kernel=kernels.Precomputed(X[:20] @ X[:20].T))


def test_scales_that_a_kernel_cannot_hold_are_found_over_all_blocks(many_blocks):
    """A block of zeros is no flaw if others vary; values too large are one in any block."""
    A = X.copy()
    A[:] = 0
    A[-1] = 1
    for kernel in (kernels.Energy(), kernels.Linear()):
        ours = repdist.mmd_squared(A, Y, kernel=kernel)
        assert repdist.mmd_squared(lazy(A), lazy(Y), kernel=kernel) == pytest.approx(ours)
    with pytest.raises(ValueError, match="must have a spread between"):
        repdist.mmd_squared(lazy(X * 1e120), lazy(Y * 1e120), kernel=kernels.Energy())


@pytest.mark.filterwarnings("ignore:Running on a single-machine scheduler")  # of older dask
def test_the_scheduler_is_the_one_that_is_set(client):
    with dask.config.set(scheduler="synchronous"):
        assert on_dask._client() is None
    assert on_dask._client() is client
