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


@pytest.fixture(autouse=True, scope="session")
def no_collection_at_each_adjustment():
    """Keep statsmodels from asking for a collection each time it adjusts by Holm's method.

    With what tests import on their way in memory, one takes a tenth of a second or more.
    """
    from statsmodels.stats import multitest

    def adjusted(*arguments, original=multitest.multipletests, **options):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gc, "collect", lambda: 0)
            return original(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(multitest, "multipletests", adjusted)
        yield
