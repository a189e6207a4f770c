"""The reference of events: the page for people, and the files for machines."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from cli.reference_pages.markdown import table
from connectors.bus.topics import LONGEST, TOPICS, TopicRules
from connectors.bus.wire.asyncapi import document, headers, names_on
from connectors.bus.wire.bodies import TEXT_MOST
from connectors.bus.wire.codec import KEY_MOST, encode
from connectors.bus.wire.examples import examples
from connectors.bus.wire.payloads import GONE, TYPES
from connectors.bus.wire.schemas import file_name, schema, schemas
from models.durations import duration_text
from models.events import Event, Topic

_Schema = Mapping[str, Any]
_HEAD = """# Events

Generated from the declarations in `connectors/bus`; do not edit it, run
`make generate`.

The parts of Tidegate tell one another what they see and do over a bus: Apache
Kafka, or one file. Anyone may listen. This page is for people; for machines
there are [asyncapi.yaml](events/asyncapi.yaml) (AsyncAPI 3.0) and a
JSON Schema (2020-12) of each type, linked below. What the stages of a hand-over
mean is [a page of its own](handovers.md).
"""
_MESSAGE = """## A message

Every message is a CloudEvent 1.0 in the *binary mode* of its Kafka binding: a
key, the attributes as headers, and the body as JSON in UTF-8. Headers are text
in UTF-8.

"""
_RULES = f"""## Rules

**Duplicates.** Delivery is at least once. The same event may come again, after
a crash or a change in the group of readers. Its `ce_id` is the same, and so are
its key and its `ce_sequence`.

**Order.** `ce_sequence` says in which order the source saw things. Of two
messages of one key the one with the greater number is the newer one. Ignore a
message whose number is not greater than the greatest that you know of its key.
Then duplicates and late messages change nothing, and any order gives the same
state. Neither offsets nor clocks say which is newer. Numbers have leading
zeros, so that they also sort as text; there are gaps between them.

**State.** On a topic of state the newest message of a key is its whole present
state, and what it says replaces what was known. Such a topic is compacted: read
it from its beginning to know all that there is. A message of type
`{GONE}`, without a body, says that the key has no state any more.
Remember its number for a while: a late message must not bring the key back.

**Pools.** The key of every event, but that of a dead letter, begins with the
names of its site and its pool, with a slash after each, and its `ce_source`
names both; bodies have them, too. So pools and sites can share a bus: take what
begins with yours, and leave the rest alone. Release 0.1.0 named no site in its
keys, and no pool in those of state: these are told as gone once, by the first
pool of the site that starts with a later release, and its demand counts as the
past of the pool that it names.

**Unknown is not zero.** What is not known is `null` or not told at all.

**Compatibility.** A released type changes in two ways only: it gets new
optional fields, and its enumerations get new values. No field is removed or
becomes required, no limit changes. Anything else is a new type with the next
number at its end. So ignore fields, headers and types that you do not know.
Upgrade those who read before those who write: a Tidegate that meets a value of
an enumeration that it does not know puts the message aside as a dead letter.

**Strictness.** Tidegate uses a message only if all of it is right: every
header, the key (at most {KEY_MOST} bytes, nothing in it that does not print), the
body by its schema, no name twice in one object. A whole number is written
without a point. A forecast has a row for each horizon and a column for each
level, and no row falls. A message of a type that Tidegate does not know is left
alone; any other that is not right goes to `{Topic.DEAD_LETTER}` with the
reason, and stops nothing.

**Size.** Key, value and headers have at most {LONGEST:,} bytes together. Of a
larger message the beginning goes to the dead-letter topic. A plan is never
larger: one that would be names as many moves, cancellations and unmoved nodes
as there is room for, in this order, and counts the others in `left_out` and in
the texts of rejections. Each move is told as a hand-over as well. A text of
more than {TEXT_MOST:,} characters is cut.

**Names.** A site may set a prefix for the names of topics and groups.

