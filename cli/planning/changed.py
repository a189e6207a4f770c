"""The same snapshot under a changed policy: what would be decided, and what the audit does not keep for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cli.planning.settings import Setting, with_settings
from controller.decide.bounds import bounds_by_step
from controller.decide.decide import decide
from controller.lead_times import LeadTimes
from models.audit import Decided
from models.errors import BadInput
from models.plans import Plan
from models.policies import Policy, Spec
from models.snapshot import Bounds

DECIDES = (("spec", "pools", 0), ("spec", "moves"))  # the parts of a policy that a decision is made by
APART = ("name", "nodes", "kubernetesName", "hooks")  # of a pool: they say which nodes, and that is decided before
NOT_HERE = (
    "{key} changes nothing of this: a decision goes by spec.moves and spec.pools[0], the pool of the plan; what else a"
    " policy says has its effect before or after it"
)
LEVEL = (*DECIDES[0], "kubernetes")  # a decision goes by the price that came of it
LEVEL_KEYS = ("unmetAtMost", "waitsAtMost")
OF_A_LEVEL = (
    "{key} changes nothing of this moment: the price of Kubernetes' unmet demand follows a service level only in"
    " service and in a replay; decided at the price in force, {price:g} (spec.pools[0].unmetCost sets another)"
)
KEPT_BOUNDS = (
    "how many nodes Kubernetes may have was bounded by more than the pool's floors and ceilings; of that only the"
    " outcome is kept, and it holds on"
)


@dataclass(frozen=True, slots=True)
class Changed:
    """The decision under the changed policy, and notes for whoever reads it."""

    entry: Decided
    notes: tuple[str, ...]


def changed(entry: Decided, settings: Sequence[Setting]) -> Changed:
    """Decide the recorded snapshot again with the settings put into the policy of then.

    The document has the pool of the plan as ``spec.pools[0]``. Raises BadInput when the policy is none any more.
    """
    was = Policy(spec=Spec(pools=(entry.pool,), moves=entry.moves))
    policy = with_settings(was.model_dump(mode="json", by_alias=True), settings)
    pool, moves = policy.spec.pools[0], policy.spec.moves
    notes = [NOT_HERE.format(key=_key(one)) for one in settings if not _matters(one)]
    price = pool.unmet_cost.kubernetes
    notes += [OF_A_LEVEL.format(key=_key(one), price=price) for one in settings if _is_level(one)]
    try:
        bounds, kept = _bounds(entry, was.spec, policy.spec)
    except ValueError as error:
        raise BadInput(str(error), where=", ".join(one.typed for one in settings)) from None
    snapshot = replace(entry.snapshot, bounds=bounds)
    if entry.snapshot.lead == LeadTimes(entry.moves.lead_time).current():
        snapshot = replace(snapshot, lead=LeadTimes(moves.lead_time).current())
    elif moves.lead_time != entry.moves.lead_time:
        notes.append("spec.moves.leadTime changes nothing of this: lead times had been learned by then")
    plan: Plan = replace(decide(snapshot, pool, moves), holds=entry.plan.holds)
    return Changed(Decided(entry.epoch, snapshot, pool, moves, plan), (*notes, *((KEPT_BOUNDS,) if kept else ())))


def _key(one: Setting) -> str:
    return one.typed.partition("=")[0]


def _is_level(one: Setting) -> bool:
    inside = one.path[: len(LEVEL)] == LEVEL
    return inside and (len(one.path) == len(LEVEL) or one.path[len(LEVEL)] in LEVEL_KEYS)


def _matters(one: Setting) -> bool:
    inside = any(one.path[: len(part)] == part for part in DECIDES)
    return inside and not (one.path[:3] == DECIDES[0] and len(one.path) > 3 and one.path[3] in APART)


def _bounds(entry: Decided, was: Spec, now: Spec) -> tuple[tuple[Bounds, ...], bool]:
    """The bounds of each step under the changed policy, and whether those of then had to be kept.

    Raises ValueError when the floors and ceilings leave no split.
    """
    then, nodes, at_s = entry.snapshot.bounds, len(entry.snapshot.nodes), entry.snapshot.now_s
    again = bounds_by_step(now.pools[0], now, nodes, at_s)
    if not then:
        return then, False
    if then == bounds_by_step(was.pools[0], was, nodes, at_s):
        return again, False
    return (*then, *(then[-1:] * len(again)))[: len(again)], True
