"""Hostlists: the names of many nodes in one text, such as ``n[001-003,7],gpu-1``, as Slurm and policies write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from math import prod
from sys import intern

from models.errors import BadInput

HOSTS_MOST = 100_000  # names in one hostlist; Slurm's own most is 65,533
_PLAIN = re.compile(r"[A-Za-z0-9._,\[\]-]*\Z")
_BRACKETS = re.compile(r"\[([0-9,-]*)\]")
_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?\Z")
_PARTS = re.compile(r",(?![^\[]*\])")


@lru_cache(maxsize=8192)
def hosts(hostlist: str) -> tuple[str, ...]:
    """The names that it stands for, each once. Raises BadInput when it is none, or has more than HOSTS_MOST."""
    if not hostlist:
        return ()
    if _PLAIN.match(hostlist) and not set("[],") & set(hostlist):
        return (hostlist,)
    parts = _PARTS.split(hostlist)
    if not _PLAIN.match(hostlist) or "" in parts or sum(map(_size, parts)) > HOSTS_MOST:
        raise BadInput(f"{hostlist[:200]!r} is no hostlist of at most {HOSTS_MOST} nodes")
    # thousands of lists are remembered, and of thousands of nodes each: they share the names
    return tuple(dict.fromkeys(intern(name) for part in parts for name in _names(part)))


def _names(part: str) -> Iterator[str]:
    """The names of one part: what stands in brackets counts on, in as many digits as its first number has."""
    pieces = _BRACKETS.split(part)
    choices = [_numbers(piece) if number % 2 else [piece] for number, piece in enumerate(pieces)]
    return map("".join, product(*choices))


def _numbers(inner: str) -> list[str]:
    found: list[str] = []
    for one in inner.split(","):
        first, _, last = one.partition("-")
        found += [f"{number:0{len(first)}d}" for number in range(int(first), int(last or first) + 1)]
    return found


def _size(part: str) -> int:
    """How many names one part with its brackets stands for: what is wrong in it counts as too many."""
    if {"[", "]"} & set(_BRACKETS.sub("", part)):
        return HOSTS_MOST + 1
    return prod(sum(_range(one) for one in inner.split(",")) for inner in _BRACKETS.findall(part))


def _range(text: str) -> int:
    match = _RANGE.match(text)
    if not match:
        return HOSTS_MOST + 1
    first, last = int(match[1]), int(match[2] or match[1])
    return last - first + 1 if last >= first else HOSTS_MOST + 1
