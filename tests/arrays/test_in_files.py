"""Arrays that lie in files are read block by block, and give the same answer to the bit."""

import errno
import gc
import os
import shutil
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import repdist
from repdist import _arrays, kernels
from repdist._arrays import rows, storage
from repdist._questions import cautions
from repdist.kernels import _bandwidths

ROOT = Path(repdist.__file__).parents[1]


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(1100, 5)), rng.normal(size=(700, 5)) * 1.05
    return X.astype(np.float32), Y.astype(np.float32)


def in_a_file(array, path):
    np.save(path, array)
    return np.load(path, mmap_mode="r")


def in_a_store(array, path):
    zarr = pytest.importorskip("zarr")

    store = zarr.create_array(path, shape=array.shape, chunks=(130, 3), dtype=array.dtype)
    store[:] = array
    return store


def in_shards(array, path):
    zarr = pytest.importorskip("zarr")

    store = zarr.create_array(
        path, shape=array.shape, chunks=(50, 3), shards=(200, 6), dtype=array.dtype
    )
    store[:] = array
    return store


def assert_same(one, other):
    first, second = one.to_dict(), other.to_dict()
    first.pop("memory_bytes"), second.pop("memory_bytes")
    assert first == second
    np.testing.assert_array_equal(one.null_distribution, other.null_distribution)


KERNELS = [kernels.MultiRBF(), kernels.Laplacian(), kernels.Energy(), kernels.Linear()]


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: type(kernel).__name__)
@pytest.mark.parametrize("store", [in_a_file, in_a_store, in_shards])
def test_the_test_is_that_of_arrays_in_memory(kernel, store, samples, tmp_path):
    X, Y = samples
    expected = repdist.mmd_test(X, Y, kernel=kernel, n_resamples=199, rng=0)
    A, B = store(X, tmp_path / "x.npy"), store(Y, tmp_path / "y.npy")
    assert_same(repdist.mmd_test(A, B, kernel=kernel, n_resamples=199, rng=0), expected)
    assert_same(repdist.mmd_test(X, B, kernel=kernel, n_resamples=199, rng=0), expected)
    assert repdist.mmd_squared(A, B, kernel=kernel) == repdist.mmd_squared(X, Y, kernel=kernel)


@pytest.mark.parametrize("dtype", [np.int16, np.float16, np.float64, bool])
def test_other_dtypes_become_floats_as_in_memory(dtype, samples, tmp_path):
    X, Y = (np.maximum(sample * 2, 0).astype(dtype) for sample in samples)
    expected = repdist.mmd_test(X, Y, n_resamples=99, rng=0)
    A, B = in_a_file(X, tmp_path / "x.npy"), in_a_file(Y, tmp_path / "y.npy")
    assert_same(repdist.mmd_test(A, B, n_resamples=99, rng=0), expected)


def test_small_samples_in_files(tmp_path):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(4, 2)), rng.normal(size=(4, 2)) + 1
    A, B = in_a_file(X, tmp_path / "x.npy"), in_a_file(Y, tmp_path / "y.npy")
    assert_same(repdist.mmd_test(A, B, rng=0), repdist.mmd_test(X, Y, rng=0))


def test_groups_in_a_file(samples, tmp_path):
    groups = samples[0][:900].reshape(3, 300, 5)
    expected = repdist.pairwise_mmd_test(groups, n_resamples=99, rng=0).to_frame()
    got = repdist.pairwise_mmd_test(in_a_file(groups, tmp_path / "g.npy"), n_resamples=99, rng=0)
    assert got.to_frame().equals(expected)
    rows = in_a_file(groups.reshape(900, 5), tmp_path / "r.npy")
    labels = np.tile([2, 0, 1], 300)
    got = repdist.pairwise_mmd_test(rows, labels, n_resamples=99, rng=0)
    expected = repdist.pairwise_mmd_test(np.array(rows), labels, n_resamples=99, rng=0)
    assert got.to_frame().equals(expected.to_frame())


def test_a_file_is_not_changed(samples, tmp_path):
    X, Y = samples
    A = np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=X.dtype, shape=X.shape)
    A[:] = X
    repdist.mmd_test(A, Y, n_resamples=9, rng=0)
    np.testing.assert_array_equal(A, X)


