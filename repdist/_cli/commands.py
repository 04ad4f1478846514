"""The command line: `repdist test`, `matrix`, `check`, `power` and `lenet-gap`."""

import dataclasses
import importlib
import inspect
import json
import os
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeAlias, get_args

import typer

import repdist
from repdist import _checks, kernels
from repdist._cli.load import (
    check_options,
    input_path,
    read_groups,
    read_rows,
    read_rows_and_ids,
)
from repdist._cli.reading import Reading
from repdist._files import checked_target

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
            print(f"repdist: {message}", file=sys.stderr)
        told.add(str(message))

    warnings.showwarning = tell
    try:
        app()
    except (ImportError, OSError, TypeError, ValueError, MemoryError) as error:
        print(f"repdist: {error or 'out of memory'}", file=sys.stderr)
        sys.exit(2)


# --- options that commands share -----------------------------------------------------------------


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
    return _names(name, get_args(inspect.signature(function).parameters[parameter].annotation))


def _names(name: str, names: Iterable[str]) -> Any:
    kind: Any = StrEnum
    return kind(name, list(names))


KERNELS = _kernels()
KernelName: Any = _names("KernelName", KERNELS)
CombineName: Any = _choices("CombineName", repdist.mmd_test, "combine")
EstimatorName: Any = _choices("EstimatorName", repdist.mmd_test, "estimator")
AdjustName: Any = _choices("AdjustName", repdist.pairwise_mmd_test, "adjust")
MULTI_RBF, MAX, UNBIASED = KernelName("multi-rbf"), CombineName("max"), EstimatorName("unbiased")
HOLM = AdjustName("holm")
ALPHA = inspect.signature(repdist.check_level).parameters["alpha"].default

First: TypeAlias = Annotated[str, typer.Argument(metavar="A", help="First sample: a file of rows.")]
Second: TypeAlias = Annotated[
    str, typer.Argument(metavar="B", help="Second sample: a file of rows.")
]
KernelOption: TypeAlias = Annotated[KernelName, typer.Option(help="Kernel.")]
CombineOption: TypeAlias = Annotated[
    CombineName, typer.Option(help="How components become one statistic.")
]
Paired: TypeAlias = Annotated[
    bool, typer.Option("--paired", help="Row i of A belongs to row i of B: exchange pairs.")
]
ClusterColumn: TypeAlias = Annotated[
    str | None,
    typer.Option("--clusters", metavar="COLUMN", help="Column of both tables: a row's cluster."),
]
StrataColumn: TypeAlias = Annotated[
    str | None,
    typer.Option("--strata", metavar="COLUMN", help="Column of both tables: a row's stratum."),
]
EstimatorOption: TypeAlias = Annotated[EstimatorName, typer.Option(help="Of MMD^2.")]
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

ENDINGS = {
    "--plot": (".png", ".svg", ".pdf"),
    "--html": (".html", ".htm"),
    "--csv": (".csv",),
}


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


@app.command("test")
def compare(  # noqa: PLR0913 (the options of the command)
    first: First,
    second: Second,
    paired: Paired = False,
    clusters: ClusterColumn = None,
    strata: StrataColumn = None,
    kernel: KernelOption = MULTI_RBF,
    combine: CombineOption = MAX,
    estimator: EstimatorOption = UNBIASED,
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
) -> None:
    """Test whether two samples come from the same distribution.

    A and B are .npy files, .npz files (FILE.npz:key), or tables of numeric columns: .csv, .tsv,
    .txt (.gz), .parquet. Columns that have names are matched by name. A column of ids is not
    compared.
    """
    _check_one_design({"--paired": paired, "--clusters": clusters, "--strata": strata})
    outputs = _checked_outputs({"--html": html, "--plot": plot}, [first, second])
    reading = Reading(sep, decimal, header, columns or (), drop or (), dropna)
    ids: dict[str, Any] = {}
    if clusters is not None:
        samples, ids["clusters"] = _read_with_ids(first, second, reading, "--clusters", clusters)
    elif strata is not None:
        samples, ids["strata"] = _read_with_ids(first, second, reading, "--strata", strata)
    else:
        samples = _read_both(first, second, reading, paired=paired)
    with _in_words_of_the_user({"X": first, "Y": second, "combine": "--combine"}):
        result = repdist.mmd_test(
            *samples,
            paired=paired,
            **ids,
            kernel=KERNELS[kernel.value](),
            combine=combine.value,
            estimator=estimator.value,
            n_resamples=resamples,
            rng=seed,
            progress=not as_json,
        )
    _show(result, as_json, outputs)


