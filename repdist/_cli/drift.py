"""`repdist reference fit`, `sketch` and `monitor`: a reference that travels, week after week."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import numpy as np
import typer

import repdist
from repdist._cli.load import checked_options, input_path, read_rows, stem
from repdist._cli.options import (
    KERNELS,
    MULTI_RBF,
    AsJson,
    Columns,
    CsvOfBatches,
    Decimal,
    Drop,
    DropMissing,
    Header,
    Html,
    KernelOption,
    Plot,
    Resamples,
    Seed,
    Sep,
)
from repdist._cli.outputs import checked_outputs, in_words_of_the_user, show
from repdist._cli.reading import Reading, check_apart, note
from repdist._cli.saved import load_reference, read_batch

ALARM = 3  # exit code
_NUMBER = re.compile("[0-9]+")
_FEW = 5  # names that a note lists
reference_app = typer.Typer(
    help="Make a reference that travels: a file that rows anywhere are compared with.",
    no_args_is_help=True,
)
Output: TypeAlias = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help="What is written (.npz).")
]
SavedReference: TypeAlias = Annotated[
    str, typer.Argument(metavar="REF", help="A file that `repdist reference fit` wrote.")
]


@reference_app.command("fit")
def fit(  # noqa: PLR0913 (the options of the command)
    data: Annotated[str, typer.Argument(metavar="DATA", help="The reference: a file of rows.")],
    output: Output,
    name: Annotated[str | None, typer.Option(help="What messages call it.")] = None,
    rows_per_bin: Annotated[
        int, typer.Option(help="Rows of each sum that is kept, of all that is compared.")
    ] = 32,
    max_bins: Annotated[int, typer.Option(help="At most so many bins are relabeled.")] = 512,
    kernel: KernelOption = MULTI_RBF,
    landmarks: Annotated[int, typer.Option(help="Rows that are kept, and looked through.")] = 256,
    seed: Seed = 0,
    sep: Sep = None,
    decimal: Decimal = None,
    header: Header = None,
    columns: Columns = None,
    drop: Drop = None,
    dropna: DropMissing = False,
) -> None:
    """Fit a reference on rows, and write it to a file, which holds some rows and sums of others.

    DATA is a file as `repdist test` takes it. There is no --standardize: the rows to come are not
    here. Bring these and those to one scale before, by the means and deviations of yet others.
    """
    outputs = checked_outputs({"--output": output}, [data])
    reading = Reading(sep, decimal, header, columns or (), drop or (), dropna)
    checked_options([data], reading)
    rows = read_rows(data, reading)
    with in_words_of_the_user({
        "X": data, "name": "--name", "max_bins": "--max-bins",
    }):  # fmt: skip
        reference = repdist.Reference(
            rows,
            name=name,
            rows_per_bin=rows_per_bin,
            max_bins=max_bins,
            kernel=KERNELS[kernel.value](),
            n_landmarks=landmarks,
            rng=seed,
        )
    show(reference, False, outputs)


def sketch(  # noqa: PLR0913 (the options of the command)
    reference: SavedReference,
    files: Annotated[
        list[str],
        typer.Argument(metavar="DATA", help="Files of rows, or sketches; several are added up."),
    ],
    output: Output,
    seed: Seed = 0,
    sep: Sep = None,
    decimal: Decimal = None,
    header: Header = None,
    columns: Columns = None,
    drop: Drop = None,
    dropna: DropMissing = False,
) -> None:
    """Write the sketch of rows: sums over bins, all that a comparison with REF needs of them.

    DATA are files of rows as `repdist test` takes them, or what this command wrote.
    """
    outputs = checked_outputs({"--output": output}, [reference, *files])
    reading = Reading(sep, decimal, header, columns or (), drop or (), dropna)
    check_apart("`DATA` must be different files", files, " Leave one out.")
    reading = checked_options(files, reading)
    held = load_reference(reference)
    rng = np.random.default_rng(seed)
    whole = _sketched(held, files[0], reading, rng)
    for file in files[1:]:
        whole = whole + _sketched(held, file, reading, rng)
    show(whole, False, outputs)


def monitor(  # noqa: PLR0913 (the options of the command)
    reference: SavedReference,
    weeks: Annotated[
        list[str] | None,
        typer.Argument(metavar="WEEK", help="The new batches: a file of rows or a sketch each."),
    ] = None,
    *,
    state: Annotated[
        Path,
        typer.Option(metavar="FILE", help="What is kept from run to run (.npz); made if missing."),
    ],
    alarm_every: Annotated[
        float, typer.Option(help="Batches from alarm to alarm, on average, if nothing changes.")
    ] = 100,
    skip_seen: Annotated[
        bool, typer.Option("--skip-seen", help="Leave out batches that were seen; says which.")
    ] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Somebody has looked at the alarm of this batch."),
    ] = None,
    resamples: Resamples = 9999,
    seed: Seed = 0,
    as_json: AsJson = False,
    csv: CsvOfBatches = None,
    html: Html = None,
    plot: Plot = None,
    sep: Sep = None,
    decimal: Decimal = None,
    header: Header = None,
    columns: Columns = None,
    drop: Drop = None,
    dropna: DropMissing = False,
) -> None:
    """Watch for drift: each WEEK against REF and all weeks before, with rare false alarms.

    WEEK... are files of rows as `repdist test` takes them, or what `repdist sketch` wrote; each is
    one batch, called as its file without folder and ending. The state is saved after each. The exit
    code is 3 if one of them gave an alarm.
    """
    files = weeks or []
    given = {"--state": state, "--csv": csv, "--html": html, "--plot": plot}
    outputs = checked_outputs(given, [reference, *files])
    del outputs["--state"]
    reading = Reading(sep, decimal, header, columns or (), drop or (), dropna)
    batches = _batches(files)
    if not files and not state.exists():
        raise ValueError(
            f"`WEEK...` must be at least one file to begin with; {state} is not there."
        )
    checked_options(files, reading)  # each batch is read on its own
    held = load_reference(reference)
    words = {"path": "--state", "Monitor.save": "repdist monitor", "reference": reference}
    with (
        in_words_of_the_user(words | {"alarm_every": "--alarm-every"}),
        repdist.Monitor.opened(
            state, held, alarm_every=alarm_every, n_resamples=resamples, rng=seed
        ) as found,
    ):
        for name in accept or ():
            with in_words_of_the_user({"label": "--accept"}):
                found.accept(name)
        _take(found, _new(found, batches, state, skip_seen=skip_seen), state, reading)
        show(found, as_json, outputs)
        alarms = [step for step in found.steps if step.label in {*batches} & {*found.alarms}]
    if alarms:
        note("; ".join(_alarm(step.label, step.since) for step in alarms))
        raise typer.Exit(ALARM)


def _sketched(
    reference: repdist.Reference, file: str, reading: Reading, rng: np.random.Generator
) -> repdist.Sketch:
    """Return the sketch of a file, of this reference."""
    rows = read_batch(file, reading)
    if not isinstance(rows, repdist.Sketch):
        with in_words_of_the_user({"rows": file}):
            return reference.sketch(rows, rng=rng)
    if rows.plan.digest != reference.plan.digest:
        raise ValueError(
            f"`{file}` must be a sketch of this reference, of plan {reference.plan.digest}; got "
            f"one of {rows.plan.digest}. Make it anew from this reference."
        )
    return rows


def _batches(files: Sequence[str]) -> dict[str, str]:
    """Return the file of each batch, by its name."""
    names = [_called(file) for file in files]
    check_apart(
        "`WEEK...` must be files of different names, without folders", names, " Rename one."
    )
    return dict(zip(names, files, strict=True))


def _called(file: str) -> str:
    """Return the name of a batch: that of its file, and the key of an archive."""
    _, _, key = file.partition(".npz:")
    return f"{stem(str(input_path(file)))}:{key}" if key else stem(file)


def _new(
    monitor: repdist.Monitor, batches: dict[str, str], state: Path, *, skip_seen: bool
) -> dict[str, str]:
    """Return the batches that were not seen before; raise if others may not be left out."""
    seen = {step.label for step in monitor.steps}
    again = [name for name in batches if name in seen]
    if again and not skip_seen:
        raise ValueError(
            f"`WEEK...` must be batches that were not seen before; {state} has had "
            f"{', '.join(again)}. Leave them out, or give `--skip-seen`."
        )
    if again:
        note(f"{', '.join(again)}: seen before, left out")
    return {name: file for name, file in batches.items() if name not in seen}


def _take(monitor: repdist.Monitor, batches: dict[str, str], state: Path, reading: Reading) -> None:
    """Update with each batch, and save; if one cannot be read, say which were taken before."""
    _note_order(list(batches))
    taken: list[str] = []
    try:
        for name, file in batches.items():
            rows = read_batch(file, reading)
            with in_words_of_the_user({"rows": file}):
                monitor.update(rows, name)
            monitor.save(state)
            taken.append(name)
    except Exception:
        if taken:
            note(f"{', '.join(taken)}: taken, and saved in {state}; --skip-seen leaves them out")
        raise


def _note_order(names: Sequence[str]) -> None:
    """Note that batches are not in the order of the numbers in their names.

    So a shell lists them: w10 before w2. Only names that are alike but for numbers have an order.
    """
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(_NUMBER.sub("0", name), []).append(name)
    wrong = [group for group in alike.values() if group != sorted(group, key=_numbers)]
    if not wrong:
        return
    shown = ", ".join(names[:_FEW]) + ", ..." * (len(names) > _FEW)
    first, padded = sorted(wrong[0], key=_numbers)[:2], _padded(wrong[0])
    better = ", ".join(map(padded.__getitem__, first))
    renamed = "" if better == ", ".join(first) else f"name them {better}, or "
    note(
        f"weeks are taken in the order given: {shown}; if that is not the order in which they "
        f"came, {renamed}list them in order"
    )


def _padded(names: Sequence[str]) -> dict[str, str]:
    """Return names that are alike but for numbers with zeros, so that text sorts as numbers do."""
    found = [_NUMBER.findall(name) for name in names]
    widths = [max(map(len, numbers)) for numbers in zip(*found, strict=True)]
    texts = _NUMBER.split(names[0])
    return {
        name: texts[0]
        + "".join(
            number.zfill(width) + text
            for number, width, text in zip(numbers, widths, texts[1:], strict=True)
        )
        for name, numbers in zip(names, found, strict=True)
    }


def _numbers(name: str) -> list[int]:
    return [int(number) for number in _NUMBER.findall(name)]


def _alarm(name: str, since: str) -> str:
    """Return that a batch gave an alarm, and since when the evidence grew if not by it alone."""
    grown = "" if since in ("", name) else f" (evidence growing since {since})"
    return f"{name}: alarm{grown}"
