"""Numbers as people read them: equal digits in a column, stars, p-values equal to rounding."""

import numpy as np
import pytest

from repdist._numbers import reaches, stars, typeset, with_equal_digits


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([0.1, 0.25, 0.125], ["0.100", "0.250", "0.125"]),  # trailing zeros stay
        ([1234.5, 99.96, -0.2], ["1234.5", "100.0", "−0.2"]),
        ([12345.6, 23456.7], ["12346", "23457"]),
        ([np.nan, 1.0], ["–", "1.00"]),
        ([np.inf, 2.0], ["–", "2.00"]),
        ([0.0, 0.0], ["0.00", "0.00"]),
        ([1e-12, 2e-12], ["0.00000000", "0.00000000"]),  # no more decimals than that
        ([], []),
    ],
)
def test_numbers_of_a_column_have_equal_digits(values, shown):
    assert with_equal_digits(values) == shown


def test_a_table_has_one_number_of_decimals():
    assert with_equal_digits([[0.5, 0.25], [np.nan, 3]], 2) == [["0.50", "0.25"], ["–", "3.00"]]
    assert with_equal_digits(np.array(0.5)) == "0.500"


@pytest.mark.parametrize(
    ("pvalue", "shown"),
    [
        (0.0009, "***"), (0.001, "**"), (0.0099, "**"), (0.01, "*"), (0.05, "*"),
        (0.05 * (1 + 1e-12), "*"), (0.0501, ""), (1.0, ""), (np.nan, ""),
    ],
)  # fmt: skip
def test_stars(pvalue, shown):
    assert stars(pvalue) == shown


def test_a_pvalue_reaches_a_level_to_rounding():
    assert reaches(0.1 + 0.2, 0.3)
    assert not reaches(0.3000001, 0.3)
    assert reaches(np.array([0.05, 0.06, np.nan])).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("MMD^2 -0.001, 95 % interval -.2 to 3", "MMD² −0.001, 95 % interval −.2 to 3"),
        ("spread x 3.2, 0.3% of Y (x 23)", "spread × 3.2, 0.3% of Y (× 23)"),
        ("p = 6.1e-05, at most 1e-08", "p = 0.000061, at most 0.00000001"),
        ("p <= .05", "p ≤ .05"),
        ("x 3 and age^2 of run-1, age <= 5", "x 3 and age^2 of run-1, age <= 5"),  # names
        ("0 to 1.46e+07, -2e+04", "0 to 14,600,000, −20,000"),
        ("1e-12, 2024-01-05, (Z - Z.mean(0))", "1e-12, 2024-01-05, (Z - Z.mean(0))"),
    ],
)
def test_pages_set_numbers_as_print_does(text, shown):
    assert typeset(text) == shown
