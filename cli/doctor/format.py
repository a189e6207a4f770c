"""Findings as people read them, in the columns of their terminal, and as JSON."""

from __future__ import annotations

import shutil
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import typer

from basics.text import clean, count
from models.findings import Finding, Level

COLUMNS = 80
LEAST = 40
TEXT = 9  # where what was found begins
FURTHER = 11  # and where what to do about it does
COLOURS = {Level.OK: "green", Level.SKIPPED: "cyan", Level.WARNING: "yellow", Level.ERROR: "red"}
VERSION = 1  # of the JSON document; keys may be added to it, and none changes its meaning


def line(finding: Finding, checks: Sequence[str], columns: int | None = None) -> str:
    """What one or more checks found alike, what to do about it indented below.

    A command stays on one line, to be pasted.
    """
    width = max(LEAST, columns or shutil.get_terminal_size(fallback=(COLUMNS, 24)).columns)
    level = typer.style(f"{finding.level:<{TEXT}}", fg=COLOURS[finding.level], bold=finding.level is Level.ERROR)
    told = _wrapped(f"{', '.join(checks)}: {clean(finding.what)}", width, TEXT)
    lines = [level + told[0].lstrip(), *told[1:]]
    lines += _wrapped(clean(finding.remedy), width, FURTHER)
    lines += [" " * FURTHER + f"  {clean(command)}" for command in finding.commands]
    return "\n".join(lines)


def summary(found: Sequence[Finding]) -> str:
    """How many there are of each level."""
    counts = Counter(finding.level for finding in found)
    parts = [count(counts[Level.ERROR], "error"), count(counts[Level.WARNING], "warning"), f"{counts[Level.OK]} ok"]
    parts += [f"{counts[Level.SKIPPED]} not checked"] if counts[Level.SKIPPED] else []
    return ", ".join(parts)


def document(found: Sequence[Finding]) -> dict[str, Any]:
    """The same, ready for JSON."""
    counts = Counter(finding.level for finding in found)
    return {
        "version": VERSION,
        "counts": {level.value: counts[level] for level in Level},
        "findings": [asdict(one) for one in found],
    }


def _wrapped(text: str, width: int, indent: int) -> list[str]:
    lead = " " * indent
    return textwrap.wrap(
        text, width, initial_indent=lead, subsequent_indent=lead, break_long_words=False, break_on_hyphens=False
    )
