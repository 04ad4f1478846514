"""`repdist metric`: the answers of `repdist.metrics` for files."""

import json

import numpy as np
import pandas as pd
import pytest

from repdist import metrics

RNG = np.random.default_rng(9)
REAL, FAKE = RNG.normal(size=(90, 3)), RNG.normal(0.2, 1, size=(84, 3))
OF_REAL, OF_FAKE = (
    np.repeat(["cat", "dog"], [45, 45]),
    np.repeat(["cat", "dog", "owl"], [41, 42, 1]),
)
FEW = "--resamples", "199"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with two samples: arrays, archives and tables with labels."""
    for name, rows, labels in [("real", REAL, OF_REAL), ("fake", FAKE, OF_FAKE)]:
        np.save(tmp_path / f"{name}.npy", rows)
        np.savez(tmp_path / f"{name}.npz", features=rows, kind=labels)
        table = pd.DataFrame(rows, columns=list("xyz")).assign(kind=labels)
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["kid", "cmmd", "kad", "fid"])
def test_it_prints_what_the_function_finds(name, run):
    given = run("metric", name, "real.npy", "fake.npy", *FEW, "--seed", "3")
    options = {} if name == "fid" else {"n_resamples": 199}
    expected = getattr(metrics, name)(REAL, FAKE, rng=3, **options)
    assert given == (0, f"{expected}\n", "")
    code, output, _ = run("metric", name, "real.npy", "fake.npy", *FEW, "--seed", "3", "--json")
    assert (code, json.loads(output)) == (0, expected.to_dict())


def test_tables_are_read_as_other_commands_read_them(run):
    code, output, _ = run(
        "metric", "kid", "real.csv", "fake.csv", "--drop", "kind", "--columns", "x,y,kind", *FEW,
        "--json",
    )  # fmt: skip
    expected = metrics.kid(REAL[:, :2], FAKE[:, :2], n_resamples=199, rng=0)
    assert code == 0
    assert json.loads(output)["value"] == pytest.approx(expected.value, rel=1e-12)


def test_the_spread_over_subsets(run):
    options = "--subsets", "5", "--subset-size", "30"
    code, output, _ = run("metric", "kid", "real.npy", "fake.npy", *FEW, *options)
    assert code == 0
    assert "over 5 subsets of 30 rows: as papers quote it, no error of the value" in output


@pytest.mark.parametrize("ending", ["npz", "csv"])
@pytest.mark.parametrize("name", ["kid", "fid"])
def test_a_table_of_classes(ending, name, run):
    files = f"real.{ending}", f"fake.{ending}"
    options = "--labels", "kind", *FEW, "--seed", "3"
    expected = metrics.by_label(name, REAL, OF_REAL, FAKE, OF_FAKE, n_resamples=199, rng=3)
    code, output, message = run("metric", name, *files, *options, "--json")
    assert (code, message) == (0, "")
    found = json.loads(output)
    assert [record["label"] for record in found] == ["cat", "dog", "owl"]
    assert found[2]["value"] is None
    for column in ("n", "m", "value", "standard_error", "ci_high"):
        values = [record[column] for record in found[:2]]
        assert values == pytest.approx(expected[column].tolist()[:2], rel=1e-9)
    assert (found[0]["pvalue_adjusted"] is None) == (name == "fid")
    code, output, _ = run("metric", name, *files, *options)
    assert code == 0
    assert output.splitlines()[0].split()[:3] == ["n", "m", "value"]
    assert f"{expected.value['cat']:.4g}" in output


def test_the_table_of_classes_is_written(run):
    files = "real.csv", "fake.csv"
    options = "--labels", "kind", *FEW, "--seed", "3"
    expected = metrics.by_label("kid", REAL, OF_REAL, FAKE, OF_FAKE, n_resamples=199, rng=3)
    code, output, message = run("metric", "kid", *files, *options, "--csv", "x.csv")
    assert (code, message) == (0, "")
    assert output == run("metric", "kid", *files, *options)[1]
    found = pd.read_csv("x.csv", index_col="label")
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-9)


def test_a_name_of_a_class_is_no_formula(run):
    np.savez("odd.npz", features=REAL, kind=np.repeat(["=1+1", "dog"], 45))
    arguments = "odd.npz", "odd.npz", "--labels", "kind", *FEW, "--csv", "x.csv"
    assert run("metric", "kid", *arguments)[0] == 0
    assert set(pd.read_csv("x.csv")["label"]) == {"'=1+1", "dog"}


@pytest.mark.parametrize("name", ["kid", "cmmd", "kad"])
def test_clusters_are_a_column_of_both_tables(name, folder, run):
    prompts = np.arange(90) // 3, 100 + np.arange(84) // 2
    for file, rows, ids in zip(("real", "fake"), (REAL, FAKE), prompts, strict=True):
        table = pd.DataFrame(rows, columns=list("xyz")).assign(prompt=ids)
        table.to_csv(folder / f"{file}.csv", index=False)
    options = *FEW, "--seed", "3", "--json"
    code, output, message = run(
        "metric", name, "real.csv", "fake.csv", "--clusters", "prompt", *options
    )
    text = tuple(ids.astype(str) for ids in prompts)  # as a file of text has them
    expected = getattr(metrics, name)(REAL, FAKE, clusters=text, n_resamples=199, rng=3)
    assert (code, message) == (0, "")
    found = json.loads(output)
    for key in ("value", "standard_error", "pvalue"):
        assert found[key] == pytest.approx(expected.to_dict()[key], rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fid", "real.csv", "fake.csv", "--clusters", "kind"], "`--clusters` must be given with"),
        (
            ["kid", "real.csv", "fake.csv", "--clusters", "kind", "--labels", "kind"],
            "`--clusters` must be given with kid, cmmd or kad, and without `--labels`",
        ),
        (["kid", "real.csv", "fake.csv", "--clusters", "kind"], "`--clusters` must each have all"),
        (["kid", "real.npy", "fake.npy", "--clusters", "kind"], "`--clusters` must name a column"),
        (["kid", "real.npy", "fake.npy", "--csv", "x.csv"], "`--csv` must be given with"),
        (
            ["kid", "real.csv", "fake.csv", "--labels", "kind", "--csv", "real.csv"],
            "`--csv` must not be the file of real.csv",
        ),
        (["kid", "real.npy", "none.npy"], "`none.npy` must be a file; there is none"),
        (["kid", "real.npy", "nan.npy"], "`nan.npy` must hold finite numbers"),
        (["fid", "real.npy", "few.npy"], "`few.npy` must have at least 40 rows; got 5"),
        (["kid", "real.npy", "few.npy", "--subsets", "2"], "`--subset-size` must be at most the 5"),
        (["kad", "real.npy", "fake.npy", "--subsets", "2"], "`--subsets` must be given with kid"),
        (["kid", "real.npz", "fake.npz", "--labels", "sort"], "`--labels` must be an array of"),
        (["kid", "real.npz", "other.npz", "--labels", "kind"], "must have a label with 2 rows in"),
        (["kid", "real.npz", "half.npz", "--labels", "kind"], "`--labels of half.npz` must hold"),
        (["kid", "real.npy", "fake.npy", "--sep", ";"], "`--sep` must be given for text tables"),
        (["kid", "real.npy", "fake.npy", "--resamples", "0"], "`--resamples` must be at least 1"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_words(arguments, message, run):
    np.save("nan.npy", FAKE * np.nan)
    np.save("few.npy", FAKE[:5])
    np.savez("other.npz", features=FAKE, kind=np.repeat(["a", "b"], 42))
    np.savez("half.npz", features=FAKE, kind=OF_FAKE[::2])
    code, output, told = run("metric", *arguments)
    assert (code, output) == (2, "")
    assert message in told
    assert told.startswith("repdist: ")


def test_which_metric_must_be_named(run):
    code, _, told = run("metric", "fad", "real.npy", "fake.npy")
    assert code == 2
    assert "fad" in told


def test_several_fakes_are_shown_the_way(run):
    code, output, told = run("metric", "kid", "real.npy", "fake.npy", "more.npy")
    told = " ".join(told.replace("│", " ").split())
    assert (code, output) == (2, "")
    assert "(more.npy): one FAKE a call; `repdist against REAL A B --kernel polynomial`" in told
    assert "one FAKE" not in run("metric", "kid", "real.npy", "fake.npy", "--none")[2]
