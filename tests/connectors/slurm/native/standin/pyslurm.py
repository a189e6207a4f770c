"""What stands in for pyslurm in a process: a Slurm of three nodes, with pyslurm's names and no others.

What goes wrong is said by the environment: ``STANDIN_VERSION``, and ``STANDIN_HANGS``, ``STANDIN_DIES`` and
``STANDIN_FAILS`` (``load_nodes=1007 update_node=2010``), which name what is asked. ``STANDIN_NODE`` is why a node
cannot be read, and ``STANDIN_ENDED`` the number with which Slurm answers an undrain that it has carried out.
"""

from __future__ import annotations

import enum
import os
import sys
import time
from types import SimpleNamespace
from typing import Any

__version__ = os.environ.get("STANDIN_VERSION", "25.11.2")
FAILS = dict(part.split("=") for part in os.environ.get("STANDIN_FAILS", "").split())
UNLIMITED = "UNLIMITED"


class PyslurmError(Exception):
    pass


class RPCError(PyslurmError):
    def __init__(self, errno: int = -1, msg: str | None = None) -> None:
        self.errno, self.msg = errno, msg or f"error {errno}"
        super().__init__(self.msg)


class ReservationFlags(enum.Flag):
    MAINTENANCE = 1
    IGNORE_RUNNING_JOBS = 4


def asked(what: str) -> None:
    if what in os.environ.get("STANDIN_HANGS", "").split():
        time.sleep(36000)
    if what in os.environ.get("STANDIN_DIES", "").split():
        sys.stderr.write(f"fatal: {what}\n")
        sys.stderr.flush()
        os._exit(1)
    if what in FAILS:
        raise RPCError(int(FAILS[what]))


class Node:
    def __init__(self, name: str | None = None, **given: Any) -> None:
        self.name, self.state, self.reason = name, "IDLE", None
        self.total_cpus, self.real_memory, self.configured_gres = 64, 256_000, {"gpu:a100": 4}
        self.available_features, self.partitions = ["a100"], ["batch"]
        self.reason_user, self.reason_time = "root", None
        for key, value in given.items():
            setattr(self, key, value)

    @staticmethod
    def load(name: str) -> Node:
        asked("load_node")
        if name not in NODES:
            raise RPCError(msg=f"Node '{name}' does not exist")
        return NODES[name]


class Nodes(dict):  # type: ignore[type-arg]
    def __init__(self, names: list[str] | None = None) -> None:
        super().__init__({name: Node(name) for name in names or ()})

    @staticmethod
    def load() -> dict[str, Node]:
        asked("load_nodes")
        if why := os.environ.get("STANDIN_NODE"):
            raise ValueError(why)
        print("noise on standard output")
        return NODES

    def modify(self, changes: Node) -> None:
        asked("update_node")
        if not NODES.keys() >= self.keys():
            raise RPCError(2018)
        for name in self:
            NODES[name].state = "IDLE+DRAIN" if changes.state == "DRAIN" else "IDLE"
            NODES[name].reason, NODES[name].reason_time = changes.reason, int(time.time())
        if changes.state == "UNDRAIN" and (number := os.environ.get("STANDIN_ENDED")):
            raise RPCError(int(number), "Invalid node state specified")


class Jobs:
    @staticmethod
    def load() -> dict[int, Any]:
        asked("load_jobs")
        return {}


class Partitions:
    @staticmethod
    def load() -> dict[str, Any]:
        asked("load_partitions")
        shown = SimpleNamespace(name="batch", nodes="n[01-03]", state="UP", oversubscribe="NO")
        shown.max_time, shown.preempt_mode = UNLIMITED, "CANCEL"
        return {shown.name: shown}


class Reservation:
    def __init__(self, name: str | None = None, **given: Any) -> None:
        self.name, self.nodes, self.users, self.accounts = name, None, [], []
        self.start_time, self.end_time, self.flags = None, None, ReservationFlags(0)
        for key, value in given.items():
            setattr(self, key, value)

    def create(self) -> None:
        asked("create_reservation")
        assert self.start_time < self.end_time  # type: ignore[operator]
        assert self.flags is ReservationFlags.IGNORE_RUNNING_JOBS
        assert self.users == ["root"]
        RESERVATIONS[self.name] = self

    def delete(self) -> None:
        asked("delete_reservation")
        if RESERVATIONS.pop(self.name, None) is None:
            raise RPCError(2128)


class Reservations:
    @staticmethod
    def load() -> dict[str | None, Reservation]:
        asked("load_reservations")
        return RESERVATIONS


def slurm_init() -> None:
    asked("init")


def _diag() -> Any:
    asked("diag")
    return SimpleNamespace(request_time=int(time.time()), data_since=500_000)


slurmctld = SimpleNamespace(diag=_diag)
NODES = {name: Node(name) for name in ("n01", "n02", "n03")}
RESERVATIONS: dict[str | None, Reservation] = {}
