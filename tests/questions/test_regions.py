"""Which regions differ: levels over all relabelings, every design beside loops, and bad input."""

import itertools

import numpy as np
import pandas as pd
import pytest
from given import LIBRARIES, in_order
from oracles import all_choices, assert_exact

import repdist
from repdist._inference.shares import newcombe
from repdist._questions import regions

RNG = np.random.default_rng(30)
CLUMP = np.concatenate([RNG.normal(size=(150, 3)), RNG.normal(6, 0.2, size=(30, 3))])
PLAIN = RNG.normal(size=(180, 3))


@pytest.fixture
def by_sign(monkeypatch):
    """The regions of rows of one column are given by it: the partition stays fixed."""
    found = regions.regions

    def fixed(pilot, samples, count, rng):
        result = found(pilot, samples, count, rng)
        numbers = tuple(sample[:, 0].astype(int) for sample in samples)
        k = 1 + max(map(np.max, numbers))
        result.__dict__.update(region=numbers, centres=np.zeros((k, 1)))
        return result

    monkeypatch.setattr(regions, "regions", fixed)


def rows_in(*numbers):
    """Rows whose only column is the number of their region."""
    return np.array(numbers, dtype=float)[:, None]


def found_in(X, Y, **options):
    return repdist.region_test(X, Y, **{"n_regions": 2, "rng": 0, "n_jobs": 1} | options)


# --- the level without chance --------------------------------------------------------------------

POOLED = [
    [0, 0, 0, 1, 1, 1, 2, 2],
    [0, 1, 2, 3, 0, 1, 2, 3],
    [0, 0, 0, 0, 0, 0, 1, 2],
    [0, 0, 0, 1, 1, 2, 2, 3],
]


def assert_level(results, *, by_label=False):
    """Of results under all relabelings: their levels; p-values and statistics are those of all.

    The squared difference of shares over its variance among relabelings, of each region; of
    clusters over their variance `by_label`, of which the levels are looked at alone.
    """
    assert all(result.relabelings.exhaustive for result in results)
    assert_exact([result.pvalue_adjusted.min() for result in results])
    if by_label:
        return
    differences = np.array([result.difference for result in results])  # (relabelings, k)
    variance = np.square(differences).mean(axis=0)
    for place, result in enumerate(results):
        assert_exact([other.pvalue[place % len(variance)] for other in results])
        squares = np.square(differences[place])
        as_large = np.square(differences) >= squares - 1e-12
        np.testing.assert_allclose(result.pvalue, as_large.mean(axis=0), rtol=1e-12)
        some = variance > 1e-20
        np.testing.assert_allclose(result.statistic[some], (squares / variance)[some], atol=1e-9)


@pytest.mark.usefixtures("by_sign")
@pytest.mark.parametrize("pooled", POOLED, ids=str)
@pytest.mark.parametrize(("n", "control"), [(4, "westfall-young"), (3, "holm"), (6, "holm")])
def test_the_level_over_all_relabelings(pooled, n, control):
    Z = rows_in(*pooled)
    results = [found_in(Z[first], Z[second]) for first, second in all_choices(8, n)]
    assert {result.control for result in results} == {control}
    assert_level(results)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n", [4, 3])
def test_the_level_over_all_relabelings_with_regions_of_k_means(seed, n):
    """For each seed of its own: the regions do not know which row has which label."""
    Z = np.random.default_rng(seed).normal(size=(8, 2))
    results = [found_in(Z[a], Z[b], n_regions=3, rng=seed) for a, b in all_choices(8, n)]
    assert_exact([result.pvalue_adjusted.min() for result in results])


@pytest.mark.usefixtures("by_sign")
def test_the_level_over_all_flips_of_pairs():
    sides = rows_in(0, 1, 2, 0, 1, 1, 0, 2, 1, 2).reshape(2, 5, 1)
    assert_level(
        [
            found_in(*(sides[np.bitwise_xor(flips, g), range(5)] for g in (0, 1)), paired=True)
            for flips in itertools.product([0, 1], repeat=5)
        ]
    )


@pytest.mark.usefixtures("by_sign")
@pytest.mark.parametrize("n", [3, 2])
def test_the_level_over_all_relabelings_of_clusters(n):
    """Of one size: six clusters of two rows."""
    Z, results = rows_in(0, 0, 1, 2, 0, 1, 2, 2, 1, 1, 0, 2).reshape(6, 2, 1), []
    for first, second in all_choices(6, n):
        X, Y = (Z[some].reshape(-1, 1) for some in (first, second))
        ids = np.repeat(first, 2), np.repeat(second, 2)
        results.append(found_in(X, Y, clusters=ids))
    assert_level(results, by_label=True)


