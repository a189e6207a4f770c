"""Who may use a real broker, and what an operator is told when something about that is wrong: never the same twice."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka.admin import ACLOperation, ResourceType

from connectors.bus.broker.bus import KafkaBus
from connectors.kafka_client import connect_errors
from connectors.kafka_client.security import Security
from models.demand import Demand
from models.errors import BusRefused, BusUnavailable, TidegateError
from models.events import Event, Topic
from models.nodes import Side
from tests.real import ports
from tests.real.kafka.broker import MTLS, PASSWORD, SECURE, USER, Broker
from tests.real.kafka.certificates import CLIENT, Certificates, Pair
from tests.real.proxy import Proxy

RIGHTS_S = 5.0
REFUSED_S = 2.0  # the client asks again for as long as it may
WRONG = "not-the-password-8c1f"
EVENT = Event(Topic.DEMAND, "pool/hpc", Demand(Side.HPC, 1, 1.0, 2.0), 1, "/test", 1.0)
ALL = (ACLOperation.CREATE, ACLOperation.READ, ACLOperation.WRITE, ACLOperation.DESCRIBE, ACLOperation.DESCRIBE_CONFIGS)


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n", encoding="utf-8")
    return path


@pytest.fixture
def by_password(certificates: Certificates, password_file: Path) -> Security:
    return Security(ca_file=certificates.ca, username=USER, password_file=password_file)


def by_certificate(certificates: Certificates, pair: Pair | None) -> Security:
    own = {"cert_file": pair.certificate, "key_file": pair.key} if pair else {}
    return Security(ca_file=certificates.ca, **own)


def allow_all(broker: Broker, user: str, prefix: str) -> None:
    for operation in ALL:
        broker.allow(user, operation, ResourceType.TOPIC, prefix)
    broker.allow(user, ACLOperation.READ, ResourceType.GROUP, prefix)


def opened_when_allowed(address: str, prefix: str, security: Security) -> KafkaBus:
    """The bus, as soon as the broker knows of the rights that were granted a moment ago."""
    deadline = time.monotonic() + RIGHTS_S
    while True:
        try:
            return KafkaBus([address], prefix=prefix, security=security)
        except BusRefused as error:
            if "no right to see" not in str(error) or time.monotonic() > deadline:
                raise


@contextmanager
def opened(address: str, prefix: str, security: Security) -> Iterator[KafkaBus]:
    bus = opened_when_allowed(address, prefix, security)
    try:
        yield bus
    finally:
        bus.close(1)


def use(address: str, prefix: str, security: Security) -> None:
    """Publish an event and read it again."""
    with opened(address, prefix, security) as bus:
        bus.publish(EVENT)
        assert bus.flush(10) == 0
        subscription = bus.subscribe([Topic.DEMAND], "g")
        assert subscription.poll(10).events == (EVENT,)
        subscription.commit()
        subscription.close()


def told_at_publishing(bus: KafkaBus) -> str:
    try:
        bus.publish(EVENT)
    except BusRefused as error:
        return str(error)
    bus.flush(1)
    return ""


def refusal(address: str, security: Security, prefix: str = "nobody.") -> TidegateError:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connect_errors, "BOOTSTRAP_S", REFUSED_S)
        with pytest.raises(TidegateError) as caught:
            KafkaBus([address], prefix=prefix, security=security).close(0)
    return caught.value


def test_a_user_with_the_right_password_and_rights_publishes_and_reads(
    broker: Broker, prefix: str, by_password: Security
):
    allow_all(broker, USER, prefix)
    use(broker.address(SECURE), prefix, by_password)


def test_so_does_one_with_a_certificate(broker: Broker, prefix: str, certificates: Certificates):
    allow_all(broker, f"CN={CLIENT}", prefix)
    use(broker.address(MTLS), prefix, by_certificate(certificates, certificates.client))


def test_a_wrong_password_is_told_as_that(broker: Broker, by_password: Security, password_file: Path):
    password_file.write_text(WRONG, encoding="utf-8")
    error = refusal(broker.address(SECURE), by_password)
    assert isinstance(error, BusRefused)
    assert f"does not accept user {USER} with the password in {password_file}" in str(error)


def test_a_wrong_ca_is_told_as_that(broker: Broker, by_password: Security, certificates: Certificates):
    wrong = Security(
        ca_file=certificates.wrong_ca, username=by_password.username, password_file=by_password.password_file
    )
    error = refusal(broker.address(SECURE), wrong)
    assert isinstance(error, BusRefused)
    assert f"not signed by the CA in {certificates.wrong_ca}" in str(error)


def test_a_name_that_is_not_in_the_certificate_is_told_as_that(broker: Broker, by_password: Security):
    with Proxy(broker.port(SECURE), host="127.0.0.2") as proxy:
        error = refusal(proxy.address, by_password)
    assert isinstance(error, BusRefused)
    assert "is not for 127.0.0.2" in str(error)


def test_a_missing_right_is_told_with_what_to_grant(broker: Broker, by_password: Security, prefix: str):
    error = refusal(broker.address(SECURE), by_password, prefix)
    assert isinstance(error, BusRefused)
    assert "no right to see topic" in str(error)
    assert "kafka-acls.sh --bootstrap-server HOST:PORT --add" in str(error)


def test_a_missing_right_to_make_topics_is_told_with_the_commands_that_make_them(
    broker: Broker, by_password: Security, prefix: str
):
    for operation in (ACLOperation.READ, ACLOperation.WRITE, ACLOperation.DESCRIBE):
        broker.allow(USER, operation, ResourceType.TOPIC, prefix)
    error = refusal(broker.address(SECURE), by_password, prefix)
    assert isinstance(error, BusRefused)
    assert f"kafka-topics.sh --bootstrap-server HOST:PORT --create --topic {prefix}tidegate.work --partitions" in str(
        error
    )
    assert "cleanup.policy=compact" in str(error)


def test_with_topics_that_somebody_else_made_no_right_to_make_any_is_needed(
    broker: Broker, by_password: Security, prefix: str
):
    KafkaBus([broker.address()], prefix=prefix).close(0)
    for operation in (ACLOperation.READ, ACLOperation.WRITE):
        broker.allow(USER, operation, ResourceType.TOPIC, prefix)
    broker.allow(USER, ACLOperation.READ, ResourceType.GROUP, prefix)
    use(broker.address(SECURE), prefix, by_password)


def test_a_topic_that_forgets_what_it_must_keep_is_told_with_the_command_that_mends_it(broker: Broker, prefix: str):
    broker.create(prefix + Topic.WORK, partitions=6, settings={"cleanup.policy": "delete"})
    error = refusal(broker.address(), Security(), prefix)
    assert "cleanup.policy=delete and must have compact" in str(error)
    assert f"--entity-name {prefix}tidegate.work" in str(error)


def test_a_missing_right_to_read_as_a_group_is_told_as_that(broker: Broker, by_password: Security, prefix: str):
    for operation in ALL:
        broker.allow(USER, operation, ResourceType.TOPIC, prefix)
    with opened(broker.address(SECURE), prefix, by_password) as bus, pytest.raises(BusRefused, match="--group"):
        bus.subscribe([Topic.DEMAND], "g").close()


def test_a_right_to_write_that_is_missing_keeps_the_event_and_says_so(
    broker: Broker, by_password: Security, prefix: str
):
    KafkaBus([broker.address()], prefix=prefix).close(0)
    broker.allow(USER, ACLOperation.READ, ResourceType.TOPIC, prefix)
    with opened(broker.address(SECURE), prefix, by_password) as bus:
        told = [told_at_publishing(bus) for _ in range(3)]
        assert any("grant this user WRITE" in text for text in told)
        assert bus.flush(0) > 0
        broker.allow(USER, ACLOperation.WRITE, ResourceType.TOPIC, prefix)
        assert bus.flush(30) == 0


def test_a_broker_that_is_not_there_is_told_as_that(by_password: Security):
    (port,) = ports.free(1)
    error = refusal(f"127.0.0.1:{port}", by_password)
    assert isinstance(error, BusUnavailable)
    assert f"no broker answers at 127.0.0.1:{port}" in str(error)


@pytest.mark.parametrize("which", ["none", "expired", "of another CA"])
def test_a_certificate_that_the_broker_does_not_accept_is_told_as_that(
    broker: Broker, certificates: Certificates, which: str
):
    pair = {"none": None, "expired": certificates.expired_client, "of another CA": certificates.wrong_client}[which]
    error = refusal(broker.address(MTLS), by_certificate(certificates, pair))
    assert isinstance(error, BusRefused)
    assert "does not accept our certificate" in str(error)
    assert (str(pair.certificate) if pair else "none is set") in str(error)


def test_plain_text_is_never_spoken_to_a_tls_listener_nor_tls_given_up(
    broker: Broker, certificates: Certificates, prefix: str
):
    assert isinstance(refusal(broker.address(SECURE), Security(), prefix), BusUnavailable)
    error = refusal(broker.address(), Security(ca_file=certificates.ca), prefix)
    assert isinstance(error, BusRefused)
    assert "does not speak TLS" in str(error)


def test_no_password_is_in_a_log_or_an_error(
    broker: Broker, by_password: Security, password_file: Path, prefix: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    allow_all(broker, USER, prefix)
    use(broker.address(SECURE), prefix, by_password)
    password_file.write_text(WRONG, encoding="utf-8")
    told = "".join(traceback.format_exception(refusal(broker.address(SECURE), by_password)))
    assert len(caplog.text) > 1000
    for secret in (PASSWORD, WRONG):
        assert secret not in caplog.text
        assert secret not in told


def test_a_topic_compressed_in_a_way_that_is_not_read_here_is_refused(broker: Broker, prefix: str):
    broker.create(prefix + Topic.DEMAND, settings={"compression.type": "zstd"})
    error = refusal(broker.address(), Security(), prefix)
    assert "compression.type=zstd and must have producer" in str(error)


def test_a_topic_that_keeps_history_for_too_short_a_time_is_told_of(
    broker: Broker, prefix: str, caplog: pytest.LogCaptureFixture
):
    broker.create(prefix + Topic.DEMAND, settings={"retention.ms": "604800000"})
    with opened(broker.address(), prefix, Security()):
        assert "keeps events for 168 h, less than the 2880 h that are best" in caplog.text
