"""A backup a day, over restarts, clocks that go wrong and disks that are full: with a clock that moves when told to."""

import datetime as dt
import os
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctci import clock, config, layout, ledger
from ctci.config.settings import Backup, Config, Server
from ctci.run import backups, daily
from ctci.run.tidy import Upkeep
from tests import make
from tests.conftest import StoppedClock

DAY_S = 24 * 3600


def configured(**fields: Any) -> Config:
    server = Server(backup=Backup(**fields), disk_floor=0)
    return Config(projects={}, notify={}, server=server, timezone="Europe/Berlin", folder=Path("config"))


class Until(threading.Event):
    """Set once the clock has come so far."""

    def __init__(self, stopped: StoppedClock, end: int) -> None:
        super().__init__()
        self._clock, self._end = stopped, end

    def is_set(self) -> bool:
        return self._clock.at > self._end


class Lives:
    """Servers on one data folder, one after another."""

    def __init__(self, db: ledger.Ledger, place: layout.Layout, stopped: StoppedClock, settings: Config) -> None:
        self._db, self._place, self._clock = db, place, stopped
        self.settings = settings

    def live(self, seconds: float) -> list[str]:
        """A server for so long; the copies that are there then, the oldest first."""
        end = self._clock.at + int(seconds * 1000)
        Upkeep(self._db, self._place, config.Current(lambda: self.settings)).run(Until(self._clock, end))
        self._clock.at = end
        return self.made()

    def made(self) -> list[str]:
        return sorted(path.name for path in self._place.backups.glob("*"))

    def at(self, text: str) -> None:
        self._clock.at = int(dt.datetime.fromisoformat(text).timestamp() * 1000)


@pytest.fixture
def lives(db: ledger.Ledger, place: layout.Layout, stopped_clock: StoppedClock) -> Lives:
    made = Lives(db, place, stopped_clock, configured())
    made.at("2026-11-24T12:00:00Z")
    return made


def named(*stamps: str) -> list[str]:
    return [f"ledger-202611{stamp}00Z.db" for stamp in stamps]


def test_one_is_made_at_its_time_each_day_and_one_that_was_missed_at_the_start(lives: Lives) -> None:
    first = lives.live(3600)
    three_days_on = lives.live(3 * DAY_S)

    # 03:30 in Berlin is 02:30.
    assert first == named("24T0230")
    assert three_days_on == named("24T0230", "25T0230", "26T0230", "27T0230")


def test_it_is_made_within_a_minute_and_a_half_of_its_time(lives: Lives, place: layout.Layout) -> None:
    lives.at("2026-11-25T02:29:00Z")
    before = lives.live(55)
    after = lives.live(95)

    assert before == named("24T0230")
    assert after == named("24T0230", "25T0230")
    assert (place.backups.stat().st_mode & 0o777, (place.backups / after[0]).stat().st_mode & 0o777) == (0o700, 0o600)


def test_a_restart_makes_no_second_one_and_makes_up_for_one_that_was_missed(
    lives: Lives, stopped_clock: StoppedClock
) -> None:
    for _ in range(5):
        lives.live(100)
    once = lives.made()
    stopped_clock.move(2 * DAY_S)
    later = lives.live(100)

    assert once == named("24T0230")
    assert later == named("24T0230", "26T0230")


def test_a_clock_that_is_set_back_makes_no_second_one(lives: Lives) -> None:
    lives.settings = configured(keep=1)
    lives.at("2026-11-25T02:40:00Z")
    lives.live(100)
    lives.at("2026-11-25T01:40:00Z")

    assert lives.live(2 * 3600) == named("25T0230")


def test_a_clock_that_was_years_ahead_does_not_end_the_backups(lives: Lives) -> None:
    lives.settings = configured(keep=1)
    lives.at("2031-01-01T12:00:00Z")
    (ahead,) = lives.live(100)
    lives.at("2026-11-24T12:00:00Z")

    assert lives.live(DAY_S) == [*named("25T0230"), ahead]


def test_the_newest_are_kept_and_nothing_of_anybody_elses_is_removed(
    lives: Lives, place: layout.Layout, stopped_clock: StoppedClock
) -> None:
    lives.settings = configured(keep=2)
    place.backups.mkdir()
    others = {"mine.db", "ledger-20010101T000000Z.db.gz", "ledger-99999999T999999Z.db"}
    halves = {".ledger-new.partial": stopped_clock.at / 1000 + 4 * DAY_S, ".ledger-old.partial": 0}
    for name in (*others, *halves):
        (place.backups / name).write_text("mine")
    for name, written in halves.items():
        os.utime(place.backups / name, (written, written))

    made = lives.live(4 * DAY_S)

    assert set(made) == {*named("27T0230", "28T0230"), *others, ".ledger-new.partial"}


def test_it_is_a_whole_ledger(lives: Lives, place: layout.Layout, db: ledger.Ledger) -> None:
    make.recorded(db)

    (name,) = lives.live(100)

    with closing(sqlite3.connect(place.backups / name)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert raw.execute("SELECT id FROM runs").fetchall() == [(1,)]


def test_none_is_made_where_none_is_asked_for(lives: Lives, place: layout.Layout) -> None:
    lives.settings = Config(projects={}, notify={}, server=Server(), folder=Path("config"))

    lives.live(3 * DAY_S)

    assert not place.backups.exists()


def test_one_that_fails_is_tried_again_an_hour_later_and_not_every_minute(
    lives: Lives, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 100, 0))
        failed = lives.live(2.5 * 3600)
        told = [record.getMessage() for record in caplog.records if "the backup failed" in record.getMessage()]
    made = lives.live(1.5 * 3600)

    assert failed == []
    assert 2 <= len(told) <= 4
    assert "the backup failed; again in an hour: no backup is made: 0 MiB are free, and" in told[0]
    assert made == named("24T0230")


def test_another_time_of_day_is_taken_over_while_the_server_runs(lives: Lives) -> None:
    first = lives.live(100)
    lives.settings = configured(at="14:00")
    second = lives.live(2 * 3600)

    assert (first, second) == (named("24T0230"), named("24T0230", "24T1300"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pauses_s=st.lists(st.integers(60, 40 * 3600), min_size=1, max_size=12),
    lives_s=st.lists(st.integers(1, 30 * 3600), min_size=12, max_size=12),
    at=st.sampled_from(["00:00", "02:30", "03:30", "23:59"]),
)
def test_whenever_it_is_looked_each_time_is_made_up_for_once(
    tmp_path: Path, pauses_s: list[int], lives_s: list[int], at: str
) -> None:
    """By the rule alone: a server that is there at moments of any distance, over a change of the clock."""
    place = layout.at(tmp_path / clock.new_key())
    place.backups.mkdir(parents=True)
    settings = configured(at=at, keep=1000)
    now = int(dt.datetime.fromisoformat("2026-10-23T12:00:00Z").timestamp() * 1000)
    made: list[int] = []

    for pause_s, life_s in zip(pauses_s, lives_s, strict=False):
        for step_s in (0, life_s // 2, life_s - life_s // 2):
            now += step_s * 1000
            time = backups.due(place, settings, now)
            if time is not None:
                made.append(time)
                (place.backups / f"ledger-{clock.stamp(time)}.db").touch()
            # After each look the last due one is there.
            assert daily.last(at, "Europe/Berlin", now) in made
        now += pause_s * 1000

    assert made == sorted(set(made))
    assert backups.times(place) == made[::-1]