@app.command("matrix")
def matrix(  # noqa: PLR0913 (the options of the command)
    features: Annotated[str, typer.Argument(metavar="FEATURES", help="File of groups.")],
    labels: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Labels: an array of the .npz, a column of the table."),
    ] = None,
    kernel: KernelOption = MULTI_RBF,
    combine: CombineOption = MAX,
    adjust: Annotated[AdjustName, typer.Option(help="Adjustment of p-values.")] = HOLM,
    resamples: Resamples = 9999,
    seed: Seed = 0,
    csv: Csv = None,
    html: Html = None,
    plot: Plot = None,
    sep: Sep = None,
    decimal: Decimal = None,
    header: Header = None,
    columns: Columns = None,
    drop: Drop = None,
    dropna: DropMissing = False,
) -> None:
    """Compare every pair of groups.

    FEATURES is a .npz file of one array a group, or of features and labels (--labels KEY); a .npy
    file of shape (groups, rows, columns); or a table (.csv, .tsv, .txt, .parquet) with a label
    column, which is read as text from a file of text.
    """
    outputs = _checked_outputs({"--csv": csv, "--html": html, "--plot": plot}, [features])
    reading = Reading(sep, decimal, header, columns or (), drop or (), dropna)
    check_options([features], reading)
    groups, names = read_groups(features, labels, reading)
    with _in_words_of_the_user({"groups": features, "labels": "--labels"}):
        result = repdist.pairwise_mmd_test(
            groups,
            names,
            kernel=KERNELS[kernel.value](),
            combine=combine.value,
            adjust=adjust.value,
            n_resamples=resamples,
            rng=seed,
            progress=True,
        )
    _show(result, False, outputs, order="clustered")


@app.command("check")
def check(  # noqa: PLR0913 (the options of the command)
    first: First,
    second: Second,
    paired: Paired = False,
    kernel: KernelOption = MULTI_RBF,
    combine: CombineOption = MAX,
    estimator: EstimatorOption = UNBIASED,
    alpha: Alpha = ALPHA,
    repetitions: Annotated[int, typer.Option(help="How often to shuffle and test.")] = 500,
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
) -> None:
    """Check on shuffled rows of two samples that the test rejects no more often than it may.

    A and B are files as `repdist test` takes them.
    """
    outputs = _checked_outputs({"--plot": plot}, [first, second])
    reading = Reading(sep, decimal, header, columns or (), drop or (), dropna)
    samples = _read_both(first, second, reading, paired=paired)
    with _in_words_of_the_user({"X": first, "Y": second}):
        result = repdist.check_level(
            *samples,
            paired=paired,
            kernel=KERNELS[kernel.value](),
            combine=combine.value,
            estimator=estimator.value,
            alpha=alpha,
            n_repetitions=repetitions,
            n_resamples=resamples,
            rng=seed,
            progress=not as_json,
        )
    _show(result, as_json, outputs)


@app.command("power")
def power(  # noqa: PLR0913 (the options of the command)
    first: First,
    second: Second,
    sizes: Annotated[
        str, typer.Option(metavar="N,N,...", help="Rows of each sample, or pairs, to try.")
    ] = "auto",
    paired: Paired = False,
    kernel: KernelOption = MULTI_RBF,
    combine: CombineOption = MAX,
    alpha: Alpha = ALPHA,
    repetitions: Annotated[int, typer.Option(help="Pairs of subsamples of each size.")] = 100,
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
) -> None:
    """Estimate how many rows of each sample show a difference of the observed size.

    A and B are files as `repdist test` takes them.
    """
    outputs = _checked_outputs({"--plot": plot}, [first, second])
    reading = Reading(sep, decimal, header, columns or (), drop or (), dropna)
    tried = _sizes(sizes)
    samples = _read_both(first, second, reading, paired=paired)
    with _in_words_of_the_user({"X": first, "Y": second}):
        result = repdist.estimate_power(
            *samples,
            paired=paired,
            sizes=tried,
            kernel=KERNELS[kernel.value](),
            combine=combine.value,
            alpha=alpha,
            n_repetitions=repetitions,
            n_resamples=resamples,
            rng=seed,
            progress=not as_json,
        )
    _show(result, as_json, outputs)


