"""The result in plain sentences, worked out from the figures, whichever way it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cli.report.figures import is_bound
from cli.report.numbers import percent, span
from cli.report.service_level import service_sentence
from simulator.outcome import Outcome

_SAME = 0.005  # Below half a per cent two costs are called the same: less is noise of the replay.


@dataclass(frozen=True, slots=True)
class Costs:
    """The unmet cost of each part in the comparison, in weighted node-hours; None where it was not replayed."""

    static: float | None
    reactive: float | None
    predictive: float | None
    oracle: float | None


def costs(outcomes: Sequence[Outcome]) -> Costs:
    """Who plays which part goes by the beginning of the policy's name; of several fixed splits the best one counts."""
    fixed = [cost for outcome in _playing(outcomes, "static") if (cost := outcome.value("unmet_cost")) is not None]
    return Costs(min(fixed, default=None), *(_cost(outcomes, part) for part in ("reactive", "predictive", "oracle")))


def foresight_gain(outcomes: Sequence[Outcome]) -> float | None:
    """The part that a forecast gained of what the oracle gains: (reactive − predictive) / (reactive − oracle).

    Of the unmet cost, 1 at most. Negative when the forecast made it worse than reacting. None without all three, when
    the oracle gains nothing, or when the forecast costs less than the oracle, which then is no measure.
    """
    part = costs(outcomes)
    if part.reactive is None or part.predictive is None or part.oracle is None or part.reactive <= part.oracle:
        return None
    gain = (part.reactive - part.predictive) / (part.reactive - part.oracle)
    return None if gain >= 1 + _SAME else min(1.0, gain)


def winner(outcomes: Sequence[Outcome]) -> str | None:
    """The policy that a site could run of the least cost of unmet demand, the first of several; None without a cost."""
    known = [
        (cost, place, outcome.policy)
        for place, outcome in enumerate(outcomes)
        if (cost := outcome.value("unmet_cost")) is not None and not is_bound(outcome.policy)
    ]
    return min(known)[2] if known else None


def splits(outcomes: Sequence[Outcome]) -> dict[str, dict[str, int]]:
    """How many nodes each side has, by the name of each policy that moves none."""
    return {
        one.policy: {"hpc": round(line.hpc_nodes[0]), "kubernetes": round(line.kubernetes_nodes[0])}
        for one in _playing(outcomes, "static")
        if len((line := one.timeline).times_s)
    }


def sentences(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """The verdict: up to three sentences that say how the comparison came out, that of the service level first.

    Terminal, page and JSON say the same.
    """
    level = service_sentence(outcomes)
    return (level, *_of_cost(outcomes)) if level else _of_cost(outcomes)


def _of_cost(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """What became of the cost, whichever way it went."""
    part = costs(outcomes)
    if part.predictive is None:
        return (_plain_ranking(outcomes),)
    pairs = ((part.static, _fixed_name(outcomes)), (part.reactive, "reacting"))
    changes = [_change(part.predictive, base, name) for base, name in pairs if base is not None]
    if not changes:
        return (_plain_ranking(outcomes),)
    lead = _who_won(part, _fixed_name(outcomes))
    first = f"{lead}Moving nodes ahead of load would have {_joined(changes)}{_killed(outcomes)}{_where(outcomes)}."
    second = _against_perfect(outcomes)
    return (first, second) if second else (first,)


def _who_won(part: Costs, fixed: str) -> str:
    """Said first where it was not the forecast: reacting before a fixed split that costs as much."""
    beats = _least(part)
    if part.predictive is None or beats is None or beats >= part.predictive * (1 - _SAME):
        return ""
    if beats == part.reactive:
        return "Reacting won here. "
    return f"{fixed[0].upper()}{fixed[1:]} won here. "


def _least(part: Costs) -> float | None:
    return min((cost for cost in (part.static, part.reactive) if cost is not None), default=None)


def _playing(outcomes: Sequence[Outcome], part: str) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.policy.lower().startswith(part)]


def _cost(outcomes: Sequence[Outcome], part: str) -> float | None:
    playing = _playing(outcomes, part)
    return playing[0].value("unmet_cost") if playing else None


def _fixed_name(outcomes: Sequence[Outcome]) -> str:
    fixed = _playing(outcomes, "static")
    said = " ".join(text for outcome in fixed for text in (outcome.policy, *outcome.notes)).lower()
    best = len(fixed) > 1 or "best" in said
    return "the best fixed split" if best else "the fixed split"


def _change(cost: float, base: float, name: str) -> tuple[str, str]:
    """What became of the cost, as verb and the rest."""
    if abs(cost - base) <= _SAME * max(base, 0.0):
        return "left", f"about the same as with {name}"
    if base <= 0:
        return "raised", f"from nothing against {name}"
    share = (base - cost) / base
    return ("cut" if share > 0 else "raised"), f"by {percent(abs(share))} against {name}"


def _joined(changes: Sequence[tuple[str, str]]) -> str:
    """The changes as one clause: what is alike is joined by "and", what differs by "but"."""
    (verb, rest), *others = changes
    text = f"{verb} the cost of unmet demand {rest}"
    for other_verb, other_rest in others:
        text += f" and {other_rest}" if other_verb == verb else f" but {other_verb} it {other_rest}"
        verb = other_verb
    return text


def _killed(outcomes: Sequence[Outcome]) -> str:
    killed = _playing(outcomes, "predictive")[0].value("killed")
    if killed is None:
        return ""
    return f", but would have killed {killed:,.0f} running jobs or pods" if killed else ", with no running work killed"


def _where(outcomes: Sequence[Outcome]) -> str:
    line = outcomes[0].timeline
    return f", over {span(line.length_s)} on {line.nodes:,} nodes" if len(line.times_s) > 1 else ""


def _against_perfect(outcomes: Sequence[Outcome]) -> str:
    """What somebody would have made of it who knew what came."""
    part, gain = costs(outcomes), foresight_gain(outcomes)
    if part.reactive is None or part.oracle is None:
        return ""
    if part.reactive <= part.oracle:
        return "Even with the future known reacting would not have been beaten here."
    most = percent((part.reactive - part.oracle) / part.reactive)
    perfect = f"With the future known it could have been cut by {most} against reacting"
    if gain is None:
        return f"{perfect}; the forecast did better than that: the oracle is no bound here."
    if gain < 0:
        return f"{perfect}, so there was something to gain, and this forecast did not gain it."
    won = _least(part)
    if won is not None and part.predictive is not None and won < part.predictive * (1 - _SAME):
        return f"{perfect}; of that the forecast gained {percent(gain)}, which was not enough."
    return f"{perfect}: the forecast captured {percent(gain)} of that gain."


def _plain_ranking(outcomes: Sequence[Outcome]) -> str:
    """Without the usual parts: who left the least."""
    known = [(cost, outcome.policy) for outcome in outcomes if (cost := outcome.value("unmet_cost")) is not None]
    if not known:
        return "There is no cost of unmet demand to compare by." if outcomes else "Nothing was replayed."
    cost, policy = min(known)
    amount = f"a cost of {cost:,.0f} weighted node-hours{_where(outcomes)}"
    if len(known) == 1:
        return f"The policy “{policy}” left unmet demand at {amount}."
    return f"Of {len(known)} policies “{policy}” left the least unmet demand: {amount}."
