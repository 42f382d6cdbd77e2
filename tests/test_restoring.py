"""A ledger is put back: whole, with what was there kept, and with nothing of the time between taken for its own."""

import contextlib
import itertools
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctci import clock, git, layout, ledger, premises, restoring
from ctci.layout import Layout
from ctci.ledger import migrations
from ctci.model import Run, Status
from ctci.restoring import Restored, RestoreError
from ctci.run import adoption, ending, keeping
from tests import make
from tests.cli.calling import serving
from tests.eventually import eventually
from tests.pushing import ended, gitea_headers, gitea_push, post, push
from tests.run import jobs
from tests.serving import Served
from tests.upstream import Upstream

SAMPLES = Path(__file__).parent / "samples" / "ledger"


def restore(place: Layout, source: Path, *, end_jobs: bool = False, keep_queue: bool = False) -> Restored:
    return restoring.restore(place, source, by="ana", end_jobs=end_jobs, keep_queue=keep_queue)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[ledger.Ledger]:
    db = ledger.open_ledger(path)
    try:
        yield db
    finally:
        db.close()


def runs(path: Path) -> list[int]:
    """The numbers of all runs in a ledger that is sound."""
    with opened(path) as db:
        assert ledger.integrity(db) is None
        return [run.id for run in reversed(ledger.runs_(db, limit=10_000))]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copy.db"


@pytest.fixture
def grown(place: Layout, copy: Path) -> Path:
    """A ledger of three runs, whose copy has the first two, settled; the copy."""
    with opened(place.ledger) as db:
        host = ledger.host(db, "h1")
        for _ in range(2):
            make.settled(db, host)
        ledger.back_up(db, copy)
        make.recorded(db)
    return copy


# --- what is put back, and what is kept


def test_the_copy_is_the_ledger_and_the_one_of_before_is_kept(place: Layout, grown: Path) -> None:
    before = grown.read_bytes()

    done = restore(place, grown)

    assert done.aside is not None
    assert (runs(place.ledger), runs(done.aside), grown.read_bytes() == before) == ([1, 2], [1, 2, 3], True)
    assert (done.run, done.last_run, done.next_run) == (2, 3, 4)
    assert sorted(place.data.glob("ledger.db*")) == [place.ledger, done.aside]
    assert place.ledger.stat().st_mode & 0o777 == 0o600


def test_a_restore_can_be_taken_back(place: Layout, grown: Path) -> None:
    first = restore(place, grown)
    with opened(place.ledger) as db:
        make.recorded(db)
    assert first.aside is not None

    second = restore(place, first.aside)

    assert (runs(place.ledger), second.next_run) == ([1, 2, 3], 5)


def test_what_was_not_yet_in_the_main_file_of_before_is_kept_and_not_mixed_in(place: Layout, grown: Path) -> None:
    # Who reads all the while keeps the log of the writes from being folded into the file and removed.
    with opened(place.ledger) as db, db.read() as reading:
        assert reading.exec_driver_sql("SELECT count(*) FROM runs").scalar() == 3
        make.recorded(db)
        beside = place.ledger.with_name("ledger.db-wal").stat().st_size

        done = restore(place, grown)

        assert reading.exec_driver_sql("SELECT count(*) FROM runs").scalar() == 3
    assert beside > 0
    assert done.aside is not None
    assert (runs(place.ledger), runs(done.aside)) == ([1, 2], [1, 2, 3, 4])


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
def test_nothing_that_lay_beside_the_ledger_stays_beside_the_one_that_is_put_back(
    place: Layout, grown: Path, suffix: str
) -> None:
    place.ledger.write_bytes(b"damaged")
    left = place.ledger.with_name(f"ledger.db{suffix}")
    left.write_bytes(b"of the damaged one")

    done = restore(place, grown)

    assert not left.exists()
    assert done.aside is not None
    # The index of the log is made anew by whoever opens it.
    assert suffix == "-shm" or done.aside.with_name(done.aside.name + suffix).read_bytes() == b"of the damaged one"
    assert runs(place.ledger) == [1, 2]


def test_a_new_data_folder_is_made_for_it(tmp_path: Path, grown: Path) -> None:
    fresh = layout.at(tmp_path / "elsewhere")

    done = restore(fresh, grown)

    assert (runs(fresh.ledger), done.aside, done.last_run) == ([1, 2], None, None)
    assert fresh.data.stat().st_mode & 0o777 == 0o711


