"""The null distribution of two samples: from their sums, units and relabelings."""

from collections.abc import Iterable

import numpy as np

from repdist._blocks import Sums
from repdist._designs.units import Units
from repdist._inference.centring import centred_blocks
from repdist._inference.combine import tie_tolerance
from repdist._inference.quadratic_form import (
    Mapper,
    QuadraticForm,
    component_statistics,
    precision,
)
from repdist._typing import Estimator, Float64, Labels


def statistics(
    sums: Sums, units: Units, labels: Iterable[Labels], estimator: Estimator, run: Mapper = map
) -> Float64:
    """Return MMD^2 (B + 1, R) of every relabeling of the units of two samples."""
    S = centred_blocks(sums, units.rows, estimator)
    form = QuadraticForm(S, precision(sums.epsilon, small=units.is_small))
    return component_statistics(form, labels, sums.sizes, estimator, run)


def tolerance(sums: Sums, units: Units, estimator: Estimator) -> Float64:
    """Return how far rounding may move the MMD^2 of a component, (R,)."""
    magnitude = sums.magnitude
    if estimator == "biased":  # k(x, x) counts, too
        diagonal = np.abs(sums.diagonal / units.rows).max(axis=1)
        magnitude = np.maximum(magnitude, diagonal)
    return tie_tolerance(magnitude, sums.epsilon, *sums.sizes)
