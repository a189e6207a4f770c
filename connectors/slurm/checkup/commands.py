"""Whether Slurm's own commands can be used, where the site file names them."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from connectors.slurm.commands import jobs, nodes
from connectors.slurm.commands.process import Commands
from connectors.slurm.token import TokenFile
from models.errors import BadInput, Unreachable
from models.findings import Finding, well, wrong

CHECK = "slurm.commands"
TIMEOUT_S = 30.0


def command_findings(
    folder: Path, conf: Path | None, tokens: TokenFile | None, monotonic: Callable[[], float] = time.monotonic
) -> Iterator[Finding]:
    """Run them once, as the service does, and tell what they print. Without ``tokens`` as the user that this is."""
    began_s = monotonic()
    try:
        commands = Commands(folder, conf=conf, tokens=tokens)
        shown = nodes.understood(commands.run(nodes.QUESTION, TIMEOUT_S), {})
        question = jobs.question(commands.run(jobs.OFFER, TIMEOUT_S))
        told = jobs.understood(commands.run(question, TIMEOUT_S), {})
    except BadInput as error:
        yield wrong(CHECK, str(error), "Mend spec.slurm.commands, or leave it out.")
    except Unreachable as error:
        remedy = (
            "The commands must be of the cluster's release, find its slurm.conf (spec.slurm.conf), and have the plug-in"
            " auth_jwt beside them; or leave spec.slurm.commands out."
        )
        quoted = shlex.quote
        found = "" if conf is None else f"SLURM_CONF={quoted(str(conf))} "
        bearing = "" if tokens is None else f"SLURM_JWT=$(sed s/^SLURM_JWT=// {quoted(str(tokens.path))}) "
        yield wrong(CHECK, str(error), remedy, f"{found}{bearing}{quoted(str(folder / 'squeue'))}")
    else:
        took_s = monotonic() - began_s
        yield well(
            CHECK,
            f"scontrol and squeue in {folder} print {len(shown)} nodes and {len(told)} job records in {took_s:.1f} s",
        )
