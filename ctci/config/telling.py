"""What a notify table says of its letters: when its digest comes, what is told at once, and to whom besides."""

from collections.abc import Mapping
from typing import Any, TypedDict

from ctci.config import keys, values
from ctci.config.reader import Reader
from ctci.config.scan import At
from ctci.config.settings import Digest


class Telling(TypedDict):
    """The fields of a Notify that say so."""

    digest: Digest | None
    immediate: tuple[str, ...]
    only: tuple[str, ...]
    timezone: str
    authors: tuple[str, ...]


def read(r: Reader, at: At, entries: Mapping[str, Any], timezone: str) -> Telling:
    """Those of a notify table; `timezone` is that of `[defaults]`."""
    immediate: tuple[str, ...] = keys.IMMEDIATE
    if "immediate" in entries:
        written = values.texts(r, (*at, "immediate"), entries["immediate"])
        chosen = [values.choice(r, place, each, keys.IMMEDIATE) for place, each in written]
        immediate = tuple(dict.fromkeys(each for each in chosen if each is not None))
    zone = entries.get("timezone")
    return Telling(
        digest=_digest(r, (*at, "digest"), entries["digest"]) if "digest" in entries else None,
        immediate=immediate,
        only=_texts(r, (*at, "only"), entries.get("only", [])),
        timezone=timezone if zone is None else values.zone(r, (*at, "timezone"), zone) or timezone,
        authors=_texts(r, (*at, "authors"), entries.get("authors", [])),
    )


def _texts(r: Reader, at: At, value: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for _, each in values.texts(r, at, value)))


def _digest(r: Reader, at: At, value: object) -> Digest:
    entries = r.table(at, value, keys.DIGEST, "`digest`")
    usual = Digest()
    after = entries.get("after")
    return Digest(
        at=(values.time(r, (*at, "at"), entries["at"]) if "at" in entries else None) or usual.at,
        days=values.days(r, (*at, "days"), entries["days"]) if "days" in entries else (),
        quiet=(values.choice(r, (*at, "quiet"), entries["quiet"], keys.QUIET) if "quiet" in entries else None)
        or usual.quiet,
        after=None if after is None else values.line(r, (*at, "after"), after) or None,
    )
