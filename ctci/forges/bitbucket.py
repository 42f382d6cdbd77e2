"""How Bitbucket Cloud speaks (X-Event-Key): one call for all refs of a push, each with its old and new. Pure."""

from collections.abc import Mapping
from typing import Any

from ctci.forges import delivery
from ctci.forges.delivery import BadPayload
from ctci.model import HEADS, TAGS, Ignored, Trigger

#: What a change moves -> where git keeps it.
_PREFIXES = {"branch": HEADS, "tag": TAGS}


def event(headers: Mapping[str, str]) -> str:
    """The event's key, such as `repo:push`."""
    return delivery.one_line(headers.get("x-event-key", ""))


def delivery_id(headers: Mapping[str, str], body: bytes) -> str:
    """The same for a further attempt."""
    return delivery.id_of_call(headers, ("x-request-uuid",), body)


def authentic(headers: Mapping[str, str], body: bytes, secret: bytes) -> bool:
    """HMAC-SHA256 over the body, under the name that holds a SHA-1 elsewhere."""
    return delivery.hmac_matches(secret, body, headers.get("x-hub-signature", ""))


def read(headers: Mapping[str, str], body: bytes) -> tuple[Trigger | Ignored, ...]:
    """Each change's decision. Raises BadPayload."""
    plain = delivery.decode(headers, body)
    name = delivery.named(event(headers), "X-Event-Key")
    if name.startswith("pullrequest:"):
        return (_pull_request(plain),)
    if name != "repo:push":
        return (delivery.other(name, delivery.full_name(plain)),)
    repository = delivery.repository_of(plain)
    changes = delivery.changes_of(delivery.table(plain, "push"), "push.changes")
    if not changes:
        return (Ignored(reason=delivery.NO_CHANGE, repository=repository),)
    call = delivery_id(headers, body)
    return tuple(_change(each, plain, repository, call) for each in changes)


def _change(change: Mapping[str, Any], plain: Mapping[str, Any], repository: str, call: str) -> Trigger | Ignored:
    """`old` is null of what was created, `new` of what was deleted."""
    old, new = _side(change, "old"), _side(change, "new")
    side = new if new is not None else old
    if side is None:
        raise BadPayload("a change has neither `old` nor `new`")
    actor = delivery.table(plain, "actor")
    who = delivery.line(actor, "nickname") or delivery.line(actor, "display_name")
    kind = delivery.text(side, "type")
    prefix = _PREFIXES.get(kind or "")
    if prefix is None:
        return Ignored(reason="neither a branch nor a tag was moved", pusher=who, repository=repository)
    ref = delivery.ref_of(side, "name", prefix)
    if new is None:
        return delivery.deleted(ref, pusher=who, repository=repository)
    return delivery.moved(
        forge="bitbucket",
        call=call,
        ref=ref,
        before=None if old is None else delivery.id_(delivery.table(old, "target"), "hash"),
        after=delivery.id_(delivery.table(new, "target"), "hash"),
        repository=repository,
        pusher=who,
        default=delivery.branch_of(delivery.table(delivery.table(plain, "repository"), "mainbranch"), "name"),
    )


def _side(change: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """What stood there, None where nothing did. Raises BadPayload for what says neither."""
    found = change.get(name)
    if found is None:
        return None
    if not isinstance(found, dict):
        raise BadPayload(f"`{name}` of a change is not what was there")
    return found


def _pull_request(plain: Mapping[str, Any]) -> Ignored:
    """Its commits are told by 12 digits, and not looked at."""
    pull = delivery.table(plain, "pullrequest")
    source = delivery.table(pull, "source")
    where = "pullrequest.source.repository.full_name"
    return delivery.asked(
        pull.get("id"),
        repository=delivery.repository_of(plain),
        source=delivery.name_of(delivery.table(source, "repository"), "full_name", where),
        named=delivery.table(source, "branch"),
        name="name",
    )
