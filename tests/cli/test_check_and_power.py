"""`repdist check` and `repdist power`."""

import json

import numpy as np
import pytest

import repdist
from repdist import kernels
from repdist._cli import commands
from repdist._cli.outputs import with_options


def samples(n=40, m=50, d=2, shift=0.0, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, d)), rng.normal(size=(m, d)) + shift
    return X.astype(dtype), Y.astype(dtype)


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    X, Y = samples(30, 25, shift=0.5)
    np.save(tmp_path / "a.npy", X)
    np.save(tmp_path / "b.npy", Y)
    monkeypatch.chdir(tmp_path)


QUICK = {"n_repetitions": 20, "n_resamples": 19, "rng": 0}
SHORT = ("--repetitions", 20, "--resamples", 19)


def test_the_commands_print_what_the_functions_say(run):
    X, Y = samples(30, 25, shift=0.5)
    code, output, message = run("check", "a.npy", "b.npy", *SHORT)
    assert (code, output, message) == (0, f"{repdist.check_level(X, Y, **QUICK)}\n", "")
    code, output, message = run("power", "a.npy", "b.npy", *SHORT)
    assert (code, output, message) == (0, f"{repdist.estimate_power(X, Y, **QUICK)}\n", "")


def test_the_options_of_the_commands(run, tmp_path):
    X, Y = samples(30, 25, shift=0.5)
    options = ("--kernel", "energy", "--combine", "mean", "--alpha", 0.1, "--seed", 3, "--json")
    common = QUICK | {"rng": 3, "alpha": 0.1, "combine": "mean", "kernel": kernels.Energy()}
    code, output, _ = run(
        "check", "a.npy", "b.npy", *SHORT, *options, "--estimator", "biased", "--plot", "c.png"
    )
    assert code == 0
    expected = repdist.check_level(X, Y, estimator="biased", **common)
    assert json.loads(output) == expected.to_dict()
    code, output, _ = run(
        "power", "a.npy", "b.npy", *SHORT, *options, "--sizes", "5,12", "--plot", "p.svg"
    )
    assert code == 0
    assert json.loads(output) == repdist.estimate_power(X, Y, sizes=[5, 12], **common).to_dict()
    assert (tmp_path / "c.png").stat().st_size > 1000
    assert (tmp_path / "p.svg").stat().st_size > 1000


def test_pairs(run):
    X, Y = samples(30, 30, shift=0.5)  # X is that of a.npy
    np.save("y.npy", Y)
    code, output, message = run("check", "a.npy", "y.npy", "--paired", *SHORT)
    expected = repdist.check_level(X, Y, paired=True, **QUICK)
    assert (code, output, message) == (0, with_options(f"{expected}\n"), "")
    code, output, message = run("power", "a.npy", "y.npy", "--paired", "--sizes", "7,12", *SHORT)
    expected = repdist.estimate_power(X, Y, paired=True, sizes=[7, 12], **QUICK)
    assert (code, output, message) == (0, with_options(f"{expected}\n"), "")


def test_the_defaults_of_the_commands_are_those_of_the_functions():
    import inspect

    for command, function in (
        (commands.check, repdist.check_level),
        (commands.power, repdist.estimate_power),
    ):
        options = inspect.signature(function).parameters
        for name, parameter in inspect.signature(command).parameters.items():
            library = {"repetitions": "n_repetitions", "resamples": "n_resamples"}.get(name, name)
            if library in options and name != "kernel":
                assert parameter.default == options[library].default, name


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "a.npy", "none.npy"], "`none.npy` must be a file"),
        (["check", "a.npy", "b.npy", "--resamples", 9], "`--resamples` must be at least 16"),
        (["check", "a.npy", "b.npy", "--repetitions", 1], "`--repetitions` must be at least 2"),
        (["check", "a.npy", "b.npy", "--alpha", 5], "`--alpha` must lie strictly"),
        (["check", "a.npy", "b.npy", "--plot", "x.bmp"], "`--plot` must end in"),
        (["power", "a.npy", "b.npy", "--sizes", "5;10"], "`--sizes` must be"),
        (["power", "a.npy", "b.npy", "--sizes", "26"], "`--sizes` must be at most the 25 rows"),
        (["power", "a.npy", "b.npy", "--sizes", "1"], "`--sizes` must be at least 2"),
        (["power", "a.npy", "b.npy", "--plot", "x.bmp"], "`--plot` must end in"),
        (["power", "a.npy"], "Usage"),
        (["check", "a.npy", "b.npy", "--paired"], "`a.npy` and `b.npy` must have as many rows if"),
        (["power", "a.npy", "b.npy", "--paired"], "rows if `--paired`: row i of `a.npy` belongs"),
        (
            ["power", "a.npy", "a.npy", "--paired", "--sizes", 31],
            "`--sizes` must be at most the 30 p",
        ),
        (["check", "a.npy", "b.npy", "--paired", "--dropna"], "`--dropna` must not be given with"),
    ],
)
def test_bad_input_ends_with_code_2(arguments, words, run):
    code, output, message = run(*arguments)
    assert (code, output) == (2, "")
    assert words in message
