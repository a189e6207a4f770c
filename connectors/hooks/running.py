"""One run of a site's program: in a process group of its own, watched by a thread until all of it has ended."""

from __future__ import annotations

import logging
import os
import select
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from models.acts import Outcome
from models.errors import clean

ASK_AGAIN = os.EX_TEMPFAIL  # 75
GRACE_S = 5.0  # from SIGTERM to SIGKILL
LOOK_MS = 200  # between two looks at whether it has to end
SAID_MOST = 4096  # bytes kept of what it says on its standard error
SAID_LINES = 5
LINE_MOST = 300  # characters

log = logging.getLogger("tidegate.hook")


class Running:
    """A program, until it has ended: then ``outcome`` is set, and the log has it. Its standard output is not read."""

    def __init__(
        self, argv: Sequence[str], environment: Mapping[str, str], body: bytes, until_s: float, *, told: str
    ) -> None:
        self.outcome: Outcome | None = None
        self._argv = argv
        self._environment = environment
        self._body = body
        self._until_s = until_s
        self._told = told
        self._asked_to_end = ""
        self._said = b""
        self._over = threading.Event()

    def begin(self, leads: Callable[[], bool], monotonic: Callable[[], float]) -> None:
        """Have it started and watched; nothing is waited for. It is ended while ``leads`` says no."""
        threading.Thread(target=self._run, args=(leads, monotonic), daemon=True).start()

    def end(self, why: str) -> None:
        """Have it end before its time."""
        self._asked_to_end = why

    def wait(self, seconds: float) -> None:
        """Wait until it has ended, no longer than so many seconds."""
        self._over.wait(seconds)

    def _run(self, leads: Callable[[], bool], monotonic: Callable[[], float]) -> None:
        try:
            self.outcome = self._run_of(leads, monotonic)
        except (OSError, ValueError) as error:
            log.warning("%s could not be run: %s; it is asked again", self._told, error)
            self.outcome = Outcome.UNKNOWN
        finally:
            self._over.set()

    def _run_of(self, leads: Callable[[], bool], monotonic: Callable[[], float]) -> Outcome:
        """Start it, and see it end. Raises OSError or ValueError when that is not possible."""
        process = subprocess.Popen(  # noqa: S603 - the site's own words, no shell
            self._argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
            env=self._environment,
            start_new_session=True,
        )
        with process:
            try:
                self._tell(process)
                why = self._follow(process, leads, monotonic)
            except BaseException:
                _signal(process, signal.SIGKILL)
                raise
            return self._outcome_of(process.wait(), why)

    def _tell(self, process: subprocess.Popen[bytes]) -> None:
        """What it is told fits into a pipe: nobody waits for it to be read, and it need not be."""
        if process.stdin is not None:
            with suppress(BrokenPipeError), process.stdin as pipe:
                pipe.write(self._body)

    def _follow(
        self, process: subprocess.Popen[bytes], leads: Callable[[], bool], monotonic: Callable[[], float]
    ) -> str:
        """Until it has ended; why we ended it, empty where it did so by itself. It is not reaped before the last signal
        to its group is sent: until then no other process can have its number."""
        said = -1 if process.stderr is None else process.stderr.fileno()
        os.set_blocking(said, False)
        ended = os.pidfd_open(process.pid)
        why, asked_s = "", 0.0
        try:
            poll = select.poll()
            poll.register(ended, select.POLLIN)
            poll.register(said, select.POLLIN)
            while ended not in (ready := dict(poll.poll(LOOK_MS))):
                if said in ready and not self._listen(said):
                    poll.unregister(said)
                now_s = monotonic()
                if not why and (why := self._why_to_end(now_s, leads)):
                    asked_s = now_s
                    _signal(process, signal.SIGTERM)
                elif why and now_s - asked_s >= GRACE_S:
                    _signal(process, signal.SIGKILL)
            if why:
                _signal(process, signal.SIGKILL)  # what is left of its group
            self._listen(said)
        finally:
            os.close(ended)
        return why

    def _why_to_end(self, now_s: float, leads: Callable[[], bool]) -> str:
        if self._asked_to_end:
            return self._asked_to_end
        if now_s >= self._until_s:
            return "its time is over"
        return "" if leads() else "this process does not lead any more"

    def _listen(self, pipe: int) -> bool:
        """Keep the end of what it says; whether it may say more."""
        for _ in range(16):  # then it is time to look at the clock again
            try:
                chunk = os.read(pipe, 65536)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            self._said = (self._said + chunk)[-SAID_MOST:]
        return True

    def _outcome_of(self, status: int, why: str) -> Outcome:
        if why:
            log.warning("%s was ended, as %s%s", self._told, why, self._text)
            return Outcome.UNKNOWN
        if status == 0:
            log.info("%s is done", self._told)
            return Outcome.DONE
        if status == ASK_AGAIN:
            log.warning("%s wants to be asked again (%d)%s", self._told, status, self._text)
            return Outcome.UNKNOWN
        how = f"exit status {status}" if status > 0 else f"ended by {_name(-status)}"
        log.error("%s was refused: %s%s", self._told, how, self._text)
        return Outcome.REFUSED

    @property
    def _text(self) -> str:
        """The last lines of what it said, for the log."""
        lines = [line.strip() for line in self._said.decode(errors="replace").splitlines() if line.strip()]
        return "".join(f"; {clean(line[:LINE_MOST])}" for line in lines[-SAID_LINES:])


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """To all of its group. One that runs as another user cannot be ended by us, and is waited for."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
