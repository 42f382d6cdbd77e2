"""Forges on loopback: real HTTP servers that hold each call against the documented schema and limits of their API.

What they were told stands in `rows`, by commit and context; what was wrong with a call, in `faults`.
"""

import base64
import contextlib
import json
import re
import ssl
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit

TOKEN = "t0ken-of-the-tests"
SHA = "9a3e7f60c2d4b8157f0e6a4c3d2b1f0e9d8c7b6a"


@dataclass(frozen=True, kw_only=True)
class Text:
    """What a field of the body may be."""

    most: int
    needed: bool = False
    #: All that it may be, where that is told.
    one_of: tuple[str, ...] = ()
    link: bool = False


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """One forge's API: where it is, who may call, what it takes, and what it answers."""

    #: Of the path, with groups `repository` and `sha`.
    path: str
    repository: str
    headers: Mapping[str, str]
    fields: Mapping[str, Text]
    #: The field that says what the status is of.
    context: str
    done: int
    #: How it says no.
    no: Callable[[str], object]
    #: Where its clone addresses have the repository.
    clone: str = "/acme/shop.git"


def _github(link: str = "target_url") -> dict[str, Text]:
    return {
        "state": Text(most=20, needed=True, one_of=("error", "failure", "pending", "success")),
        "context": Text(most=255),
        "description": Text(most=140),
        link: Text(most=2000, link=True),
    }


def _build(ended: str, *, key: int) -> dict[str, Text]:
    states = ("INPROGRESS", "SUCCESSFUL", "FAILED", ended)
    return {
        "state": Text(most=20, needed=True, one_of=states),
        "key": Text(most=key, needed=True),
        "url": Text(most=450, needed=True, link=True),
        "name": Text(most=255),
        "description": Text(most=255),
    }


_GITEA = Dialect(
    path=r"/git/api/v1/repos/(?P<repository>[^/]+/[^/]+)/statuses/(?P<sha>[^/]+)",
    repository="acme/shop",
    headers={"authorization": f"token {TOKEN}"},
    fields=_github(),
    context="context",
    done=201,
    no=lambda said: {"message": said, "url": "https://git.example.org/api/swagger"},
    clone="/git/acme/shop.git",
)
DIALECTS: Mapping[str, Dialect] = {
    "github": Dialect(
        path=r"/api/v3/repos/(?P<repository>[^/]+/[^/]+)/statuses/(?P<sha>[^/]+)",
        repository="acme/shop",
        headers={
            "authorization": f"Bearer {TOKEN}",
            "accept": "application/vnd.github+json",
            "x-github-api-version": "2022-11-28",
        },
        fields=_github(),
        context="context",
        done=201,
        no=lambda said: {"message": "Validation Failed", "errors": [{"code": "custom", "message": said}]},
    ),
    "gitea": _GITEA,
    "forgejo": _GITEA,
    "gitlab": Dialect(
        path=r"/api/v4/projects/(?P<repository>[^/]+)/statuses/(?P<sha>[^/]+)",
        repository="acme%2Fteam%2Fshop",
        headers={"private-token": TOKEN},
        fields={
            "state": Text(most=20, needed=True, one_of=("pending", "running", "success", "failed", "canceled")),
            "ref": Text(most=255),
            "name": Text(most=255),
            "description": Text(most=255),
            "target_url": Text(most=255, link=True),
        },
        context="name",
        done=201,
        no=lambda said: {"message": said},
        clone="/acme/team/shop.git",
    ),
    "bitbucket": Dialect(
        path=r"/2.0/repositories/(?P<repository>[^/]+/[^/]+)/commit/(?P<sha>[^/]+)/statuses/build",
        repository="acme/shop",
        headers={"authorization": f"Bearer {TOKEN}"},
        fields={**_build("STOPPED", key=40), "refname": Text(most=255)},
        context="key",
        done=201,
        no=lambda said: {"type": "error", "error": {"message": said}},
    ),
    "bitbucket-dc": Dialect(
        path=r"/git/rest/api/latest/(?P<repository>projects/[^/]+/repos/[^/]+)/commits/(?P<sha>[^/]+)/builds",
        repository="projects/ACME/repos/shop",
        headers={"authorization": f"Bearer {TOKEN}"},
        fields={**_build("CANCELLED", key=255), "ref": Text(most=1024)},
        context="key",
        done=204,
        no=lambda said: {"errors": [{"context": None, "message": said, "exceptionName": None}]},
        clone="/git/scm/ACME/shop.git",
    ),
}
#: What GitLab's jobs may become, and from what; of what is over a new job is made.
_MOVES = {
    "pending": ("enqueue", ()),
    "running": ("run", ("pending",)),
    "success": ("success", ("pending", "running")),
    "failed": ("drop", ("pending", "running")),
    "canceled": ("cancel", ("pending", "running")),
}


@dataclass(frozen=True, kw_only=True)
class Says:
    """What a forge is told to say to the next call, in the place of what it would."""

    code: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    #: The connection ends without an answer; or an answer drips until the other side goes away.
    drops: bool = False
    drips: bool = False


