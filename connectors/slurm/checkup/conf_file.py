"""slurm.conf, as slurmctld reads it: includes, continued lines, comments, keys in any case. Nothing is run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from models.errors import BadInput

DEPTH_MOST = 10  # of includes within includes
BYTES_MOST = 16 * 2**20  # of all files together
_PAIR = re.compile(r'([A-Za-z][A-Za-z0-9_/.-]*)\s*[+-]?=\s*("[^"]*"|\S*)')
_INCLUDE = re.compile(r"include\s+(\S.*)", re.IGNORECASE)
_RECORDS = frozenset(("nodename", "nodeset", "downnodes", "frontendname", "switchname"))  # many of a kind: not read


@dataclass
class SlurmConf:
    """What a slurm.conf says: the last value of each key, by the key in small letters, and of each partition's keys.

    ``hosts`` are the hosts of slurmctld, the first one and its backups.
    """

    values: dict[str, str] = field(default_factory=dict)
    partitions: dict[str, Mapping[str, str]] = field(default_factory=dict)
    hosts: list[str] = field(default_factory=list)

    def take(self, line: str) -> None:
        """Add what one whole line says."""
        pairs = [(key.lower(), value.strip('"')) for key, value in _PAIR.findall(line)]
        kinds = {key for key, _ in pairs}
        if "partitionname" in kinds:
            told = dict(pairs)
            for name in told["partitionname"].split(","):
                self.partitions[name] = {**self.partitions.get("DEFAULT", {}), **self.partitions.get(name, {}), **told}
        elif not kinds & _RECORDS:
            self.hosts += [value for key, value in pairs if key == "slurmctldhost"]
            self.values |= dict(pairs)


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
            name = include[1].strip().strip('"').replace("%c", cluster)
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
    """Lines without comments, those that end with a backslash together with the next."""
    begun = ""
    for raw in text.splitlines():
        line = begun + _uncommented(raw)
        if line.endswith("\\"):
            begun = line[:-1] + " "
            continue
        begun = ""
        if line.strip():
            yield line.strip()
    if begun.strip():
        yield begun.strip()


def _uncommented(line: str) -> str:
    r"""Without what comes after ``#``, unless it is written ``\#``."""
    return re.split(r"(?<!\\)#", line, maxsplit=1)[0].replace("\\#", "#").rstrip()
