"""The metric of Slurm's token: a service whose token has ended sees and moves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from models.metrics import SIDE, Family, Kind, Unit
from models.nodes import Side

EXPIRES = Family(
    "tidegate_token_expiry_timestamp_seconds",
    Kind.GAUGE,
    Unit.TIME,
    "When the token ends that a side is asked with; less time() it is the life that remains.",
    (SIDE,),
    "where there is no token, or it does not say",
)
FAMILIES = (EXPIRES,)


class TokenMetrics(Collector):
    """``expires_s`` tells when, in seconds since 1970."""

    def __init__(self, expires_s: Callable[[], int | None]) -> None:
        self._expires_s = expires_s

    def collect(self) -> Iterator[Metric]:
        """One sample, or none."""
        at_s = self._expires_s()
        yield EXPIRES.of([] if at_s is None else [((Side.HPC,), at_s)])
