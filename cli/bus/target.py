"""Which bus a command looks into, as people name it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from basics.text import clean
from connectors.bus.inspection import Inspection
from connectors.bus.open_bus import open_inspection
from connectors.bus.settings import BusSettings
from service.bus_settings_file import read_bus_settings

Address = Annotated[
    str | None, typer.Option("--bus", metavar="ADDRESS", help="The bus: sqlite:FILE or kafka:HOST:PORT[,...]")
]
Settings = Annotated[
    Path | None,
    typer.Option("--bus-settings", metavar="FILE", help="How to reach a broker: TLS, who we are, a prefix (YAML)"),
]
Prefix = Annotated[
    str | None, typer.Option(metavar="P", help="What the names of topics and groups begin with, if not in FILE")
]


@contextmanager
def inspection_of(address: str | None, settings: Path | None, prefix: str | None) -> Iterator[Inspection]:
    """A look into the bus that is named. Raises BadParameter when none is."""
    if address is None:
        examples = "--bus sqlite:tidegate.db or --bus kafka:broker1:9092,broker2:9092"
        raise typer.BadParameter(f"say which bus: {examples}")
    with closing(open_inspection(address, prefix, settings_in(settings))) as inspection:
        yield inspection


def settings_in(file: Path | None, *, quiet: bool = False) -> BusSettings | None:
    """The settings in a file, if one is given; a secret that everybody can read is warned of unless ``quiet``.

    Raises BadDocument or BadInput.
    """
    if file is None:
        return None
    settings = read_bus_settings(file)
    for path in () if quiet else settings.secure().exposed():
        note(f"warning: everybody on this machine can read the secret in {path} (chmod 600 {quote(str(path))})")
    return settings


def note(text: str) -> None:
    """Tell the person something that does not belong into what a command puts out."""
    typer.echo(clean(text), err=True)
