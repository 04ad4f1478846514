"""What is repeated: a problem, its sizes, and the methods that see the same samples."""

import argparse
import hashlib
import math
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from benchmarks.evidence.problems import Problem
from benchmarks.measure import ROOT

LEVEL = 0.05
RESULTS = ROOT / "benchmarks/evidence/results"
Combine = Literal["max", "mean", "fuse"]
Bins = Literal["auto", "rows"] | int
Found = dict[str, np.ndarray]  # method: p-values of the repetitions, in order; or another number


@dataclass(frozen=True)
class Task:
    """Repetitions of one problem; each method gives a row of the table."""

    study: str
    problem: Problem
    n: int
    m: int
    methods: tuple[str, ...]
    repetitions: int
    n_resamples: int
    n_bins: Bins = "auto"
    scheme: str = ""  # told in the name, for a problem that a study has more than once

    @property
    def name(self) -> str:
        """Unique within a study."""
        return self.problem.name + f"-{self.scheme}" * bool(self.scheme)

    @property
    def settings(self) -> dict[str, str]:
        """What a row must have been measured with to be kept, as it stands in the table."""
        values = {
            "n": self.n, "m": self.m, "d": self.problem.d, "n_bins": self.n_bins,
            "n_resamples": self.n_resamples, "repetitions": self.repetitions,
            "pool": self.problem.pool,
        }  # fmt: skip
        return {name: str(value) for name, value in values.items()}

    def row_name(self, method: str) -> str:
        """Return the name of a row in the whole suite."""
        return f"{self.study}/{self.name}/{method}"


def seed_of(task: Task, what: str, repetition: int) -> np.random.SeedSequence:
    """Return the seed of a repetition: of its name alone, so no order or process changes it."""
    digest = hashlib.sha256(f"{task.study}/{task.name}/{what}".encode()).digest()
    return np.random.SeedSequence([int.from_bytes(digest[:16], "big"), repetition])


def share(text: str) -> float:
    """Return a share of the repetitions from the command line."""
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 1; got {text}")
    return value


@dataclass(frozen=True)
class Scope:
    """How much of a study is asked for.

    Attributes
    ----------
    share : float
        Of the repetitions: 1 for all, .01 for minutes.
    mnist : str, optional
        The folder with the four raw files of MNIST; else the subset in this repository.
    """

    share: float = 1.0
    mnist: str | None = None

    def repetitions(self, full: int) -> int:
        """Return how many there are of so many."""
        return math.ceil(self.share * full)


@dataclass(frozen=True)
class Measured:
    """What one method found at one task; `n_rows` are those of the whole study."""

    task: Task
    method: str
    pvalues: Found
    n_rows: int


class Study(Protocol):
    """What the runner needs of the file of a study."""

    @property
    def NAME(self) -> str:  # noqa: N802 (a constant of the file, as the next two)
        """How the study is called."""

    @property
    def COLUMNS(self) -> tuple[str, ...]:  # noqa: N802
        """What its table has beside the columns of all studies."""

    @property
    def SECONDS(self) -> float:  # noqa: N802
        """Roughly those of a repetition on one core."""

    def tasks(self, scope: Scope) -> list[Task]:
        """Return the whole study."""

    def pvalues(
        self, task: Task, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
    ) -> dict[str, float]:
        """Test by every method of the task; may have numbers by other names too, for `extra`."""

    def extra(self, found: Measured) -> dict[str, Any]:
        """Return what the rows of this study have beside the rate."""
