"""How GitLab speaks (X-Gitlab-Event): a token in plain, or from 19.0 a signature over id, time and body. Pure.

And how it is told of a commit: its statuses are jobs of a pipeline, and may only move as jobs do.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from ctci.forges import delivery, hosting, status
from ctci.forges.status import Home
from ctci.model import Answer, Ignored, Request, Say, Status, Trigger

#: How a signing key starts; any other secret is a token.
SIGNING = b"whsec_"
#: Signatures of one call that are looked at: while keys are changed there are two.
MOST_SIGNATURES = 10
#: Push options of one push that are kept.
MOST_OPTIONS = 50
#: What the header says, where a body does not say it itself.
_KINDS = {"Push Hook": "push", "Tag Push Hook": "tag_push", "Merge Request Hook": "merge_request"}

#: Its own words for what a job has come to. `skipped` is not of every version.
_STATES: Mapping[Status, str] = {
    Status.QUEUED: "pending",
    Status.RUNNING: "running",
    Status.SUCCEEDED: "success",
    Status.FAILED: "failed",
    Status.TIMED_OUT: "failed",
    Status.CANCELLED: "canceled",
    Status.SUPERSEDED: "canceled",
    Status.SKIPPED: "success",
    Status.ERRORED: "failed",
}
#: What a token for commit statuses must be.
NEEDS = (
    "a project access token with the scope `api` and the role Developer, or Maintainer for protected branches; no "
    "deploy token can do it"
)
#: The longest link of a status.
_LINK = 255


def event(headers: Mapping[str, str]) -> str:
    """`Push Hook`, `System Hook`: whose hook it is as much as what it tells."""
    return delivery.one_line(headers.get("x-gitlab-event", ""))


def delivery_id(headers: Mapping[str, str], body: bytes) -> str:
    """The same for a resent call. X-Gitlab-Event-UUID is none: all calls of one push share it."""
    return delivery.id_of_call(headers, ("webhook-id", "idempotency-key"), body)


def authentic(headers: Mapping[str, str], body: bytes, secret: bytes) -> bool:
    """The token, or the signature where the secret is a signing key; neither rescues the other."""
    if secret.startswith(SIGNING):
        return _signed(headers, body, secret)
    # Blanks alone: a byte of a token in UTF-8 may be \xa0, which str.strip() would take for one.
    given = headers.get("x-gitlab-token", "").strip(" \t").encode("latin-1", "replace")
    return bool(secret) and hmac.compare_digest(secret, given)


def signed_at(headers: Mapping[str, str]) -> int | None:
    """When the call was signed, in Unix seconds, as it says itself; None where it does not."""
    told = headers.get("webhook-timestamp", "")
    return int(told) if told.isascii() and told.isdecimal() and len(told) <= 12 else None


def read(headers: Mapping[str, str], body: bytes) -> tuple[Trigger | Ignored, ...]:
    """What the call says. Raises BadPayload."""
    header = delivery.named(event(headers), "X-Gitlab-Event")
    plain = delivery.decode(headers, body)
    # A system hook's header says no more than that it is one.
    kind = delivery.line(plain, "object_kind") or delivery.line(plain, "event_name") or _KINDS.get(header, header)
    project = delivery.table(plain, "project")
    repository = delivery.name_of(project, "path_with_namespace", "project.path_with_namespace")
    if kind not in ("push", "tag_push", "merge_request"):
        return (delivery.other(kind, repository),)
    told = delivery.must(repository, "project.path_with_namespace")
    if kind == "merge_request":
        return (_merge_request(plain, told),)
    return (
        delivery.moved(
            forge="gitlab",
            call=delivery_id(headers, body),
            ref=delivery.ref_of(plain),
            before=delivery.before_of(plain),
            after=delivery.id_(plain, "after"),
            repository=told,
            pusher=delivery.line(plain, "user_username") or delivery.line(plain, "user_name"),
            default=delivery.branch_of(project, "default_branch"),
            options=tuple(islice(_options(plain.get("push_options")), MOST_OPTIONS)),
        ),
    )


def _signed(headers: Mapping[str, str], body: bytes, secret: bytes) -> bool:
    """Whether one of the signatures is of `id.time.body`, as Standard Webhooks has it."""
    try:
        key = base64.b64decode(secret.removeprefix(SIGNING), validate=True)
    except ValueError:
        return False
    call = headers.get("webhook-id", "")
    # With a dot in the id, the same bytes could be cut into id, time and body in two ways.
    if not key or not call or "." in call or signed_at(headers) is None:
        return False
    signed = f"{call}.{headers['webhook-timestamp']}.".encode("latin-1", "replace") + body
    expected = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    given = headers.get("webhook-signature", "").split(" ", MOST_SIGNATURES)[:MOST_SIGNATURES]
    return any(hmac.compare_digest(expected, each.encode("latin-1", "replace")) for each in given)


def _merge_request(plain: Mapping[str, Any], repository: str) -> Ignored:
    request = delivery.table(plain, "object_attributes")
    where = "object_attributes.source.path_with_namespace"
    source = delivery.name_of(delivery.table(request, "source"), "path_with_namespace", where)
    return delivery.asked(request.get("iid"), repository=repository, source=source, named=request, name="source_branch")


def _options(told: object) -> Iterator[str]:
    """Push options as they were given: `{"ci": {"skip": true}}` is `ci.skip`; 11.7 to 11.9 told them as they were."""
    found = told if isinstance(told, list) else []
    if isinstance(told, dict):
        tables = [(space, table) for space, table in told.items() if isinstance(table, dict)]
        found = [each for space, table in tables for name in table for each in _option(f"{space}.{name}", table[name])]
    yield from (each for each in found if delivery.text({"": each}, "", delivery.MOST_TEXT))


def _option(name: str, value: object) -> list[str]:
    """One option: set, with its value, or with each of several, which are a table of how often each was given."""
    if isinstance(value, int):
        return [name]
    if isinstance(value, str):
        return [f"{name}={value}"]
    return [f"{name}={each}" for each in value] if isinstance(value, dict) else []


def status_home(place: hosting.Place) -> Home | None:
    """A project may lie in groups of any depth: all of the path is its name."""
    host = "gitlab.com" if place.host.lower() == "altssh.gitlab.com" else place.host
    origin = place.origin if host == place.host else f"https://{host}"
    return Home(api=f"{origin}/api/v4", host=host, repository=status.escaped(place.path)) if "/" in place.path else None


def status_request(home: Home, say: Say) -> Request:
    """Without its branch a status would go to the first one that has the commit."""
    named = status.branch(say)
    link = say.target_url if len(say.target_url) <= _LINK else ""
    return Request(
        method="POST",
        url=f"{home.api}/projects/{home.repository}/statuses/{say.sha}",
        body={
            "state": _STATES[say.state],
            "name": say.context,
            "description": say.description,
            **({"ref": named} if named is not None else {}),
            **({"target_url": link} if link else {}),
        },
    )


def status_authorization(token: str) -> tuple[str, str]:
    """The token alone: its API takes no user and password."""
    return "PRIVATE-TOKEN", status.secret(token)


def status_answer(home: Home, code: int, headers: Mapping[str, str], body: bytes, now: int) -> Answer:
    """What a status already is it cannot become, nor go back from running to waiting: both are true enough."""
    said = status.told(body)
    if code == 400 and said.startswith("Cannot transition status"):
        return Answer(kind="same")
    if code == 404 and ("Commit" in said or "References" in said):
        return status.gone(home, said)
    return status.answered(code, headers, body, now, home=home, needs=NEEDS)
