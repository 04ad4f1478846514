"""The suite that measures the speed runs; no speed is asserted."""

import csv
import itertools
import sys

import numpy as np
import pytest

import repdist
from benchmarks import __main__ as suite
from benchmarks import monitor
from benchmarks.cases import Case, all_cases
from benchmarks.competitors import COMPETITORS, of_pairs
from benchmarks.plots import points
from benchmarks.results import COLUMNS
from benchmarks.roofline import roofline

TINY = [
    Case("rows-60", 30, 30, n_resamples=99, goal="none"),
    Case("rows-80", 40, 40, n_resamples=99),
    Case("gone-60", 30, 30, library="hyppo"),
    Case("column-test-30x8", 30, 30, d=8, n_resamples=99, of_columns=True),
]


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(suite, "all_cases", lambda: TINY)
    monkeypatch.setattr(suite.results, "commit", lambda: "1234567")
    monkeypatch.setattr(suite, "COMPETITORS", suite.ROOT / "nowhere")


def run(folder, *names):
    code = suite.main([*names, "--quick", "--out", str(folder)])
    with (folder / "results.csv").open(newline="") as file:
        return code, list(csv.DictReader(file))


def test_cases_have_names_of_their_own():
    names = [case.name for case in all_cases()]
    assert len(set(names)) == len(names)
    assert {case.library for case in all_cases()} == {"repdist", *COMPETITORS}


def test_the_others_test_every_pair_of_groups():
    seen = []
    groups = [np.full((2, 3), g) for g in range(4)]
    run = of_pairs(lambda _, X, Y: seen.append((X[0, 0], Y[0, 0])))
    assert run(TINY[0], groups) == {"components": 1}
    assert seen == list(itertools.combinations(range(4), 2))


def test_pictures_have_the_cases_that_end_in_a_number():
    """The recorded table has others of the same library, too."""
    names = ["goodpoints-200", "goodpoints-table", "goodpoints-g1-200", "goodpoints-50"]
    rows = [{"case": name, "seconds_median": "2.5"} for name in names]
    assert points(rows, "goodpoints", "seconds_median") == [(50, 2.5), (200, 2.5)]


@pytest.mark.usefixtures("tiny")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_run_writes_rows_and_goes_on(tmp_path, capsys):
    code, [row] = run(tmp_path, "rows-60")
    assert code == 0
    assert list(row) == COLUMNS
    assert (row["case"], row["n"], row["d"], row["library"]) == ("rows-60", "30", "64", "repdist")
    figures = ("seconds_median", "sums", "null", "roofline_multiple", "components", "repetitions")
    assert all(float(row[name]) > 0 for name in figures)
    assert float(row["seconds_min"]) <= float(row["seconds_median"])
    assert float(row["sums"]) + float(row["null"]) < 2 * float(row["seconds_median"])
    assert "numpy" in row["versions"]

    code, rows = run(tmp_path)  # all: the first is kept as it is
    assert code == 0
    assert [row["case"] for row in rows] == ["rows-60", "rows-80", "column-test-30x8"]
    assert rows[0] == row
    assert 0 < float(rows[2]["sort"]) < float(rows[2]["sums"])
    assert float(rows[2]["null"]) > 0
    printed = capsys.readouterr().out
    assert "(kept)" in printed
    assert "hyppo on cpu: not timed" in printed
    assert (tmp_path / "rows.png").stat().st_size > 0


@pytest.mark.usefixtures("tiny")
def test_a_case_that_fails_is_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(suite, "all_cases", lambda: [TINY[0], Case("rows-2", 1, 1)])
    code, rows = run(tmp_path)
    assert code == 1
    assert [row["case"] for row in rows] == ["rows-60"]
    assert "rows-2 failed: ValueError" in capsys.readouterr().out


def test_a_gpu_that_is_not_there_stops_no_other_case(monkeypatch, tmp_path, capsys):
    if pytest.importorskip("torch").cuda.is_available():
        pytest.skip("needs a machine without a GPU")
    monkeypatch.setattr(
        suite, "all_cases", lambda: [Case("gpu-60", 30, 30, device="cuda"), TINY[0]]
    )
    code, rows = run(tmp_path)
    assert code == 0
    assert [row["case"] for row in rows] == ["rows-60"]
    assert "repdist on cuda: not timed (NotAvailableError: no cuda" in capsys.readouterr().out


@pytest.mark.usefixtures("tiny")
def test_a_wrong_name_is_refused(capsys):
    with pytest.raises(SystemExit):
        suite.main(["rows-7"])
    assert "no case is named 'rows-7'" in capsys.readouterr().err


def test_the_roofline_is_a_time():
    assert roofline(1000, 2, rounds=1) > 0


def test_the_monitor_is_timed_and_its_states_are_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(monitor, "REFERENCE_ROWS", 600)
    monkeypatch.setattr(monitor, "SIZES", (256, 300))
    monkeypatch.setattr(monitor.results, "commit", lambda: "1234567")
    arguments = ["--weeks", "2", "--out", str(tmp_path), "--states", str(tmp_path)]
    monitor.main(arguments)
    with (tmp_path / "monitor.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["case"], row["n"]) for row in rows] == [
        ("reference", "600"), ("sketch", "256"), ("sketch", "300"),
        ("update", "256"), ("update", "300"),
    ]  # fmt: skip
    assert all(float(row["seconds"]) > 0 < float(row["mb"]) for row in rows)
    state = tmp_path / "1234567-2.npz"
    assert len(repdist.Monitor.load(state).steps) == 2  # as it was: a copy is updated
    before = state.stat().st_mtime_ns
    monitor.main(arguments)
    assert state.stat().st_mtime_ns == before
    capsys.readouterr()
