"""ack and acks: a finding that is known is hidden for some time; it changes no status."""

import datetime as dt
from collections.abc import Sequence
from typing import NoReturn

from ctci import clock, ledger, shape, words
from ctci.cli import session, targets, terminal
from ctci.model import Ack, Finding

#: Characters of a finding's message that are kept with its acknowledgement.
SAID = 300
#: Days that an acknowledgement lasts at most.
MOST_DAYS = 730
#: Findings of one beginning that are told of.
LISTED = 5


def ack(beginning: str, *, until: str, why: str, project: str | None) -> int:
    """Hide a finding of a project up to the end of a day; the exit code."""
    last = _day(until)
    db = session.need_ledger(session.ground().layout)
    found = _one(beginning, [each for each in ledger.findings_named(db, beginning) if project in (None, each[0])])
    project, finding = found
    said = f"{finding.spot}: {' '.join(finding.message.split())[:SAID]}"
    made = ledger.ack(
        db,
        project=project,
        fingerprint=finding.fingerprint,
        said=said,
        until=clock.end_of(last),
        why=why,
        by=session.me(),
    )
    terminal.say(terminal.plain(f"{words.short_name(finding)} of {project} is hidden until {_last(made)}: {said}"))
    terminal.note(f"no status changes by it; `ctci ack {words.short_name(finding)} --lift` shows it again")
    return session.FINE


def lift(beginning: str, *, project: str | None) -> int:
    """Show again what is acknowledged; the exit code."""
    db = session.need_ledger(session.ground().layout)
    named = [each for each in ledger.acks_(db, project=project) if each.fingerprint.startswith(beginning)]
    if not named:
        raise session.Refused(f"nothing that begins with {beginning} is acknowledged; see `ctci acks`", session.ABSENT)
    if len(named) > 1:
        _several(beginning, [(each.project, each.fingerprint, each.said) for each in named])
    (one,) = named
    ledger.lift(db, project=one.project, fingerprint=one.fingerprint, by=session.me())
    terminal.say(terminal.plain(f"{one.fingerprint[:8]} of {one.project} is shown again: {one.said}"))
    return session.FINE


def acks(project: str | None, fields: tuple[str, ...] | None) -> int:
    """What is acknowledged, what ends first first."""
    ground = session.ground()
    if project is not None and ground.config is not None:
        session.project(ground.config, project)
    db = session.open_ledger(ground.layout)
    found = ledger.acks_(db, project=project) if db is not None else ()
    now = clock.now()
    if fields is not None:
        terminal.json(shape.pick(shape.items([shape.ack(each, now) for each in found]), fields))
        return session.FINE
    if not found:
        terminal.note("nothing is acknowledged; `ctci ack FINDING --until 2w --why TEXT` hides a finding that is known")
    terminal.table([_row(each, now) for each in found])
    return session.FINE


def _row(ack: Ack, now: int) -> list[terminal.Cell]:
    state = ("lapsed", "red") if ack.until <= now else f"until {_last(ack)}"
    return [ack.fingerprint[:8], ack.project, state, ack.acked_by, ack.why, ack.said]


def _last(ack: Ack) -> str:
    """The last day on which it is hidden."""
    return clock.day(ack.until - 1)


def _day(text: str) -> dt.date:
    """The last day on which a finding is hidden. Raises Refused for what is none, or none to come."""
    today = clock.local(clock.now()).date()
    last = targets.last_day(text, today)
    if last is None:
        raise session.Refused(f"--until wants a day, such as 2026-12-24, 3d or 2w, and {text} is none", session.WRONG)
    if last < today:
        raise session.Refused(
            f"--until {text} is over: it is the last day on which the finding is hidden", session.WRONG
        )
    if last - today > dt.timedelta(days=MOST_DAYS):
        raise session.Refused(f"--until {text} is more than two years away: choose a nearer day", session.WRONG)
    return last


def _one(beginning: str, named: Sequence[tuple[str, Finding]]) -> tuple[str, Finding]:
    if not named:
        raise session.Refused(
            f"no finding begins with {beginning}; `ctci show RUN` and the pages print their names", session.ABSENT
        )
    if len(named) > 1:
        _several(beginning, [(project, each.fingerprint, each.spot) for project, each in named])
    return named[0]


def _several(beginning: str, named: Sequence[tuple[str, str, str]]) -> NoReturn:
    """Raise Refused, with what tells (project, fingerprint, place) apart."""
    marks = {fingerprint for _, fingerprint, _ in named}
    digits = 8 if len({mark[:8] for mark in marks}) == len(marks) else 32
    told = ", ".join(f"{mark[:digits]} of {project} ({place})" for project, mark, place in named[:LISTED])
    more = f" and {len(named) - LISTED} more" if len(named) > LISTED else ""
    helps = "name its project with --project" if len(marks) == 1 else "write more of it"
    raise session.Refused(terminal.plain(f"{beginning} may be {told}{more}: {helps}"), session.WRONG)
