"""The policy: what a site allows and what unmet demand costs it.

Declared once, as pydantic models: from here come the validation, the JSON Schema and the reference page.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic.alias_generators import to_camel

from models.nodes import Side

_DURATION = re.compile(r"(\d{1,9})(s|m|h|d)")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PERCENT = re.compile(r"(\d{1,3})%")


def duration_s(text: object) -> int:
    """Seconds of a duration such as ``90s``, ``5m``, ``4h`` or ``2d``.

    Raises ValueError, with an example, for anything else.
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{text!r} is not a duration; write a whole number and a unit, for example 90s, 5m, 4h or 2d")
    return int(match[1]) * _UNIT_S[match[2]]


def _count_or_percent(value: object) -> object:
    if isinstance(value, str) and (match := _PERCENT.fullmatch(value)) and 0 < int(match[1]) <= 100:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise ValueError(f"{value!r} is not a number of nodes (1 or more) nor a share of the pool such as 25%")


Duration = Annotated[
    int,
    BeforeValidator(duration_s),
    WithJsonSchema({"type": "string", "pattern": f"^{_DURATION.pattern}$", "examples": ["90s", "5m", "4h"]}),
]
NodeCount = Annotated[
    int | str,
    BeforeValidator(_count_or_percent),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^(100|[1-9][0-9]?)%$"}]}
    ),
]


def nodes_of(count: int | str, pool_nodes: int) -> int:
    """A count or a share of the pool, in nodes: at least one."""
    if isinstance(count, int):
        return count
    return max(1, pool_nodes * int(count.rstrip("%")) // 100)


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, strict=True)


class Mode(StrEnum):
    """How far Tidegate may go."""

    OBSERVE = "observe"
    RECOMMEND = "recommend"
    AUTO = "auto"


class Weights(_Part):
    """What one node of unmet demand for one hour costs, on each side."""

    hpc: float = Field(default=1.0, gt=0, le=1e6, allow_inf_nan=False)
    kubernetes: float = Field(default=3.0, gt=0, le=1e6, allow_inf_nan=False)

    def of(self, side: Side) -> float:
        """The weight of one side."""
        return self.hpc if side is Side.HPC else self.kubernetes


class Shares(_Part):
    """A number of nodes on each side."""

    hpc: int | None = Field(default=None, ge=0, le=1_000_000)
    kubernetes: int | None = Field(default=None, ge=0, le=1_000_000)


class PoolPolicy(_Part):
    """One pool: which nodes it has, what each side's unmet demand costs, and how small or large a side may get."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")
    nodes: str | None = Field(
        default=None, min_length=1, max_length=65536, description="The HPC scheduler's names, as a hostlist"
    )
    kubernetes_name: str = Field(
        default="{name}", max_length=253, description="How Kubernetes names the node; {name} stands for the HPC name"
    )
    unmet_cost: Weights = Weights()
    floor: Shares = Shares()
    ceiling: Shares = Shares()

    @model_validator(mode="after")
    def _floors_below_ceilings(self) -> PoolPolicy:
        for side in Side:
            floor, ceiling = getattr(self.floor, side), getattr(self.ceiling, side)
            if floor is not None and ceiling is not None and floor > ceiling:
                raise ValueError(
                    f"floor.{side} is {floor}, above ceiling.{side} of {ceiling}; lower the one or raise the other"
                )
        return self

    def bounds(self, pool_nodes: int) -> tuple[int, int]:
        """The fewest and the most nodes that Kubernetes may own of a pool of ``pool_nodes``.

        Raises ValueError when the floors leave no split.
        """
        low = max(self.floor.kubernetes or 0, pool_nodes - _or(self.ceiling.hpc, pool_nodes))
        high = min(_or(self.ceiling.kubernetes, pool_nodes), pool_nodes - (self.floor.hpc or 0))
        if low > high:
            raise ValueError(
                f"the floors and ceilings of pool {self.name} leave no split of its {pool_nodes} nodes:"
                f" Kubernetes needs at least {low} and may have at most {high}"
            )
        return low, high


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


class ForecastPolicy(_Part):
    """What is forecast."""

    horizons: tuple[Duration, ...] = Field(default=(900, 1800, 3600, 7200), min_length=1, max_length=12)

    @model_validator(mode="before")
    @classmethod
    def _lists_are_tuples(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("horizons"), list):
            return {**data, "horizons": tuple(data["horizons"])}
        return data

    @model_validator(mode="after")
    def _horizons_rise(self) -> ForecastPolicy:
        if any(a >= b for a, b in zip(self.horizons, self.horizons[1:], strict=False)) or self.horizons[0] <= 0:
            raise ValueError("horizons must rise from above zero, each one once")
        return self


class MovesPolicy(_Part):
    """How often and how fast nodes may move."""

    every: Duration = Field(default=300, ge=10, le=3600, description="Time between two decisions")
    look_ahead: Duration = Field(default=7200, ge=60, le=86400, description="How far a decision looks")
    at_once: NodeCount = Field(default="25%", description="Nodes in hand-over at the same time")
    per_hour: NodeCount = Field(default="100%", description="Moves begun in any hour")
    min_gain: float = Field(
        default=0.5, ge=0, le=1000, allow_inf_nan=False, description="Least gain of a move, as a multiple of its cost"
    )
    dwell: Duration = Field(default=1200, le=604800, description="How long a node stays before it may move again")
    settle: Duration = Field(default=6, le=3600, description="Pause between empty and the second look")
    lead_time: Duration = Field(
        default=600, le=86400, description="Expected time from empty to open until it has been learned"
    )
    drain_deadline: Duration = Field(
        default=14400, ge=60, le=2592000, description="When a hand-over that is not empty yet turns back"
    )
    reserve_ahead: bool = False
    evict: Literal["never"] = "never"


class Takeover(_Part):
    """One side gets many nodes for a while, on a schedule."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")
    side: Literal["hpc", "kubernetes"]
    pool: str
    nodes: Literal["all"] | Annotated[int, Field(ge=1)]
    schedule: str = Field(max_length=100, description="When it begins, as five cron fields")
    duration: Duration


class SafetyPolicy(_Part):
    """When to stop moving."""

    stale_after: Duration = Field(default=120, ge=1)
    unready_max: int = Field(default=3, ge=0)
    failures_to_pause: int = Field(default=3, ge=1)


class Metadata(_Part):
    """What the policy is called."""

    name: str = Field(default="default", pattern=r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$")


class Spec(_Part):
    """The policy itself."""

    mode: Mode = Field(default=Mode.RECOMMEND, strict=False)
    pools: list[PoolPolicy] = Field(default=[PoolPolicy(name="pool")], min_length=1, max_length=1000)
    forecast: ForecastPolicy = ForecastPolicy()
    moves: MovesPolicy = MovesPolicy()
    takeovers: list[Takeover] = Field(default=[], max_length=1000)
    safety: SafetyPolicy = SafetyPolicy()

    @model_validator(mode="after")
    def _names_agree(self) -> Spec:
        names = [pool.name for pool in self.pools]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two pools are called {name}; give each its own name")
        for takeover in self.takeovers:
            if takeover.pool not in names:
                raise ValueError(
                    f"takeover {takeover.name} names pool {takeover.pool}, which is not in pools ({', '.join(names)})"
                )
        return self


class Policy(_Part):
    """One policy document."""

    api_version: Literal["tidegate.dev/v1"] = "tidegate.dev/v1"
    kind: Literal["Policy"] = "Policy"
    metadata: Metadata = Metadata()
    spec: Spec = Spec()
