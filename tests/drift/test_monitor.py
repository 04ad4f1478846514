"""A monitor: what it says of batches, one after the other, and what it refuses."""

import datetime as dt
import html
import json
import math
import pickle
import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import repdist
from repdist.drift import MonitorStep
from repdist.drift._chart import bet, threshold_for
from repdist.drift._pool import Pool

mpl.use("Agg")

RNG = np.random.default_rng(20)
X = RNG.normal(size=(500, 2))
SMALL = {"rows_per_bin": 8, "max_bins": 30, "n_landmarks": 12, "rng": 0}
REFERENCE = repdist.Reference(X, **SMALL)
BATCHES = [RNG.normal(size=(n, 2)) for n in (64, 100, 80, 250, 70)]
DRIFTED = RNG.normal(size=(200, 2)) + 2


def monitor(reference=REFERENCE, **options):
    return repdist.Monitor(reference, **({"n_resamples": 99, "rng": 0} | options))


def fed(batches=BATCHES, **options):
    found = monitor(**options)
    for number, rows in enumerate(batches):
        found.update(rows, f"week {number}")
    return found


@pytest.fixture
def alarmed():
    """Five quiet batches, then drift that goes on until it is seen; and one more batch."""
    found, rng = fed(), np.random.default_rng(1)
    for number in range(20):
        if not found.alarms:
            found.update(rng.normal(size=(200, 2)) + 2 * number + 2, f"drift {number}")
    found.update(rng.normal(size=(64, 2)), "after")
    return found


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    plt.close("all")


def rows_of(found):
    """How many rows the sums of the pool are of."""
    return found._pool.rest_rows + 8 * found._pool.bins.shape[1]


def state_of(found):
    """All that a monitor holds, as bytes."""
    return pickle.dumps({k: v for k, v in vars(found).items() if k != "_reference"})


# --- what a step says ----------------------------------------------------------------------------


def test_distances_are_to_the_reference():
    found = monitor()
    for rows, n in zip(BATCHES, (64, 96, 80, 250, 64), strict=True):  # in sums
        sketch = REFERENCE.sketch(rows, rng=3)
        step, alone = found.update(sketch), REFERENCE.compare(sketch, n_resamples=99, rng=0)
        low, high = alone.confidence_interval()
        assert step.mmd_squared == alone.mmd_squared
        assert step.standard_error == alone.standard_error
        assert (step.ci_low, step.ci_high) == (low, high)
        assert step.effect == pytest.approx(alone.effect, rel=1e-12)
        assert step.n == sketch.n == n
        assert step.floor == REFERENCE.floor_rate * (1 / step.n + 1 / REFERENCE.n)
        assert isinstance(step, MonitorStep)


def test_evidence_adds_up_and_starts_anew_after_an_alarm():
    found = fed()
    for _ in range(4):
        found.update(RNG.normal(size=(100, 2)) + 1)
    evidence, alarms = 0.0, 0
    for step in found.steps:
        evidence = (1 + evidence) * float(bet(np.array(step.pvalue)))
        assert step.evidence == pytest.approx(evidence, rel=1e-12)
        assert step.alarm == (evidence >= found.threshold)
        alarms += step.alarm
        evidence = 0.0 if step.alarm else evidence
    assert alarms >= 1


def test_the_threshold_is_that_of_the_relabelings_in_use():
    for wanted, total in ((127, 128), (511, 512), (9999, 16384)):
        found = monitor(n_resamples=wanted, alarm_every=100)
        assert found.threshold == threshold_for(100.0, total)
    assert monitor(alarm_every=50).alarm_every == 50
    pvalues = [step.pvalue * 128 for step in fed().steps]
    np.testing.assert_allclose(pvalues, np.round(pvalues), atol=1e-9)
    assert min(pvalues) >= 1


