"""``tidegate reference``: write the generated reference, or check that it is up to date. For developers only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.reference_pages.api import openapi_text
from cli.reference_pages.bus_settings import settings_page
from cli.reference_pages.events import event_files, events_page
from cli.reference_pages.handovers import handovers_page
from cli.reference_pages.metrics import metrics_page
from cli.reference_pages.policy import page_text, schema_text
from cli.reference_pages.site import site_page, site_schema_text
from models.errors import BadInput

EVENTS = "events"  # the folder of which every file is generated


def reference(
    folder: Annotated[Path, typer.Argument(help="Where the reference pages and the schemas belong.")],
    check_only: Annotated[bool, typer.Option("--check", help="Write nothing; end with 1 when one is stale.")] = False,
) -> None:
    """Write the generated reference pages and schemas, or check that they are up to date."""
    if not check_only:
        write(folder)
    elif names := stale(folder):
        raise BadInput(f"not up to date: {', '.join(names)}", where=str(folder), remedy="run make generate")


def files() -> dict[str, str]:
    """The generated files: path to text."""
    return {
        "policy.schema.json": schema_text(),
        "policy.md": page_text(),
        "handovers.md": handovers_page(),
        "events.md": events_page(),
        "bus-settings.md": settings_page(),
        "openapi.json": openapi_text(),
        "metrics.md": metrics_page(),
        "site.md": site_page(),
        "site.schema.json": site_schema_text(),
        **{f"{EVENTS}/{name}": text for name, text in event_files().items()},
    }


def write(folder: Path) -> None:
    """Write every generated file, and remove those that were generated once and are not any more."""
    wanted = files()
    for name, text in wanted.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for name in _left_over(folder, wanted):
        (folder / name).unlink()


def stale(folder: Path) -> list[str]:
    """The generated files in a folder that differ from what would be written now."""
    wanted = files()
    return [name for name, text in wanted.items() if not _holds(folder / name, text)] + _left_over(folder, wanted)


def _left_over(folder: Path, wanted: dict[str, str]) -> list[str]:
    names = [f"{EVENTS}/{path.name}" for path in sorted((folder / EVENTS).glob("*"))]
    return [name for name in names if name not in wanted]


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
