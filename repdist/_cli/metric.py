"""`repdist metric`: KID, CMMD, KAD or FID of features in two files, with error bars."""

import inspect
import json
from typing import Annotated, Any, get_args

import typer

from repdist import metrics
from repdist._cli.load import alike, check_options, read_groups, read_rows
from repdist._cli.options import (
    AsJson,
    Columns,
    Decimal,
    Drop,
    DropMissing,
    Header,
    Resamples,
    Seed,
    Sep,
    names_of,
)
from repdist._cli.outputs import in_words_of_the_user, show
from repdist._cli.reading import Reading

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
    reading = Reading(sep, decimal, header, columns or (), drop or (), dropna)
    if subsets and (name.value != "kid" or labels is not None):
        raise ValueError("`--subsets` must be given with kid alone, and without `--labels`.")
    check_options([real, fake], reading)
    words = {"real": real, "fake": fake}
    if labels is not None:
        random = {"n_resamples": resamples, "rng": seed}
        _show_table(_by_label(name.value, words, labels, reading, random), as_json)
        return
    samples = [read_rows(file, reading) for file in (real, fake)]
    options: dict[str, Any] = {} if name.value in _WITHOUT_TEST else {"n_resamples": resamples}
    options |= {"subsets": subsets, "subset_size": subset_size} if subsets else {}
    with in_words_of_the_user(words):
        result = getattr(metrics, name.value)(*samples, rng=seed, **options)
    show(result, as_json, {})


def _by_label(
    name: Any, files: dict[str, str], labels: str, reading: Reading, random: dict[str, Any]
) -> Any:
    """Return the table of classes."""
    (real, of_real), (fake, of_fake) = (
        read_groups(file, labels, reading) for file in files.values()
    )
    of_real, of_fake = alike(of_real, of_fake)
    called = {f"{side}_labels": f"--labels of {file}" for side, file in files.items()}
    with in_words_of_the_user(files | called):
        return metrics.by_label(name, real, of_real, fake, of_fake, **random)


def _show_table(table: Any, as_json: bool) -> None:
    """Print a table of classes; as JSON, a list of one record a class."""
    if not as_json:
        print(table.to_string(float_format="{:.4g}".format, na_rep=""))
        return
    records = json.loads(table.reset_index().to_json(orient="records", double_precision=15))
    print(json.dumps(records, indent=2))
