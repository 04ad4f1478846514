"""The command line on files: what it says of them, and what it writes."""

import os
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import repdist
from repdist._cli import commands


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(name, content):
    Path(name).write_bytes(content.encode())


# --- on the command line -------------------------------------------------------------------------


X = np.random.default_rng(1).normal(size=(30, 3))
Y = np.random.default_rng(2).normal([0, 50, 0], size=(25, 3))
A, B = (pd.DataFrame(Z, columns=list("abc")) for Z in (X, Y))


def pvalue(run, *arguments):
    code, output, message = run("test", *arguments, "--resamples", 199)
    assert code == 0, message
    return float(re.search("p-value +([0-9.]+)", output)[1])


LEAST = float(f"{1 / 256:.4g}")  # of 255 relabelings and the observed one


def test_columns_of_two_files_are_matched_by_name(run):
    A.to_csv("a.csv", index=False)
    B.to_csv("b.csv", index=False)
    B[["c", "b", "a"]].to_csv("turned.csv", index=False, sep=";", decimal=",")
    A[["c", "a", "b"]].to_csv("same.csv", index=False)
    assert pvalue(run, "a.csv", "b.csv") == pvalue(run, "a.csv", "turned.csv") == LEAST
    assert pvalue(run, "a.csv", "same.csv") == 1
    B.rename(columns={"c": "d"}).to_csv("other.csv", index=False)
    code, output, message = run("test", "a.csv", "other.csv")
    assert (code, output) == (2, "")
    assert message == (
        "repdist: `a.csv` and `other.csv` must have the same columns; got 'c' only in `a.csv` and "
        "'d' only in `other.csv`. Select or rename columns (on the command line `--columns` "
        "selects).\n"
    )
    B.to_csv("plain.csv", index=False, header=False)
    assert pvalue(run, "a.csv", "plain.csv") == LEAST
    np.save("b.npy", Y)
    assert pvalue(run, "a.csv", "b.npy") == LEAST


def test_what_r_writes_gives_the_answer_of_the_rows(run):
    """Its header is one name short; the last column, which differs by 50, was lost once."""
    for name, frame in (("a.csv", A), ("b.csv", B[["a", "c", "b"]].set_axis(list("abc"), axis=1))):
        with_names = frame.set_index(np.arange(1, len(frame) + 1)).to_csv()
        write(name, with_names.removeprefix(","))
    assert pvalue(run, "a.csv", "b.csv") == LEAST


def test_names_of_columns_reach_the_cautions(run):
    frame = A.assign(d=1.0, b=1000 * A["b"])
    frame.to_csv("a.csv", index=False)
    code, output, _ = run("test", "a.csv", "a.csv", "--resamples", 99)
    assert code == 0
    assert "('d')" in output
    assert "column 'b'" in output


@pytest.mark.parametrize("command", ["test", "matrix", "check", "power"])
def test_every_command_has_the_options_of_reading(command, run):
    _, output, _ = run(command, "--help")
    for option in (
        "--sep",
        "--decimal",
        "--header",
        "--no-header",
        "--columns",
        "--drop",
        "--dropna",
    ):
        assert option in output
    assert ("--labels" in output) == (command == "matrix")


def test_options_of_reading_on_the_command_line(run):
    A.assign(id="x").to_csv("a.csv", index=False, sep=":", decimal=",")
    B.assign(id="y").to_csv("b.csv", index=False, sep=":", decimal=",")
    options = ("--sep", ":", "--decimal", ",", "--drop", "id")
    assert pvalue(run, "a.csv", "b.csv", *options) == LEAST
    assert pvalue(run, "a.csv", "b.csv", *options, "--columns", "a,c") > LEAST


def test_messages_speak_the_language_of_the_shell(run):
    np.save("a.npy", X[:, :, None])
    np.save("b.npy", Y)
    code, _, message = run("test", "a.npy", "b.npy")
    assert code == 2
    assert message == (
        "repdist: `a.npy` must have shape (rows, columns); got 3 dimensions, shape (30, 3, 1).\n"
    )
    np.savez("g.npz", a=X, b=np.where(X > 2, np.nan, X))
    code, _, message = run("matrix", "g.npz")
    assert message.startswith("repdist: `g.npz['b']` must hold finite numbers")


@pytest.mark.parametrize("bad", ["-1", "-5"])
@pytest.mark.parametrize("command", ["test", "check", "power"])
def test_a_seed_below_zero(command, bad, run):
    np.save("a.npy", X)
    code, output, message = run(command, "a.npy", "a.npy", "--seed", bad)
    assert (code, output) == (2, "")
    assert message == f"repdist: `--seed` must be at least 0; got {bad}.\n"


