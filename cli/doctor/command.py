"""``tidegate doctor``: look a site over, and say what to mend."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from cli.doctor import bus, files
from cli.doctor.format import document, line, summary
from cli.doctor.kubernetes import SlurmNodes, kubernetes_findings
from connectors.checkup.guard import guarded
from connectors.prom import checkup as prometheus
from connectors.slurm.checkup.checkup import Checkup
from models.findings import Finding, Level
from models.identity import PoolId
from models.policies import Policy


def doctor(
    site: Annotated[
        Path, typer.Option(metavar="FILE", help="The site: where Slurm, Kubernetes, the bus and the state are (YAML)")
    ],
    policy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The policy; without one, its nodes and limits are not checked")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Write the findings as JSON")] = False,
) -> None:
    """Check that everything at a site is as Tidegate needs it, and say what to do where it is not.

    Slurm and the token, its nodes, drains, reservations, partitions and
    settings; Kubernetes, our rights there, its nodes, DaemonSets,
    budgets, Kueue and GPUs; Prometheus and the policy's signals; the
    policy, the bus, the folder of the state. Nothing is changed. Ends with 0 when all is well or there are
    only warnings, and with 1 when there is an error.
    """
    for name in ("tidegate", "kafka"):  # what they would log, the findings say
        logging.getLogger(name).addHandler(logging.NullHandler())
    found: list[Finding] = []
    for alike, some in groupby(_all(site, policy), lambda one: replace(one, check="")):
        checks = [one.check for one in some]
        found += [replace(alike, check=check) for check in checks]
        if not json:
            typer.echo(line(alike, checks))
            sys.stdout.flush()  # what comes next may take its time
    if json:
        typer.echo(dumps(document(found), indent=2))
    else:
        typer.echo(f"\n{summary(found)}")
    if any(finding.level is Level.ERROR for finding in found):
        raise typer.Exit(1)


def _all(site: Path, policy: Path | None) -> Iterator[Finding]:
    """Every finding, in the order in which a person would look."""
    place, about_site = files.site_of(site)
    yield from about_site
    rules, about_policy = files.policy_of(policy)
    yield from about_policy
    if place is None:
        return
    spec = place.spec
    pools = [PoolId(place.metadata.name, pool.name) for pool in (rules or Policy()).spec.pools]
    yield from guarded(files.STATE, lambda: files.state_findings(spec.state))
    yield from guarded(files.PAGE, lambda: files.page_findings(spec.page))
    yield from guarded(bus.CHECK, lambda: bus.bus_findings(spec.bus, pools))
    lease = spec.leadership.lease
    leads = files.leads(spec.state) if lease is None else None
    yield from Checkup(spec.slurm, rules, leads, time.time).findings()
    within = "" if lease is None else lease.namespace
    hpc = SlurmNodes(spec.slurm)
    yield from kubernetes_findings(spec.kubernetes, rules, place.metadata.name, hpc=hpc, lease_in=within)
    asking = (rules or Policy()).spec.pools
    yield from guarded(prometheus.CHECK, lambda: prometheus.prometheus_findings(spec.prometheus, asking, time.time))
