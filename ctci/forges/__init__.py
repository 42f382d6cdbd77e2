"""How forges speak: each file reads one forge's words, and they die there. Pure; knows the model only."""

from collections.abc import Mapping
from typing import Protocol

from ctci.forges import forgejo, gitea, github, post_receive
from ctci.model import Ignored, Trigger


class Forge(Protocol):
    """What each forge's file can."""

    def event(self, headers: Mapping[str, str]) -> str: ...

    def delivery_id(self, headers: Mapping[str, str], body: bytes) -> str: ...

    def authentic(self, headers: Mapping[str, str], body: bytes, secret: bytes) -> bool: ...

    def read(self, headers: Mapping[str, str], body: bytes) -> tuple[Trigger | Ignored, ...]: ...


SPOKEN: Mapping[str, Forge] = {
    "github": github,
    "gitea": gitea,
    "forgejo": forgejo,
    "post_receive": post_receive,
}


def detect(headers: Mapping[str, str]) -> str | None:
    """Who speaks, by headers. The order matters: Forgejo sends Gitea's names too, and both send GitHub's."""
    for header, forge in (
        ("x-forgejo-event", "forgejo"),
        ("x-gitea-event", "gitea"),
        ("x-gogs-event", None),
        ("x-github-event", "github"),
        ("x-ctci-event", "post_receive"),
    ):
        if headers.get(header):
            return forge
    return None


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
