"""A message of the bus as one line: for people as wide as their terminal, or as JSON."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from basics.text import clean
from cli.bus.format import cut, event_text, moment, padded, printable
from connectors.bus.inspection import Found
from models.events import Event

KEY_COLUMNS = 22  # that a key has at least
KEY_PARTS = 0.5  # of the line, that it has at the most: it ends with what it is about, after site and pool


def line(found: Found, columns: int | None) -> str:
    """Time, key and what has happened, in no more than so many columns; None for as many as it takes."""
    event = found.event
    if isinstance(event, Event):
        at_s, key, words = event.at_s, clean(event.key), event_text(event)
    else:
        at_s, key, words = found.at_s, printable(found.key, 200), f"no event: {clean(event)}"
    if columns is None:
        return f"{moment(at_s)} {padded(key, KEY_COLUMNS)} {words}"
    key = cut(key, max(KEY_COLUMNS, int(columns * KEY_PARTS)))
    return cut(f"{moment(at_s)} {padded(key, KEY_COLUMNS)} {words}", columns)


def json_line(found: Found) -> str:
    """The same with all that there is, as one object of JSON."""
    event = found.event
    facts: dict[str, Any] = {"topic": found.topic.value, "partition": found.partition, "offset": found.offset}
    if isinstance(event, Event):
        headers = {name: text.decode(errors="replace") for name, text in found.headers}
        facts |= {
            "key": event.key,
            "type": headers["ce_type"],
            "source": event.source,
            "id": headers["ce_id"],
            "time": headers["ce_time"],
            "sequence": event.version,
            "body": None if found.value is None else json.loads(found.value),
        }
    else:
        headers_raw = [{"name": name, "value": base64(text)} for name, text in found.headers]
        raw = {"key": base64(found.key), "value": base64(found.value), "headers": headers_raw}
        facts |= {"problem": event, "raw": raw}
    return json.dumps(facts)


def base64(raw: bytes | None) -> str | None:
    """Bytes as JSON can hold them."""
    return None if raw is None else b64encode(raw).decode()
