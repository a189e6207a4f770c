"""Messages that are no events, each wrong in one way, by what is wrong with it: all meant for the topic of demand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from connectors.bus.wire.codec import Message, encode
from models.demand import Demand
from models.events import Event, Planned, Topic
from models.nodes import Side
from models.plans import Plan

GOOD = Event(Topic.DEMAND, "pool/hpc", Demand(Side.HPC, 1_700_000_000, 3.0, 1.5), 7, "/tests", 1_700_000_000.0)
MESSAGE = encode(GOOD)
ATTRIBUTES = ("ce_specversion", "ce_type", "ce_source", "ce_id", "ce_time", "ce_sequence")
DEEP = 10_000


def body(**fields: str) -> Message:
    """The message with these fields instead, as they stand in JSON."""
    known = {"side": '"hpc"', "at_s": "1", "running": "3.0", "waiting": "1.5"} | fields
    return raw("{" + ",".join(f'"{name}":{text}' for name, text in known.items()) + "}")


def raw(text: str | bytes) -> Message:
    return MESSAGE._replace(value=text.encode() if isinstance(text, str) else text)


def header(name: str, value: bytes) -> Message:
    return headers((known, value if known == name else text) for known, text in MESSAGE.headers)


def headers(pairs: Iterable[tuple[str, bytes]]) -> Message:
    return MESSAGE._replace(headers=list(pairs))


PLAN = encode(replace(GOOD, topic=Topic.PLANS, payload=Planned(1, Plan(1, 2, 3, (), (), ()))))
GONE = encode(replace(GOOD, topic=Topic.NODES, payload=None))

POISON: dict[str, Message] = {
    "not JSON": raw("{not JSON"),
    "another schema": raw('{"colour":"blue"}'),
    "text where a number belongs": body(at_s='"soon"'),
    "a value that is none": body(side='"mainframe"'),
    "a negative number of nodes": body(running="-1.0"),
    "not a number": body(running="NaN"),
    "too large for a float": body(running="1e400"),
    "too large for a time": body(at_s=str(2**70)),
    "a field twice": raw('{"side":"hpc","at_s":1,"at_s":2,"running":3.0,"waiting":1.5}'),
    "NUL bytes": raw(b"\x00" * 16),
    "NUL within a text": raw(b'{"side":"hpc\x00","at_s":1,"running":3.0,"waiting":1.5}'),
    "no UTF-8": raw(b'{"side":"\xff\xfe","at_s":1,"running":3.0,"waiting":1.5}'),
    "half a surrogate": body(colour='"\\ud800"'),
    "too deep": raw("[" * DEEP + "]" * DEEP),
    "too deep within a field that nobody knows": body(colour="[" * DEEP + "]" * DEEP),
    "an empty body": raw(b""),
    "no body": MESSAGE._replace(value=None),
    "a list": raw("[]"),
    "something after the end": raw((MESSAGE.value or b"") + b"{}"),
    "no key": MESSAGE._replace(key=None),
    "an empty key": MESSAGE._replace(key=b""),
    "a key that is no text": MESSAGE._replace(key=b"\xff\xfe"),
    "a key with a NUL": MESSAGE._replace(key=b"pool\x00hpc"),
    "a key of 10 kB": MESSAGE._replace(key=b"k" * 10_000),
    "another topic's type": MESSAGE._replace(value=PLAN.value, headers=PLAN.headers),
    "gone, where there is no state": MESSAGE._replace(value=None, headers=GONE.headers),
    "no headers": headers([]),
    "a header twice": headers([*MESSAGE.headers, ("ce_sequence", b"9")]),
    "a later CloudEvents": header("ce_specversion", b"2.0"),
    "a type that is no text": header("ce_type", b"\xff"),
    "an empty source": header("ce_source", b""),
    "an empty id": header("ce_id", b""),
    "a time without a zone": header("ce_time", b"2024-05-01T10:00:00"),
    "a time that is none": header("ce_time", b"2024-05-32T10:00:00Z"),
    "a negative version": header("ce_sequence", b"-1"),
    "a version that is too large": header("ce_sequence", b"9223372036854775808"),
    **{f"no {name}": headers(pair for pair in MESSAGE.headers if pair[0] != name) for name in ATTRIBUTES},
}
