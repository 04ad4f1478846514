"""`repdist against`: the answers of `compare_to_reference` for files, and a code for cron."""

import json

import numpy as np
import pandas as pd
import pytest

import repdist

RNG = np.random.default_rng(7)
REF = RNG.normal(size=(60, 3))
WEEKS = {
    "week 1": RNG.normal(size=(40, 3)),
    "week 2": RNG.normal(1.5, 1, size=(40, 3)),
    "week 10": RNG.normal(size=(30, 3)),
}
FILES = [f"{name}.npy" for name in WEEKS]
FEW = "--resamples", "199"


def table(rows, prefix, videos):
    """Rows with their video, of five rows each, and their kind."""
    place = np.arange(len(rows))
    return pd.DataFrame(rows, columns=list("xyz")).assign(
        video=[f"{prefix}{i % videos}" for i in place], kind=np.where(place % 3, "cat", "dog")
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a reference and three groups, as arrays and as tables."""
    np.save(tmp_path / "ref.npy", REF)
    table(REF, "r", 12).to_csv(tmp_path / "ref.csv", index=False)
    for name, rows in WEEKS.items():
        np.save(tmp_path / f"{name}.npy", rows)
        table(rows, name, 8).to_csv(tmp_path / f"{name}.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_prints_and_writes_what_the_function_finds(folder, run):
    code, output, message = run(
        "against", "ref.npy", *FILES, *FEW, "--kernel", "energy", "--adjust", "fdr_bh",
        "--seed", "3", "--csv", "x.csv", "--html", "x.html", "--plot", "x.png",
    )  # fmt: skip
    expected = repdist.compare_to_reference(
        REF, WEEKS, kernel=repdist.kernels.Energy(), adjust="fdr_bh", n_resamples=199, rng=3
    )
    assert (code, output, message) == (0, f"{expected}\n", "")
    found = pd.read_csv("x.csv", index_col="group")
    pd.testing.assert_frame_equal(found, expected.to_frame(), check_dtype=False, rtol=1e-12)
    assert (folder / "x.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert (folder / "x.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("files", "options", "names"),
    [
        (FILES, [], ["week 1", "week 2", "week 10"]),
        (FILES, ["--names", "c, a,b"], ["c", "a", "b"]),
        (FILES, ["--names", "c", "--names", "a,b"], ["c", "a", "b"]),
        (["two.npz:one", "two.npz:other"], [], ["one", "other"]),
        (["may/x.npy", "june/x.npy"], [], ["may/x.npy", "june/x.npy"]),
        (["june/x.npy"], [], ["x"]),
        (["x.v2.csv.gz"], [], ["x.v2"]),
    ],
)
def test_names_are_given_or_those_of_files(files, options, names, folder, run):
    np.savez("two.npz", one=WEEKS["week 1"], other=WEEKS["week 2"])
    for month in ("may", "june"):
        (folder / month).mkdir()
        np.save(folder / month / "x.npy", WEEKS["week 1"])
    np.savetxt("x.v2.csv.gz", WEEKS["week 1"], delimiter=",")
    assert run("against", "ref.npy", *files, *options, *FEW, "--csv", "x.csv")[0] == 0
    assert list(pd.read_csv("x.csv")["group"]) == names


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        ([], 0, ""),
        (["--fail-if-differs"], 3, "repdist: week 2: adjusted p at most 0.05\n"),
        (["--fail-if-differs", "--alpha", "0.02"], 3, "repdist: week 2: adjusted p at most 0.02\n"),
        (["--alpha", "0.02"], 0, ""),
    ],
)
def test_a_difference_fails_if_it_shall(options, code, told, folder, run):
    found = run("against", "ref.npy", *FILES, *FEW, *options, "--csv", "x.csv")
    assert (found[0], found[2]) == (code, told)
    assert "1 of 3 from the reference at .05, Holm-adjusted: week 2 (p 0.0" in found[1]
    assert (folder / "x.csv").exists()


def test_no_difference_does_not_fail(folder, run):
    assert run("against", "ref.npy", FILES[0], FILES[2], *FEW, "--fail-if-differs")[0] == 0


def test_a_group_differs_at_its_p(folder, run):
    p = repdist.compare_to_reference(REF, {"week 10": WEEKS["week 10"]}, n_resamples=199, rng=0)
    p = p.to_frame()["pvalue_adjusted"].iloc[0]
    for alpha, code in ((p, 3), (p * 0.999, 0)):
        given = run("against", "ref.npy", FILES[2], *FEW, "--fail-if-differs", "--alpha", alpha)
        assert given[0] == code


def test_a_level_that_no_group_can_reach_is_refused(folder, run):
    code, output, message = run(
        "against", "ref.npy", *FILES, *FEW, "--fail-if-differs", "--alpha", "0.0001"
    )
    assert (code, "3 groups" in output) == (2, True)
    assert "`--alpha` must be at least 0.0039" in message
    assert "`--resamples`" in message
    least = "--alpha", 1 / 256, "--adjust", "none"
    assert run("against", "ref.npy", *FILES, *FEW, "--fail-if-differs", *least)[0] == 3


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


def test_json_is_the_result_as_a_dict(folder, run):
    np.save("one.npy", REF)
    same = "against", "one.npy", *FILES, *FEW
    code, output, message = run(*same, "--json", "--standardize", "--fail-if-differs")
    assert code == 3
    assert "week 2: adjusted p at most" in message
    assert "standardised" in json.loads(output, parse_constant=refuse)["preparation"]
    code, output, message = run(*same, "--json", "--csv", "x.csv")
    found = json.loads(output, parse_constant=refuse)
    expected = repdist.compare_to_reference(REF, WEEKS, n_resamples=199, rng=0)
    assert (code, message, found) == (0, "", expected.to_dict())
    assert [(row["first"], row["second"]) for row in found["differences"]] == [
        ("week 1", "week 2"), ("week 1", "week 10"), ("week 2", "week 10"),
    ]  # fmt: skip
    assert len(pd.read_csv("x.csv")) == 3


def test_designs_are_columns(folder, run):
    files = [name.replace(".npy", ".csv") for name in FILES]
    tables = {name: table(rows, name, 8) for name, rows in WEEKS.items()}
    of_reference = table(REF, "r", 12)
    for column, option, other in (("video", "clusters", "kind"), ("kind", "strata", "video")):
        ids = of_reference[column], {name: rows[column] for name, rows in tables.items()}
        expected = repdist.compare_to_reference(REF, WEEKS, **{option: ids}, n_resamples=199, rng=0)
        code, output, message = run(
            "against", "ref.csv", *files, f"--{option}", column, "--drop", other, *FEW
        )
        assert (code, output, message) == (0, f"{expected}\n", "")


def test_matched_is_passed_on(folder, run):
    assert run("against", "ref.npy", *FILES[:2], "--matched", *FEW, "--html", "x.html")[0] == 0
    assert "matched=True" in (folder / "x.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ref.npy", "none.npy"], "`none.npy` must be a file; there is none"),
        (["ref.npy", "bad.npy"], "`bad.npy` must hold finite numbers"),
        (["ref.npy", "bad.npy", "--names", "a(["], "`bad.npy` must hold finite numbers"),
        (["bad.npy", FILES[0]], "`bad.npy` must hold finite numbers"),
        (["ref.npy", "narrow.npy"], "`ref.npy` and `narrow.npy` must have the same number of col"),
        (["ref.npy", FILES[0], FILES[0]], f"different files; got '{FILES[0]}' twice"),
        (["ref.npy", *FILES, "--names", "a,b"], "`--names` must be one name a group; got 2 for 3"),
        (["ref.npy", *FILES, "--names", "a,b,a"], "`--names` must differ; got 'a' twice"),
        (["ref.npy", *FILES, "--names", "a,,b"], "`--names` must be one name a group; got an emp"),
        (["ref.npy", *FILES, "--matched"], "`A...` must have as many rows each if `--matched`"),
        (["ref.npy", *FILES, "--matched", "--dropna"], "`--dropna` must not be given with `--mat"),
        (["ref.npy", *FILES, "--alpha", "2"], "`--alpha` must lie strictly between 0 and 1; got 2"),
        (["ref.npy", *FILES, "--resamples", "0"], "`--resamples` must be at least 1"),
        (["ref.npy", *FILES, "--csv", "x.txt"], "`--csv` must end in .csv; got x.txt"),
        (["ref.csv", "week 1.csv", "--csv", "week 1.csv"], "`--csv` must not be the file of week"),
        (["ref.npy", FILES[0], "--clusters", "v"], "ref.npy has none with a name"),
        (["ref.csv", "week 1.csv", "--clusters", "v"], "`--clusters` must name a column of ref.c"),
        (["ref.csv", "week 1.csv", "--strata", "kind"], "`ref.csv` must hold numeric columns only"),
        (
            ["ref.csv", "cats.csv", "--strata", "kind", "--columns", "x"],
            "in 'dog'. Join strata. Leave out these 20 r",
        ),
    ],
)
def test_bad_input_is_refused_in_words(arguments, message, folder, run):
    np.save("bad.npy", np.where(np.arange(60)[:, None] == 7, np.nan, REF))
    np.save("narrow.npy", REF[:, :2])
    cats = table(WEEKS["week 1"], "c", 8).assign(kind="cat")
    cats.drop(columns="video").to_csv("cats.csv", index=False)
    code, output, told = run("against", *arguments)
    assert (code, output) == (2, "")
    assert message in told
    assert told.startswith("repdist: ")
