"""What is answered to a program whose call cannot be granted."""

import json
from collections.abc import Mapping

from starlette.responses import Response


def problem(status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """RFC 9457."""
    content = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail})
    # What was not read to its end must not be taken for the next request.
    more = {"connection": "close"} if status in (408, 413, 415) else {}
    return Response(
        content + "\n",
        status_code=status,
        media_type="application/problem+json",
        headers={**more, **(headers or {})},
    )
