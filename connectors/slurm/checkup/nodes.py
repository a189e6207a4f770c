"""The nodes of each pool: whether Slurm has them, what keeps them from working, who drained and who reserved them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from connectors.checkup.format import cut, folded, moment, nodes, plain
from connectors.slurm import amounts, flags
from connectors.slurm.checkup.scontrol import scontrol
from connectors.slurm.checkup_wire import CheckupNode, CheckupReservation
from connectors.slurm.constraints import kinds_of
from connectors.slurm.names import booking_mark
from connectors.slurm.pool import shape_of
from models.errors import BadInput
from models.findings import Finding, skipped, warning, well, wrong
from models.handovers import MARK_PREFIX, of_tidegate
from models.hostlists import hosts
from models.pools import PoolPolicy

POOLS, STATES, DRAINS, RESERVATIONS = "slurm.nodes", "slurm.states", "slurm.drains", "slurm.reservations"
GIVEN = f"{MARK_PREFIX}initial"  # as a person says that a node is Kubernetes' before Tidegate begins
GROUPS_MOST = 20  # findings of a kind, one for each reason
LISTED_MOST = 10  # things in one finding

Pools = Sequence[PoolPolicy]


def of_pools(pools: Pools, seen: Mapping[str, CheckupNode]) -> dict[str, frozenset[str]]:
    """The nodes of each pool that Slurm has, by the pool's name."""
    return {pool.name: frozenset(seen) & (_named(pool) or frozenset(seen)) for pool in pools}


def pool_findings(pools: Pools, seen: Mapping[str, CheckupNode]) -> Iterator[Finding]:
    """Whether Slurm has the nodes that the policy names, enough of them, and of one size."""
    for pool in pools:
        yield from _pool(pool, seen)


def _pool(pool: PoolPolicy, seen: Mapping[str, CheckupNode]) -> Iterator[Finding]:
    try:
        named = _named(pool)
    except BadInput as error:
        yield wrong(POOLS, f"pool {pool.name}: {error}", "Mend its nodes in the policy.")
        return
    here = frozenset(seen) & (frozenset(seen) if named is None else named)
    missing = (named or frozenset()) - frozenset(seen)
    if missing:
        yield wrong(
            POOLS,
            f"pool {pool.name}: Slurm has no {nodes(missing)}",
            f"Mend nodes of pool {pool.name} in the policy; these are the names that Slurm has:",
            "sinfo --noheader --format=%N",
        )
    if not here:
        if not missing:
            yield wrong(POOLS, f"pool {pool.name}: Slurm shows no node at all", "See sinfo, and slurm.rights.")
        return
    try:
        pool.bounds(len(here))
    except ValueError as error:
        yield wrong(POOLS, str(error), "Lower floors or raise ceilings in the policy.")
    shapes = Counter(shape_of(seen[name]) for name in here)
    if len(shapes) > 1:
        usual = max(shapes, key=lambda shape: shapes[shape])
        others = [name for name in here if shape_of(seen[name]) != usual]
        yield warning(
            POOLS,
            f"pool {pool.name}: not of the size of the other {shapes[usual]}: {nodes(others)}; but the nodes of a pool"
            " are taken to replace one another",
            "Make a pool of its own for each kind of node.",
        )
    unlike = list(_unlike(pool, [seen[name] for name in sorted(here)]))
    yield from unlike
    if not unlike and len(shapes) == 1 and not missing:
        yield well(POOLS, f"pool {pool.name}: Slurm has all of its {len(here)} nodes ({cut(folded(here))})")


def _unlike(pool: PoolPolicy, here: Sequence[CheckupNode]) -> Iterator[Finding]:
    """Features and generic resources that jobs may insist on, and that only some of the nodes have."""
    has: Counter[str] = Counter()
    for kind in kinds_of(here):
        types = (f"{name}:{type_}" if type_ else name for name, type_, _ in amounts.gres(kind.gres))
        for what in {*kind.features, *types}:
            has[what] += len(kind.nodes)
    some = [f"{plain(what)} ({count} of {len(here)})" for what, count in sorted(has.items()) if count < len(here)]
    if some:
        more = f" and {len(some) - LISTED_MOST} more" if len(some) > LISTED_MOST else ""
        yield warning(
            POOLS,
            f"pool {pool.name}: only some of its nodes have {', '.join(some[:LISTED_MOST])}{more}; a job that asks for"
            " one of these counts, but any node of the pool may be moved for it",
            "Make a pool of its own for each kind of node that jobs ask for.",
        )


