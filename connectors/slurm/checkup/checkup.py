"""The checkup of one Slurm, check by check. Nothing is changed there; one check that fails leaves the others to run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from connectors.checkup.guard import Findings, guarded
from connectors.slurm.checkup import commands, conf_rules, token
from connectors.slurm.checkup import reachability as reach
from connectors.slurm.checkup.conf_file import read_conf
from connectors.slurm.checkup.inventory import CHECKS, Shown, inventory_findings
from connectors.slurm.checkup.native import native_findings
from connectors.slurm.checkup.running_conf import TOLD_FROM, Settings, from_file, from_rest
from connectors.slurm.checkup_wire import CheckupNodes, CheckupPartitions, CheckupReservations, Configuration, Pings
from connectors.slurm.native.process import Process
from connectors.slurm.rest.client import NotOffered, Rest
from connectors.slurm.settings import SlurmSettings
from connectors.slurm.wire import Diagnosis
from models.errors import BadInput, TidegateError, Unreachable
from models.findings import Finding, skipped, well, wrong
from models.hostlists import hosts
from models.policies import Policy

TIMEOUT_S = 20.0  # slurmrestd itself waits up to 10 s for slurmctld
BULK_S = 60.0


@dataclass(frozen=True)
class Checkup:
    """One look at a Slurm. ``leads`` is whether a Tidegate moves nodes now, None where that is not known."""

    settings: SlurmSettings
    policy: Policy | None
    leads: bool | None
    now: Callable[[], float]

    def findings(self) -> Findings:
        """Everything that is found, in the order of a list for people."""
        its = self.settings
        if its.over != "rest" or its.url is None or its.token_file is None:
            settings, found = self._settings(None, [])
            yield from native_findings(Process(conf=its.conf), its, self.policy, settings, self.leads, self.now)
            yield from found
            return
        path = its.token_file
        yield from guarded(token.CHECK, lambda: token.token_findings(path, self.now()))
        if not token.is_there(path):
            why = "there is no token to ask with"
            yield from self._without(why, skipped(reach.REST, why))
            return
        why = "slurmrestd cannot be asked"
        try:
            rest = Rest(its.url, path, user=its.user or "", ca_file=its.ca_file, timeout_s=TIMEOUT_S)
        except BadInput as error:
            remedy = f"Mend {'spec.slurm.caFile' if error.where else 'spec.slurm.url'}."
            yield from self._without(why, wrong(reach.REST, str(error), remedy))
            return
        with closing(rest):
            yield from self._asked(rest)

    def _asked(self, rest: Rest) -> Findings:
        try:
            reply = reach.asked(rest, "diag")  # first of all, as a slurmctld that hangs holds up each request for 10 s
        except Unreachable as error:
            yield from self._without("slurmrestd gives no answer", reach.unreached(rest.url, error))
            return
        if (what := reach.no_slurmrestd(rest.url, reply)) is not None:
            yield from self._without("slurmrestd gives no answer", what)
            return
        yield well(reach.REST, f"slurmrestd answers at {rest.url}")
        if reply.status != 200:
            yield from self._without("slurmctld gives no answer", *reach.controller_findings(reply))
            return
        yield from self._answered(rest)

    def _answered(self, rest: Rest) -> Findings:
        """Everything about a Slurm that answers."""
        try:
            versions = reach.spoken(rest)
            before_s = self.now()
            diagnosis = rest.get("diag", Diagnosis)
            after_s = self.now()
        except Unreachable as error:
            remedy = "It answered a moment ago: see slurmctld's log, and look again."
            yield from self._without("slurmctld gives no answer", wrong(reach.CONTROLLER, str(error), remedy))
            return
        policy = self.policy or Policy()
        yield from guarded(reach.CONTROLLER, lambda: reach.backup_findings(rest.get("ping", Pings)))
        yield from guarded(reach.RELEASE, lambda: reach.release_findings(diagnosis, versions, rest.version, policy))
        user = token.user_of(rest.tokens.path, self.settings.user)
        yield from guarded(reach.RIGHTS, lambda: reach.rights_findings(rest, self.policy, user))
        yield from guarded(reach.CLOCK, lambda: reach.clock_findings(diagnosis, before_s, after_s))
        if (folder := self.settings.commands) is not None:
            look = commands.command_findings
            yield from guarded(commands.CHECK, lambda: look(folder, self.settings.conf, rest.tokens))
        else:
            yield from guarded(reach.JOBS, lambda: reach.load_findings(diagnosis))
        settings, found = self._settings(rest, versions)
        yield from found
        yield from inventory_findings(_over_rest(rest), policy, settings, self.leads)

    def _without(self, why: str, *found: Finding) -> Findings:
        """What was found, and what is left to look at where Slurm cannot be asked."""
        yield from found
        yield from (skipped(check, why) for check in (reach.RIGHTS, reach.CLOCK, *CHECKS))
        yield from self._settings(None, [])[1]

    def _settings(self, rest: Rest | None, versions: list[str]) -> tuple[Settings | None, list[Finding]]:
        """The settings that slurmctld has, as it tells them itself or else as slurm.conf has them; what is found."""
        try:
            settings = self._told(rest, versions) if rest is not None else None
            if settings is None and self.settings.conf is not None:
                settings = from_file(read_conf(self.settings.conf), str(self.settings.conf))
        except TidegateError as error:
            return None, [
                wrong(conf_rules.CHECK, str(error), "See spec.slurm.conf where it is given, else slurmctld's log.")
            ]
        if settings is None:
            why = "this Slurm does not tell its settings over REST" if rest is not None else "Slurm was not reached"
            if self.settings.over == "native":
                why = "over pyslurm, Slurm's settings are read from slurm.conf only"
            remedy = "Give spec.slurm.conf in the site file: the path of a copy of slurm.conf that can be read here."
            return None, [skipped(conf_rules.CHECK, why, remedy)]
        policy = self.policy or Policy()
        case = conf_rules.Case(settings, policy, _names(policy), self.settings.completions is not None)
        return settings, list(guarded(conf_rules.CHECK, lambda: conf_rules.conf_findings(case)))

    def _told(self, rest: Rest, versions: list[str]) -> Settings | None:
        """The settings that slurmctld tells; None where its data parsers cannot."""
        if TOLD_FROM not in versions:
            return None
        chosen, rest.version = rest.version, TOLD_FROM
        try:
            told = rest.get("conf/", Configuration).slurm_conf
        except NotOffered:
            return None
        finally:
            rest.version = chosen
        saves = told is not None and told.get("SuspendProgram")
        seen = rest.get("partitions/", CheckupPartitions).partitions if saves else None
        return None if told is None else from_rest(told, "slurmctld's settings", seen or ())


def _over_rest(rest: Rest) -> Shown:
    return Shown(
        nodes=lambda: rest.get("nodes/", CheckupNodes, timeout_s=BULK_S),
        partitions=lambda: rest.get("partitions/", CheckupPartitions),
        reservations=lambda: rest.get("reservations/", CheckupReservations),
    )


def _names(policy: Policy) -> frozenset[str] | None:
    """The nodes that the policy names; None where a pool has every node."""
    lists = [pool.nodes for pool in policy.spec.pools]
    try:
        return None if None in lists else frozenset(name for one in lists for name in hosts(one or ""))
    except BadInput:
        return None
