"""`repdist equivalence`: whether two files are close enough, and a code for a pipeline."""

from typing import Annotated

import typer

import repdist
from repdist import _checks
from repdist._cli.designs import Design, read_both
from repdist._cli.options import (
    ALPHA,
    EFFECT,
    EXACT,
    KERNELS,
    MULTI_RBF,
    N_LANDMARKS,
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
    LandmarksOption,
    MethodOption,
    Paired,
    Resamples,
    Second,
    Seed,
    Sep,
    Standardize,
    StrataColumn,
    UnitName,
    UnmatchedOption,
)
from repdist._cli.outputs import in_words_of_the_user, show
from repdist._cli.reading import Reading, note
from repdist._numbers import reaches

NOT_SHOWN = 3  # exit code


def equivalence(  # noqa: PLR0913 (the options of the command)
    first: First,
    second: Second,
    margin: Annotated[
        float, typer.Option(metavar="D", help="What distance would matter; chosen beforehand.")
    ],
    unit: Annotated[UnitName, typer.Option(help="Of the margin.")] = EFFECT,
    paired: Paired = False,
    clusters: ClusterColumn = None,
    strata: StrataColumn = None,
    unmatched: UnmatchedOption = RAISE,
    kernel: KernelOption = MULTI_RBF,
    method: MethodOption = EXACT,
    landmarks: LandmarksOption = N_LANDMARKS,
    resamples: Resamples = 9999,
    seed: Seed = 0,
    fail: Annotated[
        bool,
        typer.Option(
            "--fail-unless-close",
            help=f"Exit with code {NOT_SHOWN} if it is not shown that they are.",
        ),
    ] = False,
    alpha: Annotated[float, typer.Option(help="It is shown if p is at most this.")] = ALPHA,
    as_json: AsJson = False,
    sep: Sep = None,
    decimal: Decimal = None,
    header: Header = None,
    columns: Columns = None,
    drop: Drop = None,
    dropna: DropMissing = False,
    standardize: Standardize = False,
) -> None:
    """Test that the distance of two samples is below a margin: close enough.

    A and B are files as `repdist test` takes them.
    """
    margin, alpha = _checks.positive("--margin", margin), _checks.fraction("--alpha", alpha)
    reading = Reading(sep, decimal, header, columns or (), drop or (), dropna, standardize)
    design = Design(paired, clusters, strata, unmatched.value)
    samples, said = read_both(first, second, design, reading)
    with in_words_of_the_user({"X": first, "Y": second}):
        test = repdist.mmd_test(
            *samples,
            **said,
            kernel=KERNELS[kernel.value](),
            method=method.value,
            n_landmarks=landmarks,
            n_resamples=resamples,
            rng=seed,
            progress=not as_json,
        )
        result = test.equivalence(margin, unit.value)
    show(result, as_json, {}, reading.done)
    if fail and not reaches(result.pvalue, alpha):
        note(f"not shown to be below the margin: p = {result.pvalue:.2g} is above {alpha:g}")
        raise typer.Exit(NOT_SHOWN)
