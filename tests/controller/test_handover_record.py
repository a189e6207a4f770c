"""The durable record: what goes in comes out, and what is not ours to understand is said to be so."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.handover.record import LONGEST, VERSION, LaterRecord, OthersRecord, decode, encode
from models.errors import BadInput, ImpossibleStep
from models.handovers import Direction, Handover, Why
from models.leadership import EPOCH_MOST
from models.nodes import NodeShape
from tests.controller.fleet import SCOPE
from tests.controller.play import UNFINISHED, S

LOCAL = st.from_regex(r"[0-9]{1,9}\.[mp]?[0-9]{1,9}", fullmatch=True)
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)
SECONDS = st.integers(0, 2**40)
SHAPES = st.builds(NodeShape, st.integers(1, 2**31), st.integers(1, 2**40), st.integers(0, 2**31))
ID, BATCH = f"{SCOPE}.3.1", f"{SCOPE}.3.p1"
STAGES_OF = {direction: [*stages, S.DONE, S.CANCELLED, S.STUCK] for direction, stages in UNFINISHED.items()}


@st.composite
def handovers(draw: st.DrawFn) -> Handover:
    """Everything that is written down of a hand-over, in any combination."""
    direction = draw(st.sampled_from(Direction))
    return Handover(
        id=f"{SCOPE}.{draw(LOCAL)}",
        batch=draw(LOCAL.map(f"{SCOPE}.{{}}".format) | LOCAL | st.just("initial")),
        node=draw(NAMES),
        direction=direction,
        stage=draw(st.sampled_from(STAGES_OF[direction])),
        started_s=draw(SECONDS),
        stage_since_s=draw(SECONDS),
        deadline_s=draw(SECONDS),
        why=draw(st.none() | st.sampled_from(Why)),
        epoch=draw(st.integers(0, 2**31 - 1)),
        reserve_from_s=draw(st.none() | SECONDS),
        leaves=draw(st.none() | SHAPES),
        expects=draw(st.none() | SHAPES),
        uid=draw(st.text(st.characters(codec="utf-8"), max_size=36)),
        repair=draw(st.booleans()),
        loan=draw(st.booleans()),
    )


def read(text: str) -> Handover:
    return decode(text, SCOPE)


@settings(max_examples=300)
@given(handovers())
def test_what_is_written_down_is_read_again(handover: Handover):
    text = encode(handover)
    assert read(text) == handover
    assert encode(read(text)) == text


@settings(max_examples=100)
@given(handovers(), handovers())
def test_two_texts_are_equal_exactly_when_what_is_written_down_is(one: Handover, other: Handover):
    assert (encode(one) == encode(other)) is (one == other)


def test_what_a_new_leader_has_to_see_for_itself_is_not_written_down():
    plain = Handover(ID, BATCH, "n1", Direction.TO_HPC, S.EMPTY, 0, 0, 100)
    seen = Handover(
        ID, BATCH, "n1", Direction.TO_HPC, S.EMPTY, 0, 0, 100,
        emptied_s=7, booted="3", was_closed=True, prepared=True, refusals=2, unsure_s=9,
    )  # fmt: skip
    assert encode(seen) == encode(plain)
    assert read(encode(seen)) == plain


def test_a_record_is_short_and_one_line():
    name = "x" * 253
    shape = NodeShape(512_000, 8_000_000, 16_000)
    handover = Handover(
        f"{SCOPE}.123456.m123456", f"{SCOPE}.123456.p123456", name, Direction.TO_KUBERNETES, S.CANCELLING, 10**10,
        10**10, 10**10, why=Why.UNHEALTHY, epoch=123456, reserve_from_s=10**10, leaves=shape, expects=shape,
        uid="u" * 36, repair=True,
    )  # fmt: skip
    text = encode(handover)
    assert len(text) < 800 < LONGEST
    assert "\n" not in text


PLAIN = json.loads(encode(Handover(ID, BATCH, "n1", Direction.TO_KUBERNETES, S.DRAINING, 0, 0, 100, epoch=3)))


def changed(**fields: object) -> str:
    return json.dumps({**PLAIN, **fields})


def without(field: str) -> str:
    return json.dumps({name: value for name, value in PLAIN.items() if name != field})


GARBAGE = {
    "nothing": "",
    "white space": "  \n",
    "not JSON": "drained by bob",
    "half a record": encode(read(json.dumps(PLAIN)))[:40],
    "two records": json.dumps(PLAIN) * 2,
    "null": "null",
    "a number": "1",
    "a list": "[1]",
    "a list of lists": "[" * 2000,
    "no fields": "{}",
    "a byte order mark": "\ufeff" + json.dumps(PLAIN),
    "half a surrogate pair": "\ud800",
    "a NUL in a name": json.dumps(PLAIN).replace("n1", "n\x00"),
    "a stage that there is not": changed(stage="melting"),
    "a direction that there is not": changed(direction="hpc->mars"),
    "a reason that there is not": changed(why="bored"),
    "a version that is text": changed(v="1"),
    "a version that is true": changed(v=True),
    "an epoch beyond all bounds": changed(epoch=EPOCH_MOST + 1),
    "an epoch below nothing": changed(epoch=-1),
    "a time beyond all bounds": changed(since=2**60),
    "a time beyond any number": changed(reserve=10**40),
    "a fraction of a second": changed(since=1.5),
    "a number beyond all bounds": json.dumps(PLAIN).replace('"since": 0', '"since": 1e400'),
    "not a number": json.dumps(PLAIN).replace('"since": 0', '"since": NaN'),
    "a shape of nothing": changed(leaves=[0, 0, 0]),
    "a shape of two numbers": changed(expects=[1, 2]),
    "lists in an unknown field without end": '{"v":1,"x":' + "[" * 1500 + "]" * 1500 + "}",
    "a name that is a number": changed(node=7),
    "a batch that is too long": changed(batch="x" * 200),
    "a uid that is too long": changed(uid="x" * 200),
    "an id that is too long once it has a scope": changed(id="x" * 200),
    "a batch of two lines": changed(batch="two\nlines"),
}


@pytest.mark.parametrize("text", GARBAGE.values(), ids=GARBAGE.keys())
def test_what_is_no_record_is_bad_input(text: str):
    with pytest.raises(BadInput):
        read(text)


@pytest.mark.parametrize("field", PLAIN)
def test_a_record_that_lacks_a_field_that_every_record_has_is_bad_input(field: str):
    with pytest.raises(BadInput):
        read(without(field))


@pytest.mark.parametrize("version", [VERSION + 1, 99])
def test_a_record_of_a_later_version_is_left_alone_whatever_else_it_holds(version: int):
    with pytest.raises(LaterRecord, match=f"version {version}.*upgrade"):
        read(changed(v=version, stage="melting"))
    with pytest.raises(LaterRecord, match=f"version {version}"):
        read(json.dumps({"v": version, "shape": "other"}))


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("stage", S)
def test_a_stage_that_the_direction_never_has_is_bad_input(direction: Direction, stage: S):
    handover = Handover(ID, BATCH, "n1", direction, stage, 0, 0, 100)
    if stage in STAGES_OF[direction]:
        assert read(encode(handover)) == handover
    else:
        with pytest.raises(ImpossibleStep, match=f"is ever {stage}"):
            encode(handover)
        with pytest.raises(BadInput, match=f"is ever {stage}"):
            read(changed(direction=direction, stage=stage))


@pytest.mark.parametrize(
    "fields",
    [
        {"epoch": EPOCH_MOST + 1},
        {"epoch": -1},
        {"started_s": 2**53 + 1},
        {"stage_since_s": -(2**53) - 1},
        {"deadline_s": 10**30},
        {"reserve_from_s": 2**60},
        {"node": "n" * LONGEST},
        {"id": f"{SCOPE}.3.3.1"},
        {"batch": "site_other.3.p1"},
    ],
    ids=str,
)
def test_what_a_reader_would_refuse_is_not_written(fields: dict[str, Any]):
    with pytest.raises(ImpossibleStep):
        encode(replace(read(json.dumps(PLAIN)), **fields))


@pytest.mark.parametrize(
    ("of", "text"),
    [
        ("another pool", changed(id="site_other.3.1", batch="site_other.3.p1")),
        ("another site", changed(id="there_pool.3.1", batch="there_pool.3.p1")),
        ("a pool whose name goes on with a dot", changed(id=f"{SCOPE}.3.3.1", batch=f"{SCOPE}.3.3.p1")),
        ("nobody, in a version that has owners", changed(id="3.1")),
        ("ours, with the mark of another", changed(batch="site_other.3.p1")),
        ("another, in the version that had no owners", changed(v=1, id="site_other.3.1")),
    ],
)
def test_a_record_of_another_site_or_pool_is_not_ours_to_touch(of: str, text: str):
    with pytest.raises(OthersRecord, match=f"of another site or pool than {SCOPE}"):
        read(text)


@pytest.mark.parametrize("ident", ["1.9", "12.m3"])
def test_a_record_of_release_0_1_0_is_read_under_our_name_and_written_as_ours(ident: str):
    old = changed(v=1, id=ident, batch="1.p3")
    assert read(old) == read(changed(id=f"{SCOPE}.{ident}", batch="1.p3"))
    assert (read(old).mark, json.loads(encode(read(old)))["v"]) == ("tidegate:1.p3", VERSION)
    assert read(encode(read(old))) == read(old)


def test_a_field_that_this_release_does_not_know_is_passed_over():
    assert read(changed(colour={"of": ["hope"]})) == read(json.dumps(PLAIN))


def test_a_text_that_is_too_long_is_not_ours_however_good_it_is():
    text = json.dumps(PLAIN)
    assert read(text.ljust(LONGEST)).id == ID
    with pytest.raises(BadInput, match=f"{LONGEST + 1} characters"):
        read(text.ljust(LONGEST + 1))


@settings(max_examples=500)
@given(st.text(max_size=200))
def test_any_text_is_read_or_is_bad_input(text: str):
    with pytest.raises(BadInput):
        read(text)


@settings(max_examples=300)
@given(handovers(), st.integers(0, 2**32))
def test_a_record_with_a_few_characters_changed_is_read_or_is_bad_input(handover: Handover, seed: int):
    dice = random.Random(seed)
    text = list(encode(handover))
    for _ in range(dice.randint(1, 4)):
        text[dice.randrange(len(text))] = dice.choice('{}[]",:0-9aeE.\\ \x00\ud800é')
    with suppress(BadInput):
        assert isinstance(read("".join(text)), Handover)
