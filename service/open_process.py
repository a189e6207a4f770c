"""Opening a process of the service: its role's parts, in the order of what they need."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from connectors.bus.settings import BusSettings
from models.policies import Mode, Policy
from service.clock import SteadyClock
from service.part import Part
from service.parts.audit import open_audit
from service.parts.bus import open_bus_part
from service.parts.control import open_control
from service.parts.forecasting import open_forecasting
from service.parts.kubernetes import open_kubernetes
from service.parts.leadership import open_leadership
from service.parts.metrics import open_metrics
from service.parts.page import open_page
from service.parts.publishing import open_publishing
from service.parts.signals import open_signals
from service.parts.slurm import open_slurm
from service.process import Process
from service.roles import PARTS, Role, in_order_of_need
from service.site import Site
from service.state_folder import open_state_folder

OPEN: Mapping[str, Callable[[Process], Part]] = {
    "audit": open_audit,
    "bus": open_bus_part,
    "control": open_control,
    "forecasting": open_forecasting,
    "kubernetes": open_kubernetes,
    "leadership": open_leadership,
    "metrics": open_metrics,
    "page": open_page,
    "publishing": open_publishing,
    "signals": open_signals,
    "slurm": open_slurm,
}

log = logging.getLogger("tidegate.service")


def open_process(
    role: Role,
    site: Site,
    policy: Policy,
    bus_settings: BusSettings | None,
    at_end: ExitStack,
    site_file: Path | None = None,
    *,
    once: bool = False,
) -> Process:
    """Open all that the role needs; ``at_end`` lets go of it. Who takes one turn, ``once``, is not scraped.

    Raises BadInput, Unreachable, BusUnavailable or BusRefused.
    """
    if open_state_folder(site.spec.state):
        log.warning("others could write to %s: that right is taken from them", site.spec.state)
    process = Process(role, site, policy, bus_settings, SteadyClock(), at_end, site_file)
    wanted = list(PARTS[role])
    if policy.spec.mode is Mode.OBSERVE and "control" in wanted:
        wanted.remove("control")
    if role is Role.ALL and site.spec.page is not None:
        wanted.append("page")
    if site.spec.metrics is not None and not once:
        wanted.insert(0, "metrics")  # it tells of the others while they are opened
    for name in in_order_of_need(wanted):
        process.parts.append(OPEN[name](process))
    return process
