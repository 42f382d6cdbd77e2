"""Schedules against a look at every minute of the calendar, and against croniter, where clocks change, 2024 to 2030.

CTCI_ZONES=all holds them to every change of every zone; otherwise to those of some zones in 2024.
"""

import os
import re
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise, product, takewhile
from zoneinfo import ZoneInfo, available_timezones

import pytest
from croniter import croniter
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ctci.config import forms, times
from ctci.receive import cron
from ctci.receive.cron import Due, Nominal

HOUR, DAY = 3600, 86_400
#: No clock jumps farther in these years.
FARTHEST = 3 * HOUR
#: Changes by an hour, by half of one and by two; at midnight and before it; for Ramadan; by decree; for good; none.
ZONES = (
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Asuncion",
    "America/Havana",
    "America/Nuuk",
    "America/Santiago",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Almaty",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Pacific/Chatham",
    "UTC",
)
BERLIN, HAVANA, LORD_HOWE, TROLL = "Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Antarctica/Troll"
CASABLANCA, APIA, ALMATY = "Africa/Casablanca", "Pacific/Apia", "Asia/Almaty"
ALL = os.environ.get("CTCI_ZONES") == "all"
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
#: minute, hour, day of the month, month, day of the week
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def numbers(field: str, low: int, high: int) -> set[int]:
    """What a field of cron names."""
    found: set[int] = set()
    for term in field.split(","):
        span, _, step = term.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        start, stop = (number(end) for end in (first, last or (str(high) if step else first)))
        found |= set(range(start, stop + 1, int(step or 1)))
    return found


def number(text: str) -> int:
    if text in MONTHS:
        return MONTHS.index(text) + 1
    return WEEKDAYS.index(text) if text in WEEKDAYS else int(text)


def oracle(line: str, zone: ZoneInfo, since: int, until: int) -> list[int]:
    """When it fires, by cron's rules and a look at every minute."""
    fields = line.split()
    minutes, hours, days, months, weekdays = (numbers(f, *ends) for f, ends in zip(fields, BOUNDS, strict=True))
    joined = all if "*" in (fields[2][0], fields[4][0]) else any
    found: list[int] = []
    for minute in calendar(zone, since - FARTHEST, until + FARTHEST):
        if minute.minute not in minutes or minute.hour not in hours or minute.month not in months:
            continue
        if not joined((minute.day in days, not weekdays.isdisjoint((minute.isoweekday() % 7, minute.isoweekday())))):
            continue
        there = instants(minute, zone)
        while not there and len(hours) < 24:
            minute += timedelta(minutes=1)  # noqa: PLW2901 - the next valid one
            there = instants(minute, zone)[:1]
        found += there if "*" in (fields[0][0], fields[1][0]) else there[:1]
    return sorted({at for at in found if since < at <= until})


def calendar(zone: ZoneInfo, since: int, until: int) -> Iterator[datetime]:
    """Every minute of the calendar, whether the clock on the wall ever shows it or not."""
    minute, last = (datetime.fromtimestamp(at - at % 60, zone).replace(tzinfo=None, fold=0) for at in (since, until))
    while minute <= last:
        yield minute
        minute += timedelta(minutes=1)


