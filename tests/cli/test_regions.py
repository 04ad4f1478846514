"""`repdist regions` and `witness`: the answers of `region_test` and `witness` for files."""

import json

import numpy as np
import pandas as pd
import pytest

import repdist
from repdist._cli.scaling import standardized

RNG = np.random.default_rng(11)
X, Y = RNG.normal(size=(120, 3)), RNG.normal(size=(100, 3))
Y[:25] = RNG.normal(4, 0.2, size=(25, 3))
UNITS = np.array([1.0, 1.0, 1e4])
FEW = "--resamples", "999"


def table(rows, prefix):
    place = np.arange(len(rows))
    return pd.DataFrame(rows, columns=["a", "b", "c"]).assign(
        video=[f"{prefix}{i // 4}" for i in place], kind=np.where(place % 3, "cat", "dog")
    )


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    for name, rows in (("a", X), ("b", Y)):
        np.save(tmp_path / f"{name}.npy", rows)
        np.save(tmp_path / f"units_{name}.npy", rows * UNITS)
        table(rows, name).to_csv(tmp_path / f"{name}.csv", index=False)
    np.save(tmp_path / "x.npy", X[:100])
    monkeypatch.chdir(tmp_path)


def test_regions_prints_and_writes_what_the_function_finds(run, tmp_path):
    written = "--csv", "o.csv", "--plot", "o.png"
    given = run("regions", "a.npy", "b.npy", "--regions", 5, *FEW, "--seed", 3, *written)
    expected = repdist.region_test(X, Y, n_regions=5, n_resamples=999, rng=3)
    assert given == (0, f"{expected}\n", "")
    pd.testing.assert_frame_equal(pd.read_csv("o.csv"), expected.to_frame(), check_dtype=False)
    assert (tmp_path / "o.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("files", "options", "said"),
    [
        (["a.npy", "b.npy"], [], {}),
        (["x.npy", "b.npy"], ["--paired"], {"paired": True}),
        (["a.csv", "b.csv"], ["--clusters", "video", "--drop", "kind"], "video"),
        (["a.csv", "b.csv"], ["--strata", "kind", "--drop", "video"], "kind"),
    ],
)
def test_regions_of_a_design(files, options, said, run):
    if isinstance(said, str):
        said = {options[0][2:]: (table(X, "a")[said], table(Y, "b")[said])}
    first = np.load("x.npy") if files[0] == "x.npy" else X
    expected = repdist.region_test(first, Y, **said, n_resamples=999, rng=0)
    assert run("regions", *files, *options, *FEW) == (0, f"{expected}\n", "")


@pytest.mark.parametrize("options", [[], ["--kernel", "energy"]])
def test_witness_ranks_the_rows_of_both(options, run, tmp_path):
    code, output, message = run(
        "witness", "a.npy", "b.npy", *options, "--csv", "o.csv", "--plot", "o.svg"
    )
    kernel = repdist.kernels.Energy() if options else repdist.kernels.MultiRBF()
    expected = repdist.witness(X, Y, kernel=kernel)
    assert (code, output, message) == (0, f"{expected}\n", "")
    pd.testing.assert_frame_equal(pd.read_csv("o.csv"), expected.to_frame())
    assert b"<svg" in (tmp_path / "o.svg").read_bytes()


@pytest.mark.parametrize("command", ["regions", "witness"])
def test_standardized_rows_are_told_of_in_json(command, run):
    options = [*FEW] if command == "regions" else []
    code, output, message = run(
        command, "units_a.npy", "units_b.npy", *options, "--standardize", "--json"
    )
    x, y = standardized([X * UNITS, Y * UNITS])  # regions belong to the bits of rows
    if command == "regions":
        expected = repdist.region_test(x, y, n_resamples=999, rng=0)
    else:
        expected = repdist.witness(x, y)
    found = json.loads(output)
    assert code == 0
    assert message.endswith("3 columns standardised over 220 rows\n")
    assert found.pop("preparation") == "Columns standardised"
    assert found.keys() == expected.to_dict().keys()
    for name in ("regions", "values_x"):
        if name in found:
            of_them = expected.to_dict()[name]
            pd.testing.assert_frame_equal(pd.DataFrame(found[name]), pd.DataFrame(of_them))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["regions", "a.npy", "b.npy", "--regions", "1"], "`--regions` must be at least 2; got 1"),
        (["regions", "a.npy", "none.npy"], "none.npy"),
        (["regions", "a.npy", "b.npy", "--csv", "o.txt"], "`--csv` must end in .csv; got o.txt"),
        (["regions", "a.npy", "b.npy", "--plot", "a.npy"], "`--plot` must end in"),
        (["regions", "a.csv", "b.csv", "--drop", "kind"], "use `--clusters video` or `--strata"),
        (["regions", "a.npy", "b.npy", "--paired"], "`--paired`"),
        (["witness", "a.csv", "b.csv"], "Leave out what is not compared: `--drop video,kind`"),
        (["witness", "a.npy", "b.npy", "--csv", "no/o.csv"], "`--csv`"),
    ],
)
def test_bad_input_names_the_file_or_the_option(arguments, told, run, tmp_path):
    before = sorted(path.name for path in tmp_path.iterdir())
    code, output, message = run(*arguments)
    assert (code, output) == (2, "")
    assert told in message
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_witness_names_no_option_that_it_does_not_have(run):
    assert "--clusters" not in run("witness", "a.csv", "b.csv")[2]
