"""Events as messages and back: CloudEvents 1.0 in Kafka's binary mode, the body as JSON.

The version of an event stands in the ``sequence`` extension. Reading is strict: what is not exactly an event of a known
type raises, and whoever reads decides what becomes of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from connectors.bus.wire import GONE, TYPES, Type
from models.events import Event, Topic

Headers = list[tuple[str, bytes]]


class Message(NamedTuple):
    """What a bus carries."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


class Poison(ValueError):
    """A message that is not an event."""


class UnknownType(ValueError):
    """An event of a type that this release does not know: a later one's, or somebody else's."""


_TYPES = {
    kind.name: (kind, msgspec.json.Decoder(kind.body), len(kind.body.__struct_fields__)) for kind in TYPES.values()
}
_NAMES = {value: kind.name.encode() for value, kind in TYPES.items()}
_ENCODER = msgspec.json.Encoder()
_JSON = ("content-type", b"application/json")
_SPEC = ("ce_specversion", b"1.0")
KEY_MOST = 1024  # bytes
VERSION_MOST = 2**63 - 1


def encode(event: Event) -> Message:
    """The message of an event. Raises ValueError when a number in it is not finite, which JSON cannot say."""
    payload, key = event.payload, event.key.encode()
    version = b"%d" % event.version
    headers = [
        _SPEC,
        ("ce_type", GONE.encode() if payload is None else _NAMES[type(payload)]),
        ("ce_source", event.source.encode()),
        ("ce_id", b"%b/%b/%b" % (event.topic.value.encode(), key, version)),
        ("ce_time", _time(event.at_s)),
        ("ce_sequence", version),
        _JSON,
    ]
    value = None if payload is None else _ENCODER.encode(TYPES[type(payload)].to_body(payload))
    return Message(event.topic.value, key, value, headers)


def decode(topic: Topic, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> Event:
    """The event of a message. Raises Poison when it is none, and UnknownType when its type is not known here."""
    known = dict(headers)
    try:
        name = known["ce_type"].decode()
        sequence, source, at_s = int(known["ce_sequence"]), known["ce_source"].decode(), _seconds(known["ce_time"])
        if known["ce_specversion"] != b"1.0":
            raise Poison(f"CloudEvents {known['ce_specversion'][:20]!r} is not 1.0")
        if not key or len(key) > KEY_MOST or not 0 <= sequence <= VERSION_MOST:
            raise Poison("its key or its sequence is missing or out of range")
        text = key.decode()
    except KeyError as error:
        raise Poison(f"header {error.args[0]} is missing") from None
    except (ValueError, OverflowError, OSError, AttributeError) as error:
        raise error if isinstance(error, Poison) else Poison(f"a header cannot be read: {error}") from None
    if value is None:
        return Event(topic, text, None, sequence, source, at_s)
    if name not in _TYPES:
        raise UnknownType(name)
    kind, decoder, fields = _TYPES[name]
    if kind.topic is not topic:
        raise Poison(f"type {name} does not belong on {topic}")
    return Event(topic, text, _payload(kind, decoder, fields, value), sequence, source, at_s)


def _payload(kind: Type[Any], decoder: msgspec.json.Decoder[Any], fields: int, value: bytes) -> Any:
    try:
        if value.count(b'":') > fields:
            json.loads(value, object_pairs_hook=_no_twice)
        return kind.to_value(decoder.decode(value))
    except (msgspec.DecodeError, ValueError, RecursionError, OverflowError) as error:
        raise Poison(f"the body is no {kind.name}: {str(error)[:200]}") from None


def _no_twice(pairs: list[tuple[str, Any]]) -> None:
    """JSON forbids a name twice in one object, and readers differ in which of the two they take."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a field is there twice")


@lru_cache(maxsize=64)
def _time(at_s: float) -> bytes:
    return datetime.fromtimestamp(at_s, UTC).isoformat().encode()


@lru_cache(maxsize=64)
def _seconds(text: bytes) -> float:
    at = datetime.fromisoformat(text.decode())
    if at.tzinfo is None:
        raise ValueError(f"{at} has no zone")
    return at.timestamp()
