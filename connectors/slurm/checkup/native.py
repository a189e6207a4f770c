"""The checkup of a Slurm that is reached through pyslurm: whether it is, as whom, and what it shows."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing

from connectors.checkup.guard import Findings, guarded
from connectors.slurm.checkup import commands
from connectors.slurm.checkup import reachability as reach
from connectors.slurm.checkup.inventory import CHECKS, Shown, inventory_findings
from connectors.slurm.checkup.reachability import JOBS
from connectors.slurm.checkup.running_conf import Settings
from connectors.slurm.checkup_wire import CheckupNodes, CheckupPartitions, CheckupReservations
from connectors.slurm.native.process import Process
from connectors.slurm.native.questions import Ask, user_name
from connectors.slurm.native.transport import BULK_S, TIMEOUT_S, NativeTransport
from connectors.slurm.read import present
from connectors.slurm.settings import SlurmSettings
from connectors.slurm.wire import Answer
from models.errors import BadInput, Unreachable
from models.findings import Finding, skipped, warning, well, wrong
from models.policies import Policy

CHECK = "slurm.native"
SLOW_S = 10.0  # to read the jobs, of the 30 s after which the service gives up
SEE = "See that slurmctld runs, and that slurm.conf (or sackd) on this host is that of the cluster."


def over_native(slurm: NativeTransport) -> Shown:
    """What there is, told through pyslurm."""
    return Shown(
        nodes=lambda: slurm.read(Ask("seen nodes"), CheckupNodes, BULK_S),
        partitions=lambda: slurm.read(Ask("seen partitions"), CheckupPartitions, TIMEOUT_S),
        reservations=lambda: slurm.read(Ask("seen reservations"), CheckupReservations, TIMEOUT_S),
    )


def native_findings(
    process: Process,
    settings: SlurmSettings,
    policy: Policy | None,
    conf: Settings | None,
    leads: bool | None,
    now: Callable[[], float] = time.time,
) -> Findings:
    """What the process that speaks to Slurm is told, and it is ended. ``conf`` is slurm.conf where it can be read."""
    try:
        slurm = NativeTransport(process)
    except BadInput as error:
        remedy = f"{error.remedy[:1].upper()}{error.remedy[1:]}."
        yield from _without("pyslurm cannot be used", wrong(CHECK, error.what, remedy))
        return
    except Unreachable as error:
        yield from _without("libslurm finds no Slurm", wrong(CHECK, str(error), SEE, "scontrol ping"))
        return
    with closing(slurm):
        try:
            before_s = now()
            diagnosis = slurm.diagnosis()
            after_s = now()
        except Unreachable as error:
            yield from _without("slurmctld gives no answer", wrong(CHECK, str(error), SEE, "scontrol ping"))
            return
        yield well(CHECK, "slurmctld answers through pyslurm")
        yield from guarded(reach.RIGHTS, lambda: _rights(process, policy))
        yield from guarded(reach.CLOCK, lambda: reach.clock_findings(diagnosis, before_s, after_s))
        if (folder := settings.commands) is not None:
            yield from guarded(commands.CHECK, lambda: commands.command_findings(folder, settings.conf, None))
        else:
            yield from guarded(JOBS, lambda: _jobs(slurm))
        yield from inventory_findings(over_native(slurm), policy or Policy(), conf, leads)


def _jobs(slurm: NativeTransport) -> Findings:
    """Whether the jobs can be read, as the service does, and in what time. slurmrestd it could cost minutes."""
    began_s = time.monotonic()
    try:
        told = present(slurm.jobs().jobs, "jobs")
    except Unreachable as error:
        yield wrong(JOBS, str(error), "See slurmctld's log; nothing moves where the jobs cannot be read.")
        return
    took_s = time.monotonic() - began_s
    what = f"{len(told)} job records were read in {took_s:.1f} s"
    yield warning(JOBS, what, reach.ADVICE) if took_s > SLOW_S else well(JOBS, what)
    yield from commands.crowd_findings(JOBS, told)


def _rights(process: Process, policy: Policy | None) -> Findings:
    """Asked as over REST: a change of a node that is not there."""
    told = process.ask(Ask("undrain", names=(reach.NO_NODE,)), Answer, TIMEOUT_S)
    process.close()
    numbers = {fault.error_number for fault in told.errors}
    text = "; ".join(map(str, told.errors)) or "nothing"
    yield reach.rights_finding(numbers, text, policy, user_name(os.geteuid()), reach.RUN_AS_ANOTHER)


def _without(why: str, found: Finding) -> Findings:
    yield found
    yield from (skipped(check, why) for check in (reach.RIGHTS, reach.CLOCK, JOBS, *CHECKS))
