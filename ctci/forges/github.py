"""How GitHub speaks (X-GitHub-Event): signs the raw body, JSON or form. Pure."""

from collections.abc import Mapping

from ctci.forges import delivery
from ctci.model import Ignored, Trigger


def event(headers: Mapping[str, str]) -> str:
    """The event's name."""
    return delivery.one_line(headers.get("x-github-event", ""))


def delivery_id(headers: Mapping[str, str], body: bytes) -> str:
    """The same for a redelivery."""
    return delivery.id_of_call(headers, ("x-github-delivery",), body)


def authentic(headers: Mapping[str, str], body: bytes, secret: bytes) -> bool:
    """HMAC-SHA256 over the body as sent; a good SHA-1 never rescues."""
    return delivery.hmac_matches(secret, body, headers.get("x-hub-signature-256", ""))


def read(headers: Mapping[str, str], body: bytes) -> tuple[Trigger | Ignored, ...]:
    """What the call says. Raises BadPayload."""
    plain = delivery.decode(headers, body)
    name = delivery.named(event(headers), "X-GitHub-Event")
    if delivery.is_pull_request(name, plain):
        return (delivery.pull_request(plain),)
    full_name = delivery.full_name(plain)
    if name == "ping":
        return (Ignored(reason=delivery.PING, repository=full_name),)
    if name == "delete":
        return (Ignored(reason="a push event tells of the deletion", repository=full_name),)
    if name != "push":
        return (delivery.other(name, full_name),)
    pusher = delivery.table(plain, "pusher")
    return (
        delivery.moved(
            forge="github",
            call=delivery_id(headers, body),
            ref=delivery.ref_of(plain),
            before=delivery.before_of(plain),
            after=delivery.id_(plain, "after"),
            repository=delivery.repository_of(plain),
            pusher=delivery.line(pusher, "name") or delivery.line(delivery.table(plain, "sender"), "login"),
            default=delivery.default_branch(plain),
        ),
    )
