"""Runs the search and the check, shows how far they are, and keeps the best so far when somebody interrupts them."""

from __future__ import annotations

from dataclasses import replace

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from cli.tuning.evidence import Checked, Tuned, rows, tuned_policy
from cli.tuning.parts import Parts
from models.errors import BadInput
from models.fields import share_text
from simulator.tuning import (
    Served,
    Tried,
    as_it_is,
    at_fixed_price,
    at_split,
    cheapest,
    prices,
    search,
    split_that_meets,
    with_pool,
)


def tuned_by_replays(parts: Parts, at_most: float, notes: Console) -> Tuned:
    """Search, hold against the fixed split of equal service, and check. A Ctrl-C ends it with the best so far, not
    checked; it goes on as KeyboardInterrupt where nothing has been found yet.

    Raises BadInput when no price reaches the level.
    """
    tried: list[Tried] = []
    bars = Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), console=notes
    )
    with bars:
        try:
            _search(parts, at_most, tried, bars)
            found = _found(parts, at_most, tried)
            split = split_that_meets(parts.tuned, at_most)
            return _checked(replace(found, split=split), bars)
        except KeyboardInterrupt:
            if cheapest(tried, at_most) is None:
                raise
            return _found(parts, at_most, tried)


def table(tuned: Tuned) -> Table:
    """The prices that were tried."""
    told = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for head in ("price", "unmet", "HPC's mean wait", "still waiting"):
        told.add_column(head, justify="right")
    told.add_column("")
    for row in rows(tuned.tried, tuned.at_most):
        told.add_row(*row)
    return told


def _search(parts: Parts, at_most: float, tried: list[Tried], bars: Progress) -> None:
    pool = parts.tuned.policy.spec.pools[0]

    def measure(price: float) -> Served:
        task = bars.add_task(f"at a price of {price:g}", total=1.0)
        served = at_fixed_price(parts.tuned, price, lambda part: bars.update(task, completed=part))
        told = f"{100 * served.unmet:.2f} % unmet, HPC waits {served.wait_s / 60:.0f} min"
        bars.update(task, completed=1.0, description=f"at a price of {price:g}: {told}")
        return served

    for one in search(measure, at_most, pool.unmet_cost.kubernetes, prices(pool)):
        tried.append(one)


def _found(parts: Parts, at_most: float, tried: list[Tried]) -> Tuned:
    best = cheapest(tried, at_most)
    if best is None:
        least = min(tried, key=lambda one: one.served.unmet)
        raise BadInput(
            f"no price reaches {share_text(at_most)} here: the best is {100 * least.served.unmet:.2f} % unmet, at a"
            f" price of {least.price:g}, where HPC jobs wait {least.served.wait_s / 60:.0f} minutes",
            remedy="ask for less with --unmet-at-most, or let Kubernetes have more nodes (ceiling, floor of hpc)",
        )
    return Tuned(parts, at_most, tuple(tried), best)


def _checked(tuned: Tuned, bars: Progress) -> Tuned:
    world = with_pool(tuned.parts.checked, tuned_policy(tuned).spec.pools[0])
    task = bars.add_task("checking on the later part", total=1.0)
    served = as_it_is(world, lambda part: bars.update(task, completed=part))
    bars.update(task, completed=1.0)
    split = None if tuned.split is None else at_split(tuned.parts.checked, tuned.split.nodes)
    return replace(tuned, checked=Checked(served, split))
