"""Where verbs ask, in one way for all: a server elsewhere, the one of this data folder, or the ledger where none runs.

Each answers by the API's paths with the API's bodies; who is refused is told so as session.Refused.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from ctci.cli import client, session, wire

if TYPE_CHECKING:
    from ctci.api import Context

#: How the command line is named in the log of who did what.
VIA = "command line"


class Source(ABC):
    """What answers; `ground` is None where that is another machine."""

    ground: session.Ground | None = None
    #: Seconds between two looks at what goes on.
    pause_s = 0.2

    @abstractmethod
    def get(self, path: str, **given: Any) -> dict[str, Any]:
        """What is there at a path of the API, such as `/runs/{run}`, filled by name; the rest of it is the query."""

    @abstractmethod
    def post(self, path: str, body: Mapping[str, Any], method: str = "POST", **given: Any) -> dict[str, Any]:
        """Have something done."""

    @abstractmethod
    def log(self, job: int, attempt: int, *, lines: tuple[int, int] | None = None, start: int = 0) -> Iterator[bytes]:
        """The bytes of a log: of `lines` (the first, how many), else from the byte `start` on."""

    @property
    def url(self) -> str:
        """How people reach it; ends with a slash."""
        return self.ground.public_url if self.ground is not None else ""

    @property
    def nothing(self) -> str | None:
        """Why nothing can be known here yet; None where something may be."""
        return None

    @property
    def served(self) -> bool:
        """Whether a server is there that does what is asked for."""
        return self.ground is None or session.holder(self.ground.layout) is not None


class Over(Source):
    """A server that answers over HTTP, or over its socket."""

    def __init__(self, line: wire.Wire, ground: session.Ground | None) -> None:
        self._line = line
        self.ground = ground
        click.get_current_context().call_on_close(line.close)
        self.pause_s = 0.2 if ground is not None else 1.0

    @property
    def url(self) -> str:
        return super().url or self._line.where

    def get(self, path: str, **given: Any) -> dict[str, Any]:
        return self._line.get(*wire.filled(path, given))

    def post(self, path: str, body: Mapping[str, Any], method: str = "POST", **given: Any) -> dict[str, Any]:
        filled, query = wire.filled(path, given)
        return self._line.post(filled, query, body, method)

    def log(self, job: int, attempt: int, *, lines: tuple[int, int] | None = None, start: int = 0) -> Iterator[bytes]:
        query: dict[str, Any] = {"attempt": attempt}
        if lines is not None:
            query |= {"from": lines[0], "lines": lines[1]}
        return self._line.pieces(f"/jobs/{job}/log", query, {"Range": f"bytes={start}-"} if start else {})


class Here(Source):
    """The ledger of this machine, asked in this process; without one nothing is there."""

    def __init__(self, ground: session.Ground) -> None:
        self.ground = ground
        self._db = session.open_ledger(ground.layout)

    @property
    def nothing(self) -> str | None:
        assert self.ground is not None  # noqa: S101 - it is of this machine
        return session.nothing_yet(self.ground.layout) if self._db is None else None

    def get(self, path: str, **given: Any) -> dict[str, Any]:
        return self._called("GET", path, given, None)

    def post(self, path: str, body: Mapping[str, Any], method: str = "POST", **given: Any) -> dict[str, Any]:
        if path == "/schedules/{project}/{name}/run":
            from ctci import git  # noqa: PLC0415 - its remote is asked

            git.setup()
        return self._called(method, path, given, body)

    def _called(self, method: str, path: str, given: Mapping[str, Any], body: object) -> dict[str, Any]:
        planned = (method, path) in PLANNED or path.startswith("/schedules")
        if self.ground is not None and self.ground.config is None and (planned or _is_current(body)):
            # What would be planned by it cannot be known: its errors are what is to be told.
            session.load()
        from ctci import api  # noqa: PLC0415 - it opens the ledger's room, which is slow: of use without a server only

        operation = next(each for each in api.OPERATIONS if (each.method, each.path) == (method, path))
        query = {name: value for name, value in given.items() if value is not None and value != ()}
        query = {name: list(value) if isinstance(value, tuple) else value for name, value in query.items()}
        try:
            return dict(api.call(operation, self._context(), query, body))
        except api.ApiError as error:
            raise session.Refused(
                wire.said(str(error)), wire.code_of(error.status, named=bool(error.errors))
            ) from error

    def _context(self) -> "Context":
        from ctci import api  # noqa: PLC0415
        from ctci.model import Tier, Visitor  # noqa: PLC0415

        ground = self.ground
        if ground is None or self._db is None:
            raise session.Refused(self.nothing or "", session.ABSENT)
        if ground.config is not None:
            settings = ground.config
        else:
            from ctci.cli import recorded  # noqa: PLC0415 - where the configuration is broken only

            settings = recorded.config(self._db, ground.server)
        return api.Context(
            db=self._db,
            layout=ground.layout,
            settings=settings,
            environ=os.environ,
            visitor=Visitor(name=f"{session.me()} on this machine", tier=Tier.ADMIN, local=True),
            via=VIA,
        )

    def log(self, job: int, attempt: int, *, lines: tuple[int, int] | None = None, start: int = 0) -> Iterator[bytes]:
        from ctci import logs  # noqa: PLC0415

        assert self.ground is not None  # noqa: S101
        found = logs.open_(self.ground.layout.log(job, attempt))
        if found is None:
            return
        first, end = logs.span(found, *lines) if lines is not None else (start, found.size)
        yield from logs.chunks(found.path, first, end)


#: What is planned by the configuration of now.
PLANNED = (("POST", "/runs"),)


def _is_current(body: object) -> bool:
    return isinstance(body, dict) and bool(body.get("current"))


def find() -> Source:
    """Where this call of a verb asks. Raises Refused where a server elsewhere is named wrongly."""
    elsewhere = client.server()
    if elsewhere is not None:
        return Over(wire.Wire(elsewhere.url, elsewhere.token), None)
    ground = session.ground()
    if session.holder(ground.layout) is not None:
        line = wire.Wire(str(ground.layout.socket))
        # One that is just starting or ending, or a socket that is not for us: then the ledger says who may.
        if line.reach():
            return Over(line, ground)
    return Here(ground)


def need(code: int = session.ABSENT) -> Source:
    """The same. Raises Refused with `code` where nothing was ever recorded."""
    found = find()
    if found.nothing is not None:
        raise session.Refused(found.nothing, code)
    return found
