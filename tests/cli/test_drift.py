"""`repdist reference fit`, `sketch` and `monitor`, and `against` a reference that was saved."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import repdist
from repdist._cli import drift

RNG = np.random.default_rng(7)
DATA = RNG.normal(size=(700, 3))
WEEKS = {f"week {k}": RNG.normal(2.0 * (k == 3), 1, size=(256 + k, 3)) for k in (1, 2, 3)}
FILES = [f"{name}.npy" for name in WEEKS]
FIT = "--landmarks", "30", "--rows-per-bin", "16", "--max-bins", "20"
FEW = "--resamples", "1999"
MONITOR = "--state", "m.npz", *FEW


def reference(rng=0):
    return repdist.Reference(DATA, n_landmarks=30, rows_per_bin=16, max_bins=20, rng=rng)


def labels(path="m.npz"):
    return [step.label for step in repdist.Monitor.load(path).steps]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a reference as rows and saved, and three weeks, of which the last is others."""
    monkeypatch.chdir(tmp_path)
    np.save("data.npy", DATA)
    for name, rows in WEEKS.items():
        np.save(f"{name}.npy", rows)
    reference().save("ref.npz")
    return tmp_path


# --- a reference, and sketches -------------------------------------------------------------------


def test_a_reference_is_fitted_as_the_class_fits_it(folder, run):
    code, output, message = run(
        "reference", "fit", "data.npy", "-o", "x.npz", *FIT, "--kernel", "laplacian",
        "--name", "june", "--seed", "3",
    )  # fmt: skip
    expected = repdist.Reference(
        DATA, name="june", n_landmarks=30, rows_per_bin=16, max_bins=20, rng=3,
        kernel=repdist.kernels.Laplacian(),
    )  # fmt: skip
    assert (code, output, message) == (0, f"{expected}\n", "")
    found = repdist.Reference.load("x.npz")
    assert (found.name, found.plan.digest) == ("june", expected.plan.digest)
    assert found.as_sketch().digest == expected.as_sketch().digest


def test_columns_of_a_table_are_chosen_and_matched_by_name(folder, run):
    table = pd.DataFrame(DATA, columns=list("xyz")).assign(id="a")
    table.to_csv("data.csv", index=False)
    table[["z", "id", "y", "x"]].to_csv("week.csv", index=False)
    of_table = "data.csv", "--drop", "id", "-o", "x.npz", *FIT
    assert run("reference", "fit", *of_table)[0] == 0
    assert repdist.Reference.load("x.npz").plan.columns == ("x", "y", "z")
    assert run("sketch", "x.npz", "week.csv", "--drop", "id", "-o", "s.npz")[0] == 0
    expected = repdist.Reference.load("x.npz").sketch(DATA, rng=0)
    np.testing.assert_allclose(repdist.Sketch.load("s.npz").bins, expected.bins, rtol=1e-9)


def test_sketches_are_of_rows_and_add_up(folder, run):
    rng = np.random.default_rng(2)
    parts = [reference().sketch(WEEKS[name], rng=rng) for name in ("week 1", "week 2")]
    code, output, message = run("sketch", "ref.npz", *FILES[:2], "-o", "s.npz", "--seed", "2")
    assert (code, output, message) == (0, f"{parts[0] + parts[1]}\n", "")
    assert repdist.Sketch.load("s.npz").digest == (parts[0] + parts[1]).digest
    assert run("sketch", "ref.npz", "s.npz", FILES[2], "-o", "t.npz")[0] == 0
    assert repdist.Sketch.load("t.npz").n == 3 * 256  # of 257, 258 and 259: bins of 16


# --- week after week -----------------------------------------------------------------------------


def test_weeks_are_taken_one_by_one_as_the_class_takes_them(folder, run):
    expected = repdist.Monitor(reference(), alarm_every=50, n_resamples=1999, rng=4)
    options = *MONITOR, "--alarm-every", "50", "--seed", "4"
    for file, (name, rows) in zip(FILES, WEEKS.items(), strict=True):
        expected.update(rows, name)
        code, output, message = run("monitor", "ref.npz", file, *options)
        alarm = name == "week 3"
        assert (code, output) == (3 if alarm else 0, f"{expected}\n")
        assert message == ("repdist: week 3: alarm\n" if alarm else "")
    assert repdist.Monitor.load("m.npz").steps == expected.steps
    assert run("monitor", "ref.npz", *FILES, "--state", "all.npz", *options[2:])[0] == 3
    assert repdist.Monitor.load("all.npz").steps == expected.steps


