"""Rows in units, for each design: forms of unit sums are the differences of means by loops."""

import numpy as np
import pytest

from repdist._inference.labels import label_blocks
from repdist._questions.designs import read_two_samples
from repdist._questions.placed import placed

N, M = 18, 24
IDS = {
    "clusters": (np.repeat(range(6), 3), np.repeat(range(10, 18), [1, 2, 3, 4, 5, 4, 3, 2])),
    "strata": (np.arange(N) % 2, np.arange(M) % 3 % 2),
    "paired clusters": (np.repeat(np.arange(6), 3), np.repeat(np.arange(6)[::-1], 4)),
}
IDS["strata of clusters"] = tuple(ids % 2 for ids in IDS["clusters"])
PAIRED_STRATA = (np.arange(N) % 2,) * 2
DESIGNS = {
    "rows": (N, M, {}),
    "rows, the second sample smaller": (M, N, {}),
    "as many rows": (N, N, {}),
    "pairs": (N, N, {"paired": True}),
    "clusters": (N, M, {"clusters": IDS["clusters"]}),
    "clusters, fewer in the second": (M, N, {"clusters": IDS["clusters"][::-1]}),
    "pairs of clusters": (N, M, {"paired": True, "clusters": IDS["paired clusters"]}),
    "strata": (N, M, {"strata": IDS["strata"]}),
    "strata, the second sample smaller": (M, N, {"strata": IDS["strata"][::-1]}),
    "clusters in strata": (
        N, M, {"clusters": IDS["clusters"], "strata": IDS["strata of clusters"]},
    ),
    "pairs in strata": (N, N, {"paired": True, "strata": PAIRED_STRATA}),
}  # fmt: skip
BINS = pytest.mark.parametrize("n_bins", ["rows", 3])
EVERY = pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS.keys())


def of_design(design, n_bins="rows", seed=0):
    n, m, ids = design
    rng = np.random.default_rng(1)
    options = {"paired": False, "clusters": None, "strata": None, "unmatched": "raise"} | ids
    designed, _ = read_two_samples(rng.normal(size=(n, 2)), rng.normal(size=(m, 2)), **options)
    return designed, placed(designed, 63, np.random.default_rng(seed), n_bins)


def difference(designed, values, first, kept):
    """The mean of `values` over what is first, less that over the rest, as the design has it.

    Of the rows that are `kept`: clusters count once, strata by their shares.
    """
    ids = {
        name: np.zeros(len(values), dtype=int) if given is None else np.concatenate(given.codes)
        for name, given in designed.design.ids.items()
    }
    if designed.design.clusters is None:
        ids["clusters"] = np.arange(len(values))
    total, weights = 0.0, 0
    for stratum in set(ids["strata"].tolist()):
        means, count = [], 0
        for side in (first, ~first):
            rows = np.flatnonzero(side & kept & (ids["strata"] == stratum))
            clusters = set(ids["clusters"][rows].tolist())
            of_cluster = [values[rows[ids["clusters"][rows] == c]].mean() for c in clusters]
            means.append(np.mean(of_cluster))
            count += len(clusters)
        total += count * (means[0] - means[1])
        weights += count
    return total / weights


@EVERY
@BINS
def test_forms_of_all_relabelings_are_differences_of_means(design, n_bins):
    designed, cut = of_design(design, n_bins)
    rows, (n, m, _) = cut.rows, design
    values = np.random.default_rng(2).normal(size=n + m)
    sums = (rows.matrix() @ values) * cut.factor
    kept = rows.unit >= 0
    forms, found = [], []
    for labels in next(label_blocks(cut.drawn, np.random.default_rng(3)))[:40]:
        first = np.where(kept, labels[rows.unit], False)
        forms.append(sums[labels].sum())
        found.append(difference(designed, values, first, kept))
    forms, found = np.array(forms), np.array(found)
    steps, expected = forms - forms[0], found - found[0]
    slope = (steps @ expected) / (steps @ steps)
    np.testing.assert_allclose(expected, slope * steps, atol=1e-12)
    assert slope > 0
    assert np.ptp(steps) > 0


