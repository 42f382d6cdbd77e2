"""Recipes, what they need of each other, and the job defaults around them: each table is laid over the outer one."""

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
    if "retries" in entries:
        found["retries"] = values.number(r, (*at, "retries"), entries["retries"], 0, 10, base.retries)
    if "on-interrupt" in entries:
        chosen = values.choice(r, (*at, "on-interrupt"), entries["on-interrupt"], keys.ON_INTERRUPT)
        found["on_interrupt"] = chosen or base.on_interrupt
    if "sandbox" in entries:
        found["sandbox"] = _sandbox(r, (*at, "sandbox"), entries["sandbox"], base.sandbox)
    return replace(base, **found)


def read(r: Reader, at: At, value: object, around: Recipe, what: str) -> dict[str, Recipe]:
    """A table of recipes."""
    if value == {}:
        r.say("C104", f"{what} has nothing to run", at, key=True, hint='add test = "make test"')
    written = r.named(at, value, "recipe")
    found = {name: _recipe(r, (*at, name), each, around, written) for name, each in written.items()}
    good = {name: recipe for name, recipe in found.items() if recipe is not None}
    _circles(r, at, good, written)
    return good


def _recipe(r: Reader, at: At, value: object, around: Recipe, known: Mapping[str, Any]) -> Recipe | None:
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
    return replace(
        made,
        name=name,
        run=_run(r, (*at, "run"), name, entries["run"]),
        needs=_needs(r, (*at, "needs"), name, entries["needs"], known) if "needs" in entries else (),
        lock=_lock(r, (*at, "lock"), entries["lock"]) if "lock" in entries else None,
        allow_failure=values.flag(r, (*at, "allow-failure"), entries.get("allow-failure", False)),
    )


def _run(r: Reader, at: At, name: str, value: object) -> str:
    run = values.text(r, at, value, "true")
    if not run.strip():
        r.say("C104", f"recipe `{name}` has nothing to run", at, hint="its command is empty")
    return run


def _needs(r: Reader, at: At, name: str, value: object, known: Mapping[str, Any]) -> tuple[str, ...]:
    wanted = values.texts(r, at, value)
    for place, need in wanted:
        if need not in known and not r.full:
            meant = reader.close(need, known)
            hint = f"did you mean `{meant}`?" if meant else f"known: {', '.join(known)}"
            r.say("C112", f"recipe `{name}` needs `{need}`, which does not exist", place, hint=hint)
    return tuple(dict.fromkeys(need for _, need in wanted if need in known))


def _circles(r: Reader, at: At, found: Mapping[str, Recipe], written: Mapping[str, Any]) -> None:
    """Tell of each circle of recipes once, at the need that closes it."""
    done: set[str] = set()
    for first in found:
        # The recipes on the way from `first`, each with those of its needs that are still to be seen.
        path = {} if first in done else {first: iter(found[first].needs)}
        while path:
            last = next(reversed(path))
            need = next(path[last], None)
            if need is None:
                done.add(last)
                del path[last]
            elif need in path and not r.full:
                names = list(path)
                _circle(r, (*at, last, "needs"), [*names[names.index(need) :], need], written[last]["needs"])
            elif need in found and need not in done and need not in path:
                path[need] = iter(found[need].needs)


def _circle(r: Reader, at: At, names: list[str], value: object) -> None:
    first = names[-1]
    place = (*at, value.index(first)) if isinstance(value, list) else at
    shown = " → ".join(names)
    if len(names) == 2:
        r.say("C114", f"recipe `{first}` needs itself: {shown}", place, hint="it could never begin")
    else:
        r.say("C114", f"recipes need each other: {shown}", place, hint="none of them could ever begin")


def _lock(r: Reader, at: At, value: object) -> str | None:
    if not isinstance(value, str):
        r.wrong_type(at, value, "text")
        return None
    if not reader.is_name(value):
        r.wrong_name(at, value, "lock")
        return None
    return value


def _sandbox(r: Reader, at: At, value: object, default: str) -> str:
    if isinstance(value, str):
        r.say("C109", "`sandbox` must be a table", at, hint="found text", help='write sandbox = { mode = "pid" }')
        return default
    entries = r.table(at, value, keys.SANDBOX, "`sandbox`")
    if "mode" not in entries:
        return default
    return values.choice(r, (*at, "mode"), entries["mode"], keys.SANDBOX_MODES) or default


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
