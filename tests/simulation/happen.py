"""What each fault does to a world."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from models.leadership import Orders, Pause
from models.nodes import NodeShape, Side
from simulator.faulty import LOSS_WINDOW_S
from simulator.work import Pod
from tests.simulation.forgery import forged
from tests.simulation.plan import Event, Fault
from tests.simulation.process import Process

if TYPE_CHECKING:
    from tests.simulation.world import World

LESS = NodeShape(8000, 64_000, 3000)


def happen(world: World, event: Event) -> None:
    """Let the fault happen."""
    _HAPPENINGS[event.fault](world, event)
    world.settle()


def _process(world: World, event: Event) -> Process:
    return world.processes[event.target % len(world.processes)]


def _node(world: World, event: Event) -> int:
    return event.target % world.plan.nodes


def _name(world: World, event: Event) -> str:
    return world.machine.names[_node(world, event)]


def _crash(world: World, event: Event) -> None:
    _process(world, event).crash_in = event.amount


def _pause(world: World, event: Event) -> None:
    _process(world, event).pause_s = event.amount


def _slurm_crash(world: World, event: Event) -> None:
    saved_s = world.machine.now_s - event.target % (LOSS_WINDOW_S + 1)
    world.say(f"slurmctld is killed; it saved its state last {world.machine.now_s - saved_s} s ago")
    world.hpc_trouble.held.clear()
    world.forget_since(saved_s)
    _reboot(world, event.amount)


def _reboot(world: World, seconds: int) -> None:
    trouble = world.hpc_trouble
    trouble.down = True
    trouble.hung = False
    world.twin_hpc.booted = str(int(world.twin_hpc.booted) + 1)
    world.machine.hpc.changed.update(range(world.plan.nodes))
    boot = world.twin_hpc.booted

    def up() -> None:
        if world.twin_hpc.booted == boot:
            world.say("slurmctld is back")
            trouble.down = False

    world.after(seconds, up)


def _slurm_empty(world: World, event: Event) -> None:
    hpc = world.machine.hpc
    world.say("slurmctld restarts without its state: no drains, no reservations, no jobs")
    work = world.twin_hpc.demand().nodes
    for node in range(world.plan.nodes):
        world.observer.excuse(node)
        world.restore(node, None, None)
    for _, _, batch in list(hpc.running):
        hpc.finish(batch)
        batch.killed = True
    for batch in hpc.queue:
        hpc.forget_waiting(batch)
    hpc.queue.clear()
    world.journal.clear()
    world.hpc_trouble.held.clear()
    world.observer.lost(world.machine.now_s, work)
    _reboot(world, event.amount)


def _slurm_hang(world: World, event: Event) -> None:
    trouble = world.hpc_trouble
    if trouble.down or trouble.hung:
        return
    world.say(f"slurmctld hangs for {event.amount} s")
    trouble.hung = True

    def go_on() -> None:
        if trouble.hung:
            world.say(f"slurmctld goes on and does {len(trouble.held)} things it was asked for")
            world.working_off = True
            trouble.go_on()
            world.working_off = False
            world.settle()

    world.after(event.amount, go_on)


def _bits(event: Event) -> list[bool]:
    return [bool(event.target >> bit & 1) for bit in range(event.amount)]


def _hpc_timeout(world: World, event: Event) -> None:
    world.hpc_trouble.timeouts.extend(_bits(event))


def _kube_timeout(world: World, event: Event) -> None:
    world.kubernetes_trouble.timeouts.extend(_bits(event))


def _slow(event: Event) -> tuple[int, int]:
    first = event.target % (event.amount + 1)
    return first, event.amount - first


def _hpc_slow(world: World, event: Event) -> None:
    world.hpc_trouble.slow.append(_slow(event))


def _hpc_late(world: World, event: Event) -> None:
    world.hpc_trouble.late.append(event.amount)


def _kube_slow(world: World, event: Event) -> None:
    world.kubernetes_trouble.slow.append(_slow(event))


def _kube_late(world: World, event: Event) -> None:
    world.kubernetes_trouble.late.append(event.amount)


def _kube_down(world: World, event: Event) -> None:
    trouble = world.kubernetes_trouble
    if trouble.down:
        return
    world.say(f"the API server is away for {event.amount} s")
    trouble.down = True

    def up() -> None:
        trouble.down = False

    world.after(event.amount, up)


def _stale(world: World, event: Event) -> None:
    process = _process(world, event)
    lines = (process.hpc_line, process.kubernetes_line)
    world.say(f"{process.name} sees both sides {event.amount} s late for a minute")
    for line in lines:
        line.stale_s = event.amount

    def fresh() -> None:
        for line in lines:
            line.stale_s = 0

    world.after(60, fresh)


def _old_list(world: World, event: Event) -> None:
    line = _process(world, event).hpc_line
    line.bulk_age_s = event.amount

    def fresh() -> None:
        line.bulk_age_s = 0

    world.after(120, fresh)


def _admin_drain(world: World, event: Event) -> None:
    node = _node(world, event)
    world.say(f"a person drains {_name(world, event)}: broken fan")
    world.machine.hpc.drain(node, "broken fan")


def _admin_undrain(world: World, event: Event) -> None:
    node = _node(world, event)
    if world.machine.hpc.drained_by[node] is None:
        return
    world.say(f"a person undrains {_name(world, event)}")
    world.observer.excuse(node)
    world.machine.hpc.undrain(node)


def _admin_cordon(world: World, event: Event) -> None:
    node, kube = _node(world, event), world.machine.kube
    world.say(f"a person {'un' if kube.cordoned[node] else ''}cordons {_name(world, event)}")
    if kube.cordoned[node]:
        world.observer.excuse(node)
    kube.set_cordoned(node, not kube.cordoned[node])


def _admin_untaint(world: World, event: Event) -> None:
    node = _node(world, event)
    kube = world.machine.kube
    if kube.closed_by[node] is None:
        return
    world.say(f"a person removes the taint of {_name(world, event)}")
    world.observer.excuse(node)
    kube.set_closed(node, None)


def _admin_reserve(world: World, event: Event) -> None:
    node, hpc = _node(world, event), world.machine.hpc
    if hpc.booking[node] is None:
        world.say(f"a person reserves {_name(world, event)}")
        hpc.reserve(node, world.machine.now_s + 600, "maintenance")
        world.after(300, lambda: hpc.release(node) if (hpc.booking[node] or (0, ""))[1] == "maintenance" else None)


def _node_anew(world: World, event: Event) -> None:
    node = _node(world, event)
    world.say(f"the Kubernetes node {_name(world, event)} is made anew")
    world.observer.excuse(node)
    world.observer.forget(node)
    world.twin_kubernetes.make_anew(node)


def _node_death(world: World, event: Event) -> None:
    node, machine = _node(world, event), world.machine
    if node in world.dead:
        return
    world.say(f"{_name(world, event)} dies for {event.amount} s")
    world.dead.add(node)
    machine.fail_node(node)

    def revive() -> None:
        world.say(f"{_name(world, event)} is alive again")
        world.dead.discard(node)
        world.twin_kubernetes.ready_since_s[node] = machine.now_s
        machine.revive_node(node)
        world.settle()

    world.after(event.amount, revive)


def _less_hpc(world: World, event: Event) -> None:
    node = _node(world, event)
    world.say(f"{_name(world, event)} registers with fewer GPUs in Slurm")
    world.twin_hpc.offers[node] = LESS
    world.observer.lessened(node, Side.HPC)
    world.machine.hpc.changed.add(node)


def _less_kube(world: World, event: Event) -> None:
    node = _node(world, event)
    world.say(f"{_name(world, event)} registers with fewer GPUs in Kubernetes")
    world.twin_kubernetes.offers[node] = LESS
    world.observer.lessened(node, Side.KUBERNETES)
    world.machine.kube.changed.add(node)


def _lease_cut(world: World, event: Event) -> None:
    store = _process(world, event).store
    world.say(f"{_process(world, event).name} cannot reach the lease for {event.amount} s")
    store.cut = True

    def reach() -> None:
        store.cut = False

    world.after(event.amount, reach)


def _lease_timeout(world: World, event: Event) -> None:
    _process(world, event).store.timeouts.extend(_bits(event))


def _lease_deleted(world: World, event: Event) -> None:
    world.say("a person deletes the lease")
    world.store.lease = None
    if not any(process.leads for process in world.processes):
        world.observer.emptied = None  # nobody is left who knows what there was
        world.observer.begun.clear()


def _clock_jump(world: World, event: Event) -> None:
    process = _process(world, event)
    world.say(f"the wall clock of {process.name} jumps by {event.amount} s")
    world.observer.jumped = True
    process.wall_offset_s += event.amount


def _wake(world: World, event: Event) -> None:
    process = _process(world, event)
    for late_s in range(event.amount):
        world.after((late_s * event.target) % 5, process.wake)


def _pods_stay(world: World, event: Event) -> None:
    twin = world.twin_kubernetes
    twin.pods_stay = True

    def go() -> None:
        twin.pods_stay = False

    world.after(event.amount, go)


def _late_bind(world: World, event: Event) -> None:
    machine = world.machine
    kube, chosen = machine.kube, [node for node in range(world.plan.nodes) if machine.kube.open[node]]
    if not chosen:
        return
    node = chosen[event.target % len(chosen)]
    ident = -2_000_000 - event.target - 1000 * event.at_s
    pod = Pod(f"late{ident}", event.at_s, 10 + event.target % 50, 1000, 1000, 0)
    world.say(f"a pod is given {machine.names[node]}, and comes there {event.amount} s later")

    def come() -> None:
        if kube.absent[node]:
            world.after(5, come)  # once there is a kubelet again
            return
        world.say(f"the pod comes to {machine.names[node]}{', which refuses it' if kube.fenced[node] else ''}")
        if kube.closed_by[node] is None and machine.hpc.drained_by[node] is None:
            world.observer.excuse(node)  # a person's cordon alone closes it: there is no taint of ours to fence
        machine.bind_late(node, pod, ident)
        world.settle()

    world.after(event.amount, come)


def _forged_record(world: World, event: Event) -> None:
    node, twin = _node(world, event), world.twin_kubernetes
    text = forged(world, node, random.Random(f"{world.plan.seed}/{event}"))
    world.say(f"somebody writes a record on {_name(world, event)}: {text}")
    world.observer.forget(node)
    twin.scribble(node, text)

    def take_away() -> None:
        if twin.refresh()[_name(world, event)].record == text:
            world.say(f"the record on {_name(world, event)} is taken away")
            twin.scribble(node, None)

    world.after(event.amount, take_away)


def _long_pod(world: World, event: Event) -> None:
    kube = world.machine.kube
    group = kube.group(-1_000_000 - event.target - 1000 * event.at_s, (Pod("long", event.at_s, None, 1000, 1000, 0),))
    kube.submit(group)


def _audit_full(world: World, event: Event) -> None:
    audit = _process(world, event).audit
    world.say(f"the disk of {_process(world, event).name} is full for {event.amount} s")
    audit.full = True

    def free() -> None:
        audit.full = False

    world.after(event.amount, free)


def _person_pauses(world: World, event: Event) -> None:
    how = Pause.REVERT if event.target % 2 else Pause.FINISH
    lease = world.store.lease
    if lease is None:
        return
    world.say(f"a person pauses moves for {event.amount} s; open ones {how}")
    world.store.write(replace(lease, orders=Orders(how, lease.orders.resumes)))

    def resume() -> None:
        lease = world.store.lease
        if lease is not None:
            world.say("a person resumes moves")
            world.observer.emptied = None
            world.store.write(replace(lease, orders=Orders(None, lease.orders.resumes + 1)))

    world.after(event.amount, resume)


_HAPPENINGS: dict[Fault, Callable[[World, Event], None]] = {
    fault: globals()[f"_{fault.name.lower()}"] for fault in Fault
}