@EVERY
@BINS
def test_the_observed_labels_are_the_samples(design, n_bins):
    """The first sample of the labels is the smaller one."""
    _, cut = of_design(design, n_bins)
    n, m, _ = design
    is_first = (cut.drawn.units.sample == 0)[cut.rows.unit]
    of_x = np.arange(n + m) < n
    kept = cut.rows.unit >= 0
    np.testing.assert_array_equal(is_first[kept], (of_x != cut.swapped)[kept])
    assert cut.swapped == (n > m)


@EVERY
@BINS
def test_shares_of_rows_make_the_means_of_samples(design, n_bins):
    """All rows count, also those in no unit."""
    designed, cut = of_design(design, n_bins)
    n, m, _ = design
    values = np.random.default_rng(2).normal(size=n + m)
    share = np.split(cut.rows.in_sample, [n])
    np.testing.assert_allclose([part.sum() for part in share], 1)
    found = share[0] @ values[:n] - share[1] @ values[n:]
    first, kept = np.arange(n + m) < n, np.ones(n + m, dtype=bool)
    assert found == pytest.approx(difference(designed, values, first, kept), abs=1e-12)


@pytest.mark.parametrize("n_bins", ["rows", 3])
def test_rows_that_belong_together_stay_together(n_bins):
    n, _, ids = DESIGNS["pairs of clusters"]
    _, cut = of_design(DESIGNS["pairs of clusters"], n_bins)
    K = cut.drawn.units.bins
    for g, (codes, unit) in enumerate(
        zip(ids["clusters"], np.split(cut.rows.unit, [n]), strict=True)
    ):
        for cluster in range(6):
            own = set(unit[codes == cluster].tolist())
            partner = np.split(cut.rows.unit, [n])[1 - g][ids["clusters"][1 - g] == cluster]
            assert len(own) == 1
            assert (partner % K == own.pop() % K).all()


def test_partners_stand_in_the_same_place():
    for name in ("pairs", "pairs in strata"):
        for n_bins in ("rows", 3):
            _, cut = of_design(DESIGNS[name], n_bins)
            first, second = np.split(cut.rows.unit, [N])
            np.testing.assert_array_equal(first + cut.drawn.units.bins, second)


def test_units_lie_in_one_stratum():
    for name in ("strata", "strata, the second sample smaller", "clusters in strata"):
        designed, cut = of_design(DESIGNS[name], 3)
        stratum = np.concatenate(designed.design.strata.codes)
        np.testing.assert_array_equal(cut.drawn.units.stratum[cut.rows.unit], stratum)


@EVERY
def test_rows_are_shuffled_before_they_are_cut(design):
    """So that a sorted file makes no units of one kind."""
    one, other = (of_design(design, 3, seed)[1].rows.unit for seed in (0, 1))
    assert (one != other).any()


@pytest.mark.parametrize(
    ("name", "balanced"),
    [
        ("rows", False), ("as many rows", True), ("pairs", True), ("clusters", False),
        ("pairs of clusters", True), ("strata", False), ("clusters in strata", False),
        ("pairs in strata", True),
    ],
)  # fmt: skip
def test_which_designs_are_balanced(name, balanced):
    assert of_design(DESIGNS[name])[1].balanced is balanced


def test_strata_must_be_balanced_one_by_one():
    """As many rows in all, 6 and 12 of one sample against 12 and 6 of the other."""
    codes = np.repeat([0, 1], [6, 12]), np.repeat([0, 1], [12, 6])
    assert not of_design((N, N, {"strata": codes}))[1].balanced
    assert of_design((N, N, {"strata": (codes[0], codes[0])}))[1].balanced


def test_as_many_clusters_are_balanced_whatever_their_rows():
    ids = np.repeat(np.arange(6), 3), 10 + np.repeat(np.arange(6), 4)
    assert of_design((N, M, {"clusters": ids}))[1].balanced


def test_more_relabelings_can_be_asked_for():
    _, cut = of_design(DESIGNS["rows"])
    assert cut.drawn.count == 63
    counts = {k: cut.for_holm(k).drawn.count for k in (2, 50, 10**6)}
    assert counts == {2: 63, 50: 1023, 10**6: 131_071}
