"""The files that a command writes, kept apart from those that it reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import typer

from basics.text import clean

Files = Mapping[str, Path | None]
"""Files by the option that names them; None for one that is not given."""


def check_apart(outputs: Files, inputs: Files) -> None:
    """Refuse an output that is also read, or written twice, whatever links lead there. Raises BadParameter."""
    known = {option: path for option, path in inputs.items() if path is not None}
    for option, path in outputs.items():
        if path is None:
            continue
        for other, taken in known.items():
            if _same(path, taken):
                raise typer.BadParameter(f"{option} and {other} are the same file, {clean(str(path))}")
        known[option] = path


def _same(one: Path, other: Path) -> bool:
    if os.path.realpath(one) == os.path.realpath(other):
        return True
    with suppress(OSError):  # one that is not there yet
        return one.samefile(other)
    return False
