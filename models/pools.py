"""Pools and takeovers, as a policy declares them: whose nodes, what they are worth, and how many a side may have."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from models.errors import BadInput
from models.fields import NODES_MOST, NODES_OR_ALL, SHARE, Contradiction, Found, Kind, Part, field, lasting, matching
from models.hooks import Hooks
from models.hostlists import hosts
from models.nodes import Side
from models.past import PastPolicy
from models.schedules import LONGEST, ZONE_LONGEST, check_schedule, check_zone
from models.signals import SignalPolicy

_NAME = matching(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", "a name of letters, digits, dots, dashes and underscores", longest=63
)
_RANGE = r"[0-9]{1,9}(-[0-9]{1,9})?"
_HOSTS = rf"([A-Za-z0-9._-]|\[{_RANGE}(,{_RANGE})*\])+"
_HOSTLIST = matching(f"{_HOSTS}(,{_HOSTS})*", "a hostlist such as gpu[001-064] or n1,n2", longest=65536)
_KUBERNETES_NAME = matching(
    r"[a-z0-9.-]*\{name\}[a-z0-9.-]*", "a name with {name} in it, such as {name}.example.org", longest=253
)
_OBJECT = matching(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", "the name of an object in Kubernetes", longest=253)
_TAINT = matching(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", "the key of a taint", 317)
_SCHEDULE = Kind(check_schedule, {"type": "string", "maxLength": LONGEST, "title": "five cron fields"})
_ZONE = Kind(check_zone, {"type": "string", "minLength": 1, "maxLength": ZONE_LONGEST, "title": "IANA time zone"})


COST_MOST = 1e6


class Weights(Part):
    """What one node of unmet demand for one hour costs, on each side. Only their ratio matters."""

    hpc: float = field(1.0, "Cost of one node of unmet HPC demand for one hour, in any unit.", gt=0, le=COST_MOST)
    kubernetes: float = field(3.0, "The same for Kubernetes, in the same unit.", gt=0, le=COST_MOST)

    def of(self, side: Side) -> float:
        """The weight of one side."""
        return self.hpc if side is Side.HPC else self.kubernetes


FLOOR_PERCENT = 5  # of a pool: what each side keeps of it where the policy writes no floor


class Shares(Part):
    """A number of nodes on each side."""

    hpc: int | None = field(None, "Nodes of the HPC side.", ge=0, le=NODES_MOST)
    kubernetes: int | None = field(None, "Nodes of Kubernetes.", ge=0, le=NODES_MOST)

    def of(self, side: Side) -> int | None:
        """That of one side; None where none is written."""
        return self.hpc if side is Side.HPC else self.kubernetes


class KueuePolicy(Part):
    """What Kueue's quota has to do with the nodes that move."""

    quota: Literal["follows", "fixed", "none"] = Field(
        description="follows: the quota is today's nodes, and Tidegate changes it with each node that moves, so work"
        " that waits for quota is demand. fixed: the quota is what it is, and work that waits for it is held. none:"
        " the quota is no bound, so all work that waits is demand."
    )
    cluster_queue: Annotated[str, _OBJECT] | None = field(
        None, "The ClusterQueue whose quota follows the nodes. Needed with follows."
    )
    flavor: Annotated[str, _OBJECT] | None = field(
        None, "The ResourceFlavor of the pool's nodes in that ClusterQueue. Needed with follows."
    )

    @model_validator(mode="after")
    def _whole(self) -> KueuePolicy:
        named = {"clusterQueue": self.cluster_queue, "flavor": self.flavor}
        if self.quota == "follows":
            found: list[Found] = [
                ((), f"lacks {name}, which follows needs; tidegate doctor proposes one")
                for name, value in named.items()
                if value is None
            ]
        else:
            found = [((name,), "is only for follows; leave it out") for name, value in named.items() if value]
        if found:
            raise Contradiction(*found)
        return self


PRICE_MOST = 100  # times HPC's: beyond it nodes hardly come back, and hardly more is served


class PoolInKubernetes(Part):
    """What is particular to the pool in Kubernetes."""

    unmet_at_most: Annotated[float, SHARE] | None = field(
        None,
        "The service level: which share of what Kubernetes asks for, in node-hours, may wait longer than waitsAtMost."
        " With it unmetCost.kubernetes is where the price of unmet demand begins, which then follows what is measured."
        " tidegate tune finds one to begin with. In mode recommend nothing moves, and so the price does not either.",
    )
    waits_at_most: Annotated[int, lasting("0s", "1h")] = field(
        "1m", "How long a pod may wait and still count as served, for unmetAtMost."
    )
    taints: tuple[Annotated[str, _TAINT], ...] = field(
        (),
        "Keys of taints that the nodes of the pool always have, such as nvidia.com/gpu; with any other NoSchedule or"
        " NoExecute taint a node counts as closed by others. At most 20.",
        strict=False,
        max_length=20,
    )
    kueue: KueuePolicy | None = field(
        None, "What Kueue's quota has to do with the nodes. Needed where Kueue is; tidegate doctor tells what fits."
    )


