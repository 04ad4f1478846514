"""The other libraries' tests of the same samples, two by two: one Gaussian kernel by the median.

Each imports its library when it runs: they live in an environment of their own, which
`make bench-competitors` makes (scipy in ours). All may use the cores that the process has.
"""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import repdist
from benchmarks import peers
from benchmarks.cases import PACKAGES, Case

Groups = list[np.ndarray]


def alibi_detect(case: Case, X: np.ndarray, Y: np.ndarray) -> None:
    """Run alibi-detect's MMDDrift; its bandwidth is the median by default."""
    from alibi_detect.cd import MMDDrift

    MMDDrift(X, backend="pytorch", n_permutations=case.n_resamples).predict(Y)


def hyppo(case: Case, X: np.ndarray, Y: np.ndarray) -> None:
    """Run hyppo's MMD with its permutations, not the approximation that `auto` switches to."""
    from hyppo.ksample import MMD

    MMD().test(X, Y, reps=case.n_resamples, workers=-1, auto=False, random_state=0)


def goodpoints(case: Case, X: np.ndarray, Y: np.ndarray) -> None:
    """Run Compress Then Test, near-linear and of lower power: level 4 unless the case says."""
    from goodpoints.ctt import ctt

    lam = 2**0.5 * repdist.median_heuristic(X, Y)  # its kernel is exp(-|x - y|^2 / lam^2)
    X, Y = X.astype(np.float64), Y.astype(np.float64)
    ctt(X, Y, case.compression, B=case.n_resamples, lam=lam, null_seed=0, statistic_seed=0)


def scipy(case: Case, X: np.ndarray, Y: np.ndarray) -> None:
    """Run `scipy.stats.permutation_test` over row numbers, with MMD^2 read from the matrix."""
    from scipy.stats import permutation_test

    Z = np.concatenate([X, Y])
    K = repdist.kernels.RBF(repdist.median_heuristic(X, Y))(Z, Z)  # (N, N)

    def mmd_squared(i: np.ndarray, j: np.ndarray) -> float:
        within = K[np.ix_(i, i)].mean() + K[np.ix_(j, j)].mean()
        return float(within - 2 * K[np.ix_(i, j)].mean())

    rows = np.split(np.arange(len(Z)), [len(X)])
    permutation_test(rows, mmd_squared, n_resamples=case.n_resamples, alternative="greater", rng=0)


def package(case: Case, real: np.ndarray, fake: np.ndarray) -> None:
    """Compute KID or FID of features by a package of metrics."""
    least = min(len(real), len(fake))
    if case.metric == "fid":
        peers.FID[case.library](real, fake)
    elif case.subsets:
        peers.KID[case.library](real, fake, case.subsets, min(1000, least))
    else:
        peers.KID[case.library](real, fake, 1, least)


def of_pairs(test: Callable[[Case, np.ndarray, np.ndarray], None]) -> Callable[..., dict[str, Any]]:
    """Return what tests every pair of the groups of a case."""

    def run(case: Case, groups: Groups) -> dict[str, Any]:
        for X, Y in itertools.combinations(groups, 2):
            test(case, X, Y)
        return {"components": 1}

    return run


TESTS = {
    "alibi-detect": alibi_detect,
    "hyppo": hyppo,
    "goodpoints": goodpoints,
    "scipy": scipy,
    **dict.fromkeys(PACKAGES, package),
}
COMPETITORS = {library: of_pairs(test) for library, test in TESTS.items()}
