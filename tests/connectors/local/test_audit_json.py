"""Every entry of the audit reads back equal, and a decision can be taken again from what was written."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from connectors.local.audit_json import BEGINNING, KINDS, decode, encode
from controller.decide.decide import decide
from models.audit import Decided, Entry
from models.demand import Demand
from models.errors import BadInput
from models.handovers import Direction
from models.nodes import Side
from models.plans import Move, Reason
from tests.connectors.local.entries import ANSWERED, ASKED, DROPPED, ENTERED, decided, decisions, small_entries


@given(small_entries)
def test_an_act_or_a_stage_reads_back(entry: Entry):
    line = encode(entry)
    assert line.startswith(BEGINNING)
    assert line.count(b"\n") == 1
    assert decode(line) == entry


@settings(max_examples=60)
@given(decisions())
def test_a_decision_reads_back_and_is_taken_again_the_same(entry: Decided):
    line = encode(entry)
    assert line.count(b"\n") == 1
    read = decode(line)
    assert isinstance(read, Decided)
    again = replace(decide(read.snapshot, read.pool, read.moves), service_level=entry.plan.service_level)
    assert again == entry.plan == read.plan
    assert (read.epoch, read.pool, read.moves) == (entry.epoch, entry.pool, entry.moves)
    assert read.snapshot == entry.snapshot
    assert encode(read) == line


def test_a_decision_from_before_bounds_stood_by_step_is_taken_again_the_same():
    """With the pool's own, for all steps."""
    entry = decided(waiting=3)
    line = json.loads(encode(entry))
    assert "bounds" not in line["inputs"]
    read = decode(encode(entry))
    assert isinstance(read, Decided)
    assert read.snapshot.bounds == ()
    assert decide(read.snapshot, read.pool, read.moves) == entry.plan
    assert entry.plan.moves


def test_numpy_numbers_are_written_as_numbers():
    entry = decided()
    view = entry.snapshot.sides[Side.HPC]
    demand = Demand(Side.HPC, int(np.int64(300)), np.float64(0.1) + np.float64(0.2), np.float64(1))
    sides = {**entry.snapshot.sides, Side.HPC: replace(view, demand=demand)}
    read = decode(encode(replace(entry, snapshot=replace(entry.snapshot, sides=sides))))
    assert isinstance(read, Decided)
    assert read.snapshot.sides[Side.HPC].demand == demand


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused(number: float):
    entry = decided()
    move = Move("n1", Direction.TO_HPC, Reason.DEMAND, "more demand", number, 0.5)
    with pytest.raises(ValueError, match="is not a finite number"):
        encode(replace(entry, plan=replace(entry.plan, moves=(move,))))


@pytest.mark.parametrize(
    "entry", [ASKED, ANSWERED, ENTERED, DROPPED, decided()], ids=lambda entry: type(entry).__name__
)
def test_only_the_kinds_that_are_wanted_are_read(entry: Entry):
    kind = json.loads(encode(entry))["kind"]
    assert decode(encode(entry), (kind,)) is not None
    assert decode(encode(entry), set(KINDS) - {kind}) is None


def test_a_line_is_for_people_too():
    line = json.loads(encode(decided(waiting=3)))
    assert list(line) == ["v", "kind", "at_s", "epoch", "inputs_sha256", "policy_sha256", "plan", "policy", "inputs"]
    assert line["inputs"]["nodes"][0]["owner"] == "hpc"
    assert line["policy"]["moves"]["lookAhead"] == "2h"
    other = json.loads(encode(decided()))
    assert line["policy_sha256"] == other["policy_sha256"]
    assert line["inputs_sha256"] != other["inputs_sha256"]


def changed(line: bytes, old: bytes, new: bytes) -> bytes:
    assert old in line
    return line.replace(old, new)


WRONG = {
    "no JSON": (b"hello\n", "no entry"),
    "nothing": (b"\n", "no entry"),
    "another document": (b'{"a": 1}\n', "no entry"),
    "a later version": (changed(encode(ASKED), b'"v":1', b'"v":2'), "is of version 2"),
    "an unknown kind": (changed(encode(ASKED), b'"asked"', b'"guessed"'), "unknown kind, 'guessed'"),
    "an unknown verb": (changed(encode(ASKED), b'"drain"', b'"destroy"'), "no entry.*destroy"),
    "a part is missing": (changed(encode(ENTERED), b'"node":"n1",', b""), "no entry.*node"),
    "inputs that were changed": (changed(encode(decided()), b'"pods":0', b'"pods":1'), "its inputs differs"),
    "a policy that was changed": (changed(encode(decided()), b'"minGain":0.35', b'"minGain":0.3'), "policy differs"),
    "deep": (b'{"v":1,"kind":"asked","x":' + b"[" * 100_000, "no entry"),
    "not text": (b'{"v":1,"kind":"\xff"}\n', "no entry"),
}


@pytest.mark.parametrize(("line", "told"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_entry_is_told(line: bytes, told: str):
    with pytest.raises(BadInput, match=told) as error:
        decode(line)
    assert error.value.remedy
