"""How Gitea speaks (X-Gitea-Event): signs the JSON text, also when it travels in a form. Pure."""

from collections.abc import Mapping

from ctci.forges import delivery
from ctci.forges.delivery import BadPayload
from ctci.model import Ignored, Trigger


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
