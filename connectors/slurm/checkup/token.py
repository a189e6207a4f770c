"""The token: whether its file holds one, who else can read it, whose it is, when it ends."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from connectors.slurm.checkup.format import moment, span_text
from connectors.slurm.token import AHEAD_S, TokenFile
from models.errors import Unreachable
from models.findings import Finding, warning, well, wrong

CHECK = "slurm.token"
RENEW = "scontrol token username=USER lifespan=86400"


def token_findings(path: Path, now_s: float) -> Iterator[Finding]:
    """The file of the token: whether it is one, who else can read it, when it ends."""
    try:
        token = TokenFile(path).token(now_s)
    except Unreachable as error:
        yield wrong(CHECK, str(error), f"Let a Slurm administrator write a token into {path}, again and again.", RENEW)
        return
    with suppress(OSError):
        if path.stat().st_mode & 0o004:
            yield warning(
                CHECK,
                f"everybody on this machine can read {path}, and act on Slurm with it",
                "Let only the user that Tidegate runs as read it.",
                f"chmod o-rwx {shlex.quote(str(path))}",
            )
    told = claims(token)
    user, ends = told.get("sun"), told.get("exp")
    whose = f"the token in {path} is {user}'s" if isinstance(user, str) and user.isprintable() else f"{path}: a token"
    renew = f"Renew it in time, by a timer say: write what this prints into {path}."
    if not isinstance(ends, int):
        yield well(CHECK, f"{whose}, and does not say when it ends")
    elif ends <= now_s:
        yield wrong(CHECK, f"{whose} and ended {span_text(now_s - ends)} ago, at {moment(ends)}", renew, RENEW)
    elif ends <= now_s + AHEAD_S:
        yield warning(CHECK, f"{whose} and ends in {span_text(ends - now_s)}", renew, RENEW)
    else:
        yield well(CHECK, f"{whose} and ends in {span_text(ends - now_s)}")


def is_there(path: Path) -> bool:
    """Whether the file holds something that can be sent as a token."""
    try:
        TokenFile(path).token(0)
    except Unreachable:
        return False
    return True


def user_of(path: Path, given: str | None) -> str:
    """Whose token it is, by its own word or the settings'; empty where neither tells."""
    with suppress(Unreachable):
        user = claims(TokenFile(path).token(0)).get("sun")
        if isinstance(user, str) and user.isprintable():
            return user
    return given or ""


def claims(token: str) -> Mapping[str, Any]:
    """What the token says of itself; nothing where it is none that does."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        told = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):  # what is no base64, no UTF-8 or no JSON
        return {}
    return told if isinstance(told, dict) else {}
