"""The command line: what it reads, what it prints, and how it refuses."""

import gc
import json
import os
import pickle
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from given import needs

import repdist
from repdist._cli import commands
from repdist._cli.load import read_rows
from repdist._cli.reading import Reading

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
RNG = np.random.default_rng(4)
X = RNG.normal(size=(30, 3))
Y = RNG.normal(size=(25, 3)) + 0.5
NAMED = pd.DataFrame(X, columns=["a", "b", "c"])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with samples, in which the commands run."""
    np.save(tmp_path / "a.npy", X)
    np.save(tmp_path / "b.npy", Y)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_process(*arguments):
    """Run the command line as users do, with the package that is tested here."""
    root = str(Path(repdist.__file__).parents[1])
    return subprocess.run(
        [sys.executable, "-m", "repdist", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"PYTHONPATH": root},
    )


# --- as a process --------------------------------------------------------------------------------


def test_a_process_prints_the_result(folder):
    done = run_process("test", "a.npy", "b.npy", "--resamples", "99")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{repdist.mmd_test(X, Y, n_resamples=99, rng=0)}\n"


def test_a_process_refuses_without_a_traceback(folder):
    np.save("bad.npy", np.where(np.arange(30)[:, None] == 7, np.nan, X))
    done = run_process("test", "bad.npy", "b.npy")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("repdist: ")
    assert "row 7" in done.stderr
    assert "Traceback" not in done.stderr


# --- files that are samples ----------------------------------------------------------------------


def write_npz(path, **arrays):
    with path.open("wb") as file:
        np.savez(file, **arrays)


def with_marks(names):
    """Parameters, of which files in Parquet need pyarrow."""
    pyarrow = needs("pyarrow")
    return [pytest.param(n, marks=[pyarrow] if n.endswith(".parquet") else []) for n in names]


FILES = {
    "x.npy": lambda path: np.save(path, X),
    "x.npz": lambda path: write_npz(path, only=X),
    "x.csv": lambda path: NAMED.to_csv(path, index=False),
    "x.parquet": lambda path: NAMED.to_parquet(path),
    "X.CSV": lambda path: NAMED.to_csv(path, index=False),
    "with.dots.csv": lambda path: np.savetxt(path, X, delimiter=",", fmt="%.18g"),
    "with space.csv": lambda path: np.savetxt(path, X, delimiter=",", fmt="%.18g", header="a,b,c"),
    "x:y.csv": lambda path: NAMED.to_csv(path, index=False),
}


@pytest.mark.parametrize("name", with_marks(FILES))
def test_every_format_gives_the_rows(name, tmp_path):
    FILES[name](tmp_path / name)
    np.testing.assert_allclose(read_rows(str(tmp_path / name)), X, rtol=1e-14)


@pytest.mark.parametrize("key", ["x", "y", "sub/x", "x y"])
def test_a_key_names_an_array(key, tmp_path):
    write_npz(tmp_path / "all.npz", **{"x": X, "y": Y, "sub/x": X + 1, "x y": Y + 1})
    expected = {"x": X, "y": Y, "sub/x": X + 1, "x y": Y + 1}[key]
    np.testing.assert_array_equal(read_rows(f"{tmp_path / 'all.npz'}:{key}"), expected)


@pytest.mark.parametrize("dtype", ["f4", "f2", ">f8", "i4", "u1", "?"])
def test_a_type_is_kept(dtype, tmp_path):
    array = (9 * np.abs(X)).astype(dtype)
    np.save(tmp_path / "x.npy", array)
    got = read_rows(str(tmp_path / "x.npy"))
    np.testing.assert_array_equal(got, array)
    assert got.dtype == array.dtype


def test_fortran_order_is_read(tmp_path):
    np.save(tmp_path / "x.npy", np.asfortranarray(X))
    np.testing.assert_array_equal(read_rows(str(tmp_path / "x.npy")), X)


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("header", ["", "a,b\n", '"a, b","c"\n', "1st,2nd\n", "a,a\n"])
def test_the_header_of_a_csv_is_no_row(header, mark, tmp_path):
    (tmp_path / "x.csv").write_text(f"{mark}{header}1,2\n-3.5,4e2\n5,6\n", encoding="utf-8")
    expected = [[1, 2], [-3.5, 400], [5, 6]]
    np.testing.assert_array_equal(read_rows(str(tmp_path / "x.csv")), expected)


def test_column_numbers_of_a_data_frame_may_be_a_row(tmp_path):
    """`pd.DataFrame(X).to_csv(index=False)` writes the header 0,1,2, which could be data."""
    pd.DataFrame(X).to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(ValueError, match=r"--header.*--no-header"):
        read_rows(str(tmp_path / "x.csv"))
    assert read_rows(str(tmp_path / "x.csv"), Reading(header=True)).shape == X.shape


@pytest.mark.parametrize("name", with_marks(["x.parquet", "x.csv"]))
def test_columns_of_a_data_frame_may_differ_in_type(name, tmp_path):
    frame = NAMED.assign(flag=NAMED["a"] > 0, count=range(30))
    getattr(frame, f"to_{name[2:]}")(tmp_path / name, index=False)
    got = read_rows(str(tmp_path / name))
    np.testing.assert_allclose(got, frame.astype(float), rtol=1e-14)


# --- files that are none -------------------------------------------------------------------------


def truncated(write, share):
    def write_part(path):
        write(path)
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])

    return write_part


def npy_header(text):
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()
    return lambda path: path.write_bytes(content + bytes(64))


def broken_stream(path):
    """Write a .npz whose compressed data are no deflate stream."""
    with path.open("wb") as file:
        np.savez_compressed(file, only=X)
    content = bytearray(path.read_bytes())
    name, extra = struct.unpack_from("<HH", content, 26)
    start = 30 + name + extra
    content[start : start + 20] = b"\xff" * 20
    path.write_bytes(content)


def save_as(path, array):
    """Write a .npy file under any name."""
    with path.open("wb") as file:
        np.save(file, array)


def text(content):
    return lambda path: path.write_text(content, encoding="utf-8")


HEADER = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }"
BAD_FILES = {
    "truncated.npy": (truncated(FILES["x.npy"], 0.5), ".npy file of numbers"),
    "header.npy": (truncated(FILES["x.npy"], 0.05), ".npy file of numbers"),
    "open.npy": (npy_header(HEADER[:-10]), ".npy file of numbers"),
    "keys.npy": (npy_header(HEADER.replace("shape", "form")), ".npy file of numbers"),
    "empty.npy": (text(""), ".npy file of numbers"),
    "words.npy": (text("hello"), ".npy file of numbers"),
    "objects.npy": (lambda path: np.save(path, X.astype(object)), ".npy file of numbers"),
    "pickle.npy": (lambda path: path.write_bytes(pickle.dumps(X)), ".npy file of numbers"),
    "zip.npy": (lambda path: write_npz(path, only=X), ".npy file of numbers"),
    "truncated.npz": (truncated(FILES["x.npz"], 0.5), ".npz file of numbers"),
    "stream.npz": (broken_stream, ".npz file of numbers"),
    "empty.npz": (text(""), ".npz file of numbers"),
    "words.npz": (text("hello"), ".npz file of numbers"),
    "objects.npz": (lambda path: write_npz(path, x=X.astype(object)), ".npz file of numbers"),
    "array.npz": (lambda path: save_as(path, X), ".npz file of numbers"),
    "nothing.npz": (write_npz, "(none)"),
    "two.npz": (lambda path: write_npz(path, x=X, y=Y), "holds the arrays x, y"),
    "empty.csv": (text(""), ".csv file of numbers"),
    "blank.csv": (text("\n\n\n"), ".csv file of numbers"),
    "ragged.csv": (text("1,2\n3,4,5\n"), ".csv file of numbers"),
    "quote.csv": (text('a,b\n1,"2\n'), ".csv"),
    "binary.csv": (lambda path: path.write_bytes(b"\xff\xfe\x00\x01" * 9), ".csv file of numbers"),
    "names.csv": (lambda path: NAMED.assign(name="z").to_csv(path), "other values in name"),
    "names.parquet": (lambda path: NAMED.assign(name="z").to_parquet(path), "other values in name"),
    "dates.parquet": (
        lambda path: NAMED.assign(day=pd.Timestamp(2024, 1, 1)).to_parquet(path),
        "other values in day",
    ),
    "truncated.parquet": (truncated(FILES["x.parquet"], 0.5), ".parquet file"),
    "empty.parquet": (text(""), ".parquet file"),
    "x.dat": (text("1 2"), "got .dat"),
    "x": (text("1 2"), "got no ending"),
    "folder.npy": (lambda path: path.mkdir(), "must be a file"),
    "missing.npy": (lambda path: None, "must be a file; there is none"),
    "missing.csv": (lambda path: None, "must be a file; there is none"),
}


@pytest.mark.parametrize("name", with_marks(BAD_FILES))
def test_a_bad_file_is_refused_by_name(name, folder, run):
    write, reason = BAD_FILES[name]
    write(folder / name)
    code, output, message = run("test", name, "b.npy", "--resamples", "99")
    gc.collect()  # a file that was left open is told here
    assert (code, output) == (2, "")
    assert message.startswith(f"repdist: `{name}` ")
    assert reason in message


@pytest.mark.parametrize("name", ["objects.npy", "pickle.npy", "words.npy", "objects.npz"])
def test_nobody_is_told_to_unpickle(name, folder, run):
    BAD_FILES[name][0](folder / name)
    assert "unsafely" not in run("test", name, "b.npy")[2]


def test_nothing_is_unpickled(folder, run, monkeypatch):
    """An object that would act when it is loaded does not act."""
    trap = np.array([Trap()] * 3, dtype=object)
    np.save("trap.npy", trap, allow_pickle=True)
    write_npz(folder / "trap.npz", x=trap)
    (folder / "raw.npy").write_bytes(pickle.dumps(Trap()))
    for name in ("trap.npy", "trap.npz", "trap.npz:x", "raw.npy"):
        assert run("test", name, "b.npy")[0] == 2
    assert not (folder / "sprung").exists()
    assert pickle.loads((folder / "raw.npy").read_bytes()) is None  # the trap works
    assert (folder / "sprung").exists()


class Trap:
    """Makes a file when it is unpickled."""

    def __reduce__(self):
        return exec, ("open('sprung', 'w').close()",)


@pytest.mark.parametrize("key", ["z", "", "X"])
def test_a_missing_key_is_answered_with_the_keys(key, folder, run):
    write_npz(folder / "two.npz", x=X, y=Y)
    code, _, message = run("test", f"two.npz:{key}", "b.npy")
    assert code == 2
    assert f"`two.npz` holds the arrays x, y; got {key!r}. Name one of them" in message


def test_a_csv_without_rows(folder, run):
    """The columns of a header are not to blame."""
    (folder / "x.csv").write_text("a,b,c\n")
    code, _, message = run("test", "x.csv", "b.npy")
    assert code == 2
    assert "row" in message


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (X[:1], "at least 2 rows"),
        (X[:, :2], "same number of columns"),
        (X[None], "3 dimensions"),
        (X + 0j, "complex128"),
        (X.astype(str), "real numbers"),
    ],
)
def test_a_bad_sample(bad, reason, folder, run):
    np.save("bad.npy", bad)
    code, output, message = run("test", "bad.npy", "b.npy")
    assert (code, output) == (2, "")
    assert message.startswith("repdist: `")
    assert reason in message


def test_a_csv_with_a_gap(folder, run):
    (folder / "x.csv").write_text("a,b,c\n1,2,3\n4,,6\n7,8,9\n")
    code, _, message = run("test", "x.csv", "b.npy")
    assert code == 2
    assert "line 3, column 'b'" in message


# --- options -------------------------------------------------------------------------------------


def without_memory(result):
    """Return a result as a dict; a file is not held in memory, an array is."""
    return {name: value for name, value in result.items() if name != "memory_bytes"}


def test_json_is_the_result_as_a_dict(folder, run):
    code, output, message = run(
        "test", "a.npy", "b.npy", "--json", "--seed", 5, "--resamples", 199,
        "--combine", "fuse", "--estimator", "biased", "--kernel", "multi-rbf",
    )  # fmt: skip
    assert (code, message) == (0, "")
    expected = repdist.mmd_test(
        X, Y, rng=5, n_resamples=199, combine="fuse", estimator="biased"
    ).to_dict()
    assert json.loads(json.dumps(expected)) == expected
    assert without_memory(json.loads(output)) == without_memory(expected)


def test_the_defaults_are_those_of_the_function(folder, run):
    code, output, _ = run("test", "a.npy", "b.npy", "--json")
    assert code == 0
    expected = repdist.mmd_test(X, Y, rng=0).to_dict()
    assert without_memory(json.loads(output)) == without_memory(expected)


@pytest.mark.parametrize("name", commands.KERNELS)
def test_every_kernel_has_a_name(name, folder, run):
    code, output, _ = run("test", "a.npy", "b.npy", "--json", "--resamples", 99, "--kernel", name)
    assert code == 0
    expected = repdist.mmd_test(X, Y, kernel=commands.KERNELS[name](), n_resamples=99, rng=0)
    assert without_memory(json.loads(output)) == without_memory(expected.to_dict())


def test_the_names_of_kernels_are_complete():
    """All but the base class and the one that needs a matrix."""
    public = {getattr(repdist.kernels, name) for name in repdist.kernels.__all__}
    classes = {kind for kind in public if isinstance(kind, type)}
    left_out = {repdist.kernels.Kernel, repdist.kernels.Precomputed}
    assert set(commands.KERNELS.values()) == classes - left_out


def test_version(run):
    assert run("--version") == (0, f"{repdist.__version__}\n", "")


@pytest.mark.parametrize("arguments", [["--help"], ["test", "--help"]])
def test_help(arguments, run):
    code, output, message = run(*arguments)
    assert (code, message) == (0, "")
    assert "Usage: " in output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--kernel", "gauss"], ["--kernel", "gauss", "multi-rbf"]),
        (["--combine", "sum"], ["--combine", "sum", "max"]),
        (["--estimator", "v"], ["--estimator", "unbiased"]),
        (["--resamples", "0"], ["resamples", "at least 1"]),
        (["--resamples", "-5"], ["resamples", "at least 1"]),
        (["--resamples", "1.5"], ["resamples", "integer"]),
        (["--seed", "-1"], ["at least 0"]),
        (["--seed", "now"], ["--seed", "integer"]),
        (["--colour", "red"], ["--colour"]),
        (["c.npy"], ["c.npy"]),
    ],
)
def test_a_bad_option(arguments, words, folder, run):
    code, output, message = run("test", "a.npy", "b.npy", *arguments)
    assert (code, output) == (2, "")
    for word in words:
        assert word in message


@pytest.mark.parametrize("arguments", [["test"], ["test", "a.npy"], ["compare"]])
def test_too_few_arguments(arguments, folder, run):
    code, output, message = run(*arguments)
    assert (code, output) == (2, "")
    assert "Usage" in message


# --- the picture ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["picture.png", "PICTURE.PNG", "a.npy.png"])
def test_a_picture_is_written(name, folder, run):
    code, output, message = run("test", "a.npy", "b.npy", "--resamples", 99, "--plot", name)
    assert (code, message) == (0, "")
    assert output.startswith("Two-sample MMD test")
    assert (folder / name).read_bytes().startswith(PNG_SIGNATURE)
    assert {path.name for path in folder.iterdir()} == {"a.npy", "b.npy", name}


def test_a_picture_replaces_the_old_one(folder, run):
    (folder / "picture.png").write_text("old")
    assert run("test", "a.npy", "b.npy", "--resamples", 99, "--plot", "picture.png")[0] == 0
    assert (folder / "picture.png").read_bytes().startswith(PNG_SIGNATURE)


@pytest.mark.parametrize(("name", "start"), [("p.svg", b"<?xml"), ("p.pdf", b"%PDF")])
def test_pictures_of_other_kinds(name, start, folder, run):
    """A kernel of one component, and JSON beside the picture."""
    code, output, _ = run(
        "test", "a.npy", "b.npy", "--kernel", "rbf", "--resamples", 99, "--json", "--plot", name
    )
    assert code == 0
    assert json.loads(output)["n_resamples"] == 127
    assert (folder / name).read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("picture.bmp", "must end in .png, .svg or .pdf; got picture.bmp"),
        ("picture", "must end in .png, .svg or .pdf; got picture"),
        ("missing/picture.png", "existing folder"),
        ("a.npy/picture.png", "existing folder"),
        ("folder.png", "folder.png"),
    ],
)
def test_a_bad_path_of_a_picture_is_refused_before_any_work(name, reason, folder, run, monkeypatch):
    def no_work(*args, **kwargs):
        raise AssertionError

    monkeypatch.setattr(repdist, "mmd_test", no_work)
    (folder / "folder.png").mkdir()
    before = sorted(folder.iterdir())
    code, output, message = run("test", "a.npy", "b.npy", "--plot", name)
    assert (code, output) == (2, "")
    assert message.startswith("repdist: `--plot` must ")
    assert reason in message
    assert sorted(folder.iterdir()) == before


def test_a_picture_that_fails_leaves_no_file(folder, run, monkeypatch):
    from matplotlib.figure import Figure

    def fail(self, path, **options):
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", fail)
    code, _, message = run("test", "a.npy", "b.npy", "--resamples", 99, "--plot", "picture.png")
    assert code == 2
    assert "disk full" in message
    assert {path.name for path in folder.iterdir()} == {"a.npy", "b.npy"}


def test_an_index_column_is_no_feature(tmp_path):
    """`DataFrame.to_csv()` writes row numbers, which differ between any two files."""
    table = pd.DataFrame(np.arange(8.0).reshape(4, 2), columns=["a", "b"])
    table.to_csv(tmp_path / "with_index.csv")
    np.testing.assert_array_equal(read_rows(str(tmp_path / "with_index.csv")), table)


# --- columns that one file has -------------------------------------------------------------------


@pytest.fixture
def exports(folder):
    """Three tables of the same features, of which some have a column more."""
    rng = np.random.default_rng(5)
    for name, more in (("day1", []), ("day2", ["week"]), ("day3", ["id", "week", "p,q"])):
        table = pd.DataFrame(rng.normal(size=(30, 2)), columns=["a", "b"])
        for column in more:
            table[column] = 7.0
        table.to_csv(folder / f"{name}.csv", index=False)
        table.to_parquet(folder / f"{name}.parquet")
        table[["a", "b"]].to_csv(folder / f"{name}-features.csv", index=False)


@pytest.mark.parametrize(
    ("command", "files", "drop"),
    [
        ("test", ["day1.csv", "day2.csv"], ["week"]),
        ("test", ["day2.csv", "day1.csv"], ["week"]),
        ("test", ["day2.csv", "day3.csv"], ["week,id", "p,q"]),
        ("test", ["day1.parquet", "day3.csv"], ["week", "id", "p,q"]),
        ("regions", ["day1.csv", "day2.csv"], ["week"]),
        ("witness", ["day1.parquet", "day2.parquet"], ["week"]),
        ("equivalence", ["day2.csv", "day1.csv", "--margin", "0.2"], ["week"]),
        ("against", ["--names", "2,3", "day1.csv", "day2.csv", "day3.csv"], ["week", "id", "p,q"]),
    ],
)
def test_a_column_that_one_file_has_can_be_dropped(command, files, drop, exports, run):
    options = [word for name in drop for word in ("--drop", name)]
    code, output, message = run(command, *files, *options, "--json")
    assert (code, message) == (0, "")
    features = [re.sub(r"^(day\d)\..*", r"\1-features.csv", name) for name in files]
    plain = run(command, *features, "--json")[1]
    assert output == plain.replace("-features", "")


@pytest.mark.parametrize(
    ("command", "files", "where"),
    [
        (
            "test",
            ["day1.csv", "day2.csv"],
            "day1.csv or day2.csv; got 'weak', they have a, b, week.",
        ),
        ("test", ["day1.npy", "day2.csv"], "day2.csv; got 'weak', it has a, b, week."),
        ("against", ["day1.csv", "day2.csv", "day1.parquet"], "or day1.parquet; got 'weak', they"),
    ],
)
def test_a_column_that_no_file_has_cannot(command, files, where, exports, folder, run):
    np.save(folder / "day1.npy", np.ones((30, 2)))
    code, output, message = run(command, *files, "--drop", "week,weak")
    assert (code, output) == (2, "")
    assert "`--drop` must name a column of " in message
    assert where in message


def test_a_batch_must_have_what_is_dropped_and_files_of_one_sketch_need_not(exports, run):
    rows = np.random.default_rng(6).normal(size=(400, 2))
    pd.DataFrame(rows, columns=["a", "b"]).to_csv("ref.csv", index=False)
    fitted = run("reference", "fit", "ref.csv", "--rows-per-bin", 2, "--output", "ref.npz")
    assert fitted[0] == 0
    for files in (["day1.csv", "day2.csv"], ["day2.csv", "day1.csv"]):
        outputs = "--output", f"{files[0]}.npz"
        code, _, message = run("sketch", "ref.npz", *files, "--drop", "week", *outputs)
        assert (code, message) == (0, "")
    for files in (["day1.csv", "day2.csv"], ["day2.csv", "day1.csv"]):
        code, _, message = run(
            "monitor", "ref.npz", *files, "--drop", "week", "--state", f"{files[0]}.state.npz"
        )
        assert code == 2
        assert "`--drop` must name a column of day1.csv; got 'week', it has a, b." in message
