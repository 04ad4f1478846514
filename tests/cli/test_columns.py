"""`repdist columns`: the answers of `column_test` for files, and a code for cron."""

import json

import numpy as np
import pandas as pd
import pytest

import repdist

RNG = np.random.default_rng(7)
X = RNG.normal(size=(60, 4))
Y = RNG.normal(size=(60, 4))
Y[:, 1] += 1.5
Y[:, 2] *= 4
NAMES = ["age", "dose", "weight", "height"]
FEW = "--resamples", "499"


def table(rows, prefix):
    place = np.arange(len(rows))
    return pd.DataFrame(rows, columns=NAMES).assign(
        video=[f"{prefix}{i % 20}" for i in place], kind=np.where(place % 3, "cat", "dog")
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with two samples, as arrays and as tables."""
    for name, rows in (("a", X), ("b", Y)):
        np.save(tmp_path / f"{name}.npy", rows)
        whole = table(rows, name)
        whole.to_csv(tmp_path / f"ids_{name}.csv", index=False)
        whole[NAMES].to_csv(tmp_path / f"{name}.csv", index=False)
        whole[NAMES[::-1]].to_parquet(tmp_path / f"{name}.parquet")
    (tmp_path / "names.txt").write_text("\n".join(NAMES) + "\n", encoding="utf-8")
    (tmp_path / "groups.txt").write_text("who\nwhat\nwho\nwho", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_prints_and_writes_what_the_function_finds(folder, run):
    code, output, message = run(
        "columns", "a.csv", "b.csv", *FEW, "--seed", 3, "--csv", "x.csv", "--plot", "x.png"
    )
    expected = repdist.column_test(X, Y, names=NAMES, n_resamples=499, rng=3)
    assert (code, output, message) == (0, f"{expected}\n", "")
    frame = expected.to_frame()
    pd.testing.assert_frame_equal(
        pd.read_csv("x.csv").fillna({"direction": "", "changed": ""}), frame, check_dtype=False
    )
    assert (folder / "x.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("files", "options", "names"),
    [
        (["a.csv", "b.csv"], [], NAMES),
        (["a.parquet", "b.csv"], [], NAMES[::-1]),
        (["a.npy", "b.npy"], [], [0, 1, 2, 3]),
        (["a.npy", "b.npy"], ["--names", "names.txt"], NAMES),
        (["a.csv", "b.csv"], ["--columns", "dose,age"], ["dose", "age"]),
        (["a.csv", "b.csv"], ["--drop", "age"], NAMES[1:]),
    ],
)
def test_columns_are_called_as_in_the_files(files, options, names, folder, run):
    code, output, message = run("columns", *files, *options, *FEW, "--json")
    assert (code, message) == (0, "")
    found = [row["column"] for row in json.loads(output)["columns"]]
    assert sorted(found, key=str) == sorted(names, key=str)
    assert set(found[:2]) & {"dose", 1}


def test_groups_are_lines_of_a_file(folder, run):
    code, output, message = run("columns", "a.csv", "b.csv", "--groups", "groups.txt", *FEW)
    groups = ["who", "what", "who", "who"]
    expected = repdist.column_test(X, Y, names=NAMES, groups=groups, n_resamples=499, rng=0)
    assert (code, output, message) == (0, f"{expected}\n", "")


@pytest.mark.parametrize(
    ("files", "options", "said"),
    [
        (["a.npy", "b.npy"], ["--paired"], {"paired": True}),
        (["ids_a.csv", "ids_b.csv"], ["--clusters", "video", "--drop", "kind"], "video"),
        (["ids_a.csv", "ids_b.csv"], ["--strata", "kind", "--drop", "video"], "kind"),
    ],
)
def test_designs_are_passed_on(files, options, said, folder, run):
    if isinstance(said, str):
        ids = tuple(table(rows, name)[said] for name, rows in (("a", X), ("b", Y)))
        said = {options[0][2:]: ids}
    names = NAMES if files[0].endswith("csv") else None
    expected = repdist.column_test(X, Y, names=names, **said, n_resamples=499, rng=0)
    code, output, message = run("columns", *files, *options, *FEW)
    assert (code, output, message) == (0, f"{expected}\n", "")


@pytest.mark.parametrize(
    ("files", "options", "code", "told"),
    [
        ("ab", [], 0, ""),
        ("ab", ["--fail-if-differs"], 3, "dose, weight: adjusted p at most 0.05"),
        (
            "ab",
            ["--fail-if-differs", "--alpha", "0.003"],
            3,
            "dose, weight: adjusted p at most 0.003",
        ),
        ("aa", ["--fail-if-differs"], 0, ""),
        (
            "ab",
            ["--fail-if-differs", "--groups", "groups.txt"],
            3,
            "what, who: adjusted p at most 0.05",
        ),
    ],
)
def test_a_difference_fails_if_it_shall(files, options, code, told, folder, run):
    given = run("columns", *(f"{name}.csv" for name in files), *FEW, *options, "--csv", "x.csv")
    assert given[0] == code
    assert given[2] == (f"repdist: {told}\n" if told else "")
    assert "columns of 60 rows against 60" in given[1]
    assert (folder / "x.csv").exists()


def test_a_message_names_some_of_many(folder, run):
    rows = RNG.normal(size=(40, 9))
    np.save("low.npy", rows)
    np.save("high.npy", rows + 5)
    code, _, message = run("columns", "low.npy", "high.npy", *FEW, "--fail-if-differs")
    assert (code, message.count(",")) == (3, 5)
    assert "and 3 more: adjusted p at most 0.05" in message


def test_a_level_that_no_column_can_reach_is_refused(folder, run):
    code, output, message = run(
        "columns", "a.csv", "b.csv", *FEW, "--fail-if-differs", "--alpha", "0.001"
    )
    assert (code, "2 of 4 columns differ" in output) == (2, True)
    assert "`--alpha` must be at least 0.002" in message
    np.save("fewer.npy", Y[:50])  # Holm: times 4
    found = run("columns", "a.npy", "fewer.npy", *FEW, "--fail-if-differs", "--alpha", "0.005")
    assert "`--alpha` must be at least 0.0078" in found[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.npy", "none.npy"], "`none.npy` must be a file; there is none"),
        (["a.npy", "bad.npy"], "`bad.npy` must hold finite numbers"),
        (["a.npy", "narrow.npy"], "`a.npy` and `narrow.npy` must have the same number of col"),
        (["a.npy", "b.npy", "--names", "none.txt"], "`--names` must be a file that can be read"),
        (["a.npy", "b.npy", "--groups", "a.npy"], "`--groups` must be a file of text in UTF-8"),
        (["a.npy", "b.npy", "--names", "two.txt"], "`--names` must have one entry a column, 4"),
        (["a.npy", "b.npy", "--groups", "two.txt"], "`--groups` must have one entry a column, 4"),
        (["a.npy", "b.npy", "--names", "groups.txt"], "`--names` must be different; got 'who'"),
        (["a.npy", "b.npy", "--alpha", "2"], "`--alpha` must lie strictly between 0 and 1; got 2"),
        (["a.npy", "b.npy", "--resamples", "0"], "`--resamples` must be at least 1"),
        (["a.npy", "b.npy", "--csv", "x.txt"], "`--csv` must end in .csv; got x.txt"),
        (["a.csv", "b.csv", "--csv", "b.csv"], "`--csv` must not be the file of b.csv"),
        (["a.npy", "b.npy", "--clusters", "v"], "a.npy has none with a name"),
        (["a.npy", "narrow.npy", "--paired"], "must have the same number of columns"),
        (["a.npy", "b.npy", "--paired", "--dropna"], "`--dropna` must not be given with `--paired"),
    ],
)
def test_bad_input_is_refused_in_words(arguments, message, folder, run):
    np.save("bad.npy", np.where(np.arange(60)[:, None] == 7, np.nan, X))
    np.save("narrow.npy", X[:, :2])
    (folder / "two.txt").write_text("one\ntwo\n", encoding="utf-8")
    code, output, told = run("columns", *arguments)
    assert (code, output) == (2, "")
    assert message in told
    assert told.startswith("repdist: ")
