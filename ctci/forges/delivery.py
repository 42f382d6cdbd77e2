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
#: Refs of one call that are read.
MOST_CHANGES = 3000
FORM = "application/x-www-form-urlencoded"

DELETED = "the {kind} was deleted; nothing to build"
TEST = "test delivery: the hook works"
PING = "ping: connected"
NO_CHANGE = "the call tells of no ref that moved"


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
    return name_of(table(plain, "repository"), "full_name", "repository.full_name")


def name_of(plain: Mapping[str, Any], name: str, where: str) -> str | None:
    """A repository's name, or a part of it; `where` is its place in the body. Raises BadPayload."""
    if plain.get(name) is None:
        return None
    found = text(plain, name)
    if found is None or not found.isprintable():
        raise BadPayload(f"`{where}` is not the name of a repository")
    return found


def repository_of(plain: Mapping[str, Any]) -> str:
    """The full name, which a call that moves a ref must tell: it is held against the address. Raises BadPayload."""
    return must(full_name(plain), "repository.full_name")


def must(found: str | None, where: str) -> str:
    """What was found, which has to be there. Raises BadPayload."""
    if found is None:
        raise BadPayload(f"`{where}` is missing")
    return found


def changes_of(plain: Mapping[str, Any], where: str) -> list[Mapping[str, Any]]:
    """The moved refs of a call that tells of several. Raises BadPayload."""
    found = plain.get("changes")
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise BadPayload(f"`{where}` is not a list of changes")
    if len(found) > MOST_CHANGES:
        raise BadPayload(f"a call may move {MOST_CHANGES} refs, and this one moved {len(found)}")
    return found


def default_branch(plain: Mapping[str, Any]) -> str | None:
    """The repository's default branch, if it is told and can be one."""
    return branch_of(table(plain, "repository"), "default_branch")


def branch_of(plain: Mapping[str, Any], name: str) -> str | None:
    """A branch's short name, if it can be one."""
    found = text(plain, name)
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


def ref_of(plain: Mapping[str, Any], name: str = "ref", prefix: str = "") -> str:
    """A ref's full name that git would take, `prefix` before what is told. Raises BadPayload."""
    found = text(plain, name, MOST_TEXT)
    if found is None or not legal(prefix + found):
        raise BadPayload(f"`{name}` is not the name of a ref")
    return prefix + found


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


def typed_ref(plain: Mapping[str, Any]) -> str:
    """The ref that `ref` and `ref_type` name: short, or full as of a hook of type forgejo. Raises BadPayload."""
    name = text(plain, "ref", MOST_TEXT)
    kind = plain.get("ref_type")
    if name is None or kind not in ("branch", "tag"):
        raise BadPayload("`ref` and `ref_type` do not say what it is about")
    prefix = HEADS if kind == "branch" else TAGS
    return ref_of({"ref": name.removeprefix(prefix)}, prefix=prefix)


def is_pull_request(event: str, plain: Mapping[str, Any]) -> bool:
    """Whether a call in GitHub's words is about a pull request: its opening, its reviews."""
    return event == "pull_request" or (event.startswith("pull_request_") and bool(table(plain, "pull_request")))


def pull_request(plain: Mapping[str, Any]) -> Ignored:
    """The pull request of a payload in GitHub's words, which Gitea's are too. Raises BadPayload."""
    pull = table(plain, "pull_request")
    head = table(pull, "head")
    source = name_of(table(head, "repo"), "full_name", "pull_request.head.repo.full_name")
    if (text(head, "ref", MOST_TEXT) or "").startswith("refs/pull/"):
        # Gitea's word for a branch that is gone, or that was pushed for review and is none.
        source = None
    number = pull.get("number") if plain.get("number") is None else plain["number"]
    return asked(number, repository=repository_of(plain), source=source, named=head, name="ref")


def asked(
    number: object,
    *,
    repository: str,
    source: str | None,
    named: Mapping[str, Any],
    name: str,
    prefix: str = HEADS,
) -> Ignored:
    """What a pull request is: never built; its branch is, when pushed here: `prefix` and what `named` calls `name`.

    `source` is the repository that the branch lies in, None where none is told. Raises BadPayload.
    """
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 1 << 63:
        raise BadPayload("the pull request has no number")
    which = f"pull request {number}"
    if source is None:
        return Ignored(reason=f"{which}: its branch is gone or in a fork, never built", repository=repository)
    if source.lower() != repository.lower():
        return Ignored(reason=f"{which}: from a fork of {one_line(source)}, never built", repository=repository)
    ref = ref_of(named, name, prefix)
    if len(ref.encode()) > MOST_REF:
        return too_long(ref, pusher=None, repository=repository)
    branch = one_line(ref.removeprefix(HEADS))
    return Ignored(reason=f"{which}: built as the push of {branch}", ref=ref, repository=repository)


def other(event: str, repository: str | None = None) -> Ignored:
    """An event that is true, and not ours to build."""
    if event == "create":
        return Ignored(reason="a push event comes with it", repository=repository)
    return Ignored(reason=f"the event {one_line(event)} asks for nothing", repository=repository)
