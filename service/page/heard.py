"""What the bus has told: the newest of each thing, and of demand and ownership what came before, in bounded memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TypeVar

from models.events import Event, Latest, Planned, Topic
from models.forecasts import Forecast
from models.handovers import Handover
from models.nodes import HpcNode, KubernetesNode, Node, Side
from service.page.history import SideHistory, Track, owned_by

TOPICS = (Topic.PLANS, Topic.FORECASTS, Topic.HANDOVERS, Topic.NODES)
POOLS_MOST = 200  # on one bus: what is told of more is not shown
SAMPLE_S = 60  # charts are drawn anew when they change: that takes a browser longer than to read them
BOTH, MOVING, NOBODY = "both", "moving", "nobody"

Told = TypeVar("Told")


class Heard:
    """The newest of each key, and the history of each pool, by the pool's key: its site's name, a slash, its own."""

    def __init__(self) -> None:
        self.sides: dict[tuple[str, Side], SideHistory] = {}
        self.owned: dict[str, Track] = {}
        self._latest = Latest()
        self._sampled_s = -SAMPLE_S
        self._nodes: dict[str, dict[str, dict[Side, HpcNode | KubernetesNode]]] = defaultdict(dict)

    def take(self, event: Event) -> None:
        """Take in one event; a late one, or a second delivery, changes nothing."""
        pool, _, rest = _pool_of(event)
        if pool not in self.owned and len(self.owned) >= POOLS_MOST:
            return
        if not self._latest.take(event):
            return
        track = self.owned.setdefault(pool, Track())
        payload = event.payload
        if isinstance(payload, Forecast):
            self.sides.setdefault((pool, payload.side), SideHistory()).take(payload)
        elif isinstance(payload, Planned):
            track.take(payload.plan.at_s, owned_by(payload.plan, payload.left_out))
        elif event.topic is Topic.NODES:
            self._take_node(pool, rest, event)

    def events(self) -> list[Event]:
        """The newest event of each key but those of nodes."""
        return [event for event in self._latest.state.values() if event.topic is not Topic.NODES]

    def pools(self) -> list[str]:
        """The keys of the pools that something was told of."""
        return sorted(self.owned)

    def told(self, pool: str, kind: type[Told]) -> Iterator[tuple[Event, Told]]:
        """What was last told of that kind, by key."""
        mine = (one for one in self.events() if _pool_of(one)[0] == pool)
        ordered = sorted(mine, key=lambda one: one.key)
        return ((event, event.payload) for event in ordered if isinstance(event.payload, kind))

    def owners(self, pool: str, now_s: int) -> dict[str, list[str]]:
        """The names of the pool's nodes by who may start work on them, those that only one side shows left out.

        A loan's node is still the HPC side's before its date.
        """
        told = (one for _, one in self.told(pool, Handover))
        open_on = {one.node for one in told if not (one.stage.finished or one.awaits_date(now_s))}
        found: dict[str, list[str]] = defaultdict(list)
        for name, seen in self._nodes.get(pool, {}).items():
            found[_owner(name, seen, open_on)].append(name)
        found.pop("", None)
        return found

    def sample(self, now_s: int) -> None:
        """Note who has how many nodes, once a minute: plans tell it of the time before, and mode observe has none."""
        if now_s - self._sampled_s < SAMPLE_S:
            return
        self._sampled_s = now_s
        for pool, track in self.owned.items():
            counts = {owner: len(names) for owner, names in self.owners(pool, now_s).items()}
            if counts:
                hpc, kubernetes = counts.pop(Side.HPC, 0), counts.pop(Side.KUBERNETES, 0)
                track.take(now_s, (float(hpc), float(kubernetes), float(sum(counts.values()))))

    def _take_node(self, pool: str, rest: str, event: Event) -> None:
        side, _, name = rest.partition("/")
        seen = self._nodes[pool].setdefault(name, {})
        if isinstance(event.payload, HpcNode | KubernetesNode):
            seen[Side(side)] = event.payload
            return
        seen.pop(Side(side), None)
        if not seen:
            del self._nodes[pool][name]


def _owner(name: str, seen: dict[Side, HpcNode | KubernetesNode], in_handover: set[str]) -> str:
    hpc, kubernetes = seen.get(Side.HPC), seen.get(Side.KUBERNETES)
    if not (isinstance(hpc, HpcNode) and isinstance(kubernetes, KubernetesNode)):
        return ""
    if name in in_handover:
        return MOVING
    node = Node(name, hpc, kubernetes)
    return BOTH if node.breached else node.owner or NOBODY


def _pool_of(event: Event) -> tuple[str, str, str]:
    """The key of the event's pool, a slash, and the rest of its own key."""
    site, _, rest = event.key.partition("/")
    pool, slash, rest = rest.partition("/")
    return f"{site}/{pool}", slash, rest
