"""What the stand-in for Kubernetes keeps, in a file: read as a whole, and replaced as a whole before a write counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from basics.whole_file import write_atomically
from models.errors import BadInput, Unreachable
from simulator.standin import Memory

BYTES_MOST = 64 << 20

_DECODER = msgspec.json.Decoder(Memory)


def read_memory(path: Path, now_s: int) -> Memory:
    """The memory in the file, or a new one that begins now. Raises BadInput for a file that is none."""
    try:
        with path.open("rb") as file:
            raw = file.read(BYTES_MOST + 1)
    except FileNotFoundError:
        return Memory(now_s)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where=str(path), remedy="mend its permissions") from error
    try:
        return _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        remedy = "restore it from a copy; or remove it: then every node counts as closed to Kubernetes"
        raise BadInput(f"is no memory of a stand-in: {error}", where=str(path), remedy=remedy) from error


def keeper(path: Path) -> Callable[[Memory], None]:
    """What makes a memory last. What it calls raises Unreachable, as an API server that cannot write would."""

    def keep(memory: Memory) -> None:
        try:
            write_atomically(path, msgspec.json.encode(memory))
        except BadInput as error:
            raise Unreachable(f"the stand-in for Kubernetes cannot keep what it was told: {error}") from error

    return keep