def test_an_older_copy_is_brought_up_to_date(place: Layout, copy: Path) -> None:
    with contextlib.closing(sqlite3.connect(copy)) as raw:
        raw.executescript((SAMPLES / "v1.sql").read_text())

    restore(place, copy)

    with opened(place.ledger) as db, db.read() as connection:
        assert migrations.version(connection) == len(migrations.STEPS)


def test_a_copy_that_was_made_by_other_means_is_taken_with_what_lies_beside_it(place: Layout, copy: Path) -> None:
    with opened(copy) as db, db.read() as reading:
        reading.exec_driver_sql("SELECT 1 FROM runs")
        make.recorded(db)
        assert copy.with_name("copy.db-wal").stat().st_size > 0

        restore(place, copy)

    assert runs(place.ledger) == [1]


# --- what is refused


def foreign(copy: Path) -> None:
    copy.unlink()
    with contextlib.closing(sqlite3.connect(copy)) as raw:
        raw.execute("CREATE TABLE moz_places (url TEXT)")


def newer(copy: Path) -> None:
    with contextlib.closing(sqlite3.connect(copy)) as raw, raw:
        raw.execute("UPDATE schema_version SET version = 99")


def cut(copy: Path) -> None:
    os.truncate(copy, copy.stat().st_size // 2)


def garbled(copy: Path) -> None:
    """An index says what its table does not."""
    with contextlib.closing(sqlite3.connect(copy)) as raw, raw:
        raw.execute("PRAGMA writable_schema=ON")
        raw.execute("UPDATE sqlite_master SET sql = replace(sql, '(project, ref, id)', '(project, id, ref)')")


def overwritten(copy: Path) -> None:
    with copy.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(3 * 4096))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (Path.unlink, "there is no file .*copy.db"),
        (lambda copy: copy.write_text("runs\n1\n2\n"), "copy.db is not a ledger of ctci"),
        (lambda copy: copy.write_bytes(b""), "copy.db is not a ledger of ctci"),
        (foreign, "copy.db is not a ledger of ctci"),
        (newer, f"copy.db has schema version 99, and this ctci knows up to {len(migrations.STEPS)}"),
        (cut, "copy.db is damaged: .*malformed"),
        (garbled, "copy.db is damaged: "),
        (overwritten, "copy.db is damaged: "),
    ],
    ids=["absent", "text", "empty", "foreign", "newer", "cut", "garbled", "overwritten"],
)
def test_what_is_no_whole_ledger_is_refused_and_nothing_is_changed(
    place: Layout, grown: Path, harm: Callable[[Path], object], said: str
) -> None:
    harm(grown)

    with pytest.raises((ledger.LedgerError, RestoreError), match=said):
        restore(place, grown)

    assert runs(place.ledger) == [1, 2, 3]
    assert list(place.data.glob("ledger.db*")) == [place.ledger]


def test_while_a_server_has_the_data_folder_it_is_refused(place: Layout, grown: Path) -> None:
    with serving(place), pytest.raises(premises.PremisesError, match=r"another server \(pid \d+\).*`ctci stop` ends"):
        restore(place, grown)

    assert runs(place.ledger) == [1, 2, 3]


def test_the_ledger_is_not_put_in_its_own_place(place: Layout, grown: Path) -> None:
    assert grown.exists()

    with pytest.raises(RestoreError, match="is the ledger itself"):
        restore(place, place.ledger)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can call for another")
def test_another_users_data_folder_is_refused(place: Layout, grown: Path) -> None:
    os.chown(place.data, 4321, 4321)

    with pytest.raises(RestoreError, match=r"belongs to another user: .*sudo -u '#4321'"):
        restore(place, grown)


# --- whatever happens meanwhile


class Cut(BaseException):
    """The power is gone."""


