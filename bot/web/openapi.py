"""The description of the HTTP API (OpenAPI 3.1), made of what its endpoints declare, and a page of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from bot.web.endpoints import KEY_HEADER, Endpoint

_REFERENCE = "#/components/schemas/{model}"
_ALL = (400, 401, 403, 429, 503)
"""Refusals that any endpoint may answer with."""
_UNSAFE = (408, 413, 415)
"""And those of any that takes a body."""
_STRING = {"type": "string"}
_EVENT = {"type": "object", "properties": {"id": _STRING, "event": _STRING, "data": _STRING}}
_OWN_TYPES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "/log": ("text/plain", _STRING),
    "/stream": ("text/event-stream", _EVENT),
    "/docs": ("text/html", _STRING),
    "/openapi.json": ("application/json", {}),
}
"""What answers that are no JSON are, by the end of their path."""


class ProblemDetails(BaseModel):
    """Why a request was refused (RFC 9457): `detail` for people, `code` and `field` for programs."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    field: str | None = Field(default=None, description="The field or parameter that is wrong.")


def describe(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The whole document."""
    bodies = [(endpoint.body, "validation") for endpoint in endpoints if endpoint.body]
    answers = [(model, "serialization") for endpoint in endpoints if (model := _model(endpoint))]
    models: Any = [*dict.fromkeys([*bodies, *answers, (ProblemDetails, "serialization")])]
    known, definitions = models_json_schema(models, ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, known)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Bifrost", "version": version("bifrost"), "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": definitions.get("$defs", {}),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


_ABOUT = (
    "Send `Authorization: Bearer TOKEN`; `bifrost token create NAME --scope run` makes one. With scope "
    "`read` one looks at everything, with `run` one also has jobs done, with `admin` one may do all. "
    f"A POST with an `{KEY_HEADER}` can be sent again: for a day it is answered as it was the first time."
)


def _operation(endpoint: Endpoint, known: Mapping[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _name(endpoint),
        "summary": endpoint.summary,
        "description": f"Needs scope `{endpoint.scope}`.",
        "parameters": _parameters(endpoint),
        "responses": _responses(endpoint, known),
        "x-scope": endpoint.scope,
    }
    if endpoint.body is not None:
        needed = any(field.is_required() for field in endpoint.body.model_fields.values())
        schema = known[(endpoint.body, "validation")]
        operation["requestBody"] = {"required": needed, "content": {"application/json": {"schema": schema}}}
    return operation


def _name(endpoint: Endpoint) -> str:
    words = re.findall(r"[a-z]+", endpoint.path)
    return "_".join([endpoint.method.lower(), *words])


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)", endpoint.path)
    ]
    if endpoint.query is not None:
        schema = endpoint.query.model_json_schema(ref_template=_REFERENCE)
        parameters += [
            {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()),
                "schema": _flat(each, schema.get("$defs", {})),
            }
            for name, each in schema["properties"].items()
        ]
    if endpoint.method == "POST":
        key = {"type": "string", "pattern": "^[!-~]{1,200}$"}
        parameters.append({"name": KEY_HEADER, "in": "header", "required": False, "schema": key})
    return parameters


def _flat(schema: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter's schema: one that is left out is not null, and what it refers to stands in it."""
    choices = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    (only,) = choices
    if "$ref" in only:
        only = definitions[only["$ref"].rpartition("/")[2]]
    return {name: value for name, value in only.items() if name not in ("title", "default")}


def _responses(endpoint: Endpoint, known: Mapping[Any, Any]) -> dict[str, Any]:
    refusals: set[int] = {*_ALL, 422, *endpoint.problems}
    if endpoint.method != "GET":
        refusals |= {*_UNSAFE, *((409,) if endpoint.method == "POST" else ())}
    details = {"schema": known[(ProblemDetails, "serialization")]}
    responses: dict[str, Any] = {
        str(status): {
            "description": HTTPStatus(status).phrase,
            **({"content": {"application/problem+json": details}} if status >= 400 else {}),
        }
        for status in sorted(refusals)
    }
    responses[str(endpoint.status)] = {"description": endpoint.summary, **_content(endpoint, known)}
    return responses


def _content(endpoint: Endpoint, known: Mapping[Any, Any]) -> dict[str, Any]:
    if endpoint.answer is None:
        own = next((own for end, own in _OWN_TYPES.items() if endpoint.path.endswith(end)), None)
        return {"content": {own[0]: {"schema": own[1]}}} if own else {}
    schema = known[(_model(endpoint), "serialization")]
    if endpoint.answer is not _model(endpoint):
        schema = {"type": "array", "items": schema}
    return {"content": {"application/json": {"schema": schema}}}


def _model(endpoint: Endpoint) -> type[BaseModel] | None:
    """What an answer is, or each of a list of them."""
    answer: Any = endpoint.answer
    return answer.__args__[0] if hasattr(answer, "__args__") else answer  # type: ignore[no-any-return]
