"""How Gitea speaks (X-Gitea-Event): signs the JSON text, also in a form; and how it is told of a commit. Pure."""

from collections.abc import Mapping

from ctci.forges import delivery, hosting, status
from ctci.forges.delivery import BadPayload
from ctci.forges.status import Home
from ctci.model import Answer, Ignored, Request, Say, Trigger

#: What a token for commit statuses must be.
NEEDS = "one with the permission “repository: Read and Write”, of a user who may write to this repository"


def event(headers: Mapping[str, str]) -> str:
    """The event's name."""
    return delivery.one_line(headers.get("x-gitea-event", ""))


def delivery_id(headers: Mapping[str, str], body: bytes) -> str:
    """A new one for a replay."""
    return delivery.id_of_call(headers, ("x-gitea-delivery",), body)


def authentic(headers: Mapping[str, str], body: bytes, secret: bytes) -> bool:
    """HMAC-SHA256 over the JSON text."""
    return signed(headers, body, secret, "x-gitea-signature")


def signed(headers: Mapping[str, str], body: bytes, secret: bytes, name: str) -> bool:
    """The forge's own signature header decides where it is there; else the one that it sends besides."""
    try:
        text = delivery.form_payload(body) if delivery.is_form(headers) else body
    except BadPayload:
        return False
    given = headers[name] if name in headers else headers.get("x-hub-signature-256", "")
    return delivery.hmac_matches(secret, text, given)


def read(headers: Mapping[str, str], body: bytes) -> tuple[Trigger | Ignored, ...]:
    """What the call says. Raises BadPayload."""
    name = delivery.named(event(headers), "X-Gitea-Event")
    return told("gitea", name, delivery_id(headers, body), headers, body)


def told(forge: str, name: str, call: str, headers: Mapping[str, str], body: bytes) -> tuple[Trigger | Ignored, ...]:
    """The payload that Gitea and Forgejo share. Raises BadPayload."""
    plain = delivery.decode(headers, body)
    if delivery.is_pull_request(name, plain):
        return (delivery.pull_request(plain),)
    if name not in ("push", "delete"):
        return (delivery.other(name, delivery.full_name(plain)),)
    repository = delivery.repository_of(plain)
    pusher = delivery.table(plain, "pusher")
    who = delivery.line(pusher, "login") or delivery.line(pusher, "username")
    who = who or delivery.line(delivery.table(plain, "sender"), "login")
    if name == "delete":
        # Nothing else tells that a branch is gone. Of a tag a push of zeros tells too.
        return (delivery.deleted(delivery.typed_ref(plain), pusher=who, repository=repository),)
    return (
        delivery.moved(
            forge=forge,
            call=call,
            ref=delivery.ref_of(plain),
            before=delivery.before_of(plain),
            after=delivery.id_(plain, "after"),
            repository=repository,
            pusher=who,
            default=delivery.default_branch(plain),
        ),
    )


def status_home(place: hosting.Place) -> Home | None:
    """Below the path that a proxy may have given it."""
    return status.owned(place, "/api/v1")


def status_request(home: Home, say: Say) -> Request:
    """A new row for each call; the newest of a context counts. `warning` and `skipped` are not of every version."""
    url = f"{home.api}/repos/{home.repository}/statuses/{say.sha}"
    return Request(method="POST", url=url, body=status.words(say))


def status_authorization(token: str) -> tuple[str, str]:
    """Its own word for a bearer, which every version knows; or USER:TOKEN as user and password."""
    return status.authorization(token, "token")


def status_answer(home: Home, code: int, headers: Mapping[str, str], body: bytes, now: int) -> Answer:
    """Nothing of its own."""
    return status.answered(code, headers, body, now, home=home, needs=NEEDS)
