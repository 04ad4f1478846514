"""`repdist against`: groups from files against a reference; `repdist by-label`: class by class."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import typer

import repdist
from repdist import _checks
from repdist._cli.load import (
    alike,
    checked_options,
    read_groups,
    read_rows,
    read_rows_and_ids,
    stem,
)
from repdist._cli.options import (
    ALPHA,
    EXACT,
    HOLM,
    KERNELS,
    MAX,
    MULTI_RBF,
    N_LANDMARKS,
    AdjustOption,
    AsJson,
    ClusterColumn,
    Columns,
    CombineOption,
    CsvOfGroups,
    Decimal,
    Drop,
    DropMissing,
    First,
    Header,
    Html,
    KernelOption,
    LandmarksOption,
    MethodOption,
    Plot,
    Resamples,
    Second,
    Seed,
    Sep,
    Standardize,
    StrataColumn,
)
from repdist._cli.outputs import checked_outputs, in_words_of_the_user, show
from repdist._cli.reading import Reading, check_apart, note
from repdist._cli.saved import load_reference, read_batch, saved_kind
from repdist._cli.scaling import standardized
from repdist._numbers import reaches

DIFFERS = 3  # exit code


def against(  # noqa: PLR0913 (the options of the command)
    reference: Annotated[
        str,
        typer.Argument(
            metavar="REF", help="What groups are compared with: a file of rows, or a reference."
        ),
    ],
    files: Annotated[
        list[str],
        typer.Argument(metavar="A", help="The groups: a file of rows each; or sketches of REF."),
    ],
    names: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,...", help="Of the groups.", show_default="of the files"),
    ] = None,
    matched: Annotated[
        bool,
        typer.Option("--matched", help="Row i of every group was made from the same input."),
    ] = False,
    clusters: ClusterColumn = None,
    strata: StrataColumn = None,
    kernel: KernelOption = MULTI_RBF,
    combine: CombineOption = MAX,
    adjust: AdjustOption = HOLM,
    method: MethodOption = EXACT,
    landmarks: LandmarksOption = N_LANDMARKS,
    resamples: Resamples = 9999,
    seed: Seed = 0,
    fail: Annotated[
        bool,
        typer.Option("--fail-if-differs", help=f"Exit with code {DIFFERS} if a group differs."),
    ] = False,
    alpha: Annotated[
        float, typer.Option(help="A group differs if its adjusted p is at most this.")
    ] = ALPHA,
    as_json: AsJson = False,
    csv: CsvOfGroups = None,
    html: Html = None,
    plot: Plot = None,
    sep: Sep = None,
    decimal: Decimal = None,
    header: Header = None,
    columns: Columns = None,
    drop: Drop = None,
    dropna: DropMissing = False,
    standardize: Standardize = False,
) -> None:
    """Compare groups with one reference: which differ from it, and which may be the closest.

    REF and A... are files as `repdist test` takes them. The picture has groups in their order. REF
    may be what `repdist reference fit` wrote, and A... what `repdist sketch` wrote from it.
    """
    given = [reference, *files]
    outputs = checked_outputs({"--csv": csv, "--html": html, "--plot": plot}, given)
    alpha = _checks.fraction("--alpha", alpha)
    called = _names(files, names)
    reading = Reading(sep, decimal, header, columns or (), drop or (), dropna, standardize)
    _refuse_parted("--matched", reading, matched=matched)
    samples, said = _read(given, called, {"--clusters": clusters, "--strata": strata}, reading)
    words = {f"groups[{name!r}]": file for name, file in zip(called, files, strict=True)}
    words |= {"reference": reference, "groups": "A...", "matched": "--matched"}
    with in_words_of_the_user(words):
        result = repdist.compare_to_reference(
            samples[0],
            dict(zip(called, samples[1:], strict=True)),
            matched=matched,
            **said,
            kernel=KERNELS[kernel.value](),
            combine=combine.value,
            adjust=adjust.value,
            method=method.value,
            n_landmarks=landmarks,
            n_resamples=resamples,
            rng=seed,
            progress=not as_json,
        )
    show(result, as_json, outputs, reading.done, order="given")
    if fail:
        _fail_if_differs(result.to_frame(), alpha)


def by_label(  # noqa: PLR0913 (the options of the command)
    first: First,
    second: Second,
    labels: Annotated[
        str,
        typer.Option(metavar="KEY", help="Labels: an array of each .npz, a column of each table."),
    ],
    paired: Annotated[
        bool, typer.Option("--paired", help="Row i of A belongs to row i of B.")
    ] = False,
    kernel: KernelOption = MULTI_RBF,
    combine: CombineOption = MAX,
    adjust: AdjustOption = HOLM,
    resamples: Resamples = 9999,
    seed: Seed = 0,
    as_json: AsJson = False,
    csv: CsvOfGroups = None,
    html: Html = None,
    plot: Plot = None,
    sep: Sep = None,
    decimal: Decimal = None,
    header: Header = None,
    columns: Columns = None,
    drop: Drop = None,
    dropna: DropMissing = False,
    standardize: Standardize = False,
) -> None:
    """Compare two samples within each label: in which classes they differ.

    A and B are tables (.csv, .tsv, .txt, .parquet) with a label column, which is read as text from
    a file of text; or .npz files of features and labels.
    """
    given = [first, second]
    outputs = checked_outputs({"--csv": csv, "--html": html, "--plot": plot}, given)
    reading = Reading(sep, decimal, header, columns or (), drop or (), dropna, standardize)
    _refuse_parted("--paired", reading, matched=paired)
    reading = checked_options(given, reading)
    (X, x_labels), (Y, y_labels) = (read_groups(name, labels, reading) for name in given)
    if reading.standardize:
        X, Y = standardized([X, Y])
    x_labels, y_labels = alike(x_labels, y_labels)
    words = {"X": first, "Y": second}
    words |= {"x_labels": f"--labels of {first}", "y_labels": f"--labels of {second}"}
    with in_words_of_the_user(words):
        result = repdist.compare_by_label(
            X,
            x_labels,
            Y,
            y_labels,
            paired=paired,
            kernel=KERNELS[kernel.value](),
            combine=combine.value,
            adjust=adjust.value,
            n_resamples=resamples,
            rng=seed,
            progress=not as_json,
        )
    show(result, as_json, outputs, reading.done)


def _fail_if_differs(frame: Any, alpha: float) -> None:
    """Exit with a code of its own if a group differs; raise if none ever could."""
    least = (1 / (frame["n_resamples"] + ~frame["exhaustive"])).min()
    if not reaches(least, alpha):
        raise ValueError(
            f"`--alpha` must be at least {least:.2g}, below which no p of so few relabelings can "
            f"be; got {alpha:g}. Give more `--resamples`, or more rows."
        )
    differ = [name for name, p in frame["pvalue_adjusted"].items() if reaches(p, alpha)]
    if differ:
        note(f"{', '.join(differ)}: adjusted p at most {alpha:g}")
        raise typer.Exit(DIFFERS)


def _names(files: Sequence[str], given: Sequence[str] | None) -> list[str]:
    """Return the names of groups: those given, or those of files, in full if some are equal."""
    if given:
        names = [part.strip() for text in given for part in text.split(",")]
        if len(names) != len(files):
            raise ValueError(
                f"`--names` must be one name a group; got {len(names)} for {len(files)} files."
            )
        if "" in names:
            raise ValueError(
                f"`--names` must be one name a group; got an empty one in {given[0]!r}."
            )
        check_apart("`--names` must differ", names)
        return names
    check_apart("`A...` must be different files", list(files), " Leave one out.")
    stems = [stem(file) for file in files]
    return stems if len(set(stems)) == len(stems) else list(files)


def _read(
    files: Sequence[str], names: Sequence[str], ids: dict[str, str | None], reading: Reading
) -> tuple[list[Any], dict[str, Any]]:
    """Return what each file holds, and ids of rows as the function takes them."""
    columns = {option: column for option, column in ids.items() if column is not None}
    reading = checked_options(files, reading)
    if not saved_kind(files[0]):
        reading = replace(reading, ids=tuple(ids))
    if saved_kind(files[0]):
        for option in columns:
            raise ValueError(
                f"`{option}` must be left out with a reference that was saved; {files[0]} is one. "
                "Give its rows as REF."
            )
        if reading.standardize:
            raise ValueError(
                f"`--standardize` must be left out with a reference that was saved; {files[0]} is "
                "one, and its rows are not here. Standardise all rows alike before it is fitted, "
                "by means and deviations of rows put aside."
            )
        return [load_reference(files[0]), *(read_batch(file, reading) for file in files[1:])], {}
    for file in files[1:]:
        if kind := saved_kind(file):
            raise ValueError(
                f"`{file}` must hold rows, as {files[0]} does; it holds a {kind}. Give what "
                "`repdist reference fit` wrote as REF to compare sketches of it."
            )
    if not columns:
        samples = [read_rows(file, reading) for file in files]
        return standardized(samples) if reading.standardize else samples, {}
    found = [read_rows_and_ids(file, columns, reading) for file in files]
    (_, of_reference), *others = found
    said = {
        option[2:]: (
            of_reference[option],
            {name: of_rows[option] for name, (_, of_rows) in zip(names, others, strict=True)},
        )
        for option in columns
    }
    samples = [rows for rows, _ in found]
    return standardized(samples) if reading.standardize else samples, said


def _refuse_parted(option: str, reading: Reading, *, matched: bool) -> None:
    if matched and reading.dropna:
        raise ValueError(
            f"`--dropna` must not be given with `{option}`: rows left out of one file would part "
            "those of the others. Leave out such rows of all files."
        )
