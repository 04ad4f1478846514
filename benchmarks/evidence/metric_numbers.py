"""Numbers beside other packages: ``python -m benchmarks.evidence.metric_numbers [--out FOLDER]``.

KID and FID of torchmetrics, torch-fidelity and clean-fid, where these are installed, and all four
metrics by their formulas, written out in float64; on features that are made here. Writes
metric_numbers.csv. `difference` is that of the two numbers, as a share of `repdist`'s.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from scipy import linalg
from scipy.spatial.distance import cdist, pdist

from benchmarks import peers, results
from benchmarks.evidence import table
from benchmarks.measure import ROOT, version
from benchmarks.results import Row
from repdist import metrics

NAME = "metric_numbers"
COLUMNS = (
    "features", "dtype", "metric", "of", "library", "value", "ours", "difference",
    "versions", "commit", "repdist", "numpy", "python", "date",
)  # fmt: skip
MODULES = {"torch-fidelity": "torch_fidelity", "clean-fid": "cleanfid"}
FORMULA = "formula"
SUBSETS, SUBSET_SIZE = 100, 1000  # what all three packages do if nothing is said
ALL = "all rows"
DEFAULT = f"{SUBSETS} subsets of {SUBSET_SIZE:,}"


@dataclass(frozen=True)
class Samples:
    """Real and generated features."""

    n: int
    m: int
    d: int
    dtype: str = "float64"

    @property
    def name(self) -> str:
        """Rows and columns."""
        return f"{self.n:,} + {self.m:,} x {self.d}"

    def draw(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what a ReLU leaves of correlated columns: always the same."""
        rng = np.random.default_rng(0)
        layer = rng.normal(size=(self.d, self.d)) / np.sqrt(self.d)
        real, fake = rng.normal(size=(self.n, self.d)), rng.normal(0.1, 1.1, (self.m, self.d))
        real, fake = (np.maximum(rows @ layer, 0).astype(self.dtype) for rows in (real, fake))
        return real, fake


SAMPLES = (
    Samples(400, 400, 64),
    Samples(400, 400, 64, "float32"),
    Samples(100, 100, 256),
    Samples(400, 300, 64),
    Samples(1500, 1500, 64),
)


def main(arguments: list[str] | None = None) -> int:
    """Compute, print and write all numbers."""
    parser = argparse.ArgumentParser(f"python -m benchmarks.evidence.{NAME}")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/evidence/results")
    options = parser.parse_args(arguments)
    there = [name for name in peers.KID if find_spec(MODULES.get(name, name))]
    for name in peers.KID.keys() - there:
        print(f"{name} is not installed: left out")
    rows = []
    for samples in SAMPLES:
        for row in compared(samples, there):
            print(*(row[name] for name in COLUMNS[: COLUMNS.index("versions")]), sep="  ")
            rows.append(row | about(there))
    results.save(options.out / f"{NAME}.csv", rows, list(COLUMNS))
    print(f"wrote {options.out / NAME}.csv")
    return 0


def about(libraries: list[str]) -> Row:
    """Return the versions behind the numbers."""
    told = "; ".join(f"{name} {version(name)}" for name in (*libraries, "torch", "scipy"))
    return {"versions": told} | table.made_by(results.commit())


def compared(samples: Samples, libraries: list[str]) -> Iterator[Row]:
    """Yield a row for every number."""
    real, fake = samples.draw()
    for metric, of, library, value, ours in numbers(real, fake, libraries):
        yield {
            "features": samples.name,
            "dtype": samples.dtype,
            "metric": metric,
            "of": of,
            "library": library,
            "value": f"{value:.12g}",
            "ours": f"{ours:.12g}",
            "difference": f"{(value - ours) / abs(ours):.1e}" if value != ours else "0",
        }


