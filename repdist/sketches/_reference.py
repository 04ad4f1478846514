"""A reference that travels: fitted once, saved, compared anywhere."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from repdist import _arrays, _checks
from repdist._inference.combine import Null
from repdist._inference.sketched import BinSample, Frozen, bins_null, distance, floor_of
from repdist._options import N_LANDMARKS, Options
from repdist._pass.landmarks import Landmarks, choose
from repdist._results.card import Card, Result
from repdist._results.landmarks import LandmarkView
from repdist._results.two_sample import MMDTestResult
from repdist._threads import Workers, computing
from repdist._typing import Array, Float64
from repdist.kernels import Kernel, MultiRBF
from repdist.kernels._kernel import check_kernel, fit
from repdist.kernels._plan import plan
from repdist.sketches import _store
from repdist.sketches._plan import LEAST_BINS, LEAST_IN_BIN, SketchPlan, bins_in_words
from repdist.sketches._sketch import Sketch

KIND = "reference"
_LEAST_PILOT, _MOST_PILOT = 100, 2000  # rows, about a tenth of all


@dataclass(frozen=True, eq=False, repr=False)
class _Held:
    """What a reference holds: see `Reference`."""

    plan: SketchPlan
    bins: Float64
    rest: Float64
    n: int
    unseen: int
    floor_rate: float
    name: str | None
    given: int  # rows, those that were drawn among them


class Reference(Result):
    """A sample that others are compared with, in a file of some MB: no copy of its rows.

    Some rows, drawn at random, fix the kernel and are its landmarks; the others leave sums over
    bins of at least `rows_per_bin` of them. Sketches of other rows, made anywhere, are compared
    with these: with an exact p-value, a distance and its error. All numbers are in the units of
    the one kernel: to compare another sample changes no earlier number.

    .. versionadded:: 0.2.0

    Parameters
    ----------
    X : array-like, (n, d), or table
        As `mmd_test` takes it: NumPy, torch, memmap, zarr, an open Parquet file, Dask. At least
        some 300 rows: 8 bins beside the rows that are drawn.
    name : str, optional
        What messages and files call it.
    rows_per_bin : int
        Rows of each bin, of the reference and of all that is compared with it. Default 32.
    max_bins : int
        Of each sample so many bins at most are relabeled; other rows count in distances, and keep
        their label. Default 512.
    kernel : Kernel
        Fitted on the rows that are drawn; with values from 0 to 1, as Gaussian ones have. Default
        ``MultiRBF()``.
    n_landmarks : int
        At most half of the rows that are drawn. Default 256.
    rng : None, int or numpy.random.Generator
    n_jobs : int
        Threads for NumPy input. Default -1: all cores that this process may use.

    Attributes
    ----------
    plan : SketchPlan
        The kernel, the landmarks, and what else sketches share.
    n : int
        Rows that the sums are of: those that were drawn are not among them.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described; the message names it.

    See Also
    --------
    Monitor : for batches that come one after the other.
    mmd_test : with ``method="landmarks"``, for rows that are at hand.

    Notes
    -----
    ``O(n L (d + R))`` time for L landmarks and R components, in one pass; ``8 R L`` bytes a bin.
    The file holds landmarks, which are rows of X, and sums over at least `rows_per_bin` rows: it is
    an aggregate, not anonymous. MMD^2 is that of the kernel projected on the landmarks [1]_,
    unbiased, since landmarks lie in no bin; its error comes from the bins.

    References
    ----------
    .. [1] C. K. I. Williams, M. Seeger, "Using the Nystroem method to speed up kernel machines",
       NIPS 2000.

    Examples
    --------
    >>> import numpy as np, repdist
    >>> rng = np.random.default_rng(0)
    >>> reference = repdist.Reference(rng.normal(size=(5000, 4)), rng=0)
    >>> reference.compare(rng.normal(size=(1000, 4)), rng=0).pvalue > 0.05
    True
    >>> parts = [reference.sketch(rng.normal(0.3, 1, size=(400, 4)), rng=i) for i in range(3)]
    >>> result = reference.compare(parts[0] + parts[1] + parts[2], rng=0)
    >>> (result.n, result.pvalue < 0.001)
    (1152, True)
    """

    def __init__(  # noqa: PLR0913 (the options of a reference)
        self,
        X: Array,
        *,
        name: str | None = None,
        rows_per_bin: int = 32,
        max_bins: int = 512,
        kernel: Kernel = MultiRBF(),
        n_landmarks: int = N_LANDMARKS,
        rng: np.random.Generator | int | None = None,
        n_jobs: int = -1,
    ) -> None:
        if name is not None:
            _checks.text("name", name)
        check_kernel(kernel)
        s = _checks.whole_number("rows_per_bin", rows_per_bin, LEAST_IN_BIN)
        most = _checks.whole_number("max_bins", max_bins, LEAST_BINS)
        count = _checks.whole_number("n_landmarks", n_landmarks, 2)
        rng, workers = _checks.generator(rng), Workers(_checks.jobs(n_jobs))
        with computing():
            columns = _arrays.column_names(X)
            if len(set(columns)) < len(columns):
                raise ValueError("`X` must have columns of different names; got some twice.")
            (rows,) = (_arrays.detach(a) for a in _arrays.read_samples({"X": X}))
            _arrays.check_varies([rows], "`X`")
            drawn = _drawn_of(len(rows))
            bins = min((len(rows) - drawn) // s, most)
            if bins < LEAST_BINS:
                raise ValueError(
                    f"`X` must have at least {LEAST_BINS * s + _LEAST_PILOT} rows for bins of {s}; "
                    f"got {len(rows)}. {_smaller_bins(len(rows) - drawn)}"
                )
            order = rng.permutation(len(rows))
            pilot = _arrays.held_here(_arrays.take_rows(rows, np.sort(order[:drawn])))
            _arrays.check_varies([pilot], f"`X` (of {drawn} rows, drawn to fit on)")
            of_rows = _plan_of(pilot, kernel, min(count, drawn // 2), (s, most), columns, rng)
            in_bins, rest, n, unseen = of_rows.sums(rows, order[drawn:], bins, workers)
            floor = floor_of(of_rows.sample(in_bins, rest, n), rng)
        self._held = _Held(of_rows, in_bins, rest, n, unseen, floor, name, len(rows))

    @property
    def plan(self) -> SketchPlan:
        """The kernel, the landmarks, and what else sketches share."""
        return self._held.plan

    @property
    def kernel(self) -> Kernel:
        """Fitted: pass it to another call to compare numbers."""
        return self.plan.kernel

    @property
    def name(self) -> str | None:
        """What it is called."""
        return self._held.name

    @property
    def n(self) -> int:
        """Rows that the sums are of."""
        return self._held.n

    @property
    def n_bins(self) -> int:
        """Bins that are relabeled."""
        return int(self._held.bins.shape[1])

    @property
    def floor_rate(self) -> float:
        """The noise floor for samples of n and m rows, over ``1 / n + 1 / m``."""
        return self._held.floor_rate

    @cached_property
    def sample(self) -> BinSample:
        """The features of its rows."""
        return self.plan.sample(self._held.bins, self._held.rest, self.n)

    def as_sketch(self) -> Sketch:
        """Return its rows as a sketch."""
        held = self._held
        return Sketch(held.plan, held.bins, held.rest, held.n, held.unseen)

    def sketch(
        self, rows: Array, *, rng: np.random.Generator | int | None = None, n_jobs: int = -1
    ) -> Sketch:
        """Return the sums over bins of rows: what `compare` needs of them.

        Parameters
        ----------
        rows : array-like, (n, d), or table
            With the columns of the reference: by name, if both have names. Fewer rows than 8 bins
            hold can be sketched, and added to others. Rows left over that fill no bin are left out.
        rng : None, int or numpy.random.Generator
            Which rows share a bin.
        n_jobs : int

        Returns
        -------
        Sketch

        Raises
        ------
        TypeError, ValueError
            If `rows` are no array of real numbers with these columns.
        """
        return self._sketch(rows, _checks.generator(rng), n_jobs, "rows")

    def _sketch(self, rows: Any, rng: np.random.Generator, n_jobs: int, name: str) -> Sketch:
        workers = Workers(_checks.jobs(n_jobs))
        with computing():
            array = self.plan.read(name, rows)
            bins = min(len(array) // self.plan.rows_per_bin, self.plan.max_bins)
            order = rng.permutation(len(array))
            in_bins, rest, n, unseen = self.plan.sums(array, order, bins, workers)
        return Sketch(self.plan, in_bins, rest, n, unseen, len(array) - n)

    def compare(
        self,
        rows: Array | Sketch,
        *,
        n_resamples: int = 9999,
        rng: np.random.Generator | int | None = None,
        n_jobs: int = -1,
    ) -> MMDTestResult:
        """Test whether rows come from the distribution of the reference, and measure how far.

        Parameters
        ----------
        rows : array-like, (n, d), table or Sketch
            At least 8 bins of them.
        n_resamples : int
        rng : None, int or numpy.random.Generator
        n_jobs : int
            See `mmd_test`.

        Returns
        -------
        MMDTestResult
            X are the rows, Y those of the reference. The p-value is exact: bins of one size are
            relabeled. MMD^2 is that of the projected kernel.

        Raises
        ------
        TypeError, ValueError
            If `rows` are not of the kind described, fill too few bins, or are a sketch of another
            reference.
        """
        options = Options.checked(
            kernel=self.kernel, combine="max", n_resamples=n_resamples, rng=rng, n_jobs=n_jobs,
            progress=False,
        )  # fmt: skip
        sketch = self.sketched(rows, options.rng, n_jobs)
        with computing():
            null, drawn = self.null(sketch, options.n_resamples, options.rng)
            return self._result(sketch, null, drawn)

    def sketched(
        self, rows: Any, rng: np.random.Generator, n_jobs: int, name: str = "rows"
    ) -> Sketch:
        """Return rows, or a sketch, as a sketch of this plan with enough bins."""
        if isinstance(rows, Reference):
            raise TypeError(
                f"`{name}` must be rows or a Sketch; got a Reference. Use `as_sketch()` of it."
            )
        if isinstance(rows, Sketch):
            if rows.plan.digest != self.plan.digest:
                raise ValueError(
                    f"`{name}` must be a sketch of this reference, of plan {self.plan.digest}; got "
                    f"one of {rows.plan.digest}. Make it anew from this reference."
                )
            sketch = rows
        else:
            sketch = self._sketch(rows, rng, n_jobs, name)
        sketch.check_enough(name)
        return sketch.folded(rng=rng)

    def null(self, sketch: Sketch, n_resamples: int, rng: np.random.Generator) -> tuple[Null, Any]:
        """Return what relabelings of bins say of a sketch, and which were used."""
        held, plan = self._held, self.plan
        return bins_null(
            plan.features(sketch.bins),
            plan.features(held.bins),
            Frozen(
                [part[0] for part in plan.features(held.rest[:, None])],
                held.n - self.n_bins * plan.rows_per_bin,
            ),
            plan.rows_per_bin,
            plan.weights,
            plan.seen.epsilon,
            n_resamples,
            rng,
        )

    def save(self, path: str | Path) -> None:
        """Write the reference to a .npz file, which appears when it is complete.

        The file holds arrays and JSON, and no code.

        Raises
        ------
        TypeError, ValueError, OSError
            If `path` is no file name, is none that can be written in an existing folder, or cannot
            be written to its end; an earlier file is then as it was.
        """
        _store.write(path, KIND, *self.stored())

    @classmethod
    def load(cls, path: str | Path) -> "Reference":
        """Return the reference of a file that `save` wrote.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is none, or it is cut, damaged, of another kind or of another format.
        """
        return cls.of_store(*_store.read(path, KIND, "Reference.save"))

    def stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what a file holds: a header and arrays."""
        held = self._held
        header = {
            **self.plan.header(),
            "n": held.n,
            "unseen": held.unseen,
            "floor_rate": held.floor_rate,
            "name": held.name,
            "given": held.given,
            "plan": self.plan.digest,
        }
        arrays = {"landmarks": self.plan.landmarks, "bins": held.bins, "rest": held.rest}
        return header, arrays

    @classmethod
    def of_store(cls, header: dict[str, Any], arrays: dict[str, Any]) -> "Reference":
        """Return the reference that a file holds."""
        plan = SketchPlan.of_file(header, arrays)
        if plan.digest != header["plan"]:
            raise ValueError(
                f"the reference must be as it was written; its plan is {plan.digest}, and was "
                f"{header['plan']}. Make it anew."
            )
        held = _Held(
            plan, arrays["bins"], arrays["rest"], header["n"], header["unseen"],
            header["floor_rate"], header["name"], header["given"],
        )  # fmt: skip
        reference = cls.__new__(cls)
        vars(reference)["_held"] = held
        return reference

    def __repr__(self) -> str:
        called = "" if self.name is None else f"{self.name!r}, "
        return f"Reference({called}n={self.n}, n_bins={self.n_bins}, plan={self.plan.digest!r})"

    def view(self, sketch: Sketch) -> LandmarkView:
        """Return what landmarks saw of a sketch and the reference."""
        return LandmarkView(
            wanted=len(self.plan.landmarks),
            n_landmarks=len(self.plan.landmarks),
            bandwidths=self.plan.how.bandwidths,
            captured=tuple(self.plan.captured.tolist()),
            rows=sketch.n + self.n,
            unseen=sketch.unseen + self._held.unseen,
            left_out=sketch.left_out,
            apart=sketch.n - self.plan.rows_per_bin * sketch.n_bins,
            quoted=(sketch.n, self.n),
            sampled=False,
            projected=True,
        )

    def _result(self, sketch: Sketch, null: Null, drawn: Any) -> MMDTestResult:
        estimate = distance(sketch.sample, self.sample)
        components = [
            float(
                distance(
                    self._component(sketch.bins, sketch.rest, sketch.n, r),
                    self._component(self._held.bins, self._held.rest, self.n, r),
                ).mmd_squared
            )
            for r in range(len(self.plan.weights))
        ]
        total = float(self.plan.weights.sum())
        spread = total - (sketch.sample.norm_squared + self.sample.norm_squared) / 2
        view = self.view(sketch)
        R = len(components)
        columns = {
            "bandwidth": np.array(self.plan.how.bandwidths),
            "mmd_squared": np.array(components),
            "zscore": null.zscores[:R],
            "pvalue": null.component_pvalues()[:R],
            "captured": self.plan.captured,
        }
        return MMDTestResult(
            statistic=null.statistic,
            pvalue=null.pvalue,
            mmd_squared=float(estimate.mmd_squared),
            estimate=estimate,
            null=null,
            spread=spread,
            kernel=self.kernel,
            estimator="unbiased",
            combine="max",
            n=sketch.n,
            m=self.n,
            paired=False,
            clusters=None,
            strata_table=None,
            guarded=False,
            dropped=False,
            wanted_bins="auto",
            relabelings=drawn,
            landmarks=view,
            memory_bytes=int(16 * sketch.bins.nbytes + 16 * self._held.bins.nbytes),
            cautions=tuple(view.cautions()),
            component_columns=columns,
        )

    def _component(self, bins: Float64, rest: Float64, n: int, r: int) -> BinSample:
        root = self.plan.seen.roots[r]
        return BinSample(bins[r] @ root, rest[r] @ root, n, self.plan.rows_per_bin)

    def _card(self) -> Card:
        plan, held = self.plan, self._held
        s = plan.rows_per_bin
        shares = ", ".join(f"{share:.0%}" for share in plan.captured)
        lines = [
            ("kernel", str(plan.kernel)),
            ("rows", self._whereabouts()),
            ("bins", bins_in_words(self.n_bins, s, held.n)),
            ("looks", f"through {len(plan.landmarks):,} landmarks; captured of components: "
             f"{shares}"),
            ("holds", f"{len(plan.landmarks):,} rows, as landmarks, and sums over at least {s} "
             "rows each: an aggregate, not anonymous"),
            ("plan", plan.digest),
        ]  # fmt: skip
        called = "" if self.name is None else f" {self.name!r}"
        return Card(f"Reference{called} of {self.n:,} rows, {plan.d} columns", tuple(lines))

    def _whereabouts(self) -> str:
        """Return where the rows are that were given."""
        given, drawn = self._held.given, _drawn_of(self._held.given)
        left_out = given - drawn - self.n
        lost = f", {left_out:,} left out: they fill no bin" if left_out else ""
        return f"{given:,}: {drawn:,} for kernel and landmarks, {self.n:,} in sums{lost}"

    def _record(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "n": self.n,
            "n_bins": self.n_bins,
            "rows_per_bin": self.plan.rows_per_bin,
            "columns": self.plan.columns,
            "kernel": repr(self.kernel),
            "n_landmarks": len(self.plan.landmarks),
            "captured": self.plan.captured,
            "plan": self.plan.digest,
        }


