"""How many nodes pods need: first fit decreasing onto empty nodes of one shape, every resource counted.

Source: D. S. Johnson, "Near-optimal bin packing algorithms", 1973, with a node's resources as dimensions and a pod's
scarcest one as its size. Pods that ask for the same are packed as one, and so are nodes that have the same left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from math import ceil, inf

from connectors.kube.demand.need import Request
from connectors.kube.demand.pods import HOST_PORT
from connectors.kube.demand.requests import CPU, PODS

KINDS_MOST = 300  # different requests that are packed as they are; of more, amounts are rounded up to STEPS of a node
STEPS = 16
PORTS_MOST = 20  # ports of nodes that are heeded, those that most pods ask for: pods may name 65,535 of each protocol
OPEN_MOST = 100  # kinds of nodes with something left that a pod is tried on, the newest ones
Counts = Collection[tuple[Request, int]]
_Vector = tuple[int, ...]


def share(request: Request, shape: Request) -> float:
    """The part of a node that a request takes: its scarcest resource. Infinite for what a node has nothing of."""
    parts = [_part(name, amount, shape) for name, amount in request.items()]
    if PODS in shape:
        parts.append(_part(PODS, 1, shape))
    return max(parts, default=0.0)


def shares(counts: Counts, shape: Request) -> float:
    """The part of a node that several pods take together: their scarcest resource, in nodes."""
    total: dict[str, int] = {}
    pods = 0
    for request, count in counts:
        pods += count
        for name, amount in request.items():
            total[name] = total.get(name, 0) + amount * count
    return max([_part(name, amount, shape) for name, amount in total.items()]
               + [_part(PODS, pods, shape) if PODS in shape else 0.0])  # fmt: skip


def _part(name: str, amount: int, shape: Request) -> float:
    has = 1 if name.startswith(HOST_PORT) else shape.get(name, 0)
    return amount / has if has > 0 else inf


def too_large(request: Request, shape: Request) -> str:
    """What of the request a whole node has not enough of, in words; "" if it fits."""
    parts = [
        (_part(name, amount, shape), name) for name, amount in (*request.items(), (PODS, 1)) if _known(name, shape)
    ]
    part, name = max(parts, default=(0.0, ""))
    if part <= 1:
        return ""
    return f"it asks for {shown(name, request.get(name, 1))}, and a node offers {shown(name, shape.get(name, 0))}"


def _known(name: str, shape: Request) -> bool:
    return name != PODS or PODS in shape


def shown(name: str, amount: int) -> str:
    """An amount of a resource for people: ``1.5 cpu``, ``2 GiB of memory``, ``8 nvidia.com/gpu``."""
    if name == CPU:
        return f"{amount / 1000:g} cpu"
    if name == "memory" or name.startswith(("hugepages-", "ephemeral-storage")):
        return f"{amount / 2**30:.4g} GiB of {name}"
    return f"{amount} {name}"


def nodes_needed(counts: Counts, shape: Request) -> int:
    """How many empty nodes hold so many pods of each request, none of which is larger than a node.

    Never fewer than their scarcest resource takes, and never more than there are pods.
    """
    whole, kinds = _kinds(counts, shape)
    if len(kinds) > KINDS_MOST:
        kinds = _coarse(kinds, whole)
    bins: dict[_Vector, int] = {}
    sizes = {
        kind: max((part / has for part, has in zip(kind, whole, strict=True) if part), default=0) for kind in kinds
    }
    for kind in sorted(kinds, key=lambda kind: (-sizes[kind], kind)):
        left = _into_open(bins, kind, kinds[kind])
        if left:
            each = _fits(whole, kind)
            full, rest = divmod(left, each)
            _more(bins, whole, kind, each, full)
            _more(bins, whole, kind, rest, 1 if rest else 0)
    return sum(bins.values())


def _kinds(counts: Counts, shape: Request) -> tuple[_Vector, dict[_Vector, int]]:
    """A node, and pods by what they ask for, as vectors of the same resources."""
    asked: Counter[str] = Counter()
    for request, count in counts:
        asked.update(dict.fromkeys(request, count))
    ports = sorted((name for name, count in asked.items() if name.startswith(HOST_PORT) and count > 1),
                   key=lambda name: (-asked[name], name))  # fmt: skip
    others = {name for name, count in asked.items() if count and not name.startswith(HOST_PORT)}
    names = sorted({*others, *ports[:PORTS_MOST]} | ({PODS} & shape.keys()))
    whole = tuple(1 if name.startswith(HOST_PORT) else shape.get(name, 0) for name in names)
    kinds: dict[_Vector, int] = {}
    for request, count in counts:
        if count:
            kind = tuple(1 if name == PODS else request.get(name, 0) for name in names)
            if any(part > has for part, has in zip(kind, whole, strict=True)):
                raise ValueError(f"a pod is larger than a node: {too_large(request, shape)}")
            kinds[kind] = kinds.get(kind, 0) + count
    return whole, kinds


def _coarse(kinds: dict[_Vector, int], whole: _Vector) -> dict[_Vector, int]:
    """Fewer kinds, each as large as what it stands for or larger."""
    found: dict[_Vector, int] = {}
    for kind, count in kinds.items():
        rounded = tuple(
            min(has, ceil(ceil(part * STEPS / has) * has / STEPS)) if part else 0
            for part, has in zip(kind, whole, strict=True)
        )
        found[rounded] = found.get(rounded, 0) + count
    return found


def _into_open(bins: dict[_Vector, int], kind: _Vector, count: int) -> int:
    """Put pods onto nodes that have something left, those first that were opened first. How many pods are left."""
    for room in list(bins)[-OPEN_MOST:]:
        each = _fits(room, kind)
        if not each:
            continue
        nodes = bins[room]
        full, rest = divmod(min(count, each * nodes), each)
        used = full + (1 if rest else 0)
        if used == nodes:
            del bins[room]
        else:
            bins[room] = nodes - used
        _more(bins, room, kind, each, full)
        _more(bins, room, kind, rest, 1 if rest else 0)
        count -= full * each + rest
        if not count:
            break
    return count


def _fits(room: _Vector, kind: _Vector) -> int:
    """How many pods fit; a pod that takes nothing at all takes no room: as many as there are."""
    most = 2**31
    for part, has in zip(kind, room, strict=True):
        if part:
            if part > has:
                return 0
            most = min(most, has // part)
    return most


def _more(bins: dict[_Vector, int], room: _Vector, kind: _Vector, each: int, nodes: int) -> None:
    if nodes:
        left = tuple(has - part * each for part, has in zip(kind, room, strict=True))
        bins[left] = bins.get(left, 0) + nodes
