"""digest of a server elsewhere: shown as that server would send it, and sent by it."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ctci import clock, logs
from ctci.cli import digesting, session, source, terminal

WHOLE = "--eml has the receiver's own link, by which one ends it: it is shown on the server's machine alone"


def preview(to: str | None, *, date: str | None, since: str | None, form: str) -> int:
    """Print it; the exit code."""
    if form == "eml":
        raise session.Refused(WHOLE, session.WRONG)
    found = source.find().get("/digests", to=to, date=date, since=since, form=form)
    if form == "html" and not sys.stdout.isatty():
        # For a file or a browser: what would harm a terminal harms neither.
        terminal.raw(found["html"].encode("utf-8", "replace"))
    else:
        for line in found[form].removesuffix("\n").split("\n"):
            terminal.say(logs.clean(line.encode("utf-8", "replace")))
    terminal.note(terminal.plain(f"to {found['to']}: {found['subject']}"))
    if found["skipped"]:
        terminal.note("there is nothing to tell: by itself it would not be sent")
    return session.FINE


def send(to: str | None, *, date: str | None) -> int:
    """Have it sent to each address, and wait; the exit code."""
    server = source.find()
    answer = server.post("/digests", {"to": to, "date": date})
    sent, by_mail = answer["items"], answer["by_mail"]
    deadline = clock.monotonic() + digesting.PATIENCE_S
    while not all(digesting.tried(each["state"], each["tries"]) for each in sent) and clock.monotonic() < deadline:
        session.pause(server.pause_s)
        sent = _now(server, sent)
    return max([_told(each, by_mail=by_mail) for each in sent], default=session.FINE)


def _now(server: source.Source, sent: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The same as they are by now."""
    found = {each["id"]: each for each in server.get("/sendings", by="digest", limit=200)["items"]}
    return [found.get(each["id"], each) for each in sent]


def _told(sending: Mapping[str, Any], *, by_mail: bool) -> int:
    """Say what became of it; the exit code."""
    to, why = sending["to"].partition(":")[2], sending["error"]
    if sending["state"] == "sent":
        where = "" if by_mail else ": no [smtp] is configured there, so it is a file on the server's machine"
        terminal.say(terminal.plain(f"sent to {to}{where}"))
        return session.FINE
    later = f", tried again by the server: {why}" if why else "; `ctci told --by digest` says when it is"
    terminal.note(terminal.plain(digesting.ended(to, sending["state"], why) or f"not sent to {to} yet{later}"))
    return session.RED
