"""The study of the monitor: its streams, the rules beside it, what is made of many streams."""

import csv
import itertools

import numpy as np
import pytest
from scipy import stats

from benchmarks.evidence import drift, lengths, watching
from benchmarks.evidence.online import OnlineLSDD, OnlineMMD, regularised, squared_distances
from benchmarks.evidence.streams import Change, Stream, features
from benchmarks.evidence.watchers import Columns, Looks, Monitored, Weekly, wasserstein
from benchmarks.evidence.watching import Case

LOOKS = Looks("median", 63)
SMALL = Stream("gaussian", 8)


def rng():
    return np.random.default_rng(0)


# --- streams -------------------------------------------------------------------------------------


@pytest.mark.parametrize("bins", [8, 64, 512])
def test_a_reference_has_the_bins_that_are_asked_for(bins):
    stream = Stream("modes", bins)
    looks = Looks("median", 63, max_bins=513)
    assert looks.reference(stream.reference(rng()), 0).n_bins == bins


@pytest.mark.parametrize("data", ["gaussian", "modes", "t3", "features"])
def test_batches_have_their_columns_and_rows(data):
    stream = Stream(data, 8, 256, 600)
    batches = [stream.batch(np.random.default_rng(i)) for i in range(50)]
    assert {batch.shape[1] for batch in batches} == {stream.d}
    sizes = [len(batch) for batch in batches]
    assert 256 <= min(sizes) < 300 < 560 < max(sizes) <= 600


def test_features_are_drawn_from_the_case_study():
    rows = Stream("features", 8).rows(20, rng())
    pool = {tuple(row) for row in features()}
    assert features().shape == (3000, 64)
    assert all(tuple(row) in pool for row in rows)


def test_changes():
    rows = rng().normal(size=(100_000, 4))

    def moved(change, week=1):
        changed = change(rows, week, rng())
        return changed.mean(axis=0) - rows.mean(axis=0), changed.std() / rows.std()

    shift, spread = moved(Change("mean", 0.4))
    np.testing.assert_allclose(shift, 0.2)
    assert spread == pytest.approx(1)
    np.testing.assert_allclose(moved(Change("ramp", 0.4), 10)[0], 0.1)
    np.testing.assert_allclose(moved(Change("ramp", 0.4), 40)[0], 0.4)
    assert moved(Change("scale", 0.05))[1] == pytest.approx(1.05)
    np.testing.assert_allclose(moved(Change())[0], 0, atol=1e-15)
    batches = [Change("batches", 0.3)(np.zeros((2, 500)), 1, np.random.default_rng(i))
               for i in range(2)]  # fmt: skip
    for batch in batches:
        np.testing.assert_array_equal(batch[0], batch[1])
        assert batch[0].std() == pytest.approx(0.3, rel=0.1)
    assert abs(np.corrcoef(batches[0][0], batches[1][0])[0, 1]) < 0.2


# --- what watches them ---------------------------------------------------------------------------


def test_scores_are_large_after_a_change():
    rows = SMALL.reference(rng())
    watchers = [Monitored(rows, LOOKS, 5, 0), Weekly(rows, LOOKS, 0), Columns(rows)]
    quiet = [watcher(SMALL.batch(rng())) for watcher in watchers]
    changed = [watcher(SMALL.batch(rng()) + 1) for watcher in watchers]
    assert quiet[0] == 0 < changed[0] == 1
    assert changed[1] == -watchers[1].pvalue == pytest.approx(-1 / 64)
    assert quiet[2] < 0.2 < 0.9 < changed[2] < 1.1


def test_distances_of_columns_are_those_of_scipy():
    X, Y = rng().normal(size=(50, 3)), rng().normal(1, 2, size=(21, 3))
    Y[0] = X[0]
    expected = [stats.wasserstein_distance(X[:, j], Y[:, j]) for j in range(3)]
    np.testing.assert_allclose(wasserstein(X, Y), expected, rtol=1e-12)


