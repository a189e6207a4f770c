"""Leadership by a lock file, for processes of one machine.

``FILE.lock`` is locked (flock) by whoever leads, for as long as the process lives: the kernel frees it however that
ends. ``FILE`` holds the state as JSON and is only ever replaced as a whole, so it is never the file that is locked.
``FILE.change`` is locked for the moment of a change, so that a leader and a person do not undo each other's. The
folder must be on a local disk: over a network such locks do not hold everywhere.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import weakref
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from basics.file_lock import is_named, real, try_lock
from basics.own_file import bad_file, open_own
from connectors.local.lock_state import State, change, read_state
from models.errors import BadInput, TidegateError
from models.leadership import Orders


@dataclass(frozen=True, slots=True)
class _Held:
    """The lock that this process holds. It is not held by a child, nor once someone has removed its file."""

    path: Path
    fd: int
    pid: int

    def stands(self) -> bool:
        try:
            return os.getpid() == self.pid and is_named(self.fd, self.path)
        except OSError:
            return False


class LockFile:
    """One candidate for leadership, as the port ``Leadership``; ``tick`` must be called about once a second.

    ``trouble`` says why this process does not lead, or what of its last tick failed, and what a person can do; None
    when all is well. ``remembered`` is written at the next tick.
    """

    def __init__(self, path: Path) -> None:
        self.remembered = ""
        self.trouble: TidegateError | None = None
        self.resume = f"tidegate resume {shlex.quote(str(path.absolute()))}"
        self._path = real(path)
        self._held: _Held | None = None
        self._state = State()
        self._epoch: int | None = None
        self._least_epoch = 1
        _candidates.add(self)

    @property
    def epoch(self) -> int | None:
        """The epoch in which this process leads; None while it does not."""
        return self._epoch if self._held is not None and self._held.stands() else None

    @property
    def orders(self) -> Orders:
        """What persons have set, as last read."""
        return self._state.orders

    @property
    def kept(self) -> bool:
        """Whether ``remembered`` is on disk, where the next leader finds it."""
        return self._epoch is not None and self._state.remembered == self.remembered

    def may_act(self) -> bool:
        """Whether this process leads: no other one can until it ends, whatever a write takes."""
        return self.epoch is not None

    def rise_above(self, epoch: int) -> None:
        """Stop leading; lead again, from the next tick on, in an epoch after this one."""
        self._least_epoch = max(self._least_epoch, epoch + 1)
        if self._epoch is not None and self._epoch <= epoch:
            self._epoch = None

    def tick(self) -> None:
        """Take the lead if it is free, read the orders, write down what is to be remembered. Never raises.

        While the state cannot be read nobody leads: whether moves are paused is then not known.
        """
        self.trouble = None
        try:
            if self._held is not None and not self._held.stands():
                self._let_go()
            if self._held is None:
                self._held = _lock(self._path.with_name(f"{self._path.name}.lock"))
            self._keep_up(read_state(self._path))
        except BadInput as error:
            self._epoch = None
            self.trouble = error
            if self._held is None:
                with suppress(BadInput):  # what matters to a process that does not lead has been said
                    self._state = read_state(self._path) or self._state

    def release(self) -> None:
        """Let another lead at once: for an orderly end."""
        if self.epoch is not None:
            self.tick()
        self._let_go()

    def _keep_up(self, found: State | None) -> None:
        """Lead on in the epoch that the file shows; in a later one where the file shows another than ours."""
        leads = found is not None and found.epoch == self._epoch
        if found is not None:
            self._state = found
        if leads and self._state.remembered == self.remembered:
            return
        try:
            self._state = change(self._path, self._after)
        except BadInput as error:
            if not leads:
                self._let_go()
                raise
            self.trouble = error  # the epoch is safe; what is to be remembered waits for a tick
            return
        self._epoch = self._state.epoch
        self._least_epoch = max(self._least_epoch, self._epoch + 1)
        self.remembered = self._state.remembered

    def _after(self, found: State | None) -> State:
        """The state to write: a file that someone removed is written again as it was last seen."""
        state = self._state if found is None else found
        if found is not None and found.epoch == self._epoch:
            return replace(state, remembered=self.remembered)
        return replace(state, epoch=max(state.epoch + 1, self._least_epoch))

    def _let_go(self) -> None:
        self._epoch = None
        held, self._held = self._held, None
        if held is not None:
            os.close(held.fd)


def leader_of(path: Path) -> str | None:
    """Who leads by the lock now, such as ``process 4711``; None while nobody does.

    A candidate that looks at the same moment waits for its next tick. Raises BadInput where it cannot be seen.
    """
    path = real(path)
    lock = path.with_name(f"{path.name}.lock")
    try:
        fd = open_own(lock, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise bad_file(error, lock) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(lock)
    except OSError as error:
        raise bad_file(error, lock) from error
    finally:
        os.close(fd)
    return None


_candidates: weakref.WeakSet[LockFile] = weakref.WeakSet()


def _forget_in_child() -> None:
    """A child process does not lead, and its copy must not keep the lock alive when its parent has ended."""
    for candidate in list(_candidates):
        candidate._let_go()


os.register_at_fork(after_in_child=_forget_in_child)


def _lock(path: Path) -> _Held:
    """Take the lock, or raise BadInput that names who has it. The file stays for ever: removing it would free it."""
    fd = try_lock(path)
    if fd is None:
        raise BadInput(f"{_holder(path)} leads", where=str(path), remedy="end it, or let this one wait for its end")
    held = _Held(path, fd, os.getpid())
    try:
        if (found := os.pread(fd, 32, 0).strip(b"\0\n")) and not found.isdigit():
            raise BadInput("holds something else than a lock", where=str(path), remedy="move it away")
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{held.pid}\n".encode(), 0)
    except (OSError, BadInput) as error:
        os.close(fd)
        raise bad_file(error, path) if isinstance(error, OSError) else error from error
    if not held.stands():
        os.close(fd)
        raise BadInput("was removed while it was being locked", where=str(path), remedy="it is tried again by itself")
    return held


def _holder(path: Path) -> str:
    with suppress(OSError):
        text = path.read_bytes()[:20].strip()
        if text.isdigit():
            return f"process {text.decode()}"
    return "another process"
