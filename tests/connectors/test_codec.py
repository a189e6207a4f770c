"""Events become messages and come back; what is not exactly an event is refused, and nothing else is ever raised."""

from __future__ import annotations

import json
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.bus.wire.bodies import TEXT_MOST
from connectors.bus.wire.codec import KEY_MOST, Message, Poison, UnknownType, decode, encode
from connectors.bus.wire.examples import examples, gone
from connectors.bus.wire.payloads import GONE, TYPES
from models.demand import Demand
from models.events import DeadLetter, Event, Payload, Planned, Topic
from models.forecasts import Forecast
from models.handovers import Handover
from models.identity import CONNECTOR, PoolId
from models.nodes import HpcNode, Side
from models.plans import Plan
from models.work import WorkRecord, WorkState
from tests.connectors import events
from tests.values import replace

BY_TYPE = {type(event.payload): event for event in examples()}
WORK, FORECAST, PLAN = BY_TYPE[WorkRecord], BY_TYPE[Forecast], BY_TYPE[Planned]
A100 = PoolId("campus", "a100")
KINDS = [pytest.param(kind, id=kind.__name__) for kind in TYPES]


def read(message: Message, topic: Topic | None = None) -> Event:
    return decode(topic or Topic(message.topic), message.key, message.value, message.headers)


def altered(message: Message, **changes: bytes | None) -> Message:
    """The message with other headers (``ce_type=...``), or without some, or with another key or value."""
    parts = {name: changes.pop(name) for name in ("key", "value") if name in changes}
    headers = {**dict(message.headers), **changes}
    return message._replace(**parts, headers=[(name, text) for name, text in headers.items() if text is not None])


def doubled(value: object) -> bool:
    """Whether some object of a JSON document has a name twice, as told by its pairs."""
    if not isinstance(value, list):
        return False
    if value and isinstance(value[0], tuple):
        names = [name for name, _ in value]
        return len(set(names)) < len(names) or any(doubled(inner) for _, inner in value)
    return any(map(doubled, value))


# There and back


def test_every_type_is_tried():
    assert set(events.BY_KIND) == set(TYPES) == set(BY_TYPE)


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_reads_back_equal(kind: type):
    @settings(max_examples=150)
    @given(events.events_of(events.BY_KIND[kind]))
    def check(event: Event) -> None:
        message = encode(event)
        back = read(message)
        assert events.told(back.payload) == events.told(event.payload)
        assert replace(back, payload=None) == replace(event, payload=None)
        assert type(back.payload) is kind
        assert not doubled(json.loads(message.value, object_pairs_hook=list))
        assert encode(back) == message

    check()


@given(events.gone)
def test_the_mark_that_a_key_is_gone_reads_back(event: Event):
    message = encode(event)
    assert message.value is None
    assert read(message) == event


def test_what_is_not_told_of_a_hand_over_is_as_if_nothing_were_known():
    known = {field.name for field in fields(Handover)}
    assert known - set(TYPES[Handover].body.__struct_fields__) == set(events.NOT_TOLD)


def test_the_whole_of_an_event_is_exactly_this():
    work = WorkRecord("job/4711", Side.HPC, WorkState.RUNNING, 4.0, 100, 3600, 160, None, "zoë")
    event = Event(Topic.WORK, "campus/a100/hpc/job/4711", work, 42, A100.source(CONNECTOR), 1_700_000_000.25)
    assert encode(event) == Message(
        topic="tidegate.work",
        key=b"campus/a100/hpc/job/4711",
        value=b'{"id":"job/4711","side":"hpc","state":"running","nodes":4.0,"submitted_s":100,"limit_s":3600,'
        b'"started_s":160,"ended_s":null,"user":"zo\xc3\xab","site":"campus","pool":"a100"}',
        headers=[
            ("ce_specversion", b"1.0"),
            ("ce_type", b"dev.tidegate.work.v1"),
            ("ce_source", b"/tidegate/campus/a100/connector"),
            ("ce_id", b"tidegate.work/campus/a100/hpc/job/4711/42"),
            ("ce_time", b"2023-11-14T22:13:20.250000+00:00"),
            ("ce_sequence", b"0000000000000000042"),
            ("content-type", b"application/json"),
        ],
    )


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind is not DeadLetter], ids=lambda kind: kind.__name__)
def test_a_body_says_whose_it_is_as_its_source_does(kind: type):
    event = BY_TYPE[kind]
    bodies = [json.loads(encode(replace(event, source=source)).value or b"") for source in (event.source, "/elsewhere")]
    assert [(body["site"], body["pool"]) for body in bodies] == [("campus", "a100"), (None, None)]


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind is not DeadLetter], ids=lambda kind: kind.__name__)
def test_a_body_of_before_pools_had_names_is_read(kind: type):
    """And what a body says of the pool is for others: whose an event is says its source."""
    message = encode(BY_TYPE[kind])
    body = json.loads(message.value or b"")
    for pool in ({}, {"site": None, "pool": None}, {"site": "island", "pool": "b"}):
        rest = {name: value for name, value in body.items() if name not in {"site", "pool"}}
        found = read(message._replace(value=json.dumps(rest | pool).encode()))
        assert (events.told(found.payload), found.pool) == (events.told(BY_TYPE[kind].payload), A100)


