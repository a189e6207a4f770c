"""A Slurm whose nodes and jobs are read by its own commands, all else through another ``Transport``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.slurm import wire
from connectors.slurm.acts import Said
from connectors.slurm.commands import jobs, nodes
from connectors.slurm.commands.process import Commands
from connectors.slurm.transport import Booking, Transport

OFFER_S = 10.0
BULK_S = 30.0


class CommandsTransport:
    """The ``Transport`` of a site with many jobs: squeue and scontrol print all of them in a fraction of a second.

    ``bulk_s`` is how long each of them may take.
    """

    def __init__(self, commands: Commands, others: Transport, *, bulk_s: float = BULK_S) -> None:
        self._commands = commands
        self._others = others
        self._bulk_s = bulk_s
        self._known_nodes: Mapping[str, wire.Node] = {}
        self._known_jobs: Mapping[bytes, wire.Job] = {}

    def nodes(self) -> wire.Nodes:
        """See the protocol. A node that did not change is the same object as before."""
        self._known_nodes = nodes.understood(self._commands.run(nodes.QUESTION, self._bulk_s), self._known_nodes)
        return wire.Nodes(nodes=tuple(self._known_nodes.values()))

    def jobs(self) -> wire.Jobs:
        """See the protocol. A job that did not change is the same object as before.

        squeue tells its fields anew each time, for which it asks nobody: it may be of another release by now.
        """
        question = jobs.question(self._commands.run(jobs.OFFER, OFFER_S))
        self._known_jobs = jobs.understood(self._commands.run(question, self._bulk_s), self._known_jobs)
        return wire.Jobs(jobs=tuple(self._known_jobs.values()))

    def diagnosis(self) -> wire.Diagnosis:
        """See the protocol."""
        return self._others.diagnosis()

    def node(self, name: str) -> wire.Node | None:
        """See the protocol."""
        return self._others.node(name)

    def partitions(self) -> wire.Partitions:
        """See the protocol."""
        return self._others.partitions()

    def reservations(self) -> wire.Reservations:
        """See the protocol."""
        return self._others.reservations()

    def drain(self, names: Sequence[str], *, reason: str) -> Said | None:
        """See the protocol."""
        return self._others.drain(names, reason=reason)

    def undrain(self, names: Sequence[str]) -> Said | None:
        """See the protocol."""
        return self._others.undrain(names)

    def reserve(self, booking: Booking) -> Said | None:
        """See the protocol."""
        return self._others.reserve(booking)

    def release(self, name: str) -> Said | None:
        """See the protocol."""
        return self._others.release(name)

    def close(self) -> None:
        """See the protocol."""
        self._others.close()
