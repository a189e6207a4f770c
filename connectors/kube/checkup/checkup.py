"""The checkup of one Kubernetes, check by check. Nothing is changed there; one check that fails leaves the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass

from connectors.checkup.guard import Findings, guarded
from connectors.kube.access.api import Answer, Api
from connectors.kube.access.config import open_access
from connectors.kube.access.http_api import HttpApi
from connectors.kube.checkup import allowed, reaching, token
from connectors.kube.checkup.inventory import CHECKS, Wishes, inventory_findings
from connectors.kube.checkup.pools import Shapes
from connectors.kube.checkup.served import CHECK as SERVED
from connectors.kube.checkup.served import Served, served, served_findings
from connectors.kube.rights import wanted_by
from connectors.kube.settings import KubernetesSettings
from models.errors import TidegateError
from models.findings import Finding, skipped, wrong
from models.policies import Policy

TOLD = (reaching.CLOCK, reaching.USER, SERVED, allowed.CHECK, *CHECKS)


def opened(settings: KubernetesSettings) -> Api:
    """The API server of these settings. Raises BadInput."""
    return HttpApi(lambda: open_access(settings, monotonic=time.monotonic))


@dataclass(frozen=True)
class KubeCheckup:
    """One look at a Kubernetes for the site of that name.

    ``hpc`` asks the HPC side for its nodes, and ``drained`` for those that are closed there, None where it cannot be
    asked; what they raise means that they are not known. ``lease_in`` is the namespace of the Lease by which the site
    leads, empty where it does not. Without a policy its defaults are looked at.
    """

    settings: KubernetesSettings
    policy: Policy | None
    site: str
    now: Callable[[], float]
    hpc: Callable[[], Shapes] | None = None
    lease_in: str = ""
    drained: Callable[[], Collection[str]] | None = None
    open: Callable[[KubernetesSettings], Api] = opened

    def findings(self) -> Findings:
        """Everything that is found, in the order of a list for people."""
        yield from guarded(token.CHECK, lambda: token.token_findings(self.settings, self.now()))
        try:
            api = self.open(self.settings)
        except TidegateError as error:
            yield from self._without("there is no way to it", wrong(reaching.ACCESS, str(error), _MEND))
            return
        with closing(api):
            before_s = self.now()
            try:
                answer = api.ask("GET", "/version")
            except TidegateError as error:
                yield from self._without("it gives no answer", wrong(reaching.ACCESS, str(error), _MEND))
                return
            yield from self._asked(api, answer, before_s, self.now())

    def _asked(self, api: Api, answer: Answer, before_s: float, after_s: float) -> Findings:
        yield from guarded(reaching.RELEASE, lambda: reaching.release_findings(answer))
        yield from guarded(reaching.CLOCK, lambda: reaching.clock_findings(answer.date, before_s, after_s))
        user = ""
        try:
            told = reaching.who(api)
            user = told.status.user_info.username
            yield from guarded(reaching.USER, lambda: reaching.user_findings(told))
        except TidegateError as error:
            yield skipped(reaching.USER, str(error))
        try:
            seen = served(api)
        except TidegateError as error:
            yield wrong(SERVED, str(error), "See what answers at that address, and look again.")
            seen = Served({}, {})
        else:
            yield from guarded(SERVED, lambda: served_findings(seen))
        policy = self.policy or Policy()
        wanted = wanted_by(policy, self.lease_in)
        yield from guarded(allowed.CHECK, lambda: allowed.rights_findings(api, wanted, seen, user))
        yield from inventory_findings(api, seen, self._wishes(policy))

    def _wishes(self, policy: Policy) -> Wishes:
        try:
            hpc = None if self.hpc is None else self.hpc()
            drained = None if self.drained is None or hpc is None else self.drained()
        except TidegateError:  # the HPC side's own checkup says so
            return Wishes(self.site, policy, None)
        return Wishes(self.site, policy, hpc, drained)

    def _without(self, why: str, found: Finding) -> Findings:
        """What was found, and what was not looked at for it."""
        yield found
        yield from (skipped(check, why) for check in TOLD)


_MEND = "Mend spec.kubernetes of the site file, or the API server, and look again."
