"""Dead letters in words: the list, what may be sent again, and the list as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from basics.text import clean, count
from cli.bus.format import cut, moment, printable
from connectors.bus.dead_letters import Letter, Letters
from connectors.bus.wire.payloads import TYPES
from models.events import DeadLetter

SHOWN_MOST = 20  # letters that are named before a question


def entry(letter: Letter, columns: int, *, full: bool) -> Iterator[str]:
    """A letter on the list: a line to know it by, the reason, its message's key and body, the beginnings or all."""
    dead, room = letter.dead, columns - 2
    again = f"  {letter.times:,} times" if letter.times > 1 else ""
    yield cut(clean(letter.key), columns)
    yield f"  put aside {moment(letter.at_s)}{again}  {count(dead.size, 'byte')}{'' if letter.whole else ', cut'}"
    yield from (f"  {part}" for part in textwrap.wrap(clean(dead.reason), room))
    yield f"  key: {printable(dead.key, None if full else room - 5)}"
    if not full:
        yield f"  {printable(dead.value, room)}"
        return
    yield from (f"  {printable(name.encode(errors='replace'))}: {printable(text)}" for name, text in dead.headers)
    yield f"  {printable(dead.value)}"


def summary(found: Letters) -> Iterator[str]:
    """Lines: how many there are, and what can be done about them."""
    shown = len(found.newest)
    if shown < found.total:
        yield f"the newest {shown:,} of {found.total:,}; --limit {found.total} lists them all"
    else:
        yield count(found.total, "dead letter") if found.total else "no dead letters"
    if found.strange:
        what = f"{count(found.strange, 'message')} among them can be read by no list"
        yield f"{what}: tidegate bus tail dead-letter --bus BUS"
    if any(not letter.refusal for letter in found.newest):
        yield "once a release can read it: tidegate bus dead-letter replay KEY --bus BUS"


def offer(usable: Sequence[Letter], refused: Mapping[Letter, str]) -> Iterator[str]:
    """Lines: what would be sent again, and what cannot be."""
    yield f"{count(len(usable), 'message')} to send again{':' if usable else ''}"
    for letter in usable[:SHOWN_MOST]:
        problem = letter.problem
        yield f"  {clean(letter.key)}  {count(letter.dead.size, 'byte')}"
        if problem:
            yield f"    still no event to this release: {clean(problem)}"
    yield from _more(usable)
    if refused:
        yield f"{count(len(refused), 'message')} left out:"
        for letter in [*refused][:SHOWN_MOST]:
            yield f"  {clean(letter.key)}"
            yield f"    {clean(refused[letter])}"
        yield from _more([*refused])


def document(found: Letters) -> dict[str, Any]:
    """The list, ready for JSON: bodies as on the bus, with what is known besides."""
    return {
        "deadLetters": [_plain(letter) for letter in found.newest],
        "total": found.total,
        "unreadable": found.strange,
    }


def _plain(letter: Letter) -> dict[str, Any]:
    body = msgspec.to_builtins(TYPES[DeadLetter].to_body(letter.dead))
    return {
        "key": letter.key,
        "putAside": datetime.fromtimestamp(letter.at_s, UTC).isoformat(),
        "times": letter.times,
        "refusal": letter.refusal or None,
        "message": body,
    }


def _more(some: Sequence[Letter]) -> Iterator[str]:
    if len(some) > SHOWN_MOST:
        yield f"  and {len(some) - SHOWN_MOST:,} more"
