"""`Monitor.opened`: one file, one process at a time, saved whatever happens between."""

import subprocess
import sys
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest

import repdist

RNG = np.random.default_rng(3)
REFERENCE = repdist.Reference(RNG.normal(size=(600, 3)), n_landmarks=20, rng=0)
BATCHES = [RNG.normal(size=(256, 3)) for _ in range(3)]
FEW = {"n_resamples": 199, "rng": 5}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m.npz"


def test_opened_again_and_again_it_is_one_monitor(path):
    whole = repdist.Monitor(REFERENCE, **FEW)
    for label, rows in enumerate(BATCHES):
        whole.update(rows, label)
        with repdist.Monitor.opened(path, REFERENCE, **FEW) as monitor:
            monitor.update(rows, label)
    assert repdist.Monitor.load(path).steps == whole.steps


def test_inside_it_is_saved_as_often_as_is_wished_and_then_no_longer(path):
    with suppress(KeyError), repdist.Monitor.opened(path, REFERENCE, **FEW) as monitor:
        for label in range(2):
            monitor.update(BATCHES[label], label)
            monitor.save(path)
        monitor.update(BATCHES[2], 2)
        raise KeyError
    assert [step.label for step in repdist.Monitor.load(path).steps] == ["0", "1"]
    monitor.save(path)  # the lock is free
    assert len(repdist.Monitor.load(path).steps) == 3


def test_without_a_batch_a_monitor_is_begun(path):
    with repdist.Monitor.opened(path, REFERENCE, **FEW):
        pass
    assert repdist.Monitor.load(path).steps == ()


def test_a_second_one_is_refused(path):
    with repdist.Monitor.opened(path, REFERENCE, **FEW) as monitor:
        with (
            pytest.raises(ValueError, match=r"m\.npz is in use by another"),
            repdist.Monitor.opened(path, REFERENCE, **FEW),
        ):
            pass
        with pytest.raises(ValueError, match="in use by another"):
            repdist.Monitor(REFERENCE).save(path)
        monitor.save(path)
        done = subprocess.run(
            [sys.executable, "-c", f"import repdist; m = repdist.Monitor.load({str(path)!r}); "
             f"m.save({str(path)!r})"],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert "is in use by another" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a signal of Unix")
def test_it_is_free_once_the_process_is_killed(path):
    code = (
        "import os, signal, numpy, repdist\n"
        f"reference = repdist.Reference.load({str(path.with_name('r.npz'))!r})\n"
        f"with repdist.Monitor.opened({str(path)!r}, reference, n_resamples=199, rng=5) as m:\n"
        f"    m.save({str(path)!r})\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    REFERENCE.save(path.with_name("r.npz"))
    done = subprocess.run([sys.executable, "-c", code], timeout=120, check=False)
    assert done.returncode < 0
    with repdist.Monitor.opened(path, REFERENCE, **FEW) as monitor:
        assert monitor.steps == ()


def test_what_the_file_does_not_hold_is_refused(path):
    with repdist.Monitor.opened(path, REFERENCE, **FEW) as monitor:
        monitor.update(BATCHES[0], 0)
    before = path.read_bytes()
    other = repdist.Reference(RNG.normal(size=(600, 3)), n_landmarks=20, rng=0)
    for reference, given, message in (
        (
            other,
            {},
            r"`reference` must be that of the monitor in .*m\.npz, Reference\(n=480.*; got R",
        ),
        (REFERENCE, {"alarm_every": 50}, r"`alarm_every` must be .* in .*m\.npz, 100; got 50\."),
        (REFERENCE, {"n_resamples": 99}, r"`n_resamples` must be .*m\.npz, 199; got 99\."),
        ("r.npz", {}, "`reference` must be a Reference"),
    ):
        with (
            pytest.raises((TypeError, ValueError), match=message),
            repdist.Monitor.opened(path, reference, **(FEW | given)),
        ):
            pass
    assert path.read_bytes() == before
    with repdist.Monitor.opened(path, REFERENCE, n_resamples=199, rng=6) as monitor:
        assert len(monitor.steps) == 1


def test_another_reference_is_taken_after_a_restart(path):
    other = repdist.Reference(RNG.normal(size=(600, 3)), n_landmarks=20, rng=0)
    with repdist.Monitor.opened(path, REFERENCE, **FEW) as monitor:
        monitor.update(BATCHES[0], 0)
        monitor.restart(other)
    with repdist.Monitor.opened(path, other, **FEW) as monitor:
        assert len(monitor.steps) == 1


def test_a_file_that_is_cut_is_refused(path):
    with repdist.Monitor.opened(path, REFERENCE, **FEW):
        pass
    path.write_bytes(path.read_bytes()[:-40])
    with (
        pytest.raises(ValueError, match=r"`path` must be a file that `Monitor\.save` wrote, whole"),
        repdist.Monitor.opened(path, REFERENCE, **FEW),
    ):
        pass


def test_the_table_is_a_file(path, tmp_path):
    monitor = repdist.Monitor(REFERENCE, **FEW)
    monitor.update(BATCHES[0], "=week 1")
    monitor.to_csv(tmp_path / "x.csv")
    found = pd.read_csv(tmp_path / "x.csv", index_col="label")
    found["since"] = found["since"].astype(object).fillna("")
    assert list(found.index) == ["'=week 1"]
    expected = monitor.to_frame().rename(index={"=week 1": "'=week 1"})
    pd.testing.assert_frame_equal(found, expected, rtol=1e-12, check_dtype=False)
