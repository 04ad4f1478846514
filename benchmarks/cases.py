"""What is timed: the figures to reach, and the cost against one size at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

D = 64


@dataclass(frozen=True)
class Case:
    """One figure. Groups are drawn from one distribution, or far apart; two are two samples."""

    name: str
    n: int
    m: int
    d: int = D
    dtype: str = "float32"
    components: int = 0  # 0: the default kernel
    n_resamples: int = 9999
    groups: int = 2
    apart: bool = False
    library: str = "repdist"
    of_columns: bool = False  # `column_test` in place of `mmd_test`
    numba: bool = False  # whether repdist may use it
    device: str = "cpu"  # "cuda": torch tensors on a GPU
    n_landmarks: int = 0  # 0: all pairs of rows
    on_disk: bool = False  # rows lie in a file, and are mapped
    metric: str = ""  # "kid", "fid": of features, in place of a test
    subsets: int = 0  # of other packages' KID, of 1,000 rows each; 0: one of all rows
    compression: int = 4  # of goodpoints: 4^level times the square root of the rows are kept
    goal: str = ""
    quick: bool = True

    @property
    def rows(self) -> int:
        """Of all groups together."""
        return self.n + self.m + (self.groups - 2) * self.n


def all_cases() -> list[Case]:
    """Return every case, the quick ones and the figures first."""
    return [*figures(), *sweeps(), *others(), *metrics()]


def figures() -> Iterator[Case]:
    """Yield what has a goal; the goals are for two cores."""
    yield Case("figure-300", 300, 300, goal="0.02 s")
    yield Case("figure-1000", 1000, 1000, goal="0.04 s")
    yield Case("figure-float64", 1000, 1000, dtype="float64", goal="2.5 x figure-1000")
    yield Case("figure-20480", 10_240, 10_240, goal="0.55 s, roofline x 2.5")
    yield Case("figure-table", 300, 300, groups=10, goal="0.25 s")
    yield Case("table-40", 100, 100, groups=40, goal="3 s")
    yield Case("table-100", 100, 100, groups=100, goal="15 s", quick=False)
    yield Case("table-100-apart", 100, 100, groups=100, apart=True, goal="90 s", quick=False)
    yield Case("table-1000", 50, 50, groups=1000, goal="30 min, 2 GB", quick=False)
    yield Case("figure-unequal", 7207, 93_070, d=79, goal="10 s, 400 MB", quick=False)
    for n, d, goal in ((1024, 2048, "1 s"), (10_000, 64, "0.2 s beyond the sort")):
        yield Case(f"column-test-{n}x{d}", n, n, d=d, of_columns=True, goal=goal)
    goal = "0.40 s, roofline x 2.5"
    yield Case("figure-20480-numba", 10_240, 10_240, numba=True, goal=goal)
    goal = "10 s, 400 MB"
    yield Case("figure-unequal-numba", 7207, 93_070, d=79, numba=True, goal=goal, quick=False)


def sweeps() -> Iterator[Case]:
    """Yield the cost against rows, columns, components and relabelings."""
    goals = {200_000: "40 s, MB of rows-100000"}
    for rows in (50, 200, 1000, 5000, 20_000, 50_000, 100_000, 200_000):
        half, goal = rows // 2, goals.get(rows, "")
        yield Case(f"rows-{rows}", half, half, goal=goal, quick=rows <= 20_000)
    for rows in (20_000, 50_000, 100_000, 200_000):
        half, goal = rows // 2, goals.get(rows, "")
        yield Case(f"numba-{rows}", half, half, numba=True, goal=goal, quick=rows <= 20_000)
    for rows in (2000, 20_000, 100_000, 200_000, 500_000):
        half = rows // 2
        yield Case(f"gpu-{rows}", half, half, device="cuda", quick=rows <= 20_000)
    for rows, on_disk in ((20_000, False), (10**5, False), (10**6, False), (10**7, True)):
        half, goal = rows // 2, {10**6: "2.5 s", 10**7: "25 s, 500 MB"}.get(rows, "")
        yield Case(
            f"landmarks-{rows}", half, half,
            n_landmarks=256, on_disk=on_disk, goal=goal, quick=rows <= 10**5,
        )  # fmt: skip
    yield Case("gpu-landmarks-1000000", 500_000, 500_000, n_landmarks=256, device="cuda")
    for rows in (16_384, 65_536):
        yield Case(f"landmarks-beside-ctt-{2 * rows}", rows, rows, n_landmarks=256, quick=False)
    for d in (2, 16, 64, 256, 1024):
        yield Case(f"columns-{d}", 2000, 2000, d=d)
    for components in (1, 2, 5, 10):
        yield Case(f"components-{components}", 5000, 5000, components=components)
    for n_resamples in (99, 999, 9999, 99_999, 999_999):
        quick = n_resamples < 999_999
        goal = "" if quick else "0.6 s"
        name = f"resamples-{n_resamples}"
        yield Case(name, 1000, 1000, n_resamples=n_resamples, quick=quick, goal=goal)


# Library: relabelings, and rows of one sample; as many as take minutes, not hours.
OTHERS = {
    "alibi-detect": (1000, (25, 100, 300, 500, 1000)),
    "hyppo": (1000, (25, 100, 300, 500, 1000)),
    "goodpoints": (39, (100, 300, 500, 1000, 10_240, 50_000, 500_000)),
    "scipy": (999, (25, 100, 300, 500, 1000)),
}


def others() -> Iterator[Case]:
    """Yield the other libraries at their usual settings: one kernel, fewer relabelings."""
    for library, (n_resamples, sizes) in OTHERS.items():
        for n in sizes:
            yield Case(
                f"{library}-{2 * n}", n, n,
                components=1, n_resamples=n_resamples, library=library, quick=n == 100,
            )  # fmt: skip
    for library in ("alibi-detect", "goodpoints", "scipy"):  # hyppo would take a quarter of an hour
        n_resamples, _ = OTHERS[library]
        yield Case(
            f"{library}-table", 300, 300, groups=10,
            components=1, n_resamples=n_resamples, library=library, quick=False,
        )  # fmt: skip
    for level in (1, 3):
        for n in (16_384, 65_536):
            yield Case(
                f"goodpoints-g{level}-{2 * n}", n, n,
                components=1, n_resamples=39, library="goodpoints", compression=level, quick=False,
            )  # fmt: skip


def metrics() -> Iterator[Case]:
    """Yield KID and FID of features, by repdist and by packages of metrics.

    The kernel matrices of 100,000 rows do not fit, so of those the others look at subsets, as they
    do if nothing is said.
    """
    for metric, n in (("kid", 5000), ("kid", 50_000), ("fid", 50_000)):
        for library in ("repdist", *PACKAGES):
            beside = library != "repdist"
            yield Case(
                f"{library}-{metric}-{n}" if beside else f"{metric}-{n}", n, n,
                d=2048, components=1, n_resamples=0 if beside else 9999, library=library,
                metric=metric, subsets=100 * (beside and n > 5000), quick=False,
            )  # fmt: skip


PACKAGES = ("torchmetrics", "torch-fidelity")
