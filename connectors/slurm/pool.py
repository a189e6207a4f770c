"""What a pool is: which nodes, of what size, in which partitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter

from connectors.slurm import amounts, wire
from connectors.slurm.constraints import Kind, kinds_of
from models.errors import BadInput
from models.hostlists import hosts
from models.nodes import NodeShape


@dataclass(frozen=True, slots=True)
class Pool:
    """The nodes that are looked at, the shape of most of them, the partitions that can start work on them.

    Partitions that a node has and Slurm does not list are hidden from us, and can start work all the same.

    ``whole`` are those partitions that give a job its nodes as a whole, ``of_users`` those where a node is of one user
    at a time, as far as they say so. ``closed`` are those of the pool's that start nothing: what waits there alone is
    no demand. ``kinds`` are the nodes by what jobs can insist on; ``gres`` and ``sockets`` those of most of the shape.
    """

    nodes: frozenset[str]
    shape: NodeShape
    partitions: frozenset[str]
    whole: frozenset[str]
    of_users: frozenset[str]
    closed: frozenset[str]
    kinds: tuple[Kind, ...]
    gres: str = ""
    sockets: int = 2


def shape_of(node: wire.Node) -> NodeShape | None:
    """What the node registered with; None where it did not say."""
    return _shape(node.cpus, node.real_memory, node.gres)


_sizes = attrgetter("cpus", "real_memory", "gres")


@lru_cache(maxsize=1024)
def _shape(cpus: int, memory_mib: int, gres: str) -> NodeShape | None:
    if cpus <= 0 or memory_mib <= 0:
        return None
    return NodeShape(cpus * 1000, memory_mib, int(amounts.gpus(gres)) * 1000)


def pool_of(names: frozenset[str] | None, nodes: Iterable[wire.Node], partitions: Iterable[wire.Partition]) -> Pool:
    """The pool of these names, or of every node. Raises BadInput when no node of it is known or tells its size."""
    present = {node.name: node for node in nodes if names is None or node.name in names}
    listed = list(partitions)
    told = {name for names in {node.partitions for node in present.values()} for name in names}
    here = [one for one in listed if one.name in told or not present.keys().isdisjoint(hosts(one.nodes.configured))]
    hidden = told - {partition.name for partition in listed}
    shape = _usual_shape(present.values())
    devices = Counter((node.gres, node.sockets) for node in present.values() if shape_of(node) == shape)
    gres, sockets = max(devices, key=lambda one: (devices[one], one))
    return Pool(
        nodes=frozenset(present),
        shape=shape,
        partitions=frozenset(partition.name for partition in here) | hidden,
        whole=frozenset(partition.name for partition in here if _gives_whole_nodes(partition)),
        of_users=frozenset(partition.name for partition in here if partition.partition.exclusive == "USER"),
        closed=frozenset(partition.name for partition in here if "UP" not in partition.partition.state),
        kinds=kinds_of(present.values()),
        gres=gres,
        sockets=sockets,
    )


def _usual_shape(nodes: Iterable[wire.Node]) -> NodeShape:
    """What most of the nodes have."""
    counts: Counter[NodeShape] = Counter()
    for sizes, count in Counter(map(_sizes, nodes)).items():
        if (shape := _shape(*sizes)) is not None:
            counts[shape] += count
    if not counts:
        raise BadInput("no node of the pool is known to Slurm, or none says how large it is")
    return max(counts, key=lambda shape: (counts[shape], shape.cpu_milli, shape.memory_mib, shape.gpu_milli))


def _gives_whole_nodes(partition: wire.Partition) -> bool:
    if partition.partition.exclusive is not None:
        return partition.partition.exclusive not in ("", "NO", "USER")
    return partition.maximums.shares == 0