def test_drift_gives_an_alarm_and_quiet_batches_none(alarmed):
    assert len(alarmed.alarms) == 1
    assert alarmed.alarms[0].startswith("drift")
    assert [step.label for step in alarmed.steps if step.alarm] == list(alarmed.alarms)
    assert alarmed.steps[-1].evidence < alarmed.threshold
    drifted = next(step for step in alarmed.steps if step.alarm)
    assert drifted.mmd_squared > 10 * drifted.floor


def test_the_pool_is_the_reference_and_all_batches():
    """What moves and what does not are all rows, and their sums."""
    found, expected = monitor(), REFERENCE.as_sketch()
    total = expected.bins.sum(axis=1) + expected.rest
    for rows in BATCHES:
        sketch = REFERENCE.sketch(rows, rng=1)
        found.update(sketch)
        total = total + sketch.bins.sum(axis=1) + sketch.rest
        pool = found._pool
        np.testing.assert_allclose(pool.bins.sum(axis=1) + pool.rest, total, rtol=1e-10)
        assert pool.bins.shape[1] == 30
        assert rows_of(found) == REFERENCE.n + sum(step.n for step in found.steps)


def test_the_pool_is_a_uniform_draw_of_bins():
    """Each of 30 old and 10 new bins is kept with chance 3 / 4.

    Of 400 draws 300 of each on average, standard deviation 8.7; within 42 of it for all of 40
    bins, false failure 5e-5. By age, either kind would be kept always.
    """
    reference = repdist.Reference(X, **SMALL)
    assert reference.n_bins == 30
    sketch = reference.sketch(BATCHES[2][:80], rng=0)
    every = np.concatenate([reference.as_sketch().bins, sketch.bins], axis=1)[0, :, 0]
    kept = np.zeros(40)
    for seed in range(400):
        grown = Pool.of(reference).grown(sketch, np.random.default_rng(seed))
        kept += np.isin(every, grown.bins[0, :, 0])
        assert grown.rest_rows == Pool.of(reference).rest_rows + 80
    assert kept.sum() == 400 * 30
    assert np.abs(kept - 300).max() < 42


def test_the_first_batch_is_beside_the_reference_alone():
    """A reference of 8 bins, and 8 of the batch: all 12,870 relabelings, by hand."""
    reference = repdist.Reference(X[:164], **SMALL)
    assert (reference.n_bins, reference.n) == (8, 64)
    sketch = reference.sketch(BATCHES[0] + 0.3, rng=0)
    from repdist._inference.sketched import Frozen, bins_null

    plan = reference.plan
    none = Frozen([np.zeros(root.shape[1]) for root in plan.seen.roots], 0)
    null, drawn = bins_null(
        plan.features(sketch.bins), plan.features(reference.as_sketch().bins), none, 8,
        plan.weights, plan.seen.epsilon, 9999, np.random.default_rng(0),
    )  # fmt: skip
    assert drawn.exhaustive
    assert monitor(reference, n_resamples=9999).update(sketch).pvalue == null.pvalue


def test_later_batches_are_beside_earlier_ones():
    """A second drifted batch is nothing new, though it is as far from the reference."""
    few = repdist.Reference(X[:164], **(SMALL | {"max_bins": 512}))
    found, rows = monitor(few), np.random.default_rng(0).normal(size=(2200, 2)) + 2
    first, second = found.update(rows[:2000]), found.update(rows[2000:])
    assert first.pvalue == 1 / 128
    assert second.mmd_squared > 10 * second.floor
    assert second.pvalue > 0.1


def test_sizes_that_differ_much():
    """8 bins of the reference and a batch of 500, and the other way round."""
    reference = repdist.Reference(X[:164], **(SMALL | {"max_bins": 512}))
    found = monitor(reference)
    assert 0 < found.update(RNG.normal(size=(4000, 2))).pvalue <= 1
    assert 0 < found.update(RNG.normal(size=(64, 2))).pvalue <= 1
    assert found._pool.bins.shape[1] == 512


def test_constant_batches_are_told():
    found = monitor()
    for number in range(4):
        step = found.update(np.full((80, 2), 3.0), number)
        assert math.isfinite(step.evidence)
        assert step.mmd_squared > step.floor
    assert found.steps[0].pvalue == 1 / 128


