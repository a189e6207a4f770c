"""Who gave an order of a person, when and why, as it stands beside a lock or in a Lease.

Whoever may write there can write anything, and an order holds whoever gave it: what cannot be meant is not noted.
"""

from __future__ import annotations

from dataclasses import asdict

import msgspec
from msgspec import UNSET, UnsetType

from models.leadership import Ordered


def read_ordered(found: object) -> Ordered | None:
    """What JSON has of it; None where there is nothing that can be meant."""
    try:
        return None if found is UNSET else msgspec.convert(found, Ordered)
    except msgspec.ValidationError:
        return None


def write_ordered(ordered: Ordered | None) -> dict[str, object] | UnsetType:
    """The same as what JSON has; nothing where nothing is noted, as a release that knows of none has it."""
    return UNSET if ordered is None else asdict(ordered)
