"""Which nodes Slurm's power saving powers down once they are drained, under the pods of Kubernetes: pure."""

from __future__ import annotations

from collections.abc import Collection
from math import inf

from connectors.slurm.checkup.running_conf import Settings, whole
from models.hostlists import hosts_of_parts

NEVER_IDLE_S = 365 * 86_400  # sites that want no node powered down write times such as 1000000000


def powered_down(settings: Settings, nodes: Collection[str] | None) -> list[str] | None:
    """Those of ``nodes``, or of all that the settings tell of, that nothing spares; None for every node there is.

    The longest time of its partitions is a node's, else that of the whole Slurm (slurm.conf(5), SuspendTime).
    """
    if not (settings.text("SuspendProgram") and settings.text("ResumeProgram")):
        return []
    usual_s = _idle_s(settings.text("SuspendTime"))
    own_s = {name: _idle_s(text) for name, told in settings.partitions.items() if (text := told.get("suspendtime"))}
    if min((usual_s, *own_s.values())) >= NEVER_IDLE_S or settings.words("SuspendExcStates") & {"DRAIN", "DRAINED"}:
        return []
    names = settings.nodes if nodes is None else nodes
    if nodes is None and not names:
        return None
    parts = (settings.members.get(name.strip(), ()) for name in settings.text("SuspendExcParts").split(","))
    spared = hosts_of_parts(settings.text("SuspendExcNodes")).union(*parts)  # "n[1-8]:4" are any four of these
    times_s: dict[str, float] = {}
    for partition, time_s in own_s.items():
        times_s |= {name: max(time_s, times_s.get(name, 0.0)) for name in settings.members.get(partition, ())}
    return sorted(name for name in set(names) - spared if times_s.get(name, usual_s) < NEVER_IDLE_S)


def _idle_s(text: str) -> float:
    """After how long a node is powered down; without end for ``INFINITE``, ``-1`` and nothing."""
    return inf if (told := whole(text)) is None else told
