"""Check that a tag, the version, the changelog and the citation agree: .ci/release.py v0.2.0."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def faults(tag, root=ROOT):
    """Return what stands in the way of a release under this tag, one line each."""
    text = {
        name: (root / name).read_text(encoding="utf-8")
        for name in ("repdist/_version.py", "CITATION.cff", "CHANGELOG.md")
    }
    version = re.search(r'^__version__ = "(.+)"$', text["repdist/_version.py"], re.MULTILINE)[1]
    found = []
    if tag != f"v{version}":
        found.append(f"the tag must be v{version}, as in repdist/_version.py; got {tag}.")
    if f"\nversion: {version}\n" not in text["CITATION.cff"]:
        found.append(f"CITATION.cff must have the version {version}.")
    heading = re.search(r"^## \[(.+?)\](?: - (.+))?$", text["CHANGELOG.md"], re.MULTILINE)
    if heading[1] != version or not re.fullmatch(r"\d{4}-\d\d-\d\d", heading[2] or ""):
        found.append(
            f"CHANGELOG.md must begin with `## [{version}] - YYYY-MM-DD`; got `{heading[0]}`."
        )
    return found


if __name__ == "__main__":
    found = faults(sys.argv[1])
    print("\n".join(found) or f"{sys.argv[1]} can be released")
    sys.exit(bool(found))
