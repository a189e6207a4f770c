"""All dashboards, and their files."""

from __future__ import annotations

from pathlib import Path

from dashboards import forecasts, handovers, health, overview
from dashboards.shape import json_text

BOARDS = (overview.BOARD, forecasts.BOARD, handovers.BOARD, health.BOARD)


def files() -> dict[str, str]:
    """Name to text."""
    return {f"{board.uid}.json": json_text(board) for board in BOARDS}


def write(folder: Path) -> None:
    """Write every file, and remove what is no dashboard any more."""
    wanted = files()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")
    for path in folder.glob("*.json"):
        if path.name not in wanted:
            path.unlink()


def stale(folder: Path) -> list[str]:
    """The files that differ from what would be written now."""
    wanted, there = files(), {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))
