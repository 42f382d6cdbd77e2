"""`branches` and `tags`: patterns and the subprojects they build, and what is odd about them; `default-branch`."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ctci.config import patterns, values
from ctci.config.reader import Reader
from ctci.config.scan import At
from ctci.model import HEADS

Table = dict[str, tuple[str, ...]]
#: So many patterns of a table are held against each other.
MOST_COMPARED = 100
#: What git lets no branch be called.
_NO_BRANCH = re.compile(r"[\s~^:?*\[\\]|\.\.|@\{|//|^[/-]|[/.]$|(?:^|/)\.|\.lock(?:/|$)|^(?:|@|HEAD|refs(?:/.*)?)$")


def read(r: Reader, at: At, entries: Mapping[str, Any], subs: tuple[str, ...]) -> tuple[Table | None, Table | None]:
    """The tables of `branches` and of `tags` of a project; a plain list of patterns names all subprojects."""
    branches = _table(r, (*at, "branches"), entries, subs)
    tags = _table(r, (*at, "tags"), entries, subs)
    if branches is not None and "*" in branches and branches["*"] and "**" not in branches:
        place = _place(at, "branches", "*", entries)
        r.say(
            "C402",
            "`*` does not match names with a slash, such as `feature/login`",
            place,
            key=True,
            warning=True,
            hint="use `**` for every other branch",
        )
    if isinstance(entries.get("branches"), dict) and branches is not None:
        _never_built(r, at, subs, (*branches.values(), *(tags or {}).values()))
    return branches, tags


def default(r: Reader, at: At, entries: Mapping[str, Any]) -> str | None:
    """The branch that a project names as its default, or None."""
    place = (*at, "default-branch")
    if "default-branch" not in entries:
        return None
    value = entries["default-branch"]
    name = values.line(r, place, value)
    if not name and value != "":
        # Told already: of another type, or with control characters in it.
        return None
    short = name.removeprefix(HEADS)
    if name != short and not _NO_BRANCH.search(short):
        r.say("C103", f"`{name}` is a ref, not the name of a branch", place, hint=f'write "{short}"')
        return None
    if _NO_BRANCH.search(name):
        r.say("C103", f"`{name}` is not the name of a branch", place, hint='such as "main" or "release/2"')
        return None
    return name


def _never_built(r: Reader, at: At, subs: tuple[str, ...], named: Iterable[tuple[str, ...]]) -> None:
    built = {sub for each in named for sub in each}
    for sub in subs:
        if sub and sub not in built:
            r.say(
                "C401",
                f"subproject `{sub}` is never built",
                (*at, "sub", sub),
                key=True,
                warning=True,
                hint="no pattern in `branches` or `tags` names it",
                also=((*at, "branches"), "patterns are here"),
            )


def _table(r: Reader, at: At, entries: Mapping[str, Any], subs: tuple[str, ...]) -> Table | None:
    key = str(at[-1])
    if key not in entries:
        return None
    value = entries[key]
    table: Table = {}
    if isinstance(value, dict):
        # A project without subprojects takes the list only; one whose `sub` is broken has told so already.
        if subs == ("",):
            r.say("C109", f"`{key}` must be a list: the project has no subprojects", at, key=True, hint="found a table")
            return {}
        for pattern, named in value.items():
            _pattern(r, (*at, pattern), pattern)
            table[pattern] = _subs(r, (*at, pattern), named, subs)
    else:
        for place, pattern in values.texts(r, at, value):
            _pattern(r, place, pattern)
            table[pattern] = subs
    _ties(r, at, table, value)
    return table


def _pattern(r: Reader, at: At, pattern: str) -> None:
    fault = patterns.fault(pattern)
    if fault is not None:
        r.say("C116", f"no name can match the pattern `{pattern}`", at, key=True, hint=fault)


def _subs(r: Reader, at: At, value: object, subs: tuple[str, ...]) -> tuple[str, ...]:
    found = values.texts(r, at, value)
    for place, sub in found:
        if subs and sub not in subs:
            meant = r.close(sub, subs)
            hint = f"did you mean `{meant}`?" if meant else f"known: {', '.join(subs)}"
            r.say("C107", f"no subproject `{sub}` in project `{at[1]}`", place, hint=hint)
    return tuple(dict.fromkeys(sub for _, sub in found if sub in subs))


def _ties(r: Reader, at: At, table: Table, value: object) -> None:
    """Tell of patterns between which only chance could choose; with equal values nothing hangs on it."""
    names = [pattern for pattern in table if patterns.fault(pattern) is None][:MOST_COMPARED]
    for number, second in enumerate(names):
        for first in names[:number]:
            name = patterns.tie(first, second) if set(table[first]) != set(table[second]) else None
            if name is not None and isinstance(value, dict):
                r.say(
                    "C119",
                    f"`{first}` and `{second}` are equally specific",
                    (*at, second),
                    key=True,
                    hint=f"both match `{name}`",
                    also=((*at, first), "the other"),
                )


def _place(at: At, key: str, pattern: str, entries: Mapping[str, Any]) -> At:
    value = entries[key]
    return (*at, key, value.index(pattern) if isinstance(value, list) else pattern)
