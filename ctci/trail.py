"""What a line of the server's log is about: request, delivery, run and job, as far as they are known there.

Who takes something up says so once, and every line until its end has the ids, whoever writes it. Also how a line looks:
nothing that stands in a message makes two lines of it, or another line.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

#: In the order in which a line has them.
IDS = ("request", "delivery", "run", "job")
_known: ContextVar[Mapping[str, str | int]] = ContextVar("ctci_trail")
#: Control characters, and what some programs take for the end of a line.
_ESCAPED = {each: f"\\x{each:02x}" for each in (*range(0x20), *range(0x7F, 0xA0)) if each not in (0x09, 0x0A)}
_ESCAPED |= {each: f"\\u{each:04x}" for each in (0x2028, 0x2029)}


@contextmanager
def about(**ids: str | int | None) -> Iterator[None]:
    """Within it lines have these ids, and those that were known before; None: not known."""
    told = {name: id_ for name, id_ in ids.items() if id_ is not None}
    before = _known.set({**_known.get({}), **told})
    try:
        yield
    finally:
        _known.reset(before)


def known() -> Mapping[str, str | int]:
    """What is known here and now, in the order of IDS."""
    found = _known.get({})
    return {name: found[name] for name in IDS if name in found}


class Text(logging.Formatter):
    """For people: the ids at the end of the first line, and what goes on is set in."""

    def format(self, record: logging.LogRecord) -> str:
        first, *more = super().format(record).translate(_ESCAPED).split("\n")
        ids = " ".join(f"{name}={id_}" for name, id_ in known().items())
        return "\n    ".join((f"{first} [{ids}]" if ids else first, *more))


class Json(logging.Formatter):
    """For programs: one object of one line, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "at": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            **known(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told)