def test_a_dead_letter_is_no_pool_s():
    assert "pool" not in json.loads(encode(replace(BY_TYPE[DeadLetter], source=A100.source(CONNECTOR))).value or b"")


@given(st.lists(events.versions, min_size=2, max_size=2))
def test_sequences_sort_as_text_as_they_do_as_numbers(versions: list[int]):
    texts = [dict(encode(replace(WORK, version=version)).headers)["ce_sequence"] for version in versions]
    assert sorted(texts) == [texts[versions.index(version)] for version in sorted(versions)]


def test_numpy_numbers_are_sent_as_numbers():
    demand = Demand(Side.HPC, np.int64(300), np.float64(0.1) + np.float64(0.2), np.float32(1))
    event = replace(BY_TYPE[Demand], payload=demand)
    assert read(encode(event)).payload == demand


def test_a_long_text_is_cut_and_a_name_is_not():
    node = HpcNode("n1", "a100", "x" * 10_000, False, None)
    sent = read(encode(replace(BY_TYPE[HpcNode], payload=node))).payload
    assert sent == replace(node, drain_reason="x" * (TEXT_MOST - 1) + "…")
    with pytest.raises(ValueError, match="length <= 512"):
        encode(replace(BY_TYPE[HpcNode], payload=replace(node, name="n" * 513)))


# What is written must be readable


def payload(kind: type, **changes: object) -> Event:
    return replace(BY_TYPE[kind], payload=replace(BY_TYPE[kind].payload, **changes))


def move(**changes: object) -> Event:
    plan: Plan = PLAN.payload.plan
    return payload(Planned, plan=replace(plan, moves=(replace(plan.moves[0], **changes),)))


BAD_EVENTS = {
    "work of infinite size": payload(WorkRecord, nodes=float("inf")),
    "NumPy's infinity": payload(WorkRecord, nodes=np.float64("inf")),
    "a gain that is no number": move(gain=float("nan")),
    "an infinite cost": move(cost=-float("inf")),
    "work without a name": payload(WorkRecord, id=""),
    "a time after all times": payload(WorkRecord, submitted_s=2**70),
    "a negative limit": payload(WorkRecord, limit_s=-1),
    "a text that is none": payload(WorkRecord, user=7),
    "half a surrogate pair": payload(WorkRecord, user="\ud800"),
    "half a surrogate pair as key": replace(WORK, key="\ud800"),
    "no key": replace(WORK, key=""),
    "too long a key": replace(WORK, key="k" * (KEY_MOST + 1)),
    "a key that does not print": replace(WORK, key="hpc/\n"),
    "no source": replace(WORK, source=""),
    "too long a source": replace(WORK, source="s" * (KEY_MOST + 1)),
    "a negative version": replace(WORK, version=-1),
    "too great a version": replace(WORK, version=2**63),
    "a time that is no number": replace(WORK, at_s=float("nan")),
    "an infinite time": replace(WORK, at_s=float("inf")),
    "a time after the year 9999": replace(WORK, at_s=1e12),
    "a wrong topic": replace(WORK, topic=Topic.NODES),
    "gone where nothing is kept": replace(WORK, topic=Topic.DEMAND, payload=None),
}


