"""digest preview and send: what the server would write, written here; it is sent by the server where one runs."""

import os
from dataclasses import dataclass

from ctci import ailments, clock, config, ledger, words
from ctci.cli import digesting, session, source, terminal
from ctci.layout import Layout
from ctci.receive.almanac import Almanac
from ctci.report import asked, mail
from ctci.report.digests import Digests
from ctci.run.capacity import Floor


@dataclass(frozen=True, kw_only=True)
class _Desk:
    """Where digests are written."""

    db: ledger.Ledger
    layout: Layout
    settings: config.Config
    sink: Digests


def _desk() -> _Desk:
    settings = session.load()
    place = session.ground().layout
    db = session.need_ledger(place)
    current = config.Current(session.load, clock.now)
    floor = Floor(place, current)
    sink = Digests(
        db,
        place,
        current,
        os.environ,
        Almanac(db, current),
        lambda projects: ailments.remarks(db, settings, projects, room=floor.remark()),
    )
    return _Desk(db=db, layout=place, settings=settings, sink=sink)


def preview(to: str | None, *, date: str | None, since: str | None, form: str) -> int:
    """Print it; the exit code."""
    desk = _desk()
    (notify, receiver), *others = asked.receivers(desk.settings, to)
    window = asked.window(desk.db, notify, receiver, date=date, since=since)
    written = asked.write(desk.db, desk.sink.facts, desk.settings, notify, receiver, window)
    if form == "eml":
        terminal.raw(mail.whole(asked.message(desk.sink, desk.settings, notify, written)))
    else:
        terminal.raw((written.composed.html if form == "html" else written.composed.text).encode())
    terminal.note(f"to {receiver.address}: {written.composed.subject}")
    if others:
        one = others[0][1].address
        terminal.note(f"{words.names([each.address for _, each in others])}: see `ctci digest preview --to {one}`")
    if written.skipped:
        terminal.note(f'not sent by itself: nothing to tell, and [notify.{notify.name}] has quiet = "skip"')
    return session.FINE


def send(to: str | None, *, date: str | None) -> int:
    """Send it to each address, and wait; the exit code."""
    desk = _desk()
    served = session.holder(desk.layout) is not None
    every, past = [], date is not None
    for notify, receiver in asked.receivers(desk.settings, to):
        window = asked.window(desk.db, notify, receiver, date=date)
        # With its link, by which one ends it.
        ledger.subscription(desk.db, receiver.to)
        every.append(asked.write(desk.db, desk.sink.facts, desk.settings, notify, receiver, window, past=past))
    asked.owe(desk.db, *every, past=past)
    tables = words.names(sorted({written.receiver.notify for written in every}))
    ledger.did(desk.db, who=f"{session.me()} on this machine", via=source.VIA, did=f"sent the digest of {tables}")
    for written in every:
        if not served:
            asked.try_once(desk.db, desk.sink, written, f"ctci digest send {os.getpid()}")
    deadline = clock.monotonic() + digesting.PATIENCE_S
    return max([_told(desk, written, deadline) for written in every])


def _told(desk: _Desk, written: asked.Written, deadline: float) -> int:
    """Say what became of it, once it was tried; the exit code."""
    found = asked.became(desk.db, written)
    while found is not None and not digesting.tried(found.state, found.tries) and clock.monotonic() < deadline:
        session.pause(0.1)
        found = asked.became(desk.db, written)
    to = written.receiver.address
    if found is not None and found.state == "sent":
        smtp = desk.settings.server.smtp
        where = "" if smtp and smtp.url else f": no [smtp] is configured, so it is {_file(desk, written)}"
        terminal.say(terminal.plain(f"sent to {to}: {written.composed.subject}{where}"))
        return session.FINE
    ended = digesting.ended(to, found.state, found.last_error) if found is not None else None
    if ended is not None:
        terminal.note(terminal.plain(ended))
    elif found is not None and found.tries:
        again = f"tried again from {clock.moment(found.due)} on while a server runs"
        terminal.note(terminal.plain(f"not sent to {to} yet, {again}: {found.last_error}"))
    else:
        terminal.note(f"not sent to {to} yet: the server has not come to it; `ctci told --by digest` says when it has")
    return session.RED


def _file(desk: _Desk, written: asked.Written) -> str:
    return str(mail.written(desk.layout.mail, written.message_id))
