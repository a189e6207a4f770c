"""The settings that slurmctld runs with: as slurmrestd tells them (from data parser v0.0.45 on), or from slurm.conf."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import asdict

from connectors.slurm.checkup.conf_file import DEFAULT, SlurmConf
from connectors.slurm.checkup_wire import CheckupPartition
from models.hostlists import hosts_of_parts

TOLD_FROM = "v0.0.45"  # the first data parser that tells the configuration
NEVER = "INFINITE"
_RETURNS = {"none": "0", "all": "2"}  # ReturnToService over REST; what is neither is 1


@dataclass(frozen=True)
class Settings:
    """Values as slurm.conf writes them, by their key in small letters; ``source`` says where they were read."""

    values: Mapping[str, str]
    source: str
    hosts: tuple[str, ...] = ()
    partitions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    members: Mapping[str, Collection[str]] = field(default_factory=dict)  # the nodes of each partition
    nodes: Collection[str] = ()  # all that are told of

    def text(self, key: str, default: str = "") -> str:
        """A value, the default where it is not set."""
        value = self.values.get(key.lower(), "")
        return default if value in ("", "(null)") else value

    def number(self, key: str, default: int | None = None) -> int | None:
        """A whole number; None where there is no limit, or it is no number."""
        return whole(self.text(key), default)

    def words(self, key: str) -> frozenset[str]:
        """The words of a list with commas between them, in capitals."""
        return frozenset(word.strip().upper() for word in self.text(key).split(",") if word.strip())

    def option(self, key: str, name: str, default: int) -> int:
        """The number of one option in a list such as ``bf_window=2880,bf_resolution=60``."""
        for word in self.text(key).split(","):
            found, _, value = word.strip().partition("=")
            if found.lower() == name and value.isdecimal():
                return int(value)
        return default


def whole(text: str, default: int | None = None) -> int | None:
    """The number that is written; None for ``INFINITE``, ``UNLIMITED`` and ``-1``; the default where nothing is."""
    if not text:
        return default
    return int(text) if text.isdecimal() else None


def from_file(conf: SlurmConf, source: str) -> Settings:
    """What a slurm.conf says."""
    members = {name: conf.members(told.get("nodes", "")) for name, told in conf.partitions.items() if name != DEFAULT}
    return Settings(conf.values, source, tuple(conf.hosts), conf.partitions, members, conf.nodes)


def from_rest(told: Mapping[str, Any], source: str, seen: Iterable[CheckupPartition] = ()) -> Settings:
    """What slurmrestd says, also of its partitions."""
    values = {key.lower(): _written(value) for key, value in told.items()}
    if returns := values.get("returntoservice"):
        values["returntoservice"] = _RETURNS.get(returns.lower(), "1")
    hosts = (one.get("machine", "") for one in told.get("controllers") or () if isinstance(one, dict))
    times = {one.name: {"suspendtime": _written(asdict(one.suspend_time))} for one in seen}
    members = {one.name: hosts_of_parts(one.nodes.configured) for one in seen}
    return Settings(values, source, tuple(hosts), times, members, set().union(*members.values()))


def _written(value: object) -> str:
    """A value of JSON as slurm.conf would write it."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, dict):
        return NEVER if value.get("infinite") else str(value.get("number", "")) if value.get("set") else ""
    if isinstance(value, list):
        return ",".join(str(one) for one in value if not isinstance(one, dict))
    return "" if value is None else str(value)