def test_wherever_it_is_cut_short_there_is_a_whole_ledger(
    place: Layout, grown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [(os, "link"), (os, "fsync"), (Path, "rename"), (Path, "unlink")]
    left = 0

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: object, **named: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                raise Cut
            return real(*arguments, **named)

        return step

    found = []
    for cut_at in range(1, 100):
        with monkeypatch.context() as patch, contextlib.suppress(Cut):
            left = cut_at
            for owner, name in steps:
                patch.setattr(owner, name, counted(getattr(owner, name)))
            restore(place, grown)
        found.append(runs(place.ledger))
        if left > 0:
            break

    # The one of before, or the one that was put back; and it can be done again.
    assert [each for each in found if each not in ([1, 2, 3], [1, 2])] == []
    assert (found[0], found[-1], len(found) > 10) == ([1, 2, 3], [1, 2], True)


# --- numbers


def test_numbers_of_folders_and_pins_are_not_given_out_where_the_ledger_of_before_is_lost(
    place: Layout, grown: Path, upstream: Upstream
) -> None:
    sha = upstream.push({"a": "1"})
    git.fetch(
        place.mirror("shop"),
        git.Access(url=str(upstream.path)),
        commit=sha,
        ref="refs/heads/main",
        deadline_s=20,
        stop=lambda: False,
    )
    git.pin(place.mirror("shop"), 70_000, sha)
    place.job(90_000).mkdir()
    place.ledger.unlink()

    done = restore(place, grown)

    with opened(place.ledger) as db:
        run = make.recorded(db)
        (job,) = ledger.jobs_of(db, [run])[run]
    assert (done.next_run, run, job.id) == (70_001, 70_001, 90_001)


def test_where_nothing_tells_which_numbers_were_given_out_so_many_are_left_out_as_would_have_been(
    tmp_path: Path, place: Layout, copy: Path, stopped_clock: object
) -> None:
    assert stopped_clock
    with opened(place.ledger) as db:
        for _ in range(40):
            make.recorded(db)
        ledger.back_up(db, copy)

    done = restore(layout.at(tmp_path / "elsewhere"), copy)

    # 40 in no time at all: as many again, twice, and a thousand.
    assert done.next_run == 40 + 80 + restoring.LEAP + 1


class Life:
    """What may happen to a data folder, with all numbers that it ever gave out."""

    def __init__(self, folder: Path) -> None:
        self.place = layout.at(folder / "data")
        premises.open_folder(self.place)
        self.folder = folder
        self.runs: list[int] = []
        self.jobs: list[int] = []
        self.copies: list[Path] = []

    def record(self) -> None:
        with opened(self.place.ledger) as db:
            run = make.recorded(db, orders=(make.order(), make.order(recipe=make.recipe(name="lint"))))
            self.runs.append(run)
            for job in ledger.jobs_of(db, [run])[run]:
                self.jobs.append(job.id)
                self.place.job(job.id).mkdir()

    def forget(self) -> None:
        """The newest run goes, with its folders: nothing but the ledger knows of its numbers any more."""
        with opened(self.place.ledger) as db:
            newest: tuple[Run, ...] = ledger.runs_(db, limit=1)
            for run in newest:
                ledger.ask_cancel(db, by="ana", reason="", run=run.id)
                for job in ledger.forget(db, [run.id]):
                    with contextlib.suppress(FileNotFoundError):
                        self.place.job(job).rmdir()

    def back_up(self) -> None:
        with opened(self.place.ledger) as db:
            self.copies.append(self.folder / f"{len(self.copies)}.db")
            ledger.back_up(db, self.copies[-1])

    def restore(self) -> None:
        for copy in self.copies[-1:]:
            restore(self.place, copy)

    def restore_first(self) -> None:
        for copy in self.copies[:1]:
            restore(self.place, copy)

    def damage(self) -> None:
        if self.copies:
            self.place.ledger.write_bytes(b"damaged")
            self.restore()


STEPS = (Life.record, Life.record, Life.forget, Life.back_up, Life.restore, Life.restore_first, Life.damage)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(STEPS), min_size=3, max_size=12))
def test_no_number_is_ever_given_out_twice(tmp_path: Path, steps: list[Callable[[Life], None]]) -> None:
    folder = tmp_path / clock.new_key()
    folder.mkdir()
    life = Life(folder)

    for step in (Life.record, Life.back_up, *steps, Life.record):
        step(life)

    assert len(life.runs) == len(set(life.runs))
    assert len(life.jobs) == len(set(life.jobs))


# --- jobs


