"""Writes down what real clusters answer over REST and tell Kafka: ``python -m tests.real.slurm.record`` renews it all.

One file per request, in a folder per release and version of the data: the request, the status and the body as it
came, but for what would name the machine.
"""

from __future__ import annotations

import json
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from connectors.slurm.commands import jobs, nodes
from connectors.slurm.commands.process import Commands
from connectors.slurm.token import TokenFile
from tests.real import packages
from tests.real.kafka import clients
from tests.real.kafka.broker import Broker
from tests.real.slurm import commands, scene
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.conf import ENDS, STARTS
from tests.real.slurm.install import RELEASES
from tests.real.slurm.rest import Answer, ask

RECORDED = Path(__file__).parents[2] / "recorded"
VERSIONS = {"24.11": ("v0.0.42",), "26.05": ("v0.0.44",)}  # those that the connector asks for first
QUIET_MS = 3000  # of a topic that has told everything
FAR_S = 10 * 86_400
COMMAND_S = 60.0

Request = tuple[str, str, str, object]  # its name, the method, the path and the body


def reads(jobs: dict[str, int]) -> Iterator[Request]:
    """What may be asked at any time."""
    for path in ("nodes", "jobs", "jobs/state", "partitions", "reservations", "licenses", "ping", "diag"):
        yield path.replace("/", "-"), "GET", path, None
    for name in ("array", "big-array", "het", "gpus", "unlimited", "exclusive"):
        yield f"job-{name}", "GET", f"job/{jobs[name]}", None
    yield "node", "GET", "node/n04", None
    yield "partition", "GET", "partition/small", None
    yield "reservation", "GET", "reservation/tonight", None
    yield "nodes-unchanged", "GET", f"nodes?update_time={int(time.time()) + FAR_S}", None
    yield "jobs-unchanged", "GET", f"jobs?update_time={int(time.time()) + FAR_S}", None
    yield "node-unknown", "GET", "node/none", None
    yield "job-unknown", "GET", "job/4711", None
    yield "partition-unknown", "GET", "partition/none", None
    yield "reservation-unknown", "GET", "reservation/none", None
    yield "path-unknown", "GET", "none", None
    yield "query-invalid", "GET", "nodes?update_time=yesterday", None


def writes() -> Iterator[Request]:
    """Acts on nodes, and how they are refused."""
    drain = {"state": ["DRAIN"], "reason": "tidegate:x1"}
    yield "drain", "POST", "node/n01", drain
    yield "drain-again", "POST", "node/n01", drain | {"reason": "tidegate:x2"}
    yield "resume", "POST", "node/n01", {"state": ["RESUME"]}
    yield "resume-again", "POST", "node/n01", {"state": ["RESUME"]}
    yield "drain-many", "POST", "nodes/", drain | {"name": ["n02", "n03"]}
    yield "resume-many", "POST", "nodes/", {"name": ["n02", "n03"], "state": ["RESUME"]}
    yield "drain-many-one-unknown", "POST", "nodes/", drain | {"name": ["n02", "none"]}
    yield "resume-one-of-these", "POST", "node/n02", {"state": ["RESUME"]}
    yield "drain-unknown-node", "POST", "node/none", drain
    yield "drain-unknown-state", "POST", "node/n01", {"state": ["NONE"]}
    yield "drain-unknown-field", "POST", "node/n01", {"states": ["DRAIN"]}
    yield "drain-no-object", "POST", "node/n01", "DRAIN"


def reservations() -> Iterator[Request]:
    """Acts on reservations; where there are none, all are refused."""
    ours = {"name": "tidegate-n13", "node_list": ["n13"], "users": ["root"], "flags": ["MAINT", "IGNORE_JOBS"]}
    ours |= {"start_time": int(time.time()) + FAR_S, "duration": 60}
    plain = ours | {"name": "theirs", "flags": []}
    another = plain | {"name": "another"}
    yield "reserve", "POST", "reservation", ours
    yield "reserve-again", "POST", "reservation", ours | {"duration": 120}
    yield "reserve-beside-maintenance", "POST", "reservation", plain
    yield "reserve-overlapping", "POST", "reservation", another
    yield "reserve-unknown-node", "POST", "reservation", another | {"node_list": ["none"]}
    yield "reserve-unknown-flag", "POST", "reservation", another | {"node_list": ["n14"], "flags": ["NONE"]}
    yield "reserve-in-the-past", "POST", "reservation", another | {"start_time": int(time.time()) - FAR_S}
    yield "reserve-for-nobody", "POST", "reservation", {name: another[name] for name in another if name != "users"}
    yield "reservations-then", "GET", "reservations", None
    yield "release", "DELETE", "reservation/tidegate-n13", None
    yield "release-again", "DELETE", "reservation/tidegate-n13", None


