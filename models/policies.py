"""The policy: what a site allows and what unmet demand costs it.

Declared once, as pydantic models: from here come the validation, the JSON Schema and the reference page.
Durations are text with a unit in the document (``5m``) and whole seconds here. Every field has the default that holds
when no policy is given, but for the names of things and a replay's floors. A document has the keys in camelCase; code
may use either.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from models.durations import duration_s, duration_text
from models.fields import NODES_MOST, NODES_OR_SHARE, Contradiction, Found, Part, field, lasting, matching
from models.nodes import Side
from models.pools import PoolPolicy, Shares, Takeover, Weights, nodes_apart
from models.takeover_schedule import meetings

__all__ = [
    "Evict",
    "ForecastPolicy",
    "KubernetesPolicy",
    "Metadata",
    "Mode",
    "MovesPolicy",
    "Policy",
    "PoolPolicy",
    "SafetyPolicy",
    "Settle",
    "Shares",
    "Spec",
    "Takeover",
    "Weights",
    "policy_of_replays",
]

_QUANTITY = matching(r"[0-9]{1,15}(\.[0-9]{1,3})?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?", "a quantity such as 500m or 4Gi", 24)
_LABEL = matching(
    r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?", "a name of lower-case letters, digits, dots and dashes", longest=63
)


class Mode(StrEnum):
    """How far Tidegate may go."""

    OBSERVE = "observe"
    RECOMMEND = "recommend"
    AUTO = "auto"


def _rising(horizons: tuple[int, ...]) -> tuple[int, ...]:
    if any(a >= b for a, b in pairwise(horizons)):
        text = ", ".join(duration_text(horizon) for horizon in horizons)
        raise ValueError(f"must rise, each one once, not {text}")
    return horizons


class ForecastPolicy(Part):
    """What is forecast."""

    horizons: Annotated[tuple[Annotated[int, lasting("1s", "30d")], ...], AfterValidator(_rising)] = field(
        ["15m", "30m", "1h", "2h"],
        "How far ahead demand is forecast: 1 to 12 durations, rising.",
        strict=False,
        min_length=1,
        max_length=12,
    )
    ahead_most: Annotated[int | str, NODES_OR_SHARE] = field(
        "20%",
        "By how much a forecast that is heard from the bus may exceed its side's real demand and still count: a number"
        " of nodes, or a share of the pool. It bounds what somebody who forges forecasts could take.",
    )


class Settle(Part):
    """How long a node must be empty, by the side that it leaves."""

    hpc: Annotated[int, lasting("6s", "1h")] = field(
        "6s", "When it leaves the HPC side; in less, a crash of Slurm's controller can undo a drain unseen."
    )
    kubernetes: Annotated[int, lasting("0s", "1h")] = field(
        "60s", "When it leaves Kubernetes, whose scheduler may bind a pod a while after it chose the node for it."
    )

    def of(self, side: Side) -> int:
        """The pause of one side, in seconds."""
        return self.hpc if side is Side.HPC else self.kubernetes


def _of_both_sides(value: object) -> object:
    """The form of release 0.1.0, one duration for both sides: for Kubernetes it counts where it is the longer one."""
    if not isinstance(value, str):
        return value
    try:
        longer = duration_s(value) > Settle().kubernetes
    except ValueError:
        longer = False
    return {"hpc": value, "kubernetes": value} if longer else {"hpc": value}


class Evict(StrEnum):
    """Which pods may be asked to leave a node."""

    NEVER = "never"
    OPTED_IN = "optedIn"
    PODS = "pods"


class MovesPolicy(Part):
    """How often and how fast nodes may move."""

    every: Annotated[int, lasting("10s", "1h")] = field("5m", "Longest time between two decisions.")
    soonest: Annotated[int, lasting("0s", "1h")] = field(
        "15s", "Shortest time between two decisions, when new work, work that ended or a node that changed wakes one."
    )
    debounce: Annotated[int, lasting("0s", "5m")] = field(
        "2s", "How long a decision that something wakes waits for more of the same."
    )
    look_ahead: Annotated[int, lasting("1m", "1d")] = field("2h", "How far ahead a decision looks.")
    at_once: Annotated[int | str, NODES_OR_SHARE] = field(
        "25%",
        "Most nodes in hand-over at the same time: a number of nodes of all pools, or a share of each.",
    )
    per_hour: Annotated[int | str, NODES_OR_SHARE] = field(
        "100%",
        "Most moves begun in any hour by the wall clock: a number of all pools, or a share of each.",
    )
    node_hours_per_day: float | None = field(
        None,
        "Most node-hours that the hand-overs of all pools together may take from service in any 24 hours. Each counts"
        " with the lead time of its way as learned until then. Of one half each pool has its part by its number of"
        " nodes, the other is for whoever asks first. Takeovers count, and are not held back. Unset: no such bound.",
        gt=0,
        le=24 * NODES_MOST,
    )
    min_gain: float = field(0.35, "Least expected gain of a move, as a multiple of its cost.", ge=0, le=1000)
    dwell: Annotated[int, lasting("0s", "7d")] = field(
        "20m", "How long a node stays on a side before it may move again."
    )
    settle: Annotated[Settle, BeforeValidator(_of_both_sides)] = Field(
        default_factory=Settle, description="Pause between the moment a node is seen empty and the second look."
    )
    lead_time: Annotated[int, lasting("0s", "1d")] = field(
        "10m", "Time a node is expected to need from empty on one side to open on the other, until it has been learned."
    )
    drain_deadline: Annotated[int, lasting("1m", "30d")] = field(
        "4h", "When a hand-over whose node is still not empty turns back."
    )
    reserve_ahead: bool = field(
        False, "Whether to book a node in the HPC scheduler from the predicted hour on, so that short jobs fill it."
    )
    loans: Literal["never", "dueDates"] = field(
        "never",
        "Whether nodes of the HPC side are reserved for Kubernetes ahead of a rise that is foreseen. dueDates: each"
        " node that will be lacking is reserved, in the HPC scheduler, from when its hand-over has to begin; until then"
        " work that ends before may start on it. never: nodes move once they are wanted.",
    )
    ready_for: Annotated[int, lasting("0s", "1h")] = field(
        "10s", "How long a Kubernetes node must have been Ready before it is opened."
    )
    fit_deadline: Annotated[int, lasting("1s", "1d")] = field(
        "15m",
        "How long an empty node may take to be fit for its new side (the site's hook done, resources registered, Ready)"
        " before the hand-over turns back.",
    )
    fence: Literal["pods", "none"] = field(
        "pods",
        "Whether a node that Kubernetes has given is fenced off (its taint made NoExecute) before the HPC side is"
        " opened, so that no pod runs there that was bound to it earlier; it also ends DaemonSet pods that do not"
        " tolerate the taint. none: it stays closed to new pods only.",
    )
    evict: Evict = field(
        "never",
        "Which pods may be evicted to empty a Kubernetes node. never: only nodes without pods move; optedIn: pods with"
        " the annotation tidegate.dev/evict: allowed; pods: all but those that refuse it (karpenter.sh/do-not-disrupt,"
        " cluster-autoscaler.kubernetes.io/safe-to-evict: false). Budgets are respected. Jobs are never ended for a"
        " move.",
        strict=False,
    )


class DefaultRequest(Part):
    """What a pod is taken to need that asks for nothing."""

    cpu: Annotated[str, _QUANTITY] = Field(description="Processors, as Kubernetes writes them: 500m, 2.")
    memory: Annotated[str, _QUANTITY] = Field(description="Memory, as Kubernetes writes it: 512Mi, 4Gi.")


class KubernetesPolicy(Part):
    """What of the work in Kubernetes is demand."""

    default_request: DefaultRequest | None = field(
        None, "What a pod counts as that asks for nothing. Without it, such pods are no demand; they are told apart."
    )
    ignore_priority_below: int = field(
        0,
        "Pending pods of a lower priority are headroom that an autoscaler keeps, and no demand.",
        ge=-(2**31),
        le=2**31 - 1,
    )


class SafetyPolicy(Part):
    """When to stop moving."""

    stale_after: Annotated[int, lasting("1s", "1d")] = field(
        "2m", "Age from which an observation is too old to act on."
    )
    unready_max: int = field(3, "Most nodes that may be unready before moves stop, in nodes.", ge=0, le=NODES_MOST)
    vanished_hold: Annotated[int, lasting("1m", "7d")] = field(
        "30m",
        "How long moves stop when a queue or a list of nodes vanishes from one reading to the next, unless it comes"
        " back or a person says to go on.",
    )
    failures_to_pause: int = field(3, "Failed hand-overs in a row, of all pools, that pause all moves.", ge=1, le=1000)


class Metadata(Part):
    """What the policy is called."""

    name: Annotated[str, _LABEL] = field("default", "The name of the policy, shown wherever it has acted.")


def _named_apart(key: str, names: list[str]) -> list[Found]:
    found: list[Found] = []
    for number, name in enumerate(names):
        if (first := names.index(name)) != number:
            taken = f"{name} is already the name of number {first + 1}; give each its own name"
            found.append(((key, number, "name"), taken))
    return found


class Spec(Part):
    """The policy itself."""

    mode: Mode = field(
        "recommend",
        "How far Tidegate may go: observe measures and forecasts, recommend also plans and explains, auto also moves.",
        strict=False,
    )
    pools: tuple[PoolPolicy, ...] = Field(
        default_factory=lambda: (PoolPolicy(name="pool"),),
        description="The pools, 1 to 1000; without them, one called pool that holds every node.",
        strict=False,
        min_length=1,
        max_length=1000,
    )
    forecast: ForecastPolicy = Field(default_factory=ForecastPolicy, description="What is forecast.")
    moves: MovesPolicy = Field(default_factory=MovesPolicy, description="How often and how fast nodes may move.")
    kubernetes: KubernetesPolicy = Field(
        default_factory=KubernetesPolicy, description="What of the work in Kubernetes is demand."
    )
    takeovers: tuple[Takeover, ...] = field(
        (), "Times at which one side gets many nodes: at most 1000.", strict=False, max_length=1000
    )
    safety: SafetyPolicy = Field(default_factory=SafetyPolicy, description="When to stop moving.")

    @model_validator(mode="after")
    def _fits_together(self) -> Spec:
        """All that the parts say against one another, told at once."""
        pools = [pool.name for pool in self.pools]
        known = ", ".join(sorted(pools)[:10])
        found = [
            *_named_apart("pools", pools),
            *((("pools", *path), what) for path, what in nodes_apart(self.pools)),
            *(
                (("pools", number, *path), what)
                for number, pool in enumerate(self.pools)
                for path, what in _named_apart("signals", [signal.name for signal in pool.signals])
            ),
            *_named_apart("takeovers", [takeover.name for takeover in self.takeovers]),
            *(
                (("takeovers", index, "pool"), f"no pool is called {takeover.pool}; write one of {known}")
                for index, takeover in enumerate(self.takeovers)
                if takeover.pool not in pools
            ),
            *((("takeovers", *path), what) for path, what in meetings(self.takeovers)),
            *self._more_than_there_are(),
        ]
        if found:
            raise Contradiction(*found)
        return self

    def _more_than_there_are(self) -> list[Found]:
        """Takeovers of more nodes than their pool, which names its own, can give a side."""
        most = {(pool.name, side): pool.nodes_most(side) for pool in self.pools for side in Side}
        return [
            (("takeovers", index, "nodes"), f"pool {takeover.pool} can give {takeover.side} {can} nodes at most")
            for index, takeover in enumerate(self.takeovers)
            if (can := most.get((takeover.pool, takeover.side))) is not None
            and isinstance(takeover.nodes, int)
            and takeover.nodes > can
        ]


class Policy(Part):
    """One policy document."""

    api_version: Literal["tidegate.dev/v1"] = field("tidegate.dev/v1", "The version of the document's format.")
    kind: Literal["Policy"] = field("Policy", "The kind of document.")
    metadata: Metadata = Field(default_factory=Metadata, description="What the policy is called.")
    spec: Spec = Field(default_factory=Spec, description="The policy itself.")


def policy_of_replays() -> Policy:
    """What a replay goes by that is given no policy: the defaults, but either side may lose all its nodes.

    Nobody waits for a replay's nodes, and what no floor is in the way of is what sharing could be worth.
    """
    return Policy(spec=Spec(pools=(PoolPolicy(name="pool").without_usual_floors(),)))
