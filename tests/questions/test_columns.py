"""Which columns differ: against loops from the rows on, the level without chance, what is given."""

import itertools

import numpy as np
import pandas as pd
import pytest
from given import INTEGERS, LIBRARIES, as_tensor, needs
from oracles import all_choices, all_flips, assert_exact
from scipy import special, stats
from statsmodels.stats.multitest import multipletests

import repdist
from repdist import column_test


def pooled(n, seed=0):
    """Rows (n, 6): two columns go together, one has ties, one two values, one an outlier."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, 6))
    Z[:, 1] += 2 * Z[:, 0]
    Z[:, 2] = rng.integers(3, size=n)
    Z[:, 3] = rng.random(n) < 0.4
    Z[:, 4] = 7.0
    Z[0, 5] = 1e6
    return Z


def naive(Z, relabelings):
    """Largest squared forms (B, d) of rows under all relabelings, the first the observed one.

    Standardised by mean and deviation over those given, which must be the whole group.
    """
    T = np.zeros((len(relabelings), Z.shape[1]))
    for j in range(Z.shape[1]):
        u = (2 * stats.rankdata(Z[:, j]) - 1) / len(Z) - 1
        for k in range(1, 5):
            phi = np.sqrt(2 * k + 1) * special.eval_legendre(k, u)
            apart = np.array([phi[list(a)].mean() - np.delete(phi, a).mean() for a in relabelings])
            deviation = apart.std()
            if deviation > 1e-12:
                T[:, j] = np.maximum(T[:, j], ((apart - apart.mean()) / deviation) ** 2)
    return T


def stepped(T):
    """Adjusted p-values by the step-down maximum, ties counted."""
    order = np.argsort(-T[0], kind="stable")
    found, last = np.empty(len(order)), 0.0
    for place, j in enumerate(order):
        largest = [max(row[order[place:]]) for row in T]
        last = max(last, float(np.mean([value >= T[0, j] - 1e-7 for value in largest])))
        found[j] = last
    return found


def choices_from(n, m):
    """All choices of n of n + m rows, the first of them the first n."""
    return list(itertools.combinations(range(n + m), n))


# --- against loops -------------------------------------------------------------------------------


def test_as_many_rows_against_loops():
    Z = pooled(8)
    found = column_test(Z[:4], Z[4:], rng=0)
    T = naive(Z, choices_from(4, 4))
    assert found.control == "westfall-young"
    assert found.relabelings.count == 70
    np.testing.assert_allclose(found.statistic, T[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.pvalue, np.mean(T[0] - 1e-7 <= T, axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.pvalue_adjusted, stepped(T), rtol=1e-12)


@pytest.mark.parametrize("swapped", [False, True])
def test_unequal_sizes_against_loops(swapped):
    Z = pooled(9)
    X, Y = (Z[3:], Z[:3]) if swapped else (Z[:3], Z[3:])
    found = column_test(X, Y, rng=0)
    T = naive(Z, choices_from(3, 6))
    pvalue = np.mean(T[0] - 1e-7 <= T, axis=0)
    assert found.control == "holm"
    np.testing.assert_allclose(found.statistic, T[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.pvalue, pvalue, rtol=1e-12)
    np.testing.assert_allclose(found.pvalue_adjusted, multipletests(pvalue, method="holm")[1])


def test_pairs_against_loops():
    X, Y = np.split(pooled(16), 2)
    found = column_test(X, Y, paired=True, rng=0)
    flips = [np.where(flip, np.arange(8) + 8, np.arange(8)) for flip in all_flips(8)]
    T = naive(np.concatenate([X, Y]), flips)
    assert found.control == "westfall-young"
    assert found.relabelings.count == 128
    np.testing.assert_allclose(found.statistic, T[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.pvalue, np.mean(T[0] - 1e-7 <= T, axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.pvalue_adjusted, stepped(T), rtol=1e-12)


def test_groups_against_loops():
    """The mean of all squared forms of their columns; Holm, though sizes are equal."""
    Z, groups = pooled(8), ["b", "a", "b", "c", "c", "a"]
    found = column_test(Z[:4], Z[4:], groups=groups, rng=0)
    relabelings, sums = choices_from(4, 4), dict.fromkeys("bac", 0.0)
    for j, group in enumerate(groups):
        u = (2 * stats.rankdata(Z[:, j]) - 1) / 8 - 1
        for k in range(1, 5):
            phi = special.eval_legendre(k, u)
            apart = np.array([phi[list(a)].sum() for a in relabelings])
            if apart.std() > 1e-12:
                sums[group] = sums[group] + ((apart - apart.mean()) / apart.std()) ** 2 / 8
    T = np.stack(list(sums.values()), axis=1)
    pvalue = np.mean(T[0] - 1e-7 <= T, axis=0)
    assert found.groups == ("b", "a", "c")
    assert found.control == "holm"
    np.testing.assert_allclose(found.statistic, T[0], rtol=1e-9)
    np.testing.assert_allclose(found.pvalue, pvalue, rtol=1e-12)
    np.testing.assert_allclose(found.pvalue_adjusted, multipletests(pvalue, method="holm")[1])


def test_sizes_of_differences():
    """Of the means in pooled deviations, and of the deviations; Y beside X."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(300, 3)), rng.normal(size=(200, 3))
    Y[:, 0] += 1
    Y[:, 1] *= 3
    frame = column_test(X, Y, rng=0).to_frame().set_index("column")
    for j in range(3):
        pooled_sd = np.sqrt((X[:, j].var() + Y[:, j].var()) / 2)
        difference = (Y[:, j].mean() - X[:, j].mean()) / pooled_sd
        assert frame.loc[j, "difference"] == pytest.approx(difference, rel=1e-9)
        assert frame.loc[j, "spread_ratio"] == pytest.approx(Y[:, j].std() / X[:, j].std())
    assert frame.loc[0, "direction"] == "higher in Y"
    assert frame.loc[1, "direction"] == "wider in Y"