def instants(minute: datetime, zone: ZoneInfo) -> list[int]:
    """When the clock on the wall shows it: never, once or twice."""
    both = [minute.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
    if both[0].utcoffset() == both[1].utcoffset():
        return [int(both[0].timestamp())]
    ats = [int(each.timestamp()) for each in both]
    return [at for at in ats if datetime.fromtimestamp(at, zone).replace(tzinfo=None) == minute]


@cache
def changes(name: str, first: int = 2024, last: int = 2030) -> tuple[int, ...]:
    """The first seconds of another offset."""
    zone = ZoneInfo(name)

    def offset(at: int) -> timedelta | None:
        return datetime.fromtimestamp(at, zone).utcoffset()

    began, ended = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (first, last + 1))
    return tuple(
        half + bisect_left(range(half, half + DAY // 2), True, key=lambda at: offset(at) != offset(half))
        for half in range(began, ended, DAY // 2)
        if offset(half) != offset(half + DAY // 2)
    )


def moments(name: str, first: int = 2024, last: int = 2030) -> tuple[int, ...]:
    """What is worth a look: the changes, or where there are none some day."""
    return changes(name, first, last) or (int(datetime(2028, 2, 28, 22, tzinfo=UTC).timestamp()),)


@dataclass(frozen=True, kw_only=True)
class Case:
    line: str
    name: str
    #: Unix ms.
    since: int
    until: int

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.name)

    def fires(self) -> list[int]:
        """In seconds, as the oracle finds them."""
        return oracle(self.line, self.zone, self.since // 1000, self.until // 1000)


@st.composite
def fields(draw: st.DrawFn, low: int, high: int, near: tuple[int, ...], words: tuple[str, ...] = ()) -> str:
    """A field of cron, which mostly names what is near."""
    some = st.sampled_from((*near * (2 * (high - low) // len(near)), *range(low, high + 1)))
    spelled = words if draw(st.booleans()) else ()

    def spell(at: int) -> str:
        return spelled[at - low] if at - low < len(spelled) else str(at)

    def term(kind: str) -> str:
        if kind == "*/":
            return f"*/{draw(STEP)}"
        if kind == "-":
            first, last = sorted((draw(some), draw(some)))
            return f"{spell(first)}-{spell(last)}{draw(st.just('') | STEP.map('/{}'.format))}"
        one = spell(draw(some))
        return f"{one}/{draw(STEP)}" if kind == "/" else one

    kind = draw(st.sampled_from(("*", "*/", "-", "", "", "/", ",", "all")))
    if kind == ",":
        return ",".join(term(each) for each in draw(st.lists(st.sampled_from(("", "-", "*/")), min_size=2, max_size=3)))
    # Where `5/2` ends is not cron's to say; in days of the week croniter stops at six, and loses a Sunday.
    kind = "" if kind == "/" and words == WEEKDAYS else kind
    return {"*": "*", "all": f"{low}-{high}"}.get(kind) or term(kind)


STEP = st.integers(1, 13)
PLACES = [(name, at) for name in ZONES for at in moments(name)]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A line, and a while in which the clock mostly changes."""
    name, at = draw(st.sampled_from(PLACES))
    walls = [datetime.fromtimestamp(at + shift, ZoneInfo(name)) for shift in (-1, 0)]
    days = (
        (1, 31, tuple(wall.day for wall in walls)),
        (1, 12, tuple(wall.month for wall in walls), MONTHS),
        (0, 7, tuple(wall.isoweekday() for wall in walls), WEEKDAYS),
    )
    line = (
        draw(fields(0, 59, (0, 15, 29, 30, 59))),
        draw(fields(0, 23, tuple((wall.hour + shift) % 24 for wall in walls for shift in (-1, 0, 1)))),
        *(draw(fields(*each)) if draw(st.sampled_from((False, False, True))) else "*" for each in days),
    )
    assume(not times.never(" ".join(line)))
    since = (at - 14 * HOUR + draw(st.integers(0, 15 * 60)) * 60) * 1000 + draw(st.integers(0, 60_000)) - 1
    until = max(since, (at + 8 * HOUR - draw(st.integers(0, 9 * 60)) * 60) * 1000)
    return Case(line=" ".join(line), name=name, since=since, until=until)


def ms(text: str) -> int:
    """Unix ms."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def ats(found: tuple[Nominal, ...]) -> list[int]:
    """In seconds."""
    return [nominal.at // 1000 for nominal in found]


@settings(max_examples=2000, deadline=None, database=None, derandomize=True)
@given(cases())
def test_what_is_due_is_what_a_look_at_every_minute_finds(case: Case) -> None:
    found = cron.due(case.line, case.name, case.since, case.until, most=10_000)

    assert case.fires() == ats(found.times)
    assert found.earlier == 0
    assert [nominal.at for nominal in found.times] == [ms(nominal.key) for nominal in found.times]
    assert len({nominal.key for nominal in found.times}) == len(found.times)


@settings(max_examples=500, deadline=None, database=None, derandomize=True)
@given(cases(), st.lists(st.floats(0, 1), max_size=4), st.integers(0, 20))
def test_what_is_due_is_the_same_in_one_look_or_in_many(case: Case, cuts: list[float], most: int) -> None:
    looks = [case.since, *sorted(case.since + int(cut * (case.until - case.since)) for cut in cuts), case.until]

    whole = cron.due(case.line, case.name, case.since, case.until, most=10_000).times
    found = [cron.due(case.line, case.name, since, now, most=10_000).times for since, now in pairwise(looks)]
    newest = cron.due(case.line, case.name, case.since, case.until, most=most)
    first = cron.upcoming(case.line, case.name, case.since, case.until, most)
    following = cron.next_after(case.line, case.name, case.since)

    assert whole == tuple(nominal for each in found for nominal in each)
    assert whole == (*whole[: newest.earlier], *newest.times)
    assert min(len(whole), most) == len(newest.times)
    assert whole[:most] == first
    assert following == whole[0] if whole else following.at > case.until


def by_croniter(case: Case, until: int, *, star_rule: bool = True) -> list[int]:
    """When croniter fires, in seconds. It knows cron's rule of the star in days, but must be asked for it."""
    fires = croniter(case.line, datetime.fromtimestamp(case.since // 1000, case.zone), implement_cron_bug=star_rule)
    found = iter(lambda: int(fires.get_next(float)), None)
    return list(takewhile(lambda at: at <= until // 1000, found))


def is_second(at: int, zone: ZoneInfo) -> bool:
    """Whether the clock on the wall shows this time for the second time."""
    return bool(datetime.fromtimestamp(at, zone).fold)


def croniter_differs_in_the_second_of_two_equal_hours_only(case: Case) -> None:
    # It is slow: thirty at most.
    found = cron.upcoming(case.line, case.name, case.since, case.until, 30)
    ours = ats(found)
    theirs = by_croniter(case, found[-1].at if len(found) == 30 else case.until)

    apart = [[at for at in each if not is_second(at, case.zone)] for each in (ours, theirs)]
    assert (case, apart[0]) == (case, apart[1])
    # In that hour it fires fixed times once more; and it loses some of those of other lines.
    again = [at for at in theirs if is_second(at, case.zone)]
    if "*" in (case.line[0], case.line.split()[1][0]):
        assert set(again) <= set(ours)
        return
    assert not any(is_second(at, case.zone) for at in ours)
    for at in again:
        first = int(datetime.fromtimestamp(at, case.zone).replace(fold=0).timestamp())
        assert [first] == oracle(case.line, case.zone, first - 1, first)


@settings(max_examples=2000, deadline=None, database=None, derandomize=True)
@given(cases())
def test_croniter_agrees_but_for_the_second_of_two_equal_hours(case: Case) -> None:
    # A range of one value is all values to it, and so is a list of days with a star among them.
    assume(re.search(r"\b(\w+)-\1\b", case.line) is None)
    assume(not any("*" in days and "," in days for days in (case.line.split()[2], case.line.split()[4])))

    croniter_differs_in_the_second_of_two_equal_hours_only(case)


def test_in_the_second_of_two_equal_hours_croniter_fires_fixed_times_again() -> None:
    night = Case(line="30 2 * * *", name=BERLIN, since=ms("2026-10-25T00:00+02:00"), until=ms("2026-10-26T00:00+01:00"))

    theirs = by_croniter(night, night.until)

    assert [ms("2026-10-25T02:30+02:00") // 1000] == night.fires()
    assert [*night.fires(), ms("2026-10-25T02:30+01:00") // 1000] == theirs


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(st.sampled_from(PLACES), st.integers(0, 23), st.integers(2, 15), st.integers(1, 6), st.booleans())
def test_croniter_takes_either_day_where_one_of_two_begins_with_a_star(
    place: tuple[str, int], hour: int, step: int, day: int, turned: bool
) -> None:
    name, at = place
    days = (str(day), f"*/{min(step, 6)}") if turned else (f"*/{step}", str(day))
    case = Case(line=f"5 {hour} {days[0]} * {days[1]}", name=name, since=at * 1000, until=(at + 40 * DAY) * 1000)

    ours = cron.upcoming(case.line, name, case.since, case.until, 99)
    alone = [f"5 {hour} {days[0]} * *", f"5 {hour} * * {days[1]}"]
    month, week = ({*cron.upcoming(line, name, case.since, case.until, 99)} for line in alone)
    theirs = by_croniter(case, case.until, star_rule=False)

    assert month & week == set(ours)
    assert {nominal.at // 1000 for nominal in month | week} == {at for at in theirs if not is_second(at, case.zone)}


@pytest.mark.parametrize("name", sorted(available_timezones()) if ALL else ZONES)
def test_every_change_of_a_zone_moves_loses_and_doubles_as_a_look_at_every_minute_says(name: str) -> None:
    zone = ZoneInfo(name)
    for at in moments(name, 2024, 2030 if ALL else 2024):
        since, until = at - 4 * HOUR, at + 28 * HOUR
        for line in telling(at, zone):
            # Looks that meet before, at, in and after the change.
            looks = (since, at - 1, at, at + 20 * 60, at + HOUR, until)
            found = [cron.due(line, name, a * 1000, b * 1000, most=9999).times for a, b in pairwise(looks)]

            assert (line, oracle(line, zone, since, until)) == (line, [at for each in found for at in ats(each)])
            near = Case(line=line, name=name, since=(at - 2 * HOUR) * 1000, until=until * 1000)
            croniter_differs_in_the_second_of_two_equal_hours_only(near)


def telling(at: int, zone: ZoneInfo) -> set[str]:
    """Lines that a change at this time may move, lose or double."""
    before, after = (datetime.fromtimestamp(at + shift, zone) for shift in (-60, 0))
    found = {"*/20 * * * *", "30 * * * *", "0 0 * * *", "15 */2 * * *", "45 0-23/3 * * *", "0 0 29 2 *", "59 23 * * *"}
    for wall in (before, after, before + timedelta(minutes=25), after - timedelta(minutes=25)):
        weekday = wall.isoweekday() % 7
        found |= {
            f"{wall.minute} {wall.hour} * * *",
            f"*/25 {wall.hour} * * *",
            f"{wall.minute},30 {wall.hour},{(wall.hour + 1) % 24} {wall.day} {wall.month} *",
            f"5-55/10 * {wall.day} * {weekday}",
            f"10,50 {wall.hour} */2 * {WEEKDAYS[weekday]}",
        }
    return found


@pytest.mark.parametrize(
    ("line", "name", "days", "expected"),
    [
        # A night of 23 hours, and one of 25.
        ("30 2 * * *", BERLIN, "2026-03-28/2026-03-30", ["28T02:30+01:00", "29T03:00+02:00", "30T02:30+02:00"]),
        ("0,30 2 * * *", BERLIN, "2026-03-29/2026-03-29", ["29T03:00+02:00"]),
        ("30 2,3 * * *", BERLIN, "2026-03-29/2026-03-29", ["29T03:00+02:00", "29T03:30+02:00"]),
        ("*/30 2 * * *", BERLIN, "2026-03-29/2026-03-29", ["29T03:00+02:00"]),
        ("30 2 * * *", BERLIN, "2026-10-25/2026-10-26", ["25T02:30+02:00", "26T02:30+01:00"]),
        (
            "*/30 2 * * *",
            BERLIN,
            "2026-10-25/2026-10-25",
            ["25T02:00+02:00", "25T02:30+02:00", "25T02:00+01:00", "25T02:30+01:00"],
        ),
        ("15 */2 * * *", BERLIN, "2026-10-25/2026-10-25", 13),
        ("15 * * * *", BERLIN, "2026-10-25/2026-10-25", 25),
        ("15 * * * *", BERLIN, "2026-03-29/2026-03-29", 23),
        ("* * * * *", BERLIN, "2026-03-29/2026-03-29", 23 * 60),
        # Midnight does not exist.
        ("0 0 * * *", HAVANA, "2026-03-07/2026-03-09", ["07T00:00-05:00", "08T01:00-04:00", "09T00:00-04:00"]),
        ("0 0 8 3 *", HAVANA, "2026-03-08/2026-03-09", ["08T01:00-04:00"]),
        ("0 * * * sun", HAVANA, "2026-03-08/2026-03-08", 23),
        # Half an hour.
        ("15 2 * * *", LORD_HOWE, "2026-10-04/2026-10-05", ["04T02:30+11:00", "05T02:15+11:00"]),
        ("*/20 3 * * *", LORD_HOWE, "2026-10-04/2026-10-04", ["04T03:00+11:00", "04T03:20+11:00", "04T03:40+11:00"]),
        ("45 1 * * *", LORD_HOWE, "2026-04-05/2026-04-06", ["05T01:45+11:00", "06T01:45+10:30"]),
        ("*/15 1 * * *", LORD_HOWE, "2026-04-05/2026-04-05", 6),
        # Two hours.
        ("0,30 1,2 * * *", TROLL, "2026-03-29/2026-03-29", ["29T03:00+02:00"]),
        ("30 1,2 * * *", TROLL, "2026-10-25/2026-10-25", ["25T01:30+02:00", "25T02:30+02:00"]),
        # Ramadan: the clock goes back for it, and forward after it.
        ("30 2 * * *", CASABLANCA, "2026-02-15/2026-02-16", ["15T02:30+01:00", "16T02:30+00:00"]),
        ("30 2 * * *", CASABLANCA, "2026-03-22/2026-03-23", ["22T03:00+01:00", "23T02:30+01:00"]),
        # A day that did not exist, and an hour before midnight that came twice in a leap year.
        ("30 2 * * *", APIA, "2011-12-29/2011-12-31", ["29T02:30-10:00", "31T00:00+14:00", "31T02:30+14:00"]),
        ("0 */12 * * *", APIA, "2011-12-29/2011-12-31", 4),
        ("30 23 29 2 *", ALMATY, "2024-02-28/2024-03-01", ["29T23:30+06:00"]),
        ("30 * 29 2 *", ALMATY, "2024-02-28/2024-03-01", 25),
        # The 13th, and every Friday; but both where one of them begins with a star.
        ("0 0 13 * fri", "UTC", "2026-03-10/2026-03-20", ["13T00:00+00:00", "20T00:00+00:00"]),
        ("0 0 14 * fri", "UTC", "2026-03-10/2026-03-20", ["13T00:00+00:00", "14T00:00+00:00", "20T00:00+00:00"]),
        ("0 0 */2 * fri", "UTC", "2026-03-10/2026-03-20", ["13T00:00+00:00"]),
        ("0 0 1-31/2 * fri", "UTC", "2026-03-10/2026-03-20", 6),
        ("0 0 10-13 * */2", "UTC", "2026-03-10/2026-03-20", ["10T00:00+00:00", "12T00:00+00:00"]),
        ("0 0 * * 0", "UTC", "2026-03-10/2026-03-20", ["15T00:00+00:00"]),
        ("0 0 * * 7", "UTC", "2026-03-10/2026-03-20", ["15T00:00+00:00"]),
        ("0 0 29 2 *", "UTC", "2026-01-01/2028-12-31", ["29T00:00+00:00"]),
        ("0 0 31 * *", "UTC", "2026-01-01/2026-12-31", 7),
        # A range of one, and from one on.
        ("5-5/20 0 * * *", "UTC", "2026-03-10/2026-03-10", ["10T00:05+00:00"]),
        ("05-5/20 0 1 JAN-jan/2 *", "UTC", "2026-01-01/2026-03-10", ["01T00:05+00:00"]),
        ("5/20 0 * * *", "UTC", "2026-03-10/2026-03-10", ["10T00:05+00:00", "10T00:25+00:00", "10T00:45+00:00"]),
    ],
)
def test_it_fires_when_cron_would(line: str, name: str, days: str, expected: list[str] | int) -> None:
    first, last = (datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(name)) for day in days.split("/"))
    since, until = (int(day.timestamp()) * 1000 for day in (first, last + timedelta(days=1)))

    found = cron.upcoming(line, name, since - 1, until - 1, 9999)

    # Without year and month, to be read at a glance.
    keys = [nominal.key[8:] for nominal in found]
    assert expected == (keys if isinstance(expected, list) else len(keys))


NIGHT = Nominal(at=ms("2026-11-24T02:30+01:00"), key="2026-11-24T02:30+01:00")
KEY = "schedule:shop/nightly@2026-11-24T02:30+01:00"


@pytest.mark.parametrize(
    ("since", "now", "expected"), [(-1, 0, (NIGHT,)), (0, 0, ()), (0, 1, ()), (-1000, -1, ()), (-1, 59_999, (NIGHT,))]
)
def test_a_time_is_due_from_its_moment_on_and_only_once(since: int, now: int, expected: tuple[Nominal, ...]) -> None:
    assert expected == cron.due("30 2 * * *", BERLIN, NIGHT.at + since, NIGHT.at + now).times


def test_nothing_is_due_when_the_clock_was_set_back() -> None:
    for back in (1, HOUR, DAY, 40 * DAY):
        assert cron.due("* * * * *", BERLIN, NIGHT.at, NIGHT.at - back * 1000) == Due(times=(), earlier=0)


def test_a_year_of_missed_minutes_is_counted_without_a_walk_through_them() -> None:
    since, now = ms("2025-11-24T02:30+01:00"), NIGHT.at
    began = time.process_time()

    minutes = cron.due("* * * * *", BERLIN, since, now, most=1)
    hours = cron.due("30 * * * *", BERLIN, since, now, most=1)
    nights = cron.due("30 2 * * *", BERLIN, since, now, most=1)

    # A walk by cronsim takes some 40 s.
    assert time.process_time() - began < 2
    assert [Due(times=(NIGHT,), earlier=count - 1) for count in (365 * 24 * 60, 365 * 24, 365)] == [
        minutes,
        hours,
        nights,
    ]


def test_the_next_time_may_be_forty_years_away() -> None:
    assert cron.next_after("0 0 29 2 */7", "UTC", ms("2088-02-29T00:00Z")).key == "2128-02-29T00:00+00:00"


def test_two_things_never_have_one_key_and_it_tells_the_schedule() -> None:
    names = [f"a{''.join(rest)}" for length in range(3) for rest in product("a.-", repeat=length)]
    nominals = cron.upcoming("*/30 1,2 * * *", BERLIN, ms("2026-10-25T00:00+02:00"), ms("2026-10-26T00:00+01:00"), 9)
    refs = ["", "refs/heads/a", "refs/heads/a-a", "refs/heads/a@2026-10-25T02:30+01:00", "refs/tags/a"]

    wanted = list(product(names, names, nominals, refs))
    keys = [cron.schedule_key(*each) for each in wanted]

    assert [cron.schedule_of(key) for key in keys] == [schedule for _, schedule, _, _ in wanted]
    assert all(forms.is_name(name) for name in names)
    assert not any(forms.is_name(f"a{between}a") for between in "/@:")
    assert 13 * 13 * 6 * 5 == len(keys) == len(set(keys))


def test_the_key_can_be_read_aloud() -> None:
    assert cron.schedule_key("shop", "nightly", NIGHT) == "schedule:shop/nightly@2026-11-24T02:30+01:00"
    assert (
        cron.schedule_key("shop", "n", NIGHT, "refs/heads/a") == "schedule:shop/n@2026-11-24T02:30+01:00:refs/heads/a"
    )


def test_fifty_projects_at_one_time_do_not_start_as_one() -> None:
    keys = [cron.schedule_key(f"project-{number}", "nightly", NIGHT) for number in range(50)]

    minutes = Counter(cron.jitter(key, 1800) // 60 for key in keys)

    assert len(minutes) > 20
    assert max(minutes.values()) < 6


@given(st.text(), st.integers(1, 100_000))
def test_a_start_is_put_off_by_less_than_the_spread(key: str, spread_s: int) -> None:
    assert 0 <= cron.jitter(key, spread_s) < spread_s


def test_a_start_is_put_off_to_the_same_second_after_a_restart_too() -> None:
    assert [cron.jitter(KEY, spread_s) for spread_s in (0, 1, 1800)] == [0, 0, 1183]
