"""Recipes, what they need of each other, and the job defaults around them: each table is laid over the outer one."""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ctci.config import forms, keys, later, matrix, reader, values
from ctci.config.reader import Reader
from ctci.config.scan import At
from ctci.model import Recipe

#: Tools are asked of their versions before each job, one after another.
FACTS = 20


def job(r: Reader, at: At, entries: Mapping[str, Any], base: Recipe) -> Recipe:
    """The job defaults of a table over those around it."""
    found: dict[str, Any] = {}
    if "timeout" in entries:
        found["timeout_s"] = values.duration(r, (*at, "timeout"), entries["timeout"], base.timeout_s)
    if "env" in entries:
        found["env"] = {**base.env, **_env(r, (*at, "env"), entries["env"])}
    if "env-pass" in entries:
        names = values.texts(r, (*at, "env-pass"), entries["env-pass"])
        free = (name for place, name in names if values.is_free(r, place, name, key=False))
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
    if "facts" in entries:
        found["facts"] = _facts(r, (*at, "facts"), entries["facts"])
    return replace(base, **found)


def read(
    r: Reader, at: At, value: object, around: Recipe, what: str, schedules: tuple[str, ...] = ()
) -> dict[str, Recipe]:
    """A table of recipes; those with a `matrix` become several. `schedules`: what `on` may name beside the events."""
    if value == {}:
        r.say("C104", f"{what} has nothing to run", at, key=True, hint='add test = "make test"')
    written = r.named(at, value, "recipe")
    axes = {
        name: _axes(r, (*at, name, "matrix"), each["matrix"])
        for name, each in written.items()
        if isinstance(each, dict) and "matrix" in each
    }
    many = {name: found for name, found in axes.items() if found}
    known = {
        each: name for name in written for each in (name, *(matrix.cells(name, many[name]) if name in many else ()))
    }
    found = {
        name: _recipe(r, (*at, name), each, around, known, (*keys.EVENTS, *schedules)) for name, each in written.items()
    }
    good = {name: recipe for name, recipe in found.items() if recipe is not None}
    _circles(r, at, good, written, known)
    return matrix.expand(good, many)


def _recipe(
    r: Reader, at: At, value: object, around: Recipe, known: Mapping[str, str], events: tuple[str, ...]
) -> Recipe | None:
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
    slow_by, slow_s = (
        values.slow(r, (*at, "slow-after"), entries["slow-after"]) if "slow-after" in entries else (None, None)
    )
    return replace(
        made,
        name=name,
        run=_run(r, (*at, "run"), name, entries["run"]),
        needs=_needs(r, (*at, "needs"), name, entries["needs"], known) if "needs" in entries else (),
        lock=_lock(r, (*at, "lock"), entries["lock"]) if "lock" in entries else None,
        allow_failure=values.flag(r, (*at, "allow-failure"), entries.get("allow-failure", False)),
        on=_on(r, (*at, "on"), entries["on"], events) if "on" in entries else None,
        vars=_vars(r, (*at, "vars"), entries["vars"]) if "vars" in entries else (),
        junit=values.globs(r, (*at, "junit"), entries.get("junit", [])),
        sarif=values.globs(r, (*at, "sarif"), entries.get("sarif", [])),
        matchers=values.globs(r, (*at, "matchers"), entries.get("matchers", [])),
        slow_by=slow_by,
        slow_s=slow_s,
    )


def _on(r: Reader, at: At, value: object, events: tuple[str, ...]) -> tuple[str, ...] | None:
    """The events and schedules that order a recipe."""
    found = values.texts(r, at, value)
    for place, event in found:
        if event not in events and not r.full:
            meant = r.close(event, events)
            hint = f"did you mean `{meant}`?" if meant else f"known: {', '.join(events)}"
            r.say("C111", f"`{event}` is not an event or a schedule of `{at[1]}`", place, hint=hint)
    good = tuple(dict.fromkeys(event for _, event in found if event in events))
    # Where all that is named is wrong, that has been told; only an empty list excludes everything.
    return good if good or not found else None


def _vars(r: Reader, at: At, value: object) -> tuple[str, ...]:
    """The variables that a trigger may set."""
    names = values.texts(r, at, value)
    return tuple(dict.fromkeys(name for place, name in names if values.is_free(r, place, name, key=False)))


def _axes(r: Reader, at: At, value: object) -> dict[str, tuple[str, ...]]:
    """The axes of a matrix and their values; nothing where they cannot be had, which is told."""
    if not isinstance(value, dict):
        r.wrong_type(at, value, "a table")
        return {}
    if not value:
        r.say("C103", "`matrix` has no axis", at, hint='write matrix = { py = ["3.11", "3.13"] }')
    variables: dict[str, str] = {}
    found = {}
    for axis, entries in value.items():
        place: At = (*at, axis)
        fault = matrix.axis_fault(axis)
        if fault is not None:
            r.say("C105", f"not a name for an axis: `{axis[:80]}`", place, key=True, hint=fault)
            continue
        first = variables.setdefault(matrix.variable(axis), axis)
        if first != axis:
            said = f"`{axis}` and `{first}` are the same variable {matrix.variable(axis)}"
            r.say("C115", said, place, key=True, also=((*at, first), "the other"))
            continue
        found[axis] = _axis(r, place, entries)
    if any(not each for each in found.values()) or len(found) < len(value):
        return {}
    if matrix.size(found) > matrix.MOST:
        said = f"`matrix` makes {matrix.size(found)} recipes"
        r.say("C103", said, at, key=True, hint=f"at most {matrix.MOST}")
        return {}
    return found


