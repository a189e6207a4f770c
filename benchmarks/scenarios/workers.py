"""Running what is not kept yet, on all cores: processes of this machine, or Dask's workers."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.scenarios.runs import Result, run
from benchmarks.scenarios.store import Store, key
from models.errors import BadInput
from simulator.world import World

HERE = "here"  # Dask's workers are processes of this machine


@dataclass(frozen=True, slots=True)
class Wanted:
    """A run that somebody wants, and what to call it."""

    name: str
    world: World
    policy: str


def results(wanted: Sequence[Wanted], store: Store, executor: Executor, tell: Callable[[str], None]) -> list[Result]:
    """The result of each, in their order: what is kept is not run again, what is run is kept at once."""
    keys = [key(one.world, one.policy) for one in wanted]
    known = {name: store.get(name) for name in dict.fromkeys(keys)}
    missing = {name: one for name, one in zip(keys, wanted, strict=True) if known[name] is None}
    tell(f"{len(known)} runs, {len(known) - len(missing)} of them kept from before")
    futures = {executor.submit(run, one.world, one.policy): (name, one) for name, one in missing.items()}
    begun_s = time.monotonic()
    for done, future in enumerate(as_completed(futures), start=1):
        name, one = futures[future]
        known[name] = result = future.result()
        store.put(name, result)
        left_s = (time.monotonic() - begun_s) / done * (len(futures) - done)
        tell(f"{done}/{len(futures)} {one.name}: {result.cpu_s:.1f} s of CPU; about {left_s / 60:.0f} min left")
    return [found for name in keys if (found := known[name]) is not None]


@contextmanager
def processes(count: int | None) -> Iterator[Executor]:
    """So many processes of this machine, as many as it has cores for None; on Ctrl-C they are ended."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count or os.cpu_count() or 1, mp_context=context, initializer=_hear_no_interrupt)
    try:
        yield pool
    except BaseException:
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def dask(address: str, count: int | None) -> Iterator[Executor]:
    """Dask's workers, those of the scheduler at ``address`` or processes of this machine. Raises BadInput without Dask.

    Elsewhere they need this very code and its environment; they need no traces.
    """
    try:
        from distributed import Client  # type: ignore[import-not-found]  # noqa: PLC0415 - not everybody has Dask
    except ImportError:
        raise BadInput(
            "--dask needs the package distributed, which is not installed",
            remedy="uv run --with distributed ..., or leave --dask out: processes of this machine do the same",
        ) from None
    where: dict[str, Any] = {"address": address}
    if address == HERE:
        where = {"n_workers": count or os.cpu_count() or 1, "threads_per_worker": 1, "dashboard_address": None}
    with Client(**where) as client:
        yield client.get_executor()


def _hear_no_interrupt() -> None:
    """Ctrl-C goes to the parent, which ends the processes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
