"""How long the one thread of the service is held up by a message or a hostlist that somebody made to hold it up.

* a hostlist of 100,000 names, however it is written: the bar is 0.2 s;
* one message of 8 MiB, on each topic of the bus and from Slurm's own stream, as the client reads it from a broker: the
  bar is 0.5 s, a fraction of what a lease lasts.

Seconds of processor time. The bars are told and not enforced, because they depend on the machine.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from kafka import TopicPartition
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBatchBuilder

from connectors.bus.wire.codec import Headers, encode
from connectors.bus.wire.examples import examples
from connectors.bus.wire.receiver import Receiver, dead_letter_event
from connectors.kafka_client.client_patches import _Part
from connectors.slurm.completions_message import read_message
from models.bus import BusCounts
from models.errors import BadInput
from models.events import DeadLetter, Topic
from models.hostlists import HOSTS_MOST, hosts

MUCH = 8 * 2**20 - 1000  # bytes
HOSTLISTS = {
    "n[1-100000]": f"n[1-{HOSTS_MOST}]",
    "n0,n1,n2,...": ",".join(f"n{number}" for number in range(HOSTS_MOST)),
    "n[0,1,2,...]": f"n[{','.join(map(str, range(HOSTS_MOST)))}]",
    "n0-[1-4],n1-[1-4],...": ",".join(f"n{number}-[1-4]" for number in range(HOSTS_MOST // 4)),
    "n[0]r[1-8],n[1]r[1-8],...": ",".join(f"n[{number}]r[1-8]" for number in range(HOSTS_MOST // 8)),
    "n[0],n[1],n[2],... (refused)": ",".join(f"n[{number}]" for number in range(HOSTS_MOST)),
    "n[1-999999999]": "n[1-999999999]",
    "n[1-2] x 1,600,000": "n[1-2]" * (MUCH // 6),
    "[[[[...]]]]": "[" * (MUCH // 2) + "]" * (MUCH // 2),
    "a,a,a,... of 8 MiB": "a," * (MUCH // 2) + "a",
}
FILLINGS = {
    "a text": b'"' + b"a" * MUCH + b'"',
    "lists": b"[" + b"[]," * (MUCH // 3) + b"1]",
    "objects": b"[" + b"{}," * (MUCH // 3) + b"1]",
    "numbers": b"[" + b"1," * (MUCH // 2) + b"1]",
    "nested": b"[" * (MUCH // 2) + b"]" * (MUCH // 2),
}


def main() -> None:
    """Print what each takes."""
    for name, hostlist in HOSTLISTS.items():
        tell(f"hostlist {name}", 0.2, hosts, [hostlist])
    for topic in Topic:
        tell(f"worst message of 8 MiB on {topic}", 0.5, partial(receive, topic), map(sent, bodies(topic)))
    tell("worst message of 8 MiB of Slurm's", 0.5, partial(read_message, nodes_most=10_000), jobs())


def tell(what: str, bar_s: float, work: Callable[[Any], object], arguments: Iterable[Any]) -> None:
    """Print how long the longest of them takes."""
    worst_s = 0.0
    for argument in arguments:
        began_s = time.process_time()
        with suppress(BadInput):
            work(argument)
        worst_s = max(worst_s, time.process_time() - began_s)
    print(f"{what:45} {worst_s:6.3f} s  (bar {bar_s} s{'' if worst_s <= bar_s else ': MISSED'})")


def bodies(topic: Topic) -> Iterator[tuple[bytes, Headers]]:
    """Messages on the topic: good ones with something more in them, and ones that are too much in another way."""
    for event in examples():
        if event.topic is topic:
            message = encode(event)
            value = message.value or b""
            yield from ((value[:-1] + b',"x":' + filling + b"}", message.headers) for filling in FILLINGS.values())
            yield value, [*message.headers, ("x", b"x" * MUCH)]
            yield value, [*message.headers, *[("", b"")] * (MUCH // 2)]
            yield b"\0" * MUCH, message.headers


def sent(message: tuple[bytes, Headers]) -> bytes:
    """As a broker sends it."""
    builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 2 * MUCH)
    builder.append(0, 1, b"campus/a100/hpc/n1", *message)
    return bytes(builder.build())


def receive(topic: Topic, wire: bytes) -> None:
    """Taken apart by the client, read, and buried if it is no event."""
    letters: list[DeadLetter] = []
    receiver = Receiver(BusCounts(), letters.append)
    for record in _Part(0, TopicPartition(topic, 0), MemoryRecords(wire)).take(500):
        receiver.read(topic, 0, record.offset, record.key, record.value, record.headers)
    for letter in letters:
        encode(dead_letter_event(letter, 1.0))


def jobs() -> Iterator[bytes]:
    """Messages of a job that has started."""
    job = {"jobid": 1, "@start": "2026-11-24T12:00:00", "nodes": "n1", "username": "ada"}
    begun = json.dumps(job).encode()[:-1]
    yield from (begun + b',"script":' + filling + b"}" for filling in FILLINGS.values())
    yield from (json.dumps(job | {"nodes": hostlist}).encode() for hostlist in HOSTLISTS.values())
    for field in ("username", "partition", "tres_req", "tres_alloc", "@submit"):
        yield json.dumps(job | {field: "a=1," * (MUCH // 4)}).encode()


if __name__ == "__main__":
    main()
