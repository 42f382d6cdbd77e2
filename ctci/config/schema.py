"""The JSON Schema (draft 2020-12) of projects.toml, made from the one table of keys; for editors.

It knows the form of every value, and no more: that names exist, that files are there and what only `check` can say.
"""

from collections.abc import Mapping
from typing import Any

from ctci.config import keys
from ctci.config.keys import Key

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_TEXTS: Schema = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_DURATION: Schema = {"type": "string", "pattern": r"^(?=.)(\d{1,9}d)?(\d{1,9}h)?(\d{1,9}m)?(\d{1,9}s)?$"}
_SIZE: Schema = {"type": "string", "pattern": r"^(0|\d{1,9}(\.\d{1,9})? ?(B|[KMGT]iB|[KMGT]B))$"}
_TIME: Schema = {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$"}
_DAY = "(sun|mon|tue|wed|thu|fri|sat)"
_DAYS: Schema = {"type": "string", "pattern": f"^{_DAY}(-{_DAY})?$"}
_MAIL: Schema = {"type": "string", "pattern": r"^[^@\s]+@[^@\s]+$"}
_VARIABLE: Schema = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}
_NAME: Schema = {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"}
_AXIS: Schema = {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,63}$"}
#: Kind -> what its values look like, where nothing else of the key counts.
_SHAPES: Mapping[str, Schema] = {
    "text": _TEXT,
    "line": _TEXT,
    "path": _TEXT,
    "zone": _TEXT,
    "url": {"type": "string", "pattern": "^https?://"},
    "header": {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9-]{0,63}$"}]},
    "name": _NAME,
    "variable": _VARIABLE,
    "lines": _TEXTS,
    "globs": _TEXTS,
    "networks": _TEXTS,
    "flag": _FLAG,
    "duration": _DURATION,
    "size": _SIZE,
    "time": _TIME,
    "days": {"anyOf": [_DAYS, {"type": "array", "items": _DAYS, "minItems": 1}]},
    "mails": {"anyOf": [_MAIL, {"type": "array", "items": _MAIL}]},
    "slow": {"anyOf": [_DURATION, {"type": "string", "pattern": r"^\d{1,3}(\.\d{1,3})?x$"}]},
    "sweep": {"anyOf": [_FLAG, _DURATION]},
    "secret": {"$ref": "#/$defs/secret"},
    "env": {"type": "object", "propertyNames": _VARIABLE, "additionalProperties": _TEXT},
    "secrets": {
        "type": "object",
        "propertyNames": _VARIABLE,
        "additionalProperties": {"$ref": "#/$defs/passed-secret"},
    },
    "patterns": {"anyOf": [*_TEXTS["anyOf"], {"type": "object", "additionalProperties": _TEXTS}]},
    "matrix": {
        "type": "object",
        "propertyNames": _AXIS,
        "minProperties": 1,
        "additionalProperties": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]},
    },
    "recipes": {
        "type": "object",
        "propertyNames": _NAME,
        "minProperties": 1,
        "additionalProperties": {"anyOf": [{"type": "string", "minLength": 1}, {"$ref": "#/$defs/recipe"}]},
    },
    "bisect": {"anyOf": [_FLAG, {"$ref": "#/$defs/bisect"}]},
    "repo-recipes": {"anyOf": [_FLAG, {"$ref": "#/$defs/repo-recipes"}]},
}


def schema() -> Schema:
    """The schema of projects.toml."""
    tables = {name: _table(name) for name in keys.TABLES if name not in _OTHER}
    # A file without projects may be one of several, so nothing at the top is needed.
    top = tables.pop("top")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "projects.toml of ctci",
        **top,
        "$defs": tables,
    }


#: Tables of ctci.toml, and of the files that projects.toml includes.
_OTHER = ("included", "server", "backup", "smtp", "limits", "otlp")
#: Tables of which exactly one of some keys is there.
_ONE_OF: Mapping[str, tuple[str, ...]] = {
    "secret": tuple(keys.SECRET),
    "passed-secret": tuple(keys.SECRET),
    "schedule": ("at", "cron"),
}


def _table(name: str) -> Schema:
    table = keys.TABLES[name]
    found: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {key.name: _property(key) for key in table.values()},
    }
    needed = [key.name for key in table.values() if key.needed]
    if needed:
        found["required"] = needed
    if name in _ONE_OF:
        found["oneOf"] = [{"required": [each]} for each in _ONE_OF[name]]
    if name == "project":
        found["oneOf"] = [{"required": ["recipes"]}, {"required": ["sub"]}]
        found["not"] = {"required": ["sub", "paths"]}
    if name == "notify":
        found["dependentRequired"] = {
            "webhook": ["webhook-secret"],
            "webhook-secret": ["webhook"],
            "heartbeat": ["email", "digest"],
        }
    if name == "schedule":
        found["not"] = {"required": ["cron", "days"]}
    return found


def _property(key: Key) -> Schema:
    """What a key takes, with what it means."""
    said = key.says + (f"; default: {key.default}" if key.default else "")
    later = " (understood, and not in force yet)" if key.later else ""
    return {"description": f"{said}{later}".replace("`", ""), **_shape(key)}


def _shape(key: Key) -> Schema:
    kind, _, name = key.kind.partition(":")
    if kind == "table":
        return {"$ref": f"#/$defs/{name}"}
    if kind == "names":
        return {"type": "object", "propertyNames": _NAME, "additionalProperties": {"$ref": f"#/$defs/{name}"}}
    if kind == "choice":
        return {"enum": list(key.choices)}
    if kind == "choices":
        one = {"enum": list(key.choices)}
        return {"anyOf": [one, {"type": "array", "items": one}]}
    if kind == "number":
        return {"type": "integer", "minimum": key.low, "maximum": key.high}
    return dict(_SHAPES[kind])
