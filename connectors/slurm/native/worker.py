"""The process that pyslurm is in: a line of JSON asks, a line of JSON answers. ``python -m`` starts it.

The first line it says tells whether it can answer at all.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from typing import Any

import msgspec

from connectors.slurm import wire
from connectors.slurm.native.questions import Ask, answer

RELEASE = "25.11"  # of pyslurm, and of the Slurm that it was built for
LIBRARY = 44  # what libslurm of that release says of itself


class Unusable(Exception):
    """There is no pyslurm that could be used, and why."""


def main() -> int:
    """Answer until there is nothing more to read."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no answer
    try:
        pyslurm = opened()
    except Unusable as error:
        say(out, wire.Answer((wire.Fault("Unusable", 0, str(error)),)))
        return 1
    say(out, wire.Answer(meta=wire.Meta(wire.Release(pyslurm.__version__))))
    decoder = msgspec.json.Decoder(Ask)
    for line in sys.stdin.buffer:
        say(out, answer(pyslurm, decoder.decode(line)))
    return 0


def say(out: Any, told: wire.Answer) -> None:
    """One line."""
    out.write(msgspec.json.encode(told) + b"\n")
    out.flush()


def opened() -> Any:
    """pyslurm, ready to be asked. Raises Unusable when it is missing or of another release than ours or libslurm's.

    A pyslurm on another libslurm than it was built for reads what is not there, so the library is asked before it is
    used; PYSLURM_DISABLE_AUTO_INIT has to be set for that.
    """
    try:
        pyslurm = importlib.import_module("pyslurm")
    except ImportError as error:
        raise Unusable(f"pyslurm cannot be imported: {error}") from error
    check(pyslurm.__version__, library())
    pyslurm.slurm_init()
    return pyslurm


def library() -> int | None:
    """The release of the libslurm that pyslurm brought in, as it counts itself; None when it does not say."""
    try:
        version = ctypes.CDLL(None).slurm_api_version
    except AttributeError:
        return None
    version.restype = ctypes.c_long
    return int(version()) >> 16


def check(release: str, of_library: int | None) -> None:
    """Raise Unusable unless both are of the release that this was written for."""
    if not release.startswith(f"{RELEASE}."):
        raise Unusable(f"pyslurm {release} is installed, and Tidegate speaks to {RELEASE} only")
    if of_library is not None and of_library != LIBRARY:
        raise Unusable(
            f"pyslurm {release} is for Slurm {RELEASE} (libslurm {LIBRARY}), and the libslurm here is {of_library}"
        )


if __name__ == "__main__":
    raise SystemExit(main())
