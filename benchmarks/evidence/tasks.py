"""What is repeated: a problem, its sizes, and the methods that see the same samples."""

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks.evidence.problems import Problem

LEVEL = 0.05


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
    n_bins: Literal["auto", "rows"] | int = "auto"
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
