"""Which of two is believed: what a poll shows of a piece of work, or what Slurm has told of it by itself. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from models.work import WorkRecord, WorkState

ENDED = WorkState.ENDED


def merged(polled: WorkRecord | None, at_s: int, told: WorkRecord) -> WorkRecord | None:
    """What is known of the piece from both: None when what was told counts for nothing and no poll shows it.

    ``polled`` is what the last poll shows, at ``at_s`` of Slurm's clock, None when it does not show it; ``told`` says
    that the piece runs or has ended, at a time of the same clock. A poll reads its jobs after ``at_s``: so of what was
    told to have happened before, it shows what has become of it, a job that was requeued and runs again, say, and it
    is believed. Of what happened since, it does not know. What has ended stays so until a poll shows it again. Size,
    user, limit and submission are the poll's.
    """
    if polled is None:
        return told if _counts_alone(at_s, told) else None
    if polled.state is ENDED:
        return _exact(polled, at_s, told)
    if happened_s(told) < at_s:
        return polled
    started_s = polled.started_s if told.started_s is None else told.started_s
    return replace(polled, state=told.state, started_s=started_s, ended_s=told.ended_s)


def happened_s(told: WorkRecord) -> int:
    """When what is told happened."""
    return (told.ended_s if told.state is ENDED else told.started_s) or 0


def _counts_alone(at_s: int, told: WorkRecord) -> bool:
    """Whether it counts although the poll does not show it: what never ran does not, nor what has ended meanwhile."""
    return told.started_s is not None and (told.state is ENDED or told.started_s >= at_s)


def _exact(polled: WorkRecord, at_s: int, told: WorkRecord) -> WorkRecord:
    """What has ended, with the times that the poll did not see: of a job that had vanished it can only guess them."""
    ended_s = at_s if polled.ended_s is None else polled.ended_s
    if told.started_s is None:
        return polled
    if told.started_s > ended_s:  # another run
        return replace(polled, started_s=told.started_s, ended_s=told.ended_s) if told.state is ENDED else polled
    started_s = told.started_s if polled.started_s is None else polled.started_s
    if told.state is not ENDED:
        return replace(polled, started_s=started_s)
    if happened_s(told) < started_s:  # an earlier run
        return polled
    return replace(polled, started_s=started_s, ended_s=told.ended_s)
