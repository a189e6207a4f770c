"""Comparing policies on one world: each replay runs apart from the others, and the result does not depend on how
many there are."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.queues import Queue
from queue import Empty
from types import MappingProxyType

from controller.whatif.moving import TooSlow
from models.audit import AuditLog
from simulator.flat.replay import FlatReplay, not_flat
from simulator.oracle import replay_oracle
from simulator.outcome import Outcome
from simulator.replay import DataPath, Replay
from simulator.static import best_split, replay_static, replay_static_before, run_fixed
from simulator.unserved import unserved_of
from simulator.world import Progress, World, quiet

TIDIED_S = 30  # what a process may take to let go of what it has open
BY_COST = (
    "oracle",
    "predictive",
    "static",
    "perfect",
    "persistence",
    "reactive",
    "static-before",
)  # the longest first, so that processes end together
Watch = Callable[[str, float], None]
OpenAudit = Callable[[], AbstractContextManager[AuditLog]]  # goes to the process that replays, so it can be pickled
OpenPath = Callable[[str], AbstractContextManager[DataPath]]  # for a policy by its name; can be pickled, too

_told: Queue[tuple[str, float]] | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One replay of several: a policy of ``BY_COST`` on a world, see ``replay``."""

    world: World
    policy: str
    open_audit: OpenAudit | None = None
    open_path: OpenPath | None = None


@dataclass(frozen=True, slots=True)
class _Told:
    """Progress of one replay, told to the parent process in whole percents."""

    name: str

    def __call__(self, part: float) -> None:
        if _told is not None:
            _told.put((self.name, part))


def replay(
    world: World,
    name: str,
    progress: Progress = quiet,
    open_audit: OpenAudit | None = None,
    open_path: OpenPath | None = None,
) -> Outcome:
    """Replay one of ``BY_COST`` in this process.

    A policy that moves nodes can have its audit written, and its forecasts made at the far end of a data path. With
    neither, and in a world that can be laid flat, the flat twin replays it: the outcome is the same. The oracle is a
    choice among whole replays: it has no audit, and no forecast of it comes over a path.
    """
    if name == "oracle":
        return replay_oracle(world, replay, progress)
    if name == "static":
        return replay_static(world, progress)
    if name == "static-before":
        return replay_static_before(world)
    if open_audit is None and open_path is None and not_flat(world) is None:
        with suppress(TooSlow):
            return replay_flat(world, name, progress)
    return replay_plain(world, name, progress, open_audit, open_path)


def replay_flat(world: World, name: str, progress: Progress = quiet) -> Outcome:
    """Replay a policy that has a forecaster on the flat twin, in a world that ``not_flat`` has nothing against.

    Raises TooSlow where a node would be stuck, which only the plain twin knows.
    """
    from simulator.forecasters import forecaster_for  # noqa: PLC0415 - scikit-learn takes a second to import

    return FlatReplay(world, name, lambda machine, present: forecaster_for(name, world, machine, present)).run(progress)


def replay_plain(
    world: World,
    name: str,
    progress: Progress = quiet,
    open_audit: OpenAudit | None = None,
    open_path: OpenPath | None = None,
) -> Outcome:
    """Replay a policy that has a forecaster on the plain twin, by the very controller that a service runs."""
    from simulator.forecasters import forecaster_for  # noqa: PLC0415 - scikit-learn takes a second to import

    with ExitStack() as stack:
        audit = stack.enter_context(open_audit()) if open_audit is not None else None
        path = stack.enter_context(open_path(name)) if open_path is not None else None
        return Replay(world, name, lambda machine: forecaster_for(name, world, machine), audit, path).run(progress)


def simulate_hpc(world: World) -> Outcome:
    """The plain simulation of the HPC scheduler with the whole machine and nothing else."""
    fixed = run_fixed(world, 0)
    return Outcome(
        policy=world.discipline,
        figures=fixed.figures(world),
        timeline=fixed.timeline(),
        unserved=unserved_of(world),
    )


def with_span(world: World) -> World:
    """The world with a known end: where there was none, the end of the plain simulation with as much HPC as allowed."""
    if world.span_s is not None:
        return world
    return replace(world, span_s=run_fixed(world, world.bounds[0]).machine.now_s)


