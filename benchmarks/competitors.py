"""The other libraries' tests of the same two samples: one Gaussian kernel by the median.

Each imports its library when it runs: they live in an environment of their own, which
`make bench-competitors` makes (scipy in ours). All may use the cores that the process has.
"""

from typing import Any

import numpy as np

import repdist
from benchmarks import peers
from benchmarks.cases import PACKAGES, Case

Groups = list[np.ndarray]


def alibi_detect(case: Case, groups: Groups) -> dict[str, Any]:
    """Run alibi-detect's MMDDrift; its bandwidth is the median by default."""
    from alibi_detect.cd import MMDDrift

    X, Y = groups
    MMDDrift(X, backend="pytorch", n_permutations=case.n_resamples).predict(Y)
    return {"components": 1}


def hyppo(case: Case, groups: Groups) -> dict[str, Any]:
    """Run hyppo's MMD with its permutations, not the approximation that `auto` switches to."""
    from hyppo.ksample import MMD

    MMD().test(*groups, reps=case.n_resamples, workers=-1, auto=False, random_state=0)
    return {"components": 1}


def goodpoints(case: Case, groups: Groups) -> dict[str, Any]:
    """Run Compress Then Test, near-linear and of lower power: level 4 unless the case says."""
    from goodpoints.ctt import ctt

    X, Y = (group.astype(np.float64) for group in groups)
    lam = 2**0.5 * repdist.median_heuristic(*groups)  # its kernel is exp(-|x - y|^2 / lam^2)
    ctt(X, Y, case.compression, B=case.n_resamples, lam=lam, null_seed=0, statistic_seed=0)
    return {"components": 1}


def scipy(case: Case, groups: Groups) -> dict[str, Any]:
    """Run `scipy.stats.permutation_test` over row numbers, with MMD^2 read from the matrix."""
    from scipy.stats import permutation_test

    Z = np.concatenate(groups)
    K = repdist.kernels.RBF(repdist.median_heuristic(*groups))(Z, Z)  # (N, N)

    def mmd_squared(i: np.ndarray, j: np.ndarray) -> float:
        within = K[np.ix_(i, i)].mean() + K[np.ix_(j, j)].mean()
        return float(within - 2 * K[np.ix_(i, j)].mean())

    rows = np.split(np.arange(len(Z)), [len(groups[0])])
    permutation_test(rows, mmd_squared, n_resamples=case.n_resamples, alternative="greater", rng=0)
    return {"components": 1}


def package(case: Case, groups: Groups) -> dict[str, Any]:
    """Compute KID or FID of features by a package of metrics."""
    real, fake = groups
    least = min(len(real), len(fake))
    if case.metric == "fid":
        peers.FID[case.library](real, fake)
    elif case.subsets:
        peers.KID[case.library](real, fake, case.subsets, min(1000, least))
    else:
        peers.KID[case.library](real, fake, 1, least)
    return {"components": 1}


COMPETITORS = {
    "alibi-detect": alibi_detect,
    "hyppo": hyppo,
    "goodpoints": goodpoints,
    "scipy": scipy,
    **dict.fromkeys(PACKAGES, package),
}
