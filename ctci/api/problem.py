"""What cannot be answered: one exception, which each door tells in its own way (RFC 9457 over HTTP)."""

from collections.abc import Mapping, Sequence
from typing import Any

#: Code -> (status, title). A code is never given another meaning.
CODES: Mapping[str, tuple[int, str]] = {
    "bad_request": (400, "Bad request"),
    "not_signed_in": (401, "Not signed in"),
    "not_allowed": (403, "Not allowed"),
    "not_found": (404, "Not found"),
    "method_not_allowed": (405, "Method not allowed"),
    "too_slow": (408, "Too slow"),
    "conflict": (409, "Conflict"),
    "too_large": (413, "Too large"),
    "unsupported_media_type": (415, "Not JSON"),
    "range_not_satisfiable": (416, "Range not satisfiable"),
    "misdirected": (421, "Misdirected request"),
    "invalid": (422, "Invalid"),
    "too_many_requests": (429, "Too many requests"),
    "failed": (500, "Failed"),
    "unavailable": (503, "Not now"),
}


class ApiError(Exception):
    """A call that cannot be granted; the message says why, and what helps."""

    def __init__(self, code: str, detail: str, *, errors: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(detail)
        self.code = code
        #: Each wrong part: `pointer` (RFC 6901, or the name of a parameter) and `detail`.
        self.errors = tuple(errors)

    @property
    def status(self) -> int:
        """The status of HTTP that says so."""
        return CODES[self.code][0]


def not_found(what: str) -> ApiError:
    """The same for what is not there and for what may not be seen."""
    return ApiError("not_found", f"There is no {what}.")