def test_a_name_with_nul(run):
    code, _, message = run("test", "a\0b.csv", "b.csv")
    assert code == 2
    assert "NUL" in message
    np.save("a.npy", X)
    code, _, message = run("test", "a.npy", "a.npy", "--plot", "a\0b.png")
    assert code == 2
    assert "'--plot'" in message or "null byte" in message  # of an older typer


# --- what is written -----------------------------------------------------------------------------


@pytest.fixture
def labelled(monkeypatch):
    """A file of groups; no work may begin."""
    A.assign(label=np.repeat(["u", "v", "w"], 10)).to_csv("in.csv", index=False)

    def no_work(*_, **__):
        raise AssertionError

    monkeypatch.setattr(repdist, "pairwise_mmd_test", no_work)


def refused_output(run, *arguments):
    content = Path("in.csv").read_text("utf-8")
    code, output, message = run("matrix", "in.csv", "--labels", "label", *arguments)
    assert (code, output) == (2, "")
    assert "Traceback" not in message
    assert Path("in.csv").read_text("utf-8") == content
    return message.removeprefix("repdist: ")


@pytest.mark.usefixtures("labelled")
def test_an_input_is_not_overwritten(run):
    Path("link.csv").symlink_to("in.csv")
    Path("hard.csv").hardlink_to("in.csv")
    for name in ("in.csv", "./in.csv", "link.csv", "hard.csv"):
        message = refused_output(run, "--csv", name)
        assert message.startswith("`--csv` must not be the file of in.csv; got")


@pytest.mark.usefixtures("labelled")
def test_an_input_behind_a_link_is_not_overwritten(run):
    Path("source.csv").symlink_to("in.csv")
    code, _, message = run("matrix", "source.csv", "--labels", "label", "--csv", "in.csv")
    assert code == 2
    assert "`--csv` must not be the file of source.csv" in message


@pytest.mark.usefixtures("labelled")
def test_two_outputs_are_two_files(run):
    Path("link.png").symlink_to("out.png")
    write("out.csv", "")
    Path("out.html").symlink_to("out.csv")
    assert "must end in .html or .htm; got out.html, a link to out.csv" in refused_output(
        run, "--csv", "out.csv", "--html", "out.html"
    )


@pytest.mark.usefixtures("labelled")
def test_links_that_lead_nowhere(run):
    Path("two.csv").symlink_to("one.csv")
    Path("one.csv").symlink_to("two.csv")
    Path("nowhere.csv").symlink_to("missing/out.csv")
    for name in ("one.csv", "nowhere.csv", "missing/out.csv", "in.csv/out.csv"):
        message = refused_output(run, "--csv", name)
        assert message.startswith("`--csv` must be a file in an existing folder; got")


@pytest.mark.usefixtures("labelled")
def test_what_cannot_be_written_is_refused_first(run, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    message = refused_output(run, "--csv", "out.csv")
    assert message == "`--csv` must be in a folder that can be written; got 'out.csv'.\n"


@pytest.mark.usefixtures("labelled")
def test_a_file_that_is_read_only_is_refused_first(run, monkeypatch):
    write("out.csv", "kept")
    monkeypatch.setattr(
        os, "access", lambda path, mode, **_: mode == os.R_OK or Path(path).is_dir()
    )
    message = refused_output(run, "--csv", "out.csv")
    assert message == "`--csv` must be a file that can be written; got out.csv.\n"


def test_the_result_is_printed_before_files_are_written(run, monkeypatch):
    np.save("a.npy", X)

    def fail(self, path, *, title=""):
        raise OSError("disk full")

    monkeypatch.setattr(repdist.Explanation, "to_html", fail)
    code, output, message = run("test", "a.npy", "a.npy", "--resamples", 99, "--html", "out.html")
    assert code == 2
    assert "p-value" in output
    assert "disk full" in message


def test_a_terminal_that_cannot_show_a_name(monkeypatch):
    import io

    A.assign(label=np.repeat(["日本", "v", "w"], 10)).to_csv("in.csv", index=False)
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "argv", ["repdist", "matrix", "in.csv", "--labels", "label"])
    with pytest.raises(SystemExit) as stopped:
        commands.main()
    assert stopped.value.code == 0
    stream.seek(0)
    assert "??" in stream.read()
