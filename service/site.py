"""What a site file says: where the schedulers and the bus are, and where state is kept. The policy is apart from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field

from basics.documents.document import Form, read_document
from connectors.kube.settings import KubernetesSettings as ApiSettings
from connectors.slurm.settings import SlurmSettings
from models.fields import PATH, Part, field, matching

LOCK = "lock"  # in the folder of the state: what a controller leads by, with the orders of persons

_NAME = matching(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?", "a name of lower-case letters, digits, dots and dashes", 63)
_OBJECT = matching(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", "the name of an object in Kubernetes", longest=253)
_BUS = matching(r"(sqlite:.+|kafka:.+)", "sqlite:FILE or kafka:HOST:PORT[,HOST:PORT]", longest=4096)


class TwinSettings(Part):
    """A Kubernetes that is not there: a service whose request rate stands in a file, on the nodes that it is given."""

    requests: Annotated[Path, PATH] = field(
        ..., "The request rate: CSV of seconds,requests_per_second; second 0 is when the stand-in first began."
    )
    rate_per_node: float = field(1.0, "Requests per second that one node serves.", ge=1e-9, le=1e12)


class KubernetesSettings(ApiSettings):
    """How to reach Kubernetes, for a Lease; nodes and pods are those of a stand-in."""

    twin: TwinSettings = Field(description="A stand-in for Kubernetes, to see real moves on the HPC side.")


class LeaseSettings(Part):
    """A Lease of coordination.k8s.io in that Kubernetes; Tidegate may get, create and patch it."""

    namespace: Annotated[str, _OBJECT] = Field(description="The namespace of the Lease; it must be there.")
    name: Annotated[str, _OBJECT] = Field(
        description="The name of the Lease: the same for all processes of this site, and of no other."
    )


class LeadershipSettings(Part):
    """How the processes of a site agree which of them moves nodes."""

    lease: LeaseSettings | None = field(
        None,
        "A Lease, for processes on several machines. Without it, a lock file in the folder of the state, for those of"
        " one machine.",
    )


class BusPlace(Part):
    """Which bus carries the events."""

    address: Annotated[str, _BUS] | None = field(
        None, "sqlite:FILE or kafka:HOST:PORT[,HOST:PORT]. Without it, a file in the folder of the state."
    )
    settings: Annotated[Path, PATH] | None = field(None, "A file of bus settings: TLS, who we are, a prefix.")


class PageSettings(Part):
    """The status page and the metrics, over plain HTTP."""

    listen: Annotated[str, matching(r"[^\s:]+:[0-9]{1,5}", "an address such as 127.0.0.1:8470", longest=253)] = field(
        "127.0.0.1:8470", "Where to listen: HOST:PORT. Whoever reaches it can read it, so keep it within the site."
    )


class SiteSpec(Part):
    """The site itself."""

    state: Annotated[Path, PATH] = field(
        "tidegate-state", "The folder for what must outlive the process: the lock, the audit, the embedded bus."
    )
    slurm: SlurmSettings = Field(description="How to reach Slurm.")
    bus: BusPlace = Field(default_factory=BusPlace, description="Which bus carries the events.")
    kubernetes: KubernetesSettings = Field(description="How to reach Kubernetes.")
    leadership: LeadershipSettings = Field(
        default_factory=LeadershipSettings, description="How it is agreed who moves nodes."
    )
    page: PageSettings | None = field(
        None, "Where the status page and the metrics are. Without it, role all has none, and role page the default."
    )


class SiteMetadata(Part):
    """What the site is called."""

    name: Annotated[str, _NAME] = field("site", "The name of the site, in its events and in its marks: keep it.")


class Site(Part):
    """One site document."""

    api_version: Literal["tidegate.dev/v1"] = field("tidegate.dev/v1", "The version of the document's format.")
    kind: Literal["Site"] = field("Site", "The kind of document.")
    metadata: SiteMetadata = Field(default_factory=SiteMetadata, description="What the site is called.")
    spec: SiteSpec = Field(description="The site itself.")

    def beside(self, folder: Path) -> Self:
        """The same, with every path that is not absolute, the bus's too, taken from a folder: that of the site file."""
        site = super().beside(folder)
        spec = site.spec
        address = spec.bus.address or f"sqlite:{spec.state / 'bus.db'}"
        if address.startswith("sqlite:"):
            address = f"sqlite:{folder / address.removeprefix('sqlite:')}"
        bus = spec.bus.model_copy(update={"address": address})
        return site.model_copy(update={"spec": spec.model_copy(update={"bus": bus})})


SITE = Form(Site, "site", "site file")


def read_site(path: Path) -> Site:
    """The site in a file, its paths taken from its folder. Raises BadDocument or BadInput."""
    return read_document(path, SITE).value.beside(path.absolute().parent)
