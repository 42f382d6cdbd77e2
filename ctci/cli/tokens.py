"""Tokens made, listed and taken back, and the log of who did what."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from ctci import clock, shape, words
from ctci.cli import finding, nouns, session, source, targets, terminal
from ctci.model import Tier

#: A token, as the API has it.
Token = Mapping[str, Any]


def new(name: str, *, tier: Tier, projects: tuple[str, ...], until: str | None) -> int:
    """Make a token and print it; the exit code."""
    last = _day(until) if until is not None else None
    where = source.need(session.AWAY)
    for project in projects:
        finding.project(where, project)
    body = {"name": name, "tier": str(tier), "projects": list(projects), "until": str(last) if last else None}
    try:
        made = where.post("/tokens", body)
    except session.Refused as error:
        if error.code != session.ABSENT:
            raise
        raise session.Refused(f"{error.message} (`ctci token rotate {name}`)", session.WRONG) from None
    _shown(where, made)
    return session.FINE


def list_(fields: tuple[str, ...] | None) -> int:
    """The tokens; the exit code."""
    where = source.find()
    found = where.get("/tokens") if where.nothing is None else shape.items([])
    if fields is not None:
        terminal.json(shape.pick(found, fields))
        return session.FINE
    now = clock.now()
    rows = [
        [
            each["name"],
            each["tier"],
            ", ".join(each["projects"]) or "all projects",
            _until(each, now),
            f"used {words.ago(nouns.at(each['used_at']), now)}" if each["used_at"] else "never used",
        ]
        for each in found["items"]
    ]
    terminal.table(rows)
    if not rows:
        terminal.note("no tokens: `ctci token new NAME --tier read` makes one")
    return session.FINE


def rotate(name: str) -> int:
    """A new secret for a token; the exit code."""
    where = source.need()
    _shown(where, where.post("/tokens/{token}/rotate", {}, token=_named(where, name)))
    return session.FINE


def revoke(name: str) -> int:
    """Let a token in no more; the exit code."""
    where = source.need()
    where.post("/tokens/{token}", {}, method="DELETE", token=_named(where, name))
    terminal.say(f"{name} lets nobody in any more")
    return session.FINE


def audit(fields: tuple[str, ...] | None, *, limit: int, before: str | None) -> int:
    """Who did what; the exit code."""
    where = source.find()
    found = shape.items([])
    if where.nothing is None:
        found = where.get("/audit", limit=limit, **targets.page(before))
    if fields is not None:
        terminal.json(shape.pick(found, fields))
        return session.FINE
    now = clock.now()
    rows = [
        [words.ago(nouns.at(each["at"]), now), each["who"], each["did"], each["project"] or "", each["via"]]
        for each in found["items"]
    ]
    terminal.table([[terminal.plain(cell) for cell in row] for row in rows])
    if found["next"]:
        terminal.note(f"more: `ctci audit --before {found['items'][-1]['id']}`")
    return session.FINE


def _named(where: source.Source, name: str) -> int:
    """The id of the token of that name. Raises Refused."""
    tokens = where.get("/tokens")["items"]
    found = next((each for each in tokens if each["name"] == name), None)
    if found is None:
        have = ", ".join(each["name"] for each in tokens) or "none"
        raise session.Refused(f"there is no token {name}; there are: {have}", session.ABSENT)
    return int(found["id"])


def _shown(where: source.Source, made: Token) -> None:
    """The one time that a secret is seen."""
    terminal.say(terminal.plain(made["secret"]))
    terminal.note(f"shown this once; {made['tier']} for {', '.join(made['projects']) or 'all projects'}")
    if made["tier"] == Tier.FEED:
        terminal.note(f"use: {where.url}feed.atom?token=… or the header Authorization: Bearer …")
    else:
        terminal.note(f"use: curl -H 'Authorization: Bearer …' {where.url}api/v1/runs, or {where.url}sign-in")


def _until(token: Token, now: int) -> str:
    ends = nouns.moment(token["expires_at"])
    if ends is None:
        return "for good"
    return f"until {clock.moment(ends)}" if ends > now else "has expired"


def _day(text: str) -> dt.date:
    """The last day on which it is good. Raises Refused."""
    today = clock.local(clock.now()).date()
    last = targets.last_day(text, today)
    if last is None or last < today:
        raise session.Refused(f"--until wants a day to come, such as 2026-12-24 or 90d, not {text}", session.WRONG)
    return last