@pytest.mark.usefixtures("by_sign")
def test_the_level_over_all_flips_of_pairs_of_clusters():
    """Of different sizes."""
    sides, sizes = rows_in(*([0, 1, 2, 0, 1, 1, 0, 2] * 2)).reshape(2, 8, 1), [1, 3, 2, 2]
    parts, results = [np.split(side, np.cumsum(sizes)[:-1]) for side in sides], []
    parts[1] = [*parts[1][:1], parts[1][1][:1], *parts[1][2:]]
    for flips in itertools.product([0, 1], repeat=4):
        chosen = [[parts[f ^ g][c] for c, f in enumerate(flips)] for g in (0, 1)]
        ids = [np.repeat(range(4), list(map(len, some))) for some in chosen]
        X, Y = map(np.concatenate, chosen)
        results.append(found_in(X, Y, paired=True, clusters=tuple(ids)))
    assert_level(results)


@pytest.mark.usefixtures("by_sign")
def test_the_level_over_all_relabelings_within_strata():
    """Four rows in one stratum, five in the other."""
    Z, stratum, results = rows_in(0, 1, 0, 2, 1, 1, 2, 0, 2), np.repeat([0, 1], [4, 5]), []
    for (a, b), (c, d) in itertools.product(all_choices(4, 2), all_choices(5, 2)):
        first, second = a + [4 + i for i in c], b + [4 + i for i in d]
        strata = stratum[first], stratum[second]
        results.append(found_in(Z[first], Z[second], strata=strata))
        assert results[-1].control == "holm"
    assert_level(results)


# --- values beside loops -------------------------------------------------------------------------


def test_shares_of_independent_rows_have_the_interval_of_newcombe():
    result = found_in(PLAIN, CLUMP[:170], n_regions=6)
    x, y = (np.bincount(region, minlength=6) for region in (result.region_of_x, result.region_of_y))
    np.testing.assert_allclose(result.share_x, x / 180, rtol=1e-12)
    np.testing.assert_allclose(result.share_y, y / 170, rtol=1e-12)
    low, high = newcombe(x / 180, 180, y / 170, 170)
    np.testing.assert_allclose(result.low, low, rtol=1e-12)
    np.testing.assert_allclose(result.high, high, rtol=1e-12)
    assert result.interval == "newcombe"
    assert result.n_rows.tolist() == (x + y).tolist() == sorted(x + y)[::-1]


def mean_interval(values):
    """Student's interval for the mean of independent values, by the definition."""
    from scipy import stats

    n = len(values)
    half = stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)
    return values.mean() - half, values.mean() + half


def test_pairs_have_the_interval_of_their_differences():
    X = PLAIN[:90]
    result = found_in(X, X + np.array([1.0, 0, 0]), paired=True, n_regions=4)
    for r in range(4):
        D = (result.region_of_y == r).astype(float) - (result.region_of_x == r)
        assert result.difference[r] == pytest.approx(D.mean(), abs=1e-12)
        np.testing.assert_allclose([result.low[r], result.high[r]], mean_interval(D), atol=1e-12)
    assert (result.interval, result.control) == ("student", "westfall-young")


def welch(X, Y):
    from scipy import stats

    return stats.ttest_ind(Y, X, equal_var=False).confidence_interval()


def clusters_of(sizes, first=0):
    return np.repeat(np.arange(first, first + len(sizes)), sizes)


def test_clusters_have_the_mean_of_their_shares_and_its_interval():
    """Ids stand in no order, and clusters differ in size."""
    of_x, of_y = clusters_of([3, 9, 4, 6, 8]), clusters_of([5, 2, 7, 11, 6, 4, 5], 5)
    orders = [np.random.default_rng(g).permutation(len(ids)) for g, ids in enumerate((of_x, of_y))]
    of_x, of_y = of_x[orders[0]], of_y[orders[1]]
    X, Y = PLAIN[: len(of_x)], CLUMP[-len(of_y) :]
    result = found_in(X, Y, clusters=(of_x, of_y), n_regions=3)
    for r in range(3):
        shares = [
            np.array([(region[ids == c] == r).mean() for c in np.unique(ids)])
            for region, ids in ((result.region_of_x, of_x), (result.region_of_y, of_y))
        ]
        assert result.share_x[r] == pytest.approx(shares[0].mean(), abs=1e-12)
        assert result.share_y[r] == pytest.approx(shares[1].mean(), abs=1e-12)
        ends = np.clip(welch(*shares), -1, 1)
        np.testing.assert_allclose([result.low[r], result.high[r]], ends, atol=1e-12)


