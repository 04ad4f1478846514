"""The columns that pages of distances share."""

from typing import Any

from repdist._numbers import pvalues_with_equal_digits, with_digits, with_equal_digits
from repdist._report import Column, column_of_numbers


def distance_columns(frame: Any) -> tuple[Column, ...]:
    """Return MMD^2, its interval, both p-values and the effect of every row of a frame."""
    low, high = with_equal_digits([frame["ci_low"].tolist(), frame["ci_high"].tolist()])
    intervals = [f"{a} to {b}" for a, b in zip(low, high, strict=True)]
    of_pvalues, of_adjusted = pvalues_with_equal_digits(
        [frame["pvalue"].tolist(), frame["pvalue_adjusted"].tolist()]
    )
    values, effect = frame["mmd_squared"], frame["effect"]
    return (
        column_of_numbers("MMD²", values, with_equal_digits(values), "key"),
        column_of_numbers("Interval", frame["ci_low"], intervals),
        column_of_numbers("p", frame["pvalue"], of_pvalues),
        column_of_numbers("p, adjusted", frame["pvalue_adjusted"], of_adjusted, "key"),
        column_of_numbers("Effect", effect, with_equal_digits(effect)),
    )


def floor_columns(frame: Any) -> tuple[Column, ...]:
    """Return the noise floor of every row of a frame, and how many times it MMD^2 is."""
    floors, times = frame["noise_floor"], frame["times_floor"]
    return (
        column_of_numbers("Noise floor", floors, with_equal_digits(floors, 2)),
        column_of_numbers("Times floor", times, [with_digits(value) for value in times]),
    )