@pytest.mark.parametrize(
    ("change", "changed", "direction"),
    [
        (lambda u: u + 1, "location", "higher in Y"),
        (lambda u: u - 1, "location", "lower in Y"),
        (lambda u: 4 * u, "spread", "wider in Y"),
        (lambda u: u / 4, "spread", "narrower in Y"),
        # of the distribution function F, at F = 1/2 +- .289 and 1/2 +- .289 of P_3 and P_4
        (lambda u: stats.norm.ppf(_bent(u, 3, 0.3)), "skewness", "skewed to the right in Y"),
        (lambda u: stats.norm.ppf(_bent(u, 3, -0.3)), "skewness", "skewed to the left in Y"),
        (lambda u: stats.norm.ppf(_bent(u, 4, 0.3)), "tails", "heavier tails in Y"),
        (lambda u: stats.norm.ppf(_bent(u, 4, -0.3)), "tails", "lighter tails in Y"),
    ],
)
def test_what_changed_and_which_way(change, changed, direction):
    x = stats.norm.ppf((np.arange(2000) + 0.5) / 2000)
    rng = np.random.default_rng(0)
    X, Y = (np.stack([rng.permutation(values)] * 2, axis=1) for values in (x, change(x)))
    Y[:, 1] = rng.permutation(x)
    row = column_test(X, Y, n_resamples=199, rng=0).to_frame().iloc[0]
    assert (row["column"], row["changed"], row["direction"]) == (0, changed, direction)
    back = column_test(Y, X, n_resamples=199, rng=0).to_frame().iloc[0]
    assert back["changed"] == changed
    assert back["direction"] != direction


def _bent(x, degree, height):
    """Uniform quantiles whose density is 1 + height sqrt(2k + 1) P_k(2 t - 1)."""
    t = np.linspace(0, 1, 200_001)
    density = 1 + height * np.sqrt(2 * degree + 1) * special.eval_legendre(degree, 2 * t - 1)
    F = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return np.interp(stats.norm.cdf(x), F / F[-1], t)


# --- the level without chance --------------------------------------------------------------------


def smallest(found):
    """The smallest adjusted p-values, and the p-values of each column, (relabelings, d)."""
    return (
        [result.pvalue_adjusted.min() for result in found],
        np.array([result.pvalue for result in found]),
    )


def assert_level(found, total):
    adjusted, each = smallest(found)
    assert all(result.relabelings.exhaustive for result in found)
    assert {result.relabelings.count for result in found} == {total}
    assert_exact(adjusted)
    for column in each.T:
        assert_exact(column)
    return np.sort(adjusted)


