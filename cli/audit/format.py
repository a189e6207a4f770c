"""Times, nodes and lines of an audit as people read them."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import typer

from basics.text import clean
from models.nodes import HpcNode, KubernetesNode, Node

ABSENT = "–"
DAY_S = 86400
DATED_S = 10**9  # no replay is that long; the service's clock counts from 1970


def clock(at_s: int) -> str:
    """A time since the beginning of a replay as ``d hh:mm:ss``; a time of the service as its date in UTC."""
    if at_s >= DATED_S:
        return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S}Z"
    return f"{at_s // DAY_S} {at_s % DAY_S // 3600:02}:{at_s % 3600 // 60:02}:{at_s % 60:02}"


def span_text(seconds: int | None) -> str:
    """A length of time as ``h:mm:ss``, or ``m:ss`` below an hour; a dash where there is none."""
    if seconds is None:
        return ABSENT
    hours, minutes, rest = seconds // 3600, seconds % 3600 // 60, seconds % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def node_text(node: Node | None) -> str:
    """What both sides showed of a node, in a line; None where it could not be seen."""
    return "not seen" if node is None else f"{hpc_words(node.hpc)}; {kubernetes_words(node.kubernetes)}"


def hpc_words(node: HpcNode, at: Callable[[int], str] = clock) -> str:
    """What the HPC scheduler showed of a node; ``at`` puts times into words."""
    until = "" if node.frees_at_s is None else f" until {at(node.frees_at_s)} at the latest"
    parts = [
        "HPC open" if node.drain_reason is None else f"HPC closed ({clean(node.drain_reason)})",
        "" if node.ready else "not ready",
        f"busy{until}" if node.busy else "empty",
        "" if node.booked_by is None else f"booked ({clean(node.booked_by)})",
    ]
    return ", ".join(part for part in parts if part)


def kubernetes_words(node: KubernetesNode) -> str:
    """What Kubernetes showed of a node."""
    parts = [
        "Kubernetes open" if node.closed_by is None else f"Kubernetes closed ({clean(node.closed_by)})",
        "fenced off" if node.fenced else "",
        "discouraged" if node.discouraged else "",
        (clean(node.cordoned_by) or "cordoned") if node.cordoned else "",
        f"lacks {clean(node.lacks)}" if node.lacks else "",
        "" if node.ready else "not ready",
        "1 pod" if node.pods == 1 else f"{node.pods} pods",
    ]
    return ", ".join(part for part in parts if part)


def wrapped(text: str, width: int, indent: int = 2) -> list[str]:
    """Lines of at most ``width`` columns where that is 40 or more, those after the first indented."""
    return textwrap.wrap(text, max(width, 40), subsequent_indent=" " * indent, break_on_hyphens=False)


def say(lines: Iterable[str]) -> None:
    """Print each line as wide as the terminal, or 80 columns, and an empty one for an empty one."""
    width = shutil.get_terminal_size().columns
    for line in lines:
        typer.echo("\n".join(wrapped(clean(line), width)) if line else "")
