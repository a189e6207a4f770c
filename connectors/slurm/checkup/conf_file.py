"""slurm.conf, as slurmctld reads it: includes, continued lines, comments, keys in any case. Nothing is run."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from models.errors import BadInput
from models.hostlists import hosts_of_parts

DEPTH_MOST = 10  # of includes within includes
BYTES_MOST = 16 * 2**20  # of all files together
_PAIR = re.compile(r'([A-Za-z][A-Za-z0-9_/.-]*)\s*[+-]?=\s*("[^"]*"|\S*)')
_INCLUDE = re.compile(r"include\s+(\S+)", re.IGNORECASE)
_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)#.*")  # unless it is written \#
_GOES_ON = re.compile(r"(?<!\\)((?:\\\\)*)\\\s*\Z")
_ESCAPED = re.compile(r"\\(.)")
_RECORDS = frozenset(("downnodes", "frontendname", "switchname"))  # many of a kind: not read
DEFAULT = "DEFAULT"  # in the place of a name: what the lines after it need not say


@dataclass
class SlurmConf:
    """What a slurm.conf says: the last value of each key, by the key in small letters, and of each partition's keys.

    ``hosts`` are those of slurmctld, the first one and its backups; ``nodes`` have their features.
    """

    values: dict[str, str] = field(default_factory=dict)
    partitions: dict[str, Mapping[str, str]] = field(default_factory=dict)
    hosts: list[str] = field(default_factory=list)
    nodes: dict[str, str] = field(default_factory=dict)
    node_sets: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def take(self, line: str) -> None:
        """Add what one whole line says."""
        pairs = [(key.lower(), value.strip('"')) for key, value in _PAIR.findall(line)]
        told = dict(pairs)
        if "partitionname" in told:
            for word in told["partitionname"].split(","):
                name = DEFAULT if word.upper() == DEFAULT else word
                self.partitions[name] = {**self.partitions.get(DEFAULT, {}), **self.partitions.get(name, {}), **told}
        elif "nodename" in told:
            features = told.get("feature") or told.get("features") or ""
            names = hosts_of_parts(told["nodename"])
            self.nodes |= {name: features for name in names if name.upper() != DEFAULT}
        elif "nodeset" in told:
            self.node_sets[told["nodeset"]] = told
        elif not told.keys() & _RECORDS:
            self.hosts += [value for key, value in pairs if key == "slurmctldhost"]
            self.values |= told

    def members(self, listed: str) -> Collection[str]:
        """The nodes that a partition lists by their names, by node sets or as ALL."""
        sets = [self.node_sets[part] for part in listed.split(",") if part in self.node_sets]
        features = {one["feature"] for one in sets if "feature" in one}
        every = "ALL" in listed.upper().split(",")
        found = {name for name, has in self.nodes.items() if every or not features.isdisjoint(has.split(","))}
        return found.union(*(hosts_of_parts(one.get("nodes", "")) for one in sets), hosts_of_parts(listed))


def read_conf(path: Path) -> SlurmConf:
    """The slurm.conf at ``path`` with all that it includes. Raises BadInput, which names the file that cannot be used.

    A relative include is taken from the folder of ``path``, as slurmctld takes it from that of slurm.conf.
    """
    conf = SlurmConf()
    left = [BYTES_MOST]
    for line in _lines(path, path.parent, 0, left):
        conf.take(line)
    if not conf.values:
        raise BadInput("says nothing: it is no slurm.conf", where=str(path), remedy="mend spec.slurm.conf")
    return conf


def _lines(path: Path, folder: Path, depth: int, left: list[int]) -> Iterator[str]:
    """The lines, each one whole, those of included files where they are included."""
    if depth > DEPTH_MOST:
        raise BadInput(f"is included more than {DEPTH_MOST} files deep", where=str(path), remedy="mend the includes")
    text = _text(path, left)
    cluster = ""
    for line in _whole(text):
        if include := _INCLUDE.match(line):
            name = include[1].strip('"').replace("%c", cluster)
            yield from _lines(folder / name, folder, depth + 1, left)
        else:
            cluster = next((v.lower() for k, v in _PAIR.findall(line) if k.lower() == "clustername"), cluster)
            yield line


def _text(path: Path, left: list[int]) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(left[0] + 1)
    except OSError as error:
        what = (error.strerror or type(error).__name__).lower()
        remedy = "give the path of a slurm.conf that this user can read as spec.slurm.conf, with all that it includes"
        raise BadInput(f"cannot be read: {what}", where=str(path), remedy=remedy) from error
    left[0] -= len(raw)
    if left[0] < 0:
        raise BadInput(f"is larger than {BYTES_MOST} bytes", where=str(path), remedy="mend spec.slurm.conf")
    return raw.decode(errors="replace")


def _whole(text: str) -> Iterator[str]:
    """Lines without comments, each that ends with a backslash together with the next, and no blank between them."""
    begun = ""
    for raw in (*text.split("\n"), ""):
        line = begun + _COMMENT.sub(r"\1", raw)
        if (more := _GOES_ON.search(line)) is not None:
            begun = line[: more.end(1)]
            continue
        begun = ""
        if line.strip():
            yield _ESCAPED.sub(r"\1", line).strip()
