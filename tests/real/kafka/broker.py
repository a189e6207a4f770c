"""A real Apache Kafka of the test's own: one process, controller and broker, on loopback."""

from __future__ import annotations

import atexit
import signal
import socket
import subprocess
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar
from uuid import uuid4

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    NewTopic,
    ResourcePattern,
    ResourceType,
)
from kafka.errors import KafkaError

from tests.real import ports
from tests.real.kafka import install
from tests.real.kafka.certificates import Certificates

USER, PASSWORD = "tidegate", "right-and-secret"
READY_S = 60.0
ASK_S = 0.1  # between two looks whether a process has come up or gone
STOP_S = 20.0
PLAIN, PROXIED, SECURE, MTLS, CONTROLLER = "PLAIN", "PROXIED", "SECURE", "MTLS", "CONTROLLER"
PROTOCOLS = {PLAIN: "PLAINTEXT", PROXIED: "PLAINTEXT", CONTROLLER: "PLAINTEXT", SECURE: "SASL_SSL", MTLS: "SSL"}


class Broker:
    """A broker with its data, ports and log in ``folder``; whatever is done to it, all three stay what they are.

    Who comes by the plain listener may do everything, so that tests can set things up; with certificates there are
    two more: SECURE for SASL_SSL with SCRAM-SHA-512, MTLS for client certificates. Whoever comes by those may do what
    an ACL allows. A client of PROXIED is told that the broker lives at ``proxy_port``, so all it says goes through
    the proxy that a test has there. ``properties`` are Kafka's own and win over ours.
    """

    running: ClassVar[set[Broker]] = set()

    def __init__(
        self,
        folder: Path,
        certificates: Certificates | None = None,
        properties: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.folder = folder
        self.certificates = certificates
        self.log_file = folder / "broker.log"
        listeners = [PLAIN, PROXIED, CONTROLLER] + ([SECURE, MTLS] if certificates else [])
        *mine, self.proxy_port = ports.free(len(listeners) + 1)
        self._ports = dict(zip(listeners, mine, strict=True))
        self._properties = self._own_properties() | self._tls_properties() | dict(properties)
        self._process: subprocess.Popen[bytes] | None = None
        self._format()

    def port(self, listener: str = PLAIN) -> int:
        return self._ports[listener]

    def address(self, listener: str = PLAIN) -> str:
        return f"127.0.0.1:{self._ports[listener]}"

    def admin(self) -> KafkaAdminClient:
        """Somebody who may do everything; use it in a ``with``."""
        return KafkaAdminClient(bootstrap_servers=self.address(), bootstrap_timeout_ms=10_000)

    def create(self, *topics: str, partitions: int = 1, settings: Mapping[str, str] = MappingProxyType({})) -> None:
        """Make the topics, each with these settings of Kafka's."""
        new = [NewTopic(topic, partitions, 1, topic_configs=dict(settings)) for topic in topics]
        with self.admin() as admin:
            admin.create_topics(new)
            admin.wait_for_topics(list(topics))

    def allow(self, user: str, operation: ACLOperation, kind: ResourceType, prefix: str) -> None:
        """Let the user do that with everything of the kind whose name begins so."""
        pattern = ResourcePattern(kind, prefix, ACLResourcePatternType.PREFIXED)
        with self.admin() as admin:
            admin.create_acls([ACL(f"User:{user}", "*", operation, ACLPermissionType.ALLOW, pattern)])

    def start(self) -> None:
        """Start, on the data that is there, and wait until it serves."""
        command = [*_java("-Xmx512m"), "kafka.Kafka", str(self.folder / "server.properties")]
        with self.log_file.open("ab") as file:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
        self.running.add(self)
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End it without a word (SIGKILL)."""
        self._signal(signal.SIGKILL)
        self._gone(STOP_S)

    def stop(self) -> None:
        """Ask it to end (SIGTERM), and end it if it does not."""
        self._signal(signal.SIGTERM)
        self.resume()
        if not self._gone(STOP_S):
            self.kill()

    def pause(self) -> None:
        """Make it do nothing, with all connections open (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def log_tail(self, lines: int = 40) -> str:
        """The last of what it has to say."""
        if not self.log_file.exists():
            return ""
        return "\n".join(self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def _signal(self, number: int) -> None:
        if self._process:
            self._process.send_signal(number)

    def _gone(self, wait_s: float) -> bool:
        if self._process:
            try:
                self._process.wait(wait_s)
            except subprocess.TimeoutExpired:
                return False
        self._process = None
        self.running.discard(self)
        return True

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"the broker ended at once; see {self.log_file}\n{self.log_tail()}")
            if _serves(self.address()):
                return
            time.sleep(ASK_S)
        raise RuntimeError(f"the broker did not serve after {READY_S:.0f} s; see {self.log_file}\n{self.log_tail()}")

    def _format(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.folder / "server.properties"
        settings.write_text("".join(f"{name}={value}\n" for name, value in self._properties.items()), encoding="utf-8")
        cluster = urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        arguments = ["format", f"--cluster-id={cluster}", "-c", str(settings)]
        arguments += ["--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"]
        command = [*_java("-XX:TieredStopAtLevel=1"), "kafka.tools.StorageTool", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"the broker's storage could not be formatted: {done.stdout}{done.stderr}")

    def _own_properties(self) -> dict[str, str]:
        told = dict(self._ports) | {PROXIED: self.proxy_port}
        del told[CONTROLLER]
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{self.address(CONTROLLER)}",
            "controller.listener.names": CONTROLLER,
            "inter.broker.listener.name": PLAIN,
            "listeners": _urls(self._ports),
            "advertised.listeners": _urls(told),
            "listener.security.protocol.map": ",".join(f"{name}:{PROTOCOLS[name]}" for name in self._ports),
            "log.dirs": str(self.folder / "data"),
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "broker.session.timeout.ms": "3000",  # one that was killed may come back as late as this
            "broker.heartbeat.interval.ms": "500",
            "auto.create.topics.enable": "false",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }

    def _tls_properties(self) -> dict[str, str]:
        if not self.certificates:
            return {}
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        return {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.certificates.server.both),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.certificates.ca),
            "listener.name.secure.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.secure.scram-sha-512.sasl.jaas.config": scram,
            "listener.name.mtls.ssl.client.auth": "required",
        }


def _urls(listeners: Mapping[str, int]) -> str:
    return ",".join(f"{name}://127.0.0.1:{port}" for name, port in listeners.items())


def _java(*options: str) -> list[str]:
    dated = [f"-Dorg.slf4j.simpleLogger.{name}" for name in ("showDateTime=true", "dateTimeFormat=HH:mm:ss.SSS")]
    return ["java", *options, "-XX:+UseSerialGC", *dated, "-cp", f"{install.jars()}/*"]


def _serves(address: str) -> bool:
    """Whether a client learns from there which brokers there are; it is not asked before somebody listens."""
    try:
        socket.create_connection(("127.0.0.1", int(address.split(":")[1]))).close()
        KafkaAdminClient(bootstrap_servers=address, bootstrap_timeout_ms=1000, reconnect_backoff_max_ms=100).close()
    except (OSError, KafkaError):
        return False
    return True


@atexit.register
def _stop_all() -> None:
    """Whatever has happened to the test that started it, no broker outlives the process."""
    for broker in list(Broker.running):
        with suppress(OSError):
            broker.kill()
