"""What a result says of landmarks: what they saw, what they did not, which rows are quoted."""

import dataclasses
import json
import pickle

import numpy as np
import pytest

import repdist
from repdist import kernels
from repdist._results.landmarks import LandmarkView, through

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(160, 2)), RNG.normal(size=(200, 2)) + 0.2
KERNEL = kernels.MultiRBF((0.05, 1.0, 4.0))
VIEW = LandmarkView(
    wanted=20, n_landmarks=20, bandwidths=(0.5, 1.0, 2.0), captured=(0.6, 0.8, 0.95), rows=1000,
    unseen=3, left_out=0, quoted=(300, 700), sampled=False,
)  # fmt: skip


def seen(first=X, second=Y, **options):
    options = {"n_landmarks": 20, "n_resamples": 99, "kernel": KERNEL, **options}
    return repdist.mmd_test(first, second, method="landmarks", rng=0, **options)


def changed(**fields):
    return dataclasses.replace(VIEW, **fields)


def test_a_view_that_saw_everything_has_no_cautions():
    assert VIEW.cautions() == []
    assert VIEW.hardly_looked_at == 0
    assert VIEW.lines() == [
        ("looked", "through 20 landmarks; captured of components: 60%, 80%, 95%"),
        ("quoted", "MMD^2, its error and its interval from all rows"),
    ]


@pytest.mark.parametrize(
    ("captured", "widest"),
    [((0.1, 0.49, 0.9), 1.0), ((0.49, 0.5, 0.9), 0.5), ((0.5, 0.5, 0.5), 0.0), ((0, 0, 0), 2.0)],
)
def test_the_widest_bandwidth_of_which_less_than_half_is_captured(captured, widest):
    view = changed(captured=captured)
    assert view.hardly_looked_at == widest
    text = f"differences narrower than {widest:.3g} were hardly looked at"
    assert any(text in caution for caution in view.cautions()) == (widest > 0)


@pytest.mark.parametrize(("unseen", "told"), [(10, False), (11, True), (1000, True)])
def test_rows_that_are_near_to_no_landmark(unseen, told):
    text = f"{unseen:,} rows of 1,000 are near to no landmark"
    assert any(text in caution for caution in changed(unseen=unseen).cautions()) == told


@pytest.mark.parametrize(("count", "told"), [(250, False), (251, True)])
def test_landmarks_that_are_many_of_the_rows(count, told):
    text = f"{count} landmarks for 1,000 rows: they are among the rows that are compared"
    assert any(text in caution for caution in changed(n_landmarks=count).cautions()) == told


def test_what_is_left_out_and_what_is_quoted_stand_on_the_card():
    of_rest = dict(changed(left_out=41).lines())["looked"]
    assert of_rest.endswith("; 41 rows filled no bin and were left out")
    assert "1 row filled" in dict(changed(left_out=1).lines())["looked"]
    two = dict(changed(sampled=True, quoted=(5000, 4000)).lines())["quoted"]
    assert "from 5,000 and 4,000 rows drawn at random" in two
    many = dict(changed(sampled=True, quoted=(500, 400, 1500)).lines())["quoted"]
    assert "from at most 1,500 rows drawn at random" in many
    assert through(0) == ""
    assert through(1024) == "; seen through 1,024 landmarks"


def test_a_result_tells_its_view():
    result = seen()
    view = result.landmarks
    assert (view.wanted, view.n_landmarks, view.rows) == (20, 20, 360)
    assert view.bandwidths == KERNEL.bandwidths
    assert view.hardly_looked_at == 0.05
    assert view.captured[0] < 0.5 < view.captured[1] < view.captured[2] <= 1
    lines = str(result)
    assert "looked" in lines
    assert "through 20 landmarks" in lines
    assert any("narrower than 0.05 were hardly" in caution for caution in result.cautions)
    assert "with rows seen through 20 landmarks" in result.method()
    assert "landmarks" not in repdist.mmd_test(X, Y, rng=0, n_resamples=99).method()


def test_the_view_is_a_part_of_the_record():
    result = seen()
    record = json.loads(json.dumps(result.to_dict(), allow_nan=False))["landmarks"]
    assert record["n_landmarks"] == 20
    assert record["captured"] == list(result.landmarks.captured)
    assert repdist.mmd_test(X, Y, rng=0, n_resamples=99).to_dict()["landmarks"] is None
    kept = pickle.loads(pickle.dumps(result))
    assert kept.landmarks == result.landmarks
    np.testing.assert_array_equal(kept.null_distribution, result.null_distribution)


def test_components_tell_what_is_captured():
    frame = seen().components
    assert frame["captured"].tolist() == list(seen().landmarks.captured)
    assert "captured" not in repdist.mmd_test(X, Y, rng=0, n_resamples=99).components
    strata = np.arange(160) % 2, np.arange(200) % 2
    of_strata = seen(strata=strata).components
    assert len(of_strata) == 6  # both forms of each component
    assert of_strata["captured"].tolist() == [*seen(strata=strata).landmarks.captured] * 2


def test_two_blobs_of_which_one_has_no_landmark(monkeypatch):
    """All its rows are counted, and a caution says so."""
    far = np.concatenate([X, X[:40] + 100])

    def near(pilot, count, rng):
        here = np.flatnonzero(pilot[:, 0] < 50)
        return here[:count], np.setdiff1d(np.arange(len(pilot)), here[:count])

    monkeypatch.setattr("repdist._questions.landmarks.choose", near)
    result = seen(far, Y)
    assert result.landmarks.unseen == 40
    assert any("40 rows of 400 are near to no landmark" in c for c in result.cautions)


def test_two_blobs_have_landmarks_each():
    assert seen(np.concatenate([X, X[:10] + 100]), Y).landmarks.unseen == 0


def test_rows_that_repeat_each_other_need_fewer_landmarks():
    few = np.random.default_rng(0).integers(0, 3, size=(360, 2)).astype(float)
    view = seen(few[:160], few[160:], kernel=kernels.RBF(0.5)).landmarks
    assert view.wanted == 20
    assert 9 <= view.n_landmarks < 20
    assert view.captured[0] == pytest.approx(1)
    assert view.unseen == 0


def test_tables_and_pages_say_it_too(tmp_path):
    groups = {"a": X, "b": Y[:100], "c": Y[100:]}
    options = {"method": "landmarks", "n_landmarks": 20, "n_resamples": 99, "kernel": KERNEL}
    table = repdist.pairwise_mmd_test(groups, rng=0, **options)
    beside = repdist.compare_to_reference(X, {"b": Y[:100], "c": Y[100:]}, rng=0, **options)
    for result in (table, beside):
        assert "through 20 landmarks" in result.summary()
        assert "seen through 20 landmarks" in result.method()
        assert 'method="landmarks", n_landmarks=20' in result.call()
        assert any("hardly looked at" in caution for caution in result.cautions)
        record = json.loads(json.dumps(result.to_dict()))
        assert record["landmarks"]["n_landmarks"] == 20
    page = tmp_path / "page.html"
    seen().to_html(page)
    assert "through 20 landmarks" in page.read_text(encoding="utf-8")
    assert "captured" in page.read_text(encoding="utf-8")
