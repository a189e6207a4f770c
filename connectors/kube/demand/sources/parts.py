"""What all sources make: parts of a need from templates, and the need that an object stands for."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from connectors.kube.demand.instants import unix_s
from connectors.kube.demand.need import NOTHING, Held, Need, Part
from connectors.kube.demand.place import place_of
from connectors.kube.demand.requests import template_request
from connectors.kube.wire.meta import Metadata
from connectors.kube.wire.pods import PodSpec


def part_of(spec: PodSpec, count: int) -> Part:
    """``count`` pods of a template."""
    try:
        return Part(count, template_request(spec), place_of(spec))
    except ValueError as error:  # whoever wrote it: it costs nobody else's work
        return Part(count, NOTHING, why=str(error))


def need_of(metadata: Metadata, source: str, work: str, parts: Iterable[Part]) -> Need:
    """What an object wants of nodes, as a piece of the name ``work``; parts without pods are left out."""
    return Need(
        work,
        source,
        tuple(part for part in parts if part.count > 0),
        unix_s(metadata.creation_timestamp) or 0,
        user=metadata.namespace,
        name=f"{metadata.namespace}/{metadata.name}",
    )


def changed(need: Need, **fields: object) -> Need:
    """The need with some of its fields as given."""
    return msgspec.structs.replace(need, **fields)


QUEUE_LABEL = "kueue.x-k8s.io/queue-name"


def suspended(need: Need, metadata: Metadata) -> Need:
    """The need of an object that is suspended, and that no Workload of Kueue's tells of."""
    queue = (metadata.labels or {}).get(QUEUE_LABEL)
    if queue:
        why = f"waits for Kueue in the queue {queue}, where its Workload is not seen"
        return changed(need, held=Held.BY_QUOTA, why=why, queue=queue)
    return changed(need, held=Held.BY_PERSON, why="is suspended")
