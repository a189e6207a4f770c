"""What a follower says to who started it, a line of JSON each time; it is asked by a line, too."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


def say(**said: float) -> None:
    """One line for who asked."""
    print(json.dumps(said), flush=True)


def resident_mb() -> float:
    """Of this process."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS:"))


class Follower:
    """One of them, by the name of its module here."""

    def __init__(self, what: str, *words: str) -> None:
        asked = [sys.executable, "-m", f"{__package__}.{what}", *words]
        self._process = subprocess.Popen(asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def hear(self) -> dict[str, float]:
        """What it says next. Raises RuntimeError when it has ended."""
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            raise RuntimeError("the process that follows has ended")
        found: dict[str, float] = json.loads(line)
        return found

    def during(self, change: Callable[[], object], events: int) -> dict[str, float]:
        """What it says of so many events, which are made once it is ready."""
        if self._process.stdin is not None:
            self._process.stdin.write(f"{events}\n")
            self._process.stdin.flush()
        self.hear()
        change()
        return self.hear()
