"""Hooks, as a policy declares them: which service of the site is called, or which of its programs is run, before and
after a node changes sides."""

from __future__ import annotations

import re
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from models.errors import shown
from models.fields import Contradiction, Kind, Part, field, lasting, matching

PLACES = ("node", "direction", "handover", "site", "pool", "phase")
"""What may stand in braces in a command's arguments."""
_PLACE = re.compile(r"\{([A-Za-z_]+)\}")
CALL_MOST_S = 10  # one call over HTTP: whoever decides waits for it
CALL_USUAL_S = 5
COMMAND_USUAL_S = 300

_ADDRESS = matching(
    r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[!$-~]*)?",
    "an address such as https://hooks.example.org/prepare, without a user name in it",
    longest=2048,
)
_WORD = matching(r"[^\x00-\x1f\x7f]+", "a word of a command, on one line", longest=4096)


def _url(value: object) -> str:
    """An address whose port can be one."""
    text = str(_ADDRESS.check(value))
    try:
        possible = urlsplit(text).port != 0
    except ValueError:
        possible = False
    if not possible:
        raise ValueError(f"{shown(value)} is no address: its port or its host cannot be")
    return text


def _command(words: tuple[str, ...]) -> tuple[str, ...]:
    """A program by its absolute path, and arguments in which only what is known stands in braces."""
    program, *arguments = words
    if not program.startswith("/") or "{" in program:
        raise ValueError(f"{shown(program)} is no program; write its absolute path, without {{...}}")
    for argument in arguments:
        unknown = [name for name in _PLACE.findall(argument) if name not in PLACES]
        if unknown:
            raise ValueError(f"there is no {{{unknown[0]}}} to put into {shown(argument)}; write one of {_IN_BRACES}")
    return words


_URL = Kind(_url, _ADDRESS.schema)
_IN_BRACES = ", ".join(f"{{{place}}}" for place in PLACES)
_Command = Annotated[tuple[Annotated[str, _WORD], ...], Field(min_length=1, max_length=64), AfterValidator(_command)]


class HookCall(Part):
    """One call of a service of the site, or one run of a program of its: exactly one of url and command is written."""

    url: Annotated[str, _URL] | None = field(
        None,
        "Where to POST a JSON object of site, pool, node, direction, handover and phase (before or after)."
        " An answer of 2xx but for 202 means done; 202, 408, 425, 429, 5xx and no answer mean: ask again; any other, a"
        " redirection too, means no. The address is in the audit and in logs, so no secret belongs in it.",
    )
    command: _Command | None = field(
        None,
        f"What to run: the absolute path of a program, and its arguments, in which {_IN_BRACES} stand for what they"
        " name. There is no shell. The same JSON object is on its standard input. Exit status 0 means done, 75: ask"
        " again, any other no. It runs in the background, and again with the same key after a restart or a change of"
        " leader, so it must be safe to repeat. The command is in the audit, so no secret belongs in it.",
        strict=False,
    )
    timeout: Annotated[int, lasting("1s", "10m")] | None = field(
        None,
        "How long one call or run may take; without it, 5s for a url and 5m for a command. A url has 10s at most: what"
        " takes longer answers 202 and is asked again. A command is ended then, with all that it started, and run"
        " again.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.url is not None and self.command is not None:
            raise Contradiction((("command",), "there is a url, too; write one of them"))
        if self.url is None and self.command is None:
            raise Contradiction(((), "has neither a url nor a command; write one of them"))
        if self.url is not None and (self.timeout or 0) > CALL_MOST_S:
            advice = "a service that takes longer answers 202 and is asked again"
            raise Contradiction((("timeout",), f"must be from 1s to {CALL_MOST_S}s for a url; {advice}"))
        return self

    @property
    def timeout_s(self) -> int:
        """How long one call or run may take, in seconds."""
        return self.timeout or (CALL_USUAL_S if self.command is None else COMMAND_USUAL_S)


class Hooks(Part):
    """What a site wants done to a node on its way: re-imaging, a reset of its GPUs, a word to its monitoring."""

    before: HookCall | None = field(
        None,
        "Called when the node is empty and closed to both sides, again until it is done or moves.fitDeadline has"
        " passed; after a no the hand-over turns back.",
    )
    after: HookCall | None = field(
        None, "Called once, when the new side has the node; its answer is written down and changes nothing."
    )
