"""Options that people write as text: durations, starts, shapes of nodes, lists of policies."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import typer

from models.durations import typed_s
from models.errors import BadInput
from models.nodes import NodeShape
from simulator.traces.quantities import parse_cpu_milli, parse_memory_mib

T = TypeVar("T")
DEFAULT_SHAPE = "cpu=96,memory=512Gi,gpu=8"
INPUTS = ("hpc", "requests", "pods")
BUS_HELP = "Send events and forecasts through a bus: memory, sqlite:FILE or kafka:HOST:PORT; the figures stay the same"


def start_by_input(text: str) -> dict[str, int]:
    """``hpc=100d,pods=90d`` as seconds by input; a plain number is in days."""
    return dict(_pairs(text, "--start", INPUTS, lambda value: round(typed_s(value, "d")), "hpc=100d,pods=90d"))


def node_shape(text: str) -> NodeShape:
    """``cpu=96,memory=512Gi,gpu=8`` as what one node offers."""
    example = DEFAULT_SHAPE
    found = dict(_pairs(text, "--node-shape", ("cpu", "memory", "gpu"), str, example))
    try:
        return NodeShape(
            cpu_milli=parse_cpu_milli(found["cpu"]),
            memory_mib=parse_memory_mib(found["memory"]),
            gpu_milli=1000 * int(found.get("gpu", "0")),
        )
    except KeyError as missing:
        raise typer.BadParameter(f"{missing.args[0]} is missing; for example {example}") from None
    except (ValueError, BadInput) as error:
        raise typer.BadParameter(f"{error}; for example {example}") from None


def shape_text(shape: NodeShape) -> str:
    """A shape as ``node_shape`` reads it."""
    gib, rest = divmod(shape.memory_mib, 1024)
    memory = f"{shape.memory_mib}Mi" if rest else f"{gib}Gi"
    return f"cpu={shape.cpu_milli / 1000:g},memory={memory},gpu={shape.gpu_milli / 1000:g}"


def policies_to_compare(text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """``static,reactive`` as names, each one once."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        wrong = f"{unknown[0]!r} is not a policy" if unknown else "no policy is named"
        raise typer.BadParameter(f"{wrong}; choose from {', '.join(known)}")
    if len(set(names)) < len(names):
        raise typer.BadParameter("a policy is named twice")
    return names


def _pairs(
    text: str, option: str, known: tuple[str, ...], read: Callable[[str], T], example: str
) -> list[tuple[str, T]]:
    found: list[tuple[str, T]] = []
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals or name not in known or name in [earlier for earlier, _ in found]:
            raise typer.BadParameter(
                f"{part.strip()!r} in {option} is not one of {', '.join(known)}; for example {example}"
            )
        try:
            found.append((name, read(value)))
        except ValueError as error:
            raise typer.BadParameter(f"{part.strip()!r}: {error}") from None
    return found
