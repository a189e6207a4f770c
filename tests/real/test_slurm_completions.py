"""Real Slurm that tells Kafka by itself which jobs start and end, beside the polls; and all that connecting tells."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from connectors.bus.embedded.bus import SqliteBus
from connectors.kafka_client.security import Security
from connectors.publishing.feed import Feed
from connectors.publishing.publisher import PublishedPool, Publisher
from connectors.slurm import completions as streams
from connectors.slurm import completions_topic
from connectors.slurm.completions import Completions, completions
from connectors.slurm.rest.transport import RestTransport
from connectors.slurm.scheduler import SlurmScheduler
from connectors.slurm.settings import CompletionSettings
from models.catch_up import deliveries
from models.errors import Unreachable
from models.events import Event, Topic
from models.identity import PoolId
from models.nodes import HpcNode, KubernetesNode
from models.reading import Picture
from models.work import WorkRecord, WorkState
from tests.real.kafka import clients
from tests.real.kafka.broker import Broker
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.conf import ENDS, STARTS, Node
from tests.real.slurm.install import RELEASES
from tests.real.slurm_bench import client

HELD, ELIGIBLE, RUNNING, ENDED = WorkState.HELD, WorkState.ELIGIBLE, WorkState.RUNNING, WorkState.ENDED
NODES = (Node("n01"), Node("n02"), Node("n03"))
BATCH = {"batch": "Nodes=ALL Default=YES"}
GIVES_UP = "message.timeout.ms=6000"  # the plug-in loses what it could not deliver by then
SOON_S = 0.5
OTHER = "n[05-08]"  # nodes of the shared cluster that have no GPUs


@dataclass
class Site:
    """A cluster that tells a broker, the port to it, and the stream beside it."""

    cluster: Cluster
    broker: Broker
    port: SlurmScheduler
    stream: Completions
    picture: Picture[HpcNode] | None = None

    def polled(self) -> dict[str, WorkRecord]:
        """What is known after a poll."""
        self.picture = self.port.read()
        return self.told()

    def told(self) -> dict[str, WorkRecord]:
        """What is known of what the last poll showed, and was told since."""
        picture = self.picture = self.picture or self.port.read()
        return {one.id: one for one in self.stream.merged(picture, self.port.pool)}

    def shown(self) -> dict[str, WorkRecord]:
        """What a poll alone shows."""
        return {one.id: one for one in self.port.read().records}

    def waits_for(self, ident: str, state: WorkState) -> WorkRecord:
        """What the stream alone tells of a piece of work, once it is in a state."""
        found: dict[str, WorkRecord] = {}

        def is_told() -> bool:
            found.update(self.told())
            return ident in found and found[ident].state is state

        self.cluster.wait(is_told, f"the stream tells that {ident} is {state}")
        return found[ident]

    def messages(self, topic: str = ENDS) -> list[bytes]:
        """All that is on the broker."""
        part = TopicPartition(topic, 0)
        consumer = KafkaConsumer(group_id=None, **clients.plain(self.broker))
        try:
            consumer.assign([part])
            consumer.seek_to_beginning(part)
            end, found = consumer.end_offsets([part])[part], []
            while len(found) < end:
                found += [one.value for one in consumer.poll(1000).get(part, ())]
            return found
        finally:
            consumer.close()


@pytest.fixture(params=RELEASES)
def site(
    request: pytest.FixtureRequest,
    own_slurm: Callable[..., Cluster],
    own_broker: Callable[..., Broker],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Site]:
    monkeypatch.setattr(streams, "AGAIN_S", SOON_S)
    monkeypatch.setattr(streams, "LONGEST_S", SOON_S)
    monkeypatch.setattr(completions_topic, "LOOK_S", SOON_S)
    broker = own_broker()
    broker.create(STARTS, ENDS)
    told = f"{broker.address()}\n{GIVES_UP}"  # one more line of the plug-in's file
    cluster = own_slurm(request.param, nodes=NODES, partitions=BATCH, jobcomp=told)
    rest = client(cluster, tmp_path)
    port = SlurmScheduler(RestTransport(rest))
    settings = CompletionSettings(servers=broker.address(), topic=ENDS, startTopic=STARTS)
    stream = completions(settings, Security())
    found = Site(cluster, broker, port, stream)
    cluster.wait(lambda: answers(port), "slurmctld tells since when it runs")
    found.polled()
    yield found
    stream.close()
    rest.close()


def answers(port: SlurmScheduler) -> bool:
    try:
        port.read()
    except Unreachable:
        return False
    return True


@pytest.mark.both_releases("the older one does not tell of starts")
def test_what_happens_between_two_polls_is_told_as_the_next_poll_tells_it(site: Site):
    """Ended by both releases, started by the newer one; and what is told twice changes nothing."""
    cluster = site.cluster
    number = str(cluster.submit(wrap="sleep 3", nodes=2, user="ada"))
    if cluster.release.name == "26.05":
        started = site.waits_for(number, RUNNING)
        assert (started.nodes, started.user, started.limit_s) == (2.0, "ada", 600)
    short = str(cluster.submit("--exclusive", wrap="sleep 1"))
    array = cluster.submit("--array=1-2", wrap="true")
    het = cluster.run("sbatch", "--parsable", "--output=/dev/null", "-N1", "--wrap=sleep 1", ":", "-N2").strip()
    idents = (number, short, f"{array}_1", f"{array}_2", het)
    told = {ident: site.waits_for(ident, ENDED) for ident in idents}
    site.cluster.wait(lambda: all(site.shown()[ident].state is ENDED for ident in idents), "polls show it, too")
    shown = site.shown()
    assert told == {ident: shown[ident] for ident in idents}
    before = site.polled()
    producer = KafkaProducer(**clients.plain(site.broker))
    for value in site.messages(STARTS) + site.messages():
        producer.send(ENDS, value).get(10)
    producer.close()
    received = site.stream.received
    cluster.wait(lambda: site.polled() == before and site.stream.received > received, "they were read again")
    assert site.polled() == before
    assert site.stream.nonsense == 0


def test_what_the_plug_in_loses_the_next_poll_heals(site: Site, caplog: pytest.LogCaptureFixture):
    """D12: the broker is down while a job ends, for longer than the plug-in waits."""
    cluster = site.cluster
    site.broker.kill()
    number = str(cluster.submit(wrap="true"))
    cluster.wait(lambda: "discarded" in cluster.controller.log.read_text(), "the plug-in gave up")
    cluster.wait(lambda: site.polled()[number].state is ENDED, "the poll tells it")
    for _ in range(2):
        site.polled()
        time.sleep(SOON_S)
    assert len([one for one in caplog.records if "polls go on" in one.message]) == 1
    site.broker.start()
    assert site.messages() == []
    assert site.polled()[number] == site.shown()[number]
    later = str(cluster.submit(wrap="true"))
    assert site.waits_for(later, ENDED).started_s is not None, "the stream is back"


def test_what_a_slurmctld_that_ends_had_not_delivered_comes_late_and_changes_nothing(site: Site):
    """The plug-in keeps it in a file, and sends it when it is back."""
    cluster = site.cluster
    site.broker.kill()
    number = str(cluster.submit(wrap="true"))
    cluster.wait(lambda: site.shown()[number].state is ENDED, "the job has ended")
    cluster.controller.stop()
    site.broker.start()
    cluster.start_controller()
    cluster.wait(lambda: answers(site.port), "slurmctld is back")
    before = site.polled()
    assert before[number].state is ENDED
    cluster.wait(lambda: len(site.messages()) == 1, "the message has come")
    cluster.wait(lambda: site.polled() and site.stream.received > 0, "it was read")
    assert site.polled() == before


class NoKubernetes:
    """A cluster that does not answer: this is about Slurm."""

    def read(self) -> Picture[KubernetesNode]:
        raise Unreachable("there is none")


def test_a_job_s_life_and_a_node_s_drain_are_events_in_their_order(slurm: Cluster, tmp_path: Path):
    bus, rest = SqliteBus(None), client(slurm, tmp_path)
    port = SlurmScheduler(RestTransport(rest), OTHER)
    clock = [int(time.time())]
    pools = [PublishedPool(Feed(bus, PoolId("test", "cpu")), (port, NoKubernetes()))]
    publisher = Publisher(bus, pools, clock=lambda: clock[0])
    subscription = bus.subscribe((Topic.WORK, Topic.NODES), "test")
    events: list[Event] = []

    def waits_for(what: Callable[[Event], bool], name: str) -> None:
        """Take steps until an event that came last says so."""

        def is_told() -> bool:
            clock[0] += 1
            publisher.step()
            news = [event for one in deliveries(subscription) for event in one.events]
            events.extend(news)
            return any(what(event) for event in news)

        slurm.wait(is_told, name)

    def job(state: WorkState, limit_s: int = 600) -> Callable[[Event], bool]:
        return lambda event: (
            event.key == f"test/cpu/hpc/{number}"
            and isinstance(event.payload, WorkRecord)
            and (event.payload.state, event.payload.limit_s) == (state, limit_s)
        )

    def drained(reason: str | None) -> Callable[[Event], bool]:
        return lambda event: event.key == "test/cpu/hpc/n08" and getattr(event.payload, "drain_reason", "") == reason

    blocker = slurm.submit("--exclusive", f"--nodelist={OTHER}", nodes=4)
    slurm.wait(lambda: slurm.job(blocker)["JobState"] == "RUNNING", "the nodes are busy")
    number = slurm.submit("--hold", f"--nodelist={OTHER}", nodes=4)
    waits_for(job(HELD), "held")
    slurm.run("scontrol", "update", f"jobid={number}", "timelimit=20")
    waits_for(job(HELD, 1200), "its limit was changed")
    slurm.run("scontrol", "release", str(number))
    waits_for(job(ELIGIBLE, 1200), "eligible")
    slurm.run("scancel", str(blocker))
    waits_for(job(RUNNING, 1200), "running")
    slurm.run("scontrol", "update", "nodename=n08", "state=drain", "reason=by a person")
    waits_for(drained("by a person"), "drained")
    slurm.run("scancel", str(number))
    waits_for(job(ENDED, 1200), "ended")
    slurm.run("scontrol", "update", "nodename=n08", "state=undrain")
    waits_for(drained(None), "open again")

    lives = [event.payload.state for event in events if event.key == f"test/cpu/hpc/{number}"]  # type: ignore[union-attr]
    assert [state for at, state in enumerate(lives) if lives[at - 1 : at] != [state]] == [
        HELD,
        ELIGIBLE,
        RUNNING,
        ENDED,
    ]
    for topic in (Topic.WORK, Topic.NODES):
        versions = [event.version for event in events if event.topic is topic]
        assert versions == sorted(versions)
    subscription.close()
    rest.close()
    slurm.wait(lambda: slurm.flags("n08") == {"IDLE"}, "the node is as it was")
