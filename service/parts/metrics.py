"""The metrics of a process, whatever its role: for Prometheus and for probes, where the site file says."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence

from service.page.probes import make_probes_app
from service.page.server import PageServer, listen_where
from service.page.vitals import Vitals
from service.part import Part, Status, Step
from service.process import Process
from service.site import MetricsSettings

DRAW_S = 5.0  # between two drawings: Prometheus asks every 15 s or more seldom
FIRST_S = 0.1  # after the first steps of all others

log = logging.getLogger("tidegate.service")


class MetricsPart(Part):
    """A server in a thread of its own, which answers with what the loop drew last."""

    name = "metrics"

    def __init__(self, process: Process, listening: socket.socket) -> None:
        self.vitals = Vitals()
        self.port: int = listening.getsockname()[1]
        self._process = process
        self._server = PageServer(make_probes_app(self.vitals), listening, "the server of the metrics")

    def steps(self) -> Sequence[Step]:
        """See the base."""
        return (Step("metrics", self.draw, FIRST_S),)

    def draw(self) -> float:
        """Show all parts as they are now."""
        self.vitals.take(self._process.parts)
        return DRAW_S

    def close(self) -> None:
        """Stop answering."""
        self._server.close()

    def status(self) -> Status:
        """See the base."""
        return Status(self.name, True, f"are on port {self.port}")


def open_metrics(process: Process) -> MetricsPart:
    """Listen where the site says. Raises BadInput."""
    settings = process.site.spec.metrics or MetricsSettings()
    address, name = settings.of(process.role)
    part = MetricsPart(process, listen_where(address, f"spec.metrics.{name}"))
    process.at_end.callback(part.close)
    log.info("metrics are at http://%s:%d/metrics", address.rpartition(":")[0], part.port)
    return part
