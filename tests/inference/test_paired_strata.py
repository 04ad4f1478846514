"""Pairs within strata: against H made by hand, direct flips, their variance, influences, floors."""

import itertools
import math

import numpy as np
import pytest

from repdist import kernels
from repdist._designs.paired import Flips, PairedUnits
from repdist._designs.strata import StrataUnits
from repdist._inference import paired, paired_strata, stratified
from repdist._inference.combine import Combination
from repdist._inference.stratified import StrataSums
from repdist._inference.two_samples import forms, statistics
from repdist._pass.beside import values_beside
from repdist._pass.sums import kernel_blocks
from repdist._threads import Workers
from repdist.kernels._plan import plan

ESTIMATORS = pytest.mark.parametrize("estimator", ["unbiased", "biased"])
BANDWIDTHS = (0.7, 2.0)
HOW = plan(kernels.MultiRBF(BANDWIDTHS))
WEIGHTS = np.array(HOW.weights)

# Pairs of each stratum, and at least so many bins.
CASES = {
    "pairs": ([2, 4, 3], "rows"),
    "bins and what is left": ([7, 5, 2], 4),
    "one stratum": ([6], "rows"),
    "random": ([8, 9], "rows"),
}
EACH = pytest.mark.parametrize("case", CASES)


class Case:
    """Pairs in strata, stratum by stratum: rows, units, and what a pass gives."""

    def __init__(self, name, seed=0):
        sizes, n_bins = CASES[name]
        rng = np.random.default_rng(seed)
        self.stratum = np.repeat(np.arange(len(sizes)), sizes)
        self.X = rng.normal(size=(len(self.stratum), 2)) + self.stratum[:, None]
        self.Y = self.X + 0.5 * rng.normal(size=self.X.shape) + 0.2
        counts = np.stack([sizes, sizes], axis=1)
        self.units = StrataUnits.of(range(len(sizes)), counts, n_bins)
        self.pairs = PairedUnits.of_sizes(self.units.rows[: len(self.units.rows) // 2])
        self.drawn = Flips(self.pairs, 255)
        Z = np.concatenate([self.X, self.Y])
        blocks = kernel_blocks(HOW, Z, self.units.layout, Workers(1))
        self.sums = StrataSums.of(blocks, self.units, WEIGHTS)
        self.beside = values_beside(HOW, Z, self.units.layout)

    def H(self):
        """Of each component, one pair of pairs at a time, (R, n, n)."""
        both = list(zip(self.X, self.Y, strict=True))

        def k(x, y, b):
            return math.exp(-((x - y) ** 2).sum() / (2 * b * b))

        return np.array(
            [
                [[k(x, u, b) + k(y, v, b) - k(x, v, b) - k(y, u, b) for u, v in both]
                 for x, y in both]
                for b in BANDWIDTHS
            ]
        )  # fmt: skip

    def direct(self, signs, estimator):
        """Both statistics under signs (n,) from their definitions, (2, R)."""
        H = self.H() * np.outer(signs, signs)
        numbers, within, adjusted = np.unique(self.stratum), 0.0, 0.0
        for s, t in itertools.product(numbers, repeat=2):
            here, there = (np.flatnonzero(self.stratum == i) for i in (s, t))
            part = H[:, here[:, None], there]
            if s == t and estimator == "unbiased":
                part = part[:, here[:, None] != there]
            value = part.reshape(len(H), -1).mean(axis=1)
            adjusted = adjusted + np.mean(self.stratum == s) * np.mean(self.stratum == t) * value
            within = within + np.mean(self.stratum == s) * value * (s == t)
        return np.stack([adjusted, within])

    def form(self, estimator, *, both=True):
        return paired_strata.quadratic_form(
            self.sums, self.beside, self.units, estimator, both=both
        )

    def signs(self, of_bins):
        return np.repeat(of_bins, self.pairs.in_bins)

    def findings(self, combine="max", estimator="unbiased"):
        combination = Combination(combine, WEIGHTS, np.zeros(2), len(self.X))
        return paired_strata.findings(
            self.sums, self.beside, self.units, combination, estimator,
            lambda S: statistics(S, self.drawn, forms(self.drawn, np.random.default_rng(0))),
        )  # fmt: skip


def assert_close(ours, expected):
    np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-14)


# --- the form ------------------------------------------------------------------------------------


def test_units_are_alike_in_both_samples_and_none_is_left_out():
    case = Case("bins and what is left")
    assert case.pairs.in_bins.tolist() == [3, 3, 1, 2, 2, 1, 1, 1]
    assert case.pairs.pairs == 14
    assert not case.drawn.units.frozen[0]


@EACH
@ESTIMATORS
def test_the_form_of_labels_is_that_of_signs(case, estimator):
    """Of both statistics; flips of bins, of which some are drawn."""
    case = Case(case)
    S, U = case.form(estimator), case.pairs.bins
    rng = np.random.default_rng(1)
    for of_bins in [np.ones(U), -np.ones(U), *rng.choice([-1, 1], size=(6, U))]:
        a = np.concatenate([1 + of_bins, 1 - of_bins]) / 2
        expected = case.direct(case.signs(of_bins), estimator).ravel()
        assert_close(np.einsum("u,uvr,v->r", a, S, a), expected)
    np.testing.assert_allclose(S.sum(axis=1), 0, atol=1e-13)
    assert_close(case.form(estimator, both=False), S[..., :2])


@EACH
@ESTIMATORS
def test_every_relabeling_has_the_statistics_of_its_signs(case, estimator):
    case = Case(case)
    assert case.drawn.exhaustive == (case.pairs.bins < 10)
    found = statistics(
        case.form(estimator), case.drawn, forms(case.drawn, np.random.default_rng(3))
    )
    T = found.deviations + found.mean[:, None]
    assert T.shape == (4, case.drawn.total)
    assert_close(T[:, 0], case.direct(np.ones(len(case.X)), estimator).ravel())
    if case.drawn.exhaustive:
        every = itertools.product([1, -1], repeat=case.pairs.bins - 1)
        expected = [
            case.direct(case.signs(np.array([1, *rest])), estimator).ravel() for rest in every
        ]
        assert_close(np.sort(T), np.sort(np.transpose(expected)))


def test_one_stratum_is_the_form_of_pairs():
    case = Case("one stratum")
    sums = case.sums
    for estimator, of in (("unbiased", 30), ("biased", 36)):
        S = paired.quadratic_form(sums.blocks, sums.diagonal, case.beside, case.pairs, estimator)
        assert_close(case.form(estimator), np.concatenate([S, S], axis=2) / of)


@EACH
@ESTIMATORS
def test_the_null_variance_is_that_of_all_flips(case, estimator):
    """Of the unbiased adjusted MMD^2, whatever the estimator."""
    case, rng = Case(case), np.random.default_rng(0)
    found = case.findings(estimator=estimator).estimate.null_variance
    signs = rng.choice([-1, 1], size=(20_000, case.pairs.bins))
    if case.pairs.bins < 10:
        signs = np.array(list(itertools.product([1, -1], repeat=case.pairs.bins)))
    a = np.concatenate([1 + signs, 1 - signs], axis=1) / 2
    S = case.form("unbiased", both=False) @ WEIGHTS
    T = np.einsum("bu,uv,bv->b", a, S, a, optimize=True)
    assert found == pytest.approx(T.var(), rel=1e-9 if case.pairs.bins < 10 else 0.1)


# --- what is found -------------------------------------------------------------------------------


@EACH
@ESTIMATORS
@pytest.mark.parametrize("combine", ["max", "mean"])
def test_findings_by_hand(case, estimator, combine):
    """Components, MMD^2, and the error from the influence of each pair, its own value left out."""
    case = Case(case)
    found, n = case.findings(combine, estimator), len(case.X)
    direct = case.direct(np.ones(n), estimator)
    assert_close(found.components, direct.ravel() if combine == "max" else direct[0])
    assert found.mmd_squared == pytest.approx(WEIGHTS @ direct[0], rel=1e-10)
    unbiased = case.direct(np.ones(n), "unbiased")[0]
    assert found.estimate.mmd_squared == pytest.approx(WEIGHTS @ unbiased, rel=1e-10)
    H, share = np.tensordot(WEIGHTS, case.H(), 1), {}
    for s in np.unique(case.stratum):
        share[s] = np.mean(case.stratum == s)
    variance = 0.0
    for s in share:
        h = []
        for i in np.flatnonzero(case.stratum == s):
            total = 0.0
            for t, w in share.items():
                others = [j for j in np.flatnonzero(case.stratum == t) if j != i]
                total += w * np.mean(H[i, others])
            h.append(share[s] * total)
        variance += 4 * np.var(h, ddof=1) / len(h)
    assert found.estimate.standard_error == pytest.approx(math.sqrt(variance), rel=1e-9)
    assert found.spread == pytest.approx(spread_of(case), rel=1e-10)


def spread_of(case):
    """``sum_s w_s (mean k(x, x) - mean k(x, x'))`` of the strata, the mean of both samples."""
    total = 0.0
    for s in np.unique(case.stratum):
        for Z in (case.X, case.Y):
            rows = Z[case.stratum == s]
            K = kernels.MultiRBF(BANDWIDTHS)(rows, rows)
            off = (K.sum() - np.trace(K)) / (len(K) * (len(K) - 1))
            total += np.mean(case.stratum == s) * (np.diag(K).mean() - off) / 2
    return total


@EACH
def test_the_table_has_the_pairs_of_every_stratum_by_themselves(case):
    case = Case(case)
    table = paired_strata.strata_table(case.sums, WEIGHTS @ case.beside, case.units)
    H = np.tensordot(WEIGHTS, case.H(), 1)
    for s in np.unique(case.stratum):
        here = np.flatnonzero(case.stratum == s)
        own = H[np.ix_(here, here)]
        h = (own.sum(axis=1) - np.diag(own)) / (len(here) - 1)
        assert table.mmd_squared[s] == pytest.approx(h.mean(), rel=1e-10)
        error = math.sqrt(4 * h.var(ddof=1) / len(h))
        assert table.standard_error[s] == pytest.approx(error, rel=1e-9)
        assert table.rows[s].tolist() == [len(here)] * 2
        assert table.shares[s] == len(here) / len(case.X)


@EACH
def test_the_floor_is_that_of_flips_of_centred_pairs(case):
    """Of the adjusted form; by all flips of bins whose mean difference is taken off."""
    case = Case(case)
    A = case.form("unbiased", both=False) @ WEIGHTS
    C = paired.between_pairs(A)
    C = C - C.mean(axis=0) - C.mean(axis=1, keepdims=True) + C.mean()
    np.fill_diagonal(C, 0)
    bins = case.pairs.bins
    signs = np.array([[1, *rest] for rest in itertools.product([1, -1], repeat=min(bins, 14) - 1)])
    if bins > 14:
        signs = np.random.default_rng(0).choice([-1, 1], size=(20_000, bins))
    T = np.einsum("bi,ij,bj->b", signs, C, signs)
    low, high = np.quantile(T, [0.93, 0.97])
    floor = case.findings().floor()
    assert low <= floor <= high


def test_both_statistics_are_compared_for_the_maximum_alone():
    case = Case("pairs")
    assert stratified.takes_both(Combination("max", WEIGHTS, np.zeros(2), 9))
    assert case.findings("max").components.shape == (4,)
    assert case.findings("mean").components.shape == (2,)
