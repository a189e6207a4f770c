"""The test bed's broker, tried with the bare client: it serves, keeps, refuses and falls silent as it should."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ACLOperation, ResourceType
from kafka.errors import KafkaTimeoutError, TopicAuthorizationFailedError

from tests.real.kafka import clients
from tests.real.kafka.broker import PROXIED, SECURE, USER, Broker
from tests.real.kafka.certificates import CLIENT, Certificates
from tests.real.proxy import Proxy

SEND_S = 10.0
SILENT_S = 1.0
READ_MS = 10_000


def produce(options: Mapping[str, Any], topic: str, *values: bytes) -> None:
    """Send the values and wait until the broker has acknowledged each of them."""
    producer = KafkaProducer(**options)
    try:
        for sent in [producer.send(topic, value) for value in values]:
            sent.get(SEND_S)
    finally:
        producer.close(timeout=SEND_S)


def consume(options: Mapping[str, Any], topic: str, count: int) -> list[bytes]:
    """The first so many values of a topic of one partition."""
    consumer = KafkaConsumer(auto_offset_reset="earliest", group_id=None, **options)
    try:
        consumer.assign([TopicPartition(topic, 0)])
        values: list[bytes] = []
        while len(values) < count and (records := consumer.poll(timeout_ms=READ_MS)):
            values += [record.value for record in records[TopicPartition(topic, 0)]]
        return values
    finally:
        consumer.close()


def test_what_is_produced_is_consumed(broker: Broker, prefix: str):
    broker.create(prefix + "a")
    produce(clients.plain(broker), prefix + "a", b"one", b"two")
    assert consume(clients.plain(broker), prefix + "a", 2) == [b"one", b"two"]


def test_what_a_killed_broker_had_acknowledged_is_there_when_it_is_back(own_broker: Callable[..., Broker]):
    broker = own_broker()
    broker.create("a")
    sent = [b"%d" % n for n in range(1000)]
    produce(clients.plain(broker), "a", *sent)
    broker.kill()
    with pytest.raises(KafkaTimeoutError):
        produce(clients.plain(broker) | clients.SOON, "a", b"lost")
    broker.start()
    assert consume(clients.plain(broker), "a", len(sent)) == sent


def test_a_paused_broker_is_silent_and_goes_on_where_it_was(own_broker: Callable[..., Broker]):
    broker = own_broker()
    broker.create("a")
    producer = KafkaProducer(**clients.plain(broker))
    try:
        producer.send("a", b"before").get(SEND_S)
        broker.pause()
        during = producer.send("a", b"during")
        with pytest.raises(KafkaTimeoutError):
            during.get(SILENT_S)
        broker.resume()
        assert during.get(SEND_S).offset == 1
    finally:
        producer.close(timeout=SEND_S)


def test_a_topic_has_the_settings_it_was_made_with(broker: Broker, prefix: str):
    broker.create(prefix + "small", settings={"max.message.bytes": "1000"})
    produce(clients.plain(broker), prefix + "small", b"x" * 100)
    with pytest.raises(Exception, match="MessageSizeTooLarge"):
        produce(clients.plain(broker), prefix + "small", b"x" * 2000)


def test_a_user_with_the_right_password_does_what_an_acl_allows(
    broker: Broker, certificates: Certificates, prefix: str
):
    broker.create(prefix + "a")
    broker.allow(USER, ACLOperation.WRITE, ResourceType.TOPIC, prefix)
    broker.allow(USER, ACLOperation.READ, ResourceType.TOPIC, prefix)
    options = clients.with_password(broker, certificates.ca)
    produce(options, prefix + "a", b"one")
    assert consume(options, prefix + "a", 1) == [b"one"]


def test_a_user_without_an_acl_may_do_nothing(broker: Broker, certificates: Certificates, prefix: str):
    broker.create(prefix + "a")
    with pytest.raises(TopicAuthorizationFailedError):
        produce(clients.with_password(broker, certificates.ca), prefix + "a", b"one")


def test_a_client_certificate_is_a_user_too(broker: Broker, certificates: Certificates, prefix: str):
    broker.create(prefix + "a")
    options = clients.with_certificate(broker, certificates, certificates.client)
    with pytest.raises(TopicAuthorizationFailedError):
        produce(options, prefix + "a", b"one")
    broker.allow(f"CN={CLIENT}", ACLOperation.WRITE, ResourceType.TOPIC, prefix)
    produce(options, prefix + "a", b"one")


WRONG = "not-the-password"
REFUSED: dict[str, Callable[[Broker, Certificates], dict[str, Any]]] = {
    "a wrong password": lambda broker, made: clients.with_password(broker, made.ca, password=WRONG),
    "an unknown user": lambda broker, made: clients.with_password(broker, made.ca, user="nobody"),
    "a CA that did not sign the server's certificate": lambda broker, made: clients.with_password(
        broker, made.wrong_ca
    ),
    "no client certificate": lambda broker, made: clients.with_certificate(broker, made, None),
    "a client certificate of another CA": lambda broker, made: clients.with_certificate(
        broker, made, made.wrong_client
    ),
    "a client certificate that has expired": lambda broker, made: clients.with_certificate(
        broker, made, made.expired_client
    ),
    "no TLS where there must be": lambda broker, made: {"bootstrap_servers": broker.address(SECURE)},
}


@pytest.mark.parametrize("options", REFUSED.values(), ids=REFUSED)
def test_who_is_refused(
    options: Callable[[Broker, Certificates], dict[str, Any]], broker: Broker, certificates: Certificates
):
    with pytest.raises(KafkaTimeoutError, match="Unable to bootstrap"):
        KafkaAdminClient(**options(broker, certificates) | clients.SOON)


def test_a_server_by_a_name_that_is_not_in_its_certificate_is_not_trusted(broker: Broker, certificates: Certificates):
    with Proxy(broker.port(SECURE), host="127.0.0.2") as elsewhere:
        options = clients.with_password(broker, certificates.ca) | {"bootstrap_servers": elsewhere.address}
        with pytest.raises(KafkaTimeoutError, match="Unable to bootstrap"):
            KafkaAdminClient(**options | clients.SOON)
        KafkaAdminClient(**options, ssl_check_hostname=False).close()


def test_all_that_a_client_says_goes_through_the_proxy(broker: Broker, prefix: str):
    broker.create(prefix + "a")
    with Proxy(broker.port(PROXIED), broker.proxy_port) as proxy:
        producer = KafkaProducer(bootstrap_servers=proxy.address)
        try:
            producer.send(prefix + "a", b"before").get(SEND_S)
            proxy.black_hole()
            during = producer.send(prefix + "a", b"during")
            with pytest.raises(KafkaTimeoutError):
                during.get(SILENT_S)
            proxy.heal()
            assert during.get(SEND_S).offset == 1
            proxy.reset()
            assert producer.send(prefix + "a", b"after").get(SEND_S).offset == 2
        finally:
            producer.close(timeout=SEND_S)
