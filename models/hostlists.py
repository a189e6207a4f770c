"""Hostlists: the names of many nodes in one text, such as ``n[001-003,7],gpu-1``, as Slurm and policies write them.

A short text may stand for more than there is memory, so how many names there are, and how long, is reckoned before any
is made. All of it takes time in proportion to the text and the names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from sys import intern

from models.errors import BadInput

HOSTS_MOST = 100_000  # names in one hostlist; Slurm's own most is 65,533
BRACKETS_MOST = 33_000  # in it; Slurm writes one only for two names and more
NAME_MOST = 253  # characters of one name, as in the DNS
FEW, SHORT = 256, 4096  # names, and characters, of those hostlists of which thousands are remembered
_PLAIN = re.compile(r"[A-Za-z0-9._,\[\]-]*\Z")
_BRACKETS = re.compile(r"\[([0-9,-]*)\]")
_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?\Z")

_Part = list[str]
"""What stands between two commas: a text, what is in a bracket, a text, and so on."""


def hosts(hostlist: str, most: int = HOSTS_MOST) -> tuple[str, ...]:
    """The names that it stands for, each once. Raises BadInput when it is none, or has more than ``most``."""
    found = _few(hostlist, most) if len(hostlist) <= SHORT else None
    return _many(hostlist, most) if found is None else found


def count(hostlist: str, most: int = HOSTS_MOST) -> int:
    """How many names it stands for, one that is there twice as two; none is made. Raises BadInput as ``hosts`` does."""
    number = 0
    # each comma stands for one name more, in a bracket or not
    if hostlist.count(",") < most and hostlist.count("[") <= BRACKETS_MOST and _PLAIN.match(hostlist):
        for part in _parts(hostlist):
            number += _size(part, most)
            if number > most:
                break
        else:
            return number
    raise BadInput(f"{hostlist[:200]!r} is no hostlist of at most {most} nodes")


def parts(hostlist: str) -> list[str]:
    """What stands between its commas, which do not part within brackets: of any text that has the form of one."""
    found = (
        "".join(f"[{text}]" if place % 2 else text for place, text in enumerate(part)) for part in _parts(hostlist)
    )
    return [part for part in found if part]


def hosts_of_parts(listed: str) -> set[str]:
    """The names of a list of hosts, without those of its parts that are none; ``n[1-8]:4``, four of these, is none."""
    found: set[str] = set()
    for part in parts(listed):
        with suppress(BadInput):
            found.update(hosts(part))
    return found


@lru_cache(maxsize=8192)
def _few(hostlist: str, most: int) -> tuple[str, ...] | None:
    """The names; None when they are too many to be remembered."""
    return _names(hostlist) if count(hostlist, most) <= FEW else None


@lru_cache(maxsize=16)
def _many(hostlist: str, most: int) -> tuple[str, ...]:
    count(hostlist, most)
    return _names(hostlist)


def _parts(hostlist: str) -> Iterator[_Part]:
    """A comma within a bracket parts nothing. What a bracket without its other half makes is no part."""
    if not hostlist:
        return
    last, *pieces = _BRACKETS.split(hostlist)
    if not 2 * hostlist.count("[") == 2 * hostlist.count("]") == len(pieces):
        yield [""]
    *names, last = last.split(",")
    yield from ([name] for name in names)
    part, others = [last], iter(pieces)
    for inner, text in zip(others, others, strict=True):
        after, *names = text.split(",")
        part += inner, after
        if names:
            yield part
            *names, last = names
            yield from ([name] for name in names)
            part = [last]
    yield part


def _size(part: _Part, most: int) -> int:
    """How many names a part stands for: what is wrong in it counts as too many."""
    number, wrong = 1, most + 1
    if not 0 < sum(map(len, part[::2])) + len(part) // 2 <= NAME_MOST:
        return wrong
    for inner in part[1::2]:
        number *= _range(inner, wrong) if "," not in inner else sum([_range(one, wrong) for one in inner.split(",")])
        if number > most:
            return wrong
    return number


def _range(text: str, wrong: int) -> int:
    """How many numbers there are from the first to the last."""
    if not (match := _RANGE.match(text)):
        return wrong
    first, last = match.groups()
    return 1 if last is None else int(last) - int(first) + 1 if int(last) >= int(first) else wrong


def _names(hostlist: str) -> tuple[str, ...]:
    # thousands of lists are remembered: they share the names
    return tuple(dict.fromkeys(map(intern, chain.from_iterable(map(_names_of, _parts(hostlist))))))


def _names_of(part: _Part) -> list[str]:
    """The names of one part: what stands in brackets counts on, in as many digits as its first number has."""
    names, pieces = part[:1], iter(part[1:])
    for inner, after in zip(pieces, pieces, strict=True):
        numbers = _numbers(inner)
        names = [name + number + after for name in names for number in numbers]
    return names


def _numbers(inner: str) -> list[str]:
    if inner.isdecimal():
        return [inner]
    found: list[str] = []
    for one in inner.split(","):
        first, _, last = one.partition("-")
        found += [first] if not last else [f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]
    return found
