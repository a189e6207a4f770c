"""A real Slurm cluster as a bench of the conformance suite: users, persons and time do for real what they do there.

Only time is helped: a job ends when the suite's time says so, by a person's hand, and limits are whole minutes.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from connectors.slurm.native.transport import NativeTransport
from connectors.slurm.rest.client import Rest
from connectors.slurm.scheduler import SlurmScheduler
from connectors.slurm.transport import Transport
from models.acts import Outcome
from models.errors import Unreachable
from tests.conformance.benches import FOREIGN
from tests.real.slurm.cluster import Cluster, CommandError

NODES = ("n05", "n06", "n07", "n08")
LONG_S = 900  # what no test waits for
STARTS_S, ROUNDS = 6.0, 2  # a job that can start does so by then, or within two rounds of both of Slurm's schedulers
OVER = {"COMPLETED", "CANCELLED", "FAILED", "TIMEOUT"}


class FreshPort(SlurmScheduler):
    """The port, read anew whenever it is asked; and what a node needs a second for after an act, it is given."""

    def __init__(self, transport: Transport, cluster: Cluster, nodes: Sequence[str]) -> None:
        super().__init__(transport, ",".join(nodes))
        self.transport = transport
        self.cluster = cluster

    def undrain(self, node: str, *, mark: str) -> Outcome:
        """An undrained node is not ready until slurmctld has asked it how it is."""
        outcome = super().undrain(node, mark=mark)
        if outcome is Outcome.DONE:
            answers(self.cluster, node)
        return outcome

    def reserve(self, node: str, *, start_s: int, mark: str) -> Outcome:
        if not isinstance(self.transport, NativeTransport) and self.cluster.data_parsers[-1] <= "v0.0.42":
            pytest.skip("this release of Slurm cannot reserve over REST")
        return super().reserve(node, start_s=start_s, mark=mark)


def answers(cluster: Cluster, *nodes: str) -> None:
    """Wait until the nodes answer slurmctld."""
    cluster.wait(lambda: not any("NOT_RESPONDING" in _state(cluster, node) for node in nodes), f"{nodes} answer")


def _state(cluster: Cluster, node: str) -> set[str]:
    return cluster.flags(node)


def tells(port: SlurmScheduler) -> bool:
    """Whether Slurm answers in full."""
    try:
        port.read()
    except Unreachable:
        return False
    return True


def client(cluster: Cluster, folder: Path, **options: float) -> Rest:
    """A client with a token of root's."""
    (folder / "token").write_text(cluster.token())
    return Rest(cluster.rest_url, folder / "token", **options)


