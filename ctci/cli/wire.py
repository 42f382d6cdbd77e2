"""HTTP to one server: over the network, or over a data folder's socket. Follows no redirect, and trusts no answer.

A call that cannot be granted is raised as session.Refused, with the server's own sentence and the exit code for it.
"""

import http.client
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import ctci
from ctci import clock, health
from ctci.cli import session, terminal

#: Seconds that an answer may take, and bytes that it may have.
PATIENCE_S, MOST = 60.0, 256 << 20
#: Bytes of a log that are read at once.
PIECE = 256 << 10
#: Exit codes by status; a conflict is about something that is not there (any more). Others of 4xx: WRONG.
CODES = {
    401: session.FORBIDDEN,
    403: session.FORBIDDEN,
    404: session.ABSENT,
    409: session.ABSENT,
    502: session.AWAY,
    503: session.AWAY,
    504: session.AWAY,
}


class UnreachableError(session.Refused):
    """Nobody answers at the address."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where} cannot be reached: {why}", session.AWAY)


class ProblemError(session.Refused):
    """The server will not do it, and says why as a problem of the API (RFC 9457)."""

    def __init__(self, detail: str, code: int, *, problem: str) -> None:
        super().__init__(said(detail), code)
        #: Its word, such as `not_found`, and its whole sentence.
        self.problem, self.detail = problem, terminal.plain(detail)


class Wire:
    """Calls to one server, one after the other; `where` is its address, or the path of a socket."""

    def __init__(self, where: str, token: str | None = None, *, patience_s: float = PATIENCE_S) -> None:
        self.where = where
        self._token = token
        self._patience_s = patience_s
        self._parts = urlsplit(where) if "://" in where else None
        self._root = f"{self._parts.path if self._parts else '/'}api/v1"
        self._connection: http.client.HTTPConnection | None = None

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()

    def reach(self) -> bool:
        """Whether anybody is there; whoever is, is kept for the next call."""
        connection = self._connect()
        try:
            connection.connect()
        except OSError:
            connection.close()
            return False
        self._connection = connection
        return True

    def get(self, path: str, query: Mapping[str, Any]) -> dict[str, Any]:
        """What is answered. Raises Refused."""
        return _json(self.where, self._answer("GET", path, query))

    def post(
        self, path: str, query: Mapping[str, Any], body: Mapping[str, Any], method: str, *, key: str | None = None
    ) -> dict[str, Any]:
        """The same for what changes something: done once, where the answer is lost too; with a `key` once for that."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key or clock.new_key()}
        answer = self._answer(method, path, query, json.dumps(body).encode(), headers)
        return _json(self.where, answer)

    def pieces(self, path: str, query: Mapping[str, Any], headers: Mapping[str, str]) -> Iterator[bytes]:
        """The bytes of an answer, in pieces; none where the range that is asked for is empty."""
        answer = self._opened("GET", path, query, None, headers)
        if answer.status == 416:
            answer.read()
            return
        if answer.status >= 300:
            raise _refused(self.where, answer, answer.read(MOST))
        try:
            while piece := answer.read(PIECE):
                yield piece
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(self.where, _why(error)) from error

    def text(self, path: str) -> str:
        """A text that is no JSON of an operation."""
        answer = self._opened("GET", path, {}, None, {})
        content = answer.read(MOST)
        if answer.status >= 300:
            raise _refused(self.where, answer, content)
        return content.decode("utf-8", "replace")

    def _answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        answer = self._opened(method, path, query, body, headers or {})
        try:
            content = answer.read(MOST)
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(self.where, _why(error)) from error
        if answer.status >= 300:
            raise _refused(self.where, answer, content)
        if "json" not in answer.headers.get("content-type", ""):
            raise session.Refused(f"{self.where} is not a ctci server of this time: it answers no JSON", session.AWAY)
        return content

    def _opened(
        self, method: str, path: str, query: Mapping[str, Any], body: bytes | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        given = [(name, value) for name, value in query.items() if value is not None and value != ()]
        asked = urlencode([(name, _written(value)) for name, value in given], doseq=True)
        sent = {"User-Agent": f"ctci/{ctci.__version__}", "Accept": "application/json", **headers}
        if self._token is not None:
            sent["Authorization"] = f"Bearer {self._token}"
        kept = self._connection
        for again in (True, False):
            connection, self._connection = self._connection or self._connect(), None
            try:
                connection.request(method, f"{self._root}{path}{f'?{asked}' if asked else ''}", body, sent)
                answer = connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                # A connection that was kept may have ended meanwhile. What changes something has its key.
                if again and kept is not None and not isinstance(error, TimeoutError):
                    continue
                raise UnreachableError(self.where, _why(error)) from error
            self._connection = connection
            return answer
        raise AssertionError("the second try is the last")

    def _connect(self) -> http.client.HTTPConnection:
        if self._parts is None:
            return health.Local(Path(self.where), self._patience_s)
        kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        return kind(self._parts.hostname or "", self._parts.port, timeout=self._patience_s)


def filled(path: str, given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """(`/runs/12` of `/runs/{run}`, what is left for the query)."""
    left = dict(given)
    for name in given:
        if f"{{{name}}}" in path:
            path = path.replace(f"{{{name}}}", quote(str(left.pop(name)), safe=""))
    return path, left


def _written(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return [_written(each) for each in value] if isinstance(value, list | tuple) else value


def _json(where: str, content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise session.Refused(f"{where} is not a ctci server of this time: its answer is no object", session.AWAY)
    return found


def _refused(where: str, answer: http.client.HTTPResponse, content: bytes) -> session.Refused:
    """What a server says that it will not do."""
    if answer.status < 400:
        there = terminal.plain(answer.headers.get("location", "elsewhere"))
        return session.Refused(f"{where} sends on to {there}: name that as the server", session.WRONG)
    try:
        told = json.loads(content)
        detail, errors, problem = str(told["detail"]), told.get("errors"), str(told.get("code") or "failed")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        detail, errors, problem = f"{where} answers {answer.status} {answer.reason}", None, "unavailable"
    return ProblemError(detail, code_of(answer.status, named=bool(errors)), problem=problem)


def said(detail: str) -> str:
    """A problem's sentence as the command line says one: on one line, and begun in lower case where that is a word."""
    text = terminal.plain(detail)
    text = text[0].lower() + text[1:] if text.startswith(("The ", "There ", "This ", "Nobody ")) else text
    return text.removesuffix(".") if ". " not in text else text


def code_of(status: int, *, named: bool) -> int:
    """The exit code for a problem; `named`: it names what of the call is wrong.

    A call that is well formed and yet invalid (422) asks for something that is not there.
    """
    if status == 422:
        return session.WRONG if named else session.ABSENT
    return CODES.get(status, session.WRONG if status < 500 else session.OURS)


def _why(error: Exception) -> str:
    """A cause in a few words."""
    if isinstance(error, TimeoutError):
        return "it does not answer"
    told = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return terminal.plain(str(told))
