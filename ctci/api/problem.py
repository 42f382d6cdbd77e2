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

#: Code -> what it means, and what helps.
MEANS: Mapping[str, str] = {
    "bad_request": "The call cannot be read: its body is no JSON, or a header is wrong. `detail` says which.",
    "not_signed_in": "No token came, or one that is wrong, revoked or over. Send `Authorization: Bearer …`.",
    "not_allowed": "The token's tier, or the projects it is for, do not open this; or the call came from elsewhere.",
    "not_found": "There is no such thing, or your token may not see it: nobody can tell which.",
    "method_not_allowed": "The address is right, and the method is not; the header `Allow` lists those there are.",
    "too_slow": "The body did not come within its time. Send it again.",
    "conflict": "It cannot be done as things stand: `detail` says what stands against it.",
    "too_large": "The body is larger than what is taken.",
    "unsupported_media_type": "Send `Content-Type: application/json`, and the body not compressed.",
    "range_not_satisfiable": "The log has no such bytes; the header `Content-Range` says how many it has.",
    "misdirected": "The server has another name than the one that was asked: `public-url` is its name.",
    "invalid": "A parameter or a field is wrong; `errors` names each by its `pointer`.",
    "too_many_requests": "Calls come too fast. `Retry-After` says after how many seconds to go on.",
    "failed": "A fault of ctci. Its log has the cause under `request_id`.",
    "unavailable": "Something that it takes is away now: the ledger, or a remote. Try again in a while.",
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
