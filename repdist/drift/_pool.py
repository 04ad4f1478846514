"""The pool of a monitor: the bins of the reference and of all batches so far."""

from dataclasses import dataclass

import numpy as np

from repdist._inference.sketched import Frozen, bins_null
from repdist._typing import Float64
from repdist.sketches import Reference, Sketch
from repdist.sketches._plan import SketchPlan


@dataclass(frozen=True)
class Pool:
    """Sums over bins that may be relabeled, and over all other rows.

    Attributes
    ----------
    bins : (R, U, L)
    rest : (R, L)
    rest_rows : int
        How many rows `rest` is of.
    """

    bins: Float64
    rest: Float64
    rest_rows: int

    @classmethod
    def of(cls, reference: Reference) -> "Pool":
        """Return that of a reference alone."""
        sketch = reference.as_sketch()
        rows = sketch.n - reference.plan.rows_per_bin * sketch.n_bins
        return cls(sketch.bins, sketch.rest, rows)

    def pvalue(
        self, plan: SketchPlan, sketch: Sketch, wanted: int, rng: np.random.Generator
    ) -> float:
        """Return p of a batch against the pool, by at least so many relabelings."""
        rest = Frozen([part[0] for part in plan.features(self.rest[:, None])], self.rest_rows)
        null, _ = bins_null(
            plan.features(sketch.bins),
            plan.features(self.bins),
            rest,
            plan.rows_per_bin,
            plan.weights,
            plan.seen.epsilon,
            wanted,
            rng,
        )
        return null.pvalue

    def grown(self, sketch: Sketch, rng: np.random.Generator) -> "Pool":
        """Return the pool with one more batch: as many bins as may move, drawn uniformly.

        Not by age: that would tell later p-values of earlier ones.
        """
        plan = sketch.plan
        bins = np.concatenate([self.bins, sketch.bins], axis=1)
        rest = self.rest + sketch.rest
        rows = self.rest_rows + sketch.n - plan.rows_per_bin * sketch.n_bins
        if bins.shape[1] > plan.max_bins:
            order = rng.permutation(bins.shape[1])
            kept, folded = np.sort(order[: plan.max_bins]), order[plan.max_bins :]
            rest = rest + bins[:, folded].sum(axis=1)
            rows += plan.rows_per_bin * len(folded)
            bins = bins[:, kept]
        return Pool(bins, rest, rows)
