"""What the address of a repository tells of where it is hosted: the forge, and the page where its webhooks are. Pure.

Nobody is asked; a forge that its name does not tell is what a person says it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

#: Where each forge keeps its webhooks, below the repository's own page, and what to choose there.
PAGES: Mapping[str, tuple[str, str]] = {
    "github": ("settings/hooks/new", "Content type application/json, just the push event"),
    "gitea": ("settings/hooks/gitea/new", "POST, application/json, trigger on push events"),
    "forgejo": ("settings/hooks/forgejo/new", "POST, application/json, trigger on push events"),
    "gogs": ("settings/hooks/gogs/new", "Content type application/json; let me choose: push, create and delete"),
    "gitlab": ("-/hooks", "the secret as secret token; push events and tag push events"),
    "bitbucket": ("admin/webhooks", "Add webhook, with the secret; repository push"),
    # Its page is not below the repository's.
    "bitbucket-dc": ("", "Create webhook, with the secret; repository push"),
}
SCHEMES = ("https", "http", "ssh", "git", "file")
_SCP = re.compile(r"(?:[^@/:]+@)?([^/:]+):(?!//)(.+)")
#: Data Center clones over http from below /scm, which may itself lie below a path.
_SCM = re.compile(r"(?:(?P<below>.+)/)?scm/(?P<key>[^/]+)/(?P<slug>[^/]+)")
_KEY = re.compile(r"(?P<below>)(?P<key>[^/]+)/(?P<slug>[^/]+)")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a repository is hosted, of its address."""

    #: The address to fetch from, without a user of http's: a token may stand there.
    git: str
    host: str
    #: `https://git.example.org:3000`, as far as the address tells where a browser finds it.
    origin: str
    #: Of the repository there, without `.git`.
    path: str
    #: Whether a user was left out.
    without_user: bool = False


def place(address: str) -> Place | None:
    """Of a URL or `git@host:path`; None of what is neither. Raises ValueError where a URL cannot be one."""
    if "://" not in address:
        found = _SCP.fullmatch(address)
        return _place(address, found[1], f"https://{_bracketed(found[1])}", found[2]) if found is not None else None
    parts = urlsplit(address)
    host = parts.hostname or ""
    if not parts.scheme.startswith("http"):
        return _place(address, host, f"https://{_bracketed(host)}", parts.path)
    port = f":{parts.port}" if parts.port is not None else ""
    user, _, netloc = parts.netloc.rpartition("@")
    git = parts._replace(netloc=netloc).geturl() if user else address
    return _place(git, host, f"{parts.scheme}://{_bracketed(host)}{port}", parts.path, without_user=bool(user))


def _place(git: str, host: str, origin: str, path: str, *, without_user: bool = False) -> Place | None:
    path = path.strip("/").removesuffix(".git")
    if not host or not path or git.startswith("-"):
        return None
    return Place(git=git, host=host, origin=origin, path=path, without_user=without_user)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def forge_of(host: str) -> str | None:
    """The forge, by the name of the machine; None where it does not tell. Asks nobody."""
    host = host.lower()
    if host == "github.com" or host.endswith(".github.com"):
        return "github"
    if host == "codeberg.org" or "forgejo" in host:
        return "forgejo"
    if host == "bitbucket.org":
        return "bitbucket"
    named = {"gitea": "gitea", "gogs": "gogs", "gitlab": "gitlab", "bitbucket": "bitbucket-dc"}
    return next((forge for name, forge in named.items() if name in host), None)


def webhooks(forge: str, of: Place) -> tuple[str, str]:
    """(the page where a webhook is added, what to choose there)."""
    below, how = PAGES[forge]
    path = quote(of.path, safe="/~%")
    if forge != "bitbucket-dc":
        return f"{of.origin}/{path}/{below}", how
    found = repository_of(path)
    if found is None:
        return f"{of.origin}/{path}, Repository settings, Webhooks", how
    before, key, slug = found
    root = f"{of.origin}/{before}".rstrip("/")
    return f"{root}/plugins/servlet/webhooks/projects/{key}/repos/{slug}", how


def repository_of(path: str) -> tuple[str, str, str] | None:
    """(the path that it lies below, key of its project, its own name) of a path on a Data Center."""
    found = _SCM.fullmatch(path) or _KEY.fullmatch(path)
    return (found["below"] or "", found["key"], found["slug"]) if found is not None else None
