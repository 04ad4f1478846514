"""What streams gave, kept in files, so that a run goes on where it was stopped."""

import json
from collections import defaultdict
from pathlib import Path

from benchmarks.evidence.watching import Case, Chunk, Found


class Store:
    """What streams gave, one file a case."""

    def __init__(self, folder: Path, commit: str, anew: bool) -> None:
        self._folder, self._commit, self._anew = folder, commit, anew
        self._held: dict[str, dict[str, Found]] = defaultdict(dict)

    def load(self, case: Case) -> None:
        """Read a case, if its file is of this commit and these settings."""
        path = self._path(case)
        if self._anew or not path.exists():
            return
        stored = json.loads(path.read_text())
        if stored["about"] != self._about(case):
            return
        for part in stored["chunks"]:
            chunk = Chunk(case, part["start"], part["stop"])
            self._held[case.name][key(chunk)] = Found(chunk, part["series"], part["seconds"])

    def has(self, chunk: Chunk) -> bool:
        """Tell whether a chunk is done."""
        return key(chunk) in self._held[chunk.case.name]

    def add(self, found: Found) -> None:
        """Keep a chunk."""
        case = found.chunk.case
        held = self._held[case.name]
        held[key(found.chunk)] = found
        chunks = [
            {"start": f.chunk.start, "stop": f.chunk.stop, "series": f.series,
             "seconds": f.seconds} for f in held.values()
        ]  # fmt: skip
        path = self._path(case)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".json.part")
        part.write_text(json.dumps({"about": self._about(case), "chunks": chunks}))
        part.replace(path)

    def series(self, case: Case) -> tuple[list[list[float]], float]:
        """Return all series of a case in the order of its streams, and the seconds they took."""
        parts = sorted(self._held[case.name].values(), key=lambda found: found.chunk.start)
        return [each for part in parts for each in part.series], sum(p.seconds for p in parts)

    def _path(self, case: Case) -> Path:
        return self._folder / f"{case.name.replace('/', '_')}.json"

    def _about(self, case: Case) -> list[str]:
        return [self._commit, case.settings]


def key(chunk: Chunk) -> str:
    """Return what tells a chunk from others of its case."""
    return f"{chunk.start}-{chunk.stop}"
