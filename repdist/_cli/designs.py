"""Which rows belong together, as options say it; read beside the rows."""

from dataclasses import dataclass, replace
from typing import Any

from repdist._cli.load import checked_options, read_groups_and_ids, read_rows, read_rows_and_ids
from repdist._cli.reading import Reading
from repdist._cli.scaling import standardized, standardized_groups

_OF_ROWS = ("--clusters", "--strata")


@dataclass(frozen=True)
class Design:
    """What the options of a command say of its rows.

    Attributes
    ----------
    paired : bool
    clusters, strata, paired_by : str or None
        Columns of ids.
    unmatched : str
    """

    paired: bool
    clusters: str | None
    strata: str | None
    unmatched: str
    paired_by: str | None = None

    @property
    def columns(self) -> dict[str, str]:
        """The columns of ids, by the option that names each."""
        given = {
            "--clusters": self.clusters,
            "--strata": self.strata,
            "--paired-by": self.paired_by,
        }
        return {option: column for option, column in given.items() if column is not None}

    @property
    def by_place(self) -> bool:
        """Whether row i of one belongs to row i of the other."""
        return self.paired and self.clusters is None

    def arguments(self, ids: dict[str, Any]) -> dict[str, Any]:
        """Return what the functions take, the ids being those of `columns`."""
        return {
            "paired": ids.get("--paired-by", self.paired),
            "clusters": ids.get("--clusters"),
            "strata": ids.get("--strata"),
            "unmatched": self.unmatched,
        }


def read_both(
    first: str, second: str, design: Design, reading: Reading
) -> tuple[tuple[Any, Any], dict[str, Any]]:
    """Return two samples, and their design as the functions take it."""
    _check(design, reading, f"of one file would part the others of {first} and {second}")
    reading = checked_options([first, second], reading)
    reading, ids = replace(reading, ids=_OF_ROWS), {}
    if design.columns:
        X, ids_x = read_rows_and_ids(first, design.columns, reading)
        Y, ids_y = read_rows_and_ids(second, design.columns, reading)
        ids = {option: (ids_x[option], ids_y[option]) for option in design.columns}
    else:
        X, Y = read_rows(first, reading), read_rows(second, reading)
    if reading.standardize:
        X, Y = standardized([X, Y])
    return (X, Y), design.arguments(ids)


def read_table(
    features: str, labels: str | None, design: Design, reading: Reading
) -> tuple[Any, Any, dict[str, Any]]:
    """Return groups, their labels, and their design as the function takes it."""
    _check(design, reading, "would part the others of its groups")
    reading = checked_options([features], reading)
    reading = replace(reading, ids=("--labels", *_OF_ROWS))
    groups, of_rows, ids = read_groups_and_ids(features, labels, design.columns, reading)
    groups = standardized_groups(groups) if reading.standardize else groups
    return groups, of_rows, design.arguments(ids)


def _check(design: Design, reading: Reading, parted: str) -> None:
    """Raise if options do not go together."""
    if design.by_place and reading.dropna:
        raise ValueError(
            f"`--dropna` must not be given with `--paired`: rows left out {parted}. Leave out both "
            "rows of such pairs."
        )
    if design.paired_by is not None and design.paired:
        raise ValueError(
            "`--paired` and `--paired-by` must not be given together: rows are paired by place, or "
            "by an id."
        )
    if design.paired_by is not None and design.clusters is not None:
        raise ValueError(
            "`--paired-by` must not be given with `--clusters`. Use `--paired`: clusters of one id "
            "are then a pair."
        )
    if design.paired and design.clusters is not None and design.strata is not None:
        raise ValueError(
            "`--strata` must not be given with `--paired` and `--clusters`: pairs of clusters are "
            "compared within themselves. Test each stratum by itself."
        )