class SlurmBench:
    """Four nodes of a cluster, without GPUs, made as the suite wants them at first, and the partition they are in."""

    runs_work = True

    def __init__(
        self, cluster: Cluster, transport: Transport, nodes: Sequence[str] = NODES, partition: str = "batch"
    ) -> None:
        self.cluster = cluster
        self.nodes = tuple(nodes)
        self.partition = partition
        self.port = FreshPort(transport, cluster, nodes)
        every = cluster.run("sinfo", "--noheader", "--all", "--Node", "--format=%N").split()
        self._others = sorted(set(every) - set(nodes))
        self._passed_s = 0
        self._runs_s: dict[int, int] = {}  # by the number of the job
        self._began_s: dict[int, int] = {}
        cluster.wait(self._is_told, "slurmctld tells since when it runs")
        self.clear()

    @property
    def now_s(self) -> int:
        return int(time.time())

    def clear(self) -> None:
        """No job, no drain, no reservation."""
        cluster = self.cluster
        cluster.run("scancel", "--user=root")
        for line in cluster.run("scontrol", "--oneliner", "show", "reservation").splitlines():
            if line.startswith("ReservationName="):
                cluster.run("scontrol", "delete", line.split()[0])
        cluster.wait(self._no_epilog_runs, "no epilog runs")
        if drained := [node for node, state in self._states().items() if "DRAIN" in state]:
            with suppress(CommandError):  # before 26.05.2 it is refused for a node that has yet to register, and done
                cluster.run("scontrol", "update", f"nodename={','.join(drained)}", "state=undrain")
        cluster.wait(lambda: all(state == {"IDLE"} for state in self._states().values()), "all nodes are idle")

    def pass_time(self, seconds: int) -> None:
        if seconds >= LONG_S:
            pytest.skip("a quarter of an hour would have to pass for real")
        self._passed_s += seconds
        for number, began_s in list(self._began_s.items()):
            if began_s + self._runs_s[number] <= self._passed_s:
                self._cancel(number)
        self._settle()

    def submit_job(self, *, limit_s: int, run_s: int | None = None) -> None:
        number = self._submit(f"--partition={self.partition}", limit_s=limit_s)
        self._runs_s[number] = limit_s if run_s is None else run_s
        self._settle()

    def occupy(self, node: str, *, run_s: int) -> None:
        number = self._submit(f"--nodelist={node}", limit_s=run_s)
        self.cluster.wait(lambda: self._job_state(number) == "RUNNING", f"job {number} runs on {node}")
        self._runs_s[number], self._began_s[number] = run_s, self._passed_s

    def end_job(self, node: str) -> None:
        for number in self.cluster.run("squeue", "--noheader", "--format=%A", f"--nodelist={node}").split():
            self._cancel(int(number))
        self.cluster.wait(lambda: not {"COMPLETING", "ALLOCATED"} & _state(self.cluster, node), f"{node} is empty")

    def foreign_drain(self, node: str) -> None:
        self.cluster.run("scontrol", "update", f"nodename={node}", "state=drain", f"reason={FOREIGN}")

    def foreign_undrain(self, node: str) -> None:
        self.cluster.run("scontrol", "update", f"nodename={node}", "state=undrain")

    def foreign_reserve(self, node: str, *, start_s: int) -> None:
        start = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(start_s))
        what = [f"reservationname={FOREIGN}", f"starttime={start}", "duration=60", "users=root", f"nodes={node}"]
        self.cluster.run("scontrol", "create", "reservation", *what, "flags=ignore_jobs")

    def _is_told(self) -> bool:
        """Not in slurmctld's first moments."""
        try:
            self.port.read()
        except Unreachable:
            return False
        return True

    def _submit(self, *options: str, limit_s: int) -> int:
        """A job of limit and whole node, with the least memory: nothing but the node is scarce."""
        elsewhere = not self._others or any(option.startswith("--nodelist") for option in options)
        more = () if elsewhere else (f"--exclude={','.join(self._others)}",)
        return self.cluster.submit("--exclusive", *options, *more, wrap="sleep 3600", minutes=-(-limit_s // 60))

    def _settle(self) -> None:
        """Give the schedulers time to start what they will: until nothing can, for ROUNDS, or for STARTS_S."""
        until_s, first, has_had = time.monotonic() + STARTS_S, self._rounds(), False
        while time.monotonic() < until_s and (waiting := self._runs_s.keys() - self._began_s.keys()):
            for number in waiting:
                if self._job_state(number) == "RUNNING":
                    self._began_s[number] = self._passed_s
            if has_had:
                break
            time.sleep(0.2)
            has_had = bool(first) and all(now >= then + ROUNDS for then, now in zip(first, self._rounds(), strict=True))
        self.cluster.wait(self._no_epilog_runs, "epilogs end")

    def _no_epilog_runs(self) -> bool:
        return not any("COMPLETING" in state for state in self._states().values())

    def _states(self) -> dict[str, set[str]]:
        """The states of all our nodes, told at once."""
        told = self.cluster.run("scontrol", "--oneliner", "show", "node", ",".join(self.nodes))
        return {name: set(state.split("+")) for name, state in re.findall(r"NodeName=(\S+) .* State=(\S+)", told)}

    def _rounds(self) -> list[int]:
        """How many rounds each of the two schedulers has gone."""
        return [int(count) for count in re.findall(r"Total cycles:\s+(\d+)", self.cluster.run("sdiag"))]

    def _cancel(self, number: int) -> None:
        self._runs_s.pop(number, None)
        self._began_s.pop(number, None)
        self.cluster.run("scancel", str(number))
        self.cluster.wait(lambda: self._job_state(number) in OVER, f"job {number} is over")

    def _job_state(self, number: int) -> str:
        try:
            return self.cluster.job(number)["JobState"]
        except CommandError:
            return "COMPLETED"  # forgotten
