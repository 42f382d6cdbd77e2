"""The story of four pushes: a throw-away repository, a real server, a real hook, nothing kept.

ok -> FAILED -> superseded -> fixed, with the log as it is written and the letters that went out. No network but
loopback; leaves no process and no folder, also when it is interrupted.
"""

import contextlib
import email
import email.policy
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ctci import clock, layout, ledger, setup
from ctci.model import FINISHED, Job, Status

T = TypeVar("T")

#: A push that takes longer than this has gone wrong, seconds.
PATIENCE_S = 60.0

PROJECTS = """\
# The whole configuration of this demo.
[notify.team]
email = ["team@example.org"]

[projects.shop]
git            = "{repository}"
on-new-push    = "supersede"
notify         = ["team"]

[projects.shop.sub.api]
path           = "api"
recipes.build  = "sh build.sh"
recipes.test   = "sh test.sh"
"""

BUILD = """\
echo "building the cart"
sh -n cart.sh && echo "cart.sh is a shell script"
"""

TEST = """\
failed=0
for case in "1 1999 1999" "2 1999 3998" "3 333 999"; do
    set -- $case
    got=$(sh cart.sh "$1" "$2")
    if [ "$got" = "$3" ]; then
        echo "test_total($1 x $2) ... ok"
    else
        echo "test_total($1 x $2) ... FAILED"
        echo "  cart.sh:1: error: expected $3 cents, got $got"
        failed=$((failed + 1))
    fi
    sleep 0.1
done
[ "$failed" = 0 ] || { echo "$failed of 3 tests fail"; exit 1; }
echo "3 tests pass"
"""

RIGHT = "echo $(($1 * $2))\n"
WRONG = "echo $(($1 * $2 / 100)).$(($1 * $2 % 100))\n"
#: Waits for a file that never comes: the next push finds it running, so nothing here hangs on timing.
WAITING = "tries=0\nwhile [ ! -e released ] && [ $tries -lt 300 ]; do sleep 0.2; tries=$((tries + 1)); done\n"


@dataclass(frozen=True, kw_only=True)
class Push:
    """One chapter: what is pushed, and what must become of its test."""

    subject: str
    cart: str
    becomes: Status
    told: str


STORY = (
    Push(subject="Add cart", cart=RIGHT, becomes=Status.SUCCEEDED, told="ok"),
    Push(subject="Use floats", cart=WRONG, becomes=Status.FAILED, told="broke on main"),
    Push(subject="Round late", cart=WAITING + WRONG, becomes=Status.SUPERSEDED, told="superseded by push 4"),
    Push(subject="Use cents again", cart=RIGHT, becomes=Status.SUCCEEDED, told="fixed after 2 pushes"),
)


class DemoError(Exception):
    """The story went another way; the message says where."""


def run(*, check: bool = False, keep: bool = False, say: Callable[[str], None] = print) -> int:
    """Tell the story; 0 when it went as it must. Without `check` the pages stay open until Ctrl-C."""
    folder = Path(tempfile.mkdtemp(prefix="ctci-demo-"))
    say(f"demo in {folder} ({'kept' if keep else 'deleted on exit; keep it with --keep'})")
    demo = Demo(folder, say)
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with demo.server():
            for number, push in enumerate(STORY, 1):
                demo.tell(number, push)
            demo.letters(2)
            say(f"open  {demo.url}    the letters lie in {demo.place.mail}")
            if not check:
                say("Ctrl-C to stop.")
                threading.Event().wait()
    except DemoError as error:
        say(f"the demo went wrong: {error}")
        say((folder / "server.log").read_text(errors="replace")[-2000:])
        return 1
    except KeyboardInterrupt:
        say("")
        # Who looks at the pages ends the demo so; who checks wanted its end.
        return 130 if check else 0
    finally:
        signal.signal(signal.SIGTERM, previous)
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    say("ok -> FAILED -> superseded -> fixed: as it must be")
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


