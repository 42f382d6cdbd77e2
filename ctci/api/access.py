"""Who may come in and who did what: tokens made, listed, rotated and taken back, the log of deeds, and who asks."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from ctci import clock, ledger, shape
from ctci.api import inputs, outputs, paging, visible
from ctci.api.operation import Context, Empty, Known, Operation
from ctci.api.problem import ApiError, not_found
from ctci.model import Tier


class NewToken(Known):
    """What a token is to be good for."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]
    tier: Tier
    projects: Annotated[list[inputs.Name], Field(max_length=200, description="None: all of them.")] = []
    until: Annotated[inputs.Day | None, Field(description="The last day on which it is good; none: for good.")] = None


class Deeds(inputs.Page):
    """Which deeds."""

    before: Annotated[inputs.Number | None, Field(description="Only what was before this one.")] = None


class TokenId(Known):
    """A token."""

    token: inputs.Number


class Token(outputs.Given):
    """A token without its secret; no projects: all of them."""

    id: int
    name: str
    tier: str
    projects: list[str]
    made_at: str | None
    made_by: str
    expires_at: str | None
    used_at: str | None


class TokenSecret(Token):
    """A token with its secret, which nobody can ask for again."""

    secret: str


class TokenList(outputs.Given):
    """Those that have not been revoked, by name."""

    items: list[Token]
    next: str | None


class Deed(outputs.Given):
    """Something that somebody did."""

    id: int
    at: str | None
    who: str
    via: str
    did: str
    project: str | None
    run: int | None


class DeedList(outputs.Given):
    """A page of deeds, newest first."""

    items: list[Deed]
    next: str | None


class Me(outputs.Given):
    """Who asks, and what they may; no projects named: all of them."""

    name: str
    tier: str | None
    projects: list[str] | None
    via: str


def _tokens(context: Context, _: object, __: None) -> Mapping[str, Any]:
    return shape.items([shape.token(each) for each in ledger.tokens_(context.db)])


def _new(context: Context, _: object, body: NewToken) -> Mapping[str, Any]:
    if body.tier is Tier.ADMIN and body.projects:
        why = "a token of the tier admin is for the whole server"
        raise ApiError("invalid", f"{why.capitalize()}.", errors=[{"pointer": "/projects", "detail": why}])
    strange = set(body.projects) - visible.projects_of(context).keys()
    if strange:
        why = f"there is no project {min(strange)}"
        raise ApiError("invalid", f"{why.capitalize()}.", errors=[{"pointer": "/projects", "detail": why}])
    expires_at = clock.end_of(body.until) if body.until is not None else None
    if expires_at is not None and expires_at <= clock.now():
        raise ApiError("invalid", f"{body.until} is over.", errors=[{"pointer": "/until", "detail": "is over"}])
    try:
        made, secret = ledger.new_token(
            context.db,
            name=body.name,
            tier=body.tier,
            projects=tuple(body.projects),
            expires_at=expires_at,
            by=context.visitor.name,
        )
    except ledger.TakenError as error:
        raise ApiError("conflict", str(error)) from error
    context.did(f"made the token {made.name} ({made.tier})")
    return {**shape.token(made), "secret": secret}


def _rotate(context: Context, query: TokenId, _: None) -> Mapping[str, Any]:
    found = ledger.rotate(context.db, query.token, by=context.visitor.name)
    if found is None:
        raise not_found(f"token {query.token}")
    made, secret = found
    if made.name == "admin":
        # The file of the first token would tell of a secret that is none any more.
        context.layout.admin_token.unlink(missing_ok=True)
    context.did(f"rotated the token {made.name}")
    return {**shape.token(made), "secret": secret}


def _revoke(context: Context, query: TokenId, _: None) -> Mapping[str, Any]:
    found = ledger.token(context.db, query.token)
    if found is None or not ledger.revoke(context.db, found.id):
        raise not_found(f"token {query.token}")
    context.did(f"revoked the token {found.name}")
    return shape.token(found)


def _audit(context: Context, query: Deeds, _: None) -> Mapping[str, Any]:
    found = ledger.deeds(context.db, before=query.before or paging.before(query.cursor), limit=query.limit + 1)
    return paging.page(found, query.limit, shape.deed, number=lambda deed: deed.id)


def _me(context: Context, _: object, __: None) -> Mapping[str, Any]:
    visitor = context.visitor
    return {
        "name": visitor.name,
        "tier": str(visitor.tier) if visitor.tier is not None else None,
        "projects": sorted(visitor.projects) if visitor.projects is not None else None,
        "via": context.via,
    }


def _of_tokens(below: str, kin: str) -> tuple[Operation, ...]:
    """The operations of tokens at a place; `kin` parts their names from those at another."""
    return (
        Operation(
            name=f"list_{kin}tokens",
            method="GET",
            path=f"{below}/tokens",
            tier=Tier.ADMIN,
            summary="Every token that has not been revoked, without its secret.",
            answer=TokenList,
            do=_tokens,
            whole=True,
            tag="access",
        ),
        Operation(
            name=f"create_{kin}token",
            method="POST",
            path=f"{below}/tokens",
            tier=Tier.ADMIN,
            summary="Make a token; its secret is told this once.",
            body=NewToken,
            answer=TokenSecret,
            status=201,
            do=_new,
            refusals=("conflict",),
            whole=True,
            secret=True,
            tag="access",
        ),
        Operation(
            name=f"rotate_{kin}token",
            method="POST",
            path=f"{below}/tokens/{{token}}/rotate",
            tier=Tier.ADMIN,
            summary="Give a token a new secret, told this once; the old one lets nobody in any more.",
            query=TokenId,
            body=Empty,
            answer=TokenSecret,
            do=_rotate,
            refusals=("not_found", "conflict"),
            whole=True,
            secret=True,
            tag="access",
        ),
        Operation(
            name=f"revoke_{kin}token",
            method="DELETE",
            path=f"{below}/tokens/{{token}}",
            tier=Tier.ADMIN,
            summary="Let a token, and who signed in with it, in no more.",
            query=TokenId,
            answer=Token,
            do=_revoke,
            refusals=("not_found",),
            whole=True,
            tag="access",
        ),
    )


OPERATIONS = (
    *_of_tokens("", ""),
    # As scripts of small CI servers ask for them.
    *_of_tokens("/admin", "admin_"),
    Operation(
        name="list_deeds",
        method="GET",
        path="/audit",
        tier=Tier.ADMIN,
        summary="Who did what, and from where, newest first.",
        query=Deeds,
        answer=DeedList,
        do=_audit,
        whole=True,
        tag="access",
    ),
    Operation(
        name="get_me",
        method="GET",
        path="/me",
        tier=Tier.READ,
        summary="Who asks, and what they may.",
        answer=Me,
        do=_me,
        tag="access",
    ),
)
