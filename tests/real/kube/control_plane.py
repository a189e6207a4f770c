"""A real control plane of Kubernetes of the test's own, on loopback; its nodes are kwok's."""

from __future__ import annotations

import json
import secrets
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

from tests.real import ports
from tests.real.kube import kubeconfig, options
from tests.real.kube.account import Account
from tests.real.kube.certificates import Certificates
from tests.real.kube.client import Client, RefusedError
from tests.real.kube.http_proxy import HttpProxy
from tests.real.kube.options import LOOPBACK, Options, Ports
from tests.real.kube.process import TAIL, Process, tail

READY_S = 60.0
ASK_S = 0.1  # between two looks whether something has come to be so
ADMIN, SCHEDULER, CONTROLLER_MANAGER, KWOK = "admin", "system:kube-scheduler", "system:kube-controller-manager", "kwok"
MASTERS = "system:masters"
GROUPS = {ADMIN: MASTERS, SCHEDULER: "", CONTROLLER_MANAGER: "", KWOK: MASTERS}


class ControlPlane:
    """A control plane with its state, keys, ports and logs in ``folder``; whatever is done to it, they stay.

    ``etcd``, ``apiserver``, ``scheduler``, ``controller_manager`` and ``kwok`` are its servers: each can be killed,
    paused, resumed, stopped and started by itself. ``admin`` is somebody apart who may do everything. It has to be
    started in the main thread: whatever is started there ends with this process.
    """

    def __init__(self, folder: Path, wanted: Options | None = None) -> None:
        self.folder = folder
        self.options = wanted or Options()
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.ports = Ports(*ports.free(len(Ports._fields)))
        self.certificates = Certificates(folder / "certificates")
        self._tokens = {user: secrets.token_hex(16) for user in GROUPS}
        listed = folder / "tokens.csv"
        rows = (f'{token},{user},{user},"{GROUPS[user]}"\n' for user, token in self._tokens.items())
        listed.write_text("".join(rows), encoding="utf-8")
        self.kubeconfig = self._by_certificate(folder / "admin.kubeconfig")
        self.admin = Client(self.url, self.certificates.ca, pair=self.certificates.admin)
        by = {user: self._by_token(user) for user in (SCHEDULER, CONTROLLER_MANAGER, KWOK)}
        self.etcd = self._process("etcd", options.etcd(folder, self.ports))
        asked = options.apiserver(folder, self.ports, self.certificates, listed, self.options)
        self.apiserver = self._process("kube-apiserver", asked)
        asked = options.scheduler(folder, self.ports, by[SCHEDULER], self.options)
        self.scheduler = self._process("kube-scheduler", asked)
        asked = options.controller_manager(folder, self.ports, by[CONTROLLER_MANAGER], self.certificates, self.options)
        self.controller_manager = self._process("kube-controller-manager", asked)
        self.kwok = self._process("kwok", options.kwok(self.ports, by[KWOK], self.options))

    @property
    def url(self) -> str:
        return f"https://{LOOPBACK}:{self.ports.apiserver}"

    def start(self) -> None:
        """Start everything, on the state that is there, and wait until all of it serves."""
        try:
            self.etcd.start()
            self.start_apiserver()
            for process, is_wanted in (
                (self.controller_manager, self.options.controller_manager),
                (self.scheduler, self.options.scheduler),
                (self.kwok, self.options.kwok),
            ):
                if is_wanted:
                    process.start()
            self.wait(self._are_healthy, "the scheduler, the controller manager and kwok serve")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End everything, at once. The state and the logs stay."""
        self.admin.close()
        for process in reversed(self._servers()):
            process.kill()

    def start_apiserver(self, *more: str) -> None:
        """Start the API server, with more arguments this once, on the state that is there; wait until it serves."""
        self.apiserver.start(*more)
        self.wait(lambda: not self.apiserver.runs or self.serves(), "the API server serves")
        if not self.apiserver.runs:
            raise RuntimeError(f"the API server ended at once; see {self.apiserver.log}\n{self.apiserver.log_tail()}")

    def start_scheduler(self, server: str = "") -> None:
        """Start the scheduler anew, asking the API server by another address if one is given, a proxy's say."""
        self.scheduler.stop()
        self._by_token(SCHEDULER, server)
        self.scheduler.start()
        self.wait(self._are_healthy, "the scheduler serves")

    def serves(self) -> bool:
        """Whether the API server says that it is ready."""
        try:
            return self.admin.ask("GET", "/readyz", timeout_s=5.0).status == 200
        except (OSError, HTTPException):
            return False

    def account(self, name: str, rules: Sequence[Mapping[str, Any]], *, server: str = "") -> Account:
        """A new service account that may do what RBAC's rules say, with a kubeconfig and a token's file."""
        account = Account(self.admin, self.certificates, self.folder, name)
        account.allow(rules)
        account.write_token()
        account.write_kubeconfig(server or self.url)
        self.wait(lambda: all(map(account.may, rules)), f"{name} may do what its rules say")
        return account

    def kubeconfig_for(self, name: str, rules: Sequence[Mapping[str, Any]], *, server: str = "") -> Path:
        """The same, if nothing but its kubeconfig matters."""
        return self.account(name, rules, server=server).kubeconfig

    def admin_kubeconfig(self, server: str) -> Path:
        """Of one who may do everything and asks by another address; a proxy can hand on a token, no certificate."""
        return self._by_token(ADMIN, server)

    def client(self, token: str, server: str = "") -> Client:
        """Somebody else apart; close it."""
        return Client(server or self.url, self.certificates.ca, token=token)

    def proxy(self) -> HttpProxy:
        """What stands in front of the API server and harms what goes through it, for a ``with``."""
        return HttpProxy(self.ports.apiserver, self.certificates)

    def compact(self) -> None:
        """Let etcd forget all that was before now: whoever reads from there is told 410.

        What the API server has in its own memory it still tells, until it is started anew.
        """
        revision = self._etcd("range", {"key": "AA=="})["header"]["revision"]
        self._etcd("compaction", {"revision": revision, "physical": True})

    def wait(self, condition: Callable[[], object], what: str, timeout_s: float = READY_S) -> None:
        """Wait until something is so; as long as it cannot be told, it is not."""
        deadline = time.monotonic() + timeout_s
        error: Exception | None = None
        while time.monotonic() < deadline:
            try:
                if condition():
                    return
            except (RefusedError, OSError, HTTPException) as raised:
                error = raised
            time.sleep(ASK_S)
        raise RuntimeError(f"not so after {timeout_s:.0f} s: {what}; see {self.logs}\n{self.log_tail()}") from error

    def log_tail(self, lines: int = TAIL) -> str:
        """The last of what the servers have to say, and what else runs here."""
        return "\n".join(f"{log.stem}: {tail(log, lines)}" for log in sorted(self.logs.glob("*.log")))

    def _servers(self) -> list[Process]:
        return [self.etcd, self.apiserver, self.controller_manager, self.scheduler, self.kwok]

    def _process(self, name: str, argv: tuple[str, ...]) -> Process:
        return Process(name, argv, self.logs / f"{name}.log", {"KWOK_WORKDIR": str(self.folder / "kwok")})

    def _by_certificate(self, path: Path) -> Path:
        return kubeconfig.write(
            path, self.url, self.certificates.ca, kubeconfig.by_certificate(self.certificates.admin)
        )

    def _by_token(self, user: str, server: str = "") -> Path:
        path = self.folder / f"{user.removeprefix('system:')}{'-by-token' if user == ADMIN else ''}.kubeconfig"
        return kubeconfig.write(path, server or self.url, self.certificates.ca, kubeconfig.by_token(self._tokens[user]))

    def _are_healthy(self) -> bool:
        trusting = ssl.create_default_context()  # they make their own certificates
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        asked: list[tuple[Process, HTTPConnection]] = [
            (self.kwok, HTTPConnection(LOOPBACK, self.ports.kwok, timeout=2.0))
        ]
        for process, port in (
            (self.scheduler, self.ports.scheduler),
            (self.controller_manager, self.ports.controller_manager),
        ):
            asked.append((process, HTTPSConnection(LOOPBACK, port, timeout=2.0, context=trusting)))
        return all(_is_healthy(connection) for process, connection in asked if process.runs)

    def _etcd(self, what: str, body: object) -> Any:
        with closing(HTTPConnection(LOOPBACK, self.ports.etcd, timeout=READY_S)) as connection:
            connection.request("POST", f"/v3/kv/{what}", json.dumps(body))
            return json.load(connection.getresponse())


def _is_healthy(connection: HTTPConnection) -> bool:
    """Whether a server says that it is well."""
    with closing(connection), suppress(OSError, HTTPException):
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    return False
