"""The API in OpenAPI 3.1, made of the models that check what comes in and describe what goes out."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

import ctci
from ctci.api import outputs
from ctci.api.operation import Operation
from ctci.api.problem import CODES
from ctci.api.table import OPERATIONS

#: What any call may be refused for.
ALWAYS = ("not_signed_in", "not_allowed", "method_not_allowed", "invalid", "too_many_requests", "failed", "unavailable")
#: What a call that may have a body may be refused for besides.
BODIES = ("bad_request", "too_slow", "conflict", "too_large", "unsupported_media_type")
TAGS = {
    "projects": "Projects and how their branches stand",
    "runs": "Runs: what is built, why, and what it means",
    "jobs": "Jobs: one recipe at one commit",
    "logs": "Logs, as plain text and as bytes",
    "deliveries": "Calls of hooks, with the decision on each",
    "schedules": "What runs without a push",
    "findings": "What tools said, what became of it, and what is acknowledged",
    "told": "Who was told outside, by letter, status or call",
    "server": "The server itself: queue, configuration, health, events",
    "access": "Tokens, and who did what",
}
#: How a stream that broke off goes on.
LAST_EVENT_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "The id of the last event that came; a browser sends it by itself. What is no such id is ignored.",
    "schema": {"type": "string"},
    "example": "4711",
}


def document(public_url: str) -> dict[str, Any]:
    """The whole document; `public_url` as configured."""
    models = {model for operation in OPERATIONS for model in _models(operation)} | {outputs.Problem}
    modes = [(model, "serialization" if issubclass(model, outputs.Given) else "validation") for model in models]
    references, whole = models_json_schema(
        sorted(modes, key=lambda each: each[0].__name__),  # type: ignore[arg-type] # its modes are literals
        ref_template="#/components/schemas/{model}",
    )
    schemas: dict[Any, Any] = {model: schema for (model, _), schema in references.items()}
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ctci",
            "version": ctci.__version__,
            "description": "Keys of answers may be added, never changed: ignore what you do not know. Times are RFC "
            "3339 in UTC, durations seconds. A project that your token may not see is not there.",
        },
        "servers": [{"url": f"{public_url.rstrip('/')}/api/v1"}],
        "security": [{"token": []}],
        "tags": [{"name": name, "description": said} for name, said in TAGS.items()],
        "paths": {path: paths[path] for path in sorted(paths)},
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "`ctci token new NAME --tier read`"}
            },
            "schemas": whole.get("$defs", {}),
        },
    }


def _models(operation: Operation) -> tuple[type[BaseModel], ...]:
    return (operation.answer, *operation.events.values(), *filter(None, (operation.body,)))


def _operation(operation: Operation, schemas: Mapping[type[BaseModel], Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"schema": schemas[operation.answer]}
    if operation.example:
        answer["example"] = operation.example
    refusals = dict.fromkeys((*operation.refusals, *ALWAYS, *(BODIES if operation.changes else ())))
    told: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "description": f"Takes the tier `{operation.tier}`.",
        "parameters": _parameters(operation),
        "responses": {
            str(operation.status): {
                "description": (operation.answer.__doc__ or "").strip(),
                "content": {"application/json": answer},
            },
            **_refusals(refusals, schemas[outputs.Problem]),
        },
    }
    if operation.events:
        told["responses"][str(operation.status)]["content"] = {"text/event-stream": _stream(operation, schemas)}
        told["parameters"].append(LAST_EVENT_ID)
    elif operation.method == "GET":
        told["responses"]["304"] = {"description": "It is as `If-None-Match` says that the caller has it."}
    if operation.body is not None:
        taken: dict[str, Any] = {"schema": schemas[operation.body]}
        if operation.body_example:
            taken["example"] = operation.body_example
        told["requestBody"] = {"content": {"application/json": taken}, "required": False}
    if operation.changes:
        told["parameters"].append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "A call that comes again with the same key within a day gets the same answer.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
            }
        )
    return told


def _stream(operation: Operation, schemas: Mapping[type[BaseModel], Any]) -> dict[str, Any]:
    """A stream of events: OpenAPI 3.1 has no word for them, so that their schemas stand beside.

    Who reads the schema of a stream takes it for that of the text, or, as 3.2's `itemSchema`, for that of each event.
    """
    names = ", ".join(f"`{name}`" for name in operation.events)
    said = f"Events {names}; the data of each is JSON, as `x-events` has it. Others may come: ignore them."
    events = {name: schemas[model] for name, model in operation.events.items()}
    parts = {"event": {"enum": [*operation.events]}, "id": {"type": "string"}, "data": {"type": "string"}}
    schema = {"type": ["string", "object"], "properties": parts, "description": said}
    return {"schema": schema, "x-events": events}


def _refusals(codes: Mapping[str, None], schema: Any) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(CODES[code][0], []).append(code)
    return {
        str(status): {
            "description": ", ".join(f"{CODES[code][1]} (`{code}`)" for code in of),
            "content": {"application/problem+json": {"schema": schema}},
        }
        for status, of in sorted(by_status.items())
    }


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    """What stands in path and query. Their schemas are small, and need no names."""
    whole = operation.query.model_json_schema(mode="validation")
    required = whole.get("required", [])
    found = []
    for name, schema in whole.get("properties", {}).items():
        in_path = f"{{{name}}}" in operation.path
        schema = _plain(schema)  # noqa: PLW2901 - as a parameter has it
        said = schema.pop("description", None)
        if name == "sub" and not in_path:
            continue
        found.append(
            {
                "name": name,
                "in": "path" if in_path else "query",
                "required": in_path or name in required,
                **({"description": said} if said else {}),
                "schema": schema,
            }
        )
    return found


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter's schema: one that may be left out is not null, for a query cannot say so."""
    plain = {name: value for name, value in schema.items() if name not in ("title", "default") or value is not None}
    plain.pop("title", None)
    choices = [each for each in plain.get("anyOf", []) if each != {"type": "null"}]
    if len(choices) == 1 and "anyOf" in plain:
        del plain["anyOf"]
        plain |= choices[0]
    return plain
