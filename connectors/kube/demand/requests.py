"""What a pod asks of a node, as the scheduler counts it.

Source: ``PodRequests`` of k8s.io/component-helpers/resource (1.37), with what the scheduler of 1.37 turns on by
default. Sums are taken in thousandths, as the API server keeps amounts, and rounded up at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from connectors.kube.demand.need import Request
from connectors.kube.demand.quantities import KEPT, milli
from connectors.kube.wire.meta import condition
from connectors.kube.wire.pods import Amounts, Container, ContainerStatus, Pod, PodSpec, PodStatus, Resources

CPU, MEMORY, PODS, HUGE = "cpu", "memory", "pods", "hugepages-"
_Sums = dict[str, int]
_Asked = Callable[[Container, ContainerStatus | None, bool], _Sums]


def request_of(pod: Pod) -> Request:
    """What the pod asks for: cpu in thousandths, all else in whole units, resources of which it asks nothing left out.

    For a pod that has a node this is the most of what it asks for, was allocated and has, which differ while it is
    resized. Raises ValueError for an amount that is none.
    """
    bound = bool(pod.spec.node_name)
    return _of(pod.spec, pod.status if bound else PodStatus())


def template_request(spec: PodSpec) -> Request:
    """What a pod of this template would ask for. Raises ValueError for an amount that is none."""
    return _of(spec, PodStatus())


@lru_cache(KEPT)
def interned(amounts: tuple[tuple[str, int], ...]) -> Request:
    """The request of these amounts: equal ones are the same object."""
    return MappingProxyType(dict(amounts))


def offered(allocatable: Amounts | None) -> Request:
    """What a node offers, from its allocatable amounts. Raises ValueError for an amount that is none."""
    return _rounded(_sums(allocatable))


def _of(spec: PodSpec, status: PodStatus) -> Request:
    infeasible = _infeasible(status)
    wanted = _containers(spec, status, _by_spec, infeasible=infeasible)
    given = _given(spec, status, infeasible=infeasible)
    request = given if infeasible else _most(wanted, given)
    request |= _of_pod_level(spec, status, wanted, infeasible=infeasible)
    _add(request, _sums(spec.overhead))
    return _rounded(request)


def _given(spec: PodSpec, status: PodStatus, *, infeasible: bool) -> _Sums:
    """What was allocated and what there is, by the pod's status or by its containers'."""
    now = status.resources.requests if status.resources else None
    if status.allocated_resources is not None and now is not None:
        return _most(_sums(status.allocated_resources), _sums(now))
    return _most(
        _containers(spec, status, _by_allocation, infeasible=infeasible),
        _containers(spec, status, _by_actual, infeasible=infeasible),
    )


def _infeasible(status: PodStatus) -> bool:
    """Whether kubelet refused the resize that is asked for, for good."""
    pending = condition(status.conditions, "PodResizePending")
    return pending is not None and pending.reason == "Infeasible"


def _of_pod_level(spec: PodSpec, status: PodStatus, containers: Mapping[str, int], *, infeasible: bool) -> _Sums:
    """What stands in the place of the containers' sum: cpu, memory and huge pages asked for by the pod as a whole.

    A pod with limits alone asks for what its containers do, and else for its limits.
    """
    if spec.resources is None:
        return {}
    asked = _supported(_sums(spec.resources.requests))
    limits = _supported(_sums(spec.resources.limits))
    if limits:
        asked = limits | {name: value for name, value in containers.items() if name in (CPU, MEMORY)} | asked
    if not asked:
        return {}
    if status.resources is None:
        return asked
    now = _most(_sums(status.resources.requests), _sums(status.allocated_resources))
    return _supported(now if infeasible else _most(asked, now))


def _supported(amounts: _Sums) -> _Sums:
    return {name: value for name, value in amounts.items() if name in (CPU, MEMORY) or name.startswith(HUGE)}


def _containers(spec: PodSpec, status: PodStatus, asked: _Asked, *, infeasible: bool) -> _Sums:
    """All containers together with the sidecars, or what the start of the pod needs at its highest, if that is more."""
    states = {one.name: one for one in (*(status.init_container_statuses or ()), *(status.container_statuses or ()))}
    total: _Sums = {}
    for container in spec.containers or ():
        _add(total, asked(container, states.get(container.name), infeasible))
    sidecars: _Sums = {}
    start: _Sums = {}
    for container in spec.init_containers or ():
        its = asked(container, states.get(container.name), infeasible)
        if container.restart_policy == "Always":
            _add(total, its)
            _add(sidecars, its)
            start = _most(start, sidecars)
        else:
            _add(its, sidecars)
            start = _most(start, its)
    return _most(total, start)


def _by_spec(container: Container, _status: ContainerStatus | None, _infeasible: bool) -> _Sums:
    return _requests(container.resources)


def _by_allocation(container: Container, status: ContainerStatus | None, infeasible: bool) -> _Sums:
    if status is not None and status.allocated_resources is not None:
        return _sums(status.allocated_resources)
    return {} if infeasible else _requests(container.resources)


def _by_actual(container: Container, status: ContainerStatus | None, infeasible: bool) -> _Sums:
    if status is not None and status.resources is not None and status.resources.requests is not None:
        return _sums(status.resources.requests)
    return _by_allocation(container, status, infeasible)


def _requests(resources: Resources | None) -> _Sums:
    """A limit without a request is the request, as the API server has it of pods but not of templates."""
    return {} if resources is None else _sums(resources.limits) | _sums(resources.requests)


def _sums(amounts: Amounts | None) -> _Sums:
    return {name: milli(amount) for name, amount in amounts.items()} if amounts else {}


def _add(total: _Sums, more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0) + amount


def _most(one: Mapping[str, int], other: Mapping[str, int]) -> _Sums:
    found = dict(one)
    for name, amount in other.items():
        if amount > found.get(name, -1):
            found[name] = amount
    return found


def _rounded(sums: Mapping[str, int]) -> Request:
    return interned(tuple(sorted((name, _whole(name, amount)) for name, amount in sums.items() if amount > 0)))


def _whole(name: str, amount: int) -> int:
    return amount if name == CPU else -(-amount // 1000)


def added(requests: Iterable[Request]) -> Request:
    """All of them together."""
    total: _Sums = {}
    for request in requests:
        _add(total, request)
    return interned(tuple(sorted(total.items())))
