"""The command line: `repdist test`, `matrix`, `check`, `power` and `lenet-gap`."""

import importlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

import repdist
from repdist import kernels
from repdist.kernels import Kernel
from repdist.pairwise import ADJUSTMENTS

app = typer.Typer(
    help="Tell which sets of representations differ, by how much, and how far to trust it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

KERNELS: dict[str, type[Kernel]] = {
    "multi-rbf": kernels.MultiRBF,
    "rbf": kernels.RBF,
    "laplacian": kernels.Laplacian,
    "rational-quadratic": kernels.RationalQuadratic,
    "matern": kernels.Matern,
    "polynomial": kernels.Polynomial,
    "linear": kernels.Linear,
    "energy": kernels.Energy,
}
KernelName = StrEnum("KernelName", list(KERNELS))  # type: ignore[misc]
AdjustName = StrEnum("AdjustName", list(ADJUSTMENTS))  # type: ignore[misc]
CombineName = StrEnum("CombineName", ["max", "mean", "fuse"])
PICTURES = (".png", ".svg", ".pdf")
EstimatorName = StrEnum("EstimatorName", ["unbiased", "biased"])


def main() -> None:
    """Run the command line; bad input ends with its message and exit code 2."""
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


@app.command("test")
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="First sample: a file of rows.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Second sample: a file of rows.")],
    kernel: Annotated[KernelName, typer.Option(help="Kernel.")] = KernelName["multi-rbf"],
    combine: Annotated[
        CombineName, typer.Option(help="How components become one statistic.")
    ] = CombineName.max,
    estimator: Annotated[EstimatorName, typer.Option(help="Of MMD^2.")] = EstimatorName.unbiased,
    resamples: Annotated[int, typer.Option(help="Random relabelings.")] = 9999,
    seed: Annotated[int, typer.Option(help="Seed of the random numbers.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the result (.png, .svg, .pdf).")
    ] = None,
) -> None:
    """Test whether two samples come from the same distribution.

    A and B are .npy files, .npz files (FILE.npz:key), .csv or .parquet files of numeric columns.
    """
    if plot is not None:
        _check_output("--plot", plot, PICTURES)
    samples = read_rows(first), read_rows(second)
    with _in_words_of_the_user({"X": first, "Y": second}):
        result = repdist.mmd_test(
            *samples,
            kernel=KERNELS[kernel.value](),
            combine=combine.value,  # type: ignore[arg-type]
            estimator=estimator.value,  # type: ignore[arg-type]
            n_resamples=resamples,
            rng=seed,
            progress=not as_json,
        )
    _show(result, as_json, plot)


@app.command("matrix")
def matrix(
    features: Annotated[str, typer.Argument(metavar="FEATURES", help="File of groups.")],
    labels: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Labels: an array of the .npz, a column of the table."),
    ] = None,
    kernel: Annotated[KernelName, typer.Option(help="Kernel.")] = KernelName["multi-rbf"],
    combine: Annotated[
        CombineName, typer.Option(help="How components become one statistic.")
    ] = CombineName.max,
    adjust: Annotated[AdjustName, typer.Option(help="Adjustment of p-values.")] = AdjustName[
        "holm"
    ],
    resamples: Annotated[int, typer.Option(help="Random relabelings of a pair.")] = 9999,
    seed: Annotated[int, typer.Option(help="Seed of the random numbers.")] = 0,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write one row a pair (.csv).")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report (.html).")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the table (.png, .svg, .pdf).")
    ] = None,
) -> None:
    """Compare every pair of groups.

    FEATURES is a .npz file of one array a group, or of features and labels (--labels KEY); a .npy
    file of shape (groups, rows, columns); a .csv or .parquet file with a label column.
    """
    for option, path, endings in (
        ("--csv", csv, (".csv",)),
        ("--html", html, (".html", ".htm")),
        ("--plot", plot, PICTURES),
    ):
        if path is not None:
            _check_output(option, path, endings)
    groups, names = read_groups(features, labels)
    with _in_words_of_the_user({"groups": features, "labels": "--labels"}):
        result = repdist.pairwise_mmd_test(
            groups,
            names,
            kernel=KERNELS[kernel.value](),
            combine=combine.value,  # type: ignore[arg-type]
            adjust=adjust.value,  # type: ignore[arg-type]
            n_resamples=resamples,
            rng=seed,
            progress=True,
        )
    _write_outputs(result, csv, html, plot)
    print(result)


