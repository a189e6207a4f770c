"""What nobody can serve, in plain sentences and for JSON."""

from __future__ import annotations

from collections.abc import Sequence

from models.nodes import Side
from models.unserved import Unserved
from simulator.outcome import Outcome

_CONSEQUENCE = {
    Side.HPC: "no split that the policy allows can run {them}, so {they} no demand",
    Side.KUBERNETES: "no policy can run {them}; {they} left out of all figures",
}


def sentence(one: Unserved) -> str:
    """``41 pods ask for more than a node of this pool has (…): no policy can run them; …``, without its stop."""
    them, they = ("it", "it is") if one.count == 1 else ("them", "they are")
    return f"{one.text}: {_CONSEQUENCE[one.side].format(them=them, they=they)}"


def left_out(outcomes: Sequence[Outcome]) -> tuple[Unserved, ...]:
    """What no policy of a comparison could serve: they all replay the same work, so any of them tells."""
    return outcomes[0].unserved if outcomes else ()


def plain(unserved: Sequence[Unserved]) -> list[dict[str, str | int | float]]:
    """One object for each side and reason, ready for JSON; ``nodes`` in node-equivalents."""
    return [
        {
            "side": one.side,
            "why": one.why,
            "count": one.count,
            "nodes": round(one.nodes, 6),
            "example": one.example,
        }
        for one in unserved
    ]
