"""Print the oldest versions that pyproject.toml allows, as requirements: `make test-oldest`."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = {"tensorflow"}  # the case study's figures rest on the one version in constraints.txt
HELD = {"torch"}  # as constraints.txt holds it: the oldest comes with gigabytes of CUDA libraries
FORM = re.compile(r"([A-Za-z0-9._-]+)(\[[a-z,]+\])?>=([0-9.]+)(?:; .*)?")


def declared():
    """Return the requirements of users, with the extras, and of the tests."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    return {
        *project["project"]["dependencies"],
        *(requirement for extra in extras for requirement in extra),
        *project["dependency-groups"]["test"],
    }


def held():
    """Return the lines of constraints.txt about what is held."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.partition("==")[0] in HELD]


def oldest(requirements):
    """Return `name==bound` for each `name>=bound` that is neither held nor left out.

    Raises
    ------
    ValueError
        If a requirement has no lower bound, or more than that.
    """
    pinned = []
    for requirement in sorted(requirements):
        found = FORM.fullmatch(requirement)
        if found is None:
            raise ValueError(f"a requirement must be `name>=version`; got {requirement!r}.")
        name, extras, bound = found.groups(default="")
        if name not in HELD | LEFT_OUT:
            pinned.append(f"{name}{extras}=={bound}")
    return pinned


if __name__ == "__main__":
    print("\n".join([*oldest(declared()), *held()]))
