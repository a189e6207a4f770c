"""A real Slurm cluster of the test's own: its controller, its nodes and its REST server, on loopback."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from functools import cached_property
from http.client import HTTPException
from pathlib import Path

from tests.real import ports
from tests.real.slurm import conf, database, install
from tests.real.slurm.conf import Options, Ports
from tests.real.slurm.daemon import Daemon
from tests.real.slurm.enclosure import ENVIRONMENT, Enclosure
from tests.real.slurm.install import Release
from tests.real.slurm.rest import Answer, ask

READY_S = 60.0
ASK_S = 0.1  # between two looks whether something has come to be so
COMMAND_S = 60
TOKEN_S = 3600
SAVED_S = 6.0  # slurmctld saves what has changed within 5 s
NOBODY = "65534"
TAIL = 20  # lines of each log


class CommandError(Exception):
    """A command of Slurm's did not end well; the message is what it said."""


class Cluster:
    """A cluster with its state, keys, ports and logs in ``folder``; whatever is done to it, they stay what they are.

    ``controller`` is slurmctld, ``backup`` the one that takes over, if that was asked for, ``rest`` slurmrestd, and
    ``slurmds`` has the server of each node by the node's name; each of them can be killed, paused, resumed, stopped and
    started by itself.
    """

    def __init__(self, folder: Path, release: Release, options: Options | None = None) -> None:
        self.folder = folder
        self.release = release
        self.options = options or Options()
        self.ports = _ports([node.name for node in self.options.nodes])
        self.logs = folder / "logs"
        self._state = folder / "state"
        own = {install.CONF: folder / "etc", install.STATE: self._state, install.LOGS: self.logs}
        if self.options.accounting:
            database.prepare(install.root(release), folder / "database")
            own[install.DATABASE] = folder / "database"
        root, prefix = install.root(release), conf.environment(self.options)
        self._inside = Enclosure(root, folder, own, conf.HOST, *prefix)
        self._elsewhere = Enclosure(root, folder / "backup", own, conf.BACKUP, *prefix)
        conf.write(folder / "etc", self.options, self.ports)
        self._present = [node.name for node in self.options.nodes if node.state == conf.UNKNOWN]
        for node in self.options.nodes:
            (self._state / f"spool-{node.name}").mkdir(exist_ok=True)
        self._daemons: list[Daemon] = []
        self._sackd = self._daemon("sackd", "sackd", "-D")
        self.database = self._daemon("mariadbd", *database.DATABASE)
        self.accounting = self._daemon("slurmdbd", *database.ACCOUNTING)
        self.controller = self._daemon("slurmctld", "slurmctld", "-D")
        self.backup = self._daemon("slurmctld-backup", "slurmctld", "-D", where=self._elsewhere)
        slurmd = ("slurmd", "-D", "-f", f"/etc/slurm/{conf.SLURMD_CONF}", "-N")
        self.slurmds = {name: self._daemon(f"slurmd-{name}", *slurmd, name) for name in self.ports.nodes}
        self.rest = self._daemon("slurmrestd", *_slurmrestd(self.ports.rest, self.options.accounting))

    def start(self) -> None:
        """Start everything, on the state that is there, and wait until it serves and every node has registered."""
        try:
            self._inside.open()
            self._sackd.start()
            if self.options.accounting:
                self._start_accounting()
            self.rest.start()
            self.start_controller()
            if self.options.backup:
                self._elsewhere.open()
                self.backup.start()
            for node in self._present:
                self.slurmds[node].start()
            self.wait(self._is_ready, "every node is idle and slurmrestd serves")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End everything, at once. The state and the logs stay."""
        self._inside.close()
        self._elsewhere.close()
        for daemon in self._daemons:
            daemon.gone()

    def start_controller(self) -> None:
        """Start slurmctld, on the state that is there, and wait until it serves."""
        self._start(self.controller, self.serves)

    def let_save(self) -> None:
        """Wait as long as slurmctld may take to write down what it has acknowledged."""
        time.sleep(SAVED_S)

    def clean(self) -> None:
        """Kill slurmctld, lose all that it had saved, and start it again: no job is left, and no drain."""
        self.controller.kill()
        shutil.rmtree(self._state / conf.STATE)
        self.start_controller()

    def set_clock(self, off: str) -> None:
        """Have the cluster's clock off by so much from now on, ``+3h`` or ``-90m`` say; it needs the option clock."""
        (self.folder / "etc" / conf.CLOCK).write_text(off, encoding="ascii")

    def run(self, *argv: str, user: str = "root", timeout_s: int = COMMAND_S) -> str:
        """What a command says, squeue say. Raises CommandError when it does not end well, or not in time."""
        command = self._inside.command(*_by(user), "timeout", "--signal=KILL", str(timeout_s), *argv)
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CommandError(f"{' '.join(argv)} ended with {done.returncode}: {done.stdout}{done.stderr}".strip())
        return done.stdout

    def inside(self, *argv: str) -> list[str]:
        """What to execute so that ``argv`` runs where the cluster is, as root."""
        return self._inside.command(*argv)

    def submit(
        self, *options: str, wrap: str = "sleep 600", nodes: int = 1, minutes: int = 10, user: str = "root"
    ) -> int:
        """Submit a script of one line and tell the number of its job; ``options`` are sbatch's own."""
        asked = ["--parsable", f"--nodes={nodes}", f"--time={minutes}", "--output=/dev/null", *options]
        return int(self.run("sbatch", *asked, f"--wrap={wrap}", user=user).split(";")[0])

    def job(self, number: int) -> dict[str, str]:
        """What scontrol shows of a job."""
        return _words(self.run("scontrol", "--oneliner", "show", "job", str(number)))

    def node(self, name: str) -> dict[str, str]:
        """What scontrol shows of a node."""
        return _words(self.run("scontrol", "--oneliner", "show", "node", name))

    def flags(self, name: str) -> set[str]:
        """A node's state and all that is added to it, ``{"IDLE", "DRAIN"}`` say."""
        return set(self.node(name)["State"].split("+"))

    def token(self, lifespan_s: int = TOKEN_S, user: str = "root") -> str:
        """A new token that lets its bearer be that user."""
        return self.run("scontrol", "token", f"username={user}", f"lifespan={lifespan_s}").strip().split("=", 1)[1]

    @property
    def rest_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.rest}"

    @cached_property
    def data_parsers(self) -> list[str]:
        """The versions of its data that slurmrestd speaks, v0.0.42 say, oldest first."""
        told = self.run("slurmrestd", "-d", "list", user=NOBODY).split()
        return sorted(parser.removeprefix("data_parser/") for parser in told if parser.startswith("data_parser/"))

    def ask(self, method: str, path: str, body: object = None, *, version: str = "", token: str = "") -> Answer:
        """One request of /slurm/VERSION/``path`` over REST: the newest version, and as root, unless said otherwise."""
        version = version or self.data_parsers[-1]
        return ask(self.ports.rest, method, f"/slurm/{version}/{path}", token or self._root_token, body)

    def wait(self, condition: Callable[[], object], what: str, timeout_s: float = READY_S) -> None:
        """Wait until something is so; as long as it cannot be told, it is not."""
        deadline = time.monotonic() + timeout_s
        error: Exception | None = None
        while time.monotonic() < deadline:
            try:
                if condition():
                    return
            except (CommandError, OSError, HTTPException) as raised:
                error = raised
            time.sleep(ASK_S)
        raise RuntimeError(f"not so after {timeout_s:.0f} s: {what}; see {self.logs}\n{self.log_tail()}") from error

    def serves(self) -> bool:
        """Whether slurmctld answers, the first one if there are two."""
        return f"(primary) at {conf.HOST} is UP" in self.run("scontrol", "ping")

    def log_tail(self, lines: int = TAIL) -> str:
        """The last of what the servers have to say, but those of the nodes."""
        servers = (self.controller, self.backup, self.rest, self.accounting)
        return "\n".join(f"{server.name}: {server.log_tail(lines)}" for server in servers if server.log.exists())

    @cached_property
    def _root_token(self) -> str:
        return self.token(lifespan_s=86_400)

    def _daemon(self, name: str, *argv: str, where: Enclosure | None = None) -> Daemon:
        self._daemons.append(Daemon(name, where or self._inside, argv, self.logs / f"{name}.log"))
        return self._daemons[-1]

    def _is_ready(self) -> bool:
        states = self.run("sinfo", "--noheader", "--all", "--Node", "--format=%N %T").splitlines()
        present = {state for name, state in (line.split() for line in states) if name in self._present}
        return present <= {"idle"} and self.ask("GET", "ping").status == 200

    def _start_accounting(self) -> None:
        self.run("mkdir", "-p", str(database.SOCKET.parent))
        self._start(self.database, lambda: not self.run(*database.CREATE))
        self._start(self.accounting, lambda: self.run(*database.ASK_ACCOUNTING) is not None)

    def _start(self, daemon: Daemon, serves: Callable[[], bool]) -> None:
        daemon.start()
        self.wait(lambda: not daemon.runs or serves(), f"{daemon.name} serves")
        if not daemon.runs:
            raise RuntimeError(f"{daemon.name} ended at once; see {daemon.log}\n{daemon.log_tail()}")


def _ports(nodes: list[str]) -> Ports:
    controller, rest, accounting, *others = ports.free(3 + len(nodes))
    return Ports(controller, rest, accounting, dict(zip(nodes, others, strict=True)))


def _slurmrestd(port: int, accounting: bool) -> list[str]:
    """It refuses to be root, and would end at once with the plug-in for accounting where there is none.

    With a wrong clock it does not listen; it needs none, as it only hands tokens on.
    """
    environment = [
        "env",
        "--unset=LD_PRELOAD",
        "SLURM_JWT=daemon",
        "SLURMRESTD_SECURITY=disable_unshare_sysv,disable_unshare_files",
    ]
    plugins = "openapi/slurmctld,openapi/slurmdbd" if accounting else "openapi/slurmctld"
    return [*_by(NOBODY), *environment, "slurmrestd", "-s", plugins, "-a", "rest_auth/jwt", f"127.0.0.1:{port}"]


def _by(user: str) -> list[str]:
    """What has to stand before a command that this user gives. Slurm's own ``--uid`` changes only what it is told."""
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user != "root" else []


def _words(line: str) -> dict[str, str]:
    return dict(word.split("=", 1) for word in line.split() if "=" in word)
