"""The tables of the doors: who may come in, who did what, and what was answered to a call that may come again."""

from typing import Any

from sqlalchemy import BigInteger, Column
from sqlmodel import Field, SQLModel

from ctci.ledger.engine import Json
from ctci.ledger.tables import ms


class Tokens(SQLModel, table=True):
    """A token, of which only the hash of the secret is kept."""

    id: int | None = Field(default=None, primary_key=True)
    name: str
    mark: str = Field(unique=True)
    tier: str
    projects: list[str] = Field(sa_column=Column(Json, nullable=False))
    made_at: int = Field(sa_type=BigInteger)
    made_by: str
    expires_at: int | None = ms()
    used_at: int | None = ms()
    revoked_at: int | None = ms()


class Sessions(SQLModel, table=True):
    """A browser that has signed in with a token; what its cookie holds is kept as a hash."""

    mark: str = Field(primary_key=True)
    token: int
    until: int = Field(sa_type=BigInteger)


class Audit(SQLModel, table=True):
    """Who did what."""

    id: int | None = Field(default=None, primary_key=True)
    at: int = Field(sa_type=BigInteger)
    who: str
    via: str
    did: str
    project: str | None
    run: int | None


class Idempotency(SQLModel, table=True):
    """What was answered to a call with an Idempotency-Key; without a status it is still being done."""

    who: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    digest: str
    at: int = Field(sa_type=BigInteger)
    status: int | None
    headers: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    body: str


tokens, sessions, audit, idempotency = (
    SQLModel.metadata.tables[name] for name in ("tokens", "sessions", "audit", "idempotency")
)
