"""The last decision about a pool: what the service keeps of each, or what its audit has, whichever is newer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from basics.text import some
from cli.audit.timelines import decisions
from connectors.local.latest_decision import read_latest
from models.audit import Decided
from models.errors import BadInput
from service.site import read_site
from service.state_folder import AUDIT

StateFolder = Annotated[
    Path | None, typer.Option("--state", metavar="DIR", help="The folder of the state of tidegate run")
]
SiteFile = Annotated[
    Path | None, typer.Option("--site", metavar="FILE", help="The site file, instead: the folder stands in it")
]
PoolName = Annotated[str | None, typer.Option("--pool", metavar="NAME", help="The pool, where there are several")]

RECENT = 64 << 20  # bytes of the audit: more than a minute of it, and what is older the service keeps apart


def folder_of(state: Path | None, site: Path | None) -> Path:
    """The folder of the state. Raises BadParameter unless exactly one is given, or BadInput where there is none."""
    if (state is None) == (site is None):
        raise typer.BadParameter("name the folder of the state with --state, or the site file with --site")
    folder = state if site is None else read_site(site).spec.state
    assert folder is not None  # noqa: S101
    if not folder.is_dir():
        raise BadInput("is no folder", where=str(folder), remedy="name the folder of the state: spec.state of the site")
    return folder


def last_decision(folder: Path, pool: str | None) -> Decided:
    """That of the pool, or of the only one. Raises BadInput when there is none, or several and no name."""
    audit = folder / AUDIT
    found: dict[str, Decided] = {}
    latest = list(read_latest(folder))
    recent = decisions(audit, last=RECENT if latest else None) if audit.exists() else ()
    for entry in (*latest, *recent):
        last = found.get(entry.pool.name)
        if last is None or entry.plan.at_s >= last.plan.at_s:
            found[entry.pool.name] = entry
    if not found:
        raise BadInput("nothing was decided here yet", where=str(folder), remedy="let tidegate run take a turn first")
    if pool is None and len(found) > 1:
        raise BadInput("there are several pools", where=str(folder), remedy=f"add --pool: one of {some(found)}")
    name = next(iter(found)) if pool is None else pool
    if name not in found:
        raise BadInput(f"nothing was decided about a pool {name!r}", where=str(folder), remedy=f"only {some(found)}")
    return found[name]
