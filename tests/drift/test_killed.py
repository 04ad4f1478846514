"""A job that is killed at any time: no batch is lost that was saved, none is there twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import repdist

KILLS = 100
SMALL = {"rows_per_bin": 8, "max_bins": 200, "n_landmarks": 50, "rng": 0}
# It says "u" before each update, "s" before each save and the number of batches after it.
JOB = """
import sys
import numpy as np, repdist
print("ready", flush=True)
while True:
    monitor = repdist.Monitor.load("state.npz")
    number = len(monitor.steps)
    print("u", flush=True)
    rows = np.random.default_rng(number).normal(size=(2000, 2))
    monitor.update(rows, f"week {number}", n_jobs=1)
    print("s", flush=True)
    monitor.save("state.npz")
    print(number + 1, flush=True)
"""


def rows_of(number):
    return np.random.default_rng(number).normal(size=(2000, 2))


def start(folder):
    environment = os.environ | {
        "PYTHONPATH": str(Path(repdist.__file__).parents[1]),
        "OPENBLAS_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-c", JOB], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )


def check(monitor, reference):
    """Each batch is there once, in order, and the pool has its rows."""
    labels = [step.label for step in monitor.steps]
    assert labels == [f"week {number}" for number in range(len(labels))]
    rows = monitor._pool.rest_rows + 8 * monitor._pool.bins.shape[1]
    assert rows == reference.n + 2000 * len(labels)


@pytest.mark.skipif(sys.platform == "win32", reason="a signal of Unix")
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no signal ends it at once")
def test_a_job_that_is_killed_loses_nothing(tmp_path):
    """100 times, some in an update and some in a save; then the steps are as without a kill."""
    path, rng = tmp_path / "state.npz", np.random.default_rng(0)
    reference = repdist.Reference(rng.normal(size=(2500, 2)), **SMALL)
    repdist.Monitor(reference, n_resamples=999, rng=0).save(path)
    known, phases = 0, []
    for kill in range(KILLS):
        job = start(tmp_path)
        assert job.stdout.readline() == "ready\n"
        phase, said = "us"[kill % 2], []
        while said.count(phase) < 1 + kill // 2 % 2:
            said.append(job.stdout.readline().strip())
        time.sleep(rng.uniform(0, 0.02))
        os.kill(job.pid, signal.SIGKILL)
        said += job.communicate(timeout=60)[0].split()
        saved = [int(word) for word in said if word.isdigit()]
        phases.append(said[-1])
        monitor = repdist.Monitor.load(path)
        check(monitor, reference)
        known = max([known, *saved])
        new = len(monitor.steps) - known
        assert new in (0, 1)
        assert new == 0 or phases[-1] == "s"
        known += new
    assert min(phases.count("u"), phases.count("s")) >= KILLS // 10, phases
    assert known >= KILLS // 5
    monitor.update(rows_of(known), f"week {known}")
    monitor.save(path)
    calm = repdist.Monitor(reference, n_resamples=999, rng=0)
    for number in range(known + 1):
        calm.update(rows_of(number), f"week {number}")
    assert repdist.Monitor.load(path).steps[-1].label == calm.steps[-1].label
    for mine, its in zip(repdist.Monitor.load(path).steps, calm.steps, strict=True):
        assert (mine.pvalue, mine.mmd_squared) == (its.pvalue, its.mmd_squared)
    assert repdist.Monitor.load(path)._pool.bins.shape == calm._pool.bins.shape
