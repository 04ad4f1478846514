"""What the questions on level and power share: many tests on rows drawn from the user's own."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from repdist import _arrays
from repdist._options import Options
from repdist._questions.two_sample import check_paired, mmd_test
from repdist._threads import computing, in_order, with_progress
from repdist._typing import Array, Float64

MOST_REPETITIONS = 10**6

Draw: TypeAlias = Callable[[np.random.Generator], tuple[Array, Array]]


def two_samples(X: Any, Y: Any, *, paired: bool) -> tuple[Array, Array]:
    """Return both samples, checked, outside any autograd graph."""
    _arrays.check_held({"X": X, "Y": Y})
    with computing():
        X, Y = (_arrays.detach(array) for array in _arrays.read_samples({"X": X, "Y": Y}))
        check_paired(X, Y, paired=paired)
        _arrays.check_varies([X, Y], "`X` and `Y`")
    return X, Y


def rows_at(array: Array, index: Any) -> Array:
    """Return the rows at `index`, in memory."""
    return _arrays.in_memory(_arrays.take_rows(array, index))


def pvalues_of(draws: Sequence[Draw], options: Options, like: Array, *, paired: bool) -> Float64:
    """Return the p-value of the test on every draw, each with a random stream of its own.

    `like` is one of the samples: tensors of torch are tested one after the other.
    """
    seeds = options.rng.integers(2**63, size=len(draws))

    def pvalue(task: tuple[Draw, int]) -> float:
        draw, seed = task
        stream = np.random.default_rng(seed)
        X, Y = draw(stream)
        if _arrays.is_constant(_arrays.concatenate([X, Y])):
            return 1.0  # all relabelings tie
        return mmd_test(
            X, Y, paired=paired, kernel=options.kernel, estimator=options.estimator,
            combine=options.combine, n_resamples=options.n_resamples, n_bins=options.n_bins,
            rng=stream, n_jobs=1,
        ).pvalue  # fmt: skip

    workers = options.workers
    with computing():
        tasks = zip(draws, seeds, strict=True)
        results = in_order(pvalue, tasks, _arrays.threads_for(like, workers.n_jobs))
        shown = with_progress(results, len(draws), workers.progress, "tests")
        pvalues = np.array(list(shown))
    pvalues.setflags(write=False)
    return pvalues
