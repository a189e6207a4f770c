"""The bus as an AsyncAPI 3.0 document: topics as channels, types of events as messages, bodies by reference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from connectors.bus.topics import LONGEST, TOPICS, TopicRules
from connectors.bus.wire.codec import KEY_MOST, encode
from connectors.bus.wire.examples import examples, gone
from connectors.bus.wire.payloads import GONE, TYPES, Type
from connectors.bus.wire.schemas import file_name, schema
from models.events import Event, Topic

Document = dict[str, Any]
_BINDING = "0.5.0"  # of AsyncAPI's Kafka bindings
_PREFIX = "dev.tidegate."
_ABOUT = f"""What the parts of Tidegate tell one another, and anyone who listens.

Every message is a CloudEvent 1.0 in the binary mode of its Kafka binding: the attributes are headers, the body is JSON.
Delivery is at least once. Of two messages of one key the one with the greater ce_sequence is the newer one, in whatever
order they arrive. Bodies grow by optional fields and enumerations by values: ignore what you do not know. No message
is larger than {LONGEST} bytes. A site may set a prefix for the names of all topics.
"""
_HEADERS: dict[str, Document] = {
    "ce_specversion": {"type": "string", "const": "1.0", "description": "The version of CloudEvents."},
    "ce_type": {"type": "string", "description": "The type of the event; says which schema the body has."},
    "ce_source": {
        "type": "string",
        "format": "uri-reference",
        "minLength": 1,
        "maxLength": KEY_MOST,
        "description": "Who saw it: `/tidegate/`, site, pool and part, with slashes between.",
    },
    "ce_id": {
        "type": "string",
        "minLength": 1,
        "description": "Topic, key and sequence: equal for two deliveries of one event, and for nothing else.",
    },
    "ce_time": {"type": "string", "format": "date-time", "description": "When the source saw it; with a zone."},
    "ce_sequence": {
        "type": "string",
        "pattern": "^[0-9]{1,19}$",
        "description": (
            "The order in which the source saw it, a whole number below 2^63 with leading zeros: of two events of one"
            " key the one with the greater number is the newer one."
        ),
    },
    "content-type": {
        "type": "string",
        "description": "The media type of the body, application/json; a reader takes a message without it for that.",
    },
}


def document() -> Document:
    """The document, with references to schema files beside it."""
    kinds = list(TYPES.values())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tidegate events",
            "version": "1",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {_channel_name(topic): _channel(topic, kept) for topic, kept in TOPICS.items()},
        "operations": dict(_operations()),
        "components": {
            "messages": {
                **{_short(kind.name): _message(kind, event) for kind, event in zip(kinds, examples(), strict=True)},
                _short(GONE): _described(
                    GONE, "The key has no state any more.", "that of what is gone", {"type": "null"}, gone()
                ),
            },
            "schemas": {
                "headers": {
                    "type": "object",
                    "required": [name for name in _HEADERS if name.startswith("ce_")],
                    "properties": _HEADERS,
                }
            },
        },
    }


def headers() -> dict[str, str]:
    """What each header of a message says, by its name."""
    return {name: str(header["description"]) for name, header in _HEADERS.items()}


def names_on(topic: Topic) -> list[str]:
    """The names of the types that go to a topic."""
    return [kind.name for kind in TYPES.values() if kind.topic is topic] + ([GONE] if topic.state else [])


def _channel_name(topic: Topic) -> str:
    return topic.value.removeprefix("tidegate.")


def _short(name: str) -> str:
    return name.removeprefix(_PREFIX)


def _channel(topic: Topic, kept: TopicRules) -> Document:
    kept_ms = kept.kept_s * 1000
    return {
        "address": topic.value,
        "description": kept.about,
        "messages": {_short(name): {"$ref": f"#/components/messages/{_short(name)}"} for name in names_on(topic)},
        "bindings": {
            "kafka": {
                "partitions": kept.partitions,
                "topicConfiguration": (
                    {"cleanup.policy": ["compact"], "delete.retention.ms": kept_ms}
                    if topic.state
                    else {"cleanup.policy": ["delete"], "retention.ms": kept_ms}
                ),
                "bindingVersion": _BINDING,
            }
        },
    }


def _operations() -> Iterable[tuple[str, Document]]:
    for topic, kept in TOPICS.items():
        channel = _channel_name(topic)
        for action in ("send", "receive"):
            yield (
                f"{action}.{channel}",
                {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{channel}"},
                    "summary": kept.about,
                    "messages": [{"$ref": f"#/channels/{channel}/messages/{_short(name)}"} for name in names_on(topic)],
                },
            )


def _message(kind: Type[Any], event: Event) -> Document:
    described = schema(kind)["description"]
    body = {"$ref": f"./{file_name(kind)}"}
    return _described(kind.name, described, TOPICS[kind.topic].key, body, event)


def _described(name: str, about: str, key: str, body: Document, event: Event) -> Document:
    message = encode(event)
    return {
        "name": name,
        "title": name,
        "summary": about,
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "allOf": [
                {"$ref": "#/components/schemas/headers"},
                {"type": "object", "properties": {"ce_type": {"type": "string", "const": name}}},
            ],
        },
        "payload": body,
        "bindings": {
            "kafka": {
                "key": {"type": "string", "minLength": 1, "maxLength": KEY_MOST, "description": key},
                "bindingVersion": _BINDING,
            }
        },
        "examples": [
            {
                "name": event.key,
                "headers": {header: text.decode() for header, text in message.headers},
                "payload": None if message.value is None else msgspec.json.decode(message.value),
            }
        ],
    }
