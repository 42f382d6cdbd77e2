"""What is answered to a program whose call cannot be granted (RFC 9457)."""

import json
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from starlette.responses import Response

from ctci import trail
from ctci.api.problem import CODES, ApiError

#: The path that all pages are under, where a request has come in.
ROOT: ContextVar[str] = ContextVar("root", default="/")
#: Status -> the code that it stands for where nobody says another.
_USUAL = {status: code for code, (status, _) in CODES.items()}


def problem(
    status: int,
    title: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    *,
    code: str | None = None,
    errors: Sequence[Mapping[str, Any]] = (),
) -> Response:
    """The answer; its `type` leads to where the code is told of."""
    code = code or _USUAL.get(status, "bad_request")
    told: dict[str, Any] = {
        "type": f"{ROOT.get()}docs/api#problem-{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": trail.known().get("request"),
    }
    if errors:
        told["errors"] = list(errors)
    # What was not read to its end must not be taken for the next request.
    more = {"connection": "close"} if status in (408, 413, 415) else {}
    return Response(
        json.dumps(told, ensure_ascii=False) + "\n",
        status_code=status,
        media_type="application/problem+json",
        headers={**more, **(headers or {})},
    )


def told(error: ApiError, headers: Mapping[str, str] | None = None) -> Response:
    """The same of what an operation refused."""
    status, title = CODES[error.code]
    return problem(status, title, str(error), headers, code=error.code, errors=error.errors)


def of(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """The same with the title that its status has."""
    code = _USUAL.get(status, "bad_request")
    return problem(status, CODES[code][1], detail, headers, code=code)