def test_batches_equal_to_rows_of_the_reference():
    """Distances go below 0, intervals do not."""
    found = monitor()
    for number in range(3):
        step = found.update(X[:300], number)
        assert 0 <= step.ci_low <= step.ci_high
        assert 0 < step.pvalue <= 1


def test_a_seed_repeats_the_steps():
    assert fed().steps == fed().steps
    assert [s.pvalue for s in fed().steps] != [s.pvalue for s in fed(rng=1).steps]
    assert fed(rng=np.random.default_rng(0)).steps == fed().steps


def test_nothing_is_drawn_twice(monkeypatch):
    """Bins, relabelings and what is frozen: streams of their own for every batch, restarts too."""
    asked, stream = [], repdist.Monitor._stream

    def noted(self, number, purpose):
        asked.append((number, purpose))
        return stream(self, number, purpose)

    monkeypatch.setattr(repdist.Monitor, "_stream", noted)
    found = fed(BATCHES[:3])
    found.restart(repdist.Reference(X + 2, **SMALL))
    found.update(BATCHES[3])
    assert sorted(asked) == [(number, purpose) for number in range(4) for purpose in range(3)]
    first = {found._stream(*key).random() for key in list(asked)}
    assert len(first) == 12


# --- labels --------------------------------------------------------------------------------------


def test_the_same_batch_twice_is_refused():
    found = monitor()
    found.update(BATCHES[0], "a")
    with pytest.raises(ValueError, match=r"`label` must be a batch that was not seen .* 'a' again"):
        found.update(BATCHES[1], "a")
    by_content = found.update(BATCHES[1])
    for again in (BATCHES[1], BATCHES[1].copy(), BATCHES[1].tolist(), pd.DataFrame(BATCHES[1])):
        with pytest.raises(
            ValueError, match=rf"`rows` must be a batch .*{by_content.label}' again"
        ):
            found.update(again)
    changed = BATCHES[1].copy()
    changed[-1, -1] = np.nextafter(changed[-1, -1], 9)
    assert found.update(changed).label != by_content.label
    sketch = REFERENCE.sketch(BATCHES[2], rng=0)
    found.update(sketch)
    with pytest.raises(ValueError, match="`rows` must be a batch that was not seen before"):
        found.update(REFERENCE.sketch(BATCHES[2], rng=0))
    assert len(found.steps) == 4


def test_content_is_the_same_wherever_rows_lie(tmp_path):
    da = pytest.importorskip("dask.array")
    rows = RNG.normal(size=(3000, 2))
    np.save(tmp_path / "rows.npy", rows)
    label = monitor().update(rows).label
    for given in (
        np.load(tmp_path / "rows.npy", mmap_mode="r"),
        np.asfortranarray(rows),
        da.from_array(rows, chunks=(700, 2)),
        da.from_array(rows, chunks=(1000, 1)),
    ):
        assert monitor().update(given).label == label
    assert monitor().update(rows.astype("f4")).label != label
    assert monitor().update(rows[::-1]).label != label


def test_content_is_the_same_in_any_library_and_order_of_columns():
    """Rows are hashed as they are compared: in the columns of the reference."""
    torch = pytest.importorskip("torch")
    label = monitor().update(BATCHES[1]).label
    assert monitor().update(torch.as_tensor(BATCHES[1])).label == label
    named = repdist.Reference(pd.DataFrame(X, columns=["a", "b"]), **SMALL)
    table = pd.DataFrame(BATCHES[1], columns=["a", "b"])
    for rows in (table, table[["b", "a"]], BATCHES[1]):
        assert monitor(named).update(rows).label == label
    swapped = pd.DataFrame(BATCHES[1], columns=["b", "a"])
    assert monitor(named).update(swapped).label != label
    assert monitor(named).update(np.repeat(BATCHES[1], 2, axis=0)).label != label


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("a", "a"),
        (3, "3"),
        (np.int64(3), "3"),
        (2.0, "2"),
        (np.float32(2), "2"),
        (-0.0, "0"),
        (2.5, "2.5"),
        (np.float64(2.5), "2.5"),
        (np.str_("b"), "b"),
        ("x" * 200, "x" * 200),
        (dt.date(2026, 3, 1), "2026-03-01"),
        (dt.datetime(2026, 3, 1, 12, 30), "2026-03-01T12:30:00"),
        (pd.Timestamp("2026-03-01"), "2026-03-01T00:00:00"),
    ],
    ids=lambda value: f"{type(value).__name__} {value!s:.12}",
)
def test_labels_are_text(label, text):
    found = monitor()
    assert found.update(BATCHES[0], label).label == text
    for again in (label, text):
        with pytest.raises(ValueError, match="`label` must be a batch that was not seen"):
            found.update(BATCHES[1], again)
    with pytest.raises(ValueError, match="`label` must be that of a batch with an alarm; got"):
        found.accept(label)
    assert len(found.steps) == 1


