"""Sums over bins of rows: all that is kept of them."""

import dataclasses
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from repdist._inference.sketched import BinSample
from repdist._results.card import Card, Result
from repdist._typing import Float64
from repdist.sketches import _store
from repdist.sketches._plan import LEAST_BINS, LEAST_IN_BIN, SketchPlan, bins_in_words

KIND = "sketch"


@dataclass(frozen=True, eq=False, repr=False)
class Sketch(Result):
    """What `Reference.sketch` keeps of rows: sums over bins of them, no row by itself.

    Sketches of one reference add up: ``a + b`` is that of the rows of both.

    .. versionadded:: 0.2.0

    Attributes
    ----------
    plan : SketchPlan
        Of the reference.
    bins : (R, U, L)
        For each component, bin and landmark, the sum of kernel values over the rows of the bin.
    rest : (R, L)
        The sums over rows that lie in no bin.
    n : int
        Rows that the sums are of.
    unseen : int
        Rows that no landmark is near to.
    left_out : int
        Rows that would have filled no bin: they are in no sum.
    """

    plan: SketchPlan
    bins: Float64
    rest: Float64
    n: int
    unseen: int
    left_out: int = 0

    @property
    def n_bins(self) -> int:
        """How many bins there are, of ``plan.rows_per_bin`` rows each."""
        return int(self.bins.shape[1])

    @cached_property
    def sample(self) -> BinSample:
        """The features of the rows."""
        return self.plan.sample(self.bins, self.rest, self.n)

    @cached_property
    def digest(self) -> str:
        """What tells this sketch from others."""
        sums = self.bins.tobytes() + self.rest.tobytes()
        return hashlib.sha256(f"{self.n}".encode() + sums).hexdigest()[:16]

    def __add__(self, other: "Sketch") -> "Sketch":
        """Return the sketch of the rows of both."""
        if not isinstance(other, Sketch):
            return NotImplemented
        if other.plan.digest != self.plan.digest:
            raise ValueError(
                "sketches must be of one reference to be added; got plans "
                f"{self.plan.digest} and {other.plan.digest}."
            )
        return Sketch(
            self.plan,
            np.concatenate([self.bins, other.bins], axis=1),
            self.rest + other.rest,
            self.n + other.n,
            self.unseen + other.unseen,
            self.left_out + other.left_out,
        )

    def folded(self, *, rng: np.random.Generator) -> "Sketch":
        """Return it with no more bins than may be relabeled, drawn uniformly; others as a rest."""
        most = self.plan.max_bins
        if self.n_bins <= most:
            return self
        order = rng.permutation(self.n_bins)
        kept, others = np.sort(order[:most]), order[most:]
        rest = self.rest + self.bins[:, others].sum(axis=1)
        return dataclasses.replace(self, bins=self.bins[:, kept], rest=rest)

    def __radd__(self, other: Any) -> "Sketch":
        """Return itself beside 0, from which `sum` begins."""
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def save(self, path: str | Path) -> None:
        """Write the sketch to a .npz file, which appears when it is complete.

        Raises
        ------
        TypeError, ValueError, OSError
            If `path` is no file name, is none that can be written in an existing folder, or cannot
            be written to its end; an earlier file is then as it was.
        """
        counts = {"n": self.n, "unseen": self.unseen, "left_out": self.left_out}
        header = self.plan.header() | counts
        arrays = {"landmarks": self.plan.landmarks, "bins": self.bins, "rest": self.rest}
        _store.write(path, KIND, header, arrays)

    @classmethod
    def load(cls, path: str | Path) -> "Sketch":
        """Return the sketch of a file that `save` wrote.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is none, or it is cut, damaged, of another kind or of another format.
        """
        header, arrays = _store.read(path, KIND, "Sketch.save")
        plan = SketchPlan.of_file(header, arrays)
        counts = (header[name] for name in ("n", "unseen", "left_out"))
        return cls(plan, arrays["bins"], arrays["rest"], *counts)

    def check_enough(self, name: str = "rows") -> None:
        """Raise if there are too few bins to tell them apart from others."""
        if self.n_bins < LEAST_BINS:
            s, rows = self.plan.rows_per_bin, self.n + self.left_out
            most = rows // LEAST_BINS
            smaller = f", or fit the reference with a `rows_per_bin` of {most} or less"
            raise ValueError(
                f"`{name}` must fill {LEAST_BINS} bins of {s} rows, {LEAST_BINS * s} rows in one "
                f"sketch; got {rows:,} row{'s' * (rows != 1)}, which fill {self.n_bins} "
                f"bin{'s' * (self.n_bins != 1)}. Wait for more rows"
                f"{smaller * (most >= LEAST_IN_BIN)}."
            )

    def __repr__(self) -> str:
        return f"Sketch(n={self.n}, n_bins={self.n_bins}, plan={self.plan.digest!r})"

    def _card(self) -> Card:
        s = self.plan.rows_per_bin
        lines = [
            ("bins", bins_in_words(self.n_bins, s, self.n)),
            *([("left out", f"{self.left_out:,} rows that fill no bin")] if self.left_out else []),
            ("plan", self.plan.digest),
            ("holds", f"sums over at least {s} rows each; no row by itself"),
        ]
        return Card(f"Sketch of {self.n:,} rows", tuple(lines))

    def _record(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "n_bins": self.n_bins,
            "rows_per_bin": self.plan.rows_per_bin,
            "unseen": self.unseen,
            "left_out": self.left_out,
            "plan": self.plan.digest,
        }
