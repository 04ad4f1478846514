"""`--method landmarks --landmarks N`: the answers of Python, and refusals in words of the shell."""

import inspect
import json
from typing import get_args

import numpy as np
import pandas as pd
import pytest

import repdist
from repdist._cli import commands
from repdist._cli.against import against
from repdist._cli.options import MethodName

RNG = np.random.default_rng(4)
X = RNG.normal(size=(60, 3))
Y = RNG.normal(size=(50, 3)) + 0.5
THROUGH = ("--method", "landmarks", "--landmarks", 20)
ASKED = {"method": "landmarks", "n_landmarks": 20, "rng": 0}
FEW = ("--resamples", 99)
SHORT = ("--repetitions", 10, "--resamples", 19)
QUICK = {"n_repetitions": 10, "n_resamples": 19}


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", X)
    np.save(tmp_path / "b.npy", Y)
    np.savez(tmp_path / "groups.npz", a=X, b=Y)
    for name, rows, kinds in (("x.csv", X, "uvw"), ("y.csv", Y, "rst")):
        table = pd.DataFrame(rows, columns=["a", "b", "c"])
        table["video"] = [kinds[i % 3] for i in range(len(rows))]
        table["site"] = [f"s{i % 2}" for i in range(len(rows))]
        table.to_csv(tmp_path / name, index=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "function"),
    [
        (["test", "a.npy", "b.npy", *FEW], lambda o: repdist.mmd_test(X, Y, n_resamples=99, **o)),
        (
            ["matrix", "groups.npz", *FEW],
            lambda o: repdist.pairwise_mmd_test({"a": X, "b": Y}, n_resamples=99, **o),
        ),
        (
            ["against", "a.npy", "b.npy", *FEW],
            lambda o: repdist.compare_to_reference(X, {"b": Y}, n_resamples=99, **o),
        ),
        (
            ["check", "a.npy", "b.npy", *SHORT],
            lambda o: repdist.check_level(X, Y, **QUICK, **o),
        ),
        (
            ["power", "a.npy", "b.npy", "--sizes", "30,45", *SHORT],
            lambda o: repdist.estimate_power(X, Y, sizes=[30, 45], **QUICK, **o),
        ),
    ],
    ids=["test", "matrix", "against", "check", "power"],
)
def test_the_commands_print_what_the_functions_say(run, arguments, function):
    code, output, message = run(*arguments, *THROUGH)
    assert (code, output, message) == (0, f"{function(ASKED)}\n", "")
    assert "through 20 landmarks" in output
    code, output, message = run(*arguments)
    assert (code, output, message) == (0, f"{function({'rng': 0})}\n", "")
    assert "landmarks" not in output


def test_strata_are_columns(run):
    code, output, message = run(
        "test", "x.csv", "y.csv", "--strata", "site", "--drop", "video", *THROUGH, *FEW
    )
    sites = [[f"s{i % 2}" for i in range(len(rows))] for rows in (X, Y)]
    expected = repdist.mmd_test(
        pd.DataFrame(X, columns=["a", "b", "c"]), Y, strata=sites, n_resamples=99, **ASKED
    )
    assert (code, output, message) == (0, f"{expected}\n", "")


def test_json_tells_what_was_looked_at(run):
    code, output, _ = run("test", "a.npy", "b.npy", *THROUGH, *FEW, "--json")
    view = json.loads(output)["landmarks"]
    assert code == 0
    assert (view["wanted"], view["n_landmarks"], view["rows"]) == (20, 20, 110)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["test", "a.npy", "b.npy", "--landmarks", 80],
            "`--landmarks` must be at most half of the 110 rows; got 80. Use fewer, or `--method "
            "exact`.",
        ),
        (["test", "a.npy", "b.npy", "--landmarks", 1], "`--landmarks` must be at least 2; got 1."),
        (
            ["test", "a.npy", "b.npy", "--kernel", "energy", "--landmarks", 20],
            "`--kernel` must have values from 0 to 1 for landmarks, as Gaussian and Laplacian "
            "kernels have; got Energy(). Use one of these, or `--method exact`.",
        ),
        (
            ["test", "x.csv", "y.csv", "--clusters", "video", "--drop", "site"],
            '`--method` must be "exact" with `--clusters`: ',
        ),
        (
            ["check", "x.csv", "x.csv", "--paired", "--strata", "site", "--drop", "video"],
            '`--method` must be "exact" for `--paired` rows in `--strata`; got "landmarks". ',
        ),
        (
            ["against", "x.csv", "y.csv", "--strata", "site", "--drop", "video"],
            '`--method` must be "exact" for groups with `--paired`, `--clusters` or `--strata`; '
            'got "landmarks".',
        ),
        (
            ["power", "a.npy", "b.npy", "--sizes", 10, "--landmarks", 20],
            "`--sizes` must be at least the 20 landmarks; got 10. Use fewer landmarks, or "
            "`--method exact`.",
        ),
    ],
)
def test_what_is_refused(run, arguments, expected):
    code, output, message = run(*arguments, "--method", "landmarks")
    assert (code, output) == (2, "")
    assert message.startswith(f"repdist: {expected}")
    assert "method=" not in message
    assert "n_landmarks" not in message


def test_a_method_that_there_is_not(run):
    code, output, message = run("test", "a.npy", "b.npy", "--method", "fourier")
    assert (code, output) == (2, "")
    for word in ("--method", "fourier", "exact", "landmarks"):
        assert word in message


def test_names_and_defaults_are_those_of_the_functions():
    methods = get_args(inspect.signature(repdist.mmd_test).parameters["method"].annotation)
    assert tuple(MethodName) == methods
    for command, function in (
        (commands.compare, repdist.mmd_test),
        (commands.matrix, repdist.pairwise_mmd_test),
        (against, repdist.compare_to_reference),
        (commands.check, repdist.check_level),
        (commands.power, repdist.estimate_power),
    ):
        options = inspect.signature(command).parameters
        of_function = inspect.signature(function).parameters
        assert options["method"].default == of_function["method"].default
        assert options["landmarks"].default == of_function["n_landmarks"].default
