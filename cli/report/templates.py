"""The fixed texts of the page, which lie beside this file."""

from __future__ import annotations

from importlib.resources import files
from string import Template


def text(name: str) -> str:
    """A template as it is."""
    return files("cli.report").joinpath(name).read_text(encoding="utf-8")


def filled(name: str, **parts: str) -> str:
    """A template with each ``$part`` in its place; a part that is missing raises KeyError."""
    return Template(text(name)).substitute(parts)
