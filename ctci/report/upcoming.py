"""What a digest that somebody asks for tells of: all since the last one, or what the one of a day told. Pure.

It is a digest beside those that come by the clock: it is never taken for the one of a day, so that one still comes, and
it ends a window only where it tells of all up to now.
"""

import datetime as dt
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from ctci.config.settings import Digest
from ctci.model import Sending
from ctci.report import dates

#: The courier's sink of digests, and what ends a window: the digest that was sent, or that there was nothing to send.
SINK, ENDING = "digest", ("sent", "quiet")
#: Why a digest that did not go in time is not sent any more.
OVERTAKEN = "the next digest tells of it"
#: Who has not got one yet is told of so long, milliseconds.
FIRST_MS = 24 * 3600 * 1000
#: Who was owed none for so long gets the next as if it were the first, milliseconds.
ANEW_MS = 30 * 24 * 3600 * 1000
#: The longest window: what it costs grows with what happened in it.
LONGEST_DAYS = 31
LONGEST_MS = LONGEST_DAYS * 24 * 3600 * 1000


@dataclass(frozen=True, kw_only=True)
class Window:
    """What a digest tells of: after `since` and up to `until`, Unix milliseconds."""

    #: The date that stands in it, ISO.
    date: str
    since: int
    until: int
    missed: int = 0
    first: bool = False
    #: Whether it would have begun earlier, and is not to be that long.
    cut: bool = False


def bounded(window: Window) -> Window:
    """The window, or the end of it that is not too long."""
    since = window.until - LONGEST_MS
    return window if since <= window.since else replace(window, since=since, cut=True)


def told(last: Sending) -> str:
    """The date up to which digests have come by the clock, as the last one of a receiver says."""
    body = last.body or {}
    return str(body.get("told", body.get("date")))


def is_new(last: Sending | None, at: int) -> bool:
    """Whether a receiver begins anew, whose last digest that was owed this is: it had none, or none for long."""
    body = (last.body if last is not None else None) or {}
    reached = int(body.get("until", 0))
    if "told" in body:
        # One that was asked for may be of a day long gone, while others come every day.
        reached = max(reached, _midnight(str(body["told"]), "UTC"))
    return not body or at - reached > ANEW_MS


def mark(ended: Sending) -> int:
    """Where the next digest begins after this one, which went out or had nothing to say; Unix milliseconds."""
    body = ended.body or {}
    return int(body.get("mark", body.get("until", 0)))


def is_first(ended: Sending | None) -> bool:
    """Whether nothing was told before."""
    return ended is None or "since" not in (ended.body or {})


def with_untold(window: Window, last: Sending | None, now: int) -> Window:
    """The window with that of `last` before it, if that one did not go: it is not sent any more once this one is owed.

    Of who is not told every day, and so has no window where there was nothing to tell. What its receiver had stopped is
    not told later, nor twice what another server sends at this moment.
    """
    body = (last.body if last is not None else None) or {}
    since = int(body.get("since", window.since))
    if last is None or not _is_untold(last, now) or not window.until - ANEW_MS < since < window.since:
        return window
    return replace(window, since=since, missed=window.missed + 1 + int(body.get("missed", 0)))


def _is_untold(last: Sending, now: int) -> bool:
    """Whether a digest did not go, and will not once the next is owed."""
    if last.state == "due":
        return last.held_until is None or last.held_until <= now
    return last.state == "given_up" or (last.state == "dropped" and last.last_error == OVERTAKEN)


def latest(asked: Digest, timezone: str, last: Sending | None, at: int) -> str:
    """The date up to which digests count as having come by the clock; of a new receiver, all up to now."""
    return dates.latest(asked, timezone, at) if last is None or is_new(last, at) else told(last)


def since_last(asked: Digest, timezone: str, last: Sending | None, ended: Sending | None, at: int) -> Window:
    """All since the last one; `last` and `ended` are the receiver's, owed and told."""
    if is_new(last, at):
        last = ended = None
    due = dates.due(asked, timezone, told(last), at) if last is not None else None
    window = Window(
        date=due.date if due is not None else day(timezone, at),
        since=mark(ended) if ended is not None else at - FIRST_MS,
        until=at,
        missed=due.missed if due is not None else 0,
        first=is_first(ended),
    )
    return bounded(window)


def of_date(asked: Digest, timezone: str, date: str, sent: Sending | None) -> Window | None:
    """What the digest of a date told: as `sent` has it, else between its time and that of the one before it.

    None: no digest comes on that day of the week.
    """
    body = (sent.body if sent is not None else None) or {}
    if "since" in body:
        return bounded(Window(date=date, since=int(body["since"]), until=int(body["until"])))
    nominal = dates.following(asked, timezone, _before(date))
    if nominal.date != date:
        return None
    earlier = dates.latest(asked, timezone, nominal.at - 1)
    return Window(date=date, since=dates.following(asked, timezone, _before(earlier)).at, until=nominal.at)


def since_day(timezone: str, date: str, at: int) -> Window:
    """All since a day began."""
    return bounded(Window(date=day(timezone, at), since=_midnight(date, timezone), until=at))


def day(timezone: str, at: int) -> str:
    """The date on the receiver's calendar."""
    return dt.datetime.fromtimestamp(at / 1000, ZoneInfo(timezone)).date().isoformat()


def _midnight(date: str, timezone: str) -> int:
    """When a day began, Unix milliseconds."""
    began = dt.datetime.combine(dt.date.fromisoformat(date), dt.time(), ZoneInfo(timezone))
    return round(began.timestamp() * 1000)


def _before(date: str) -> str:
    return (dt.date.fromisoformat(date) - dt.timedelta(days=1)).isoformat()
