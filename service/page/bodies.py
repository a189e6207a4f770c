"""What the bodies of requests that order something say."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from models.leadership import WHY_LONGEST, Pause
from models.nodes import Side
from models.takeovers import BY_LONGEST
from service.page.model import means

PoolName = Annotated[str, Meta(min_length=1, max_length=63), means("The pool's name.")]
By = Annotated[str, Meta(max_length=BY_LONGEST), means("Who asks.")]
Why = Annotated[str, Meta(max_length=WHY_LONGEST), means("Why, for those who find it so.")]
THE_PAGE = "the status page"


class PauseOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Let no move begin until someone resumes them."""

    pool: Annotated[PoolName | None, means("Only this pool; null for all.")] = None
    open: Annotated[Pause, means("What becomes of open hand-overs: they `finish`, or `revert` where they can.")] = (
        Pause.FINISH
    )
    by: By = THE_PAGE
    why: Why = ""


class ResumeOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Let moves begin again, whatever has stopped them."""

    pool: Annotated[PoolName | None, means("Only this pool; null for all.")] = None
    by: By = THE_PAGE
    why: Why = ""


class TakeoverOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Announce that one side gets many nodes for some hours."""

    pool: Annotated[PoolName, means("The pool whose nodes it gets.")]
    side: Annotated[Side, means("The side that gets them.")]
    nodes: Annotated[Annotated[int, Meta(ge=1)] | Literal["all"], means("How many, or `all`.")]
    at_s: Annotated[int, means("When it begins, in seconds since 1970.")]
    for_s: Annotated[int, means("How long it lasts, in seconds.")]
    by: By = THE_PAGE