@pytest.mark.parametrize("event", BAD_EVENTS.values(), ids=BAD_EVENTS)
def test_what_no_reader_would_take_is_not_written(event: Event):
    with pytest.raises(ValueError, match=r"."):
        encode(event)


# Poison


GOOD = encode(WORK)
BODY = GOOD.value or b""
DEEP = b"[" * 10_000 + b"]" * 10_000


def with_field(name: bytes, text: bytes) -> bytes:
    """The body of ``WORK`` with one field of another value, and one more that nobody knows after it."""
    body = json.loads(BODY)
    del body[name.decode()]
    return b'{"%b":%b,' % (name, text) + json.dumps(body).encode()[1:]


def forecast_with(**changes: object) -> Message:
    message = encode(FORECAST)
    return message._replace(value=json.dumps({**json.loads(message.value or b""), **changes}).encode())


POISON: dict[str, tuple[Message, str]] = {
    "no JSON": (altered(GOOD, value=b"work"), "the body is no dev.tidegate.work.v1"),
    "an empty body": (altered(GOOD, value=b""), "truncated"),
    "only white space": (altered(GOOD, value=b" \n"), "truncated"),
    "NUL": (altered(GOOD, value=b"\0"), "malformed"),
    "NUL after the end": (altered(GOOD, value=BODY + b"\0"), "trailing"),
    "two bodies": (altered(GOOD, value=BODY + BODY), "trailing"),
    "half a body": (altered(GOOD, value=BODY[:-9]), "truncated"),
    "a list": (altered(GOOD, value=b"[1]"), "Expected `object`"),
    "null": (altered(GOOD, value=b"null"), "Expected `object`"),
    "no field at all": (altered(GOOD, value=b"{}"), "missing required field"),
    "UTF-16": (altered(GOOD, value=BODY.decode().encode("utf-16")), "malformed"),
    "a byte order mark": (altered(GOOD, value=b"\xef\xbb\xbf" + BODY), "malformed"),
    "invalid UTF-8": (altered(GOOD, value=with_field(b"user", b'"\xff"')), "utf-8"),
    "invalid UTF-8 where nobody looks": (altered(GOOD, value=BODY[:-1] + b',"x":"\xff"}'), "utf-8"),
    "a surrogate in UTF-8": (altered(GOOD, value=BODY[:-1] + b',"x":"\xed\xa0\x80"}'), "utf-8"),
    "NUL within a text": (altered(GOOD, value=with_field(b"user", b'"a\0"')), "malformed"),
    "half a surrogate pair": (altered(GOOD, value=with_field(b"user", rb'"\ud800"')), "the body is no"),
    "a wrong kind of value": (altered(GOOD, value=with_field(b"nodes", b'"4"')), "Expected `float`"),
    "no such side": (altered(GOOD, value=with_field(b"side", b'"moon"')), "Invalid enum value"),
    "a whole number with a point": (altered(GOOD, value=with_field(b"submitted_s", b"100.0")), "Expected `int`"),
    "true for a number": (altered(GOOD, value=with_field(b"submitted_s", b"true")), "Expected `int`"),
    "null where none may be": (altered(GOOD, value=with_field(b"nodes", b"null")), "Expected `float`"),
    "a name without letters": (altered(GOOD, value=with_field(b"id", b'""')), "length >= 1"),
    "a name of 800,000 letters": (altered(GOOD, value=with_field(b"id", b'"%b"' % (b"n" * 800_000))), "length <= 512"),
    "a field of 8 MiB that nobody knows": (
        altered(GOOD, value=GOOD.value[:-1] + b',"x":[' + b"[]," * (8 * 2**20 // 3) + b"1]}"),
        "is more than the 900000 that are sent",
    ),
    "1e400": (altered(GOOD, value=with_field(b"nodes", b"1e400")), "out of range"),
    "400 digits for a float": (altered(GOOD, value=with_field(b"nodes", b"1" * 400)), "out of range"),
    "NaN": (altered(GOOD, value=with_field(b"nodes", b"NaN")), "malformed"),
    "Infinity": (altered(GOOD, value=with_field(b"nodes", b"Infinity")), "malformed"),
    "2 to the 70th": (altered(GOOD, value=with_field(b"submitted_s", b"%d" % 2**70)), "<= 9007199254740992"),
    "5,000 digits": (altered(GOOD, value=with_field(b"submitted_s", b"1" * 5000)), "out of range"),
    "a size of zero": (altered(GOOD, value=with_field(b"nodes", b"0")), "> 0.0"),
    "a size of less than nothing": (altered(GOOD, value=with_field(b"nodes", b"-1")), "> 0.0"),
    "lists 10,000 deep": (altered(GOOD, value=BODY[:-1] + b',"x":' + DEEP + b"}"), "recursion"),
    "nothing but depth": (altered(GOOD, value=DEEP), "Expected `object`"),
    "runs and has never started": (altered(GOOD, value=with_field(b"started_s", b"null")), "has no start time"),
    # a name twice
    "a name twice": (altered(GOOD, value=BODY[:-1] + b',"user":"eve"}'), "twice"),
    "a name twice and another left out": (
        altered(GOOD, value=BODY.replace(b',"limit_s":14400', b"")[:-1] + b',"user":"eve"}'),
        "twice",
    ),
    "a name twice, with room before the colon": (
        altered(GOOD, value=BODY.replace(b":", b" : ")[:-1] + b',"user" :"eve"}'),
        "twice",
    ),
    "a name twice, once in other letters": (altered(GOOD, value=BODY[:-1] + rb',"us\u0065r":"eve"}'), "twice"),
    "an unknown name twice": (altered(GOOD, value=BODY[:-1] + b',"x":1,"x":1}'), "twice"),
    "a name twice, deep inside": (altered(GOOD, value=BODY[:-1] + b',"x":[{"y":{"z":1,"z":2}}]}'), "twice"),
    "a name twice, after a text that looks like names": (
        altered(GOOD, value=with_field(b"user", rb'"\":\":\":"')[:-1] + b',"nodes":1.0}'),
        "twice",
    ),
    "a name twice within a move": (
        altered(encode(PLAN), value=(encode(PLAN).value or b"").replace(b'"gain":', b'"gain":9.0,"gain":')),
        "twice",
    ),
    # what the values themselves do not allow
    "quantiles that cross": (forecast_with(values=[[3, 2, 1], [1, 2, 3]]), "must not cross"),
    "a row too few": (forecast_with(values=[[1, 2, 3]]), "horizons x levels"),
    "rows of different lengths": (forecast_with(values=[[1, 2, 3], [1, 2]]), "the body is no"),
    "all in one row": (forecast_with(values=[[1, 2, 3, 4, 5, 6]]), "horizons x levels"),
    "no rows": (forecast_with(values=[]), "horizons x levels"),
    "a negative quantile": (forecast_with(values=[[-1, 2, 3], [1, 2, 3]]), ">= 0.0"),
    # headers
    "no type": (altered(GOOD, ce_type=None), "header ce_type is missing"),
    "no source": (altered(GOOD, ce_source=None), "header ce_source is missing"),
    "no id": (altered(GOOD, ce_id=None), "header ce_id is missing"),
    "no time": (altered(GOOD, ce_time=None), "header ce_time is missing"),
    "no sequence": (altered(GOOD, ce_sequence=None), "header ce_sequence is missing"),
    "no version of CloudEvents": (altered(GOOD, ce_specversion=None), "header ce_specversion is missing"),
    "CloudEvents 0.3": (altered(GOOD, ce_specversion=b"0.3"), "CloudEvents b'0.3' is not 1.0"),
    "an empty id": (altered(GOOD, ce_id=b""), "its id is empty"),
    "an empty source": (altered(GOOD, ce_source=b""), "its source is missing"),
    "a source that does not print": (altered(GOOD, ce_source=b"a\0"), "does not print"),
    "a source of 2,000 letters": (altered(GOOD, ce_source=b"s" * 2000), "its source is"),
    "a source that is not UTF-8": (altered(GOOD, ce_source=b"\xff"), "cannot be read"),
    "a type that is not UTF-8": (altered(GOOD, ce_type=b"\xff"), "cannot be read"),
    "a negative sequence": (altered(GOOD, ce_sequence=b"-1"), "no whole number from 0"),
    "a sequence with a plus": (altered(GOOD, ce_sequence=b"+1"), "no whole number from 0"),
    "a sequence with room": (altered(GOOD, ce_sequence=b" 1"), "no whole number from 0"),
    "a sequence with underlines": (altered(GOOD, ce_sequence=b"1_000"), "no whole number from 0"),
    "a sequence in words": (altered(GOOD, ce_sequence=b"one"), "cannot be read"),
    "an empty sequence": (altered(GOOD, ce_sequence=b""), "cannot be read"),
    "a sequence past 2 to the 63rd": (altered(GOOD, ce_sequence=b"%d" % 2**63), "no whole number from 0"),
    "a sequence of 5,000 digits": (altered(GOOD, ce_sequence=b"1" * 5000), "cannot be read"),
    "a time without a zone": (altered(GOOD, ce_time=b"2026-03-02T08:00:00"), "no time with a zone"),
    "only a date": (altered(GOOD, ce_time=b"2026-03-02"), "no time with a zone"),
    "the 13th month": (altered(GOOD, ce_time=b"2026-13-02T08:00:00Z"), "cannot be read"),
    "a time by week": (altered(GOOD, ce_time=b"2026-W10-1T08:00:00Z"), "no time with a zone"),
    "a very long time": (altered(GOOD, ce_time=b"2" * 10**6), "no time with a zone"),
    "no key": (altered(GOOD, key=None), "its key is missing"),
    "an empty key": (altered(GOOD, key=b""), "its key is missing"),
    "too long a key": (altered(GOOD, key=b"k" * (KEY_MOST + 1)), "longer than 1024 bytes"),
    "a key that is not UTF-8": (altered(GOOD, key=b"\xff"), "cannot be read"),
    "NUL in the key": (altered(GOOD, key=b"hpc/\0"), "does not print"),
    "a header twice": (GOOD._replace(headers=[*GOOD.headers, ("ce_type", b"dev.tidegate.work.v1")]), "there twice"),
    "a type on the wrong topic": (GOOD._replace(topic="tidegate.nodes"), "does not belong on tidegate.nodes"),
    "gone where nothing is kept": (encode(gone())._replace(topic="tidegate.demand"), "nothing can be gone"),
    "gone with a body": (altered(encode(gone()), value=b"{}"), "has no body"),
    "a type without its body": (altered(GOOD, value=None), "needs a body"),
}


@pytest.mark.parametrize(("message", "reason"), POISON.values(), ids=POISON)
def test_what_is_no_event_is_poison(message: Message, reason: str):
    with pytest.raises(Poison, match=r"(?i).") as found:
        read(message)
    assert reason in str(found.value)
    assert len(str(found.value)) < 400


@pytest.mark.parametrize("header", ["ce_type", "ce_specversion", "ce_sequence", "ce_source", "ce_time", "ce_id"])
def test_a_header_without_a_value_is_poison(header: str):
    headers = [(name, None if name == header else text) for name, text in GOOD.headers]
    with pytest.raises(Poison):
        decode(Topic.WORK, GOOD.key, GOOD.value, headers)  # type: ignore[arg-type]  # as Kafka has it


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(altered(GOOD, ce_type=b"dev.tidegate.work.v2"), id="a later one"),
        pytest.param(altered(GOOD, ce_type=b"dev.tidegate.work.v2", value=b"\0"), id="whatever its body is"),
        pytest.param(altered(GOOD, ce_type=b"dev.tidegate.work.v2", value=None), id="without a body"),
        pytest.param(altered(GOOD, ce_type=b"org.example.x", ce_sequence=None, ce_time=None), id="somebody else's"),
    ],
)
def test_a_type_that_is_not_known_is_left_alone(message: Message):
    with pytest.raises(UnknownType):
        read(message)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(altered(GOOD, value=BODY[:-1] + b',"colour":{"deep":[1,2]},"n":null}'), id="unknown fields"),
        pytest.param(altered(GOOD, value=json.dumps(json.loads(BODY), indent=2).encode()), id="white space"),
        pytest.param(altered(GOOD, value=json.dumps(dict(reversed(json.loads(BODY).items()))).encode()), id="order"),
        pytest.param(altered(GOOD, value=BODY.replace(b"4.0", b"4")), id="a whole number for a float"),
        pytest.param(altered(GOOD, value=BODY.replace(b',"ended_s":null', b"")), id="without an optional field"),
        pytest.param(altered(GOOD, ce_time=b"2026-03-02t09:00:00.25+01:00"), id="another zone"),
        pytest.param(altered(GOOD, ce_time=b"2026-03-02T08:00:00.250Z"), id="Z"),
        pytest.param(altered(GOOD, ce_sequence=b"42"), id="a sequence without zeros"),
        pytest.param(altered(GOOD, **{"content-type": None}), id="no content type"),
        pytest.param(altered(GOOD, traceparent=b"\xff", ce_subject=b"x"), id="other headers"),
        pytest.param(GOOD._replace(headers=[*GOOD.headers, ("b3", b"1"), ("b3", b"2")]), id="foreign headers twice"),
        pytest.param(GOOD._replace(headers=GOOD.headers[::-1]), id="headers in another order"),
    ],
)
def test_what_others_may_do_changes_nothing(message: Message):
    assert read(message) == WORK


