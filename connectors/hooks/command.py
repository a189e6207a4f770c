"""The site's hooks by command: one run for each key, in the background, and what it ended with.

A run is begun when its key is first asked for; until it has ended the answer is that it is not known. What it ended
with is told once, at the next asking. Nobody waits here for a program of the site.
"""

from __future__ import annotations

import logging
import os
import re
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from connectors.hooks.asking import Asking
from connectors.hooks.running import Running
from models.acts import Outcome
from models.errors import BadInput
from models.hooks import PLACES, HookCall, Hooks

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
RUNNING_MOST = 100  # runs at a time; what is asked for beyond them waits to be asked for again
ENDED_MOST = 1000  # ends that nobody has asked for, of hand-overs that have turned back since
AT_END_S = 10.0  # how long an orderly end waits for what it has ended
_WORD = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._-]*")  # no option, no path, nothing for a shell that the program may use
_PLACE = re.compile("|".join(rf"\{{{place}\}}" for place in PLACES))

log = logging.getLogger("tidegate.hook")


class Commands:
    """The runs of one pool. They are ended while ``leads`` says no: whoever leads then begins them anew."""

    def __init__(self, leads: Callable[[], bool], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._leads = leads
        self._monotonic = monotonic
        self._runs: dict[str, Running] = {}

    def ask(self, call: HookCall, asking: Asking) -> Outcome:
        """What the run of this key ended with; unknown while it runs. A key that has none gets one."""
        run = self._runs.get(asking.key)
        if run is None:
            return self._begin(call, asking)
        outcome = run.outcome
        if outcome is None:
            return Outcome.UNKNOWN
        del self._runs[asking.key]
        return outcome

    def let_go(self, asking: Asking) -> bool:
        """End the run of this key and forget it; whether there is none any more. Safe to repeat."""
        run = self._runs.get(asking.key)
        if run is not None and run.outcome is None:
            run.end("the hand-over turns back")
            return False
        self._runs.pop(asking.key, None)
        return True

    def close(self) -> None:
        """End all runs, and wait a little until they have."""
        for run in self._runs.values():
            run.end("the service ends")
        until_s = time.monotonic() + AT_END_S
        for run in self._runs.values():
            run.wait(max(0.0, until_s - time.monotonic()))

    def _begin(self, call: HookCall, asking: Asking) -> Outcome:
        """Begin a run. What cannot be begun now may be later; what must not be put into a command is refused."""
        self._forget_ended()
        if sum(run.outcome is None for run in self._runs.values()) >= RUNNING_MOST:
            log.warning("%s is not begun yet: %d commands run", asking, RUNNING_MOST)
            return Outcome.UNKNOWN
        try:
            argv, body = argv_of(call.command or (), asking), asking.body
        except ValueError as error:
            log.error("%s cannot be called: %s", asking, error)
            return Outcome.REFUSED
        until_s = self._monotonic() + call.timeout_s
        run = Running(argv, environment_of(asking), body, until_s, told=str(asking))
        try:
            run.begin(self._leads, self._monotonic)
        except RuntimeError as error:  # no thread can be had now
            log.warning("%s is not begun yet: %s", asking, error)
            return Outcome.UNKNOWN
        self._runs[asking.key] = run
        return Outcome.UNKNOWN

    def _forget_ended(self) -> None:
        """Keep the newest of those that have ended; what a hook after a move ended with is in the log."""
        ended = [key for key, run in self._runs.items() if run.outcome is not None]
        for key in ended[:-ENDED_MOST]:
            del self._runs[key]


def argv_of(command: tuple[str, ...], asking: Asking) -> list[str]:
    """The words to run, each place filled in. Raises ValueError for a name that could be taken for something else."""
    told = asking.told
    for place in ("node", "handover", "site", "pool"):
        if not _WORD.fullmatch(told[place]):
            raise ValueError(f"{place} {told[place][:100]!r} is no name of letters, digits, dots, dashes, underscores")
    program, *arguments = command
    return [program, *(_PLACE.sub(lambda match: told[match[0][1:-1]], argument) for argument in arguments)]


def environment_of(asking: Asking) -> Mapping[str, str]:
    """All that a run finds in its environment: nothing of ours but what it is told."""
    told = {f"TIDEGATE_{place.upper()}": value for place, value in asking.told.items()}
    return {"PATH": PATH, "LANG": "C.UTF-8", **told, "TIDEGATE_IDEMPOTENCY_KEY": asking.key}


def check_programs(hooks: Hooks) -> None:
    """Raises BadInput where a program of the hooks cannot be run here, or anybody could write it."""
    for phase, call in (("before", hooks.before), ("after", hooks.after)):
        if call is not None and call.command is not None:
            trouble = _trouble(Path(call.command[0]))
            if trouble:
                raise BadInput(
                    f"hooks.{phase}: {trouble}", where=call.command[0], remedy="mend the file, or the policy's command"
                )


def _trouble(program: Path) -> str:
    try:
        mode = program.stat().st_mode
    except OSError as error:
        return f"cannot be run: {error.strerror}"
    if not stat.S_ISREG(mode) or not os.access(program, os.X_OK):
        return "is no file that can be run"
    return "can be written by anybody" if mode & stat.S_IWOTH else ""
