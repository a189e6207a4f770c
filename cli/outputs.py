"""The files that a command writes, kept apart from those that it reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import typer

from basics.text import clean


def check_apart(outputs: Mapping[str, Path | None], inputs: Mapping[str, Path | None], bus: str | None = None) -> None:
    """Refuse an output that is also read, or written twice, whatever links lead there: files by option, None for one
    that is not given; ``bus`` may be in a file, too. Raises BadParameter."""
    known = {option: path for option, path in inputs.items() if path is not None}
    if bus is not None and bus.startswith("sqlite:"):
        known["--bus"] = Path(bus.removeprefix("sqlite:"))
    for option, path in outputs.items():
        if path is not None:
            for other in (name for name, taken in known.items() if _same(path, taken)):
                raise typer.BadParameter(f"{option} and {other} are the same file, {clean(str(path))}")
            known[option] = path


def _same(one: Path, other: Path) -> bool:
    both = os.path.exists(one) and os.path.exists(other)
    return os.path.realpath(one) == os.path.realpath(other) or (both and os.path.samefile(one, other))
