"""One Slurm, read as a whole, once for all of its pools."""

from __future__ import annotations

import time
from collections.abc import Callable

from connectors.slurm.read import Answers
from connectors.slurm.transport import Transport
from connectors.sources.circuit_breaker import CircuitBreaker


class SlurmCluster:
    """What the pools of one Slurm share: the way there, whether it was away only now, and what was read."""

    def __init__(
        self,
        slurm: Transport,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.slurm = slurm
        self.breaker = CircuitBreaker(monotonic)
        self._clock = clock

    def read(self) -> Answers:
        """Ask everything once: five questions. Raises Unreachable."""
        asked_s = int(self._clock())
        with self.breaker.asking():
            diagnosis = self.slurm.diagnosis()
        slurm = self.slurm
        return Answers(
            diagnosis, slurm.nodes(), slurm.jobs(), slurm.partitions(), slurm.reservations(), asked_s=asked_s
        )
