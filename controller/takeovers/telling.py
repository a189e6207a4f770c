"""Telling of takeovers: each that stands otherwise than before is logged, and written down."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from controller.takeovers.watch import News
from models.audit import AuditLog, TakeoverStands
from models.takeovers import Phase

WARNED = (Phase.INFEASIBLE, Phase.GIVEN_UP, Phase.OVERLAPPED)

log = logging.getLogger("tidegate.takeovers")


def tell(news: Iterable[News], now_s: int, epoch: int, audit: AuditLog) -> None:
    """Say and write down where these stand now. Raises Unrecorded."""
    for one in news:
        log.log(logging.WARNING if one.phase in WARNED else logging.INFO, "%s", one.text)
        audit.append(TakeoverStands(now_s, epoch, one.window, one.phase, one.text))
