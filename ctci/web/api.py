"""`/api/v1`: each operation over HTTP, with ETags, pages, gzip, and answers that a repeated call gets again."""

import gzip
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ctci import api, clock, shape
from ctci.api.document import document
from ctci.api.once import Call, Reply, once
from ctci.api.operation import Context, Operation
from ctci.api.problem import ApiError
from ctci.model import Visitor
from ctci.web import auth, bodies, conditional, events, joblog, livelog, problems, rates, render, streams
from ctci.web.doors import Doors

T = TypeVar("T")

ROOT = "/api/v1"
#: Bytes of a body, and of an answer that is not worth being compressed.
LIMIT, SMALL = 256 << 10, 1024
#: What an Idempotency-Key may be.
KEY = re.compile("[!-~]{1,200}")
#: What a browser and a proxy may do with an answer.
KEEP = "private, no-cache"


def routes() -> list[Route]:
    """Every operation, the bytes of logs, and the document."""
    found = [Route(f"{ROOT}{each.path}", _door(each), methods=[each.method]) for each in api.OPERATIONS]
    log = [
        Route(f"{ROOT}/jobs/{{job:number}}/log", _slowed(joblog.bytes_of_job)),
        Route(f"{ROOT}/runs/{{run:number}}/jobs/{{recipe}}/log", _slowed(joblog.bytes_of_run)),
        Route(f"{ROOT}/runs/{{run:number}}/jobs/{{sub}}/{{recipe}}/log", _slowed(joblog.bytes_of_run)),
    ]
    # What is written out comes before what has a name of its own choosing.
    found.sort(key=lambda route: route.path.count("{"))
    return [Route(f"{ROOT}/openapi.json", _document), *log, *found, Route(f"{ROOT}/{{rest:path}}", _nothing)]


def aliases() -> list[Route]:
    """What pages say, for programs: the page's address with `.json` is the operation's."""
    named = {
        "/runs": "list_runs",
        "/runs/{run:number}": "get_run",
        "/jobs/{job:number}": "get_job",
        "/queue": "get_queue",
        "/schedule": "list_schedules",
        "/deliveries": "list_deliveries",
        "/config": "get_config",
        "/health": "get_health",
    }
    return [Route(f"{page}.json", _door(api.find(name))) for page, name in named.items()]


def context(request: Request, doors: Doors) -> Context:
    """What an operation may ask, for this request."""
    return Context(
        db=doors.db,
        layout=doors.layout,
        settings=doors.current.get(),
        environ=doors.environ,
        visitor=doors.visitor,
        via=auth.via(request),
        ready=doors.ready,
        current=doors.current,
        remarks=doors.remarks,
    )


def _door(operation: Operation) -> Any:
    """What Starlette calls for an operation."""

    async def reading(request: Request) -> Response:
        return await run_in_threadpool(_granted, request, lambda asking: _read(request, operation, asking))

    async def changing(request: Request) -> Response:
        try:
            body = _json(request, await bodies.read(request, LIMIT))
        except bodies.Refused as refusal:
            return problems.of(refusal.status, str(refusal))
        except ClientDisconnect:
            return problems.of(400, "The body ended early.")
        except ApiError as error:
            return problems.told(error)
        return await run_in_threadpool(_granted, request, lambda asking: _changed(request, operation, asking, body))

    async def following(request: Request) -> Response:
        query, _ = _asked(request)
        found = await run_in_threadpool(_granted, request, lambda asking: api.call(operation, asking, query))
        return found if isinstance(found, Response) else _stream(request, operation, found)

    return following if operation.events else changing if operation.changes else reading


