"""Schedules on a stopped clock: whatever happens to the server and its clock, each nominal time is decided once.

Real git and a real ledger; the clock is moved by hand.
"""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctci import config, git, layout, ledger
from ctci.config.settings import Config, Project, Schedule, Server, Subproject
from ctci.layout import Layout
from ctci.model import Delivery, Recipe, Remote, Run, Status
from ctci.receive import cron, nightly, scheduled
from ctci.receive.asking import Asking
from ctci.receive.nightly import Nightly
from ctci.run.prepare import Prepare
from tests import blank, make
from tests.conftest import StoppedClock
from tests.eventually import eventually
from tests.inline import Inline
from tests.upstream import Upstream

MAIN = "refs/heads/main"
BERLIN = "Europe/Berlin"


def at(text: str, zone: str = BERLIN) -> int:
    """Unix ms of a local time, such as 2026-11-24 02:30."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


class Night:
    """One project with one schedule, and as many servers as a story needs, one after the other or at once."""

    def __init__(self, db: ledger.Ledger, place: Layout, clock: StoppedClock, remote: Path) -> None:
        self.db, self.clock = db, clock
        self.remote = remote
        self.schedule = Schedule(name="nightly", cron="30 2 * * *", timezone=BERLIN)
        self.recipes = {"test": Recipe(name="test", run="make test"), "fuzz": Recipe(name="fuzz", run="f", on=("x",))}
        self._asking = Asking(layout=place, environ=os.environ)
        self.pool = Inline()
        self.begin()

    def settings(self) -> Config:
        shop = Project(
            name="shop",
            remote=Remote(url=str(self.remote)),
            schedules={self.schedule.name: self.schedule} if self.schedule.name else {},
            subs={"": Subproject(recipes=self.recipes)},
        )
        return Config(projects={"shop": shop}, notify={}, server=Server(), folder=Path("/nonexistent"))

    def begin(self) -> Nightly:
        """A server starts."""
        self.server = self.another()
        return self.server

    def another(self) -> Nightly:
        return Nightly(self.db, config.Current(self.settings), self._asking)

    def plan(self, **changes: Any) -> None:
        """The configuration is another, and is reloaded."""
        self.schedule = replace(self.schedule, **changes)
        self.server._current.reload()

    def goes_to(self, when: str, *, zone: str = BERLIN) -> None:
        """The clock says so, and the server looks."""
        self.clock.at = at(when, zone)
        self.server.tick(self.pool)

    def minutes(self, first: str, count: int) -> None:
        """The server looks each minute."""
        start = at(first)
        for minute in range(count):
            self.clock.at = start + minute * 60_000
            self.server.tick(self.pool)

    @property
    def runs(self) -> list[Run]:
        return list(ledger.runs_(self.db))[::-1]

    @property
    def told(self) -> list[Delivery]:
        return [each for each in ledger.deliveries_(self.db)[::-1] if each.run is None]

    def nominal(self) -> list[str]:
        """The nominal times that fired, as their keys say."""
        found = (ledger.deliveries_(self.db, run=run.id)[0].key for run in self.runs)
        return [key.partition("@")[2] for key in found]

    def ends(self, status: Status) -> None:
        """Everything that is queued is prepared, run, and ends so."""
        host = ledger.host(self.db, "h1")
        for run in self.runs:
            if run.prepared_at is None:
                make.prepare(self.db, run.id, commit=make.commit(sha=run.after))
        while claimed := ledger.claim(self.db, host=host, slot=1, boot_id="boot"):
            job, _ = claimed
            ledger.begin(self.db, job=job.id, attempt=job.attempt, host=host)
            code = 0 if status is Status.SUCCEEDED else 1
            done = make.exit_(code=code)
            ledger.settle(self.db, job=job.id, attempt=job.attempt, host=host, status=status, reason=None, exit=done)


@pytest.fixture
def night(db: ledger.Ledger, place: Layout, stopped_clock: StoppedClock, upstream: Upstream) -> Night:
    upstream.push({"test.sh": "true"})
    stopped_clock.at = at("2026-01-01 00:00")
    return Night(db, place, stopped_clock, upstream.path)


def test_a_schedule_fires_at_its_time_and_once(night: Night, upstream: Upstream) -> None:
    night.goes_to("2026-11-24 01:00")
    night.goes_to("2026-11-24 02:29")
    before = night.runs
    night.goes_to("2026-11-24 02:30")
    night.goes_to("2026-11-24 02:30")
    night.goes_to("2026-11-24 02:31")

    (run,) = night.runs
    (job,) = ledger.jobs_of(night.db, [run.id])[run.id]
    assert before == []
    assert (run.kind, run.schedule, run.ref) == ("schedule", "nightly", MAIN)
    assert run.after == upstream.git("rev-parse", "main").strip()
    assert job.place == "test"
    assert night.nominal() == ["2026-11-24T02:30+01:00"]


def test_the_first_look_at_a_schedule_fires_nothing_of_the_past(night: Night) -> None:
    night.goes_to("2026-11-24 02:31")

    assert (night.runs, night.told) == ([], [])


def test_what_was_missed_for_a_while_is_made_up_for_once(night: Night) -> None:
    night.goes_to("2026-11-24 02:00")

    for when in ("02:59", "03:00", "03:01"):
        night.clock.at = at(f"2026-11-24 {when}")
        night.begin()
        night.server.tick(night.pool)

    assert night.nominal() == ["2026-11-24T02:30+01:00"]
    assert night.told == []


def test_what_was_missed_for_too_long_is_said_to_be_missed_once(night: Night) -> None:
    night.goes_to("2026-11-24 02:00")
    for when in ("03:01", "03:02"):
        night.clock.at = at(f"2026-11-24 {when}")
        night.begin()
        night.server.tick(night.pool)

    (missed,) = night.told
    assert night.runs == []
    assert missed.reason == (
        "the schedule nightly: missed 2026-11-24T02:30+01:00: no server with this schedule was running, "
        "for longer than its catch-up of 30 min"
    )
    assert (missed.forge, missed.event, missed.decision) == ("ctci", "missed", "ignored")


def test_of_many_that_were_missed_the_last_makes_up_for_all(night: Night) -> None:
    night.goes_to("2026-11-21 12:00")
    night.clock.at = at("2026-11-24 02:45")
    night.begin()
    night.server.tick(night.pool)

    assert night.nominal() == ["2026-11-24T02:30+01:00"]
    (missed,) = night.told
    assert missed.reason == (
        "the schedule nightly: missed 2 times, the last of them 2026-11-23T02:30+01:00: no server with this schedule "
        "was running; the next one makes up for it"
    )


def test_a_machine_that_slept_is_not_called_a_server_that_was_down(night: Night) -> None:
    night.goes_to("2026-11-24 02:00")
    night.goes_to("2026-11-24 09:00")

    assert "the machine slept, or its clock was set" in night.told[0].reason


@pytest.mark.parametrize("written", [True, False], ids=["after it was written", "before it was written"])
def test_a_server_that_dies_while_it_fires_neither_doubles_nor_loses(
    night: Night, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    night.goes_to("2026-11-24 02:00")
    real = ledger.fire

    class Killed(BaseException):
        pass

    def dies(*args: Any, **fields: Any) -> None:
        if written:
            real(*args, **fields)
        raise Killed

    monkeypatch.setattr(ledger, "fire", dies)
    with pytest.raises(Killed):
        night.goes_to("2026-11-24 02:30")
    monkeypatch.undo()
    monkeypatch.setattr("ctci.clock.now", lambda: night.clock.at)
    night.begin()
    night.goes_to("2026-11-24 02:30")
    night.goes_to("2026-11-24 02:31")

    assert night.nominal() == ["2026-11-24T02:30+01:00"]


def test_a_clock_that_is_set_back_an_hour_fires_nothing_again(night: Night) -> None:
    night.goes_to("2026-11-24 02:00")
    night.goes_to("2026-11-24 02:30")
    night.minutes("2026-11-24 01:31", 90)
    night.begin()
    night.minutes("2026-11-24 01:31", 90)

    assert night.nominal() == ["2026-11-24T02:30+01:00"]


def test_a_clock_that_was_far_ahead_stops_no_schedule_for_years(night: Night) -> None:
    night.goes_to("2038-01-19 02:00")
    night.goes_to("2026-11-24 02:00")
    night.goes_to("2026-11-24 02:30")

    assert night.nominal() == ["2026-11-24T02:30+01:00"]


def test_two_servers_on_one_ledger_fire_once(night: Night) -> None:
    night.goes_to("2026-11-24 02:00")
    servers = [night.another() for _ in range(4)]
    night.clock.at = at("2026-11-24 02:30")
    together = threading.Barrier(len(servers))

    def look(server: Nightly) -> None:
        together.wait()
        server.tick(Inline())

    threads = [threading.Thread(target=look, args=(server,)) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert night.nominal() == ["2026-11-24T02:30+01:00"]
    assert night.told == []


@pytest.mark.parametrize(
    ("day", "fires"),
    [
        ("2026-03-29", ["2026-03-29T03:00+02:00"]),
        ("2026-10-25", ["2026-10-25T02:30+02:00"]),
    ],
    ids=["no 02:30", "two 02:30"],
)
def test_over_a_change_of_the_clocks_it_fires_once(night: Night, day: str, fires: list[str]) -> None:
    night.minutes(f"{day} 00:00", 6 * 60)

    assert night.nominal() == fires


def test_another_line_neither_fires_what_is_past_nor_forgets_what_was_due(night: Night) -> None:
    night.goes_to("2026-11-24 02:29")
    night.clock.at = at("2026-11-24 02:31")
    night.plan(cron="0 1 * * *")
    night.server.tick(night.pool)
    night.server.tick(night.pool)
    after_change = night.nominal()
    night.minutes("2026-11-25 00:50", 20)

    assert after_change == ["2026-11-24T02:30+01:00"]
    assert night.nominal() == ["2026-11-24T02:30+01:00", "2026-11-25T01:00+01:00"]


def test_a_schedule_that_is_taken_out_and_put_in_again_begins_anew(night: Night) -> None:
    night.goes_to("2026-11-24 02:00")
    night.plan(name="")
    night.goes_to("2026-11-24 02:10")
    night.plan(name="nightly")
    night.goes_to("2026-11-24 02:31")

    assert (night.runs, night.told) == ([], [])


def test_a_time_that_jitter_put_off_is_decided_when_the_line_changes(night: Night) -> None:
    night.schedule = replace(night.schedule, jitter_s=3600, catch_up_s=7200)
    night.begin()
    night.goes_to("2026-11-24 02:00")
    night.goes_to("2026-11-24 02:31")
    put_off = night.runs
    night.plan(cron="0 5 * * *")
    night.goes_to("2026-11-24 02:32")
    night.goes_to("2026-11-24 06:00")

    assert put_off == []
    assert night.nominal() == ["2026-11-24T02:30+01:00", "2026-11-24T05:00+01:00"]


def test_a_line_that_changes_while_the_remote_is_away_loses_no_time_without_a_word(
    night: Night, upstream: Upstream
) -> None:
    night.goes_to("2026-11-24 02:00")
    aside = upstream.path.rename(upstream.path.with_name("aside.git"))
    night.goes_to("2026-11-24 02:30")
    night.plan(cron="0 3 * * *")
    night.goes_to("2026-11-24 02:31")
    aside.rename(upstream.path)
    night.goes_to("2026-11-24 03:00")

    assert ["the remote did not answer" in each.reason for each in night.told] == [True]
    assert night.nominal() == ["2026-11-24T03:00+01:00"]


def test_a_folder_that_is_away_for_a_moment_loses_no_time(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    night.goes_to("2026-11-24 02:00")
    schedules = night.server._schedules
    monkeypatch.setattr(night.server, "_schedules", dict)
    night.goes_to("2026-11-24 02:29")
    monkeypatch.setattr(night.server, "_schedules", schedules)
    night.goes_to("2026-11-24 02:31")

    assert night.nominal() == ["2026-11-24T02:30+01:00"]


def test_a_server_that_does_not_know_a_schedule_leaves_it_to_the_one_that_does(night: Night) -> None:
    night.goes_to("2026-11-24 02:00")
    knows = night.server
    night.schedule = replace(night.schedule, name="")
    ignorant = night.begin()
    night.clock.at = at("2026-11-24 02:30")
    ignorant.tick(night.pool)
    knows.tick(night.pool)

    assert night.nominal() == ["2026-11-24T02:30+01:00"]


@pytest.mark.parametrize("late_s", [0, 30])
def test_without_any_catch_up_it_fires_all_the_same_when_it_is_due(night: Night, late_s: int) -> None:
    night.schedule = replace(night.schedule, catch_up_s=0)
    night.begin()
    night.goes_to("2026-11-24 02:00")
    night.clock.at = at("2026-11-24 02:30") + late_s * 1000
    night.server.tick(night.pool)

    assert night.nominal() == ["2026-11-24T02:30+01:00"]


# --- the loop --------------------------------------------------------------------------------------------------------


@contextmanager
def running(server: Nightly) -> Iterator[None]:
    """Its loop, in a thread, until the block ends."""
    stop = threading.Event()
    thread = threading.Thread(target=server.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def test_a_clock_that_is_set_back_does_not_put_the_loop_to_sleep(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nightly, "EVERY_S", 0.05)
    night.clock.at = at("2026-11-24 02:20")
    with running(night.server):
        eventually(lambda: ledger.reckoned(night.db))
        night.clock.at = at("2026-11-21 02:20")
        eventually(lambda: next(iter(ledger.reckoned(night.db).values())).since <= night.clock.at)
        night.clock.at = at("2026-11-21 02:31")
        eventually(lambda: night.runs)

    assert night.nominal() == ["2026-11-21T02:30+01:00"]


def test_a_reload_arranges_the_schedules_anew_and_fires_none(night: Night) -> None:
    night.clock.at = at("2026-11-24 02:20")
    with running(night.server):
        eventually(lambda: ledger.reckoned(night.db))
        night.plan(cron="10 2 * * *")
        line = eventually(lambda: {each.line for each in ledger.reckoned(night.db).values()} & {"10 2 * * *"})

    assert (line, night.runs, night.told) == ({"10 2 * * *"}, [], [])


def test_a_remote_that_hangs_holds_no_other_schedule_up(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    night.goes_to("2026-11-24 02:00")
    slow = night.settings().projects["shop"]
    web = replace(slow, name="web")
    both = replace(night.settings(), projects={"shop": slow, "web": web})
    monkeypatch.setattr(night, "settings", lambda: both)
    night.begin()
    night.server.tick(night.pool)
    let_go, asking = threading.Event(), night.server._asking

    class Hangs(Asking):
        def ask(self, settings: Config, project: Project, _stop: Any = None) -> git.Told:
            assert project.name == "web" or let_go.wait(30)
            return super().ask(settings, project)

    night.server._asking = Hangs(layout=asking.layout, environ={})
    night.clock.at = at("2026-11-24 02:30")
    with ThreadPoolExecutor(2) as pool:
        night.server.tick(pool)
        eventually(lambda: [run.project for run in night.runs] == ["web"])
        night.server.tick(pool)
        let_go.set()
    night.server.tick(night.pool)

    assert sorted(run.project for run in night.runs) == ["shop", "web"]


def test_a_schedule_that_fails_is_told_of_tried_again_and_holds_no_other_up(
    night: Night, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    night.goes_to("2026-11-24 02:00")
    real = ledger.fire
    monkeypatch.setattr(ledger, "fire", lambda *_, **__: 1 / 0)
    night.goes_to("2026-11-24 02:30")
    monkeypatch.setattr(ledger, "fire", real)

    night.goes_to("2026-11-24 02:31")

    assert night.nominal() == ["2026-11-24T02:30+01:00"]
    assert "the schedule nightly of shop failed; trying again" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_server_that_stops_asks_no_remote_any_more(night: Night) -> None:
    night.goes_to("2026-11-24 02:00")
    night.clock.at = at("2026-11-24 02:30")
    night.server._asking = None  # type: ignore[assignment] # whoever asks it fails

    night.server.tick(night.pool, lambda: True)
    night.server.tick(night.pool, lambda: True)

    assert (night.runs, night.told) == ([], [])


# --- what it asks for ------------------------------------------------------------------------------------------------


def test_it_fires_on_the_branches_that_match_when_it_fires(night: Night, upstream: Upstream) -> None:
    night.schedule = replace(night.schedule, branches=("main", "stable-*"))
    night.begin()
    night.goes_to("2026-11-24 02:00")
    for branch in ("stable-1", "stable-2", "feature"):
        upstream.push({"a": branch}, branch=branch)
    night.goes_to("2026-11-24 02:30")

    assert [run.branch for run in night.runs] == ["main", "stable-1", "stable-2"]


def test_without_any_branch_it_says_so(night: Night) -> None:
    night.schedule = replace(night.schedule, branches=("release-*",))
    night.begin()
    night.goes_to("2026-11-24 02:00")
    night.goes_to("2026-11-24 02:30")

    assert [each.reason for each in night.told] == [
        "the schedule nightly, 2026-11-24T02:30+01:00: the remote has no branch that matches release-*"
    ]


def test_recipes_of_its_name_and_those_that_it_names_are_run(night: Night) -> None:
    night.recipes = {
        "test": Recipe(name="test", run="t"),
        "fuzz": Recipe(name="fuzz", run="f", on=("nightly",)),
        "lint": Recipe(name="lint", run="l", on=("push",)),
    }
    night.begin()
    night.goes_to("2026-11-24 02:00")
    night.goes_to("2026-11-24 02:30")
    night.plan(recipes=("lint",))
    night.goes_to("2026-11-25 02:30")

    places = [[job.place for job in ledger.jobs_of(night.db, [run.id])[run.id]] for run in night.runs]
    assert places == [["test", "fuzz"], ["lint"]]


def test_a_nightly_stands_behind_a_push(night: Night) -> None:
    night.goes_to("2026-11-24 02:00")
    night.goes_to("2026-11-24 02:30")
    make.recorded(night.db)

    by_id = {run.id: run.kind for run in night.runs}
    for run in night.runs:
        make.prepare(night.db, run.id)
    claimed = ledger.claim(night.db, host=ledger.host(night.db, "h1"), slot=1, boot_id="boot")
    assert claimed is not None
    assert by_id[claimed[1].id] == "push"


# --- skip-unchanged --------------------------------------------------------------------------------------------------


@pytest.fixture
def unchanged(night: Night) -> Night:
    night.schedule = replace(night.schedule, skip_unchanged=True)
    night.begin()
    night.goes_to("2026-11-24 02:00")
    night.goes_to("2026-11-24 02:30")
    return night


def test_it_is_skipped_on_a_commit_on_which_it_succeeded(unchanged: Night, upstream: Upstream) -> None:
    unchanged.ends(Status.SUCCEEDED)
    unchanged.goes_to("2026-11-25 02:30")
    skipped = [each.reason for each in unchanged.told]
    upstream.push({"a": "2"})
    unchanged.goes_to("2026-11-26 02:30")

    first = unchanged.runs[0]
    why = f"skip-unchanged, {(first.after or '')[:7]} succeeded in #{first.id} before"
    assert skipped == [f"the schedule nightly, 2026-11-25T02:30+01:00: {why}"]
    assert unchanged.nominal() == ["2026-11-24T02:30+01:00", "2026-11-26T02:30+01:00"]


@pytest.mark.parametrize("status", [Status.FAILED, Status.TIMED_OUT, None])
def test_it_is_not_skipped_after_anything_but_success(unchanged: Night, status: Status | None) -> None:
    if status is not None:
        unchanged.ends(status)
    unchanged.goes_to("2026-11-25 02:30")

    assert len(unchanged.runs) == 2


def test_it_is_not_skipped_after_a_forced_push(unchanged: Night, upstream: Upstream) -> None:
    unchanged.ends(Status.SUCCEEDED)
    upstream.git("commit", "--quiet", "--amend", "-m", "Another")
    upstream.git("push", "--quiet", "--force", "origin", "main")
    unchanged.goes_to("2026-11-25 02:30")

    assert len(unchanged.runs) == 2


def test_it_is_not_skipped_when_the_recipe_is_another(unchanged: Night) -> None:
    unchanged.ends(Status.SUCCEEDED)
    unchanged.recipes = {"test": Recipe(name="test", run="make more tests")}
    unchanged.plan()
    unchanged.goes_to("2026-11-25 02:30")

    assert len(unchanged.runs) == 2


def test_a_success_of_a_push_on_the_same_commit_does_not_skip_it(night: Night, upstream: Upstream) -> None:
    night.schedule = replace(night.schedule, skip_unchanged=True)
    night.begin()
    night.goes_to("2026-11-24 02:00")
    head = upstream.git("rev-parse", "main").strip()
    make.recorded(night.db, trigger=make.trigger(after=head, ref=MAIN))
    night.ends(Status.SUCCEEDED)
    night.goes_to("2026-11-24 02:30")

    assert [run.kind for run in night.runs] == ["push", "schedule"]


def test_a_person_who_asks_for_it_now_is_not_told_that_nothing_changed(unchanged: Night) -> None:
    unchanged.ends(Status.SUCCEEDED)
    shop = unchanged.settings().projects["shop"]
    told = unchanged._asking.ask(unchanged.settings(), shop)

    (made,) = scheduled.now(unchanged.db, unchanged.settings(), shop, unchanged.schedule, told, by="ana")

    assert (made.decision, made.reason) == ("queued", "test queued: the schedule nightly, asked for by ana")


# --- a remote that is away -------------------------------------------------------------------------------------------


def test_a_remote_that_is_away_is_waited_for(night: Night, upstream: Upstream) -> None:
    night.goes_to("2026-11-24 02:00")
    aside = upstream.path.rename(upstream.path.with_name("aside.git"))
    night.goes_to("2026-11-24 02:30")
    night.goes_to("2026-11-24 02:40")
    waited = night.runs, night.told
    aside.rename(upstream.path)
    night.goes_to("2026-11-24 02:50")

    assert waited == ([], [])
    assert night.nominal() == ["2026-11-24T02:30+01:00"]


def test_a_remote_that_is_away_for_too_long_is_why_it_was_missed(night: Night, upstream: Upstream) -> None:
    night.goes_to("2026-11-24 02:00")
    upstream.path.rename(upstream.path.with_name("aside.git"))
    night.goes_to("2026-11-24 02:30")
    night.goes_to("2026-11-24 03:01")

    (missed,) = night.told
    assert "the remote did not answer: " in missed.reason
    assert str(upstream.path) in missed.reason


def test_what_has_fired_waits_for_its_remote_as_long_as_it_is_caught_up(
    night: Night, upstream: Upstream, place: Layout
) -> None:
    night.schedule = replace(night.schedule, catch_up_s=1200)
    night.begin()
    night.goes_to("2026-11-24 02:00")
    night.goes_to("2026-11-24 02:30")
    upstream.path.rename(upstream.path.with_name("aside.git"))
    prepare = Prepare(night.db, place, night.server._current, os.environ)
    statuses = []
    for when in ("02:31", "02:45", "02:51"):
        night.clock.at = at(f"2026-11-24 {when}")
        prepare.tick()
        statuses.append(night.runs[0].status)

    assert statuses == [Status.QUEUED, Status.QUEUED, Status.ERRORED]


def test_what_has_fired_and_waits_for_its_remote_holds_up_no_push(
    night: Night, upstream: Upstream, place: Layout
) -> None:
    night.schedule = replace(night.schedule, catch_up_s=24 * 3600)
    night.begin()
    night.goes_to("2026-11-24 02:00")
    night.goes_to("2026-11-24 02:30")
    # The repository moves: what has fired knows the old address.
    night.remote = upstream.path.rename(upstream.path.with_name("moved.git"))
    prepare = Prepare(night.db, place, night.server._current, os.environ)
    prepare.tick()
    order = make.order(remote=make.remote(url=str(night.remote)))
    commit = upstream.git("rev-parse", "HEAD").strip()
    pushed = make.recorded(night.db, trigger=make.trigger(after=commit), orders=(order,))

    night.clock.move(60)
    prepare.tick()

    assert [(run.id == pushed, run.prepared_at is not None) for run in night.runs] == [(False, False), (True, True)]


# --- jitter ----------------------------------------------------------------------------------------------------------


def test_with_jitter_it_starts_later_and_once_and_its_key_is_the_nominal_time(night: Night) -> None:
    night.schedule = replace(night.schedule, jitter_s=3600)
    night.begin()
    delay = nightly._delay_s(("shop", "nightly"), night.schedule)
    night.goes_to("2026-11-24 02:00")
    night.clock.at = at("2026-11-24 02:30") + delay * 1000 - 1000
    night.server.tick(night.pool)
    early = night.runs
    night.clock.at += 1000
    night.server.tick(night.pool)
    night.server.tick(night.pool)

    assert 0 < delay < 3600
    assert early == []
    assert night.nominal() == ["2026-11-24T02:30+01:00"]


def test_fifty_projects_at_one_time_do_not_start_as_one() -> None:
    schedule = Schedule(name="nightly", cron="30 2 * * *", jitter_s=600)

    delays = {nightly._delay_s((f"p{number}", "nightly"), schedule) for number in range(50)}

    assert len(delays) > 40
    assert all(0 <= delay < 600 for delay in delays)


def test_apscheduler_is_woken_at_the_times_with_the_jitter_in_them() -> None:
    times = nightly.Times("30 2 * * *", BERLIN, 90)
    now = datetime.fromtimestamp(at("2026-11-24 02:31") / 1000, UTC)

    first = times.get_next_fire_time(None, now)
    second = times.get_next_fire_time(first, now)

    assert int(first.timestamp() * 1000) == at("2026-11-24 02:31") + 30_000
    assert int(second.timestamp() * 1000) == at("2026-11-25 02:31") + 30_000


# --- whatever happens ------------------------------------------------------------------------------------------------

STEP = st.one_of(
    st.tuples(st.just("on"), st.integers(1, 300)),
    st.tuples(st.just("back"), st.integers(1, 90)),
    st.tuples(st.just("restart"), st.integers(0, 300)),
    st.tuples(st.just("another"), st.integers(0, 10)),
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(line=st.sampled_from(["30 2 * * *", "*/20 * * * *", "0 */2 * * *", "15 1,2,3 * * *"]), steps=st.lists(STEP))
def test_each_nominal_time_fires_or_is_missed_exactly_once(
    stopped_clock: StoppedClock, upstream: Upstream, tmp_path: Path, line: str, steps: list[tuple[str, int]]
) -> None:
    if not upstream.git("branch", "--list").strip():
        upstream.push({"a": "1"})
    place = layout.at(tmp_path / f"d{len(list(tmp_path.iterdir()))}")
    place.data.mkdir()
    db = blank.opened(place.ledger)
    stopped_clock.at = first = reached = at("2026-10-24 20:00")
    night = Night(db, place, stopped_clock, upstream.path)
    night.plan(cron=line)
    night.server.tick(night.pool)
    for what, minutes in steps:
        stopped_clock.at += (-minutes if what == "back" else minutes) * 60_000
        if what == "restart":
            night.begin()
        (night.another() if what == "another" else night.server).tick(night.pool)
        reached = max(reached, stopped_clock.at)

    expected = [each.key for each in cron.upcoming(line, BERLIN, first, reached, 100_000)]
    fired = night.nominal()
    missed = sum(_times(each.reason) for each in ledger.deliveries_(db, limit=1000) if each.run is None)
    db.close()
    assert len(set(fired)) == len(fired)
    assert set(fired) <= set(expected)
    assert len(fired) + missed == len(expected)


def _times(reason: str) -> int:
    words = reason.partition("missed ")[2].split()
    return int(words[0]) if words[1] == "times," else 1
