"""What landmarks saw of the rows, for a reader of the result."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from repdist._numbers import counted

_LITTLE = 0.5  # of a component: what is captured less was hardly looked at
_FEW_UNSEEN = 0.01  # of the rows
_MANY = 0.25  # of the rows: landmarks that lie in bins themselves


def through(n_landmarks: int) -> str:
    """Return what a line adds if relabelings looked through so many landmarks."""
    return f"; seen through {n_landmarks:,} landmarks" * (n_landmarks > 0)


@dataclass(frozen=True)
class LandmarkView:
    """What relabelings looked at, and which rows the numbers that are quoted come from.

    Attributes
    ----------
    wanted, n_landmarks : int
        Landmarks asked for; those used: fewer if rows repeat each other.
    bandwidths, captured : tuple of float
        Of each component: its bandwidth, and the share of the kernel that landmarks capture.
    rows, unseen : int
        In all; those that no landmark is near to, by half of the widest component.
    left_out : int
        Rows that fill no bin.
    quoted : tuple of int
        Rows of each sample (or group) on which MMD^2, its error and its interval were computed
        exactly: drawn at random, if there are more.
    sampled : bool
        Whether these are not all.
    projected : bool
        Whether MMD^2 is that of the kernel projected on the landmarks, its error from bins.
    apart : int
        Rows that count in distances, but lie in no bin that is relabeled.
    """

    wanted: int
    n_landmarks: int
    bandwidths: tuple[float, ...]
    captured: tuple[float, ...]
    rows: int
    unseen: int
    left_out: int
    quoted: tuple[int, ...]
    sampled: bool
    projected: bool = False
    apart: int = 0

    @property
    def hardly_looked_at(self) -> float:
        """The largest bandwidth of which less than half is captured; 0 if there is none."""
        return max(
            (b for b, c in zip(self.bandwidths, self.captured, strict=True) if c < _LITTLE),
            default=0.0,
        )

    def lines(self) -> list[tuple[str, str]]:
        """Return what a card says, label and text."""
        shares = ", ".join(f"{share:.0%}" for share in self.captured)
        captured = f"captured of components: {shares}"
        few = f" ({self.wanted:,} asked for)" * (self.n_landmarks < self.wanted)
        rest = f"; {counted(self.left_out, 'row')} filled no bin and were left out"
        left = rest * (self.left_out > 0)
        left += f"; {counted(self.apart, 'row')} count in distances alone" * (self.apart > 0)
        return [
            (
                "looked",
                f"through {self.n_landmarks:,} landmarks{few}; {captured}{left}",
            ),
            ("quoted", self._quoted()),
        ]

    def cautions(self) -> list[str]:
        """Return what a reader should know."""
        found = []
        if self.hardly_looked_at > 0:
            found.append(
                f"differences narrower than {self.hardly_looked_at:.3g} were hardly looked at: "
                "landmarks capture less than half of the kernel there; take more of them"
            )
        if self.unseen > _FEW_UNSEEN * self.rows:
            found.append(
                f"{counted(self.unseen, 'row')} of {self.rows:,} are near to no landmark: what "
                "differs among them was hardly looked at; take more landmarks"
            )
        if self.n_landmarks > _MANY * self.rows:
            found.append(
                f"{self.n_landmarks:,} landmarks for {self.rows:,} rows: they are "
                "among the rows that are compared; use fewer, or the exact method"
            )
        return found

    def record(self) -> dict[str, Any]:
        """Return the numbers by name."""
        return dataclasses.asdict(self)

    def arguments(self) -> str:
        """Return the arguments that ask for it."""
        return f'method="landmarks", n_landmarks={self.wanted}, '

    def method(self) -> str:
        """Return a part of a sentence for a paper."""
        seen = f"rows seen through {self.n_landmarks:,} landmarks"
        return f"{seen} and {self._quoted()}" if self.sampled else seen

    def _quoted(self) -> str:
        if self.projected:
            return "MMD^2 of the kernel projected on the landmarks, its error from bins"
        if not self.sampled:
            return "MMD^2, its error and its interval from all rows"
        sizes = " and ".join(f"{n:,}" for n in self.quoted[:2])
        if len(self.quoted) > 2:
            sizes = f"at most {max(self.quoted):,}"
        return f"MMD^2, its error and its interval from {sizes} rows drawn at random"
