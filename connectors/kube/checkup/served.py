"""Which of the resources that Tidegate reads are served, and in which versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from connectors.checkup.format import plain
from connectors.kube.access.api import Api
from connectors.kube.checkup.asked import answered
from connectors.kube.checkup.commands import kubectl
from connectors.kube.checkup.wire import Groups, ServedResources
from connectors.kube.resources import BUDGETS, OTHERS
from models.errors import TidegateError
from models.findings import Finding, warning, well

CHECK = "kubernetes.served"
KUEUE, DEVICES = "kueue.x-k8s.io", "resource.k8s.io"


def _versions() -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for row in (BUDGETS, *OTHERS):
        found.setdefault(row.group, {})[row.version] = None
    return {group: tuple(versions) for group, versions in found.items()}


VERSIONS: Mapping[str, tuple[str, ...]] = _versions()
"""What is read of each group; the first version that is served goes before the others."""
NEEDED = ("apps", "batch", "policy")


@dataclass(frozen=True, slots=True)
class Served:
    """``versions`` are those of each group, ``resources`` the names in those that are read, None of one whose group
    gives no answer."""

    versions: Mapping[str, frozenset[str]]
    resources: Mapping[str, frozenset[str] | None]

    def version(self, group: str) -> str:
        """The version that is read; empty where none is served."""
        here = self.versions.get(group, frozenset())
        return next((one for one in VERSIONS.get(group, ()) if one in here), "")

    def has(self, group: str, resource: str) -> bool:
        """Whether the resource is served, or may be."""
        if not group:
            return True
        names = self.resources.get(group, frozenset())
        return names is None or resource in names


def served(api: Api) -> Served:
    """What is served. Raises Unreachable, or ApiRefused for a no."""
    told = answered(api, "GET", "/apis", Groups).groups
    versions = {one.name: frozenset(each.version for each in one.versions or ()) for one in told}
    resources: dict[str, frozenset[str] | None] = {}
    for group, known in VERSIONS.items():
        here = [version for version in known if version in versions.get(group, ())]
        names: set[str] | None = set()
        for version in here:
            names = _more(api, f"/apis/{group}/{version}", names)
        resources[group] = None if names is None else frozenset(names)
    return Served(versions, resources)


def _more(api: Api, path: str, names: set[str] | None) -> set[str] | None:
    if names is None:
        return None
    try:
        return names | {one.name for one in answered(api, "GET", path, ServedResources).resources}
    except TidegateError:
        return None


def served_findings(seen: Served) -> Iterator[Finding]:
    """What is read besides nodes and pods, and what is served in versions that Tidegate does not know."""
    read = []
    for group in VERSIONS:
        version = seen.version(group)
        here = seen.versions.get(group)
        if version and seen.resources[group] is None:
            yield warning(
                CHECK,
                f"{group}/{version} is served, but does not say what it has",
                "What it stands for is not counted until it does. See which API service is not available:",
                kubectl("get", "apiservices"),
            )
        elif version and group not in NEEDED:
            read.append(f"{group}/{version}")
        elif here and not version:
            others = ", ".join(sorted(map(plain, here)))
            yield warning(
                CHECK,
                f"{group} is served as {others} only, which is not read: what it stands for is not counted",
                f"Upgrade what serves it to a release with {VERSIONS[group][0]}.",
                kubectl("api-versions"),
            )
        elif group in NEEDED and not version:
            yield warning(CHECK, f"{group}/{VERSIONS[group][0]} is not served", "Is that an API server of Kubernetes?")
    if seen.version(KUEUE) == "v1beta1":
        yield warning(
            CHECK,
            "Kueue serves v1beta1 alone, and not v1beta2: Tidegate reads it, but was tried with v1beta2",
            "Upgrade Kueue to 0.15 or later.",
            kubectl("get", "crd", "clusterqueues.kueue.x-k8s.io"),
        )
    yield well(CHECK, f"besides nodes and pods these are read: {', '.join(read)}" if read else "all that is read")
