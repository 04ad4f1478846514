"""`repdist matrix`: groups from files, and what it writes."""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from given import needs

import repdist
from repdist._cli.load import read_groups


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(60, 3)) + np.repeat([0, 1, 2], 20)[:, None]
    y = np.repeat(["a", "b", "c"], 20)
    np.savez(tmp_path / "labelled.npz", features=Z, y=y)
    np.savez(tmp_path / "groups.npz", a=Z[:20], b=Z[20:40], c=Z[40:])
    np.savez(tmp_path / "several.npz", features=Z, more=Z, y=y)
    np.save(tmp_path / "stacked.npy", Z.reshape(3, 20, 3))
    table = pd.DataFrame(Z, columns=list("xyz")).assign(kind=y)
    table.to_csv(tmp_path / "table.csv", index=False)
    if importlib.util.find_spec("pyarrow") is not None:
        table.to_parquet(tmp_path / "table.parquet")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("labelled.npz", "y"),
        ("groups.npz", None),
        ("several.npz:features", "y"),
        ("table.csv", "kind"),
        pytest.param("table.parquet", "kind", marks=needs("pyarrow")),
        ("stacked.npy", None),
    ],
)
def test_groups_are_read_from_files(files, name, labels):
    expected = repdist.pairwise_mmd_test(
        np.load(files / "stacked.npy"), n_resamples=199, rng=0
    ).mmd_squared
    groups, names = read_groups(str(files / name), labels)
    result = repdist.pairwise_mmd_test(groups, names, n_resamples=199, rng=0)
    np.testing.assert_allclose(result.mmd_squared, expected, rtol=1e-9)
    assert result.names == ((0, 1, 2) if name == "stacked.npy" else ("a", "b", "c"))


@pytest.mark.parametrize(
    ("name", "labels", "message"),
    [
        ("labelled.npz", "z", "`--labels` must be an array of .*features, y"),
        ("several.npz", "y", "must hold one array of features.*features, more"),
        ("table.csv", None, "`--labels` must name the label column"),
        ("stacked.npy", "y", "`--labels` must not be given"),
        ("none.npz", None, "must be a file; there is none"),
        ("table.dat", None, "must end in"),
    ],
)
def test_bad_files_are_refused(files, name, labels, message):
    with pytest.raises((ValueError, OSError), match=message):
        read_groups(str(files / name), labels)


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "repdist", "matrix", *map(str, arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_matrix_writes_what_it_is_asked_for(files):
    outputs = [files / "out.html", files / "out.csv", files / "out.png"]
    done = run(
        files / "labelled.npz", "--labels", "y", "--resamples", "199", "--adjust", "bonferroni",
        "--html", outputs[0], "--csv", outputs[1], "--plot", outputs[2],
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 groups of 20 rows, 3 pairs" in done.stdout
    assert outputs[0].read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert len(pd.read_csv(outputs[1])) == 3
    assert outputs[2].read_bytes().startswith(b"\x89PNG")


def test_json_is_the_result_as_a_dict(files):
    done = run(files / "groups.npz", "--resamples", "199", "--json")
    with np.load(files / "groups.npz") as groups:
        expected = repdist.pairwise_mmd_test(dict(groups), n_resamples=199, rng=0)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == expected.to_dict()
    assert len(expected.to_dict()["pairs"]) == 3


def test_several_files_are_shown_the_way(files):
    done = run("a.npy", "b.npy", "c.npy")
    told = " ".join(done.stderr.replace("│", " ").split())
    assert (done.returncode, done.stdout) == (2, "")
    assert "(b.npy c.npy): groups lie in one FEATURES; `repdist against REF A B` compares" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["labelled.npz", "--labels", "y", "--html", "out.txt"], "`--html` must end in .html"),
        (["labelled.npz"], "If y holds labels, use `--labels y`"),
        (["labelled.npz", "--labels", "y", "--resamples", "0"], "`--resamples` must be at least 1"),
    ],
)
def test_matrix_refuses_in_words(files, arguments, message):
    done = run(files / arguments[0], *arguments[1:])
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arrays",
    [
        {"features": np.zeros((30, 1)), "y": np.arange(30) % 2},
        {"features": np.zeros((30, 3)), "y": np.arange(30) % 2},
        {"y": np.array(["a", "b"] * 15), "features": np.zeros((30, 2))},
        {"train": np.zeros((30, 2)), "test": np.zeros((20, 2)), "y": np.zeros(50)},
    ],
)
def test_labels_are_not_taken_for_a_group(arrays, tmp_path):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(ValueError, match="If y holds labels, use `--labels y`"):
        read_groups(str(tmp_path / "x.npz"), None)
    np.savez(tmp_path / "one.npz", a=np.zeros(30), b=np.zeros(20))  # groups of numbers
    assert set(read_groups(str(tmp_path / "one.npz"), None)[0]) == {"a", "b"}


def test_a_warning_is_told_once_and_without_a_path(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.eye(3), b=np.eye(3) + 1, c=np.eye(3) + 2)
    done = run(tmp_path / "x.npz")
    assert done.returncode == 0
    assert "RepdistWarning" not in done.stderr
    assert done.stdout.count("cannot reach an adjusted p-value") == 1


def test_a_warning_of_a_picture_is_told_once(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "x.npz", **{name: rng.normal(size=(20, 2)) for name in ("\U000107ff", "b")})
    done = run(tmp_path / "x.npz", "--html", tmp_path / "x.html", "--plot", tmp_path / "x.png")
    assert done.returncode == 0
    assert done.stderr.count("no installed font has the characters") == 1
    assert done.stderr.startswith("repdist: ")
