"""How many groups are cut, and relabelings of pairs made of halves."""

import numpy as np
import pytest
from scipy import stats

from repdist._designs.relabelings import half_labels, shared_moves
from repdist._designs.table_cuts import Streams, TableCuts


def test_halves_make_uniform_relabelings(chance_seed):
    """Chi-square over the 20 choices of 3 in 6; fails falsely once in 10,000 seeds.

    It sees a choice that is 1.25 times too frequent with probability .98.
    """
    rng = np.random.default_rng(chance_seed)
    kept = shared_moves(3, 3, 20_000, rng)
    labels = np.concatenate([half_labels(kept, 3, rng), 1 - half_labels(kept, 3, rng)], axis=1)
    _, counts = np.unique(labels[1:] @ (2 ** np.arange(6)), return_counts=True)
    assert len(counts) == 20
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize("sizes", [[300, 300], [40, 50, 1000], [129, 700, 5000, 64], [2, 3, 900]])
def test_the_units_of_every_pair_are_made_of_the_groups_edges(sizes):
    cuts = TableCuts.of(sizes, "auto", 99, Streams(0, tuple(range(len(sizes)))))
    for pair, drawn in cuts.relabelings.items():
        for g, cut in zip(cuts.ordered(pair), drawn.units.cuts, strict=True):
            assert set(cut.edges(sizes[g])) <= set(cuts.edges[g])
            assert cut.edges(sizes[g])[-1] == sizes[g]
    assert len({cut.size for cut in cuts.whole_cuts}) == 1
