"""``python -m tests.simulation SEED`` replays one world and tells its story; ``--minutes N`` or ``--handovers N``
searches worlds for one in which something happens that must not, and tells the shortest story of each."""

from __future__ import annotations

import argparse
import random
import sys
import time

from tests.simulation.observer import Violation
from tests.simulation.plan import Plan, plan_of
from tests.simulation.search import Found, search, shrink
from tests.simulation.story import Story
from tests.simulation.world import World

TELL_EVERY_S = 30


def main(words: list[str] | None = None) -> int:
    """0 when nothing went wrong, 1 when something did, 2 for wrong usage, 130 when interrupted."""
    asked = _parser().parse_args(words)
    try:
        if asked.seed is not None:
            return tell(plan_of(asked.seed), asked.node)
        return look_for(asked)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def tell(plan: Plan, node: str = "") -> int:
    """Run one plan and print what happened, as a person would tell it."""
    story = Story(node)
    world = World(plan, story)
    print(
        f"World {plan.seed}: {plan.nodes} nodes, {plan.processes} processes, {len(plan.events)} faults in"
        f" {plan.span_s // 60} minutes; turns every {plan.every_s} s, deadline {plan.deadline_s} s,"
        f" at most {plan.at_once} at once"
    )
    try:
        world.run()
    except Violation as violation:
        print(*story.lines, sep="\n")
        print(f"VIOLATION: {violation}")
        return 1
    print(*story.lines, sep="\n")
    done, cancelled, stuck = world.observer.ended.values()
    print(f"The end: {done} hand-overs done, {cancelled} cancelled, {stuck} stuck; nothing went wrong.")
    return 0


def look_for(asked: argparse.Namespace) -> int:
    """Search fresh worlds, or those from ``--from`` on; print the figures, and the shortest story of what failed."""
    first = asked.first if asked.first is not None else random.SystemRandom().randrange(10**9)
    began_s = told_s = time.monotonic()
    print(f"seeds from {first} on", flush=True)

    def goes_on(found: Found) -> bool:
        nonlocal told_s
        now_s = time.monotonic()
        if now_s - told_s >= TELL_EVERY_S:
            told_s = now_s
            print(f"{now_s - began_s:6.0f} s: {found}", file=sys.stderr, flush=True)
        if asked.handovers is not None:
            return found.handovers < asked.handovers
        return now_s - began_s < asked.minutes * 60

    found = search(range(first, first + 10**9), goes_on)
    took_s = time.monotonic() - began_s
    print(
        f"{found}; {took_s:.0f} s, {found.handovers / took_s:.0f} hand-overs/s on one core; seeds {first} to"
        f" {first + found.worlds - 1}"
    )
    for seed, violation in list((found.failed or {}).items())[:3]:
        short = shrink(plan_of(seed))
        print(f"\nseed {seed}: {violation}\nThe shortest plan that still fails has {len(short.events)} faults:")
        for event in short.events:
            print(f"  {event.at_s} s: {event.fault} (target {event.target}, amount {event.amount})")
        tell(short)
    return 1 if found.failed else 0


def more_than_nothing(text: str) -> float:
    """A number above zero."""
    number = float(text)
    if not number > 0:
        raise ValueError(text)
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("seed", nargs="?", type=int, help="replay this world and tell its story")
    what.add_argument("--minutes", type=more_than_nothing, help="search for so long")
    what.add_argument("--handovers", type=more_than_nothing, help="search until so many hand-overs have ended")
    parser.add_argument("--from", dest="first", type=int, help="the first seed of a search; fresh ones without it")
    parser.add_argument("--node", default="", help="of a story: only what happened to this node, and around it")
    return parser


if __name__ == "__main__":
    sys.exit(main())