KIND = "`label` must be text, a number or a date; got"
FINITE = "`label` must be a finite number, or text; got"
LINE = "`label` must be one line of at most 200 characters that can be printed; got"


@pytest.mark.parametrize(
    ("label", "error", "message"),
    [
        (True, TypeError, KIND),
        (np.True_, TypeError, KIND),
        (("a", 1), TypeError, KIND),
        (["a"], TypeError, KIND),
        ({"a": 1}, TypeError, KIND),
        (b"a", TypeError, KIND),
        (np.array([1]), TypeError, KIND),
        (1j, TypeError, KIND),
        (math.nan, ValueError, FINITE),
        (-math.inf, ValueError, FINITE),
        (np.float32("nan"), ValueError, FINITE),
        ("", ValueError, LINE),
        ("  ", ValueError, LINE),
        ("a\nb", ValueError, LINE),
        ("a\x1b[31m", ValueError, LINE),
        ("a\u202eb", ValueError, LINE),
        ("x" * 201, ValueError, LINE),
        (10**200, ValueError, LINE),
    ],
    ids=lambda value: ascii(value)[:12] if not isinstance(value, type) else value.__name__,
)
def test_labels_that_are_none(label, error, message):
    found = monitor()
    for call in (lambda: found.update(BATCHES[0], label), lambda: found.accept(label)):
        with pytest.raises(error, match=f"^{re.escape(message)}"):
            call()
    assert not found.steps


# --- what leaves it as it was --------------------------------------------------------------------


@pytest.mark.parametrize(
    "rows",
    [
        BATCHES[0][:63],
        np.empty((0, 2)),
        np.full((100, 2), np.nan),
        np.ones((100, 3)),
        np.ones(100),
        None,
        "rows.npy",
        repdist.Reference(X, **(SMALL | {"rng": 1})).sketch(BATCHES[0]),
        REFERENCE.sketch(BATCHES[0][:60]),
    ],
    ids=["few", "none", "NaN", "wide", "flat", "None", "text", "other plan", "few in a sketch"],
)
def test_an_update_that_fails_changes_nothing(rows):
    found = fed(BATCHES[:2])
    before, expected = state_of(found), fed(BATCHES[:3]).steps
    with pytest.raises((TypeError, ValueError), match="`rows` must"):
        found.update(rows, "bad")
    assert state_of(found) == before
    found.update(BATCHES[2], "week 2")
    assert found.steps == expected


