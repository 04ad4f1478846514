"""`repdist by-label`: the answers of `compare_by_label` for files."""

import json

import numpy as np
import pandas as pd
import pytest

import repdist
from repdist._cli.outputs import with_options

RNG = np.random.default_rng(8)
X, Y = RNG.normal(size=(60, 3)), RNG.normal(size=(60, 3))
LABELS = np.repeat(["cat", "dog", "owl"], 20)
Y[LABELS == "owl"] += 1.5
FEW = "--resamples", "199"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with two samples and their labels, in tables and in archives."""
    for name, rows in {"a": X, "b": Y}.items():
        table = pd.DataFrame(rows, columns=list("xyz")).assign(kind=LABELS)
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        np.savez(tmp_path / f"{name}.npz", features=rows, kind=LABELS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("files", [("a.csv", "b.csv"), ("a.npz", "b.npz"), ("a.npz:features",) * 2])
@pytest.mark.parametrize("paired", [False, True])
def test_it_prints_and_writes_what_the_function_finds(files, paired, folder, run):
    code, output, message = run(
        "by-label", *files, "--labels", "kind", *["--paired"] * paired, *FEW, "--seed", "3",
        "--kernel", "rbf", "--adjust", "bonferroni", "--csv", "x.csv", "--html", "x.html",
        "--plot", "x.svg",
    )  # fmt: skip
    second = X if files[0] == files[1] else Y
    expected = repdist.compare_by_label(
        X, LABELS, second, LABELS, paired=paired, kernel=repdist.kernels.RBF(),
        adjust="bonferroni", n_resamples=199, rng=3,
    )  # fmt: skip
    assert (code, output, message) == (0, with_options(f"{expected}\n"), "")
    found = pd.read_csv("x.csv", index_col="label")
    pd.testing.assert_frame_equal(found, expected.to_frame(), check_dtype=False, rtol=1e-12)
    assert (folder / "x.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert "<svg" in (folder / "x.svg").read_text(encoding="utf-8")


def test_json_is_the_result_as_a_dict(folder, run):
    code, output, message = run("by-label", "a.csv", "b.csv", "--labels", "kind", *FEW, "--json")
    expected = repdist.compare_by_label(X, LABELS, Y, LABELS, n_resamples=199, rng=0)
    assert (code, message, json.loads(output)) == (0, "", expected.to_dict())


def test_labels_of_text_and_of_numbers_are_one(folder, run):
    numbers = np.repeat([1, 2, 10], 20)
    np.savez("n.npz", features=X, kind=numbers)
    pd.DataFrame(Y, columns=list("xyz")).assign(kind=numbers).to_csv("n.csv", index=False)
    code, output, _ = run("by-label", "n.npz", "n.csv", "--labels", "kind", *FEW)
    assert (code, output.splitlines()[0]) == (0, "3 labels: 60 rows against 60")


def test_labels_without_a_partner_are_listed(folder, run):
    np.savez("more.npz", features=Y, kind=np.where(LABELS == "cat", "Cat", LABELS))
    code, output, _ = run("by-label", "a.npz", "more.npz", "--labels", "kind", *FEW)
    assert code == 0
    assert "left out" in output
    assert "cat (20 + 0 rows)" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.csv", "none.csv", "--labels", "kind"], "`none.csv` must be a file; there is none"),
        (["a.csv", "b.csv", "--labels", "sort"], "`--labels` must name a column of a.csv; got 's"),
        (["a.npz", "b.npz", "--labels", "sort"], "`--labels` must be an array of a.npz; got 'sor"),
        (["a.csv", "rows.npy", "--labels", "kind"], "`--labels` must not be given for rows.npy"),
        (["a.npz", "short.npz", "--labels", "kind"], "`--labels of short.npz` must hold one id"),
        (["a.csv", "half.csv", "--labels", "kind", "--paired"], "`a.csv` and `half.csv` must have"),
        (
            ["a.npz", "back.npz", "--labels", "kind", "--paired"],
            "`--labels of back.npz` must be th",
        ),
        (["a.csv", "b.csv", "--labels", "kind", "--paired", "--dropna"], "given with `--paired`"),
        (["a.csv", "b.csv", "--labels", "kind", "--drop", "kind"], "`--columns` or `--drop` names"),
        (["a.csv", "b.csv", "--labels", "kind", "--plot", "x.csv"], "`--plot` must end in .png"),
        (["a.csv", "b.csv", "--labels", "kind", "--csv", "a.csv"], "must not be the file of a.csv"),
    ],
)
def test_bad_input_is_refused_in_words(arguments, message, folder, run):
    np.save("rows.npy", Y)
    np.savez("short.npz", features=Y, kind=LABELS[:-1])
    np.savez("back.npz", features=Y, kind=LABELS[::-1])
    pd.read_csv("b.csv")[::2].to_csv("half.csv", index=False)
    code, output, told = run("by-label", *arguments)
    assert (code, output) == (2, "")
    assert message in told
    assert told.startswith("repdist: ")


def test_labels_must_be_named(folder, run):
    code, _, told = run("by-label", "a.csv", "b.csv")
    assert code == 2
    assert "--labels" in told
