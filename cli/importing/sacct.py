"""Reads an accounting with progress, writes the jobs whole or not at all, and tells a person what is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from io import RawIOBase
from pathlib import Path
from typing import BinaryIO, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from basics.text import clean
from basics.whole_file import check_writable
from cli.importing.summary import notes_on, summary
from simulator.traces.sacct.open_accounting import read_sacct
from simulator.traces.sacct.wanted import Wanted
from simulator.traces.swf_writer import write_swf


def import_sacct(
    path: Path, raw: BinaryIO | None, output: Path | None, wanted: Wanted, *, strict: bool, quiet: bool
) -> None:
    """Read ``raw``, or the file at ``path``; write, and print the summary unless ``quiet``. Raises BadInput."""
    if output is not None:
        check_writable(output)
    console = Console(stderr=True, quiet=quiet, highlight=False)
    with _watched(path, raw, console) as stream:
        accounting = read_sacct(path, wanted, strict=strict, raw=stream)
    if output is not None:
        write_swf(accounting, output)
    for note in notes_on(accounting, path.name):
        console.print(f"note: {clean(note)}", markup=False, soft_wrap=True)
    if not quiet:
        typer.echo("\n".join(summary(accounting, path, output)))


@contextmanager
def _watched(path: Path, raw: BinaryIO | None, console: Console) -> Iterator[BinaryIO | None]:
    """What to read, with progress where a person looks on; a file that cannot be opened is left to the reader."""
    if not console.is_terminal or console.quiet or (raw is None and not path.is_file()):
        yield raw
        return
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    with bars, path.open("rb") if raw is None else nullcontext(raw) as file:
        task = bars.add_task("reading", total=path.stat().st_size if raw is None else None)
        yield cast(BinaryIO, _Watched(file, lambda size: bars.advance(task, size)))


class _Watched(RawIOBase):
    """A stream that tells how much of it was read."""

    def __init__(self, file: BinaryIO, tell: Callable[[int], None]) -> None:
        self._file = file
        self._tell = tell

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        """Fill the buffer."""
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._tell(len(data))
        return len(data)
