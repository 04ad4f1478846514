"""Compare a shorter run with the tables: ``python -m benchmarks.evidence.again [FOLDER]``.

FOLDER, by default build/evidence-0.1, has what ``python -m benchmarks.evidence --share 0.1`` wrote.
Each of its rates stands beside that of the table; Fisher's exact test, with Holm's adjustment
in each study, says which are others. Writes ``again.csv``, one row a study. Where the code is the
same, both rates come from the same samples, which makes the test conservative.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from scipy.stats import fisher_exact
from statsmodels.stats.multitest import multipletests

from benchmarks import results
from benchmarks.evidence import table
from benchmarks.evidence.runner import STUDIES
from benchmarks.evidence.tasks import LEVEL, RESULTS
from benchmarks.measure import ROOT
from benchmarks.results import Row

SETTINGS = ("n", "m", "d", "n_bins", "n_resamples", "pool")
COLUMNS = (
    "study", "rows", "repetitions", "rejections", "expected", "different", "least_pvalue", "row",
    "rate_then", "rate", "not_compared", "commit_then", "commit", "date",
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Compare, print and write; return 1 if a rate is another one."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.evidence.again", description="Compare a shorter run with the tables."
    )
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build/evidence-0.1")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder of the tables")
    options = parser.parse_args(arguments)
    then, now = (table.load(folder) for folder in (options.out, options.folder))
    if not now:
        parser.error(f"no tables in {options.folder}")
    found = [compared(study, then, now) for study in studies_of(now)]
    results.save(options.out / "again.csv", found, list(COLUMNS))
    print(*map(line, found), sep="\n")
    return int(any(row["different"] for row in found))


def studies_of(rows: Iterable[str]) -> list[str]:
    """Return the studies that have rows, in their order."""
    there = {name.split("/")[0] for name in rows}
    return [study for study in STUDIES if study in there]


def compared(study: str, then: dict[str, Row], now: dict[str, Row]) -> Row:
    """Return the row of a study."""
    mine = [name for name in now if name.split("/")[0] == study]
    names = [name for name in mine if name in then and same_settings(then[name], now[name])]
    row: Row = {"study": study, "rows": len(names), "not_compared": len(mine) - len(names)}
    row["commit"], row["date"] = commits(now, mine), max(now[name]["date"] for name in mine)
    if not names:
        return row | {"different": 0}
    pvalues = [pvalue(then[name], now[name]) for name in names]
    adjusted = multipletests(pvalues, method="holm")[1]
    first = min(range(len(names)), key=pvalues.__getitem__)
    expected = (float(then[name]["rate"]) * int(now[name]["repetitions"]) for name in names)
    return row | {
        "repetitions": sum(int(now[name]["repetitions"]) for name in names),
        "rejections": sum(int(now[name]["rejections"]) for name in names),
        "expected": round(sum(expected)),
        "different": int((adjusted <= LEVEL).sum()),
        "least_pvalue": float(adjusted[first]),
        "row": names[first],
        "rate_then": then[names[first]]["rate"],
        "rate": now[names[first]]["rate"],
        "commit_then": commits(then, names),
    }


def commits(rows: dict[str, Row], names: Iterable[str]) -> str:
    """Return those that these rows were measured with."""
    return " ".join(sorted({rows[name]["commit"] for name in names}))


def same_settings(one: Row, other: Row) -> bool:
    """Tell whether two rows are of the same sizes and relabelings."""
    return all(one[name] == other[name] for name in SETTINGS)


def pvalue(one: Row, other: Row) -> float:
    """Return that of equal rates."""
    counts = [(int(row["rejections"]), int(row["repetitions"])) for row in (one, other)]
    return float(fisher_exact(np.array([(hits, of - hits) for hits, of in counts])).pvalue)


def line(row: Row) -> str:
    """Return one row to read."""
    if not row["rows"]:
        return f"{row['study']:12} nothing to compare"
    return (
        f"{row['study']:12} {row['rows']:4} rows, {row['rejections']} rejections"
        f" ({row['expected']} expected); rates that are others: {row['different']};"
        f" not compared: {row['not_compared']};"
        f" least p {row['least_pvalue']:.2g}: {row['row']} {row['rate_then']} -> {row['rate']}"
    )


if __name__ == "__main__":
    sys.exit(main())
