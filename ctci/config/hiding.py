"""What of a file is never shown: the one rule, for files that can be read and for those that cannot. Pure.

A secret is what stands under a key that sounds like one, or was perhaps meant so, and an address with a login in it or
under a key that takes none. Of a line that cannot be read nothing is shown that may be one: rather too little is shown.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ctci.config import forms, keys, scan
from ctci.config.scan import At, Span, Spans

MASK = '"…hidden…"'
_LOGIN = re.compile(r"://[^/\s@]*:(?![0-9]+/)[^@]*@|^https?://[^/\s]*@|^[^/\s@]+:[^@/\s]+@")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SECRET_WORD = re.compile(
    r"secret|token|pas+w|passphrase|passcode|pwd|credential|bearer|webhook|[a-z][-_]?key\b"
    r"|(?<![a-z])(?:pass|auth|authorization)(?![a-z])",
    re.IGNORECASE,
)
#: Keys that are known, and whose values are not to be seen.
_KNOWN = (*keys.SECRETS, "secrets", "credential")
#: A statement that cannot be read is not looked through if it is longer: all of it is hidden.
_LONGEST = 1000
_WORD = re.compile(r"[\w-]+")
_KEY = rf"(?:[\w-]+|{scan.SHORT})"
_ASSIGNED = re.compile(rf"[ \t]*{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*[ \t]*=[ \t]*(?=[^\s=#])")
#: Of what a text is made between its statements; the second begins a text of several lines that has no end.
_TOKEN = re.compile(rf"{scan.LONG}|\"\"\"|'''|{scan.SHORT}|#[^\n]*|[\[\]{{}}\n]", re.DOTALL)
_QUOTED = re.compile(r"`([^`]+)`")


def has_login(address: str) -> bool:
    """Whether an address has a password in it; over http a name too, for people put tokens there."""
    return _LOGIN.search(address) is not None


@lru_cache(maxsize=10_000)
def sounds_secret(name: str) -> bool:
    """Whether a key is that of a secret, or may have been meant so: `tokn` with a secret behind it is not shown."""
    if name in keys.ALL:
        return name in _KNOWN
    meant = name[:100].lower().replace("_", "-")
    return bool(_SECRET_WORD.search(name) or difflib.get_close_matches(meant, keys.SECRETS, n=1, cutoff=0.75))


def without(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The table without one of its keys."""
    return {name: each for name, each in value.items() if name != key}


def of_values(plain: Mapping[str, Any], spans: Spans) -> list[Span]:
    """What is hidden of a file that can be read, by place: the values that are secrets, or may be."""
    found = (spans.values[at] for at in _secrets(plain, (), "") if at in spans.values)
    return sorted(found, key=lambda span: (span.start, -span.stop))


def of_line(text: str, start: int) -> list[Span]:
    """What is hidden of the line that begins at `start` and cannot be read; whatever is before it can."""
    end = text.find("\n", start)
    stop = len(text) if end < 0 else end
    around = _around(text, start)
    if around is None or stop - around.start > _LONGEST:
        return [Span(start=start, stop=stop)]
    line, statement = text[start:stop], around.header + text[around.start : stop]
    key = _ASSIGNED.match(line) if around.start == start else None
    named = key is not None and any(word in keys.ALL or sounds_secret(word) for word in _WORD.findall(key.group()))
    # What begins nothing that is known may be the rest of the statement before.
    stray = around.start == start and not named and not line.lstrip().startswith("[")
    if not (_tells(statement) or (stray and _tells(around.before))):
        return []
    return [Span(start=key.end() + start if key is not None and named else start, stop=stop)]


def shown(spans: Spans, place: Span, hidden: Sequence[Span]) -> tuple[str, int]:
    """(the line of a place, the end of the place in it): cut where a secret begins, empty behind it."""
    start, stop = spans.bounds(place)
    for each in hidden:
        if each.stop <= start or each.start >= stop:
            continue
        if each.start < start or place.start > each.start:
            return "", place.end
        line = spans.text[start : each.start] + MASK
        return line, min(place.end, len(line) + 1) if place.start < each.start else len(line) + 1
    return spans.text[start:stop], place.end


def told(said: str, spans: Spans | None = None, place: Span | None = None, hidden: Sequence[Span] = ()) -> str:
    """A sentence without the logins that it quotes, and without what it quotes of a hidden value at the place."""
    value = ""
    if spans is not None and place is not None and "`" in said:
        found = (each for each in hidden if each.start <= place.start < each.stop)
        value = next((spans.text[each.start : each.stop] for each in found), "")

    def seen(piece: re.Match[str]) -> str:
        secret = has_login(piece[1]) or piece[1].removesuffix("…") in value
        return "`…hidden…`" if secret else piece[0]

    return _QUOTED.sub(seen, said)


@dataclass(frozen=True, kw_only=True)
class _Around:
    """Where in a text a line stands."""

    #: Offset of the statement that the line is of.
    start: int
    #: The header of its table.
    header: str
    #: The statement before it, in the same table.
    before: str


def _around(text: str, start: int) -> _Around | None:
    """What the line at `start` is part of; None inside a text of several lines."""
    depth, begun, header, before = 0, 0, "", ""
    for token in _TOKEN.finditer(text, 0, start):
        mark = token.group()
        if mark in ('"""', "'''"):
            return None
        if mark in ("[", "{"):
            depth += 1
        elif mark in ("]", "}"):
            depth -= 1
        elif mark == "\n" and depth == 0:
            said = text[begun : token.start()].strip()
            if said.startswith("["):
                header, before = said, ""
            elif said and not said.startswith("#"):
                before = said
            begun = token.end()
    return _Around(start=begun, header=header, before=before)


def _tells(statement: str) -> bool:
    """Whether a secret may stand in what cannot be read."""
    if len(statement) > 2 * _LONGEST or "://" in statement or re.search(r"[^\s@]:[^@\s]+@", statement):
        return True
    return any(word == "url" or sounds_secret(word) for word in _WORD.findall(statement))


def _secrets(value: object, at: At, name: str, *, inside: bool = False) -> Iterable[At]:
    """The places of all values that are secrets, or may be: also under a misspelt key, and all in a table of one."""
    secret = inside or at == ("smtp", "url") or sounds_secret(name)
    if secret and forms.is_reference(value):
        return
    # A table of references by name: each of them is looked at for itself.
    if name == "secrets" and isinstance(value, dict):
        secret = inside
    elif at[-2:-1] == ("secrets",) and not _is_of_names(at[:-1]):
        secret = not (isinstance(value, dict) and forms.is_reference(without(value, "branches")))
    if secret or (isinstance(value, str) and _is_secret_address(value, at, name)):
        yield at
    if len(at) >= scan.DEEPEST:
        return
    inside = secret and not _is_of_names(at)
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _secrets(each, (*at, key), key, inside=inside)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _secrets(each, (*at, number), name, inside=inside)


def _is_of_names(at: At) -> bool:
    """Whether the last of a path is a name that people choose, and no key."""
    if len(at) == 2:
        return at[0] in ("projects", "each", "notify")
    return len(at) > 2 and at[0] in ("projects", "each") and at[-2] in ("sub", "recipes", "schedules")


def _is_secret_address(value: str, at: At, name: str) -> bool:
    """Whether an address has a login in it, or stands where only one that is a secret would."""
    if has_login(value):
        return True
    known = name in keys.ALL and "notify" not in at
    return not known and at[-2:-1] != ("env",) and _ADDRESS.match(value) is not None
