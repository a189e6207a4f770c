"""The page of events says what is declared: every topic and every field once, in lines that a phone can show."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from cli.reference_pages.events import event_files, events_page
from connectors.bus.topics import TOPICS
from connectors.bus.wire.asyncapi import document
from connectors.bus.wire.codec import encode
from connectors.bus.wire.examples import examples
from connectors.bus.wire.payloads import TYPES
from connectors.bus.wire.schemas import schemas
from models.events import Topic

PAGE = events_page()
SECTIONS = dict(re.findall(r"^## `?(.+?)`?\n(.*?)(?=^## |\Z)", PAGE, flags=re.DOTALL | re.MULTILINE))


def types_of(topic: Topic) -> dict[str, str]:
    """The part of the page for each type of a topic."""
    found = re.findall(r"^### `(.+?)`\n(.*?)(?=^### |\Z)", SECTIONS[topic], flags=re.DOTALL | re.MULTILINE)
    return dict(found)


@pytest.mark.parametrize("topic", Topic)
def test_a_topic_has_its_key_its_keeping_and_its_types(topic: Topic):
    facts = SECTIONS[topic].split("###")[0].replace("\n  ", " ")
    example = next(event for event in examples() if event.topic is topic)
    assert TOPICS[topic].about in facts
    assert f"* key: {TOPICS[topic].key}, such as `{example.key}`" in facts
    assert f"* partitions: {TOPICS[topic].partitions}\n" in facts
    assert ("for good" in facts) is ("dev.tidegate.gone.v1" in facts) is topic.state
    assert list(types_of(topic)) == [kind.name for kind in TYPES.values() if kind.topic is topic]


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.name)
def test_a_type_has_every_field_with_its_meaning(kind):
    schema, told = schemas()[kind.name], types_of(kind.topic)[kind.name]
    for part in (schema, *schema.get("$defs", {}).values()):
        for name, field in part.get("properties", {}).items():
            required = name in part["required"]
            [row] = {row for row in re.findall(rf"^\| `{name}` \| .*$", told, flags=re.MULTILINE)
                     if f"| {field['description']} |" in row}  # fmt: skip
            assert ("*required*" in row) is required
            assert required or f"`{json.dumps(field['default'])}`" in row
    for value in {choice for part in schema.get("$defs", {}).values() for choice in part.get("enum", ())}:
        assert f"`{value}`" in told


def test_the_rules_are_there():
    rules = re.findall(r"^\*\*(.+?)\.\*\*", SECTIONS["Rules"], flags=re.MULTILINE)
    assert rules == [
        "Duplicates", "Order", "State", "Pools", "Unknown is not zero", "Compatibility", "Strictness", "Size", "Names",
    ]  # fmt: skip


def test_the_message_that_is_shown_is_one():
    message = encode(examples()[0])
    shown = SECTIONS["A message"].split("```")[1]
    for name, text in message.headers:
        assert f"\n{name}: {text.decode()}\n" in shown
        assert f"| `{name}` |" in SECTIONS["A message"]
    assert json.loads(shown[shown.index("{") :]) == json.loads(message.value or b"")


def test_prose_is_narrow():
    wide = [line for line in PAGE.splitlines() if len(line) > 80 and not line.startswith("|")]
    assert wide == []


def test_the_files_for_machines_hold_what_they_should():
    files = event_files()
    assert yaml.safe_load(files.pop("asyncapi.yaml")) == document()
    assert {json.loads(text)["title"]: json.loads(text) for text in files.values()} == schemas()
    assert list(files) == [f"{name}.schema.json" for name in schemas()]
