"""A settings file of a bus: text in, BusSettings out, or every mistake at once with its line and column."""

from __future__ import annotations

from pathlib import Path

from basics.documents.document import Form, read_document
from connectors.bus.settings import BusSettings

SETTINGS = Form(BusSettings, "set of bus settings", "settings file")


def read_bus_settings(path: Path) -> BusSettings:
    """The settings in a file, their paths taken from its folder. Raises BadDocument or BadInput."""
    return read_document(path, SETTINGS).value.beside(path.absolute().parent)