@pytest.mark.parametrize("store", [in_a_file, in_a_store], ids=["memmap", "zarr"])
def test_the_last_row_is_named_if_it_is_bad(store, tmp_path):
    X = np.zeros((9001, 2), np.float32)
    X[:, 0] = np.arange(9001)
    X[9000, 1] = np.nan
    with pytest.raises(ValueError, match=r"`X` .* got nan in row 9000, column 1 \(1 such row of"):
        repdist.mmd_test(store(X, tmp_path / "x.npy"), X[:10])


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux")
def test_temporary_files_go(samples, tmp_path):
    X, Y = samples
    A = in_a_file(X, tmp_path / "x.npy")
    repdist.mmd_test(A, Y, n_resamples=9, rng=0)
    gc.collect()
    assert not [
        line
        for line in Path("/proc/self/maps").read_text().splitlines()
        if line.endswith("(deleted)") and tempfile.gettempdir() in line
    ]


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux")
@pytest.mark.slow
def test_blocks_are_all_that_comes_into_memory(tmp_path):
    """A file of 102 MB, where a copy in memory would show; nothing larger than blocks is made."""
    code = f"""
import resource, numpy as np, repdist
path = {str(tmp_path / "x.npy")!r}
A = np.lib.format.open_memmap(path, mode="w+", dtype="f4", shape=(200_000, 128))
rng = np.random.default_rng(0)
for start in range(0, len(A), 10_000):
    A[start : start + 10_000] = rng.standard_normal((10_000, 128))
del A
A = np.load(path, mmap_mode="r")
from repdist import _arrays
from repdist._questions import cautions
def anonymous():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) // 1024
(B,) = _arrays.read_samples({{"X": A}})
_arrays.check_varies([B], "X")
orders = [rng.permutation(150_000), rng.permutation(50_000)]
Z = _arrays.concatenate([B[:150_000], B[150_000:]], orders)
assert _arrays.in_file(Z)
before = anonymous()
repdist.kernels.MultiRBF().fit(Z)
cautions._column_variances(Z)
print(before, anonymous())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    before, after = map(int, done.stdout.split())
    assert after - before < 60


def test_rows_are_read_once_in_their_order(monkeypatch, samples, tmp_path):
    """The shuffled copy is made by one pass from beginning to end."""
    X, _ = samples
    A = in_a_file(X, tmp_path / "x.npy")
    monkeypatch.setattr(rows, "CHUNK", 100)
    order = np.random.default_rng(0).permutation(len(X))
    Z = _arrays.concatenate([A, A[:7]], [order, np.arange(7)])
    np.testing.assert_array_equal(Z, np.concatenate([X[order], X[:7]]))


VIEWS = {
    "slice": lambda mapped: mapped[:10],
    "array": np.asarray,
    "view of a view": lambda mapped: np.asarray(mapped)[5:, 1:][::-1],
    "DataFrame": lambda mapped: pd.DataFrame(mapped, copy=False),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_file_that_has_become_shorter_is_named(view, samples, tmp_path):
    """Read on, it would kill the process with a bus error."""
    X, Y = samples
    path = tmp_path / "x.npy"
    np.save(path, X)
    mapped = view(np.load(path, mmap_mode="r"))
    with path.open("r+b") as file:
        file.truncate(200)
    with pytest.raises(ValueError, match=r"`X` must lie in a file of at least .* has 200"):
        repdist.mmd_test(mapped, Y)


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open stays there")
@pytest.mark.parametrize("other", [None, b"short"], ids=["none", "another"])
def test_a_file_that_has_lost_its_name_is_read_on(other, samples, tmp_path):
    X, Y = samples
    A = in_a_file(X, tmp_path / "x.npy")
    (tmp_path / "x.npy").unlink()
    if other is not None:
        (tmp_path / "x.npy").write_bytes(other)
    expected = repdist.mmd_test(X, Y, n_resamples=99, rng=0)
    assert_same(repdist.mmd_test(A, Y, n_resamples=99, rng=0), expected)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs Linux")
def test_a_full_disk_is_named(monkeypatch, samples, tmp_path):
    """Written on, it would kill the process with a bus error."""

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    X, Y = samples
    A = in_a_file(X, tmp_path / "x.npy")
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match=r"must have room for [\d,]+ bytes; got .* Set TMPDIR to"):
        repdist.mmd_test(A, Y)


@pytest.mark.parametrize("store", [in_a_store, in_shards])
@pytest.mark.parametrize("lost", ["c/0/0", "c/4/0", "c"])
def test_missing_chunks_are_named(store, lost, samples, tmp_path):
    """They would be read as zeros."""
    X, Y = samples
    A = store(X, tmp_path / "x.zarr")
    gone = tmp_path / "x.zarr" / lost
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    with pytest.raises(ValueError, match=r"`X` must have all its chunks in the store; got \d+ of"):
        repdist.mmd_test(A, Y)
    with pytest.raises(ValueError, match="`groups` must have all its chunks"):
        repdist.pairwise_mmd_test(A, np.arange(len(X)) % 2)


@pytest.mark.parametrize("chunks", [(1000, 3), (7, 2), (1000, 5), (20, 1)])
def test_stores_are_read_in_small_pieces(chunks, monkeypatch, tmp_path):
    zarr = pytest.importorskip("zarr")

    X = np.arange(5000.0).reshape(1000, 5)
    store = zarr.create_array(tmp_path / "x.zarr", data=X, chunks=chunks)
    read, sizes = type(store).__getitem__, []

    def watched(self, place):
        part = read(self, place)
        sizes.append(part.size)
        return part

    monkeypatch.setattr(type(store), "__getitem__", watched)
    monkeypatch.setattr(storage, "ENTRIES", 100)
    np.testing.assert_array_equal(storage.from_store(store), X)
    assert max(sizes) <= max(100, chunks[0] * chunks[1])
    assert len(sizes) <= 2 * X.size / max(50, chunks[0] * chunks[1]) + 1


def peak(function, *arguments):
    """Return the result and the most bytes that NumPy and Python held meanwhile."""
    tracemalloc.start()
    try:
        return function(*arguments), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_wide_rows_are_copied_in_small_pieces(monkeypatch, tmp_path):
    """In the same sums to the bit: those over rows take the same rows, but fewer columns."""

    def looks():
        (B,) = _arrays.read_samples({"X": A})
        _arrays.check_varies([B], "X")
        centre = _arrays.centre_row(B)
        moved = _arrays.shifted_and_scaled(B[:10], centre, 0.5)
        columns = cautions._column_variances(B), _bandwidths._column_sums(B)
        columns += (_bandwidths.mean_squared_distance(B),)
        return [centre, moved, *columns, _arrays.project(B, centre, np.ones(4000))]

    A = in_a_file(np.random.default_rng(0).random((500, 4000), np.float32), tmp_path / "x.npy")
    expected = looks()
    monkeypatch.setattr(rows, "ENTRIES", 2**16)
    got, most = peak(looks)
    assert most < A.nbytes / 2
    for ours, theirs in zip(got, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_bad_row_among_wide_ones_is_named(monkeypatch):
    monkeypatch.setattr(rows, "ENTRIES", 100)
    X = np.random.default_rng(0).random((50, 30))
    X[44, 7] = np.nan
    with pytest.raises(ValueError, match=r"`X` .* got nan in row 44, column 7 \(1 such row of 50"):
        repdist.mmd_test(X, X[:10])


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize(
    "kernel", [*KERNELS[::3], kernels.Energy(), kernels.MultiRBF("mean")], ids=repr
)
def test_the_memory_that_a_result_states_is_not_exceeded(kernel, dtype, tmp_path):
    Z = np.random.default_rng(0).random((9000, 1000), np.float32).astype(dtype)
    A = in_a_file(np.asfortranarray(Z), tmp_path / "x.npy")
    result, most = peak(
        lambda: repdist.mmd_test(A[:4500], A[4500:], kernel=kernel, n_resamples=9, rng=0, n_jobs=1)
    )
    assert most <= result.memory_bytes
