"""CronJobs: the starts that are known in advance, which are no demand yet."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, pairwise

from connectors.kube.demand.listed import CRON_JOBS
from connectors.kube.demand.need import Need
from connectors.kube.demand.seen import Seen
from connectors.kube.demand.sources.jobs import gang, pods_at_once
from connectors.kube.demand.sources.parts import changed, need_of, part_of
from connectors.kube.wire.jobs import CronJob
from models.cron import schedule_of, starts, zone_of

HORIZON_S = 86400  # how far ahead starts are told
STARTS_MOST = 10  # of one CronJob: one of every hour would fill a day with 24
READ_MOST = 100  # starts of one CronJob that are looked at
OFTEN_S = 3600  # a start that follows another so soon finds its like there: demand as it stands says it


def needs(seen: Seen, now_s: int, horizon_s: int = HORIZON_S) -> Iterator[Need]:
    """The next starts of each CronJob that is not suspended, up to STARTS_MOST within the horizon. Each lasts until the
    next one at most. One that follows another within OFTEN_S is left out.

    Without a time zone its schedule is read in UTC, in which the controller runs as a rule. One whose schedule cannot
    be read is left out, see ``unread``.
    """
    for one in seen.every(CRON_JOBS).values():
        if one.spec.suspend or one.spec.job_template.spec.suspend or one.metadata.deletion_timestamp:
            continue
        if _wrong(one) is None:
            yield from _announced(one, seen, now_s, now_s + horizon_s)


def unread(seen: Seen) -> Iterator[tuple[str, str]]:
    """CronJobs whose schedule cannot be read, as namespace/name, and why."""
    for one in seen.every(CRON_JOBS).values():
        wrong = _wrong(one)
        if wrong is not None:
            yield f"{one.metadata.namespace}/{one.metadata.name}", wrong


def _wrong(one: CronJob) -> str | None:
    try:
        schedule_of(one.spec.schedule)
        zone_of(one.spec.time_zone)
    except ValueError as error:
        return str(error)
    return None


def _announced(one: CronJob, seen: Seen, now_s: int, until_s: int) -> Iterator[Need]:
    spec = one.spec.job_template.spec
    part = part_of(spec.template.spec, pods_at_once(spec))
    need = changed(
        need_of(one.metadata, "cronjobs", one.metadata.uid, [part]),
        together=gang(spec),
        priority=seen.priority(spec.template.spec),
        limit_s=spec.active_deadline_seconds,
    )
    coming = starts(schedule_of(one.spec.schedule), zone_of(one.spec.time_zone), now_s - OFTEN_S, until_s)
    begins = list(islice(coming, READ_MOST)) if need.parts else []
    apart = [later for earlier, later in pairwise([now_s - 2 * OFTEN_S, *begins]) if later - earlier >= OFTEN_S]
    after = dict(pairwise(begins))
    for begins_s in [at_s for at_s in apart if at_s > now_s][:STARTS_MOST]:
        lasts = (need.limit_s, after[begins_s] - begins_s if begins_s in after else None)
        limit_s = min((seconds for seconds in lasts if seconds is not None), default=None)
        yield changed(need, id=f"{need.id}/{begins_s}", begins_s=begins_s, limit_s=limit_s)
