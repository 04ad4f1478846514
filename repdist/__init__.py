"""Tell which sets of representations differ, by how much, and how far to trust the answer.

`mmd_test(X, Y)` compares two samples, `pairwise_mmd_test(groups)` every pair of several;
`mmd_squared(X, Y)` is the estimate alone; `check_level(X, Y)` and `estimate_power(X, Y)` rehearse
the test on one's own rows. Kernels are in `repdist.kernels`; `example_features()` gives features of
a network to try them on.
"""

from repdist import kernels
from repdist._checks import RepdistWarning
from repdist._example import example_features
from repdist.kernels import median_heuristic
from repdist.level import LevelCheck, check_level
from repdist.mmd import mmd_squared
from repdist.pairwise import GlobalTestResult, PairwiseMMDResult, pairwise_mmd_test
from repdist.power import PowerCurve, estimate_power
from repdist.two_sample import MMDTestResult, mmd_test

__version__ = "0.1.0"

__all__ = [
    "GlobalTestResult",
    "LevelCheck",
    "MMDTestResult",
    "PairwiseMMDResult",
    "PowerCurve",
    "RepdistWarning",
    "__version__",
    "check_level",
    "estimate_power",
    "example_features",
    "kernels",
    "median_heuristic",
    "mmd_squared",
    "mmd_test",
    "pairwise_mmd_test",
]
