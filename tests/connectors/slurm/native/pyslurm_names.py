"""Extract from pyslurm's sources what its classes show and take: ``pyslurm_names.py FOLDER > pyslurm-X.json``."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

CLASSES = {
    "Node": "core/node",
    "Nodes": "core/node",
    "Job": "core/job/job",
    "Jobs": "core/job/job",
    "Partition": "core/partition",
    "Partitions": "core/partition",
    "Reservation": "core/reservation",
    "Reservations": "core/reservation",
    "Statistics": "core/slurmctld/stats",
    "TrackableResources": "db/tres",
    "TrackableResource": "db/tres",
    "GPU": "db/tres",
    "RPCError": "core/error",
    "ReservationFlags": "core/reservation",
}
_HEAD = re.compile(r"^(?:cdef )?class (\w+)", re.MULTILINE)


def bodies(text: str) -> dict[str, str]:
    """Each class of a source by its name."""
    heads = list(_HEAD.finditer(text))
    ends = [match.start() for match in heads[1:]] + [len(text)]
    return {match[1]: text[match.start() : end] for match, end in zip(heads, ends, strict=True)}


def names(body: str) -> dict[str, list[str]]:
    """What can be read of an object, set on it and called."""
    read = set(re.findall(r"@property\n    def (\w+)", body))
    read |= set(re.findall(r"^        self\.([a-z]\w*) = ", body, re.MULTILINE))
    written = set(re.findall(r"@(\w+)\.setter", body))
    called = set(re.findall(r"^    def ([a-z]\w*)", body, re.MULTILINE)) - read - written
    constants = set(re.findall(r"^    ([A-Z_]+) +=", body, re.MULTILINE))
    kinds = {"read": read, "written": written, "called": called, "constants": constants}
    return {kind: sorted(found) for kind, found in kinds.items() if found}


def declared(text: str) -> set[str]:
    """The public attributes that a declaration lists."""
    found: set[str] = set()
    for block in re.findall(r"cdef public:\n((?:        .*\n|\n)+)", text):
        found |= {line.split()[-1] for line in block.splitlines() if line.strip()}
    return found


def main(folder: Path) -> None:
    """Say all of it as JSON."""
    told: dict[str, dict[str, list[str]]] = {}
    for name, path in CLASSES.items():
        found = names(bodies((folder / f"{path}.pyx").read_text())[name])
        declaration = folder / f"{path}.pxd"
        if declaration.exists() and name in (classes := bodies(declaration.read_text())):
            found["read"] = sorted(set(found.get("read", ())) | declared(classes[name]))
        told[name] = found
    sys.stdout.write(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