@pytest.mark.parametrize(
    ("owner", "broken"),
    [(Pool, "pvalue"), (repdist.Monitor, "_step"), (Pool, "grown")],
    ids=["pvalue", "step", "grown"],
)
def test_an_update_that_breaks_off_changes_nothing(owner, broken, monkeypatch):
    found = fed(BATCHES[:2])
    before = state_of(found)

    def fails(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(owner, broken, fails)
        with pytest.raises(KeyboardInterrupt):
            found.update(BATCHES[2], "week 2")
    assert state_of(found) == before
    found.update(BATCHES[2], "week 2")
    assert found.steps == fed(BATCHES[:3]).steps


def test_rows_and_the_reference_are_unchanged():
    before = REFERENCE.as_sketch().bins.copy(), REFERENCE.as_sketch().rest.copy()
    rows = BATCHES[3].copy()
    rows.flags.writeable = False
    found = monitor()
    found.update(rows)
    found.update(DRIFTED)
    np.testing.assert_array_equal(REFERENCE.as_sketch().bins, before[0])
    np.testing.assert_array_equal(REFERENCE.as_sketch().rest, before[1])
    np.testing.assert_array_equal(rows, BATCHES[3])


# --- accept and restart --------------------------------------------------------------------------


def test_accept(alarmed):
    (label,) = alarmed.alarms
    pool = alarmed._pool
    before = pool.bins.copy(), pool.rest.copy()
    alarmed.accept(label)
    assert alarmed.alarms == ()
    assert [step.label for step in alarmed.steps if step.accepted] == [label]
    assert alarmed._pool is pool
    np.testing.assert_array_equal(pool.bins, before[0])
    np.testing.assert_array_equal(pool.rest, before[1])
    alarmed.accept(label)  # and once more
    for other in ("week 0", "never seen"):
        with pytest.raises(ValueError, match=f"`label` must be that of a batch with .*'{other}'"):
            alarmed.accept(other)
    with pytest.raises(TypeError, match="`label` must be text, a number or a date; got None"):
        alarmed.accept(None)


def test_restart(alarmed):
    later = repdist.Reference(RNG.normal(size=(500, 2)) + 2, **SMALL)
    steps = alarmed.steps
    alarmed.restart(later)
    assert alarmed.steps == steps
    assert alarmed.reference is later
    step = alarmed.update(RNG.normal(size=(100, 2)) + 2, "new")
    assert step.evidence == pytest.approx(float(bet(np.array(step.pvalue))), rel=1e-12)
    assert step.mmd_squared < 10 * step.floor
    assert step.n == 96  # of 100: bins of 8, and none for the last rows
    assert rows_of(alarmed) == later.n + 96
    with pytest.raises(ValueError, match="`label` must be a batch that was not seen before"):
        alarmed.update(BATCHES[0], "week 0")
    with pytest.raises(ValueError, match="`rows` must be a sketch of this reference"):
        alarmed.update(REFERENCE.sketch(BATCHES[0]), "old plan")
    with pytest.raises(TypeError, match="`reference` must be a Reference; got"):
        alarmed.restart(X)


# --- what it refuses -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"alarm_every": 0}, ValueError, "`alarm_every` must be a positive, finite number; got 0"),
        ({"alarm_every": -5}, ValueError, "`alarm_every` must be a positive"),
        ({"alarm_every": 1.9}, ValueError, "`alarm_every` must be from 2 to 100000 .*; got 1.9"),
        ({"alarm_every": 100_001}, ValueError, "`alarm_every` must be from 2 .*; got 100001"),
        ({"alarm_every": math.nan}, ValueError, "`alarm_every` must be a finite number; got nan"),
        ({"alarm_every": math.inf}, ValueError, "`alarm_every` must be a finite number; got inf"),
        ({"alarm_every": True}, TypeError, "`alarm_every` must be a number; got True"),
        ({"alarm_every": "100"}, TypeError, "`alarm_every` must be a number; got '100'"),
        ({"alarm_every": None}, TypeError, "`alarm_every` must be a number; got None"),
        ({"n_resamples": 0}, ValueError, "`n_resamples` must be at least 1; got 0"),
        ({"n_resamples": 18}, ValueError, "`n_resamples` must be at least 19, .*; got 18"),
        ({"n_resamples": 9.5}, TypeError, "`n_resamples` must be a whole number"),
        ({"rng": "x"}, TypeError, "`rng` must be None, a whole number"),
    ],
    ids=str,
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        monitor(**options)


def test_the_least_and_the_most_are_taken():
    assert monitor(alarm_every=2, n_resamples=19).n_resamples == 19
    assert monitor(alarm_every=1e5).alarm_every == 1e5


