"""A cluster's own commands as a site has them: in a folder, for a user without rights, who needs a token."""

from __future__ import annotations

import shlex
from pathlib import Path

from connectors.slurm.commands.process import NAMES, Commands
from connectors.slurm.commands.transport import CommandsTransport
from connectors.slurm.rest.client import Rest
from connectors.slurm.rest.transport import RestTransport
from tests.real.slurm.cluster import NOBODY, Cluster


def folder_of(cluster: Cluster, folder: Path) -> Path:
    """A folder with the commands, each of which runs where the cluster is."""
    made = folder / "commands"
    made.mkdir(exist_ok=True)
    for name in NAMES:
        nobody = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
        script = made / name
        script.write_text(f'#!/bin/sh\nexec {shlex.join(cluster.inside(*nobody, name))} "$@"\n', encoding="ascii")
        script.chmod(0o755)
    return made


def transport(cluster: Cluster, rest: Rest, folder: Path, *, bulk_s: float = 30.0) -> CommandsTransport:
    """Nodes and jobs by the commands, all else over REST, with the same token."""
    commands = Commands(folder_of(cluster, folder), tokens=rest.tokens)
    return CommandsTransport(commands, RestTransport(rest, bulk_s=bulk_s), bulk_s=bulk_s)
