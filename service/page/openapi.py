"""The OpenAPI 3.1 document of the API, made of the table of endpoints and of the types of their answers. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from service.page.endpoints import ENDPOINTS, Endpoint
from service.page.model import Problem

REFS = "#/components/schemas/{name}"
ABOUT = (
    "What the status page shows, for programs; whoever reaches it can read it. What orders something needs the admin"
    " token of spec.page.adminToken, as a bearer token. Objects grow by optional fields, and enumerations by values:"
    " ignore what you do not know."
)


def document() -> dict[str, Any]:
    """The document."""
    types = [Problem, *(one for each in ENDPOINTS for one in (each.answer, each.body) if one not in (None, str))]
    schemas, components = msgspec.json.schema_components(types, ref_template=REFS)
    by_type = {str(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for each in ENDPOINTS:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, by_type)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tidegate", "version": "1", "description": ABOUT, "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"adminToken": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(each: Endpoint, by_type: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "string"} if each.answer is str else by_type[str(each.answer)]
    refused = {"content": {"application/json": {"schema": by_type[str(Problem)]}}}
    problems = {"400": "The request is malformed.", "404": "There is no such thing."}
    if each.orders:
        problems |= {"401": "The admin token is not given.", "409": "It cannot be ordered.", "503": "Not reachable."}
    found: dict[str, Any] = {
        "operationId": each.name,
        "summary": each.about,
        "responses": {
            "200": {"description": "Done.", "content": {each.media: {"schema": schema}}},
            **{code: {"description": what, **refused} for code, what in sorted(problems.items())},
        },
    }
    if each.variables:
        found["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in each.variables
        ]
    if each.body is not None:
        found["requestBody"] = {"content": {"application/json": {"schema": by_type[str(each.body)]}}}
    if each.orders:
        found["security"] = [{"adminToken": []}]
    return found
