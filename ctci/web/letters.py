"""`/me/digest?k=TOKEN`: what one receiver gets, changed or ended there without a login. A GET changes nothing.

The token is all that one needs and all that one may: no cookie is read, so no other site can use one, and a mail
provider's one-click POST (RFC 8058) comes through as a browser's does. A token that nobody has is told no more.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from ctci import ledger
from ctci.config.settings import Notify
from ctci.model import AT_ONCE, DIGEST, Subscription, Wishes
from ctci.report import receivers, subscribing
from ctci.web import bodies, problems, render, sentences, subscriptions
from ctci.web.doors import Doors

#: Bytes of a form: some thousands of projects, chosen one by one.
LIMIT = 256 << 10
KINDS = (DIGEST, AT_ONCE)


@dataclass(frozen=True, kw_only=True)
class _Held:
    """A subscription, and what the configuration has for it now."""

    subscription: Subscription
    #: As the address is written in letters.
    address: str
    #: None: no table sends anything to the address any more.
    notify: Notify | None
    choices: tuple[str, ...]


async def letters(request: Request) -> Response:
    """The page, and what is POSTed to it."""
    if request.method != "POST":
        return await run_in_threadpool(_show, request)
    form = await bodies.form(request, LIMIT)
    return form if isinstance(form, Response) else await run_in_threadpool(_post, request, form)


def _show(request: Request) -> Response:
    held = _held(request)
    return _unknown(request) if held is None else _page(request, held)


def _post(request: Request, form: Mapping[str, tuple[str, ...]]) -> Response:
    held = _held(request)
    if held is None:
        return _unknown(request)
    doors, token = render.doors(request), held.subscription.token
    if form.get(subscribing.FIELD) == (subscribing.VALUE,):
        asked = request.query_params.get("stop")
        _stop(doors, token, (asked,) if asked in KINDS else KINDS)
        return PlainTextResponse("Stopped.\n")
    kind = next((each for name in ("stop", "resume") for each in form.get(name, ())), None)
    if kind in KINDS:
        if "stop" in form:
            _stop(doors, token, (kind,))
        else:
            ledger.resume(doors.db, token, (kind,))
    elif "save" in form and held.notify is not None:
        wanted = subscriptions.read(form, held.notify, held.choices)
        if wanted.faults:
            return _page(request, held, wanted)
        ledger.wish_for(doors.db, token, subscriptions.wishes(wanted, held.notify, held.choices))
    elif "reset" in form:
        ledger.wish_for(doors.db, token, Wishes())
    else:
        detail = f"send {subscribing.FIELD}={subscribing.VALUE}, or use the page at this address"
        return problems.problem(400, "Bad request", detail)
    return RedirectResponse(render.root(doors) + subscribing.path(token, done="1"), 303)


def _stop(doors: Doors, token: str, kinds: tuple[str, ...]) -> None:
    ledger.stop(doors.db, token, kinds, sinks=[sink for kind in kinds for sink in subscribing.SINKS[kind]])


def _held(request: Request) -> _Held | None:
    doors = render.doors(request)
    token = request.query_params.get("k", "")
    subscription = ledger.subscription_by(doors.db, token) if token else None
    if subscription is None:
        return None
    found = receivers.find(doors.current.get(), subscription.to)
    if found is None:
        address = subscription.to.partition(":")[2]
        return _Held(subscription=subscription, address=address, notify=None, choices=())
    choices = subscribing.choices(found[0], render.projects(doors))
    return _Held(subscription=subscription, address=found[1].address, notify=found[0], choices=choices)


def _unknown(request: Request) -> Response:
    said = "This link belongs to no letters."
    return render.wrong(request, 404, said, "Was it copied whole? The newest letter has one that works.")


def _page(request: Request, held: _Held, asked: subscriptions.Asked | None = None) -> Response:
    """The page; `asked` is what could not be saved."""
    if held.notify is None:
        said = f"ctci sends no letters to {held.address} any more."
        return render.wrong(request, 410, said, "Its configuration names the address no longer.")
    mine = subscribing.narrowed(held.notify, held.subscription, held.choices)
    rows = subscriptions.kinds(mine, held.subscription)
    return render.page(
        request,
        "letters.html",
        verdict=sentences.Verdict(parts=(sentences.Part(subscriptions.headline(held.address, mine, rows)),)),
        title="Your letters",
        status=400 if asked else 200,
        notify=held.notify,
        kinds=rows,
        choices=held.choices,
        asked=asked or subscriptions.in_force(mine, held.choices),
        days=subscriptions.DAYS,
        wished=held.subscription.wishes != Wishes(),
        done="done" in request.query_params and asked is None,
        here=subscribing.path(held.subscription.token),
    )
