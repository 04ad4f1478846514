"""Groups beside one reference, against single tests, files, tensors and other forms of the same."""

import itertools
import math
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from given import as_tensor, in_order, needs, read_only
from matplotlib.figure import Figure

import repdist
from repdist import kernels

OPTIONS = {"n_resamples": 199, "rng": 0}
NUMBERS = [
    "mmd_squared", "standard_error", "ci_low", "ci_high", "effect", "noise_floor", "times_floor",
]  # fmt: skip
RANKS = ["rank", "rank_low", "rank_high", "may_be_closest", "exhaustive"]


def given(sizes=(40, 50, 45), n=60, d=3, step=0.3, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    R = rng.normal(size=(n, d)).astype(dtype)
    groups = {
        f"g{g}": rng.normal(step * g, 1, size=(m, d)).astype(dtype) for g, m in enumerate(sizes)
    }
    return R, groups


def compare(R, groups, *labels, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", repdist.RepdistWarning)
        return repdist.compare_to_reference(R, groups, *labels, **OPTIONS | options)


def assert_same(got, expected, rtol=1e-9):
    """All that does not hang on the last digits is equal."""
    ours, theirs = got.to_frame(), expected.to_frame()
    pd.testing.assert_frame_equal(ours[NUMBERS], theirs[NUMBERS], rtol=rtol, atol=rtol)
    assert ours.drop(columns=NUMBERS).equals(theirs.drop(columns=NUMBERS))
    pd.testing.assert_frame_equal(
        got.differences(), expected.differences(), rtol=100 * rtol, atol=1e-6
    )
    assert got.closest == expected.closest


# --- each group is a single test -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "sizes"), [(60, (40, 50, 45)), (300, (300, 300)), (900, (20, 130)), (20, (900, 3))],
    ids=str,
)  # fmt: skip
def test_distances_equal_those_of_single_tests(n, sizes):
    """Sizes with single rows, bins, frozen rows, and a larger and a smaller reference."""
    R, groups = given(sizes, n)
    result = compare(R, groups, n_resamples=999)
    frame = result.to_frame()
    for name, rows in groups.items():
        single = repdist.mmd_test(R, rows, kernel=result.kernel, rng=0)
        got = frame.loc[name]
        assert got["n"] == len(rows)
        for number in ("mmd_squared", "standard_error", "effect"):
            assert got[number] == pytest.approx(getattr(single, number), rel=1e-8, abs=1e-12)
        low, high = single.confidence_interval()
        assert got["ci_low"] == pytest.approx(low, rel=1e-6, abs=1e-12)
        rows = single.relabelings.units.size == 1 and single.relabelings.units.frozen == (0, 0)
        assert got["ci_high"] == pytest.approx(high, rel=1e-8 if rows else 0.1)
        if max(n, got["n"]) > 8 * min(n, got["n"]):
            continue  # which rows of the larger one may move is drawn, and p with it
        p = single.pvalue
        spread = 5 * math.sqrt(p * (1 - p) / 1000 + p * (1 - p) / 10_000) + 2e-3
        assert abs(got["pvalue"] - p) < spread


@pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
def test_exhaustive_pvalues_equal_those_of_single_tests(combine, estimator):
    R, groups = given((4, 5, 6), 5, step=0.8)
    options = {"combine": combine, "estimator": estimator}
    result = compare(R, groups, **options, n_resamples=999)
    frame = result.to_frame()
    for name, rows in groups.items():
        single = repdist.mmd_test(R, rows, kernel=result.kernel, **options)
        assert single.exhaustive
        assert frame.loc[name, "exhaustive"]
        assert frame.loc[name, "pvalue"] == single.pvalue
        assert frame.loc[name, "mmd_squared"] == pytest.approx(single.mmd_squared, rel=1e-9)


def test_the_level_over_all_relabelings_of_one_group_with_the_reference():
    """Another group stands by, and takes part in the bandwidth: it favours no relabeling."""
    rng = np.random.default_rng(0)
    Z, other = rng.normal(size=(8, 2)), rng.normal(2, 1, size=(5, 2))
    pvalues = []
    for first in itertools.combinations(range(8), 4):
        rest = [i for i in range(8) if i not in first]
        groups = {"a": Z[rest], "b": other}
        result = compare(Z[list(first)], groups, n_resamples=999, adjust="none", n_jobs=1)
        pvalues.append(result.to_frame().loc["a", "pvalue"])
    pvalues = np.array(pvalues)
    for a in pvalues:
        assert (pvalues <= a + 1e-12).sum() <= 70 * a + 1e-9
    assert min(pvalues) == pytest.approx(2 / 70)


def test_pvalues_are_adjusted_for_the_groups_alone():
    R, groups = given((30,) * 5, step=0.15)
    frame = compare(R, groups, adjust="bonferroni").to_frame()
    expected = np.minimum(5 * frame["pvalue"], 1)
    np.testing.assert_allclose(frame["pvalue_adjusted"], expected, rtol=1e-12)
    frame = compare(R, groups, adjust="none").to_frame()
    np.testing.assert_array_equal(frame["pvalue_adjusted"], frame["pvalue"])


def test_the_biased_estimator_changes_no_order():
    """A small group has a large biased value; ranks, the card and the picture go by the other."""
    rng = np.random.default_rng(0)
    R = rng.normal(size=(200, 2))
    half = rng.normal(size=(5, 2))
    groups = {"small": np.concatenate([half, -half]), "off": rng.normal(0.5, 1, size=(200, 2))}
    result = compare(R, groups, estimator="biased")
    frame = result.to_frame()
    assert frame["mmd_squared"].idxmax() == "small"
    assert frame["rank"].to_dict() == {"small": 1, "off": 2}
    assert re.search("closest +small: .*\n( {11}.*\n)? +farthest off: ", str(result))
    ax = result.plot(ax=Figure().subplots())
    assert [text.get_text() for text in ax.get_yticklabels()] == ["small", "off"]


def test_the_biased_estimator_is_quoted_and_intervals_are_of_the_other():
    R, groups = given()
    frames = [compare(R, groups, estimator=e).to_frame() for e in ("unbiased", "biased")]
    kernel = compare(R, groups).kernel
    for name, rows in groups.items():
        for frame, estimator in zip(frames, ("unbiased", "biased"), strict=True):
            value = repdist.mmd_squared(R, rows, kernel=kernel, estimator=estimator)
            assert frame.loc[name, "mmd_squared"] == pytest.approx(value, rel=1e-9)
    unbiased, biased = frames
    rest = ["standard_error", "ci_low", "effect", "rank_low"]
    pd.testing.assert_frame_equal(unbiased[rest], biased[rest], rtol=1e-9)


def test_a_small_pvalue_gets_more_relabelings_where_many_groups_ask_for_them():
    R, groups = given((60,) * 12, step=0)
    result = compare(R, groups | {"far": groups["g0"] + 5}, n_resamples=99)
    frame = result.to_frame()
    assert frame.loc["far", "n_resamples"] > 10 * frame.loc["g1", "n_resamples"]
    assert frame.loc["far", "pvalue_adjusted"] <= 0.05


def test_the_floor_is_the_larger_of_two_for_these_sizes():
    R, groups = given((40, 200), 60)
    result = compare(R, groups)
    frame = result.to_frame()
    for g, (name, rows) in enumerate(groups.items(), start=1):
        rate = max(result.floor_rate[0], result.floor_rate[g])
        assert frame.loc[name, "noise_floor"] == pytest.approx(rate * (1 / 60 + 1 / len(rows)))
        ratio = frame.loc[name, "mmd_squared"] / frame.loc[name, "noise_floor"]
        assert frame.loc[name, "times_floor"] == pytest.approx(ratio)


# --- forms of the same ---------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(40, 50, 45, 50), (140, 130, 140, 250), (4, 5, 6, 5)], ids=str)
def test_the_order_of_the_groups_changes_nothing(sizes):
    R, groups = given(sizes)
    order = ["g2", "g0", "g3", "g1"]
    first, second = compare(R, groups), compare(R, {name: groups[name] for name in order})
    ours, theirs = first.to_frame().loc[order], second.to_frame()
    pd.testing.assert_frame_equal(ours[NUMBERS], theirs[NUMBERS], rtol=1e-9, atol=1e-12)
    assert ours["pvalue"].equals(theirs["pvalue"])
    assert ours["rank"].equals(theirs["rank"])
    assert set(first.closest) == set(second.closest)
    signed = {(a, b): d for a, b, d in first.differences().iloc[:, :3].itertuples(index=False)}
    for a, b, d in second.differences().iloc[:, :3].itertuples(index=False):
        expected = signed[a, b] if (a, b) in signed else -signed[b, a]
        assert d == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_another_group_changes_no_pvalue_under_a_fitted_kernel():
    R, groups = given((40, 50, 45))
    kernel = kernels.RBF(2.0)
    few = {name: groups[name] for name in ("g0", "g2")}
    all_of_them, two = (compare(R, g, kernel=kernel).to_frame() for g in (groups, few))
    assert two["pvalue"].equals(all_of_them.loc[["g0", "g2"], "pvalue"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_rng_gives_the_same_bits_on_any_number_of_threads(dtype):
    R, groups = given((300, 260, 140), 500, dtype=dtype)
    one, *others = [compare(R, groups, n_jobs=n) for n in (1, 2, 4)]
    for other in others:
        pd.testing.assert_frame_equal(one.to_frame(), other.to_frame(), check_exact=True)
        pd.testing.assert_frame_equal(one.differences(), other.differences(), check_exact=True)


def test_lists_labels_and_tables_are_the_same_groups():
    R, groups = given()
    expected = compare(R, groups)
    names, rows = list(groups), list(groups.values())
    assert_same(compare(R, rows, names), expected)
    labels = np.repeat(names, list(map(len, rows)))
    assert_same(compare(R, np.concatenate(rows), labels), expected)
    table = pd.DataFrame(np.concatenate(rows), columns=["x", "y", "z"])
    real = pd.DataFrame(R, columns=["x", "y", "z"])
    assert_same(compare(real, table.assign(who=labels), "who"), expected)
    assert compare(R, rows).names == (0, 1, 2)


def test_inputs_are_unchanged():
    R, groups = given()
    expected = compare(R, groups)
    frozen = {name: read_only(rows) for name, rows in groups.items()}
    assert_same(compare(read_only(R), frozen), expected)


@needs("torch")
def test_torch_gives_the_answer_of_numpy():
    R, groups = given((40, 150), 200)
    tensors = {name: as_tensor(rows) for name, rows in groups.items()}
    assert_same(compare(as_tensor(R), tensors), compare(R, groups), rtol=1e-8)


def test_files_give_the_same_bits(tmp_path):
    R, groups = given((40, 150), 300)
    np.save(tmp_path / "r.npy", R)
    np.save(tmp_path / "groups.npy", np.concatenate(list(groups.values())))
    labels = np.repeat(list(groups), [40, 150])
    in_files = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("r", "groups")]
    got, expected = compare(*in_files, labels), compare(R, groups)
    pd.testing.assert_frame_equal(got.to_frame(), expected.to_frame(), check_exact=True)


@needs("dask")
def test_dask_gives_the_answer_of_numpy():
    import dask.array as da

    R, groups = given((40, 150), 300)
    lazy = {name: da.from_array(rows, chunks=(30, -1)) for name, rows in groups.items()}
    got, expected = compare(da.from_array(R, chunks=(77, -1)), lazy), compare(R, groups)
    assert_same(got, expected, rtol=1e-8)


# --- rows that depend on each other --------------------------------------------------------------


def test_clusters_are_those_of_single_tests():
    R, groups = given((40, 48), 60)
    of_reference = [f"r{i // 4}" for i in range(60)]
    of_groups = {name: [f"{name}-{i // 4}" for i in range(len(rows))]
                 for name, rows in groups.items()}  # fmt: skip
    result = compare(R, groups, clusters=(of_reference, of_groups))
    assert (result.counted, result.counts) == ("clusters", (15, 10, 12))
    assert "whole clusters" in result.method()
    assert "clusters=" in result.call()
    for name, rows in groups.items():
        single = repdist.mmd_test(
            R, rows, clusters=(of_reference, of_groups[name]), kernel=result.kernel, **OPTIONS
        )
        for number in ("mmd_squared", "standard_error", "effect"):
            got = result.to_frame().loc[name, number]
            assert got == pytest.approx(getattr(single, number), rel=1e-8)


def test_strata_are_those_of_single_tests():
    R, groups = given((40, 48), 60)
    of_reference, of_groups = np.arange(60) % 3, {"g0": np.arange(40) % 3, "g1": np.arange(48) % 3}
    result = compare(R, groups, strata=(of_reference, of_groups))
    for name, rows in groups.items():
        single = repdist.mmd_test(
            R, rows, strata=(of_reference, of_groups[name]), kernel=result.kernel, **OPTIONS
        )
        for number in ("mmd_squared", "standard_error", "effect"):
            got = result.to_frame().loc[name, number]
            assert got == pytest.approx(getattr(single, number), rel=1e-8)
    table = result.strata
    assert table["group"].tolist() == ["g0"] * 3 + ["g1"] * 3
    assert table["n"].tolist() == [20] * 6
    assert "inside strata" in result.method()
    assert compare(R, groups).strata.empty


def test_ids_are_columns_of_tables_or_pairs():
    R, groups = given((40, 48), 60)
    labels, city = np.repeat(["g0", "g1"], [40, 48]), np.arange(88) % 3
    table = pd.DataFrame(np.concatenate(list(groups.values()))).rename(columns=str)
    real = pd.DataFrame(R).rename(columns=str)
    got = compare(
        real.assign(city=np.arange(60) % 3), table.assign(who=labels, city=city), "who",
        strata="city",
    )  # fmt: skip
    expected = compare(real, table.assign(who=labels), "who", strata=(np.arange(60) % 3, city))
    assert_same(got, expected)
    of_groups = {"g0": city[:40], "g1": city[40:]}
    assert_same(compare(R, groups, strata=(np.arange(60) % 3, of_groups)), expected)


def test_clusters_and_strata_together():
    R, groups = given((40, 48), 60)
    clusters = ([f"r{i // 4}" for i in range(60)],
                {name: [f"{name}-{i // 4}" for i in range(len(rows))]
                 for name, rows in groups.items()})  # fmt: skip
    strata = (np.arange(60) // 4 % 2, {n: np.arange(len(r)) // 4 % 2 for n, r in groups.items()})
    result = compare(R, groups, clusters=clusters, strata=strata)
    estimate, joint = result.comparison.estimate, result.compared.joint
    np.testing.assert_allclose(np.sqrt(np.diagonal(joint.covariance)), estimate.standard_error)
    np.testing.assert_allclose(joint.mmd_squared, estimate.mmd_squared)


def test_matched_groups_change_differences_alone():
    R, groups = given((40, 40))
    frames = [compare(R, groups, matched=m).to_frame() for m in (False, True)]
    pd.testing.assert_frame_equal(*(f.drop(columns=RANKS) for f in frames), check_exact=True)
    result = compare(R, groups, matched=True)
    assert "rows matched between groups" in result.method()
    assert "matched=True" in result.call()


# --- at the edges --------------------------------------------------------------------------------


def test_one_group():
    R, groups = given((40,))
    result = compare(R, groups)
    assert result.closest == ("g0",)
    assert result.differences().empty
    assert list(result.differences().columns)[:3] == ["first", "second", "difference"]
    assert result.to_frame()[["rank", "rank_low", "rank_high"]].to_numpy().tolist() == [[1, 1, 1]]
    assert "distance" in str(result)
    assert "closest" not in str(result)


def test_a_group_that_is_the_reference():
    R, _ = given()
    result = compare(R, {"same": R.copy(), "far": R + 3})
    frame = result.to_frame()
    assert frame.loc["same", "pvalue"] > 0.9
    assert frame.loc["same", "mmd_squared"] < 0
    assert result.closest == ("same",)


def test_a_group_of_equal_rows():
    R, groups = given()
    result = compare(R, groups | {"point": np.zeros((10, 3))})
    assert np.isfinite(result.to_frame()[NUMBERS[:5]].to_numpy()).all()
    assert np.isfinite(result.differences().drop(columns=["first", "second"]).to_numpy()).all()


def test_groups_may_have_any_name():
    R, groups = given()
    names = ("reference", 1, ("t", 2))
    result = compare(R, dict(zip(names, groups.values(), strict=True)))
    assert result.names == names
    assert list(result.to_frame().index) == list(names)


def test_no_warning_where_more_relabelings_will_do():
    """Of 20 groups, 255 relabelings give no adjusted p of .05, and the more of a small p do."""
    R, groups = given((12,) * 20, step=0)
    result = repdist.compare_to_reference(R, groups, n_resamples=255, rng=0)
    assert not any("cannot reach" in caution for caution in result.cautions)


def test_relabelings_that_cannot_tell_are_warned_of():
    R, groups = given((4, 4), 4)
    with pytest.warns(repdist.RepdistWarning, match="cannot reach"):
        result = repdist.compare_to_reference(R, groups, n_resamples=9, rng=0)
    assert any("cannot reach" in caution for caution in result.cautions)


# --- what is refused -----------------------------------------------------------------------------

R, GROUPS = given()
EVEN = {name: rows[:40] for name, rows in GROUPS.items()}
STRATA = np.arange(60) % 2, {name: np.arange(len(rows)) % 2 for name, rows in GROUPS.items()}
REFUSED = {
    "columns": ((R[:, :2], GROUPS), {}, ValueError, ["`reference`", "`groups['g0']`", "2 and 3"]),
    "no rows": ((R[:1], GROUPS), {}, ValueError, ["`reference` must have at least 2 rows; got 1"]),
    "a group of one row": (
        (R, {"a": R[:1]}), {}, ValueError, ["`groups['a']` must have at least 2 rows; got 1"],
    ),
    "no groups": ((R, {}), {}, ValueError, ["`groups` must hold at least"]),
    "one sample as groups": (
        (R, GROUPS["g0"]), {}, ValueError, ['`groups` must be a dict of samples, {"A": rows, ...}'],
    ),
    "a third sample": (
        (R, GROUPS["g0"], GROUPS["g1"]), {}, ValueError,
        ["`labels` must be one label a row", "got a sample of shape (50, 3)", "in one dict"],
    ),
    "a dict first": (
        (GROUPS, R), {}, TypeError,
        ["`reference` must be one sample of rows; got a dict: the reference comes first"],
    ),
    "a list first": (
        (list(GROUPS.values()), R), {}, TypeError,
        ["`reference` must be one sample of rows; got a list of samples: the reference comes"],
    ),
    "a tuple of tables first": (
        (tuple(map(pd.DataFrame, GROUPS.values())), R), {}, TypeError, ["got a list of samples"],
    ),
    "text": (("R", GROUPS), {}, TypeError, ["`reference` must be an array of real numbers"]),
    "missing": (
        (np.where(R > 2, np.nan, R), GROUPS), {}, ValueError,
        ["`reference` must hold finite numbers", "nan in row"],
    ),
    "infinite": (
        (R, GROUPS | {"g1": np.full((4, 3), np.inf)}), {}, ValueError,
        ["`groups['g1']` must hold finite numbers"],
    ),
    "constant": (
        (np.ones((5, 3)), {"a": np.ones((5, 3))}), {}, ValueError,
        ["`reference` and `groups` must not be constant"],
    ),
    "matched, of several sizes": (
        (R, GROUPS), {"matched": True}, ValueError,
        ["`groups` must have as many rows each if `matched`", "40 in 'g0' and 50 in 'g1'"],
    ),
    "matched, within strata": (
        (R, EVEN), {"matched": True, "strata": (STRATA[0], dict.fromkeys(EVEN, [0, 1] * 20))},
        ValueError, ["`matched` must be False with `clusters` and `strata`"],
    ),
    "matched": ((R, GROUPS), {"matched": 1}, TypeError, ["`matched` must be True or False"]),
    "strata of one side": (
        (R, GROUPS), {"strata": STRATA[0]}, TypeError,
        ["`strata` must be a pair: the ids of the rows of the reference"],
    ),
    "one thing": ((R, GROUPS), {"clusters": (1,)}, TypeError, ["`clusters` must be a pair"]),
    "a flag": ((R, GROUPS), {"clusters": True}, TypeError, ["`clusters` must be a pair"]),
    "few ids": (
        (R, GROUPS), {"strata": (STRATA[0][:5], STRATA[1])}, ValueError,
        ["`strata[reference]` must hold one id for each of the 60 rows of `reference`; got 5"],
    ),
    "adjust": ((R, GROUPS), {"adjust": "x"}, ValueError, ['`adjust` must be one of "holm"']),
    "level": (
        (R, GROUPS), {"confidence_level": 1}, ValueError,
        ["`confidence_level` must lie strictly between 0 and 1"],
    ),
    "kernel": ((R, GROUPS), {"kernel": "rbf"}, TypeError, ["`kernel` must be a kernel object"]),
    "estimator": (
        (R, GROUPS), {"estimator": "x"}, ValueError, ['`estimator` must be one of "unbiased"'],
    ),
    "bins": ((R, GROUPS), {"n_bins": 1}, ValueError, ["`n_bins` must be at least 2"]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("samples", "options", "error", "parts"), REFUSED.values(), ids=REFUSED.keys()
)
def test_what_is_refused(samples, options, error, parts):
    with pytest.raises(error, match=in_order(*parts)):
        repdist.compare_to_reference(*samples, **OPTIONS | options)


@needs("torch")
def test_two_libraries_are_refused():
    with pytest.raises(TypeError, match="must come from one array library"):
        repdist.compare_to_reference(as_tensor(R), GROUPS)


def test_clusters_must_not_start_anew_in_each_group():
    ids = [i // 4 for i in range(60)], {n: np.arange(len(r)) // 4 for n, r in GROUPS.items()}
    with pytest.raises(ValueError, match="`clusters` must each have all of their rows in one"):
        repdist.compare_to_reference(R, GROUPS, clusters=ids, **OPTIONS)


def test_what_random_signs_decided_is_told():
    """Of clusters of one row against such of ten."""
    rng = np.random.default_rng(3)
    reference, rows = rng.normal(size=(8, 2)), rng.normal(size=(160, 2))
    ids = np.arange(8), {name: 8 + np.repeat(np.arange(8), 10) for name in "ab"}
    ids[1]["b"] = ids[1]["b"] + 8
    given = {"a": rows[:80], "b": rows[80:]}
    result = repdist.compare_to_reference(reference, given, clusters=ids, n_resamples=499, rng=0)
    guarded = result.to_frame()["guarded"]
    assert guarded.dtype == bool
    assert guarded.any()
    assert "random signs" in result.method()
    rows_alone = repdist.compare_to_reference(reference, given, n_resamples=99, rng=0)
    assert "guarded" not in rows_alone.to_frame()
