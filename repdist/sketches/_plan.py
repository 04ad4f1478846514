"""What sketches share: a fitted kernel, landmarks, rows a bin, and the columns of the rows."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist import _arrays, kernels
from repdist._inference.sketched import BinSample
from repdist._pass.landmarks import Landmarks, unit_sums
from repdist._threads import Workers, computing
from repdist._typing import Array, Float64
from repdist.kernels import Kernel
from repdist.kernels._plan import Plan, plan

LEAST_BINS = 8  # that can be told apart from others
LEAST_IN_BIN = 2  # rows


@dataclass(frozen=True, eq=False)
class SketchPlan:
    """How rows become sums.

    Attributes
    ----------
    kernel : Kernel
        Fitted, with values from 0 to 1.
    landmarks : (L, d)
    rows_per_bin, max_bins : int
    columns : tuple of str
        Names, if rows came as a table.
    captured : (R,)
        The share of the kernel that landmarks capture.
    """

    kernel: Kernel
    landmarks: npt.NDArray[Any]
    rows_per_bin: int
    max_bins: int
    columns: tuple[str, ...]
    captured: Float64

    @cached_property
    def how(self) -> Plan:
        """Of the kernel."""
        return plan(self.kernel)

    @cached_property
    def weights(self) -> Float64:
        """Of the components, (R,)."""
        return np.array(self.how.weights)

    @cached_property
    def seen(self) -> Landmarks:
        """The landmarks, ready for a pass."""
        with computing():
            return Landmarks.of(self.how, self.landmarks, precise=False, differences=False)

    @property
    def d(self) -> int:
        """Columns."""
        return int(self.landmarks.shape[1])

    @cached_property
    def digest(self) -> str:
        """What tells this plan from others."""
        text = json.dumps(self.header(), sort_keys=True).encode()
        return hashlib.sha256(text + self.landmarks.tobytes()).hexdigest()[:16]

    def header(self) -> dict[str, Any]:
        """Return what a file says of it."""
        return {
            "kernel": kernel_record(self.kernel),
            "rows_per_bin": self.rows_per_bin,
            "max_bins": self.max_bins,
            "columns": list(self.columns),
            "captured": self.captured.tolist(),
        }

    @classmethod
    def of_file(cls, header: Mapping[str, Any], arrays: Mapping[str, Any]) -> "SketchPlan":
        """Return that of a file."""
        return cls(
            kernel_of(header["kernel"]),
            arrays["landmarks"],
            int(header["rows_per_bin"]),
            int(header["max_bins"]),
            tuple(header["columns"]),
            np.array(header["captured"]),
        )

    def read(self, name: str, rows: Any) -> Array:
        """Return rows, checked, with their columns in the order of the plan."""
        names = _arrays.column_names(rows)
        (array,) = (_arrays.detach(a) for a in _arrays.read_samples({name: rows}, minimum_rows=1))
        if names and self.columns:
            return self.in_order(array, names, name)
        if array.shape[1] != self.d:
            raise ValueError(
                f"`{name}` must have the {self.d} columns of the reference; got {array.shape[1]}."
            )
        return array

    def in_order(self, array: Array, names: tuple[str, ...], name: str = "groups") -> Array:
        """Return rows with their columns, of these names, in the order of the plan."""
        if not names or not self.columns or names == self.columns:
            return array
        if sorted(names) != sorted(self.columns):
            lacking = [column for column in self.columns if column not in names]
            more = [column for column in names if column not in self.columns]
            found = f"none called {_listed(lacking)}" if lacking else f"{_listed(more)} besides"
            if not lacking and not more:
                found = "some twice"
            raise ValueError(f"`{name}` must have the columns of the reference; got {found}.")
        return array[:, [names.index(column) for column in self.columns]]

    def sums(
        self, rows: Array, order: npt.NDArray[np.intp], bins: int, workers: Workers
    ) -> tuple[Float64, Float64, int, int]:
        """Return sums over bins (R, U, L), over all other rows (R, L), how many, and the unseen.

        `order` are the numbers of rows: those of the bins, one after the other, then the others;
        rows that are not in it are left out, and so are others that would fill no bin: no sum is
        of fewer rows.
        """
        unit = np.full(len(rows), bins + 1, dtype=np.int32)
        in_bins = bins * self.rows_per_bin
        unit[order[:in_bins]] = np.repeat(np.arange(bins), self.rows_per_bin)
        n = in_bins
        if len(order) - in_bins >= self.rows_per_bin:
            unit[order[in_bins:]] = bins
            n = len(order)
        landmarks = self.seen
        if _arrays.is_torch(rows):
            landmarks = self._on_device_of(rows)
        with computing():
            found = unit_sums(landmarks, rows, unit, bins + 1, workers)
        return found.sums[:, :bins], found.sums[:, bins], n, found.unseen

    def _on_device_of(self, rows: Array) -> Landmarks:
        xp = _arrays.namespace(rows)
        there = xp.as_tensor(self.landmarks, device=rows.device)
        return Landmarks.of(self.how, there, precise=False, differences=False)

    def features(self, sums: Float64) -> list[Float64]:
        """Return the features of each component, (U, k_r), from sums (R, U, L)."""
        return self.seen.features(sums)

    def weighted(self, sums: Float64) -> Float64:
        """Return the features under the weighted kernel, (U, D)."""
        parts = zip(self.features(sums), np.sqrt(self.weights), strict=True)
        return np.concatenate([features * root for features, root in parts], axis=1)

    def sample(self, bins: Float64, rest: Float64, n: int) -> BinSample:
        """Return sums over bins and over the rest of n rows as a sample."""
        return BinSample(self.weighted(bins), self.weighted(rest[:, None])[0], n, self.rows_per_bin)


def bins_in_words(bins: int, rows_per_bin: int, n: int) -> str:
    """Return how many bins there are, and what lies in none of them."""
    rest = n - bins * rows_per_bin
    more = f"; {rest:,} rows in none, which count in distances" if rest else ""
    return f"{bins:,} of {rows_per_bin} rows{more}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:5])) + ", ..." * (len(names) > 5)


def kernel_record(kernel: Kernel) -> dict[str, Any]:
    """Return a fitted kernel of this library as what JSON knows."""
    name = type(kernel).__name__
    if getattr(kernels, name, None) is not type(kernel):
        raise ValueError(
            f"`kernel` must be one of `repdist.kernels` for a reference; got {name}, which a file "
            "cannot hold."
        )
    given: Any = kernel
    return {"name": name, **dataclasses.asdict(given)}


def kernel_of(record: Mapping[str, Any]) -> Kernel:
    """Return the kernel of a record."""
    name = str(record["name"])
    kind: Any = getattr(kernels, name, None)
    if not isinstance(kind, type) or not issubclass(kind, Kernel):
        raise ValueError(f"a kernel of the file must be one of `repdist.kernels`; got {name!r}.")
    given = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in record.items()
        if key != "name"
    }
    kernel: Kernel = kind(**given)
    return kernel
