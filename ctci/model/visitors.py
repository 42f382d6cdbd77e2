"""Who asks, and what they may: tokens with their tiers, and whoever comes with or without one."""

from dataclasses import dataclass
from enum import StrEnum


class Tier(StrEnum):
    """What a token is good for; each tier may do what those before it may."""

    #: Badges, feeds and monitors; may stand in an address.
    FEED = "feed"
    #: Every page and log.
    READ = "read"
    #: Run, rerun and cancel.
    TRIGGER = "trigger"
    #: Tokens, configuration, replay, and who did what.
    ADMIN = "admin"


_RANK = {tier: rank for rank, tier in enumerate(Tier)}


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token as the ledger has it: all but the secret."""

    id: int
    name: str
    tier: Tier
    #: Names of projects; empty: all of them.
    projects: tuple[str, ...]
    #: Unix milliseconds; None: not yet, or never.
    made_at: int
    made_by: str
    expires_at: int | None
    used_at: int | None
    revoked_at: int | None


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Whoever asks, for as long as one request."""

    #: As the log of who did what has it: `token ci-bot`, `ana through the proxy`, `a visitor`.
    name: str
    #: None: nothing but what is open to everybody.
    tier: Tier | None
    #: The projects that may be seen; None: all of them.
    projects: frozenset[str] | None = None
    #: The id of the token.
    token: int | None = None
    #: Whether badges are shown without any tier.
    badges: bool = True
    #: Came through the data folder's own socket.
    local: bool = False
    #: What a form must send back; None where no browser's sign-in is used.
    csrf: str | None = None
    #: Whether the browser itself brings what is believed: then another site's page could use it.
    ambient: bool = False

    def may(self, tier: Tier) -> bool:
        """Whether the visitor may do what this tier may."""
        return self.tier is not None and _RANK[self.tier] >= _RANK[tier]

    def sees(self, project: str) -> bool:
        """Whether the project is there for this visitor."""
        return self.projects is None or project in self.projects

    @property
    def sees_all(self) -> bool:
        """Whether every project is."""
        return self.projects is None


def visitor_of(token: Token, *, csrf: str | None = None) -> Visitor:
    """Who comes with a token."""
    return Visitor(
        name=f"token {token.name}",
        tier=token.tier,
        projects=frozenset(token.projects) if token.projects else None,
        token=token.id,
        csrf=csrf,
        ambient=csrf is not None,
    )


@dataclass(frozen=True, kw_only=True)
class Deed:
    """Something that somebody did, as the log of who did what has it."""

    id: int
    at: int
    who: str
    #: From where: an address, `socket` or `command line`.
    via: str
    #: A verb and its object: `cancelled #12`.
    did: str
    #: None: about the whole server.
    project: str | None
    run: int | None


def live(token: Token, now: int) -> bool:
    """Whether a token is still good at a time (Unix milliseconds)."""
    return token.revoked_at is None and (token.expires_at is None or now < token.expires_at)
