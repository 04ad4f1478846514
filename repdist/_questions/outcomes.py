"""What a test makes of two samples: as rows, pairs, clusters, or within strata.

Each way joins an order of rows, units, kernel sums and a null, and fits the kernel on all rows.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from repdist import _arrays
from repdist._blocks import Block, join
from repdist._designs.clusters import (
    AT_A_TIME,
    ClusterLayout,
    ClusterOrder,
    ClusterRelabelings,
    Clusters,
    layout_of_clusters,
)
from repdist._designs.paired import Flips, PairedUnits
from repdist._designs.relabelings import AT_ONCE, Drawn, Places, Relabelings, random_total
from repdist._designs.strata import StrataRelabelings, StrataUnits, order_in_strata
from repdist._designs.table_cuts import finer, small_pvalue
from repdist._designs.units import row_order, two_sample_units
from repdist._inference import (
    cluster_sums,
    clustered,
    paired,
    paired_strata,
    stratified,
    two_samples,
)
from repdist._inference.cluster_labels import labels
from repdist._inference.combine import Combination
from repdist._inference.estimates import influences, mean_spread
from repdist._inference.findings import Findings
from repdist._inference.multipliers import differ_in_size, null_of_signs, sign_bytes
from repdist._inference.stratified import StrataSums, StrataTable, strata_table
from repdist._options import Options
from repdist._pass.beside import values_beside
from repdist._pass.sums import kernel_blocks
from repdist._questions.cautions import UNEQUAL_CLUSTERS, cluster_cautions, strata_cautions
from repdist._questions.designs import Design, strata_of_clusters
from repdist._questions.memory import check_bytes, check_memory
from repdist._results.landmarks import LandmarkView
from repdist._threads import in_order
from repdist._typing import Array, Float64
from repdist.kernels import Kernel
from repdist.kernels._kernel import fit
from repdist.kernels._plan import Plan, plan


@dataclass(frozen=True)
class Outcome:
    """What a design has made of two samples.

    Attributes
    ----------
    Z : (N, d)
        All rows, in the order in which they were cut into units.
    kernel : Kernel
        Fitted.
    plan : Plan
    drawn : Drawn
    found : Findings
    inverse_sizes : float
        What MMD^2 by chance goes with: ``1 / n + 1 / m`` for n and m that are independent.
    forms : tuple of str
        The statistics that each component has.
    strata : StrataTable, optional
    clusters : Clusters, optional
    more_bytes : int
        Held in memory beside what all tests hold.
    influence : pair of (n,) and (m,), optional
        How each row (or cluster, by its number) of the samples moves MMD^2: it is the sum of both
        means (over strata, of the means in each), and 4 times their variances are its error's.
    cautions : tuple of str
    view : LandmarkView, optional
        What landmarks saw, if relabelings looked through them: Z, estimates and the plan are then
        those of rows that were drawn from all.
    """

    Z: Array
    kernel: Kernel
    plan: Plan
    drawn: Drawn
    found: Findings
    inverse_sizes: float
    forms: tuple[str, ...] = ("",)
    strata: StrataTable | None = None
    clusters: Clusters | None = None
    more_bytes: int = 0
    influence: tuple[Float64, Float64] | None = None
    cautions: tuple[str, ...] = ()
    view: LandmarkView | None = None

    def turned(self) -> "Outcome":
        """Return the same with the samples in the other order."""
        strata = None if self.strata is None else self.strata.turned()
        influence = None if self.influence is None else self.influence[::-1]
        return dataclasses.replace(self, strata=strata, influence=influence)


def tested(X: Array, Y: Array, design: Design, options: Options) -> Outcome:
    """Test two samples as their design asks for."""
    clusters, strata = design.clusters, design.strata
    if clusters is not None and strata is not None:
        return _tested_clusters_in_strata(X, Y, clusters, strata, options)
    if clusters is not None:
        of_clusters = _tested_paired_clusters if design.paired else _tested_clusters
        return of_clusters(X, Y, clusters, options)
    if strata is not None and design.paired:
        return _tested_paired_strata(X, Y, strata, options)
    if strata is not None:
        return _tested_strata(X, Y, strata, design.shares, options)
    return (_tested_pairs if design.paired else _tested_rows)(X, Y, options)


def tested_finer(outcome_of: Callable[[int], Outcome], wanted: int, count: int) -> Outcome:
    """Test with so many relabelings; with more if p is small and `count` tests ask for them."""
    outcome = outcome_of(wanted)
    more = finer(outcome.drawn, count)
    if more != outcome.drawn and outcome.found.pvalue <= small_pvalue(outcome.drawn):
        return outcome_of(more.wanted)
    return outcome


def _tested_rows(X: Array, Y: Array, options: Options) -> Outcome:
    """Test independent rows."""
    first, second = (X, Y) if len(X) <= len(Y) else (Y, X)
    orders = [row_order(len(sample), options.rng) for sample in (first, second)]
    Z = _arrays.concatenate([first, second], orders)
    fitted = fit(options.kernel, _arrays.concatenate([X, Y]))
    how = plan(fitted)
    units = two_sample_units(len(first), len(second), options.n_bins)
    drawn = Relabelings(units, options.n_resamples)
    check_memory([len(units.rows)], how)
    sums = join(*kernel_blocks(how, Z, units.layout, options.workers, squares=options.squares))
    combination = Combination(options.combine, np.array(how.weights), sums.squares, len(first))
    relabeled = relabeled_by(drawn, options)
    found = two_samples.findings(sums, units, combination, options.estimator, relabeled)
    return Outcome(Z, fitted, how, drawn, found, _effective(len(X), len(Y)))


def _tested_pairs(X: Array, Y: Array, options: Options) -> Outcome:
    """Test row i of X with row i of Y.

    In float64: what differs within pairs can be far smaller than kernel values are.
    """
    order = row_order(len(X), options.rng)
    Z = _arrays.concatenate([X, Y], [order, order])
    Z = _arrays.cast(Z, _arrays.wide(Z))
    fitted = fit(options.kernel, _arrays.concatenate([X, Y]))
    how = plan(fitted)
    units = PairedUnits.of(len(X), options.n_bins)
    drawn = Flips(units, options.n_resamples)
    check_memory([len(units.rows)], how)
    sums = join(*kernel_blocks(how, Z, units.layout, options.workers, squares=options.squares))
    both = paired.PairedSums(sums, values_beside(how, Z, units.layout))
    combination = Combination(options.combine, np.array(how.weights), sums.squares, len(X))
    relabeled = relabeled_by(drawn, options)
    found = paired.findings(both, units, combination, options.estimator, relabeled)
    return Outcome(Z, fitted, how, drawn, found, _effective(len(X), len(Y)))


def _tested_paired_strata(X: Array, Y: Array, strata: _arrays.Ids, options: Options) -> Outcome:
    """Test row i of X with row i of Y within strata, in float64 as pairs are."""
    order = order_in_strata(strata.codes[0], options.rng)
    Z = _arrays.concatenate([X, Y], [order, order])
    Z = _arrays.cast(Z, _arrays.wide(Z))
    fitted = fit(options.kernel, _arrays.concatenate([X, Y]))
    how = plan(fitted)
    units = StrataUnits.of(strata.names, strata.counts, options.n_bins)
    pairs = PairedUnits.of_sizes(units.rows[: len(units.rows) // 2])
    drawn = Flips(pairs, options.n_resamples, f"pairs inside {len(strata.names):,} strata")
    check_memory([len(units.rows)], how, forms=2)
    weights = np.array(how.weights)
    blocks = kernel_blocks(how, Z, units.layout, options.workers)
    sums, beside = StrataSums.of(blocks, units, weights), values_beside(how, Z, units.layout)
    combination = Combination(options.combine, weights, np.zeros(len(weights)), len(X))
    relabeled = relabeled_by(drawn, options)
    found = paired_strata.findings(sums, beside, units, combination, options.estimator, relabeled)
    table = paired_strata.strata_table(sums, weights @ beside, units)
    return Outcome(
        Z, fitted, how, drawn, found, float(units.effective), stratified.forms(combination), table,
        cautions=tuple(strata_cautions(table)),
    )  # fmt: skip


def _tested_clusters(X: Array, Y: Array, ids: _arrays.Ids, options: Options) -> Outcome:
    """Test clusters of rows, each of which counts as one."""
    orders = [ClusterOrder.drawn(codes, options.rng) for codes in ids.codes]
    clusters = Clusters.of(*(order.sizes for order in orders))
    drawn = ClusterRelabelings.of_clusters(clusters, options.n_resamples, options.n_bins)
    swap = clusters.second < clusters.first
    samples, orders = ([Y, X], orders[::-1]) if swap else ([X, Y], orders)
    Z, fitted = _in_order(samples, orders, options.kernel, [X, Y])
    how = plan(fitted)
    check_memory([len(drawn.bins.rows)], how)
    weights = np.array(how.weights)
    sums = _cluster_sums(Z, how, orders, drawn.bins.rows, options)
    relabeled = functools.partial(
        clustered.moments,
        of_blocks=labels(drawn, options.rng),
        run=functools.partial(in_order, n_jobs=options.workers.n_jobs),
    )
    rules = options.combine, options.estimator
    found = clustered.findings(sums, drawn.bins, weights, rules, relabeled)
    sizes = [order.sizes for order in (orders[::-1] if swap else orders)]
    h, other = influences(sums.sums.first_rows, sums.sums.second_rows)
    influence = _in_place(h, orders[0].sequence), _in_place(other, orders[1].sequence)
    cautions = cluster_cautions(*sizes)
    signs_held = 0
    if differ_in_size(*sizes):
        moving = cluster_sums.bins_as_rows(sums.sums, drawn.bins, weights)
        combination = Combination(options.combine, weights, moving.squares, moving.sizes[0])
        draws = random_total(options.n_resamples), options.rng
        signs = null_of_signs(moving.blocks, moving.diagonal, drawn.units, combination, draws)
        found = dataclasses.replace(found, guard=signs.pvalue)
        cautions.append(UNEQUAL_CLUSTERS)
        signs_held = sign_bytes(drawn.bins, len(weights), draws[0])
    return Outcome(
        Z, fitted, how, drawn, found, _effective(*map(len, sizes)), clusters=clusters,
        more_bytes=clustered.extra_bytes(drawn, len(weights), options.workers.n_jobs)
        + _block_bytes(orders, how)
        + signs_held,
        influence=influence[::-1] if swap else influence,
        cautions=tuple(cautions),
    )  # fmt: skip


def _tested_paired_clusters(X: Array, Y: Array, ids: _arrays.Ids, options: Options) -> Outcome:
    """Test the clusters of X with those of Y that have the same ids, in float64 as pairs are."""
    count = len(ids.names)
    sequence = row_order(count, options.rng)
    orders = [ClusterOrder.of(codes, sequence) for codes in ids.codes]
    clusters = Clusters.of(*(order.sizes for order in orders))
    Z, fitted = _in_order([X, Y], orders, options.kernel, [X, Y])
    Z = _arrays.cast(Z, _arrays.wide(Z))
    how = plan(fitted)
    units = PairedUnits.of(count, options.n_bins)
    drawn = Flips(units, options.n_resamples, f"pairs of clusters of {clusters.rows}")
    check_memory([len(units.rows)], how)
    sums, beside, own = _cluster_sums(Z, how, orders, units.rows, options)
    combination = Combination(options.combine, np.array(how.weights), sums.squares, count)
    found = paired.findings(
        paired.PairedSums(sums, beside),
        units,
        combination,
        options.estimator,
        relabeled_by(drawn, options),
    )
    found = dataclasses.replace(found, spread=mean_spread(sums, own))
    return Outcome(
        Z, fitted, how, drawn, found, _effective(count, count), clusters=clusters,
        more_bytes=_block_bytes(orders, how),
    )  # fmt: skip


def _tested_strata(
    X: Array, Y: Array, strata: _arrays.Ids, shares: tuple[float, ...], options: Options
) -> Outcome:
    """Test rows within strata."""
    swap = len(Y) < len(X)
    samples = [Y, X] if swap else [X, Y]
    strata = strata.of(1, 0) if swap else strata
    orders = [order_in_strata(codes, options.rng) for codes in strata.codes]
    Z = _arrays.concatenate(samples, orders)
    fitted = fit(options.kernel, _arrays.concatenate([X, Y]))
    how = plan(fitted)
    units = StrataUnits.of(strata.names, strata.counts, options.n_bins, shares)
    blocks = kernel_blocks(how, Z, units.layout, options.workers)
    drawn = StrataRelabelings(units, options.n_resamples)
    return _of_strata(Z, fitted, how, drawn, blocks, options, orders, swap=swap)


def _tested_clusters_in_strata(
    X: Array, Y: Array, ids: _arrays.Ids, strata: _arrays.Ids, options: Options
) -> Outcome:
    """Test clusters within strata, each of which counts as one."""
    of_cluster = strata_of_clusters(ids, strata)
    swap = len(of_cluster.codes[1]) < len(of_cluster.codes[0])
    way = (1, 0) if swap else (0, 1)
    samples, of_cluster = [(X, Y)[g] for g in way], of_cluster.of(*way)
    orders = [
        ClusterOrder.of(ids.codes[g], np.unique(ids.codes[g])[order_in_strata(codes, options.rng)])
        for g, codes in zip(way, of_cluster.codes, strict=True)
    ]
    Z, fitted = _in_order(samples, orders, options.kernel, [X, Y])
    how = plan(fitted)
    units = StrataUnits.of(of_cluster.names, of_cluster.counts, options.n_bins)
    sizes = np.concatenate([order.sizes for order in orders])
    group = np.repeat(units.group, units.rows)
    held = clustered.block_bytes(int(np.bincount(group).max()), len(how.weights))
    check_bytes("strata", held, "clusters in each")
    layout = layout_of_clusters(sizes, group, len(orders[0].sizes))
    means = cluster_sums.ClusterMeans(sizes, group, np.array(how.weights))
    blocks = (
        cluster_sums.in_units(means.of(block), units.rows, units.group)
        for block in kernel_blocks(how, Z, layout, options.workers)
    )
    drawn = StrataRelabelings(units, options.n_resamples, "clusters")
    first, second = (order.sizes for order in (orders[::-1] if swap else orders))
    unequal = differ_in_size(first, second)
    done = _of_strata(
        Z, fitted, how, drawn, blocks, options, [order.sequence for order in orders], swap=swap,
        means=means, unequal=unequal,
    )  # fmt: skip
    return dataclasses.replace(
        done,
        clusters=Clusters.of(first, second),
        more_bytes=held + sign_bytes(units, 2, random_total(options.n_resamples)) * unequal,
        cautions=(
            *done.cautions,
            *cluster_cautions(first, second),
            *([UNEQUAL_CLUSTERS] if unequal else []),
        ),
    )


def _of_strata(  # noqa: PLR0913 (what rows and clusters share)
    Z: Array,
    fitted: Kernel,
    how: Plan,
    drawn: StrataRelabelings,
    blocks: Iterable[Block],
    options: Options,
    orders: list[Places],
    *,
    swap: bool,
    means: cluster_sums.ClusterMeans | None = None,
    unequal: bool = False,
) -> Outcome:
    """Test what is in strata from the blocks between them."""
    units, weights = drawn.units, np.array(how.weights)
    check_memory([len(units.rows)], how, forms=2)
    sums = StrataSums.of(blocks, units, weights)
    if means is not None:
        sums = dataclasses.replace(sums, own=means.own_of_groups)
    combination = Combination(
        options.combine, weights, np.zeros(len(weights)), int(units.counts[:, 0].sum())
    )
    relabeled = relabeled_by(drawn, options)
    found = stratified.findings(sums, units, combination, options.estimator, relabeled)
    if unequal:
        found = _guarded_in_strata(found, sums, units, combination, options)
    table = strata_table(sums, units)
    first, second = np.split(stratified.influences(sums, units), [len(orders[0])])
    influence = _in_place(first, orders[0]), _in_place(second, orders[1])
    done = Outcome(
        Z, fitted, how, drawn, found, units.effective, stratified.forms(combination), table,
        influence=influence, cautions=tuple(strata_cautions(table)),
    )  # fmt: skip
    return done.turned() if swap else done


def _in_place(values: Float64, order: Places) -> Float64:
    """Return what belongs to rows (or clusters) that stood in this order, as they came."""
    found = np.empty(len(values))
    found[order] = values
    return found


def _guarded_in_strata(
    found: Findings,
    sums: StrataSums,
    units: StrataUnits,
    combination: Combination,
    options: Options,
) -> Findings:
    """Return the findings with a p-value that is no less than that of random signs.

    These look at the kernel as a whole: the tails of narrow components stray too far.
    """
    weights, both = combination.weights, stratified.takes_both(combination)
    whole = Combination("max" if both else "mean", np.ones(1 + both), np.zeros(1 + both), 2)
    signs = null_of_signs(
        np.tensordot(weights, sums.blocks, 1)[None],
        (weights @ sums.diagonal)[None],
        units,
        whole,
        (random_total(options.n_resamples), options.rng),
        within=both,
    )
    return dataclasses.replace(found, guard=signs.pvalue)


def _in_order(
    samples: list[Array], orders: list[ClusterOrder], kernel: Kernel, given: list[Array]
) -> tuple[Array, Kernel]:
    """Return all rows cluster by cluster, and the kernel fitted on them as they came."""
    Z = _arrays.concatenate(samples, [order.rows for order in orders])
    return Z, fit(kernel, _arrays.concatenate(given))


def _cluster_sums(
    Z: Array, how: Plan, orders: list[ClusterOrder], unit_clusters: Any, options: Options
) -> cluster_sums.ClusterSums:
    """Pass once over the rows of clusters."""
    first, second = (order.sizes for order in orders)
    layout = ClusterLayout(np.concatenate([first, second]), len(first), unit_clusters)
    blocks = kernel_blocks(how, Z, layout.layout, options.workers)
    return cluster_sums.cluster_sums(blocks, layout, np.array(how.weights))


def _block_bytes(orders: list[ClusterOrder], how: Plan) -> int:
    """Return what the sums between some clusters at a time take."""
    most = max(len(order.sizes) for order in orders)
    return clustered.block_bytes(min(most, AT_A_TIME), len(how.weights))


def _effective(n: int, m: int) -> float:
    """Return what MMD^2 by chance goes with, for so many rows or clusters."""
    return 1 / n + 1 / m


def relabeled_by(drawn: Drawn, options: Options) -> two_samples.Relabeled:
    """Return the statistics of a form under the relabelings, by as many threads as pay."""
    jobs = options.workers.n_jobs if drawn.total > AT_ONCE else 1
    return functools.partial(
        two_samples.statistics,
        drawn=drawn,
        of_blocks=two_samples.forms(drawn, options.rng),
        run=functools.partial(in_order, n_jobs=jobs),
    )
