"""digest preview of a server elsewhere: its text, as that server would send it."""

from ctci import logs
from ctci.cli import session, source, terminal


def preview(to: str | None, *, date: str | None, since: str | None, form: str) -> int:
    """Print it; the exit code."""
    if form != "text":
        raise session.Refused(
            f"--{form} is written on the server's machine: a server elsewhere has --text", session.WRONG
        )
    found = source.find().get("/digests", to=to, date=date, since=since, form="text")
    for line in found["text"].removesuffix("\n").split("\n"):
        terminal.say(logs.clean(line.encode("utf-8", "replace")))
    terminal.note(terminal.plain(f"to {found['to']}: {found['subject']}"))
    if found["skipped"]:
        terminal.note("there is nothing to tell: by itself it would not be sent")
    return session.FINE
