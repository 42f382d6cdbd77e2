"""Tells a forge what became of a commit: one call, and what became of it. Nothing is decided here.

The token is read when it is needed, goes to the forge's own address alone, and stands in no message. No redirect is
followed, no proxy and no ~/.netrc asked; a call ends at its deadline, however slowly it is answered.
"""

import base64
import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from ctci import clock, config, forges
from ctci.config.settings import Config, Project
from ctci.forges import status
from ctci.forges.status import Home
from ctci.model import Answer, Remote, Request, Say, Status

#: One call takes at most so long, seconds; and to connect alone.
DEADLINE_S, CONNECT_S = 30.0, 10.0
#: Bytes of an answer that are read.
MOST_BYTES = 64 << 10
#: A shorter half of a secret is no secret, but stands in many words.
_SECRET_FROM = 4


def told(project: Project) -> bool:
    """Whether a project's forge is told what becomes of its commits: with a `token`, and a forge that keeps it."""
    return project.remote.token is not None and forges.statuses(project.forge, project.remote.url) is not None


def body(what: Say) -> Mapping[str, str]:
    """A status as the ledger keeps it until it is said."""
    return asdict(what)


def of_body(kept: Mapping[str, Any]) -> Say:
    """What `body` made of it."""
    return Say(**{**kept, "state": Status(kept["state"])})


def say(
    settings: Config, project: Project, what: Say, environ: Mapping[str, str], *, deadline_s: float = DEADLINE_S
) -> Answer | None:
    """Tell the project's forge; None where none is told. A fault of the configuration or the forge is an answer too."""
    found = forges.statuses(project.forge, project.remote.url)
    if found is None or project.remote.token is None:
        return None
    forge, home = found
    try:
        token = config.reveal(project.remote.token, environ, settings.folder).decode("latin-1").strip()
    except config.SecretError as error:
        return Answer(kind="again", said=str(error), everywhere=True)
    if not (token.isascii() and token.isprintable()):
        # Told by us: the library's error would tell the token.
        where = f"{project.remote.token.kind} {project.remote.token.name}"
        return status.refused(f"the token in {where} has characters that no token has, or several lines")
    name, value = forge.status_authorization(token)
    request = forge.status_request(home, what)
    try:
        code, headers, body = _call(request, {name: value}, project.remote, deadline_s)
    except _Unanswered as unanswered:
        answer = Answer(kind="again", said=_sentence(home, unanswered, deadline_s), everywhere=True)
    else:
        answer = forge.status_answer(home, code, headers, body, clock.now())
    return replace(answer, said=_without(token, answer.said))


class _Unanswered(Exception):
    """No answer came; the message is the library's, or why it was not waited for."""


def _call(
    request: Request, secret: Mapping[str, str], remote: Remote, deadline_s: float
) -> tuple[int, Mapping[str, str], bytes]:
    """(status code, headers by their names in lower case, the beginning of the body). Raises _Unanswered."""
    # Not loaded before there is somebody to tell.
    import httpx2  # noqa: PLC0415

    try:
        with (
            _Watch(deadline_s) as watch,
            httpx2.Client(verify=_trust(remote), trust_env=False, follow_redirects=False) as client,
            client.stream(
                request.method,
                request.url,
                headers={
                    "Accept": "application/json",
                    "Content-Type": "application/json",
                    "User-Agent": "ctci",
                    # What is read is bounded before it is unpacked.
                    "Accept-Encoding": "identity",
                    **request.headers,
                    **secret,
                },
                content=json.dumps(request.body).encode(),
                timeout=httpx2.Timeout(deadline_s, connect=min(CONNECT_S, deadline_s)),
                extensions={"trace": watch.seen},
            ) as response,
        ):
            headers = {name.lower(): value for name, value in response.headers.items()}
            return response.status_code, headers, _beginning(response.iter_raw())
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        raise _Unanswered("no answer in time" if watch.over else _why(error)) from None


def _beginning(pieces: Iterator[bytes]) -> bytes:
    body = b""
    for piece in pieces:
        body += piece
        if len(body) >= MOST_BYTES:
            break
    return body[:MOST_BYTES]


class _Watch:
    """Ends a call at its deadline: the library's own limits begin anew with every byte that comes."""

    def __init__(self, deadline_s: float) -> None:
        self.over = False
        # Guards `_sockets` and `over`: the timer is another thread.
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(deadline_s, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def seen(self, name: str, info: Mapping[str, Any]) -> None:
        """The library's account of what it does; of interest is the socket, as soon as there is one."""
        if name.endswith((".connect_tcp.complete", ".start_tls.complete")):
            found = info["return_value"].get_extra_info("socket")
            with self._lock:
                self._sockets.append(found)
                late = self.over
            if late:
                self._end()

    def _end(self) -> None:
        with self._lock:
            self.over = True
            for each in self._sockets:
                # Shut, not closed: the number stays the owner's, and he wakes up.
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)


def _trust(remote: Remote) -> ssl.SSLContext:
    """The authorities of this machine; in their place the project's own, where it has one. Raises _Unanswered."""
    try:
        return _authorities(remote.ca_file, Path(remote.ca_file).stat().st_mtime_ns if remote.ca_file else 0)
    except OSError as error:
        raise _Unanswered(f"`ca-file`, {remote.ca_file}, cannot be read: {error.strerror or error}") from None


@lru_cache(maxsize=20)
def _authorities(ca_file: str | None, changed: int) -> ssl.SSLContext:
    """Read once: it takes longer than many a call. `changed` is when the file was, and makes it another one."""
    del changed
    return ssl.create_default_context(cafile=ca_file)


def _why(error: BaseException) -> str:
    """The cause in words; the library's own are about its parts."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message}); `ca-file` names its authority"
        if isinstance(cause, TimeoutError):
            return "no answer in time"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__


def _sentence(home: Home, unanswered: _Unanswered, deadline_s: float) -> str:
    late = str(unanswered) == "no answer in time"
    return f"{home.host} cannot be told: {unanswered}{f' ({deadline_s:g} s)' if late else ''}"


def _without(token: str, said: str) -> str:
    """What a forge said, if it sent back the token that it was given."""
    halves = [half for half in token.split(":", 1) if len(half) >= _SECRET_FROM]
    # The longer first: the shorter may stand in it.
    for secret in sorted({token, base64.b64encode(token.encode()).decode(), *halves}, key=len, reverse=True):
        said = said.replace(secret, "[token]")
    return said
