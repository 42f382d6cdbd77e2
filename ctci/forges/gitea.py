"""How Gitea speaks (X-Gitea-Event): signs the JSON text, also when it travels in a form. Pure."""

from collections.abc import Mapping

from ctci.forges import delivery
from ctci.forges.delivery import BadPayload
from ctci.model import HEADS, TAGS, Ignored, Trigger


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
    return told("gitea", event(headers), delivery_id(headers, body), headers, body)


def told(forge: str, name: str, call: str, headers: Mapping[str, str], body: bytes) -> tuple[Trigger | Ignored, ...]:
    """The payload that Gitea and Forgejo share. Raises BadPayload."""
    plain = delivery.decode(headers, body)
    repository = delivery.table(plain, "repository")
    full_name = delivery.text(repository, "full_name")
    pusher = delivery.table(plain, "pusher")
    who = delivery.line(pusher, "login") or delivery.line(pusher, "username")
    who = who or delivery.line(delivery.table(plain, "sender"), "login")
    if name == "delete":
        return (delivery.deleted(_deleted_ref(plain), pusher=who, repository=full_name),)
    if name != "push":
        return (delivery.other(name, full_name),)
    return (
        delivery.moved(
            forge=forge,
            call=call,
            ref=delivery.ref_of(plain),
            before=delivery.id_(plain, "before"),
            after=delivery.id_(plain, "after"),
            repository=full_name,
            pusher=who,
            default_branch=delivery.text(repository, "default_branch"),
        ),
    )


def _deleted_ref(plain: Mapping[str, object]) -> str:
    """A hook of type gitea tells the short name, one of type forgejo the full one."""
    name = delivery.text(plain, "ref", delivery.MOST_REF)
    kind = plain.get("ref_type")
    if name is None or kind not in ("branch", "tag"):
        raise BadPayload("`ref` and `ref_type` do not say what was deleted")
    prefix = HEADS if kind == "branch" else TAGS
    full = prefix + name.removeprefix(prefix)
    if not delivery.legal(full):
        raise BadPayload("`ref` is not the name of a ref")
    return full
