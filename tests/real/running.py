"""A site for ``tidegate run``: its files, the past that is on its bus, and the service as a process."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import yaml

from connectors.bus.open_bus import OpenedBus, open_bus
from connectors.bus.settings import BusSettings
from models.demand import Demand
from models.events import Event, Topic
from models.identity import CONNECTOR, PoolId
from models.nodes import Side
from tests.real.kube.site import KubeSite
from tests.real.slurm.cluster import Cluster

DAY_S = 86_400
HOUR_S = 3600
STEP_S = 300
DAYS = 8  # of history: a first model needs one
NOISE = 0.3  # nodes
ENDS_S = 30.0
POOL = "pool"
ALL = "all"


@dataclass(frozen=True)
class Surge:
    """Every day from ``begins_s`` on the service's need climbs for an hour, stays for a while and falls for an hour.

    In nodes, from ``low`` to ``high``, whole ones, and now and then one more or one less.
    """

    begins_s: int
    stays_s: int = 4 * HOUR_S
    low: float = 1.0
    high: float = 6.0

    @property
    def lasts_s(self) -> int:
        return self.stays_s + 2 * HOUR_S

    def at(self, at_s: int) -> float:
        since_s = (at_s - self.begins_s) % DAY_S
        share = min(since_s, self.lasts_s - since_s, HOUR_S) / HOUR_S if since_s < self.lasts_s else 0.0
        chance = Random(at_s).gauss(0.0, NOISE)
        return float(max(0, round(self.low + share * (self.high - self.low) + chance)))


def tell_past(bus: OpenedBus, surge: Surge, until_s: int, days: int = DAYS) -> None:
    """Put onto the bus the demand of the days before, as connectors told it then."""
    pool = PoolId("site", POOL)
    for at_s in range(until_s - days * DAY_S, until_s, STEP_S):
        for side, nodes in ((Side.HPC, 0.0), (Side.KUBERNETES, surge.at(at_s))):
            demand = Demand(side, at_s, nodes, 0.0)
            bus.publish(Event(Topic.DEMAND, f"{pool.key}/{side}", demand, at_s, pool.source(CONNECTOR), at_s))
    assert bus.flush(60.0) == 0


class Running:
    """One site in ``folder``; ``start`` and ``stop`` the service, or its roles each by itself.

    ``log`` is that of the whole service, ``log_of`` that of a role. With ``page``, a HOST:PORT, there is the page.
    """

    def __init__(
        self,
        folder: Path,
        cluster: Cluster,
        kube: KubeSite,
        bus: str,
        prefix: str,
        policy: dict[str, object],
        *,
        rest_url: str = "",
        page: str = "",
    ) -> None:
        self.folder = folder
        self.cluster = cluster
        self.kube = kube
        self._rest_url = rest_url or cluster.rest_url
        self.bus = bus
        self.log = self.log_of(ALL)
        self.page = page
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        (folder / "token").write_text(cluster.token())
        (folder / "token").chmod(0o600)
        self.policy(policy)
        self.on_bus(prefix)
        self.need(1)

    def policy(self, spec: dict[str, object]) -> None:
        self._write("policy.yaml", {"apiVersion": "tidegate.dev/v1", "kind": "Policy", "spec": spec})

    def on_bus(self, prefix: str) -> None:
        """From now on the service's topics begin so."""
        self.prefix = prefix
        self._write("bus.yaml", {"prefix": prefix})
        spec: dict[str, object] = {
            "state": "state",
            "slurm": {"url": self._rest_url, "tokenFile": "token", "poll": "2s"},
            "bus": {"address": self.bus, "settings": "bus.yaml"},
            "kubernetes": {"kubeconfig": str(self.kube.kubeconfig)},
        }
        spec |= {"page": {"listen": self.page}} if self.page else {}
        self._write("site.yaml", {"apiVersion": "tidegate.dev/v1", "kind": "Site", "spec": spec})

    def need(self, nodes: int) -> None:
        """The service of each pool needs so many nodes from now on."""
        for pool in self.kube.pools:
            self.kube.need(nodes, pool)

    def tell_past(self, surge: Surge, until_s: int) -> None:
        """Put onto the bus the demand of the days before, as connectors told it then."""
        bus = self.open_bus()
        try:
            tell_past(bus, surge, until_s)
        finally:
            bus.close()

    def open_bus(self) -> OpenedBus:
        """The site's bus, for the test to close."""
        return open_bus(self.bus, settings=BusSettings(prefix=self.prefix))

    def command(self, *options: str) -> list[str]:
        files = ["--site", str(self.folder / "site.yaml"), "--policy", str(self.folder / "policy.yaml")]
        return [sys.executable, "-m", "cli.main", "run", *files, *options]

    def once(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command("--once"), capture_output=True, text=True, check=False, timeout=120)

    @property
    def resident_mib(self) -> float:
        """How much memory the service has."""
        status = Path(f"/proc/{self._processes[ALL].pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:"))

    def log_of(self, role: str) -> Path:
        return self.folder / f"run-{role}.log"

    def start(self, *roles: str) -> None:
        """Start a process of each role; without any, one of all roles."""
        for role in roles or (ALL,):
            with self.log_of(role).open("ab") as log:
                self._processes[role] = subprocess.Popen(self.command("--role", role), stdout=log, stderr=log)

    def stop(self, role: str = ALL, *, kill: bool = False) -> int:
        """End a process and tell its exit code; ``kill`` gives it no time. One that does not run has ended well."""
        process = self._processes.pop(role, None)
        if process is None:
            return 0
        if kill:
            process.kill()
        else:
            process.terminate()
        try:
            return process.wait(ENDS_S)
        finally:
            process.kill()

    def stop_all(self) -> dict[str, int]:
        """End all that runs, and tell the exit codes by role; whatever comes between, nothing runs on."""
        try:
            return {role: self.stop(role) for role in list(self._processes)}
        finally:
            for process in self._processes.values():
                process.kill()

    def ours(self) -> set[str]:
        """The nodes that are drained in Slurm with a mark of Tidegate's."""
        names = self.cluster.slurmds
        return {name for name in names if self.cluster.node(name).get("Reason", "").startswith("tidegate:")}

    def wait(self, condition: object, what: str, timeout_s: float = 90.0) -> float:
        """Seconds until it was so."""
        began_s = time.monotonic()
        try:
            self.cluster.wait(condition, what, timeout_s)  # type: ignore[arg-type]
        except RuntimeError as error:
            logs = [f"{log.name}: {log.read_text()[-6000:]}" for log in sorted(self.folder.glob("run-*.log"))]
            raise AssertionError("\n".join([str(error), *logs])) from error
        return time.monotonic() - began_s

    def _write(self, name: str, document: dict[str, object]) -> None:
        (self.folder / name).write_text(yaml.safe_dump(document))
