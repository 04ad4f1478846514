"""Tell which sets of representations differ, by how much, and how far to trust the answer.

`mmd_test(X, Y)` compares two samples, `pairwise_mmd_test(groups)` every pair of several,
`compare_to_reference(reference, groups)` each of them with one, and `compare_by_label(X, x_labels,
Y, y_labels)` two samples within each class. `mmd_squared(X, Y)` is the estimate alone;
`check_level(X, Y)` and `estimate_power(X, Y)` rehearse the test on one's own rows. Kernels are in
`repdist.kernels`, distances of generated features by the names they have in `repdist.metrics`;
`example_features()` gives features of a network to try them on.
"""

from repdist import kernels, metrics
from repdist._checks import RepdistWarning
from repdist._example import example_features
from repdist._questions.by_label import compare_by_label
from repdist._questions.columns import column_test
from repdist._questions.estimate import mmd_squared
from repdist._questions.explain import explain
from repdist._questions.level import check_level
from repdist._questions.pairwise import pairwise_mmd_test
from repdist._questions.power import estimate_power
from repdist._questions.reference import compare_to_reference
from repdist._questions.regions import region_test
from repdist._questions.two_sample import mmd_test
from repdist._questions.witness import witness
from repdist._results.by_label import ByLabelResult
from repdist._results.columns import ColumnResult
from repdist._results.equivalence import EquivalenceResult
from repdist._results.explanation import Explanation
from repdist._results.level import LevelCheck
from repdist._results.power import PowerCurve
from repdist._results.reference import ReferenceResult
from repdist._results.regions import RegionResult
from repdist._results.table import GlobalTestResult, PairwiseMMDResult
from repdist._results.two_sample import MMDTestResult
from repdist._results.witness import WitnessResult
from repdist._version import __version__
from repdist.drift import Monitor
from repdist.kernels import median_heuristic
from repdist.sketches import Reference, Sketch

__all__ = [
    "ByLabelResult",
    "ColumnResult",
    "EquivalenceResult",
    "Explanation",
    "GlobalTestResult",
    "LevelCheck",
    "MMDTestResult",
    "Monitor",
    "PairwiseMMDResult",
    "PowerCurve",
    "Reference",
    "ReferenceResult",
    "RegionResult",
    "RepdistWarning",
    "Sketch",
    "WitnessResult",
    "__version__",
    "check_level",
    "column_test",
    "compare_by_label",
    "compare_to_reference",
    "estimate_power",
    "example_features",
    "explain",
    "kernels",
    "median_heuristic",
    "metrics",
    "mmd_squared",
    "mmd_test",
    "pairwise_mmd_test",
    "region_test",
    "witness",
]

for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__  # so that pickles hold where users find it