def numbers(
    real: np.ndarray, fake: np.ndarray, libraries: list[str]
) -> Iterator[tuple[str, str, str, float, float]]:
    """Yield metric, rows that it looks at, library, its number and ours."""
    least = min(len(real), len(fake))
    whole = ALL if len(real) == len(fake) else f"1 subset of {least:,}"
    kid = metrics.kid(real, fake, n_resamples=1, rng=0).value
    fid = metrics.fid(real, fake, rng=0).value
    for name in libraries:
        yield "KID", whole, name, peers.KID[name](real, fake, 1, least), kid
        yield "FID", ALL, name, peers.FID[name](real, fake), fid
    if least >= SUBSET_SIZE:
        for name in libraries:
            value = peers.KID[name](real, fake, SUBSETS, SUBSET_SIZE)
            yield "KID", DEFAULT, name, value, kid
        spread = metrics.kid(real, fake, subsets=SUBSETS, n_resamples=1, rng=0).spread
        assert spread is not None
        yield "KID", DEFAULT, "repdist, spread.mean", spread.mean, kid
    ours = {
        "KID": kid,
        "FID": fid,
        "CMMD": metrics.cmmd(real, fake, n_resamples=1, rng=0).value,
        "KAD": metrics.kad(real, fake, n_resamples=1, rng=0).value,
    }
    X, Y = real.astype(np.float64), fake.astype(np.float64)
    for name, value in ours.items():
        yield name, ALL, FORMULA, FORMULAS[name](X, Y), value


# --- formulas ------------------------------------------------------------------------------------


def mmd_squared(K: np.ndarray, L: np.ndarray, M: np.ndarray, *, unbiased: bool) -> float:
    """Return MMD^2 from the kernel between real rows, between others, and across."""
    if not unbiased:
        return float(K.mean() + L.mean() - 2 * M.mean())
    inside = [(A.sum() - np.trace(A)) / (len(A) * (len(A) - 1)) for A in (K, L)]
    return float(sum(inside) - 2 * M.mean())


def kid_formula(X: np.ndarray, Y: np.ndarray) -> float:
    """Return the unbiased MMD^2 under ``(<x, y> / d + 1)^3``."""
    d = X.shape[1]
    kernels = [(A @ B.T / d + 1) ** 3 for A, B in ((X, X), (Y, Y), (X, Y))]
    return mmd_squared(*kernels, unbiased=True)


def gaussian(X: np.ndarray, Y: np.ndarray, bandwidth: float) -> list[np.ndarray]:
    """Return the kernel between real rows, between others, and across."""
    pairs = ((X, X), (Y, Y), (X, Y))
    return [np.exp(-cdist(A, B, "sqeuclidean") / (2 * bandwidth**2)) for A, B in pairs]


def cmmd_formula(X: np.ndarray, Y: np.ndarray) -> float:
    """Return 1,000 times the biased MMD^2 of rows of length 1."""
    X, Y = (A / np.linalg.norm(A, axis=1, keepdims=True) for A in (X, Y))
    return 1000 * mmd_squared(*gaussian(X, Y, 10.0), unbiased=False)


def kad_formula(X: np.ndarray, Y: np.ndarray) -> float:
    """Return 100 times the unbiased MMD^2; the bandwidth is the median distance of real rows."""
    return 100 * mmd_squared(*gaussian(X, Y, float(np.median(pdist(X)))), unbiased=True)


def fid_formula(X: np.ndarray, Y: np.ndarray) -> float:
    """Return the Frechet distance by the root of a symmetric product."""
    S, T = np.cov(X.T), np.cov(Y.T)
    w, V = linalg.eigh(S)
    half = (V * np.sqrt(np.maximum(w, 0))) @ V.T
    root = np.sqrt(np.maximum(linalg.eigvalsh(half @ T @ half), 0)).sum()
    apart = X.mean(axis=0) - Y.mean(axis=0)
    return float(apart @ apart + np.trace(S) + np.trace(T) - 2 * root)


FORMULAS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "KID": kid_formula,
    "FID": fid_formula,
    "CMMD": cmmd_formula,
    "KAD": kad_formula,
}

if __name__ == "__main__":
    sys.exit(main())
