"""JobSets: Jobs that start together, of which some are not made yet."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.kube.demand.listed import JOB_SETS, JOBS
from connectors.kube.demand.members import Members
from connectors.kube.demand.need import Held, Need, Part
from connectors.kube.demand.sources import jobs
from connectors.kube.demand.sources.parts import changed, need_of, part_of, suspended
from connectors.kube.wire.job_sets import JobSet, ReplicatedJob
from connectors.kube.wire.jobs import Job

NAME_LABEL = "jobset.sigs.k8s.io/replicatedjob-name"
_CONTROLLERS = (None, "", "jobset.sigs.k8s.io/jobset-controller")


def needs(members: Members) -> Iterator[Need]:
    """Needs of JobSets that Kueue does not count: the pods that their Jobs lack and those of Jobs not made yet.

    What waits for another of its jobs to complete is held, and no part of the gang.
    """
    made = _made(members)
    for one in members.seen.every(JOB_SETS).values():
        if over(one) or members.counted_above(one.metadata):
            continue
        now, later = _parts(members, one, made.get(one.metadata.uid, []))
        work = members.seen.owners.piece(one.metadata)
        need = changed(need_of(one.metadata, "jobsets", work, now), together=True, priority=_priority(members, one))
        if need.parts:
            yield suspended(need, one.metadata) if one.spec.suspend else need
        for name, part in later:
            why = f"waits until {name} is complete"
            yield changed(need, id=f"{work}/{name}", parts=(part,), held=Held.BY_GATE, why=why)


def over(one: JobSet) -> bool:
    """Whether it makes no more Jobs here."""
    if one.metadata.deletion_timestamp or one.status.terminal_state or one.spec.managed_by not in _CONTROLLERS:
        return True
    return any(
        found.type in ("Completed", "Failed") and found.status == "True" for found in one.status.conditions or ()
    )


def _made(members: Members) -> dict[str, list[Job]]:
    """Jobs that are there by the uid of what controls them; those on their way out make room for new ones."""
    found: dict[str, list[Job]] = {}
    for job in members.seen.every(JOBS).values():
        owner = job.metadata.controller
        if owner is not None and not job.metadata.deletion_timestamp:
            found.setdefault(owner.uid, []).append(job)
    return found


def _parts(members: Members, one: JobSet, made: list[Job]) -> tuple[list[Part], list[tuple[str, Part]]]:
    """What it lacks now, and what it will only ask for when another of its jobs is complete, by that one's name."""
    now: list[Part] = []
    later: list[tuple[str, Part]] = []
    complete = _complete(one)
    for replicated in one.spec.replicated_jobs or ():
        mine = [job for job in made if (job.metadata.labels or {}).get(NAME_LABEL) == replicated.name]
        lacking = sum(jobs.lacking(job, members.seen) for job in mine)
        unmade = max(0, _replicas(replicated) - len(mine)) * jobs.pods_at_once(replicated.template.spec)
        awaited = next(
            (on.name for on in replicated.depends_on or () if on.status == "Complete" and on.name not in complete), None
        )
        template = replicated.template.spec.template.spec
        now.append(part_of(template, lacking + (0 if awaited else unmade)))
        if awaited and unmade:
            later.append((awaited, part_of(template, unmade)))
    return now, later


def _complete(one: JobSet) -> set[str]:
    wanted = {replicated.name: _replicas(replicated) for replicated in one.spec.replicated_jobs or ()}
    told = one.status.replicated_jobs_status or ()
    return {status.name for status in told if (status.succeeded or 0) >= wanted.get(status.name, 1)}


def _replicas(replicated: ReplicatedJob) -> int:
    return 1 if replicated.replicas is None else replicated.replicas


def _priority(members: Members, one: JobSet) -> int:
    specs = (replicated.template.spec.template.spec for replicated in one.spec.replicated_jobs or ())
    return max((members.seen.priority(spec) for spec in specs), default=0)