def test_pairs_of_clusters_have_the_interval_of_their_differences():
    of_x, of_y = clusters_of([3, 9, 4, 6, 8]), clusters_of([5, 2, 7, 11, 6])[::-1]
    X, Y = PLAIN[: len(of_x)], CLUMP[-len(of_y) :]
    result = found_in(X, Y, clusters=(of_x, of_y), paired=True, n_regions=3)
    for r in range(3):
        first, second = (
            np.array([(region[ids == c] == r).mean() for c in range(5)])
            for region, ids in ((result.region_of_x, of_x), (result.region_of_y, of_y))
        )
        assert result.difference[r] == pytest.approx((second - first).mean(), abs=1e-12)
        ends = np.clip(mean_interval(second - first), -1, 1)
        np.testing.assert_allclose([result.low[r], result.high[r]], ends, atol=1e-12)


def naive_in_strata(first, second, weights):
    """The weighted difference of means inside strata, and both ends of its interval."""
    from scipy import stats

    difference = sum(
        w * (b.mean() - a.mean()) for w, a, b in zip(weights, first, second, strict=True)
    )
    parts = [
        (w * w * part.var(ddof=1) / len(part), len(part) - 1)
        for w, *both in zip(weights, first, second, strict=True)
        for part in both
    ]
    variance = sum(v for v, _ in parts)
    freedom = variance**2 / sum(v * v / f for v, f in parts)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(variance)
    return difference, difference - half, difference + half


def test_strata_have_the_adjusted_shares_and_their_interval():
    of_x, of_y = np.repeat([0, 1], [40, 60])[::-1], np.repeat([0, 1], [100, 80])
    result = found_in(PLAIN[:100], CLUMP, strata=(of_x, of_y), n_regions=4)
    weights = [(sum(of_x == s) + sum(of_y == s)) / 280 for s in (0, 1)]
    for r in range(4):
        first, second = (
            [(region[ids == s] == r).astype(float) for s in (0, 1)]
            for region, ids in ((result.region_of_x, of_x), (result.region_of_y, of_y))
        )
        expected = naive_in_strata(first, second, weights)
        found = result.difference[r], result.low[r], result.high[r]
        np.testing.assert_allclose(found, expected, atol=1e-12)
        adjusted = sum(w * part.mean() for w, part in zip(weights, first, strict=True))
        assert result.share_x[r] == pytest.approx(adjusted, abs=1e-12)


def test_clusters_in_strata_have_the_adjusted_means_of_their_shares():
    of_x, of_y = clusters_of([4] * 10), clusters_of([5] * 12, 10)
    strata = of_x % 2, of_y % 2
    X, Y = PLAIN[:40], CLUMP[-60:]
    result = found_in(X, Y, clusters=(of_x, of_y), strata=strata, n_regions=3)
    for r in range(3):
        first, second = (
            [
                np.array([(region[ids == c] == r).mean() for c in np.unique(ids) if c % 2 == s])
                for s in (0, 1)
            ]
            for region, ids in ((result.region_of_x, of_x), (result.region_of_y, of_y))
        )
        found = result.difference[r], result.low[r], result.high[r]
        np.testing.assert_allclose(found, naive_in_strata(first, second, [0.5, 0.5]), atol=1e-12)


def test_pairs_in_strata_have_the_differences_inside():
    strata = np.repeat([0, 1], [30, 60])
    result = found_in(PLAIN[:90], PLAIN[90:], paired=True, strata=(strata, strata), n_regions=3)
    for r in range(3):
        D = (result.region_of_y == r).astype(float) - (result.region_of_x == r)
        assert result.difference[r] == pytest.approx(D.mean(), abs=1e-12)
        parts = [D[strata == s] for s in (0, 1)]
        variance = sum((len(d) / 90) ** 2 * d.var(ddof=1) / len(d) for d in parts)
        half = (result.high[r] - result.low[r]) / 2
        assert 1.96 < half / np.sqrt(variance) < 2.01


# --- what it finds, and what must not matter -----------------------------------------------------


def test_few_rows_have_few_regions():
    rows = np.arange(10.0)[:, None] ** 2
    assert repdist.region_test(rows[:5], rows[5:], rng=0).n_regions <= 5
    assert repdist.region_test(rows[:2], rows[2:4], rng=0).n_regions == 2
    assert repdist.explain(rows[:2], rows[2:4], rng=0).regions.n_regions == 2


