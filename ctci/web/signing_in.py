"""`/sign-in` and `/sign-out`: a token becomes a browser's cookie.

The cookie holds 128 bits of chance that mean nothing elsewhere: what it is good for stands in the ledger, and ends
there. It is made anew at each sign-in, so nobody can have laid it beforehand.
"""

import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ctci import ledger
from ctci.ledger import tokens
from ctci.web import auth, bodies, render, sentences

#: Bytes of the form.
LIMIT = 8 << 10
WRONG = "This token lets nobody in. It may have expired, or been revoked."


async def sign_in(request: Request) -> Response:
    """The page, and the token that is POSTed to it."""
    if request.method != "POST":
        return await run_in_threadpool(_page, request)
    form = await bodies.form(request, LIMIT)
    if isinstance(form, Response):
        return form
    given, to = (next(iter(form.get(name, ())), "") for name in ("token", "to"))
    return await run_in_threadpool(_enter, request, given.strip(), to)


async def sign_out(request: Request) -> Response:
    """End the browser's session; a form of ours, for a link to it could stand anywhere."""
    form = await bodies.form(request, LIMIT)
    return form if isinstance(form, Response) else await run_in_threadpool(_leave, request, form)


def _page(request: Request, *, wrong: str = "", status: int = 200) -> Response:
    return render.page(
        request,
        "sign_in.html",
        verdict=sentences.Verdict(parts=(sentences.Part("Sign in with a token."),)),
        title="Sign in",
        status=status,
        wrong=wrong,
        to=_local(request.query_params.get("to", "")),
    )


def _enter(request: Request, given: str, to: str) -> Response:
    doors = render.doors(request)
    try:
        found = auth.good(request, doors, given)
    except auth.RefusedError as error:
        if error.after_s is None:
            return _page(request, wrong=WRONG, status=error.status)
        slowed = _page(request, wrong=str(error), status=error.status)
        slowed.headers["retry-after"] = str(error.after_s)
        return slowed
    secret = ledger.sign_in(doors.db, found)
    ledger.did(doors.db, who=f"token {found.name}", via=auth.via(request), did="signed in")
    answer = RedirectResponse(render.root(doors) + _local(to), 303)
    url = urlsplit(doors.current.get().server.public_url)
    answer.set_cookie(
        auth.COOKIE,
        secret,
        max_age=tokens.SESSION_MS // 1000,
        path=render.root(doors),
        secure=url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


def _leave(request: Request, form: Mapping[str, tuple[str, ...]]) -> Response:
    doors = render.doors(request)
    given = next(iter(form.get("csrf", ())), "")
    if not hmac.compare_digest(given.encode(), (doors.visitor.csrf or "").encode()):
        return render.wrong(request, 403, "This form is of another sign-in.", "Load the page again.")
    secret = request.cookies.get(auth.COOKIE)
    if secret:
        ledger.sign_out(doors.db, secret)
    answer = RedirectResponse(render.root(doors), 303)
    answer.delete_cookie(auth.COOKIE, path=render.root(doors))
    return answer


def _local(to: str) -> str:
    """A page of ours to go on to, without its first slash; anything that could lead elsewhere is Home."""
    plain = to.removeprefix("/")
    if plain.startswith(("/", "\\")) or any(ord(each) < 33 for each in plain):
        return ""
    try:
        parts = urlsplit(plain)
    except ValueError:
        return ""
    return "" if parts.scheme or parts.netloc else plain
