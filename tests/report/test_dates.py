"""When a digest is due: days, changes of the clock, downtimes, and schedules that it waits for."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci.config.settings import Digest
from ctci.report import dates
from ctci.report.dates import Due, Firing

BERLIN = "Europe/Berlin"
DAILY = Digest(at="07:30")
NIGHTLY = Digest(at="09:00", after="nightly")


def at(text: str, timezone: str = BERLIN) -> int:
    """The Unix milliseconds of a local time; one with an offset is taken at its word."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(timezone))
    return round(moment.timestamp() * 1000)


def due(digest: Digest, told: str, now: str, *firings: Firing, timezone: str = BERLIN) -> Due | None:
    return dates.due(digest, timezone, told, at(now, timezone), firings)


def test_a_digest_is_due_at_its_minute_and_no_sooner() -> None:
    assert due(DAILY, "2026-11-23", "2026-11-24T07:29:59") is None
    assert Due(date="2026-11-24", missed=0) == due(DAILY, "2026-11-23", "2026-11-24T07:30")


def test_a_date_has_one_digest_even_when_its_time_is_changed() -> None:
    later = Digest(at="18:00")

    assert due(later, "2026-11-24", "2026-11-24T18:00") is None
    assert Due(date="2026-11-25", missed=0) == due(later, "2026-11-24", "2026-11-25T18:00")


def test_after_a_downtime_one_digest_is_due_for_all_that_did_not_go() -> None:
    assert Due(date="2026-11-24", missed=3) == due(DAILY, "2026-11-20", "2026-11-24T11:00")
    assert Due(date="2026-11-23", missed=2) == due(DAILY, "2026-11-20", "2026-11-24T06:00")


def test_days_without_a_digest_are_not_missed() -> None:
    weekdays = Digest(at="07:30", days=("mon-fri",))

    assert due(weekdays, "2026-11-27", "2026-11-29T12:00") is None
    assert Due(date="2026-11-30", missed=0) == due(weekdays, "2026-11-27", "2026-11-30T07:30")


def test_a_new_recipient_is_told_from_the_next_time_on() -> None:
    assert dates.latest(DAILY, BERLIN, at("2026-11-24T07:29")) == "2026-11-23"
    assert dates.latest(DAILY, BERLIN, at("2026-11-24T07:30")) == "2026-11-24"
    assert dates.latest(Digest(at="07:30", days=("wed",)), BERLIN, at("2026-11-24T12:00")) == "2026-11-18"


def test_the_footer_names_the_next_digest() -> None:
    following = dates.following(Digest(at="07:30", days=("mon-fri",)), BERLIN, "2026-11-27")

    assert (following.date, following.at) == ("2026-11-30", at("2026-11-30T07:30"))


@pytest.mark.parametrize(
    ("timezone", "time", "day", "moment"),
    [
        # 02:30 is not there: the clock jumps from 02:00 to 03:00.
        (BERLIN, "02:30", "2026-03-29", "2026-03-29T03:00+02:00"),
        (BERLIN, "07:30", "2026-03-29", "2026-03-29T07:30+02:00"),
        # 02:30 is there twice.
        (BERLIN, "02:30", "2026-10-25", "2026-10-25T02:30+02:00"),
        (BERLIN, "07:30", "2026-10-25", "2026-10-25T07:30+01:00"),
        # The clock jumps by half an hour, and at midnight.
        ("Australia/Lord_Howe", "02:10", "2026-10-04", "2026-10-04T02:30+11:00"),
        ("America/Havana", "00:15", "2026-03-08", "2026-03-08T01:00-04:00"),
        # A whole day is not there.
        ("Pacific/Apia", "07:30", "2011-12-30", "2011-12-31T00:00+14:00"),
    ],
)
def test_a_time_that_is_not_there_is_the_next_that_is_and_of_two_the_first(
    timezone: str, time: str, day: str, moment: str
) -> None:
    yesterday = (date.fromisoformat(day) - timedelta(days=1)).isoformat()

    following = dates.following(Digest(at=time), timezone, yesterday)

    assert (following.date, following.at) == (day, at(moment))


