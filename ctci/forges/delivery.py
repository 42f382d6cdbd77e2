"""What forges share: HMAC over raw bytes, hostile JSON made harmless, names and ids of refs. Pure."""

import hashlib
import hmac
import json
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

from ctci.model import HEADS, TAGS, Ignored, Trigger

_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ZERO = re.compile(r"0{40}|0{64}")
#: What git refuses in a ref's name (git check-ref-format).
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|^[/.]|\.lock(/|$)|[/.]$")
#: Bytes of a ref's name; git takes longer ones, which no file system holds.
MOST_REF = 1024
#: Characters of a name that are looked at at all.
MOST_TEXT = 10_000
FORM = "application/x-www-form-urlencoded"

DELETED = "the {kind} was deleted; nothing to build"
TEST = "test delivery: the hook works"
PING = "ping: connected"


class BadPayload(Exception):
    """A body that is not what its headers say; the message is fit to be shown."""


def hmac_matches(secret: bytes, signed: bytes, given: str) -> bool:
    """Whether `given` (hex, with or without `sha256=`) signs exactly these bytes. Never raises."""
    told = given.strip().lower().removeprefix("sha256=")
    if not secret or not told:
        return False
    expected = hmac.new(secret, signed, hashlib.sha256).hexdigest()
    # Bytes: with str a header that is not ASCII would raise.
    return hmac.compare_digest(expected.encode(), told.encode("latin-1", "replace"))


def is_form(headers: Mapping[str, str]) -> bool:
    """Whether the body is a form."""
    return headers.get("content-type", "").partition(";")[0].strip().lower() == FORM


def form_payload(body: bytes) -> bytes:
    """The JSON text in a form's `payload`. Raises BadPayload."""
    try:
        # Latin-1 gives each byte back as it was; given bytes, parse_qs refuses what is not ASCII once decoded.
        fields = urllib.parse.parse_qs(body.decode("latin-1"), max_num_fields=20, encoding="latin-1")
    except ValueError as error:
        raise BadPayload("the form cannot be read") from error
    if "payload" not in fields:
        raise BadPayload("the form has no field `payload`")
    return fields["payload"][0].encode("latin-1")


