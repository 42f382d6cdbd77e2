"""Tokens, and who did what, as JSON. Pure."""

from typing import Any

from ctci.model import Deed, Token
from ctci.shape import times

TOKEN = ("id", "name", "tier", "projects", "made_at", "made_by", "expires_at", "used_at")
DEED = ("id", "at", "who", "via", "did", "project", "run")


def token(token: Token) -> dict[str, Any]:
    """A token without its secret; no projects: all of them."""
    return {
        "id": token.id,
        "name": token.name,
        "tier": str(token.tier),
        "projects": list(token.projects),
        "made_at": times.time(token.made_at),
        "made_by": token.made_by,
        "expires_at": times.time(token.expires_at),
        "used_at": times.time(token.used_at),
    }


def deed(deed: Deed) -> dict[str, Any]:
    """Something that somebody did."""
    return {
        "id": deed.id,
        "at": times.time(deed.at),
        "who": deed.who,
        "via": deed.via,
        "did": deed.did,
        "project": deed.project,
        "run": deed.run,
    }
