"""Measure one case in a fresh process: seconds, peak memory, roofline, machine and versions.

The process has the given cores and no other setting of threads: every library finds them by
itself. Memory is counted above the data and above the code that a first small call loads, in this
process alone (hyppo starts more).
"""

import dataclasses
import importlib.metadata
import json
import math
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.cases import Case

ROOT = Path(__file__).parents[1]
MOST_REPETITIONS = 9
SETTINGS = re.compile(r"OPENBLAS_CORETYPE|\w+_NUM_THREADS")


class CaseError(Exception):
    """The process ended without a figure."""


class NotAvailableError(CaseError):
    """The library, its environment, or the GPU is not there."""


def measure(case: Case, python: str, cores: int, budget: float) -> dict[str, Any]:
    """Return one row of the table; repetitions stop after about `budget` seconds."""
    if not Path(python).exists():
        raise NotAvailableError(f"no {python}")
    usable = sorted(os.sched_getaffinity(0))[:cores]
    environment = {k: v for k, v in os.environ.items() if not SETTINGS.fullmatch(k)}
    done = subprocess.run(
        [python, "-W", "ignore", "-m", "benchmarks.measure"],
        input=json.dumps([dataclasses.asdict(case), budget]),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, usable),
    )
    if done.returncode:
        reason = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]
        missing = "ModuleNotFoundError" in reason or "NotAvailableError" in reason
        raise (NotAvailableError if missing else CaseError)(reason)
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def main() -> None:
    """Measure the case on standard input and print its row."""
    fields, budget = json.load(sys.stdin)
    case = Case(**fields)
    run = function_of(case.library)
    size = 200 if case.numba else 20  # few rows are computed in float64, which is not compiled
    size = max(size, 2 * case.n_landmarks, 40 * bool(case.metric))  # the least that FID takes
    small = dataclasses.replace(case, n_resamples=39, groups=min(3, case.groups))
    run(small, groups_of(small, size, size))  # loads, compiles
    groups = groups_of(case, case.n, case.m)
    if case.on_disk:
        groups = [mapped(rows) for rows in groups]
    peak = PEAKS[case.device]()
    calls = repeated(lambda: run(case, groups), budget)
    peak_mb = peak()

    from benchmarks.roofline import ROOFLINES

    median = statistics.median(call["seconds"] for call in calls)
    floor = ROOFLINES[case.device](case.rows, case.d) if case.metric != "fid" else math.nan
    row = {
        **fields,
        "case": case.name,
        **{key: statistics.median(call[key] for call in calls) for key in calls[0]},
        "seconds_median": median,
        "seconds_min": min(call["seconds"] for call in calls),
        "repetitions": len(calls),
        "peak_mb": peak_mb,
        "roofline_seconds": floor,
        "roofline_multiple": median / floor,
        **machine(case.library),
        "gpu": gpu_name(case.device),
    }
    if "sums" in row:
        row["rest"] = median - row["sums"] - row["null"]
    print("\n" + json.dumps(row))


def function_of(library: str) -> Callable[[Case, list[Any]], dict[str, Any]]:
    """Return what runs a case of `library`."""
    if library == "repdist":
        from benchmarks.ours import run

        return run
    from benchmarks.competitors import COMPETITORS

    return COMPETITORS[library]


def groups_of(case: Case, n: int, m: int) -> list[Any]:
    """Return the groups of a case: n rows each, m in the second."""
    import numpy as np

    rng = np.random.default_rng(0)
    sizes = [n, m] + [n] * (case.groups - 2)
    dtype = np.dtype(case.dtype)
    groups = [rng.standard_normal((size, case.d), dtype=dtype) for size in sizes]
    if case.apart:
        groups = [rows + rng.standard_normal(case.d, dtype=dtype) / 2 for rows in groups]
    return groups if case.device == "cpu" else [on_device(rows, case.device) for rows in groups]


def mapped(rows: Any) -> Any:
    """Return rows in a file that goes with them, mapped to be read."""
    import numpy as np

    with tempfile.TemporaryFile() as file:
        rows.tofile(file)
        file.flush()
        return np.memmap(file, rows.dtype, "r", shape=rows.shape)


def on_device(rows: Any, device: str) -> Any:
    """Return a tensor on a device of torch."""
    import torch

    if not torch.cuda.is_available():
        raise NotAvailableError(f"no {device} device that torch can use")
    return torch.as_tensor(rows, device=device)


def repeated(call: Callable[[], dict[str, Any]], budget: float) -> list[dict[str, Any]]:
    """Call until the budget is spent; the first is not counted unless it spends it alone."""
    results: list[dict[str, Any]] = []
    begin = time.perf_counter()
    while len(results) <= MOST_REPETITIONS:
        start = time.perf_counter()
        results.append(call())
        end = time.perf_counter()
        results[-1]["seconds"] = end - start
        if end - begin > budget:
            break
    return results[1:] or results


def peak_of_process() -> Callable[[], float]:
    """Return a function that gives the peak memory of the process since now, in MB above it."""
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    return lambda: status("VmHWM") - before


def peak_of_gpu() -> Callable[[], float]:
    """Return a function that gives the peak memory of the GPU since now, in MB above it."""
    import torch

    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    return lambda: (torch.cuda.max_memory_allocated() - before) / 2**20


PEAKS = {"cpu": peak_of_process, "cuda": peak_of_gpu}


def status(name: str) -> float:
    """Return a memory figure of the process in MB.

    Not `resource.getrusage`: its peak starts at that of the process which started this one.
    """
    text = Path("/proc/self/status").read_text()
    found = re.search(rf"^{name}:\s+(\d+)", text, re.M)
    if found is None:
        raise CaseError(f"no {name} in /proc/self/status")
    return int(found[1]) / 1024


def machine(library: str) -> dict[str, Any]:
    """Describe where this runs: processor, cores, BLAS, versions."""
    import threadpoolctl

    import repdist

    pools = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    blas = max(pools, key=lambda pool: "numpy" in pool["filepath"])  # OpenCV brings one too
    names = dict.fromkeys(["numpy", "torch", "scipy", "numba", library])
    versions = {"python": platform.python_version(), "repdist": repdist.__version__}
    versions |= {name: version(name) for name in names if name not in versions}
    return {
        "cpu": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "blas": f"{blas['internal_api']} {blas['version']} {blas['architecture']}",
        "versions": "; ".join(f"{name} {number}" for name, number in versions.items()),
    }


def processor() -> str:
    """Return the model of the processor."""
    model = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return model[1] if model else platform.machine()


def gpu_name(device: str) -> str:
    """Return the model of a GPU, nothing for the processor."""
    if device == "cpu":
        return ""
    import torch

    return str(torch.cuda.get_device_name())


def version(name: str) -> str:
    """Return the version of an installed package, without importing it."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "none"


if __name__ == "__main__":
    main()
