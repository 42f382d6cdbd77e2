"""What the forges share of commit statuses: where their API is, what a token is sent as, what an answer means. Pure."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ctci.forges import hosting, retry_after
from ctci.model import HEADS, TAGS, Answer, Say, Status, short_ref

#: The words of GitHub, which Gitea and Forgejo have too.
STATES: Mapping[Status, str] = {
    Status.QUEUED: "pending",
    Status.RUNNING: "pending",
    Status.SUCCEEDED: "success",
    Status.FAILED: "failure",
    Status.TIMED_OUT: "failure",
    Status.CANCELLED: "error",
    Status.SUPERSEDED: "error",
    Status.SKIPPED: "success",
    Status.ERRORED: "error",
}
#: The words of both Bitbuckets, but for what was ended on purpose.
_BUILDS: Mapping[Status, str] = {
    Status.QUEUED: "INPROGRESS",
    Status.RUNNING: "INPROGRESS",
    Status.SUCCEEDED: "SUCCESSFUL",
    Status.FAILED: "FAILED",
    Status.TIMED_OUT: "FAILED",
    Status.SKIPPED: "SUCCESSFUL",
    Status.ERRORED: "FAILED",
}
#: The longest that a forge is left alone, seconds.
PATIENCE_S = 6 * 3600.0
#: GitHub's advice where a limit is met and no time is told, seconds.
LIMITED_S = 60.0
#: Characters of a forge's own sentence that are shown.
SHOWN = 200
#: What stands in the place of a user, or of a password, where the forge wants only the other one.
_PLACEHOLDERS = ("x-access-token", "x-token-auth", "x-oauth-basic", "oauth2", "x")
#: Worth another try, though it is not the server's own fault: it was late, or busy with another call.
_BUSY = (408, 409, 423, 425)


@dataclass(frozen=True, kw_only=True)
class Home:
    """Where a forge answers for one repository."""

    #: `https://git.example.org/api/v1`.
    api: str
    #: Name of the machine, for sentences.
    host: str
    #: The repository as the forge's API names it, each part escaped: `acme/shop`.
    repository: str


def build_states(ended: str) -> Mapping[Status, str]:
    """The words of a Bitbucket whose word for what was ended on purpose is `ended`."""
    return {**_BUILDS, Status.CANCELLED: ended, Status.SUPERSEDED: ended}


def owned(place: hosting.Place, api: str) -> Home | None:
    """A repository that is OWNER/NAME, on a forge whose API is `api` below its own address; None for what is not."""
    *below, owner, name = ["", *place.path.split("/")]
    if not owner:
        return None
    root = "/".join((place.origin, *(quote(each, safe="~") for each in below if each)))
    return Home(api=root + api, host=place.host, repository=f"{escaped(owner)}/{escaped(name)}")


def escaped(name: str) -> str:
    """One part of a path."""
    return quote(name, safe="")


def secret(token: str) -> str:
    """The token alone, of a secret that holds a user or a placeholder with it."""
    user, colon, password = token.partition(":")
    if not colon:
        return token
    return user if password in _PLACEHOLDERS else password


def named(token: str) -> bool:
    """Whether the secret holds a user of the forge beside the token."""
    user, colon, password = token.partition(":")
    return bool(colon) and user not in _PLACEHOLDERS and password not in _PLACEHOLDERS


def authorization(token: str, scheme: str) -> tuple[str, str]:
    """The header with a secret: `Bearer TOKEN`, or as user and password where a user is named."""
    if named(token):
        return "Authorization", f"Basic {base64.b64encode(token.encode()).decode()}"
    return "Authorization", f"{scheme} {secret(token)}"


def bearer(token: str) -> tuple[str, str]:
    """A bearer, or USER:TOKEN as user and password."""
    return authorization(token, "Bearer")


def words(say: Say) -> Mapping[str, object]:
    """The body that GitHub, Gitea and Forgejo share."""
    told_ = {"context": say.context, "description": say.description, "target_url": say.target_url}
    return {"state": STATES[say.state], **told_}


def build(say: Say, states: Mapping[Status, str], key: str) -> Mapping[str, object]:
    """The body that both Bitbuckets share."""
    told_ = {"name": say.context, "description": say.description, "url": say.target_url}
    return {"key": key, "state": states[say.state], **told_}


def gone(home: Home, said: str) -> Answer:
    """The commit is not there: a branch that was deleted, or set back."""
    return Answer(kind="refused", said=f"{home.host} does not have this commit any more: {said}")


def short(value: str, most: int) -> str:
    """A name that a forge takes at most so many characters of; of a longer one the end is its hash."""
    if len(value) <= most:
        return value
    return f"{value[: most - 13]}~{hashlib.sha256(value.encode()).hexdigest()[:12]}"


def branch(say: Say) -> str | None:
    """The branch or tag, of a ref that is one: nothing else can be named to a forge."""
    return short_ref(say.ref) if say.ref.startswith((HEADS, TAGS)) else None


# --- what an answer means --------------------------------------------------------------------------------------------


def answered(code: int, headers: Mapping[str, str], body: bytes, now: int, *, home: Home, needs: str) -> Answer:
    """What every forge means by a status code; `needs`: what its token must be. `now` is Unix milliseconds."""
    if 200 <= code < 300:
        return Answer(kind="done")
    said = told(body)
    words = f"{home.host} answered {code}{f': {said}' if said else ''}"
    if code in _BUSY or code == 429 or code >= 500:
        after_s = retry_after.seconds(headers, now, most_s=PATIENCE_S)
        return Answer(kind="again", after_s=after_s, said=words, everywhere=code not in _BUSY)
    if 300 <= code < 400:
        return refused(f"{home.host} says that {shown(home)} has moved; put its address of now into `git`")
    if code == 401:
        return refused(f"{words}. The `token` is wrong or has ended; it has to be {needs}")
    if code == 403:
        return refused(f"{words}. The `token` may not set statuses; it has to be {needs}")
    if code == 404:
        missing = f"There is no {shown(home)} there, or the `token` may not see it"
        return refused(f"{words}. {missing}; compare `git`. The `token` has to be {needs}")
    return Answer(kind="refused", said=words)


def refused(said: str) -> Answer:
    """What holds for every status of the project."""
    return Answer(kind="refused", said=said, everywhere=True)


def shown(home: Home) -> str:
    """The repository, for sentences."""
    return home.repository.replace("%2F", "/").replace("/repos/", "/").removeprefix("projects/")


def told(body: bytes) -> str:
    """The forge's own sentence, in one line."""
    return "; ".join(_sentences(plain(body)))[:SHOWN].rstrip(". ")


def plain(body: bytes) -> Any:
    """The answer's JSON; None where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _sentences(said: object, depth: int = 0) -> list[str]:
    """What stands where forges put their sentences: `message`, `error`, `errors`, and lists of them by field."""
    if isinstance(said, str):
        return [line] if (line := _one_line(said)) else []
    if depth > 3:
        return []
    if isinstance(said, list):
        return [line for each in said[:3] for line in _sentences(each, depth + 1)]
    if not isinstance(said, dict):
        return []
    told_of = [said.get(name) for name in ("message", "error", "errors", "error_description")]
    found = [line for each in told_of for line in _sentences(each, depth + 1)]
    if found:
        return list(dict.fromkeys(found))
    # By field: `{"target_url": ["is too long"]}`.
    if depth == 0:
        return []
    fields = ((_one_line(name), _sentences(said[name], depth + 1)) for name in list(said)[:3])
    return [f"{name}: {', '.join(lines)}"[:SHOWN] for name, lines in fields if lines]


def _one_line(said: str) -> str:
    shown = (letter if letter.isprintable() else " " for letter in said[: 10 * SHOWN])
    return " ".join("".join(shown).split())
