"""The command line: `repdist test`, `matrix`, `against`, `monitor`, `check`, and others."""

import importlib
import inspect
import sys
import warnings
from typing import Annotated, Any

import typer

import repdist
from repdist._cli.against import against, by_label
from repdist._cli.columns import columns as which_columns
from repdist._cli.designs import Design, read_both, read_table
from repdist._cli.drift import monitor, reference_app, sketch
from repdist._cli.equivalence import equivalence
from repdist._cli.hints import hinted
from repdist._cli.metric import metric
from repdist._cli.options import (
    ALPHA,
    EXACT,
    HOLM,
    KERNELS,
    MAX,
    MULTI_RBF,
    N_LANDMARKS,
    RAISE,
    UNBIASED,
    AdjustOption,
    Alpha,
    AsJson,
    ClusterColumn,
    ClusterKey,
    Columns,
    CombineOption,
    Csv,
    Decimal,
    Drop,
    DropMissing,
    EstimatorOption,
    First,
    Header,
    Html,
    KernelOption,
    LandmarksOption,
    MethodOption,
    Paired,
    PairedBy,
    PairedGroups,
    Plot,
    Resamples,
    Second,
    Seed,
    Sep,
    Standardize,
    StrataColumn,
    StrataKey,
    UnmatchedOption,
)
from repdist._cli.outputs import (
    checked_outputs,
    in_words_of_the_user,
    show,
    with_options,
    write,
)
from repdist._cli.reading import Reading
from repdist._cli.regions import regions, witness
from repdist._guide import question_of

