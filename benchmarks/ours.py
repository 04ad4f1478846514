"""repdist as it is timed: a call, and the seconds of its two parts."""

import importlib.util
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import repdist
from benchmarks.cases import Case
from repdist import _compiled, kernels, two_sample

# Function of `repdist.two_sample`: the part of a test that it is.
PARTS = {"_sums_of": "sums", "_statistics_of": "null"}


def run(case: Case, groups: list[np.ndarray]) -> dict[str, Any]:
    """Test two samples, or every pair of more groups; return what can be told beside the time."""
    if case.numba and importlib.util.find_spec("numba") is None:
        raise ModuleNotFoundError("No module named 'numba'")
    _compiled._LEAST_ROWS = 1 if case.numba else sys.maxsize
    options: dict[str, Any] = {"n_resamples": case.n_resamples, "rng": 0}
    if case.components:
        options["kernel"] = kernels.MultiRBF("median", size=case.components)
    if case.groups > 2:
        table = repdist.pairwise_mmd_test(groups, **options)
        return {"components": number_of_components(table.kernel)}
    seconds = dict.fromkeys(PARTS.values(), 0.0)
    originals = {name: getattr(two_sample, name) for name in PARTS}
    for name, part in PARTS.items():
        setattr(two_sample, name, timed(originals[name], part, seconds))
    try:
        result = repdist.mmd_test(*groups, **options)
    finally:
        for name, original in originals.items():
            setattr(two_sample, name, original)
    stated = {"stated_mb": result.memory_bytes / 2**20}
    return {**seconds, **stated, "components": number_of_components(result.kernel)}


def number_of_components(kernel: Any) -> int:
    """Return how many bandwidths a fitted `MultiRBF` has."""
    return len(kernel.bandwidths)


def timed(function: Callable, part: str, seconds: dict[str, float]) -> Callable:
    """Return `function`, adding the seconds of each call to `seconds[part]`."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            seconds[part] += time.perf_counter() - start

    return wrapper
