"""Options that questions share: names, defaults and checks, in one object."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from repdist import _checks
from repdist._designs.relabelings import random_total
from repdist._numbers import reaches
from repdist._threads import Workers
from repdist._typing import Bins, Combine, Estimator, Method
from repdist.kernels import Kernel, Precomputed
from repdist.kernels._kernel import check_kernel

N_LANDMARKS = 256


@dataclass(frozen=True)
class Options:
    """Which test is run, with what randomness, and who does the work; all checked.

    `landmarks` is how many rows all others are measured against; 0 if all pairs are.
    """

    kernel: Kernel
    estimator: Estimator
    combine: Combine
    n_resamples: int
    n_bins: Bins
    rng: np.random.Generator
    workers: Workers
    landmarks: int = 0

    @classmethod
    def checked(  # noqa: PLR0913 (one for each option)
        cls,
        *,
        kernel: Any,
        combine: Any,
        n_resamples: Any,
        rng: Any,
        n_jobs: Any,
        progress: Any,
        estimator: Any = "unbiased",
        n_bins: Any = "auto",
        method: Any = "exact",
        n_landmarks: Any = N_LANDMARKS,
    ) -> "Options":
        """Return the options, each of the kind and range that it must have."""
        check_kernel(kernel)
        _checks.choice("method", method, get_args(Method))
        landmarks = _checks.whole_number("n_landmarks", n_landmarks, 2)
        if method == "exact" and landmarks != N_LANDMARKS:
            raise ValueError(
                f'`n_landmarks` goes with `method="landmarks"`; got {landmarks} for an exact test.'
            )
        check_estimator(estimator)
        _checks.choice("combine", combine, get_args(Combine))
        return cls(
            kernel=kernel,
            estimator=estimator,
            combine=combine,
            n_resamples=_checks.resamples(n_resamples),
            n_bins=_check_bins(n_bins),
            rng=_checks.generator(rng),
            workers=Workers(_checks.jobs(n_jobs), _checks.flag("progress", progress)),
            landmarks=landmarks if method == "landmarks" else 0,
        )

    @property
    def squares(self) -> bool:
        """Whether the combination needs sums of squared kernel values."""
        return self.combine == "fuse"

    def check_smallest(self, count: int, called: str = "rows") -> None:
        """Raise if the smallest sample has fewer rows (or else) than bins are asked for."""
        if not isinstance(self.n_bins, str) and self.n_bins > count:
            raise ValueError(
                f"`n_bins` must be at most the {count} {called} of the smaller sample; got "
                f'{self.n_bins}. Use "rows" for each by itself.'
            )

    def check_reach(self, alpha: float) -> None:
        """Raise if so few relabelings give no p-value as small as alpha."""
        if not reaches(1 / random_total(self.n_resamples), alpha):
            least = 1 << (math.ceil(1 / alpha * (1 - 1e-9)) - 1).bit_length() - 1
            raise ValueError(
                f"`n_resamples` must be at least {least} for p-values as small as alpha = "
                f"{alpha:g}; got {self.n_resamples}."
            )


def check_row_numbers(kernel: Kernel, named: Mapping[str, Any]) -> None:
    """Raise if masks, or rows, are given where a `Precomputed` kernel asks for row numbers."""
    if not isinstance(kernel, Precomputed):
        return
    size = len(np.asarray(kernel.K))
    for name, value in named.items():
        given = np.asarray(value)
        if given.dtype.kind in "iuf" and given.size and not _are_row_numbers(given, size):
            raise ValueError(
                f"`{name}` must hold row numbers from 0 to {size - 1} for this Precomputed kernel, "
                f"shape (rows,); got shape {given.shape} with values from {given.min():g} to "
                f"{given.max():g}."
            )
        if given.dtype.kind == "b":
            raise TypeError(
                f"`{name}` must hold row numbers for a Precomputed kernel; got a mask of True and "
                f"False. Use `np.flatnonzero({name})`."
            )


def _are_row_numbers(given: np.ndarray, size: int) -> bool:
    one = given.ndim == 1 or (given.ndim == 2 and given.shape[1] == 1)
    return one and bool(((given >= 0) & (given < size) & (np.floor(given) == given)).all())


def check_estimator(estimator: Any) -> None:
    """Raise if this names no estimator."""
    _checks.choice("estimator", estimator, get_args(Estimator))


def _check_bins(n_bins: Any) -> Any:
    if isinstance(n_bins, str):
        return _checks.choice("n_bins", n_bins, ("auto", "rows"))
    try:
        return _checks.whole_number("n_bins", n_bins, 2)
    except TypeError:
        raise TypeError(
            f'`n_bins` must be "auto", "rows" or a whole number of at least 2; got '
            f"{_checks.describe(n_bins)}."
        ) from None
