"""The daily round: once a day over restarts, and never in the way of a fetch or a job of the project."""

import datetime as dt
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ctci import clock, config, git, layout, ledger
from ctci.config.settings import Backup, Config, Project, Server, Subproject
from ctci.git import mirrors, packing
from ctci.ledger import engine
from ctci.model import Remote, Status
from ctci.run import rounds
from ctci.run.tidy import Upkeep
from tests import make
from tests.conftest import StoppedClock
from tests.eventually import eventually
from tests.git.test_packing import packs, stuck, workers
from tests.ledger.test_copies import Hooks
from tests.pushing import ended, push
from tests.run.test_backups import DAY_S, Until
from tests.serving import Served
from tests.upstream import Upstream


@pytest.fixture
def settings(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Two projects of one remote; two packs are a heap."""
    monkeypatch.setattr(packing, "MOST_PACKS", 1)
    git.setup()
    subs = {"": Subproject(recipes={"test": make.recipe()})}
    remote = Remote(url=str(upstream.path))
    projects = {name: Project(name=name, remote=remote, subs=subs) for name in ("shop", "widget")}
    return Config(projects=projects, notify={}, server=Server(backup=Backup(at="03:30")), folder=Path("config"))


def heap(place: layout.Layout, upstream: Upstream, *projects: str) -> list[str]:
    """Mirrors that are fetched commit by commit, each pinned; the commits."""
    commits = []
    for number in range(1, 4):
        commits.append(upstream.push({"a": str(number), "b": clock.new_key()}))
        for name in projects:
            mirror = place.mirror(name)
            access = git.Access(url=str(upstream.path))
            git.fetch(mirror, access, commit=None, ref=None, deadline_s=20, stop=lambda: False)
            git.pin(mirror, number, commits[-1])
    return commits


def repacked(db: ledger.Ledger, place: layout.Layout, settings: Config) -> tuple[tuple[int, int], list[int]]:
    """(repacked, left), and how many packs each mirror has then."""
    done = rounds.repack(db, place, settings, threading.Event(), pause_s=0)
    return done, [len(packs(place.mirror(name))) for name in ("shop", "widget")]


def test_what_has_become_a_heap_is_repacked_and_nothing_else(
    db: ledger.Ledger, place: layout.Layout, settings: Config, upstream: Upstream
) -> None:
    heap(place, upstream, "shop")

    would = rounds.repack(db, place, settings, threading.Event(), dry_run=True)
    still = len(packs(place.mirror("shop")))
    first = repacked(db, place, settings)
    second = repacked(db, place, settings)

    assert (would, still) == ((1, 0), 3)
    assert (first, second) == (((1, 0), [1, 0]), ((0, 0), [1, 0]))


def test_while_a_job_runs_or_a_run_waits_for_its_commit_the_projects_mirror_is_left_alone(
    db: ledger.Ledger, host: int, place: layout.Layout, settings: Config, upstream: Upstream
) -> None:
    heap(place, upstream, "shop", "widget")
    make.recorded(db)
    waiting = repacked(db, place, settings)
    make.prepare(db, 1)
    job, _ = make.running(db, host)
    heap(place, upstream, "widget")
    running = repacked(db, place, settings)
    ledger.settle(db, job=job.id, attempt=1, host=host, status=Status.SUCCEEDED, reason=None, exit=make.exit_())
    over = repacked(db, place, settings)

    assert waiting == ((1, 1), [3, 1])
    assert running == ((1, 1), [3, 1])
    assert over == ((1, 0), [1, 1])


def test_what_comes_meanwhile_ends_it(
    db: ledger.Ledger, place: layout.Layout, settings: Config, upstream: Upstream
) -> None:
    heap(place, upstream, "shop")
    mirror = place.mirror("shop")

    def push() -> None:
        eventually(lambda: workers(mirror))
        make.recorded(db)

    pushing = threading.Thread(target=push)
    with stuck(mirror):
        pushing.start()
        found = repacked(db, place, settings)
        pushing.join()

    assert found == ((0, 1), [3, 0])
    assert eventually(lambda: not workers(mirror), 2)
    with mirrors.held(mirror, wait=False) as free:
        assert free


def test_a_server_that_stops_ends_it(
    db: ledger.Ledger, place: layout.Layout, settings: Config, upstream: Upstream
) -> None:
    heap(place, upstream, "shop")
    stop = threading.Event()
    stop.set()

    rounds.go(db, place, settings, 1, stop)

    assert len(packs(place.mirror("shop"))) == 3
    assert not place.rounds.exists()


def test_a_mirror_that_cannot_be_repacked_hinders_no_other(
    db: ledger.Ledger, place: layout.Layout, settings: Config, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    heap(place, upstream, "shop", "widget")
    (place.mirror("shop") / "refs" / "ctci" / "runs" / "4").write_text(f"{make.sha(9)}\n")

    found = repacked(db, place, settings)

    assert found == ((1, 0), [3, 1])
    assert "the mirror of shop could not be repacked: " in caplog.text


# --- when


class Days:
    """Servers on one data folder, one after another, and the rounds that they made."""

    def __init__(self, db: ledger.Ledger, place: layout.Layout, stopped: StoppedClock, settings: Config) -> None:
        self._db, self._place, self._clock, self._settings = db, place, stopped, settings

    def live(self, seconds: float) -> None:
        end = self._clock.at + int(seconds * 1000)
        Upkeep(self._db, self._place, config.Current(lambda: self._settings)).run(Until(self._clock, end))
        self._clock.at = end


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The times of the rounds that were gone, as they were due."""
    found: list[str] = []
    go = rounds.go

    def gone(db: ledger.Ledger, place: layout.Layout, settings: Config, time: int, stop: threading.Event) -> None:
        found.append(clock.stamp(time))
        go(db, place, settings, time, stop)

    monkeypatch.setattr(rounds, "go", gone)
    return found


@pytest.fixture
def days(db: ledger.Ledger, place: layout.Layout, settings: Config, stopped_clock: StoppedClock) -> Days:
    stopped_clock.at = int(dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC).timestamp() * 1000)
    return Days(db, place, stopped_clock, settings)


