"""What all tests share: the seeds of those whose answer is left to chance; a quick collector."""

import gc
import os

import pytest

SEEDS = [int(seed) for seed in os.environ.get("REPDIST_TEST_SEEDS", "0").split(",")]


@pytest.fixture(params=SEEDS)
def chance_seed(request):
    """The seed of a calibrated test; `REPDIST_TEST_SEEDS=1,2,3` runs it with each of these.

    Such a test states how often it fails falsely: over many seeds, and by default with one.
    """
    return request.param


def pytest_collection_finish():
    """Let the collector pass over all that is imported."""
    gc.collect()
    gc.freeze()
