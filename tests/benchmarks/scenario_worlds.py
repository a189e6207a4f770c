"""A tiny window, and an executor that runs at once and counts."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from benchmarks.scenarios.windows import Window
from tests.simulator.small_worlds import small_world


def tiny_window(name: str = "tiny", seed: int = 1, nodes: int = 8) -> Window:
    """Half a day on eight nodes."""
    world, earlier = (small_world(number, nodes=nodes, days=0.5, pods=2) for number in (seed, seed + 50))
    return Window(name, world.workload, earlier.workload, nodes, world.span_s or 0, 600)


class AtOnce(Executor):
    """Runs what it is given when it is given it, and keeps which policies it was."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def submit(self, call: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(call(*arguments, **named))
        self.ran.append(arguments[1])
        return future
