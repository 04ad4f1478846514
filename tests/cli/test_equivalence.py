"""`repdist equivalence`: the answer of `MMDTestResult.equivalence` for files, and a code."""

import json

import numpy as np
import pandas as pd
import pytest

import repdist
from repdist._cli.outputs import with_options

RNG = np.random.default_rng(12)
X, Y = RNG.normal(size=(200, 3)), RNG.normal(0.1, 1, size=(200, 3))
FAR = RNG.normal(2, 1, size=(200, 3))
FEW = "--resamples", "999"


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    for name, rows in (("a", X), ("b", Y), ("far", FAR)):
        np.save(tmp_path / f"{name}.npy", rows)
        video = [f"{name}{i // 4}" for i in range(len(rows))]
        table = pd.DataFrame(rows, columns=["p", "q", "r"]).assign(video=video)
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("options", "test", "unit"),
    [
        ([], {}, "effect"),
        (["--unit", "mmd_squared"], {}, "mmd_squared"),
        (["--paired"], {"paired": True}, "effect"),
        (["--kernel", "linear"], {"kernel": repdist.kernels.Linear()}, "effect"),
        (
            ["--method", "landmarks", "--landmarks", "32"],
            {"method": "landmarks", "n_landmarks": 32},
            "effect",
        ),
    ],
)
def test_it_prints_what_the_method_finds(options, test, unit, run):
    expected = repdist.mmd_test(X, Y, n_resamples=999, rng=0, **test).equivalence(0.05, unit)
    given = run("equivalence", "a.npy", "b.npy", "--margin", 0.05, *options, *FEW)
    assert given == (0, with_options(f"{expected}\n"), "")


def test_clusters_are_passed_on(run):
    ids = tuple([f"{name}{i // 4}" for i in range(200)] for name in "ab")
    expected = repdist.mmd_test(X, Y, clusters=ids, n_resamples=999, rng=0).equivalence(0.05)
    given = run("equivalence", "a.csv", "b.csv", "--clusters", "video", "--margin", 0.05, *FEW)
    assert given == (0, with_options(f"{expected}\n"), "")


@pytest.mark.parametrize(
    ("other", "options", "code", "told"),
    [
        ("b", [], 0, ""),
        ("b", ["--fail-unless-close"], 0, ""),
        ("far", [], 0, ""),
        ("far", ["--fail-unless-close"], 3, "not shown to be below the margin: p = 1 is above"),
    ],
)
def test_what_is_not_shown_to_be_close_fails_if_it_shall(other, options, code, told, run):
    given = run("equivalence", "a.npy", f"{other}.npy", "--margin", 0.1, *FEW, *options)
    assert given[0] == code
    assert given[1].startswith("Is the distance below the margin?")
    assert told in given[2]


def test_alpha_is_the_p_value_up_to_which_it_is_shown(run):
    p = repdist.mmd_test(X, Y, n_resamples=999, rng=0).equivalence(0.006).pvalue
    assert 0.001 < p < 0.5
    call = "equivalence", "a.npy", "b.npy", "--margin", 0.006, *FEW, "--fail-unless-close"
    assert [run(*call, "--alpha", p * factor)[0] for factor in (0.9, 1.1)] == [3, 0]


def test_json_holds_the_answer_and_the_cautions_of_the_test(run):
    np.save("u.npy", X * [1, 1, 1e5])
    np.save("v.npy", Y * [1, 1, 1e5])
    code, output, message = run("equivalence", "u.npy", "v.npy", "--margin", 0.05, *FEW, "--json")
    expected = repdist.mmd_test(X * [1, 1, 1e5], Y * [1, 1, 1e5], n_resamples=999, rng=0)
    assert (code, message) == (0, "")
    assert json.loads(output) == expected.equivalence(0.05).to_dict() | {
        "cautions": list(expected.cautions)
    }
    assert any("hides the others" in caution for caution in expected.cautions)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--margin", "0"], "`--margin` must be a positive, finite number; got 0"),
        (["--margin", "nan"], "`--margin` must be"),
        (["--margin", "-1"], "`--margin` must be"),
        (["--margin", "0.1", "--alpha", "1.5"], "`--alpha` must"),
        (["--margin", "0.1", "--unit", "d"], "--unit"),
        ([], "--margin"),
    ],
)
def test_bad_options_are_named(options, told, run):
    code, output, message = run("equivalence", "a.npy", "b.npy", *options)
    assert (code, output) == (2, "")
    assert told in message