def test_it_is_made_once_a_day_whatever_restarts(days: Days, made: list[str], stopped_clock: StoppedClock) -> None:
    for _ in range(3):
        days.live(300)
    days.live(DAY_S)
    stopped_clock.move(3 * DAY_S)
    for _ in range(2):
        days.live(300)

    assert made == ["20261124T033000Z", "20261125T033000Z", "20261128T033000Z"]


def test_a_clock_that_was_set_back_makes_no_second_one_and_one_that_was_years_ahead_ends_none(
    days: Days, made: list[str], stopped_clock: StoppedClock
) -> None:
    days.live(DAY_S)
    stopped_clock.move(-9 * 3600)
    days.live(300)
    stopped_clock.move(3000 * DAY_S)
    days.live(300)
    stopped_clock.move(-3000 * DAY_S)
    days.live(300)

    assert made[:2] == ["20261124T033000Z", "20261125T033000Z"]
    assert [each[:4] for each in made[2:]] == ["2035", "2026"]


def test_a_mirror_that_was_in_use_is_repacked_an_hour_later(
    days: Days, made: list[str], db: ledger.Ledger, place: layout.Layout, upstream: Upstream
) -> None:
    heap(place, upstream, "shop")
    run = make.recorded(db)
    days.live(300)
    in_use = len(packs(place.mirror("shop")))
    ledger.ask_cancel(db, by="ana", reason="", run=run)
    days.live(2 * 3600)

    assert (in_use, len(packs(place.mirror("shop")))) == (3, 1)
    assert 2 <= len(made) <= 3
    assert set(made) == {"20261124T033000Z"}


# --- the ledger's room


@pytest.fixture
def emptied(db: ledger.Ledger, host: int, monkeypatch: pytest.MonkeyPatch) -> ledger.Ledger:
    """A ledger of which most holds nothing: nearly all of its runs were forgotten."""
    monkeypatch.setattr(rounds, "FREE_BYTES", 0)
    long = make.order(recipe=make.recipe(run="make test # " + 9000 * "x"), on_new_push="parallel")
    for _ in range(60):
        make.settled(db, host, orders=(long,))
    ledger.forget(db, range(1, 60))
    return db


