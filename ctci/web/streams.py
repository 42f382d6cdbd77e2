"""Answers that go on and on, as server-sent events (HTML, 9.2): for as long as who follows is there and may see it.

Nothing is kept for one follower but how far they came: what is told is made once for all who follow, and who reads
too slowly is told what they missed, not waited for.
"""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ctci import clock, ledger
from ctci.web import auth, problems
from ctci.web.doors import Doors

#: A proxy that buffers, as nginx does unless it is told, or that compresses, would keep the events back.
HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
}
#: So often a follower hears of us though nothing happens, and it is looked whether they may still see it, seconds.
PING_S = 15.0
#: A follower is sent at most so much at once, and then nothing for a moment: ten times a second.
BYTES, BETWEEN_S = 16 << 10, 0.1
#: Who follows at once; each has a connection, and a process commonly may have 1024.
MOST = 600
#: After so many milliseconds a browser tries again.
RETRY = b"retry: 2000\n\n"


class Follower(ABC):
    """One who follows: how far they came, and what is there for them."""

    def __init__(self) -> None:
        #: Set when there may be something to take.
        self.wake = asyncio.Event()
        #: Whether all is told.
        self.over = False

    @abstractmethod
    async def begin(self) -> None:
        """Start to follow. Raises ledger.Away."""

    @abstractmethod
    def leave(self) -> None:
        """Follow no more, also where `begin` failed."""

    @abstractmethod
    def take(self) -> bytes:
        """What is to be sent next, not much more than BYTES; nothing: all that there is was taken."""

    def ping(self) -> bytes:
        """What is sent when nothing happens."""
        return b": ping\n\n"


class Source(ABC):
    """What several follow, read by one task for all of them, while there are some. Lives on the server's one loop."""

    def __init__(self) -> None:
        self._followers: set[Follower] = set()
        self._task: asyncio.Task[None] | None = None
        self._begun: asyncio.Future[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether nobody follows."""
        return not self._followers

    async def join(self, follower: Follower) -> None:
        """Wake a follower from now on; ends when there is something to take. Raises ledger.Away."""
        self._followers.add(follower)
        if self._task is None or self._begun is None:
            self._begun = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._run(self._begun))
        await asyncio.shield(self._begun)

    def leave(self, follower: Follower) -> None:
        """Wake them no more."""
        self._followers.discard(follower)
        if self.idle and self._task is not None:
            self._task.cancel()
            self._task = None

    def wake(self) -> None:
        """There is something to take."""
        for follower in self._followers:
            follower.wake.set()

    async def _run(self, begun: "asyncio.Future[None]") -> None:
        try:
            await self._begin()
        except Exception as error:  # noqa: BLE001 - whoever waits for it is told
            self._task = None
            begun.set_exception(error)
            # It may be that nobody waits any more.
            begun.exception()
            return
        begun.set_result(None)
        await self._go_on()
        self.wake()

    @abstractmethod
    async def _begin(self) -> None:
        """Read what there is. Raises ledger.Away."""

    @abstractmethod
    async def _go_on(self) -> None:
        """Read what comes, until there is no more or the server stops."""


class Stream(Response):
    """What a follower is sent, for as long as they are there."""

    def __init__(self, request: Request, doors: Doors, follower: Follower) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._request = request
        self._doors = doors
        self._follower = follower
        self._gone = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        state, follower = self._request.app.state, self._follower
        state.streams += 1
        leaving = asyncio.ensure_future(self._leaves(receive))
        try:
            # Whatever is wrong is an answer of its own as long as nothing was sent.
            await follower.begin()
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": RETRY, "more_body": True})
            await self._tell(send)
            await send({"type": "http.response.body", "body": b""})
        finally:
            state.streams -= 1
            follower.leave()
            leaving.cancel()

    async def _tell(self, send: Send) -> None:
        follower, looked = self._follower, clock.monotonic()
        while not self._gone and not self._doors.stopping():
            # First, so that what comes while this is sent is not slept over.
            follower.wake.clear()
            text = follower.take()
            if text:
                await send({"type": "http.response.body", "body": text, "more_body": True})
            elif follower.over:
                return
            left = looked + PING_S - clock.monotonic()
            if left <= 0:
                if not await self._holds():
                    return
                looked = clock.monotonic()
                await send({"type": "http.response.body", "body": follower.ping(), "more_body": True})
            elif text:
                await asyncio.sleep(BETWEEN_S)
            else:
                await _either(follower.wake, left)

    async def _holds(self) -> bool:
        try:
            return await run_in_threadpool(auth.holds, self._request, self._doors)
        except ledger.Away:
            # Nobody can say: who may still see it comes back.
            return False

    async def _leaves(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        self._follower.wake.set()


async def _either(event: asyncio.Event, timeout_s: float) -> None:
    """Until the event or the time comes."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        pass


def answer(request: Request, doors: Doors, follower: Follower) -> Response:
    """The stream; to who asks for headers only these; too many who follow: a problem."""
    if request.method == "HEAD":
        return Response(headers=HEADERS)
    if request.app.state.streams >= MOST:
        return problems.of(503, f"{MOST} follow already.", {"retry-after": "10"})
    return Stream(request, doors, follower)


def block(event: str, data: Mapping[str, Any], id_: int | None = None) -> bytes:
    """An event as it is sent: its data is JSON in one line."""
    text = json.dumps(data, ensure_ascii=False)
    named = f"id: {id_}\n" if id_ is not None else ""
    return f"event: {event}\n{named}data: {text}\n\n".encode("utf-8", "replace")


def position(request: Request) -> int | None:
    """The id of the last event that came before the stream broke off; None: there was none; -1: none that we gave."""
    given = request.headers.get("last-event-id")
    if not given:
        return None
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= 18 else -1
