"""One hand-over and its node: taken step by step by the product's ``step``, ``carry_out`` and ``learn``."""

from __future__ import annotations

from dataclasses import dataclass, replace

from controller.handover.carry_out import Ports, carry_out, drain_together
from controller.handover.look import Rules
from controller.handover.record import encode
from controller.handover.step import learn, step
from models.acts import Act, Outcome, Verb
from models.errors import Unreachable
from models.handovers import Direction, Handover, Stage, Why
from models.nodes import KubernetesNode, Node, Side
from tests.controller.fleet import OLD_MARK, SHAPE, Fault, Fleet, Machine

SETTLE_S = 6
DEADLINE_S = 1000
FIT_S = 300
READY_S = 10
LANDS_S = 30
RULES = Rules(
    settle_s=dict.fromkeys(Side, SETTLE_S), deadline_s=DEADLINE_S, lands_s=LANDS_S, ready_s=READY_S, fit_s=FIT_S
)
MARK = "tidegate:p1"
FOREIGN = "maintenance"
UP, DOWN = Direction.TO_KUBERNETES, Direction.TO_HPC
OPENER = {UP: Verb.OPEN, DOWN: Verb.UNDRAIN}
S = Stage
UNFINISHED = {
    UP: (S.PLANNED, S.RESERVED, S.DRAINING, S.DRAINED, S.SETTLED, S.OPENING, S.CANCELLING),
    DOWN: (S.PLANNED, S.DISCOURAGED, S.CLOSED, S.EMPTYING, S.EMPTY, S.SETTLED, S.OPENING, S.CANCELLING),
}
STAGES = [(direction, stage) for direction, stages in UNFINISHED.items() for stage in stages]
BOOK_FROM_S = 200


def ask(act: Act, handover: Handover, record: str, seen: KubernetesNode, ports: Ports) -> Outcome | None:
    """As the driver does: what is to be drained goes together, here a single one; all else by itself."""
    if act.verb is not Verb.DRAIN:
        return carry_out(act, handover, record, seen, ports)
    said = drain_together(act.mark, [act.node], ports)
    return None if said is None else said[act.node]


class Play:
    """``to(now_s)`` takes the hand-over as far as what is seen at that second allows.

    After every act it is checked that we did not open a node to both sides. ``meddled`` says that somebody else has
    just changed the node, who may open whatever he likes.
    """

    def __init__(self, direction: Direction, rules: Rules = RULES, **node: object) -> None:
        closed = {"closed": OLD_MARK} if direction is UP else {"drain": OLD_MARK}
        self.fleet = Fleet(n1=Machine(**{**closed, **node}))
        self.machine = self.fleet.machines["n1"]
        self.rules = rules
        self.handover = Handover(
            "h1", "p1", "n1", direction, Stage.PLANNED, 0, 0, rules.deadline_s, expects=SHAPE, leaves=SHAPE, uid="u1"
        )
        self.stages = [Stage.PLANNED]

    def change(self, **facts: object) -> Play:
        for name, value in facts.items():
            assert hasattr(self.handover, name)
            self.handover = replace(self.handover, **{name: value})
        return self

    def set(self, **facts: object) -> Play:
        for name, value in facts.items():
            assert hasattr(self.machine, name)
            setattr(self.machine, name, value)
        return self

    def fail(self, verb: Verb, *faults: Fault) -> Play:
        self.fleet.faults[verb].extend(faults)
        return self

    def node(self) -> Node:
        return self.fleet.node()

    def once(self, now_s: int) -> bool:
        """One step, and every act of it until one is not done; whether another step may find more to do."""
        self.fleet.clock.now_s = now_s
        node, before = self.node(), self.handover
        self.handover, acts = step(before, node, now_s, self.rules)
        if self.handover.stage is not self.stages[-1]:
            self.stages.append(self.handover.stage)
        for act in acts:
            if act.verb is Verb.NOTE and node.kubernetes.record == encode(self.handover):
                continue
            outcome = self.carry_out(act, node)
            self.handover = learn(self.handover, act, outcome, now_s)
            if outcome is not Outcome.DONE:
                return False
        return self.handover is not before or self.node() != node

    def carry_out(self, act: Act, node: Node) -> Outcome:
        was_breached = self.node().breached
        try:
            outcome = ask(act, self.handover, encode(self.handover), node.kubernetes, self.fleet.ports())
        except Unreachable:
            outcome = Outcome.UNKNOWN
        assert was_breached or not self.node().breached, f"{act} opened the node to both sides"
        assert outcome is not None
        return outcome

    def to(self, now_s: int) -> Stage:
        """Until it has ended, nothing changes any more, or an act was not done: then it is asked for again later."""
        for _ in range(30):
            if self.handover.stage.finished or not self.once(now_s):
                return self.handover.stage
        raise AssertionError(f"does not come to rest in {self.handover.stage}")

    def through(self, *seconds: int) -> Stage:
        for now_s in seconds:
            self.to(now_s)
        return self.handover.stage

    def cancel(self, why: Why = Why.NOT_WANTED) -> Play:
        return self.change(why=why)

    @property
    def acts(self) -> list[tuple[Verb, str]]:
        """What was asked of the schedulers, the notes left out."""
        return [(act.verb, act.mark) for act in self.fleet.asked if act.verb is not Verb.NOTE]

    @property
    def verbs(self) -> list[Verb]:
        return [verb for verb, _ in self.acts]

    @property
    def open_sides(self) -> tuple[bool, bool]:
        """Whether HPC is not drained, and whether Kubernetes is not closed."""
        return self.machine.drain is None, self.machine.closed is None


