"""Differences of means between two samples, many at once, under relabelings.

With F the sums over units and a the labels, each is a linear form ``a' F``. Divided by its standard
deviation over the group of all relabelings, none has a unit. What is tested is one hypothesis or a
column of F that has several forms, of which the largest square counts. Of clusters, which may be of
other sizes in one sample than in the other, each difference stands over its standard error by label
instead, as in Welch's test: then relabelings are right for many clusters, too, where these are not
exchangeable [1]_.

.. [1] E. Chung, J. P. Romano, "Exact and asymptotically robust permutation tests", Annals of
   Statistics 41, 484-507, 2013.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from repdist._designs.clusters import ClusterRelabelings
from repdist._designs.relabelings import Drawn
from repdist._inference.labels import Labels, label_blocks
from repdist._inference.multiplicity import adjusted
from repdist._threads import in_order
from repdist._typing import Float64

Control = Literal["westfall-young", "holm"]

_AT_ONCE = 8  # hypotheses whose statistics are held at a time, times a block of relabelings
_CONSTANT = 1e-9  # of the size of the sums: what varies less is rounding
_LEAST = 0.01  # of the variance over relabelings: what a variance by label counts at least
_NARROW, _WIDE = 1e-5, 1e-9  # how far rounding moves a squared form, in float32 and in float64


@dataclass(frozen=True)
class Linear:
    """What relabelings say of many hypotheses.

    Attributes
    ----------
    forms : (q, d)
        The standardised forms of each, observed; above 0 where the first sample has more.
    statistic : (d,)
        The largest square of them; of clusters, over their variance by label.
    pvalue, adjusted : (d,)
        Of each by itself, and for all of them.
    """

    forms: Float64
    statistic: Float64
    pvalue: Float64
    adjusted: Float64


@dataclass(frozen=True)
class Guard:
    """The variance that units would have if the rows of each cluster were independent.

    Attributes
    ----------
    shares : (U,)
        The sum of the squares of what rows count in each unit.
    of_rows : (q, d)
        The variance of a single row in each form.
    """

    shares: Float64
    of_rows: Float64


def tested(  # noqa: PLR0913 (what a test is made of)
    F: Float64,
    drawn: Drawn,
    rng: np.random.Generator,
    *,
    control: Control,
    ties_matter: bool,
    n_jobs: int,
    guard: Guard | None,
) -> Linear:
    """Test d hypotheses by the largest of q squared forms each.

    Parameters
    ----------
    F : (q, U, d)
        Sums over units.
    drawn : Drawn
    rng : Generator
    control : {"westfall-young", "holm"}
        The step-down maximum over hypotheses under shared relabelings, or Holm on their p-values.
    ties_matter : bool
        Whether to compute in float64.
    n_jobs : int
    guard : Guard or None
        For units that are not exchangeable: p is at least that of Welch's t, times q.

    Notes
    -----
    ``O(B U q d)`` time for B relabelings, in matrix products; memory is that of F.
    """
    d = F.shape[2]
    scaled, forms = _standardised(F, drawn)
    squares = _Squares.of(drawn)
    statistic = squares.observed(scaled, drawn).max(axis=1)
    order = np.argsort(statistic, kind="stable")
    dtype, eps = (np.float64, _WIDE) if ties_matter else (np.float32, _NARROW)
    count = functools.partial(
        _counts,
        factors=np.ascontiguousarray(scaled[:, :, order].transpose(2, 0, 1), dtype=dtype),
        reached=_lowered(statistic[order], eps),
        squares=squares,
    )
    alone, together = np.zeros(d, dtype=np.intp), np.zeros(d, dtype=np.intp)
    for of_block in in_order(count, label_blocks(drawn, rng), n_jobs):
        alone[order] += of_block[0]
        together[order] += of_block[1]
    pvalue = alone / drawn.total
    stepped = np.empty(d)
    stepped[order[::-1]] = np.maximum.accumulate(together[order[::-1]]) / drawn.total
    if guard is not None:
        welch = _welch(F, drawn, guard).min(axis=0)
        pvalue = np.maximum(pvalue, np.minimum(1, len(F) * welch))
    both = stepped if control == "westfall-young" else adjusted(pvalue, "holm")
    if guard is not None:  # no less than without: which labelings are guarded is not chance
        both = np.maximum(both, stepped)
    return Linear(forms, statistic, pvalue, both)


def tested_in_groups(  # noqa: PLR0913 (what a test is made of)
    F: Float64,
    group: npt.NDArray[np.intp],
    drawn: Drawn,
    rng: np.random.Generator,
    *,
    ties_matter: bool,
    n_jobs: int,
    guard: Guard | None,
) -> Linear:
    """Test groups of hypotheses, with numbers (d,) from 0, by the mean of all their squared forms.

    Which is 1 on average over the group of all relabelings, if no form is constant. Returns the
    forms of each hypothesis, with the statistics and p-values of the groups, adjusted by Holm. The
    rest as in `tested`; the guard multiplies by all forms of a group.
    """
    scaled, forms = _standardised(F, drawn)
    members = np.bincount(group)
    squares = _Squares.of(drawn)
    sums = np.bincount(group, weights=squares.observed(scaled, drawn).sum(axis=1))
    statistic = sums / (len(forms) * members)
    order = np.argsort(group, kind="stable")
    dtype, eps = (np.float64, _WIDE) if ties_matter else (np.float32, _NARROW)
    count = functools.partial(
        _counts_of_groups,
        factors=np.ascontiguousarray(scaled[:, :, order].transpose(2, 0, 1), dtype=dtype),
        ends=np.cumsum(members),
        reached=_lowered(statistic, eps),
        squares=squares,
    )
    counts = sum(in_order(count, label_blocks(drawn, rng), n_jobs))
    pvalue = np.asarray(counts / drawn.total, dtype=np.float64)
    if guard is not None:
        least = np.ones(len(members))
        np.minimum.at(least, group, _welch(F, drawn, guard).min(axis=0))
        pvalue = np.maximum(pvalue, np.minimum(1, len(F) * members * least))
    return Linear(forms, statistic, pvalue, adjusted(pvalue, "holm"))


def centred(F: Float64, drawn: Drawn) -> tuple[Float64, Float64]:
    """Return F (q, U, d) less what no relabeling changes, and the deviation of ``a' F`` (q, d).

    Units that change places with each other are taken from their mean, the others are 0. So
    ``a' F`` has mean 0 over the group of all relabelings, and a product in float32 loses nothing to
    what pairs or strata have in common. Where rounding alone moves it, deviation and F are 0.
    """
    units = drawn.units
    found, variance = np.zeros_like(F), np.zeros((F.shape[0], F.shape[2]))
    for places, h in _shuffled(units.shuffled_within, units.sample == 0, units.can_move):
        part, M = F[:, places], len(places)
        part -= part.mean(axis=1, keepdims=True)
        found[:, places] = part
        variance += np.square(part).sum(axis=1) * (h * (M - h) / (M * (M - 1)))
    size = np.sqrt(np.square(F).sum(axis=1))
    constant = np.sqrt(variance) <= _CONSTANT * size
    return found * ~constant[:, None], np.sqrt(np.where(constant, 0.0, variance))


def _shuffled(
    within: npt.NDArray[np.intp], first: Labels, movable: Labels
) -> Iterator[tuple[npt.NDArray[np.intp], int]]:
    """Yield the places of units that change places with each other, and how many are in front."""
    places = np.flatnonzero(movable)
    order = places[np.argsort(within[places], kind="stable")]
    for part in np.split(order, np.flatnonzero(np.diff(within[order])) + 1):
        yield part, int(first[part].sum())


def _standardised(F: Float64, drawn: Drawn) -> tuple[Float64, Float64]:
    """Return F whose forms have mean 0 and deviation 1 over relabelings, and the observed ones."""
    scaled, deviation = centred(F, drawn)
    scaled /= np.where(deviation > 0, deviation, 1.0)[:, None]
    return scaled, scaled[:, drawn.units.sample == 0].sum(axis=1)


def _welch(F: Float64, drawn: Drawn, guard: Guard) -> Float64:
    """Return the p-values (q, d) of Welch's t for each form, of which units are independent values.

    In strata the variances of both samples are added up, with the degrees of freedom of
    Satterthwaite. No variance is less than if the rows of a cluster were independent.
    """
    from scipy.special import stdtr

    units = drawn.units
    first, movable = units.sample == 0, units.can_move
    F, _ = centred(F, drawn)
    variance, squares = np.zeros((2, F.shape[0], F.shape[2]))
    for places, h in _shuffled(units.shuffled_within, first, movable):
        k = len(places) - h
        for count, part in ((h, places[first[places]]), (k, places[~first[places]])):
            of_unit = np.maximum(
                F[:, part].var(axis=1, ddof=1), guard.shares[part].mean() * guard.of_rows
            )
            of_part = of_unit / count / (1 / h + 1 / k) ** 2
            variance += of_part
            squares += of_part**2 / (count - 1)
    form = F[:, first].sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        t, freedom = np.abs(form) / np.sqrt(variance), variance**2 / squares
    found = 2 * stdtr(np.where(squares > 0, freedom, 1.0), -np.where(variance > 0, t, np.inf))
    return np.asarray(np.where(form == 0, 1.0, found))


def _lowered(statistic: Float64, eps: float) -> Float64:
    """Return what a relabeling must reach to count, ties of rounding included."""
    return statistic - eps * np.maximum(statistic, 1.0)


@dataclass(frozen=True)
class _Squares:
    """The squares of standardised forms; of clusters, over their variance by label.

    Attributes
    ----------
    first, units : int
        How many units lie in the first sample, and in both.
    by_label : bool
    """

    first: int
    units: int
    by_label: bool

    @classmethod
    def of(cls, drawn: Drawn) -> "_Squares":
        sample = drawn.units.sample
        by_label = isinstance(drawn, ClusterRelabelings)
        return cls(int((sample == 0).sum()), len(sample), by_label)

    def observed(self, scaled: Float64, drawn: Drawn) -> Float64:
        """Return those of the labels as they are, (d, q)."""
        labels = (drawn.units.sample == 0)[:, None].astype(np.float64)
        return np.asarray(self(scaled.transpose(2, 0, 1), labels)[..., 0], dtype=np.float64)

    def __call__(
        self, factors: npt.NDArray[np.floating], A: npt.NDArray[np.floating]
    ) -> npt.NDArray[np.floating]:
        """Return those of hypotheses with these factors (c, q, U) under labels (U, b), (c, q, b).

        A form is a sum S over the first sample, of values whose sum over both is 0. The difference
        of means is ``S (1 / h + 1 / k)``, and its variance by label that of both means.
        """
        c, q, U = factors.shape
        flat = factors.reshape(-1, U)
        found = flat @ A
        np.square(found, out=found)
        if self.by_label:
            h, k = self.first, self.units - self.first
            powers = np.square(flat)
            of_first = powers @ A
            of_second = powers.sum(axis=1, keepdims=True) - of_first
            variance = (of_first - found / h) / (h * (h - 1))
            variance += (of_second - found / k) / (k * (k - 1))
            usual = (1 / h + 1 / k) ** 2  # over relabelings, as the deviation of S is 1
            found *= usual
            found /= np.maximum(variance, _LEAST * usual)
        return np.asarray(found.reshape(c, q, -1))


def _counts(
    labels: Labels,
    factors: npt.NDArray[np.floating],
    reached: Float64,
    squares: _Squares,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Count the relabelings that reach each observed statistic: alone, and the largest so far.

    `factors` (d, q, U) are in the order of their statistics.
    """
    d = len(factors)
    A = np.ascontiguousarray(labels.T, dtype=factors.dtype)  # (U, b)
    reached = reached.astype(factors.dtype)
    alone, together = np.empty(d, dtype=np.intp), np.empty(d, dtype=np.intp)
    largest = np.zeros(A.shape[1], dtype=factors.dtype)
    for start in range(0, d, _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        T = squares(factors[some], A).max(axis=1)
        for j, (statistics, level) in enumerate(zip(T, reached[some], strict=True), start):
            alone[j] = np.count_nonzero(statistics >= level)
            np.maximum(largest, statistics, out=largest)
            together[j] = np.count_nonzero(largest >= level)
    return alone, together


def _counts_of_groups(
    labels: Labels,
    factors: npt.NDArray[np.floating],
    ends: npt.NDArray[np.intp],
    reached: Float64,
    squares: _Squares,
) -> npt.NDArray[np.intp]:
    """Count the relabelings that reach each group's observed statistic."""
    q = factors.shape[1]
    A = np.ascontiguousarray(labels.T, dtype=factors.dtype)
    counts = np.empty(len(ends), dtype=np.intp)
    for g, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        T = np.zeros(A.shape[1])
        for first in range(start, end, _AT_ONCE):
            some = slice(first, min(first + _AT_ONCE, end))
            T += squares(factors[some], A).sum(axis=(0, 1))
        counts[g] = (T / (q * (end - start)) >= reached[g]).sum()
    return counts
