"""How Forgejo speaks (X-Forgejo-Event): as Gitea, under its own names. Pure."""

from collections.abc import Mapping

from ctci.forges import delivery, gitea
from ctci.model import Ignored, Trigger

#: It is told of a commit as Gitea is.
status_home = gitea.status_home
status_request = gitea.status_request
status_authorization = gitea.status_authorization
status_answer = gitea.status_answer


def event(headers: Mapping[str, str]) -> str:
    """The event's name."""
    return delivery.one_line(headers.get("x-forgejo-event") or headers.get("x-gitea-event", ""))


def delivery_id(headers: Mapping[str, str], body: bytes) -> str:
    """A new one for a replay."""
    return delivery.id_of_call(headers, ("x-forgejo-delivery", "x-gitea-delivery"), body)


def authentic(headers: Mapping[str, str], body: bytes, secret: bytes) -> bool:
    """HMAC-SHA256 over the JSON text."""
    name = "x-forgejo-signature" if "x-forgejo-signature" in headers else "x-gitea-signature"
    return gitea.signed(headers, body, secret, name)


def read(headers: Mapping[str, str], body: bytes) -> tuple[Trigger | Ignored, ...]:
    """What the call says. Raises BadPayload."""
    name = delivery.named(event(headers), "X-Forgejo-Event")
    return gitea.told("forgejo", name, delivery_id(headers, body), headers, body)
