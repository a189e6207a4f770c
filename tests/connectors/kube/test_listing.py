"""What a watch tells before it has told all."""

from __future__ import annotations

from connectors.kube.watching.listing import Gathered
from connectors.kube.watching.reading import Event, Kind
from connectors.kube.wire.meta import Metadata
from connectors.kube.wire.pods import Pod


def told(kind: Kind, name: str, version: str = "1", *, odd: bool = False) -> Event[Pod]:
    metadata = Metadata(name=name, namespace="a", uid=f"uid-{name}", resource_version=version)
    if odd or kind is Kind.BOOKMARK:
        return Event(kind, metadata, why="odd" if odd else "")
    return Event(kind, metadata, Pod(metadata=metadata))


def gathered(*events: Event[Pod]) -> Gathered[Pod]:
    made: Gathered[Pod] = Gathered({}.get, lambda new, like: None)
    for event in events:
        made.take(event)
    return made


def test_the_last_word_counts():
    made = gathered(
        told(Kind.ADDED, "p1"),
        told(Kind.ADDED, "p2"),
        told(Kind.BOOKMARK, ""),
        told(Kind.MODIFIED, "p1", "2"),
        told(Kind.DELETED, "p2", "3"),
        told(Kind.ADDED, "p3", odd=True),
        told(Kind.ADDED, "p4", odd=True),
        told(Kind.MODIFIED, "p3", "4"),
        told(Kind.MODIFIED, "p1", "5", odd=True),
    )
    assert {key: one.metadata.resource_version for key, one in made.objects.items()} == {"uid-p3": "4"}
    assert sorted(made.left_out) == ["a/p1", "a/p4"]
