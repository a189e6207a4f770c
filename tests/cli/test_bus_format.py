"""Events and what strangers wrote as people read them: one line of 80 columns, and nothing that steers a terminal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cli.bus.format import cut, event_text, moment, printable
from cli.bus.lines import json_line, line
from connectors.bus.inspection import Found
from connectors.bus.wire.codec import encode
from connectors.bus.wire.examples import examples, gone
from models.events import Event, Planned, Topic
from models.handovers import Handover, Stage, Why
from models.work import WorkRecord, WorkState
from tests.conformance.bus_poison import POISON
from tests.connectors.events import events_of, values
from tests.values import replace

EXAMPLES = {type(event.payload).__name__: event for event in examples()}
COLUMNS = 80


def found(event: Event) -> Found:
    _, key, value, headers = encode(event)
    return Found(event.topic, 0, 0, event.at_s, key, value, tuple(headers))


def handover(**changed: object) -> Event:
    event = EXAMPLES["Handover"]
    assert isinstance(event.payload, Handover)
    return replace(event, payload=replace(event.payload, **changed))


def work(**changed: object) -> Event:
    event = EXAMPLES["WorkRecord"]
    assert isinstance(event.payload, WorkRecord)
    return replace(event, payload=replace(event.payload, **changed))


def without_holds(event: Event) -> Event:
    assert isinstance(event.payload, Planned)
    plan = replace(event.payload.plan, holds=(), cancellations=("h1", "h2"))
    return replace(event, payload=replace(event.payload, plan=plan, left_out=3))


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (work(), "running since 03-02 08:00:00, 4 nodes, ada"),
        (work(state=WorkState.ELIGIBLE, nodes=1.0), "waiting since 03-02 06:30:00, 1 node, ada"),
        (work(state=WorkState.HELD, nodes=0.25, user=""), "held since 03-02 06:30:00, 0.2 nodes"),
        (work(state=WorkState.ENDED, ended_s=1_772_438_460), "ended at 03-02 08:01:00, 4 nodes, ada"),
        (work(state=WorkState.ENDED), "ended, 4 nodes, ada"),
        (
            EXAMPLES["HpcNode"],
            "HPC closed (tidegate:plan-1772438400), busy until 03-02 09:00:00 at the latest",
        ),
        (EXAMPLES["KubernetesNode"], "Kubernetes open, 0 pods"),
        (EXAMPLES["Demand"], "48 running, 6.5 waiting, in nodes"),
        (EXAMPLES["Signals"], "jobs_held 12 jobs, logged_in 41 users"),
        (EXAMPLES["Forecast"], "54.5 now, 54.5 in 15m, 52 in 1h (model)"),
        (EXAMPLES["Planned"], "Kubernetes 12 to 13, held (paused), 1 move, 3 stay, 41 unserved, epoch 7"),
        (
            without_holds(EXAMPLES["Planned"]),
            "Kubernetes 12 to 13, 1 move, 2 back, 3 stay, 3 left out, 41 unserved, epoch 7",
        ),
        (handover(), "draining, to kubernetes, gpu017-1772438400"),
        (handover(stage=Stage.STUCK, why=Why.LATE), "stuck (late), to kubernetes, gpu017-1772438400"),
        (handover(repair=True), "draining (repair), to kubernetes, gpu017-1772438400"),
        (EXAMPLES["DeadLetter"], "header ce_type is missing"),
        (gone(), "gone"),
    ],
)
def test_what_has_happened_is_told_in_words(event: Event, words: str):
    assert event_text(event) == words


@pytest.mark.parametrize("event", [*examples(), gone()], ids=lambda event: type(event.payload).__name__)
def test_each_type_has_a_line_that_says_the_most_in_80_columns(event: Event):
    text = line(found(event), COLUMNS)
    assert text.startswith(moment(event.at_s))
    assert len(text) <= COLUMNS
    assert event_text(event)[:35] in text
    assert line(found(event), None).endswith(event_text(event))


@given(events_of(values), st.integers(40, 200))
def test_whatever_an_event_says_its_line_fits_and_steers_no_terminal(event: Event, columns: int):
    try:
        message = found(event)
    except ValueError:
        return  # it would not have been sent
    for text in (line(message, columns), line(message, None), json_line(message)):
        assert text.isprintable()
    assert cell_len(line(message, columns)) <= columns
    assert json.loads(json_line(message))["key"] == event.key


@given(st.none() | st.binary(max_size=80), st.none() | st.binary(max_size=80))
def test_whatever_a_stranger_writes_its_line_fits_and_steers_no_terminal(key: bytes | None, value: bytes | None):
    message = Found(Topic.WORK, 0, 0, 0.0, key, value, (("\x1b[2J", b"\x1b"),))
    assert cell_len(line(message, COLUMNS)) <= COLUMNS
    for text in (line(message, COLUMNS), line(message, None), json_line(message)):
        assert text.isprintable()


@pytest.mark.parametrize("name", POISON)
def test_poison_is_told_as_no_event_with_the_reason(name: str):
    _, key, value, headers = POISON[name]
    message = Found(Topic.DEMAND, 0, 3, 0.0, key, value, tuple(headers))
    text = line(message, COLUMNS)
    assert " no event: " in text
    assert cell_len(text) <= COLUMNS
    known = json.loads(json_line(message))
    assert (known["offset"], bool(known["problem"])) == (3, True)


def test_a_type_of_a_later_release_is_told_as_that():
    message = found(EXAMPLES["Demand"])
    headers = tuple((name, b"dev.tidegate.demand.v9" if name == "ce_type" else text) for name, text in message.headers)
    assert "dev.tidegate.demand.v9 is not known to this release" in line(replace(message, headers=headers), None)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (None, "–"),
        (b"", ""),
        (b'{"a": 1}', '{"a": 1}'),
        ("Grüße ☃".encode(), "Grüße ☃"),
        (b"\x1b[31m\r\n\x00", r"\x1b[31m\r\n\x00"),
        (b"\xff\xfe", r"\xff\xfe"),
        (rb"\x1b", r"\\x1b"),
        ("a\u202eb\u2028\x85".encode(), r"a\u202eb\u2028\x85"),
    ],
)
def test_bytes_are_escaped_so_that_they_print(raw: bytes | None, text: str):
    assert printable(raw) == text


@given(st.binary(max_size=60))
def test_different_bytes_are_shown_differently(raw: bytes):
    assert printable(raw) != printable(raw + b"\xff")
    assert printable(raw).isprintable()


@pytest.mark.parametrize(
    ("text", "shown"), [("abcd", "abcd"), ("abcde", "abc…"), ("abc d", "abc…"), ("日本", "日本"), ("日本語", "日…")]
)
def test_what_is_longer_is_cut_by_columns(text: str, shown: str):
    assert cut(text, 4) == shown


@pytest.mark.parametrize(
    ("at_s", "text"),
    [
        (0.0, "01-01 00:00:00"),
        (1_772_438_400.9, "03-02 08:00:00"),
        (-1.0, "12-31 23:59:59"),
        (1e15, "1000000000000000 s"),
    ],
)
def test_times_are_told_in_utc(at_s: float, text: str):
    assert moment(at_s) == text
