"""Whether Slurm's own commands can be used, where the site file names them."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from connectors.checkup.format import plain
from connectors.slurm.commands import jobs, nodes
from connectors.slurm.commands.process import Commands
from connectors.slurm.token import TokenFile
from connectors.slurm.wire import Job
from models.errors import BadInput, Unreachable
from models.findings import Finding, warning, well, wrong
from models.pieces import USER_MOST

CHECK = "slurm.commands"
TIMEOUT_S = 30.0
USERS_SHOWN = 5


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
        yield from crowd_findings(CHECK, told.values())


def crowd_findings(check: str, told: Iterable[Job]) -> Iterator[Finding]:
    """Users of whom more jobs wait than are told one by one."""
    counts = Counter(job.user_name for job in told if "PENDING" in job.job_state)
    for user, count in counts.most_common(USERS_SHOWN):
        if count > USER_MOST:
            yield warning(
                check,
                f"{count} job records of user {plain(user)} wait: beyond the first {USER_MOST} they count in sums only",
                "Have them submitted as job arrays, each of which is one record, or limit MaxSubmitJobs of the user.",
            )