@dataclass
class Forge:
    """One forge; a context manager that listens while it is entered."""

    name: str
    #: Said to the next calls, one each.
    next: list[Says] = field(default_factory=list)
    #: (commit, context) -> the bodies that it took, oldest first.
    rows: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    #: How many statuses of one commit and context it takes (GitHub: 1,000).
    most: int = 1000
    faults: list[str] = field(default_factory=list)
    #: What it would not do though all was well said: GitLab's of a status that is so already.
    refusals: list[tuple[int, object]] = field(default_factory=list)
    #: All that came, understood or not: path, headers, body.
    calls: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)
    tls: ssl.SSLContext | None = None

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.forge = self
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def dialect(self) -> Dialect:
        return DIALECTS[self.name]

    @property
    def root(self) -> str:
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://127.0.0.1:{self._server.server_address[1]}"

    @property
    def address(self) -> str:
        """Where git would fetch from."""
        return f"{self.root}{self.dialect.clone}"

    def states(self, context: str, sha: str = SHA) -> list[str]:
        """What a context of a commit was, in order."""
        return [row["state"] for row in self.rows[sha, context]]

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, object]:
        """(status code, body) of the answer to a call."""
        fault = self._fault(path, headers, body)
        if fault is not None:
            self.faults.append(fault[1])
            return fault[0], self.dialect.no(fault[1])
        found = re.fullmatch(self.dialect.path, path)
        assert found is not None
        told = json.loads(body)
        rows = self.rows[found["sha"], told[self.dialect.context]]
        refusal = self._refusal(rows, told)
        if refusal is not None:
            self.refusals.append(refusal)
            return refusal
        rows.append(told)
        return self.dialect.done, told

    def _fault(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str] | None:
        """What the documentation forbids of a call."""
        for name, value in self.dialect.headers.items():
            if headers.get(name) != value:
                return 401 if "token" in name or name == "authorization" else 400, f"{name}: {headers.get(name)!r}"
        if headers.get("content-type") != "application/json" or not headers.get("user-agent"):
            return 400, "neither JSON nor a name"
        found = re.fullmatch(self.dialect.path, path)
        if found is None or found["repository"] != self.dialect.repository:
            return 404, f"no {unquote(path)}"
        if re.fullmatch(r"[0-9a-f]{40}", found["sha"]) is None:
            return 422, "no commit"
        return self._fault_of(json.loads(body))

    def _fault_of(self, told: Mapping[str, Any]) -> tuple[int, str] | None:
        fields = self.dialect.fields
        wrong = [f"{name}: unknown" for name in told if name not in fields]
        wrong += [f"{name}: missing" for name, text in fields.items() if text.needed and not told.get(name)]
        for name, text in ((name, text) for name, text in fields.items() if name in told):
            value = told[name]
            if not isinstance(value, str) or len(value) > text.most or not value.isprintable():
                wrong.append(f"{name}: {value!r} is longer than {text.most}, or no line")
            elif text.one_of and value not in text.one_of:
                wrong.append(f"{name}: {value}")
            elif text.link and not self._is_link(value):
                wrong.append(f"{name}: Enter a valid URL.")
            elif self.name == "github" and max(value, default="") > "\uffff":
                wrong.append(f"{name} doesn't accept 4-byte Unicode")
        return (422 if self.name == "github" else 400, "; ".join(wrong)) if wrong else None

    def _is_link(self, value: str) -> bool:
        """Bitbucket Cloud takes none to a machine without a domain."""
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and (self.name != "bitbucket" or "." in (parts.hostname or ""))

    def _refusal(self, rows: list[dict[str, Any]], told: Mapping[str, Any]) -> tuple[int, object] | None:
        if self.name == "github" and len(rows) >= self.most:
            said = "This SHA and context has reached the maximum number of statuses."
            return 422, self.dialect.no(said)
        if self.name == "gitlab" and rows and rows[-1]["state"] in ("pending", "running"):
            was, verb, before = rows[-1]["state"], *_MOVES[told["state"]]
            if was not in before:
                reason = f'Reason(s): Status cannot transition via "{verb}"'
                return 400, {"message": f"Cannot transition status via :{verb} from :{was} ({reason})"}
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    forge: Forge


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        forge = self.server.forge
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        forge.calls.append((self.path, headers, body))
        says = forge.next.pop(0) if forge.next else None
        if says is None:
            code, told = forge.take(self.path, headers, body)
            self._answer(code, {}, told)
        elif says.drips:
            self._drip()
        elif not says.drops:
            self._answer(says.code, says.headers, says.body)

    def _answer(self, code: int, headers: Mapping[str, str], told: object) -> None:
        text = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        if code != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if code != 204:
            self.wfile.write(text)

    def _drip(self) -> None:
        """A header that never ends, a byte every few hundredths of a second, until the other side is gone."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        self.connection.settimeout(0.03)
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b".")
                # Nothing is to come but the end.
                with contextlib.suppress(TimeoutError):
                    if not self.connection.recv(1):
                        return

    def log_message(self, *_: object) -> None:
        """Nothing: what came is in `calls`."""


def basic(user_and_password: str) -> str:
    return f"Basic {base64.b64encode(user_and_password.encode()).decode()}"
