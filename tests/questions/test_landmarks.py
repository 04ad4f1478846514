"""Tests through landmarks: what they have in common with exact ones, and what is refused."""

import dataclasses
import json

import numpy as np
import pytest
from given import needs, read_only, strided

import repdist
from repdist import kernels
from repdist._pass.landmarks import unit_sums

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(150, 3)), RNG.normal(size=(210, 3)) + 0.12
FEW = {
    "n_landmarks": 12, "n_resamples": 99, "rng": 0, "kernel": kernels.MultiRBF("median", size=3)
}  # fmt: skip


def through(first, second, **options):
    return repdist.mmd_test(first, second, method="landmarks", **{**FEW, **options})


def assert_same(one, other):
    first, second = one.to_dict(), other.to_dict()
    first.pop("memory_bytes"), second.pop("memory_bytes")
    assert first == second
    np.testing.assert_array_equal(one.null_distribution, other.null_distribution)


# --- beside the exact test -----------------------------------------------------------------------


@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
@pytest.mark.parametrize("combine", ["max", "mean"])
def test_of_rows_of_three_kinds_landmarks_see_everything(combine, estimator):
    """Five landmarks hold one of each kind for sure: p is that of the exact test."""
    kinds = np.array([[0.0, 0.0], [1.0, 0.2], [-0.5, 2.0]])
    A, B = kinds[[0, 0, 1, 2, 1]], kinds[[1, 2, 2, 2, 0, 1, 2]]
    options = {"combine": combine, "estimator": estimator, "n_resamples": 999, "rng": 0}
    exact = repdist.mmd_test(A, B, **options)
    for seed in range(3):
        seen = through(A, B, **{**options, "n_landmarks": 5, "kernel": exact.kernel, "rng": seed})
        assert seen.landmarks.captured == pytest.approx((1.0,) * len(exact.kernel.bandwidths))
        assert seen.pvalue == exact.pvalue
        assert seen.statistic == pytest.approx(exact.statistic, rel=1e-6)
        assert seen.mmd_squared == pytest.approx(exact.mmd_squared, rel=1e-9)


def test_what_is_quoted_is_exact():
    """MMD^2, its error, its interval, effect and components come from all of few rows."""
    exact, seen = repdist.mmd_test(X, Y, rng=0, kernel=FEW["kernel"]), through(X, Y)
    for field in ("mmd_squared", "standard_error", "effect", "kernel", "n", "m", "n_bins"):
        got, expected = getattr(seen, field), getattr(exact, field)
        assert got == (expected if field == "kernel" else pytest.approx(expected, rel=1e-9))
    np.testing.assert_allclose(
        seen.component_columns["mmd_squared"], exact.component_columns["mmd_squared"], rtol=1e-9
    )
    assert not seen.landmarks.sampled
    assert seen.landmarks.quoted == (150, 210)


def test_of_many_rows_some_are_quoted(monkeypatch):
    whole = through(X, Y)
    monkeypatch.setattr("repdist._questions.landmarks.QUOTED", 50)
    result = through(X, Y)
    assert result.landmarks.sampled
    assert result.landmarks.quoted == (50, 50)
    assert (result.n, result.m) == (150, 210)
    assert result.standard_error > 1.2 * whole.standard_error
    assert result.pvalue == whole.pvalue
    assert "50 and 50 rows drawn at random" in result.summary()


def test_a_shift_is_seen_whatever_the_draw():
    assert all(through(X, X[:, ::-1] + 1, rng=seed).pvalue < 0.02 for seed in range(5))


@pytest.mark.parametrize("n_bins", [20, "auto"])
def test_samples_in_the_other_order_differ_by_the_draw_alone(n_bins):
    """The smaller one comes first anyway; the pilot is pooled in the order of the arguments."""
    one, other = through(X, Y + 0.3, n_bins=n_bins), through(Y + 0.3, X, n_bins=n_bins)
    assert abs(one.pvalue - other.pvalue) <= 0.05
    assert one.mmd_squared == pytest.approx(other.mmd_squared, rel=1e-9)
    assert (one.n, one.m) == (other.m, other.n)


def test_the_same_rng_gives_the_same_bits_and_is_left_in_one_state():
    first, second = np.random.default_rng(5), np.random.default_rng(5)
    assert_same(through(X, Y, rng=first), through(X, Y, rng=second))
    assert first.random() == second.random()


