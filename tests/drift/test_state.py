"""The state of a monitor in a file: it goes on to the bit, and nobody writes over another."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import repdist

RNG = np.random.default_rng(20)
X = RNG.normal(size=(500, 2))
SMALL = {"rows_per_bin": 8, "max_bins": 30, "n_landmarks": 12, "rng": 0}
REFERENCE = repdist.Reference(X, name="last year", **SMALL)
BATCHES = [RNG.normal(size=(n, 2)) for n in (64, 100, 80, 250, 70, 90)]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(repdist.__file__).parents[1])}


def monitor(reference=REFERENCE, **options):
    return repdist.Monitor(reference, **({"n_resamples": 99, "rng": 0} | options))


def fed(batches=BATCHES):
    found = monitor()
    for number, rows in enumerate(batches):
        found.update(rows, number)
    return found


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.npz"


def same(first, second):
    assert first.to_dict() == second.to_dict()
    assert first.summary() == second.summary()
    assert first.alarms == second.alarms
    for name in ("bins", "rest"):
        mine, its = (getattr(found._pool, name) for found in (first, second))
        assert mine.shape == its.shape
        assert mine.tobytes() == its.tobytes()
    assert first._evidence == second._evidence
    assert first._pool.rest_rows == second._pool.rest_rows


def test_it_goes_on_to_the_bit(path):
    """Saved and loaded after every batch, as a job in cron does."""
    monitor().save(path)
    for number, rows in enumerate(BATCHES):
        found = repdist.Monitor.load(path)
        found.update(rows, number)
        found.save(path)
    same(repdist.Monitor.load(path), fed())


def test_without_a_seed_too(path):
    found = monitor(rng=None)
    found.update(BATCHES[0])
    found.save(path)
    again = repdist.Monitor.load(path)
    for each in (found, again):
        each.update(BATCHES[1])
    same(found, again)


def test_all_that_it_knows_comes_back(path):
    found = monitor(alarm_every=20, n_resamples=127)
    for number in range(3):
        found.update(RNG.normal(size=(200, 2)) + 2, f"é {number}")
    found.accept(found.alarms[0])
    found.save(path)
    again = repdist.Monitor.load(path)
    same(found, again)
    assert again.alarm_every == 20
    assert again.threshold == found.threshold
    assert again.reference.plan.digest == REFERENCE.plan.digest
    assert again.reference.name == "last year"
    assert repr(again) == repr(found)
    with pytest.raises(ValueError, match="`label` must be a batch that was not seen before"):
        again.update(BATCHES[0], "é 1")


def test_a_batch_that_was_seen_is_refused_after_loading(path):
    found = monitor()
    found.update(BATCHES[0])
    found.update(REFERENCE.sketch(BATCHES[1], rng=0))
    found.save(path)
    again = repdist.Monitor.load(path)
    for rows in (BATCHES[0], REFERENCE.sketch(BATCHES[1], rng=0)):
        with pytest.raises(ValueError, match="`rows` must be a batch that was not seen before"):
            again.update(rows)


def test_restart_and_accept_are_kept(path):
    found = fed()
    later = repdist.Reference(X + 2, **SMALL)
    found.restart(later)
    found.save(path)
    again = repdist.Monitor.load(path)
    same(found, again)
    assert again.reference.plan.digest == later.plan.digest
    for each in (found, again):
        each.update(BATCHES[0] + 2, "new")
    same(found, again)


def test_the_file_stays_as_large_as_it_is(path):
    """Bins of the reference, and as many again, whatever comes; some 300 bytes a step."""
    reference = repdist.Reference(X, **SMALL)
    found, sizes, pools = monitor(reference), [], []
    for number in range(40):
        found.update(RNG.normal(size=(600, 2)), number)
        pools.append(found._pool.bins.shape[1])
        if number % 10 == 9:
            found.save(path)
            sizes.append(path.stat().st_size)
    assert max(pools) == 30
    pool = found._pool
    arrays = 2 * pool.bins.nbytes + 2 * pool.rest.nbytes + reference.plan.landmarks.nbytes
    assert sizes[-1] - sizes[0] < 30 * 400
    assert sizes[0] < arrays + 10_000


# --- two on one file -----------------------------------------------------------------------------


def test_the_second_of_two_is_refused(path):
    """Both have the same batches from the file; the one that is later loses nothing."""
    fed(BATCHES[:2]).save(path)
    first, second = repdist.Monitor.load(path), repdist.Monitor.load(path)
    first.update(BATCHES[2], "mine")
    second.update(BATCHES[3], "yours")
    first.save(path)
    before = path.read_bytes()
    with pytest.raises(
        ValueError,
        match=r"as it was when .*state\.npz is another state, of 3 batches\. Load it again\.$",
    ):
        second.save(path)
    assert path.read_bytes() == before
    again = repdist.Monitor.load(path)
    again.update(BATCHES[3], "yours")
    again.save(path)
    assert [step.label for step in repdist.Monitor.load(path).steps] == ["0", "1", "mine", "yours"]


def test_one_that_accepts_is_not_written_over(path):
    found = monitor()
    for number in range(3):
        found.update(RNG.normal(size=(200, 2)) + 2, number)
    found.save(path)
    first, second = repdist.Monitor.load(path), repdist.Monitor.load(path)
    first.accept(first.alarms[0])
    first.save(path)
    with pytest.raises(ValueError, match="`path` must be as it was when it was loaded"):
        second.save(path)


def test_one_that_starts_anew_is_not_written_over(path):
    fed(BATCHES[:2]).save(path)
    first, second = repdist.Monitor.load(path), repdist.Monitor.load(path)
    later = repdist.Reference(X + 2, **SMALL)
    first.restart(later)
    first.save(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"`path` must be as it was when .* of 2 batches"):
        second.save(path)
    assert path.read_bytes() == before
    assert repdist.Monitor.load(path).reference.plan.digest == later.plan.digest
    first.save(path)


def test_one_monitor_may_be_saved_again_and_again(path):
    found = fed(BATCHES[:2])
    for number in (2, 3):
        found.save(path)
        found.save(path)
        found.update(BATCHES[number], number)
    found.save(path)
    same(repdist.Monitor.load(path), fed(BATCHES[:4]))
    found.save(path.with_name("copy.npz"))
    same(repdist.Monitor.load(path.with_name("copy.npz")), found)


def test_another_monitor_is_not_written_over(path):
    fed(BATCHES[:2]).save(path)
    before = path.read_bytes()
    with pytest.raises(
        ValueError, match=r"`path` must not hold another monitor; .*state\.npz does"
    ):
        fed(BATCHES[:2]).save(path)
    assert path.read_bytes() == before


def test_no_other_file_is_written_over(path):
    for write in (REFERENCE.save, lambda file: file.write_text("notes")):
        write(path)
        before = path.read_bytes()
        with pytest.raises(ValueError, match=r"`path` must be a file that `Monitor\.save` wrote"):
            monitor().save(path)
        assert path.read_bytes() == before
        path.unlink()


def test_a_file_that_another_process_holds_is_refused(path):
    found = fed(BATCHES[:2])
    found.save(path)
    before = path.read_bytes()
    code = (
        "import sys, filelock\n"
        "with filelock.FileLock('state.npz.lock'):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.readline()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code], cwd=path.parent, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout.readline() == "held\n"
        found.update(BATCHES[2], 2)
        with pytest.raises(ValueError, match=r"one process at a time; .*state\.npz is in use by"):
            found.save(path)
        assert path.read_bytes() == before
        repdist.Monitor.load(path)  # reading is free
    finally:
        holder.communicate("\n", timeout=60)
    found.save(path)
    assert len(repdist.Monitor.load(path).steps) == 3


# --- what is refused -----------------------------------------------------------------------------


def test_a_cut_file_is_refused_by_name(path):
    fed(BATCHES[:2]).save(path)
    whole = path.read_bytes()
    for length in [*range(4), *np.linspace(4, len(whole) - 1, 20).astype(int)]:
        path.write_bytes(whole[:length])
        with pytest.raises(
            ValueError, match=r"`path` must be a file that `Monitor\.save` wrote"
        ) as e:
            repdist.Monitor.load(path)
        assert str(path) in str(e.value)
        with pytest.raises(ValueError, match=r"`path` must be a file that `Monitor\.save` wrote"):
            monitor().save(path)  # it is not written over either
        assert path.read_bytes() == whole[:length]


def test_paths_that_are_none(tmp_path):
    for bad, error in ((None, TypeError), (3, TypeError), (tmp_path, ValueError),
                       (tmp_path / "none" / "file.npz", ValueError)):  # fmt: skip
        with pytest.raises(error, match="`path` must be"):
            monitor().save(bad)
    for bad, error in ((None, TypeError), (tmp_path, ValueError),
                       (tmp_path / "none.npz", FileNotFoundError)):  # fmt: skip
        with pytest.raises(error, match="`path` must be"):
            repdist.Monitor.load(bad)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [OSError("disk is full"), KeyboardInterrupt()], ids=repr)
def test_a_save_that_breaks_off_leaves_the_earlier_file(path, error, monkeypatch):
    found = fed(BATCHES[:2])
    found.save(path)
    before = path.read_bytes()
    found.update(BATCHES[2], 2)

    def half(file, **arrays):
        file.write(before[: len(before) // 2])
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", half)
        with pytest.raises(type(error)):
            found.save(path)
    assert path.read_bytes() == before
    assert {file.name for file in path.parent.iterdir()} <= {"state.npz", "state.npz.lock"}
    found.save(path)  # and again, once there is room
    same(repdist.Monitor.load(path), fed(BATCHES[:3]))
