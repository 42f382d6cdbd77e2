"""Answers that are asked for again and again: with an ETag, and 304 for who has the same already (RFC 9110)."""

import email.utils
import hashlib
import re

from starlette.requests import Request
from starlette.responses import Response

_TAG = re.compile(r'(?:W/)?("[^"]*")')


def answer(request: Request, text: str, *, kind: str, keep: str, modified: int | None = None) -> Response:
    """`text` as `kind`; `keep` is its Cache-Control, `modified` when it last became another, Unix milliseconds."""
    content = text.encode("utf-8")
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {"etag": tag, "cache-control": keep}
    if modified is not None:
        headers["last-modified"] = email.utils.formatdate(modified // 1000, usegmt=True)
    if _has(request, tag, modified):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=kind, headers=headers)


def _has(request: Request, tag: str, modified: int | None) -> bool:
    """Whether who asks has it already; the tag decides where there is one, for a second is long."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return tags.strip() == "*" or tag in _TAG.findall(tags)
    since = request.headers.get("if-modified-since")
    if since is None or modified is None:
        return False
    try:
        return modified // 1000 <= email.utils.parsedate_to_datetime(since).timestamp()
    except (ValueError, OverflowError):
        return False