def _drawn_of(rows: int) -> int:
    """Return how many of so many rows are drawn, to fit on."""
    return min(max(rows // 10, _LEAST_PILOT), _MOST_PILOT)


def _smaller_bins(rows: int) -> str:
    """Return what to do where so many rows, beside those that are drawn, fill too few bins."""
    most = rows // LEAST_BINS
    if most < LEAST_IN_BIN:
        return f"Take more rows: {_LEAST_PILOT + LEAST_BINS * LEAST_IN_BIN} at the very least."
    return f"Take more rows, or a `rows_per_bin` of {most} or less."


def _plan_of(  # noqa: PLR0913 (what a plan is made of)
    pilot: Array,
    kernel: Kernel,
    count: int,
    sizes: tuple[int, int],
    columns: tuple[str, ...],
    rng: np.random.Generator,
) -> SketchPlan:
    """Fit a plan on a pilot: the kernel, and so many landmarks."""
    fitted = fit(kernel, pilot)
    how = plan(fitted)
    if not how.bounded:
        raise ValueError(
            "`kernel` must have values from 0 to 1 for a reference, as Gaussian and Laplacian "
            f"kernels have; got {fitted}."
        )
    chosen, others = choose(pilot, count, rng)
    rows = _arrays.to_numpy(_arrays.take_rows(pilot, chosen))
    shown = _arrays.to_numpy(_arrays.take_rows(pilot, others))
    landmarks = Landmarks.of(how, rows, precise=False, differences=False)
    captured, _ = landmarks.looked_at(shown)
    return SketchPlan(fitted, np.ascontiguousarray(rows), *sizes, columns, captured)