@pytest.mark.parametrize(
    "given", [X, None, "ref.npz", REFERENCE.sketch(X)], ids=lambda v: type(v).__name__
)
def test_it_is_given_a_reference(given):
    with pytest.raises(TypeError, match=r"`reference` must be a Reference; got .* Make one"):
        monitor(given)


# --- tables, pictures, pages ---------------------------------------------------------------------


def test_the_frame_has_the_steps(alarmed):
    frame = alarmed.to_frame()
    assert frame.index.name == "label"
    for (label, row), step in zip(frame.iterrows(), alarmed.steps, strict=True):
        assert label == step.label
        assert row["pvalue"] == step.pvalue
        assert row["alarm"] == step.alarm
    assert monitor().to_frame().empty
    assert list(monitor().to_frame().columns) == list(frame.columns)


def test_the_dictionary_is_ready_for_json(alarmed):
    for found in (alarmed, monitor()):
        answer = found.to_dict()
        assert json.loads(json.dumps(answer, allow_nan=False)) == answer
        assert len(answer["steps"]) == len(found.steps)
        assert answer["alarms"] == list(found.alarms)
        assert answer["threshold"] == found.threshold


def test_the_summary(alarmed):
    words = alarmed.summary()
    assert words == str(alarmed)
    assert words.startswith(f"Monitor of {len(alarmed.steps)} batches\n")
    assert "every 100 batches on average while nothing changes" in words
    assert "after: no alarm" in words
    assert f"1 not accepted: {alarmed.alarms[0]}" in words
    alarmed.accept(alarmed.alarms[0])
    assert "not accepted" not in alarmed.summary()
    assert monitor().summary().startswith("Monitor of 0 batches\n")
    assert fed(BATCHES[:1]).summary().startswith("Monitor of 1 batch\n")
    ends_with_it, rng = monitor(), np.random.default_rng(2)
    for number in range(20):
        if not ends_with_it.alarms:
            ends_with_it.update(rng.normal(size=(200, 2)) + 2 * number + 2)
    assert ": ALARM, evidence" in ends_with_it.summary()


def test_an_interval_that_is_cut_says_so(alarmed):
    quiet = fed(BATCHES[:1])
    assert quiet.steps[-1].ci_low == 0
    assert "95 % interval 0 (cut) to " in quiet.summary()
    quiet.update(DRIFTED, "drift")
    assert quiet.steps[-1].ci_low > 0
    assert f"95 % interval {quiet.steps[-1].ci_low:.3g} to " in quiet.summary()


def test_rows_that_no_landmark_sees_are_told_of():
    found = fed(BATCHES[:1])
    assert found.steps[-1].unseen == 0
    assert "near to no landmark" not in found.summary()
    step = found.update(np.concatenate([BATCHES[2][:78], np.full((2, 2), 1e6)]), "<far>")
    assert step.unseen == 2
    assert found.to_frame()["unseen"].tolist() == [0, 2]
    assert "2 of the 80 rows of <far> are near to no landmark" in found.summary()
    found.update(BATCHES[1], "near")  # it is the last batch that is told of
    assert "near to no landmark" not in found.summary()


def test_rows_that_fill_no_bin_are_told_of():
    found = fed(BATCHES[:1])
    assert "fill no bin" not in found.summary()
    assert found.update(BATCHES[1], "june").left_out == 4
    assert "100 in june, 4 of them fill no bin and are left out" in found.summary()


def test_it_says_since_when_the_evidence_has_grown():
    found, rng = fed(), np.random.default_rng(5)
    for number in range(5, 7):
        found.update(rng.normal(size=(128, 2)) + 0.2, f"drift {number}")
    last = found.steps[-1]
    assert (last.alarm, last.since, last.label) == (True, "drift 5", "drift 6")
    assert f"ALARM, evidence {last.evidence:.3g}, growing since drift 5" in found.summary()
    found.restart(repdist.Reference(RNG.normal(size=(500, 2)) + 9, **SMALL))
    anew = found.update(RNG.normal(size=(200, 2)), "anew")
    assert anew.since == "anew"  # and none before the restart
    assert "growing since" not in found.summary()