@app.command("check")
def check(
    first: Annotated[str, typer.Argument(metavar="A", help="First sample: a file of rows.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Second sample: a file of rows.")],
    kernel: Annotated[KernelName, typer.Option(help="Kernel.")] = KernelName["multi-rbf"],
    combine: Annotated[
        CombineName, typer.Option(help="How components become one statistic.")
    ] = CombineName.max,
    estimator: Annotated[EstimatorName, typer.Option(help="Of MMD^2.")] = EstimatorName.unbiased,
    alpha: Annotated[float, typer.Option(help="Level: reject if p is at most this.")] = 0.05,
    repetitions: Annotated[int, typer.Option(help="How often to shuffle and test.")] = 500,
    resamples: Annotated[int, typer.Option(help="Random relabelings of each test.")] = 199,
    seed: Annotated[int, typer.Option(help="Seed of the random numbers.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the result (.png, .svg, .pdf).")
    ] = None,
) -> None:
    """Check on shuffled rows of two samples that the test rejects no more often than it may.

    A and B are files as `repdist test` takes them.
    """
    if plot is not None:
        _check_output("--plot", plot, PICTURES)
    samples = read_rows(first), read_rows(second)
    with _in_words_of_the_user({"X": first, "Y": second}):
        result = repdist.check_level(
            *samples,
            kernel=KERNELS[kernel.value](),
            combine=combine.value,  # type: ignore[arg-type]
            estimator=estimator.value,  # type: ignore[arg-type]
            alpha=alpha,
            n_repetitions=repetitions,
            n_resamples=resamples,
            rng=seed,
            progress=not as_json,
        )
    _show(result, as_json, plot)


@app.command("power")
def power(
    first: Annotated[str, typer.Argument(metavar="A", help="First sample: a file of rows.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Second sample: a file of rows.")],
    sizes: Annotated[
        str, typer.Option(metavar="N,N,...", help="Rows of each sample to try.")
    ] = "auto",
    kernel: Annotated[KernelName, typer.Option(help="Kernel.")] = KernelName["multi-rbf"],
    combine: Annotated[
        CombineName, typer.Option(help="How components become one statistic.")
    ] = CombineName.max,
    alpha: Annotated[float, typer.Option(help="Level: reject if p is at most this.")] = 0.05,
    repetitions: Annotated[int, typer.Option(help="Pairs of subsamples of each size.")] = 100,
    resamples: Annotated[int, typer.Option(help="Random relabelings of each test.")] = 199,
    seed: Annotated[int, typer.Option(help="Seed of the random numbers.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the result (.png, .svg, .pdf).")
    ] = None,
) -> None:
    """Estimate how many rows of each sample show a difference of the observed size.

    A and B are files as `repdist test` takes them.
    """
    if plot is not None:
        _check_output("--plot", plot, PICTURES)
    tried = _sizes(sizes)
    samples = read_rows(first), read_rows(second)
    with _in_words_of_the_user({"X": first, "Y": second}):
        result = repdist.estimate_power(
            *samples,
            sizes=tried,
            kernel=KERNELS[kernel.value](),
            combine=combine.value,  # type: ignore[arg-type]
            alpha=alpha,
            n_repetitions=repetitions,
            n_resamples=resamples,
            rng=seed,
            progress=not as_json,
        )
    _show(result, as_json, plot)


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


def _show(
    result: repdist.MMDTestResult | repdist.LevelCheck | repdist.PowerCurve,
    as_json: bool,
    plot: Path | None,
) -> None:
    if plot is not None:
        import matplotlib as mpl

        mpl.use("Agg")
        from repdist.plotting import save_figure

        save_figure(result.plot(), plot)
    print(json.dumps(result.to_dict(), indent=2) if as_json else result)


