"""The same decision as the controller's, from the same view, and nothing is ever done of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from controller import safety
from controller.decide.decide import decide
from controller.heard_forecasts import sides_of
from controller.lead_times import LeadTimes
from controller.takeovers.telling import tell
from controller.takeovers.watch import TakeoverWatch
from controller.view import View
from models.audit import AuditLog, Decided
from models.errors import Unreachable, Unrecorded
from models.forecasts import Forecast
from models.handovers import Handover
from models.identity import PoolId
from models.nodes import HpcNode, KubernetesNode, Node, Side
from models.plans import Hold, Plan, Switch
from models.policies import ForecastPolicy, PoolPolicy, Spec
from models.reading import Source
from models.snapshot import Snapshot

NO_EPOCH = 0  # of a plan that nobody carries out


class Recommender:
    """Plans for one pool without leading, and so without writing anything to either side.

    ``holds`` is why the plan could not be carried out now, or why there is none. What is about hand-overs stays empty.
    """

    def __init__(
        self,
        hpc: Source[HpcNode],
        kubernetes: Source[KubernetesNode],
        identity: PoolId,
        pool: PoolPolicy,
        spec: Spec,
        clock: Callable[[], int],
        audit: AuditLog,
    ) -> None:
        self.holds: tuple[Hold, ...] = ()
        self.finished: list[Handover] = []
        self.open_handovers: tuple[Handover, ...] = ()
        self.stuck_handovers: tuple[Handover, ...] = ()
        self._scope = identity.scope
        self._pool = pool
        self._spec = spec
        self._moves = spec.moves
        self._safety = spec.safety
        self._clock = clock
        self._audit = audit
        self._view = View(hpc, kubernetes, spec.safety)
        self._lead = LeadTimes(spec.moves.lead_time)
        self._takeovers = TakeoverWatch(pool, spec, books=True)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes of the pool as they were last read."""
        return self._view.nodes

    @property
    def ages_s(self) -> Mapping[Side, float]:
        """How old what each side showed was when it last went into a plan."""
        return self._view.ages_s

    def turn(self, forecasts: Mapping[Side, Forecast], *, heard: bool = False) -> Plan | None:
        """What should move now; None when one side cannot be seen, or the audit cannot be written."""
        self.holds = ()
        try:
            return self._turn(forecasts, self._spec.forecast if heard else None)
        except Unreachable as error:
            self.holds = (Hold(Switch.UNREACHABLE, str(error)),)
        except Unrecorded as error:
            self.holds = (Hold(Switch.UNRECORDED, str(error)),)
        return None

    def watch(self) -> None:
        """Nothing: there is nothing under way."""

    def _turn(self, forecasts: Mapping[Side, Forecast], heard: ForecastPolicy | None) -> Plan:
        now_s = self._clock()
        self._view.read(now_s)
        snapshot = Snapshot(
            now_s=now_s,
            nodes=self._view.nodes,
            sides=sides_of(self._view, forecasts, heard),
            lead=self._lead.current(),
            open_handovers=(),
            moved_s={},
            recent_moves_s=(),
            scope=self._scope,
        )
        claims = self._takeovers.look(snapshot, ())
        tell(claims.news, now_s, NO_EPOCH, self._audit)
        snapshot = replace(snapshot, bounds=claims.bounds, due=claims.due)
        self.holds = (*safety.unready_holds(self._view.nodes, (), self._safety), *self._view.holds())
        plan = decide(snapshot, self._pool, self._moves)
        self._audit.append(Decided(NO_EPOCH, snapshot, self._pool, self._moves, plan))
        return plan
