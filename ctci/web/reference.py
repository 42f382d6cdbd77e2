"""`/docs/api`: the API for people, made of its own document."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ctci import words
from ctci.api import examples
from ctci.api.document import TAGS, document
from ctci.api.problem import CODES, MEANS
from ctci.web import render, sentences


@dataclass(frozen=True, kw_only=True)
class Field:
    """A parameter, or a field of a body."""

    name: str
    #: `path`, `query`, `header` or `body`.
    where: str
    kind: str
    required: bool
    said: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One operation."""

    name: str
    method: str
    path: str
    summary: str
    tier: str
    fields: tuple[Field, ...]
    curl: str
    #: What comes back: its status, a sentence, and an example.
    status: str
    answer: str
    example: str


def page(request: Request) -> Response:
    """The whole page."""
    url = render.doors(request).current.get().server.public_url
    said = document(url)
    sections: dict[str, list[Entry]] = {name: [] for name in TAGS}
    for path, methods in said["paths"].items():
        for method, operation in methods.items():
            sections[operation["tags"][0]].append(_entry(said, path, method, operation))
    count = sum(len(entries) for entries in sections.values())
    verdict = sentences.Verdict(
        parts=(sentences.Part(f"{words.count(count, 'operation')} at {said['servers'][0]['url']}"),)
    )
    return render.page(
        request,
        "reference.html",
        verdict=verdict,
        title="API",
        sections={name: entries for name, entries in sections.items() if entries},
        tags=TAGS,
        problems=[(code, status, title, MEANS[code]) for code, (status, title) in CODES.items()],
    )


def _entry(said: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> Entry:
    schemas = said["components"]["schemas"]
    fields = [
        Field(
            name=each["name"],
            where=each["in"],
            kind=kind(each["schema"], schemas),
            required=each.get("required", False),
            said=each.get("description", ""),
        )
        for each in operation["parameters"]
    ]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None:
        model = _resolved(body["schema"], schemas)
        fields += [
            Field(
                name=name,
                where="body",
                kind=kind(schema, schemas),
                required=name in model.get("required", ()),
                said=schema.get("description", ""),
            )
            for name, schema in model.get("properties", {}).items()
        ]
    status, told = next((status, each) for status, each in operation["responses"].items() if status.startswith("2"))
    # What is told as it happens has no one answer to show.
    example = told["content"].get("application/json", {}).get("example")
    return Entry(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        tier=operation["description"].split("`")[1],
        fields=tuple(fields),
        curl=_curl(said["servers"][0]["url"], path, method.upper(), fields, (body or {}).get("example")),
        status=status,
        answer=" ".join(told["description"].split()),
        example=json.dumps(example, ensure_ascii=False, indent=2) if example else "",
    )


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def kind(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """What a value is: `integer`, `one of read, trigger`, `any of queued, running`, `several of string`."""
    schema = _resolved(schema, schemas)
    if "anyOf" in schema:
        kinds = [kind(each, schemas) for each in schema["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return f"one of {', '.join(str(each) for each in schema['enum'])}"
    if schema.get("type") == "array":
        item = kind(schema.get("items", {}), schemas)
        return f"any of {item.removeprefix('one of ')}" if item.startswith("one of ") else f"several of {item}"
    return str(schema.get("format") or schema.get("type") or "anything")


def _curl(base: str, path: str, method: str, fields: list[Field], body: Mapping[str, Any] | None) -> str:
    """A line that one can copy."""
    filled = re.sub(r"\{(\w+)\}", lambda found: str(examples.VALUES.get(found[1], found[0])), path)
    asked = [f"{each.name}={examples.VALUES[each.name]}" for each in fields if each.where == "query" and each.required]
    url = f"{base}{filled}{'?' if asked else ''}{'&'.join(asked)}"
    parts = ["curl", '-H "Authorization: Bearer $CTCI_TOKEN"']
    if method != "GET":
        parts.append(f"-X {method}")
    if body is not None:
        parts += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(body))}"]
    return " ".join([*parts, shlex.quote(url)])
