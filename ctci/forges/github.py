"""How GitHub speaks (X-GitHub-Event): signs the raw body, JSON or form; and how it is told of a commit. Pure."""

import re
from collections.abc import Mapping
from dataclasses import replace

from ctci.forges import delivery, hosting, retry_after, status
from ctci.forges.status import Home
from ctci.model import Answer, Ignored, Request, Say, Trigger

#: What a token for commit statuses must be.
NEEDS = (
    "a fine-grained one with “Commit statuses: Read and write” for this repository, or a classic one with the scope "
    "`repo:status`"
)
_FOUR_BYTES = re.compile("[\U00010000-\U0010ffff]")


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


def status_home(place: hosting.Place) -> Home | None:
    """github.com and its like have a machine for their API; an Enterprise Server has it below /api/v3."""
    host = place.host.lower()
    if host == "github.com" or host.endswith(".github.com"):
        api = "https://api.github.com"
    elif host.endswith(".ghe.com"):
        api = f"https://api.{host}"
    else:
        return status.owned(place, "/api/v3")
    owner, _, name = place.path.rpartition("/")
    if not owner or "/" in owner:
        return None
    return Home(api=api, host=host, repository=f"{status.escaped(owner)}/{status.escaped(name)}")


def status_request(home: Home, say: Say) -> Request:
    """A new row for each call; the newest of a context counts."""
    return Request(
        method="POST",
        url=f"{home.api}/repos/{home.repository}/statuses/{say.sha}",
        headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
        # Characters of four bytes are refused, and the status with them.
        body=status.words(replace(say, description=_FOUR_BYTES.sub("?", say.description))),
    )


status_authorization = status.bearer


def status_answer(home: Home, code: int, headers: Mapping[str, str], body: bytes, now: int) -> Answer:
    """A limit that is met is a 403 too; more than 1,000 of one commit and context are refused by 422."""
    said = status.told(body)
    if code in (403, 429):
        after_s = _limited(headers, said, now)
        if after_s is not None:
            words = f"{home.host} limits how often it is called{f': {said}' if said else ''}"
            return Answer(kind="again", after_s=after_s, said=words, everywhere=True)
    if code == 422 and "maximum number of statuses" in said:
        return Answer(
            kind="refused",
            said=f"{home.host} takes 1,000 statuses of one commit and context, and has them; the next commit has none",
        )
    return status.answered(code, headers, body, now, home=home, needs=NEEDS)


def _limited(headers: Mapping[str, str], said: str, now: int) -> float | None:
    """How long a limit holds, seconds; None where none is met. The order is that of GitHub's documentation."""
    told = retry_after.seconds(headers, now, most_s=status.PATIENCE_S)
    if told is not None:
        return told
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdecimal():
        return retry_after.within(int(reset[:12]) - now / 1000, status.PATIENCE_S)
    return status.LIMITED_S if "rate limit" in said.lower() else None
