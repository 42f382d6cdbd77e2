"""Keys that are understood and not in force yet: each is checked by its kind, and noted once.

What would be dangerous without effect is not noted but refused: less than was asked for is never done silently.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ctci.config import hiding, keys, values
from ctci.config.keys import Key
from ctci.config.reader import Reader
from ctci.config.scan import At
from ctci.model import SecretRef

#: Keys that shut something off. Without effect they would leave open what somebody believes to be shut.
_GUARDS: Mapping[str, Callable[[object], bool]] = {
    "network": lambda value: value is False,
    "memory": lambda _: True,
    "cpus": lambda _: True,
    "pids": lambda _: True,
    "read-only": lambda value: value is True,
    "mode": lambda value: value == "bwrap",
}


def check(r: Reader, at: At, entries: Mapping[str, Any], table: Mapping[str, Key]) -> list[tuple[At, SecretRef]]:
    """Check and note the keys of a table that are not in force; the secrets among them."""
    found: list[tuple[At, SecretRef]] = []
    for name, value in entries.items():
        key = table[name]
        if not key.later:
            continue
        place: At = (*at, name)
        found += value_of(r, place, value, key)
        if name == "secrets":
            # A recipe without its secret fails by itself; so this is no error, but more than a note.
            if value and name not in r.noted:
                r.noted.add(name)
                said = "`secrets` is understood, and not in force yet"
                r.say("C903", said, place, key=True, warning=True, hint="no recipe gets them")
        elif not guarded(r, place, value):
            r.later(name, place)
    return found


def guarded(r: Reader, at: At, value: object) -> bool:
    """Whether a key shuts something off; told as an error where its value does so."""
    shuts = _GUARDS.get(str(at[-1]))
    if shuts is not None and shuts(value):
        what = value if at[-1] == "mode" else at[-1]
        r.say("C902", f"`{what}` is asked for and not to be had yet", at, key=True, hint="nothing would enforce it")
    return shuts is not None


def value_of(r: Reader, at: At, value: object, key: Key) -> list[tuple[At, SecretRef]]:
    """Check a value by its kind; the secrets in it."""
    kind, _, name = key.kind.partition(":")
    if kind == "secret":
        ref = values.secret(r, at, value)
        return [] if ref is None else [(at, ref)]
    if kind == "secrets":
        return _secrets(r, at, value)
    if kind == "table":
        _table(r, at, value, keys.TABLES[name])
    elif kind == "choice":
        values.choice(r, at, value, key.choices)
    elif kind == "choices":
        for place, each in values.texts(r, at, value):
            values.choice(r, place, each, key.choices)
    elif kind == "number":
        values.number(r, at, value, key.low, key.high, key.low)
    elif kind in _CHECKS:
        _CHECKS[kind](r, at, value)
    return []


def _table(r: Reader, at: At, value: object, table: Mapping[str, Key]) -> None:
    for name, each in r.table(at, value, table, f"`{at[-1]}`").items():
        value_of(r, (*at, name), each, table[name])


def _secrets(r: Reader, at: At, value: object) -> list[tuple[At, SecretRef]]:
    """The references of a table NAME = { env | file | credential, branches }."""
    if not isinstance(value, dict):
        r.wrong_type(at, value, "a table")
        return []
    found = []
    for name, each in value.items():
        place: At = (*at, name)
        values.is_free(r, place, name, key=True)
        if isinstance(each, dict) and "branches" in each:
            values.names(r, (*place, "branches"), each["branches"])
            each = hiding.without(each, "branches")  # noqa: PLW2901 - what is left of it is a reference
        ref = values.secret(r, place, each)
        if ref is not None:
            found.append((place, ref))
    return found


def _flag_or(name: str) -> Callable[[Reader, At, object], None]:
    """A check of true, false or a table."""

    def checked(r: Reader, at: At, value: object) -> None:
        if isinstance(value, dict):
            _table(r, at, value, keys.TABLES[name])
        elif not isinstance(value, bool):
            r.wrong_type(at, value, "true, false or a table")

    return checked


_CHECKS: Mapping[str, Callable[[Reader, At, object], object]] = {
    "line": values.line,
    "path": values.line,
    "lines": values.texts,
    "flag": values.flag,
    "duration": lambda r, at, value: values.duration(r, at, value, 0),
    "size": lambda r, at, value: values.size(r, at, value, 0, 1),
    "time": values.time,
    "days": values.days,
    "zone": values.zone,
    "globs": values.globs,
    "networks": values.networks,
    "url": values.url,
    "header": values.header,
    "repo-recipes": _flag_or("repo-recipes"),
}