"""


def event_files() -> dict[str, str]:
    """The files for machines: name to text."""
    files = {file_name(kind): json.dumps(schema(kind), indent=2, ensure_ascii=False) + "\n" for kind in TYPES.values()}
    return {
        "asyncapi.yaml": yaml.dump(document(), Dumper=_Blocks, sort_keys=False, allow_unicode=True, width=100),
        **files,
    }


def events_page() -> str:
    """The page, in Markdown."""
    rows = ((f"`{name}`", words) for name, words in headers().items())
    shown = {event.topic: event for event in reversed(examples())}
    parts = [
        f"{_HEAD}\n{_MESSAGE}{table(('header', 'meaning'), rows)}\nOne of them:\n\n{_message(examples()[0])}\n{_RULES}",
        *(_topic(topic, kept, shown[topic]) for topic, kept in TOPICS.items()),
    ]
    return "".join(parts)


def _topic(topic: Topic, kept: TopicRules, event: Event) -> str:
    kinds = [kind for kind in TYPES.values() if kind.topic is topic]
    days = duration_text(kept.kept_s)
    if topic.state:
        how = f"a topic of state: the newest event of each key for good, the mark that a key is gone for {days}"
    else:
        how = f"each event for {days}"
    facts = [
        f"* key: {kept.key}, such as `{event.key}`",
        f"* kept: {how}",
        f"* partitions: {kept.partitions}",
        f"* types: {', '.join(f'`{name}`' for name in names_on(topic))}",
    ]
    types = "".join(_type(kind.name, schemas()[kind.name], file_name(kind)) for kind in kinds)
    return f"## `{topic}`\n\n{_wrapped(kept.about)}\n\n" + "\n".join(map(_wrapped, facts)) + f"\n\n{types}"


def _type(name: str, whole: _Schema, file: str) -> str:
    parts = [
        f"### `{name}`\n\n{_wrapped(whole['description'])}\n\n[Its schema](events/{file})\n\n{_fields(whole, whole)}\n"
    ]
    for title, part in whole.get("$defs", {}).items():
        if "properties" in part:
            parts.append(_wrapped(f"`{title}`: {part['description']}") + f"\n\n{_fields(whole, part)}\n")
    return "".join(parts)


def _fields(whole: _Schema, part: _Schema) -> str:
    rows = []
    for name, value in part["properties"].items():
        default = "*required*" if name in part["required"] else f"`{json.dumps(value['default'])}`"
        rows.append((f"`{name}`", _kind(whole, value), default, value["description"]))
    return table(("field", "value", "default", "meaning"), rows)


def _kind(whole: _Schema, value: _Schema) -> str:
    """What a field may hold, in words."""
    if "anyOf" in value:
        return " or ".join(_kind(whole, choice) for choice in value["anyOf"])
    if "$ref" in value:
        name = value["$ref"].removeprefix("#/$defs/")
        inner = whole["$defs"][name]
        return _choices(inner["enum"]) if "enum" in inner else f"`{name}`"
    if value["type"] == "array":
        return f"list of {_kind(whole, value['items'])}"
    if value["type"] == "string":
        return "base64" if "contentEncoding" in value else "name" if value.get("minLength") else "text"
    names = {"integer": "whole number", "number": "number", "boolean": "`true` or `false`", "null": "`null`"}
    return " ".join([names[value["type"]], *_limits(value)])


def _choices(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names[:-1]) + f" or `{names[-1]}`"


def _limits(value: _Schema) -> Iterator[str]:
    """Limits that mean something: whole numbers are within 2^53 everywhere."""
    if value.get("minimum", -(2**53)) != -(2**53):
        yield f"from {value['minimum']:g}"
    if "exclusiveMinimum" in value:
        yield f"above {value['exclusiveMinimum']:g}"
    if "exclusiveMaximum" in value:
        yield f"below {value['exclusiveMaximum']:g}"


def _message(event: Event) -> str:
    message = encode(event)
    lines = [f"topic: {message.topic}", f"key: {(message.key or b'').decode()}"]
    lines += [f"{name}: {text.decode()}" for name, text in message.headers]
    return "\n".join(["```text", *lines, "", json.dumps(json.loads(message.value or b"null"), indent=2), "```", ""])


def _wrapped(text: str) -> str:
    """A paragraph or an item of a list in lines that a phone can show."""
    return textwrap.fill(text, 80, subsequent_indent="  " if text.startswith("* ") else "", break_on_hyphens=False)


class _Blocks(yaml.SafeDumper):
    """YAML in which a text of several lines is written as it is."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        """A text; as a block when it has several lines."""
        return self.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)


_Blocks.add_representer(str, _Blocks.represent_str)
