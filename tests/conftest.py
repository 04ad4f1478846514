"""What all tests share: the seeds of those whose answer is left to chance; a quick collector."""

import gc
import os

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers fill the cores, on which threads of BLAS (in the oracles; repdist itself holds it to
    # one) would wait for each other. To be set before NumPy is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import given
from hypothesis.strategies import none

SEEDS = [int(seed) for seed in os.environ.get("REPDIST_TEST_SEEDS", "0").split(",")]


@pytest.fixture(params=SEEDS)
def chance_seed(request):
    """The seed of a calibrated test; `REPDIST_TEST_SEEDS=1,2,3` runs it with each of these.

    Such a test states how often it fails falsely: over many seeds, and by default with one.
    """
    return request.param


def pytest_collection_finish():
    """Let the collector pass over all that is imported.

    Hypothesis asks the collector once who holds its random numbers, which must come before.
    """
    given(none())(lambda _: None)()
    gc.collect()
    gc.freeze()
