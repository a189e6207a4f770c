"""Publishing: what both sides of every pool show goes onto the bus."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from connectors.kafka_client.security import Security
from connectors.publishing.feed import Feed
from connectors.publishing.publisher import PublishedPool, Publisher
from connectors.slurm.completions import Completions, completions
from connectors.slurm.streamed import StreamedSource
from models.events import Topic
from models.reading import Source
from service.bus_settings_file import read_bus_settings
from service.part import Part, Status, Step
from service.parts.bus import BusPart
from service.parts.kubernetes import KubernetesPart
from service.parts.signals import SignalsPart
from service.parts.slurm import SlurmPart
from service.past import tell_past
from service.process import Process


class PublishingPart(Part):
    """One loop over all sources."""

    name = "publishing"

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def steps(self) -> Sequence[Step]:
        """See the base."""
        return (Step("publish", self._publisher.step),)

    def tell_anew(self, lost: Collection[Topic]) -> None:
        """See the base."""
        self._publisher.tell_anew(lost)

    def status(self) -> Status:
        """See the base."""
        lasts = self._publisher.untold
        return Status(self.name, not lasts, "the bus does not take what is told" if lasts else "all is told")


def open_publishing(process: Process) -> PublishingPart:
    """The feeds of all pools."""
    bus, slurm = process.part(BusPart).bus, process.part(SlurmPart)
    kubernetes, signals = process.part(KubernetesPart), process.part(SignalsPart)
    pools = []
    for whose, _ in process.pools():
        pool = slurm.pools[whose.pool]
        told: Source[Any] = pool.source
        if (stream := _stream(process)) is not None:
            told = StreamedSource(pool.source, stream, lambda port=pool.port: port.pool)  # type: ignore[misc]
        there = kubernetes.sources.get(whose.pool)
        sources = (told,) if there is None else (told, there)
        pools.append(PublishedPool(Feed(bus, whose), sources, partial(signals.of, whose.pool)))
    publisher = Publisher(
        bus,
        pools,
        clock=process.clock,
        interval_s=process.site.spec.slurm.poll,
        due_in_s=lambda: slurm.paced.due_in_s,
    )
    tell_past(process, bus, [pool.feed for pool in pools])
    return PublishingPart(publisher)


def _stream(process: Process) -> Completions | None:
    """Slurm's own stream for one pool, where the site has one."""
    settings = process.site.spec.slurm.completions
    if settings is None:
        return None
    path = settings.settings
    stream = completions(settings, Security() if path is None else read_bus_settings(path).secure())
    process.at_end.callback(stream.close)
    return stream
