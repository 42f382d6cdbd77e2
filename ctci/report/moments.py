"""Times as a digest says them: by the recipient's clock, and no longer than it needs to be told from others. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from ctci.report.digest import Facts

#: Within so many milliseconds a day of the week names a day.
_WEEK_MS = 6 * 86_400_000
_DAY_MS = 86_400_000


def full(facts: Facts, at: int) -> str:
    """`Mon 23 Nov 07:30`, by the recipient's clock; `Mon 2 Mar 2025 07:30` of another year."""
    return said(at, facts.until, facts.timezone)


def said(at: int, now: int, timezone: str) -> str:
    """The same by the clock of a zone, of a year that is not that of `now` with its year."""
    there, here = _there(at, timezone), _there(now, timezone)
    return there.strftime("%a %-d %b %H:%M" if there.year == here.year else "%a %-d %b %Y %H:%M") + _twice(there)


def near(facts: Facts, at: int) -> str:
    """`Mon 16:04`, where that can be no other day."""
    there = _clock(facts, at)
    return there.strftime("%a %H:%M") + _twice(there) if abs(facts.until - at) <= _WEEK_MS else full(facts, at)


def _clock(facts: Facts, at: int) -> datetime:
    return _there(at, facts.timezone)


def _there(at: int, timezone: str) -> datetime:
    return datetime.fromtimestamp(at / 1000, ZoneInfo(timezone))


def _twice(there: datetime) -> str:
    """Which of the two, of a time that there is twice: ` CEST`."""
    other = there.replace(fold=1 - there.fold)
    return f" {there.tzname()}" if other.utcoffset() != there.utcoffset() else ""


def soon(facts: Facts, at: int) -> str:
    """`02:30`, `Sun 04:00`, or the whole moment: no more than what tells it from others to come."""
    return near(facts, at).partition(" ")[2] if at - facts.until < _DAY_MS else near(facts, at)


def hour(facts: Facts, at: int) -> str:
    """`07:30`."""
    there = _clock(facts, at)
    return there.strftime("%H:%M") + _twice(there)


def day(facts: Facts, at: int) -> str:
    """`Mon 23 Nov`."""
    return _clock(facts, at).strftime("%a %-d %b")
