"""``tidegate rights``: what Tidegate must be allowed in Kubernetes, as YAML for ``kubectl apply``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from connectors.kube.rights import ACCOUNT, account_manifest, manifest, wanted_by
from connectors.kube.rights import rights as rules_of
from models.policies import Mode, Policy
from service.policy_file import read_policy
from service.site import read_site


def rights(
    mode: Annotated[Mode | None, typer.Option(help="The mode that they are for; without it, the policy's")] = None,
    policy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The policy: its mode, whom it evicts, whose quota follows")
    ] = None,
    site: Annotated[Path | None, typer.Option(metavar="FILE", help="The site: whether it leads by a Lease")] = None,
) -> None:
    """Print what Tidegate must be allowed in Kubernetes, for kubectl apply.

    A namespace and a service account in it, both called tidegate, and the
    least rights for the mode: observe and recommend only read.

        tidegate rights --mode recommend | kubectl apply -f -
    """
    rules = Policy() if policy is None else read_policy(policy)
    lease = None if site is None else read_site(site).spec.leadership.lease
    wanted = wanted_by(rules, "" if lease is None else lease.namespace)
    if mode is not None:
        wanted = replace(wanted, mode=mode)
    typer.echo(f"{account_manifest()}---\n{manifest(ACCOUNT, rules_of(wanted))}", nl=False)
