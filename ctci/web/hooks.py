"""The hooks' door: reads, believes or refuses, hands to the desk, and answers in words for the forge's delivery page.

The project is known from the URL, so the secret is known before the body is believed. Nothing a stranger sends
makes a 5xx. An unknown project answers exactly like a bad signature.
"""

import json
import logging
import threading
from collections.abc import Mapping, Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ctci import clock, forges, ledger
from ctci.forges.delivery import BadPayload
from ctci.model import Recorded
from ctci.receive import desk, whose
from ctci.web import bodies, callers, problems, progress, pushed
from ctci.web.bodies import Refused
from ctci.web.callers import Call
from ctci.web.doors import Doors

log = logging.getLogger(__name__)

#: What a form's percent-encoding may add to a body.
FORM_EXTRA = 5 << 20
#: What a hook may send.
TYPES = ("application/json", "application/x-www-form-urlencoded", "text/plain")


class Bucket:
    """Lets `rate` calls a second through, and `size` at once."""

    def __init__(self, *, size: int = 50, rate: float = 2.0) -> None:
        # Guards the two numbers below: refusals come from many threads.
        self._lock = threading.Lock()
        self._size = size
        self._rate = rate
        self._left = float(size)
        self._at = clock.monotonic()

    def allow(self) -> bool:
        """Whether one more may pass now."""
        with self._lock:
            at = clock.monotonic()
            self._left = min(self._size, self._left + (at - self._at) * self._rate)
            self._at = at
            if self._left < 1:
                return False
            self._left -= 1
            return True


class Connected(Exception):
    """A test that a forge sends without its secret: the address is right."""


_refusals = Bucket()


def routes() -> list[Route]:
    """With and without a trailing slash: a redirect would turn a forge's POST into a GET."""
    paths = ("/hooks", "/hooks/", "/hooks/{project}", "/hooks/{project}/")
    waiting = [Route(f"{path}/pushes/{{id}}", progress.push) for path in ("/hooks", "/hooks/{project}")]
    return [*(Route(path, hook, methods=["GET", "POST"]) for path in paths), *waiting]


async def hook(request: Request) -> Response:
    """`POST /hooks/PROJECT`, or `POST /hooks` for one of [each]."""
    if request.method != "POST":
        text = (
            "This is where a forge or a post-receive hook POSTs to. Put this URL into the forge's webhook settings.\n"
        )
        return PlainTextResponse(text, status_code=405, headers={"allow": "POST"})
    doors: Doors = request.app.state.doors
    try:
        body = await _body(request, doors.current.get().server.limit_body)
        answer = await run_in_threadpool(_receive, doors, callers.call(request, doors, body))
    except Connected:
        return _plain({"decision": "ignored", "why": "ping: connected; the secret was not tested"}, 200)
    except Refused as refusal:
        return problems.problem(refusal.status, refusal.title, str(refusal))
    except ClientDisconnect:
        return problems.problem(400, "Bad request", "the body ended early")
    except ledger.Away as away:
        log.error("a hook could not be recorded: %s", away)
        return problems.problem(503, "Not now", "the ledger cannot be written; send it again", {"retry-after": "10"})
    return _answer(request, doors, answer)


async def _body(request: Request, limit: int) -> bytes:
    """The raw bytes, within limits of size and time."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind not in TYPES:
        raise Refused(415, "Unsupported media type", f"send {' or '.join(TYPES)}")
    if kind == TYPES[1]:
        limit += FORM_EXTRA
    return await bodies.read(request, limit)


def _receive(doors: Doors, call: Call) -> tuple[Recorded, ...]:
    """Believe, read, hand to the desk. Raises Refused and ledger.Away."""
    told = forges.detect(call.headers)
    if told is None:
        # Whatever the project's forge: an answer that hangs on it would tell which projects there are.
        why = "no header tells which forge sends this; is the webhook's type right?"
        _note_refusal(doors, project=call.name or "", forge="unknown", event="", key="", reason=why)
        raise Refused(400, "Bad request", why)
    caller = callers.caller(doors, call, told)
    forge = forges.SPOKEN[caller.spoken]
    try:
        event = forge.event(call.headers)
        key = forge.delivery_id(call.headers, call.body)
        heard = {"forge": caller.spoken, "event": event, "key": key}
        if not caller.believed and forges.unsigned_test(told, call.headers, call.body):
            # The same for every project and none: it tells nothing, and nothing is written down.
            raise Connected
        if not caller.believed:
            _note_refusal(doors, project=call.name or "", reason=_unbelieved(call, caller), **heard)
            raise Refused(401, "Unauthorized", "signature does not match")
    except BadPayload as error:
        raise Refused(400, "Bad request", str(error)) from error
    name = caller.projects[0].name if caller.projects else ""
    if forges.out_of_time(caller.spoken, call.headers, clock.now() / 1000):
        why = "the call is signed for another time: is a clock wrong, or is it an old one sent again?"
        ledger.refuse(doors.db, project=name, reason=why, **heard)
        raise Refused(401, "Unauthorized", why)
    try:
        items = forge.read(call.headers, call.body)
    except BadPayload as error:
        # Somebody who knows the secret sent it: that is to be found on Deliveries.
        ledger.refuse(doors.db, project=name, reason=str(error), **heard)
        raise Refused(400, "Bad request", str(error)) from error
    project = callers.about(doors, caller, items)
    if project is None:
        return desk.nobodys(doors.db, caller.signers, items=items, **heard)
    folder = call.folder if caller.spoken == "post_receive" else None
    return desk.receive(doors.db, doors.current.get(), project, items=items, folder=folder, **heard)


def _unbelieved(call: Call, caller: callers.Caller) -> str:
    """Why a call is not believed: for Deliveries, never for who called."""
    if caller.known:
        return "signature does not match"
    if call.name is None and call.folder is None:
        return "no [each] has signed it: signature does not match"
    return whose.nowhere(call.name, call.folder)


def _note_refusal(doors: Doors, *, project: str, forge: str, event: str, key: str, reason: str) -> None:
    """Keep a refused call, unless they come faster than anybody would read them."""
    if _refusals.allow():
        ledger.refuse(doors.db, project=project, forge=forge, event=event, key=key, reason=reason)


def _answer(request: Request, doors: Doors, made: Sequence[Recorded]) -> Response:
    public = doors.current.get().server.public_url
    status = 202 if any(each.decision == "queued" for each in made) else 200
    if "text/plain" in request.headers.get("accept", ""):
        return PlainTextResponse(pushed.answer(made, public), status_code=status)
    first = made[0]
    body = _words(first, public)
    if len(made) > 1:
        body["runs"] = [_words(each, public) for each in made]
        queued = next((each for each in made if each.decision == "queued"), first)
        body.update(_words(queued, public))
    return _plain(body, status)


def _plain(body: Mapping[str, object], status: int) -> Response:
    return Response(json.dumps(body) + "\n", status_code=status, media_type="application/json")


def _words(made: Recorded, public: str) -> dict[str, object]:
    """One ref's decision for the forge's delivery page."""
    words: dict[str, object] = {"delivery": f"d_{made.delivery}", "decision": made.decision, "why": made.reason}
    if made.ref is not None:
        words["ref"] = made.ref
    if made.run is not None:
        words["run"] = made.run
        words["url"] = f"{public}runs/{made.run}"
    if made.decision == "queued":
        words["jobs"] = [place for _, place in made.jobs]
    return words
