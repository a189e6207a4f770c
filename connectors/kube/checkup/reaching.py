"""Which API server answers: its version, its clock, and who we are to it."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import msgspec

from connectors.checkup.format import plain, span_text
from connectors.kube.access.api import Answer, Api, body_of
from connectors.kube.checkup.asked import UNREADABLE, answered
from connectors.kube.checkup.wire import Version, Who
from models.errors import Unreachable
from models.findings import Finding, skipped, warning, well, wrong

ACCESS, RELEASE, CLOCK, USER = (f"kubernetes.{name}" for name in ("access", "release", "clock", "user"))
TRIED = ("1.33", "1.37")
OFF_S, OFF_MOST_S = 5.0, 30.0
REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
MASTERS = "system:masters"


def release_findings(answer: Answer) -> Iterator[Finding]:
    """Which Kubernetes it is, and whether Tidegate was tried with it. Raises what a no raises."""
    try:
        told = msgspec.json.decode(body_of(answer, "GET /version"), type=Version)
    except UNREADABLE as error:
        raise Unreachable(f"its version cannot be read: {error}; is that an API server?") from error
    series = _series(f"{told.major}.{told.minor}")
    if not all(series):
        yield warning(RELEASE, f"it tells no version: {plain(told.git_version) or 'none'}", "Is that an API server?")
        return
    what = f"Kubernetes {plain(told.git_version)}"
    low, high = map(_series, TRIED)
    if low <= series <= high:
        yield well(RELEASE, what)
        return
    age = "older" if series < low else "newer"
    yield warning(
        RELEASE,
        f"{what} is {age} than what Tidegate was tried with ({' to '.join(TRIED)})",
        "Let it run in mode recommend for some days, and see that it tells what kubectl does.",
    )


def clock_findings(date: str, before_s: float, after_s: float) -> Iterator[Finding]:
    """How far the API server's clock is from ours, by the Date of an answer between two times of ours."""
    try:
        told_s = parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        yield skipped(CLOCK, "the API server does not tell its time")
        return
    off_s = told_s + 0.5 - (before_s + after_s) / 2  # half a second on the average since the second began
    doubt_s = 0.5 + (after_s - before_s) / 2
    side = "ahead of" if off_s > 0 else "behind"
    what = f"the API server's clock is {span_text(off_s)} {side} that of this machine"
    remedy = "Let both hosts take their time from the same servers."
    if abs(off_s) - doubt_s > OFF_MOST_S:
        more = "; tokens end too early or too late, and how long a node has been Ready is not known"
        yield wrong(CLOCK, what + more, remedy, "chronyc tracking")
    elif abs(off_s) - doubt_s > OFF_S:
        yield warning(CLOCK, what, remedy, "chronyc tracking")
    else:
        yield well(CLOCK, f"the API server's clock and ours are the same, within {max(1, round(abs(off_s)))} s")


def who(api: Api) -> Who:
    """Who we are. Raises Unreachable, or ApiRefused for a no."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    return answered(api, "POST", REVIEW, Who, body)


def user_findings(told: Who) -> Iterator[Finding]:
    """Who we are, and whether that is somebody whom nothing is refused."""
    user = told.status.user_info
    name = plain(user.username) or "nobody by name"
    if MASTERS in (user.groups or ()):
        yield warning(
            USER,
            f"we are {name} in {MASTERS}, who may do everything, and whose rights cannot be taken away",
            "Give Tidegate an account of its own that only reads (docs/kubernetes.md says more of mode auto):",
            "tidegate rights --mode recommend | kubectl apply -f -",
        )
    else:
        yield well(USER, f"we are {name}")


def _series(version: str) -> tuple[int, ...]:
    """``1.33+`` as (1, 33); zeros where it is none."""
    parts = [part.rstrip("+") for part in version.split(".")[:2]]
    return tuple(int(part) if part.isascii() and part.isdecimal() and len(part) < 6 else 0 for part in parts)