class Demo:
    """The folder of one telling: a bare repository with the hook, a clone, the configuration, the data."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._waiting: list[tuple[int, Push, int, str]] = []
        self.place = layout.at(folder / "data")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/"
        self._listen = f"127.0.0.1:{port}"
        # Nothing of the user's own git or ctci is to reach into the demo.
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "CTCI_"))},
            "HOME": str(folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        self._lay_out()

    def _lay_out(self) -> None:
        bare, clone, settings = (self._folder / name for name in ("shop.git", "shop", "config"))
        self._git("init", "--quiet", "--bare", "--initial-branch=main", str(bare))
        self._git("clone", "--quiet", str(bare), str(clone))
        self._git("-C", str(clone), "checkout", "--quiet", "-B", "main")
        for name, value in (("user.name", "Ana Ruiz"), ("user.email", "ana@example.org")):
            self._git("-C", str(clone), "config", name, value)
        settings.mkdir()
        (settings / "projects.toml").write_text(PROJECTS.format(repository=bare))
        self.place.data.mkdir()
        setup.install_hook(
            bare, project="shop", socket=self.place.socket, url=None, secret_file=None, spool=self.place.spool
        )

    @contextlib.contextmanager
    def server(self) -> Iterator[None]:
        """A real server until the block ends; then no job and no process is left."""
        with (self._folder / "server.log").open("wb") as out:
            server = subprocess.Popen(
                [
                    sys.executable,
                    *("-m", "ctci", "--config", str(self._folder / "config"), "--data-dir", str(self.place.data)),
                    *("serve", "--listen", self._listen),
                ],
                env={**self._environ, "CTCI_MAX_JOBS": "2", "CTCI_DISK_FLOOR": "0"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                # Ctrl-C is for us: jobs are ended first, then the server.
                start_new_session=True,
            )
        try:
            self._await("the server answers", lambda: server.poll() is not None or self._answers())
            if server.poll() is not None:
                raise DemoError("the server did not start")
            yield
        finally:
            self._end_jobs()
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()

    def tell(self, number: int, push: Push) -> None:
        """Push, then follow what comes of it; a push that is to be superseded is told with the next one."""
        sha, run = self._push(push)
        first, test = self._jobs(run)
        if push.becomes is Status.SUPERSEDED:
            self._await(f"push {number} runs", lambda: self._job(test.id).status is Status.RUNNING)
            self._waiting.append((number, push, run, sha))
            return
        self._follow(test)
        self._await(f"push {number} is done", lambda: self._job(first.id).status in FINISHED)
        for earlier, waited, its_run, its_sha in self._waiting:
            self._line(earlier, waited, its_sha, self._settled(its_run, waited))
        self._waiting.clear()
        self._line(number, push, sha, self._settled(run, push))
        if push.becomes is Status.FAILED:
            # What breaks and is fixed before anybody heard of it would be one letter.
            self._out(1)

    def _out(self, count: int) -> None:
        # A file that is still being written has another name.
        self._await(f"{count} letters are out", lambda: len(list(self.place.mail.glob("*.eml"))) >= count)

    def letters(self, count: int) -> None:
        """Show the letters that went out: one when it broke, one when it was fixed."""
        self._out(count)
        texts = []
        for path in self.place.mail.glob("*.eml"):
            letter = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            body = letter.get_body(("plain",))
            texts.append((str(letter["Subject"]), body.get_content() if body is not None else ""))
        broke = next((each for each in texts if each[0].startswith("[ctci] broke")), None)
        fixed = next((each for each in texts if "is fixed" in each[1]), None)
        if broke is None or fixed is None:
            raise DemoError(f"the letters are {[subject for subject, _ in texts]}")
        self._say(f"\n{len(texts)} letters went to team@example.org. The one about push 2:\n")
        self._say("    Subject: " + broke[0] + "\n")
        self._say("".join(f"    {line}\n" for line in broke[1].rstrip().splitlines()))
        self._say(f"The last one, in its thread: {fixed[1].splitlines()[0]}")

    # --- what a chapter is made of ------------------------------------------------------------------------------------

    def _push(self, push: Push) -> tuple[str, int]:
        clone = self._folder / "shop"
        (clone / "api").mkdir(exist_ok=True)
        for name, text in (("build.sh", BUILD), ("test.sh", TEST), ("cart.sh", push.cart)):
            (clone / "api" / name).write_text(text)
        self._git("-C", str(clone), "add", "--all")
        self._git("-C", str(clone), "commit", "--quiet", "-m", push.subject)
        sha = self._git("-C", str(clone), "rev-parse", "HEAD").strip()
        self._say(f"\n$ git push                                   # {sha[:7]} {push.subject}")
        for line in self._git("-C", str(clone), "push", "--quiet", "origin", "main").splitlines():
            self._say(f"  {line.rstrip()}")

        def recorded() -> int | None:
            return next((run.id for run in ledger.runs_(self._db) if run.after == sha), None)

        return sha, self._await("the push is recorded", recorded)

    def _follow(self, job: Job) -> None:
        """Print the log of a job as it is written, until it has ended."""
        at = 0
        ended = False
        deadline = clock.monotonic() + PATIENCE_S
        while not ended:
            found = self._job(job.id)
            ended = found.status in FINISHED
            log = self.place.log(job.id, found.attempt)
            if found.attempt and log.exists():
                with log.open("rb") as file:
                    file.seek(at)
                    fresh = file.read()
                whole = fresh if ended else fresh[: fresh.rfind(b"\n") + 1]
                at += len(whole)
                for line in whole.decode(errors="replace").splitlines():
                    self._say(f"    {found.place} | {line}")
            if clock.monotonic() > deadline:
                raise DemoError(f"{found.name} does not end")
            if not ended:
                clock.wait(threading.Event(), 0.05)

    def _settled(self, run: int, push: Push) -> tuple[Job, ...]:
        def over() -> bool:
            found = ledger.run(self._db, run)
            return found is not None and found.finished_at is not None

        self._await(f"#{run} is over", over)
        jobs = ledger.jobs_of(self._db, [run])[run]
        if jobs[-1].status is not push.becomes:
            raise DemoError(f"“{push.subject}” was to end {push.becomes}, and is {jobs[-1].status} ({jobs[-1].reason})")
        return jobs

    def _line(self, number: int, push: Push, sha: str, jobs: tuple[Job, ...]) -> None:
        subject = f'"{push.subject}"'
        words = "   ".join(self._word(job) for job in jobs)
        self._say(f"  push {number}  main {sha[:7]}  {subject:<18} {words}   {push.told}")

    def _word(self, job: Job) -> str:
        words = {Status.SUCCEEDED: ("ok", 32), Status.FAILED: ("FAILED", 31), Status.SUPERSEDED: ("superseded", 35)}
        word, colour = words.get(job.status, (str(job.status), 33))
        took = f" {job.exit.seconds:.1f}s" if job.exit and job.status is not Status.SUPERSEDED else ""
        shown = f"\033[{colour}m{word}\033[0m" if self._colour else word
        return f"{job.place} {shown}{took}"

    # --- the world ----------------------------------------------------------------------------------------------------

    @property
    def _db(self) -> ledger.Ledger:
        if self._opened is None:
            self._opened = ledger.connect(self.place.ledger)
        return self._opened

    _opened: ledger.Ledger | None = None

    def _job(self, id_: int) -> Job:
        found = ledger.job(self._db, id_)
        if found is None:
            raise DemoError(f"job {id_} is gone from the ledger")
        return found

    def _jobs(self, run: int) -> tuple[Job, Job]:
        build, test = ledger.jobs_of(self._db, [run])[run]
        return build, test

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}healthz", timeout=1) as answer:  # noqa: S310 - our own address
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _end_jobs(self) -> None:
        """An orderly stop leaves jobs running for the next life; this server has none."""
        if not self.place.ledger.exists():
            return
        for run in ledger.runs_(self._db):
            if run.finished_at is None:
                ledger.ask_cancel(self._db, by="demo", reason="the demo is over", run=run.id)
        with contextlib.suppress(DemoError):
            self._await("no job runs", lambda: ledger.counts(self._db)["running"] == 0, within_s=20)
        self._db.close()
        self._opened = None

    def _await(self, what: str, probe: Callable[[], T | None], *, within_s: float = PATIENCE_S) -> T:
        deadline = clock.monotonic() + within_s
        while True:
            found = probe()
            if found:
                return found
            if clock.monotonic() > deadline:
                raise DemoError(f"not within {within_s:.0f} s: {what}")
            clock.wait(threading.Event(), 0.03)

    def _git(self, *arguments: str) -> str:
        """What git said, on either stream."""
        done = subprocess.run(
            ["git", *arguments],
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=PATIENCE_S,
        )
        if done.returncode:
            raise DemoError(f"git {' '.join(arguments)}: {done.stdout.strip()}")
        return done.stdout


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