def up(rules: Rules = RULES, **node: object) -> Play:
    return Play(UP, rules, **node)


def down(rules: Rules = RULES, **node: object) -> Play:
    return Play(DOWN, rules, **node)


@dataclass(frozen=True)
class Way:
    """How a play comes to rest in a stage: what the node is like, at which seconds it is stepped, and what fails."""

    node: dict[str, object]
    seconds: tuple[int, ...]
    faults: tuple[tuple[Verb, Fault], ...] = ()
    handover: tuple[tuple[str, object], ...] = ()
    cancelled: bool = False


NOT_SO = Fault.TIMED_OUT
WAYS: dict[tuple[Direction, Stage], Way] = {
    (UP, S.PLANNED): Way({}, ()),
    (UP, S.RESERVED): Way({"busy": True}, (0,), handover=(("reserve_from_s", BOOK_FROM_S),)),
    (UP, S.DRAINING): Way({"busy": True}, (0,)),
    (UP, S.DRAINED): Way({}, (0,)),
    (UP, S.SETTLED): Way({"kubernetes_ready": False}, (0, SETTLE_S)),
    (UP, S.OPENING): Way({"opens_slowly": True}, (0, SETTLE_S)),
    (UP, S.CANCELLING): Way({"busy": True, "pods": 1}, (0,), cancelled=True),
    (DOWN, S.PLANNED): Way({}, ()),
    (DOWN, S.DISCOURAGED): Way({}, (0,), ((Verb.DISCOURAGE, NOT_SO),)),
    (DOWN, S.CLOSED): Way({}, (0,), ((Verb.CLOSE, NOT_SO),)),
    (DOWN, S.EMPTYING): Way({"pods": 1}, (0,)),
    (DOWN, S.EMPTY): Way({}, (0,)),
    (DOWN, S.SETTLED): Way({"hpc_ready": False}, (0, SETTLE_S)),
    (DOWN, S.OPENING): Way({"opens_slowly": True}, (0, SETTLE_S)),
    (DOWN, S.CANCELLING): Way({"pods": 1, "busy": True}, (0,), cancelled=True),
}


def at(direction: Direction, stage: Stage, rules: Rules = RULES) -> Play:
    """A play that has come to rest in the stage, at second ``SETTLE_S`` at the latest."""
    way = WAYS[direction, stage]
    play = Play(direction, rules, **way.node).change(**dict(way.handover))
    for verb, fault in way.faults:
        play.fail(verb, fault)
    play.through(*way.seconds)
    if way.cancelled:
        play.cancel().to(0)
    assert play.handover.stage is stage, f"the way to {stage} leads to {play.handover.stage}"
    play.fleet.asked.clear()
    return play
