"""Who asks: by a token, a browser's sign-in, a trusted proxy's word or this machine's socket; else just a visitor."""

import ipaddress
import threading
from collections import OrderedDict
from urllib.parse import urlsplit

from starlette.requests import Request

from ctci import clock, ledger
from ctci.model import Tier, Token, Visitor, is_token, live, token_mark, visitor_of
from ctci.web import walls
from ctci.web.doors import Doors

COOKIE = "ctci_session"
#: What proxies write into the headers, and nothing else does.
PROXIES = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
#: Where an address is kept for the length of a request.
CLIENT = "ctci.client"
#: So many wrong tokens from one address a minute; then it has to wait. Of so many addresses that is kept.
WRONG, WRONG_MS, KEPT = 10, 60_000, 10_000

MANY = "Too many wrong tokens came from your address."


class RefusedError(Exception):
    """Who asks cannot be let in: an answer's status, a sentence, and after how many seconds it may be tried again."""

    def __init__(self, status: int, sentence: str, *, after_s: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.after_s = after_s


class Wrongs:
    """Counts wrong tokens by address, so that nobody can try many; one is shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def note(self, who: str, now: int) -> None:
        """One more of an address, at a time (Unix milliseconds)."""
        with self._lock:
            count, since = self._since.pop(who, (0, now))
            self._since[who] = (1, now) if now - since >= WRONG_MS else (count + 1, since)
            if len(self._since) > KEPT:
                self._since.popitem(last=False)

    def wait_s(self, who: str, now: int) -> int:
        """For how many seconds the address has to wait; 0: not at all."""
        with self._lock:
            count, since = self._since.get(who, (0, now))
        left = since + WRONG_MS - now
        return -(-left // 1000) if count >= WRONG and left > 0 else 0


def visitor(request: Request, doors: Doors) -> Visitor:
    """Whoever asks. Raises RefusedError where what was brought lets nobody in: then nothing else counts."""
    server = doors.current.get().server
    if is_local(request, doors):
        name = request.scope.get("ctci.peer", "somebody")
        return Visitor(name=f"{name} on this machine", tier=Tier.ADMIN, local=True)
    proxied = request.scope.get(CLIENT, (None, False))[1]
    given = _bearer(request)
    if given is not None:
        return visitor_of(_used(request, doors, given))
    if server.remote_user is not None and proxied:
        name = request.headers.get(server.remote_user, "").strip()
        if name:
            # The name is no secret: what a form sends back must not be made of it alone.
            key: str = request.app.state.form_key
            csrf = _csrf(f"{key} {name}")
            return Visitor(name=f"{name[:80]} through the proxy", tier=Tier.TRIGGER, ambient=True, csrf=csrf)
    cookie = request.cookies.get(COOKIE)
    if cookie:
        token = ledger.signed_in(doors.db, cookie)
        if token is not None and live(token, clock.now()):
            return visitor_of(token, csrf=_csrf(cookie))
    # The page of letters has a key of its own in its address.
    feed = request.query_params.get("token") if request.scope["path"] != "/me/digest" else None
    if feed is not None:
        # An address is written down in many places: no token that can do more than a feed's may stand in one.
        token = _used(request, doors, feed)
        if token.tier is not Tier.FEED:
            raise RefusedError(401, f"A token of the tier {token.tier} may not stand in an address: use a header.")
        return visitor_of(token)
    shown = walls.shown(server, proxied=_forwarded(request))
    return Visitor(
        name="a visitor",
        tier=Tier.READ if shown == "read" else None,
        badges=shown != "nothing",
        ambient=True,
    )


def holds(request: Request, doors: Doors) -> bool:
    """Whether who asked, a while ago, would be let in now as they were then; asked without counting as a try."""
    then = doors.visitor
    if then.token is None:
        try:
            return visitor(request, doors) == then
        except RefusedError:
            return False
    given, cookie = _bearer(request), request.cookies.get(COOKIE, "")
    token = token_of(doors.db, given) if given is not None else ledger.signed_in(doors.db, cookie)
    if token is None or not live(token, clock.now()):
        return False
    now = visitor_of(token)
    # How the token came says nothing of what it is good for.
    return (now.token, now.tier, now.projects) == (then.token, then.tier, then.projects)


def is_local(request: Request, doors: Doors) -> bool:
    """Whether the call came through the data folder's own socket, and no proxy stands between."""
    server = request.scope.get("server")
    own = request.client is None and server is not None and server[0] == str(doors.layout.socket)
    return own and not _forwarded(request)


def _forwarded(request: Request) -> bool:
    """Whether a proxy has handed the call on, as far as it says so."""
    return any(name in request.headers for name in PROXIES)


def token_of(db: ledger.Ledger, text: str) -> Token | None:
    """The token that a secret is of; a text that cannot be one asks nobody."""
    return ledger.token_by(db, text) if is_token(text) else None


def via(request: Request) -> str:
    """From where a call comes, as it is written down: an address or `socket`."""
    found = request.scope.get(CLIENT, (None, False))[0]
    return str(found) if found is not None else "socket"


def origin(request: Request) -> str:
    """Whose wrong tokens are counted together: who has one address of IPv6 has a whole network of them (RFC 6177)."""
    found = request.scope.get(CLIENT, (None, False))[0]
    return str(ipaddress.ip_network((found, 64), strict=False)) if getattr(found, "version", 4) == 6 else str(found)


def _bearer(request: Request) -> str | None:
    """What the Authorization header brings (RFC 6750); other schemes are somebody else's."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else None


def good(request: Request, doors: Doors, given: str) -> Token:
    """The token that a secret is of, if it is good now. Raises RefusedError: 401, or 429 where too many were wrong."""
    found = token_of(doors.db, given)
    if found is None or not live(found, clock.now()):
        # Only the wrong ones are slowed down: whoever shares an address with a guesser goes on working.
        wrongs: Wrongs = request.app.state.wrongs
        after_s = wrongs.wait_s(origin(request), clock.now())
        if after_s:
            raise RefusedError(429, MANY, after_s=after_s)
        wrongs.note(origin(request), clock.now())
        why = "There is no such token, or it was revoked." if found is None else "The token has expired."
        raise RefusedError(401, why)
    return found


def _used(request: Request, doors: Doors, given: str) -> Token:
    found = good(request, doors, given)
    ledger.used(doors.db, found)
    return found


def _csrf(secret: str) -> str:
    """What a form of ours sends back, and a page of another site cannot know."""
    return token_mark(f"form {secret}")[:32]


def same_site(request: Request, doors: Doors) -> bool:
    """Whether a browser sends a call from a page of ours (Fetch Metadata, and Origin for browsers without it).

    What says nothing of either is no browser; what it may do, its token says.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is None:
        return True
    asked, own = _netloc(origin), _netloc(doors.current.get().server.public_url)
    return bool(asked) and asked in (own, request.headers.get("host", "").lower())


def _netloc(url: str) -> str:
    """Host and port of an address; empty for what is none."""
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""
