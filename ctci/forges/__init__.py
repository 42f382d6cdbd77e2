"""How forges speak: each file reads one forge's words, and they die there. Pure; knows the model only."""

from collections.abc import Mapping
from typing import Protocol

from ctci.forges import bitbucket, bitbucket_dc, forgejo, gitea, github, gitlab, gogs, hosting, post_receive
from ctci.forges.status import Home
from ctci.model import Answer, Ignored, Request, Say, Trigger


class Forge(Protocol):
    """What each forge's file can."""

    def event(self, headers: Mapping[str, str]) -> str: ...

    def delivery_id(self, headers: Mapping[str, str], body: bytes) -> str: ...

    def authentic(self, headers: Mapping[str, str], body: bytes, secret: bytes) -> bool: ...

    def read(self, headers: Mapping[str, str], body: bytes) -> tuple[Trigger | Ignored, ...]: ...


class Told(Protocol):
    """What the file of a forge can that has commit statuses."""

    def status_home(self, place: hosting.Place) -> Home | None: ...

    def status_request(self, home: Home, say: Say) -> Request: ...

    def status_authorization(self, token: str) -> tuple[str, str]: ...

    def status_answer(self, home: Home, code: int, headers: Mapping[str, str], body: bytes, now: int) -> Answer: ...


SPOKEN: Mapping[str, Forge] = {
    "github": github,
    "gitea": gitea,
    "forgejo": forgejo,
    "gogs": gogs,
    "gitlab": gitlab,
    "bitbucket": bitbucket,
    "bitbucket-dc": bitbucket_dc,
    "post_receive": post_receive,
}
#: Who is told what became of a commit: Gogs has no such thing.
TOLD: Mapping[str, Told] = {
    "github": github,
    "gitea": gitea,
    "forgejo": forgejo,
    "gitlab": gitlab,
    "bitbucket": bitbucket,
    "bitbucket-dc": bitbucket_dc,
}
#: A call that tells when it was signed is believed so many seconds before and after.
TOLERANCE_S = 300


def detect(headers: Mapping[str, str]) -> str | None:
    """Who speaks, by headers. The order matters: Forgejo sends Gitea's names too, and both send Gogs' and GitHub's."""
    for header, forge in (
        ("x-forgejo-event", "forgejo"),
        ("x-gitea-event", "gitea"),
        ("x-gogs-event", "gogs"),
        ("x-github-event", "github"),
        ("x-gitlab-event", "gitlab"),
        ("x-event-key", _which_bitbucket(headers)),
        ("x-ctci-event", "post_receive"),
    ):
        if headers.get(header):
            return forge
    return None


def _which_bitbucket(headers: Mapping[str, str]) -> str:
    """Cloud by its own ids first: X-Request-Id is Data Center's, and any proxy's too."""
    if headers.get("x-hook-uuid") or headers.get("x-request-uuid"):
        return "bitbucket"
    key = headers.get("x-event-key", "")
    own = key in ("repo:refs_changed", bitbucket_dc.PING) or key.startswith(("pr:", "mirror:"))
    return "bitbucket-dc" if own or headers.get("x-request-id") else "bitbucket"


def statuses(forge: str | None, address: str) -> tuple[Told, Home] | None:
    """The forge that keeps statuses of the commits of a repository, and where; None where nobody does.

    A forge that is not named is told by the name of its machine, as far as that goes.
    """
    try:
        place = hosting.place(address)
    except ValueError:
        return None
    # Dots in a path lead elsewhere, to another's repository.
    if place is None or {".", ".."} & set(place.path.split("/")):
        return None
    found = TOLD.get(forge or hosting.forge_of(place.host) or "")
    home = found.status_home(place) if found is not None else None
    return (found, home) if found is not None and home is not None else None


def out_of_time(forge: str, headers: Mapping[str, str], now_s: float) -> bool:
    """Whether an authentic call was signed too long before now, or after: it was kept by somebody, or a clock is wrong.

    Of the forges only GitLab tells the time, where it signs; other calls are never out of time.
    """
    at = gitlab.signed_at(headers) if forge == "gitlab" else None
    return at is not None and abs(now_s - at) > TOLERANCE_S


def unsigned_test(forge: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether this is a test that its forge does not sign: to be answered well, and to change and tell nothing."""
    return forge == "bitbucket-dc" and bitbucket_dc.unsigned_test(headers, body)


def same_repository(address: str, full_name: str) -> bool:
    """Whether the path of `address` ends with `full_name`, `.git` and case aside, at a path's boundary."""
    path, name = _plain(_path(address)), _plain(full_name)
    return bool(name) and f"/{path}".endswith(f"/{name}")


def _path(address: str) -> str:
    """The path of a URL, of ssh's HOST:PATH, or the path that it is."""
    _, url, rest = address.partition("://")
    if url:
        return rest.partition("/")[2]
    host, colon, path = address.partition(":")
    return path if colon and "/" not in host else address


def _plain(path: str) -> str:
    return path.lower().rstrip("/").removesuffix(".git").strip("/")
