"""What was released once can be read for ever: no type loses a field, none gets stricter or means something else.

``released_events/VERSION`` is docs/reference/events as it was released with a version. At a release it is copied there;
what is in such a folder is never changed afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from msgspec import Meta, Struct, defstruct
from msgspec.structs import fields

from connectors.bus.wire import bodies
from connectors.bus.wire.asyncapi import document
from connectors.bus.wire.codec import decode, encode
from connectors.bus.wire.examples import examples
from connectors.bus.wire.payloads import TYPES, Type
from connectors.bus.wire.schemas import schema, schemas
from models.events import Topic
from tests.connectors.compatibility import Schema, broken

RELEASED = Path(__file__).parent / "released_events"
RELEASES = sorted(path for path in RELEASED.iterdir() if path.is_dir())
SCHEMA_FILES = sorted(RELEASED.glob("*/*.schema.json"))
TODAY = schemas()
WORK, HPC, PLAN = "dev.tidegate.work.v1", "dev.tidegate.node.hpc.v1", "dev.tidegate.plan.v1"


def carried(bus: dict[str, Any]) -> set[tuple[str, str]]:
    """Each topic with each type that it carries."""
    return {
        (channel["address"], bus["components"]["messages"][name]["name"])
        for channel in bus["channels"].values()
        for name in channel["messages"]
    }


# What was released


@pytest.mark.parametrize("path", SCHEMA_FILES, ids=lambda path: f"{path.parent.name} {path.name}")
def test_a_released_type_is_still_read_and_written_as_it_was(path: Path):
    released = json.loads(path.read_text(encoding="utf-8"))
    assert released["title"] in TODAY, "a released type stays"
    assert broken(released, TODAY[released["title"]]) == []


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_a_released_type_stays_on_its_topic(release: Path):
    assert carried(yaml.safe_load((release / "asyncapi.yaml").read_text(encoding="utf-8"))) <= carried(document())


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_released_messages_are_still_read(release: Path):
    bus = yaml.safe_load((release / "asyncapi.yaml").read_text(encoding="utf-8"))
    topics = {name: Topic(topic) for topic, name in carried(bus)}
    for message in bus["components"]["messages"].values():
        for example in message["examples"]:
            headers = [(name, text.encode()) for name, text in example["headers"].items()]
            payload = example["payload"]
            value = None if payload is None else json.dumps(payload).encode()
            event = decode(topics[message["name"]], b"key", value, headers)
            assert (event.payload is None) is (payload is None)


def test_there_is_a_release_with_all_its_types():
    assert RELEASES[0].name == "0.1.0"
    assert len(list(RELEASES[0].glob("*.schema.json"))) == 8


# That a break is found: each of these changes something of the schemas of today


def change(name: str, *path: str, **words: object) -> Callable[[], tuple[Schema, Schema]]:
    """Today's schema of a type, and the same with other words at a path; a word that is None is taken away."""

    def made() -> tuple[Schema, Schema]:
        new = deepcopy(TODAY[name])
        part = new
        for step in path:
            part = part[int(step) if isinstance(part, list) else step]
        for word, value in words.items():
            if value is None:
                del part[word]
            else:
                part[word] = value
        return TODAY[name], new

    return made


FIELD = {"type": "string", "description": "New."}
REQUIRED = TODAY[WORK]["required"]
SHAPE = ("$defs", "Shape", "properties")
BREAKS: dict[str, tuple[Callable[[], tuple[Schema, Schema]], str]] = {
    "an optional field is gone": (change(WORK, "properties", user=None), "user: is gone"),
    "a required field is gone": (change(WORK, "properties", side=None), "side: is gone"),
    "a field deep inside is gone": (change(HPC, *SHAPE, cpu_milli=None), "offers.cpu_milli: is gone"),
    "a field becomes required": (change(WORK, required=[*REQUIRED, "user"]), "user: is required now"),
    "a field becomes optional": (change(WORK, required=REQUIRED[:-1]), "submitted_s: is optional now"),
    "a new field is required": (
        change(WORK, properties={**TODAY[WORK]["properties"], "x": FIELD}, required=[*REQUIRED, "x"]),
        "x: is new and required",
    ),
    "a number becomes a text": (change(WORK, "properties", "nodes", type="string"), "nodes: type is 'string'"),
    "a number becomes whole": (change(WORK, "properties", "nodes", type="integer"), "nodes: type is 'integer'"),
    "a whole number gets a point": (
        change(WORK, "properties", "submitted_s", type="number"),
        "submitted_s: type is 'number', not 'integer'",
    ),
    "null is no longer allowed": (
        change(WORK, "properties", "limit_s", anyOf=TODAY[WORK]["properties"]["limit_s"]["anyOf"][:1]),
        "limit_s: has 1 alternatives, not 2",
    ),
    "null is allowed now": (
        change(WORK, "properties", "nodes", anyOf=[{"type": "number"}, {"type": "null"}]),
        "nodes: has 2 alternatives, not 0",
    ),
    "a type within alternatives changes": (
        change(WORK, "properties", "limit_s", "anyOf", "0", type="number"),
        "limit_s: type is 'number'",
    ),
    "a limit gets lower": (change(WORK, "properties", "id", maxLength=100), "id: maxLength is 100, not 512"),
    "a limit gets higher": (change(WORK, "properties", "id", maxLength=1000), "id: maxLength is 1000, not 512"),
    "a limit is new": (change(WORK, "properties", "nodes", maximum=10), "nodes: maximum is 10, not None"),
    "a limit is gone": (change(WORK, "properties", "id", minLength=None), "id: minLength is None, not 1"),
    "a default changes": (change(WORK, "properties", "user", default="root"), "user: default is 'root', not ''"),
    "a value is gone": (change(WORK, "$defs", "WorkState", enum=["eligible", "running", "ended"]), "can no longer be"),
    "a value has another name": (
        change(WORK, "$defs", "Side", enum=["slurm", "kubernetes"]),
        "side: can no longer be hpc",
    ),
    "an enumeration becomes a text": (change(WORK, "$defs", "Side", enum=None), "side: can no longer be hpc"),
    "a text becomes an enumeration": (change(WORK, "properties", "user", enum=["ada"]), "user: is an enumeration now"),
    "a list of others": (
        change(PLAN, "properties", "cancellations", "items", type="integer"),
        "cancellations[]: type is 'integer'",
    ),
    "a list of other things": (
        change(PLAN, "$defs", "RejectionMade", "properties", "nodes", "items", maxLength=10),
        "rejections[].nodes[]: maxLength is 10",
    ),
    "a list becomes one": (
        change(PLAN, "properties", cancellations={"type": "string", "default": []}),
        "cancellations: type is 'string', not 'array'",
    ),
    "a thing becomes another": (
        change(PLAN, "properties", "holds", "items", **{"$ref": "#/$defs/MoveMade"}),
        "holds[].switch: is gone",
    ),
    "unknown fields are refused": (change(WORK, additionalProperties=False), "it: additionalProperties is False"),
}


