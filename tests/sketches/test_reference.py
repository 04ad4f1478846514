"""A reference: what it keeps of rows, of any library, and what it says of others."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from given import needs

import repdist
from repdist import kernels
from repdist._inference.sketched import distance

RNG = np.random.default_rng(20)
X = RNG.normal(size=(1500, 3))
Y = RNG.normal(size=(700, 3)) + 0.15
COLUMNS = ["a", "b", "c"]
SMALL = {"rows_per_bin": 8, "max_bins": 40, "n_landmarks": 40, "rng": 0}
QUICK = {"n_resamples": 99, "rng": 0}


def made(rows=X, **options):
    return repdist.Reference(rows, **(SMALL | options))


REFERENCE = made(name="last year")


def numbers(result):
    """All that a comparison says, but for what names libraries."""
    return result.to_dict()


def total(sketch):
    return sketch.bins.sum(axis=1) + sketch.rest


# --- what it keeps -------------------------------------------------------------------------------


def test_the_sums_are_kernel_values_with_landmarks():
    """Of each component, over all rows that are no pilot rows: a sketch has all rows."""
    kernel = kernels.MultiRBF((0.7, 2.0), weights="sum")
    reference = made(kernel=kernel)
    Z = reference.plan.landmarks
    sketch = reference.sketch(Y, rng=0)
    squared = np.square(Y[:, None] - Z[None]).sum(-1)  # (n, L)
    for r, width in enumerate((0.7, 2.0)):
        expected = np.exp(-squared / (2 * width**2)).sum(axis=0)
        np.testing.assert_allclose(total(sketch)[r], expected, rtol=1e-10)
    assert sketch.bins.shape == (2, 40, 40)


def test_every_landmark_is_a_row_and_none_is_in_the_sums():
    kernel = kernels.RBF(1.0)
    reference = made(kernel=kernel)
    Z = reference.plan.landmarks
    place = [int(np.flatnonzero((z == X).all(axis=1))[0]) for z in Z]
    assert len(set(place)) == len(Z) == 40
    K = np.exp(-np.square(X[:, None] - Z[None]).sum(-1) / 2)
    left = K.sum(axis=0) - total(reference.as_sketch())[0]
    assert reference.n == 1500 - 150
    assert (left >= 1).all()  # of a landmark with itself, and of 149 other pilot rows
    assert left.sum() == pytest.approx(150 / 1500 * K.sum(), rel=0.2)


def test_each_bin_holds_its_number_of_rows():
    """A kernel so wide that every row counts as one."""
    reference = made(kernel=kernels.RBF(1e6))
    for sketch in (reference.as_sketch(), reference.sketch(Y, rng=1)):
        np.testing.assert_allclose(sketch.bins, 8, rtol=1e-9)
        np.testing.assert_allclose(sketch.rest, sketch.n - 8 * sketch.n_bins, rtol=1e-9)


def test_rows_lie_in_bins_at_random():
    """Sorted rows do not make bins of one kind."""
    reference = made(kernel=kernels.RBF(1.0))
    rows = np.sort(Y, axis=0)
    means = [reference.plan.weighted(reference.sketch(rows, rng=i).bins)[:, 0] for i in range(9)]
    spread = np.mean([np.var(m) for m in means])
    shuffled = reference.plan.weighted(reference.sketch(RNG.permutation(rows), rng=0).bins)[:, 0]
    assert spread == pytest.approx(np.var(shuffled), rel=0.6)


def test_few_rows_make_few_bins():
    assert made(X[:164]).n_bins == 8
    for n in (163, 100, 2):
        with pytest.raises(ValueError, match=rf"`X` must have at least 164 rows .*; got {n}\."):
            made(X[:n])
    with pytest.raises(ValueError, match="`X` must have at least 2 rows; got 1"):
        made(X[:1])
    assert REFERENCE.sketch(Y[:7]).n_bins == 0
    with pytest.raises(
        ValueError, match=r"8 bins of 8 rows, .* got 63 rows, .* 7 bins\. .* of 7 or"
    ):
        REFERENCE.compare(Y[:63], **QUICK)
    with pytest.raises(ValueError, match=r"got 1 row, which fill 0 bins\. Wait for more rows\.$"):
        REFERENCE.compare(Y[:1], **QUICK)
    with pytest.raises(ValueError, match=r"got 2\. Take more rows: 116 at the very least\.$"):
        made(X[:2])
    assert REFERENCE.compare(Y[:64], **QUICK).n == 64


def test_it_says_where_all_rows_went(tmp_path):
    found = made(RNG.normal(size=(403, 2)), max_bins=30)
    words = "403: 100 for kernel and landmarks, 296 in sums, 7 left out: they fill no bin"
    assert "403: 100 for kernel and landmarks, 303 in sums\n" in str(found)
    assert "30 of 8 rows; 63 rows in none, which count in distances\n" in str(found)
    fits = made(RNG.normal(size=(403, 2)))
    fits.save(tmp_path / "r.npz")
    assert words in str(fits)
    assert "37 of 8 rows\n" in str(fits)
    assert str(repdist.Reference.load(tmp_path / "r.npz")) == str(fits)


def test_pilot_rows_are_a_tenth_within_bounds():
    for rows, left in ((500, 400), (4000, 3600), (30_000, 28_000)):
        assert made(RNG.normal(size=(rows, 2))).n == left


def test_landmarks_are_at_most_half_of_the_pilot():
    assert len(made(n_landmarks=10**6).plan.landmarks) == 75
    assert len(made(n_landmarks=2).plan.landmarks) == 2


def test_a_seed_repeats_it():
    first, second, other = made(), made(), made(rng=1)
    assert first.plan.digest == second.plan.digest != other.plan.digest
    np.testing.assert_array_equal(first.as_sketch().bins, second.as_sketch().bins)
    a, b, c = (first.sketch(Y, rng=rng) for rng in (0, 0, 1))
    assert a.digest == b.digest != c.digest
    np.testing.assert_allclose(total(a), total(c), rtol=1e-12)
    assert numbers(first.compare(Y, **QUICK)) == numbers(second.compare(Y, **QUICK))


def test_threads_change_no_bit():
    first, second = (made(n_jobs=n) for n in (1, 2))
    np.testing.assert_array_equal(first.as_sketch().bins, second.as_sketch().bins)


def test_rows_are_unchanged():
    before = X.copy()
    rows = X.copy()
    rows.flags.writeable = False
    made(rows).sketch(rows)
    np.testing.assert_array_equal(rows, before)


# --- libraries -----------------------------------------------------------------------------------


def dask_array(rows):
    return pytest.importorskip("dask.array").from_array(rows, chunks=(400, -1))


def torch_tensor(rows):
    return pytest.importorskip("torch").as_tensor(rows)


@pytest.mark.parametrize("library", [torch_tensor, dask_array], ids=["torch", "Dask"])
def test_other_libraries_give_the_same_numbers(library):
    reference = made(library(X), kernel=kernels.RBF(1.2))
    expected = made(kernel=kernels.RBF(1.2))
    np.testing.assert_array_equal(reference.plan.landmarks, expected.plan.landmarks)
    assert isinstance(reference.plan.landmarks, np.ndarray)
    np.testing.assert_allclose(reference.as_sketch().bins, expected.as_sketch().bins, rtol=1e-9)
    for ours in (reference, expected):
        for rows in (library(Y), Y):
            result = ours.compare(rows, **QUICK)
            assert result.pvalue == expected.compare(Y, **QUICK).pvalue
            assert result.mmd_squared == pytest.approx(
                expected.compare(Y, **QUICK).mmd_squared, rel=1e-9
            )


def test_tables_and_files_are_the_same_to_the_bit(tmp_path):
    np.save(tmp_path / "rows.npy", Y)
    expected = REFERENCE.sketch(Y, rng=0).digest
    for rows in (
        pd.DataFrame(Y, columns=COLUMNS),
        pl.DataFrame(Y, schema=COLUMNS),
        np.load(tmp_path / "rows.npy", mmap_mode="r"),
        np.asfortranarray(Y),
        Y.tolist(),
    ):
        assert REFERENCE.sketch(rows, rng=0).digest == expected


@needs("zarr")
def test_rows_of_zarr():
    import zarr

    rows = zarr.create_array(store={}, data=Y, chunks=(100, 3))
    got = REFERENCE.sketch(rows, rng=0)
    np.testing.assert_allclose(got.bins, REFERENCE.sketch(Y, rng=0).bins, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["f4", "f2", "i4", "u1"])
def test_dtypes(dtype):
    """Values are computed in the dtype of the landmarks; the sums are float64."""
    rows = np.clip(20 * X + 100, 0, 255).astype(dtype)
    others = np.clip(20 * Y + 100, 0, 255).astype(dtype)
    got = made(rows).compare(others, **QUICK)
    exact = made(rows.astype("f8")).compare(others.astype("f8"), **QUICK)
    assert got.mmd_squared == pytest.approx(exact.mmd_squared, rel=2e-3, abs=2e-5)
    mixed = made(rows).compare(others.astype("f8"), **QUICK)
    assert mixed.mmd_squared == pytest.approx(exact.mmd_squared, rel=2e-3, abs=2e-5)


def test_columns_are_found_by_name():
    table = pd.DataFrame(X, columns=COLUMNS)
    reference = made(table)
    assert reference.plan.columns == ("a", "b", "c")
    rows = pd.DataFrame(Y, columns=COLUMNS)
    expected = reference.sketch(rows, rng=0).digest
    assert reference.sketch(rows[["c", "a", "b"]], rng=0).digest == expected
    assert (
        reference.sketch(pl.DataFrame(Y, schema=COLUMNS)[["b", "c", "a"]], rng=0).digest == expected
    )
    assert reference.sketch(Y, rng=0).digest == expected  # no names: by place
    for wrong, found in (
        (rows.rename(columns={"b": "d"}), "none called 'b'"),
        (rows[["a", "b"]], "none called 'c'"),
        (rows.assign(d=1.0, e=1.0), "'d', 'e' besides"),
        (rows[["a", "b", "c", "b"]], "some twice"),
    ):
        for call in (reference.sketch, reference.compare):
            with pytest.raises(
                ValueError, match=rf"`rows` must have the columns of the reference; got {found}\.$"
            ):
                call(wrong)
    with pytest.raises(ValueError, match=r"`X` must have columns of different names; got some tw"):
        made(table[["a", "b", "a"]])


# --- sketches ------------------------------------------------------------------------------------


def test_sketches_of_parts_add_up_to_one_of_all():
    """What is known of all rows is the same; the bins are others, of as many rows each."""
    rows = Y[:696]  # that leave none over, whole and in parts
    parts = [REFERENCE.sketch(part, rng=i) for i, part in enumerate(np.split(rows, [144, 400]))]
    merged, whole = parts[0] + parts[1] + parts[2], REFERENCE.sketch(rows, rng=9)
    assert merged.n == whole.n == 696
    assert sum(parts).digest == merged.digest
    assert merged.unseen == whole.unseen
    np.testing.assert_allclose(total(merged), total(whole), rtol=1e-12)
    np.testing.assert_allclose(merged.sample.mean, whole.sample.mean, rtol=1e-9, atol=1e-12)
    assert merged.n_bins == sum(part.n_bins for part in parts)
    apart = [distance(s.sample, REFERENCE.sample) for s in (merged, whole)]
    assert apart[0].mmd_squared == pytest.approx(
        float(apart[1].mmd_squared), abs=0.3 * apart[1].standard_error
    )


def test_no_sum_is_of_fewer_rows_than_a_bin():
    """A kernel so wide that every row counts as one; rows left over that fill no bin are out."""
    reference = made(kernel=kernels.RBF(1e6))
    for n, bins, rest in (
        (7, 0, 0), (8, 1, 0), (15, 1, 0), (63, 7, 0), (64, 8, 0), (320, 40, 0), (327, 40, 0),
        (328, 40, 8), (335, 40, 15),
    ):  # fmt: skip
        sketch = reference.sketch(Y[:n], rng=0)
        assert (sketch.n_bins, sketch.n) == (bins, 8 * bins + rest)
        np.testing.assert_allclose(sketch.bins, 8, rtol=1e-9)
        np.testing.assert_allclose(sketch.rest, rest, rtol=1e-9, atol=0)
    for n, rest in ((100 + 327, 0), (100 + 328, 8)):  # 100 rows are drawn
        held = made(X[:n], kernel=kernels.RBF(1e6)).as_sketch()
        assert (held.n_bins, held.n) == (40, 320 + rest)
        np.testing.assert_allclose(held.rest, rest, rtol=1e-9, atol=0)


def test_rows_left_over_are_any():
    """Of 15 rows 8 are in the bin: each of them at times, by the one landmark that is near."""
    reference = made(kernel=kernels.RBF(0.01))
    rows = reference.plan.landmarks[:15]
    found = [total(reference.sketch(rows, rng=rng))[0, :15] > 0.5 for rng in range(100)]
    assert np.sum(found, axis=1).tolist() == [8] * 100
    assert np.abs(np.sum(found, axis=0) - 800 / 15).max() < 20  # 4 standard deviations


def test_merged_sketches_are_folded():
    """No more bins move than those of one sample; the sums of all rows are the same."""
    merged = sum(REFERENCE.sketch(Y[:320], rng=i) for i in range(3))
    assert merged.n_bins == 120
    places = merged.bins[0, :, 0]
    kept = np.zeros(120)
    for seed in range(300):
        folded = merged.folded(rng=np.random.default_rng(seed))
        assert (folded.n_bins, folded.n, folded.unseen) == (40, 960, merged.unseen)
        np.testing.assert_allclose(total(folded), total(merged), rtol=1e-12)
        kept += np.isin(places, folded.bins[0, :, 0])
    assert kept.sum() == 300 * 40
    assert np.abs(kept - 100).max() < 40  # 4.9 standard deviations of 8.2, of 120 bins
    few = REFERENCE.sketch(Y[:320], rng=0)
    assert few.folded(rng=np.random.default_rng(0)) is few
    result = REFERENCE.compare(merged, **QUICK)
    assert (result.n, result.landmarks.left_out, result.landmarks.apart) == (960, 0, 640)
    assert merged.n_bins == 120  # as it was


def test_the_order_of_parts_changes_no_distance():
    a, b, c = (REFERENCE.sketch(part, rng=i) for i, part in enumerate(np.split(Y, [150, 400])))
    found = [
        float(distance(s.sample, REFERENCE.sample).mmd_squared) for s in (a + b + c, c + (b + a))
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-9)


def test_small_parts_are_enough_together():
    parts = [REFERENCE.sketch(part, rng=0) for part in np.split(Y[:90], [30, 60])]
    for part in parts:
        with pytest.raises(ValueError, match="`rows` must fill 8 bins of 8 rows"):
            REFERENCE.compare(part, **QUICK)
    merged = parts[0] + parts[1] + parts[2]
    assert merged.n_bins == 9
    assert REFERENCE.compare(merged, **QUICK).n == merged.n == 72  # 24 of each 30


def test_sketches_of_other_plans_do_not_add_up():
    mine, other = REFERENCE.sketch(Y), made(rng=1).sketch(Y)
    with pytest.raises(ValueError, match=r"sketches must be of one reference .* got plans \w+ and"):
        mine + other
    with pytest.raises(ValueError, match=r"`rows` must be a sketch of this reference, of plan"):
        REFERENCE.compare(other, **QUICK)
    for add in (lambda: mine + 1, lambda: 1 + mine, lambda: sum([mine], 0.5), lambda: mine + 0):
        with pytest.raises(TypeError, match="unsupported operand"):
            add()


# --- comparisons ---------------------------------------------------------------------------------


def test_rows_and_their_sketch_are_one():
    options = {"n_resamples": 99}
    rng = np.random.default_rng(3)
    of_rows = REFERENCE.compare(Y, rng=rng, **options)
    rng = np.random.default_rng(3)
    of_sketch = REFERENCE.compare(REFERENCE.sketch(Y, rng=rng), rng=rng, **options)
    assert numbers(of_rows) == numbers(of_sketch)


def test_the_distance_is_that_of_the_exact_test():
    """Landmarks see all of so wide a kernel, so only the bins differ: far less than the error."""
    kernel = kernels.RBF(2.0)
    reference = repdist.Reference(X, kernel=kernel, rows_per_bin=8, rng=0)
    assert reference.plan.captured[0] > 0.999
    got = reference.compare(Y, rng=0)
    exact = repdist.mmd_test(Y, X, kernel=kernel, rng=0)
    assert got.mmd_squared == pytest.approx(exact.mmd_squared, abs=0.6 * exact.standard_error)
    assert got.standard_error == pytest.approx(exact.standard_error, rel=0.3)
    assert got.pvalue < 0.001
    assert got.effect == pytest.approx(exact.effect, abs=0.3 * exact.effect)
    assert got.kernel == reference.kernel
    assert (got.n, got.m) == (696, 1344)  # rows that fill a bin


def test_the_distance_of_sums_of_features_is_that_of_a_loop():
    """Projected on the landmarks, for all rows: a mean over cuts is the U-statistic."""
    kernel = kernels.RBF(1.0)
    reference = made(kernel=kernel)
    plan = reference.plan

    def features(rows):
        K = np.exp(-np.square(rows[:, None] - plan.landmarks[None]).sum(-1) / 2)
        return K @ plan.seen.roots[0]

    F = features(Y)
    n = len(F)
    expected = (np.square(F.sum(axis=0)).sum() - np.square(F).sum()) / (n * (n - 1))
    found = [reference.sketch(Y, rng=i).sample.norm_squared for i in range(60)]
    assert np.mean(found) == pytest.approx(expected, abs=4 * np.std(found) / math.sqrt(60))
    assert np.std(found) < 0.01 * expected


@pytest.mark.slow
def test_quiet_rows_are_called_different_as_rarely_as_asked_for(chance_seed):
    """200 samples beside references of their own: at most 21 below .05, false failure 1e-3."""
    rng = np.random.default_rng([chance_seed, 7])
    below = 0
    for number in range(200):
        rows = rng.normal(size=(400, 2))
        reference = repdist.Reference(
            rows[:250], rows_per_bin=8, n_landmarks=12, kernel=kernels.RBF("median"), rng=number
        )
        below += reference.compare(rows[250:], n_resamples=99, rng=number).pvalue <= 0.05
    assert below <= 21


# --- what it refuses -----------------------------------------------------------------------------


class Own(kernels.Kernel):
    def evaluate(self, X, Y):
        return np.exp(-np.square(X[:, None] - Y[None]).sum(-1))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"kernel": kernels.Linear()}, ValueError, "`kernel` must have values from 0 to 1"),
        ({"kernel": kernels.Energy()}, ValueError, "`kernel` must have values from 0 to 1"),
        ({"kernel": kernels.Polynomial()}, ValueError, "`kernel` must have values from 0 to 1"),
        ({"kernel": Own()}, ValueError, "`kernel` must have values from 0 to 1"),
        ({"kernel": "rbf"}, TypeError, "`kernel` must be a kernel object"),
        ({"kernel": kernels.RBF}, TypeError, "`kernel` must be a kernel object; got the class"),
        ({"rows_per_bin": 1}, ValueError, "`rows_per_bin` must be at least 2; got 1"),
        ({"rows_per_bin": 8.0}, TypeError, "`rows_per_bin` must be a whole number"),
        ({"max_bins": 7}, ValueError, "`max_bins` must be at least 8; got 7"),
        ({"max_bins": True}, TypeError, "`max_bins` must be a whole number; got True"),
        ({"n_landmarks": 1}, ValueError, "`n_landmarks` must be at least 2; got 1"),
        ({"n_landmarks": "all"}, TypeError, "`n_landmarks` must be a whole number"),
        ({"name": 3}, TypeError, "`name` must be text; got 3"),
        ({"rng": "x"}, TypeError, "`rng` must be None, a whole number"),
        ({"n_jobs": 0}, ValueError, "`n_jobs` must be -1"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        made(**options)


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (np.empty((0, 3)), ValueError, "`rows` must have at least 1 row; got 0"),
        (np.full((300, 3), np.nan), ValueError, "`rows` must hold finite .* got nan in row 0"),
        (np.ones((300, 4)), ValueError, "`rows` must have the 3 columns of the reference; got 4"),
        (np.ones(300), ValueError, "`rows` must have the 3 columns of the reference; got 1"),
        (np.ones((300, 3, 1)), ValueError, "`rows` must have shape"),
        (1e200 * Y, ValueError, "`rows` must hold finite numbers of at most 1e.150"),
        (Y + 0j, TypeError, "`rows` must hold real numbers; got dtype complex"),
        (np.full((300, 3), "a", dtype=object), TypeError, "`rows` must hold real numbers"),
        (None, TypeError, "`rows` must be an array"),
        ("rows.npy", TypeError, "`rows` must be an array"),
        ({"a": Y}, TypeError, "`rows` must be one array"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)  # fmt: skip
def test_bad_rows(rows, error, message):
    for call in (REFERENCE.sketch, REFERENCE.compare):
        with pytest.raises(error, match=message):
            call(rows)


def test_a_constant_reference():
    with pytest.raises(ValueError, match="`X` must not be constant"):
        made(np.ones((1500, 3)))


@pytest.mark.parametrize("values", [2, 3])
def test_few_different_rows(values):
    """Landmarks are as many, and tests go on."""
    rows = RNG.integers(values, size=(1500, 1)).astype(float)
    reference = made(rows)
    assert len(reference.plan.landmarks) >= values
    result = reference.compare(RNG.integers(values, size=(400, 1)), **QUICK)
    assert math.isfinite(result.mmd_squared)
    assert 0 < result.pvalue <= 1
    assert reference.compare(np.zeros((400, 1)), **QUICK).pvalue == 1 / 128


@pytest.mark.parametrize("rows", [np.ones((300, 3)), np.full((300, 3), 1e6), 1e-200 * Y[:300]])
def test_constant_rows_are_far(rows):
    result = REFERENCE.compare(rows, **QUICK)
    assert result.pvalue == 1 / 128
    assert result.mmd_squared > 0.1
    assert result.standard_error < 0.05


def test_rows_that_no_landmark_sees_are_told_of():
    cautions = REFERENCE.compare(np.full((304, 3), 1e6), **QUICK).cautions
    assert any("304 rows of 1,654 are near to no landmark" in caution for caution in cautions)


@pytest.mark.parametrize("n", [7, 303])
def test_unseen_rows_are_of_those_that_count(n):
    sketch = REFERENCE.sketch(np.full((n, 3), 1e6))
    assert sketch.unseen == sketch.n == n // 8 * 8


def test_rows_that_were_drawn_are_not_unseen():
    """Half of the rows are far from all others; of these some were drawn, and are in no sum."""
    far = X.copy()
    far[::2] = 1e6 * RNG.normal(size=(750, 3))
    reference = made(far, kernel=kernels.RBF(1.0))
    K = np.exp(-np.square(far[:, None] - reference.plan.landmarks[None]).sum(-1) / 2)
    nothing = (K.max(axis=1) < 0.5).sum()
    assert reference.as_sketch().unseen < nothing


def test_it_says_how_many_rows_are_not_relabeled():
    words = str(REFERENCE.compare(Y, **QUICK))
    assert "380 rows count in distances alone" in words
    assert "filled no bin" not in str(REFERENCE.compare(Y[:320], **QUICK))


def test_it_says_what_it_holds():
    words = str(REFERENCE)
    for part in ("'last year' of 1,350 rows, 3 columns", "40 of 8 rows", "not anonymous",
                 REFERENCE.plan.digest):  # fmt: skip
        assert part in words
    assert repr(REFERENCE).startswith("Reference('last year', n=1350, n_bins=40, plan=")
    assert "no row by itself" in str(REFERENCE.sketch(Y))
