"""When a recipient's digest is due: once for each nominal date in the recipient's time zone, however the clocks change.

Pure: it is told what time it is. Times are Unix milliseconds, dates are ISO: `2026-11-24`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ctci.config import times
from ctci.config.settings import Digest

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Nominal:
    """A digest that is to come."""

    #: With the recipient it names the digest: there is never a second one.
    date: str
    at: int


@dataclass(frozen=True, kw_only=True)
class Due:
    """A digest that is to go now."""

    date: str
    #: How many digests before it did not go, and are told of in this one.
    missed: int


@dataclass(frozen=True, kw_only=True)
class Firing:
    """A nominal time of the schedule that a digest waits for, past or still to come."""

    at: int
    #: When all of its runs had ended; None while one has not, or has not begun.
    settled_at: int | None


def due(digest: Digest, timezone: str, told: str, now: int, firings: Sequence[Firing] = ()) -> Due | None:
    """What is to go to a recipient whose last digest was that of the date `told`; None: nothing yet.

    After a downtime the newest date alone is due. With `after`, that of today is due before its time, as soon as what
    fired since this time of yesterday has settled; `firings` has that schedule's times of today and yesterday.
    """
    zone = ZoneInfo(timezone)
    newest = date.fromisoformat(latest(digest, timezone, now))
    today = datetime.fromtimestamp(now / 1000, zone).date()
    if newest < today and _settled(digest, zone, today, now, firings):
        newest = today
    days = _days(digest, date.fromisoformat(told), newest)
    return Due(date=newest.isoformat(), missed=len(days) - 1) if days else None


def latest(digest: Digest, timezone: str, now: int) -> str:
    """The last date whose time has come. For a new recipient it counts as told: nobody is told of what was before."""
    zone = ZoneInfo(timezone)
    day = datetime.fromtimestamp(now / 1000, zone).date()
    while not _is_day(digest, day) or _instant(day, digest.at, zone) > now:
        day -= _DAY
    return day.isoformat()


def at_latest(digest: Digest, timezone: str, day: str) -> int:
    """When the digest of a date has to go."""
    return _instant(date.fromisoformat(day), digest.at, ZoneInfo(timezone))


def following(digest: Digest, timezone: str, told: str) -> Nominal:
    """The first digest after that of the date `told`, at the latest possible time."""
    day = date.fromisoformat(told) + _DAY
    while not _is_day(digest, day):
        day += _DAY
    return Nominal(date=day.isoformat(), at=_instant(day, digest.at, ZoneInfo(timezone)))


def _settled(digest: Digest, zone: ZoneInfo, today: date, now: int, firings: Sequence[Firing]) -> bool:
    """Whether all that today's digest waits for has ended, and there was something to wait for."""
    if digest.after is None or not _is_day(digest, today):
        return False
    since, until = _instant(today - _DAY, digest.at, zone), _instant(today, digest.at, zone)
    awaited = [firing.settled_at for firing in firings if since < firing.at <= until]
    return bool(awaited) and all(settled is not None and settled <= now for settled in awaited)


def _days(digest: Digest, after: date, until: date) -> list[date]:
    """The days with a digest after one date, until another."""
    return [day for number in range((until - after).days) if _is_day(digest, day := until - number * _DAY)]


def _is_day(digest: Digest, day: date) -> bool:
    return day.weekday() in times.weekdays(digest.days)


def _instant(day: date, at: str, zone: ZoneInfo) -> int:
    """When a wall clock shows `at`: of two such times the first; for none the first minute that there is after it."""
    hour, _, minute = at.partition(":")
    wall = datetime.combine(day, time(int(hour), int(minute)))
    while (moment := wall.replace(tzinfo=zone).astimezone(UTC)).astimezone(zone).replace(tzinfo=None) != wall:
        wall += _MINUTE
    return round(moment.timestamp() * 1000)
