"""Where a cluster's processes run: with mounts, process numbers and a host name of their own, in a root folder."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

READY_S = 10.0
ASK_S = 0.01
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
NAMESPACES = ("--mount", "--uts", "--pid")


class Enclosure:
    """A root folder that may not be changed, but for the folders of a cluster's ``own`` that are mounted in it.

    Everything that runs in it ends with its first process, and that one with ours, however ours ends; then the mounts
    are gone too, as nobody outside can see them. It has to be opened in the main thread, for the same reason.
    """

    def __init__(self, root: Path, folder: Path, own: Mapping[Path, Path], host: str, *prefix: str) -> None:
        self._host = host
        self._prefix = prefix  # how every command begins that runs in it
        self._view = folder / "root"
        self._mounts = folder / "mounts"
        self._noise = folder / "unshare.log"
        self._holder: subprocess.Popen[bytes] | None = None
        self._first = 0
        for path in (self._view, *own.values()):
            path.mkdir(parents=True, exist_ok=True)
        lines = [(root, "", "none", "bind,ro"), ("proc", "proc", "proc", "defaults")]
        lines += [("/dev", "dev", "none", "rbind"), ("/sys", "sys", "none", "bind,ro")]
        lines += [(name, name, "tmpfs", "mode=1777") for name in ("run", "tmp")]
        lines += [(path, inside, "none", "bind") for inside, path in own.items()]
        text = "".join(f"{what} {self._view / where} {kind} {how} 0 0\n" for what, where, kind, how in lines)
        self._mounts.write_text(text, encoding="utf-8")

    def open(self) -> None:
        """Make the namespaces and mount everything."""
        unshare = ["unshare", *NAMESPACES, "--fork", "--kill-child"]
        # The first process inherits what is orphaned; as it ignores that its children end, the kernel buries them.
        first = ["env", "--ignore-signal=CHLD", "sleep", "infinity"]
        command = ["setpriv", "--pdeathsig", "KILL", *unshare, *first]
        with self._noise.open("ab") as noise:  # of unshare, when its child is killed
            self._holder = subprocess.Popen(command, env=ENVIRONMENT, stderr=noise)
        try:
            self._first = child(self._holder)
            for argv in (["mount", "--all", "--fstab", str(self._mounts)], ["hostname", self._host]):
                subprocess.run([*self._enter(), *argv], env=ENVIRONMENT, check=True)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End whatever runs in it, at once."""
        if not self._holder:
            return
        if self._first:
            with suppress(ProcessLookupError):
                os.kill(self._first, signal.SIGKILL)
        else:
            self._holder.kill()
        self._holder.wait()
        self._holder, self._first = None, 0

    def command(self, *argv: str) -> list[str]:
        """What to execute so that ``argv`` runs in it."""
        return [*self._enter(), "chroot", str(self._view), *self._prefix, *argv]

    def _enter(self) -> list[str]:
        return ["nsenter", "--target", str(self._first), *NAMESPACES, "--"]


def child(process: subprocess.Popen[bytes]) -> int:
    """The process number of the one child of ours's child: unshare and nsenter have what they are asked for as one."""
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        if number := listed.read_text(encoding="ascii").strip():
            return int(number)
        time.sleep(ASK_S)
    raise RuntimeError(f"nothing was started by {process.args!r}")
