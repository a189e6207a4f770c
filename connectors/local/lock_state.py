"""The state beside a lock: the epoch, the orders of persons, what leaders remember. Read, and changed as a whole.

Version 1, of release 0.1.0, knows no orders for single pools. It is read, and whoever changes it writes version 2.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from basics.file_lock import real, try_lock
from basics.own_file import bad_file, open_own
from basics.whole_file import write_atomically
from connectors.sources.announced import read_requests, read_turned_back, write_requests
from connectors.sources.ordered import read_ordered, write_ordered
from models.errors import BadInput
from models.leadership import EPOCH_MOST, Orders, Pause

VERSION = 2
BYTES_MOST = 1 << 23  # a state has a few thousand for each pool at most; what is larger is another file
PATIENCE_S = 5.0  # how long a person's change waits for another one, which takes milliseconds
_RETRY_S = 0.005
_RESTORE = "restore it from a copy; or remove it, and then pause again what was paused"

_Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]


@dataclass(frozen=True, slots=True)
class PoolState:
    """What persons have set for one pool."""

    paused: Pause | None = None
    resumes: _Count = 0
    ordered: Any = UNSET

    @property
    def orders(self) -> Orders:
        """The same as orders."""
        return Orders(self.paused, self.resumes, ordered=read_ordered(self.ordered))


@dataclass(frozen=True, slots=True)
class State:
    """What the file holds. A key that an older release did not write has the default."""

    v: Annotated[int, msgspec.Meta(ge=1)] = VERSION
    epoch: Annotated[int, msgspec.Meta(ge=0, le=EPOCH_MOST)] = 0
    paused: Pause | None = None
    resumes: _Count = 0
    remembered: str = ""
    pools: dict[str, PoolState] = field(default_factory=dict)
    takeovers: Any = UNSET
    ordered: Any = UNSET
    turned_back: tuple[str, ...] | UnsetType = UNSET

    @property
    def orders(self) -> Orders:
        """The part that persons set."""
        pools = {name: own.orders for name, own in self.pools.items()}
        requests, ordered = read_requests(self.takeovers), read_ordered(self.ordered)
        return Orders(self.paused, self.resumes, pools, requests, ordered, read_turned_back(self.turned_back))

    def with_orders(self, orders: Orders) -> State:
        """The same with other orders."""
        pools = {
            name: PoolState(own.paused, own.resumes, write_ordered(own.ordered)) for name, own in orders.pools.items()
        }
        return replace(
            self,
            paused=orders.paused,
            resumes=orders.resumes,
            pools=pools,
            takeovers=write_requests(orders.takeovers),
            ordered=write_ordered(orders.ordered),
            turned_back=orders.turned_back or UNSET,
        )


_DECODER = msgspec.json.Decoder(State)


def read_state(path: Path) -> State | None:
    """What the file holds; None when there is no file. Raises BadInput, with what to do, when it cannot be read."""
    try:
        with os.fdopen(open_own(path, os.O_RDONLY), "rb") as file:
            raw = file.read(BYTES_MOST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise bad_file(error, path) from error
    if len(raw) > BYTES_MOST:
        raise BadInput("is too large to be the state of a lock", where=str(path), remedy="name another file")
    if not raw.strip():
        raise BadInput("is empty, so whether moves are paused is not known", where=str(path), remedy=_RESTORE)
    try:
        state = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadInput(f"cannot be read: {error}", where=str(path), remedy=_RESTORE) from error
    if state.v > VERSION:
        raise BadInput(f"is of version {state.v}, later than {VERSION}", where=str(path), remedy="upgrade Tidegate")
    return state


def read_orders(path: Path) -> Orders:
    """What persons have set; nothing when there is no file yet. Raises BadInput."""
    return (read_state(real(path)) or State()).orders


def pause(path: Path, how: Pause, pool: str | None = None) -> Orders:
    """Order whoever leads, now or later, to begin no move of one pool, or of any.

    Done once it is on disk. Raises BadInput when it is not.
    """
    return order(path, lambda orders: orders.pause(how, pool))


def resume(path: Path, pool: str | None = None) -> Orders:
    """Order that moves of one pool, or of all, may go on, whatever had stopped them. Raises BadInput as ``pause``."""
    return order(path, lambda orders: orders.resume(pool))


def order(path: Path, new: Callable[[Orders], Orders]) -> Orders:
    """Order what ``new`` makes of the orders. Raises BadInput as ``pause``."""

    def after(found: State | None) -> State:
        state = found or State()
        return state.with_orders(new(state.orders))

    return change(real(path), after, patience_s=PATIENCE_S).orders


def change(path: Path, new: Callable[[State | None], State], *, patience_s: float = 0.0) -> State:
    """Replace the state by ``new`` of it while nobody else does. Raises BadInput, and then nothing has changed."""
    with _changing(path.with_name(f"{path.name}.change"), patience_s):
        found = read_state(path)
        state = replace(new(found), v=VERSION)
        if state.epoch > EPOCH_MOST:
            raise BadInput(f"has epoch {state.epoch - 1}, the last that there is", where=str(path), remedy=_RESTORE)
        if state != found:
            write_atomically(path, msgspec.json.format(msgspec.json.encode(state), indent=1) + b"\n", own=True)
        return state


@contextmanager
def _changing(path: Path, patience_s: float) -> Iterator[None]:
    """Hold the lock of changes, which others hold for milliseconds."""
    tries_left = 1 + int(patience_s / _RETRY_S)
    while (fd := try_lock(path)) is None:
        tries_left -= 1
        if not tries_left:
            raise BadInput("another process is changing the state", where=str(path), remedy="try again")
        time.sleep(_RETRY_S)
    try:
        yield
    finally:
        os.close(fd)