def decode(headers: Mapping[str, str], body: bytes) -> Mapping[str, Any]:
    """The body's JSON object, from JSON or a form. Raises BadPayload."""
    text = form_payload(body) if is_form(headers) else body
    try:
        plain = json.loads(text.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadPayload("the body is not JSON") from error
    if not isinstance(plain, dict):
        raise BadPayload("the body is not a JSON object")
    return plain


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def table(plain: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object of that name, or an empty one."""
    found = plain.get(name)
    return found if isinstance(found, dict) else {}


def text(plain: Mapping[str, Any], name: str, most: int = 1000) -> str | None:
    """The text of that name, or None where it is missing, empty, or no text that can be written down."""
    found = plain.get(name)
    if not isinstance(found, str) or not found or len(found) > most:
        return None
    try:
        found.encode()
    except UnicodeEncodeError:
        # A lone surrogate.
        return None
    return found


def line(plain: Mapping[str, Any], name: str) -> str | None:
    """A short text on one line, such as a person's name."""
    found = text(plain, name, MOST_TEXT)
    return one_line(found) if found else None


def one_line(found: str) -> str:
    """At most 200 printable characters."""
    return "".join(letter if letter.isprintable() else " " for letter in found)[:200].strip()


def full_name(plain: Mapping[str, Any]) -> str | None:
    """The repository's full name, None where the call tells of none. Raises BadPayload for what cannot be one."""
    repository = table(plain, "repository")
    if repository.get("full_name") is None:
        return None
    found = text(repository, "full_name")
    if found is None or not found.isprintable():
        raise BadPayload("`repository.full_name` is not the name of a repository")
    return found


def repository_of(plain: Mapping[str, Any]) -> str:
    """The full name, which a call that moves a ref must tell: it is held against the address. Raises BadPayload."""
    found = full_name(plain)
    if found is None:
        raise BadPayload("`repository.full_name` is missing")
    return found


def default_branch(plain: Mapping[str, Any]) -> str | None:
    """The repository's default branch, if it is told and can be one."""
    found = text(table(plain, "repository"), "default_branch")
    return found if found and legal(HEADS + found) else None


def id_(plain: Mapping[str, Any], name: str) -> str:
    """An object's id, lower case. Raises BadPayload."""
    found = plain.get(name)
    if isinstance(found, str) and _ID.fullmatch(found.lower()):
        return found.lower()
    raise BadPayload(f"`{name}` is not an object id")


def before_of(plain: Mapping[str, Any]) -> str | None:
    """What the ref was; None for null or none told, which says neither "new" nor "gone". Raises BadPayload."""
    return None if plain.get("before") is None else id_(plain, "before")


def is_zero(found: str) -> bool:
    """Whether an id says "nothing"."""
    return _ZERO.fullmatch(found) is not None


def ref_of(plain: Mapping[str, Any], name: str = "ref") -> str:
    """A ref's name that git would take. Raises BadPayload."""
    found = text(plain, name, MOST_TEXT)
    if found is None or not legal(found):
        raise BadPayload(f"`{name}` is not the name of a ref")
    return found


def legal(ref: str) -> bool:
    """Whether git would take this as a full ref name."""
    return "/" in ref and not _BAD_REF.search(ref)


def kind_of(ref: str) -> str | None:
    """`push` for a branch, `tag` for a tag, None for what is not built."""
    if ref.startswith(HEADS) and len(ref) > len(HEADS):
        return "push"
    if ref.startswith(TAGS) and len(ref) > len(TAGS):
        return "tag"
    return None


def named(event: str, header: str) -> str:
    """The event's name, which must be told. Raises BadPayload."""
    if not event:
        raise BadPayload(f"there is no {header} header; is the webhook's type right?")
    return event


def id_of_call(headers: Mapping[str, str], names: tuple[str, ...], body: bytes) -> str:
    """The forge's own id of the call, else a digest of the body."""
    for name in names:
        told = headers.get(name, "").strip()
        if told and len(told) <= 200 and told.isascii() and told.isprintable():
            return told
    return "sha256:" + hashlib.sha256(body).hexdigest()


def moved(
    *,
    forge: str,
    call: str,
    ref: str,
    before: str | None,
    after: str,
    repository: str | None,
    pusher: str | None,
    default: str | None = None,
    options: tuple[str, ...] = (),
) -> Trigger | Ignored:
    """What one moved ref is: a trigger, a deletion, a test, or nothing to build. `default`: the default branch."""
    kind = kind_of(ref)
    fresh = before is None or is_zero(before)
    if len(ref.encode()) > MOST_REF:
        return too_long(ref, pusher=pusher, repository=repository)
    if before == after or (before is not None and fresh and is_zero(after)):
        # Decided before the deletion: a forge's test says that main went from zeros to zeros.
        return Ignored(reason=TEST, ref=ref, pusher=pusher, repository=repository)
    if kind is None:
        reason = f"{ref} is neither a branch nor a tag"
        return Ignored(reason=reason, ref=ref, pusher=pusher, repository=repository)
    if is_zero(after):
        return deleted(ref, pusher=pusher, repository=repository)
    return Trigger(
        kind=kind,
        key=f"{forge}:{call}:{ref}",
        ref=ref,
        before=None if fresh else before,
        after=after,
        repository=repository,
        pusher=pusher,
        options=options,
        default_branch=default,
    )


def too_long(ref: str, *, pusher: str | None, repository: str | None) -> Ignored:
    """A ref that nothing here can hold; it is named by its beginning only."""
    reason = f"the name {one_line(ref[:60])}… has more than {MOST_REF} bytes, which is not built"
    return Ignored(reason=reason, pusher=pusher, repository=repository)


def deleted(ref: str, *, pusher: str | None, repository: str | None) -> Ignored:
    """A ref that is gone."""
    if len(ref.encode()) > MOST_REF:
        return too_long(ref, pusher=pusher, repository=repository)
    kind = "tag" if ref.startswith(TAGS) else "branch"
    return Ignored(reason=DELETED.format(kind=kind), ref=ref, pusher=pusher, repository=repository, deleted=True)


def other(event: str, repository: str | None = None) -> Ignored:
    """An event that is true, and not ours to build."""
    if event.startswith("pull_request"):
        return Ignored(reason="pull requests are not built; their branches are, when pushed", repository=repository)
    if event == "create":
        return Ignored(reason="a push event comes with it", repository=repository)
    return Ignored(reason=f"the event {one_line(event)} is not built", repository=repository)
