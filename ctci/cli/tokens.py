"""Tokens made, listed and taken back, and the log of who did what."""

from ctci import clock, ledger, shape, words
from ctci.cli import session, targets, terminal
from ctci.model import Tier, Token

#: How the command line is named in the log of who did what.
VIA = "command line"


def new(name: str, *, tier: Tier, projects: tuple[str, ...], until: str | None) -> int:
    """Make a token and print it; the exit code."""
    ground = session.ground()
    if ground.config is not None:
        for project in projects:
            session.project(ground.config, project)
    expires = _end(until) if until is not None else None
    db = session.need_ledger(ground.layout, session.AWAY)
    try:
        made, secret = ledger.new_token(
            db, name=name, tier=tier, projects=projects, expires_at=expires, by=session.me()
        )
    except ledger.TakenError as error:
        raise session.Refused(f"{error} (`ctci token rotate {name}`)", session.WRONG) from None
    ledger.did(db, who=session.me(), via=VIA, did=f"made the token {name} ({tier})")
    _shown(made, secret, ground.public_url)
    return session.FINE


def list_(fields: tuple[str, ...] | None) -> int:
    """The tokens; the exit code."""
    ground = session.ground()
    db = session.open_ledger(ground.layout)
    found = ledger.tokens_(db) if db is not None else ()
    if fields is not None:
        terminal.json(shape.pick(shape.items([shape.token(each) for each in found]), fields))
        return session.FINE
    now = clock.now()
    rows = [
        [
            each.name,
            str(each.tier),
            ", ".join(each.projects) or "all projects",
            _until(each, now),
            f"used {words.ago(each.used_at, now)}" if each.used_at else "never used",
        ]
        for each in found
    ]
    terminal.table(rows)
    if not found:
        terminal.note("no tokens: `ctci token new NAME --tier read` makes one")
    return session.FINE


def rotate(name: str) -> int:
    """A new secret for a token; the exit code."""
    ground = session.ground()
    db = session.need_ledger(ground.layout)
    made = ledger.rotate(db, _named(db, name).id, by=session.me())
    if made is None:
        raise session.Refused(f"there is no token {name}", session.ABSENT)
    ledger.did(db, who=session.me(), via=VIA, did=f"rotated the token {name}")
    # The file of the first token would tell of a secret that is none any more.
    if name == "admin":
        ground.layout.admin_token.unlink(missing_ok=True)
    _shown(*made, ground.public_url)
    return session.FINE


def revoke(name: str) -> int:
    """Take a token back; the exit code."""
    db = session.need_ledger(session.ground().layout)
    ledger.revoke(db, _named(db, name).id)
    ledger.did(db, who=session.me(), via=VIA, did=f"revoked the token {name}")
    terminal.say(f"{name} lets nobody in any more")
    return session.FINE


def audit(fields: tuple[str, ...] | None, *, limit: int, before: int | None) -> int:
    """Who did what; the exit code."""
    db = session.open_ledger(session.ground().layout)
    found = ledger.deeds(db, before=before, limit=limit + 1) if db is not None else ()
    more, found = len(found) > limit, found[:limit]
    if fields is not None:
        shapes = [shape.deed(each) for each in found]
        terminal.json(shape.pick(shape.items(shapes, more=str(found[-1].id) if more else None), fields))
        return session.FINE
    now = clock.now()
    rows = [[words.ago(each.at, now), each.who, each.did, each.project or "", each.via] for each in found]
    terminal.table([[terminal.plain(cell) for cell in row] for row in rows])
    if more:
        terminal.note(f"more: `ctci audit --before {found[-1].id}`")
    return session.FINE


def _named(db: ledger.Ledger, name: str) -> Token:
    """The token of that name. Raises Refused."""
    tokens = ledger.tokens_(db)
    found = next((each for each in tokens if each.name == name), None)
    if found is None:
        have = ", ".join(each.name for each in tokens) or "none"
        raise session.Refused(f"there is no token {name}; there are: {have}", session.ABSENT)
    return found


def _shown(made: Token, secret: str, public_url: str) -> None:
    """The one time that a secret is seen."""
    terminal.say(secret)
    terminal.note(f"shown this once; {made.tier} for {', '.join(made.projects) or 'all projects'}")
    if made.tier is Tier.FEED:
        terminal.note(f"use: {public_url}feed.atom?token=… or the header Authorization: Bearer …")
    else:
        terminal.note(f"use: curl -H 'Authorization: Bearer …' {public_url}api/v1/runs, or {public_url}sign-in")


def _until(token: Token, now: int) -> str:
    if token.expires_at is None:
        return "for good"
    return f"until {clock.moment(token.expires_at)}" if token.expires_at > now else "has expired"


def _end(text: str) -> int:
    """When the last day ends, in Unix milliseconds. Raises Refused."""
    today = clock.local(clock.now()).date()
    last = targets.last_day(text, today)
    if last is None or last < today:
        raise session.Refused(f"--until wants a day to come, such as 2026-12-24 or 90d, not {text}", session.WRONG)
    return clock.end_of(last)
