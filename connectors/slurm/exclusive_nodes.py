"""Who may be on a node beside a job: anybody, its user only, or nobody."""

from __future__ import annotations

import re
from enum import Enum

from connectors.slurm.pool import Pool
from connectors.slurm.wire import Job

_ASKED = re.compile(r"\s--exclusive(?:=(\w+))?(?=\s|\Z)")


class NodeSharing(Enum):
    """Whose jobs may be on a node beside one. With ``--exclusive=mcs`` it is those of a label, seen as a user's."""

    ANYBODY = "anybody"
    ITS_USER = "its user"
    NOBODY = "nobody"


def node_sharing(job: Job, pool: Pool) -> NodeSharing:
    """As slurmctld tells of the job or of its partition; v0.0.45 of 26.05 says of a job how it was submitted only."""
    asked = _ASKED.search(job.submit_line) if job.submit_line else None
    told = {*job.shared, (asked[1] or "none") if asked else ""} if job.shared or asked else set[str]()
    partitions = set(job.partition.split(","))
    if not pool.whole.isdisjoint(partitions) or not told.isdisjoint(("none", "node", "topo")):
        return NodeSharing.NOBODY
    if not pool.of_users.isdisjoint(partitions) or not told.isdisjoint(("user", "mcs")):
        return NodeSharing.ITS_USER
    return NodeSharing.ANYBODY