def _write_outputs(
    result: repdist.PairwiseMMDResult, csv: Path | None, html: Path | None, plot: Path | None
) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    if csv is not None:
        result.to_csv(csv)
    if html is not None:
        result.to_html(html)
    if plot is not None:
        from repdist.plotting import save_figure

        save_figure(result.plot(order="clustered"), plot)


def read_groups(name: str, labels: str | None) -> tuple[Any, Any]:
    """Read groups from a file; never unpickles.

    Parameters
    ----------
    name : str
        A path that ends in .npz, .npy, .csv or .parquet, as `repdist matrix` takes it.
    labels : str, optional
        The array of an .npz file, or the column of a table, that holds the labels.

    Returns
    -------
    groups, labels
        As `pairwise_mmd_test` takes them.
    """
    path, key = _split_key(name)
    _check_input(name, path)
    ending = path.suffix.lower()
    if ending == ".npy":
        _refuse_labels(path, labels)
        return _read_npy(path, None), None
    if ending in (".csv", ".parquet"):
        if labels is None:
            raise ValueError(f"`--labels` must name the label column of {path}; got none.")
        return (_csv_table if ending == ".csv" else _parquet_table)(path), labels
    arrays = _all_arrays(path)
    if labels is not None and labels not in arrays:
        raise ValueError(
            f"`--labels` must be an array of {path}; got {labels!r}, it holds "
            f"{', '.join(arrays) or '(none)'}."
        )
    if key is None and labels is None and len(arrays) > 1:
        return arrays, None
    rest = [other for other in arrays if other != labels]
    if key is None and len(rest) == 1:
        key = rest[0]
    if key not in arrays:
        raise ValueError(
            f"`{path}` must hold one array of features beside the labels; it holds "
            f"{', '.join(rest) or '(none)'}. Name one as {path}:KEY."
        )
    return arrays[key], None if labels is None else arrays[labels]


def _refuse_labels(path: Path, labels: str | None) -> None:
    if labels is not None:
        raise ValueError(f"`--labels` must not be given for {path}; got {labels!r}. Use a .npz.")


def read_rows(name: str) -> Any:
    """Read a sample from a file; never unpickles.

    Parameters
    ----------
    name : str
        A path that ends in .npy, .csv, .parquet or .npz, the last with ``:key`` if it holds more
        than one array.

    Returns
    -------
    array, or a DataFrame for .csv and .parquet, whose columns can then be compared.

    Raises
    ------
    ValueError
        If the file is of another kind, is damaged, or holds no such key.
    OSError
        If it cannot be read.
    """
    path, key = _split_key(name)
    _check_input(name, path)
    readers = {".npy": _read_npy, ".npz": _read_npz, ".csv": _read_csv, ".parquet": _read_parquet}
    return readers[path.suffix.lower()](path, key)


def _check_input(name: str, path: Path) -> None:
    endings = (".npy", ".npz", ".csv", ".parquet")
    if path.suffix.lower() not in endings:
        raise ValueError(
            f"`{name}` must end in {', '.join(endings)} (or .npz:key); got "
            f"{path.suffix or 'no ending'}."
        )
    if not path.is_file():
        raise FileNotFoundError(f"`{path}` must be a file; there is none.")


@contextmanager
def _in_words_of_the_user(files: dict[str, str]) -> Iterator[None]:
    """Let messages name files and options where the library names its arguments."""
    words = files | {"n_resamples": "--resamples", "rng": "--seed", "alpha": "--alpha"}
    words |= {"n_repetitions": "--repetitions", "sizes": "--sizes"}
    try:
        yield
    except (TypeError, ValueError) as error:
        message = str(error)
        for name, word in words.items():
            message = message.replace(f"`{name}`", f"`{word}`")
        raise ValueError(message) from None


def _split_key(name: str) -> tuple[Path, str | None]:
    head, ending, key = name.partition(".npz:")
    return (Path(head + ".npz"), key) if ending else (Path(name), None)