app = typer.Typer(
    help="Tell which sets of representations differ, by how much, and how far to trust it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; bad input ends with its message and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a name
    told: set[str] = set()

    def tell(message: Warning | str, *_: Any, **__: Any) -> None:
        if str(message) not in told:
            print(f"repdist: {with_options(str(message))}", file=sys.stderr)
        told.add(str(message))

    warnings.showwarning = tell
    try:
        app()
    except (ImportError, OSError, TypeError, ValueError, MemoryError) as error:
        print(f"repdist: {error or 'out of memory'}", file=sys.stderr)
        sys.exit(2)


def _version(wanted: bool) -> None:
    if wanted:
        print(repdist.__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


# --- commands ------------------------------------------------------------------------------------


@app.command("test", short_help=question_of("test"))
def compare(  # noqa: PLR0913 (the options of the command)
    first: First,
    second: Second,
    paired: Paired = False,
    clusters: ClusterColumn = None,
    strata: StrataColumn = None,
    unmatched: UnmatchedOption = RAISE,
    kernel: KernelOption = MULTI_RBF,
    combine: CombineOption = MAX,
    estimator: EstimatorOption = UNBIASED,
    method: MethodOption = EXACT,
    landmarks: LandmarksOption = N_LANDMARKS,
    resamples: Resamples = 9999,
    seed: Seed = 0,
    as_json: AsJson = False,
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
    """Test whether two samples come from the same distribution.

    A and B are .npy files, .npz files (FILE.npz:key), or tables of numeric columns: .csv, .tsv,
    .txt (.gz), .parquet. Columns that have names are matched by name. The columns of
    --clusters and --strata are not compared. The page of --html tells in what they differ, too:
    columns, regions, rows.
    """
    outputs = checked_outputs({"--html": html, "--plot": plot}, [first, second])
    reading = Reading(sep, decimal, header, columns or (), drop or (), dropna, standardize)
    design = Design(paired, clusters, strata, unmatched.value)
    samples, said = read_both(first, second, design, reading)
    question = repdist.mmd_test if html is None else repdist.explain
    with in_words_of_the_user({"X": first, "Y": second}):
        found = question(
            *samples,
            **said,
            kernel=KERNELS[kernel.value](),
            combine=combine.value,
            estimator=estimator.value,
            method=method.value,
            n_landmarks=landmarks,
            n_resamples=resamples,
            rng=seed,
            progress=not as_json,
        )
    page = {option: outputs.pop(option) for option in list(outputs) if option == "--html"}
    test = found.test if isinstance(found, repdist.Explanation) else found
    try:
        show(test, as_json, outputs, reading.done)
    finally:
        write(found, page, f"{reading.done}. X: {first}, Y: {second}".removeprefix(". "))


@app.command(
    "matrix",
    cls=hinted("groups lie in one FEATURES; `repdist against REF A B` compares files."),
    short_help=question_of("matrix"),
)
def matrix(  # noqa: PLR0913 (the options of the command)
    features: Annotated[str, typer.Argument(metavar="FEATURES", help="File of groups.")],
    labels: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Labels: an array of the .npz, a column of the table."),
    ] = None,
    paired: PairedGroups = False,
    paired_by: PairedBy = None,
    clusters: ClusterKey = None,
    strata: StrataKey = None,
    unmatched: UnmatchedOption = RAISE,
    kernel: KernelOption = MULTI_RBF,
    combine: CombineOption = MAX,
    adjust: AdjustOption = HOLM,
    method: MethodOption = EXACT,
    landmarks: LandmarksOption = N_LANDMARKS,
    resamples: Resamples = 9999,
    seed: Seed = 0,
    as_json: AsJson = False,
    csv: Csv = None,
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
    """Compare every pair of groups.

    FEATURES is a .npz file of one array a group, or of features and labels (--labels KEY); a .npy
    file of shape (groups, rows, columns); or a table (.csv, .tsv, .txt, .parquet) with a label
    column, which is read as text from a file of text. Ids of rows (--clusters, --strata,
    --paired-by) stand beside the labels, and are not compared.
    """
    outputs = checked_outputs({"--csv": csv, "--html": html, "--plot": plot}, [features])
    reading = Reading(sep, decimal, header, columns or (), drop or (), dropna, standardize)
    design = Design(paired, clusters, strata, unmatched.value, paired_by)
    groups, names, said = read_table(features, labels, design, reading)
    words = {"groups": features, "labels": "--labels"}
    words |= {} if paired_by is None else {"paired": "--paired-by"}
    with in_words_of_the_user(words):
        result = repdist.pairwise_mmd_test(
            groups,
            names,
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
    show(result, as_json, outputs, reading.done, order="clustered")


app.command("columns", short_help=question_of("columns"))(which_columns)
app.command("regions", short_help=question_of("regions"))(regions)
app.command("witness", short_help=question_of("witness"))(witness)
app.command("against", short_help=question_of("against"))(against)
app.command("equivalence", short_help=question_of("equivalence"))(equivalence)
app.command("by-label", short_help=question_of("by-label"))(by_label)
app.command(
    "metric",
    cls=hinted(
        "one FAKE a call; `repdist against REAL A B --kernel polynomial` compares several by the "
        "kernel of kid."
    ),
    short_help=question_of("metric"),
)(metric)
app.add_typer(reference_app, name="reference")
app.command("sketch", short_help=question_of("sketch"))(sketch)
app.command("monitor", short_help=question_of("monitor"))(monitor)


@app.command("check", short_help=question_of("check"))
def check(  # noqa: PLR0913 (the options of the command)
    first: First,
    second: Second,
    paired: Paired = False,
    clusters: ClusterColumn = None,
    strata: StrataColumn = None,
    unmatched: UnmatchedOption = RAISE,
    kernel: KernelOption = MULTI_RBF,
    combine: CombineOption = MAX,
    estimator: EstimatorOption = UNBIASED,
    alpha: Alpha = ALPHA,
    repetitions: Annotated[int, typer.Option(help="How often to shuffle and test.")] = 500,
    method: MethodOption = EXACT,
    landmarks: LandmarksOption = N_LANDMARKS,
    resamples: Resamples = 1023,
    seed: Seed = 0,
    as_json: AsJson = False,
    plot: Plot = None,
    sep: Sep = None,
    decimal: Decimal = None,
    header: Header = None,
    columns: Columns = None,
    drop: Drop = None,
    dropna: DropMissing = False,
    standardize: Standardize = False,
) -> None:
    """Check on shuffled rows of two samples that the test rejects no more often than it may.

    A and B are files as `repdist test` takes them.
    """
    outputs = checked_outputs({"--plot": plot}, [first, second])
    reading = Reading(sep, decimal, header, columns or (), drop or (), dropna, standardize)
    design = Design(paired, clusters, strata, unmatched.value)
    samples, said = read_both(first, second, design, reading)
    with in_words_of_the_user({"X": first, "Y": second}):
        result = repdist.check_level(
            *samples,
            **said,
            kernel=KERNELS[kernel.value](),
            combine=combine.value,
            estimator=estimator.value,
            alpha=alpha,
            n_repetitions=repetitions,
            method=method.value,
            n_landmarks=landmarks,
            n_resamples=resamples,
            rng=seed,
            progress=not as_json,
        )
    show(result, as_json, outputs, reading.done)


@app.command("power", short_help=question_of("power"))
def power(  # noqa: PLR0913 (the options of the command)
    first: First,
    second: Second,
    sizes: Annotated[
        str, typer.Option(metavar="N,N,...", help="Rows of each sample, pairs or clusters to try.")
    ] = "auto",
    paired: Paired = False,
    clusters: ClusterColumn = None,
    strata: StrataColumn = None,
    unmatched: UnmatchedOption = RAISE,
    kernel: KernelOption = MULTI_RBF,
    combine: CombineOption = MAX,
    alpha: Alpha = ALPHA,
    repetitions: Annotated[int, typer.Option(help="Pairs of subsamples of each size.")] = 100,
    method: MethodOption = EXACT,
    landmarks: LandmarksOption = N_LANDMARKS,
    resamples: Resamples = 1023,
    seed: Seed = 0,
    as_json: AsJson = False,
    plot: Plot = None,
    sep: Sep = None,
    decimal: Decimal = None,
    header: Header = None,
    columns: Columns = None,
    drop: Drop = None,
    dropna: DropMissing = False,
    standardize: Standardize = False,
) -> None:
    """Estimate how many rows of each sample show a difference of the observed size.

    A and B are files as `repdist test` takes them.
    """
    outputs = checked_outputs({"--plot": plot}, [first, second])
    reading = Reading(sep, decimal, header, columns or (), drop or (), dropna, standardize)
    tried = _sizes(sizes)
    design = Design(paired, clusters, strata, unmatched.value)
    samples, said = read_both(first, second, design, reading)
    with in_words_of_the_user({"X": first, "Y": second}):
        result = repdist.estimate_power(
            *samples,
            **said,
            sizes=tried,
            kernel=KERNELS[kernel.value](),
            combine=combine.value,
            alpha=alpha,
            n_repetitions=repetitions,
            method=method.value,
            n_landmarks=landmarks,
            n_resamples=resamples,
            rng=seed,
            progress=not as_json,
        )
    show(result, as_json, outputs, reading.done)


@app.command(
    "lenet-gap",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True},
)
def lenet_gap(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[OPTIONS] [train|notebook]")
    ] = None,
) -> None:
    """Study ten classes of digits as a network sees them, or train that network.

    Its own options: `repdist lenet-gap --help`, `repdist lenet-gap train --help`. A notebook of the
    study: `repdist lenet-gap notebook OUT.ipynb`.
    """
    case_study = importlib.import_module("repdist._experiments.lenet_gap.__main__")
    case_study.app(arguments or [], prog_name="repdist lenet-gap")


def _sizes(text: str) -> Any:
    """Return the numbers in a list with commas; "auto" as it is."""
    if text == "auto":
        return text
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            f'`--sizes` must be "auto" or whole numbers with commas between them; got {text!r}.'
        ) from None


def _unwrap(group: typer.Typer) -> None:
    """Leave the breaking of lines in the help of commands to the terminal."""
    for command in group.registered_commands:
        paragraphs = (inspect.getdoc(command.callback) or "").split("\n\n")
        command.help = "\n\n".join(text.replace("\n", " ") for text in paragraphs)


_unwrap(app)
_unwrap(reference_app)
