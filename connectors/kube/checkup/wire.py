"""What only a checkup reads: who we are and what we may, versions, and who else runs here."""

from __future__ import annotations

import msgspec

from connectors.kube.wire.meta import EMPTY, Metadata


class Version(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What ``/version`` tells."""

    git_version: str = ""
    major: str = ""
    minor: str = ""


class User(msgspec.Struct, frozen=True, gc=False):
    """Who we are to the API server."""

    username: str = ""
    groups: tuple[str, ...] | None = None


class WhoStatus(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The answer to a SelfSubjectReview."""

    user_info: User = User()


class Who(msgspec.Struct, frozen=True, gc=False):
    """A SelfSubjectReview."""

    status: WhoStatus = WhoStatus()


class MayStatus(msgspec.Struct, frozen=True, gc=False):
    """The answer to a SelfSubjectAccessReview. Without ``allowed`` it is none."""

    allowed: bool
    reason: str | None = None


class May(msgspec.Struct, frozen=True, gc=False):
    """A SelfSubjectAccessReview."""

    status: MayStatus


class GroupVersion(msgspec.Struct, frozen=True, gc=False):
    """A version of a group."""

    version: str = ""


class Group(msgspec.Struct, frozen=True, gc=False):
    """A group of the API."""

    name: str = ""
    versions: tuple[GroupVersion, ...] | None = None


class Groups(msgspec.Struct, frozen=True, gc=False):
    """What ``/apis`` tells. Without ``groups`` it is no answer."""

    groups: tuple[Group, ...]


class ServedResource(msgspec.Struct, frozen=True, gc=False):
    """A resource of a version."""

    name: str = ""


class ServedResources(msgspec.Struct, frozen=True, gc=False):
    """What a version of a group tells. Without ``resources`` it is no answer."""

    resources: tuple[ServedResource, ...]


class Image(msgspec.Struct, frozen=True, gc=False):
    """A container by its image."""

    image: str = ""


class ImageSpec(msgspec.Struct, frozen=True, gc=False):
    """Containers by their images."""

    containers: tuple[Image, ...] | None = None


class ImageTemplate(msgspec.Struct, frozen=True, gc=False):
    """The pods of a Deployment."""

    metadata: Metadata = EMPTY
    spec: ImageSpec = ImageSpec()


class DeploymentSpec(msgspec.Struct, frozen=True, gc=False):
    """What a Deployment wants."""

    template: ImageTemplate = ImageTemplate()


class Deployment(msgspec.Struct, frozen=True, gc=False):
    """A Deployment: what it runs."""

    metadata: Metadata = EMPTY
    spec: DeploymentSpec = DeploymentSpec()