def _read_npy(path: Path, key: str | None) -> npt.NDArray[Any]:
    with _says_which_file_is_damaged(path):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    if isinstance(array, np.ndarray):
        return array
    array.close()
    raise ValueError(
        f"`{path}` must be a .npy file of numbers; it is an archive of arrays. Rename it .npz."
    )


def _read_npz(path: Path, key: str | None) -> npt.NDArray[Any]:
    arrays = _all_arrays(path, key)
    if key is None and len(arrays) == 1:
        return next(iter(arrays.values()))
    if key not in arrays:
        raise ValueError(
            f"`{path}` holds the arrays {', '.join(arrays) or '(none)'}; got "
            f"{'no key' if key is None else repr(key)}. Name one of them as {path}:KEY."
        )
    return arrays[key]


def _all_arrays(path: Path, only: str | None = None) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an archive; those beside `only` are named but not read."""
    with path.open("rb") as file:
        if file.read(6) == b"\x93NUMPY":
            raise ValueError(
                f"`{path}` must be a .npz file of numbers; it is one array. Rename it .npy."
            )
        file.seek(0)
        with _says_which_file_is_damaged(path):
            arrays = np.load(file, allow_pickle=False)
            return {
                name: np.asarray(arrays[name]) if only in (None, name) else np.empty(0)
                for name in arrays.files
            }


@contextmanager
def _says_which_file_is_damaged(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # a damaged file makes NumPy, zlib or the tokenizer raise anything
        reason = str(error).rstrip(".")
        if "pickle" in reason or "object" in reason:
            reason = "it holds Python objects, or is no NumPy file"
        raise ValueError(
            f"`{path}` must be an undamaged {path.suffix} file of numbers; reading it failed: "
            f"{reason}. Save it again with `numpy.save` or `numpy.savez`."
        ) from None


def _read_csv(path: Path, key: str | None) -> Any:
    return _numeric(path, _csv_table(path))


def _csv_table(path: Path) -> Any:
    import pandas as pd

    try:
        first = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False)
        names = first.iloc[0].tolist()
        has_header = _is_header(names)
        table = pd.read_csv(
            path,
            header=0 if has_header else None,
            index_col=0 if has_header and names[0] == "" else False,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        reason = str(error).strip().rstrip(".")
        raise ValueError(f"`{path}` must be a .csv file of numbers; {reason}.") from None
    if len(table) == 0:
        raise ValueError(f"`{path}` must hold rows of numbers; got a header only.")
    return table


def _is_header(names: list[str]) -> bool:
    """Tell whether a first line names columns: text, or the numbers that pandas gives them."""
    given = names[1:] if names[0] == "" else names
    return given == [str(i) for i in range(len(given))] or not all(map(_is_number, given))


def _read_parquet(path: Path, key: str | None) -> Any:
    return _numeric(path, _parquet_table(path))


def _parquet_table(path: Path) -> Any:
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except ImportError:
        raise ValueError(
            f'`{path}` needs pyarrow. Install it with: pip install "repdist[parquet]"'
        ) from None
    except Exception as error:  # pyarrow has its own exceptions
        raise ValueError(f"`{path}` must be a .parquet file; {str(error).rstrip('.')}.") from None


def _numeric(path: Path, table: Any) -> Any:
    text = [str(name) for name in table.columns if table[name].dtype.kind not in "biuf"]
    if text:
        raise ValueError(
            f"`{path}` must hold numeric columns only; got other values in {', '.join(text[:5])}. "
            "Remove these columns."
        )
    return table.astype(float)


def _is_number(text: Any) -> bool:
    try:
        float(text)
    except (TypeError, ValueError):
        return False
    return True


def _check_output(option: str, path: Path, endings: tuple[str, ...]) -> None:
    if path.suffix.lower() not in endings:
        expected = ", ".join(endings[:-1]) + " or " * (len(endings) > 1) + endings[-1]
        raise ValueError(f"`{option}` must end in {expected}; got {path.name}.")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise ValueError(f"`{option}` must be a file in an existing folder; got {path}.")


if __name__ == "__main__":
    main()