def test_threads_change_no_bit(monkeypatch):
    monkeypatch.setattr("repdist._pass.landmarks._SPAN", 50)
    one = through(X, Y, n_jobs=1)
    for n_jobs in (2, 5):
        assert_same(one, through(X, Y, n_jobs=n_jobs))


def in_a_file(rows, path):
    np.save(path, rows)
    return np.load(path, mmap_mode="r")


def in_a_store(rows, path):
    zarr = pytest.importorskip("zarr")
    store = zarr.create_array(path, shape=rows.shape, chunks=(130, 2), dtype=rows.dtype)
    store[:] = rows
    return store


LYING = {
    "memmap": in_a_file,
    "zarr": in_a_store,
    "strided": lambda rows, path: strided(rows),
    "Fortran": lambda rows, path: np.asfortranarray(rows),
    "read-only": lambda rows, path: read_only(rows),
}


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
@pytest.mark.parametrize("lying", LYING.values(), ids=LYING.keys())
def test_wherever_rows_lie_the_answer_is_one(tmp_path, lying, dtype):
    A, B = ((4 * rows + 60).astype(dtype) for rows in (X, Y))
    got = through(lying(A, tmp_path / "a.npy"), lying(B, tmp_path / "b.npy"))
    assert_same(got, through(A, B))


@needs("torch")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_tensors_give_the_answer_of_arrays(dtype):
    import torch

    A, B = X.astype(dtype), Y.astype(dtype)
    ours, theirs = through(A, B), through(torch.as_tensor(A), torch.as_tensor(B))
    assert abs(ours.pvalue - theirs.pvalue) <= 3 / 128
    rtol = 1e-9 if dtype == np.float64 else 1e-2
    assert theirs.mmd_squared == pytest.approx(ours.mmd_squared, rel=rtol)
    np.testing.assert_allclose(theirs.landmarks.captured, ours.landmarks.captured, rtol=1e-3)
    assert theirs.landmarks.n_landmarks == ours.landmarks.n_landmarks


@pytest.mark.parametrize("dtype", ["f2", "i4", "u1"])
def test_narrow_dtypes_give_the_answer_of_the_same_numbers(dtype):
    A, B = ((9 * rows + 60).astype(dtype) for rows in (X, Y))
    assert through(A, B).pvalue == through(A.astype("f8"), B.astype("f8")).pvalue


def test_the_call_repeats_the_result():
    result = through(X, Y, combine="fuse", estimator="biased")
    call = result.call()
    assert 'method="landmarks", n_landmarks=12' in call
    names = {"repdist": repdist, "kernels": kernels, "X": X, "Y": Y}
    again = eval(call.partition("#")[0].strip()[:-1] + ", rng=0)", names)
    assert_same(result, again)


# --- which rows are a bin ------------------------------------------------------------------------


def units_of(monkeypatch, *samples, **options):
    """The unit of each row, for each pass of a test."""
    found = []

    def noted(landmarks, rows, unit, n_units, workers):
        found.append(unit.copy())
        return unit_sums(landmarks, rows, unit, n_units, workers)

    monkeypatch.setattr("repdist._questions.landmarks.unit_sums", noted)
    through(*samples, **options)
    return found


def test_bins_are_made_of_rows_at_random(monkeypatch):
    """Whatever the order of a file."""
    for sample, unit in zip((X, Y), units_of(monkeypatch, X, Y, n_bins=10), strict=True):
        assert len(unit) == len(sample)
        assert (np.bincount(unit)[:10] == 15).all()
        assert abs(np.corrcoef(unit, np.arange(len(unit)))[0, 1]) < 0.4  # in order it is 1
        assert len(np.unique(unit[:15])) > 3


def test_a_bin_lies_in_one_stratum(monkeypatch):
    ids = np.arange(150) % 3, np.arange(210) % 3
    for of, unit in zip(ids, units_of(monkeypatch, X, Y, strata=ids, n_bins=10), strict=True):
        of_unit = np.array([of[unit == u].mean() for u in np.unique(unit)])
        np.testing.assert_array_equal(of_unit, of_unit.round())
        assert (np.diff(unit[of == 0]) < 0).any()


def test_both_rows_of_a_pair_lie_in_one_bin(monkeypatch):
    first, second = units_of(monkeypatch, X, Y[:150], paired=True, n_bins=10)
    np.testing.assert_array_equal(first, second)
    assert (np.diff(first) < 0).any()


# --- designs -------------------------------------------------------------------------------------


