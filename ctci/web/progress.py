"""`GET /hooks/PROJECT/pushes/ID`: how the runs of a push go on, line by line until their verdict (`-o ci.wait`).

For our own hook, which tells the id that it gave its call; believed as that call was, and named or not named as that.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from ctci import clock, ledger
from ctci.web import callers, problems, pushed, standings
from ctci.web.doors import Doors

SPOKEN = "post_receive"
#: How often the ledger is asked, seconds.
EVERY_S = 0.5
#: Pushes that are waited with at once: each asks the ledger again and again.
MOST = 50
#: A proxy that buffers, as nginx does unless it is told, or that compresses, would keep the lines back.
HEADERS = {"cache-control": "no-store, no-transform", "x-accel-buffering": "no"}
#: The last line: what ends without it has broken off.
END = "end\n"

_waiting: set[str] = set()


async def push(request: Request) -> Response:
    """The lines as they come, and at last `end`."""
    doors: Doors = request.app.state.doors
    call = callers.call(request, doors, b"")
    try:
        runs = await run_in_threadpool(_runs, doors, call, request.path_params["id"])
    except ledger.Away:
        return problems.problem(503, "Not now", "the ledger cannot be read", {"retry-after": "10"})
    if runs is None:
        return problems.problem(401, "Unauthorized", "the secret does not match")
    return StreamingResponse(_lines(doors, runs), media_type="text/plain", headers=HEADERS)


def _runs(doors: Doors, call: callers.Call, id_: str) -> tuple[int, ...] | None:
    """The runs of the call with that id; None for who is not believed."""
    caller = callers.caller(doors, call, SPOKEN)
    if not caller.projects:
        return None
    # Those that believe it have the same name.
    return ledger.runs_of_call(doors.db, f"{caller.projects[0].name}:hook:{id_}:")


async def _lines(doors: Doors, runs: Sequence[int]) -> AsyncIterator[str]:
    if len(_waiting) >= MOST:
        yield pushed.line("too many pushes wait for their verdict already; see its page")
        yield END
        return
    me = clock.new_key()
    _waiting.add(me)
    try:
        progress = pushed.Progress(doors.current.get().server.public_url)
        while not progress.over:
            if doors.stopping():
                yield pushed.line("the server stops; what runs goes on, see its page")
                break
            news = await run_in_threadpool(_news, doors, runs, progress)
            if news:
                yield news
            if not progress.over:
                await asyncio.sleep(EVERY_S)
        yield END
    finally:
        _waiting.discard(me)


def _news(doors: Doors, ids: Sequence[int], progress: pushed.Progress) -> str:
    try:
        # The runs first: when one is over then, so are its jobs as they are read next.
        runs = ledger.runs_(doors.db, ids=ids, limit=len(ids))
        jobs, now = ledger.jobs_of(doors.db, ids), clock.now()
        return progress.news(
            runs[::-1],
            jobs,
            lambda run, its: standings.of_run(doors, run, its, standings.of_jobs(doors, its), now),
            now,
        )
    except ledger.Away:
        # The next look will tell.
        return ""
