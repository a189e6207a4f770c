"""One server of a control plane: started by itself, and signalled by its own process number."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

STOP_S = 20.0
TAIL = 20  # lines
WITH_OURS = ("setpriv", "--pdeathsig", "KILL")  # it ends with ours, however ours ends


class Process:
    """A server that stays in the foreground; what it says goes to ``log``, however often it is started."""

    running: ClassVar[set[Process]] = set()

    def __init__(
        self, name: str, argv: tuple[str, ...], log: Path, environment: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.name = name
        self.argv = argv
        self.log = log
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process number; 0 when it does not run."""
        return self._process.pid if self._process and self.runs else 0

    def start(self, *more: str) -> None:
        """Start it, with more arguments this once; it may not serve yet when this returns."""
        in_main = threading.current_thread() is threading.main_thread()  # the signal comes when the thread ends
        command = [*(WITH_OURS if in_main else ()), *self.argv, *more]
        with self.log.open("ab") as file:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=os.environ | self._environment,
            )
        self.running.add(self)

    def kill(self) -> None:
        """End it without a word (SIGKILL)."""
        self._signal(signal.SIGKILL)
        self.gone()

    def stop(self) -> None:
        """Ask it to end (SIGTERM), and end it if it does not."""
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)
        if not self.gone():
            self.kill()

    def pause(self) -> None:
        """Make it do nothing, with all connections open (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def gone(self, wait_s: float = STOP_S) -> bool:
        """Whether it has ended, by now or within that time."""
        if self._process:
            try:
                self._process.wait(wait_s)
            except subprocess.TimeoutExpired:
                return False
        self._process = None
        self.running.discard(self)
        return True

    def log_tail(self, lines: int = TAIL) -> str:
        """The last of what it has to say."""
        return tail(self.log, lines)

    def _signal(self, number: int) -> None:
        if self._process:
            self._process.send_signal(number)


def tail(log: Path, lines: int) -> str:
    """How a log ends."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


@atexit.register
def _stop_all() -> None:
    """Whatever has happened to the test that started it, no server outlives the process."""
    for process in list(Process.running):
        with suppress(OSError):
            process.kill()
