"""How Bitbucket Cloud speaks (X-Event-Key): one call for all refs of a push, each with its old and new. Pure.

And how it is told of a commit, by builds with a key each.
"""

from collections.abc import Mapping
from typing import Any

from ctci.forges import delivery, hosting, status
from ctci.forges.delivery import BadPayload
from ctci.forges.status import Home
from ctci.model import HEADS, TAGS, Answer, Ignored, Request, Say, Trigger

#: What a change moves -> where git keeps it.
_PREFIXES = {"branch": HEADS, "tag": TAGS}

API = "https://api.bitbucket.org/2.0"
#: What a token for commit statuses must be.
NEEDS = (
    "an access token of the repository with the scope “Repositories: Read”, in the file as `x-token-auth:THE-TOKEN`; "
    "what one token has set, another one may not change"
)
#: The longest key.
KEY = 40
_STATES = status.build_states("STOPPED")


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


def status_home(place: hosting.Place) -> Home | None:
    """WORKSPACE/NAME, which is on one machine only, whatever name ssh reaches it by."""
    workspace, _, name = place.path.rpartition("/")
    if not workspace or "/" in workspace:
        return None
    return Home(api=API, host="bitbucket.org", repository=f"{status.escaped(workspace)}/{status.escaped(name)}")


def status_request(home: Home, say: Say) -> Request:
    """The same key again replaces what it said."""
    named = status.branch(say)
    return Request(
        method="POST",
        url=f"{home.api}/repositories/{home.repository}/commit/{say.sha}/statuses/build",
        body={
            **status.build(say, _STATES, status.short(say.context, KEY)),
            **({"refname": named} if named is not None else {}),
        },
    )


status_authorization = status.bearer


def status_answer(home: Home, code: int, headers: Mapping[str, str], body: bytes, now: int) -> Answer:
    """A link to a machine without a domain is refused, and with it the status."""
    said = status.told(body)
    if code == 400 and "valid URL" in said:
        return status.refused(
            f"{home.host} takes no status whose link is not to a public name ({said}); "
            "set `public-url` in ctci.toml to one, such as https://ci.example.org/"
        )
    if code == 404 and "commit" in said.lower():
        return status.gone(home, said)
    return status.answered(code, headers, body, now, home=home, needs=NEEDS)