def test_the_ledger_gives_back_what_it_does_not_need(
    emptied: ledger.Ledger, place: layout.Layout, settings: Config
) -> None:
    emptied.shrink(rebuild=False)
    before = place.ledger.stat().st_size

    idle = rounds.shrink(emptied, place, settings)

    assert idle
    assert place.ledger.stat().st_size < before / 2
    assert place.ledger.with_name("ledger.db-wal").stat().st_size == 0
    assert (ledger.integrity(emptied), [run.id for run in ledger.runs_(emptied)]) == (None, [60])
    assert emptied.room()[0] == 0


@pytest.mark.parametrize("left", ["little is free", "something waits", "the disk is full"])
def test_its_file_is_left_as_it_is_where(
    emptied: ledger.Ledger, place: layout.Layout, settings: Config, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    emptied.shrink(rebuild=False)
    if left == "little is free":
        monkeypatch.setattr(rounds, "FREE_BYTES", 1 << 20)
    if left == "something waits":
        make.recorded(emptied)
    if left == "the disk is full":
        full = replace(settings.server, disk_floor=1 << 60)
        settings = replace(settings, server=full)
    before = emptied.room()

    idle = rounds.shrink(emptied, place, settings)

    assert (idle, emptied.room()[0] > before[1] / 4) == (left != "something waits", True)


def test_who_reads_all_the_while_keeps_nobody_waiting_for_the_log(
    emptied: ledger.Ledger, place: layout.Layout, settings: Config
) -> None:
    with emptied.read() as reading:
        assert reading.exec_driver_sql("SELECT count(*) FROM runs").scalar() == 1
        began = time.monotonic()
        rounds.shrink(emptied, place, settings)
        took_s = time.monotonic() - began
        make.recorded(emptied)
        assert reading.exec_driver_sql("SELECT count(*) FROM runs").scalar() == 1

    assert took_s < 4
    assert len(ledger.runs_(emptied)) == 2


def test_what_is_recorded_while_the_file_is_written_anew_is_recorded_however_long_that_takes(
    place: layout.Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who waits for it in this process waits by another means than the database's own patience.
    monkeypatch.setattr(engine, "BUSY_MS", 1)
    opened = ledger.open_ledger(place.ledger)
    hooks = Hooks(opened, threads=4)

    with hooks.calling():
        for _ in range(10):
            enough = len(hooks.answered) + 5
            eventually(lambda enough=enough: len(hooks.answered) > enough)  # type: ignore[misc]
            opened.shrink(rebuild=True)

    assert hooks.errors == []
    assert hooks.answered - {run.branch for run in ledger.runs_(opened, limit=100_000)} == set()
    assert ledger.integrity(opened) is None
    opened.close()


# --- the whole story


def test_jobs_run_before_and_after_a_mirror_is_repacked_while_the_server_runs(
    served: Served, upstream: Upstream
) -> None:
    served.start()
    first, _ = ended(served, push(served, upstream, "exit 0", delivery="d1"))
    upstream.git("commit", "--quiet", "--amend", "-m", "Another")
    upstream.git("push", "--quiet", "--force", "origin", "main")
    mirror = served.place.mirror("shop")
    (mirror / "refs" / "ctci" / "many").mkdir()
    for number in range(packing.MOST_REFS + 1):
        (mirror / "refs" / "ctci" / "many" / str(number)).write_text(f"{first.commit}\n")

    would = served.ctci("gc", "--dry-run").stdout
    did = served.ctci("gc").stdout
    second, _ = ended(served, push(served, upstream, "exit 0", delivery="d2"))
    served.ctci("rerun", "1")
    again, _ = ended(served, 3)

    assert ("would repack 1 mirror" in would, "repacked 1 mirror" in did) == (True, True)
    assert (second.status, again.status, again.commit) == (Status.SUCCEEDED, Status.SUCCEEDED, first.commit)
    upstream.git("fsck", "--no-dangling", at=mirror)