@pytest.mark.parametrize("samples", [(PLAIN, CLUMP), (PLAIN[:120], CLUMP), (CLUMP, PLAIN[:50])])
def test_a_clump_is_found_and_its_rows_are_typical(samples):
    """Whichever sample it is in, and whichever is larger."""
    X, Y = samples
    in_x = X is CLUMP
    result = found_in(X, Y, n_regions=8)
    frame = result.to_frame()
    surest = frame.loc[0]
    assert surest["pvalue_adjusted"] < 0.01
    assert (surest["difference"] < 0) == in_x
    assert np.isneginf(surest["log2_ratio"]) if in_x else np.isposinf(surest["log2_ratio"])
    assert surest["low"] < surest["difference"] < surest["high"]
    of_x, of_y = result.typical(int(surest["region"]), n_rows=4)
    own, other = (of_x, of_y) if in_x else (of_y, of_x)
    assert len(own) == 4
    assert (own >= 150).all()
    assert len(other) == 0
    assert "shares add up to 1" in result.cautions[-1]


def test_typical_rows_are_the_nearest_of_their_region():
    result = found_in(PLAIN, CLUMP, n_regions=5)
    for r in range(5):
        for rows, region, found in zip(
            (PLAIN, CLUMP),
            (result.region_of_x, result.region_of_y),
            result.typical(r, n_rows=7),
            strict=True,
        ):
            members = np.flatnonzero(region == r)
            far = np.linalg.norm(rows[members] - result.centres[r], axis=1)
            assert found.tolist() == members[np.argsort(far)][:7].tolist()


@LIBRARIES
@pytest.mark.parametrize("design", ["rows", "pairs"])
def test_libraries_agree(library, design):
    X, Y = PLAIN.astype(np.float32), CLUMP.astype(np.float32)
    options = {"n_regions": 6, "paired": design == "pairs"}
    found = found_in(library(X), library(Y), **options)
    assert found.to_dict() == found_in(X, Y, **options).to_dict()


def test_threads_change_no_bit():
    one = found_in(PLAIN, CLUMP[:150], n_regions=6)
    three = found_in(PLAIN, CLUMP[:150], n_regions=6, n_jobs=3)
    assert one.to_dict() == three.to_dict()
    np.testing.assert_array_equal(one.distance_y, three.distance_y)


def test_labels_do_not_enter_the_regions():
    """Rows that change samples keep their place among all rows, and their region."""
    both = np.random.default_rng(0).permutation(np.concatenate([PLAIN, CLUMP]))
    one = found_in(both[:150], both[150:], n_regions=6)
    moved = found_in(both[:40], both[40:], n_regions=6)
    np.testing.assert_array_equal(one.centres, moved.centres)
    regions_of = [np.concatenate([r.region_of_x, r.region_of_y]).tolist() for r in (one, moved)]
    assert regions_of[0] == regions_of[1]


def test_a_table_with_ids():
    columns = ["a", "b", "c"]
    of_x, of_y = np.repeat(np.arange(18), 10), np.repeat(np.arange(18, 36), 10)
    tables = [
        pd.DataFrame(rows, columns=columns).assign(donor=ids)
        for rows, ids in ((PLAIN, of_x), (CLUMP, of_y))
    ]
    found = found_in(*tables, clusters="donor", n_regions=5)
    assert found.to_dict() == found_in(PLAIN, CLUMP, clusters=(of_x, of_y), n_regions=5).to_dict()


def test_rows_in_a_file(tmp_path):
    np.save(tmp_path / "rows.npy", CLUMP)
    in_file = np.load(tmp_path / "rows.npy", mmap_mode="r")
    assert found_in(PLAIN, in_file).to_dict() == found_in(PLAIN, CLUMP).to_dict()


def test_inputs_are_unchanged():
    X, Y = PLAIN.copy(), CLUMP.copy()
    X.flags.writeable = Y.flags.writeable = False
    found_in(X, Y)
    np.testing.assert_array_equal(X, PLAIN)


def test_the_draw_depends_on_rng_alone():
    results = [found_in(PLAIN, CLUMP, n_regions=6, rng=seed).to_dict() for seed in (1, 1, 2)]
    assert results[0] == results[1] != results[2]


# --- what it says --------------------------------------------------------------------------------


