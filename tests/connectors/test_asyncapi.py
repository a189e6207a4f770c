"""The AsyncAPI document: every reference leads somewhere, every topic and type is in it, and it says what is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from connectors.bus.topics import TOPICS
from connectors.bus.wire.asyncapi import document
from connectors.bus.wire.codec import encode
from connectors.bus.wire.examples import examples, gone
from connectors.bus.wire.payloads import GONE, TYPES
from connectors.bus.wire.schemas import schemas
from models.events import Topic
from tests.connectors.test_schemas import references

DOCUMENT = document()
CHANNELS, OPERATIONS = DOCUMENT["channels"], DOCUMENT["operations"]
FILES: dict[str, dict[str, Any]] = {f"./{name}.schema.json": schema for name, schema in schemas().items()}
BY_NAME = {message["name"]: message for message in DOCUMENT["components"]["messages"].values()}
EVENTS = [*examples(), gone()]


def followed(reference: str) -> Any:
    """What a reference points to. Raises KeyError when that is nothing."""
    if not reference.startswith("#"):
        return FILES[reference]
    part: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        part = part[step]
    return part


def header_check(name: str) -> Draft202012Validator:
    """The schema of a message's headers, with what it refers to, as JSON Schema."""
    components = Resource.opaque({"components": DOCUMENT["components"]})
    schema = {
        "allOf": [
            {"$ref": f"urn:bus{part['$ref']}"} if "$ref" in part else part for part in BY_NAME[name]["headers"]["allOf"]
        ]
    }
    registry = Registry().with_resource("urn:bus", components)
    return Draft202012Validator(schema, registry=registry, format_checker=FormatChecker())


def test_it_is_asyncapi_3():
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version", "description", "license"} <= DOCUMENT["info"].keys()


def test_every_reference_leads_somewhere():
    found = references(DOCUMENT)
    assert len(found) > 40
    for reference in found:
        assert followed(reference)


def test_every_type_has_its_message_and_its_schema():
    assert set(BY_NAME) == {kind.name for kind in TYPES.values()} | {GONE}
    for kind in TYPES.values():
        payload = BY_NAME[kind.name]["payload"]
        assert followed(payload["$ref"])["title"] == kind.name
    assert BY_NAME[GONE]["payload"] == {"type": "null"}


@pytest.mark.parametrize("topic", Topic)
def test_every_topic_is_a_channel_that_is_kept_as_it_says(topic: Topic):
    [channel] = [channel for channel in CHANNELS.values() if channel["address"] == topic.value]
    kept, told = TOPICS[topic], channel["bindings"]["kafka"]
    assert told["partitions"] == kept.partitions
    policy = "compact" if topic.state else "delete"
    how_long = "delete.retention.ms" if topic.state else "retention.ms"
    assert told["topicConfiguration"] == {"cleanup.policy": [policy], how_long: kept.kept_s * 1000}
    carried = {followed(message["$ref"])["name"] for message in channel["messages"].values()}
    assert carried == {kind.name for kind in TYPES.values() if kind.topic is topic} | ({GONE} if topic.state else set())


def test_there_is_no_other_channel():
    assert len(CHANNELS) == len(Topic)


@pytest.mark.parametrize("action", ["send", "receive"])
def test_every_channel_is_sent_to_and_received_from(action: str):
    done = [operation for operation in OPERATIONS.values() if operation["action"] == action]
    assert [followed(one["channel"]["$ref"])["address"] for one in done] == list(Topic)
    for operation in done:
        channel = operation["channel"]["$ref"]
        messages = followed(channel)["messages"]
        assert [one["$ref"] for one in operation["messages"]] == [f"{channel}/messages/{name}" for name in messages]
    assert len(OPERATIONS) == 2 * len(Topic)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.topic + ("" if event.payload else " gone"))
def test_the_headers_of_a_message_are_as_it_says(event):
    message = encode(event)
    headers = {name: text.decode() for name, text in message.headers}
    check = header_check(headers["ce_type"])
    check.validate(headers)
    for name in headers.keys() - {"content-type"}:
        assert not check.is_valid({key: text for key, text in headers.items() if key != name}), name
    for name, text in {"ce_type": "x", "ce_specversion": "0.3", "ce_sequence": "-1", "ce_source": ""}.items():
        assert not check.is_valid({**headers, name: text}), name


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.topic + ("" if event.payload else " gone"))
def test_an_example_is_what_is_sent(event):
    message = encode(event)
    headers = {name: text.decode() for name, text in message.headers}
    [example] = BY_NAME[headers["ce_type"]]["examples"]
    assert example["headers"] == headers
    assert example["payload"] == (None if message.value is None else json.loads(message.value))
