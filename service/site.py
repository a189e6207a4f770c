"""What a site file says: where the schedulers and the bus are, and where state is kept. The policy is apart from it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from stat import S_IROTH
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from basics.documents.document import Form, read_document
from connectors.kube.settings import KubernetesSettings
from connectors.prom.settings import PrometheusSettings
from connectors.slurm.settings import SlurmSettings
from models.fields import PATH, Contradiction, Part, field, matching
from service.roles import Role

LOCK = "lock"  # in the folder of the state: what a controller leads by, with the orders of persons

_PORT = r"([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_NAME = matching(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?", "a name of lower-case letters, digits, dots and dashes", 63)
_OBJECT = matching(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", "the name of an object in Kubernetes", longest=253)
_LISTEN = matching(rf"[^\s:]+:{_PORT}", "an address such as 127.0.0.1:8470", longest=253)
_BUS = matching(r"(sqlite:.+|kafka:.+)", "sqlite:FILE or kafka:HOST:PORT[,HOST:PORT]", longest=4096)


class LeaseSettings(Part):
    """A Lease of coordination.k8s.io in that Kubernetes; Tidegate may get, create and patch it."""

    namespace: Annotated[str, _OBJECT] = Field(
        description="The namespace of the Lease; it must be there, and let us get, create and patch leases."
    )
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
    """The status page, the API and the metrics, over plain HTTP."""

    listen: Annotated[str, _LISTEN] = field(
        "127.0.0.1:8470", "Where to listen: HOST:PORT. Whoever reaches it can read it, so keep it within the site."
    )
    admin_token: Annotated[Path, PATH] | None = field(
        None,
        "A file of one line, 16 characters or more, that nobody else may read: who gives it may pause, resume, announce"
        " takeovers and turn hand-overs back. Without it the page only shows.",
    )

    def exposed(self) -> list[Path]:
        """The file of the token, where everybody on this machine can read it."""
        path = self.admin_token
        with suppress(OSError):
            return [path] if path is not None and path.stat().st_mode & S_IROTH else []
        return []


class MetricsSettings(Part):
    """The metrics of a process and how it is, for Prometheus and for probes, over plain HTTP."""

    listen: Annotated[str, _LISTEN] = field(
        "127.0.0.1:8471",
        "Where every process listens for which nothing else is said here: HOST:PORT. Whoever reaches it can read it.",
    )
    connect: Annotated[str, _LISTEN] | None = field(
        None, "Where role connect listens instead, when several roles run on one machine."
    )
    forecast: Annotated[str, _LISTEN] | None = field(None, "The same for role forecast.")
    control: Annotated[str, _LISTEN] | None = field(None, "The same for role control.")
    page: Annotated[str, _LISTEN] | None = field(None, "The same for role page.")

    def of(self, role: Role) -> tuple[str, str]:
        """Where a role listens, and which setting says so."""
        own = {
            Role.CONNECT: self.connect,
            Role.FORECAST: self.forecast,
            Role.CONTROL: self.control,
            Role.PAGE: self.page,
        }
        address = own.get(role)
        return (self.listen, "listen") if address is None else (address, role)


class SiteSpec(Part):
    """The site itself."""

    state: Annotated[Path, PATH] = field(
        "tidegate-state", "The folder for what must outlive the process: the lock, the audit, the embedded bus."
    )
    slurm: SlurmSettings = Field(description="How to reach Slurm.")
    bus: BusPlace = Field(default_factory=BusPlace, description="Which bus carries the events.")
    kubernetes: KubernetesSettings | None = field(
        None, "How to reach Kubernetes. Without it the HPC side is observed alone: mode observe only."
    )
    prometheus: PrometheusSettings | None = field(
        None, "How to reach Prometheus, for the signals that the policy names."
    )
    leadership: LeadershipSettings = Field(
        default_factory=LeadershipSettings, description="How it is agreed who moves nodes."
    )
    page: PageSettings | None = field(
        None, "Where the status page and the metrics are. Without it, role all has none, and role page the default."
    )
    metrics: MetricsSettings | None = field(
        None, "Where each process shows its metrics. Without it, only a page does, those of its own process."
    )

    @model_validator(mode="after")
    def _has_its_lease(self) -> SiteSpec:
        if self.leadership.lease is not None and self.kubernetes is None:
            raise Contradiction((("leadership", "lease"), "is in Kubernetes, and spec.kubernetes is not there"))
        return self


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
