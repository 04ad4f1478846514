"""`repdist columns`: which columns of two files differ, and in what."""

from pathlib import Path
from typing import Annotated, Any

import typer

import repdist
from repdist import _checks
from repdist._cli.against import DIFFERS
from repdist._cli.designs import Design, read_both
from repdist._cli.options import (
    ALPHA,
    RAISE,
    AsJson,
    ClusterColumn,
    Columns,
    Decimal,
    Drop,
    DropMissing,
    First,
    Header,
    Html,
    Paired,
    Plot,
    Resamples,
    Second,
    Seed,
    Sep,
    StrataColumn,
    UnmatchedOption,
)
from repdist._cli.outputs import checked_outputs, in_words_of_the_user, show
from repdist._cli.reading import Reading, note
from repdist._numbers import reaches

_NAMED = 6  # columns that a message names


def columns(  # noqa: PLR0913 (the options of the command)
    first: First,
    second: Second,
    names: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Names of the columns, one a line.",
            show_default="those of a table, else numbers",
        ),
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The group of each column, one a line: groups are then tested."
        ),
    ] = None,
    paired: Paired = False,
    clusters: ClusterColumn = None,
    strata: StrataColumn = None,
    unmatched: UnmatchedOption = RAISE,
    resamples: Resamples = 9999,
    seed: Seed = 0,
    fail: Annotated[
        bool,
        typer.Option("--fail-if-differs", help=f"Exit with code {DIFFERS} if a column differs."),
    ] = False,
    alpha: Annotated[
        float, typer.Option(help="A column differs if its adjusted p is at most this.")
    ] = ALPHA,
    as_json: AsJson = False,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write one row a column (.csv).")
    ] = None,
    html: Html = None,
    plot: Plot = None,
    sep: Sep = None,
    decimal: Decimal = None,
    header: Header = None,
    columns: Columns = None,
    drop: Drop = None,
    dropna: DropMissing = False,
) -> None:
    """Tell which columns differ between two samples, and in what.

    A and B are files as `repdist test` takes them.
    """
    given = [first, second, *(str(path) for path in (names, groups) if path is not None)]
    outputs = checked_outputs({"--csv": csv, "--html": html, "--plot": plot}, given)
    alpha = _checks.fraction("--alpha", alpha)
    reading = Reading(sep, decimal, header, columns or (), drop or (), dropna)
    design = Design(paired, clusters, strata, unmatched.value)
    said: dict[str, Any] = {"names": _lines("--names", names), "groups": _lines("--groups", groups)}
    samples, together = read_both(first, second, design, reading)
    words = {"X": first, "Y": second, "names": "--names", "groups": "--groups"}
    with in_words_of_the_user(words):
        result = repdist.column_test(
            samples[0], samples[1], **said, **together, n_resamples=resamples, rng=seed
        )
    show(result, as_json, outputs)
    if fail:
        _fail_if_differs(result, alpha)


def _lines(option: str, path: Path | None) -> list[str] | None:
    """Return the lines of a file of text."""
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except OSError:
        raise OSError(f"`{option}` must be a file that can be read; got {path}.") from None
    except UnicodeDecodeError:
        raise ValueError(f"`{option}` must be a file of text in UTF-8; got {path}.") from None


def _fail_if_differs(result: repdist.ColumnResult, alpha: float) -> None:
    """Exit with a code of its own if a column differs; raise if none ever could."""
    count = len(result.pvalue) if result.control == "holm" else 1
    least = result.relabelings.least_pvalue * count
    if not reaches(least, alpha):
        raise ValueError(
            f"`--alpha` must be at least {least:.2g}, below which no adjusted p of so few "
            f"relabelings can be; got {alpha:g}. Give more `--resamples`, or more rows."
        )
    frame: Any = result.to_frame()
    differ = frame[reaches(frame["pvalue_adjusted"], alpha)].iloc[:, 0].map(str).tolist()
    if differ:
        more = f" and {len(differ) - _NAMED:,} more" * (len(differ) > _NAMED)
        note(f"{', '.join(differ[:_NAMED])}{more}: adjusted p at most {alpha:g}")
        raise typer.Exit(DIFFERS)
