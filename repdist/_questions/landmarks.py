"""Tests through landmarks: relabelings see all rows, numbers that are quoted come from some."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist import _arrays
from repdist._designs.paired import Flips, PairedUnits
from repdist._designs.relabelings import Drawn, Relabelings
from repdist._designs.strata import StrataRelabelings, StrataUnits, order_in_strata
from repdist._designs.table_cuts import Pairs, Streams, TableCuts
from repdist._designs.units import is_small, row_order, two_sample_units
from repdist._inference import landmarks as bins
from repdist._inference.combine import Combination, Null
from repdist._inference.pairs import Nulls
from repdist._options import Options
from repdist._pass.landmarks import Landmarks, block_rows, choose, unit_sums
from repdist._pass.tiles import MOST_COLUMNS
from repdist._questions import outcomes
from repdist._questions.designs import Design, Designed
from repdist._questions.memory import check_bytes, check_memory
from repdist._questions.outcomes import Outcome, relabeled_by
from repdist._results.landmarks import LandmarkView
from repdist._typing import Array, Float64
from repdist.kernels import Kernel
from repdist.kernels._kernel import fit
from repdist.kernels._plan import Plan, plan

QUOTED = 5000  # rows of each sample of which MMD^2 is computed exactly
_QUOTED_IN_ALL = 20_000  # of a table
_LEAST_QUOTED = 500
_RUNS = 16  # of rows that are looked at
_PILOT, _PILOT_TIMES = 4096, 4  # rows that bandwidths and landmarks come from; per landmark

Numbers = npt.NDArray[np.intp]


def tested(X: Array, Y: Array, design: Design, options: Options) -> Outcome:
    """Test two samples by the method that is asked for."""
    if not options.landmarks:
        return outcomes.tested(X, Y, design, options)
    seen = _seen([X, Y], options, options.rng, precise=design.paired)
    null, drawn, left_out = _null(seen, X, Y, design, options)
    some = _some(Designed(X, Y, design), options.rng)
    exact = dataclasses.replace(options, landmarks=0, kernel=seen.kernel, n_resamples=1)
    outcome = outcomes.tested(some.X, some.Y, some.design, exact)
    quoted = len(some.X), len(some.Y)
    held = seen.held_bytes(drawn, X, Y, options.workers.n_jobs)
    return dataclasses.replace(
        outcome,
        drawn=drawn,
        found=dataclasses.replace(outcome.found, null=null),
        more_bytes=outcome.more_bytes + held,
        view=seen.view(left_out, quoted),
    )


def pvalue(X: Array, Y: Array, design: Design, options: Options) -> float:
    """Return p alone."""
    if not options.landmarks:
        return outcomes.tested(X, Y, design, options).found.pvalue
    seen = _seen([X, Y], options, options.rng, precise=design.paired)
    return _null(seen, X, Y, design, options)[0].pvalue


@dataclass(frozen=True)
class _Seen:
    """Landmarks among the rows of samples, and what they saw.

    Attributes
    ----------
    kernel : Kernel
        Fitted on a pilot: rows drawn uniformly from all.
    how : Plan
    landmarks : Landmarks
    captured, squares : (R,)
        The share of the kernel that features hold, and the mean of its square, on pilot rows.
    rows, wanted : int
        In all; landmarks asked for.
    unseen : list of int
        Rows of each pass that no landmark sees.
    """

    kernel: Kernel
    how: Plan
    landmarks: Landmarks
    captured: Float64
    squares: Float64
    rows: int
    wanted: int
    unseen: list[int]

    def features(
        self, rows: Array, order: Numbers, sizes: Numbers, options: Options
    ) -> list[Float64]:
        """Pass over the rows of a sample; return the sums of features over its units."""
        R, L = len(self.how.weights), len(self.landmarks.rows)
        check_bytes("n_bins", 16 * R * L * len(sizes), "bins")
        unit = np.empty(len(order), dtype=np.int32)
        unit[order] = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        found = unit_sums(self.landmarks, rows, unit, len(sizes), options.workers)
        self.unseen.append(found.unseen)
        return self.landmarks.features(found.sums)

    def held_bytes(self, drawn: Drawn, X: Array, Y: Array, n_jobs: int) -> int:
        """Return an upper estimate of what a pass holds: sums, rows in work, their order."""
        R, U, L = len(self.how.weights), len(drawn.units.rows), len(self.landmarks.rows)
        threads = _arrays.threads_for(X, n_jobs)
        d, size = X.shape[1], _arrays.item_size(self.landmarks.rows)
        in_flight = 4 * threads + 2 if threads > 1 else 2
        sums = 8 * R * L * U * (in_flight + 3)
        rows = threads * size * (5 * block_rows(d) * (d + 2) + 4 * 1024 * (L + d))
        return int(sums + rows + 24 * (len(X) + len(Y)) + 8 * 3 * R * L**2)

    def view(self, left_out: int, quoted: Sequence[int]) -> LandmarkView:
        """Return what a reader of the result should know."""
        return LandmarkView(
            wanted=self.wanted,
            n_landmarks=len(self.landmarks.rows),
            bandwidths=self.how.bandwidths,
            captured=tuple(self.captured.tolist()),
            rows=self.rows,
            unseen=sum(self.unseen),
            left_out=left_out,
            quoted=tuple(quoted),
            sampled=sum(quoted) < self.rows,
        )


def _seen(
    arrays: Sequence[Array], options: Options, rng: np.random.Generator, *, precise: bool
) -> _Seen:
    """Choose landmarks among the rows of all samples: no label has a say in it."""
    N, count = sum(map(len, arrays)), options.landmarks
    if count > N // 2:
        raise ValueError(
            f"`n_landmarks` must be at most half of the {N:,} rows; got {count}. Use "
            'fewer, or `method="exact"`.'
        )
    pilot = drawn_from(arrays, max(_PILOT, _PILOT_TIMES * count), rng)
    kernel = fit(options.kernel, pilot)
    how = plan(kernel)
    if not how.bounded:
        raise ValueError(
            "`kernel` must have values from 0 to 1 for landmarks, as Gaussian and Laplacian kernels"
            f' have; got {kernel}. Use one of these, or `method="exact"`.'
        )
    chosen, others = choose(pilot, count, rng)
    small = is_small(*_two_largest(arrays))
    landmarks = Landmarks.of(
        how,
        _arrays.take_rows(pilot, chosen),
        precise=precise or small,
        differences=small and pilot.shape[1] <= MOST_COLUMNS,
    )
    captured, squares = landmarks.looked_at(_arrays.take_rows(pilot, others))
    return _Seen(kernel, how, landmarks, captured, squares, N, count, [])


def _two_largest(arrays: Sequence[Array]) -> tuple[int, int]:
    n, m = sorted(map(len, arrays))[-2:]
    return n, m


def drawn_from(arrays: Sequence[Array], most: int, rng: np.random.Generator) -> Array:
    """Return rows drawn uniformly from all, in memory."""
    N = sum(map(len, arrays))
    places = np.sort(rng.choice(N, min(N, most), replace=False))
    ends = np.cumsum([0, *map(len, arrays)])
    return _arrays.concatenate(
        [
            _arrays.held_here(_arrays.take_rows(rows, places[(a <= places) & (places < b)] - a))
            for rows, a, b in zip(arrays, ends[:-1], ends[1:], strict=True)
        ]
    )


# --- groups ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Landmarked:
    """Groups of independent rows, looked at through landmarks.

    Attributes
    ----------
    some : list of (n_g, d)
        Rows of each group that were drawn at random, in their order.
    kernel : Kernel
    nulls : function
        Of two groups: what relabelings of all their rows say.
    view : LandmarkView
    """

    some: list[Array]
    kernel: Kernel
    nulls: Nulls
    view: LandmarkView


def looked_at(
    arrays: list[Array], options: Options, streams: Streams, pairs: Pairs, *, matched: bool = False
) -> Landmarked:
    """Pass once over all groups; what is drawn belongs to the names of groups, not to an order.

    Of `matched` groups, row i of all but the first belongs together.
    """
    in_order = [arrays[g] for g in streams.order]
    seen = _seen(in_order, options, streams.shared("landmarks"), precise=False)
    sizes = list(map(len, arrays))
    cuts = TableCuts.of(sizes, options.n_bins, options.n_resamples, streams, pairs)
    check_memory([len(edges) - 1 for edges in cuts.edges], seen.how)
    orders = [row_order(n, streams.group(g, "order")) for g, n in enumerate(sizes)]
    features = [
        seen.features(rows, order, np.diff(edges), options)
        for rows, order, edges in zip(arrays, orders, cuts.edges, strict=True)
    ]
    most = min(QUOTED, max(_LEAST_QUOTED, _QUOTED_IN_ALL // len(arrays)))
    places = [_drawn(n, most, streams.group(g, "sample")) for g, n in enumerate(sizes)]
    if matched:
        places[1:] = [places[1]] * (len(sizes) - 1)
    nulls = bins.PairsOfBins(
        features,
        cuts,
        np.array(seen.how.weights),
        seen.squares,
        (options.combine, options.estimator),
        seen.landmarks.epsilon,
    )
    some = [
        _arrays.held_here(_arrays.take_rows(rows, mine))
        for rows, mine in zip(arrays, places, strict=True)
    ]
    return Landmarked(some, seen.kernel, nulls, seen.view(0, list(map(len, places))))


# --- two samples ---------------------------------------------------------------------------------


def _null(
    seen: _Seen, X: Array, Y: Array, design: Design, options: Options
) -> tuple[Null, Drawn, int]:
    """Return the null distribution of two samples, the relabelings, and rows that fill no bin."""
    swap = len(Y) < len(X) and not design.paired
    samples = [Y, X] if swap else [X, Y]
    n, m = map(len, samples)
    units: Any
    if design.strata is not None:
        strata = design.strata.of(1, 0) if swap else design.strata
        orders = [order_in_strata(codes, options.rng) for codes in strata.codes]
        units = StrataUnits.of(strata.names, strata.counts, options.n_bins)
    elif design.paired:
        orders = [row_order(n, options.rng)] * 2
        units = PairedUnits.of(n, options.n_bins)
    else:
        orders = [row_order(size, options.rng) for size in (n, m)]
        units = two_sample_units(n, m, options.n_bins)
    both = design.strata is not None
    check_memory([len(units.rows)], seen.how, forms=1 + both)
    of_samples = [
        seen.features(rows, order, units.rows[units.sample == g], options)
        for g, (rows, order) in enumerate(zip(samples, orders, strict=True))
    ]
    features = [np.concatenate(parts) for parts in zip(*of_samples, strict=True)]
    sums = bins.bins_as_rows(features, units, seen.landmarks.epsilon, seen.squares)
    combination = Combination(options.combine, np.array(seen.how.weights), sums.squares, n)
    of_bins = _relabelings(units.as_rows, options.n_resamples)
    null = bins.null(
        sums, units.as_rows, combination, options.estimator, relabeled_by(of_bins, options)
    )
    left_out = int(units.rows[units.in_rows == 0].sum())
    return null, _relabelings(units.without_rest, options.n_resamples), left_out


def _relabelings(units: Any, wanted: int) -> Drawn:
    """Return the relabelings of units of some kind."""
    if isinstance(units, StrataUnits):
        return StrataRelabelings(units, wanted)
    return Flips(units, wanted) if isinstance(units, PairedUnits) else Relabelings(units, wanted)


def _some(designed: Designed, rng: np.random.Generator) -> Designed:
    """Return at most some thousand rows of each sample, drawn at random."""
    X, Y, design = designed.X, designed.Y, designed.design
    if design.strata is None:
        rows = [_drawn(len(sample), QUOTED, rng) for sample in (X, Y)]
        if design.paired:
            rows[1] = rows[0]
        return _kept_here(designed, *rows)
    counts = design.strata.counts
    shares = counts.sum(axis=1) / counts.sum()
    rows = [
        np.sort(np.concatenate([_drawn_of(codes == s, rng) for s in range(len(counts))]))
        for codes in design.strata.codes
    ]
    kept = _kept_here(designed, *rows)
    with_shares = dataclasses.replace(kept.design, shares=tuple(shares.tolist()))
    return dataclasses.replace(kept, design=with_shares)


def some_in_runs(designed: Designed) -> Designed:
    """Return some rows of each sample, in runs of rows that follow each other.

    What is odd about data is looked for among them: copies, columns that rise, pairs.
    """
    return _kept_here(designed, _runs(len(designed.X)), _runs(len(designed.Y)))


def _kept_here(designed: Designed, first: Numbers, second: Numbers) -> Designed:
    """Return some rows, in the memory of this process wherever they lay."""
    kept = designed.keep(first, second)
    return dataclasses.replace(kept, X=_arrays.held_here(kept.X), Y=_arrays.held_here(kept.Y))


def _runs(n: int) -> Numbers:
    if n <= QUOTED:
        return np.arange(n)
    starts = np.linspace(0, n - QUOTED // _RUNS, _RUNS).astype(np.intp)
    return np.unique(starts[:, None] + np.arange(QUOTED // _RUNS))


def _drawn(n: int, most: int, rng: np.random.Generator) -> Numbers:
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


def _drawn_of(mine: Any, rng: np.random.Generator) -> Numbers:
    """Return some rows of a stratum: its share of all, at least two."""
    members, n = np.flatnonzero(mine), len(mine)
    most = len(members) if n <= QUOTED else max(2, QUOTED * len(members) // n)
    return members[_drawn(len(members), most, rng)]
