"""Pages of lists: where the next one begins, as whoever asks is told it, and as it is asked for."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ctci import shape
from ctci.api.problem import ApiError

T = TypeVar("T")

#: Characters that a cursor stands for; a longer number is in no ledger.
CURSOR = 19


def cursor(last: int) -> str:
    """Where the next page begins: opaque, so that it may become another."""
    return base64.urlsafe_b64encode(f"<{last}".encode()).decode().rstrip("=")


def before(text: str | None) -> int | None:
    """The number that a cursor stands for. Raises ApiError."""
    if text is None:
        return None
    try:
        plain = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)).decode()
    except (ValueError, binascii.Error):
        plain = ""
    if not plain.startswith("<") or not plain[1:].isdecimal() or len(plain) > CURSOR:
        raise ApiError(
            "invalid", "The cursor is none that a page gave.", errors=[{"pointer": "cursor", "detail": "not a cursor"}]
        )
    return int(plain[1:])


def page(
    found: Sequence[T], limit: int, told: Callable[[T], Mapping[str, Any]], *, number: Callable[[T], int]
) -> Mapping[str, Any]:
    """At most `limit` of what was found, in their shapes; where one more was found, there is a next page.

    `number`: by what the next page begins after the last one.
    """
    shown = found[:limit]
    more = cursor(number(shown[-1])) if len(found) > limit else None
    return shape.items([told(each) for each in shown], more=more)
