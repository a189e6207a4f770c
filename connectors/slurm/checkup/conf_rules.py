"""Settings of Slurm that endanger hand-overs, each with its remedy: pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial

from connectors.checkup.format import folded
from connectors.slurm.checkup.power_saving import powered_down
from connectors.slurm.checkup.running_conf import Settings
from models.durations import duration_text
from models.findings import Finding, warning, well, wrong
from models.policies import Policy

CHECK = "slurm.conf"
_warning, _wrong = partial(warning, CHECK), partial(wrong, CHECK)
FLEETING = ("/tmp", "/dev/shm", "/run", "/var/run")  # noqa: S108 - where nobody's state should be
WITHOUT_STATE = "/var/spool"  # what slurmctld takes when StateSaveLocation is not set
BF_WINDOW_MIN = 1440
TAKEOVER_S = 120
KILL_WAIT_S = 300
RECONFIGURE = "scontrol reconfigure"


@dataclass(frozen=True, slots=True)
class Case:
    """What a rule looks at: the settings, the policy, and the nodes that the policy names (None: every node).

    ``completions`` is whether the site reads Slurm's own stream of jobs.
    """

    settings: Settings
    policy: Policy
    nodes: Collection[str] | None = None
    completions: bool = False


def conf_findings(case: Case) -> Iterator[Finding]:
    """One finding for each setting that is to be known; a single good one when there is none."""
    found = [finding for rule in RULES for finding in rule(case)]
    yield from found or [well(CHECK, f"{case.settings.source}: nothing in it endangers a hand-over")]


def _returns(case: Case) -> Iterator[Finding]:
    if case.settings.text("ReturnToService", "0") == "2":
        yield _warning(
            "ReturnToService=2: a node that somebody set DOWN comes back by itself as soon as its slurmd registers, so"
            " a broken node can be moved. (A drain of ours survives that.)",
            "Set ReturnToService=1 or 0 in slurm.conf; drain broken nodes rather than setting them DOWN.",
            RECONFIGURE,
        )


def _state(case: Case) -> Iterator[Finding]:
    place = case.settings.text("StateSaveLocation")
    if not place:
        yield _wrong(
            f"StateSaveLocation is not set: slurmctld keeps drains and jobs in {WITHOUT_STATE}, beside what others"
            " write there, and a backup controller cannot find them",
            "Set StateSaveLocation in slurm.conf to a folder of its own on a disk that lasts, which every slurmctld"
            " sees; stop slurmctld, move the files, start it.",
        )
    elif any(place == folder or place.startswith(f"{folder}/") for folder in FLEETING):
        yield _wrong(
            f"StateSaveLocation={place} does not outlive a restart of the host: every drain is lost with it, and nodes"
            " that Kubernetes has become open to jobs",
            "Set StateSaveLocation in slurm.conf to a folder on a disk that lasts; stop slurmctld, move the files,"
            " start it.",
        )


def _backup(case: Case) -> Iterator[Finding]:
    timeout_s = case.settings.number("SlurmctldTimeout", TAKEOVER_S)
    if len(case.settings.hosts) > 1 and (timeout_s is None or timeout_s > TAKEOVER_S):
        lasts = "never" if timeout_s is None else f"only after {duration_text(timeout_s)}"
        yield _warning(
            f"SlurmctldTimeout: a backup controller takes over {lasts}; until then nothing is moved",
            f"Set SlurmctldTimeout={TAKEOVER_S} or less in slurm.conf.",
            RECONFIGURE,
        )


def _power(case: Case) -> Iterator[Finding]:
    """Slurm powers down drained nodes as it does idle ones: under the pods of Kubernetes, then."""
    down = powered_down(case.settings, case.nodes)
    if down is None or down:
        which = "every node" if down is None else folded(down)
        also = "" if down is None else f", or add {which} to SuspendExcNodes"
        yield _wrong(
            f"SuspendTime: Slurm powers down {which} when idle, and a node that it has drained is idle to it although"
            " Kubernetes runs pods on it",
            f"Set SuspendExcStates=DRAIN in slurm.conf{also}.",
            RECONFIGURE,
        )


def _health(case: Case) -> Iterator[Finding]:
    settings = case.settings
    states = settings.words("HealthCheckNodeState") or {"ANY"}
    if settings.text("HealthCheckProgram") and settings.number("HealthCheckInterval", 0) and states & {"ANY", "IDLE"}:
        yield _warning(
            f"HealthCheckProgram={settings.text('HealthCheckProgram')} runs on drained nodes, too: if it drains and"
            " gives back nodes, it can give back one that Kubernetes has",
            "See that it leaves alone nodes whose reason begins with tidegate:, or let it run on others only:"
            " HealthCheckNodeState=ALLOC,MIXED,NONDRAINED_IDLE in slurm.conf.",
            RECONFIGURE,
        )


def _epilog(case: Case) -> Iterator[Finding]:
    settings = case.settings
    limited = settings.number("EpilogTimeout") or settings.number("PrologEpilogTimeout")
    if settings.text("Epilog") and not limited:
        yield _warning(
            f"Epilog={settings.text('Epilog')} has no limit: one that hangs keeps its node busy until the drain"
            f" deadline of {duration_text(case.policy.spec.moves.drain_deadline)}",
            "Set PrologEpilogTimeout in slurm.conf (Slurm 24.11) or EpilogTimeout (26.05), to 300 say.",
            RECONFIGURE,
        )


def _kill(case: Case) -> Iterator[Finding]:
    wait_s = case.settings.number("KillWait", 30)
    if wait_s is None or wait_s > KILL_WAIT_S:
        lasts = "for ever" if wait_s is None else duration_text(wait_s)
        yield _warning(
            f"KillWait: a job at its limit may go on {lasts}, so nodes get free later than planned for",
            f"Set KillWait={KILL_WAIT_S} or less in slurm.conf.",
            RECONFIGURE,
        )


def _tokens(case: Case) -> Iterator[Finding]:
    settings = case.settings
    if not {"AUTH/JWT"} & (settings.words("AuthAltTypes") | settings.words("AuthType")):
        yield _wrong(
            "AuthAltTypes has no auth/jwt: slurmctld takes no tokens",
            "Set AuthAltTypes=auth/jwt and AuthAltParameters=jwt_key=FILE in slurm.conf; restart slurmctld.",
        )


def _preemption(case: Case) -> Iterator[Finding]:
    settings = case.settings
    modes = settings.words("PreemptMode") - {"OFF", "GANG", "WITHIN", "DISABLED"}
    if settings.text("PreemptType", "preempt/none") != "preempt/none" and modes & {"CANCEL", "REQUEUE"}:
        again = "" if settings.text("JobRequeue", "1") == "1" else ", and JobRequeue=0 does not bring them back"
        yield _warning(
            f"PreemptMode={','.join(sorted(modes))}: Slurm itself ends jobs for others{again}. Fewer nodes on its side"
            " make that happen more often; Tidegate counts the job that waits, not the one that is ended.",
            "Give the HPC side a floor in the policy that holds what must not be ended, or set PreemptMode=OFF on the"
            " partitions of the pool.",
        )


def _backfill(case: Case) -> Iterator[Finding]:
    settings, moves = case.settings, case.policy.spec.moves
    kind = settings.text("SchedulerType", "sched/backfill")
    if kind != "sched/backfill":
        yield _warning(
            f"SchedulerType={kind}: nodes stay empty behind a large job that waits, and count as free",
            "Set SchedulerType=sched/backfill in slurm.conf; restart slurmctld.",
        )
        return
    window_s = 60 * settings.option("SchedulerParameters", "bf_window", BF_WINDOW_MIN)
    if window_s < moves.look_ahead:
        yield _warning(
            f"bf_window={window_s // 60} in SchedulerParameters: Slurm plans {duration_text(window_s)} ahead, less than"
            f" the {duration_text(moves.look_ahead)} that a decision looks ahead",
            f"Set bf_window={-(-moves.look_ahead // 60)} or more, at best as long as the longest job's limit.",
            RECONFIGURE,
        )


def _stream(case: Case) -> Iterator[Finding]:
    kind = case.settings.text("JobCompType", "jobcomp/none")
    if case.completions and kind != "jobcomp/kafka":
        yield _wrong(
            f"JobCompType={kind}: Slurm tells nobody over Kafka which jobs start and end",
            "Set JobCompType=jobcomp/kafka in slurm.conf, or take spec.slurm.completions out of the site file.",
        )


RULES = (_returns, _state, _backup, _power, _health, _epilog, _kill, _tokens, _preemption, _backfill, _stream)