def _axis(r: Reader, at: At, value: object) -> tuple[str, ...]:
    """The values of one axis, each once."""
    if value == []:
        r.say("C103", f"axis `{at[-1]}` has no values", at, hint='such as ["3.11", "3.13"]')
    found: dict[str, None] = {}
    for place, each in values.texts(r, at, value):
        fault = matrix.value_fault(each)
        if fault is not None:
            r.say("C105", f"no recipe can be named after `{each[:80]}`", place, hint=fault)
        elif each in found:
            r.say("C115", f"`{each}` stands twice in axis `{at[-1]}`", place, hint="each makes a recipe of that name")
        else:
            found[each] = None
    return tuple(found)


def _run(r: Reader, at: At, name: str, value: object) -> str:
    run = values.text(r, at, value, "true")
    if not run.strip():
        r.say("C104", f"recipe `{name}` has nothing to run", at, hint="its command is empty")
    return run


def _needs(r: Reader, at: At, name: str, value: object, known: Mapping[str, str]) -> tuple[str, ...]:
    wanted = values.texts(r, at, value)
    for place, need in wanted:
        if need not in known and not r.full:
            meant = r.close(need, known)
            hint = f"did you mean `{meant}`?" if meant else f"known: {', '.join(dict.fromkeys(known.values()))}"
            r.say("C112", f"recipe `{name}` needs `{need}`, which does not exist", place, hint=hint)
    return tuple(dict.fromkeys(need for _, need in wanted if need in known))


def _circles(
    r: Reader, at: At, found: Mapping[str, Recipe], written: Mapping[str, Any], known: Mapping[str, str]
) -> None:
    """Tell of each circle of recipes once, at the need that closes it.

    As they are written: whatever is made of a recipe needs the same, so a circle of some is one of all.
    """
    needs = {name: [known[need] for need in recipe.needs] for name, recipe in found.items()}
    done: set[str] = set()
    for first in found:
        # The recipes on the way from `first`, each with those of its needs that are still to be seen.
        path = {} if first in done else {first: iter(needs[first])}
        while path:
            last = next(reversed(path))
            need = next(path[last], None)
            if need is None:
                done.add(last)
                del path[last]
            elif need in path and not r.full:
                names = list(path)
                _circle(r, (*at, last, "needs"), [*names[names.index(need) :], need], written[last]["needs"], known)
            elif need in found and need not in done and need not in path:
                path[need] = iter(needs[need])


def _circle(r: Reader, at: At, names: list[str], value: object, known: Mapping[str, str]) -> None:
    first = names[-1]
    listed = enumerate(value) if isinstance(value, list) else ()
    closing = (number for number, need in listed if isinstance(need, str) and known.get(need) == first)
    place = next(((*at, number) for number in closing), at)
    shown = " → ".join(names)
    if len(names) == 2:
        r.say("C114", f"recipe `{first}` needs itself: {shown}", place, hint="it could never begin")
    else:
        r.say("C114", f"recipes need each other: {shown}", place, hint="none of them could ever begin")


def _lock(r: Reader, at: At, value: object) -> str | None:
    if not isinstance(value, str):
        r.wrong_type(at, value, "text")
        return None
    if not forms.is_name(value):
        r.wrong_name(at, value, "lock")
        return None
    return value


def _facts(r: Reader, at: At, value: object) -> tuple[str, ...]:
    """The commands that tell the versions of tools."""
    written = values.texts(r, at, value)
    if len(written) > FACTS:
        r.say("C103", f"`facts` has {len(written)} commands", at, hint=f"at most {FACTS}: each is run before each job")
        return ()
    for place, each in written:
        if not forms.is_line(each):
            said = "a command of `facts` is not one line of text"
            r.say("C103", said, place, hint="no line breaks, no control characters")
    return tuple(dict.fromkeys(each.strip() for _, each in written if each.strip() and forms.is_line(each)))


def _sandbox(r: Reader, at: At, value: object, default: str) -> str:
    if isinstance(value, str):
        r.say("C109", "`sandbox` must be a table", at, hint="found text", help='write sandbox = { mode = "pid" }')
        return default
    entries = r.table(at, value, keys.SANDBOX, "`sandbox`")
    for name, each in entries.items():
        later.value_of(r, (*at, name), each, keys.SANDBOX[name])
        later.guarded(r, (*at, name), each)
    mode = entries.get("mode")
    return mode if mode in ("none", "pid") else default


def _env(r: Reader, at: At, value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        r.wrong_type(at, value, "a table")
        return {}
    return {
        name: values.text(r, (*at, name), each)
        for name, each in value.items()
        if values.is_free(r, (*at, name), name, key=True)
    }


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
