"""What every call passes on its way in, and every answer on its way out.

Gives each request an id, which its lines of the log have too. In: whom it comes from, and whether they may see what
they ask for. Out: the headers that all answers have, an answer instead of a traceback, and the path of `public-url`
taken away.
"""

import hmac
import logging
import socket
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ctci import clock, ledger, trail
from ctci.model import Tier, Visitor
from ctci.web import auth, problems, render, walls
from ctci.web.auth import RefusedError
from ctci.web.doors import Doors

log = logging.getLogger(__name__)

HEADERS = {
    "content-security-policy": render.CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
}
#: What forges and hooks call: a signature, or the webhook's secret, is the wall there.
HOOKS = ("/hooks", "/hooks/")
#: What needs no tier: each has a wall of its own, or tells nothing.
OPEN = ("/healthz", "/readyz", "/static/", "/favicon.ico", "/me/digest", "/sign-in", "/sign-out")
#: What a mail provider or a supervisor asks for from anywhere.
UNWALLED = ("/healthz", "/me/digest")
#: What may change something without a form of ours before it: a key in the address is the wall there.
UNFORMED = ("/me/digest",)
#: Where agents call.
AGENTS = "/mcp"
#: What feeds, monitors and pages elsewhere ask for.
FEEDS, BADGES = ("/feed.atom", "/cctray.xml"), "/badge/"
#: What is about the whole server.
WHOLE = ("/health", "/health.json", "/config", "/digest", "/digest.json", "/metrics")
#: Pages whose address is a key. It is told to no other server, kept by no cache and found by no search.
KEYED = ("/me/digest",)
SECRECY = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-robots-tag": "noindex, nofollow"}
#: What changes nothing (RFC 9110, 9.2.1).
SAFE = ("GET", "HEAD", "OPTIONS")
#: The header in which a script of our pages sends back what proves that it is one.
CSRF = "x-ctci-csrf"


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
        root = render.root(given)
        problems.ROOT.set(root)
        prefix = root.rstrip("/")
        if prefix and scope["path"].startswith(f"{prefix}/"):
            # A proxy that does not take its own path away.
            scope["path"] = scope["path"][len(prefix) :]
        begun, id_ = False, clock.new_key()[:12]

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                _dress(MutableHeaders(scope=message), request, id_)
            await send(message)

        with trail.about(request=id_):
            try:
                answer = await _stopped(request, given)
                await (answer or self._app)(scope, receive, sending)
            except ClientDisconnect:
                return
            except Exception as error:
                sorry = _apologise(request, error, id_)
                if begun:
                    # Half an answer is out: only a broken connection says that it is not whole.
                    raise
                await sorry(scope, receive, sending)


async def _stopped(request: Request, doors: Doors) -> Response | None:
    """The answer to a call that may not come in; None for one that may: then its visitor is in the scope."""
    path, server = request.scope["path"], doors.current.get().server
    hook = _is_of(path, HOOKS)
    if not auth.is_local(request, doors):
        peer = request.client.host if request.client is not None else None
        if peer is None and (request.scope.get("server") or ("", None))[1] is not None:
            # Whoever called by TCP and has hung up already has no address any more: it is no proxy on a unix socket.
            return refuse(request, 403, "Your address is not known.")
        found, proxied = walls.client(peer, request.headers.getlist("x-forwarded-for"), server.trusted_proxies)
        request.scope[auth.CLIENT] = (found, proxied)
        if path not in UNWALLED and not walls.lets_in(server, found, hook=hook):
            return refuse(request, 403, f"{found or 'Your address'} may not come in here.", OUTSIDE)
        hosts = len(request.headers.getlist("host"))
        if hosts > 1 or (not hosts and request.scope.get("http_version") == "1.1"):
            # Whoever is asked twice may be understood in two ways (RFC 9112, 3.2).
            return refuse(request, 400, "The request has no Host header, or more than one.")
        own = urlsplit(server.public_url).hostname
        host, machine = request.headers.get("host", "localhost"), socket.gethostname()
        # What a proxy says is no less to be doubted: a page whose name leads here may say that it is one.
        if not hook and not walls.is_ours(host, own, server.listen, machine):
            return refuse(request, 421, "This server has another name.", NAMED.format(server.public_url))
    if hook:
        # What it brings in its headers is the webhook's secret, and no token.
        return None
    try:
        visitor = await _visitor(request, doors)
    except RefusedError as error:
        more = {"www-authenticate": 'Bearer realm="ctci", error="invalid_token"'} if error.status == 401 else {}
        more |= {"retry-after": str(error.after_s)} if error.after_s is not None else {}
        return refuse(request, error.status, str(error), headers=more)
    request.scope[render.VISITOR] = visitor
    return _unseen(request, visitor) or _forged(request, doors, visitor)


