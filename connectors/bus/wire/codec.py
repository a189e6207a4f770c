"""Events as messages and back: CloudEvents 1.0 in Kafka's binary mode, the body as JSON.

The version of an event stands in the ``sequence`` extension, with leading zeros, since that must sort as text. Reading
is strict: what is not exactly an event of a known type raises, and whoever reads decides what becomes of it. What no
reader would take is not written in the first place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from connectors.bus.topics import LONGEST
from connectors.bus.wire.bodies import OfPool
from connectors.bus.wire.payloads import ENCODER, GONE, TYPES, Type
from models.events import Event, Topic
from models.identity import PoolId

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


KEY_MOST = 1024  # bytes of a key, and of a source
VERSION_MOST = 2**63 - 1
REASON_MOST = 200  # characters of what a parser has to say
_WRITTEN = {value: (kind, kind.name.encode(), msgspec.json.Decoder(kind.body)) for value, kind in TYPES.items()}
_GONE = GONE.encode()
_BY_NAME: dict[bytes, tuple[Type[Any] | None, msgspec.json.Decoder[Any]]] = {
    _GONE: (None, msgspec.json.Decoder()),
    **{name: (kind, decoder) for kind, name, decoder in _WRITTEN.values()},
}
_JSON = ("content-type", b"application/json")
_SPEC = ("ce_specversion", b"1.0")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})").fullmatch
_NO_TEXT = re.compile(
    "[\x00-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]"
).search  # what CloudEvents forbids in an attribute


def encode(event: Event) -> Message:
    """The message of an event. Raises ValueError for one that no reader would take.

    Such are a number that is not finite, which JSON cannot say, a name that is too long, or a value on a topic where
    it does not belong.
    """
    topic, payload, version, value = event.topic, event.payload, event.version, None
    try:
        key, source, ident, time = event.key.encode(), event.source.encode(), event.id.encode(), _time(event.at_s)
        kind, name, decoder = (None, _GONE, None) if payload is None else _WRITTEN[type(payload)]
        usual = kind is not None and kind.topic is topic and 0 <= version <= VERSION_MOST
        if not usual and (problem := _misplaced(topic, kind, payload is not None) or _range(version)):
            raise ValueError(problem)
        _source(source)
        if not (0 < len(key) <= KEY_MOST and event.key.isprintable()):
            _check(event.key, key, [])
        if kind is not None and decoder is not None:
            value = ENCODER.encode(_with_pool(kind.to_body(payload), event.pool))
            decoder.decode(value)
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError, OSError) as error:
        raise ValueError(f"event {event.id:.200} cannot be sent: {str(error)[:REASON_MOST]}") from error
    headers = [
        _SPEC,
        ("ce_type", name),
        ("ce_source", source),
        ("ce_id", ident),
        ("ce_time", time),
        ("ce_sequence", b"%019d" % version),
        _JSON,
    ]
    return Message(topic.value, key, value, headers)


def decode(topic: Topic, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> Event:
    """The event of a message. Raises Poison when it is none, and UnknownType when its type is not known here."""
    pairs = [*headers]
    known = dict(pairs)
    try:
        named = _BY_NAME.get(known["ce_type"])
        if named is None or known["ce_specversion"] != b"1.0" or not known["ce_id"]:
            raise _foreign(known)
        number = known["ce_sequence"]
        sequence, source, at_s = int(number), _source(known["ce_source"]), _seconds(known["ce_time"])
        key = key or b""
        text = key.decode()
        if not number.isdigit() or sequence > VERSION_MOST:
            raise Poison(_range(-1))
    except (Poison, UnknownType):
        raise
    except KeyError as error:
        raise Poison(f"header {error.args[0]} is missing") from None
    except (ValueError, OverflowError, OSError, AttributeError, TypeError) as error:
        raise Poison(f"its key or a header cannot be read: {str(error)[:REASON_MOST]}") from None
    if not (0 < len(key) <= KEY_MOST and text.isprintable() and len(known) == len(pairs)):
        _check(text, key, pairs)
    kind, decoder = named
    if kind is None or kind.topic is not topic or value is None:
        if problem := _misplaced(topic, kind, value is not None):
            raise Poison(problem)
        return Event(topic, text, None, sequence, source, at_s)
    return Event(topic, text, _payload(kind, decoder, value), sequence, source, at_s)


def _with_pool(body: Struct, pool: PoolId | None) -> Struct:
    """The body with the names of the pool that tells it, where there is one."""
    return body if pool is None or not isinstance(body, OfPool) else replace(body, site=pool.site, pool=pool.pool)


def _foreign(known: dict[str, bytes]) -> Exception:
    """What is wrong with a message that is no event of a known type."""
    name = known["ce_type"].decode()
    if known["ce_specversion"] != b"1.0":
        return Poison(f"CloudEvents {known['ce_specversion']!r:.20} is not 1.0")
    return Poison("its id is empty") if known["ce_type"] in _BY_NAME else UnknownType(name)


@lru_cache(maxsize=64)
def _source(source: bytes) -> str:
    text = source.decode()
    if not 0 < len(source) <= KEY_MOST or _NO_TEXT(text):
        raise Poison(f"its source is missing, longer than {KEY_MOST} bytes, or does not print")
    return text


def _range(version: int) -> str:
    return "" if 0 <= version <= VERSION_MOST else f"its sequence is no whole number from 0 to {VERSION_MOST}"


def _check(text: str, key: bytes, pairs: Headers) -> None:
    if not 0 < len(key) <= KEY_MOST:
        raise Poison(f"its key is missing or longer than {KEY_MOST} bytes")
    if not text.isprintable() and _NO_TEXT(text):
        raise Poison("its key does not print")
    names = [name for name, _ in pairs if name.startswith("ce_")]
    if len({*names}) < len(names):
        raise Poison("a header is there twice")


def _misplaced(topic: Topic, kind: Type[Any] | None, has_body: bool) -> str:
    if kind is None:
        if not topic.state:
            return f"nothing can be gone from {topic}, which is no topic of state"
        return f"type {GONE} has no body" if has_body else ""
    if kind.topic is not topic:
        return f"type {kind.name} does not belong on {topic}"
    return "" if has_body else f"type {kind.name} needs a body"


def _payload(kind: Type[Any], decoder: msgspec.json.Decoder[Any], value: bytes) -> Any:
    if len(value) > LONGEST:
        raise Poison(f"its body of {len(value)} bytes is more than the {LONGEST} that are sent")
    try:
        body = decoder.decode(value)
        if ENCODER.encode(body) != value:  # what we wrote ourselves has no name twice, and needs no second look
            json.loads(value.decode(), object_pairs_hook=_no_twice)
        return kind.to_value(body)
    except (msgspec.DecodeError, ValueError, RecursionError, OverflowError) as error:
        raise Poison(f"the body is no {kind.name}: {str(error)[:REASON_MOST]}") from None


def _no_twice(pairs: list[tuple[str, Any]]) -> None:
    """JSON forbids a name twice in one object, and readers differ in which of the two they take."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a field is there twice")


@lru_cache(maxsize=64)
def _time(at_s: float) -> bytes:
    return datetime.fromtimestamp(at_s, UTC).isoformat().encode()


@lru_cache(maxsize=64)
def _seconds(text: bytes) -> float:
    """Seconds since 1970 of a time as RFC 3339 has it."""
    time = text.decode().upper()
    if not _TIME(time):
        raise ValueError(f"{time!r:.40} is no time with a zone")
    return datetime.fromisoformat(time).timestamp()