def _json(request: Request, raw: bytes) -> object:
    """What a body says; none says nothing. Raises ApiError."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise ApiError("unsupported_media_type", "Send the body as it is, not compressed.")
    if not raw.strip():
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError("unsupported_media_type", "Send application/json.")
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise ApiError("bad_request", "The body is no JSON.") from None
    if not isinstance(found, dict):
        raise ApiError("invalid", "The body is no object.", errors=[{"pointer": "", "detail": "not an object"}])
    return found


def _granted(request: Request, do: Callable[[Context], T]) -> T | Response:
    """What comes of it for who asks; a problem where they ask too fast, or for what is not granted."""
    doors = render.doors(request)
    slow = too_fast(request, doors.visitor)
    if slow is not None:
        return slow
    try:
        return do(context(request, doors))
    except ApiError as error:
        return problems.told(error)


def _stream(request: Request, operation: Operation, found: Mapping[str, Any]) -> Response:
    doors, state, last = render.doors(request), request.app.state, streams.position(request)
    if operation.name == "follow_log":
        return streams.answer(request, doors, livelog.Follower(state.tails, found, last))
    return streams.answer(request, doors, events.Follower(state.feed, doors.visitor, found["topics"], last))


def _slowed(bytes_of: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """The same for who does not call too fast."""

    def answer(request: Request) -> Response:
        return too_fast(request, render.doors(request).visitor) or bytes_of(request)

    return answer


def too_fast(request: Request, visitor: Visitor) -> Response | None:
    """The answer to who calls faster than anybody is answered; who is on this machine never does."""
    if visitor.local:
        return None
    kept: rates.Rates = request.app.state.rates
    who = f"token {visitor.token}" if visitor.token else auth.origin(request)
    wait_s = kept.wait_s(who, clock.monotonic())
    if not wait_s:
        return None
    after = {"retry-after": str(max(1, round(wait_s + 0.5)))}
    return problems.of(429, "Calls come faster than they are answered.", after)


def _asked(request: Request) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(what stands in path and query, the fields that are asked for)."""
    found: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name == "token":
            continue
        if name in found:
            found[name] = [*found[name], value] if isinstance(found[name], list) else [found[name], value]
        else:
            found[name] = value
    fields = found.pop("fields", "")
    names = tuple(filter(None, ",".join(fields if isinstance(fields, list) else [fields]).split(",")))
    # What the path says, no query can take back.
    return {**found, **request.path_params}, names


def _read(request: Request, operation: Operation, asking: Context) -> Response:
    query, fields = _asked(request)
    whole = api.call(operation, asking, query)
    try:
        told = shape.pick(whole, fields)
    except KeyError as error:
        wrong = {"pointer": "fields", "detail": f"no field {error.args[0]}"}
        raise ApiError("invalid", f"There is no field {error.args[0]}.", errors=[wrong]) from None
    more = {}
    if whole.get("next"):
        further = request.url.include_query_params(cursor=whole["next"])
        more["link"] = f'<{_root(request)}{quote(further.path)}?{further.query}>; rel="next"'
    answer = conditional.answer(request, _written(told), kind="application/json", keep=KEEP)
    answer.headers.update(more)
    return _compressed(request, answer)


def _changed(request: Request, operation: Operation, asking: Context, body: object) -> Response:
    """Do it, once for each Idempotency-Key of a caller (draft-ietf-httpapi-idempotency-key-header)."""
    query, _ = _asked(request)

    def do() -> Reply:
        return _done(request, operation, api.call(operation, asking, query, body))

    key = request.headers.get("idempotency-key")
    if key is None:
        return _sent(do())
    if KEY.fullmatch(key) is None:
        raise ApiError("bad_request", "An Idempotency-Key has 1 to 200 printable ASCII characters, and no space.")
    who = f"token {asking.visitor.token}" if asking.visitor.token else asking.visitor.name
    call = Call(operation=operation, query=query, body=body, who=who, key=key, named="Idempotency-Key")
    return _sent(once(asking, call, do))


def _root(request: Request) -> str:
    """What stands before the path behind a proxy that says so in `public-url`; else nothing."""
    return render.root(render.doors(request)).rstrip("/")


def _done(request: Request, operation: Operation, told: Mapping[str, Any]) -> Reply:
    headers = {}
    if told.get("html_url") and operation.status in (201, 202):
        run = told.get("run")
        headers["location"] = f"{_root(request)}{ROOT}/runs/{run}" if isinstance(run, int) else str(told["html_url"])
    return Reply(status=operation.status, headers=headers, body=_written(told))


def _sent(reply: Reply) -> Response:
    headers = {"cache-control": "no-store", **reply.headers}
    return Response(reply.body, reply.status, headers=headers, media_type="application/json")


def _written(told: Mapping[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False) + "\n"


def _compressed(request: Request, answer: Response) -> Response:
    """The same in fewer bytes, for who can read that; its tag says that it is another form of the same."""
    body = bytes(answer.body)
    answer.headers["vary"] = "accept-encoding, authorization, cookie"
    if len(body) < SMALL or "gzip" not in request.headers.get("accept-encoding", ""):
        return answer
    answer.body = gzip.compress(body, 5, mtime=0)
    answer.headers["content-encoding"] = "gzip"
    answer.headers["content-length"] = str(len(answer.body))
    answer.headers["etag"] = f"W/{answer.headers['etag']}"
    return answer


def _document(request: Request) -> Response:
    """The API in OpenAPI 3.1."""
    url = render.doors(request).current.get().server.public_url
    answer = conditional.answer(request, _written(document(url)), kind="application/json", keep="no-cache")
    return _compressed(request, answer)


def _nothing(_: Request) -> Response:
    return problems.of(404, "There is no such operation; api/v1/openapi.json lists them.")
