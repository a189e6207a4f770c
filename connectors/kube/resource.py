"""What of an API server is listed and watched: a kind of objects, and the struct that it is decoded into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar
from urllib.parse import quote

from connectors.kube.wire.meta import Metadata


class Described(Protocol):
    """An object of Kubernetes."""

    @property
    def metadata(self) -> Metadata:
        """Its name and history."""
        ...


T = TypeVar("T", bound=Described)


@dataclass(frozen=True, slots=True)
class Resource(Generic[T]):
    """A resource as it is served: ``group`` is empty for the core's, ``type`` the struct of one object."""

    group: str
    version: str
    plural: str
    namespaced: bool
    type: type[T]

    @property
    def name(self) -> str:
        """As kubectl and RBAC name it: ``jobs.batch``. The same for all its versions."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def group_version(self) -> str:
        """As ``apiVersion`` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def base(self) -> str:
        """The path of its group and version."""
        return f"/apis/{self.group_version}" if self.group else f"/api/{self.version}"

    @property
    def path(self) -> str:
        """The path of all its objects, in all namespaces."""
        return f"{self.base}/{self.plural}"

    def path_of(self, name: str, namespace: str = "") -> str:
        """The path of one object."""
        within = f"/namespaces/{quote(namespace, safe='')}" if self.namespaced else ""
        return f"{self.base}{within}/{self.plural}/{quote(name, safe='')}"
