"""Recipes and the job defaults around them: each table is laid over the one it stands in."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ctci.config import keys, reader, values
from ctci.config.reader import Reader
from ctci.config.scan import At
from ctci.model import Recipe

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def job(r: Reader, at: At, entries: Mapping[str, Any], base: Recipe) -> Recipe:
    """The job defaults of a table over those around it."""
    found: dict[str, Any] = {}
    if "timeout" in entries:
        found["timeout_s"] = values.duration(r, (*at, "timeout"), entries["timeout"], base.timeout_s)
    if "env" in entries:
        found["env"] = {**base.env, **_env(r, (*at, "env"), entries["env"])}
    if "env-pass" in entries:
        names = values.texts(r, (*at, "env-pass"), entries["env-pass"])
        free = (name for place, name in names if _is_free(r, place, name, key=False))
        found["env_pass"] = tuple(dict.fromkeys((*base.env_pass, *free)))
    if "shell" in entries:
        found["shell"] = _shell(r, (*at, "shell"), entries["shell"], base.shell)
    if "nice" in entries:
        found["nice"] = values.number(r, (*at, "nice"), entries["nice"], 0, 19, base.nice)
    return replace(base, **found)


def read(r: Reader, at: At, value: object, around: Recipe, what: str) -> dict[str, Recipe]:
    """A table of recipes."""
    if value == {}:
        r.say("C104", f"{what} has nothing to run", at, key=True, hint='add test = "make test"')
    found = {name: _recipe(r, (*at, name), each, around) for name, each in r.named(at, value, "recipe").items()}
    return {name: recipe for name, recipe in found.items() if recipe is not None}


def _recipe(r: Reader, at: At, value: object, around: Recipe) -> Recipe | None:
    name = str(at[-1])
    if isinstance(value, str):
        return replace(around, name=name, run=_run(r, at, name, value))
    if not isinstance(value, dict):
        kind = "list" if isinstance(value, list) else reader.kind_of(value)
        r.say("C110", f"recipe `{name}` must be a command or a table", at, hint=f"found {kind}")
        return None
    entries = r.table(at, value, keys.RECIPE, f"recipe `{name}`")
    made = job(r, at, entries, around)
    if "run" not in entries:
        r.say("C102", f"recipe `{name}` has no `run`", at, key=True, hint="its command is missing")
        return None
    return replace(made, name=name, run=_run(r, (*at, "run"), name, entries["run"]))


def _run(r: Reader, at: At, name: str, value: object) -> str:
    run = values.text(r, at, value, "true")
    if not run.strip():
        r.say("C104", f"recipe `{name}` has nothing to run", at, hint="its command is empty")
    return run


def _env(r: Reader, at: At, value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        r.wrong_type(at, value, "a table")
        return {}
    return {
        name: values.text(r, (*at, name), each)
        for name, each in value.items()
        if _is_free(r, (*at, name), name, key=True)
    }


def _is_free(r: Reader, at: At, name: str, *, key: bool) -> bool:
    """Whether a recipe may have the variable."""
    if not _VARIABLE.fullmatch(name):
        r.say("C105", f"not a name for a variable: `{name}`", at, key=key, hint="letters, digits and `_`")
        return False
    if name in keys.RESERVED or name.startswith("CTCI_"):
        r.say("C117", f"`{name}` is set by ctci itself", at, key=key, hint="choose another name")
        return False
    return True


def _shell(r: Reader, at: At, value: object, default: str) -> str:
    shell = values.line(r, at, value, default)
    try:
        words = shlex.split(shell)
    except ValueError:
        words = []
    if not words:
        r.say("C103", "`shell` is not a command", at, hint='such as "sh -e" or "bash -euo pipefail"')
        return default
    return shell
