"""Every metric family that the service has, by the part that shows it: the one list of them all."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.bus import metrics as bus
from connectors.slurm import metrics as slurm
from connectors.sources import metrics as sources
from controller import metric_families as controller
from forecasting import metrics as forecasting
from models.metrics import Family
from service.roles import PARTS, Role, in_order_of_need

CATALOGUE: Mapping[str, tuple[Family, ...]] = {
    "control": controller.CONTROL,
    "forecasting": forecasting.FAMILIES,
    "slurm": (*sources.FAMILIES, *controller.HPC, *slurm.FAMILIES),
    "kubernetes": sources.FAMILIES,
    "bus": bus.FAMILIES,
}
"""What each part declares. Two parts may share a family: then a label tells them apart."""


def families() -> dict[str, Family]:
    """Each once, by name."""
    return {family.name: family for of_part in CATALOGUE.values() for family in of_part}


def of_parts(parts: tuple[str, ...]) -> dict[str, Family]:
    """Those of some parts, by name."""
    return {family.name: family for part in parts for family in CATALOGUE.get(part, ())}


def roles_of(family: Family) -> list[Role]:
    """The roles whose processes show a family."""
    return [role for role in Role if family.name in of_parts(in_order_of_need(PARTS[role]))]
