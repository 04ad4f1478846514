"""Run the studies: ``python -m benchmarks.evidence [--share S] [--out FOLDER] [ROW ...]``.

Writes a CSV file a study into the folder after every problem, so an interrupted run goes on: rows
of the same commit, versions and settings are kept, unless the library has changes that are not
committed or ``--anew`` is given. Figures are drawn at the end from all rows that are there.
"""

import argparse
import dataclasses
import fnmatch
import os
import sys
import time
from pathlib import Path

from benchmarks import results
from benchmarks.evidence import table
from benchmarks.evidence.figures import save_figures
from benchmarks.evidence.runner import STUDIES, run
from benchmarks.evidence.tasks import RESULTS, Found, Scope, Task, share
from benchmarks.measure import ROOT


def main(arguments: list[str] | None = None) -> int:
    """Measure, print and write the chosen rows; return 1 if a check of the level alarms."""
    options = parsed(arguments)
    commit = results.commit()
    rows = table.load(options.out)
    keep = not options.anew and not commit.endswith(results.CHANGED)
    todo = [
        task
        for task in options.chosen
        if not keep
        or not all(table.is_current(rows.get(task.row_name(m)), task, commit) for m in task.methods)
    ]
    print(f"commit {commit}, {options.jobs} processes; {len(todo)} problems to do, "
          f"{len(options.chosen) - len(todo)} kept")  # fmt: skip
    counts = {study: rows_in(options.tasks, study) for study in STUDIES}

    def done(task: Task, pvalues: Found, seconds: float) -> None:
        for row in table.rows_of(task, pvalues, seconds, counts[task.study], commit):
            rows[table.key(row)] = row
            print(table.line(row))
        table.save(options.out, rows, options.tasks)

    begin = time.perf_counter()
    run(todo, options.jobs, done)
    rows = table.load(options.out)
    for path in save_figures(list(rows.values()), options.out):
        print(f"wrote {path}")
    print(f"wrote {options.out} after {(time.perf_counter() - begin) / 60:.1f} min")
    alarms = [name for name, row in rows.items() if row.get("alarm")]
    print(*(f"ALARM: the level of {name} is not as it should be" for name in alarms), sep="\n")
    return int(bool(alarms))


def rows_in(tasks: list[Task], study: str) -> int:
    """Return how many rows the whole study has: what its checks share their alarms among."""
    return sum(len(task.methods) for task in tasks if task.study == study)


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    usable = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(
        "python -m benchmarks.evidence", description="Measure level and power."
    )
    add = parser.add_argument
    add("rows", nargs="*", metavar="ROW", help="studies, or 'power/mixture-*/max'; else all")
    add("--share", type=share, default=1.0, metavar="S", help="of the repetitions; .01 for minutes")
    add("--out", type=Path, help="default benchmarks/evidence/results, or build/evidence-S")
    add("--jobs", type=int, default=usable, metavar="N", help="processes; default all cores")
    add("--anew", action="store_true", help="measure also what the tables have already")
    add("--mnist", metavar="PATH", help="the four raw files of MNIST; else the subset that we ship")
    options = parser.parse_args(arguments)
    options.out = options.out or (
        RESULTS if options.share == 1 else ROOT / f"build/evidence-{options.share}"
    )
    if options.jobs < 1:
        parser.error(f"--jobs must be at least 1; got {options.jobs}")
    options.tasks = all_tasks(Scope(options.share, options.mnist))
    options.chosen = chosen(options.tasks, options.rows)
    for pattern in options.rows:
        if not chosen(options.tasks, [pattern]):
            parser.error(f"no row is named {pattern!r}; the studies are {', '.join(STUDIES)}")
    return options


def all_tasks(scope: Scope) -> list[Task]:
    """Return the tasks of all studies."""
    return [task for study in STUDIES.values() for task in study.tasks(scope)]


def chosen(tasks: list[Task], patterns: list[str]) -> list[Task]:
    """Return the tasks with those of their methods that match any pattern, all for none."""
    found = []
    for task in tasks:
        methods = tuple(m for m in task.methods if matches(task.row_name(m), patterns or ["*"]))
        if methods:
            found.append(dataclasses.replace(task, methods=methods))
    return found


def matches(name: str, patterns: list[str]) -> bool:
    """Tell whether a pattern is that of the row, of its problem or of its study."""
    study, problem, _ = name.split("/")
    names = (name, f"{study}/{problem}", study)
    return any(fnmatch.fnmatch(each, pattern) for each in names for pattern in patterns)


if __name__ == "__main__":
    sys.exit(main())
