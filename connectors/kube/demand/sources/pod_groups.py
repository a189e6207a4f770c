"""PodGroups of scheduler-plugins and of Kubernetes itself: they make one piece of pods, and ask for none."""

from __future__ import annotations

from connectors.kube.wire.meta import condition
from connectors.kube.wire.pod_groups import NativePodGroup, PluginPodGroup


def together(group: PluginPodGroup | NativePodGroup) -> bool:
    """Whether its pods still start all at once: not those that come later to a group that has started."""
    if isinstance(group, PluginPodGroup):
        return (group.status.running or 0) + (group.status.succeeded or 0) < (group.spec.min_member or 0)
    started = condition(group.status.conditions, "PodGroupInitiallyScheduled")
    return group.spec.scheduling_policy.gang is not None and (started is None or started.status != "True")
