"""What scontrol prints of nodes becomes what ``wire`` has. What it prints alike is understood once."""

from __future__ import annotations

import re
from collections.abc import Mapping

from connectors.slurm import wire
from models.errors import Unreachable

QUESTION = ("scontrol", "--all", "--local", "--oneliner", "show", "nodes")
NOTHING = "(null)"
_NEXT = re.compile(r"\n(?=NodeName=)")  # what a person wrote may have several lines
_TEXT = re.compile(r" (Reason|Comment|Extra|InstanceId|InstanceType)=")
_REASON = re.compile(r"(.*) \[[^ \[\]]*@[^ \[\]]*\](\s*)")  # somebody's text, and who gave it when


def understood(printed: bytes, known: Mapping[str, wire.Node]) -> dict[str, wire.Node]:
    """Every node by what was printed of it: those of ``known`` again, the rest understood.

    Raises Unreachable when one cannot be read, or there is none: every cluster has some.
    """
    text = printed.decode(errors="replace")
    if not text.endswith("\n"):
        raise Unreachable(f"scontrol printed no whole line at the end: {text[-200:]!r}")
    told = {line: known.get(line) for line in _NEXT.split(text.removesuffix("\n"))}
    return {line: node or _node(line) for line, node in told.items()}


def _node(line: str) -> wire.Node:
    try:
        first, *more = line.split("\n", 1)
        if not first.startswith("NodeName=") or (more and not _TEXT.search(first)):
            raise ValueError("it is more or less than a node")
        return wire.Node(
            name=_word(first, "NodeName="),
            state=tuple(_word(first, " State=").split("+")),
            cpus=int(_word(first, " CPUTot=")),
            real_memory=int(_word(first, " RealMemory=")),
            gres=_word(first, " Gres="),
            sockets=int(_word(first, " Sockets=", "2")),
            features=_list(_word(first, " AvailableFeatures=")),
            partitions=_list(_word(first, " Partitions=", "")),
            reason=_reason(line),
        )
    except ValueError as error:
        raise Unreachable(f"scontrol printed a node that cannot be read ({error}): {line[:200]!r}") from error


def _word(line: str, name: str, otherwise: str | None = None) -> str:
    """What stands behind the name where it stands first: a person's text comes last. Raises ValueError without it."""
    start = line.find(name)
    if start < 0:
        if otherwise is None:
            raise ValueError(f"it has no {name.strip()}")
        return otherwise
    start += len(name)
    end = line.find(" ", start)
    word = line[start:] if end < 0 else line[start:end]
    return "" if word == NOTHING else word


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _reason(line: str) -> str:
    """The reason of a drain as it was given.

    What else a person wrote comes after it, and may look like one. Where it cannot be told apart, the reason gets
    longer: what may be somebody else's is never taken for ours.
    """
    first = _TEXT.search(line)
    if first is None or first[1] != "Reason":
        return ""
    text = line[first.end() :]
    told = _REASON.match(text)
    if told is None or len(told[2]) > 1:  # nobody gave it, or it has a second line
        return text.strip()
    return told[1]
