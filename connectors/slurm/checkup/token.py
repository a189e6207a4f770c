"""The token: whether its file holds one, who else can read it, whose it is, when it ends."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from basics.web_token import claims
from connectors.checkup.format import moment, span_text
from connectors.slurm.token import AHEAD_S, TokenFile
from models.errors import Unreachable
from models.findings import Finding, warning, well, wrong

CHECK = "slurm.token"
_warning, _wrong = partial(warning, CHECK), partial(wrong, CHECK)
RENEW = "scontrol token username=USER lifespan=86400"


def token_findings(path: Path, now_s: float) -> Iterator[Finding]:
    """The file of the token: whether it is one, who else can read it, when it ends."""
    try:
        token = TokenFile(path).token(now_s)
    except Unreachable as error:
        yield _wrong(str(error), f"Let a Slurm administrator write a token into {path}, again and again.", RENEW)
        return
    with suppress(OSError):
        if path.stat().st_mode & 0o004:
            yield _warning(
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
        yield _wrong(f"{whose} and ended {span_text(now_s - ends)} ago, at {moment(ends)}", renew, RENEW)
    elif ends <= now_s + AHEAD_S:
        yield _warning(f"{whose} and ends in {span_text(ends - now_s)}", renew, RENEW)
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