def test_pairs_see_what_rows_do_not():
    rng = np.random.default_rng(1)
    A = rng.normal(size=(400, 2)) * 3
    B = A + 0.05 * rng.normal(size=A.shape) + 0.02
    paired = through(A, B, paired=True, n_landmarks=100)
    assert paired.pvalue < 0.02
    assert through(A, B, n_landmarks=100).pvalue > 0.2
    assert paired.landmarks.left_out == 0
    swapped = through(B, A, paired=True, n_landmarks=100)
    assert swapped.pvalue < 0.02


def test_pairs_are_quoted_together(monkeypatch):
    """Drawn apart they would tell as little as rows that are no pairs."""
    monkeypatch.setattr("repdist._questions.landmarks.QUOTED", 60)
    A = X + 0.1 * RNG.normal(size=X.shape)
    paired, apart = through(X, A, paired=True), through(X, A)
    assert paired.landmarks.quoted == (60, 60)
    assert paired.standard_error < 0.2 * apart.standard_error


def test_pairs_that_are_equal_show_nothing():
    assert through(X, X.copy(), paired=True).pvalue == 1


@pytest.mark.parametrize("swap", [False, True])
def test_strata_with_unequal_mixes_are_adjusted(swap):
    """Two far strata, .8 and .2 of one sample, .3 and .7 of the other: rows see nothing else."""
    rng = np.random.default_rng(2)
    ids = np.repeat([0, 1], [320, 80]), np.repeat([0, 1], [180, 420])
    samples = [rng.normal(size=(len(of), 2)) + 5 * of[:, None] for of in ids]
    if swap:
        samples, ids = samples[::-1], ids[::-1]
    result = through(*samples, strata=ids)
    assert result.pvalue > 0.05
    assert through(*samples).pvalue < 0.02
    assert result.strata["n"].tolist() == np.bincount(ids[0]).tolist()
    assert result.strata["m"].tolist() == np.bincount(ids[1]).tolist()
    moved = [samples[0], samples[1] + 0.5]
    assert through(*moved, strata=ids).pvalue < 0.02


def test_strata_of_two_rows():
    ids = np.arange(40) // 2
    result = through(X[:40], Y[:40] + 2, strata=(ids, ids), n_landmarks=8)
    assert result.pvalue < 0.02
    assert result.landmarks.left_out == 0


