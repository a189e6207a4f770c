"""Entries of the audit as lines of JSON, and back: what was written reads back equal, to the last bit of a number.

A line begins with the version of its format and its kind. Fields that have their type's default are left out. What a
decision was made from, and the policy, stand in its line as they were hashed: so a reader can tell that they are still
what the plan was made from.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Container, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import msgspec
import numpy as np
from pydantic import BaseModel, ValidationError

from models.audit import (
    Answered,
    Asked,
    Decided,
    Dropped,
    Entered,
    Entry,
    Fenced,
    LeftAlone,
    Repriced,
    TakeoverStands,
)
from models.errors import BadInput
from models.plans import Plan
from models.policies import MovesPolicy, PoolPolicy
from models.snapshot import Snapshot

VERSION = 1
KINDS: Mapping[str, type[Entry]] = {
    "decided": Decided,
    "asked": Asked,
    "answered": Answered,
    "entered": Entered,
    "dropped": Dropped,
    "left-alone": LeftAlone,
    "fenced": Fenced,
    "takeover": TakeoverStands,
    "repriced": Repriced,
}
BEGINNING = b'{"v":1,"kind":"'  # of every line: by it an audit is told from another file
_RESTORE = "restore the file from a copy, or cut the line out to read the others"


class _Head(msgspec.Struct):
    v: int
    kind: str


class _Decided(msgspec.Struct):
    epoch: int
    inputs_sha256: str
    policy_sha256: str
    plan: Plan
    policy: msgspec.Raw
    inputs: msgspec.Raw


class _Policy(msgspec.Struct):
    pool: dict[str, Any]
    moves: dict[str, Any]


def encode(entry: Entry) -> bytes:
    """One line, its end included. Raises ValueError when a number in it is not finite, which JSON cannot say."""
    kind = next(name for name, known in KINDS.items() if isinstance(entry, known))
    body = _plain_decision(entry) if isinstance(entry, Decided) else _plain(entry)
    return _ENCODER.encode({"v": VERSION, "kind": kind, **body}) + b"\n"


def decode(line: bytes, kinds: Container[str] = tuple(KINDS)) -> Entry | None:
    """The entry of one line; None for one of another kind than ``kinds``. Raises BadInput when it is none."""
    try:
        head = _HEADS.decode(line)
        if head.v > VERSION:
            raise BadInput(f"is of version {head.v}, later than {VERSION}", remedy="upgrade Tidegate")
        if head.kind not in KINDS:
            raise BadInput(f"is of an unknown kind, {head.kind[:40]!r}", remedy=_RESTORE)
        if head.kind not in kinds:
            return None
        entry: Entry = _decided(line) if head.kind == "decided" else _ENTRIES[head.kind].decode(line)
    except (msgspec.DecodeError, ValidationError, UnicodeError, RecursionError) as error:
        raise BadInput(f"is no entry of an audit: {str(error).splitlines()[0]}", remedy=_RESTORE) from error
    return entry


def _plain_decision(entry: Decided) -> dict[str, Any]:
    policy = _ENCODER.encode({"pool": _plain(entry.pool), "moves": _plain(entry.moves)})
    inputs = _ENCODER.encode(_plain(entry.snapshot))
    return {
        "at_s": entry.snapshot.now_s,
        "epoch": entry.epoch,
        "inputs_sha256": _sha256(inputs),
        "policy_sha256": _sha256(policy),
        "plan": _plain(entry.plan),
        "policy": msgspec.Raw(policy),
        "inputs": msgspec.Raw(inputs),
    }


def _decided(line: bytes) -> Decided:
    found = _DECISIONS.decode(line)
    for what, raw, expected in (
        ("inputs", found.inputs, found.inputs_sha256),
        ("policy", found.policy, found.policy_sha256),
    ):
        if _sha256(bytes(raw)) != expected:
            raise BadInput(f"was changed after it was written: the sha256 of its {what} differs", remedy=_RESTORE)
    policy = msgspec.json.decode(found.policy, type=_Policy)
    return Decided(
        found.epoch,
        _SNAPSHOTS.decode(found.inputs),
        PoolPolicy.model_validate(policy.pool, by_name=False),
        MovesPolicy.model_validate(policy.moves, by_name=False),
        found.plan,
    )


def _plain(value: Any) -> Any:
    """A value of ``models`` as what JSON has; a computed field is there, too, since people read these lines."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(value)
    kind: object = type(value)
    if known := _fields(kind):
        return {name: _plain(item) for name, default in known if (item := getattr(value, name)) is not default}
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    return value


@cache
def _fields(kind: object) -> tuple[tuple[str, Any], ...]:
    """The fields of a dataclass, each with its default, or a mark that no value is; nothing for another type."""
    if not (isinstance(kind, type) and is_dataclass(kind)):
        return ()
    return tuple((field.name, field.default) for field in fields(kind))


def _numbers(value: Any) -> Any:
    """What numpy has as what JSON has."""
    if isinstance(value, np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no form in the audit")


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


_ENCODER = msgspec.json.Encoder(enc_hook=_numbers)
_HEADS = msgspec.json.Decoder(_Head)
_DECISIONS = msgspec.json.Decoder(_Decided)
_SNAPSHOTS = msgspec.json.Decoder(Snapshot)
_ENTRIES: Mapping[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(kind) for name, kind in KINDS.items() if kind is not Decided
}
