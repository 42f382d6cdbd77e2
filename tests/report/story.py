"""Thirty days of a small shop, told in a few verbs: pushes, how their jobs end, nights, outages, and what people do.

A real ledger through its own verbs, schedules that fire by a stopped clock, and letters that a real mail server takes.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ctci import config, git, ledger
from ctci.config.settings import Config, Digest, Notify, Project, Schedule, Server, Smtp, Subproject
from ctci.layout import Layout
from ctci.model import RED, Commit, Entry, Finding, Job, Reading, Recipe, Remark, Repeat, SecretRef, Status, Tally
from ctci.receive import desk as counter
from ctci.receive.almanac import Almanac
from ctci.receive.asking import Asking
from ctci.receive.nightly import Nightly
from ctci.report.courier import Courier
from ctci.report.digests import Digests
from ctci.report.transitions import Transitions
from tests import make
from tests.conftest import StoppedClock
from tests.inline import Inline
from tests.report.desk import Desk
from tests.report.resting import rest

BERLIN, KOLKATA = "Europe/Berlin", "Asia/Kolkata"
MAIN = "refs/heads/main"
MINUTE = 60_000
#: When the couriers look though nothing happens, in Berlin: something is due then, for one table or the other.
LOOKS = ("02:30:05", "04:00:05", "04:30:05", "05:30:05", "07:30:05")
#: What a job takes where nothing else is said, seconds.
TAKES = {"api:test": 72, "api:build": 130, "web:test": 48, "docs:html": 20, "build": 61, "test": 9, "api:fuzz": 900}


@dataclass(frozen=True, kw_only=True)
class Author:
    """Who writes commits."""

    name: str
    email: str


ANA, BO, CY = (
    Author(name="Ana Ruiz", email="ana@example.org"),
    Author(name="Bo Lind", email="bo@example.org"),
    Author(name="Cy Odu", email="cy@example.org"),
)


@dataclass(frozen=True, kw_only=True)
class End:
    """How a job ends; the attempts before the last one were red."""

    status: Status = Status.SUCCEEDED
    reason: str | None = None
    findings: tuple[Finding, ...] = ()
    tests: Tally | None = None
    seconds: float | None = None
    attempts: int = 1
    log: str = ""


GREEN = End()


def red(*findings: Finding, reason: str = "exit 1", **fields: Any) -> End:
    """It fails, and its tools say why."""
    return End(status=Status.FAILED, reason=reason, findings=findings, **fields)


def ours(reason: str) -> End:
    """ctci could not run it."""
    return End(status=Status.ERRORED, reason=reason)


def fails(test: str, message: str, line: int, **fields: Any) -> Finding:
    """A test that fails."""
    file = test.partition("::")[0]
    return make.finding(test=test, file=file, line=line, message=message, fingerprint=_mark(test, message), **fields)


def complains(tool: str, file: str, line: int, message: str, **fields: Any) -> Finding:
    """An error that a tool writes into the log."""
    defaults: dict[str, Any] = {"severity": "error", "fingerprint": _mark(tool, file, message)}
    return make.finding(tool=tool, file=file, line=line, message=message, **{**defaults, **fields})


def _mark(*said: str) -> str:
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:32]


@dataclass
class Remotes:
    """Where the branches of the projects stand; it answers for the remotes."""

    heads: dict[str, dict[str, str]] = field(default_factory=dict)

    def ask(self, _settings: Config, project: Project, _stop: Callable[[], bool] = lambda: False) -> git.Told:
        refs = {ref: (sha,) for ref, sha in self.heads.get(project.name, {}).items()}
        return git.Told(refs=refs, default_branch="main")


class Story:
    """One server, its people, and the letters that they get."""

    def __init__(self, db: ledger.Ledger, place: Layout, desk: Desk, clock: StoppedClock, begins: str) -> None:
        self.db, self.place, self.desk, self.clock = db, place, desk, clock
        self.remotes, self.host = Remotes(), ledger.host(db, "h1")
        self.environ = {"CTCI_SMTP_URL": f"smtp://127.0.0.1:{desk.start()}"}
        self.machine = {"kernel": "6.12.48", "gcc": "13.2.0"}
        self.recipes: dict[str, dict[str, Recipe]] = _recipes()
        #: How the jobs of the next night end.
        self.night: Mapping[str, End] = {}
        self.remarks: tuple[Remark, ...] = ()
        #: When each letter came, Unix milliseconds.
        self.came: list[int] = []
        #: Why no commit can be fetched.
        self.fault: str | None = None
        self._commits: dict[str, Commit] = {}
        #: How the places that are red ended last.
        self._red: dict[tuple[str, str, str], End] = {}
        self._numbers = 0
        self._up = False
        self._nights_held = False
        clock.at = _ms(begins)
        self.start()

    # --- the server ---------------------------------------------------------------------------------------------------

    def settings(self) -> Config:
        """Three projects, two tables."""
        shop = Project(
            name="shop",
            remote=make.remote(url="/srv/git/acme/shop.git"),
            notify=("team", "ops"),
            schedules={"nightly": Schedule(name="nightly", cron="30 2 * * *", timezone=BERLIN)},
            subs={
                name: Subproject(name=name, path=name, paths=(f"{name}/**",), recipes=self.recipes[name])
                for name in ("api", "web", "docs")
            },
        )
        lib = Project(
            name="libwidget",
            remote=make.remote(url="/srv/git/acme/libwidget.git"),
            notify=("team", "ops"),
            schedules={"weekly": Schedule(name="weekly", cron="0 4 * * sun", timezone=BERLIN)},
            subs={"": Subproject(recipes=self.recipes["libwidget"])},
        )
        dots = Project(
            name="dotfiles",
            remote=make.remote(url="/srv/git/bo/dotfiles.git"),
            notify=("team",),
            subs={"": Subproject(recipes=self.recipes["dotfiles"])},
        )
        team = Notify(
            name="team",
            email=("team@example.org",),
            timezone=BERLIN,
            digest=Digest(at="07:30", quiet="short"),
            immediate=("broke", "fixed"),
        )
        ops = Notify(
            name="ops",
            email=("ops@example.org",),
            timezone=KOLKATA,
            digest=Digest(at="09:00", days=("mon-fri",), after="nightly"),
            immediate=("errored",),
            only=("shop@main", "libwidget"),
        )
        url = SecretRef(kind="env", name="CTCI_SMTP_URL")
        return Config(
            projects={each.name: each for each in (shop, lib, dots)},
            notify={"team": team, "ops": ops},
            server=Server(
                public_url="https://ci.example.org/", title="Acme CI", smtp=Smtp(url=url, sender="ci@example.org")
            ),
            timezone=BERLIN,
            folder=Path("/nonexistent"),
        )

    def start(self) -> None:
        """Another life of the server."""
        ledger.release(self.db, "me")
        self.current = config.Current(self.settings)
        asking: Any = self.remotes
        assert hasattr(Asking, "ask")
        self._nightly = Nightly(self.db, self.current, asking)
        almanac = Almanac(self.db, self.current)
        letters = Transitions(self.db, self.place, self.current, self.environ, lambda _project: ())
        digests = Digests(self.db, self.place, self.current, self.environ, almanac, lambda _projects: self.remarks)
        self._couriers = [Courier(self.db, sink, "me") for sink in (letters, digests)]
        self._up = True
        self.tick()

    def stop(self) -> None:
        """Nothing is looked at, nothing is told."""
        self._up = False

    def tick(self) -> None:
        """Let schedules fire and couriers work until they rest."""
        if not self._up:
            return
        self._nightly.tick(Inline())
        rest(*self._couriers, ticks=100)
        self.came += [self.clock.at] * (len(self.desk.envelopes) - len(self.came))

    # --- time ---------------------------------------------------------------------------------------------------------

    def at(self, when: str) -> None:
        """It becomes so late in Berlin: `2026-10-12 09:10`; `fold` the second of two such times with a `+` behind."""
        self._until(_ms(when))

    def _until(self, target: int, *, quiet: bool = False) -> None:
        """Through all that comes before; with `quiet` nobody looks at the end of it."""
        assert target >= self.clock.at, f"{target} has been"
        while self.clock.at < target:
            due = [at for sink in ("mail", "digest") if (at := ledger.next_due(self.db, sink)) is not None]
            self.clock.at = min(step for step in (target, self._look(), *due) if step > self.clock.at)
            if quiet and self.clock.at == target:
                return
            self.tick()
            if self._up and not self._nights_held:
                self._nights()

    def _look(self) -> int:
        """When the couriers look next."""
        today = datetime.fromtimestamp(self.clock.at / 1000, ZoneInfo(BERLIN)).date()
        looks = (_ms(f"{day} {look}") for day in (today, today + timedelta(days=1)) for look in LOOKS)
        return next(at for at in looks if at > self.clock.at)

    def _nights(self) -> None:
        """What schedules ask for is fetched and run."""
        for run in ledger.unprepared(self.db):
            if self.fault is not None:
                ledger.give_up(self.db, run.id, self.fault)
                self.tick()
                continue
            make.prepare(self.db, run.id, commit=self._head(run.project, run.ref), brought=())
            self.works(self.night)
            self.night = {}

    def _head(self, project: str, ref: str) -> Commit:
        return self._commits[self.remotes.heads[project][ref]]

    # --- pushes -------------------------------------------------------------------------------------------------------

    def push(
        self,
        project: str,
        *commits: tuple[Author, str, str],
        branch: str = "main",
        ends: Mapping[str, End] | None = None,
        begin: bool = True,
    ) -> int:
        """Commits, oldest first: author, subject, and the subprojects that they touch, in one word; then all its jobs.

        Without `begin` its jobs stay in the queue.
        """
        ref = f"refs/heads/{branch}"
        made = [self.commit(author, subject, touches) for author, subject, touches in commits]
        self.remotes.heads.setdefault(project, {})[ref] = made[-1].sha
        if not self._up:
            return 0
        return self.hears(project, made, branch=branch, ends=ends, begin=begin)

    def hears(
        self,
        project: str,
        made: Sequence[Commit],
        *,
        branch: str = "main",
        ends: Mapping[str, End] | None = None,
        begin: bool = True,
    ) -> int:
        """The hook tells of commits."""
        ref, settings = f"refs/heads/{branch}", self.current.get()
        self._numbers += 1
        trigger = make.trigger(
            key=f"gitea:{self._numbers}:{ref}", project="", ref=ref, after=made[-1].sha, default_branch="main"
        )
        told = counter.receive(
            self.db,
            settings,
            settings.projects[project],
            forge="gitea",
            event="push",
            key=trigger.key,
            items=(replace(trigger, pusher=made[-1].author.split()[0].lower()),),
        )
        run = told[0].run
        assert run is not None
        touched = {name for each in made for name in each.touches}
        bases = ledger.bases(self.db, project, ref)
        repeats = {}
        for job in ledger.jobs_of(self.db, [run])[run]:
            base = bases.get((job.order.subproject, job.order.recipe.name))
            if (
                base is not None
                and job.order.subproject
                and job.order.subproject not in touched
                and job.order.recipe == base[0].order.recipe
            ):
                repeats[job.id] = _repeat(base[0])
        fork = self.remotes.heads[project].get(MAIN) if branch != "main" else None
        make.prepare(
            self.db,
            run,
            commit=made[-1],
            brought=tuple(reversed(made)),
            repeats=repeats,
            merge_base=fork,
        )
        if begin:
            self.works(ends or {})
        return run

    def commit(self, author: Author, subject: str, touches: str) -> Commit:
        self._numbers += 1
        sha = hashlib.sha1(f"{self._numbers} {subject}".encode()).hexdigest()
        made = make.commit(
            sha=sha,
            author=author.name,
            email=author.email,
            subject=subject,
            at=self.clock.at,
            touches=tuple(touches.split()) or ("",),
        )
        self._commits[sha] = made
        return made

    def again(self, run: int, ends: Mapping[str, End] | None = None, *, failed: bool = True) -> int:
        """A person runs a run again."""
        found = ledger.run(self.db, run)
        assert found is not None
        made = counter.rerun(self.db, run, by="bo", failed=failed).run
        assert made is not None
        make.prepare(self.db, made, commit=self._commits[found.commit or ""], brought=())
        kept = dict(self._red)
        self.works(ends or {})
        if found.commit != self.remotes.heads[found.project].get(found.ref):
            # What is old says nothing of what is built at night.
            self._red = kept
        return made

    def works(self, ends: Mapping[str, End]) -> None:
        """All that is queued runs to its end, one after the other; what is not named is green."""
        left = dict(ends)
        while (claimed := ledger.claim(self.db, host=self.host, slot=1, boot_id="boot")) is not None:
            job, _ = claimed
            place = job.order.project, job.order.ref, job.place
            # What nobody has mended is red at night too.
            end = left.get(job.place, self._red.get(place, GREEN) if ends is self.night else GREEN)
            if end.status in RED:
                self._red[place] = end
            elif end.status is Status.SUCCEEDED:
                self._red.pop(place, None)
            self._runs(job, end)

    def _runs(self, job: Job, end: End) -> None:
        ledger.begin(self.db, job=job.id, attempt=job.attempt, host=self.host, facts=self.machine)
        seconds = TAKES.get(job.place, 30) if end.seconds is None else end.seconds
        self._wait(seconds)
        fence: dict[str, Any] = {"attempt": job.attempt, "host": self.host}
        for _ in range(end.attempts - 1):
            done = make.exit_(code=1, seconds=seconds)
            ledger.retry(self.db, job=job.id, **fence, status=Status.FAILED, reason="exit 1", exit=done)
            again = ledger.claim(self.db, host=self.host, slot=1, boot_id="boot")
            assert again is not None
            fence["attempt"] = again[0].attempt
            ledger.begin(self.db, job=job.id, **fence, facts=self.machine)
            self._wait(seconds)
        self.ends(replace(job, attempt=fence["attempt"]), end, seconds)

    def _wait(self, seconds: float) -> None:
        held, self._nights_held = self._nights_held, True
        self._until(self.clock.at + int(seconds * 1000), quiet=True)
        self._nights_held = held

    def begins(self) -> Job:
        """The next job of the queue begins, and goes on."""
        claimed = ledger.claim(self.db, host=self.host, slot=1, boot_id="boot")
        assert claimed is not None
        job, _ = claimed
        ledger.begin(self.db, job=job.id, attempt=job.attempt, host=self.host, facts=self.machine)
        return job

    def ends(self, job: Job, end: End, seconds: float = 60) -> None:
        """A job that runs ends."""
        if end.log:
            path = self.place.log(job.id, job.attempt)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(end.log)
        reading = None
        if end.findings or end.tests:
            reading = Reading(
                job=job.id,
                attempt=job.attempt,
                tests=end.tests,
                errors=len(end.findings),
                first=0 if end.status in RED and end.findings else None,
            )
        code = {Status.SUCCEEDED: 0, Status.FAILED: 1}.get(end.status)
        done = make.exit_(code=code, seconds=seconds, how="timeout" if end.status is Status.TIMED_OUT else "exit")
        ledger.settle(
            self.db,
            job=job.id,
            attempt=job.attempt,
            host=self.host,
            status=end.status,
            reason=end.reason,
            exit=None if end.status in (Status.ERRORED, Status.SUPERSEDED) else done,
            reading=reading,
            findings=end.findings,
        )
        self.tick()

    # --- and what else people and machines do -------------------------------------------------------------------------

    def cancels(self, run: int) -> None:
        """Bo ends a run."""
        ledger.ask_cancel(self.db, by="bo", reason="asked for by bo", run=run)
        self.tick()

    def refuses(self, project: str, times: int = 1) -> None:
        """Calls come whose signature does not match."""
        for _ in range(times):
            self._numbers += 1
            ledger.refuse(
                self.db,
                project=project,
                forge="gitea",
                event="push",
                key=f"r{self._numbers}",
                reason="the signature does not match",
            )
            self.clock.at += MINUTE

    def deletes(self, project: str, branch: str) -> None:
        """A branch is gone from the remote, and the hook tells of it."""
        ref = f"refs/heads/{branch}"
        del self.remotes.heads[project][ref]
        self._numbers += 1
        gone = Entry(
            project=project,
            forge="gitea",
            event="push",
            key=f"g{self._numbers}",
            ref=ref,
            reason=f"{branch} is deleted",
            deleted=True,
        )
        ledger.record(self.db, (gone,))

    def acks(self, finding: Finding, *, project: str, until: str, why: str) -> None:
        """Ana acknowledges a finding."""
        said = f"{finding.spot}: {finding.message}"
        ledger.ack(
            self.db, project=project, fingerprint=finding.fingerprint, said=said, until=_ms(until), why=why, by="ana"
        )

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """The nights' jobs are not run meanwhile: what they ask for stays in the queue."""
        self._nights_held = True
        yield
        self._nights_held = False

    # --- the letters --------------------------------------------------------------------------------------------------

    def letters(self, day: str) -> str:
        """All letters of a day in Berlin, as they are read."""
        mine = [
            _read(message, at)
            for message, at in zip(self.desk.messages, self.came, strict=True)
            if datetime.fromtimestamp(at / 1000, ZoneInfo(BERLIN)).date().isoformat() == day
        ]
        # Whom it is sent to has a key that is made by chance.
        return re.sub(r"\bk=[0-9a-f]{32}", "k=KEY", "\n".join(mine))


