"""What every answer passes on its way out, and who may see pages at all.

Gives each request an id, which its lines of the log have too, sets the security headers, answers what nobody caught
without a traceback, and takes the path of `public-url` away.
"""

import ipaddress
import logging

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ctci import clock, ledger, trail
from ctci.web import render

log = logging.getLogger(__name__)

HEADERS = {
    "content-security-policy": render.CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}
#: What a stranger may call even where pages are closed.
OPEN = ("/hooks", "/hooks/", "/healthz", "/badge/", "/static/", "/favicon.ico", "/me/digest")
#: Pages whose address is a key. It is told to no other server, kept by no cache and found by no search.
KEYED = ("/me/digest",)
SECRECY = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-robots-tag": "noindex, nofollow"}


class Guard:
    """ASGI middleware around everything."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        given = render.doors(request)
        prefix = render.root(given).rstrip("/")
        if prefix and scope["path"].startswith(f"{prefix}/"):
            # A proxy that does not take its own path away.
            scope["path"] = scope["path"][len(prefix) :]
        begun, id_ = False, clock.new_key()[:12]

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                _dress(MutableHeaders(scope=message), scope["path"], id_)
            await send(message)

        with trail.about(request=id_):
            try:
                if closed(request, given.current.get().server.listen):
                    answer = render.wrong(request, 403, CLOSED, ADVICE)
                    await answer(scope, receive, sending)
                else:
                    await self._app(scope, receive, sending)
            except ClientDisconnect:
                return
            except Exception as error:
                answer = _apologise(request, error, id_)
                if begun:
                    # Half an answer is out: only a broken connection says that it is not whole.
                    raise
                await answer(scope, receive, sending)


def _dress(headers: MutableHeaders, path: str, id_: str) -> None:
    """Give an answer the headers that all have, and those of its page."""
    headers["x-request-id"] = id_
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if path in KEYED:
        headers.update(SECRECY)


def _apologise(request: Request, error: Exception, id_: str) -> Response:
    """Log what nobody caught; the page that says so."""
    path = request.scope["path"]
    if isinstance(error, ledger.Away):
        log.warning("%s could not be answered: %s", path, error)
        return render.wrong(request, 503, "The ledger cannot be read now.", "Load the page again in a moment.")
    log.error("%s failed; request %s", path, id_, exc_info=error)
    return render.wrong(
        request, 500, "ctci could not make this page.", f"The server's log has the cause: request {id_}."
    )


CLOSED = "Pages are closed: ctci listens on a public address, and visitors see nothing there."
ADVICE = "Listen on 127.0.0.1 and read through a tunnel, or put a proxy with sign-in before it."


def closed(request: Request, listen: str) -> bool:
    """Whether this request may not see pages: it came over TCP to a server that does not listen on loopback only."""
    path = request.scope["path"]
    if path in OPEN or any(path.startswith(each) for each in OPEN if each.endswith("/")):
        return False
    if listen.startswith("unix:") or request.client is None:
        return False
    host = listen.rpartition(":")[0].strip("[]")
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"
