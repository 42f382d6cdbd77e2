"""How Bitbucket Data Center speaks (X-Event-Key): one call for all refs of a push, named in full. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from ctci.forges import delivery
from ctci.model import Ignored, Trigger

#: "Test connection" of the webhook's page.
PING = "diagnostics:ping"
#: A push, and a mirror that has caught up with one.
MOVES = ("repo:refs_changed", "mirror:repo_synchronized")


def event(headers: Mapping[str, str]) -> str:
    """The event's key, such as `repo:refs_changed`."""
    return delivery.one_line(headers.get("x-event-key", ""))


def delivery_id(headers: Mapping[str, str], body: bytes) -> str:
    """Nothing is ever sent twice."""
    return delivery.id_of_call(headers, ("x-request-id",), body)


def authentic(headers: Mapping[str, str], body: bytes, secret: bytes) -> bool:
    """HMAC-SHA256 over the body, under the name that holds a SHA-1 elsewhere."""
    return delivery.hmac_matches(secret, body, headers.get("x-hub-signature", ""))


def unsigned_test(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether this is "Test connection", which is sent without a signature and tells nothing."""
    if event(headers) != PING or headers.get("x-hub-signature") or len(body) > 100:
        return False
    try:
        return bool(json.loads(body) == {"test": True})
    except (ValueError, RecursionError):
        return False


def read(headers: Mapping[str, str], body: bytes) -> tuple[Trigger | Ignored, ...]:
    """Each change's decision. Raises BadPayload."""
    plain = delivery.decode(headers, body)
    name = delivery.named(event(headers), "X-Event-Key")
    if name == PING:
        return (Ignored(reason=delivery.PING),)
    if name.startswith("pr:"):
        return (_pull_request(plain),)
    repository = _name(delivery.table(plain, "repository"), "repository")
    if name not in MOVES:
        return (delivery.other(name, repository),)
    told = delivery.must(repository, "repository.project.key` or `repository.slug")
    if plain.get("refLimitExceeded") is True:
        reason = "more refs were synchronised than are told one by one; run what is wanted by hand"
        return (Ignored(reason=reason, repository=told),)
    changes = delivery.changes_of(plain, "changes")
    if not changes:
        return (Ignored(reason=delivery.NO_CHANGE, repository=told),)
    actor = delivery.table(plain, "actor")
    who = delivery.line(actor, "name") or delivery.line(actor, "displayName")
    call = delivery_id(headers, body)
    return tuple(_change(each, call, told, who) for each in changes)


def _change(change: Mapping[str, Any], call: str, repository: str, who: str | None) -> Trigger | Ignored:
    """Zeros say nothing, on either side; of an annotated tag the object is told."""
    ref = delivery.table(change, "ref")
    return delivery.moved(
        forge="bitbucket-dc",
        call=call,
        ref=delivery.ref_of(ref, "id") if ref else delivery.ref_of(change, "refId"),
        before=delivery.id_(change, "fromHash"),
        after=delivery.id_(change, "toHash"),
        repository=repository,
        pusher=who,
    )


def _name(repository: Mapping[str, Any], where: str) -> str | None:
    """`KEY/slug`, as its addresses end; a person's repository is `~name/slug`. Raises BadPayload."""
    slug = delivery.name_of(repository, "slug", f"{where}.slug")
    key = delivery.name_of(delivery.table(repository, "project"), "key", f"{where}.project.key")
    return f"{key}/{slug}" if slug is not None and key is not None else None


def _pull_request(plain: Mapping[str, Any]) -> Ignored:
    """Its target names the repository: nothing else in it does."""
    pull = delivery.table(plain, "pullRequest")
    source, target = delivery.table(pull, "fromRef"), delivery.table(pull, "toRef")
    where = "pullRequest.toRef.repository"
    repository = _name(delivery.table(target, "repository"), where)
    return delivery.asked(
        pull.get("id"),
        repository=delivery.must(repository, f"{where}.project.key` or `{where}.slug"),
        source=_name(delivery.table(source, "repository"), "pullRequest.fromRef.repository"),
        named=source,
        name="id",
        prefix="",
    )
