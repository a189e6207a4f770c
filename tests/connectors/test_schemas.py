"""The published schemas: valid, open, described, and of one mind with what reads the bodies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from connectors.bus.wire.codec import Poison, decode, encode
from connectors.bus.wire.examples import examples
from connectors.bus.wire.payloads import TYPES
from connectors.bus.wire.schemas import schemas
from models.events import Topic
from tests.connectors import events
from tests.connectors.test_codec import ANY_JSON, FIELDS
from tests.values import replace

SCHEMAS = schemas()
CHECKS = {name: Draft202012Validator(schema) for name, schema in SCHEMAS.items()}
MESSAGES = {name: encode(event) for name, event in zip(SCHEMAS, examples(), strict=True)}
BODIES: dict[str, dict[str, Any]] = {name: json.loads(message.value or b"") for name, message in MESSAGES.items()}


def objects(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for part in (schema, *schema.get("$defs", {}).values()) if "properties" in part]


def references(part: object) -> list[str]:
    if isinstance(part, list):
        return [found for inner in part for found in references(inner)]
    if not isinstance(part, dict):
        return []
    here = [part["$ref"]] if "$ref" in part else []
    return here + [found for inner in part.values() for found in references(inner)]


def is_read(name: str, body: object) -> bool:
    message = MESSAGES[name]
    try:
        decode(Topic(message.topic), message.key, json.dumps(body).encode(), message.headers)
    except Poison:
        return False
    return True


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one_of_2020_12_and_stands_alone(name: str):
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"https://tidegate.dev/v1/events/{name}.schema.json"
    assert set(references(schema)) == {f"#/$defs/{inner}" for inner in schema.get("$defs", {})}


@pytest.mark.parametrize("name", SCHEMAS)
def test_unknown_fields_are_allowed_everywhere(name: str):
    assert all(part["additionalProperties"] is True for part in objects(SCHEMAS[name]))


@pytest.mark.parametrize("name", SCHEMAS)
def test_everything_is_described_in_a_sentence(name: str):
    for part in objects(SCHEMAS[name]):
        told = [part["description"], *(field["description"] for field in part["properties"].values())]
        assert all(text[0].isupper() or text[0] == "`" for text in told), told
        assert all(text.endswith(".") and "  " not in text and "``" not in text for text in told), told


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.name)
def test_a_field_is_required_just_where_the_reader_requires_it(kind):
    schema = SCHEMAS[kind.name]
    assert list(schema["properties"]) == list(kind.body.__struct_fields__)
    optional = len(kind.body.__struct_defaults__)
    assert schema["required"] == list(kind.body.__struct_fields__[: len(schema["properties"]) - optional])


@pytest.mark.parametrize("name", SCHEMAS)
def test_an_example_of_each_type_is_valid_and_so_is_one_of_a_later_release(name: str):
    CHECKS[name].validate(BODIES[name])
    CHECKS[name].validate({**BODIES[name], "colour": {"of": "tomorrow"}})


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.__name__) for kind in TYPES])
def test_everything_that_is_written_is_valid(kind: type):
    name = TYPES[kind].name
    example = next(event for event in examples() if type(event.payload) is kind)

    @settings(max_examples=60)
    @given(events.BY_KIND[kind])
    def check(value: object) -> None:
        CHECKS[name].validate(json.loads(encode(replace(example, payload=value)).value or b""))

    check()


def without(name: str, field: str) -> dict[str, Any]:
    return {key: value for key, value in BODIES[name].items() if key != field}


def with_(name: str, /, **changes: object) -> dict[str, Any]:
    return {**BODIES[name], **changes}


WORK, HPC, PLAN = "dev.tidegate.work.v1", "dev.tidegate.node.hpc.v1", "dev.tidegate.plan.v1"
FORECAST, DEAD, DEMAND = "dev.tidegate.forecast.v1", "dev.tidegate.dead-letter.v1", "dev.tidegate.demand.v1"
MOVE = BODIES[PLAN]["moves"][0]
BAD: dict[str, tuple[str, object]] = {
    "a list": (WORK, [1]),
    "null": (WORK, None),
    "no field": (WORK, {}),
    "a required field is missing": (WORK, without(WORK, "side")),
    "a required field that may be null is missing": (HPC, without(HPC, "drain_reason")),
    "null where none may be": (WORK, with_(WORK, nodes=None)),
    "text for a number": (WORK, with_(WORK, nodes="4")),
    "a number for text": (WORK, with_(WORK, id=4711)),
    "true for a number": (DEMAND, with_(DEMAND, at_s=True)),
    "a part of a second": (DEMAND, with_(DEMAND, at_s=1.5)),
    "a time after all times": (DEMAND, with_(DEMAND, at_s=2**70)),
    "no such side": (DEMAND, with_(DEMAND, side="moon")),
    "negative demand": (DEMAND, with_(DEMAND, waiting=-1.0)),
    "work of no size": (WORK, with_(WORK, nodes=0)),
    "an empty name": (WORK, with_(WORK, id="")),
    "a long name": (WORK, with_(WORK, id="n" * 513)),
    "a long text": (WORK, with_(WORK, user="n" * 4097)),
    "a level of 1": (FORECAST, with_(FORECAST, levels=[0.1, 0.5, 1])),
    "a negative quantile": (FORECAST, with_(FORECAST, values=[[-1, 2, 3], [1, 2, 3]])),
    "a node with no processor": (HPC, with_(HPC, offers={"cpu_milli": 0, "memory_mib": 1, "gpu_milli": 0})),
    "a shape that lacks something": (HPC, with_(HPC, offers={"cpu_milli": 1, "memory_mib": 1})),
    "a move without a reason": (PLAN, with_(PLAN, moves=[{k: v for k, v in MOVE.items() if k != "reason"}])),
    "a move to nowhere": (PLAN, with_(PLAN, moves=[{**MOVE, "direction": "hpc->hpc"}])),
    "a header that is a pair": (DEAD, with_(DEAD, headers=[["a", ""]])),
    "a partition before all": (DEAD, with_(DEAD, partition=-2)),
}


@pytest.mark.parametrize(("name", "body"), BAD.values(), ids=BAD)
def test_a_bad_body_is_valid_neither_by_the_schema_nor_for_the_reader(name: str, body: object):
    assert not CHECKS[name].is_valid(body)
    assert not is_read(name, body)


@settings(max_examples=500)
@given(st.sampled_from(FIELDS), ANY_JSON)
def test_what_is_read_is_valid(field: tuple[type, str], value: object):
    kind, name = TYPES[field[0]].name, field[1]
    body = with_(kind, **{name: value})
    if is_read(kind, body):
        CHECKS[kind].validate(body)
