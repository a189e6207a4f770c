"""A Slurm whose nodes and jobs are read by its own commands, all else through another ``Transport``."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.slurm import wire
from connectors.slurm.commands import jobs, nodes
from connectors.slurm.commands.process import Commands
from connectors.slurm.transport import Transport

OFFER_S = 10.0
BULK_S = 30.0


class CommandsTransport:
    """The ``Transport`` of a site with many jobs: squeue and scontrol print all of them in a fraction of a second.

    ``bulk_s`` is how long each of them may take.
    """

    def __init__(self, commands: Commands, others: Transport, *, bulk_s: float = BULK_S) -> None:
        self._commands = commands
        self._bulk_s = bulk_s
        self._known_nodes: Mapping[str, wire.Node] = {}
        self._known_jobs: Mapping[bytes, wire.Job] = {}
        self.diagnosis, self.node = others.diagnosis, others.node
        self.partitions, self.reservations = others.partitions, others.reservations
        self.drain, self.undrain = others.drain, others.undrain
        self.reserve, self.release, self.close = others.reserve, others.release, others.close
        self._others = others

    def token_expires_s(self) -> int | None:
        """See the protocol: that of the other way, or else that of the commands."""
        own = self._others.token_expires_s()
        return self._commands.token_expires_s if own is None else own

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
