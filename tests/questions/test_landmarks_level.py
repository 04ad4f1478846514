"""The level through landmarks without chance: over all relabelings, whichever rows are landmarks.

The choice of landmarks knows no label (see the tests of the pass), so the level is exact on average
over them if it is for each set of pooled rows, given as rows: then whatever chances the sets have.
"""

import itertools

import numpy as np
import pytest
from oracles import all_choices, assert_exact

import repdist
from repdist import kernels
from repdist._options import Options
from repdist._questions import landmarks as of_question
from repdist._questions.designs import Design
from repdist._threads import computing

GRID = kernels.MultiRBF((0.5, 1.0, 2.0))
PLAIN = np.random.default_rng(0).normal(size=(8, 2))
TIES = np.array([[0, 0], [0, 0], [0, 1], [1, 1], [1, 1], [2, 0]], dtype=float)
FAR = np.array([0.0, 0.1, 50.0, 50.1, 50.3])[:, None]
CASES = {
    "3 and 3": (PLAIN[:6], 3, 2, GRID, "max", "unbiased"),
    "2 and 3": (PLAIN[:5], 2, 2, GRID, "mean", "biased"),
    "ties": (TIES, 3, 2, GRID, "fuse", "unbiased"),
    "two far clusters": (FAR, 2, 2, kernels.MultiRBF("median", size=3), "max", "biased"),
    "float32": (PLAIN[3:].astype(np.float32), 2, 2, kernels.Laplacian(), "max", "unbiased"),
}


def options(kernel, combine, estimator, count):
    return Options.checked(
        kernel=kernel, combine=combine, estimator=estimator, n_resamples=999, rng=0, n_jobs=1,
        progress=False, method="landmarks", n_landmarks=count,
    )  # fmt: skip


def pvalue(monkeypatch, Z, first, second, landmarks, chosen):
    """p of rows of Z with these numbers as landmarks, which are `landmarks` of Z."""
    order = [*first, *second]
    places = np.array([order.index(i) for i in landmarks])
    others = np.setdiff1d(np.arange(len(Z)), places)
    monkeypatch.setattr(of_question, "choose", lambda pilot, count, rng: (places, others))
    with computing():
        return of_question.pvalue(Z[first], Z[second], Design(), chosen)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_all_relabelings_for_every_set_of_landmarks(monkeypatch, case):
    Z, n, count, kernel, combine, estimator = case
    chosen = options(kernel, combine, estimator, count)
    distinct = len(np.unique(Z, axis=0)) == len(Z)
    everything = []
    for landmarks in itertools.combinations(range(len(Z)), count):
        found = [
            pvalue(monkeypatch, Z, first, second, landmarks, chosen)
            for first, second in all_choices(len(Z), n)
        ]
        assert_exact(found)
        everything += found
    assert_exact(everything)
    if distinct:
        twice = 2 if 2 * n == len(Z) else 1  # both ways to call the samples tie
        assert min(everything) == pytest.approx(twice / len(found))


def test_every_attainable_level_is_used_up_where_nothing_ties(monkeypatch):
    """The bound is not met by p-values that are simply too large: 70 relabelings in pairs."""
    chosen = options(kernels.MultiRBF((0.5, 1.0)), "max", "unbiased", 4)
    found = [
        pvalue(monkeypatch, PLAIN, first, second, (0, 2, 5, 7), chosen)
        for first, second in all_choices(8, 4)
    ]
    np.testing.assert_allclose(np.sort(found)[::2], np.arange(1, 36) / 35)
    np.testing.assert_allclose(np.sort(found)[1::2], np.arange(1, 36) / 35)


def test_landmarks_of_one_sample_would_break_the_level(monkeypatch):
    """What the tests above can see: on these rows 5 in 105 get p <= 1 / 35."""
    chosen = options(kernels.RBF(0.5), "max", "unbiased", 2)
    Z = PLAIN[:7]
    found = np.array(
        [
            pvalue(monkeypatch, Z, first, second, landmarks, chosen)
            for first, second in all_choices(7, 3)
            for landmarks in itertools.combinations(first, 2)
        ]
    )
    assert (found <= 1 / 35 + 1e-12).mean() > 1.5 / 35
    with pytest.raises(AssertionError):
        assert_exact(found)


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
@pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
@pytest.mark.parametrize("kernel", [GRID, kernels.MultiRBF(), kernels.Laplacian()], ids=str)
def test_all_70_relabelings_for_every_pair_of_landmarks(monkeypatch, kernel, combine, estimator):
    chosen = options(kernel, combine, estimator, 2)
    for landmarks in itertools.combinations(range(8), 2):
        assert_exact(
            [
                pvalue(monkeypatch, PLAIN, first, second, landmarks, chosen)
                for first, second in all_choices(8, 4)
            ]
        )


def in_place(n, rng):
    return np.arange(n)


def test_bins_and_frozen_rows_over_all_relabelings_of_the_units(monkeypatch):
    """Three and four bins of two rows; a frozen row of each sample fills no bin and is left out."""
    monkeypatch.setattr(of_question, "row_order", in_place)
    Z = np.random.default_rng(3).normal(size=(16, 2))
    bins, frozen = Z[:14].reshape(7, 2, 2), Z[14:]
    chosen = (1, 4, 9, 14)
    found = []
    for first, second in all_choices(7, 3):
        X, Y = (
            np.concatenate([*bins[some], frozen[g : g + 1]])
            for g, some in enumerate((first, second))
        )

        def choice(pilot, count, rng):
            places = np.array([int(np.flatnonzero((pilot == Z[i]).all(axis=1))[0]) for i in chosen])
            return places, np.setdiff1d(np.arange(16), places)

        monkeypatch.setattr(of_question, "choose", choice)
        result = repdist.mmd_test(
            X, Y, method="landmarks", n_landmarks=4, n_bins=3, rng=0, n_jobs=1, kernel=GRID
        )
        assert result.exhaustive
        assert result.n_resamples == 35
        assert result.landmarks.left_out == 2
        found.append(result.pvalue)
    assert_exact(found)
    np.testing.assert_allclose(np.sort(found), np.arange(1, 36) / 35)


@pytest.mark.slow
@pytest.mark.parametrize("combine", ["max", "fuse"])
@pytest.mark.parametrize(("n", "m"), [(150, 150), (20, 400), (150, 900)])
def test_level_of_random_relabelings(combine, n, m, chance_seed):
    """1,000 null samples in file order of clusters, one of them rare; the level is .05.

    False failure 1e-4 a case; a level of .10 is rejected with probability .99.
    """
    from oracles import assert_rate_at_most

    rng = np.random.default_rng(chance_seed)
    hits = 0
    for _ in range(1000):
        X, Y = (np.sort(rng.normal(size=size) + 9 * (rng.random(size) < 0.03)) for size in (n, m))
        result = repdist.mmd_test(
            X, Y, combine=combine, n_resamples=199, rng=rng, n_jobs=1, method="landmarks",
            n_landmarks=8, kernel=kernels.MultiRBF("median", size=3),
        )  # fmt: skip
        hits += result.pvalue <= 0.05
    assert_rate_at_most(hits, 1000, 0.05)