@pytest.mark.parametrize(("made", "told"), BREAKS.values(), ids=BREAKS)
def test_a_break_is_found(made: Callable[[], tuple[Schema, Schema]], told: str):
    old, new = made()
    assert any(told in found for found in broken(old, new)), broken(old, new)


ALLOWED: dict[str, Callable[[], tuple[Schema, Schema]]] = {
    "nothing": change(WORK),
    "a new optional field": change(WORK, properties={**TODAY[WORK]["properties"], "x": FIELD}),
    "a new optional field deep inside": change(HPC, *SHAPE, cores={"type": "integer", "default": 0}),
    "a new value": change(WORK, "$defs", "WorkState", enum=[*TODAY[WORK]["$defs"]["WorkState"]["enum"], "suspended"]),
    "other words": change(WORK, "properties", "user", description="The user."),
    "another title of a part": change(HPC, "$defs", "Shape", title="Size"),
}


@pytest.mark.parametrize("made", ALLOWED.values(), ids=ALLOWED)
def test_what_breaks_nobody_is_allowed(made: Callable[[], tuple[Schema, Schema]]):
    assert broken(*made()) == []


# The same with structs, so that nothing is lost on the way from a declaration to its schema


def declared(kind: Type[Any], **changes: object) -> Schema:
    """The schema that a struct would have with some fields declared otherwise; None takes one away."""
    body: type[Struct] = kind.body
    known = {field.name: (field.name, field.type, field.default) for field in fields(body)}
    known |= {name: field for name, field in changes.items() if field is not None}
    wanted = [
        field[:2] if field[2:] and str(field[2]) == "NODEFAULT" else field
        for name, field in known.items()
        if changes.get(name, ...) is not None
    ]
    wanted.sort(key=len)  # those with a default come last
    namespace = {"__doc__": body.__doc__}
    changed = defstruct(body.__name__, wanted, frozen=True, namespace=namespace, module=bodies.__name__)
    return schema(Type(kind.name, changed, kind.topic, kind.to_body, kind.to_value))


DEMAND = next(kind for kind in TYPES.values() if kind.name == "dev.tidegate.demand.v1")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"note": ("note", str, "")}, [], id="a new optional field"),
        pytest.param({"note": ("note", str)}, ["note: is new and required"], id="a new required field"),
        pytest.param({"waiting": None}, ["waiting: is gone"], id="a field is gone"),
        pytest.param(
            {"at_s": ("at_s", bodies.Seconds, 0)},
            ["at_s: default is 0, not None", "at_s: is optional now"],
            id="a field becomes optional",
        ),
        pytest.param(
            {"at_s": ("at_s", Annotated[int, Meta(ge=0, le=2**53)])},
            ["at_s: minimum is 0, not -9007199254740992"],
            id="a limit changes",
        ),
        pytest.param({"side": ("side", str)}, ["side: can no longer be hpc, kubernetes"], id="no enumeration"),
    ],
)
def test_a_change_of_a_struct_is_found(changes: dict[str, Any], told: list[str]):
    found = broken(TODAY[DEMAND.name], declared(DEMAND, **changes))
    assert sorted(found)[: len(told)] == sorted(told)
    assert bool(found) is bool(told)


def test_an_older_reader_reads_what_a_later_one_writes():
    for event in examples():
        message = encode(event)
        later = (message.value or b"")[:-1] + b',"since_then":[{"new":true}]}'
        assert decode(event.topic, message.key, later, message.headers).payload is not None
