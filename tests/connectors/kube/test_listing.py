"""All objects of a resource: by pages, and what a watch tells before it has told all."""

from __future__ import annotations

import pytest

from connectors.kube.resources import PODS
from connectors.kube.watching import listing
from connectors.kube.watching.listing import Gathered, listed
from connectors.kube.watching.reading import Event, Kind, Reading
from connectors.kube.wire.meta import Metadata
from connectors.kube.wire.pods import Pod
from models.errors import Unreachable
from tests.connectors.kube.fake_api import FakeApi, Rule, said


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


def test_a_list_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(listing, "PAGES_MOST", 3)
    api = FakeApi()
    page = {"kind": "PodList", "metadata": {"resourceVersion": "1", "continue": "more"}, "items": []}
    api.rules.append(Rule(lambda asked: len(api.asked) < 10, said(200, page)))
    with pytest.raises(Unreachable, match="the list of pods has no end"):
        listed(api, PODS, Reading(PODS), gathered(), 500)
    assert len(api.asked) == 3
