"""Who may move nodes: one lock or lease for all pools of a site and policy, led as a whole."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from shlex import quote
from typing import Protocol

from basics.log_once import Trouble
from connectors.kube.lease import KubeLeaseStore
from connectors.local.lock_file import LockFile
from controller.lease import Term
from controller.site_leadership import SiteLeadership
from models.errors import TidegateError
from models.leadership import Leadership
from models.policies import Mode
from service.kube_api import open_api
from service.lease_keeper import LeaseKeeper
from service.part import Part, Status, Step
from service.parts.kubernetes import KubernetesPart
from service.parts.slurm import SlurmPart
from service.process import Process
from service.site import LOCK, LeaseSettings

LEAD_S = 1.0  # between two looks at whether this process leads by a lease

log = logging.getLogger("tidegate.service")


class Candidate(Leadership, Protocol):
    """What both a lock file and a lease are."""

    @property
    def trouble(self) -> TidegateError | None:
        """Why this process does not lead, or what does not work."""
        ...

    def tick(self) -> None:
        """Lead, or try to."""
        ...

    def release(self) -> None:
        """Let another lead at once."""
        ...


class LeadershipPart(Part):
    """``lock`` is the lock or the lease, as ``what`` says; it and ``site`` are None where the policy moves nothing."""

    name = "leadership"

    def __init__(self, lock: Candidate | None, site: SiteLeadership | None, what: str = "the lock") -> None:
        self.lock = lock
        self.site = site
        self._trouble = Trouble(log, what)

    def steps(self) -> Sequence[Step]:
        """See the base. A lock is looked at when open hand-overs are; a lease more often."""
        return (Step("lead", self._lead),) if isinstance(self.lock, LeaseKeeper) else ()

    def _lead(self) -> float:
        self.keep()
        return LEAD_S

    def keep(self) -> None:
        """Lead, or try to; what is wrong with that is told when it comes, and that it has gone."""
        if self.lock is None:
            return
        self.lock.tick()
        trouble = self.lock.trouble
        if trouble is None:
            self._trouble.over()
        else:
            self._trouble.met(trouble)

    def keep_what_is_new(self) -> None:
        """What a new leader found is written down at once: only then may moves begin."""
        if self.lock is not None and self.lock.epoch is not None and not self.lock.kept:
            self.keep()

    def wait_for_lead(self) -> None:
        """For a single turn: a lock is taken at once, or not; a lease may have to be watched for its duration."""
        if isinstance(self.lock, LeaseKeeper):
            self.lock.wait_for_lead()

    def wait_until_kept(self) -> None:
        """For a single turn: until what a new leader found is safe in the lease."""
        if isinstance(self.lock, LeaseKeeper):
            self.lock.wait_until_kept()

    def status(self) -> Status:
        """See the base."""
        if self.lock is None:
            return Status(self.name, True, "nothing is moved: the policy's mode is not auto")
        trouble = self.lock.trouble
        if trouble is not None:
            return Status(self.name, False, str(trouble))
        epoch = self.lock.epoch
        return Status(self.name, True, "another process leads" if epoch is None else f"leads in epoch {epoch}")


def open_leadership(process: Process) -> LeadershipPart:
    """Nothing is locked, and no lease taken, before the first step. Raises BadInput."""
    spec = process.policy.spec
    if spec.mode is not Mode.AUTO:
        return LeadershipPart(None, None)
    lease = process.site.spec.leadership.lease
    lock = LockFile(process.site.spec.state / LOCK) if lease is None else _open_lease(process, lease)
    process.at_end.callback(lock.release)
    what = "the lock" if lease is None else "the lease"
    return LeadershipPart(lock, SiteLeadership(lock, [pool.name for pool in spec.pools]), what)


def _open_lease(process: Process, lease: LeaseSettings) -> LeaseKeeper:
    """Kept from now on, in a thread of its own."""
    api = open_api(process.site.spec.kubernetes)
    process.at_end.callback(api.close)
    store = KubeLeaseStore(api, lease.namespace, lease.name)
    hpc = (pool.port.facts for pool in process.part(SlurmPart).pools.values())
    kubernetes = (port.facts for port in process.part(KubernetesPart).ports.values())
    site_file = process.site_file
    keeper = LeaseKeeper(
        store,
        f"{socket.gethostname()}_{process.run}",
        Term.short((*hpc, *kubernetes)),
        place=str(store),
        resume="" if site_file is None else f"tidegate resume --site {quote(str(site_file.absolute()))}",
    )
    keeper.start()
    return keeper
