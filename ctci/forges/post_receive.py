"""How our own hook speaks: git's lines verbatim, one a moved ref, and headers for the rest. Pure."""

import base64
import hmac
from collections.abc import Mapping

from ctci.forges import delivery
from ctci.forges.delivery import BadPayload
from ctci.model import Ignored, Trigger

#: Refs of one push that are read.
MOST_LINES = 3000
#: Push options of one push that are kept; the hook sends no more.
MOST_OPTIONS = 50


def event(headers: Mapping[str, str]) -> str:
    """Always post-receive."""
    return delivery.one_line(headers.get("x-ctci-event", ""))


def delivery_id(headers: Mapping[str, str], body: bytes) -> str:
    """The hook's uuid, the same from the socket and from the spool."""
    return delivery.id_of_call(headers, ("x-ctci-delivery",), body)


def authentic(headers: Mapping[str, str], body: bytes, secret: bytes) -> bool:
    """`Authorization: Bearer SECRET`."""
    del body
    scheme, _, told = headers.get("authorization", "").partition(" ")
    # Blanks alone: a byte of a secret in UTF-8 may be \xa0, which str.strip() would take for one.
    given = told.strip(" \t").encode("latin-1", "replace")
    return bool(secret) and scheme.lower() == "bearer" and hmac.compare_digest(secret, given)


def read(headers: Mapping[str, str], body: bytes) -> tuple[Trigger | Ignored, ...]:
    """Each line's decision. Raises BadPayload."""
    if event(headers) != "post-receive":
        raise BadPayload("X-CTCI-Event is not post-receive")
    lines = body.removesuffix(b"\n").split(b"\n") if body else []
    if len(lines) > MOST_LINES:
        raise BadPayload(f"a push may move {MOST_LINES} refs, and this one moved {len(lines)}")
    if not lines:
        raise BadPayload("the body has no line")
    options = _options(headers)
    call = delivery_id(headers, body)
    who = delivery.one_line(headers.get("x-ctci-pusher", "")) or None
    return tuple(_line(each, call, who, options) for each in lines)


def _line(raw: bytes, call: str, who: str | None, options: tuple[str, ...]) -> Trigger | Ignored:
    parts = raw.split(b" ", 2)
    if len(parts) != 3:
        raise BadPayload("a line is not `old new ref`")
    ids = {"before": parts[0].decode("latin-1"), "after": parts[1].decode("latin-1")}
    before, after = delivery.id_(ids, "before"), delivery.id_(ids, "after")
    try:
        ref = parts[2].decode("utf-8")
    except UnicodeDecodeError:
        shown = parts[2].decode("utf-8", "replace")
        return Ignored(reason=f"the name of {delivery.one_line(shown)} is not UTF-8, which is not built", pusher=who)
    if not delivery.legal(ref):
        raise BadPayload("a line does not name a ref")
    return delivery.moved(
        forge="hook",
        call=call,
        ref=ref,
        before=before,
        after=after,
        repository=None,
        pusher=who,
        options=options,
    )


def _options(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Push options, verbatim: base64, joined by commas, which base64 has not."""
    told = [each.strip() for each in headers.get("x-ctci-option", "").split(",") if each.strip()]
    try:
        raw = [base64.b64decode(each, validate=True) for each in told[:MOST_OPTIONS]]
    except ValueError as error:
        raise BadPayload("X-CTCI-Option is not base64") from error
    return tuple(each.decode("utf-8", "replace") for each in raw)
