"""Argument checks and the wording of their messages.

Every message reads: what must hold; what came instead. What to do.
"""

import math
import operator
import os
from collections.abc import Collection
from typing import Any

import numpy as np

MOST_RESAMPLES = 10**8
SMALLEST, LARGEST = 1e-150, 1e150  # sizes whose squares float64 holds


class RepdistWarning(UserWarning):
    """The answer is right, but something about it deserves attention."""


def choice(name: str, value: Any, options: Collection[str]) -> str:
    """Return `value` if it is one of the names in `options`."""
    listed = ", ".join(f'"{option}"' for option in options)
    if not isinstance(value, str):
        raise TypeError(f"`{name}` must be one of {listed}; got {describe(value)}.")
    if value not in options:
        raise ValueError(f"`{name}` must be one of {listed}; got {value!r}.")
    return value


def whole_number(name: str, value: Any, minimum: int, maximum: int | None = None) -> int:
    """Return `value` as an int from `minimum` to `maximum`; bool and float are refused."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"`{name}` must be a whole number; got {value!r}.")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(
            f"`{name}` must be a whole number of at least {minimum}; got {describe(value)}."
        ) from None
    if number < minimum:
        raise ValueError(f"`{name}` must be at least {minimum}; got {number}.")
    if maximum is not None and number > maximum:
        raise ValueError(f"`{name}` must be at most {maximum:,}; got {number:,}.")
    return number


def resamples(n_resamples: Any) -> int:
    """Return a number of relabelings, from 1 to far more than anybody needs."""
    return whole_number("n_resamples", n_resamples, 1, MOST_RESAMPLES)


def are_told_apart(low: Any, high: Any) -> bool:
    """Tell whether float64 tells apart whole numbers from `low` to `high`."""
    return max(-int(low), int(high)) <= 2**53


def told_apart(name: str, low: Any, high: Any, where: str = "") -> None:
    """Raise if whole numbers from `low` to `high` are too large for float64 to tell them apart."""
    if not are_told_apart(low, high):
        raise ValueError(
            f"`{name}` must hold whole numbers of at most 2^53 in size, which float64 tells apart; "
            f"got values from {low} to {high}{where}. Leave identifiers out, or subtract what all "
            "have in common."
        )


def positive(name: str, value: Any) -> float:
    """Return `value` as a float above 0 whose square neither overflows nor vanishes."""
    number = real(name, value)
    if number <= 0:
        raise ValueError(f"`{name}` must be a positive, finite number; got {number:g}.")
    if not SMALLEST <= number <= LARGEST:
        raise ValueError(
            f"`{name}` must lie between {SMALLEST:g} and {LARGEST:g}; got {number:g}. "
            "Scale the features."
        )
    return number


def real(name: str, value: Any) -> float:
    """Return `value` as a finite float; bool and text are refused."""
    if isinstance(value, (bool, np.bool_, str, bytes)):
        raise TypeError(f"`{name}` must be a number; got {describe(value)}.")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"`{name}` must be a number; got {describe(value)}.") from None
    if not math.isfinite(number):
        raise ValueError(f"`{name}` must be a finite number; got {number:g}.")
    return number


def fraction(name: str, value: Any) -> float:
    """Return `value` as a float strictly between 0 and 1."""
    number = real(name, value)
    if not 0 < number < 1:
        raise ValueError(f"`{name}` must lie strictly between 0 and 1; got {number:g}.")
    return number


def flag(name: str, value: Any) -> bool:
    """Return `value` if it is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"`{name}` must be True or False; got {describe(value)}.")
    return bool(value)


def text(name: str, value: Any) -> str:
    """Return `value` if it is text."""
    if not isinstance(value, str):
        raise TypeError(f"`{name}` must be text; got {describe(value)}.")
    return value


def jobs(n_jobs: Any) -> int:
    """Return how many threads to use; -1 means every core this process may use."""
    try:
        number = whole_number("n_jobs", n_jobs, -1)
    except ValueError:
        number = 0
    if number == -1:
        return _usable_cores()
    if number < 1:
        raise ValueError(f"`n_jobs` must be -1 (all cores) or at least 1; got {n_jobs!r}.")
    return number


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def several(rng: Any, count: int) -> list[Any]:
    """Return an `rng` for each of several questions: the same number, or streams of a generator.

    So with a number each answer is what its own call gives.
    """
    given = generator(rng)
    if rng is None or isinstance(rng, np.random.Generator):
        return given.spawn(count)
    return [rng] * count


def generator(rng: Any) -> np.random.Generator:
    """Return `np.random.default_rng(rng)` (SPEC 7), with a message that names `rng`."""
    requirement = (
        "`rng` must be None, a whole number of at least 0, or a numpy.random.Generator; "
        f"got {describe(rng)}."
    )
    if isinstance(rng, (bool, np.bool_, np.random.RandomState)):
        raise TypeError(requirement)
    try:
        return np.random.default_rng(rng)
    except ValueError:
        raise ValueError(requirement) from None
    except TypeError:
        raise TypeError(requirement) from None


def describe(value: Any) -> str:
    """Name a value for a message: short values as they are, others by their type."""
    text = repr(value)
    kind = type(value).__name__
    if isinstance(value, type) or callable(value):
        return f"{text[:60]} ({kind})"
    return f"{text} ({kind})" if len(text) <= 40 else f"an object of type {kind}"
