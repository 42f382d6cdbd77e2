"""How Bitbucket Data Center speaks (X-Event-Key): one call for all refs of a push, named in full. Pure.

And how it is told of a commit, by builds with a key each, as its version 7.4 has them.
"""

import json
from collections.abc import Mapping
from typing import Any

from ctci.forges import delivery, hosting, status
from ctci.forges.status import Home
from ctci.model import HEADS, TAGS, Answer, Ignored, Request, Say, Trigger

#: "Test connection" of the webhook's page.
PING = "diagnostics:ping"
#: A push, and a mirror that has caught up with one.
MOVES = ("repo:refs_changed", "mirror:repo_synchronized")

#: What a token for commit statuses must be.
NEEDS = "an HTTP access token with the permission “Repository read”, alone in its file"
_STATES = status.build_states("CANCELLED")


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


def status_home(place: hosting.Place) -> Home | None:
    """Its addresses end with KEY/slug, over http below /scm; a path before that is the proxy's."""
    found = hosting.repository_of(place.path)
    if found is None:
        return None
    below, key, slug = found
    root = f"{place.origin}/{below}".rstrip("/")
    repository = f"projects/{status.escaped(key)}/repos/{status.escaped(slug)}"
    return Home(api=f"{root}/rest/api/latest", host=place.host, repository=repository)


def status_request(home: Home, say: Say) -> Request:
    """The same key again replaces what it said. It needs a ref in full, where one is named."""
    return Request(
        method="POST",
        url=f"{home.api}/{home.repository}/commits/{say.sha}/builds",
        body={
            **status.build(say, _STATES, say.context),
            **({"ref": say.ref} if say.ref.startswith((HEADS, TAGS)) else {}),
        },
    )


status_authorization = status.bearer


def status_answer(home: Home, code: int, headers: Mapping[str, str], body: bytes, now: int) -> Answer:
    """A commit that is gone is a 404 too."""
    said = status.told(body)
    if code == 404 and "commit" in said.lower():
        return status.gone(home, said)
    return status.answered(code, headers, body, now, home=home, needs=NEEDS)
