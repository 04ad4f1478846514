"""`repdist regions`, `repdist witness`: where two files differ, and at which of their rows."""

from pathlib import Path
from typing import Annotated

import typer

import repdist
from repdist._cli.designs import Design, read_both
from repdist._cli.load import checked_options, read_rows
from repdist._cli.options import (
    KERNELS,
    MULTI_RBF,
    N_REGIONS,
    RAISE,
    AsJson,
    ClusterColumn,
    Columns,
    Decimal,
    Drop,
    DropMissing,
    First,
    Header,
    KernelOption,
    Paired,
    Plot,
    Resamples,
    Second,
    Seed,
    Sep,
    Standardize,
    StrataColumn,
    UnmatchedOption,
)
from repdist._cli.outputs import checked_outputs, in_words_of_the_user, show
from repdist._cli.reading import Reading
from repdist._cli.scaling import standardized


def regions(  # noqa: PLR0913 (the options of the command)
    first: First,
    second: Second,
    n_regions: Annotated[
        int, typer.Option("--regions", metavar="K", help="At most so many regions.")
    ] = N_REGIONS,
    paired: Paired = False,
    clusters: ClusterColumn = None,
    strata: StrataColumn = None,
    unmatched: UnmatchedOption = RAISE,
    resamples: Resamples = 9999,
    seed: Seed = 0,
    as_json: AsJson = False,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write one row a region (.csv).")
    ] = None,
    plot: Plot = None,
    sep: Sep = None,
    decimal: Decimal = None,
    header: Header = None,
    columns: Columns = None,
    drop: Drop = None,
    dropna: DropMissing = False,
    standardize: Standardize = False,
) -> None:
    """Tell in which regions one of two samples has more of its rows than the other.

    A and B are files as `repdist test` takes them. Rows are counted from 0, without a header and
    without those that were left out.
    """
    outputs = checked_outputs({"--csv": csv, "--plot": plot}, [first, second])
    reading = Reading(sep, decimal, header, columns or (), drop or (), dropna, standardize)
    design = Design(paired, clusters, strata, unmatched.value)
    samples, said = read_both(first, second, design, reading)
    with in_words_of_the_user({"X": first, "Y": second}):
        result = repdist.region_test(
            *samples, **said, n_regions=n_regions, n_resamples=resamples, rng=seed
        )
    show(result, as_json, outputs, reading.done)


def witness(  # noqa: PLR0913 (the options of the command)
    first: First,
    second: Second,
    kernel: KernelOption = MULTI_RBF,
    as_json: AsJson = False,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write one row a row of A or B (.csv).")
    ] = None,
    plot: Plot = None,
    sep: Sep = None,
    decimal: Decimal = None,
    header: Header = None,
    columns: Columns = None,
    drop: Drop = None,
    dropna: DropMissing = False,
    standardize: Standardize = False,
) -> None:
    """Rank the rows of two samples by how typical they are of one beside the other.

    A and B are files as `repdist test` takes them. Rows are counted from 0, without a header and
    without those that were left out.
    """
    outputs = checked_outputs({"--csv": csv, "--plot": plot}, [first, second])
    reading = Reading(sep, decimal, header, columns or (), drop or (), dropna, standardize)
    reading = checked_options([first, second], reading)
    X, Y = read_rows(first, reading), read_rows(second, reading)
    if reading.standardize:
        X, Y = standardized([X, Y])
    with in_words_of_the_user({"X": first, "Y": second}):
        result = repdist.witness(X, Y, kernel=KERNELS[kernel.value]())
    show(result, as_json, outputs, reading.done)
