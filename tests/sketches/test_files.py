"""Files of references and sketches: the same bits, whole or not at all, and no others are read."""

import gc
import json
import os
import pickle
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import repdist
from repdist import kernels
from repdist.sketches import _store

RNG = np.random.default_rng(20)
X = RNG.normal(size=(600, 3))
Y = RNG.normal(size=(200, 3)) + 0.3
SMALL = {"rows_per_bin": 8, "max_bins": 20, "n_landmarks": 20, "rng": 0}
QUICK = {"n_resamples": 99, "rng": 0}
REFERENCE = repdist.Reference(pd.DataFrame(X, columns=["a", "b", "é"]), name="<b>", **SMALL)
SKETCH = REFERENCE.sketch(Y, rng=0)
KINDS = pytest.mark.parametrize("thing", [REFERENCE, SKETCH], ids=["Reference", "Sketch"])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.npz"


def load(thing, path):
    return type(thing).load(path)


def parts_of(path):
    """Return the header and the arrays of a file."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    return json.loads(bytes(arrays.pop("header")).decode()), arrays


def write_parts(path, header, arrays, *, sealed=False):
    """Write a file of these parts; `sealed`: as if `save` had written them."""
    if sealed:
        said = {name: value for name, value in header.items() if name != "content"}
        header = said | {"content": _store._digest(said, arrays)}
    text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    with path.open("wb") as file:
        np.savez(file, header=text, **arrays)


# --- there and back ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kernel",
    [
        kernels.MultiRBF(),
        kernels.MultiRBF("mean", size=3, weights="sum"),
        kernels.RBF(1.5),
        kernels.Laplacian(),
        kernels.RationalQuadratic(alpha=0.7),
        kernels.Matern(nu=1.5),
    ],
    ids=repr,
)
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_a_reference_comes_back_to_the_bit(path, kernel, dtype):
    reference = repdist.Reference(X.astype(dtype), kernel=kernel, **SMALL)
    reference.save(path)
    again = repdist.Reference.load(path)
    assert again.plan.digest == reference.plan.digest
    assert again.kernel == reference.kernel
    assert repr(again) == repr(reference)
    assert str(again) == str(reference)
    assert again.plan.landmarks.dtype == reference.plan.landmarks.dtype == dtype
    for name in ("bins", "rest"):
        mine, its = (getattr(r.as_sketch(), name) for r in (reference, again))
        assert mine.tobytes() == its.tobytes()
    assert again.floor_rate == reference.floor_rate
    rows = Y.astype(dtype)
    assert again.compare(rows, **QUICK).to_dict() == reference.compare(rows, **QUICK).to_dict()


@KINDS
def test_it_comes_back_with_all_that_it_says(path, thing):
    thing.save(path)
    again = load(thing, path)
    assert again.to_dict() == thing.to_dict()
    assert again.summary() == thing.summary()
    assert again.plan.columns == ("a", "b", "é")
    again.save(path)  # and once more
    assert load(thing, path).to_dict() == thing.to_dict()


def test_a_sketch_from_a_file_compares_and_adds_up(path):
    SKETCH.save(path)
    again = repdist.Sketch.load(path)
    assert again.digest == SKETCH.digest
    assert (
        REFERENCE.compare(again, **QUICK).to_dict() == REFERENCE.compare(SKETCH, **QUICK).to_dict()
    )
    assert (again + SKETCH).n == 400


def test_another_process_makes_the_same_sketch(tmp_path):
    """From the file alone."""
    REFERENCE.save(tmp_path / "reference.npz")
    np.save(tmp_path / "rows.npy", Y)
    code = (
        "import numpy as np, repdist\n"
        "reference = repdist.Reference.load('reference.npz')\n"
        "reference.sketch(np.load('rows.npy'), rng=0).save('part.npz')\n"
    )
    home = str(Path(repdist.__file__).parents[1])
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=tmp_path, timeout=120,
        env=os.environ | {"PYTHONPATH": home},
    )  # fmt: skip
    assert repdist.Sketch.load(tmp_path / "part.npz").digest == SKETCH.digest


@KINDS
def test_the_name_of_the_file_is_the_one_given(tmp_path, thing):
    for name in ("without", "with.other", "é b.npz"):
        thing.save(tmp_path / name)
        thing.save(str(tmp_path / name))  # over itself
    assert {file.name for file in tmp_path.iterdir()} == {"without", "with.other", "é b.npz"}


@KINDS
def test_the_file_holds_numbers_and_json_alone(path, thing):
    thing.save(path)
    with zipfile.ZipFile(path) as file:
        assert all(name.endswith(".npy") for name in file.namelist())
    header, arrays = parts_of(path)
    assert header["format"] == 1
    assert header["version"] == repdist.__version__
    assert set(arrays) == {"landmarks", "bins", "rest"}
    assert all(array.dtype == np.float64 for array in arrays.values())
    size = sum(array.nbytes for array in arrays.values())
    assert path.stat().st_size < size + 5000


# --- what is refused -----------------------------------------------------------------------------

CHANGED = r"has been changed since\. Make it again\."


@KINDS
def test_a_file_that_was_changed_is_refused(path, thing):
    """Any number of the header or of an array: by one unit in the last place."""
    thing.save(path)
    header, arrays = parts_of(path)
    write_parts(path, header, arrays)  # as it was
    assert load(thing, path).to_dict() == thing.to_dict()
    for name in ("n", "unseen"):
        write_parts(path, header | {name: header[name] + 1}, arrays)
        with pytest.raises(ValueError, match=rf"^`path` must be as .*{path.name} {CHANGED}"):
            load(thing, path)
    for name, values in arrays.items():
        other = values.copy()
        other.flat[-1] = np.nextafter(other.flat[-1], np.inf)
        for changed in (other, values.reshape(-1), values.astype("f4")):
            write_parts(path, header, arrays | {name: changed})
            with pytest.raises(ValueError, match=rf"^`path` must be as .*{path.name} {CHANGED}"):
                load(thing, path)
    write_parts(path, header, arrays | {"more": np.zeros(2)})
    with pytest.raises(ValueError, match=CHANGED):
        load(thing, path)


@KINDS
def test_a_cut_file_is_refused_by_name(path, thing):
    thing.save(path)
    whole = path.read_bytes()
    for length in [*range(5), *np.linspace(5, len(whole) - 1, 20).astype(int)]:
        path.write_bytes(whole[:length])
        with pytest.raises(
            ValueError, match=r"`path` must be a file that `\w+\.save` wrote"
        ) as got:
            load(thing, path)
        assert str(path) in str(got.value)


def test_a_file_that_is_refused_is_closed(path):
    path.write_bytes(b"PK\x03\x04 and nothing more")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match="`path`"):
            repdist.Reference.load(path)
        gc.collect()
    assert not caught


@KINDS
def test_a_file_that_lacks_something_is_refused(path, thing):
    thing.save(path)
    header, arrays = parts_of(path)
    words = {"repdist": "holds something else", "format": "is of None, written by repdist"}
    for name in header:
        write_parts(path, {key: value for key, value in header.items() if key != name}, arrays)
        told = words.get(name, CHANGED)
        with pytest.raises(ValueError, match=rf"^`path` must .*{path.name} {told}"):
            load(thing, path)
    for name in arrays:
        write_parts(path, header, {key: value for key, value in arrays.items() if key != name})
        with pytest.raises(ValueError, match=rf"^`path` must .*{path.name} {CHANGED}"):
            load(thing, path)


def test_a_byte_that_changed_is_noticed(path):
    """In the values of every array and in the header."""
    REFERENCE.save(path)
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as file:
        starts = {info.filename: info.header_offset for info in file.infolist()}
    for name, start in starts.items():
        changed = bytearray(whole)
        changed[start + 300] ^= 1
        path.write_bytes(bytes(changed))
        with pytest.raises(ValueError, match=f"`path` .*{path.name}.*{name}"):
            repdist.Reference.load(path)


@KINDS
def test_pickled_objects_are_not_read(path, thing, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "gone off",))

    thing.save(path)
    header, arrays = parts_of(path)
    for name in arrays:
        bomb = np.array([Bomb()], dtype=object)
        write_parts(path, header, arrays | {name: bomb})
        with pytest.raises(ValueError, match=r"wrote, whole; .*it holds pickled objects"):
            load(thing, path)
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match="`path` must be a file that"):
        load(thing, path)
    assert not (tmp_path / "gone off").exists()


def test_another_kind_is_refused(path):
    SKETCH.save(path)
    with pytest.raises(
        ValueError, match=r"that `Reference\.save` wrote; .*file\.npz holds a sketch"
    ):
        repdist.Reference.load(path)
    REFERENCE.save(path)
    with pytest.raises(
        ValueError, match=r"that `Sketch\.save` wrote; .*file\.npz holds a reference"
    ):
        repdist.Sketch.load(path)
    with pytest.raises(ValueError, match=r"that `Monitor\.save` wrote; .* holds a reference"):
        repdist.Monitor.load(path)
    with path.open("wb") as file:
        np.savez(file, x=X)
    with pytest.raises(ValueError, match=r"that `Reference\.save` wrote"):
        repdist.Reference.load(path)
    for content in (b"notes", b"", b"P", json.dumps({"repdist": "reference"}).encode()):
        path.write_bytes(content)
        with pytest.raises(
            ValueError, match=r"`Reference\.save` wrote, whole; .* \(it is no \.npz file\)\.$"
        ):
            repdist.Reference.load(path)


@KINDS
def test_another_format_is_refused_and_another_version_read(path, thing):
    thing.save(path)
    header, arrays = parts_of(path)
    write_parts(path, header | {"format": 2, "version": "99.1"}, arrays)
    with pytest.raises(
        ValueError, match=r"format 1; .*file\.npz is of 2, written by repdist 99\.1"
    ):
        load(thing, path)
    write_parts(path, header | {"version": "99.1"}, arrays)
    with pytest.raises(ValueError, match=CHANGED):
        load(thing, path)
    write_parts(path, header | {"version": "99.1"}, arrays, sealed=True)
    assert load(thing, path).to_dict() == thing.to_dict()


def test_a_plan_that_was_changed_is_refused(path):
    REFERENCE.save(path)
    header, arrays = parts_of(path)
    for change, other in (
        ({"rows_per_bin": 9}, {}),
        ({"kernel": header["kernel"] | {"bandwidths": [1.0]}}, {}),
        ({"columns": ["b", "a", "é"]}, {}),
        ({}, {"landmarks": arrays["landmarks"] + 1}),
    ):
        write_parts(path, header | change, arrays | other)
        with pytest.raises(ValueError, match=CHANGED):
            repdist.Reference.load(path)
        write_parts(path, header | change, arrays | other, sealed=True)
        with pytest.raises(
            ValueError, match=rf"its plan is \w+, and was {REFERENCE.plan.digest}\. Make it anew"
        ):
            repdist.Reference.load(path)


def test_a_kernel_of_a_file_is_one_of_the_library(path):
    """No name of a file is looked up elsewhere."""
    REFERENCE.save(path)
    header, arrays = parts_of(path)
    for name in ("os", "median_heuristic", "__name__", "Nothing"):
        write_parts(path, header | {"kernel": {"name": name}}, arrays, sealed=True)
        with pytest.raises(ValueError, match=r"`repdist\.kernels`; got"):
            repdist.Reference.load(path)


@KINDS
def test_paths_that_are_none(tmp_path, thing):
    for bad, error in ((None, TypeError), (3, TypeError), (tmp_path, ValueError),
                       (tmp_path / "none" / "file.npz", ValueError)):  # fmt: skip
        with pytest.raises(error, match="`path` must be"):
            thing.save(bad)
    for bad, error in ((None, TypeError), (3, TypeError), (tmp_path, ValueError),
                       (tmp_path / "none.npz", FileNotFoundError)):  # fmt: skip
        with pytest.raises(error, match="`path` must be"):
            load(thing, bad)
    assert not list(tmp_path.iterdir())


# --- whole or not at all -------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("error", [OSError("disk is full"), KeyboardInterrupt()], ids=repr)
def test_what_breaks_off_leaves_the_earlier_file(path, thing, error, monkeypatch):
    thing.save(path)
    before = path.read_bytes()

    def half(file, **arrays):
        file.write(before[: len(before) // 2])
        raise error

    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(type(error)):
        thing.save(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="a signal of Unix")
@pytest.mark.skipif(sys.platform == "win32", reason="no signal ends it at once")
def test_a_process_that_is_killed_in_a_save_leaves_the_earlier_file(tmp_path):
    path = tmp_path / "reference.npz"
    REFERENCE.save(path)
    before = path.read_bytes()
    code = (
        "import os, signal, numpy as np, repdist\n"
        "reference = repdist.Reference.load('reference.npz')\n"
        "def half(file, **arrays):\n"
        "    file.write(b'PK'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
        "np.savez = half\n"
        "reference.save('reference.npz')\n"
    )
    home = str(Path(repdist.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, cwd=tmp_path, timeout=120,
        env=os.environ | {"PYTHONPATH": home},
    )  # fmt: skip
    assert done.returncode == -9
    assert path.read_bytes() == before
    assert repdist.Reference.load(path).plan.digest == REFERENCE.plan.digest