class Recorder:
    """Asks a cluster in one version of its data, and writes down what it answers."""

    def __init__(self, slurm: Cluster, folder: Path, version: str) -> None:
        self.slurm = slurm
        self._folder = folder / version
        self._version = version

    def record(self, name: str, method: str, path: str, body: object, token: str = "") -> None:
        answer = self.slurm.ask(method, path, body, version=self._version, token=token)
        self._write(name, method, path, body, answer)

    def record_at_once(self, suffix: str) -> None:
        """What is answered while slurmctld does not; each answer takes ten seconds and more."""
        asked = [(path, "GET", path, None) for path in ("ping", "nodes", "jobs")]
        asked.append(("drain", "POST", "node/n13", {"state": ["DRAIN"], "reason": "tidegate:x3"}))
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(self.record, f"{name}-{suffix}", *more) for name, *more in asked]:
                done.result()

    def record_strangers(self) -> None:
        """Who has no token, a wrong one, one that is too old, or one of somebody who may not."""
        short = self.slurm.token(lifespan_s=1)
        ada = self.slurm.token(user="ada")
        path = f"/slurm/{self._version}/nodes"
        self._write("nodes-without-token", "GET", "nodes", None, ask(self.slurm.ports.rest, "GET", path, ""))
        self.record("nodes-wrong-token", "GET", "nodes", None, token=ada[:-8])
        self.slurm.wait(lambda: self.slurm.ask("GET", "nodes", token=short).status != 200, "the token is too old")
        self.record("nodes-old-token", "GET", "nodes", None, token=short)
        self.record("ping-old-token", "GET", "ping", None, token=short)
        self.record("drain-by-a-user", "POST", "node/n13", {"state": ["DRAIN"], "reason": "mine"}, token=ada)

    def _write(self, name: str, method: str, path: str, body: object, answer: Answer) -> None:
        told = {"method": method, "path": path, "sent": body, "status": answer.status, "body": answer.body}
        write(self._folder / f"{name}.json", told)


def write(file: Path, told: object) -> None:
    """Write it as JSON, without what names this machine."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(told)
    for found, instead in ((platform.version(), "#1 SMP"), (platform.release(), "6.1.0")):
        text = text.replace(found, instead)
    file.write_text(text + "\n", encoding="utf-8")


def messages(broker: Broker, topic: str) -> list[Any]:
    """Everything that a topic has."""
    consumer = KafkaConsumer(auto_offset_reset="earliest", group_id=None, **clients.plain(broker))
    consumer.assign([partition := TopicPartition(topic, 0)])
    told: list[Any] = []
    while records := consumer.poll(timeout_ms=QUIET_MS):
        told += [json.loads(record.value) for record in records[partition]]
    consumer.close()
    return told


def record_commands(slurm: Cluster, folder: Path) -> None:
    """What Slurm's commands print, and what is answered over REST in the same second."""
    version = VERSIONS[slurm.release.name][0]
    with tempfile.TemporaryDirectory() as made:
        (Path(made) / "token").write_text(slurm.token(), encoding="ascii")
        by = Commands(commands.folder_of(slurm, Path(made)), tokens=TokenFile(Path(made) / "token"))
        question = jobs.question(by.run(jobs.OFFER, COMMAND_S))
        for what, asked in (("nodes", nodes.QUESTION), ("jobs", question)):
            write(folder / f"rest-{what}.json", slurm.ask("GET", what, version=version).body)
            write(folder / f"{asked[0]}.json", by.run(asked, COMMAND_S).decode())


def record(slurm: Cluster, folder: Path, versions: tuple[str, ...]) -> None:
    """Bring the cluster into every state and ask it for everything, then again while it does not answer."""
    numbers = scene.play(slurm)
    recorders = [Recorder(slurm, folder, version) for version in versions]
    record_commands(slurm, folder / "commands")
    for recorder in recorders:
        for request in reads(numbers):
            recorder.record(*request)
    for recorder in recorders:
        for request in (*writes(), *reservations()):
            recorder.record(*request)
        recorder.record_strangers()
    slurm.controller.pause()
    for recorder in recorders:
        recorder.record_at_once("paused")
    slurm.controller.kill()
    for recorder in recorders:
        recorder.record_at_once("dead")


def main() -> None:
    for name, release in RELEASES.items():
        packages.say(f"recording Slurm {name}")
        folder = RECORDED / f"slurm-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        with tempfile.TemporaryDirectory() as made:
            broker = Broker(Path(made) / "broker")
            slurm = scene.cluster(Path(made) / "slurm", release, broker.address())
            try:
                broker.start()
                broker.create(STARTS, ENDS)
                slurm.start()
                record(slurm, folder, VERSIONS[name])
                for topic in (STARTS, ENDS):
                    write(folder / "kafka" / f"{topic}.json", messages(broker, topic))
            finally:
                slurm.stop()
                broker.stop()


if __name__ == "__main__":
    main()
