"""``tidegate plans``: what was recommended for a pool, why, and what would have come of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from basics.text import count, some
from cli.audit.format import clock, say
from cli.audit.timelines import decisions
from cli.planning.followed import ASSUMED, Recommendation, Unmet, recommendations, total
from cli.planning.latest import PoolName, SiteFile, StateFolder, folder_of
from cli.planning.words import moving, why
from cli.times import time_s
from controller.recommender import NO_EPOCH
from models.audit import Decided
from models.errors import BadInput
from models.handovers import Direction
from models.nodes import Side
from service.state_folder import AUDIT


def plans(
    state: StateFolder = None,
    site: SiteFile = None,
    pool: PoolName = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="From then on: 2026-12-01T18:00, in UTC, or +01:00")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Before then")] = None,
    explain: Annotated[
        str | None, typer.Option("--explain", metavar="ID", help="Tell of one why each node moves or stays")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write it as JSON")] = False,
) -> None:
    """List what mode recommend would have moved, and tell what would have come of it.

    It is read from the audit in the folder of the state; nobody is asked, and nothing is changed. Decisions in a row
    that move the same nodes are one recommendation. What mode auto did is told by tidegate handovers.
    """
    low = 0 if since is None else time_s(since, "--from")
    high = None if until is None else time_s(until, "--to")
    if high is not None and high <= low:
        raise typer.BadParameter("--to is not after --from")
    audit = folder_of(state, site) / AUDIT
    if not audit.exists():
        raise BadInput("there is no audit", where=str(audit), remedy="let tidegate run take a turn first")
    entries = (one for one in decisions(audit) if low <= one.plan.at_s and (high is None or one.plan.at_s < high))
    found = list(recommendations(_of_one_pool(entries, pool, audit)))
    if explain is not None:
        _explain(found, explain)
    elif as_json:
        typer.echo(json.dumps(_document(found), indent=2, allow_nan=False))
    else:
        _list(found)


def _of_one_pool(entries: Iterable[Decided], pool: str | None, audit: Path) -> Iterator[Decided]:
    """The recommended ones of the pool, or of the only one. Raises BadInput when there are several and no name."""
    names: dict[str, None] = {}
    for entry in entries:
        if entry.epoch != NO_EPOCH:
            continue
        names[entry.pool.name] = None
        if pool is None and len(names) > 1:
            raise BadInput("there are several pools", where=str(audit), remedy=f"add --pool, such as {some(names)}")
        if pool in (None, entry.pool.name):
            yield entry
    if pool is not None and names and pool not in names:
        raise BadInput(f"nothing was recommended for a pool {pool!r}", where=str(audit), remedy=f"only {some(names)}")


def _list(found: list[Recommendation]) -> None:
    if not found:
        say(["Nothing was recommended here. What mode auto did is told by tidegate handovers."])
        return
    for one in found:
        moves = "; ".join(_moves(one.first))
        times = clock(one.first.plan.at_s)
        if one.decisions > 1:
            times += f" to {clock(one.last_s)}, {one.decisions} decisions"
        say([f"{one.ident}  {times}: {moves}. {_worth(total(one.unmet))}"])
    whole = total(part for one in found for part in one.unmet)
    sides = ", ".join(
        f"{name} {whole.followed[side]:,.1f} node-hours unmet instead of {whole.seen[side]:,.1f}"
        for side, name in ((Side.HPC, "HPC"), (Side.KUBERNETES, "Kubernetes"))
    )
    say(["", f"{count(len(found), 'recommendation')}. {_worth(whole)} ({sides}).", ASSUMED])


def _moves(entry: Decided) -> Iterator[str]:
    for direction in Direction:
        nodes = [move.node for move in entry.plan.moves if move.direction is direction]
        if nodes:
            yield f"{count(len(nodes), 'node')} to {direction.target}, {some(nodes)}"


def _worth(unmet: Unmet) -> str:
    less = round(unmet.less, 1)
    if less == 0:
        return "Had you followed: no difference"
    return f"Had you followed: {abs(less):,.1f} node-hours {'less' if less > 0 else 'more'} unmet"


def _explain(found: list[Recommendation], ident: str) -> None:
    one = next((one for one in found if one.ident == ident), None)
    if one is None:
        known = some(one.ident for one in found) or "none"
        raise BadInput(f"no recommendation has the id {ident}", remedy=f"there are: {known}")
    made = one.first.plan
    say(
        [
            f"Pool {one.first.pool.name}, decided at {clock(made.at_s)}: Kubernetes had {made.current} of"
            f" {len(one.first.snapshot.nodes)} nodes and should have {made.target}."
        ]
    )
    say(why(one.first))
    say([*(f"{move.node} to {move.direction.target}: {move.text}" for move in made.moves), ""])
    say([f"{_worth(total(one.unmet))}, until the next recommendation.", ASSUMED])


def _document(found: list[Recommendation]) -> dict[str, Any]:
    return {
        "recommendations": [_one(one) for one in found],
        "unmet_node_h": _unmet(total(part for one in found for part in one.unmet)),
        "assumed": ASSUMED,
    }


def _one(one: Recommendation) -> dict[str, Any]:
    plan = one.first.plan
    return {
        "id": one.ident,
        "pool": one.first.pool.name,
        "from_s": plan.at_s,
        "to_s": one.last_s,
        "decisions": one.decisions,
        "current": plan.current,
        "target": plan.target,
        "moves": [{"node": move.node, "to": move.direction.target, "why": move.text} for move in plan.moves],
        "stays": [{"nodes": list(it.nodes), "reason": it.reason, "why": it.text} for it in plan.rejections],
        "summary": list(moving(plan)),
        "unmet_node_h": _unmet(total(one.unmet)),
    }


def _unmet(unmet: Unmet) -> dict[str, Any]:
    seen, followed = ({side.value: round(part[side], 6) for side in Side} for part in (unmet.seen, unmet.followed))
    return {"seen": seen, "followed": followed, "less": round(unmet.less, 6)}