def test_headers_may_be_read_only_once():
    assert decode(Topic.WORK, GOOD.key, GOOD.value, iter(GOOD.headers)) == WORK


# Any bytes at all

HEADER_NAMES = st.sampled_from([name for name, _ in GOOD.headers]) | st.text(max_size=8)
TYPE_NAMES = st.sampled_from([kind.name.encode() for kind in TYPES.values()] + [GONE.encode()])


def is_read_or_refused(topic: Topic, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
    try:
        event = decode(topic, key, value, headers)
    except (Poison, UnknownType):
        return
    encode(event)


@settings(max_examples=300)
@given(
    st.sampled_from(Topic),
    st.none() | st.binary(max_size=20),
    st.none() | st.binary(max_size=60),
    st.lists(st.tuples(HEADER_NAMES, st.binary(max_size=20) | TYPE_NAMES), max_size=9),
)
def test_any_bytes_are_read_or_refused(
    topic: Topic, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
):
    is_read_or_refused(topic, key, value, headers)


JUNK = st.binary(max_size=6) | st.sampled_from(
    [
        b"null",
        b"1e999",
        b"-1",
        b"9" * 30,
        b"[",
        b"{",
        b"}",
        b'"',
        b"\\",
        b",",
        b":",
        b"[]",
        b"NaN",
        b"\xff",
        b"\0",
        DEEP,
    ]
)
CUTS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), JUNK), min_size=1, max_size=4)


