"""Which nominal times of a line of cron are due in a time zone, each once and none lost, however the clocks change.

Pure: it is told what time it is. cronsim reads the line and knows its days; how the clocks change is decided here.
"""

import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim

# In a doubled hour a line fires as cron does: fixed times once, in the first of the two; a line whose minutes or hours
# begin with a star goes by elapsed time, through both. What falls into an hour that does not exist fires as soon as the
# clock has jumped over it, all at once and together with what is due then: no night is lost, not by `*/15 2 * * *`
# either. Only a line for every hour goes on in the next.
#
# cronsim does not walk through the changes of a zone here. After one of no whole hour it loses times (`* 3 * * *` at
# Lord Howe) or goes round and round for ever (the same in the Chatham Islands); from the second of two equal hours it
# returns to the first; and in Havana `0 * * * sun` fires at a midnight that does not exist.

_DAY = 86_400
#: Nothing is farther away: leap days that are Sundays are forty years apart at the most.
_FAR = 50 * 366 * _DAY
_EPOCH = date(1970, 1, 1).toordinal()
#: cronsim takes `5-5/2` for `5/2`, every second from five on.
_STEP_OF_ONE = re.compile(r"\b0*(\w+)-0*\1/\d+", re.IGNORECASE)
#: Any will do: the line is read, not walked.
_SOME_DAY = datetime(2026, 1, 1)  # noqa: DTZ001 - a wall clock's


@dataclass(frozen=True, kw_only=True)
class Nominal:
    """A time at which a schedule fires."""

    #: Unix ms.
    at: int
    #: The same in local time, to the minute: `2026-11-24T02:30+01:00`.
    key: str


@dataclass(frozen=True, kw_only=True)
class Due:
    """What became due since one looked last."""

    #: The newest, oldest of them first.
    times: tuple[Nominal, ...]
    #: How many came before those.
    earlier: int


@dataclass(frozen=True, kw_only=True)
class _Line:
    """A line of cron."""

    #: The times of any of its days, in seconds.
    times: tuple[int, ...]
    #: Whether they fire twice in a doubled hour.
    again: bool
    #: Whether it fires in every hour.
    hourly: bool
    sim: CronSim


@dataclass(frozen=True, kw_only=True)
class _Stretch:
    """At most a day in which the clock on the wall runs evenly, and what it passes. All in seconds."""

    start: int
    offset: int
    #: What fires here: the local times from `low` on and below `high`; those that the clock jumped over, at the start.
    low: int
    high: int


def due(line: str, timezone: str, since: int, now: int, *, most: int = 100) -> Due:
    """The newest nominal times after `since` and until `now`, and the number of the others: exact, and cheap for years.

    `line`: one that config has no fault to find with; so for all here.
    """
    read, zone = _read(line), ZoneInfo(timezone)
    stretches = list(_stretches(read, zone, since // 1000, now // 1000))
    newest: list[int] = []
    for stretch in reversed(stretches):
        newest[:0] = _fires(read, stretch)
        if len(newest) >= most:
            break
    times = tuple(_nominal(at, zone) for at in newest[max(len(newest) - most, 0) :])
    return Due(times=times, earlier=sum(_count(read, each) for each in stretches) - len(times))


def upcoming(line: str, timezone: str, after: int, until: int, most: int) -> tuple[Nominal, ...]:
    """The first nominal times after `after` and until `until`, at most so many."""
    read, zone = _read(line), ZoneInfo(timezone)
    stretches = _stretches(read, zone, after // 1000, until // 1000)
    fires = (at for stretch in stretches for at in _fires(read, stretch))
    return tuple(_nominal(at, zone) for at in islice(fires, most))


def next_after(line: str, timezone: str, after: int) -> Nominal:
    """The first nominal time after `after`."""
    return upcoming(line, timezone, after, after + _FAR * 1000, 1)[0]


def schedule_key(project: str, schedule: str, nominal: Nominal, ref: str = "") -> str:
    """The key of what a schedule asks for at a nominal time; of one ref, where it asks for several."""
    # Names hold neither `/` nor `@`.
    key = f"schedule:{project}/{schedule}@{nominal.key}"
    return f"{key}:{ref}" if ref else key


def schedule_of(key: str) -> str:
    """The name of the schedule whose key this is."""
    return key.partition("@")[0].partition("/")[2]


def jitter(key: str, spread_s: int) -> int:
    """By how many seconds the start of what has this key is put off: the same for ever, below `spread_s`."""
    # No chance of its own: a server that starts again puts it off to the same moment.
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % max(spread_s, 1)


@lru_cache(maxsize=1024)
def _read(line: str) -> _Line:
    sim = CronSim(_STEP_OF_ONE.sub(r"\1", line), _SOME_DAY)
    return _Line(
        times=tuple(sorted(hour * 3600 + minute * 60 for hour in sim.hours for minute in sim.minutes)),
        again=any(field.startswith("*") for field in line.split()[:2]),
        hourly=len(sim.hours) == 24,
        sim=sim,
    )


def _stretches(line: _Line, zone: ZoneInfo, since: int, until: int) -> Iterator[_Stretch]:
    """The stretches of (since, until], one after the other."""
    # Who begins in the second of two equal hours must know how far the clock had come in the first.
    start = since - _DAY
    before = offset = _offset(start, zone)
    while start <= until:
        # No zone changes twice within a day.
        stop, after = start + _DAY, _offset(start + _DAY, zone)
        if after != offset:
            stop = _change(start, stop, zone)
        # As if the clock had not been changed; what is before that has had its turn.
        low = start + before
        if line.again:
            low = min(low, start + offset)
        begun = max(start, since + 1)
        if line.hourly or begun > start:
            low = max(low, begun + offset)
        if begun < stop:
            yield _Stretch(start=begun, offset=offset, low=low, high=min(stop, until + 1) + offset)
        start, before, offset = stop, offset, after


def _change(start: int, stop: int, zone: ZoneInfo) -> int:
    """The first second after `start` with another offset; `stop` has one."""
    offset = _offset(start, zone)
    return start + bisect_left(range(start, stop), True, key=lambda at: _offset(at, zone) != offset)


def _offset(at: int, zone: ZoneInfo) -> int:
    moment = datetime.fromtimestamp(at, zone)
    return round((moment.utcoffset() or timedelta()).total_seconds())


def _fires(line: _Line, stretch: _Stretch) -> list[int]:
    """When the line fires in a stretch."""
    walls = (day * _DAY + time for day, times in _days(line, stretch.low, stretch.high) for time in times)
    return list(dict.fromkeys(max(wall - stretch.offset, stretch.start) for wall in walls))


def _count(line: _Line, stretch: _Stretch) -> int:
    """How often the line fires in a stretch."""
    passed = sum(len(times) for _, times in _days(line, stretch.low, stretch.high))
    # All that the clock jumped over fires at once, with what is due where it landed.
    jumped = sum(len(times) for _, times in _days(line, stretch.low, stretch.start + stretch.offset + 1))
    return passed - max(jumped - 1, 0)


def _days(line: _Line, low: int, high: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """The days of the line between two local times, the later one not among them, each with its times between them."""
    for day in range(low // _DAY, -(-high // _DAY)):
        that = date.fromordinal(_EPOCH + day)
        if that.month in line.sim.months and line.sim.match_day(that):
            midnight = day * _DAY
            yield day, line.times[bisect_left(line.times, low - midnight) : bisect_left(line.times, high - midnight)]


def _nominal(at: int, zone: ZoneInfo) -> Nominal:
    return Nominal(at=at * 1000, key=datetime.fromtimestamp(at, zone).isoformat(timespec="minutes"))