def test_the_table():
    frame = found_in(PLAIN, CLUMP, n_regions=6).to_frame()
    assert list(frame) == [
        "region", "n_rows", "share_x", "share_y", "difference", "low", "high", "log2_ratio",
        "statistic", "pvalue", "pvalue_adjusted",
    ]  # fmt: skip
    assert frame["pvalue_adjusted"].is_monotonic_increasing
    assert sorted(frame["region"]) == list(range(6))
    assert frame["n_rows"].sum() == 360
    assert frame["share_x"].sum() == pytest.approx(1)
    np.testing.assert_allclose(frame["difference"], frame["share_y"] - frame["share_x"])


def test_the_table_as_a_file(tmp_path):
    result = found_in(PLAIN, CLUMP, n_regions=6)
    result.to_csv(tmp_path / "regions.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "regions.csv"), result.to_frame())


def test_the_card_names_what_differs():
    result = found_in(PLAIN, CLUMP, n_regions=6)
    text = str(result)
    surest = result.order[0]
    assert text.startswith("6 regions: 180 rows against 180\n  finding  1 of 6 regions differ")
    assert f"region {surest} 0.0% of X, 16.7% of Y, difference +" in text
    rows = ", ".join(map(str, result.typical(surest, n_rows=3)[1]))
    (line,) = (line for line in text.splitlines() if f"region {surest} " in line)
    assert len(line) <= 100
    assert f"typical rows of Y: {rows}\n" in text
    swapped = found_in(CLUMP, PLAIN, n_regions=6)
    assert f"typical rows of X: {rows}\n" in str(swapped)
    assert repr(result) == "RegionResult(1 of 6 regions differ)"
    words = result.method()
    assert "6 regions by k-means" in words
    assert "step-down maximum" in words
    assert "Newcombe's hybrid score intervals" in words
    same = found_in(PLAIN[::2], PLAIN[1::2], n_regions=6)
    assert "no region differs at .05" in str(same)
    assert not same.cautions


def test_fewer_regions_and_few_relabelings_are_said():
    few = np.array([[0.0], [1.0], [0.0], [1.0], [1.0], [0.0]])
    result = repdist.region_test(few[:3], few[3:], n_regions=3, rng=0)
    assert result.n_regions == 2
    assert result.cautions[0].startswith("3 regions asked for, 2 found")
    assert result.cautions[1].startswith("no adjusted p-value below 0.1 can be reached")


def test_clusters_of_other_sizes_are_said():
    of_x, of_y = clusters_of([1] * 12), clusters_of([10] * 12, 12)
    result = found_in(PLAIN[:12], CLUMP[-120:], clusters=(of_x, of_y))
    assert any("clusters differ in size" in caution for caution in result.cautions)
    same = found_in(PLAIN[:120], CLUMP[-120:], clusters=(of_y, of_y + 12))
    assert not any("clusters differ" in caution for caution in same.cautions)


# --- bad input -----------------------------------------------------------------------------------

BAD = {
    "n_regions": ({"n_regions": 1}, ValueError, "`n_regions` must be at least 2; got 1."),
    "kind": ({"n_regions": 2.0}, TypeError, "`n_regions` must be a whole number"),
    "n_resamples": ({"n_resamples": 0}, ValueError, "`n_resamples` must be at least 1"),
    "rng": ({"rng": "a"}, TypeError, "`rng` must be None"),
    "n_jobs": ({"n_jobs": 0}, ValueError, "`n_jobs` must be -1"),
    "unmatched": ({"unmatched": "no"}, ValueError, "`unmatched` must be one of"),
    "paired": ({"paired": 1}, TypeError, "`paired` must be True or False"),
}


@pytest.mark.parametrize(("options", "error", "message"), BAD.values(), ids=BAD)
def test_bad_options_are_named(options, error, message):
    with pytest.raises(error, match=in_order(message)):
        found_in(PLAIN, CLUMP, **options)


def test_bad_rows_are_named():
    with pytest.raises(ValueError, match=r"`X` and `Y` must have the same number of columns"):
        found_in(PLAIN, CLUMP[:, :2])
    with pytest.raises(ValueError, match=r"`X` and `Y` must .*constant|`X` and `Y` must"):
        found_in(np.ones((5, 2)), np.ones((5, 2)))
    bad = CLUMP.copy()
    bad[7, 1] = np.nan
    with pytest.raises(ValueError, match=r"`Y` must.*row 7"):
        found_in(PLAIN, bad)


@pytest.mark.parametrize("region", [-1, 6])
def test_a_region_that_is_none_is_named(region):
    with pytest.raises(ValueError, match=r"`region` must be at"):
        found_in(PLAIN, CLUMP, n_regions=6).typical(region)
