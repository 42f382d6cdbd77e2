"""ack and acks: a finding that is known is hidden for some time; it changes no status."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from ctci import clock, shape, words
from ctci.cli import finding, nouns, session, source, targets, terminal
from ctci.model import ACK_DAYS, Finding

#: An acknowledgement, as the API has it.
Ack = Mapping[str, Any]

#: Findings of one beginning that are told of.
LISTED = 5


def ack(beginning: str, *, until: str, why: str, project: str | None) -> int:
    """Hide a finding of a project up to the end of a day; the exit code."""
    last = _day(until)
    where = source.need()
    found = where.get("/findings", fingerprint=beginning, project=project)["items"]
    named = [(each["project"], nouns.finding(each["finding"])) for each in found]
    whose, finding_ = _one(beginning, named)
    body = {"project": whose, "fingerprint": finding_.fingerprint, "until": str(last), "why": why}
    made = where.post("/acks", body)
    name = words.short_name(finding_)
    terminal.say(terminal.plain(f"{name} of {whose} is hidden until {_last(made)}: {made['finding']}"))
    terminal.note(f"no status changes by it; `ctci ack {name} --lift` shows it again")
    return session.FINE


def lift(beginning: str, *, project: str | None) -> int:
    """Show again what is acknowledged; the exit code."""
    where = source.need()
    every = where.get("/acks", project=project)["items"]
    named = [each for each in every if each["fingerprint"].startswith(beginning)]
    if not named:
        raise session.Refused(f"nothing that begins with {beginning} is acknowledged; see `ctci acks`", session.ABSENT)
    if len(named) > 1:
        _several(beginning, [(each["project"], each["fingerprint"], each["finding"]) for each in named])
    (one,) = named
    place = {"project": one["project"], "fingerprint": one["fingerprint"]}
    where.post("/acks/{project}/{fingerprint}", {}, method="DELETE", **place)
    terminal.say(terminal.plain(f"{one['fingerprint'][:8]} of {one['project']} is shown again: {one['finding']}"))
    return session.FINE


def acks(project: str | None, fields: tuple[str, ...] | None) -> int:
    """What is acknowledged, what ends first first."""
    where = source.find()
    found = shape.items([])
    if where.nothing is None:
        if project is not None:
            finding.project(where, project)
        found = where.get("/acks", project=project)
    if fields is not None:
        terminal.json(shape.pick(found, fields))
        return session.FINE
    if not found["items"]:
        terminal.note("nothing is acknowledged; `ctci ack FINDING --until 2w --why TEXT` hides a finding that is known")
    terminal.table([_row(each) for each in found["items"]])
    return session.FINE


def _row(ack: Ack) -> list[terminal.Cell]:
    state = ("lapsed", "red") if ack["lapsed"] else f"until {_last(ack)}"
    return [ack["fingerprint"][:8], ack["project"], state, ack["acknowledged_by"], ack["why"], ack["finding"]]


def _last(ack: Ack) -> str:
    """The last day on which it is hidden."""
    return clock.day(nouns.at(ack["until"]) - 1)


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
    if last - today > dt.timedelta(days=ACK_DAYS):
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