async def _visitor(request: Request, doors: Doors) -> Visitor:
    """Whoever asks; what the ledger has to be asked for is asked in a thread."""
    if any(each in request.headers for each in ("authorization", "cookie")) or "token" in request.query_params:
        return await run_in_threadpool(auth.visitor, request, doors)
    return auth.visitor(request, doors)


def _unseen(request: Request, visitor: Visitor) -> Response | None:
    """The answer to who asks for what is not shown to them."""
    path = request.scope["path"]
    if _is_of(path, OPEN):
        return None
    if path.startswith(BADGES):
        return None if visitor.badges or visitor.may(Tier.FEED) else _unknown(request)
    feed = path in FEEDS or (path.startswith("/p/") and path.endswith("/feed.atom"))
    if not visitor.may(Tier.FEED if feed else Tier.READ):
        if visitor.token is not None:
            return refuse(request, 403, f"A token of the tier {visitor.tier} does not open this.", "It takes `read`.")
        return _unknown(request)
    if path in WHOLE and not visitor.sees_all:
        return refuse(request, 403, "This is about all projects, and your token is for some of them.")
    return None


def _unknown(request: Request) -> Response:
    headers = {"www-authenticate": 'Bearer realm="ctci"'}
    return refuse(request, 401, CLOSED, ADVICE, headers=headers)


def _forged(request: Request, doors: Doors, visitor: Visitor) -> Response | None:
    """The answer to what another site's page lets a browser send.

    What a browser brings by itself (a cookie, an address, a proxy's sign-in) says nothing of who wanted the call.
    """
    path = request.scope["path"]
    if request.method in SAFE or not visitor.ambient or _is_of(path, UNFORMED):
        return None
    if not auth.same_site(request, doors):
        return refuse(request, 403, "The call comes from another site's page.")
    if (path.startswith("/api/") or path == AGENTS) and visitor.csrf is not None:
        given = request.headers.get(CSRF, "")
        if not hmac.compare_digest(given.encode(), visitor.csrf.encode()):
            return refuse(request, 403, f"The header {CSRF} is missing or of another sign-in.")
    return None


def refuse(
    request: Request, status: int, sentence: str, advice: str = "", *, headers: dict[str, str] | None = None
) -> Response:
    """No, as a page or, to programs, as a problem (RFC 9457)."""
    path = request.scope["path"]
    if (
        path.startswith("/api/")
        or path == AGENTS
        or path.endswith(".json")
        or "json" in request.headers.get("accept", "")
    ):
        return problems.of(status, f"{sentence} {advice}".strip(), headers)
    answer = render.wrong(request, status, sentence, advice)
    answer.headers.update(headers or {})
    return answer


def _is_of(path: str, among: tuple[str, ...]) -> bool:
    return path in among or any(path.startswith(each) for each in among if each.endswith("/"))


def _dress(headers: MutableHeaders, request: Request, id_: str) -> None:
    """Give an answer the headers that all have, and those of its page."""
    headers["x-request-id"] = id_
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if request.scope["path"] in KEYED or "token" in request.query_params:
        headers.update(SECRECY)


def _apologise(request: Request, error: Exception, id_: str) -> Response:
    """Log what nobody caught; the page that says so."""
    path = request.scope["path"]
    if isinstance(error, ledger.Away):
        log.warning("%s could not be answered: %s", path, error)
        return refuse(request, 503, "The ledger cannot be read now.", "Load the page again in a moment.")
    log.error("%s failed; request %s", path, id_, exc_info=error)
    return refuse(request, 500, "ctci could not make this page.", f"The server's log has the cause: request {id_}.")


NAMED = "It is {}, as `public-url` in ctci.toml says; a proxy hands on the name that it was asked for."
OUTSIDE = "`allow` in ctci.toml says from where pages may be seen, and `hook-allow` from where hooks may be called."
CLOSED = "Visitors without a token see nothing here."
ADVICE = "Sign in with a token, or send it as `Authorization: Bearer`; `ctci token new` makes one."