def with_beginning(world: World) -> World:
    """The world with the split at which all its replays begin: the one that was best in the period before, which its
    site could have had; where nobody knows that period, as it is."""
    if world.before is None or world.kubernetes_nodes_first is not None:
        return world
    earlier = replace(world, workload=world.before, before=None)
    return replace(world, kubernetes_nodes_first=best_split(earlier, quiet).nodes, before=None)


def compare(
    world: World,
    names: tuple[str, ...],
    *,
    processes: int | None = None,
    watch: Watch | None = None,
    audits: Mapping[str, OpenAudit] = MappingProxyType({}),
    open_path: OpenPath | None = None,
) -> list[Outcome]:
    """Replay every policy of ``names`` on the same world; outcomes in the order of ``names``.

    ``watch(name, part)`` hears of progress between 0 and 1. ``audits`` says, by policy, where its audit goes;
    ``open_path`` gives each policy that has a forecaster a data path of its own. On Ctrl-C the processes are ended and
    the interrupt goes on.
    """
    world, outcomes = with_beginning(with_span(world)), dict[str, Outcome]()
    tasks = {name: Task(world, name, audits.get(name), open_path) for name in names}
    replay_all(tasks, outcomes.__setitem__, processes=processes, watch=watch)
    return [outcomes[name] for name in names]


def replay_all(
    tasks: Mapping[str, Task],
    done: Callable[[str, Outcome], None],
    *,
    processes: int | None = None,
    watch: Watch | None = None,
) -> None:
    """Replay every task; ``done`` is told of each by its name as it ends, and ``watch`` of its progress.

    On Ctrl-C the processes are ended and the interrupt goes on; what was told of as done is.
    """
    processes = min(processes or os.cpu_count() or 1, len(tasks))
    if processes > 1:
        _replay_in_processes(tasks, done, processes, watch or (lambda *_: None))
        return
    for name, task in tasks.items():
        done(name, replay(task.world, task.policy, _watcher(watch, name), task.open_audit, task.open_path))


def _watcher(watch: Watch | None, name: str) -> Progress:
    return quiet if watch is None else lambda part: watch(name, part)


def _replay_in_processes(
    tasks: Mapping[str, Task], done: Callable[[str, Outcome], None], processes: int, watch: Watch
) -> None:
    context = multiprocessing.get_context("spawn")
    told: Queue[tuple[str, float]] = context.Queue()
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin_worker, initargs=(told, TIDIED_S))
    try:
        with _interrupts_held():
            futures = {
                pool.submit(_replay_told, name, tasks[name]): name
                for name in sorted(tasks, key=lambda name: BY_COST.index(tasks[name].policy))
            }
        _wait_for(futures, told, watch, done)
    except BaseException:
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        told.close()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait until the processes are there, which the parent ends then.

    The processes inherit that they do not hear Ctrl-C; SIGTERM is what they are ended with. Another thread of the
    parent (the progress bar's) may take the signal: then it is the handler that keeps it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept: list[int] = []
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    before = {
        number: signal.signal(number, lambda number, _: kept.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    if kept:
        signal.raise_signal(kept[0])


def _wait_for(
    futures: Mapping[Future[Outcome], str],
    told: Queue[tuple[str, float]],
    watch: Watch,
    done: Callable[[str, Outcome], None],
) -> None:
    open_ones = set(futures)
    while open_ones:
        ended, open_ones = wait(open_ones, timeout=0.2, return_when=FIRST_COMPLETED)
        for future in ended:
            done(futures[future], future.result())
        while True:
            try:
                watch(*told.get_nowait())
            except Empty:
                break


def _begin_worker(told: Queue[tuple[str, float]], tidied_s: int) -> None:
    global _told, TIDIED_S
    _told, TIDIED_S = told, tidied_s
    signal.signal(signal.SIGTERM, _end_worker)


def _end_worker(*_: object) -> None:
    """What is open is let go of first; the executor sends a second signal meanwhile, which must not hinder that.

    Where this cannot be raised, or that takes too long, the alarm ends the process.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.alarm(TIDIED_S)
    sys.exit(1)


def _replay_told(name: str, task: Task) -> Outcome:
    try:
        return replay(task.world, task.policy, _Told(name), task.open_audit, task.open_path)
    except SystemExit:
        os._exit(1)  # an ordinary end would let this process go on with the next replay
