"""``tidegate turn-back``: a person orders one hand-over back, by its id."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from basics.text import clean
from cli.audit.timelines import HandoverTimelines, read_timelines
from cli.lead_place import File, Place, SiteFile, audit_of, heard_by, led_by, place_of
from models.errors import BadInput
from models.handovers import Stage
from models.identity import split_name


def turn_back(
    ident: Annotated[
        str, typer.Argument(metavar="ID", help="The hand-over, by its id or by how only its own ends, such as 7.4")
    ],
    file: File = None,
    site: SiteFile = None,
) -> None:
    """Turn one hand-over back, if it still can; its node then stays where it was for the pool's dwell.

    The leader hears it within seconds. One that is opening on its new side goes on, and one that is over stays so.
    """
    place = place_of(file, site)
    led = led_by(place)
    whole = _under_way(ident, audit_of(file, site), place)
    place.order(lambda orders: orders.turn_back(whole))
    typer.echo(clean(f"hand-over {whole} is ordered back; what becomes of it: tidegate status, or tidegate handovers"))
    typer.echo(clean(heard_by(led, place)))


def _under_way(ident: str, audit: Path, place: Place) -> str:
    """The whole id. Raises BadInput for what cannot be turned back, or is the end of no id that is known here.

    A whole id that the audit here does not have is ordered as it is: another machine may have begun it.
    """
    timelines: HandoverTimelines | None = None
    try:
        timelines = read_timelines(audit)
        known = timelines.of(ident)
    except BadInput as error:
        if not split_name(ident)[0]:
            remedy = error.remedy if timelines else "give the whole id, as tidegate status and the page have it"
            raise BadInput(error.what, where=error.where, remedy=remedy) from error
        typer.echo(clean(f"note: it is ordered as typed, but {error.where}: {error.what}"), err=True)
        return ident
    stage = known.handover.stage
    if place.kind == "lock" and (stage.finished or stage in (Stage.CANCELLING, Stage.OPENING)):
        raise BadInput(f"hand-over {known.id} cannot be turned back any more: it is in stage {stage}", where=str(audit))
    return known.id