@app.command(
    "lenet-gap",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True},
)
def lenet_gap(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[OPTIONS] [train]")] = None,
) -> None:
    """Study ten classes of digits as a network sees them, or train that network.

    Its own options: `repdist lenet-gap --help`, `repdist lenet-gap train --help`.
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


def _read_both(first: str, second: str, reading: Reading, *, paired: bool) -> tuple[Any, Any]:
    if paired and reading.dropna:
        raise ValueError(
            "`--dropna` must not be given with `--paired`: rows left out of one file would part "
            f"the others of {first} and {second}. Leave out both rows of such pairs."
        )
    check_options([first, second], reading)
    return read_rows(first, reading), read_rows(second, reading)


def _read_with_ids(
    first: str, second: str, reading: Reading, option: str, column: str
) -> tuple[tuple[Any, Any], tuple[list[str], list[str]]]:
    """Return the samples, and the ids that a column of both files holds."""
    check_options([first, second], reading)
    reading = dataclasses.replace(reading, labels_option=option)
    X, ids_x = read_rows_and_ids(first, column, reading)
    Y, ids_y = read_rows_and_ids(second, column, reading)
    return (X, Y), (ids_x, ids_y)


def _check_one_design(given: dict[str, Any]) -> None:
    """Raise if options say in two ways which rows belong together."""
    options = [f"`{option}`" for option, value in given.items() if value not in (None, False)]
    if len(options) > 1:
        raise ValueError(
            f"{' and '.join(options)} must not be given together: rows belong together in one way."
        )


def _show(result: Any, as_json: bool, outputs: dict[str, Path], **of_plot: Any) -> None:
    """Print the result, then write the files that were asked for."""
    try:
        print(json.dumps(result.to_dict(), indent=2) if as_json else result, flush=True)
    finally:  # the work is done, whoever reads the output
        _write(result, outputs, of_plot)


def _write(result: Any, outputs: dict[str, Path], of_plot: dict[str, Any]) -> None:
    if outputs:
        import matplotlib as mpl

        mpl.use("Agg")
    for option, path in outputs.items():
        with _in_words_of_the_user({"path": option}):
            if option == "--csv":
                result.to_csv(path)
            elif option == "--html":
                result.to_html(path)
            else:
                from repdist.plotting import save_figure

                save_figure(result.plot(**of_plot), path)


@contextmanager
def _in_words_of_the_user(files: dict[str, str]) -> Iterator[None]:
    """Let messages name files and options where the library names its arguments."""
    words = files | {"n_resamples": "--resamples", "rng": "--seed", "alpha": "--alpha"}
    words |= {"n_repetitions": "--repetitions", "sizes": "--sizes", "paired": "--paired"}
    words |= {"clusters": "--clusters", "strata": "--strata"}
    try:
        with warnings.catch_warnings():
            if "path" not in files:  # what a question warns of is a caution of its result
                warnings.simplefilter("ignore", repdist.RepdistWarning)
            yield
    except (OSError, TypeError, ValueError) as error:
        raise ValueError(_reworded(str(error), words)) from None


def _reworded(message: str, words: dict[str, str]) -> str:
    """Return a message without advice in Python, with the user's words for the arguments."""
    first, *others = re.split(r"(?<=[.?!]) (?=[A-Z])", message)
    own = re.compile(rf"({'|'.join(words)})(\[.*\])?")
    kept = [text for text in others if all(map(own.fullmatch, re.findall("`([^`]*)`", text)))]
    text = " ".join([first, *kept])
    for name, word in words.items():
        text = text.replace(f"`{name}`", f"`{word}`").replace(f"`{name}[", f"`{word}[")
    return text


def _checked_outputs(given: dict[str, Path | None], inputs: Iterable[str]) -> dict[str, Path]:
    """Return the files that were asked for, by option, once each can be written.

    None is an input or another output, whatever links lead there.
    """
    outputs = {option: path for option, path in given.items() if path is not None}
    taken = {name: input_path(name) for name in inputs}
    for option, path in outputs.items():
        _check_ending(option, path.name, path)
        with _in_words_of_the_user({"path": option}):
            target = checked_target(path)
        _check_ending(option, f"{path.name}, a link to {target.name}", target)
        if target.exists() and not os.access(target, os.W_OK):
            raise OSError(f"`{option}` must be a file that can be written; got {path}.")
        for name, other in taken.items():
            if target == other or (target.exists() and other.exists() and target.samefile(other)):
                raise ValueError(f"`{option}` must not be the file of {name}; got {path}.")
        taken[f"`{option}`"] = target
    return outputs


def _check_ending(option: str, shown: str, path: Path) -> None:
    endings = ENDINGS[option]
    if path.suffix.lower() not in endings:
        expected = ", ".join(endings[:-1]) + " or " * (len(endings) > 1) + endings[-1]
        raise ValueError(f"`{option}` must end in {expected}; got {shown}.")
