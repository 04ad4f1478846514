"""The witness at the rows of two samples: a ranking."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from repdist import _checks
from repdist._results.card import Card, Result
from repdist._results.words import kernel_words
from repdist._spreadsheet import write_frame
from repdist._typing import Float64
from repdist.kernels import Kernel

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_RANKING = (
    "a ranking without p-values: of many values the largest is large by chance; region_test says "
    "where samples differ, mmd_test whether they do"
)

Numbers = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False, repr=False)
class WitnessResult(Result):
    """The answer of `witness`.

    .. versionadded:: 0.2.0

    Attributes
    ----------
    values_x, values_y : (n,) and (m,)
        At each row; above 0 where there is more of `X`.
    kernel : Kernel
        Fitted: pass it to another call to compare values.
    """

    values_x: Float64
    values_y: Float64
    kernel: Kernel

    @property
    def mmd_squared(self) -> float:
        """The unbiased MMD^2: the mean over `X` less the mean over `Y`."""
        return float(self.values_x.mean() - self.values_y.mean())

    @property
    def cautions(self) -> tuple[str, ...]:
        """What a reader of the result should know."""
        return (_RANKING,)

    def most_typical(self, *, n_rows: int = 5) -> tuple[Numbers, Numbers]:
        """Return which rows of X are most typical of X beside Y, and which of Y beside X.

        Parameters
        ----------
        n_rows : int
            At most so many of each sample. Default 5.

        Returns
        -------
        pair of (r,) arrays
            Numbers of rows of `X` from the largest value, of `Y` from the smallest.

        Raises
        ------
        TypeError, ValueError
            If `n_rows` is no whole number of at least 1.
        """
        n_rows = _checks.whole_number("n_rows", n_rows, 1)
        return (
            np.argsort(-self.values_x, kind="stable")[:n_rows],
            np.argsort(self.values_y, kind="stable")[:n_rows],
        )

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with one row a row of either sample, the most typical of X first.

        Columns: sample ("X" or "Y"), row, witness.
        """
        import pandas as pd

        n, m = len(self.values_x), len(self.values_y)
        frame = pd.DataFrame(
            {
                "sample": np.repeat(["X", "Y"], [n, m]),
                "row": np.concatenate([np.arange(n), np.arange(m)]),
                "witness": np.concatenate([self.values_x, self.values_y]),
            }
        )
        return frame.sort_values("witness", ascending=False, kind="stable", ignore_index=True)

    def to_csv(self, path: str | Path) -> None:
        """Write `to_frame()` to a file, which appears when it is complete.

        Raises
        ------
        TypeError, ValueError, OSError
            If `path` is no file name, is none that can be written in an existing folder, or
            cannot be written to its end; an earlier file is then as it was.
        """
        write_frame(path, self.to_frame(), [])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the distributions of the witness over the rows of both samples.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if it is not given.

        Returns
        -------
        matplotlib Axes
        """
        from repdist.plotting import plot_witness

        return plot_witness(self, ax)

    def __repr__(self) -> str:
        n, m = len(self.values_x), len(self.values_y)
        return f"WitnessResult(n={n}, m={m}, mmd_squared={self.mmd_squared:.4g})"

    def _card(self) -> Card:
        n, m = len(self.values_x), len(self.values_y)
        of_x, of_y = (", ".join(map(str, rows)) for rows in self.most_typical())
        above, below = (self.values_x > 0).mean(), (self.values_y > 0).mean()
        lines = (
            ("MMD^2", f"{self.mmd_squared:.4g}, the mean over X less the mean over Y"),
            ("above 0", f"at {above:.0%} of the rows of X and at {below:.0%} of those of Y"),
            ("typical", f"rows {of_x} of X; rows {of_y} of Y"),
            ("kernel", kernel_words(self.kernel)),
        )
        return Card(f"witness at {n:,} rows and {m:,}", lines, self.cautions)

    def _record(self) -> dict[str, Any]:
        return {
            "n": len(self.values_x),
            "m": len(self.values_y),
            "mmd_squared": self.mmd_squared,
            "kernel": str(self.kernel),
            "cautions": self.cautions,
            "values_x": self.values_x,
            "values_y": self.values_y,
        }