@pytest.mark.parametrize(("d", "half"), [(4, 2), (5, 3)])
def test_half_of_the_columns_must_drift(d, half):
    rows = rng().normal(size=(2000, d))

    def score(drifted):
        return Columns(rows)(rows[:1000] + 0.5 * (np.arange(d) < drifted))

    assert score(half - 1) < 0.1 <= score(half)


# --- online --------------------------------------------------------------------------------------


def test_online_mmd_is_the_formula():
    rows, batch = rng().normal(size=(60, 2)), rng().normal(0.5, 1, size=(9, 2))
    detector = OnlineMMD(rows, np.random.default_rng(1), window=5)
    order = np.random.default_rng(1).permutation(60)
    kept, tail = rows[order[:51]], rows[order[-5:]]
    distances = squared_distances(rows, rows)[~np.eye(60, dtype=bool)]
    scale = np.sort(distances)[len(distances) // 2 - 1]

    def naive(window):
        k = lambda a, b: np.exp(-np.square(a - b).sum() / scale)  # noqa: E731
        own = np.mean([k(a, b) for i, a in enumerate(kept) for j, b in enumerate(kept) if i != j])
        new = np.mean(
            [k(a, b) for i, a in enumerate(window) for j, b in enumerate(window) if i != j]
        )
        return own + new - 2 * np.mean([k(a, b) for a in kept for b in window])

    seen = np.concatenate([tail, batch])
    expected = [naive(seen[i + 1 : i + 6]) for i in range(9)]
    found = np.concatenate([detector.scores(batch[:4]), detector.scores(batch[4:])])
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_online_lsdd_goes_on_from_batch_to_batch_and_sees_a_change():
    rows = rng().normal(size=(300, 3))
    batch = rng().normal(size=(60, 3))
    whole, parts = (OnlineLSDD(rows, np.random.default_rng(1), window=20) for _ in range(2))
    found = np.concatenate([parts.scores(batch[:7]), parts.scores(batch[7:])])
    np.testing.assert_allclose(whole.scores(batch), found, rtol=1e-9)
    assert whole(batch + 1) > 3 * found.max()


def test_the_form_of_lsdd():
    """Without regularisation it is the inverse; with it a fifth of the distance is lost at most."""
    A = rng().normal(size=(6, 6))
    H = A @ A.T + 50 * np.eye(6)
    h = rng().normal(size=(30, 6))
    form = regularised(H, h)
    np.testing.assert_allclose(form, np.linalg.inv(H), atol=1e-3)
    assert not np.allclose(form, np.linalg.inv(H), rtol=1e-6)  # lambda is 1 here


# --- what is made of many streams ----------------------------------------------------------------


def test_lengths_count_streams_that_end_without_alarm():
    series = [[0.0, 0.0, 1.0], [1.0], [0.0] * 8]
    mean, error = lengths.mean_length(series, 1.0)
    assert mean == (3 + 1 + 8) / 2
    assert error == pytest.approx(np.sqrt(3**2 + 5**2 + 8**2) / 2)
    assert lengths.mean_length(series, 2.0)[0] == np.inf


def test_a_level_is_found():
    """Of independent uniforms a level of 1 - 1/20 has a mean length of 20."""
    series = [list(np.random.default_rng(i).random(400)) for i in range(1000)]
    level = lengths.level_for(series, 20)
    assert level == pytest.approx(0.95, abs=0.005)
    assert lengths.mean_length(series, level)[0] == pytest.approx(20, rel=1e-2)


def test_what_independence_looks_like():
    p = np.ceil(rng().random((2000, 60)) * 512) / 512
    row = lengths.independence_of(p.tolist(), 512)
    assert row["rate"] == pytest.approx(25 / 512, abs=0.003)
    assert row["count_ratio"] == pytest.approx(1, abs=4 * row["count_error"])
    assert row["count_error"] == pytest.approx(np.sqrt(2 / 2000), rel=0.3)
    assert all(abs(row[f"lag_{k}"]) < 4 * row["lag_error"] for k in (1, 2, 3))
    same = np.repeat(p[:, :1], 60, axis=1)
    row = lengths.independence_of(same.tolist(), 512)
    assert row["lag_2"] == pytest.approx(1)
    assert row["count_ratio"] == pytest.approx(60, rel=0.2)


def test_delays():
    series = [[1.0], [0.0, 1.0], [0.0, 0.0, 1.0], [0.0] * 60]
    row = lengths.delays_of(series, 1.0)
    assert row == {"median": 3, "ninety": "over 60", "never": 0.25, "level": 1.0}


def test_alarms_are_counted():
    row = lengths.effect_of([[0.0], [2.0], [1.0], [0.0]])
    assert (row["mean"], row["rate"]) == (0.75, 0.5)


# --- the study -----------------------------------------------------------------------------------


def test_cases_have_names_of_their_own_and_take_turns():
    cases = drift.cases()
    assert len({case.name for case in cases}) == len(cases)
    chunks = drift.cut(cases)
    assert [chunk.case for chunk in chunks[: len(cases)]] == cases
    for case in cases:
        mine = [(chunk.start, chunk.stop) for chunk in chunks if chunk.case == case]
        assert mine[0][0] == 0
        assert mine[-1][1] == case.wanted
        assert all(a[1] == b[0] for a, b in itertools.pairwise(mine))


def test_a_stream_depends_on_its_name_alone():
    case = Case("independence", SMALL, "monitor", 2, LOOKS)
    first, again, other = (watching.one(case, i) for i in (0, 0, 1))
    assert first == again != other
    assert len(first) == watching.WEEKS


def test_the_parts_of_the_study():
    length = Case("length", SMALL, "monitor", 1, LOOKS, every=3)
    assert 1 <= len(watching.one(length, 0)) <= 36
    effect = Case("effect", SMALL, "monitor", 1, LOOKS, change=Change("batches", 1.0))
    assert watching.one(effect, 0)[0] > 3
    for method in ("monitor", "weekly", "columns", "mmd-online", "lsdd-online"):
        delay = Case(
            "delay",
            Stream("gaussian", 64),
            method,
            1,
            Looks("median", 511),
            change=Change("mean", 3.0),
        )
        assert len(watching.one(delay, 0)) == 1


TINY = [
    Case("length", SMALL, "columns", 3, every=3),
    Case("effect", SMALL, "monitor", 2, LOOKS),
    Case("delay", SMALL, "columns", 2, change=Change("mean", 1.0), every=3),
]


def run(folder, *arguments):
    drift.main([*arguments, "--out", str(folder), "--kept", str(folder / "kept")])
    with (folder / "drift.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_writes_rows_and_goes_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(drift, "cases", lambda _: TINY)
    monkeypatch.setattr(drift.results, "commit", lambda: "1234567")
    rows = run(tmp_path, "length", "--minutes", "0")
    assert [row["streams"] for row in rows] == ["1", "1"]
    assert list(rows[0]) == list(drift.COLUMNS)
    rows = run(tmp_path)
    assert [drift.name_of(row) for row in rows] == [
        "length/gaussian-8/columns", "length/gaussian-8/columns-0.1",
        "effect/gaussian-8/monitor-64",
        "delay/gaussian-8-mean-1/columns", "delay/gaussian-8-mean-1/columns-0.1",
    ]  # fmt: skip
    assert [row["streams"] for row in rows] == ["3", "3", "2", "2", "2"]
    assert rows[0]["level"] == rows[3]["level"] != rows[4]["level"] == "0.1"
    capsys.readouterr()
    again = run(tmp_path)
    assert "0 chunks to do" in capsys.readouterr().out
    assert [{**row, "date": ""} for row in again] == [{**row, "date": ""} for row in rows]
    monkeypatch.setattr(drift.results, "commit", lambda: "7654321")
    mixed = run(tmp_path, "effect")
    assert [drift.name_of(row) for row in mixed] == [drift.name_of(row) for row in rows]
    expected = ["7654321" if row["part"] == "effect" else "1234567" for row in mixed]
    assert [row["commit"] for row in mixed] == expected


def test_a_wrong_name_is_refused(capsys):
    with pytest.raises(SystemExit):
        drift.main(["lenght", "--share", "0.01"])
    assert "no row is named 'lenght'" in capsys.readouterr().err