def test_method_and_call(alarmed):
    words = alarmed.method()
    assert words[0].isupper()
    assert f"({repdist.__version__})" in words or words.endswith(
        f"(repdist {repdist.__version__})."
    )
    for part in ("bins of 8 rows", "12 landmarks", "every 100 batches", "independent"):
        assert part in words
    assert alarmed.call().startswith("repdist.Monitor(reference, alarm_every=100, n_resamples=99)")


def of_evidence(ax):
    return ax.figure.axes[1]


def test_the_picture(alarmed):
    ax = alarmed.plot()
    assert isinstance(ax.figure, Figure)
    below = of_evidence(ax)
    ax.figure.canvas.draw()
    frame = alarmed.to_frame()
    *parts, red, threshold = below.lines
    drawn = [part.get_ydata() for part in parts]
    np.testing.assert_allclose(np.concatenate(drawn), frame["evidence"])
    np.testing.assert_array_equal(np.concatenate([part.get_xdata() for part in parts]), range(7))
    assert [len(part) for part in drawn] == [6, 1]  # the line starts anew after the alarm
    assert frame["alarm"].iloc[5]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), frame["mmd_squared"])
    assert ax.get_title(loc="left") == f"Alarm: {alarmed.alarms[0]}"
    np.testing.assert_array_equal(threshold.get_ydata(), [alarmed.threshold] * 2)
    np.testing.assert_array_equal(red.get_xdata(), np.flatnonzero(frame["alarm"]))
    np.testing.assert_array_equal(red.get_ydata(), frame["evidence"][frame["alarm"]])


@pytest.mark.parametrize("count", [1, 2, 5, 60])
def test_no_mark_is_clipped(count):
    """Every mark lies inside its panel by its radius, and each name is shown or left out evenly."""
    found, rng = monitor(), np.random.default_rng(3)
    for number in range(count):
        found.update(rng.normal(size=(64, 2)) + (number > 50), number)
    figure = found.plot().figure
    figure.canvas.draw()
    for ax in figure.axes:
        box = ax.get_window_extent()
        for line in ax.lines:
            if line.get_marker() in (None, "None", "", "_", "|"):
                continue
            radius = line.get_markersize() / 2 * figure.dpi / 72
            places = ax.transData.transform(np.column_stack(line.get_data()).astype(float))
            if len(places):
                assert places.min(axis=0)[0] >= box.x0 + radius - 0.5
                assert places.max(axis=0)[0] <= box.x1 - radius + 0.5
                assert places.min(axis=0)[1] >= box.y0 + radius - 0.5
                assert places.max(axis=0)[1] <= box.y1 - radius + 0.5


def test_nothing_can_be_drawn_of_no_batch(tmp_path):
    for call in (monitor().plot, lambda: monitor().to_html(tmp_path / "page.html")):
        with pytest.raises(ValueError, match="can be drawn once a batch has come; got none"):
            call()
    assert not list(tmp_path.iterdir())


def test_the_page(alarmed, tmp_path):
    names = ["<script>alert(1)</script>", "R & D \"q\" 'p'", "$x_1$"]
    for name in names:
        alarmed.update(RNG.normal(size=(64, 2)), name)
    path = tmp_path / "page.html"
    alarmed.to_html(path, title="<i> & more")
    page = path.read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "<i>" not in page
    for name in names:
        assert html.escape(name) in page
    assert "ALARM" in page
    assert page.count("data:image/png;base64,") == 1
    assert html.escape(alarmed.method()) in page
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:)""", page)
    alarmed.accept(alarmed.alarms[0])
    alarmed.to_html(path)
    assert ">ALARM<" not in path.read_text(encoding="utf-8")
    assert "accepted" in path.read_text(encoding="utf-8")
    with pytest.raises(TypeError, match="`title` must be text; got 3"):
        alarmed.to_html(path, title=3)