@pytest.mark.parametrize("groups", [None, list("aabbca")], ids=["columns", "groups"])
@pytest.mark.parametrize("seed", [0, 1])
def test_all_70_relabelings_of_single_rows(seed, groups):
    Z = pooled(8, seed)
    found = [column_test(Z[a], Z[b], groups=groups, n_jobs=1) for a, b in all_choices(8, 4)]
    assert_level(found, 70)


@pytest.mark.parametrize("n", [3, 6])
def test_all_84_relabelings_of_unequal_sizes(n):
    Z = pooled(9)
    found = [column_test(Z[a], Z[b], n_jobs=1) for a, b in all_choices(9, n)]
    assert found[0].control == "holm"
    assert_level(found, 84)


def test_all_flips_of_pairs():
    either, found = pooled(16).reshape(2, 8, 6), []
    for flips in all_flips(8):
        X, Y = either[flips, range(8)], either[1 - flips, range(8)]
        found.append(column_test(X, Y, paired=True, n_jobs=1))
    assert assert_level(found, 128)[0] == 1 / 128


@pytest.mark.parametrize(("firsts", "control"), [((2, 3), "westfall-young"), ((1 + 1, 2), "holm")])
def test_all_relabelings_inside_strata(firsts, control):
    """Four rows in one stratum; in the other six, three of which are in X, or two."""
    Z, stratum, found = pooled(10), np.repeat([0, 1], [4, 6]), []
    for one, other in itertools.product(all_choices(4, firsts[0]), all_choices(6, firsts[1])):
        first, second = (a + [4 + i for i in b] for a, b in zip(one, other, strict=True))
        strata = stratum[first], stratum[second]
        found.append(column_test(Z[first], Z[second], strata=strata, n_jobs=1))
    assert {result.control for result in found} == {control}
    assert_level(found, len(found))


@pytest.mark.parametrize(("first", "control"), [(3, "westfall-young"), (2, "holm")])
def test_all_relabelings_of_clusters(first, control):
    sizes = [1, 4, 2, 3, 3, 1]
    Z, of_row, found = pooled(14), np.repeat(np.arange(6), sizes), []
    for chosen, rest in all_choices(6, first):
        x, y = np.isin(of_row, chosen), np.isin(of_row, rest)
        found.append(column_test(Z[x], Z[y], clusters=(of_row[x], of_row[y]), n_jobs=1))
    assert {result.control for result in found} <= {control, "holm"}  # where sizes differ
    assert_level(found, len(found))


def test_all_flips_of_pairs_of_clusters():
    sides, found = [pooled(11), pooled(9, 1)], []
    ids = [np.repeat(np.arange(5), sizes) for sizes in ([1, 4, 2, 3, 1], [2, 1, 1, 3, 2])]
    for flips in all_flips(5):
        X, Y = (
            np.concatenate([sides[g ^ f][ids[g ^ f] == i] for i, f in enumerate(flips)])
            for g in (0, 1)
        )
        of_rows = [
            np.concatenate([np.full((ids[g ^ f] == i).sum(), i) for i, f in enumerate(flips)])
            for g in (0, 1)
        ]
        found.append(column_test(X, Y, paired=True, clusters=tuple(of_rows), n_jobs=1))
    assert_level(found, 16)


# --- what changes nothing, and what changes sides ------------------------------------------------


def rows(n=60, m=60, d=5, seed=0):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    Y[:, 1] += 0.9
    Y[:, 3] *= 2.5
    return X, Y


