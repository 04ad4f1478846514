"""Options that commands share, with their help."""

import inspect
import re
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeAlias, get_args

import typer

import repdist
from repdist import _checks, kernels


def _kernels() -> dict[str, Any]:
    """Return the kernels that need no argument, by their names in words: `rational-quadratic`."""
    classes: Iterable[Any] = (getattr(kernels, name) for name in kernels.__all__)
    return {
        re.sub("(?<=[a-z])(?=[A-Z])", "-", found.__name__).lower(): found
        for found in classes
        if inspect.isclass(found)
        and not inspect.isabstract(found)
        and all(
            parameter.default is not parameter.empty
            for parameter in inspect.signature(found).parameters.values()
        )
    }


def _choices(name: str, function: Any, parameter: str) -> Any:
    """Return the names that a parameter of a public function takes."""
    return names_of(name, get_args(inspect.signature(function).parameters[parameter].annotation))


def names_of(name: str, names: Iterable[str]) -> Any:
    kind: Any = StrEnum
    return kind(name, list(names))


KERNELS = _kernels()
KernelName: Any = names_of("KernelName", KERNELS)
CombineName: Any = _choices("CombineName", repdist.mmd_test, "combine")
EstimatorName: Any = _choices("EstimatorName", repdist.mmd_test, "estimator")
AdjustName: Any = _choices("AdjustName", repdist.pairwise_mmd_test, "adjust")
UnmatchedName: Any = _choices("UnmatchedName", repdist.mmd_test, "unmatched")
MethodName: Any = _choices("MethodName", repdist.mmd_test, "method")
UnitName: Any = _choices("UnitName", repdist.MMDTestResult.equivalence, "unit")
MULTI_RBF, MAX, UNBIASED = KernelName("multi-rbf"), CombineName("max"), EstimatorName("unbiased")
HOLM, RAISE, EXACT = AdjustName("holm"), UnmatchedName("raise"), MethodName("exact")
EFFECT = UnitName("effect")
ALPHA = inspect.signature(repdist.check_level).parameters["alpha"].default
N_LANDMARKS = inspect.signature(repdist.mmd_test).parameters["n_landmarks"].default
N_REGIONS = inspect.signature(repdist.region_test).parameters["n_regions"].default

First: TypeAlias = Annotated[str, typer.Argument(metavar="A", help="First sample: a file of rows.")]
Second: TypeAlias = Annotated[
    str, typer.Argument(metavar="B", help="Second sample: a file of rows.")
]
KernelOption: TypeAlias = Annotated[KernelName, typer.Option(help="Kernel.")]
CombineOption: TypeAlias = Annotated[
    CombineName, typer.Option(help="How components become one statistic.")
]
Paired: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--paired",
        help="Row i of A belongs to row i of B; with --clusters, those of one id are a pair.",
    ),
]
ClusterColumn: TypeAlias = Annotated[
    str | None,
    typer.Option("--clusters", metavar="COLUMN", help="Column of both tables: a row's cluster."),
]
StrataColumn: TypeAlias = Annotated[
    str | None,
    typer.Option("--strata", metavar="COLUMN", help="Column of both tables: a row's stratum."),
]
PairedGroups: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--paired",
        help="Row i of a group belongs to row i of all; with --clusters, those of one id are a "
        "pair.",
    ),
]
PairedBy: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--paired-by",
        metavar="KEY",
        help="Ids, an array or a column: rows of two groups that have one id are a pair.",
    ),
]
ClusterKey: TypeAlias = Annotated[
    str | None,
    typer.Option("--clusters", metavar="KEY", help="Each row's cluster: an array or a column."),
]
StrataKey: TypeAlias = Annotated[
    str | None,
    typer.Option("--strata", metavar="KEY", help="Each row's stratum: an array or a column."),
]
UnmatchedOption: TypeAlias = Annotated[
    UnmatchedName,
    typer.Option(
        "--unmatched", help="Rows that nothing can be compared with: an error, or left out."
    ),
]
EstimatorOption: TypeAlias = Annotated[EstimatorName, typer.Option(help="Of MMD^2.")]
MethodOption: TypeAlias = Annotated[
    MethodName,
    typer.Option(help="All pairs of rows, or every row against some: for millions of rows."),
]
LandmarksOption: TypeAlias = Annotated[
    int,
    typer.Option(
        "--landmarks",
        metavar="N",
        help="With --method landmarks: against how many rows; more see narrower differences.",
    ),
]
Resamples: TypeAlias = Annotated[
    int, typer.Option(help="At least so many random relabelings of each test.")
]
Alpha: TypeAlias = Annotated[float, typer.Option(help="Level: reject if p is at most this.")]


def _seed(number: int) -> int:
    return _checks.whole_number("--seed", number, 0)


Seed: TypeAlias = Annotated[int, typer.Option(help="Seed of the random numbers.", callback=_seed)]
FOUND = "found in the file"
Sep: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="CHAR",
        help="Separator of a text table: a character, or tab, space.",
        show_default=FOUND,
    ),
]
Decimal: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="CHAR", help="Decimal mark of a text table.", show_default=FOUND),
]
Header: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether the first line of a text table names its columns.",
        show_default=FOUND,
    ),
]
Columns: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME,...", help="Columns of a table to compare.", show_default="all"),
]
Drop: TypeAlias = Annotated[
    list[str] | None, typer.Option(metavar="NAME,...", help="Columns of a table to leave out.")
]
DropMissing: TypeAlias = Annotated[
    bool, typer.Option("--dropna", help="Leave out rows with missing values; says how many.")
]
Standardize: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--standardize",
        help="For columns of different units: each less its mean and over its standard deviation, "
        "those of all rows of all files.",
    ),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Plot: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Draw the result (.png, .svg, .pdf).")
]
Html: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the report (.html).")
]
Csv: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write one row a pair (.csv).")
]
CsvOfGroups: TypeAlias = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", help="Write one row a group (.csv).")
]
CsvOfClasses: TypeAlias = Annotated[
    Path | None,
    typer.Option("--csv", metavar="FILE", help="With --labels: write one row a class (.csv)."),
]
CsvOfBatches: TypeAlias = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", help="Write one row a batch (.csv).")
]
AdjustOption: TypeAlias = Annotated[AdjustName, typer.Option(help="Adjustment of p-values.")]