def mutated(text: bytes, cuts: list[tuple[float, int, bytes]]) -> bytes:
    for where, length, junk in cuts:
        at = int(where * len(text))
        text = text[:at] + junk + text[at + length :]
    return text


@pytest.mark.parametrize("kind", KINDS)
def test_a_mutated_body_is_read_or_refused(kind: type):
    @settings(max_examples=150)
    @given(events.BY_KIND[kind], CUTS)
    def check(value: Payload, cuts: list[tuple[float, int, bytes]]) -> None:
        message = encode(replace(BY_TYPE[kind], payload=value))
        is_read_or_refused(Topic(message.topic), message.key, mutated(message.value or b"", cuts), message.headers)

    check()


@settings(max_examples=300)
@given(st.sampled_from(examples()), st.integers(0, 6), CUTS, st.booleans())
def test_a_mutated_header_is_read_or_refused(
    event: Event, number: int, cuts: list[tuple[float, int, bytes]], drop: bool
):
    message = encode(event)
    name, text = message.headers[number]
    headers = [
        *message.headers[:number],
        *([] if drop else [(name, mutated(text, cuts))]),
        *message.headers[number + 1 :],
    ]
    is_read_or_refused(Topic(message.topic), message.key, message.value, headers)


FIELDS: list[tuple[type, str]] = [(kind, name) for kind in TYPES for name in TYPES[kind].body.__struct_fields__]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=400)
@given(st.sampled_from(FIELDS), ANY_JSON)
def test_any_value_of_any_field_is_read_or_refused(field: tuple[type, str], value: object):
    kind, name = field
    message = encode(BY_TYPE[kind])
    body = {**json.loads(message.value or b""), name: value}
    is_read_or_refused(Topic(message.topic), message.key, json.dumps(body).encode(), message.headers)
