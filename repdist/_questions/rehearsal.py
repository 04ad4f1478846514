"""What the questions on level and power share: many tests on rows drawn from the user's own."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from repdist import _arrays
from repdist._arrays import Ids
from repdist._designs.clusters import ClusterRelabelings, Clusters
from repdist._designs.paired import Flips, PairedUnits
from repdist._designs.relabelings import Drawn, Relabelings
from repdist._designs.strata import StrataRelabelings, StrataUnits
from repdist._designs.units import two_sample_units
from repdist._options import Options
from repdist._questions.designs import Design, Designed, read_two_samples, strata_of_clusters
from repdist._questions.landmarks import pvalue
from repdist._threads import Workers, computing, in_order, with_progress
from repdist._typing import Array, Float64

MOST_REPETITIONS = 10**6
LEAST = 2  # of each sample in a stratum

Places: TypeAlias = npt.NDArray[np.intp]
Draw: TypeAlias = Callable[[np.random.Generator], tuple[Places, Places]]  # numbers of rows of Z


@dataclass(frozen=True)
class Rehearsal:
    """The rows of two samples, and what of them a relabeling moves.

    An item is a row, or all rows of a cluster. Those of `X` come first; item i of `X` belongs to
    item i of `Y` if they are paired.

    Attributes
    ----------
    X, Y : (n, d) and (m, d)
        Rows are numbered through both.
    design : Design
    order : (N,)
        The rows, item by item.
    sizes : (I,)
        Rows of each item.
    stratum : (I,)
        The stratum of each item; 0 without strata.
    first : int
        Items of `X`.
    cautions : tuple of str
        Of rows that were left out.
    """

    X: Array
    Y: Array
    design: Design
    order: Places
    sizes: Places
    stratum: Places
    first: int
    cautions: tuple[str, ...]

    @classmethod
    def of(cls, designed: Designed) -> "Rehearsal":
        """Return that of two samples."""
        X, Y, design = designed.X, designed.Y, designed.design
        N = len(X) + len(Y)
        items, strata = design.clusters, design.strata
        if items is None:
            order, sizes = np.arange(N), np.ones(N, dtype=np.intp)
        else:
            strata = None if strata is None else strata_of_clusters(items, strata)
            found = [np.unique(codes, return_inverse=True)[1] for codes in items.codes]
            numbers = np.concatenate([found[0], found[0].max() + 1 + found[1]])
            order, sizes = np.argsort(numbers, kind="stable"), np.bincount(numbers)
        none = np.zeros(len(sizes), dtype=np.intp)
        stratum = none if strata is None else np.concatenate(strata.codes)
        first = design.sizes(X, Y)[0]
        return cls(X, Y, design, order, sizes, stratum, first, designed.cautions)

    @property
    def counts(self) -> Places:
        """The items of `X` and of `Y` in each stratum, (S, 2)."""
        most = int(self.stratum.max()) + 1
        of_samples = self.stratum[: self.first], self.stratum[self.first :]
        return np.stack([np.bincount(each, minlength=most) for each in of_samples], axis=1)

    @property
    def rows(self) -> tuple[int, int]:
        """How many rows `X` and `Y` have."""
        return len(self.X), len(self.Y)

    def members(self, sample: int, stratum: int) -> Places:
        """Return the items of a sample in a stratum."""
        start = self.first * sample
        of_sample = self.stratum[: self.first] if sample == 0 else self.stratum[self.first :]
        return start + np.flatnonzero(of_sample == stratum)

    def rows_of(self, items: Places) -> Places:
        """Return the numbers of the rows of these items."""
        ends = np.cumsum(self.sizes)
        sizes = self.sizes[items]
        starts = np.repeat((ends - self.sizes)[items] - np.cumsum(sizes) + sizes, sizes)
        return np.asarray(self.order[starts + np.arange(len(starts))])

    def samples(self, first: Places, second: Places) -> tuple[Array, Array, Design]:
        """Return the rows of these numbers as two samples, with their design."""
        X, Y = self._at(first), self._at(second)
        clusters, strata = [
            None if of_rows is None else _pooled(of_rows).taken([(0, first), (0, second)])
            for of_rows in self.design.ids.values()
        ]
        return X, Y, Design(self.design.paired, clusters, strata)

    def _at(self, rows: Places) -> Array:
        """Return the rows of these numbers, in memory."""
        of_x = rows < len(self.X)
        parts = [
            _arrays.in_memory(_arrays.take_rows(sample, numbers))
            for sample, numbers in ((self.X, rows[of_x]), (self.Y, rows[~of_x] - len(self.X)))
            if len(numbers)
        ]
        if len(parts) == 1:
            return parts[0]
        order = np.concatenate([np.flatnonzero(of_x), np.flatnonzero(~of_x)])
        return _arrays.take_rows(_arrays.concatenate(parts), np.argsort(order))

    def relabelings(self, counts: Places, options: Options) -> Drawn:
        """Return what a test relabels of so many items, (S, 2)."""
        design, wanted, bins = self.design, options.n_resamples, options.n_bins
        n, m = counts.sum(axis=0).tolist()
        if design.strata is not None:
            units = StrataUnits.of(range(len(counts)), counts, bins)
            if not design.paired:
                return StrataRelabelings(units, wanted)
            return Flips(PairedUnits.of_sizes(units.rows[: len(units.rows) // 2]), wanted)
        if design.paired:
            return Flips(PairedUnits.of(n, bins), wanted)
        if design.clusters is not None:
            return ClusterRelabelings.of_clusters(Clusters(n, m, 1, 1), wanted, bins)
        return Relabelings(two_sample_units(min(n, m), max(n, m), bins), wanted)


def read_rehearsal(X: Any, Y: Any, **said: Any) -> Rehearsal:
    """Return what is rehearsed of both samples, checked; `said` is their design."""
    _arrays.check_held({"X": X, "Y": Y})
    with computing():
        designed, _ = read_two_samples(X, Y, **said)
        _arrays.check_varies([designed.X, designed.Y], "`X` and `Y`")
        return Rehearsal.of(designed)


def shared_out(number: int, counts: Places) -> Places:
    """Return how many items of each stratum make this number: in proportion, at least two."""
    exact = number * counts / counts.sum()
    found = np.minimum(np.maximum(np.floor(exact).astype(np.intp), LEAST), counts)
    while (more := number - int(found.sum())) != 0:
        step = 1 if more > 0 else -1
        can = found < counts if more > 0 else found > np.minimum(LEAST, counts)
        if not can.any():
            break
        found[np.where(can, step * (exact - found), -np.inf).argmax()] += step
    return np.asarray(found)


def pvalues_of(draws: Sequence[Draw], rehearsal: Rehearsal, options: Options) -> Float64:
    """Return the p-value of the test on every draw, each with a random stream of its own.

    Tensors of torch are tested one after the other.
    """
    seeds = options.rng.integers(2**63, size=len(draws))

    def pvalue_of(task: tuple[Draw, int]) -> float:
        draw, seed = task
        stream = np.random.default_rng(seed)
        X, Y, design = rehearsal.samples(*draw(stream))
        if _arrays.is_constant(_arrays.concatenate([X, Y])):
            return 1.0  # all relabelings tie
        own = dataclasses.replace(options, rng=stream, workers=Workers(1))
        return pvalue(X, Y, design, own)

    workers = options.workers
    with computing():
        tasks = zip(draws, seeds, strict=True)
        threads = _arrays.threads_for(rehearsal.X, workers.n_jobs)
        results = in_order(pvalue_of, tasks, threads)
        shown = with_progress(results, len(draws), workers.progress, "tests")
        pvalues = np.array(list(shown))
    pvalues.setflags(write=False)
    return pvalues


def _pooled(ids: Ids) -> Ids:
    """Return the ids of both samples as those of one."""
    return Ids(ids.names, (np.concatenate(ids.codes),))
