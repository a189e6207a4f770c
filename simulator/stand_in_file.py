"""What the stand-in for Kubernetes keeps, in a file that several processes share."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from basics.file_lock import try_lock
from basics.own_file import open_own
from basics.whole_file import write_atomically
from models.errors import BadInput, Unreachable
from simulator.standin import Memory

BYTES_MOST = 64 << 20
PATIENCE_S = 5.0  # how long a write waits for another process's, which takes milliseconds
_RETRY_S = 0.005

_DECODER = msgspec.json.Decoder(Memory)


class StandInFile:
    """A memory in a file, as ``Store``: read as a whole, and replaced as a whole under a lock.

    Raises BadInput, at the start, for a file that is none; a memory that is not there begins now.
    """

    def __init__(self, path: Path, clock: Callable[[], int]) -> None:
        self._path = path
        self._lock = path.with_name(f"{path.name}.lock")
        self._seen: tuple[int, int, int] | None = None
        self._memory = Memory(clock())
        with self.changing():
            if os.path.lexists(path):
                self._memory = _decoded(path)
            else:
                self.write(self._memory)

    def read(self) -> Memory:
        """See the protocol; the file is read again when it is another."""
        try:
            status = os.stat(self._path)
            seen = status.st_mtime_ns, status.st_ino, status.st_size
            if seen != self._seen:
                self._memory, self._seen = _decoded(self._path), seen
        except (OSError, BadInput) as error:
            raise Unreachable(f"the stand-in for Kubernetes cannot be read: {error}") from error
        return self._memory

    @contextmanager
    def changing(self) -> Iterator[None]:
        """See the protocol."""
        fd = self._locked()
        try:
            yield
        finally:
            os.close(fd)

    def write(self, memory: Memory) -> None:
        """See the protocol."""
        try:
            write_atomically(self._path, msgspec.json.encode(memory), own=True)
        except BadInput as error:
            raise Unreachable(f"the stand-in for Kubernetes cannot keep what it was told: {error}") from error
        self._memory, self._seen = memory, None

    def _locked(self) -> int:
        try:
            for _ in range(int(PATIENCE_S / _RETRY_S)):
                if (fd := try_lock(self._lock)) is not None:
                    return fd
                time.sleep(_RETRY_S)
        except BadInput as error:
            raise Unreachable(f"the stand-in for Kubernetes cannot be changed: {error}") from error
        raise Unreachable(f"the stand-in for Kubernetes is busy: another process has {self._lock} locked")


def _decoded(path: Path) -> Memory:
    try:
        with os.fdopen(open_own(path, os.O_RDONLY), "rb") as file:
            return _DECODER.decode(file.read(BYTES_MOST + 1))
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where=str(path), remedy="mend its permissions") from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        remedy = "restore it from a copy; or remove it: then every node counts as closed to Kubernetes"
        raise BadInput(f"is no memory of a stand-in: {error}", where=str(path), remedy=remedy) from error
