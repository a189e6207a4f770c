"""One server of a cluster: started in its enclosure, and signalled by its own process number."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.real.slurm.enclosure import ENVIRONMENT, Enclosure, child

STOP_S = 20.0


class Daemon:
    """A server that stays in the foreground; what it says goes to ``log``, however often it is started."""

    def __init__(self, name: str, enclosure: Enclosure, argv: tuple[str, ...], log: Path) -> None:
        self.name = name
        self.argv = argv
        self.log = log
        self.pid = 0
        self._enclosure = enclosure
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, *more: str) -> None:
        """Start it, with more arguments this once; it may not serve yet when this returns."""
        command = self._enclosure.command(*self.argv, *more)
        with self.log.open("ab") as file:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=ENVIRONMENT
            )
        try:
            self.pid = child(self._process)
        except RuntimeError as error:
            raise RuntimeError(f"{self.name} did not start; see {self.log}\n{self.log_tail()}") from error

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
        return True

    def log_tail(self, lines: int = 20) -> str:
        """The last of what it has to say."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def _signal(self, number: int) -> None:
        """Signal the server, and let nsenter go on, which stands still when the server does."""
        if self.runs:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)
            if self._process and number != signal.SIGSTOP:
                self._process.send_signal(signal.SIGCONT)
