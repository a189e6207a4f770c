"""What every object of Kubernetes has."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

NOTHING: Mapping[str, str] = MappingProxyType({})


class OwnerReference(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Who made an object."""

    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None


class Metadata(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Name and history of an object; times are RFC 3339 texts. ``namespace`` is empty for what has none."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: tuple[OwnerReference, ...] | None = None

    @property
    def controller(self) -> OwnerReference | None:
        """The one owner that controls it, if any."""
        return next((owner for owner in self.owner_references or () if owner.controller), None)


EMPTY = Metadata()


class Condition(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """One condition of a status; ``status`` is True, False or Unknown."""

    type: str = ""
    status: str = ""
    reason: str | None = None
    message: str | None = None
    last_transition_time: str | None = None
    observed_generation: int | None = None


def condition(conditions: tuple[Condition, ...] | None, kind: str) -> Condition | None:
    """The condition of this type, if it is there."""
    return next((one for one in conditions or () if one.type == kind), None)
