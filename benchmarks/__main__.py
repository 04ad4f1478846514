"""Run the suite: ``python -m benchmarks [--quick] [--out FOLDER] [CASE ...]``.

Writes results.csv and pictures into the folder after every case, so an interrupted run goes on: a
row of the same commit, processor and cores is kept, and so is one that cannot be timed here. Cases
given by name are measured anew, and all if the library has changes that are not committed.
"""

import argparse
import datetime as dt
import fnmatch
import os
import sys
from pathlib import Path

from benchmarks import results
from benchmarks.cases import Case, all_cases
from benchmarks.measure import ROOT, CaseError, NotAvailableError, measure, processor
from benchmarks.plots import save_plots

OURS = ("repdist", "scipy")  # libraries of this environment; the others have one of their own
COMPETITORS = ROOT / ".venv-competitors" / "bin" / "python"


def main(arguments: list[str] | None = None) -> int:
    """Measure, print and write the chosen cases; return 1 if one failed."""
    options = parsed(arguments)
    path = options.out / "results.csv"
    rows = {row["case"]: row for row in results.load(path)}
    where = {"commit": results.commit(), "cpu": processor(), "cores": str(options.cores)}
    print(*(f"{name} {value}" for name, value in where.items()), sep=", ", end="\n\n")
    if os.getloadavg()[0] > 0.5:
        print("The machine is busy: figures of several threads can be off a hundredfold.")
    print(results.HEADER)
    keep = not options.cases and not where["commit"].endswith(results.CHANGED)
    failed, missing = False, set()
    for case in options.chosen:
        known = rows.get(case.name, {})
        if keep and all(known.get(k) == v for k, v in where.items()):
            print(results.line(known), "(kept)")
        elif (case.library, case.device) not in missing:
            try:
                rows[case.name] = measured(case, options) | where
            except NotAvailableError as reason:
                print(f"{case.library} on {case.device}: not timed ({reason})")
                missing.add((case.library, case.device))
            except CaseError as reason:
                print(f"{case.name} failed: {reason}")
                failed = True
            else:
                print(results.line(rows[case.name]), flush=True)
                results.save(path, [rows[c.name] for c in all_cases() if c.name in rows])
    for picture in save_plots(results.load(path), options.out):
        print(f"wrote {picture}")
    print(f"wrote {path}")
    return int(failed)


def measured(case: Case, options: argparse.Namespace) -> results.Row:
    """Measure a case by the interpreter that has its library."""
    python = sys.executable if case.library in OURS else str(options.competitors)
    row = measure(case, python, options.cores, options.seconds)
    return row | {"date": dt.datetime.now().astimezone().isoformat(timespec="seconds")}


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    usable = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser("python -m benchmarks", description="Measure the speed.")
    add = parser.add_argument
    add("cases", nargs="*", metavar="CASE", help="names or patterns such as 'rows-*'; else all")
    add("--quick", action="store_true", help="leave out what is slow, and repeat less")
    add("--out", type=Path, help="default benchmarks/results, or build/bench-quick")
    add("--cores", type=int, choices=range(1, usable + 1), default=usable, metavar="N")
    add("--competitors", type=Path, default=COMPETITORS, metavar="PYTHON",
        help="the interpreter that has the other libraries")  # fmt: skip
    options = parser.parse_args(arguments)
    options.seconds = 1.0 if options.quick else 15.0
    options.out = options.out or ROOT / (
        "build/bench-quick" if options.quick else "benchmarks/results"
    )
    options.chosen = chosen(options.cases, options.quick)
    for pattern in options.cases:
        if not any(fnmatch.fnmatch(case.name, pattern) for case in options.chosen):
            names = ", ".join(case.name for case in all_cases())
            parser.error(f"no case is named {pattern!r}; there are {names}")
    return options


def chosen(patterns: list[str], quick: bool) -> list[Case]:
    """Return the cases that match any pattern, all for none."""
    return [
        case
        for case in all_cases()
        if (case.quick or not quick)
        and any(fnmatch.fnmatch(case.name, pattern) for pattern in patterns or ["*"])
    ]


if __name__ == "__main__":
    sys.exit(main())
