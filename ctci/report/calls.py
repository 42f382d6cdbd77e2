"""One call over HTTP, bounded in time, from the lookup of the name on, and in size.

No redirect is followed, no proxy and no ~/.netrc asked. An address is a secret: no error says more of it than its host.
"""

import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

#: A whole call takes at most so long, and its connection alone, seconds.
DEADLINE_S, CONNECT_S = 30.0, 10.0
#: Bytes of an answer that are read.
MOST_BYTES = 64 << 10
#: How two of the causes are said, or begin: who calls may know what helps.
LATE, STRANGE = "no answer in time", "its certificate is not trusted"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    code: int
    #: By their names in lower case.
    headers: Mapping[str, str]
    #: Its beginning.
    body: bytes


class Unanswered(Exception):
    """No answer came; the message says why, in a few words without the address."""


def call(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes = b"",
    ca_file: str | None = None,
    deadline_s: float = DEADLINE_S,
) -> Answer:
    """Make the call and wait for the answer; `ca_file` stands in for this machine's authorities. Raises Unanswered."""
    lines, told = _Lines(), list[Answer | Exception]()

    def make() -> None:
        try:
            told.append(_made(method, url, headers, body, ca_file, deadline_s, lines))
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            told.append(error)

    # A thread, for nothing ends the lookup of a name that no server answers. Who came late finds its line cut.
    asking = threading.Thread(target=make, name="call", daemon=True)
    asking.start()
    asking.join(deadline_s)
    if asking.is_alive():
        lines.cut()
        raise Unanswered(LATE)
    (found,) = told
    if isinstance(found, Exception):
        raise found
    return found


def _made(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    ca_file: str | None,
    deadline_s: float,
    lines: "_Lines",
) -> Answer:
    """The call itself. Raises Unanswered."""
    # 20 ms that a server which calls nobody need not spend.
    import httpx2  # noqa: PLC0415

    mute("httpx2", "httpcore2")
    # What is read is bounded before it is unpacked.
    sent = {"User-Agent": "ctci", "Accept-Encoding": "identity", **headers}
    timeout = httpx2.Timeout(deadline_s, connect=min(CONNECT_S, deadline_s))
    try:
        with (
            lines,
            httpx2.Client(verify=_trust(ca_file), trust_env=False, timeout=timeout) as client,
            client.stream(method, url, headers=sent, content=body or None, extensions={"trace": lines.traced}) as got,
        ):
            beginning = b""
            for piece in got.iter_raw():
                beginning += piece
                if len(beginning) >= MOST_BYTES:
                    break
            found = {name.lower(): value for name, value in got.headers.items()}
            return Answer(code=got.status_code, headers=found, body=beginning[:MOST_BYTES])
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        raise Unanswered(_why(error)) from None


def mute(*libraries: str) -> None:
    """Keep what libraries log out of the server's log: whole addresses are in it."""
    for each in map(logging.getLogger, libraries):
        each.propagate = False
        # Without any handler, what is logged goes to stderr.
        if not each.handlers:
            each.addHandler(logging.NullHandler())


def host(url: str) -> str:
    """All of an address that may be shown."""
    found = urlsplit(url)
    return f"{found.hostname}:{found.port}" if found.port else found.hostname or "nobody"


def _trust(ca_file: str | None) -> ssl.SSLContext:
    """Whom to believe. Raises Unanswered where the file cannot be read."""
    try:
        return _authorities(ca_file, Path(ca_file).stat().st_mtime_ns if ca_file else 0)
    except OSError as error:
        raise Unanswered(f"`ca-file`, {ca_file}, cannot be read: {error.strerror or error}") from None


@lru_cache(maxsize=20)
def _authorities(ca_file: str | None, changed: int) -> ssl.SSLContext:
    """Read once: it takes longer than many a call. `changed` is when the file was, and makes it another one."""
    del changed
    return ssl.create_default_context(cafile=ca_file)


def _why(error: BaseException) -> str:
    """The cause in words of ours: the library's may quote the address."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"{STRANGE}: {cause.verify_message}"
        if isinstance(cause, TimeoutError):
            return LATE
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return f"what it sent is no answer ({type(error).__name__})"


class _Lines:
    """The lines of a call, cut when its time is over: the library's own limits begin anew with every byte."""

    def __init__(self) -> None:
        #: Guards what follows: who waits is another thread.
        self._lock = threading.Lock()
        self._over = False
        self._lines: list[socket.socket] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            while self._lines:
                self._lines.pop().close()

    def traced(self, event: str, facts: Mapping[str, Any]) -> None:
        """What the library tells of a call; of interest is its line, as soon as there is one."""
        if not event.endswith(".connect_tcp.complete"):
            return
        # A number of its own: TLS takes the first one away, and a closed one may be anybody's.
        line = facts["return_value"].get_extra_info("socket").dup()
        with self._lock:
            self._lines.append(line)
            if self._over:
                _cut(line)

    def cut(self) -> None:
        """End what goes on, and what would begin."""
        with self._lock:
            self._over = True
            for line in self._lines:
                _cut(line)


def _cut(line: socket.socket) -> None:
    # It may be at its end already.
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
