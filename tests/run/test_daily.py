"""When a daily time has come last, in any zone and over any change of its clock."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci.run import daily

ZONES = ("UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia")
HOUR_MS = 3600 * 1000


def ms(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("zone", "at", "now", "last"),
    [
        ("UTC", "03:30", "2026-11-25T03:29:59Z", "2026-11-24T03:30:00Z"),
        ("UTC", "03:30", "2026-11-25T03:30:00Z", "2026-11-25T03:30:00Z"),
        ("Europe/Berlin", "03:30", "2026-11-25T02:30:00Z", "2026-11-25T02:30:00Z"),
        ("Europe/Berlin", "00:00", "2026-11-24T23:30:00Z", "2026-11-24T23:00:00Z"),
        # The clock goes from 02:00 to 03:00: 02:30 is half an hour after that.
        ("Europe/Berlin", "02:30", "2026-03-29T12:00:00Z", "2026-03-29T01:30:00Z"),
        # It is 02:30 twice: the first counts.
        ("Europe/Berlin", "02:30", "2026-10-25T12:00:00Z", "2026-10-25T00:30:00Z"),
        # 30 December 2011 was left out.
        ("Pacific/Apia", "03:30", "2011-12-30T13:00:00Z", "2011-12-29T13:30:00Z"),
    ],
)
def test_it_is_the_wall_clocks_time(zone: str, at: str, now: str, last: str) -> None:
    assert daily.last(at, zone, ms(now)) == ms(last)


moments = st.datetimes(dt.datetime(2005, 1, 1), dt.datetime(2035, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001
times = st.times().map(lambda each: each.strftime("%H:%M"))


@given(moment=moments, at=times, zone=st.sampled_from(ZONES))
def test_it_has_come_it_is_the_last_and_it_stays_until_the_next(moment: dt.datetime, at: str, zone: str) -> None:
    now = int(moment.timestamp() * 1000)

    last = daily.last(at, zone, now)

    assert last <= now
    # A day that is left out, or an hour that is put in, is all that may come between.
    assert now - last < 50 * HOUR_MS
    assert daily.last(at, zone, last) == last
    assert daily.last(at, zone, last - 1) < last
    # On the wall it says so, unless that time was left out.
    wall = dt.datetime.fromtimestamp(last / 1000, ZoneInfo(zone)).strftime("%H:%M")
    gap = dt.datetime.fromtimestamp(last / 1000 - 26 * 3600, ZoneInfo(zone)).utcoffset()
    assert wall == at or gap != dt.datetime.fromtimestamp(last / 1000, ZoneInfo(zone)).utcoffset()


@given(moment=moments, at=times, zone=st.sampled_from(ZONES), later_s=st.integers(0, 400_000))
def test_later_is_never_earlier(moment: dt.datetime, at: str, zone: str, later_s: int) -> None:
    now = int(moment.timestamp() * 1000)

    assert daily.last(at, zone, now) <= daily.last(at, zone, now + later_s * 1000)
