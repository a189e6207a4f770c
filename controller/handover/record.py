"""The durable record of a hand-over: what a new leader needs to go on with it, as the text of a node's annotation.

JSON with a version. A reader ignores fields that it does not know; a record of a later version it leaves alone, and
one of another site or pool. Version 1 is that of release 0.1.0, whose ids tell neither: what it says of a node of ours
is ours to go on with, and our first write to the node replaces it.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from controller.handover.table import TABLES
from models.errors import BadInput, ImpossibleStep
from models.handovers import Direction, Handover, Stage, Why
from models.identity import scope_of
from models.leadership import EPOCH_MOST
from models.nodes import NodeShape

VERSION = 2
LONGEST = 4096  # characters; ours have a few hundred, so a longer one is not ours
NAME_LONGEST = 128  # of an id, a batch or a uid: what can be read can be written again under a longer epoch

_Second = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]


class TheirRecord(BadInput):
    """A record that is not ours to touch, nor its node."""


class LaterRecord(TheirRecord):
    """A record that a later release wrote."""


class OthersRecord(TheirRecord):
    """A record of another site or pool."""


class _Shape(msgspec.Struct, frozen=True, array_like=True):
    cpu_milli: int
    memory_mib: int
    gpu_milli: int


class _Record(msgspec.Struct, frozen=True, omit_defaults=True):
    v: int
    id: str
    batch: str
    node: str
    direction: Direction
    stage: Stage
    epoch: int
    started: _Second
    since: _Second
    deadline: _Second
    why: Why | None = None
    reserve: _Second | None = None
    leaves: _Shape | None = None
    expects: _Shape | None = None
    uid: str = ""
    repair: bool = False
    loan: bool = False


class _Version(msgspec.Struct, frozen=True):
    v: int


_STAGES = {direction: {stage for stage, _ in table} for direction, table in TABLES.items()}
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(_Record)
_VERSIONS = msgspec.json.Decoder(_Version)


def encode(handover: Handover) -> str:
    """The record's text: the same for the same hand-over, so that texts can be compared.

    Raises ImpossibleStep for one that would be refused when it is read.
    """
    record = _Record(
        VERSION,
        handover.id,
        handover.batch,
        handover.node,
        handover.direction,
        handover.stage,
        handover.epoch,
        handover.started_s,
        handover.stage_since_s,
        handover.deadline_s,
        handover.why,
        handover.reserve_from_s,
        _packed(handover.leaves),
        _packed(handover.expects),
        handover.uid,
        handover.repair,
        handover.loan,
    )
    text = _ENCODER.encode(record).decode()
    try:
        decode(text, scope_of(handover.id) or "")
    except BadInput as error:
        raise ImpossibleStep(f"what would be written down could not be read: {error}") from error
    return text


def decode(text: str, scope: str) -> Handover:
    """The hand-over of a record of our site and pool, whose ``scope`` this is.

    Raises BadInput when the text is none, or one of a later version than this, or of another site or pool.
    """
    if len(text) > LONGEST:
        raise BadInput(f"a record of {len(text)} characters is not ours (at most {LONGEST})")
    try:
        version = _VERSIONS.decode(text).v
        if version > VERSION:
            raise LaterRecord(
                f"the record has version {version}, and this release knows versions up to {VERSION}",
                remedy="upgrade Tidegate, or let the newer one finish the hand-over",
            )
        record = _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadInput(f"the record cannot be read: {error}") from None
    if not 0 <= record.epoch <= EPOCH_MOST:
        raise BadInput(f"the record cannot be read: {record.epoch} is no epoch")
    ident = _owned(record, scope)
    for name in (ident, record.batch, record.uid):
        if len(name) > NAME_LONGEST:
            raise BadInput(f"the record cannot be read: a name of {len(name)} characters is not ours")
    if not record.batch.isprintable():  # it goes into marks
        raise BadInput("the record cannot be read: its batch is no name of ours")
    if not record.stage.finished and record.stage not in _STAGES[record.direction]:
        raise BadInput(f"the record cannot be read: no hand-over {record.direction} is ever {record.stage}")
    return Handover(
        id=ident,
        batch=record.batch,
        node=record.node,
        direction=record.direction,
        stage=record.stage,
        started_s=record.started,
        stage_since_s=record.since,
        deadline_s=record.deadline,
        why=record.why,
        epoch=record.epoch,
        reserve_from_s=record.reserve,
        leaves=_unpacked(record.leaves),
        expects=_unpacked(record.expects),
        uid=record.uid,
        repair=record.repair,
        loan=record.loan,
    )


def _owned(record: _Record, scope: str) -> str:
    """The whole id of a record that is ours."""
    ident = f"{scope}.{record.id}" if record.v == 1 and scope else record.id
    if scope_of(ident) != scope or scope_of(record.batch) not in ("", scope):
        raise OthersRecord(
            f"the record is of hand-over {record.id}, of another site or pool than {scope}",
            remedy="see that no node is in two pools, and that neither the site nor the pool was given a new name",
        )
    return ident


def _packed(shape: NodeShape | None) -> _Shape | None:
    return None if shape is None else _Shape(shape.cpu_milli, shape.memory_mib, shape.gpu_milli)


def _unpacked(shape: _Shape | None) -> NodeShape | None:
    if shape is None:
        return None
    try:
        return NodeShape(shape.cpu_milli, shape.memory_mib, shape.gpu_milli)
    except ValueError as error:
        raise BadInput(f"the record cannot be read: {error}") from None