@pytest.fixture
def waiting(place: Layout, copy: Path) -> Path:
    """A ledger with a job that waits for a slot, one that needs it, and one that waits for its commit; its copy."""
    with opened(place.ledger) as db:
        ledger.host(db, "h1")
        build = make.order(recipe=make.recipe(name="build"))
        make.prepared(db, orders=(build, make.order(recipe=make.recipe(needs=("build",)))))
        make.recorded(db)
        ledger.back_up(db, copy)
    return copy


def test_what_waits_in_the_copy_is_cancelled_for_it_may_have_run_since(place: Layout, waiting: Path) -> None:
    done = restore(place, waiting)

    with opened(place.ledger) as db:
        found = [job for each in ledger.jobs_of(db, [1, 2]).values() for job in each]
        assert (done.cancelled, done.waiting) == (3, 0)
        assert [(job.status, job.cancel_by, job.reason) for job in found] == [
            (Status.CANCELLED, "ana", restoring.REASON)
        ] * 3
        assert [run.finished_at is not None for run in ledger.runs_(db)] == [True, True]
        assert ledger.unprepared(db) == ()


def test_what_waits_in_the_copy_runs_where_that_is_asked_for(place: Layout, waiting: Path) -> None:
    done = restore(place, waiting, keep_queue=True)

    with opened(place.ledger) as db:
        assert (done.cancelled, done.waiting) == (0, 3)
        assert ledger.claim(db, host=1, slot=1, boot_id="b") is not None


def test_a_job_that_runs_and_that_the_copy_does_not_know_of_keeps_it_from_being_put_back(
    place: Layout, grown: Path
) -> None:
    nap = jobs.nap()
    kept = jobs.begin(place.attempt(3, 1), f"sleep {nap}")
    eventually(lambda: jobs.alive(nap))
    os.close(kept.pidfd)

    with pytest.raises(RestoreError, match=r"1 job of which the copy does not know runs: .* --jobs"):
        restore(place, grown)
    alive, still = jobs.alive(nap), runs(place.ledger)
    done = restore(place, grown, end_jobs=True)

    assert (bool(alive), still) == (True, [1, 2, 3])
    assert (done.ended, jobs.alive(nap), runs(place.ledger)) == (1, [], [1, 2])
    ended = keeping.read(place.attempt(3, 1))
    assert ended is not None
    assert ended.how == "cancelled"


def test_a_job_that_runs_and_that_the_copy_knows_of_is_taken_over_with_its_true_end(place: Layout, copy: Path) -> None:
    with opened(place.ledger) as db:
        host = ledger.host(db, "h1")
        make.prepared(db)
        job, _ = make.running(db, host)
        ledger.back_up(db, copy)
    go = place.jobs / "go"
    kept = jobs.begin(place.attempt(job.id, 1), f"while [ ! -e {go} ]; do sleep 0.05; done; exit 7")
    os.close(kept.pidfd)

    restore(place, copy)

    with opened(place.ledger) as db:
        (adopted,) = adoption.take_over(db, place, host=host, boot_id="boot")
        go.touch()
        ended = keeping.wait(adopted.kept, wishes=lambda: False, poll_s=0.02)
        assert ended is not None
        assert ending.conclude(db, adopted.job, ended, host=host) is Status.FAILED
        assert (ended.code, ledger.jobs_of(db, [1])[1][0].status) == (7, Status.FAILED)


def test_the_folder_of_an_attempt_of_the_time_between_is_not_taken_for_the_attempt_to_come(
    place: Layout, waiting: Path
) -> None:
    with opened(place.ledger) as db:
        job, _ = make.running(db, 1)
    jobs.over(jobs.begin(place.attempt(job.id, job.attempt), "echo of the time between; exit 1"))

    restore(place, waiting, keep_queue=True)

    with opened(place.ledger) as db:
        again, _ = make.running(db, 1)
        assert (again.id, again.attempt) == (job.id, 1)
        ended = jobs.over(jobs.begin(place.attempt(again.id, 1), "echo new"))
    assert (ended.how, ended.code, jobs.said(place.attempt(again.id, 1))) == ("exit", 0, "new\n")
    (aside,) = place.job(job.id).glob("1.of-another-life-*")
    assert (aside / "log").read_text() == "of the time between\n"


