"""The body of a request, within limits of size and time; what is not let in, with the status that says so."""

import asyncio
from collections.abc import Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ctci.web import forms, problems

#: A body must have arrived within so many seconds.
BODY_S = 30.0


class Refused(Exception):
    """A call that is not let in: status and a sentence."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title


async def form(request: Request, limit: int) -> Mapping[str, tuple[str, ...]] | Response:
    """The fields of a form that was sent; an answer where there are none to be had."""
    try:
        return forms.fields(request.headers.get("content-type", ""), await read(request, limit))
    except Refused as refusal:
        return problems.problem(refusal.status, refusal.title, str(refusal))
    except ClientDisconnect:
        return problems.problem(400, "Bad request", "the body ended early")
    except ValueError as error:
        return problems.problem(400, "Bad request", str(error))


async def read(request: Request, limit: int) -> bytes:
    """The raw bytes, at most `limit` of them. Raises Refused, and ClientDisconnect for a body that ends early."""
    told = request.headers.get("content-length", "0")
    if told.isdecimal() and len(told) < 20 and int(told) > limit:
        raise Refused(413, "Too large", f"a body may have {limit} bytes")
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_S):
            async for part in request.stream():
                size += len(part)
                if size > limit:
                    raise Refused(413, "Too large", f"a body may have {limit} bytes")
                parts.append(part)
    except TimeoutError:
        raise Refused(408, "Too slow", f"the body must arrive within {BODY_S:.0f} s") from None
    return b"".join(parts)