def _recipes() -> dict[str, dict[str, Recipe]]:
    return {
        "api": {
            "test": Recipe(name="test", run="make test"),
            "build": Recipe(name="build", run="make build"),
            "fuzz": Recipe(name="fuzz", run="make fuzz", on=("nightly",)),
        },
        "web": {"test": Recipe(name="test", run="npm test", retries=1)},
        "docs": {"html": Recipe(name="html", run="make html")},
        "libwidget": {"build": Recipe(name="build", run="make && make check")},
        "dotfiles": {"test": Recipe(name="test", run="./test.sh")},
    }


def _repeat(base: Job) -> Repeat:
    if base.same_as is not None:
        return Repeat(job=base.same_as, status=base.status, reason=base.reason or "")
    return Repeat(job=base.id, status=base.status, reason=f"unchanged since #{base.run}: {base.status}")


def _ms(when: str) -> int:
    there = datetime.fromisoformat(when.rstrip("+")).replace(tzinfo=ZoneInfo(BERLIN), fold=when.endswith("+"))
    return round(there.timestamp() * 1000)


def _read(message: EmailMessage, at: int) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    came = datetime.fromtimestamp(at / 1000, ZoneInfo(BERLIN)).strftime("%a %-d %b %H:%M %Z")
    told = [("Came", came), ("To", message["To"]), ("Subject", message["Subject"])]
    told += [("Kind", message["X-CTCI-Kind"]), ("Verdict", message["X-CTCI-Verdict"])]
    if message["In-Reply-To"]:
        told.append(("In-Reply-To", str(message["In-Reply-To"]).partition(".")[0].lstrip("<") + " ..."))
    head = "\n".join(f"{name}: {value}" for name, value in told)
    text = body.get_content().replace("\r\n", "\n").rstrip()
    text = re.sub(r"127\.0\.0\.1:\d+", "mail.example.org:25", text)
    return f"{'=' * 72}\n{head}\n\n{text}\n"