ROUGH = {"clusters": (np.arange(150) // 3, 1000 + np.arange(210) // 3)}
REFUSED = {
    "clusters": ((X, Y), ROUGH, '`method` must be "exact" with `clusters`'),
    "pairs in strata": (
        (X, Y[:150]), {"paired": True, "strata": (np.arange(150) % 3,) * 2},
        '`method` must be "exact" for `paired` rows in `strata`',
    ),
}  # fmt: skip


@pytest.mark.parametrize("function", [repdist.mmd_test, repdist.check_level])
@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_designs_are_refused_by_name(case, function):
    samples, design, message = case
    with pytest.raises(ValueError, match=message):
        function(*samples, **design, method="landmarks", n_landmarks=12)


TABLE = {"a": X[:130], "b": Y[:70], "c": Y[70:]}
OF_TABLES = {
    "paired": {"paired": {name: np.arange(len(rows)) for name, rows in TABLE.items()}},
    "clusters": {
        "clusters": {n: [f"{n}{i // 2}" for i in range(len(r))] for n, r in TABLE.items()}
    },
    "strata": {"strata": {name: np.arange(len(rows)) % 2 for name, rows in TABLE.items()}},
}


@pytest.mark.parametrize("design", OF_TABLES.values(), ids=OF_TABLES.keys())
def test_tables_refuse_every_design(design):
    with pytest.raises(ValueError, match='`method` must be "exact"'):
        repdist.pairwise_mmd_test(TABLE, method="landmarks", n_landmarks=12, **design)


class Own(kernels.Kernel):
    def evaluate(self, X, Y):
        return np.exp(-np.abs(X[:, None] - Y[None]).sum(-1))


@pytest.mark.parametrize(
    "kernel",
    [kernels.Energy(), kernels.Linear(), kernels.Polynomial(), Own()],
    ids=lambda kernel: type(kernel).__name__,
)
def test_kernels_that_have_no_bound_are_refused(kernel):
    with pytest.raises(ValueError, match="`kernel` must have values from 0 to 1 for landmarks"):
        through(X, Y, kernel=kernel)
    with pytest.raises(ValueError, match="`kernel` must have values from 0 to 1 for landmarks"):
        repdist.pairwise_mmd_test(TABLE, method="landmarks", n_landmarks=12, kernel=kernel)


BAD = {
    "none": (0, ValueError, "`n_landmarks` must be at least 2; got 0"),
    "one": (1, ValueError, "`n_landmarks` must be at least 2; got 1"),
    "flag": (True, TypeError, "`n_landmarks` must be a whole number"),
    "half": (2.5, TypeError, "`n_landmarks` must be a whole number of at least 2; got 2.5"),
    "text": ("256", TypeError, "`n_landmarks` must be a whole number of at least 2; got '256'"),
    "too many": (181, ValueError, "`n_landmarks` must be at most half of the 360 rows; got 181"),
}


@pytest.mark.parametrize(("count", "error", "message"), BAD.values(), ids=BAD.keys())
def test_numbers_of_landmarks_that_do_not_do(count, error, message):
    with pytest.raises(error, match=message):
        through(X, Y, n_landmarks=count)


def test_a_method_that_is_none():
    with pytest.raises(ValueError, match='`method` must be one of "exact", "landmarks"; got'):
        repdist.mmd_test(X, Y, method="nystroem")


@pytest.mark.parametrize("design", [{}, {"strata": (np.arange(150) % 50, np.arange(210) % 50)}])
def test_units_that_are_too_many_are_refused_before_the_pass(monkeypatch, design):
    """As the exact test refuses them."""
    monkeypatch.setattr("repdist._questions.memory._MOST_BYTES", 2**22)
    with pytest.raises(ValueError, match="`n_bins` must leave sums that fit into"):
        repdist.mmd_test(X, Y, n_bins="rows", kernel=FEW["kernel"], **design)
    monkeypatch.setattr("repdist._questions.landmarks.unit_sums", None)
    with pytest.raises(ValueError, match="`n_bins` must"):
        through(X, Y, n_bins="rows", **design)


# --- tables --------------------------------------------------------------------------------------


def matrix(groups, **options):
    return repdist.pairwise_mmd_test(groups, method="landmarks", **{**FEW, **options})


@pytest.mark.parametrize("combine", ["max", "fuse"])
def test_the_order_of_groups_changes_no_pvalue(combine):
    names = ["a", "b", "c"]
    one = matrix(TABLE, combine=combine)
    other = matrix({name: TABLE[name] for name in ("c", "a", "b")}, combine=combine)
    np.testing.assert_array_equal(
        one.pvalue.loc[names, names].to_numpy(), other.pvalue.loc[names, names].to_numpy()
    )
    assert one.landmarks.captured == other.landmarks.captured


def test_some_comparisons_and_threads():
    some = matrix(TABLE, comparisons=[("a", "c"), ("b", "c")])
    assert np.isnan(some.pvalue.loc["a", "b"])
    assert 0 < some.pvalue.loc["a", "c"] <= 1
    again = matrix(TABLE, comparisons=[("c", "b"), ("c", "a")], n_jobs=3)
    np.testing.assert_array_equal(some.pvalue.to_numpy(), again.pvalue.to_numpy())


def test_a_table_quotes_exact_distances_of_few_rows():
    options = {"rng": 0, "n_resamples": 99, "kernel": FEW["kernel"]}
    exact, seen = repdist.pairwise_mmd_test(TABLE, **options), matrix(TABLE)
    np.testing.assert_allclose(
        seen.mmd_squared.to_numpy(), exact.mmd_squared.to_numpy(), rtol=1e-9, atol=1e-12
    )
    assert seen.sizes == exact.sizes
    assert exact.landmarks is None
    assert seen.landmarks.rows == 340
    assert seen.landmarks.quoted == (130, 70, 140)


def test_the_global_test_is_refused_by_name():
    with pytest.raises(ValueError, match="needs all pairs of rows"):
        matrix(TABLE).global_test()


def test_a_table_sees_a_group_that_is_shifted():
    found = matrix({**TABLE, "d": X[:90] + 1}).pvalue
    assert (found.loc["d", ["a", "b", "c"]] < 0.02).all()


# --- against a reference, level and power --------------------------------------------------------


@pytest.mark.parametrize("matched", [True, False])
def test_groups_against_a_reference(matched):
    groups = {"near": X[:75], "far": X[75:] + 0.8}
    result = repdist.compare_to_reference(Y, groups, matched=matched, method="landmarks", **FEW)
    assert result.closest == ("near",)
    frame = result.to_frame()
    assert frame["pvalue"]["far"] < 0.02
    assert result.landmarks.rows == 360
    assert 'method="landmarks", n_landmarks=12' in result.call()
    json.dumps(result.to_dict())


def test_matched_groups_are_quoted_from_the_same_rows(monkeypatch):
    """Of row i of all groups: else what they have in common would not cancel."""
    monkeypatch.setattr("repdist._questions.landmarks.QUOTED", 60)
    common = RNG.normal(size=(200, 2))
    groups = {"one": common, "same": common + 1e-6}
    found = {
        matched: repdist.compare_to_reference(
            Y[:, :2], groups, matched=matched, method="landmarks", **FEW
        ).to_frame()["mmd_squared"]
        for matched in (True, False)
    }
    assert found[True]["one"] == pytest.approx(found[True]["same"], rel=1e-3)
    assert found[False]["one"] != pytest.approx(found[False]["same"], rel=1e-3)


def test_level_and_power_take_landmarks():
    options = {"method": "landmarks", "n_landmarks": 8, "n_resamples": 19, "n_repetitions": 10}
    level = repdist.check_level(X[:40], Y[:60], rng=0, **options)
    assert level.n_landmarks == 8
    assert "seen through 8 landmarks" in level.summary()
    curve = repdist.estimate_power(X, X + 1.5, sizes=[20, 40], rng=0, **options)
    assert curve.n_landmarks == 8
    assert curve.pvalues.shape == (2, 10)
    assert curve.pvalues[1].mean() < 0.1
    assert repdist.check_level(X[:40], Y[:60], n_repetitions=10, n_resamples=19).n_landmarks == 0


def test_power_of_fewer_rows_than_landmarks_is_refused():
    with pytest.raises(ValueError, match="`sizes` must be at least the 30 landmarks; got 20"):
        repdist.estimate_power(X, Y, sizes=[20], method="landmarks", n_landmarks=30)


# --- what is odd ---------------------------------------------------------------------------------


def test_a_bandwidth_that_sees_nothing_gives_one_and_says_so():
    result = through(X, Y, kernel=kernels.RBF(1e-6))
    assert result.pvalue == 1
    assert any("varies less" in caution for caution in result.cautions)
    assert result.landmarks.hardly_looked_at == 1e-6


@pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
def test_a_narrow_component_in_float32_does_not_decide(combine):
    """Nothing differs, and the component sees nothing: p is that of the other one, about."""
    rows = np.random.default_rng(1).normal(size=(600, 3)).astype(np.float32)
    A, B = rows[:300], rows[300:]
    found = through(A, B, kernel=kernels.MultiRBF((1e-6, 1.0)), combine=combine)
    assert np.isfinite(found.statistic)
    assert abs(found.pvalue - through(A, B, kernel=kernels.RBF(1.0)).pvalue) < 0.1


def test_a_bandwidth_that_sees_everything_alike_gives_one():
    assert through(X, Y, kernel=kernels.RBF(1e9)).pvalue == 1


@pytest.mark.parametrize("scale", [1e30, 1e-30])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_scale_of_rows_does_not_matter(scale, dtype):
    expected = through(X, Y)
    got = through((scale * X).astype(dtype), (scale * Y).astype(dtype))
    assert got.landmarks.n_landmarks == 12
    assert abs(got.pvalue - expected.pvalue) <= 0.05


@pytest.mark.parametrize("n", [2, 3])
def test_very_few_rows_against_many(n):
    rows = np.random.default_rng(0).normal(size=(5000, 2))
    assert through(rows[:n] + 9, rows).pvalue <= 0.04
    assert through(rows[:n], rows[n:]).pvalue > 0.02


def test_one_relabeling_and_two_bins():
    assert through(X, Y, n_resamples=1).pvalue in (0.5, 1.0)
    assert through(X, Y, n_bins=2).landmarks.left_out > 0


def test_inputs_are_unchanged_and_the_view_is_frozen():
    A, B = X.copy(), Y.copy()
    result = through(A, B)
    np.testing.assert_array_equal(A, X)
    np.testing.assert_array_equal(B, Y)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.landmarks.rows = 3


def test_a_file_that_has_become_shorter_is_named(tmp_path):
    path = tmp_path / "x.npy"
    mapped = in_a_file(X, path)
    with path.open("r+b") as file:
        file.truncate(200)
    with pytest.raises(ValueError, match=r"`X` must lie in a file of at least .* has 200"):
        through(mapped, Y)
