"""How Gogs speaks (X-Gogs-Event): signs the JSON text, and tells of a tag by its creation alone. Pure."""

from collections.abc import Mapping
from typing import Any

from ctci.forges import delivery
from ctci.forges.delivery import BadPayload
from ctci.model import Ignored, Trigger


def event(headers: Mapping[str, str]) -> str:
    """The event's name."""
    return delivery.one_line(headers.get("x-gogs-event", ""))


def delivery_id(headers: Mapping[str, str], body: bytes) -> str:
    """A new one for a redelivery."""
    return delivery.id_of_call(headers, ("x-gogs-delivery",), body)


def authentic(headers: Mapping[str, str], body: bytes, secret: bytes) -> bool:
    """HMAC-SHA256 over the JSON text, also where a form brings it."""
    try:
        text = delivery.form_payload(body) if delivery.is_form(headers) else body
    except BadPayload:
        return False
    return delivery.hmac_matches(secret, text, headers.get("x-gogs-signature", ""))


def read(headers: Mapping[str, str], body: bytes) -> tuple[Trigger | Ignored, ...]:
    """What the call says. Raises BadPayload."""
    plain = delivery.decode(headers, body)
    name = delivery.named(event(headers), "X-Gogs-Event")
    if delivery.is_pull_request(name, plain):
        return (_pull_request(plain),)
    of_tag = name == "create" and plain.get("ref_type") != "branch"
    if name not in ("push", "delete") and not of_tag:
        # Of a new branch a push tells too.
        return (delivery.other(name, delivery.full_name(plain)),)
    if name == "delete":
        repository = delivery.repository_of(plain)
        return (delivery.deleted(delivery.typed_ref(plain), pusher=_who(plain), repository=repository),)
    call = delivery_id(headers, body)
    return (_created(plain, call) if of_tag else _pushed(plain, call),)


def _pushed(plain: Mapping[str, Any], call: str) -> Trigger | Ignored:
    return delivery.moved(
        forge="gogs",
        call=call,
        ref=delivery.ref_of(plain),
        before=delivery.before_of(plain),
        after=delivery.id_(plain, "after"),
        repository=delivery.repository_of(plain),
        pusher=_who(plain),
        default=delivery.default_branch(plain),
    )


def _created(plain: Mapping[str, Any], call: str) -> Trigger | Ignored:
    """A new tag. An old server does not tell where it stands: then it is fetched by its name."""
    ref, repository, who = delivery.typed_ref(plain), delivery.repository_of(plain), _who(plain)
    after = None if plain.get("sha") is None else delivery.id_(plain, "sha")
    if after is not None and delivery.is_zero(after):
        raise BadPayload("`sha` says that nothing was created")
    if len(ref.encode()) > delivery.MOST_REF:
        return delivery.too_long(ref, pusher=who, repository=repository)
    return Trigger(
        kind="tag",
        key=f"gogs:{call}:{ref}",
        ref=ref,
        after=after,
        repository=repository,
        pusher=who,
        default_branch=delivery.default_branch(plain),
    )


def _who(plain: Mapping[str, Any]) -> str | None:
    pusher = delivery.table(plain, "pusher")
    return (
        delivery.line(pusher, "login")
        or delivery.line(pusher, "username")
        or delivery.line(delivery.table(plain, "sender"), "login")
        or delivery.line(delivery.table(plain, "sender"), "username")
    )


def _pull_request(plain: Mapping[str, Any]) -> Ignored:
    """In words of its own: `head_branch` and `head_repo`."""
    pull = delivery.table(plain, "pull_request")
    where = "pull_request.head_repo.full_name"
    source = delivery.name_of(delivery.table(pull, "head_repo"), "full_name", where)
    number = pull.get("number") if plain.get("number") is None else plain["number"]
    repository = delivery.repository_of(plain)
    return delivery.asked(number, repository=repository, source=source, named=pull, name="head_branch")
