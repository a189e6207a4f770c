"""The API as a table: what may be asked for, by which method, and what it answers. Routes and OpenAPI come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.page.bodies import PauseOrder, ResumeOrder, TakeoverOrder
from service.page.model import Charts, Done, HandoverStatus, PoolStatus, Status


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``name`` is the handler's; ``body`` and ``answer`` are types; one that ``orders`` needs the admin token."""

    method: str
    path: str
    name: str
    about: str
    answer: Any
    body: Any = None
    orders: bool = False
    media: str = "application/json"

    @property
    def variables(self) -> tuple[str, ...]:
        """The names in its path."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))


ENDPOINTS = (
    Endpoint("GET", "/api/status", "status", "All that is known of the site now.", Status),
    Endpoint("GET", "/api/pools/{pool}", "pool", "One pool.", PoolStatus),
    Endpoint("GET", "/api/charts", "charts", "What came, what had been forecast, and what is.", Charts),
    Endpoint("GET", "/api/handovers", "handovers", "The last hand-over of every node.", list[HandoverStatus]),
    Endpoint("GET", "/api/handovers/{id}", "handover", "One of them.", HandoverStatus),
    Endpoint(
        "GET",
        "/api/events",
        "events",
        "Server-sent events: `changed` names the newest version of each document, and a heartbeat comes when nothing"
        " changes.",
        str,
        media="text/event-stream",
    ),
    Endpoint("POST", "/api/pause", "pause", "Let no move begin until someone resumes them.", Done, PauseOrder, True),
    Endpoint("POST", "/api/resume", "resume", "Let moves begin again.", Done, ResumeOrder, True),
    Endpoint("POST", "/api/takeovers", "announce", "Announce a takeover.", Done, TakeoverOrder, True),
    Endpoint(
        "POST",
        "/api/handovers/{id}/cancel",
        "turn_back",
        "Turn one hand-over back, if it still can; its node then stays where it was for the pool's dwell.",
        Done,
        None,
        True,
    ),
    Endpoint("DELETE", "/api/takeovers/{id}", "cancel_takeover", "Cancel an announced takeover.", Done, None, True),
)
