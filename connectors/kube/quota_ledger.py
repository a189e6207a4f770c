"""What each node took from a quota or gave to it, against what the site has set: the ledger, as text and value. Pure.

``side`` of an entry is who has the node as far as the quota goes; ``delta`` is what the quota differs for that from
what the site has set, cpu in milli, all else in whole units. A node without an entry is as the site has counted it.
Beside it stands by how much lending limits are lowered, which Kueue does not take above their quota.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from connectors.kube.names import HPC, KUBERNETES
from models.errors import BadInput

Amounts = Mapping[str, int]
LONGEST = 200_000  # characters; an API server takes 262,144 bytes of annotations


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One node's."""

    side: str
    delta: dict[str, int]


Ledger = Mapping[str, Entry]
Lowered = Mapping[str, Amounts]
"""By flavor and resource, by how much its lending limit is lower than what the site has set."""

_DECODER = msgspec.json.Decoder(dict[str, Entry])
_LOWERED = msgspec.json.Decoder(dict[str, dict[str, int]])
_BINARY = (("Ti", 2**40), ("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10))


def read_ledger(text: str) -> Ledger:
    """The ledger of an annotation. Raises BadInput for what is none."""
    try:
        return _DECODER.decode(text) if text else {}
    except msgspec.DecodeError as error:
        raise BadInput(
            f"the annotation of what the nodes took from the quota cannot be read: {error}",
            remedy="remove it, and set the quota to what the nodes of Kubernetes offer together",
        ) from error


def read_lowered(text: str) -> Lowered:
    """The same of the annotation of lending limits."""
    try:
        return _LOWERED.decode(text) if text else {}
    except msgspec.DecodeError as error:
        raise BadInput(
            f"the annotation of lowered lending limits cannot be read: {error}",
            remedy="remove it, and set the lending limits to what they should be",
        ) from error


def lowered_text(lowered: Lowered) -> str | None:
    """The same as text; None where nothing is lowered."""
    kept = {
        flavor: its for flavor, all_its in lowered.items() if (its := {name: by for name, by in all_its.items() if by})
    }
    return msgspec.json.encode(kept, order="sorted").decode() if kept else None


def lent(limit: int, lowered: int, nominal: int) -> tuple[int, int]:
    """The lending limit beside a nominal quota, and by how much it is lowered for that: as high as the site has set it,
    and no higher than the quota."""
    wanted = limit + lowered
    allowed = min(wanted, nominal)
    return allowed, wanted - allowed


def text_of(ledger: Ledger) -> str:
    """The same as text. Raises BadInput when it would be larger than an API server takes."""
    text = msgspec.json.encode(ledger, order="sorted").decode()
    if len(text) > LONGEST:
        raise BadInput(f"{len(ledger)} nodes are more than one ClusterQueue has room to remember")
    return text


def taken(entry: Entry | None, offered: Amounts) -> tuple[Entry, Amounts] | None:
    """What becomes of the entry and the quota when the node leaves; None where it has."""
    if entry is not None and entry.side == HPC:
        return None
    if entry is not None and entry.delta:
        return Entry(HPC, {}), {name: -amount for name, amount in entry.delta.items()}
    delta = {name: -amount for name, amount in offered.items() if amount}
    return Entry(HPC, delta), delta


def without(entry: Entry | None, _: Amounts) -> tuple[Entry, Amounts] | None:
    """The same when all that is known is that the quota does not count the node."""
    return None if entry is not None else (Entry(HPC, {}), {})


def given(entry: Entry | None, offered: Amounts) -> tuple[Entry, Amounts] | None:
    """The same when the node has come. One of which nothing is written is counted already."""
    if entry is None or entry.side == KUBERNETES:
        return None
    if entry.delta:
        return Entry(KUBERNETES, {}), {name: -amount for name, amount in entry.delta.items()}
    delta = {name: amount for name, amount in offered.items() if amount}
    return Entry(KUBERNETES, delta), delta


def written(resource: str, amount: int) -> str:
    """An amount as Kubernetes writes it: cpu from milli, memory with the largest suffix that divides it."""
    if resource == "cpu":
        return str(amount // 1000) if amount % 1000 == 0 else f"{amount}m"
    if "/" not in resource and amount:
        for suffix, size in _BINARY:
            if amount % size == 0:
                return f"{amount // size}{suffix}"
    return str(amount)
