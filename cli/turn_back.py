"""``tidegate turn-back``: a person orders one hand-over back, by its id."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from basics.text import clean
from cli.lead_place import place_of
from models.errors import BadInput


def turn_back(
    ident: Annotated[str, typer.Argument(metavar="ID", help="The hand-over, as tidegate status and the page name it")],
    file: Annotated[
        Path | None,
        typer.Argument(help="The lock file that the controller leads by", metavar="FILE", show_default=False),
    ] = None,
    site: Annotated[
        Path | None,
        typer.Option("--site", metavar="FILE", help="The site file, instead: by what it leads stands in it"),
    ] = None,
) -> None:
    """Turn one hand-over back, if it still can; its node then stays where it was for the pool's dwell.

    The leader hears it within seconds. One that is opening on its new side goes on, and one that is over stays so.
    """
    place = place_of(file, site)
    if place.look() is None:
        raise BadInput(f"there is no such {place.kind}, so nobody hears it", where=place.name, remedy=place.remedy)
    place.order(lambda orders: orders.turn_back(ident))
    typer.echo(clean(f"hand-over {ident} is ordered back; what becomes of it: tidegate status, or tidegate handovers"))