def assert_same(one, other):
    for name in ("forms", "statistic", "pvalue", "pvalue_adjusted"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def few(X, Y, **options):
    return column_test(X, Y, **{"n_resamples": 499, "rng": 0} | options)


@pytest.mark.parametrize("m", [60, 45])
def test_monotone_transforms_change_no_bit(m):
    X, Y = rows(m=m)
    assert_same(few(X, Y), few(np.exp(X), np.exp(Y)))
    assert_same(few(X, Y), few(1e3 * X**3 - 5, 1e3 * Y**3 - 5))


def test_one_huge_row_does_little():
    """As little as any other largest value."""
    X, Y = rows()
    one, other = X.copy(), X.copy()
    one[0], other[0] = 1e6, 10
    assert_same(few(one, Y), few(other, Y))
    assert set(few(one, Y).pvalue_adjusted.argsort()[:2].tolist()) == {1, 3}


@pytest.mark.parametrize("m", [60, 45])
def test_swapped_samples_mirror_directions(m):
    """All relabelings, or the same random ones where one sample is the smaller."""
    X, Y = rows(m=m) if m == 45 else rows(6, 6)
    one, other = (column_test(*samples, rng=0) for samples in ((X, Y), (Y, X)))
    np.testing.assert_allclose(one.forms, -other.forms, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(one.pvalue, other.pvalue)
    np.testing.assert_array_equal(one.pvalue_adjusted, other.pvalue_adjusted)
    frames = [result.to_frame().set_index("column").sort_index() for result in (one, other)]
    np.testing.assert_allclose(frames[0]["difference"], -frames[1]["difference"])
    np.testing.assert_allclose(frames[0]["spread_ratio"], 1 / frames[1]["spread_ratio"])
    assert (frames[0]["direction"] != frames[1]["direction"]).all()


def test_the_sequence_of_columns_is_of_no_effect():
    X, Y = rows()
    order = [3, 0, 4, 2, 1]
    one, other = few(X, Y), few(X[:, order], Y[:, order])
    np.testing.assert_array_equal(one.pvalue_adjusted[order], other.pvalue_adjusted)


def test_constant_columns_have_p_1_and_change_nothing_else():
    X, Y = rows()
    with_constant = [np.insert(Z, 2, 0.1, axis=1) for Z in (X, Y)]
    found, without = few(*with_constant), few(X, Y)
    assert found.pvalue[2] == found.pvalue_adjusted[2] == 1
    np.testing.assert_array_equal(np.delete(found.pvalue_adjusted, 2), without.pvalue_adjusted)
    row = found.to_frame().set_index("column").loc[2]
    assert (row["changed"], row["direction"], row["difference"]) == ("", "", 0)
    assert found.cautions == ("1 of 6 columns are constant and say nothing",)


def test_columns_that_are_no_features_are_told_as_mmd_test_tells_them():
    X, Y = (pd.DataFrame(Z, columns=list("abcde")) for Z in rows())
    X = X.assign(week=1, id=np.arange(len(X)))
    Y = Y.assign(week=2, id=len(X) + np.arange(len(Y)))
    told = (
        "column 'week' is constant in each sample and differs between them, so it alone tells them "
        "apart: leave it out if it is no feature",
        "column 'id' increases from row to row, as row numbers and times do: leave it out if it is "
        "no feature",
    )
    assert few(X, Y).cautions == told
    assert repdist.mmd_test(X, Y, rng=0, n_resamples=99).cautions[-2:] == told
    explained = repdist.explain(X, Y, rng=0, n_resamples=99).cautions
    assert [explained.count(text) for text in told] == [1, 1]
    X, Y = X.to_numpy(), Y.to_numpy()
    assert few(X, Y).cautions == tuple(
        text.replace("'week'", "5").replace("'id'", "6") for text in told
    )
    names = ["a", "b", "c", "d", "e", "week", "id"]
    assert few(X, Y, names=names).cautions == told


def test_a_column_that_holds_the_ids_of_clusters_is_told():
    X, Y = rows()
    ids = [np.arange(len(X)) % 10, 10 + np.arange(len(Y)) % 10]
    X, Y = (np.column_stack([Z, of_rows]) for Z, of_rows in zip((X, Y), ids, strict=True))
    assert few(X, Y, clusters=tuple(ids)).cautions[0] == (
        "column 5 holds the ids of `clusters`: leave it out, it is no feature"
    )


def test_two_values_differ_in_location():
    """All four forms are alike there, to rounding."""
    rng = np.random.default_rng(0)
    X, Y = ((rng.random((400, 8)) < share).astype(float) for share in (0.1, 0.3))
    found = few(X, Y)
    assert (found.to_frame()["direction"] == "higher in Y").all()
    np.testing.assert_allclose(found.forms**2, np.broadcast_to(found.statistic, (4, 8)), rtol=1e-9)
    assert (found.pvalue_adjusted <= 0.05).all()


def test_columns_constant_at_two_values_differ():
    X, Y = rows()
    X[:, 0], Y[:, 0] = 1, 2
    found = few(X, Y)
    assert found.pvalue_adjusted[0] == found.relabelings.least_pvalue
    assert "higher in Y (p = 0.002): constant in each sample, overlap 0%" in str(found)


@pytest.mark.parametrize("m", [60, 45])
@pytest.mark.parametrize("groups", [None, list("aabbb")])
def test_threads_change_no_bit_and_a_seed_repeats(m, groups):
    X, Y = rows(m=m)
    found = [few(X, Y, groups=groups, rng=seed, n_jobs=n) for seed, n in ((0, 1), (0, 3), (1, 1))]
    assert_same(found[0], found[1])
    assert groups or (found[0].pvalue != found[2].pvalue).any()


def test_rows_may_stand_in_any_sequence_where_all_relabelings_are_used():
    X, Y = rows(6, 6)
    one, other = column_test(X, Y), column_test(X[::-1], Y[[2, 0, 1, 5, 3, 4]])
    assert one.relabelings.count == 924
    np.testing.assert_array_equal(one.pvalue_adjusted, other.pvalue_adjusted)


def test_inputs_are_unchanged():
    X, Y = rows()
    before = X.copy(), Y.copy()
    few(X, Y)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(Y, before[1])


# --- kinds of arrays -----------------------------------------------------------------------------


@LIBRARIES
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_arrays_of_each_library_and_width(library, dtype):
    X, Y = (np.round(10 * Z).astype(dtype) for Z in rows())
    assert_same(few(library(X), library(Y)), few(X.astype(float), Y.astype(float)))


def test_float32_is_ranked_as_it_is():
    X, Y = (Z.astype(np.float32) for Z in rows())
    assert_same(few(X, Y), few(X.astype(float), Y.astype(float)))


@needs("torch")
def test_a_tensor_with_a_gradient():
    X, Y = rows()
    assert_same(few(as_tensor(X).requires_grad_(), as_tensor(Y)), few(X, Y))


def test_arrays_in_files(tmp_path):
    X, Y = rows()
    np.save(tmp_path / "x.npy", X)
    in_file = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert_same(few(in_file, Y), few(X, Y))


def test_one_dimension_is_one_column():
    X, Y = rows(d=4)
    found = few(X[:, 1], Y[:, 1])
    assert found.names == (0,)
    np.testing.assert_array_equal(found.pvalue, few(X[:, [1]], Y[:, [1]]).pvalue)


def test_tables_are_matched_by_name():
    X, Y = (pd.DataFrame(Z, columns=list("abcde")) for Z in rows())
    found = few(X, Y[list("edcba")])
    assert found.names == tuple("abcde")
    assert_same(found, few(X.to_numpy(), Y.to_numpy()))
    assert found.to_frame()["column"].tolist()[:2] == ["d", "b"]
    given = few(X, Y, names=range(10, 15))
    assert given.names == (10, 11, 12, 13, 14)
    assert_same(given, found)


def test_ids_that_are_columns_of_a_table_are_no_features():
    X, Y = rows(6, 6, d=4)
    tables = [pd.DataFrame(Z, columns=list("abcd")).assign(who=range(6)) for Z in (X, Y)]
    tables[1]["who"] += 10
    found = few(*tables, clusters="who", groups=["one", "one", "two", "two"])
    assert found.names == tuple("abcd")
    assert_same(found, few(X, Y, groups=[1, 1, 2, 2]))


def test_rows_left_out_are_told():
    X, Y = rows(8, 8)
    strata = [0, 0, 0, 0, 1, 1, 1, 2], [0, 0, 0, 0, 1, 1, 3, 3]
    with pytest.raises(ValueError, match="`strata` must have rows of both samples"):
        few(X, Y, strata=strata)
    found = few(X, Y, strata=strata, unmatched="drop")
    assert (found.n, found.m) == (7, 6)
    assert found.cautions[0].startswith("left out: 1 row of X and 2 of Y")


# --- how many relabelings, and what cannot be reached --------------------------------------------


def test_relabelings_are_at_least_those_asked_for():
    X, Y = rows()
    assert few(X, Y, n_resamples=100).relabelings.count == 127
    assert column_test(X, Y, rng=0).relabelings.count == 16383


@pytest.mark.parametrize(("d", "count"), [(5, 127), (100, 2047), (6000, 131071)])
def test_where_holm_divides_they_are_20_a_column_at_least(d, count):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(12, d)), rng.normal(size=(14, d))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("repdist._inference.linear.label_blocks", lambda drawn, rng: iter([]))
        patch.setattr("repdist._questions.columns._joint_pvalue", lambda *given: None)
        with np.errstate(all="ignore"):
            found = few(X, Y, n_resamples=100)
    assert found.relabelings.count == count


def test_what_cannot_be_reached_is_told():
    X, Y = rows(4, 5)
    assert few(X, Y).cautions == ()
    more = np.repeat(X, 4, axis=1), np.repeat(Y, 4, axis=1)
    assert few(*more).cautions == (
        "no adjusted p-value of 20 by Holm's correction below 0.16 can be reached: too few rows "
        "or relabelings",
    )
    assert few(X[:3], Y[:3]).cautions == (
        "no adjusted p-value below 0.1 can be reached: too few rows or relabelings",
    )


@pytest.mark.slow
@pytest.mark.parametrize("test", [column_test, repdist.region_test])
@pytest.mark.parametrize(("first", "second"), [(10, 60), (30, 60), (60, 10)])
def test_the_level_of_clusters_of_different_sizes(test, first, second):
    """Of one row in X, of ten in Y: without the guard it was .83 and .43 of 150 (10 against 60).

    At most 22 of 200 at level .05: more have a chance of .0003; a level of .13 passes in 1 of 5.
    """
    rng, found = np.random.default_rng(0), 0
    for _ in range(200):
        rows, ids = [], []
        for count, size in ((first, 1), (second, 10)):
            shared = np.repeat(rng.normal(size=(count, 3)), size, axis=0)
            rows.append(np.sqrt(0.3) * shared + np.sqrt(0.7) * rng.normal(size=shared.shape))
            ids.append(1000 * len(ids) + np.repeat(np.arange(count), size))
        result = test(*rows, clusters=tuple(ids), n_resamples=499, rng=rng, n_jobs=1)
        found += bool((result.pvalue_adjusted <= 0.05).any())
    assert found <= 22


def test_clusters_of_different_sizes_are_told():
    X, Y = rows(12, 12)
    clusters = np.arange(12), np.repeat(100 + np.arange(3), 4)
    cautions = few(X, Y, clusters=clusters).cautions
    assert cautions[-1].startswith("clusters differ in size between the samples")
    for test in (column_test, repdist.region_test):
        guarded = test(X, Y, clusters=clusters, n_resamples=99, rng=0)
        assert guarded.guarded
        assert "no less than those of Welch's t-test of cluster means" in guarded.method()
        plain = test(X, Y, n_resamples=99, rng=0)
        assert not plain.guarded
        assert "Welch" not in plain.method()
    assert few(X, Y, clusters=(clusters[0], 100 + clusters[0])).cautions == ()


# --- all columns together ------------------------------------------------------------------------


def test_columns_that_go_together_in_another_way_are_seen_together():
    """No column differs, but their correlation does."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(300, 2)), rng.normal(size=(300, 2))
    Y[:, 1] = Y[:, 0] + 0.1 * Y[:, 1]
    X, Y = (stats.norm.ppf((stats.rankdata(Z, axis=0) - 0.5) / 300) for Z in (X, Y))
    found = few(X, Y)
    assert (found.pvalue_adjusted > 0.05).all()
    assert found.joint_pvalue < 0.01
    assert "no single column differs at .05, but the samples do" in str(found)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"paired": True},
        {"strata": (np.arange(40) % 2,) * 2},
        {"clusters": (np.arange(40) // 2, 100 + np.arange(40) // 2)},
        {"paired": True, "strata": (np.arange(40) % 2,) * 2},
        {"paired": True, "clusters": (np.arange(40) // 2,) * 2},
    ],
    ids=str,
)
def test_the_joint_pvalue_is_that_of_mmd_test(options):
    rng = np.random.default_rng(5)
    X, Y = rng.normal(size=(40, 3)), rng.normal(size=(40, 3))
    found = few(X, Y, **options)
    assert (found.pvalue_adjusted > 0.05).all()
    expected = repdist.mmd_test(X, Y, rng=0, **options).pvalue
    assert found.joint_pvalue == expected
    assert "nor do all together" in str(found)


def test_many_rows_are_looked_at_together_through_landmarks():
    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(2600, 2)), rng.normal(size=(2600, 2))
    found = few(X, Y)
    assert (found.pvalue_adjusted > 0.05).all()
    assert 0.05 < found.joint_pvalue < 1
    clusters = np.arange(2600) // 20, 1000 + np.arange(2600) // 20
    assert few(X, Y, clusters=clusters).joint_pvalue is None


def test_the_joint_pvalue_is_left_out_where_a_column_differs():
    assert few(*rows()).joint_pvalue is None


# --- what is refused -----------------------------------------------------------------------------

X12, Y12 = (Z.astype(float) for Z in INTEGERS)


@pytest.mark.parametrize("name", ["names", "groups"])
@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("abc", TypeError, "must be a sequence of (names|groups)"),
        (3, TypeError, "must be a sequence of (names|groups)"),
        (["a", "b"], ValueError, "must have one entry a column, 3 in all; got 2"),
        (["a", None, "b"], ValueError, "must have no missing values; got one for column 1"),
        (["a", float("nan"), "b"], ValueError, "must have no missing values"),
        (["a", [], "b"], TypeError, "must be hashable"),
        ([1, 1.0, 2], ValueError, "must be of one kind"),
        (["a", "a ", "b"], ValueError, "must differ when printed"),
        (np.zeros((3, 2)), ValueError, "must have one dimension"),
    ],
    ids=str,
)
def test_names_and_groups_are_checked(name, given, error, message):
    with pytest.raises(error, match=f"^`{name}` {message}"):
        few(X12, Y12, **{name: given})


def test_names_must_differ():
    with pytest.raises(ValueError, match="`names` must be different; got 'a' twice"):
        few(X12, Y12, names=["a", "b", "a"])
    X, Y = (pd.DataFrame(Z, columns=["a", "b", "a"]) for Z in (X12, Y12))
    with pytest.raises(ValueError, match="the columns of `X` must be different; got 'a' twice"):
        few(X, Y)
    assert few(X, Y, names=["a", "b", "c"]).names == ("a", "b", "c")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_resamples": 0}, ValueError, "`n_resamples` must be"),
        ({"n_resamples": 9.5}, TypeError, "`n_resamples` must be"),
        ({"rng": "a"}, TypeError, "`rng` must be"),
        ({"n_jobs": 0}, ValueError, "`n_jobs` must be"),
        ({"paired": 1}, TypeError, "`paired` must be"),
        ({"paired": True}, ValueError, "`X` and `Y` must have as many rows if `paired`"),
        ({"unmatched": "keep"}, ValueError, "`unmatched` must be"),
        ({"clusters": "who"}, TypeError, "`clusters`"),
    ],
    ids=str,
)
def test_options_are_checked(options, error, message):
    with pytest.raises(error, match=message):
        few(X12, Y12, **options)


def test_samples_are_checked():
    bad = X12.copy()
    bad[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"`X` must hold finite numbers.*row 3, column 1"):
        few(bad, Y12)
    with pytest.raises(ValueError, match="same number of columns; got 3 and 2"):
        few(X12, Y12[:, :2])
    with pytest.raises(ValueError, match="`X` and `Y`"):
        few(np.ones((5, 2)), np.ones((6, 2)))


def test_columns_that_are_the_same_in_every_pair_are_counted():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 4))
    Y = X + np.array([0, 1, 0, 0.5])
    found = repdist.column_test(X, Y, paired=True, rng=0)
    assert found.cautions == ("2 of 4 columns are the same in every pair",)
    assert not repdist.column_test(X, Y + rng.normal(size=Y.shape), paired=True, rng=0).cautions


def test_all_columns_together_are_what_mmd_test_says_with_the_same_seed():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, 40, 3))
    for options in ({"paired": True}, {}):
        found = repdist.column_test(X, Y, rng=7, **options)
        assert found.joint_pvalue == repdist.mmd_test(X, Y, rng=7, **options).pvalue


def test_a_tiny_column_beside_others_has_sizes():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, 50, 2))
    Y = Y + 1
    plain = repdist.column_test(X, Y, rng=0).to_frame()
    tiny = repdist.column_test(X * [1, 1e-200], Y * [1, 1e-200], rng=0).to_frame()
    pd.testing.assert_frame_equal(plain, tiny, rtol=1e-9)


@pytest.mark.parametrize("argument", ["names", "groups"])
def test_a_set_has_no_order(argument):
    with pytest.raises(TypeError, match=f"`{argument}` must be a sequence of {argument}"):
        few(*rows(), **{argument: {"a", "b", "c"}})


def test_names_of_a_table_that_are_alike_are_refused():
    rng = np.random.default_rng(0)
    tables = [pd.DataFrame(rng.normal(size=(9, 2)), columns=[1, "1"]) for _ in range(2)]
    with pytest.raises(ValueError, match="columns of `X` must be different; got '1' twice"):
        few(*tables)
    assert few(*tables, names=["a", "b"]).names == ("a", "b")
