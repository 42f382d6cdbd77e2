"""`Retry-After`: for how long the other side of a call asks to be left alone. Pure."""

import datetime as dt
import email.utils
from collections.abc import Mapping

#: Nobody is called again sooner, whatever is asked for: its clock, or ours, may be wrong; seconds.
LEAST_S = 1.0
#: A number of any length may be written: of more digits than these it is not read, but is longer than any bound.
_DIGITS = 9


def seconds(headers: Mapping[str, str], now: int, *, most_s: float) -> float | None:
    """What is asked for, as seconds or as a date, from LEAST_S to `most_s`; None where the header says neither.

    `headers` are by their names in lower case, `now` is Unix milliseconds.
    """
    given = headers.get("retry-after", "").strip()
    if given.isascii() and given.isdecimal():
        number = given.lstrip("0")
        return within(float(number or "0") if len(number) <= _DIGITS else 10.0**_DIGITS, most_s)
    try:
        at = email.utils.parsedate_to_datetime(given)
        # A date without a zone is in UTC, as every date of HTTP.
        at = at if at.tzinfo is not None else at.replace(tzinfo=dt.UTC)
        return within(at.timestamp() - now / 1000, most_s)
    except (TypeError, ValueError, OverflowError):
        return None


def within(wanted: float, most_s: float) -> float:
    """A wait that somebody asks for, in bounds."""
    return min(max(wanted, LEAST_S), most_s)
