"""Tokens, the browsers that signed in with one, and the log of who did what.

A secret is handed out once, when it is made; the ledger keeps its hash, and looks it up by that.
"""

from typing import Any

from sqlalchemy import Row, delete, exc, insert, select, update

from ctci import clock
from ctci.ledger.door_tables import audit, sessions, tokens
from ctci.ledger.engine import Ledger, now_ms
from ctci.model import Deed, Tier, Token, token_mark, token_text

#: The last use of a token is kept to the minute, milliseconds: a write for each call would be one too many.
USED_MS = 60_000
#: How long a browser stays signed in, milliseconds.
SESSION_MS = 30 * 86400 * 1000
#: How long it is kept who did what, milliseconds.
AUDIT_MS = 365 * 86400 * 1000


class TakenError(Exception):
    """There is a token of that name."""


def new_token(
    db: Ledger, *, name: str, tier: Tier, by: str, projects: tuple[str, ...] = (), expires_at: int | None = None
) -> tuple[Token, str]:
    """A token and its secret, which nobody can ask for again. Raises TakenError."""
    secret = token_text(tier, clock.new_token())
    values = {
        "name": name,
        "mark": token_mark(secret),
        "tier": str(tier),
        "projects": sorted(set(projects)),
        "made_at": now_ms(),
        "made_by": by,
        "expires_at": expires_at,
    }
    try:
        with db.write() as connection:
            row = connection.execute(insert(tokens).values(values).returning(tokens)).one()
    except exc.IntegrityError:
        raise TakenError(f"there is a token {name}: revoke it, or rotate it for a new secret") from None
    return _token(row), secret


def rotate(db: Ledger, id_: int, *, by: str) -> tuple[Token, str] | None:
    """A new secret for a token, the old one and all who signed in with it out; None where there is none."""
    found = token(db, id_)
    if found is None:
        return None
    secret = token_text(found.tier, clock.new_token())
    change = update(tokens).where(tokens.c.id == id_, tokens.c.revoked_at.is_(None))
    with db.write() as connection:
        change = change.values(mark=token_mark(secret), made_at=now_ms(), made_by=by, used_at=None)
        row = connection.execute(change.returning(tokens)).one_or_none()
        connection.execute(delete(sessions).where(sessions.c.token == id_))
    return None if row is None else (_token(row), secret)


def revoke(db: Ledger, id_: int) -> bool:
    """Let a token, and all who signed in with it, in no more; whether it was good until now."""
    change = update(tokens).where(tokens.c.id == id_, tokens.c.revoked_at.is_(None)).values(revoked_at=now_ms())
    with db.write() as connection:
        connection.execute(delete(sessions).where(sessions.c.token == id_))
        return connection.execute(change).rowcount > 0


def tokens_(db: Ledger) -> tuple[Token, ...]:
    """Those that have not been revoked, by name."""
    query = select(tokens).where(tokens.c.revoked_at.is_(None)).order_by(tokens.c.name, tokens.c.id)
    with db.read() as connection:
        return tuple(_token(row) for row in connection.execute(query))


def token(db: Ledger, id_: int) -> Token | None:
    """The one with this id, unless it was revoked."""
    with db.read() as connection:
        row = connection.execute(select(tokens).where(tokens.c.id == id_, tokens.c.revoked_at.is_(None))).one_or_none()
    return None if row is None else _token(row)


def ever_had_tokens(db: Ledger) -> bool:
    """Whether a token was ever made here, revoked ones too."""
    with db.read() as connection:
        return connection.execute(select(tokens.c.id).limit(1)).first() is not None


def token_by(db: Ledger, secret: str) -> Token | None:
    """The token that a secret is of, unless it was revoked; it may have expired."""
    query = select(tokens).where(tokens.c.mark == token_mark(secret), tokens.c.revoked_at.is_(None))
    with db.read() as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else _token(row)


def used(db: Ledger, token: Token) -> None:
    """Keep that a token was used now."""
    if token.used_at is None or clock.now() - token.used_at >= USED_MS:
        with db.write(quiet=True) as connection:
            connection.execute(update(tokens).where(tokens.c.id == token.id).values(used_at=now_ms()))


def sign_in(db: Ledger, token: Token) -> str:
    """A new session of a token; what the browser's cookie is to hold."""
    secret = clock.new_token()
    with db.write(quiet=True) as connection:
        connection.execute(delete(sessions).where(sessions.c.until <= now_ms()))
        row = {"mark": token_mark(secret), "token": token.id, "until": clock.now() + SESSION_MS}
        connection.execute(insert(sessions).values(row))
    return secret


def signed_in(db: Ledger, secret: str) -> Token | None:
    """The token that a browser has signed in with, as it is now."""
    query = (
        select(tokens)
        .join(sessions, sessions.c.token == tokens.c.id)
        .where(sessions.c.mark == token_mark(secret), sessions.c.until > now_ms(), tokens.c.revoked_at.is_(None))
    )
    with db.read() as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else _token(row)


def sign_out(db: Ledger, secret: str) -> None:
    """End a session."""
    with db.write(quiet=True) as connection:
        connection.execute(delete(sessions).where(sessions.c.mark == token_mark(secret)))


def did(db: Ledger, *, who: str, via: str, did: str, project: str | None = None, run: int | None = None) -> None:
    """Write down that somebody did something."""
    with db.write(quiet=True) as connection:
        values = {"at": now_ms(), "who": who, "via": via, "did": did, "project": project, "run": run}
        connection.execute(insert(audit).values(values))


def deeds(db: Ledger, *, before: int | None = None, limit: int = 50) -> tuple[Deed, ...]:
    """Who did what, the newest first; `before` is a deed's id, for paging."""
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.id < before)
    with db.read() as connection:
        return tuple(
            Deed(id=row.id, at=row.at, who=row.who, via=row.via, did=row.did, project=row.project, run=row.run)
            for row in connection.execute(query)
        )


def forget_deeds(db: Ledger) -> int:
    """Forget what was done more than a year ago; how many deeds."""
    with db.write(quiet=True) as connection:
        return connection.execute(delete(audit).where(audit.c.at < clock.now() - AUDIT_MS)).rowcount


def _token(row: Row[tuple[Any, ...]]) -> Token:
    return Token(
        id=row.id,
        name=row.name,
        tier=Tier(row.tier),
        projects=tuple(row.projects),
        made_at=row.made_at,
        made_by=row.made_by,
        expires_at=row.expires_at,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
    )
