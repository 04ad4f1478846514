"""`repdist metric`: KID, CMMD, KAD or FID of features in two files, with error bars."""

import inspect
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from repdist import metrics
from repdist._cli.load import alike, checked_options, read_groups, read_rows, read_rows_and_ids
from repdist._cli.options import (
    AsJson,
    ClusterColumn,
    Columns,
    CsvOfClasses,
    Decimal,
    Drop,
    DropMissing,
    Header,
    Resamples,
    Seed,
    Sep,
    names_of,
)
from repdist._cli.outputs import checked_outputs, in_words_of_the_user, show
from repdist._cli.reading import Reading
from repdist._spreadsheet import write_frame

MetricName: Any = names_of(
    "MetricName", get_args(inspect.signature(metrics.by_label).parameters["metric"].annotation)
)
SUBSET_SIZE = inspect.signature(metrics.kid).parameters["subset_size"].default
_WITHOUT_TEST = ("fid",)


def metric(  # noqa: PLR0913 (the options of the command)
    name: Annotated[MetricName, typer.Argument(metavar="kid|cmmd|kad|fid", help="Which.")],
    real: Annotated[
        str, typer.Argument(metavar="REAL", help="Features of real samples: a file of rows.")
    ],
    fake: Annotated[str, typer.Argument(metavar="FAKE", help="Those of generated samples.")],
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="A table of classes; labels: an array of each .npz, a column of each table.",
        ),
    ] = None,
    clusters: ClusterColumn = None,
    subsets: Annotated[
        int,
        typer.Option(
            metavar="N", help="Of kid: give mean and spread over N random subsets, too, as papers."
        ),
    ] = 0,
    subset_size: Annotated[
        int, typer.Option(metavar="N", help="Rows of each subset.")
    ] = SUBSET_SIZE,
    resamples: Resamples = 9999,
    seed: Seed = 0,
    as_json: AsJson = False,
    csv: CsvOfClasses = None,
    sep: Sep = None,
    decimal: Decimal = None,
    header: Header = None,
    columns: Columns = None,
    drop: Drop = None,
    dropna: DropMissing = False,
) -> None:
    """Compare features of generated samples with those of real ones: a metric and its error.

    REAL and FAKE are files as `repdist test` takes them; with --labels as `repdist by-label` does.
    """
    outputs = checked_outputs({"--csv": csv}, [real, fake])
    reading = Reading(sep, decimal, header, columns or (), drop or (), dropna)
    _check(name.value, labels, {"--subsets": subsets, "--clusters": clusters, "--csv": csv})
    reading = checked_options([real, fake], reading)
    if labels is None and clusters is None:
        with_clusters = ("--clusters",) * (name.value not in _WITHOUT_TEST)
        reading = replace(reading, ids=("--labels", *with_clusters))
    words = {"real": real, "fake": fake}
    if labels is not None:
        random = {"n_resamples": resamples, "rng": seed}
        show(_by_label(name.value, words, labels, reading, random), as_json, outputs)
        return
    samples, said = _read([real, fake], clusters, reading)
    said |= {} if name.value in _WITHOUT_TEST else {"n_resamples": resamples}
    said |= {"subsets": subsets, "subset_size": subset_size} if subsets else {}
    with in_words_of_the_user(words):
        result = getattr(metrics, name.value)(*samples, rng=seed, **said)
    show(result, as_json, {})


def _check(name: str, labels: str | None, given: dict[str, Any]) -> None:
    """Raise if options do not go together."""
    if given["--subsets"] and (name != "kid" or labels is not None):
        raise ValueError("`--subsets` must be given with kid alone, and without `--labels`.")
    if given["--clusters"] is not None and (name in _WITHOUT_TEST or labels is not None):
        raise ValueError(
            "`--clusters` must be given with kid, cmmd or kad, and without `--labels`: the errors "
            "of fid and of classes are those of rows that are independent."
        )
    if given["--csv"] is not None and labels is None:
        raise ValueError(
            "`--csv` must be given with `--labels`: it has one row a class. Use `--json`."
        )


def _read(
    files: list[str], clusters: str | None, reading: Reading
) -> tuple[list[Any], dict[str, Any]]:
    """Return both samples, and the clusters of their rows as the function takes them."""
    if clusters is None:
        return [read_rows(file, reading) for file in files], {}
    found = [read_rows_and_ids(file, {"--clusters": clusters}, reading) for file in files]
    return [rows for rows, _ in found], {"clusters": tuple(ids["--clusters"] for _, ids in found)}


@dataclass(frozen=True)
class _Classes:
    """The table of classes as it is printed and written."""

    frame: Any

    def __str__(self) -> str:
        text: str = self.frame.to_string(float_format="{:.4g}".format, na_rep="")
        return text

    def to_dict(self) -> Any:
        """Return a list of one record a class."""
        return json.loads(self.frame.reset_index().to_json(orient="records", double_precision=15))

    def to_csv(self, path: Path) -> None:
        """Write one row a class."""
        write_frame(path, self.frame.reset_index(), ["label"])


def _by_label(
    name: Any, files: dict[str, str], labels: str, reading: Reading, random: dict[str, Any]
) -> _Classes:
    """Return the table of classes."""
    (real, of_real), (fake, of_fake) = (
        read_groups(file, labels, reading) for file in files.values()
    )
    of_real, of_fake = alike(of_real, of_fake)
    called = {f"{side}_labels": f"--labels of {file}" for side, file in files.items()}
    with in_words_of_the_user(files | called):
        return _Classes(metrics.by_label(name, real, of_real, fake, of_fake, **random))