class AutomaticTakeovers(Part):
    """When a job or gang that is larger than its side takes nodes over at an hour that suits the other side."""

    grace: Annotated[int, lasting("5m", "4h")] = field(
        "1h", "How long after its hour the work may still begin; then the takeover is given up."
    )
    pause: Annotated[int, lasting("0s", "7d")] = field(
        "6h", "How long after one that was given up, or whose work did not begin, none is planned."
    )


class PoolTakeovers(Part):
    """Takeovers that nobody has scheduled or announced."""

    automatic: AutomaticTakeovers | None = field(
        None,
        "Take nodes over for a waiting job or gang that is larger than its side, at the earliest hour at which they are"
        " free by the limits of what runs and the other side's forecast can spare them; {} for the defaults. Without"
        " it, such work waits.",
    )


class PoolPolicy(Part):
    """One pool: which nodes it has, what each side's unmet demand costs, and how small or large a side may get."""

    name: Annotated[str, _NAME] = Field(
        description="What the pool is called, here and in all that bears its mark: keep it while it has nodes to move."
    )
    nodes: Annotated[str, _HOSTLIST] | None = field(
        None,
        "The nodes of the pool by the HPC scheduler's names, as a hostlist, none of them in another pool; without it,"
        " every node.",
    )
    kubernetes_name: Annotated[str, _KUBERNETES_NAME] = field(
        "{name}", "How Kubernetes names a node of the pool; {name} stands for the HPC scheduler's name."
    )
    kubernetes: PoolInKubernetes = Field(
        default_factory=PoolInKubernetes, description="What is particular to the pool in Kubernetes."
    )
    unmet_cost: Weights = Field(default_factory=Weights, description="What a side's unmet demand costs.")
    floor: Shares = Field(
        default_factory=Shares,
        description="The fewest nodes that a side keeps. Where it is not written, 1, or 5 % of the pool if that is"
        " more, as far as the other side's floor and its own ceiling leave it; write 0 for a side that may lose all.",
    )
    ceiling: Shares = Field(
        default_factory=Shares, description="The most nodes that a side may have; without it there is no limit."
    )
    takeover: PoolTakeovers = Field(
        default_factory=PoolTakeovers, description="Takeovers that nobody has scheduled or announced."
    )
    hooks: Hooks = Field(default_factory=Hooks, description="Whom to call when a node changes sides.")
    signals: tuple[SignalPolicy, ...] = field(
        (),
        "What the pool's forecasts learn from beside demand, read from the Prometheus that the site file names: 16 at"
        " most.",
        strict=False,
        max_length=16,
    )
    past: PastPolicy | None = field(
        None,
        "Where the demand of the time before Tidegate is to be had, when it starts with none: from the Prometheus that"
        " the site file names. Without it, forecasts begin to learn on the first day.",
    )

    @model_validator(mode="after")
    def _leaves_a_split(self) -> PoolPolicy:
        found = self._begins_beyond()
        for side in Side:
            floor, ceiling = self.floor.of(side), self.ceiling.of(side)
            if floor is not None and ceiling is not None and floor > ceiling:
                advice = "lower the one or raise the other"
                found.append((("floor", side.value), f"{floor} is above ceiling.{side} of {ceiling}; {advice}"))
        if not found:
            try:
                found = self._of_its_nodes()
            except BadInput as error:
                found = [(("nodes",), str(error))]
        if found:
            raise Contradiction(*found)
        return self

    def _begins_beyond(self) -> list[Found]:
        """Whether the price that follows a service level would begin outside of its bounds."""
        low, high = self.price_bounds
        if self.kubernetes.unmet_at_most is None or low <= self.unmet_cost.kubernetes <= high:
            return []
        told = f"where unmetAtMost is written it must be from {low:g} to {high:g}, 1 to {PRICE_MOST} times that of hpc"
        return [(("unmetCost", "kubernetes"), told)]

    @property
    def price_bounds(self) -> tuple[float, float]:
        """The least and the most that an hour of one node of Kubernetes' unmet demand may cost while that follows a
        service level."""
        return self.unmet_cost.hpc, min(COST_MOST, PRICE_MOST * self.unmet_cost.hpc)

    def at_price(self, kubernetes: float) -> PoolPolicy:
        """The same, with this cost of Kubernetes' unmet demand."""
        return self.model_copy(update={"unmet_cost": Weights(hpc=self.unmet_cost.hpc, kubernetes=kubernetes)})

    def floor_of(self, side: Side, pool_nodes: int) -> int:
        """The fewest nodes that a side of a pool of ``pool_nodes`` keeps; one that is not written gives way."""
        written = self.floor.of(side)
        if written is not None:
            return written
        usual = min(max(1, pool_nodes * FLOOR_PERCENT // 100), pool_nodes // 2)
        left = pool_nodes - (self.floor.of(side.other) or 0)
        return max(0, min(usual, left, _or(self.ceiling.of(side), usual)))

    def without_usual_floors(self) -> PoolPolicy:
        """The same, where a floor that is not written is 0."""
        floor = Shares(hpc=self.floor.hpc or 0, kubernetes=self.floor.kubernetes or 0)
        return self.model_copy(update={"floor": floor})

    def most_of(self, side: Side, pool_nodes: int) -> int:
        """The most nodes that a takeover may give a side: only floors and ceilings that are written stand against."""
        return max(0, min(pool_nodes - (self.floor.of(side.other) or 0), _or(self.ceiling.of(side), pool_nodes)))

    def nodes_most(self, side: Side) -> int | None:
        """The same, where the pool names its nodes; None where it does not. Raises BadInput for what is no hostlist."""
        return None if self.nodes is None else self.most_of(side, len(hosts(self.nodes)))

    def _of_its_nodes(self) -> list[Found]:
        """Whether as many nodes as the pool names can be split. Raises BadInput for what is no hostlist."""
        count = len(hosts(self.nodes or ""))
        try:
            if count:
                self.bounds(count)
        except ValueError as error:
            least = (self.floor.hpc or 0) + (self.floor.kubernetes or 0)
            return [(("floor" if least > count else "ceiling",), str(error))]
        return []

    def bounds(self, pool_nodes: int) -> tuple[int, int]:
        """The fewest and the most nodes that Kubernetes may own of a pool of ``pool_nodes``.

        Raises ValueError when the floors and ceilings leave no split.
        """
        low = max(self.floor_of(Side.KUBERNETES, pool_nodes), pool_nodes - _or(self.ceiling.hpc, pool_nodes))
        high = min(_or(self.ceiling.kubernetes, pool_nodes), pool_nodes - self.floor_of(Side.HPC, pool_nodes))
        if low > high:
            raise ValueError(
                f"the floors and ceilings of pool {self.name} leave no split of its {pool_nodes} nodes:"
                f" Kubernetes needs at least {low} and may have at most {high}"
            )
        return low, high


def nodes_apart(pools: tuple[PoolPolicy, ...]) -> list[Found]:
    """Where a node is in two pools, by its name on either side, or where it may be."""
    found: list[Found] = []
    owners: dict[tuple[Side, str], int] = {}
    for number, pool in enumerate(pools if len(pools) > 1 else ()):
        if pool.nodes is None:
            found.append(((number,), f"{pool.name} has every node, and there are other pools; give it nodes"))
            continue
        names = hosts(pool.nodes)
        if len(names) + len(owners) // 2 > NODES_MOST:
            return [*found, ((number, "nodes"), f"the pools have more than {NODES_MOST} nodes by then")]
        kubernetes = [pool.kubernetes_name.replace("{name}", name) for name in names]
        for side, key, its in ((Side.HPC, "nodes", names), (Side.KUBERNETES, "kubernetesName", kubernetes)):
            taken = [name for name in its if owners.setdefault((side, name), number) != number]
            if taken:
                what = taken[0] if len(taken) == 1 else f"{taken[0]} and {len(taken) - 1} more"
                other = owners[side, taken[0]]
                which = pools[other].name if pools[other].name != pool.name else f"number {other + 1}"
                advice = "leave each node to one pool"
                found.append(((number, key), f"{what} of pool {pool.name} also in pool {which}; {advice}"))
                break
    return found


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


class Takeover(Part):
    """One side gets many nodes for a while, on a schedule."""

    name: Annotated[str, _NAME] = Field(description="What the takeover is called in messages.")
    side: Side = Field(description="The side that gets the nodes.", strict=False)
    pool: Annotated[str, _NAME] = Field(description="The pool whose nodes it gets, by its name in pools.")
    nodes: Annotated[int | str, NODES_OR_ALL] = Field(
        description="How many nodes it gets; all are as many as the other side's floor leaves, where one is written."
    )
    schedule: Annotated[str, _SCHEDULE] = Field(
        description="When it begins: minute, hour, day of the month, month, day of the week."
    )
    time_zone: Annotated[str, _ZONE] = field("UTC", "The time zone of the schedule, such as Europe/Berlin.")
    duration: Annotated[int, lasting("1m", "30d")] = Field(description="How long it lasts.")
    grace: Annotated[int, lasting("0s", "4h")] = field(
        "30m", "How long after its hour the last node may come; then it is given up."
    )
    prepare: Annotated[int, lasting("1m", "30d")] = field(
        "4h",
        "How long before its hour nodes that the HPC side gives take only work that ends in time. Work whose limit ends"
        " after the hour by then, makes it infeasible.",
    )
