"""Times of day, days, lines of cron and zones."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from ctci import config
from ctci.config import times

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@pytest.mark.parametrize("good", ["00:00", "02:30", "23:59"])
def test_it_is_a_time_of_day(good: str) -> None:
    assert times.is_time(good)


@pytest.mark.parametrize("bad", ["", "24:00", "7:30", "07:60", "07:30:00", "noon", "٠٧:٣٠", "07:30\n"])
def test_it_is_no_time_of_day(bad: str) -> None:
    assert not times.is_time(bad)


@pytest.mark.parametrize(
    ("at", "days", "line"),
    [
        ("02:30", [], "30 2 * * *"),
        ("02:30", ["mon-fri"], "30 2 * * mon-fri"),
        ("00:05", ["sat-sun"], "5 0 * * 6-7"),
        ("23:59", ["mon", "thu"], "59 23 * * mon,thu"),
    ],
)
def test_a_time_of_day_is_a_line_of_cron(at: str, days: list[str], line: str) -> None:
    assert line == times.line(at, days)


@given(st.integers(0, 23), st.integers(0, 59), st.sampled_from(DAYS), st.sampled_from(DAYS))
def test_it_fires_at_that_time_on_those_days(hour: int, minute: int, first: str, last: str) -> None:
    days = f"{first}-{last}"
    if times.days_fault(days) is not None:
        return
    stop = DAYS.index(last) or 7
    wanted = {
        DAYS[number % 7] for number in range(DAYS.index(first) if (first, last) != ("sun", "sun") else 7, stop + 1)
    }
    if first == "sun" and last != "sun":
        wanted = set(DAYS[: DAYS.index(last) + 1])
    if first == "sun" and last == "sun":
        wanted = set(DAYS)

    line = times.line(f"{hour:02}:{minute:02}", [days])

    fires = CronSim(line, datetime(2026, 11, 1, tzinfo=UTC) - timedelta(seconds=1))
    week = [next(fires) for _ in range(14)]
    assert {(each.hour, each.minute) for each in week} == {(hour, minute)}
    assert {DAYS[(each.weekday() + 1) % 7] for each in week} == wanted


@pytest.mark.parametrize("bad", ["", "monday", "Mon", "fri-mon", "mon-", "-fri", "mon-tue-wed", "1", "*", "mon fri"])
def test_those_are_no_days(bad: str) -> None:
    assert times.days_fault(bad) is not None


@pytest.mark.parametrize(
    "good",
    [
        "30 2 * * *",
        "*/15 * * * *",
        "0 4 * * sun",
        "0 4 * * 7",
        "0 4 1,15 jan-mar MON",
        "5-59/10 8-18 * * 1-5",
        "0 0 * jul *",
        "0 0 29 2 *",
        "0 0 31 2 mon",
    ],
)
def test_it_is_a_line_of_cron(good: str) -> None:
    assert times.cron_fault(good) is None
    assert not times.never(good)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 13 *",
        "* * * * 8",
        "* * L * *",
        "* * LW * *",
        "* * * * 5L",
        "* * * * 5#2",
        "* * * * fri-mon",
        "*/0 * * * *",
        "a * * * *",
        ", * * * *",
        "1- * * * *",
        "@daily",
        "½ * * * *",
    ],
)
def test_it_is_no_line_of_cron(bad: str) -> None:
    assert times.cron_fault(bad) is not None


@pytest.mark.parametrize("line", ["0 0 31 2 *", "0 0 30 feb *", "0 0 31 2,4,6,9,11 *"])
def test_there_is_no_such_day(line: str) -> None:
    assert times.cron_fault(line) is None
    assert times.never(line)


@given(st.text(alphabet="0123456789*,-/LW# monfrijuls@", max_size=30))
def test_a_line_without_a_fault_fires_or_never_does(line: str) -> None:
    if times.cron_fault(line) is None and not times.never(line):
        assert next(CronSim(line, datetime(2026, 1, 1, tzinfo=UTC)))


def test_a_machine_without_zones_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "zones", frozenset[str])
    (tmp_path / "projects.toml").write_text('[defaults]\ntimezone = "UTC"\n')

    _, (problem,) = config.check(tmp_path, {})

    assert (problem.code, problem.hint) == ("C301", "install the package tzdata")


@pytest.mark.parametrize("meant", [("berlin", "Europe/Berlin"), ("new york", "America/New_York"), ("utc", "UTC")])
def test_a_zone_is_guessed_by_its_last_part(tmp_path: Path, meant: tuple[str, str]) -> None:
    (tmp_path / "projects.toml").write_text(f'[defaults]\ntimezone = "{meant[0]}"\n')

    _, (problem,) = config.check(tmp_path, {})

    assert problem.hint == f"did you mean `{meant[1]}`?"


@pytest.mark.parametrize(
    ("days", "weekdays"),
    [
        ((), set(range(7))),
        (("mon-fri",), {0, 1, 2, 3, 4}),
        (("sun",), {6}),
        (("sat-sun", "wed"), {5, 6, 2}),
        (("sun-tue",), {6, 0, 1}),
        (("sun-sun",), set(range(7))),
        (("mon-sun",), set(range(7))),
    ],
)
def test_days_of_the_week_are_what_their_names_say(days: tuple[str, ...], weekdays: set[int]) -> None:
    assert times.weekdays(days) == weekdays
