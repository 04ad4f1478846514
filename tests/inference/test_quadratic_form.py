"""Quadratic forms of relabelings that are made of two halves."""

import numpy as np

from repdist._blocks import Sums
from repdist._designs.relabelings import half_labels, shared_moves
from repdist._designs.units import Units
from repdist._inference.centring import centred_blocks
from repdist._inference.quadratic_form import (
    QuadraticForm,
    complement,
    component_statistics,
    half,
    pair_statistics,
)


def test_statistics_from_halves_are_those_of_whole_relabelings():
    rng = np.random.default_rng(0)
    units, sizes = Units(2, (4, 4), (1, 2)), (9, 10)
    U = len(units.rows)
    S = rng.normal(size=(3, U, U))
    S = centred(S + S.transpose(0, 2, 1), units)
    kept = shared_moves(4, 4, 50, rng)
    first = np.pad(half_labels(kept, 4, rng), ((0, 0), (0, 1)), constant_values=1)
    second = np.pad(1 - half_labels(kept, 4, rng), ((0, 0), (0, 1)), constant_values=0)
    labels = np.concatenate([first, second], axis=1)
    assert labels[0].tolist() == [1] * 5 + [0] * 5
    assert (labels.sum(axis=1) == 5).all()
    form = QuadraticForm(S, np.float64)
    whole = component_statistics(form, [labels], sizes, "unbiased", map)
    a, b = slice(0, 5), slice(5, 10)
    other = complement(half(S[:, b, b], 1 - second))
    np.testing.assert_allclose(other.within, half(S[:, b, b], second).within, atol=1e-12)
    ours = pair_statistics(S[:, a, b], half(S[:, a, a], first), half(S[:, b, b], second), sizes)
    np.testing.assert_allclose(ours, whole, rtol=1e-10, atol=1e-12)


def centred(S, units):
    """The blocks S as a pass would give them, centred."""
    none = np.zeros((len(S), len(units.rows)))
    sums = Sums(S, none, np.zeros((9, 2)), np.zeros((10, 2)), none[:, 0], none[:, 0], 0.0)
    return centred_blocks(sums, units.rows, "unbiased")
