"""The process that speaks to Slurm: started when it is needed, asked one thing at a time, ended when it is late."""

from __future__ import annotations

import logging
import os
import select
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import msgspec

from connectors.slurm import wire
from connectors.slurm.native.questions import Ask
from models.errors import BadInput, Unreachable

COMMAND = (sys.executable, "-m", "connectors.slurm.native.worker")
START_S = 30.0  # to import pyslurm, and to find slurm.conf, which sackd or slurmctld may have to give
CHUNK = 2**20
ANSWER_MOST = 512 * 2**20  # bytes, as over REST
SAID_LINES = 5  # of libslurm's, for a message
REMEDY = "install pyslurm 25.11 in this environment, built on this host against Slurm 25.11; or say over: rest"

log = logging.getLogger("tidegate.slurm")


class Process:
    """pyslurm in a process of its own, with ``conf`` as slurm.conf if given. ``command`` starts it.

    It ends when it is late or says that something went wrong, and the next question starts a new one, which reads
    slurm.conf anew.
    """

    def __init__(self, *, conf: Path | None = None, command: Sequence[str] = COMMAND) -> None:
        self.command = tuple(command)
        self._environment = os.environ | {"PYSLURM_DISABLE_AUTO_INIT": "1"}
        self._conf = conf
        if conf is not None:
            self._environment["SLURM_CONF"] = str(conf)
        self._lock = threading.Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self._said: deque[str] = deque(maxlen=SAID_LINES)
        self._listener: threading.Thread | None = None

    def start(self) -> None:
        """Start it unless it runs. Raises BadInput when pyslurm cannot be used here, Unreachable when Slurm cannot."""
        with self._lock:
            self._start()

    def ask(self, ask: Ask, shape: type[wire.Shape], timeout_s: float) -> wire.Shape:
        """What Slurm says to it, its faults too. Raises Unreachable when that is not told in time."""
        until_s = time.monotonic() + timeout_s
        with self._lock:
            try:
                running = self._start()
                pipe = _given(running.stdin)
                pipe.write(msgspec.json.encode(ask) + b"\n")
                pipe.flush()
                return wire.decode(self._line(running, until_s), shape)
            except BadInput as error:
                raise Unreachable(str(error)) from error
            except OSError as error:
                raise Unreachable(f"Slurm was asked nothing through pyslurm: {self._end()} ({error})") from error

    def close(self) -> None:
        """End it."""
        with self._lock:
            self._end()

    def _start(self) -> subprocess.Popen[bytes]:
        if self._running is not None and self._running.poll() is None:
            return self._running
        self._end()
        if self._conf is not None and not self._conf.is_file():  # libslurm would look elsewhere for a minute
            raise BadInput(f"there is no {self._conf}", remedy="name the site's slurm.conf, or none to have it found")
        self._said.clear()
        pipe = subprocess.PIPE
        self._running = running = subprocess.Popen(  # noqa: S603 - our own interpreter
            self.command, stdin=pipe, stdout=pipe, stderr=pipe, env=self._environment, start_new_session=True
        )
        self._listener = threading.Thread(target=self._listen, args=(_given(running.stderr),), daemon=True)
        self._listener.start()
        faults = wire.decode(self._line(running, time.monotonic() + START_S), wire.Answer).errors
        if faults:
            self._end()
            raise BadInput("; ".join(fault.description for fault in faults), remedy=REMEDY)
        return running

    def _line(self, running: subprocess.Popen[bytes], until_s: float) -> bytes:
        """Its next line. Raises Unreachable, and has ended it, when there is none in time."""
        pipe = _given(running.stdout).fileno()
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        chunks: list[bytes] = []
        size = 0
        while not (chunks and chunks[-1].endswith(b"\n")):
            if not poll.poll(max(0.0, until_s - time.monotonic()) * 1000):
                raise Unreachable(f"Slurm gave no answer through pyslurm in time, so {self._end()}")
            chunk = os.read(pipe, CHUNK)
            if not chunk:
                raise Unreachable(f"Slurm gave no answer through pyslurm: {self._end()}")
            chunks.append(chunk)
            size += len(chunk)
            if size > ANSWER_MOST:
                self._end()
                raise Unreachable(f"Slurm's answer through pyslurm is larger than {ANSWER_MOST} bytes")
        return b"".join(chunks)

    def _end(self) -> str:
        """End it, and say how it had ended."""
        running, self._running = self._running, None
        if running is None:
            return "no process that speaks to it runs"
        running.kill()
        status = running.wait()
        if self._listener is not None:
            self._listener.join(1.0)
        for pipe in (running.stdin, running.stdout):
            _close(pipe)
        return f"the process that speaks to it ended with {status}: {'; '.join(self._said) or 'no word'}"

    def _listen(self, pipe: IO[bytes]) -> None:
        """What libslurm complains of."""
        with pipe:
            for line in pipe:
                text = line.decode(errors="replace").strip()[:300]
                self._said.append(text)
                log.info("libslurm: %s", text)


def _given(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None, "every pipe is asked for"  # noqa: S101
    return pipe


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        try:
            pipe.close()
        except OSError:  # what was to be written has nobody to read it
            log.debug("a pipe to an ended process had something left in it")
