"""Who may move nodes: one lock for all pools of a site and policy, led as a whole."""

from __future__ import annotations

import logging

from basics.log_once import Trouble
from connectors.local.lock_file import LockFile
from controller.site_leadership import SiteLeadership
from models.policies import Mode
from service.part import Part, Status
from service.process import Process
from service.site import LOCK

log = logging.getLogger("tidegate.service")


class LeadershipPart(Part):
    """``lock`` and ``site`` are None where the policy moves nothing."""

    name = "leadership"

    def __init__(self, lock: LockFile | None, site: SiteLeadership | None) -> None:
        self.lock = lock
        self.site = site
        self._trouble = Trouble(log, "the lock")

    def keep(self) -> None:
        """Lead, or try to; what is wrong with that is told when it comes, and that it has gone."""
        if self.lock is None:
            return
        self.lock.tick()
        if self.lock.trouble is None:
            self._trouble.over()
        else:
            self._trouble.met(self.lock.trouble)

    def keep_what_is_new(self) -> None:
        """What a new leader found is written down at once: only then may moves begin."""
        if self.lock is not None and self.lock.epoch is not None and not self.lock.kept:
            self.keep()

    def status(self) -> Status:
        """See the base."""
        if self.lock is None:
            return Status(self.name, True, "nothing is moved: the policy's mode is not auto")
        if self.lock.trouble is not None:
            return Status(self.name, False, str(self.lock.trouble))
        epoch = self.lock.epoch
        return Status(self.name, True, "another process leads" if epoch is None else f"leads in epoch {epoch}")


def open_leadership(process: Process) -> LeadershipPart:
    """Nothing is locked before the first step."""
    spec = process.policy.spec
    if spec.mode is not Mode.AUTO:
        return LeadershipPart(None, None)
    lock = LockFile(process.site.spec.state / LOCK)
    process.at_end.callback(lock.release)
    return LeadershipPart(lock, SiteLeadership(lock, [pool.name for pool in spec.pools]))