def test_sketches_are_batches(folder, run):
    assert run("sketch", "ref.npz", FILES[2], "-o", "s.npz")[0] == 0
    assert run("monitor", "ref.npz", FILES[0], "s.npz", *MONITOR)[0] == 3
    assert labels() == ["week 1", "s"]


def test_an_array_of_an_archive_is_called_by_both(folder, run):
    np.savez("may.npz", rows=WEEKS["week 1"])
    np.savez("june.npz", rows=WEEKS["week 2"])
    assert run("monitor", "ref.npz", "may.npz:rows", "june.npz:rows", *MONITOR)[0] == 0
    assert labels() == ["may:rows", "june:rows"]


def test_it_writes_what_is_asked_for(folder, run):
    outputs = "--csv", "x.csv", "--html", "x.html", "--plot", "x.png"
    code, output, _ = run("monitor", "ref.npz", *FILES, *MONITOR, "--json", *outputs)
    expected = repdist.Monitor.load("m.npz")
    assert (code, json.loads(output)) == (3, json.loads(json.dumps(expected.to_dict())))
    found = pd.read_csv("x.csv", index_col="label", keep_default_na=False)
    pd.testing.assert_frame_equal(found, expected.to_frame(), rtol=1e-12)
    assert (folder / "x.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert (folder / "x.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_that_is_repeated_says_the_same(folder, run):
    assert run("monitor", "ref.npz", *FILES, *MONITOR)[0] == 3
    before = repdist.Monitor.load("m.npz").steps
    code, output, message = run("monitor", "ref.npz", *FILES[1:], *MONITOR)
    assert (code, output) == (2, "")
    assert "m.npz has had week 2, week 3. Leave them out, or give `--skip-seen`." in message
    code, output, message = run("monitor", "ref.npz", *FILES, *MONITOR, "--skip-seen")
    assert (code, "Monitor of 3 batches" in output) == (3, True)
    assert "week 1, week 2, week 3: seen before, left out\nrepdist: week 3: alarm" in message
    assert run("monitor", "ref.npz", *FILES[:2], *MONITOR, "--skip-seen")[0] == 0
    assert repdist.Monitor.load("m.npz").steps == before


def test_an_alarm_is_accepted(folder, run):
    assert run("monitor", "ref.npz", *FILES, *MONITOR)[0] == 3
    code, output, message = run("monitor", "ref.npz", *MONITOR, "--accept", "week 3")
    assert (code, "alarms " in output, message) == (0, False, "")
    assert run("monitor", "ref.npz", *FILES, *MONITOR, "--skip-seen")[0] == 0
    code, _, message = run("monitor", "ref.npz", *MONITOR, "--accept", "week 1")
    assert code == 2
    assert "`--accept` must be that of a batch with an alarm; got 'week 1'." in message


def test_weeks_before_a_bad_one_stay_taken(folder, run):
    np.save("week 2.npy", np.where(np.arange(258)[:, None] == 7, np.nan, WEEKS["week 2"]))
    code, output, message = run("monitor", "ref.npz", *FILES, *MONITOR)
    assert (code, output, labels()) == (2, "", ["week 1"])
    assert "week 1: taken, and saved in m.npz; --skip-seen leaves them out" in message
    assert "`week 2.npy` must hold finite numbers" in message
    np.save("week 2.npy", WEEKS["week 2"])
    assert run("monitor", "ref.npz", *FILES, *MONITOR, "--skip-seen")[0] == 3
    assert labels() == list(WEEKS)


def test_the_alarm_says_since_when_the_evidence_grew(folder, run):
    rng, last = np.random.default_rng(2), ""
    for number in range(1, 13):
        np.save(f"{number:02}.npy", rng.normal(0.3 * (number > 4), 1, size=(256, 3)))
        last = run("monitor", "ref.npz", f"{number:02}.npy", *MONITOR)[2]
        if last:
            break
    step = repdist.Monitor.load("m.npz").steps[-1]
    assert step.since < step.label
    assert last == f"repdist: {step.label}: alarm (evidence growing since {step.since})\n"


@pytest.mark.parametrize(
    ("names", "note"),
    [
        (
            ["w1", "w10", "w2"],
            "repdist: weeks are taken in the order given: w1, w10, w2; if that is not the order in "
            "which they came, name them w01, w02, or list them in order\n",
        ),
        (["a", "w1", "w10", "w2"], "in the order given: a, w1, w10, w2; if that"),
        (["2026-W1", "2026-W10", "2026-W2"], "came, name them 2026-W01, 2026-W02, or list"),
        (["w2", "w1"], "w2, w1; if that is not the order in which they came, list them in order"),
        (["w1", "w2", "w10"], ""),
        (["2025-W51", "2025-W52", "2026-W01"], ""),
        (["w9", "v10", "u1"], ""),
        (["b", "a"], ""),
    ],
)
def test_weeks_out_of_order_are_noted(names, note, folder, run):
    for name in names:
        np.save(f"{name}.npy", WEEKS["week 1"])
    code, _, message = run("monitor", "ref.npz", *(f"{name}.npy" for name in names), *MONITOR)
    assert (code, labels()) == (0, names)
    assert note in message
    assert bool(note) == bool(message)


def test_too_few_rows_name_the_option_and_a_number_that_works(folder, run):
    np.save("few.npy", DATA[:212])
    np.save("short.npy", DATA[:100])
    code, _, message = run("reference", "fit", "few.npy", "-o", "x.npz", "--landmarks", "30")
    assert code == 2
    assert "got 212. Take more rows, or a `--rows-per-bin` of 14 or less." in message
    for size, expected in ((15, 2), (14, 0)):
        fit = "few.npy", "-o", "x.npz", "--landmarks", "30", "--rows-per-bin", size
        assert run("reference", "fit", *fit)[0] == expected
    code, _, message = run("monitor", "ref.npz", "short.npy", *MONITOR)
    assert "got 100 rows, which fill 6 bins. Wait for more rows, or fit the" in message
    assert "reference with a `--rows-per-bin` of 12 or less." in message
    for size, expected in ((13, 2), (12, 0)):
        fit = "data.npy", "-o", "y.npz", "--landmarks", "30", "--rows-per-bin", size
        assert run("reference", "fit", *fit)[0] == 0
        assert run("monitor", "y.npz", "short.npy", "--state", "y-state.npz", *FEW)[0] == expected


def test_the_state_is_saved_after_each_week(folder, run, monkeypatch):
    read, had = drift.read_batch, []

    def reads(name, reading):
        had.append(labels() if (folder / "m.npz").exists() else None)
        return read(name, reading)

    monkeypatch.setattr(drift, "read_batch", reads)
    assert run("monitor", "ref.npz", *FILES, *MONITOR)[0] == 3
    assert had == [None, ["week 1"], ["week 1", "week 2"]]


def test_a_second_process_is_refused(folder, run):
    with repdist.Monitor.opened("m.npz", reference(), n_resamples=1999, rng=0):
        done = subprocess.run(
            [sys.executable, "-m", "repdist", "monitor", "ref.npz", FILES[0], *MONITOR],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("repdist: `--state` must be held by one process at a time; m.npz")


# --- against -------------------------------------------------------------------------------------


def test_groups_are_compared_with_a_saved_reference(folder, run):
    assert run("sketch", "ref.npz", FILES[0], "-o", "week 1.npz")[0] == 0
    groups = {"week 1": repdist.Sketch.load("week 1.npz"), "week 3": WEEKS["week 3"]}
    expected = repdist.compare_to_reference(reference(), groups, n_resamples=1999, rng=0)
    code, output, message = run("against", "./ref.npz", "./week 1.npz", FILES[2], *FEW)
    assert (code, output, message) == (0, f"{expected}\n", "")
    assert run("against", "ref.npz", *FILES, *FEW, "--fail-if-differs")[0] == 3


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["reference", "fit", "none.npy", "-o", "x.npz"], "`none.npy` must be a file; there is n"),
        (["reference", "fit", "data.npy", "-o", "x.npy"], "`--output` must end in .npz; got x.npy"),
        (["reference", "fit", "ref.npz:bins", "-o", "ref.npz"], "`--output` must not be the file"),
        (["reference", "fit", "few.npy", "-o", "x.npz"], "`few.npy` must have at least 356 rows f"),
        (
            ["reference", "fit", "data.npy", "-o", "x.npz", "--kernel", "energy"],
            "`--kernel` must have values from 0 to 1 for a reference",
        ),
        (
            ["reference", "fit", "data.npy", "-o", "x.npz", "--rows-per-bin", "1"],
            "`--rows-per-bin` must be at least 2",
        ),
        (
            ["reference", "fit", "data.npy", "-o", "x.npz", "--landmarks", "1"],
            "`--landmarks` must be at least 2",
        ),
        (
            ["reference", "fit", "data.npy", "-o", "x.npz", "--max-bins", "7"],
            "`--max-bins` must be at least 8",
        ),
        (["sketch", "data.npy", FILES[0], "-o", "x.npz"], "that `repdist reference fit` wrote"),
        (["sketch", "none.npz", FILES[0], "-o", "x.npz"], "`none.npz` must be a file that is ther"),
        (["sketch", "ref.npz", "ref.npz", "-o", "x.npz"], "`ref.npz` must hold rows or a sketch"),
        (["sketch", "ref.npz", "narrow.npy", "-o", "x.npz"], "`narrow.npy` must have the 3 column"),
        (["sketch", "ref.npz", "other.npz", "-o", "x.npz"], "`other.npz` must be a sketch of this"),
        (["sketch", "ref.npz", "cut.npz", "-o", "x.npz"], "`cut.npz` must be an undamaged .npz fi"),
        (
            ["sketch", "ref.npz", FILES[0], FILES[0], "-o", "x.npz"],
            "`DATA` must be different files; got 'week 1.npy' twice",
        ),
        (["monitor", "ref.npz", *MONITOR], "`WEEK...` must be at least one file to begin with; m"),
        (["monitor", "ref.npz", FILES[0], "--state", "m.json"], "`--state` must end in .npz"),
        (["monitor", "ref.npz", FILES[0], "--state", "ref.npz"], "`--state` must not be the file"),
        (["monitor", "data.npy", FILES[0], *MONITOR], "`data.npy` must be a file that `repdist re"),
        (["monitor", "ref.npz", FILES[0], FILES[0], *MONITOR], "got 'week 1' twice. Rename one."),
        (["monitor", "ref.npz", "short.npy", *MONITOR], "`short.npy` must fill 8 bins of 16 rows"),
        (["monitor", "ref.npz", "other.npz", *MONITOR], "`other.npz` must be a sketch of this ref"),
        (["monitor", "ref.npz", FILES[0], *MONITOR, "--alarm-every", "1"], "`--alarm-every` must"),
        (["monitor", "ref.npz", FILES[0], "--state", "other.npz"], "`--state` must be a file that"),
        (["monitor", "ref.npz", FILES[0], "--state", "old.npz", *FEW], "`ref.npz` must be that of"),
        (["monitor", "ref.npz", FILES[0], *MONITOR, "--html", "x.txt"], "`--html` must end in .ht"),
        (["against", "other.npz", FILES[0]], "`other.npz` must be a file that `repdist reference"),
        (["against", "data.npy", "other.npz"], "`other.npz` must hold rows, as data.npy does; it "),
        (["against", "ref.npz", "other.npz"], "`other.npz` must be a sketch of this reference"),
        (["against", "ref.npz", FILES[0], "--clusters", "v"], "`--clusters` must be left out with"),
        (["against", "ref.npz", FILES[0], "--matched"], "`--matched` must be left out with a Ref"),
        (["against", "ref.npz", FILES[0], "--kernel", "rbf"], "`--kernel` must be left out with a"),
    ],
)
def test_bad_input_is_refused_in_words(arguments, message, folder, run):
    np.save("few.npy", DATA[:300])
    np.save("narrow.npy", DATA[:, :2])
    np.save("short.npy", DATA[:127])
    other = repdist.Reference(DATA[::-1], n_landmarks=30, rows_per_bin=16, rng=1)
    other.sketch(DATA, rng=0).save("other.npz")
    (folder / "cut.npz").write_bytes((folder / "other.npz").read_bytes()[:-40])
    repdist.Monitor(other, n_resamples=1999, rng=0).save("old.npz")
    before = {path: path.read_bytes() for path in folder.iterdir() if path.suffix != ".lock"}
    code, output, told = run(*arguments)
    assert (code, output) == (2, "")
    assert message in told
    assert told.startswith("repdist: ")
    after = {path: path.read_bytes() for path in folder.iterdir() if path.suffix != ".lock"}
    assert after == before
