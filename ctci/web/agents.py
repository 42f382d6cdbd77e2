"""`/mcp`: the door for agents, whose SDK is loaded, in a thread, by the first call that asks for it."""

import asyncio
import importlib.util
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ctci.mcp.asking import Local
from ctci.web import api, problems, render

INSTALL = "This server has no door for agents: `pip install 'ctci[mcp]'` where it runs, and start it again."


class Agents:
    """The endpoint; everything in it happens on the server's one event loop."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._app: ASGIApp | None = None
        # Enters and leaves what the SDK needs entered: both have to be done by one task.
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        slow = api.too_fast(request, render.doors(request).visitor)
        if slow is not None:
            await slow(scope, receive, send)
            return
        if request.method != "POST":
            # Nothing is ever sent that was not asked for, and no session is kept: see Streamable HTTP of the protocol.
            answer = problems.of(405, "Agents call this by POST; docs/mcp.md tells how.", {"allow": "POST"})
            await answer(scope, receive, send)
            return
        app = await self._opened()
        if app is None:
            await problems.of(404, INSTALL)(scope, receive, send)
            return
        await app(scope, receive, send)

    async def _opened(self) -> ASGIApp | None:
        """What answers; None where the extra is not installed."""
        async with self._lock:
            if self._app is None and installed():
                over_http = await run_in_threadpool(_load)
                ready: asyncio.Future[ASGIApp] = asyncio.get_running_loop().create_future()
                self._task = asyncio.create_task(_live(over_http, ready))
                self._app = await ready
        return self._app


def installed() -> bool:
    """Whether the SDK is there."""
    try:
        return importlib.util.find_spec("mcp") is not None
    except ValueError:
        return False


def _load() -> Any:
    from ctci.mcp import server  # noqa: PLC0415 - optional, and 0.7 s

    return server.over_http


async def _live(over_http: Any, ready: "asyncio.Future[ASGIApp]") -> None:
    """Keep it entered until the loop ends."""
    try:
        async with over_http(_asking) as app:
            ready.set_result(app)
            await asyncio.Event().wait()
    except Exception as error:
        # Who waits for it hears why, and the next call tries again.
        if not ready.done():
            ready.set_exception(error)
            return
        raise


def _asking(request: Request) -> Local:
    return Local(context=api.context(request, render.doors(request)))