def state_findings(pool: Mapping[str, CheckupNode]) -> Iterator[Finding]:
    """Nodes that something but a drain keeps from working."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for node in pool.values():
        shown = flags.flags_of(node.state)
        if not flags.is_ready(shown):
            groups["+".join(sorted((shown - flags.HARMLESS) or shown)), _because(node)].append(node.name)
    for (bad, because), names in sorted(groups.items())[:GROUPS_MOST]:
        yield warning(
            STATES,
            f"{bad}: {nodes(names)}{because}",
            "They cannot move, and are counted as lost. Mend them; these are Slurm's reasons:",
            "sinfo --list-reasons",
        )
    yield from _more(STATES, len(groups))
    if not groups:
        yield well(STATES, f"all {len(pool)} nodes of the policy's pools are up")


def drain_findings(pool: Mapping[str, CheckupNode], leads: bool | None) -> Iterator[Finding]:
    """Who has drained which nodes; ``leads`` is whether a Tidegate runs that would give back what is its own."""
    drained = [node for node in pool.values() if flags.is_drained(flags.flags_of(node.state))]
    mine = [node for node in drained if of_tidegate(node.reason)]
    theirs: dict[tuple[str, str], list[CheckupNode]] = defaultdict(list)
    for node in drained:
        if not of_tidegate(node.reason):
            theirs[node.reason, node.reason_set_by_user].append(node)
    for (reason, user), some in sorted(theirs.items())[:GROUPS_MOST]:
        names = [node.name for node in some]
        yield warning(
            DRAINS,
            f"{nodes(names)} drained by {plain(user) or 'somebody'} since {_since(some)}:"
            f" {plain(reason) or 'no reason given'}",
            "Tidegate leaves such nodes alone; they are lost to both sides. When that is over:",
            scontrol("update", f"nodename={folded(names)}", "state=undrain"),
        )
    yield from _more(DRAINS, len(theirs))
    yield from _mine(mine, leads)
    if not drained:
        yield well(DRAINS, "no node is drained")
    late = [node.name for node in mine if node.resume_after.value]
    if late:
        yield wrong(
            DRAINS,
            f"ResumeAfter: Slurm itself takes back {nodes(late)} after a while, although Kubernetes may have them",
            "Take that back.",
            scontrol("update", f"nodename={folded(late)}", "resumeafter=-1"),
        )


def _mine(mine: Sequence[CheckupNode], leads: bool | None) -> Iterator[Finding]:
    if given := [node.name for node in mine if node.reason == GIVEN]:
        yield well(DRAINS, f"{nodes(given)} drained as Kubernetes' ({GIVEN})")
        mine = [node for node in mine if node.reason != GIVEN]
    if not mine:
        return
    names = [node.name for node in mine]
    marks = sorted({node.reason for node in mine})
    what = f"{nodes(names)} drained by Tidegate ({', '.join(marks[:3])}{' …' if len(marks) > 3 else ''})"
    what += f" since {_since(mine)}"
    if leads is not False:
        yield well(DRAINS, f"{what}: Kubernetes has them, or they are on their way")
        return
    yield warning(
        DRAINS,
        f"{what}, and no Tidegate runs here that moves nodes",
        "One that starts goes on with them. Without one, and only when no pod is on them, give them back:",
        scontrol("update", f"nodename={folded(names)}", "state=undrain"),
    )


def reservation_findings(pool: Mapping[str, CheckupNode], told: Sequence[CheckupReservation]) -> Iterator[Finding]:
    """The reservations over nodes of the pools."""
    found = [(one, sorted(set(hosts(one.node_list)) & set(pool))) for one in told]
    there = [(one, names) for one, names in found if names]
    for one, names in there[:GROUPS_MOST]:
        span = f"from {_at(one.start_time.value)} to {_at(one.end_time.value)}"
        if all(of_tidegate(booking_mark(name, one.name)) for name in names):
            yield well(RESERVATIONS, f"{plain(one.name)}, made by Tidegate, {span}: {nodes(names)}")
        else:
            who = plain(one.users or one.accounts) or "nobody in particular"
            yield warning(
                RESERVATIONS,
                f"{plain(one.name)} for {who}, {span}: {nodes(names)}",
                "Tidegate leaves these nodes alone as long as there is the reservation.",
                scontrol("show", "reservation", one.name),
            )
    yield from _more(RESERVATIONS, len(there))
    if not there:
        yield well(RESERVATIONS, "no reservation is over a node of the policy's pools")


def overlap_findings(pools: Pools) -> Iterator[Finding]:
    """Nodes that the policy gives to two pools."""
    check = "policy.pools"
    whole = [pool.name for pool in pools if pool.nodes is None]
    if whole and len(pools) > 1:
        yield wrong(
            check,
            f"pool {whole[0]} names no nodes, so it has every node, and those of the other pools twice",
            "Give each pool its nodes.",
        )
        return
    owners: dict[str, list[str]] = defaultdict(list)
    for pool in pools:
        try:
            for name in _named(pool) or ():
                owners[name].append(pool.name)
        except BadInput as error:
            yield skipped(check, f"pool {pool.name}: {error}", "Mend its nodes in the policy.")
            return
    twice: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, its in owners.items():
        if len(its) > 1:
            twice[tuple(its)].append(name)
    for those, names in sorted(twice.items())[:GROUPS_MOST]:
        yield wrong(check, f"{nodes(names)} in pools {' and '.join(those)}", "Leave each node to one pool.")
    yield from _more(check, len(twice))
    if not twice:
        yield well(check, f"{len(pools)} pool{'s' if len(pools) > 1 else ''}, and no node is in two")


def _more(check: str, groups: int) -> Iterator[Finding]:
    """That not all was told, where it was not."""
    if groups > GROUPS_MOST:
        yield warning(check, f"and {groups - GROUPS_MOST} more like these", "Mend these, and look again.")


def _named(pool: PoolPolicy) -> frozenset[str] | None:
    """The nodes that the pool names, None for every node. Raises BadInput."""
    return None if pool.nodes is None else frozenset(hosts(pool.nodes))


def _because(node: CheckupNode) -> str:
    by = f" ({plain(node.reason_set_by_user)})" if node.reason_set_by_user else ""
    return f": {plain(node.reason)}{by}" if node.reason else ""


def _since(some: Sequence[CheckupNode]) -> str:
    return _at(min((node.reason_changed_at.value or 0 for node in some), default=0))


def _at(at_s: int | None) -> str:
    return moment(at_s) if at_s else "a time that is not told"