@pytest.mark.parametrize("begun", [True, False])
def test_the_attempts_that_the_copy_knows_of_keep_their_folders(place: Layout, copy: Path, *, begun: bool) -> None:
    with opened(place.ledger) as db:
        host = ledger.host(db, "h1")
        make.prepared(db)
        job, _ = make.running(db, host)
        ledger.retry(db, job=1, attempt=1, host=host, status=Status.FAILED, reason="again", exit=make.exit_(code=1))
        claimed = ledger.claim(db, host=host, slot=1, boot_id="boot")
        assert claimed is not None
        if begun:
            ledger.begin(db, job=1, attempt=2, host=host)
        ledger.back_up(db, copy)
    for attempt in (1, 2, 3):
        place.attempt(job.id, attempt).mkdir(parents=True)

    restore(place, copy)

    left = sorted(each.name for each in place.job(job.id).iterdir() if each.name.isdecimal())
    assert left == (["1", "2"] if begun else ["1"])


# --- the whole story


class Forge:
    """Threads that call the hook as fast as it answers, each push of a branch of its own."""

    def __init__(self, served: Served, upstream: Upstream, sha: str) -> None:
        self._served, self._upstream, self._sha = served, upstream, sha
        #: Branch -> the run that the answer named.
        self.answered: dict[str, int] = {}
        self._stop = threading.Event()

    def _call(self, number: int) -> None:
        for count in itertools.count():
            if self._stop.is_set():
                return
            branch = f"refs/heads/{number}-{count}"
            body = gitea_push(self._upstream, self._sha, ref=branch)
            status, answer = post(self._served, body, gitea_headers(body, branch))
            assert status == 202
            run = answer["run"]
            assert isinstance(run, int)
            self.answered[branch] = run

    @contextlib.contextmanager
    def calling(self, threads: int) -> Iterator[None]:
        with ThreadPoolExecutor(threads) as pool:
            calls = [pool.submit(self._call, number) for number in range(threads)]
            try:
                yield
            finally:
                self._stop.set()
        for call in calls:
            call.result()


def test_a_backup_taken_under_load_restores_to_all_that_was_answered_before_it_began(
    served: Served, upstream: Upstream, tmp_path: Path
) -> None:
    served.start()
    forge = Forge(served, upstream, upstream.push({"test.sh": "exit 0"}))
    copy = tmp_path / "copy.db"

    with forge.calling(4):
        eventually(lambda: len(forge.answered) > 60)
        before = dict(forge.answered)
        served.ctci("backup", str(copy))
        eventually(lambda: len(forge.answered) > len(before) + 20)
    refused = served.ctci("restore", str(copy), check=False)
    served.stop()
    said = served.ctci("restore", str(copy)).stdout

    assert (refused.returncode, "`ctci stop` ends it" in refused.stderr) == (2, True)
    assert f"put {copy} in the place of {served.place.ledger}" in said
    with opened(served.place.ledger) as db, db.read() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalars().all() == ["ok"]
        there = {run.ref: run.id for run in ledger.runs_(db, limit=10_000)}
        told = {call.ref: call.run for call in ledger.deliveries_(db, limit=10_000)}
    assert before.items() - there.items() == set()
    assert before.items() - told.items() == set()
    assert len(there) < len(forge.answered)

    served.start()
    run, _ = ended(served, push(served, upstream, "exit 0", delivery="after"))
    assert (run.id > max(forge.answered.values()), run.status) == (True, Status.SUCCEEDED)


def test_what_was_pushed_after_the_copy_is_found_by_the_sweep_and_built(
    served: Served, upstream: Upstream, tmp_path: Path
) -> None:
    served.start()
    ended(served, push(served, upstream, "exit 0", delivery="before"))
    served.ctci("backup", str(tmp_path / "copy.db"))
    later, _ = ended(served, push(served, upstream, "exit 0", delivery="after"))
    served.stop()

    served.ctci("restore", str(tmp_path / "copy.db"))
    projects = served.config / "projects.toml"
    projects.write_text(projects.read_text().replace("[projects.shop]\n", '[projects.shop]\nsweep = "10s"\n'))
    served.start()

    run, _ = ended(served, later.id + 1)
    assert (run.kind, run.commit, run.status) == ("sweep", later.commit, Status.SUCCEEDED)