def test_in_a_doubled_hour_a_digest_is_due_once() -> None:
    night = Digest(at="02:30")

    assert Due(date="2026-10-25", missed=0) == due(night, "2026-10-24", "2026-10-25T02:30+02:00")
    assert due(night, "2026-10-25", "2026-10-25T02:30+01:00") is None


def test_after_a_schedule_a_digest_is_due_when_all_its_runs_have_settled() -> None:
    first = Firing(at=at("2026-11-24T02:30"), settled_at=at("2026-11-24T03:10"))
    still = Firing(at=at("2026-11-24T04:00"), settled_at=None)
    settled = Firing(at=at("2026-11-24T04:00"), settled_at=at("2026-11-24T05:20"))

    assert due(NIGHTLY, "2026-11-23", "2026-11-24T03:10", first, still) is None
    assert due(NIGHTLY, "2026-11-23", "2026-11-24T05:19", first, settled) is None
    assert Due(date="2026-11-24", missed=0) == due(NIGHTLY, "2026-11-23", "2026-11-24T05:20", first, settled)


def test_after_a_schedule_a_digest_is_due_at_its_time_at_the_latest_and_then_not_again() -> None:
    still = Firing(at=at("2026-11-24T02:30"), settled_at=None)
    settled = Firing(at=at("2026-11-24T02:30"), settled_at=at("2026-11-24T03:10"))

    assert due(NIGHTLY, "2026-11-23", "2026-11-24T08:59", still) is None
    assert Due(date="2026-11-24", missed=0) == due(NIGHTLY, "2026-11-23", "2026-11-24T09:00", still)
    assert due(NIGHTLY, "2026-11-24", "2026-11-24T09:00", settled) is None


def test_a_schedule_before_midnight_belongs_to_the_digest_of_the_morning() -> None:
    late = Firing(at=at("2026-11-23T23:00"), settled_at=at("2026-11-23T23:40"))
    noon = Firing(at=at("2026-11-24T12:00"), settled_at=at("2026-11-24T12:05"))

    assert due(NIGHTLY, "2026-11-23", "2026-11-23T23:50", late) is None
    assert Due(date="2026-11-24", missed=0) == due(NIGHTLY, "2026-11-23", "2026-11-24T00:00", late)
    assert due(NIGHTLY, "2026-11-24", "2026-11-24T12:10", noon) is None


def test_where_the_schedule_did_not_fire_or_has_no_digest_today_its_time_decides() -> None:
    friday = Firing(at=at("2026-11-27T02:30"), settled_at=at("2026-11-27T03:00"))
    monday = Digest(at="09:00", after="nightly", days=("mon",))

    assert due(NIGHTLY, "2026-11-23", "2026-11-24T08:00") is None
    assert due(monday, "2026-11-23", "2026-11-27T08:00", friday) is None
    assert due(DAILY, "2026-11-26", "2026-11-27T06:00", friday) is None


days = st.lists(st.sampled_from(["mon-fri", "sun", "sat-sun", "wed", "fri"]), max_size=2).map(tuple)
zones = st.sampled_from([BERLIN, "UTC", "America/Havana", "Australia/Lord_Howe", "Pacific/Chatham", "Asia/Kathmandu"])


@given(days, zones, st.integers(0, 23), st.integers(0, 59), st.lists(st.integers(1, 4000), min_size=1, max_size=60))
def test_whenever_one_looks_each_date_goes_once_and_none_is_lost(
    days: tuple[str, ...], timezone: str, hour: int, minute: int, steps: list[int]
) -> None:
    digest = Digest(at=f"{hour:02}:{minute:02}", days=days)
    now = at("2026-03-20T12:00", "UTC")
    begun = told = dates.latest(digest, timezone, now)
    sent = missed = 0

    for step in steps:
        now += step * 60_000
        found = dates.due(digest, timezone, told, now)
        assert (found is not None) == (dates.following(digest, timezone, told).at <= now)
        if found is not None:
            assert told < found.date
            told, sent, missed = found.date, sent + 1, missed + found.missed

    nominal = 0
    date_ = begun
    while (following := dates.following(digest, timezone, date_)).at <= now:
        date_, nominal = following.date, nominal + 1
    assert (told, sent + missed) == (date_, nominal)
