"""repdist as it is timed: a call, and the seconds of its two parts."""

import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

import repdist
from benchmarks.cases import Case
from repdist import kernels, metrics
from repdist._inference import linear, two_samples
from repdist._pass import ranks
from repdist._questions import columns as column_questions
from repdist._questions import outcomes
from repdist.kernels import _gaussian_compiled

Parts = tuple[tuple[str, ModuleType, str], ...]

# Part of a test: the module that looks its function up when it is called, and the function's name.
PARTS: Parts = (
    ("sums", outcomes, "kernel_blocks"),
    ("null", two_samples, "statistics"),
    ("null", two_samples, "Null"),
)
# Of a test of columns. The sort is a part of the sums: the seconds of all threads together.
OF_COLUMNS: Parts = (
    ("sums", column_questions, "rank_columns"),
    ("null", linear, "tested"),
    ("sort", ranks, "midranks"),
)


def run(case: Case, groups: list[np.ndarray]) -> dict[str, Any]:
    """Test two samples, or every pair of more groups; return what can be told beside the time."""
    if case.numba and importlib.util.find_spec("numba") is None:
        raise ModuleNotFoundError("No module named 'numba'")
    _gaussian_compiled.LEAST_ROWS = 1 if case.numba else sys.maxsize
    if case.metric:
        return metric(case, groups)
    options: dict[str, Any] = {"n_resamples": case.n_resamples, "rng": 0}
    if case.n_landmarks:
        options |= {"method": "landmarks", "n_landmarks": case.n_landmarks}
    if case.components:
        options["kernel"] = kernels.MultiRBF("median", size=case.components)
    if case.groups > 2:
        table = repdist.pairwise_mmd_test(groups, **options)
        return {"components": number_of_components(table.kernel)}
    if case.of_columns:
        with timed_parts(OF_COLUMNS) as seconds:
            repdist.column_test(*groups, **options)
        return {**seconds, "components": 0}
    with timed_parts(PARTS) as seconds:
        result = repdist.mmd_test(*groups, **options)
    stated = {"stated_mb": result.memory_bytes / 2**20}
    return {**seconds, **stated, "components": number_of_components(result.kernel)}


def metric(case: Case, groups: list[np.ndarray]) -> dict[str, Any]:
    """Compute a metric of features, with its error, and with a p-value if it has one."""
    if case.metric == "fid":
        metrics.fid(*groups, rng=0)
    else:
        metrics.kid(*groups, n_resamples=case.n_resamples, rng=0)
    return {"components": 1}


def number_of_components(kernel: Any) -> int:
    """Return how many bandwidths a fitted `MultiRBF` has."""
    return len(kernel.bandwidths)


@contextmanager
def timed_parts(parts: Parts) -> Iterator[dict[str, float]]:
    """Yield the seconds of each part, counted while the context lasts."""
    seconds = {part: 0.0 for part, _, _ in parts}
    originals: list[tuple[ModuleType, str, Callable[..., Any]]] = []
    try:
        for part, module, name in parts:
            originals.append((module, name, getattr(module, name)))
            setattr(module, name, timed(originals[-1][-1], part, seconds))
        yield seconds
    finally:
        for module, name, function in originals:
            setattr(module, name, function)


def timed(function: Callable[..., Any], part: str, seconds: dict[str, float]) -> Callable[..., Any]:
    """Return `function`, adding the seconds of each call to `seconds[part]`.

    What a generator yields is computed at once, so that its seconds are counted, too.
    """

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            result = function(*args, **kwargs)
            return list(result) if isinstance(result, Iterator) else result
        finally:
            seconds[part] += time.perf_counter() - start

    return wrapper
